package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/sealed"
)

// setDesk is a desk with the project 1000, and no token set.
func setDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.postProject(t, `{"number":1000,"name":"XDOC"}`)
	return d
}

// TestTokenSetLife makes a token set, reads it, changes each of its members, and deletes it.
func TestTokenSetLife(t *testing.T) {
	d := setDesk(t)
	made, a := d.postSet(t, `{"name":"current <b>"}`)
	want := api.TokenSet{
		ID: made.ID, Name: "current <b>", Active: true, Mode: "GCM", KeySize: 256, IVExpansion: "random", KeyDerivation: "sha256",
		CreatedAt: d.clock(), UpdatedAt: d.clock(),
	}
	if diff := gocmp.Diff(want, made.TokenSet); diff != "" || len(made.Key) < 43 {
		t.Errorf("made (-want +got): %s; a key of %d characters", diff, len(made.Key))
	}
	route := "/v1/projects/1000/token-sets/" + made.ID
	if got := a.header.Get("Location"); got != route {
		t.Errorf("got Location %q, want %q", got, route)
	}
	var got api.TokenSet
	read := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
	read.into(t, &got)
	if diff := gocmp.Diff(want, got); diff != "" || read.header.Get("ETag") != a.header.Get("ETag") || strings.Contains(read.body, made.Key) {
		t.Errorf("read (-want +got): %s; ETag %s, want %s", diff, read.header.Get("ETag"), a.header.Get("ETag"))
	}
	forgeable := func(mode string) {
		want.Mode, want.Padding, want.Forgeable, want.Warning = mode, "PKCS7", true, sealed.ForgeableWarning
		want.IV, want.IVExpansion = "", ""
		if mode == "CBC" {
			want.IV, want.IVExpansion = "@1B2c3D4", "utf16le"
		}
	}
	for _, step := range []struct {
		patch string
		then  func()
	}{
		{`{"name":"current"}`, func() { want.Name = "current" }},
		{`{"active":false}`, func() { want.Active = false }},
		{`{"active":true,"one_time":true}`, func() { want.Active, want.OneTime = true, true }},
		{`{"key":"a new text of a key"}`, func() {}},
		{`{"key_size":"196"}`, func() { want.KeySize = 192 }},
		{`{"key_size":""}`, func() { want.KeySize = 256 }},
		{`{"key_size":128}`, func() { want.KeySize = 128 }},
		{`{"key_size":null}`, func() { want.KeySize = 256 }},
		{`{"key_size":"12\u0038"}`, func() { want.KeySize = 128 }},
		{`{"mode":""}`, func() { forgeable("CBC") }},
		{`{"padding":"Zeros"}`, func() { want.Padding = "Zeros" }},
		{`{"padding":null}`, func() { want.Padding = "PKCS7" }},
		{`{"iv":"12345678","iv_expansion":"double"}`, func() { want.IV, want.IVExpansion = "12345678", "double" }},
		{`{"iv":null}`, func() { want.IV = "@1B2c3D4" }},
		{`{"iv_expansion":null}`, func() { want.IVExpansion = "utf16le" }},
		{`{"key_derivation":"pbkdf2","salt":"saltsalt"}`, func() {
			want.KeyDerivation, want.Salt, want.Hash, want.Iterations = "pbkdf2", "saltsalt", "SHA256", 600_000
		}},
		{`{"hash":"SHA1","iterations":1000}`, func() { want.Hash, want.Iterations = "SHA1", 1000 }},
		{`{"hash":null,"iterations":null}`, func() { want.Hash, want.Iterations = "SHA256", 600_000 }},
		{`{"key_derivation":"md5"}`, func() { want.KeyDerivation, want.Salt, want.Hash, want.Iterations = "md5", "", "", 0 }},
		{`{"mode":"ECB"}`, func() { forgeable("ECB") }},
		{`{"mode":"GCM","key_derivation":"sha256","key":"another one, for another mode"}`, func() {
			want.Mode, want.Padding, want.Forgeable, want.Warning, want.IVExpansion, want.KeyDerivation = "GCM", "", false, "", "random", "sha256"
		}},
	} {
		got, before := api.TokenSet{}, read.header.Get("ETag")
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
	for _, rest := range []string{"GET ", "PATCH ", "DELETE "} {
		d.want(t, ask{route: rest + route, token: d.adminToken, body: map[string]string{"PATCH ": "{}"}[rest]}, http.StatusNotFound, api.CodeNotFound)
	}
}

// TestTokenSetDefaults: what is left out is authenticated, and what is blank is XDOC's, in its own spelling.
func TestTokenSetDefaults(t *testing.T) {
	d := setDesk(t)
	for body, want := range map[string]api.TokenSet{
		`{"name":"a"}`: {Mode: "GCM", KeySize: 256, IVExpansion: "random", KeyDerivation: "sha256"},
		`{"name":"a","mode":"","key_size":"","padding":""}`:        {Mode: "CBC", KeySize: 256, Padding: "PKCS7", IV: "@1B2c3D4", IVExpansion: "utf16le", KeyDerivation: "sha256"},
		`{"name":"a","mode":"ECB","key_size":196}`:                 {Mode: "ECB", KeySize: 192, Padding: "PKCS7", KeyDerivation: "sha256"},
		`{"name":"a","key_size":"128","key_derivation":"raw"}`:     {Mode: "GCM", KeySize: 128, IVExpansion: "random", KeyDerivation: "raw"},
		`{"name":"a","mode":"CBC","iv_expansion":"random"}`:        {Mode: "CBC", KeySize: 256, Padding: "PKCS7", IVExpansion: "random", KeyDerivation: "sha256"},
		`{"name":"a","mode":"CBC","active":false,"iv":"ÄÖÜäöüß€"}`: {Mode: "CBC", KeySize: 256, Padding: "PKCS7", IV: "ÄÖÜäöüß€", IVExpansion: "utf16le", KeyDerivation: "sha256"},
		`{"name":"a","mode":"CBC","key_size":128,"key_derivation":"passwordderivebytes"}`: {
			Mode: "CBC", KeySize: 128, Padding: "PKCS7", IV: "@1B2c3D4", IVExpansion: "utf16le", KeyDerivation: "passwordderivebytes", Hash: "SHA1", Iterations: 100,
		},
	} {
		made, a := d.postSet(t, body)
		want.ID, want.Name, want.Active, want.CreatedAt, want.UpdatedAt = made.ID, "a", !strings.Contains(body, "false"), d.clock(), d.clock()
		if want.Mode != "GCM" {
			want.Forgeable, want.Warning = true, sealed.ForgeableWarning
		}
		if diff := gocmp.Diff(want, made.TokenSet); diff != "" || made.Key == "" {
			t.Errorf("%s (-want +got): %s", body, diff)
		}
		if n := len(made.Key); want.KeyDerivation == "raw" && n != want.KeySize/8 {
			t.Errorf("%s: got a key of %d characters", body, n)
		}
		d.want(t, ask{route: "DELETE " + a.header.Get("Location"), token: d.adminToken}, http.StatusNoContent, "")
	}
	made, a := d.postSet(t, `{"name":"brought","key":"canary-canary-canary"}`)
	if made.Key != "" || strings.Contains(a.body, "canary") {
		t.Errorf("got %s, which shows a key that was brought along", a.body)
	}
}

// TestTokenSetErrors tries what a token set may not be.
func TestTokenSetErrors(t *testing.T) {
	d := setDesk(t)
	d.postSet(t, `{"name":"Taken","key":"the key of the one that is there"}`)
	other, _ := d.postSet(t, `{"name":"other","mode":"CBC","iv_expansion":"utf16le","key":"canary-key-of-another-set"}`)
	d.testFields(t, "/v1/projects/1000/token-sets", "/v1/projects/1000/token-sets/"+other.ID, map[string]string{"name": `"a"`, "mode": `"CBC"`}, []fieldCase{
		{"no name", "name", ``, `"a"`, "name"},
		{"empty name", "name", `""`, `"b"`, "name"},
		{"name of two lines", "name", `"a\nb"`, `"a_b"`, "name"},
		{"taken name in another case", "name", `"tAKEN"`, `"tAKEM"`, "name"},
		{"active as nothing", "active", `null`, `true`, "active"},
		{"active as text", "active", `"yes"`, `false`, "active"},
		{"one use as a number", "one_time", `1`, `true`, "one_time"},
		{"mode as nothing", "mode", `null`, `"CBC"`, "mode"},
		{"mode in another case", "mode", `"cbc"`, `"CBC"`, "mode"},
		{"a mode that there isn't", "mode", `"CFB"`, `"ECB"`, "mode"},
		{"mode again", "mode", `7`, `"CBC"`, "mode"},
		{"a size that there isn't", "key_size", `160`, `192`, "key_size"},
		{"a size as a wrong text", "key_size", `"160"`, `"192"`, "key_size"},
		{"a size as a spaced text", "key_size", `" 256"`, `"256"`, "key_size"},
		{"half a size", "key_size", `128.5`, `128`, "key_size"},
		{"an endless size", "key_size", `1e99`, `256`, "key_size"},
		{"a size as a list", "key_size", `[256]`, `256`, "key_size"},
		{"no size", "key_size", `false`, `256`, "key_size"},
		{"a padding that there isn't", "padding", `"pkcs7"`, `"PKCS7"`, "padding"},
		{"a short IV", "iv", `"1234567"`, `"12345678"`, "iv"},
		{"a long IV", "iv", `"123456789"`, `"12345678"`, "iv"},
		{"a half IV", "iv_expansion", `"full"`, `"double"`, "iv"},
		{"an expansion that there isn't", "iv_expansion", `"utf8"`, `"zero"`, "iv_expansion"},
		{"a derivation that there isn't", "key_derivation", `"scrypt"`, `"sha256"`, "key_derivation"},
		{"a derivation without salt", "key_derivation", `"pbkdf2"`, `"passwordderivebytes"`, "salt"},
		{"a derivation for short keys", "key_derivation", `"md5"`, `"sha256"`, "key_size"},
		{"a salt for nothing", "salt", `"saltsalt"`, ``, "salt"},
		{"a hash for nothing", "hash", `"SHA1"`, ``, "hash"},
		{"rounds for nothing", "iterations", `7`, ``, "iterations"},
		{"a long key", "key", `"` + strings.Repeat("a", 1025) + `"`, `"` + strings.Repeat("a", 1024) + `"`, "key"},
		{"key as a number", "key", `7`, `"canary-7"`, "key"},
		{"unknown member", "secret", `"canary"`, ``, "secret"},
	})
	for field, body := range map[string]string{
		"key": `{"key":""}`, "key ": `{"key":null}`, " key": `{"mode":"GCM"}`, "padding": `{"mode":"GCM","padding":"PKCS7"}`, "iv": `{"mode":"ECB","iv":"12345678"}`,
		"key_derivation": `{"mode":"GCM","key_derivation":"passwordderivebytes"}`,
	} {
		q := ask{route: "PATCH /v1/projects/1000/token-sets/" + other.ID, token: d.adminToken, body: body}
		d.want(t, q, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, strings.TrimSpace(field))
	}
	shared := `{"name":"shared","mode":"GCM","key":"a key that two sets are to share"}`
	d.want(t, ask{route: "PATCH /v1/projects/1000/token-sets/" + other.ID, token: d.adminToken, body: `{"key":"a key that two sets are to share"}`}, http.StatusOK, "")
	a := d.want(t, ask{route: "POST /v1/projects/1000/token-sets", token: d.adminToken, body: shared}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	if a.wantField(t, "key"); strings.Contains(a.body, "two sets") {
		t.Errorf("got %s, which repeats the key", a.body)
	}
}

// TestTokenSetList shows all of a project, the oldest first, there and with the project; and refuses one too many.
func TestTokenSetList(t *testing.T) {
	d := setDesk(t)
	d.postProject(t, `{"number":7,"name":"Other"}`)
	var want []string
	for i := range 8 {
		set, _ := d.postSet(t, fmt.Sprintf(`{"name":"set %d","mode":"ECB"}`, i))
		want = append(want, set.ID)
	}
	post := ask{route: "POST /v1/projects/1000/token-sets", token: d.adminToken, body: `{"name":"one too many"}`}
	d.want(t, post, http.StatusConflict, api.CodeConflict).wantField(t, "token_sets")
	var list api.List[api.TokenSet]
	var project api.Project
	d.want(t, ask{route: "GET /v1/projects/1000/token-sets", token: d.adminToken}, http.StatusOK, "").into(t, &list)
	d.want(t, ask{route: "GET /v1/projects/1000", token: d.adminToken}, http.StatusOK, "").into(t, &project)
	for _, sets := range [][]api.TokenSet{list.Items, project.TokenSets} {
		var got []string
		for _, set := range sets {
			if got = append(got, set.ID); set.Warning != sealed.ForgeableWarning {
				t.Errorf("got no warning of %s", set.Name)
			}
		}
		if !slices.Equal(got, want) || list.Next != "" {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	d.want(t, ask{route: "GET /v1/projects/7/token-sets", token: d.adminToken}, http.StatusOK, "").into(t, &list)
	if list.Items == nil || len(list.Items) > 0 {
		t.Errorf("got %v, want an empty list", list.Items)
	}
	for _, path := range []string{"/v1/projects/7/token-sets/" + want[0], "/v1/projects/1000/token-sets/" + uuid.NewString(), "/v1/projects/1000/token-sets/x", "/v1/projects/8/token-sets/" + want[0]} {
		for route, body := range map[string]string{"GET ": "", "DELETE ": "", "PATCH ": "{}"} {
			d.want(t, ask{route: route + path, token: d.adminToken, body: body}, http.StatusNotFound, api.CodeNotFound)
		}
		d.want(t, ask{route: "POST " + path + "/encrypt", token: d.adminToken, body: `{"plaintext":"a"}`}, http.StatusNotFound, api.CodeNotFound)
		d.want(t, ask{route: "POST " + path + "/decrypt", token: d.adminToken, body: `{"token":"AAAA"}`}, http.StatusNotFound, api.CodeNotFound)
	}
	d.want(t, ask{route: "GET /v1/projects/8/token-sets", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
}

// TestScreens seals a text and opens it again, in each mode, as it is and as it stands in a URL.
func TestScreens(t *testing.T) {
	d := setDesk(t)
	const plain = "<UserToken>\r\n    <UserName>admin</UserName>\r\n    <Display>John Doe</Display>\r\n</UserToken>"
	for _, mode := range []string{"GCM", "CBC", "ECB"} {
		set, _ := d.postSet(t, fmt.Sprintf(`{"name":%q,"mode":%q}`, mode, mode))
		route := "POST /v1/projects/1000/token-sets/" + set.ID
		text := d.encrypt(t, set.ID, plain, "XUT")
		if text.Plaintext != plain || text.URL != url.QueryEscape(text.Base64) || len(text.Fields) != 2 || text.Fields[1] != (api.TokenField{Name: "Display", Value: "John Doe"}) {
			t.Errorf("%s: got %+v", mode, text)
		}
		for _, token := range []string{text.URL, text.Base64, `"` + text.URL + `"`} {
			var opened api.SealedText
			body := encodeJSON(t, api.UnsealRequest{Token: token, Parameter: "XUT"})
			d.want(t, ask{route: route + "/decrypt", token: d.adminToken, body: body}, http.StatusOK, "").into(t, &opened)
			if diff := gocmp.Diff(text, opened); diff != "" {
				t.Errorf("%s: opened (-want +got): %s", mode, diff)
			}
		}
		asXST := d.do(t, ask{route: route + "/decrypt", token: d.adminToken, body: encodeJSON(t, api.UnsealRequest{Token: text.URL})})
		if opens := asXST.status == http.StatusOK; opens != (mode != "GCM") {
			t.Errorf("%s: as a security token it opens: %t", mode, opens)
		}
		for field, body := range map[string]string{
			"token": `{"token":"not!Base64"}`, "token ": `{"token":""}`, "token  ": `{"token":"AAAA"}`, "parameter": `{"token":"AAAA","parameter":"XSC"}`,
		} {
			d.want(t, ask{route: route + "/decrypt", token: d.adminToken, body: body}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, strings.TrimSpace(field))
		}
		for field, body := range map[string]string{
			"parameter": `{"plaintext":"a","parameter":"ProjectId"}`, "plaintext": `{"plaintext":"` + strings.Repeat("a", 8193) + `"}`, "plaintext ": `{}`,
		} {
			d.want(t, ask{route: route + "/encrypt", token: d.adminToken, body: body}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, strings.TrimSpace(field))
		}
		if bad := d.encrypt(t, set.ID, "hello", ""); bad.Problem == "" || bad.Fields != nil {
			t.Errorf("%s: got %+v, want what is wrong with it", mode, bad)
		}
	}
	set, _ := d.postSet(t, `{"name":"bare","mode":"ECB","padding":"None"}`)
	d.want(t, ask{route: "POST /v1/projects/1000/token-sets/" + set.ID + "/encrypt", token: d.adminToken, body: `{"plaintext":"canary"}`},
		http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "plaintext")
}
