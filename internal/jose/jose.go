// Package jose reads, checks and makes the signed tokens of JOSE (RFC 7515, 7517, 7518, 7519, 8037), on crypto/* alone.
//
//	text ──Parse──▶ Token ──Key.Verify──▶ Claims
//	      the gate          the check     one question at a time
//
// It knows one form only, the compact JWS whose payload is a JSON object, and reads it in one way only: whatever two
// programs are known to read differently is refused at the gate, before anything looks inside. What is refused there,
// and why, stands with [Parse].
//
// A [Key] is bound to its algorithm when it is made, from what its record says. A token's header chooses neither
// algorithm nor key material: it is compared with the key and has no say. So "none", an HMAC keyed with a public key,
// and every other confusion of algorithms (RFC 8725 section 2.1) have nothing to take hold of, and "jwk", "jku", "x5u"
// and "x5c" are members that no header may have.
//
// The package refuses weak keys ([ErrWeakKey]) and private ones where a public one was asked for ([ErrPrivateKey]). It
// knows no time, no issuer and no record: that a token is alive, meant for its reader and not yet used is for the caller
// to ask. It fetches nothing.
//
// It doesn't defend against a signer that tells its private key, nor hide from its caller's clock which check failed:
// what is compared is public, but for HMAC, which is compared in constant time.
package jose

import "crypto"

// Algorithm is the "alg" of a signature (RFC 7518 section 3.1, RFC 8037 section 3.1). Case counts.
type Algorithm string

// The algorithms. "none" is not among them, nor is anything with SHA-1.
const (
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256" // RSASSA-PSS, MGF1 with the same hash, a salt as long as the hash
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256" // ECDSA on P-256
	EdDSA Algorithm = "EdDSA" // Ed25519
	HS256 Algorithm = "HS256" // HMAC: who can check can sign
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// Algorithms returns all algorithms.
func Algorithms() []Algorithm {
	return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512, ES256, EdDSA, HS256, HS384, HS512}
}

// family is what decides which keys an algorithm takes.
type family uint8

const (
	noFamily family = iota
	familyPKCS1
	familyPSS
	familyECDSA
	familyEdDSA
	familyHMAC
)

// scheme returns an algorithm's family, noFamily where it is none of ours, and its hash; Ed25519 brings its own.
func (a Algorithm) scheme() (family, crypto.Hash) {
	switch a {
	case RS256:
		return familyPKCS1, crypto.SHA256
	case RS384:
		return familyPKCS1, crypto.SHA384
	case RS512:
		return familyPKCS1, crypto.SHA512
	case PS256:
		return familyPSS, crypto.SHA256
	case PS384:
		return familyPSS, crypto.SHA384
	case PS512:
		return familyPSS, crypto.SHA512
	case ES256:
		return familyECDSA, crypto.SHA256
	case EdDSA:
		return familyEdDSA, 0
	case HS256:
		return familyHMAC, crypto.SHA256
	case HS384:
		return familyHMAC, crypto.SHA384
	case HS512:
		return familyHMAC, crypto.SHA512
	default:
		return noFamily, 0
	}
}

// Symmetric reports whether the algorithm's keys are shared secrets, for [NewSecretKey], and no pairs.
func (a Algorithm) Symmetric() bool {
	f, _ := a.scheme()
	return f == familyHMAC
}
