package jose

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
)

const (
	minRSABits = 2048 // RFC 7518 section 3.3
	maxRSABits = 4096 // a check costs four times one of 2048 bits: more would be a lever for a flood
	rsaE       = 65537
)

// smallPrimes are those that RSALib's weak primes are made from at every size (ROCA, section 2.1).
var smallPrimes = []uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
	127, 131, 137, 139, 149, 151, 157, 163, 167,
}

func checkRSA(pub *rsa.PublicKey) error {
	switch {
	case pub == nil || pub.N == nil || pub.N.Sign() <= 0:
		return refuse(ErrKeyFormat, "it has no modulus")
	case pub.N.BitLen() < minRSABits:
		return refuse(ErrWeakKey, "an RSA key has 2048 bits at least")
	case pub.N.BitLen() > maxRSABits:
		return refuse(ErrWeakKey, "an RSA key has 4096 bits at most")
	case pub.E != rsaE: // 1 signs nothing, a small one has been the way into many a lax padding check
		return refuse(ErrWeakKey, "an RSA key's exponent is 65537")
	case pub.N.Bit(0) == 0:
		return refuse(ErrWeakKey, "an RSA modulus is odd")
	}
	fingerprint := true
	for _, p := range smallPrimes {
		rest := new(big.Int).Mod(pub.N, new(big.Int).SetUint64(p)).Uint64()
		if rest == 0 {
			return refuse(ErrWeakKey, "the RSA modulus has a small factor")
		}
		fingerprint = fingerprint && isPower(rest, p)
	}
	if fingerprint {
		return refuse(ErrWeakKey, "the RSA key comes from a broken generator (ROCA)")
	}
	return nil
}

// isPower reports whether rest is a power of 65537 modulo p. The primes of the broken generator are such powers modulo
// every small prime, hence so is their product; an honest modulus is by chance, once in some hundred million keys.
func isPower(rest, p uint64) bool {
	for power := uint64(1); ; {
		if power == rest {
			return true
		}
		if power = power * rsaE % p; power == 1 {
			return false
		}
	}
}

// smallOrder are the y coordinates of the points of small order on edwards25519, in every encoding that decodes, without
// the sign bit. Under such a key, one signature holds for one message in eight at least, and nobody needs a private key.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func checkEd25519(pub ed25519.PublicKey) error {
	y := [ed25519.PublicKeySize]byte(pub)
	y[31] &= 0x7f
	text := hex.EncodeToString(y[:])
	for _, weak := range smallOrder {
		if text == weak {
			return refuse(ErrWeakKey, "the Ed25519 key has small order")
		}
	}
	return nil
}
