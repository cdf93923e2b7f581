package clientauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestAssertion: every algorithm, with and without what may be left out.
func TestAssertion(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			d := newDesk(t)
			s, k := d.signer(t, alg)
			p := d.want(t, "", d.assertion(t, s, jose.Header{}, nil), "")
			if p.ID != k.ID || p.UserID != d.user.ID || p.Remember || !p.NotAfter.Equal(d.clock().Add(time.Minute)) {
				t.Errorf("got the proof %+v", p)
			}
			for _, header := range []jose.Header{
				{KeyID: k.ID.String(), Type: "JWT"}, {KeyID: "its own", Type: "client-authentication+jwt"}, {Type: "jwt"},
			} {
				d.want(t, "BATCH JOB", d.assertion(t, s, header, nil), "")
			}
		})
	}
}

// TestAssertionRefusals: each refusal with its reason, and beside it the same assertion with one thing mended.
func TestAssertionRefusals(t *testing.T) {
	d := newDesk(t)
	s, _ := d.signer(t, jose.ES256)
	now := d.clock().Unix()
	none := jose.Header{}
	type claims = map[string]any
	for _, test := range []struct {
		name        string
		header      jose.Header
		bad, mended claims
		want        authority.Reason
	}{
		{"no issuer", none, claims{"iss": nil}, nil, authority.ReasonWrongIssuer},
		{"issuer of another type", none, claims{"iss": 7}, nil, authority.ReasonWrongIssuer},
		{"no subject", none, claims{"sub": nil}, nil, authority.ReasonWrongClaims},
		{"another subject", none, claims{"sub": "Batch job"}, nil, authority.ReasonWrongClaims},
		{"unknown client", none, claims{"iss": "nobody", "sub": "nobody"}, claims{"iss": "batch job", "sub": "batch job"}, authority.ReasonUnknownUser},
		{"no audience", none, claims{"aud": nil}, nil, authority.ReasonWrongAudience},
		{"empty audience", none, claims{"aud": []string{}}, claims{"aud": []string{issuer}}, authority.ReasonWrongAudience},
		{"another audience", none, claims{"aud": issuer + "/"}, claims{"aud": issuer + "/oauth/token"}, authority.ReasonWrongAudience},
		{"an audience beside", none, claims{"aud": []string{issuer, "https://b.example"}}, claims{"aud": []string{issuer, issuer + "/oauth/token"}}, authority.ReasonWrongAudience},
		{"audience of another type", none, claims{"aud": claims{"a": issuer}}, nil, authority.ReasonWrongAudience},
		{"no end", none, claims{"exp": nil}, nil, authority.ReasonWrongClaims},
		{"end null", none, claims{"exp": json.RawMessage("null")}, nil, authority.ReasonWrongClaims},
		{"end in digits", none, claims{"exp": "1795262460"}, nil, authority.ReasonWrongClaims},
		{"end with a fraction", none, claims{"exp": float64(now) + 60.5}, nil, authority.ReasonWrongClaims},
		{"end zero", none, claims{"exp": 0}, nil, authority.ReasonWrongClaims},
		{"end negative", none, claims{"exp": -1}, nil, authority.ReasonWrongClaims},
		{"end huge", none, claims{"exp": uint64(math.MaxUint64)}, nil, authority.ReasonWrongClaims},
		{"ended", none, claims{"exp": now}, claims{"exp": now + 1}, authority.ReasonExpired},
		{"too far ahead", none, claims{"exp": now + 3611}, claims{"exp": now + 3610}, authority.ReasonWrongClaims},
		{"issued in the future", none, claims{"iat": now + 11}, claims{"iat": now + 10}, authority.ReasonNotYet},
		{"not yet", none, claims{"nbf": now + 11}, claims{"nbf": now + 10}, authority.ReasonNotYet},
		{"issued at text", none, claims{"iat": "now"}, claims{"iat": nil}, authority.ReasonWrongClaims},
		{"empty ID", none, claims{"jti": ""}, nil, authority.ReasonWrongClaims},
		{"ID of another type", none, claims{"jti": 7}, claims{"jti": nil}, authority.ReasonWrongClaims},
		{"an access token's type", jose.Header{Type: "at+jwt"}, nil, nil, authority.ReasonWrongType},
		{"an API token's type", jose.Header{Type: "api+jwt"}, nil, nil, authority.ReasonWrongType},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.want(t, "", d.assertion(t, s, test.header, test.bad), test.want)
			d.want(t, "", d.assertion(t, s, none, test.mended), "")
		})
	}
	d.want(t, "other", d.assertion(t, s, none, nil), authority.ReasonUnknownUser)
	d.want(t, "", "eyJ.e30.e30", authority.ReasonMalformed)
	d.want(t, "", ".", authority.ReasonMalformed)
	d.want(t, "", secret.Text(strings.Repeat(".", 1<<20)), authority.ReasonMalformed)
	d.want(t, "", d.assertion(t, s, none, nil)+"=", authority.ReasonMalformed)
}

// TestAssertionOtherKey: only the client's own living keys speak for it, each by its own algorithm.
func TestAssertionOtherKey(t *testing.T) {
	d := newDesk(t)
	none := jose.Header{}
	stranger, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	check(t, err)
	d.want(t, "", d.assertion(t, stranger, none, nil), authority.ReasonUnknownKey)
	s, k := d.signer(t, jose.ES256)
	d.want(t, "", d.assertion(t, stranger, none, nil), authority.ReasonBadSignature)
	d.want(t, "", d.assertion(t, stranger, jose.Header{KeyID: k.ID.String()}, nil), authority.ReasonBadSignature)
	ed, err := jose.GenerateSigner(jose.EdDSA, rand.Reader)
	check(t, err)
	d.want(t, "", d.assertion(t, ed, none, nil), authority.ReasonWrongAlgorithm)

	second, other := d.signer(t, jose.RS256)
	d.want(t, "", d.assertion(t, second, none, nil), "")
	d.want(t, "", d.assertion(t, second, jose.Header{KeyID: k.ID.String()}, nil), authority.ReasonWrongAlgorithm)
	if _, err := d.accounts.Create(t.Context(), account.Draft{Username: "other", Kind: account.Service}, audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	d.want(t, "", d.assertion(t, s, none, map[string]any{"iss": "other", "sub": "other"}), authority.ReasonUnknownKey)

	if err := d.DeleteKey(t.Context(), "other", k.ID, audit.Actor{}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for another's key, want not found", err)
	}
	check(t, d.DeleteKey(t.Context(), "batch job", k.ID, audit.Actor{}))
	_, err = d.Prove(t.Context(), authority.Credential{Text: d.assertion(t, s, none, nil)})
	if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonRevokedKey || ref.ID != k.ID || ref.UserID != d.user.ID {
		t.Errorf("got %v for a deleted key, want which it is", err)
	}
	d.want(t, "", d.assertion(t, second, jose.Header{KeyID: k.ID.String()}, nil), "")
	check(t, d.DeleteKey(t.Context(), "batch job", other.ID, audit.Actor{}))

	d.store.err = errors.New("the disk is on fire")
	if _, err := d.Prove(t.Context(), authority.Credential{Text: d.assertion(t, s, none, nil)}); !errors.Is(err, d.store.err) {
		t.Errorf("got %v, want the store's error", err)
	}
}

// TestReplay: an assertion is good once, in whatever other signature or spelling of its ID; what is refused is not used up.
func TestReplay(t *testing.T) {
	d := newDesk(t)
	s, _ := d.signer(t, jose.ES256)
	none := jose.Header{}
	for name, id := range map[string]any{"with an ID": "one", "without": nil} {
		t.Run(name, func(t *testing.T) {
			said := map[string]any{"jti": id, "nbf": d.clock().Unix() - int64(len(name))}
			text, again := d.assertion(t, s, none, said), d.assertion(t, s, none, said)
			if text == again {
				t.Fatal("got the same signature twice")
			}
			d.want(t, "other", text, authority.ReasonUnknownUser)
			d.want(t, "", text, "")
			d.want(t, "", text, authority.ReasonReplayed)
			d.want(t, "", again, authority.ReasonReplayed)
		})
	}
	text := d.assertion(t, s, none, nil)
	var admitted atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, reason := d.prove(t, "", text); reason == "" {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	if got := admitted.Load(); got != 1 {
		t.Errorf("got %d of fifty admitted, want 1", got)
	}
	d.now.Add(86400 + 3600)
	if n, err := d.Prune(t.Context(), d.clock()); err != nil || n != 3 {
		t.Errorf("pruned %d, %v, want 3", n, err)
	}
}

// TestKeyFaults: a key that protects nothing, or that isn't only public any more, is refused with what to give instead.
func TestKeyFaults(t *testing.T) {
	d := newDesk(t)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	check(t, err)
	good, err := jose.GenerateSigner(jose.RS256, rand.Reader)
	check(t, err)
	private, err := good.PKCS8()
	check(t, err)
	public, err := good.Key().PEM()
	check(t, err)
	for _, test := range []struct {
		name  string
		draft clientauth.KeyDraft
		field string
		says  string
	}{
		{"nothing", clientauth.KeyDraft{}, "public_key", ""},
		{"both", clientauth.KeyDraft{PublicKey: string(public), JWKSURI: setAddress}, "public_key", ""},
		{"weak", clientauth.KeyDraft{PublicKey: block("PUBLIC KEY", mustDER(t, &small.PublicKey))}, "public_key", "weak"},
		{"private", clientauth.KeyDraft{PublicKey: block("PRIVATE KEY", private)}, "public_key", "private"},
		{"private that says public", clientauth.KeyDraft{PublicKey: block("PUBLIC KEY", private)}, "public_key", "private"},
		{"no PEM", clientauth.KeyDraft{PublicKey: "MIIB"}, "public_key", "PEM"},
		{"another algorithm's", clientauth.KeyDraft{PublicKey: string(public), Algorithm: jose.ES256}, "public_key", "PEM"},
		{"HMAC", clientauth.KeyDraft{PublicKey: string(public), Algorithm: jose.HS256}, "algorithm", ""},
		{"no algorithm", clientauth.KeyDraft{PublicKey: string(public), Algorithm: "none"}, "algorithm", ""},
		{"bad address", clientauth.KeyDraft{JWKSURI: "http://batch.example.com"}, "jwks_uri", ""},
		{"address with an algorithm", clientauth.KeyDraft{JWKSURI: setAddress, Algorithm: jose.RS256}, "algorithm", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := d.CreateKey(t.Context(), "batch job", test.draft, audit.Actor{})
			wantField(t, err, test.field)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want it to say %q", err, test.says)
			}
		})
	}
	for alg, want := range map[jose.Algorithm]jose.Algorithm{"": jose.RS256, jose.PS512: jose.PS512} {
		k, err := d.CreateKey(t.Context(), "batch job", clientauth.KeyDraft{PublicKey: string(public), Algorithm: alg}, audit.Actor{})
		if err != nil || k.Algorithm != want {
			t.Errorf("got %s, %v, want %s", k.Algorithm, err, want)
		}
	}
	for range 3 {
		d.signer(t, jose.EdDSA)
	}
	_, err = d.CreateKey(t.Context(), "batch job", clientauth.KeyDraft{JWKSURI: setAddress}, audit.Actor{})
	wantField(t, err, "user")
	if !errors.Is(err, authority.ErrConflict) {
		t.Errorf("got %v for a sixth key, want a conflict", err)
	}
}

func mustDER(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	check(t, err)
	return der
}

// TestPublishedKeys: a client that names where its keys are is known by any of them, and by none when they can't be read.
func TestPublishedKeys(t *testing.T) {
	d := newDesk(t)
	s, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	check(t, err)
	other, err := jose.GenerateSigner(jose.EdDSA, rand.Reader)
	check(t, err)
	k, err := d.CreateKey(t.Context(), "batch job", clientauth.KeyDraft{JWKSURI: setAddress}, audit.Actor{})
	check(t, err)
	d.want(t, "", d.assertion(t, s, jose.Header{}, nil), authority.ReasonUnknownKey)
	d.sets.keys = []jose.IdentifiedKey{{ID: "a", Key: other.Key()}, {ID: "b", Key: s.Key()}}
	for _, kid := range []string{"", "b", "c"} {
		if p := d.want(t, "", d.assertion(t, s, jose.Header{KeyID: kid}, nil), ""); p.ID != k.ID {
			t.Errorf("got the proof %+v, want the record's", p)
		}
	}
	d.want(t, "", d.assertion(t, s, jose.Header{KeyID: "a"}, nil), authority.ReasonWrongAlgorithm)
	former, err := d.CreateKey(t.Context(), "batch job", clientauth.KeyDraft{PublicKey: pemOf(t, s)}, audit.Actor{})
	check(t, err)
	check(t, d.DeleteKey(t.Context(), "batch job", former.ID, audit.Actor{})) // published since: of its former record nothing can be told
	d.sets.keys, d.sets.err = nil, errors.New("no route to host")
	if _, err := d.Prove(t.Context(), authority.Credential{Text: d.assertion(t, s, jose.Header{}, nil)}); !errors.Is(err, d.sets.err) {
		t.Errorf("got %v, want that the keys can't be read", err)
	}
	d.sets.err = nil
	check(t, d.DeleteKey(t.Context(), "batch job", k.ID, audit.Actor{}))
	d.sets.keys = []jose.IdentifiedKey{{ID: "b", Key: s.Key()}}
	d.want(t, "", d.assertion(t, s, jose.Header{}, nil), authority.ReasonRevokedKey)
}

// pemOf returns the public half of a signer's key.
func pemOf(t *testing.T, s jose.Signer) string {
	t.Helper()
	text, err := s.Key().PEM()
	check(t, err)
	return string(text)
}
