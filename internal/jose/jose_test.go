package jose_test

import (
	"crypto"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

// made keeps one pair for each algorithm. All of RSA's have the same one: it is slow to make, and then nothing but the
// algorithm keeps them apart.
var made = struct {
	sync.Mutex
	signers map[jose.Algorithm]jose.Signer
}{signers: map[jose.Algorithm]jose.Signer{}}

// signer returns the pair of an algorithm, the same one in all tests.
func signer(t testing.TB, alg jose.Algorithm) jose.Signer {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	s, err := makeSigner(alg)
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	made.signers[alg] = s
	return s
}

func makeSigner(alg jose.Algorithm) (jose.Signer, error) {
	if s, ok := made.signers[alg]; ok {
		return s, nil
	}
	if alg == jose.RS256 || alg == jose.ES256 || alg == jose.EdDSA {
		return jose.GenerateSigner(alg, rand.Reader)
	}
	rs, err := makeSigner(jose.RS256)
	if err != nil {
		return jose.Signer{}, err
	}
	made.signers[jose.RS256] = rs
	der, err := rs.PKCS8()
	if err != nil {
		return jose.Signer{}, err
	}
	return jose.ParseSigner(alg, der)
}

// public returns the public half of an algorithm's pair.
func public[T crypto.PublicKey](t testing.TB, alg jose.Algorithm) T {
	t.Helper()
	key, ok := signer(t, alg).Key().Public().(T)
	if !ok {
		t.Fatalf("%s: got a key of type %T", alg, signer(t, alg).Key().Public())
	}
	return key
}

func sign(t testing.TB, alg jose.Algorithm, claims string) string {
	t.Helper()
	text, err := signer(t, alg).Sign(rand.Reader, jose.Header{KeyID: "1", Type: "at+jwt"}, []byte(claims))
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	return text
}

func secretKey(t testing.TB, alg jose.Algorithm, secret []byte) jose.Key {
	t.Helper()
	key, err := jose.NewSecretKey(alg, secret)
	if err != nil {
		t.Fatalf("%s: %v", alg, err)
	}
	return key
}

func parse(t testing.TB, text string) *jose.Token {
	t.Helper()
	token, err := jose.Parse(text)
	if err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return token
}

// verify is gate and check in one.
func verify(key jose.Key, text string) (jose.Claims, error) {
	token, err := jose.Parse(text)
	if err != nil {
		return jose.Claims{}, err
	}
	return key.Verify(token)
}

// pairs are the algorithms of public keys.
func pairs() []jose.Algorithm {
	var all []jose.Algorithm
	for _, alg := range jose.Algorithms() {
		if !alg.Symmetric() {
			all = append(all, alg)
		}
	}
	return all
}

// cut returns the signing input and the signature's bytes.
func cut(t testing.TB, text string) (signed, signature string) {
	t.Helper()
	at := strings.LastIndexByte(text, '.')
	return text[:at], decode(t, text[at+1:])
}
