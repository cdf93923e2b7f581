package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"runtime"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

// accessClaims are those of an access token as Jeton issues it.
const accessClaims = `{"iss":"https://tokens.example.com","sub":"0192f5e1-7a3c-7def-8a4b-1c2d3e4f5a6b","aud":"https://tokens.example.com",` +
	`"client_id":"0192f5e1-8b4d-7abc-9c5d-2e3f4a5b6c7d","scope":"reports.read","jti":"0192f5e1-9c5e-7123-8d6e-3f4a5b6c7d8e","iat":1772362800,"exp":1772363100}`

// TestFloodsAllocateLittle holds the gate to not paying for what it refuses.
func TestFloodsAllocateLittle(t *testing.T) {
	deep := nested(3000) // as deep as fits into a token
	for _, test := range []struct {
		name, text string
		allocs     float64
		bytes      uint64
	}{
		{"a megabyte of dots", strings.Repeat(".", 1<<20), 6, 512},
		{"nested 100,000 deep", nested(100_000), 6, 512},
		{"8,192 dots", strings.Repeat(".", 8<<10), 6, 512},
		{"nested as deep as fits", deep, 16, 4 * uint64(len(deep))},
		{"a thousand names, one twice", claimed(many(700, "n0")), 40, 16 * jose.MaxLength},
		{"a megabyte that is no token", strings.Repeat("A", 1<<20), 6, 512},
	} {
		var before, after runtime.MemStats
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := jose.Parse(test.text); err == nil {
				t.Fatalf("%s: admitted", test.name)
			}
		})
		runtime.ReadMemStats(&before)
		for range 100 {
			_, _ = jose.Parse(test.text)
		}
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) / 100; allocs > test.allocs || used > test.bytes {
			t.Errorf("%s: got %v allocations of %d bytes, want %v of %d at most", test.name, allocs, used, test.allocs, test.bytes)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		text := sign(b, alg, accessClaims)
		b.Run(fmt.Sprintf("%s/bytes=%d", alg, len(text)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jose.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	worst := claimed(strings.TrimSuffix(many(600, "m0"), "}") + "}")
	b.Run(fmt.Sprintf("names=600/bytes=%d", len(worst)), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := jose.Parse(worst); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerify sets gate and check beside the bare call into crypto/*.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		text, key := sign(b, alg, accessClaims), signer(b, alg).Key()
		b.Run(string(alg)+"/gate and check", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verify(key, text); err != nil {
					b.Fatal(err)
				}
			}
		})
		bare := bareCall(b, key, text)
		b.Run(string(alg)+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !bare() {
					b.Fatal("refused")
				}
			}
		})
	}
}

// bareCall returns the least that a check by hand does: hash and verify.
func bareCall(b *testing.B, key jose.Key, text string) func() bool {
	b.Helper()
	signed, signature := cut(b, text)
	message, raw := []byte(signed), []byte(signature)
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		return func() bool {
			sum := sha256.Sum256(message)
			return rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], raw) == nil
		}
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])
		return func() bool {
			sum := sha256.Sum256(message)
			return ecdsa.Verify(pub, sum[:], r, s)
		}
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(pub, message, raw) }
	}
	b.Fatalf("a key of type %T", key.Public())
	return nil
}

// BenchmarkSign is an exchange's share of the work, without the store.
func BenchmarkSign(b *testing.B) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		s := signer(b, alg)
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Sign(rand.Reader, jose.Header{KeyID: "0000000000000000000000", Type: "at+jwt"}, []byte(accessClaims)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
