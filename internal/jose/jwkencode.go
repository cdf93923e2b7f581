package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// jwk is a public key as it is published.
type jwk struct {
	Type      string    `json:"kty"`
	Use       string    `json:"use"`
	Algorithm Algorithm `json:"alg"`
	ID        string    `json:"kid,omitempty"`
	Curve     string    `json:"crv,omitempty"`
	X         string    `json:"x,omitempty"`
	Y         string    `json:"y,omitempty"`
	N         string    `json:"n,omitempty"`
	E         string    `json:"e,omitempty"`
}

// JWK returns the public key as a JWK for signatures, with its algorithm and the given kid. It returns ErrNoKey where
// there is none.
func (k Key) JWK(keyID string) ([]byte, error) {
	out := jwk{Use: "sig", Algorithm: k.alg, ID: keyID}
	encode := base64.RawURLEncoding.EncodeToString
	switch pub := k.public.(type) {
	case *rsa.PublicKey:
		out.Type, out.N, out.E = "RSA", encode(pub.N.Bytes()), encode(big.NewInt(int64(pub.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err != nil {
			return nil, fmt.Errorf("encoding a public key: %w", err)
		}
		out.Type, out.Curve, out.X, out.Y = "EC", "P-256", encode(point[1:1+scalarSize]), encode(point[1+scalarSize:])
	case ed25519.PublicKey:
		out.Type, out.Curve, out.X = "OKP", "Ed25519", encode(pub)
	default:
		return nil, ErrNoKey
	}
	return json.Marshal(out)
}
