package httpapi_test

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// platformDesk is a desk with a person and a service account.
func platformDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.user(t, account.Draft{Username: "Amy", Email: "amy@example.com", Roles: []string{"partner"}})
	d.user(t, account.Draft{Username: "robot", Kind: account.Service})
	return d
}

// postPlatform enrols a platform by the API and returns it with the whole answer.
func (d *desk) postPlatform(t *testing.T, body string) (api.IssuedPlatform, answer) {
	t.Helper()
	a := d.want(t, ask{route: "POST /v1/platforms", token: d.adminToken, body: body}, http.StatusCreated, "")
	var issued api.IssuedPlatform
	a.into(t, &issued)
	return issued, a
}

// signer reads the private key that was shown.
func signer(t *testing.T, alg jose.Algorithm, text string) jose.Signer {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(rest) > 0 {
		t.Fatalf("got %q, want one PEM block", text)
	}
	der := block.Bytes
	if block.Type == "RSA PRIVATE KEY" {
		key, err := x509.ParsePKCS1PrivateKey(der)
		check(t, err)
		der, err = x509.MarshalPKCS8PrivateKey(key)
		check(t, err)
	}
	s, err := jose.ParseSigner(alg, der)
	check(t, err)
	return s
}

// assertion returns an assertion about a user that ends in a minute, with further claims.
func (d *desk) assertion(t *testing.T, s jose.Signer, email, further string) string {
	t.Helper()
	claims := fmt.Sprintf(`{"email":%q,"expire":%d%s}`, email, d.clock().Unix()+60, further)
	text, err := s.Sign(rand.Reader, jose.Header{}, []byte(claims))
	check(t, err)
	return text
}

// explain asks about an assertion.
func (d *desk) explain(t *testing.T, of, assertion string) (told api.AssertionExplanation) {
	t.Helper()
	body := encodeJSON(t, api.AssertionQuestion{Assertion: assertion})
	d.want(t, ask{route: "POST /v1/platforms/" + of + "/explain", token: d.adminToken, body: body}, http.StatusOK, "").into(t, &told)
	return told
}

// TestPlatformLife enrols a platform, reads it, changes each of its members, and deletes it.
func TestPlatformLife(t *testing.T) {
	d := platformDesk(t)
	issued, a := d.postPlatform(t, `{"name":"Partner <b>","algorithm":"ES256","issuer":"https://partner.example.com","audience":"jeton",`+
		`"speaks_for":["user:AMY","role:partner"],"create_users":true,"new_user_roles":["partner"],"max_assertion_seconds":60,"one_time":true,"kid":"k1"}`)
	want := api.Platform{
		ID: issued.ID, Code: issued.Code, Name: "Partner <b>", Algorithm: "ES256", Enabled: true, Issuer: "https://partner.example.com", Audience: "jeton",
		SpeaksFor: []string{"role:partner", "user:Amy"}, CreateUsers: true, NewUserRoles: []string{"partner"}, MaxAssertionSeconds: 60, OneTime: true,
		Keys: issued.Keys, CreatedAt: d.clock(), UpdatedAt: d.clock(),
	}
	if diff := gocmp.Diff(want, issued.Platform); diff != "" || len(issued.Code) != 8 || !strings.HasPrefix(issued.PrivateKey, "-----BEGIN PRIVATE KEY-----\n") || issued.Secret != "" {
		t.Errorf("enrolled (-want +got): %s; code %q", diff, issued.Code)
	}
	if len(issued.Keys) != 1 || issued.Keys[0].Algorithm != "ES256" || issued.Keys[0].KeyID != "k1" || !strings.HasPrefix(issued.Keys[0].PublicKey, "-----BEGIN PUBLIC KEY-----\n") || issued.Keys[0].Shared {
		t.Errorf("got keys %+v, want the public half of one", issued.Keys)
	}
	route := "/v1/platforms/" + issued.ID
	if got := a.header.Get("Location"); got != route {
		t.Errorf("got Location %q, want %q", got, route)
	}
	var got api.Platform
	read := d.want(t, ask{route: "GET /v1/platforms/" + issued.Code, token: d.adminToken}, http.StatusOK, "")
	read.into(t, &got)
	if diff := gocmp.Diff(want, got); diff != "" || read.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("read (-want +got): %s; ETag %s, want %s", diff, read.header.Get("ETag"), a.header.Get("ETag"))
	}
	for _, step := range []struct {
		patch string
		then  func()
	}{
		{`{"name":"Partner"}`, func() { want.Name = "Partner" }},
		{`{"issuer":null}`, func() { want.Issuer = "" }},
		{`{"audience":""}`, func() { want.Audience = "" }},
		{`{"administrators":true}`, func() { want.Administrators = true }},
		{`{"create_users":false,"new_user_roles":null}`, func() { want.CreateUsers, want.NewUserRoles = false, nil }},
		{`{"speaks_for":["user:amy"]}`, func() { want.SpeaksFor = []string{"user:Amy"} }},
		{`{"speaks_for":["all"]}`, func() { want.SpeaksFor = []string{"all"} }},
		{`{"max_assertion_seconds":86400}`, func() { want.MaxAssertionSeconds = 86400 }},
		{`{"one_time":false}`, func() { want.OneTime = false }},
		{`{"enabled":false}`, func() { want.Enabled = false }},
		{`{"enabled":true}`, func() { want.Enabled = true }},
	} {
		got, before := api.Platform{}, read.header.Get("ETag")
		step.then()
		d.now.Add(1)
		want.UpdatedAt = d.clock()
		q := ask{route: "PATCH " + route, token: d.adminToken, body: step.patch, header: map[string]string{"If-Match": before}}
		read = d.want(t, q, http.StatusOK, "")
		read.into(t, &got)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got): %s", step.patch, diff)
		}
		d.want(t, q, http.StatusPreconditionFailed, api.CodeStale)
	}
	d.want(t, ask{route: "DELETE " + route, token: d.adminToken}, http.StatusNoContent, "")
	for _, of := range []string{issued.ID, issued.Code} {
		for _, rest := range []string{"GET ", "PATCH ", "DELETE "} {
			d.want(t, ask{route: rest + "/v1/platforms/" + of, token: d.adminToken, body: map[string]string{"PATCH ": "{}"}[rest]}, http.StatusNotFound, api.CodeNotFound)
		}
		d.want(t, ask{route: "GET /v1/platforms/" + of + "/keys", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
		d.want(t, ask{route: "POST /v1/platforms/" + of + "/keys", token: d.adminToken, body: `{}`}, http.StatusNotFound, api.CodeNotFound)
		d.want(t, ask{route: "POST /v1/platforms/" + of + "/explain", token: d.adminToken, body: `{"assertion":"x"}`}, http.StatusNotFound, api.CodeNotFound)
	}
	d.postPlatform(t, `{"name":"PARTNER","algorithm":"EdDSA"}`) // the name is free again
	if got := d.actions(t); got[0] != "platform.create PARTNER" || got[1] != "platform.delete Partner" || got[2] != "platform.update Partner" {
		t.Errorf("got events %v", got[:3])
	}
}

// TestPlatformDefaults: what isn't said is what is safe, or what BitCanuck's platforms have.
func TestPlatformDefaults(t *testing.T) {
	d := newDesk(t)
	issued, a := d.postPlatform(t, `{"name":"Plain"}`)
	want := api.Platform{
		ID: issued.ID, Code: issued.Code, Name: "Plain", Algorithm: "RS512", Enabled: true, SpeaksFor: []string{"all"}, MaxAssertionSeconds: 900,
		Keys: issued.Keys, CreatedAt: d.clock(), UpdatedAt: d.clock(),
	}
	if diff := gocmp.Diff(want, issued.Platform); diff != "" || !strings.HasPrefix(issued.PrivateKey, "-----BEGIN RSA PRIVATE KEY-----\n") {
		t.Errorf("enrolled (-want +got): %s", diff)
	}
	var members map[string]any
	decodeJSON(t, a.body, &members)
	absent := []string{"issuer", "audience", "new_user_roles", "secret", "last_used_at", "last_used_ip"}
	for _, name := range absent {
		if _, there := members[name]; there {
			t.Errorf("got the member %s of %s, want none", name, a.body)
		}
	}
	signer(t, jose.RS512, issued.PrivateKey)
	off, _ := d.postPlatform(t, `{"name":"Off","algorithm":"EdDSA","enabled":false}`)
	if off.Enabled {
		t.Error("got an enabled platform, want a disabled one")
	}
}

// TestPlatformKeys adds a key of each sort and deletes them. What is secret is shown where it is made, and only there.
func TestPlatformKeys(t *testing.T) {
	d := newDesk(t)
	issued, _ := d.postPlatform(t, `{"name":"Partner","algorithm":"HS256"}`)
	if len(issued.Secret) != 86 || issued.PrivateKey != "" || !issued.Keys[0].Shared || issued.Keys[0].PublicKey != "" {
		t.Errorf("got %+v, want a secret", issued.Keys)
	}
	route := "/v1/platforms/" + issued.Code + "/keys"
	brought := strings.Repeat("brought", 10)
	var ids []string
	for i, tt := range []struct {
		body       string
		want       api.PlatformKey
		private    string
		wantSecret bool
	}{
		{`{}`, api.PlatformKey{Algorithm: "HS256", Shared: true}, "", true},
		{`{"secret":"` + brought + `","algorithm":"HS512"}`, api.PlatformKey{Algorithm: "HS512", Shared: true}, "", false},
		{`{"algorithm":"EdDSA","public_key":` + encodeJSON(t, publicKey) + `,"kid":"k1"}`, api.PlatformKey{Algorithm: "EdDSA", PublicKey: publicKey, KeyID: "k1"}, "", false},
		{`{"algorithm":"RS384","jwks_uri":"https://partner.example.com/jwks.json"}`, api.PlatformKey{Algorithm: "RS384", JWKSURI: "https://partner.example.com/jwks.json"}, "", false},
	} {
		d.now.Add(1)
		var key api.IssuedPlatformKey
		a := d.want(t, ask{route: "POST " + route, token: d.adminToken, body: tt.body}, http.StatusCreated, "")
		a.into(t, &key)
		tt.want.ID, tt.want.CreatedAt = key.ID, d.clock()
		if diff := gocmp.Diff(tt.want, key.PlatformKey); diff != "" || (key.Secret != "") != tt.wantSecret || key.PrivateKey != "" {
			t.Errorf("%d: added (-want +got): %s; %s", i, diff, a.body)
		}
		if want := "/v1/platforms/" + issued.ID + "/keys/" + key.ID; a.header.Get("Location") != want {
			t.Errorf("got Location %q, want %q", a.header.Get("Location"), want)
		}
		ids = append(ids, key.ID)
	}
	a := d.want(t, ask{route: "POST " + route, token: d.adminToken, body: `{}`}, http.StatusConflict, api.CodeConflict) // five live
	a.wantField(t, "keys")

	var list api.List[api.PlatformKey]
	got := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
	got.into(t, &list)
	var listed []string
	for _, k := range list.Items {
		listed = append(listed, k.ID)
	}
	if want := append([]string{issued.Keys[0].ID}, ids...); !slices.Equal(listed, want) || list.Next != "" {
		t.Errorf("got keys %v, want %v, the oldest first", listed, want)
	}
	if strings.Contains(got.body, brought) || strings.Contains(got.body, issued.Secret) {
		t.Errorf("got a secret in %s", got.body)
	}
	for _, id := range ids {
		d.want(t, ask{route: "DELETE " + route + "/" + id, token: d.adminToken}, http.StatusNoContent, "")
		d.want(t, ask{route: "DELETE " + route + "/" + id, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	}
	made, _ := d.postPlatform(t, `{"name":"Other","algorithm":"EdDSA"}`)
	for _, id := range []string{made.Keys[0].ID, uuid.NewString(), "x", issued.ID} { // another's, nobody's
		d.want(t, ask{route: "DELETE " + route + "/" + id, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	}
	d.want(t, ask{route: "GET " + route + "/" + issued.Keys[0].ID, token: d.adminToken}, http.StatusMethodNotAllowed, api.CodeMethodNotAllowed)
}

// spki returns the public half of a key in PEM, in JSON.
func spki(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	check(t, err)
	return encodeJSON(t, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

// platformWith returns a body of POST with some members replaced; an empty value leaves one out.
func platformWith(members map[string]string) string {
	all := map[string]string{"name": `"Partner"`, "algorithm": `"EdDSA"`}
	maps.Copy(all, members)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			parts = append(parts, fmt.Sprintf(`%q:%s`, name, all[name]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestPlatformErrors has, beside each value that is refused, a twin that is taken; both at POST and, where the member can be
// changed, at PATCH. Nothing of a key is repeated.
func TestPlatformErrors(t *testing.T) {
	d := platformDesk(t)
	d.postPlatform(t, `{"name":"Taken","algorithm":"EdDSA","issuer":"https://taken.example.com"}`)
	other, _ := d.postPlatform(t, `{"name":"Other","algorithm":"EdDSA"}`)
	for _, tt := range []struct{ name, member, bad, good, field string }{
		{"no name", "name", ``, `"a"`, "name"},
		{"empty name", "name", `""`, `"b"`, "name"},
		{"name of two lines", "name", `"a\nb"`, `"a_b"`, "name"},
		{"name of 129 characters", "name", `"` + strings.Repeat("ä", 129) + `"`, `"` + strings.Repeat("ä", 128) + `"`, "name"},
		{"taken name", "name", `"Taken"`, `"Taken."`, "name"},
		{"taken name in another case", "name", `"tAKEN"`, `"tAKEM"`, "name"},
		{"name that is no text", "name", `7`, `"7"`, "name"},
		{"taken issuer", "issuer", `"https://taken.example.com"`, `"https://taken.example.com/"`, "issuer"},
		{"an issuer like an ID", "issuer", `"0190a6f0-0000-7000-8000-000000000000"`, `"urn:0190a6f0-0000-7000-8000-000000000000"`, "issuer"},
		{"none", "algorithm", `"none"`, `"EdDSA"`, "algorithm"},
		{"PSS", "algorithm", `"PS512"`, `"EdDSA"`, "algorithm"},
		{"another case", "algorithm", `"eddsa"`, `"EdDSA"`, "algorithm"},
		{"nobody", "speaks_for", `["user:nobody"]`, `["user:amy"]`, "speaks_for[0]"},
		{"nobody at all", "speaks_for", `[]`, `["all"]`, "speaks_for"},
		{"a service account", "speaks_for", `["role:a","user:robot"]`, `["role:a"]`, "speaks_for[1]"},
		{"all beside others", "speaks_for", `["all","role:a"]`, `["role:b","role:a"]`, "speaks_for[0]"},
		{"a bare name", "speaks_for", `["amy"]`, `["user:AMY"]`, "speaks_for[0]"},
		{"text for a list", "speaks_for", `"all"`, `["all"]`, "speaks_for"},
		{"new administrators", "new_user_roles", `["partner","admin"]`, `["partner"]`, "new_user_roles[1]"},
		{"no role", "new_user_roles", `["a b"]`, `["a.b"]`, "new_user_roles[0]"},
		{"no time", "max_assertion_seconds", `0`, `10`, "max_assertion_seconds"},
		{"a time before", "max_assertion_seconds", `-60`, `60`, "max_assertion_seconds"},
		{"too short a time", "max_assertion_seconds", `9`, `11`, "max_assertion_seconds"},
		{"more than a day", "max_assertion_seconds", `86401`, `86400`, "max_assertion_seconds"},
		{"half a second", "max_assertion_seconds", `10.5`, `105`, "max_assertion_seconds"},
		{"time as text", "max_assertion_seconds", `"60"`, `61`, "max_assertion_seconds"},
		{"enabled as text", "enabled", `"true"`, `true`, "enabled"},
		{"enabled as nothing", "enabled", `null`, `true`, "enabled"},
		{"administrators as text", "administrators", `"no"`, `false`, "administrators"},
		{"one use as a number", "one_time", `1`, `true`, "one_time"},
		{"unknown member", "speaks_fer", `["all"]`, ``, "speaks_fer"},
		{"a member in another case", "Enabled", `false`, ``, "Enabled"},
		{"a private key", "private_key", `"x"`, ``, "private_key"},
		{"a code of one's own", "code", `"AAAAAAAA"`, ``, "code"},
		{"a version", "version", `7`, ``, "version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, status := api.CodeInvalidField, http.StatusUnprocessableEntity
			if strings.HasPrefix(tt.name, "taken") {
				code, status = api.CodeConflict, http.StatusConflict
			}
			for i, value := range []string{tt.bad, tt.good} {
				queries := []ask{{route: "POST /v1/platforms", body: platformWith(map[string]string{tt.member: value})}}
				if value != "" && tt.bad != "" {
					queries = append(queries, ask{route: "PATCH /v1/platforms/" + other.Code, body: `{"` + tt.member + `":` + value + `}`})
				}
				for _, q := range queries {
					q.token = d.adminToken
					a := d.do(t, q)
					switch {
					case i == 0 && (a.status != status || a.code != code):
						t.Errorf("%s %s: got %d %s, want %d", q.route, q.body, a.status, a.body, status)
					case i == 0:
						a.wantField(t, tt.field)
					case a.status > 299:
						t.Errorf("%s %s: got %d %s, want it taken", q.route, q.body, a.status, a.body)
					case a.status == http.StatusCreated: // name and issuer shall be free for the next
						d.want(t, ask{route: "DELETE " + a.header.Get("Location"), token: d.adminToken}, http.StatusNoContent, "")
					}
				}
			}
		})
	}
	// What can be neither true nor false is no change, nor what would empty that which can't be empty.
	for _, member := range []string{"administrators", "create_users", "one_time", "enabled", "name", "algorithm", "speaks_for", "max_assertion_seconds"} {
		a := d.want(t, ask{route: "PATCH /v1/platforms/" + other.Code, token: d.adminToken, body: `{"` + member + `":null}`}, http.StatusUnprocessableEntity, api.CodeInvalidField)
		a.wantField(t, member)
	}
	for _, body := range []string{`{"name":"a","name":"b"}`, `{"name":"a","NAME":"b"}`, `{"name":"a"}x`, `["name"]`, `null`} {
		for _, route := range []string{"POST /v1/platforms", "PATCH /v1/platforms/" + other.Code} {
			if a := d.do(t, ask{route: route, token: d.adminToken, body: body}); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s %s: got %d, want it refused", route, body, a.status)
			}
		}
	}
	for _, member := range []string{"public_key", "secret", "jwks_uri", "kid"} { // keys are changed by routes of their own
		d.want(t, ask{route: "PATCH /v1/platforms/" + other.Code, token: d.adminToken, body: `{"` + member + `":"x"}`}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, member)
	}
}

// TestWeakPlatformKeys: keys that are no good are refused where the platform is enrolled and where a key is added, each with
// its own reason, and beside it a good one.
func TestWeakPlatformKeys(t *testing.T) {
	d := newDesk(t)
	other, _ := d.postPlatform(t, `{"name":"Other","algorithm":"EdDSA"}`)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	check(t, err)
	good, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	odd := rsa.PublicKey{N: good.N, E: 3}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	private := encodeJSON(t, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(good)})))
	secret := func(n int) string { return `"` + strings.Repeat("s", n) + `"` }
	for name, tt := range map[string]struct {
		members map[string]string
		field   string
		says    string // of what is wrong; empty where nothing is
	}{
		"RSA of 1024 bits":         {map[string]string{"algorithm": `"RS512"`, "public_key": spki(t, &short.PublicKey)}, "public_key", "weak"},
		"RSA of exponent 3":        {map[string]string{"algorithm": `"RS512"`, "public_key": spki(t, &odd)}, "public_key", "weak"},
		"RSA":                      {map[string]string{"algorithm": `"RS512"`, "public_key": spki(t, &good.PublicKey)}, "", ""},
		"private":                  {map[string]string{"algorithm": `"RS512"`, "public_key": private}, "public_key", "private"},
		"P-384":                    {map[string]string{"algorithm": `"ES256"`, "public_key": spki(t, &p384.PublicKey)}, "public_key", "a type or curve that ES256 doesn't use"},
		"Ed25519 for RS512":        {map[string]string{"algorithm": `"RS512"`, "public_key": spki(t, ed.Public())}, "public_key", "a type or curve that RS512 doesn't use"},
		"Ed25519 of another":       {map[string]string{"public_key": encodeJSON(t, other.Keys[0].PublicKey)}, "public_key", ""},
		"no PEM":                   {map[string]string{"public_key": `"x"`}, "public_key", ""},
		"a secret of 63 bytes":     {map[string]string{"algorithm": `"HS512"`, "secret": secret(63)}, "secret", "too short"},
		"a secret of 64 bytes":     {map[string]string{"algorithm": `"HS512"`, "secret": secret(64)}, "", ""},
		"a secret for EdDSA":       {map[string]string{"secret": secret(64)}, "secret", ""},
		"a key for HS512":          {map[string]string{"algorithm": `"HS512"`, "public_key": spki(t, &good.PublicKey)}, "public_key", ""},
		"a key as a secret":        {map[string]string{"algorithm": `"HS512"`, "secret": strings.TrimSuffix(spki(t, &good.PublicKey), `\n"`) + `"`}, "secret", "PEM"},
		"an address in the clear":  {map[string]string{"jwks_uri": `"http://a.example/jwks"`}, "jwks_uri", ""},
		"an address of Jeton's":    {map[string]string{"jwks_uri": `"https://user:pw@a.example/jwks"`}, "jwks_uri", ""},
		"two keys":                 {map[string]string{"public_key": spki(t, ed.Public()), "jwks_uri": `"https://a.example/jwks"`}, "public_key", ""},
		"a kid with a line break":  {map[string]string{"public_key": spki(t, ed.Public()), "kid": `"a\nb"`}, "kid", ""},
		"an algorithm of no key":   {map[string]string{"algorithm": `"none"`}, "algorithm", ""},
		"an address of a good set": {map[string]string{"jwks_uri": `"https://a.example/jwks"`}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			key := maps.Clone(tt.members)
			key["algorithm"] = cmp.Or(key["algorithm"], `"EdDSA"`)
			enrol := platformWith(tt.members)
			key["name"] = ""
			for _, q := range []ask{
				{route: "POST /v1/platforms", body: enrol},
				{route: "POST /v1/platforms/" + other.Code + "/keys", body: platformWith(key)},
			} {
				q.token = d.adminToken
				a := d.do(t, q)
				switch {
				case tt.field == "" && a.status != http.StatusCreated:
					t.Errorf("%s: got %d %s, want it taken", q.route, a.status, a.body)
				case tt.field == "": // free for the next
					d.want(t, ask{route: "DELETE " + a.header.Get("Location"), token: d.adminToken}, http.StatusNoContent, "")
				case a.status != http.StatusUnprocessableEntity && a.status != http.StatusConflict || !strings.Contains(a.body, tt.says):
					t.Errorf("%s: got %d %s, want %q", q.route, a.status, a.body, tt.says)
				default:
					a.wantField(t, tt.field)
				}
				if strings.Contains(a.body, "sssss") || strings.Contains(a.body, "MII") && tt.field != "" {
					t.Errorf("the answer repeats the key: %s", a.body)
				}
			}
		})
	}
}

// TestPlatformPages lists platforms by name, page by page and without their keys.
func TestPlatformPages(t *testing.T) {
	d := platformDesk(t)
	for _, name := range []string{"c", "A", "b"} {
		d.postPlatform(t, `{"name":"`+name+`","algorithm":"EdDSA","speaks_for":["user:amy"]}`)
	}
	var got []string
	for next := ""; ; {
		var page api.List[api.Platform]
		d.want(t, ask{route: "GET /v1/platforms?limit=2&cursor=" + next, token: d.adminToken}, http.StatusOK, "").into(t, &page)
		for _, p := range page.Items {
			if got = append(got, p.Name+" "+p.SpeaksFor[0]); p.Keys != nil {
				t.Errorf("got keys of %s, want none in a list", p.Name)
			}
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if want := []string{"A user:Amy", "b user:Amy", "c user:Amy"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Who was deleted is spoken for no more, and nobody who gets the name.
	amy, err := d.accounts.Find(t.Context(), "amy")
	check(t, err)
	check(t, d.accounts.Delete(t.Context(), amy.ID, adminActor()))
	d.user(t, account.Draft{Username: "Amy"})
	var page api.List[api.Platform]
	a := d.want(t, ask{route: "GET /v1/platforms", token: d.adminToken}, http.StatusOK, "")
	if a.into(t, &page); len(page.Items) != 3 || len(page.Items[0].SpeaksFor) != 0 || strings.Contains(a.body, "null") {
		t.Errorf("got %s, want three that speak for nobody", a.body)
	}
}

// TestPlatformSessions: what a platform may no longer say, it has said in vain.
func TestPlatformSessions(t *testing.T) {
	for change, ends := range map[string]bool{
		`{"name":"Other"}`: false, `{"one_time":true}`: false, `{"max_assertion_seconds":60}`: false, `{"speaks_for":["all"]}`: false,
		`{"algorithm":"ES256"}`: false, `{"enabled":false}`: true, `{"speaks_for":["role:partner"]}`: true, `{"administrators":false}`: true, "": true,
	} {
		t.Run(change, func(t *testing.T) {
			d := platformDesk(t)
			amy, err := d.accounts.Find(t.Context(), "amy")
			check(t, err)
			issued, _ := d.postPlatform(t, `{"name":"Partner","algorithm":"EdDSA","administrators":true}`)
			got, by := d.session(t, amy, uuid.MustParse(issued.ID)), d.session(t, amy, uuid.Nil)
			d.want(t, ask{route: "GET /v1/me", token: got.Text.Reveal()}, http.StatusOK, "")
			q := ask{route: "PATCH /v1/platforms/" + issued.Code, token: d.adminToken, body: change}
			if change == "" {
				q.route = "DELETE /v1/platforms/" + issued.Code
			}
			if a := d.do(t, q); a.status > 299 {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			d.refused(t)
			if a := d.do(t, ask{route: "GET /v1/me", token: got.Text.Reveal()}); (a.status == http.StatusUnauthorized) != ends {
				t.Errorf("got %d, want the session ended: %t", a.status, ends)
			}
			if got := d.refused(t); ends && !slices.Equal(got, []string{"v1 ended session_token"}) {
				t.Errorf("got refusals %v, want ended", got)
			}
			d.want(t, ask{route: "GET /v1/me", token: by.Text.Reveal()}, http.StatusOK, "") // by a password, of which no platform has a say
			list, _ := d.listSessions(t, ask{route: "GET /v1/users/amy/sessions", token: d.adminToken})
			if (len(list) == 1) != ends {
				t.Errorf("got sessions %v, want the platform's gone: %t", list, ends)
			}
		})
	}
}

// TestExplain: an administrator is told step by step, and nothing comes of it: no session, no user, no use, no line of a log.
func TestExplain(t *testing.T) {
	d := platformDesk(t)
	issued, _ := d.postPlatform(t, `{"name":"Partner","algorithm":"ES256","create_users":true,"one_time":true}`)
	s := signer(t, jose.ES256, issued.PrivateKey)
	assertion := d.assertion(t, s, "amy@example.com", `,"jti":"CANARY1"`)
	before := len(d.actions(t))
	for range 2 { // it isn't used up
		told := d.explain(t, issued.Code, assertion)
		if !told.Accepted || told.Reason != "" || len(told.Steps) != 12 || slices.ContainsFunc(told.Steps, func(s api.ExplainedStep) bool { return !s.Passed || s.Found == "" }) {
			t.Errorf("got %+v, want it accepted in twelve steps", told)
		}
	}
	if told := d.explain(t, issued.ID, d.assertion(t, s, "new@example.com", "")); !told.Accepted {
		t.Errorf("got %+v, want a new user welcome", told)
	}
	if _, err := d.accounts.Find(t.Context(), "new@example.com"); err == nil {
		t.Error("a user was made")
	}
	other, _ := d.postPlatform(t, `{"name":"Other","algorithm":"ES256"}`)
	claims := []byte(`{"iss":"` + issued.Code + `","sub":"amy@example.com","aud":"` + publicURL + `","exp":` + fmt.Sprint(d.clock().Unix()+60) + `}`)
	grant, err := s.Sign(rand.Reader, jose.Header{}, claims)
	check(t, err)
	for name, tt := range map[string]struct {
		of, assertion string
		grant         bool
		step, reason  string
	}{
		"no token":                   {issued.Code, "nonsense", false, "form", "malformed"},
		"empty":                      {issued.Code, "", false, "form", "malformed"},
		"another platform's":         {other.Code, assertion, false, "signature", "bad_signature"},
		"too late":                   {issued.Code, assertion + "x", false, "form", "malformed"},
		"to the grant without iss":   {issued.Code, assertion, true, "platform", "wrong_issuer"},
		"to the grant of another":    {issued.Code, grant, true, "", ""},
		"the grant's where named":    {issued.Code, grant, false, "", ""},
		"of an e-mail nobody has":    {other.Code, d.assertion(t, signer(t, jose.ES256, other.PrivateKey), "new@example.com", ""), false, "user", "unknown_user"},
		"of an administrator's name": {other.Code, d.assertion(t, signer(t, jose.ES256, other.PrivateKey), "root", ""), false, "user", "unknown_user"},
	} {
		body := encodeJSON(t, api.AssertionQuestion{Assertion: tt.assertion, Grant: tt.grant})
		var told api.AssertionExplanation
		d.want(t, ask{route: "POST /v1/platforms/" + tt.of + "/explain", token: d.adminToken, body: body}, http.StatusOK, "").into(t, &told)
		last := told.Steps[len(told.Steps)-1]
		if told.Accepted != (tt.reason == "") || told.Reason != tt.reason || tt.step != "" && (last.Step != tt.step || last.Passed || last.Fix == "") {
			t.Errorf("%s: got %+v, want it refused at %q for %q", name, told, tt.step, tt.reason)
		}
	}
	if got := d.refused(t); len(got) != 0 {
		t.Errorf("got refusals %v: nobody was refused", got)
	}
	if after := len(d.actions(t)); after != before+1 { // the other platform
		t.Errorf("got %d events, want %d", after, before+1)
	}
	if strings.Contains(d.log.String(), strings.Split(assertion, ".")[2]) || strings.Contains(d.log.String(), "CANARY1") {
		t.Error("the log has the assertion")
	}
	for _, body := range []string{`{}`, `{"assertion":null}`, `{"assertion":7}`, `{"assertion":"x","Grant":true}`, `{"assertion":"x","assertion":"x"}`, `"x"`} {
		if a := d.do(t, ask{route: "POST /v1/platforms/" + issued.Code + "/explain", token: d.adminToken, body: body}); a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want it refused", body, a.status, a.body)
		}
	}
}

// TestAssertionIsNoPower: at this door an assertion is no credential, whomever it speaks for.
func TestAssertionIsNoPower(t *testing.T) {
	d := newDesk(t)
	state := "root@example.com"
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	_, err = d.accounts.Update(t.Context(), root.ID, 0, account.Patch{Email: &state}, audit.Actor{})
	check(t, err)
	issued, _ := d.postPlatform(t, `{"name":"Partner","algorithm":"EdDSA","administrators":true}`)
	assertion := d.assertion(t, signer(t, jose.EdDSA, issued.PrivateKey), state, "")
	if told := d.explain(t, issued.Code, assertion); !told.Accepted {
		t.Fatalf("got %+v, want it accepted where it belongs", told)
	}
	for _, q := range []ask{
		{route: "GET /v1/me", token: assertion},
		{route: "GET /v1/platforms", token: assertion},
		{route: "GET /v1/me", header: map[string]string{"Token": assertion}},
	} {
		d.want(t, q, http.StatusUnauthorized, api.CodeNotAuthenticated)
	}
	// What it is exchanged for has no power either, though it is an administrator's.
	s := d.session(t, root, uuid.MustParse(issued.ID))
	d.want(t, ask{route: "GET /v1/me", token: s.Text.Reveal()}, http.StatusOK, "")
	d.want(t, ask{route: "GET /v1/platforms", token: s.Text.Reveal()}, http.StatusForbidden, api.CodeCredentialTooWeak)
}

// TestPlatformIDs: what is neither ID nor code of a platform is not found.
func TestPlatformIDs(t *testing.T) {
	d := newDesk(t)
	p, _ := d.enrol(t, platform.Draft{Name: "Partner", Algorithm: jose.EdDSA, Issuer: "partner", Enabled: true})
	for _, of := range []string{"Partner", "partner", strings.ToLower(p.Code), strings.ToUpper(p.ID.String()), uuid.NewString(), uuid.Nil.String(), d.admin.ID, "22222222", "%00", "x'--", p.Code + "%20"} {
		if of == p.Code { // a code without letters has no other case
			continue
		}
		for _, method := range []string{"GET ", "PATCH ", "DELETE "} {
			d.want(t, ask{route: method + "/v1/platforms/" + of, token: d.adminToken, body: map[string]string{"PATCH ": "{}"}[method]}, http.StatusNotFound, api.CodeNotFound)
		}
	}
	for _, of := range []string{p.Code, p.ID.String()} {
		d.want(t, ask{route: "GET /v1/platforms/" + of, token: d.adminToken}, http.StatusOK, "")
	}
}

// TestPlatformChangesAtOnce: changes that name no version don't get in each other's way, and of two for the same version one
// is stale.
func TestPlatformChangesAtOnce(t *testing.T) {
	d := newDesk(t)
	issued, a := d.postPlatform(t, `{"name":"Partner","algorithm":"EdDSA"}`)
	bodies := []string{`{"one_time":true}`, `{"audience":"jeton"}`, `{"max_assertion_seconds":60}`, `{"administrators":true}`}
	done := make(chan int, len(bodies))
	for _, body := range bodies {
		go func() {
			done <- d.do(t, ask{route: "PATCH /v1/platforms/" + issued.Code, token: d.adminToken, body: body}).status
		}()
	}
	for range bodies {
		if status := <-done; status != http.StatusOK {
			t.Errorf("got %d, want each change made", status)
		}
	}
	var got api.Platform
	d.want(t, ask{route: "GET /v1/platforms/" + issued.Code, token: d.adminToken}, http.StatusOK, "").into(t, &got)
	if !got.OneTime || got.Audience != "jeton" || got.MaxAssertionSeconds != 60 || !got.Administrators {
		t.Errorf("got %+v, want all four changes", got)
	}
	q := ask{route: "PATCH /v1/platforms/" + issued.Code, token: d.adminToken, body: `{"one_time":false}`, header: map[string]string{"If-Match": a.header.Get("ETag")}}
	d.want(t, q, http.StatusPreconditionFailed, api.CodeStale)
	q.header["If-Match"] = "nonsense"
	d.want(t, q, http.StatusBadRequest, api.CodeMalformedRequest)
	q.header["If-Match"] = "*"
	d.want(t, q, http.StatusOK, "")
}

// TestPlatformOfBlocked: an administrator who is one no more enrols nobody; see the table of TestPower for the rest.
func TestPlatformOfBlocked(t *testing.T) {
	d := newDesk(t)
	second, token := d.user(t, account.Draft{Username: "second", Roles: []string{authority.AdminRole}})
	q := ask{route: "POST /v1/platforms", token: token, body: `{"name":"Partner","algorithm":"EdDSA"}`}
	d.want(t, q, http.StatusCreated, "")
	none := []string{}
	_, err := d.accounts.Update(t.Context(), second.ID, 0, account.Patch{Roles: &none}, adminActor())
	check(t, err)
	d.want(t, q, http.StatusForbidden, api.CodeNotAllowed)
}
