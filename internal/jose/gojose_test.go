package jose_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"hash"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/jeton-io/jeton/internal/jose"
)

// secondOpinion asks go-jose whether the text is a token signed by the key. It returns the payload.
func secondOpinion(key any, text string) ([]byte, error) {
	all := []gojose.SignatureAlgorithm{}
	for _, alg := range jose.Algorithms() {
		all = append(all, gojose.SignatureAlgorithm(alg))
	}
	token, err := gojose.ParseSignedCompact(text, all)
	if err != nil {
		return nil, err
	}
	return token.Verify(key)
}

const fuzzSecret = "a secret of sixty-four bytes, known to everybody who runs tests."

// fuzzKey returns a key of ours with go-jose's of the same material, and what signs with it.
func fuzzKey(t testing.TB, alg jose.Algorithm) (ours jose.Key, theirs any, sign func(signed string) string) {
	t.Helper()
	if alg.Symmetric() {
		return secretKey(t, alg, []byte(fuzzSecret)), []byte(fuzzSecret), func(signed string) string {
			newHash := map[jose.Algorithm]func() hash.Hash{jose.HS256: sha256.New, jose.HS384: sha512.New384, jose.HS512: sha512.New}[alg]
			mac := hmac.New(newHash, []byte(fuzzSecret))
			mac.Write([]byte(signed))
			return string(mac.Sum(nil))
		}
	}
	s := signer(t, alg)
	return s.Key(), s.Key().Public(), func(signed string) string {
		signature, err := s.SignForm([]byte(signed))
		if err != nil {
			t.Fatal(err)
		}
		return string(signature)
	}
}

// FuzzSecondOpinion holds that go-jose admits whatever we admit, under the same key and with the same payload. The other
// way round it need not be. The token is made of any header and claims, signed rightly, and then changed at one place, so
// that the fuzzer gets past the signature.
func FuzzSecondOpinion(f *testing.F) {
	for i, alg := range jose.Algorithms() {
		f.Add(uint8(i), `{"alg":"`+string(alg)+`","kid":"1","typ":"at+jwt"}`, goodClaims, uint16(0), uint8(0))
		f.Add(uint8(i), ` {"typ": "JWT" ,"alg":"`+string(alg)+`"}`, `{"exp":1.0e5,"a":[{}],"\u0061":null}`, uint16(20), uint8(1))
	}
	f.Fuzz(func(t *testing.T, which uint8, header, claims string, at uint16, change uint8) {
		alg := jose.Algorithms()[int(which)%len(jose.Algorithms())]
		ours, theirs, sign := fuzzKey(t, alg)
		signed := encode(header) + "." + encode(claims)
		text := []byte(signed + "." + encode(sign(signed)))
		text[int(at)%len(text)] ^= change
		got, err := verify(ours, string(text))
		if err != nil {
			if change == 0 && only(t, err, jose.ErrSignature) {
				t.Errorf("%s: a good signature was refused", text)
			}
			return
		}
		payload, err := secondOpinion(theirs, string(text))
		if err != nil || string(payload) != claims {
			t.Errorf("%s: admitted, and go-jose says %q, %v", text, payload, err)
		}
		if sub, err := got.Text("sub"); err == nil && !strings.Contains(claims, "\\") && !strings.Contains(claims, sub) {
			t.Errorf("%s: got sub %q", text, sub)
		}
	})
}

// TestSecondSigner takes tokens that go-jose signed, and has it check ours and read our JWKs.
func TestSecondSigner(t *testing.T) {
	for _, alg := range jose.Algorithms() {
		ours, theirs, _ := fuzzKey(t, alg)
		key := gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: theirs}
		if !alg.Symmetric() {
			key.Key = privateOf(t, alg)
		}
		signer, err := gojose.NewSigner(key, (&gojose.SignerOptions{}).WithType("JWT").WithHeader("kid", "1"))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(goodClaims))
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(ours, text); err != nil {
			t.Errorf("%s: got %v of go-jose's token", alg, err)
		}
		if alg.Symmetric() {
			continue
		}
		var read gojose.JSONWebKey
		jwk, err := ours.JWK("1")
		if err != nil {
			t.Fatal(err)
		}
		if err := read.UnmarshalJSON(jwk); err != nil || !read.Valid() || read.KeyID != "1" || read.Algorithm != string(alg) || read.Use != "sig" {
			t.Errorf("%s: go-jose reads %s as %+v, %v", alg, jwk, read, err)
		}
		if payload, err := secondOpinion(read, sign(t, alg, goodClaims)); err != nil || !bytes.Equal(payload, []byte(goodClaims)) {
			t.Errorf("%s: go-jose says %q, %v of our token", alg, payload, err)
		}
		theirJWK, err := read.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := jose.ParseJWK(alg, theirJWK); err != nil || again.ID != "1" {
			t.Errorf("%s: got %v of go-jose's %s", alg, err, theirJWK)
		}
	}
}

func privateOf(t *testing.T, alg jose.Algorithm) crypto.PrivateKey {
	t.Helper()
	der, err := signer(t, alg).PKCS8()
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return private
}
