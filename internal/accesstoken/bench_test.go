package accesstoken_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
	"github.com/jeton-io/jeton/test/forge"
)

// The bare signatures are crypto/ecdsa's alone: what reads and writes tokens around them is Jeton's own. The load benchmark
// in bench/ runs the two benchmarks that have one, by these names, and has its units from them.

// stolen returns the key that signs access tokens.
func stolen(tb testing.TB, d *desk.Desk) *ecdsa.PrivateKey {
	tb.Helper()
	signer, _ := forge.Steal(tb, d.Store, []byte(d.Master.Reveal()), keyring.ForAccessTokens)
	der, err := signer.PKCS8()
	must(tb, err)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	must(tb, err)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		tb.Fatalf("got a %T, want a key for ES256", parsed)
	}
	return key
}

// signed returns the part of a token that its signature is over.
func signed(token string) []byte { return []byte(token[:strings.LastIndexByte(token, '.')]) }

// BenchmarkExchange exchanges one API token, verified and warm, beside the bare signature of the same key.
func BenchmarkExchange(b *testing.B) {
	d, text, _ := partner(b, desk.Options{}, authority.Limits{})
	input := signed(exchange(b, d, text, accesstoken.Ask{}).Token.Reveal())
	key := stolen(b, d)
	b.Run("bare signature", func(b *testing.B) {
		for b.Loop() {
			sum := sha256.Sum256(input)
			if _, _, err := ecdsa.Sign(rand.Reader, key, sum[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("exchange", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Exchange(b, text, accesstoken.Ask{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCold checks access tokens that were never seen, beside the bare check of their signatures.
func BenchmarkCold(b *testing.B) {
	d, text, _ := partner(b, desk.Options{}, authority.Limits{})
	tokens := make([]string, 2000)
	for i := range tokens {
		tokens[i] = exchange(b, d, text, accesstoken.Ask{}).Token.Reveal()
	}
	input, key := signed(tokens[0]), stolen(b, d)
	sum := sha256.Sum256(input)
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	must(b, err)
	b.Run("bare signature", func(b *testing.B) {
		for b.Loop() {
			if sum := sha256.Sum256(input); !ecdsa.Verify(&key.PublicKey, sum[:], r, s) {
				b.Fatal("a good signature was refused")
			}
		}
	})
	b.Run("proof", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := d.Access.Prove(b.Context(), authority.Credential{Kind: authority.AccessToken, Text: secret.Text(tokens[i%len(tokens)])}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWarm decides about calls by one access token.
func BenchmarkWarm(b *testing.B) {
	d, text, _ := partner(b, desk.Options{}, authority.Limits{})
	issued, err := d.Exchange(b, text, accesstoken.Ask{})
	must(b, err)
	in := desk.Bearer(issued.Token.Reveal())
	b.ReportAllocs()
	for b.Loop() {
		if got := d.Authority.Decide(b.Context(), in, desk.Gateway); !got.Allowed() {
			b.Fatal(got.Reason)
		}
	}
}
