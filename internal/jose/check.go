package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// check reports whether the signature is one of the signing input. It is a function and no struct, so that printing the
// Key that has it shows an address, and never a secret: package fmt looks into structs, not into closures.
type check func(signed, signature []byte) bool

// scalarSize is how long r and s are in an ES256 signature, in bytes (RFC 7518 section 3.4).
const scalarSize = 32

// newCheck returns the check of a public key that fits its algorithm.
func newCheck(alg Algorithm, public crypto.PublicKey) check {
	f, hash := alg.scheme()
	switch pub := public.(type) {
	case *rsa.PublicKey:
		if f == familyPSS {
			return pssCheck(pub, hash)
		}
		return pkcs1Check(pub, hash)
	case *ecdsa.PublicKey:
		return ecdsaCheck(pub, hash)
	case ed25519.PublicKey:
		return func(signed, signature []byte) bool {
			return len(signature) == ed25519.SignatureSize && ed25519.Verify(pub, signed, signature)
		}
	}
	return nil
}

// pkcs1Check holds a signature to being exactly as long as the modulus (RFC 8017 section 8.2.2, step 1).
func pkcs1Check(pub *rsa.PublicKey, hash crypto.Hash) check {
	return func(signed, signature []byte) bool {
		return len(signature) == pub.Size() && rsa.VerifyPKCS1v15(pub, hash, digest(hash, signed), signature) == nil
	}
}

// pssCheck holds the salt to the length of the hash (RFC 7518 section 3.5), where most libraries take any.
func pssCheck(pub *rsa.PublicKey, hash crypto.Hash) check {
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	return func(signed, signature []byte) bool {
		return len(signature) == pub.Size() && rsa.VerifyPSS(pub, hash, digest(hash, signed), signature, options) == nil
	}
}

// ecdsaCheck takes r and s side by side, each of 32 bytes (RFC 7518 section 3.4), and no DER. Those that are 0 or not below the
// group's order are refused here and by crypto/ecdsa. Both s and its negative pass, as the RFC has it: so a signature is no name
// for a token.
func ecdsaCheck(pub *ecdsa.PublicKey, hash crypto.Hash) check {
	return func(signed, signature []byte) bool {
		if len(signature) != 2*scalarSize {
			return false
		}
		var room [maxDER]byte
		der, ok := appendDER(room[:0], signature[:scalarSize], signature[scalarSize:])
		return ok && ecdsa.VerifyASN1(pub, digest(hash, signed), der)
	}
}

// hmacCheck compares in constant time. All of the tag counts: none is cut (RFC 7518 section 3.2).
func hmacCheck(secret []byte, hash crypto.Hash) check {
	return func(signed, signature []byte) bool {
		mac := hmac.New(newHash(hash), secret)
		_, _ = mac.Write(signed) // a hash never fails to take bytes
		return hmac.Equal(mac.Sum(nil), signature)
	}
}

func newHash(h crypto.Hash) func() hash.Hash {
	switch h {
	case crypto.SHA384:
		return sha512.New384
	case crypto.SHA512:
		return sha512.New
	default:
		return sha256.New
	}
}

func digest(h crypto.Hash, data []byte) []byte {
	switch h {
	case crypto.SHA384:
		sum := sha512.Sum384(data)
		return sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(data)
		return sum[:]
	default:
		sum := sha256.Sum256(data)
		return sum[:]
	}
}
