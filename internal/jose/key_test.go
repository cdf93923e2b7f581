package jose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

// modulus returns an odd number of so many bits that no small prime divides and that is not ROCA's: for the checks of a
// key's form, its factors don't matter.
func modulus(bits int) *big.Int {
	n := new(big.Int).SetBit(new(big.Int), bits-1, 1)
	n.SetBit(n, 0, 1)
	product := big.NewInt(1)
	for p := int64(3); p <= 167; p += 2 {
		if big.NewInt(p).ProbablyPrime(10) {
			product.Mul(product, big.NewInt(p))
		}
	}
	for new(big.Int).GCD(nil, nil, n, product).Cmp(big.NewInt(1)) != 0 {
		n.Add(n, big.NewInt(2))
	}
	return n
}

// offCurve returns coordinates that are no point of P-256.
func offCurve() *ecdsa.PublicKey {
	return &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // SA1019: what makes no bad point can't be tested with one
}

func rsaKey(bits, e int) *rsa.PublicKey { return &rsa.PublicKey{N: modulus(bits), E: e} }

func TestNewKey(t *testing.T) {
	rs := public[*rsa.PublicKey](t, jose.RS256)
	es := signer(t, jose.ES256).Key().Public()
	ed := public[ed25519.PublicKey](t, jose.EdDSA)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	even := rsaKey(2048, 65537)
	even.N.Add(even.N, big.NewInt(1))
	factor := rsaKey(2048, 65537)
	factor.N.Add(factor.N, new(big.Int).Sub(big.NewInt(2*167), new(big.Int).Mod(factor.N, big.NewInt(167))))
	for factor.N.Bit(0) == 0 {
		factor.N.Add(factor.N, big.NewInt(167))
	}
	tests := []struct {
		name string
		alg  jose.Algorithm
		key  crypto.PublicKey
		kind error
	}{
		{"RSA", jose.RS256, rs, nil},
		{"RSA for PSS", jose.PS512, rs, nil},
		{"2048 bits", jose.RS256, rsaKey(2048, 65537), nil},
		{"2047 bits", jose.RS256, rsaKey(2047, 65537), jose.ErrWeakKey},
		{"1024 bits", jose.PS256, rsaKey(1024, 65537), jose.ErrWeakKey},
		{"4096 bits", jose.RS256, rsaKey(4096, 65537), nil},
		{"4097 bits", jose.RS256, rsaKey(4097, 65537), jose.ErrWeakKey},
		{"exponent 1", jose.RS256, rsaKey(2048, 1), jose.ErrWeakKey},
		{"exponent 3", jose.RS256, rsaKey(2048, 3), jose.ErrWeakKey},
		{"exponent 65536", jose.RS256, rsaKey(2048, 65536), jose.ErrWeakKey},
		{"exponent 65539", jose.RS256, rsaKey(2048, 65539), jose.ErrWeakKey},
		{"exponent 0", jose.RS256, rsaKey(2048, 0), jose.ErrWeakKey},
		{"even modulus", jose.RS256, even, jose.ErrWeakKey},
		{"divisible by 167", jose.RS256, factor, jose.ErrWeakKey},
		{"no modulus", jose.RS256, &rsa.PublicKey{E: 65537}, jose.ErrKeyFormat},
		{"nil RSA", jose.RS256, (*rsa.PublicKey)(nil), jose.ErrKeyFormat},
		{"negative modulus", jose.RS256, &rsa.PublicKey{N: new(big.Int).Neg(rs.N), E: 65537}, jose.ErrKeyFormat},
		{"RSA by value", jose.RS256, *rs, jose.ErrKeyFormat},
		{"RSA for ES256", jose.ES256, rs, jose.ErrKeyFormat},
		{"RSA for EdDSA", jose.EdDSA, rs, jose.ErrKeyFormat},
		{"RSA for HS256", jose.HS256, rs, jose.ErrUnknownAlgorithm},
		{"RSA for none", "none", rs, jose.ErrUnknownAlgorithm},
		{"RSA for nothing", "", rs, jose.ErrUnknownAlgorithm},
		{"RSA for rs256", "rs256", rs, jose.ErrUnknownAlgorithm},
		{"P-256", jose.ES256, es, nil},
		{"P-256 for RS256", jose.RS256, es, jose.ErrKeyFormat},
		{"P-384", jose.ES256, p384.Public(), jose.ErrKeyFormat},
		{"P-384 for ES384", "ES384", p384.Public(), jose.ErrUnknownAlgorithm},
		{"no point", jose.ES256, offCurve(), jose.ErrKeyFormat},
		{"nil P-256", jose.ES256, (*ecdsa.PublicKey)(nil), jose.ErrKeyFormat},
		{"Ed25519", jose.EdDSA, ed, nil},
		{"Ed25519 cut", jose.EdDSA, ed[:31], jose.ErrKeyFormat},
		{"Ed25519 for ES256", jose.ES256, ed, jose.ErrKeyFormat},
		{"private Ed25519", jose.EdDSA, private, jose.ErrPrivateKey},
		{"private P-384", jose.ES256, p384, jose.ErrPrivateKey},
		{"nil", jose.RS256, nil, jose.ErrKeyFormat},
		{"bytes", jose.EdDSA, []byte(ed), jose.ErrKeyFormat},
	}
	for _, test := range tests {
		key, err := jose.NewKey(test.alg, test.key)
		if !errors.Is(err, test.kind) || (err == nil) != (test.kind == nil) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.kind)
		}
		if (err == nil) != (key.Public() != nil) || err == nil && key.Algorithm() != test.alg {
			t.Errorf("%s: got a key of %q beside %v", test.name, key.Algorithm(), err)
		}
	}
}

// TestSmallOrder shows of each refused Ed25519 key that without it somebody without a private key could sign: with R the
// neutral point and S zero, a signature holds for each message whose hash is a multiple of the key's order.
func TestSmallOrder(t *testing.T) {
	forged := make([]byte, ed25519.SignatureSize)
	for _, text := range jose.SmallOrder() {
		for _, sign := range []byte{0, 0x80} {
			pub, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			pub[31] |= sign
			if _, err := jose.NewKey(jose.EdDSA, ed25519.PublicKey(pub)); !errors.Is(err, jose.ErrWeakKey) {
				t.Errorf("%x: got %v, want ErrWeakKey", pub, err)
			}
			holds := false
			for i := 0; i < 200 && !holds; i++ {
				for r := range 2 { // R is the neutral point, or the one of order two
					copy(forged, bytes.Repeat([]byte{byte(r) * 0xff}, 32))
					forged[0], forged[31] = []byte{1, 0xec}[r], []byte{0, 0x7f}[r]
					holds = holds || ed25519.Verify(pub, []byte(fmt.Sprint(i)), forged)
				}
			}
			if !holds && sign == 0 {
				t.Errorf("%x: no forged signature holds: is it of small order?", pub)
			}
		}
	}
	twin := ed25519.PublicKey("\x02" + strings.Repeat("\x00", 31))
	if _, err := jose.NewKey(jose.EdDSA, twin); err != nil {
		t.Errorf("%x: got %v, want it admitted", twin, err)
	}
}

func TestSecretKey(t *testing.T) {
	secret := []byte(strings.Repeat("s", 64))
	for _, alg := range append(pairs(), "none", "", "hs256") {
		if _, err := jose.NewSecretKey(alg, secret); !errors.Is(err, jose.ErrUnknownAlgorithm) {
			t.Errorf("%s: got %v, want ErrUnknownAlgorithm", alg, err)
		}
	}
	text, err := signer(t, jose.RS256).Key().PEM()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jose.NewSecretKey(jose.HS256, text); !errors.Is(err, jose.ErrKeyFormat) {
		t.Errorf("a public key in PEM: got %v, want ErrKeyFormat", err)
	}
	key := secretKey(t, jose.HS256, secret)
	if _, err := key.PEM(); !errors.Is(err, jose.ErrNoKey) {
		t.Errorf("PEM of a secret: got %v, want ErrNoKey", err)
	}
	if _, err := key.JWK("1"); !errors.Is(err, jose.ErrNoKey) {
		t.Errorf("JWK of a secret: got %v, want ErrNoKey", err)
	}
}

// TestNothingPrints prints keys and signers, also from inside other structs, where fmt calls no method.
func TestNothingPrints(t *testing.T) {
	secret := strings.Repeat("squeamish", 8)
	s := signer(t, jose.EdDSA)
	der, err := s.PKCS8()
	if err != nil {
		t.Fatal(err)
	}
	seed := der[len(der)-32:]
	within := struct {
		key    jose.Key
		signer *jose.Signer
		both   any
	}{secretKey(t, jose.HS256, []byte(secret)), &s, []any{secretKey(t, jose.HS256, []byte(secret)), s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, value := range []any{within, within.key, s} {
			printed := fmt.Sprintf(verb, value)
			for _, leak := range []string{"squeamish", hex.EncodeToString([]byte("squeamish")), string(seed), hex.EncodeToString(seed), fmt.Sprintf("%d", seed)[1:20], fmt.Sprintf("%d", []byte(secret))[1:20]} {
				if strings.Contains(printed, leak) {
					t.Errorf("%s of %T shows the secret", verb, value)
				}
			}
		}
	}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestParsePEM(t *testing.T) {
	s := signer(t, jose.RS256)
	pub := public[*rsa.PublicKey](t, jose.RS256)
	spki, err := s.Key().PEM()
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := s.PKCS8()
	if err != nil {
		t.Fatal(err)
	}
	pkcs1Private, err := s.PKCS1PEM()
	if err != nil {
		t.Fatal(err)
	}
	inner, _ := pem.Decode(pkcs1Private)
	outer, _ := pem.Decode(spki)
	good, pkcs1 := string(spki), block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(pub))
	ec, err := signer(t, jose.ES256).Key().PEM()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		kind       error
	}{
		{"SPKI", good, nil},
		{"PKCS#1", pkcs1, nil},
		{"space around", "\n " + good + "\n\n", nil},
		{"line breaks of DOS", strings.ReplaceAll(good, "\n", "\r\n"), nil},
		{"no line break at the end", strings.TrimSpace(good), nil},
		{"private PKCS#1", string(pkcs1Private), jose.ErrPrivateKey},
		{"private PKCS#8", block("PRIVATE KEY", pkcs8), jose.ErrPrivateKey},
		{"encrypted PKCS#8", block("ENCRYPTED PRIVATE KEY", pkcs8), jose.ErrPrivateKey},
		{"private beside public", good + string(pkcs1Private), jose.ErrPrivateKey},
		{"private, cut", string(pkcs1Private)[:200], jose.ErrPrivateKey},
		{"private PKCS#8 called public", block("PUBLIC KEY", pkcs8), jose.ErrPrivateKey},
		{"private PKCS#1 called public", block("RSA PUBLIC KEY", inner.Bytes), jose.ErrPrivateKey},
		{"two public ones", good + good, jose.ErrKeyFormat},
		{"text in front", "x" + good, jose.ErrKeyFormat},
		{"text behind", good + "x", jose.ErrKeyFormat},
		{"a header", strings.Replace(good, "\n", "\nA: b\n\n", 1), jose.ErrKeyFormat},
		{"SPKI called PKCS#1", block("RSA PUBLIC KEY", outer.Bytes), jose.ErrKeyFormat},
		{"PKCS#1 called SPKI", block("PUBLIC KEY", x509.MarshalPKCS1PublicKey(pub)), jose.ErrKeyFormat},
		{"a certificate", block("CERTIFICATE", outer.Bytes), jose.ErrKeyFormat},
		{"a byte behind the DER", block("PUBLIC KEY", append(bytes.Clone(outer.Bytes), 0)), jose.ErrKeyFormat},
		{"DER cut", block("PUBLIC KEY", outer.Bytes[:len(outer.Bytes)-1]), jose.ErrKeyFormat},
		{"empty", "", jose.ErrKeyFormat},
		{"empty block", block("PUBLIC KEY", nil), jose.ErrKeyFormat},
		{"too long", good + strings.Repeat(" ", 16<<10), jose.ErrKeyFormat},
		{"P-256", string(ec), jose.ErrKeyFormat},
		{"1024 bits", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey(1024, 65537))), jose.ErrWeakKey},
		{"exponent 3", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey(2048, 3))), jose.ErrWeakKey},
		{"the same with 65537", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey(2048, 65537))), nil},
	}
	for _, test := range tests {
		_, err := jose.ParsePEM(jose.RS256, []byte(test.text))
		if !errors.Is(err, test.kind) || (err == nil) != (test.kind == nil) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.kind)
		}
	}
}

// TestPublicForms holds that a key comes back from each form in which it goes out, and checks the same tokens.
func TestPublicForms(t *testing.T) {
	for _, alg := range pairs() {
		key := signer(t, alg).Key()
		text, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		fromPEM, err := jose.ParsePEM(alg, text)
		if err != nil {
			t.Errorf("%s from PEM: %v", alg, err)
		}
		jwk, err := key.JWK("the kid")
		if err != nil {
			t.Fatal(err)
		}
		fromJWK, err := jose.ParseJWK(alg, jwk)
		if err != nil || fromJWK.ID != "the kid" {
			t.Errorf("%s from JWK %s: got kid %q, %v", alg, jwk, fromJWK.ID, err)
		}
		for _, again := range []jose.Key{fromPEM, fromJWK.Key} {
			if _, err := verify(again, sign(t, alg, goodClaims)); err != nil || again.Algorithm() != alg {
				t.Errorf("%s: got %s, %v", alg, again.Algorithm(), err)
			}
		}
	}
}

// TestProblem: what is wrong beside the kind is told in the package's own words alone.
func TestProblem(t *testing.T) {
	_, err := jose.NewKey(jose.RS256, rsaKey(2047, 65537))
	if got := jose.Problem(fmt.Errorf("registering a key: %w", err)); got != "an RSA key has 2048 bits at least" {
		t.Errorf("got %q", got)
	}
	_, err = jose.ParsePEM(jose.RS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("key")}))
	if got := jose.Problem(err); !errors.Is(err, jose.ErrKeyFormat) || got != "" {
		t.Errorf("got %q of what another package says, want nothing", got)
	}
	if got := jose.Problem(nil) + jose.Problem(jose.ErrWeakKey); got != "" {
		t.Errorf("got %q of no error and of a kind alone, want nothing", got)
	}
}
