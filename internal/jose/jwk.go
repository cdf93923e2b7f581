package jose

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// errOtherPurpose is the part of ErrKeyFormat that says that a JWK is for something else, which a set's reader goes over
// (RFC 7517 section 5).
var errOtherPurpose = fmt.Errorf("%w: it is for another purpose", ErrKeyFormat)

// IdentifiedKey is a key of a JWK Set.
type IdentifiedKey struct {
	ID  string // "kid", as its owner chose it; empty where it has none
	Key Key
	// Named says that the JWK names its algorithm. One that doesn't was read for the algorithm that its type is used with as a
	// rule, and may be meant for another of that type.
	Named bool
}

// ParseJWK returns the key for checking signatures of the given algorithm with the public key in text, a JWK (RFC 7517,
// RFC 7518 section 6, RFC 8037 section 2). It reads it as strictly as a token. "use", "key_ops" and "alg" must not speak
// against it where they are there; unknown members are passed over, as the RFC wants, "x5c" and "x5u" among them. Its
// errors are those of [NewKey], and ErrKeyFormat for what can't be read; a JWK with a private member, or a shared secret,
// is ErrPrivateKey.
func ParseJWK(alg Algorithm, text []byte) (IdentifiedKey, error) {
	members, err := readJWKMembers(text)
	if err != nil {
		return IdentifiedKey{}, err
	}
	return parseJWK(alg, members)
}

// readJWKMembers reads the members of a JWK.
func readJWKMembers(text []byte) (Claims, error) {
	if len(text) > maxKeyText {
		return Claims{}, refuse(ErrKeyFormat, "it is too long")
	}
	members, err := readObject(text, new(room))
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	return members, nil
}

// checkPublic refuses a JWK with any private member of RFC 7518 section 6 and RFC 8037 section 2; "k" is a shared secret.
func checkPublic(c Claims) error {
	if slices.ContainsFunc([]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}, c.Has) {
		return refuse(ErrPrivateKey, "give its public half, and make a new pair: this one has been seen")
	}
	return nil
}

func parseJWK(alg Algorithm, c Claims) (key IdentifiedKey, err error) {
	if err := checkPublic(c); err != nil {
		return key, err
	}
	if err := checkPurpose(alg, c); err != nil {
		return key, err
	}
	if c.Has("kid") {
		if key.ID, err = c.Text("kid"); err != nil {
			return key, fmt.Errorf("%w: %w", ErrKeyFormat, err)
		}
	}
	public, err := readJWK(alg, c)
	if err != nil {
		return key, err
	}
	key.Named = c.Has("alg")
	key.Key, err = NewKey(alg, public)
	return key, err
}

// checkPurpose returns errOtherPurpose where the JWK says that it is for something else.
func checkPurpose(alg Algorithm, c Claims) error {
	type wanted struct{ name, value string }
	want := []wanted{{"kty", "RSA"}, {"use", "sig"}, {"alg", string(alg)}}
	switch f, _ := alg.scheme(); f {
	case noFamily, familyHMAC:
		return errOtherKey(alg)
	case familyECDSA:
		want = append(want, wanted{"crv", "P-256"})
		want[0].value = "EC"
	case familyEdDSA:
		want = append(want, wanted{"crv", "Ed25519"})
		want[0].value = "OKP"
	}
	for _, w := range want {
		got, err := c.Text(w.name)
		if errors.Is(err, ErrAbsent) && (w.name == "use" || w.name == "alg") {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrKeyFormat, err)
		}
		if got != w.value {
			return errOtherPurpose
		}
	}
	v, ok := c.find("key_ops")
	if !ok {
		return nil
	}
	operations, ok := v.texts()
	if !ok {
		return refuse(ErrKeyFormat, "key_ops is no array of strings")
	}
	if !slices.Contains(operations, "verify") {
		return errOtherPurpose
	}
	return nil
}

// readJWK returns the public key whose purpose was checked.
func readJWK(alg Algorithm, c Claims) (crypto.PublicKey, error) {
	switch f, _ := alg.scheme(); f {
	case familyECDSA:
		x, errX := readOctets(c, "x", scalarSize)
		y, errY := readOctets(c, "y", scalarSize)
		if err := errors.Join(errX, errY); err != nil {
			return nil, err
		}
		return parseP256(slices.Concat([]byte{4}, x, y))
	case familyEdDSA:
		x, err := readOctets(c, "x", ed25519.PublicKeySize)
		return ed25519.PublicKey(x), err
	default:
		n, errN := readOctets(c, "n", 0)
		e, errE := readOctets(c, "e", 0)
		if err := errors.Join(errN, errE); err != nil {
			return nil, err
		}
		exponent := new(big.Int).SetBytes(e)
		if !exponent.IsInt64() || exponent.Int64() != rsaE {
			return nil, refuse(ErrWeakKey, "an RSA key's exponent is 65537")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: rsaE}, nil
	}
}

// readOctets returns a member that is base64url of exactly so many bytes, or, for 0, of a positive number in as few bytes
// as it takes (RFC 7518 sections 2 and 6.2.1.2).
func readOctets(c Claims, name string, length int) ([]byte, error) {
	text, err := c.Text(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	octets, err := decodeSegment(nil, []byte(text))
	if err == nil && hasLineBreak([]byte(text)) {
		err = errLineBreak()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKeyFormat, name, err)
	}
	if length > 0 && len(octets) != length || length == 0 && (len(octets) == 0 || octets[0] == 0) {
		return nil, refuse(ErrKeyFormat, name+" has the wrong length")
	}
	return octets, nil
}
