package oauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/identity"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/oauth"
)

// TestMetadata holds RFC 8414's document to the byte.
func TestMetadata(t *testing.T) {
	d := newEdge(t)
	a := d.get(t, "/.well-known/oauth-authorization-server", nil)
	want := `{"issuer":"https://tokens.example.com","token_endpoint":"https://tokens.example.com/oauth/token",` +
		`"jwks_uri":"https://tokens.example.com/.well-known/jwks.json","response_types_supported":[],` +
		`"grant_types_supported":["urn:ietf:params:oauth:grant-type:token-exchange","urn:ietf:params:oauth:grant-type:jwt-bearer","client_credentials"],` +
		`"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","none"],` +
		`"token_endpoint_auth_signing_alg_values_supported":["RS256","RS384","RS512","PS256","PS384","PS512","ES256","EdDSA"],` +
		`"introspection_endpoint":"https://tokens.example.com/oauth/introspect",` +
		`"introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","Bearer"],` +
		`"introspection_endpoint_auth_signing_alg_values_supported":["RS256","RS384","RS512","PS256","PS384","PS512","ES256","EdDSA"],` +
		`"revocation_endpoint":"https://tokens.example.com/oauth/revoke",` +
		`"revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","none"],` +
		`"revocation_endpoint_auth_signing_alg_values_supported":["RS256","RS384","RS512","PS256","PS384","PS512","ES256","EdDSA"]}`
	if diff := cmp.Diff(want, a.body); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
	if a.status != 200 || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("got %d %v", a.status, a.header)
	}
}

// TestJWKS: the keys of access tokens, active and retired, and no others, are published, and go-jose checks a token by
// them.
func TestJWKS(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	path := "/.well-known/jwks.json"
	if a := d.get(t, path, nil); a.body != `{"keys":[]}` || a.header.Get("Cache-Control") != "no-cache" {
		t.Errorf("before any token: got %s, %v", a.body, a.header)
	}
	_, token := d.token(t, "ann", nil)
	var tokens []string
	for _, alg := range keyring.SigningAlgorithms() {
		key, err := d.Keyring.RotateSigningKey(t.Context(), keyring.ForAccessTokens, alg, actor())
		check(t, err)
		tokens = append(tokens, d.exchange(t, token).AccessToken)
		if a := d.get(t, path, nil); !strings.Contains(a.body, key.ID) {
			t.Errorf("%s: the new key is not published", alg)
		}
	}
	a := d.get(t, path, nil)
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("got %v", a.header)
	}
	var set jose.JSONWebKeySet
	check(t, json.Unmarshal([]byte(a.body), &set))
	if len(set.Keys) != len(tokens) {
		t.Fatalf("got %d keys, want %d: %s", len(set.Keys), len(tokens), a.body)
	}
	for _, access := range tokens {
		signed, err := jose.ParseSignedCompact(access, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
		check(t, err)
		keys := set.Key(signed.Signatures[0].Header.KeyID)
		if len(keys) != 1 || !keys[0].Valid() || !keys[0].IsPublic() || keys[0].Use != "sig" || keys[0].Algorithm != signed.Signatures[0].Header.Algorithm {
			t.Fatalf("got the keys %+v", keys)
		}
		if _, err := signed.Verify(keys[0]); err != nil {
			t.Errorf("go-jose: %v", err)
		}
	}
	gone := set.Keys[len(set.Keys)-1].KeyID
	check(t, d.Keyring.RevokeSigningKey(t.Context(), gone, actor()))
	if a := d.get(t, path, nil); strings.Contains(a.body, gone) {
		t.Error("a revoked key is published")
	}
}

// TestIdentityJWKS: the keys of identity tokens are published by themselves, and go-jose checks such a token by them. Neither
// set holds a key of the other: a token of the one kind is of an unknown key to whoever checks the other.
func TestIdentityJWKS(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	const path, other = "/.well-known/jeton-identity/jwks.json", "/.well-known/jwks.json"
	if a := d.get(t, path, nil); a.body != `{"keys":[]}` || a.header.Get("Cache-Control") != "no-cache" {
		t.Errorf("before any token: got %s, %v", a.body, a.header)
	}
	_, token := d.token(t, "ann", nil)
	access, told := d.exchange(t, token).AccessToken, d.told(t, token)
	read := func(path string) (set jose.JSONWebKeySet) {
		a := d.get(t, path, nil)
		if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%s: got %v", path, a.header)
		}
		check(t, json.Unmarshal([]byte(a.body), &set))
		return set
	}
	for _, test := range []struct {
		name, text, in, notIn string
	}{{"identity token", told, path, other}, {"access token", access, other, path}} {
		signed, err := jose.ParseSignedCompact(test.text, []jose.SignatureAlgorithm{jose.ES256})
		check(t, err)
		in, notIn := read(test.in), read(test.notIn)
		keys := in.Key(signed.Signatures[0].Header.KeyID)
		if len(keys) != 1 || !keys[0].Valid() || !keys[0].IsPublic() || keys[0].Use != "sig" || keys[0].Algorithm != "ES256" {
			t.Fatalf("%s: got the keys %+v", test.name, keys)
		}
		if _, err := signed.Verify(keys[0]); err != nil {
			t.Errorf("%s: go-jose: %v", test.name, err)
		}
		if len(notIn.Key(signed.Signatures[0].Header.KeyID)) != 0 {
			t.Errorf("%s: its key stands in %s", test.name, test.notIn)
		}
		for _, key := range notIn.Keys {
			if _, err := signed.Verify(key); err == nil {
				t.Errorf("%s: verified by a key of %s", test.name, test.notIn)
			}
		}
	}
	retired := read(path).Keys[0].KeyID
	next, err := d.Keyring.RotateSigningKey(t.Context(), keyring.ForIdentity, "", actor())
	check(t, err)
	if set := read(path); len(set.Key(retired)) != 1 || len(set.Key(next.ID)) != 1 {
		t.Errorf("got %+v, want the retired key and the active one", set)
	}
	check(t, d.Keyring.RevokeSigningKey(t.Context(), retired, actor()))
	if set := read(path); len(set.Keys) != 1 || len(set.Key(next.ID)) != 1 {
		t.Errorf("got %+v, want the active key alone", set)
	}
}

// TestIdentityToken presents what an API was told to each endpoint that takes a token: it is no credential, and is refused as
// any other that isn't. Its twin, the access token of the same caller, is what that endpoint takes.
func TestIdentityToken(t *testing.T) {
	d := newEdge(t)
	gate := d.gate(t)
	d.user(t, account.Draft{Username: "ann"})
	_, root := d.client(t, "desk", "admin")
	_, token := d.token(t, "ann", nil)
	access, told := d.exchange(t, token).AccessToken, d.told(t, token)
	d.wantActive(t, gate, map[string]aboutToken{"the access token": {token: access}})
	d.wantInactive(t, gate, map[string]aboutToken{"the identity token": {told, "access_token", "wrong_type"}})
	d.want(t, ask{path: "/oauth/token", form: exchangeOf(told)}, http.StatusBadRequest, "invalid_request")
	if got := d.refused(t); got != "oauth_token not_accepted_here access_token" {
		t.Errorf("exchanged: got the refusals %q", got)
	}
	d.want(t, ask{path: "/oauth/token", form: formOf("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", told)}, http.StatusBadRequest, "invalid_grant")
	if got := d.refused(t); got != "oauth_token unknown_platform assertion" {
		t.Errorf("as an assertion: got the refusals %q", got)
	}
	asserted := formOf("grant_type", "client_credentials", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", told)
	d.want(t, ask{path: "/oauth/token", form: asserted}, http.StatusUnauthorized, "invalid_client")
	if got := d.refused(t); got != "oauth_token wrong_claims client_secret" {
		t.Errorf("as a client's assertion: got the refusals %q", got)
	}
	d.want(t, revocation("desk:"+root, told), http.StatusBadRequest, "unsupported_token_type")
	d.want(t, revocation("desk:"+root, access), http.StatusOK, "")
	if _, err := d.identify(t, access); err == nil {
		t.Error("the access token lives on")
	}
	if got := len(d.actions(t, audit.AccessTokenRevoke)) + len(d.actions(t, audit.APITokenDelete)); got != 1 {
		t.Errorf("got %d revocations in the log, want that of the access token", got)
	}
}

// told returns an identity token about the caller of an API token's access token, for the URL that access tokens name.
func (d *edge) told(t testing.TB, apiToken string) string {
	t.Helper()
	made, err := identity.New(identity.Config{Keyring: d.Keyring, Issuer: issuer, Now: d.Now})
	check(t, err)
	p, err := d.identify(t, d.exchange(t, apiToken).AccessToken)
	check(t, err)
	text, err := made.Token(t.Context(), &authority.Decision{Kind: p.CredentialKind, Principal: p}, issuer)
	check(t, err)
	return text.Reveal()
}

// TestCaching: who has a document is told so, by either method.
func TestCaching(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", nil)
	d.exchange(t, token)
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server"} {
		first := d.get(t, path, nil)
		etag := first.header.Get("Etag")
		for name, test := range map[string]struct {
			field string
			want  int
		}{
			"the same": {etag, 304}, "weak": {"W/" + etag, 304}, "one of two": {`"x", ` + etag, 304}, "any": {"*", 304},
			"another": {`"x"`, 200}, "unquoted": {strings.Trim(etag, `"`), 200},
		} {
			a := d.get(t, path, map[string]string{"If-None-Match": test.field})
			if a.status != test.want || a.header.Get("Etag") != etag || (a.body == "") != (test.want == 304) {
				t.Errorf("%s, %s: got %d %v %q", path, name, a.status, a.header, a.body)
			}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, d.URL+path, nil)
		check(t, err)
		if a := d.send(t, r); a.status != 200 || a.body != "" || a.header.Get("Etag") != etag || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("HEAD %s: got %d %v", path, a.status, a.header)
		}
	}
	before := d.get(t, "/.well-known/jwks.json", nil).header.Get("Etag")
	_, err := d.Keyring.RotateSigningKey(t.Context(), keyring.ForAccessTokens, "", actor())
	check(t, err)
	if a := d.get(t, "/.well-known/jwks.json", map[string]string{"If-None-Match": before}); a.status != 200 {
		t.Errorf("got %d for keys that have changed", a.status)
	}
}

// TestNoRoute: what isn't there is a problem, as everywhere.
func TestNoRoute(t *testing.T) {
	d := newEdge(t)
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/oauth/token", 405, "POST"},
		{"PUT", "/oauth/token", 405, "POST"},
		{"POST", "/.well-known/jwks.json", 405, "GET, HEAD"},
		{"POST", "/.well-known/jeton-identity/jwks.json", 405, "GET, HEAD"},
		{"POST", "/oauth/token/", 404, ""},
		{"POST", "/oauth/Token", 404, ""},
		{"GET", "/oauth/authorize", 404, ""},
		{"GET", "/oauth", 404, ""},
		{"POST", "/oauth//token", 404, ""},
		{"POST", "/oauth/x/../token", 404, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, d.URL+test.path, http.NoBody)
		check(t, err)
		res, err := d.Client().Do(r)
		check(t, err)
		_ = res.Body.Close()
		if res.StatusCode != test.status || res.Header.Get("Allow") != test.allow || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: got %d, %v", test.method, test.path, res.StatusCode, res.Header)
		}
	}
}

// TestServes: the paths that app sends here.
func TestServes(t *testing.T) {
	for path, want := range map[string]bool{
		"/oauth": true, "/oauth/": true, "/oauth/token": true, "/oauth/x": true, "/.well-known/jwks.json": true, "/.well-known/jeton-identity/jwks.json": true, "/.well-known/oauth-authorization-server": true,
		"/oauthx": false, "/v1/oauth/token": false, "/.well-known/change-password": false, "/.well-known/jeton-identity/": false, "/": false,
	} {
		if got := oauth.Serves(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}
