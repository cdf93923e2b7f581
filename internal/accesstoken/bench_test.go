package accesstoken_test

import (
	"crypto/rand"
	"testing"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
	"github.com/jeton-io/jeton/test/forge"
)

// BenchmarkExchange exchanges one API token, verified and warm, beside the bare signature of the same key.
func BenchmarkExchange(b *testing.B) {
	d, text, _ := partner(b, desk.Options{}, authority.Limits{})
	if _, err := d.Exchange(b, text, accesstoken.Ask{}); err != nil {
		b.Fatal(err)
	}
	signer, kid := forge.Steal(b, d.Store, []byte(d.Master.Reveal()), keyring.ForAccessTokens)
	b.Run("bare signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := signer.Sign(rand.Reader, jose.Header{KeyID: kid, Type: "at+jwt"}, []byte(`{}`)); err != nil {
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
		issued, err := d.Exchange(b, text, accesstoken.Ask{})
		if err != nil {
			b.Fatal(err)
		}
		tokens[i] = issued.Token.Reveal()
	}
	signer, _ := forge.Steal(b, d.Store, []byte(d.Master.Reveal()), keyring.ForAccessTokens)
	b.Run("bare signature", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			token, err := jose.Parse(tokens[i%len(tokens)])
			if err == nil {
				_, err = signer.Key().Verify(token)
			}
			if err != nil {
				b.Fatal(err)
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
