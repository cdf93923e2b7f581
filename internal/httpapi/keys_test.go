package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

// signingKey makes a signing key, or rotates the one that is there, of an algorithm that is quick.
func (d *desk) signingKey(t testing.TB, p keyring.Purpose) keyring.SigningKey {
	t.Helper()
	key, err := d.keys.RotateSigningKey(t.Context(), p, jose.EdDSA, audit.Actor{})
	check(t, err)
	return key
}

// keysOf goes through all pages of the listing, two by two.
func (d *desk) keysOf(t testing.TB) (all []api.SigningKey) {
	t.Helper()
	for next := ""; ; {
		var page api.List[api.SigningKey]
		d.want(t, ask{route: "GET /v1/keys?limit=2&cursor=" + next, token: d.adminToken}, http.StatusOK, "").into(t, &page)
		all = append(all, page.Items...)
		if next = page.Next; next == "" {
			return all
		}
	}
}

// sign signs a token, as an exchange will.
func (d *desk) sign(t testing.TB, p keyring.Purpose) keyring.Signed {
	t.Helper()
	signed, err := d.keys.Sign(t.Context(), p, jose.ClaimSet{
		Issuer: publicURL, Subject: "1", Audience: []string{publicURL}, ID: "1", IssuedAt: d.clock(), Expires: d.clock().AddDate(1, 0, 0),
	})
	check(t, err)
	return signed
}

// TestKeyLife makes, rotates and revokes keys, and looks at what becomes of a token that each has signed.
func TestKeyLife(t *testing.T) {
	d := newDesk(t)
	if got := d.keysOf(t); len(got) != 0 {
		t.Errorf("got keys %+v, want none before one is needed", got)
	}
	rotate := func(body string) (key api.SigningKey) {
		t.Helper()
		d.now.Add(60)
		a := d.want(t, ask{route: "POST /v1/keys", token: d.adminToken, body: body}, http.StatusCreated, "")
		a.into(t, &key)
		if got, want := a.header.Get("Location"), "/v1/keys/"+key.ID; got != want || a.header.Get("ETag") != "" {
			t.Errorf("got Location %q and ETag %q, want %q and none", got, a.header.Get("ETag"), want)
		}
		return key
	}
	first := rotate(`{"purpose":"access_token"}`)
	want := api.SigningKey{ID: first.ID, Purpose: "access_token", Algorithm: "ES256", State: "active", CreatedAt: d.clock()}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("made (-want +got): %s", diff)
	}
	old := d.sign(t, keyring.ForAccessTokens)
	second := rotate(`{"purpose":"access_token","algorithm":"EdDSA"}`)
	third := rotate(`{"purpose":"access_token"}`)
	other := rotate(`{"purpose":"api_token","algorithm":"ES256"}`)
	fresh := d.sign(t, keyring.ForAccessTokens)
	if first.ID != old.KeyID || third.ID != fresh.KeyID || second.Algorithm != "EdDSA" || third.Algorithm != "EdDSA" || other.Algorithm != "ES256" {
		t.Errorf("got keys %+v, %+v, %+v and %+v, and tokens of %s and %s", first, second, third, other, old.KeyID, fresh.KeyID)
	}
	first.State, first.RetiredAt = "retired", second.CreatedAt
	second.State, second.RetiredAt = "retired", third.CreatedAt
	if diff := cmp.Diff([]api.SigningKey{other, third, second, first}, d.keysOf(t)); diff != "" {
		t.Errorf("rotated (-want +got): %s", diff)
	}
	for _, signed := range []keyring.Signed{old, fresh} {
		if _, err := d.keys.SigningKey(signed.KeyID); err != nil {
			t.Errorf("got %v of a key that was rotated, want its tokens to live on", err)
		}
	}

	// A retired key goes without a successor, an active one is replaced.
	d.now.Add(60)
	for _, id := range []string{first.ID, third.ID} {
		d.want(t, ask{route: "DELETE /v1/keys/" + id, token: d.adminToken}, http.StatusNoContent, "")
		if _, err := d.keys.SigningKey(id); !errors.Is(err, keyring.ErrRevokedKey) {
			t.Errorf("got %v of a revoked key, want its tokens refused", err)
		}
		d.want(t, ask{route: "DELETE /v1/keys/" + id, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	}
	first.State, first.RevokedAt = "revoked", d.clock()
	third.State, third.RevokedAt = "revoked", d.clock()
	got := d.keysOf(t)
	successor := api.SigningKey{ID: got[0].ID, Purpose: "access_token", Algorithm: "EdDSA", State: "active", CreatedAt: d.clock()}
	if diff := cmp.Diff([]api.SigningKey{successor, other, third, second, first}, got); diff != "" {
		t.Errorf("revoked (-want +got): %s", diff)
	}
	wantActions := []string{
		"signing_key.revoke " + third.ID, "signing_key.revoke " + first.ID, "signing_key.create " + other.ID,
		"signing_key.rotate " + third.ID, "signing_key.rotate " + second.ID, "signing_key.create " + first.ID,
	}
	if got := d.actions(t)[:6]; !slices.Equal(got, wantActions) {
		t.Errorf("got events %v, want %v", got, wantActions)
	}
	for _, e := range d.eventsOf(t, "action=signing_key.rotate") {
		if e.Actor == nil || e.Actor.Username != "root" || e.Actor.CredentialKind != "personal_token" || e.Actor.Address != clientAddress {
			t.Errorf("got the actor %+v of a rotation, want root", e.Actor)
		}
	}
	if got := d.refused(t); len(got) != 0 {
		t.Errorf("got refusals %v, want none", got)
	}
}

// TestKeyErrors has requests that can't be followed, and leaves the keys as they were.
func TestKeyErrors(t *testing.T) {
	d := newDesk(t)
	key := d.signingKey(t, keyring.ForAccessTokens)
	const post, list = "POST /v1/keys", "GET /v1/keys"
	for _, tt := range []struct {
		name, route, body string
		status            int
		code              api.Code
		field             string
	}{
		{"no purpose", post, `{}`, 422, api.CodeInvalidField, "purpose"},
		{"no such purpose", post, `{"purpose":"id_token"}`, 422, api.CodeInvalidField, "purpose"},
		{"a purpose in capitals", post, `{"purpose":"Access_token"}`, 422, api.CodeInvalidField, "purpose"},
		{"no such algorithm", post, `{"purpose":"access_token","algorithm":"RS512"}`, 422, api.CodeInvalidField, "algorithm"},
		{"a shared secret", post, `{"purpose":"access_token","algorithm":"HS256"}`, 422, api.CodeInvalidField, "algorithm"},
		{"none", post, `{"purpose":"access_token","algorithm":"none"}`, 422, api.CodeInvalidField, "algorithm"},
		{"an empty algorithm", post, `{"purpose":"access_token","algorithm":""}`, 422, api.CodeInvalidField, "algorithm"},
		{"a list", post, `{"purpose":"access_token","algorithm":["EdDSA"]}`, 422, api.CodeInvalidField, "algorithm"},
		{"unknown member", post, `{"purpose":"access_token","size":4096}`, 422, api.CodeInvalidField, "size"},
		{"another algorithm for identity tokens", post, `{"purpose":"identity","algorithm":"EdDSA"}`, 422, api.CodeInvalidField, "algorithm"},
		{"member in capitals", post, `{"purpose":"access_token","Algorithm":"EdDSA"}`, 422, api.CodeInvalidField, "Algorithm"},
		{"member twice", post, `{"purpose":"access_token","purpose":"access_token"}`, 400, api.CodeMalformedJSON, "purpose"},
		{"no body", post, "", 400, api.CodeMalformedJSON, ""},
		{"unknown parameter", list + "?state=active", "", 422, api.CodeInvalidField, "state"},
		{"limit", list + "?limit=201", "", 422, api.CodeInvalidField, "limit"},
		{"another listing's cursor", list + "?cursor=dXNlcnMgYWxpY2U", "", 422, api.CodeInvalidField, "cursor"},
		{"a cursor of no key", list + "?cursor=a2V5cyAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw", "", 422, api.CodeInvalidField, "cursor"},
		{"a method", "GET /v1/keys/" + key.ID, "", 405, api.CodeMethodNotAllowed, ""},
		{"another key", "DELETE /v1/keys/" + missingKey, "", 404, api.CodeNotFound, ""},
		{"its beginning", "DELETE /v1/keys/" + key.ID[:21], "", 404, api.CodeNotFound, ""},
		{"no ID of a key", "DELETE /v1/keys/..%2Fusers%2Froot", "", 404, api.CodeNotFound, ""},
	} {
		a := d.do(t, ask{route: tt.route, token: d.adminToken, body: tt.body})
		if a.status != tt.status || a.code != tt.code {
			t.Errorf("%s: got %d %s, want %d %s; body %s", tt.name, a.status, a.code, tt.status, tt.code, a.body)
			continue
		}
		a.wantField(t, tt.field)
	}
	if got := d.keysOf(t); len(got) != 1 || got[0].ID != key.ID || got[0].State != "active" {
		t.Errorf("got keys %+v, want the one, as it was", got)
	}
	// The twins: the same, one step nearer.
	d.want(t, ask{route: post, token: d.adminToken, body: `{"purpose":"access_token","algorithm":"ES256"}`}, http.StatusCreated, "")
	d.want(t, ask{route: list + "?limit=200", token: d.adminToken}, http.StatusOK, "")
	d.want(t, ask{route: "DELETE /v1/keys/" + key.ID, token: d.adminToken}, http.StatusNoContent, "")
}

// TestKeysFromElsewhere has a browser send what a page of another origin asks for, with the password that it remembers.
func TestKeysFromElsewhere(t *testing.T) {
	d := newDesk(t)
	key := d.signingKey(t, keyring.ForAccessTokens)
	for _, q := range []ask{
		{route: "POST /v1/keys", body: `{"purpose":"access_token"}`},
		{route: "DELETE /v1/keys/" + key.ID},
	} {
		q.token = "root:" + adminPassword
		for _, site := range []string{"cross-site", "same-site"} {
			q.header = map[string]string{"Sec-Fetch-Site": site}
			d.want(t, q, http.StatusForbidden, api.CodeNotAllowed)
			if got := d.refused(t); !slices.Equal(got, []string{"v1 cross_origin none"}) {
				t.Errorf("%s, %s: got refusals %v, want cross_origin", q.route, site, got)
			}
		}
		if got := d.keysOf(t); got[len(got)-1].State == "revoked" {
			t.Errorf("%s: got keys %+v, want them as they were", q.route, got)
		}
		q.header = map[string]string{"Sec-Fetch-Site": "same-origin"}
		a := d.do(t, q)
		if a.status >= 300 {
			t.Errorf("%s from Jeton's own page: got %d %s", q.route, a.status, a.body)
		}
	}
}

// TestKeysOfAnotherNode has a node change keys that this one hasn't heard of yet.
func TestKeysOfAnotherNode(t *testing.T) {
	d := newDesk(t)
	there := d.anotherKeyring(t)
	rotate := func() keyring.SigningKey {
		t.Helper()
		d.now.Add(1)
		key, err := there.RotateSigningKey(t.Context(), keyring.ForAccessTokens, jose.EdDSA, audit.Actor{})
		check(t, err)
		return key
	}
	first := rotate()
	if got := d.keysOf(t); len(got) != 1 || got[0].ID != first.ID {
		t.Errorf("got keys %+v, want the other node's, %s", got, first.ID)
	}
	// It rotates between this node's look at the key and its change.
	meanwhile := func() { rotate() }
	d.keyStore.meanwhile.Store(&meanwhile)
	q := ask{route: "POST /v1/keys", token: d.adminToken, body: `{"purpose":"access_token","algorithm":"ES256"}`}
	a := d.want(t, q, http.StatusPreconditionFailed, api.CodeStale)
	if !strings.Contains(a.body, "List the keys") {
		t.Errorf("got %s, want what to do", a.body)
	}
	if got := d.keysOf(t); len(got) != 2 || got[0].Algorithm != "EdDSA" || got[1].State != "retired" {
		t.Errorf("got keys %+v, want the other node's rotation alone", got)
	}
	d.want(t, q, http.StatusCreated, "")
}

// TestKeysBySDK goes the whole way: what the Go client sends is what is meant here, and what comes back means the same
// there.
func TestKeysBySDK(t *testing.T) {
	d := newDesk(t)
	c, err := client.New(client.Config{BaseURL: d.URL, Token: client.Secret(d.adminToken)})
	check(t, err)
	var want []api.SigningKey // the newest first
	for _, alg := range []string{"", "EdDSA"} {
		d.now.Add(1)
		key, err := c.RotateKey(t.Context(), api.KeyRotation{Purpose: "access_token", Algorithm: alg})
		check(t, err)
		want = append([]api.SigningKey{key}, want...)
	}
	d.now.Add(1)
	check(t, c.RevokeKey(t.Context(), want[1].ID))
	want[1].State, want[1].RetiredAt, want[1].RevokedAt = "revoked", want[0].CreatedAt, d.clock()
	var got []api.SigningKey
	for key, err := range c.Keys(t.Context()) {
		check(t, err)
		got = append(got, key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got): %s", diff)
	}
	if err := c.RevokeKey(t.Context(), want[1].ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("got %v of a second revocation, want ErrNotFound", err)
	}
	if _, err := c.RotateKey(t.Context(), api.KeyRotation{Purpose: "access_token", Algorithm: "HS256"}); !errors.Is(err, client.ErrInvalid) {
		t.Errorf("got %v of an algorithm that there isn't, want ErrInvalid", err)
	}
}

// anotherKeyring opens the keys of the desk's database once more, as another node would.
func (d *desk) anotherKeyring(t testing.TB) *keyring.Keyring {
	t.Helper()
	k, err := keyring.Open(t.Context(), keyring.Config{Store: d.store, Master: d.master, Now: d.clock, Random: new(foretold)})
	check(t, err)
	return k
}

// TestKeyWriterChanged has who asks lose its power once it was let in: no key is made or revoked for it.
func TestKeyWriterChanged(t *testing.T) {
	d := newDesk(t)
	u, token := d.user(t, account.Draft{Username: "eve", Roles: []string{"admin"}})
	key := d.signingKey(t, keyring.ForAccessTokens)
	demote := func() {
		_, err := d.accounts.Update(t.Context(), u.ID, 0, account.Patch{Roles: new([]string{"partner"})}, audit.Actor{})
		check(t, err)
	}
	d.keyStore.meanwhile.Store(&demote)
	a := d.do(t, ask{route: "POST /v1/keys", token: token, body: `{"purpose":"access_token","algorithm":"EdDSA"}`})
	if a.status != http.StatusForbidden || a.code != api.CodeNotAllowed {
		t.Errorf("got %d %s, want 403 not_allowed", a.status, a.code)
	}
	if got := d.refused(t); !slices.Equal(got, []string{"v1 not_allowed personal_token"}) {
		t.Errorf("got refusals %v, want not_allowed", got)
	}
	if got := d.keysOf(t); len(got) != 1 || got[0].ID != key.ID {
		t.Errorf("got keys %+v, want the one, as it was", got)
	}
}

// TestKeyFaults: what fails inside is no refusal, and nothing of it is told.
func TestKeyFaults(t *testing.T) {
	d := newDesk(t)
	key := d.signingKey(t, keyring.ForAccessTokens)
	for _, tt := range []struct {
		err    error
		status int
		code   api.Code
	}{
		{fmt.Errorf("inserting: %w", authority.ErrStorageFull), http.StatusInsufficientStorage, api.CodeStorageFull},
		{fmt.Errorf("inserting: %w", authority.ErrBusy), http.StatusServiceUnavailable, api.CodeUnavailable},
		{errors.New("index of keys is broken"), http.StatusInternalServerError, api.CodeInternal},
	} {
		d.keyStore.err.Store(&tt.err)
		for _, q := range []ask{
			{route: "POST /v1/keys", body: `{"purpose":"access_token"}`}, {route: "DELETE /v1/keys/" + key.ID},
		} {
			q.token = d.adminToken
			if a := d.want(t, q, tt.status, tt.code); strings.Contains(a.body, "broken") {
				t.Errorf("%s: got %s, which tells the cause", q.route, a.body)
			}
		}
	}
	d.keyStore.err.Store(nil)
	d.want(t, ask{route: "DELETE /v1/keys/" + key.ID, token: d.adminToken}, http.StatusNoContent, "")
}
