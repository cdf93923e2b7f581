package oauth_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/jose"
)

// signer makes a service account with a key of its own.
func (d *edge) signer(t testing.TB, name string, draft func(jose.Signer) clientauth.KeyDraft) (jose.Signer, clientauth.Key) {
	t.Helper()
	d.user(t, account.Draft{Username: name, Kind: account.Service})
	s, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	check(t, err)
	k, err := d.Clients.CreateKey(t.Context(), name, draft(s), actor())
	check(t, err)
	return s, k
}

func inPEM(t testing.TB) func(jose.Signer) clientauth.KeyDraft {
	return func(s jose.Signer) clientauth.KeyDraft {
		text, err := s.Key().PEM()
		check(t, err)
		return clientauth.KeyDraft{PublicKey: string(text)}
	}
}

// asserting is the pairs of a form in which a client asserts who it is.
func (d *edge) asserting(t testing.TB, s jose.Signer, name, audience, kid string) []string {
	t.Helper()
	now := d.Now().Unix()
	payload, err := json.Marshal(map[string]any{"iss": name, "sub": name, "aud": audience, "exp": now + 60, "iat": now, "jti": rand.Text()})
	check(t, err)
	text, err := s.Sign(rand.Reader, jose.Header{KeyID: kid, Type: "JWT"}, payload)
	check(t, err)
	return []string{"client_assertion", text, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
}

func with(pairs []string, more ...string) url.Values { return formOf(append(more, pairs...)...) }

// TestPrivateKeyJWT: a client that signs for itself is a client at each endpoint, once for each assertion, and what it got
// dies with its key.
func TestPrivateKeyJWT(t *testing.T) {
	d := newEdge(t)
	s, key := d.signer(t, "batch", inPEM(t))
	var access string
	for _, audience := range []string{issuer, issuer + "/oauth/token"} {
		assertion := d.asserting(t, s, "batch", audience, "")
		q := ask{path: "/oauth/token", form: with(assertion, "grant_type", "client_credentials", "client_id", "batch")}
		var out api.OAuthToken
		d.want(t, q, http.StatusOK, "").into(t, &out)
		access = out.AccessToken
		claims := d.claimsOf(t, access)
		if textOf(t, claims, "cred") != key.ID.String() || textOf(t, claims, "client_id") != key.UserID.String() {
			t.Errorf("got cred %s, want the key %s", claims.Raw("cred"), key.ID)
		}
		for _, path := range []string{"/oauth/token", "/oauth/introspect", "/oauth/revoke"} {
			q.path = path
			q.form.Set("token", access)
			d.want(t, q, http.StatusUnauthorized, "invalid_client")
		}
		if got := d.refused(t); got != "introspect replayed client_secret, oauth_token replayed client_secret, revoke replayed client_secret" {
			t.Errorf("got the refusals %q", got)
		}
	}
	d.want(t, ask{path: "/oauth/introspect", form: with(d.asserting(t, s, "batch", issuer+"/oauth/introspect", ""), "token", access)}, http.StatusOK, "")
	d.want(t, ask{path: "/oauth/revoke", form: with(d.asserting(t, s, "batch", issuer+"/oauth/revoke", ""), "token", "hello")}, http.StatusOK, "")
	d.refused(t)
	d.want(t, ask{path: "/oauth/token", form: with(d.asserting(t, s, "batch", issuer, ""), "grant_type", "client_credentials", "client_id", "other")}, http.StatusUnauthorized, "invalid_client")
	d.want(t, ask{path: "/oauth/token", form: with(d.asserting(t, s, "batch", "https://b.example", ""), "grant_type", "client_credentials")}, http.StatusUnauthorized, "invalid_client")
	if got := d.refused(t); got != "oauth_token unknown_user client_secret, oauth_token wrong_audience client_secret" {
		t.Errorf("got the refusals %q", got)
	}
	if _, err := d.identify(t, access); err != nil {
		t.Error(err)
	}
	check(t, d.Clients.DeleteKey(t.Context(), "batch", key.ID, actor()))
	if _, err := d.identify(t, access); err == nil {
		t.Error("an access token outlives the key that it was got with")
	}
	d.want(t, ask{path: "/oauth/token", form: with(d.asserting(t, s, "batch", issuer, ""), "grant_type", "client_credentials")}, http.StatusUnauthorized, "invalid_client")
	if got := d.refused(t); got != "gateway deleted access_token, oauth_token revoked_key client_secret" {
		t.Errorf("got the refusals %q", got)
	}
}

// TestAssertionOnce: of fifty uses of an assertion at once, one gets a token.
func TestAssertionOnce(t *testing.T) {
	d := newEdge(t)
	s, _ := d.signer(t, "batch", inPEM(t))
	form := with(d.asserting(t, s, "batch", issuer, ""), "grant_type", "client_credentials")
	var all sync.WaitGroup
	var admitted atomic.Int64
	for range 50 {
		all.Go(func() {
			if a := d.do(t, ask{path: "/oauth/token", form: form}); a.status == http.StatusOK {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	if got := admitted.Load(); got != 1 {
		t.Errorf("got %d tokens, want 1", got)
	}
}

// TestPublishedKeys: a client's keys are read where it publishes them, and a new one at once.
func TestPublishedKeys(t *testing.T) {
	d := newEdge(t)
	var published atomic.Pointer[[]byte]
	publisher := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*published.Load()) }))
	defer publisher.Close()
	publish := func(s jose.Signer, kid string) {
		key, err := s.Key().JWK(kid)
		check(t, err)
		text := []byte(`{"keys":[` + string(key) + `]}`)
		published.Store(&text)
	}
	first, _ := d.signer(t, "batch", func(s jose.Signer) clientauth.KeyDraft {
		publish(s, "first")
		return clientauth.KeyDraft{JWKSURI: publisher.URL}
	})
	getBy := func(s jose.Signer, kid string, status int, code, reason string) {
		t.Helper()
		d.refused(t)
		d.want(t, ask{path: "/oauth/token", form: with(d.asserting(t, s, "batch", issuer, kid), "grant_type", "client_credentials")}, status, code)
		want := ""
		if reason != "" {
			want = "oauth_token " + reason + " client_secret"
		}
		if got := d.refused(t); got != want {
			t.Errorf("got the refusals %q, want %q", got, want)
		}
	}
	getBy(first, "first", http.StatusOK, "", "")
	second, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	check(t, err)
	getBy(second, "second", http.StatusUnauthorized, "invalid_client", "bad_signature")
	publish(second, "second")
	d.Advance(t, 30*time.Second)
	getBy(second, "second", http.StatusOK, "", "")
	getBy(first, "first", http.StatusUnauthorized, "invalid_client", "bad_signature")
	publisher.Close()
	d.Advance(t, 5*time.Minute)
	getBy(second, "second", http.StatusServiceUnavailable, "temporarily_unavailable", "unavailable")
}
