package platform_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// public writes a public key as it is, also one that no library would make.
func public(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	check(t, err)
	return block("PUBLIC KEY", der)
}

// prime returns one of so many bits, whose two highest are set: the product of two has twice as many.
func prime(t testing.TB, bits int) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, bits)
	check(t, err)
	return p
}

// modulus returns a number of so many bits that no small prime divides: of a key's form, its factors are no part.
func modulus(t testing.TB, bits int) *big.Int {
	t.Helper()
	small := big.NewInt(2)
	for p := int64(3); p <= 167; p += 2 {
		small.Mul(small, big.NewInt(p))
	}
	for {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
		check(t, err)
		n.SetBit(n, bits-1, 1)
		if new(big.Int).GCD(nil, nil, n, small).Cmp(big.NewInt(1)) == 0 {
			return n
		}
	}
}

// rocaModulus returns a modulus of the form that broken smart cards made: primes that are powers of 65537 modulo each small prime.
func rocaModulus() *big.Int {
	product := big.NewInt(1)
	for _, p := range []int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
		127, 131, 137, 139, 149, 151, 157, 163, 167,
	} {
		product.Mul(product, big.NewInt(p))
	}
	product.Mul(product, big.NewInt(2))
	// 1 is a power of everything, and so is what is 1 modulo the product of them all.
	n := new(big.Int).Lsh(big.NewInt(1), 2047)
	n.Sub(n, new(big.Int).Mod(n, product))
	return n.Add(n, product).Add(n, big.NewInt(1))
}

// TestWeakKeys: each sort of key that protects nothing is refused when it is given, and says why. Beside it a good one is taken.
func TestWeakKeys(t *testing.T) {
	d := newDesk(t)
	good, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	check(t, err)
	edwards, edwardsPrivate, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(good)
	check(t, err)
	edwardsPKCS8, err := x509.MarshalPKCS8PrivateKey(edwardsPrivate)
	check(t, err)
	sec1, err := x509.MarshalECPrivateKey(p256)
	check(t, err)
	of := func(n *big.Int, e int) string { return public(t, &rsa.PublicKey{N: n, E: e}) }
	byThree := new(big.Int).Mul(modulus(t, 2047), big.NewInt(3))
	even := new(big.Int).Lsh(good.N, 1)
	der, _ := pem.Decode([]byte(public(t, &good.PublicKey)))
	_, inLines, _ := strings.Cut(strings.TrimSpace(public(t, &good.PublicKey)), "\n")
	inLines = inLines[:strings.LastIndex(inLines, "\n")]
	for _, test := range []struct {
		name  string
		alg   jose.Algorithm
		key   platform.KeyDraft
		field string
		says  string
	}{
		{"1024 bits", jose.RS512, platform.KeyDraft{PublicKey: public(t, &small.PublicKey)}, "public_key", "2048 bits at least"},
		{"4160 bits", jose.RS512, platform.KeyDraft{PublicKey: of(modulus(t, 4160), 65537)}, "public_key", "4096 bits at most"},
		{"exponent 3", jose.RS512, platform.KeyDraft{PublicKey: of(good.N, 3)}, "public_key", "exponent is 65537"},
		{"exponent 65539", jose.RS512, platform.KeyDraft{PublicKey: of(good.N, 65539)}, "public_key", "exponent is 65537"},
		{"a factor of 3", jose.RS512, platform.KeyDraft{PublicKey: of(byThree, 65537)}, "public_key", "small factor"},
		{"even", jose.RS512, platform.KeyDraft{PublicKey: of(even, 65537)}, "public_key", "is odd"},
		{"ROCA", jose.RS512, platform.KeyDraft{PublicKey: of(rocaModulus(), 65537)}, "public_key", "broken generator"},
		{"Ed25519 of small order", jose.EdDSA, platform.KeyDraft{PublicKey: public(t, ed25519.PublicKey(make([]byte, 32)))}, "public_key", "small order"},
		{"PKCS#8", jose.RS512, platform.KeyDraft{PublicKey: block("PRIVATE KEY", pkcs8)}, "public_key", "private"},
		{"PKCS#1", jose.RS512, platform.KeyDraft{PublicKey: block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(good))}, "public_key", "private"},
		{"SEC 1", jose.ES256, platform.KeyDraft{PublicKey: block("EC PRIVATE KEY", sec1)}, "public_key", "private"},
		{"Ed25519, private", jose.EdDSA, platform.KeyDraft{PublicKey: block("PRIVATE KEY", edwardsPKCS8)}, "public_key", "private"},
		{"private that says public", jose.RS512, platform.KeyDraft{PublicKey: block("PUBLIC KEY", pkcs8)}, "public_key", "private"},
		{"both halves", jose.RS512, platform.KeyDraft{PublicKey: public(t, &good.PublicKey) + block("PRIVATE KEY", pkcs8)}, "public_key", "private"},
		{"EC for RSA", jose.RS512, platform.KeyDraft{PublicKey: public(t, &p256.PublicKey)}, "public_key", "a type or curve that RS512 doesn't use"},
		{"RSA for EC", jose.ES256, platform.KeyDraft{PublicKey: public(t, &good.PublicKey)}, "public_key", "a type or curve that ES256 doesn't use"},
		{"P-384", jose.ES256, platform.KeyDraft{PublicKey: public(t, &p384.PublicKey)}, "public_key", "a type or curve that ES256 doesn't use"},
		{"Ed25519 for EC", jose.ES256, platform.KeyDraft{PublicKey: public(t, edwards)}, "public_key", "a type or curve that ES256 doesn't use"},
		{"no PEM", jose.RS512, platform.KeyDraft{PublicKey: "MIIB"}, "public_key", "not one PEM block"},
		{"no key", jose.RS512, platform.KeyDraft{PublicKey: block("PUBLIC KEY", []byte("key"))}, "public_key", "can't be read"},
		{"a certificate", jose.RS512, platform.KeyDraft{PublicKey: block("CERTIFICATE", []byte("key"))}, "public_key", "of another type than PUBLIC KEY"},
		{"public for HMAC", jose.HS512, platform.KeyDraft{PublicKey: public(t, &good.PublicKey)}, "public_key", "no secret"},
		{"PEM for a secret", jose.HS512, platform.KeyDraft{Secret: secret.Text(strings.TrimSpace(public(t, &good.PublicKey)))}, "secret", "PEM"},
		{"PEM without its lines", jose.HS512, platform.KeyDraft{Secret: secret.Text(base64.StdEncoding.EncodeToString(der.Bytes))}, "secret", "public key"},
		{"the same, in lines", jose.HS256, platform.KeyDraft{Secret: secret.Text(inLines)}, "secret", "public key"},
		{"PKCS#1 without its lines", jose.HS256, platform.KeyDraft{Secret: secret.Text(base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&good.PublicKey)))}, "secret", "public key"},
		{"a NUL", jose.HS256, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 64) + "\x00")}, "secret", "NUL"},
		{"63 bytes for HS512", jose.HS512, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 63))}, "secret", "64 bytes at least"},
		{"47 bytes for HS384", jose.HS384, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 47))}, "secret", "48 bytes at least"},
		{"31 bytes for HS256", jose.HS256, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 31))}, "secret", "32 bytes at least"},
		{"a line break behind", jose.HS256, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 64) + "\n")}, "secret", "line break"},
		{"a secret of 1,025 bytes", jose.HS256, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 1025))}, "secret", "1,024"},
		{"a secret for RSA", jose.RS512, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 64))}, "secret", "public keys"},
		{"a set for HMAC", jose.HS512, platform.KeyDraft{JWKSURI: setAddress}, "jwks_uri", "public keys"},
		{"a set with a kid", jose.RS512, platform.KeyDraft{JWKSURI: setAddress, KeyID: "a"}, "kid", "jwks_uri"},
		{"a bad address", jose.RS512, platform.KeyDraft{JWKSURI: "http://partner.example.com"}, "jwks_uri", "address"},
		{"two", jose.RS512, platform.KeyDraft{JWKSURI: setAddress, PublicKey: public(t, &good.PublicKey)}, "public_key", "beside"},
		{"a key and a secret", jose.HS512, platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 64)), PublicKey: "k"}, "public_key", "beside"},
		{"a kid of control characters", jose.RS512, platform.KeyDraft{KeyID: "a\x00"}, "kid", "control"},
		{"a long kid", jose.RS512, platform.KeyDraft{KeyID: strings.Repeat("k", 256)}, "kid", "255"},
		{"none", "none", platform.KeyDraft{}, "algorithm", ""},
		{"PSS", jose.PS256, platform.KeyDraft{}, "algorithm", ""},
		{"in lower case", "rs512", platform.KeyDraft{}, "algorithm", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := d.Enrol(t.Context(), platform.Draft{Name: test.name, Algorithm: test.alg, Key: test.key}, admin)
			wantField(t, err, test.field, test.says)
			if fault, ok := errors.AsType[*authority.FieldError](err); ok && contains(fault.Problem+fault.Fix, strings.Repeat("k", 20)) {
				t.Errorf("got %q, which quotes the secret", fault.Problem)
			}
		})
	}
	for name, draft := range map[string]platform.Draft{
		"RSA":              {Key: platform.KeyDraft{PublicKey: public(t, &good.PublicKey)}},
		"RSA in PKCS#1":    {Key: platform.KeyDraft{PublicKey: block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&mustRSA(t, 2048).PublicKey))}},
		"RSA of 4096 bits": {Key: platform.KeyDraft{PublicKey: of(modulus(t, 4096), 65537)}},
		"P-256":            {Algorithm: jose.ES256, Key: platform.KeyDraft{PublicKey: public(t, &p256.PublicKey)}},
		"Ed25519":          {Algorithm: jose.EdDSA, Key: platform.KeyDraft{PublicKey: public(t, edwards)}},
		"HS512":            {Algorithm: jose.HS512, Key: platform.KeyDraft{Secret: secret.Text(strings.Repeat("k", 64))}},
		"HS256":            {Key: platform.KeyDraft{Algorithm: jose.HS256, Secret: secret.Text(strings.Repeat("k", 32))}},
		"HS256 in Base64":  {Key: platform.KeyDraft{Algorithm: jose.HS256, Secret: secret.Text(base64.StdEncoding.EncodeToString(der.Bytes[1:]))}},
	} {
		draft.Name = name
		if _, _, err := d.Enrol(t.Context(), draft, admin); err != nil {
			t.Errorf("%s: got %v, want it enrolled", name, err)
		}
	}
}

func mustRSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	check(t, err)
	return key
}

// TestSharedPrime: a key that has a prime in common with another's gives both away, and is refused. So is the same key again.
func TestSharedPrime(t *testing.T) {
	d := newDesk(t)
	shared := prime(t, 1024)
	sharing := func() *rsa.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).Mul(shared, prime(t, 1024)), E: 65537}
	}
	first, second := sharing(), sharing()
	draft := func(key *rsa.PublicKey) platform.KeyDraft { return platform.KeyDraft{PublicKey: public(t, key)} }
	p, made := d.enrol(t, func(pd *platform.Draft) { pd.Key = draft(first) })
	_, err := d.AddKey(t.Context(), p.Code, draft(second), admin)
	wantField(t, err, "public_key", "prime in common")
	_, _, err = d.Enrol(t.Context(), platform.Draft{Name: "Other", Algorithm: jose.RS256, Key: draft(second)}, admin)
	wantField(t, err, "public_key", "prime in common")
	for _, alg := range []jose.Algorithm{jose.RS512, jose.RS256} {
		_, _, err = d.Enrol(t.Context(), platform.Draft{Name: "Other", Algorithm: alg, Key: draft(first)}, admin)
		wantField(t, err, "public_key", "already")
		if !errors.Is(err, authority.ErrConflict) {
			t.Errorf("got %v for the same key, want a conflict", err)
		}
	}
	_, err = d.AddKey(t.Context(), p.Code, platform.KeyDraft{PublicKey: block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(first))}, admin)
	wantField(t, err, "public_key", "already")

	check(t, d.DeleteKey(t.Context(), p.Code, made.Key.ID, admin)) // the twin: the other one is gone
	_, _, err = d.Enrol(t.Context(), platform.Draft{Name: "Other", Algorithm: jose.RS256, Key: draft(second)}, admin)
	check(t, err)
}

// TestSharedSecret: no two platforms have one secret, or each would speak for the other.
func TestSharedSecret(t *testing.T) {
	d := newDesk(t)
	text := secret.Text(strings.Repeat("k", 64))
	p, made := d.enrol(t, func(pd *platform.Draft) { pd.Algorithm, pd.Key.Secret = jose.HS512, text })
	_, _, err := d.Enrol(t.Context(), platform.Draft{Name: "Other", Algorithm: jose.HS256, Key: platform.KeyDraft{Secret: text}}, admin)
	wantField(t, err, "secret", "another key")
	if !errors.Is(err, authority.ErrConflict) {
		t.Errorf("got %v for the same secret, want a conflict", err)
	}
	_, _, err = d.Enrol(t.Context(), platform.Draft{Name: "Longer", Algorithm: jose.HS256, Key: platform.KeyDraft{Secret: text + "l"}}, admin)
	check(t, err)
	check(t, d.DeleteKey(t.Context(), p.Code, made.Key.ID, admin))
	_, _, err = d.Enrol(t.Context(), platform.Draft{Name: "Other", Algorithm: jose.HS256, Key: platform.KeyDraft{Secret: text}}, admin)
	check(t, err)
}
