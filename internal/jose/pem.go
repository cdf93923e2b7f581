package jose

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// How long the text of a key, and of a set of keys, may be. Reading a private key that was sent for a public one takes
// time with the cube of its length.
const (
	maxKeyText    = 16 << 10
	maxKeySetText = 64 << 10
)

// The types of PEM blocks (RFC 7468).
const (
	pemSPKI        = "PUBLIC KEY"
	pemPKCS1       = "RSA PUBLIC KEY"
	pemPKCS1Secret = "RSA PRIVATE KEY"
	pemPKCS8Secret = "PRIVATE KEY"
)

// ParsePEM returns the key for checking signatures of the given algorithm with the public key in text: one PEM block of
// type PUBLIC KEY (SPKI, RFC 5280 section 4.1) or RSA PUBLIC KEY (PKCS#1, RFC 8017 appendix A.1.1), and nothing else but
// space. Its errors are those of [NewKey]; a private key is ErrPrivateKey under whatever type it stands, and also where
// it stands beside a public one.
func ParsePEM(alg Algorithm, text []byte) (Key, error) {
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		return Key{}, refuse(ErrPrivateKey, "give its public half, and make a new pair: this one has been seen")
	}
	if len(text) > maxKeyText {
		return Key{}, refuse(ErrKeyFormat, "it is too long")
	}
	text = bytes.TrimSpace(text)
	block, rest := pem.Decode(text)
	if block == nil || len(rest) > 0 || len(block.Headers) > 0 || !bytes.HasPrefix(text, []byte("-----BEGIN "+block.Type)) {
		return Key{}, refuse(ErrKeyFormat, "it is not one PEM block")
	}
	if isPrivate(block.Bytes) {
		return Key{}, refuse(ErrPrivateKey, "it calls itself public; make a new pair: this one has been seen")
	}
	var public crypto.PublicKey
	var err error
	switch block.Type {
	case pemSPKI:
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case pemPKCS1:
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return Key{}, refuse(ErrKeyFormat, "the PEM block is of another type than PUBLIC KEY and RSA PUBLIC KEY")
	}
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	return NewKey(alg, public)
}

// isPrivate reports whether der is a private key, which some tools write under a public key's name.
func isPrivate(der []byte) bool {
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(der)
	return err == nil
}

// PEM returns the public key as a PEM block of type PUBLIC KEY. It returns ErrNoKey where there is none.
func (k Key) PEM() ([]byte, error) {
	if k.public == nil {
		return nil, ErrNoKey
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil, fmt.Errorf("encoding a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemSPKI, Bytes: der}), nil
}
