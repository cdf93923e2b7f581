package jose

import (
	"crypto/rand"
	"slices"
)

// ParseForm is Parse for a payload that needn't be claims, which it returns: the vectors of others sign "foo".
func ParseForm(text string) (*Token, string, error) {
	t, payload, err := parseForm(text)
	return t, string(payload), err
}

// Check asks the key whether the signature is one of what was signed, past gate and header.
func (k Key) Check(signed, signature []byte) bool { return k.check(signed, signature) }

// SmallOrder returns the encodings that no Ed25519 key may have, in hexadecimal, without the sign bit.
func SmallOrder() []string { return slices.Clone(smallOrder) }

// SignForm is Signer.Sign for a signing input as it is.
func (s Signer) SignForm(signed []byte) ([]byte, error) { return s.sign(rand.Reader, signed) }

// AppendDER is appendDER.
func AppendDER(der, r, s []byte) ([]byte, bool) { return appendDER(der, r, s) }

// SplitDER is splitDER, which returns both numbers side by side.
func SplitDER(der []byte) ([]byte, bool) {
	var pair [2 * scalarSize]byte
	ok := splitDER(&pair, der)
	return pair[:], ok
}
