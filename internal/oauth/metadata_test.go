package oauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
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
		"/oauth": true, "/oauth/": true, "/oauth/token": true, "/oauth/x": true, "/.well-known/jwks.json": true, "/.well-known/oauth-authorization-server": true,
		"/oauthx": false, "/v1/oauth/token": false, "/.well-known/change-password": false, "/": false,
	} {
		if got := oauth.Serves(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}
