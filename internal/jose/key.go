package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"
)

// Key checks signatures of one algorithm. The zero Key refuses every token. It is safe for concurrent use, and printing
// it shows no secret.
type Key struct {
	alg    Algorithm
	check  check
	public crypto.PublicKey // nil for a shared secret
}

// NewKey returns the key for checking signatures of the given algorithm with a public key: an *rsa.PublicKey, an
// *ecdsa.PublicKey or an ed25519.PublicKey, which it copies. It returns
//   - ErrUnknownAlgorithm for an algorithm without public keys;
//   - ErrPrivateKey for a private key;
//   - ErrKeyFormat for a key of another type or curve than the algorithm's, or a point that is not on it;
//   - ErrWeakKey for RSA below 2048 or above 4096 bits, with another exponent than 65537, with a small factor or of the
//     form that broken smart cards made (ROCA, CVE-2017-15361), and for an Ed25519 key of small order.
//
// That two keys share a prime can't be seen in one of them.
func NewKey(alg Algorithm, public crypto.PublicKey) (Key, error) {
	if _, ok := public.(crypto.Signer); ok {
		return Key{}, refuse(ErrPrivateKey, "give its public half, and make a new pair: this one has been seen")
	}
	f, _ := alg.scheme()
	var err error
	switch pub := public.(type) {
	case *rsa.PublicKey:
		if f != familyPKCS1 && f != familyPSS {
			return Key{}, errOtherKey(alg)
		}
		public, err = copyRSA(pub)
	case *ecdsa.PublicKey:
		if f != familyECDSA || pub == nil || pub.Curve != elliptic.P256() {
			return Key{}, errOtherKey(alg)
		}
		public, err = copyP256(pub)
	case ed25519.PublicKey:
		if f != familyEdDSA || len(pub) != ed25519.PublicKeySize {
			return Key{}, errOtherKey(alg)
		}
		public, err = slices.Clone(pub), checkEd25519(pub)
	default:
		return Key{}, errOtherKey(alg)
	}
	if err != nil {
		return Key{}, err
	}
	return Key{alg, newCheck(alg, public), public}, nil
}

// errOtherKey says why a key can't be one of the algorithm's.
func errOtherKey(alg Algorithm) error {
	if f, _ := alg.scheme(); f == noFamily || f == familyHMAC {
		return refuse(ErrUnknownAlgorithm, "no public key has it")
	}
	return refuse(ErrKeyFormat, "it is of a type or curve that "+string(alg)+" doesn't use")
}

func copyRSA(pub *rsa.PublicKey) (*rsa.PublicKey, error) {
	if err := checkRSA(pub); err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: new(big.Int).Set(pub.N), E: pub.E}, nil
}

// copyP256 goes by the point's encoding, which it can't have without being on the curve.
func copyP256(pub *ecdsa.PublicKey) (*ecdsa.PublicKey, error) {
	point, err := pub.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	return parseP256(point)
}

// parseP256 reads a point in SEC 1's uncompressed form.
func parseP256(point []byte) (*ecdsa.PublicKey, error) {
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFormat, err)
	}
	return pub, nil
}

// NewSecretKey returns the key for checking tags of an HMAC algorithm with a shared secret, which it copies. It returns
//   - ErrUnknownAlgorithm for any other algorithm;
//   - ErrWeakKey for a secret shorter than the hash's output (RFC 7518 section 3.2);
//   - ErrKeyFormat for a key in PEM: what everybody may know is no secret.
func NewSecretKey(alg Algorithm, secret []byte) (Key, error) {
	if !alg.Symmetric() {
		return Key{}, refuse(ErrUnknownAlgorithm, "it has no shared secret")
	}
	_, hash := alg.scheme()
	if len(secret) < hash.Size() {
		return Key{}, refuse(ErrWeakKey, fmt.Sprintf("a secret for %s has %d bytes at least", alg, hash.Size()))
	}
	if bytes.Contains(secret, []byte("-----BEGIN ")) {
		return Key{}, refuse(ErrKeyFormat, "a key in PEM is no shared secret")
	}
	return Key{alg: alg, check: hmacCheck(slices.Clone(secret), hash)}, nil
}

// Algorithm returns the algorithm that the key was made for, empty for the zero Key.
func (k Key) Algorithm() Algorithm { return k.alg }

// Public returns the public key, of the types that NewKey takes, or nil where there is none. It must not be changed.
func (k Key) Public() crypto.PublicKey { return k.public }

// Verify checks the token's signature and returns its claims, from here on the words of whoever has the key: by its
// record that can still be someone who may not say such things. It makes at most one check, with the key's algorithm. It
// returns
//   - ErrNoKey for the zero Key;
//   - ErrAlgorithm where the token's header doesn't name the key's algorithm, letter by letter;
//   - ErrSignature where the signature is wrong, or not exactly as long as the algorithm's are.
func (k Key) Verify(t *Token) (Claims, error) {
	switch {
	case k.check == nil:
		return Claims{}, ErrNoKey
	case t.header.Algorithm != k.alg:
		return Claims{}, ErrAlgorithm
	case !k.check(t.signed, t.signature):
		return Claims{}, ErrSignature
	}
	return t.claims, nil
}
