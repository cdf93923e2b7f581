package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

func decode(t testing.TB, text string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tagged returns a token with an HMAC of the given hash, whatever its header says.
func tagged(header string, newHash func() hash.Hash, secret []byte) string {
	signed := encode(header) + "." + encode(goodClaims)
	mac := hmac.New(newHash, secret)
	mac.Write([]byte(signed))
	return signed + "." + encode(string(mac.Sum(nil)))
}

func TestVerify(t *testing.T) {
	for _, alg := range pairs() {
		text := sign(t, alg, goodClaims)
		claims, err := verify(signer(t, alg).Key(), text)
		if err != nil {
			t.Errorf("%s: got %v, want it admitted", alg, err)
			continue
		}
		if sub, err := claims.Text("sub"); sub != "alice" {
			t.Errorf("%s: got sub %q, %v, want alice", alg, sub, err)
		}
		checkSpoilt(t, alg, text)
	}
}

// checkSpoilt changes each byte of the signature and some of the signing input.
func checkSpoilt(t *testing.T, alg jose.Algorithm, text string) {
	t.Helper()
	key := signer(t, alg).Key()
	signed, signature := cut(t, text)
	for i := range signature {
		spoilt := []byte(signature)
		spoilt[i] ^= 1
		if _, err := verify(key, signed+"."+encode(string(spoilt))); !only(t, err, jose.ErrSignature) {
			t.Fatalf("%s: byte %d of the signature changed: got %v, want ErrSignature", alg, i, err)
		}
	}
	for name, other := range map[string]string{
		"cut":                 signature[:len(signature)-1],
		"cut at the front":    signature[1:],
		"one byte":            signature[:1],
		"doubled":             signature + signature,
		"a zero in front":     "\x00" + signature,
		"a zero behind":       signature + "\x00",
		"zeros":               strings.Repeat("\x00", len(signature)),
		"ones":                strings.Repeat("\xff", len(signature)),
		"the one of none":     "\x00",
		"the other half":      signature[len(signature)/2:] + signature[:len(signature)/2],
		"another text's":      decodeSignature(t, sign(t, alg, `{"sub":"bob"}`)),
		"another algorithm's": decodeSignature(t, sign(t, otherThan(alg), goodClaims)),
	} {
		if _, err := verify(key, signed+"."+encode(other)); !only(t, err, jose.ErrSignature) {
			t.Errorf("%s: signature %s: got %v, want ErrSignature", alg, name, err)
		}
	}
	changed := strings.Replace(text, encode(goodClaims), encode(`{"sub":"alicf"}`), 1)
	if _, err := verify(key, changed); !only(t, err, jose.ErrSignature) {
		t.Errorf("%s: another subject: got %v, want ErrSignature", alg, err)
	}
}

func decodeSignature(t *testing.T, text string) string {
	t.Helper()
	_, signature := cut(t, text)
	return signature
}

func otherThan(alg jose.Algorithm) jose.Algorithm {
	if alg == jose.RS256 {
		return jose.PS256
	}
	return jose.RS256
}

// TestAlgorithmIsTheKeys presents, to a key of each algorithm, tokens that name another one but are signed rightly in
// every other respect: the header alone makes the difference.
func TestAlgorithmIsTheKeys(t *testing.T) {
	spellings := []string{"none", "None", "NONE", "nOnE", "rs256", "RS256 ", "RS1", "ES256K", "ES384", "Ed25519", "eddsa", "RSA-OAEP", "dir"}
	for _, alg := range jose.Algorithms() {
		spellings = append(spellings, string(alg))
	}
	for _, alg := range pairs() {
		for _, name := range spellings {
			signed := encode(`{"alg":"`+name+`"}`) + "." + encode(goodClaims)
			signature, err := signer(t, alg).SignForm([]byte(signed))
			if err != nil {
				t.Fatal(err)
			}
			_, err = verify(signer(t, alg).Key(), signed+"."+encode(string(signature)))
			if same := name == string(alg); same != (err == nil) || !same && !only(t, err, jose.ErrAlgorithm) {
				t.Errorf("key of %s, token of %q: got %v", alg, name, err)
			}
		}
	}
}

func TestConfusion(t *testing.T) {
	rs := signer(t, jose.RS256).Key()
	pem, err := rs.PEM()
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := rs.JWK("1")
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(rs.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{pem, jwk, der, public[*rsa.PublicKey](t, jose.RS256).N.Bytes(), nil, {0}} {
		for alg, kind := range map[string]error{"HS256": jose.ErrAlgorithm, "RS256": jose.ErrSignature} {
			if _, err := verify(rs, tagged(`{"alg":"`+alg+`"}`, sha256.New, secret)); !only(t, err, kind) {
				t.Errorf("HMAC as %s under %.20q: got %v, want %v", alg, secret, err, kind)
			}
		}
	}
	// The other algorithms of the same pair: one record, one algorithm.
	for _, alg := range []jose.Algorithm{jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512} {
		other, err := jose.NewKey(alg, rs.Public())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(other, sign(t, jose.RS256, goodClaims)); !only(t, err, jose.ErrAlgorithm) {
			t.Errorf("%s: got %v, want ErrAlgorithm", alg, err)
		}
		text := encode(`{"alg":"`+string(alg)+`"}`) + "." + encode(goodClaims)
		_, signature := cut(t, sign(t, jose.RS256, goodClaims))
		if _, err := verify(other, text+"."+encode(signature)); !only(t, err, jose.ErrSignature) {
			t.Errorf("%s by name: got %v, want ErrSignature", alg, err)
		}
	}
}

func TestZeroKey(t *testing.T) {
	var key jose.Key
	for _, text := range []string{sign(t, jose.RS256, goodClaims), form(`{"alg":"none"}`, goodClaims), tagged(`{"alg":"HS256"}`, sha256.New, nil)} {
		if _, err := verify(key, text); !errors.Is(err, jose.ErrNoKey) {
			t.Errorf("got %v, want ErrNoKey", err)
		}
	}
	if _, err := signer(t, jose.RS256).Key().Verify(&jose.Token{}); !errors.Is(err, jose.ErrAlgorithm) {
		t.Errorf("the zero token: got %v, want ErrAlgorithm", err)
	}
	if key.Algorithm() != "" || key.Public() != nil {
		t.Errorf("got %s, %v, want nothing", key.Algorithm(), key.Public())
	}
}

func TestHMAC(t *testing.T) {
	hashes := map[jose.Algorithm]func() hash.Hash{jose.HS256: sha256.New, jose.HS384: sha512.New384, jose.HS512: sha512.New}
	for alg, newHash := range hashes {
		size := newHash().Size()
		secret := []byte(strings.Repeat("k", size))
		key := secretKey(t, alg, secret)
		header := `{"alg":"` + string(alg) + `"}`
		text := tagged(header, newHash, secret)
		if _, err := verify(key, text); err != nil {
			t.Errorf("%s: got %v, want it admitted", alg, err)
		}
		secret[0] = 'K' // the key has its own copy
		if _, err := verify(key, text); err != nil {
			t.Errorf("%s: got %v after the caller changed its secret", alg, err)
		}
		if _, err := verify(key, tagged(header, newHash, secret)); !only(t, err, jose.ErrSignature) {
			t.Errorf("%s: another secret: got %v, want ErrSignature", alg, err)
		}
		signed, tag := cut(t, text)
		for _, bad := range []string{tag[:size-1], tag[:16], tag + "\x00", "\x00"} {
			if _, err := verify(key, signed+"."+encode(bad)); !only(t, err, jose.ErrSignature) {
				t.Errorf("%s: a tag of %d bytes: got %v, want ErrSignature", alg, len(bad), err)
			}
		}
		for _, short := range [][]byte{nil, {}, secret[1:]} {
			if _, err := jose.NewSecretKey(alg, short); !errors.Is(err, jose.ErrWeakKey) {
				t.Errorf("%s: a secret of %d bytes: got %v, want ErrWeakKey", alg, len(short), err)
			}
		}
	}
}

// TestPSSSalt signs with salts of all lengths: only the hash's own passes.
func TestPSSSalt(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for alg, hash := range map[jose.Algorithm]crypto.Hash{jose.PS256: crypto.SHA256, jose.PS384: crypto.SHA384, jose.PS512: crypto.SHA512} {
		key, err := jose.NewKey(alg, private.Public())
		if err != nil {
			t.Fatal(err)
		}
		signed := encode(`{"alg":"`+string(alg)+`"}`) + "." + encode(goodClaims)
		h := hash.New()
		h.Write([]byte(signed))
		for _, salt := range []int{1, hash.Size() - 1, hash.Size(), hash.Size() + 1, rsa.PSSSaltLengthAuto} {
			signature, err := rsa.SignPSS(rand.Reader, private, hash, h.Sum(nil), &rsa.PSSOptions{SaltLength: salt})
			if err != nil {
				t.Fatal(err)
			}
			_, err = verify(key, signed+"."+encode(string(signature)))
			if (err == nil) != (salt == hash.Size()) || err != nil && !errors.Is(err, jose.ErrSignature) {
				t.Errorf("%s with a salt of %d bytes: got %v", alg, salt, err)
			}
		}
	}
}

// TestES256Forms gives the same good signature in other forms, and scalars at the ends of their range.
func TestES256Forms(t *testing.T) {
	text := sign(t, jose.ES256, goodClaims)
	key := signer(t, jose.ES256).Key()
	signed, raw := cut(t, text)
	n := elliptic.P256().Params().N
	r, s := new(big.Int).SetBytes([]byte(raw[:32])), new(big.Int).SetBytes([]byte(raw[32:]))
	der := fmt.Sprintf("\x30\x44\x02\x20%s\x02\x20%s", raw[:32], raw[32:])
	pair := func(r, s *big.Int) string {
		return string(r.FillBytes(make([]byte, 32))) + string(s.FillBytes(make([]byte, 32)))
	}
	zero, one := new(big.Int), big.NewInt(1)
	for name, bad := range map[string]string{
		"DER": der, "zero r": pair(zero, s), "zero s": pair(r, zero), "zeros": pair(zero, zero), "ones": pair(one, one),
		"r the order": pair(n, s), "s the order": pair(r, n), "both the order": pair(n, n),
		"swapped": pair(s, r), "33 bytes each": "\x00" + raw[:32] + "\x00" + raw[32:],
		"a zero between": raw[:32] + "\x00" + raw[32:],
	} {
		if _, err := verify(key, signed+"."+encode(bad)); !only(t, err, jose.ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
	}
	// The twin, which every ECDSA signature has, and why no signature names a token.
	twin := parse(t, signed+"."+encode(pair(r, new(big.Int).Sub(n, s))))
	if _, err := key.Verify(twin); err != nil {
		t.Errorf("s negated: got %v, want it admitted", err)
	}
	if twin.Digest() != parse(t, text).Digest() || twin.Digest() != sha256.Sum256([]byte(signed)) {
		t.Error("want both spellings of one token to have one digest, that of the signing input")
	}
	if parse(t, sign(t, jose.ES256, `{"sub":"bob"}`)).Digest() == twin.Digest() {
		t.Error("want another token to have another digest")
	}
}

// TestKeyKeepsItsOwn changes what a key was made from.
func TestKeyKeepsItsOwn(t *testing.T) {
	pub := *public[*rsa.PublicKey](t, jose.RS256)
	pub.N = new(big.Int).Set(pub.N)
	ed := ed25519.PublicKey(strings.Clone(string(public[ed25519.PublicKey](t, jose.EdDSA))))
	ec := *public[*ecdsa.PublicKey](t, jose.ES256)
	keys := map[jose.Algorithm]crypto.PublicKey{jose.RS256: &pub, jose.EdDSA: ed, jose.ES256: &ec}
	made := map[jose.Algorithm]jose.Key{}
	for alg, pub := range keys {
		key, err := jose.NewKey(alg, pub)
		if err != nil {
			t.Fatal(err)
		}
		made[alg] = key
	}
	pub.N.SetInt64(3)
	pub.E = 1
	ed[0] ^= 1
	ec.Curve = elliptic.P384()
	for alg, key := range made {
		if _, err := verify(key, sign(t, alg, goodClaims)); err != nil {
			t.Errorf("%s: got %v, want it admitted", alg, err)
		}
	}
}
