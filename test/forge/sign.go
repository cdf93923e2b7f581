package forge

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

func parsePKCS8(tb testing.TB, der []byte) any {
	tb.Helper()
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func signRSA(tb testing.TB, alg jose.Algorithm, private *rsa.PrivateKey, input []byte) []byte {
	tb.Helper()
	sum := sha256.Sum256(input)
	var signature []byte
	var err error
	if alg == jose.PS256 {
		signature, err = rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	} else {
		signature, err = rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
	}
	if err != nil {
		tb.Fatal(err)
	}
	return signature
}

func signECDSA(tb testing.TB, private *ecdsa.PrivateKey, input []byte) []byte {
	tb.Helper()
	sum := sha256.Sum256(input)
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature
}

// Steal unwraps the active signing key of a purpose, as whoever can who has the database and the master key.
func Steal(tb testing.TB, store keyring.Store, master []byte, p keyring.Purpose) (signer jose.Signer, kid string) {
	tb.Helper()
	keys, err := store.SigningKeys(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for _, key := range keys {
		if key.Purpose == p && key.RetiredAt.IsZero() && key.RevokedAt.IsZero() {
			signer, err := jose.ParseSigner(key.Algorithm, unwrap(tb, master, &key))
			if err != nil {
				tb.Fatal(err)
			}
			return signer, key.ID
		}
	}
	tb.Fatalf("no active key for %s", p)
	return signer, ""
}

func unwrap(tb testing.TB, master []byte, key *keyring.WrappedSigningKey) []byte {
	tb.Helper()
	wrapping, err := hkdf.Key(sha256.New, master, nil, "jeton wrapping key 1", 32)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(wrapping)
	if err != nil {
		tb.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	label := "signing key " + key.ID + " " + string(key.Purpose) + " " + string(key.Algorithm)
	der, err := gcm.Open(nil, key.Wrapped[:12], key.Wrapped[12:], []byte(label))
	if err != nil {
		tb.Fatal(err)
	}
	return der
}
