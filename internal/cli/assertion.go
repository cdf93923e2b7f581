package cli

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/client"
)

// An assertion is made here on crypto/* alone, as an integrator's own program makes it: what Jeton's inside thinks of
// signatures has no part in it, so that the two are a check of each other.

// assertionKey signs by one algorithm.
type assertionKey struct {
	algorithm string
	sign      func(signed []byte) ([]byte, error)
}

// hashes are those of the algorithms that have one of their own.
var hashes = map[string]crypto.Hash{
	"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
	"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512,
	"ES256": crypto.SHA256,
}

// algorithms are all by which platforms sign, the first of each sort of key the one that is meant where none is named.
var algorithms = []string{"RS512", "RS384", "RS256", "HS512", "HS384", "HS256", "ES256", "EdDSA"}

// chosen returns the algorithm that was asked for, where a key of a sort can have it: else the first of that sort.
func chosen(asked, sort string) (string, error) {
	of := slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return a[:2] != sort[:2] })
	switch {
	case asked == "":
		return of[0], nil
	case slices.Contains(of, asked):
		return asked, nil
	}
	return "", &usageError{text: "--algorithm is none of this key", fix: "It can sign by " + strings.Join(of, ", ") + "."}
}

// secretKey returns the key that a shared secret is: the bytes of its text.
func secretKey(secret client.Secret, algorithm string) (assertionKey, error) {
	alg, err := chosen(algorithm, "HS")
	if err != nil {
		return assertionKey{}, err
	}
	hash := hashes[alg]
	if len(secret) < hash.Size() {
		return assertionKey{}, fmt.Errorf("--secret-file: a secret for %s has %d bytes at least (RFC 7518, section 3.2)", alg, hash.Size())
	}
	return assertionKey{alg, func(signed []byte) ([]byte, error) {
		mac := hmac.New(hash.New, []byte(secret.Reveal()))
		_, _ = mac.Write(signed) // a hash never fails
		return mac.Sum(nil), nil
	}}, nil
}

// privateKey returns the key that a file in PEM holds: PKCS#1, PKCS#8, or SEC 1 as openssl ecparam writes it. Errors say
// nothing of what is in it.
func privateKey(text []byte, algorithm string) (assertionKey, error) {
	var found []string // types of the blocks that are none
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if parse := parsers[block.Type]; parse != nil && block.Headers["DEK-Info"] == "" {
			key, err := parse(block.Bytes)
			if err != nil {
				return assertionKey{}, fmt.Errorf("--key-file: it can't be read as %s", block.Type)
			}
			return signing(key, algorithm)
		}
		found = append(found, block.Type)
		if block.Headers["DEK-Info"] != "" {
			found = append(found, "ENCRYPTED")
		}
	}
	types := strings.Join(found, " ")
	switch {
	case strings.Contains(types, "ENCRYPTED"):
		return assertionKey{}, &usageError{text: "--key-file names a key that is encrypted", fix: "openssl pkey -in KEY -out PLAIN decrypts it."}
	case strings.Contains(types, "PUBLIC"):
		return assertionKey{}, &usageError{text: "--key-file names a public key", fix: "Its private half signs."}
	}
	return assertionKey{}, &usageError{text: "--key-file names no private key in PEM"}
}

// parsers read the blocks that hold a private key, by their types.
var parsers = map[string]func([]byte) (any, error){
	"RSA PRIVATE KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
	"EC PRIVATE KEY":  func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
	"PRIVATE KEY":     x509.ParsePKCS8PrivateKey,
}

// signing returns the key that a private key is, if it is of a sort by which platforms sign.
func signing(private any, algorithm string) (assertionKey, error) {
	switch private := private.(type) {
	case *rsa.PrivateKey:
		alg, err := chosen(algorithm, "RS")
		if bits := private.N.BitLen(); err == nil && (bits < 2048 || bits > 4096) {
			err = fmt.Errorf("--key-file: an RSA key has 2048 to 4096 bits, and this one %d", bits)
		}
		return assertionKey{alg, func(signed []byte) ([]byte, error) {
			return rsa.SignPKCS1v15(nil, private, hashes[alg], digest(hashes[alg], signed))
		}}, err
	case *ecdsa.PrivateKey:
		alg, err := chosen(algorithm, "ES")
		if err == nil && private.Curve != elliptic.P256() {
			err = errors.New("--key-file: the key is not on the curve P-256, to which ES256 belongs")
		}
		return assertionKey{alg, func(signed []byte) ([]byte, error) { return signP256(private, digest(hashes[alg], signed)) }}, err
	case ed25519.PrivateKey:
		alg, err := chosen(algorithm, "EdDSA")
		return assertionKey{alg, func(signed []byte) ([]byte, error) { return ed25519.Sign(private, signed), nil }}, err
	default:
		return assertionKey{}, errors.New("--key-file: the key is of no sort by which platforms sign: RSA, P-256 or Ed25519")
	}
}

// signP256 returns a signature in the form of JWS: two numbers of 32 bytes each, and no DER (RFC 7518, section 3.4).
func signP256(private *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature, nil
}

func digest(hash crypto.Hash, signed []byte) []byte {
	h := hash.New()
	_, _ = h.Write(signed) // a hash never fails
	return h.Sum(nil)
}

// assert returns the signed assertion (RFC 7515, section 7.1).
func (k assertionKey) assert(header, claims map[string]any) (client.Secret, error) {
	var segments []string
	for _, part := range []map[string]any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("writing the assertion: %w", err)
		}
		segments = append(segments, base64.RawURLEncoding.EncodeToString(text))
	}
	signed := strings.Join(segments, ".")
	signature, err := k.sign([]byte(signed))
	if err != nil {
		return "", fmt.Errorf("signing the assertion: %w", err)
	}
	return client.Secret(signed + "." + base64.RawURLEncoding.EncodeToString(signature)), nil
}

// requestOf returns the request that presents an assertion at a Jeton, as JSON output has it.
func requestOf(base, platform, assertion string, grant bool) map[string]any {
	if grant {
		const form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
		return map[string]any{
			"method": "POST", "url": base + "/oauth/token", "header": map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
			"body": form + assertion, // no character of it needs escaping
		}
	}
	return map[string]any{
		"method": "POST", "url": base + "/api/v1/authenticate-jwt/" + platform, "header": map[string]string{"Token": assertion},
	}
}
