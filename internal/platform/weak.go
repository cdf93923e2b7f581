package platform

import (
	"context"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// checkApart refuses a public key that another platform has, or that shares a prime with one. Whoever has both moduli has the
// prime by one division, and both private keys: "Mining Your Ps and Qs" (Heninger et al., 2012) found one key in 200 to be such,
// made by machines that had no randomness yet. That can't be seen in one key, so each new one is held against all that live.
//
// Keys that platforms publish at an address aren't among those: they change without Jeton's being asked.
func (p *Platforms) checkApart(ctx context.Context, key jose.Key, form string) error {
	others, err := p.cfg.Store.PublicPlatformKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the keys of platforms: %w", err)
	}
	for _, other := range others {
		if other.PublicKey == form {
			return errSameKey()
		}
		known, err := jose.ParsePEM(other.Algorithm, []byte(other.PublicKey))
		if err != nil {
			return fmt.Errorf("reading a platform's key: %w", err)
		}
		switch divisor := commonDivisor(key, known); {
		case divisor == nil:
		case divisor.Cmp(modulus(known)) == 0: // the same modulus, if ever two forms of it should be there
			return errSameKey()
		default:
			return authority.Field("public_key", "is weak: it has a prime in common with another key that is registered",
				"Make a new pair, on a machine that has gathered randomness. The other key is weak, too: delete it.")
		}
	}
	return nil
}

func errSameKey() error {
	return fmt.Errorf("%w: %w", authority.ErrConflict, authority.Field("public_key", "is a platform's already", "Make a pair of its own for each platform."))
}

// modulus returns that of an RSA key, or nil.
func modulus(key jose.Key) *big.Int {
	if public, ok := key.Public().(*rsa.PublicKey); ok {
		return public.N
	}
	return nil
}

// commonDivisor returns the greatest common divisor of the moduli of two RSA keys, where that isn't 1; or nil.
func commonDivisor(a, b jose.Key) *big.Int {
	n, m := modulus(a), modulus(b)
	if n == nil || m == nil {
		return nil
	}
	divisor := new(big.Int).GCD(nil, nil, n, m)
	if divisor.IsInt64() && divisor.Int64() == 1 {
		return nil
	}
	return divisor
}

// isPublicKey reports whether a secret is the text of a public key without the lines around it, as some products show theirs. Whoever
// knows that would forge assertions by it. That of a whole PEM block package jose refuses.
func isPublicKey(text string) bool {
	der, err := base64.StdEncoding.DecodeString(text) // which passes over line breaks
	if err != nil {
		return false
	}
	_, spki := x509.ParsePKIXPublicKey(der)
	_, pkcs1 := x509.ParsePKCS1PublicKey(der)
	return spki == nil || pkcs1 == nil
}

// page is how many platforms are read at a time.
const page = 200

// isShared reports whether a living key of any platform is that secret. There is no digest of secrets to look it up by: for one that a
// person has chosen, that would be something to guess by. A new platform is rare, and worth opening them all.
func (p *Platforms) isShared(ctx context.Context, text secret.Text) (bool, error) {
	for after := ""; ; {
		platforms, err := p.cfg.Store.Platforms(ctx, after, page)
		if err != nil {
			return false, fmt.Errorf("listing platforms: %w", err)
		}
		for _, other := range platforms {
			if shared, err := p.isSecretOf(ctx, &other, text); shared || err != nil {
				return shared, err
			}
		}
		if len(platforms) < page {
			return false, nil
		}
		after = nameKey(platforms[len(platforms)-1].Name)
	}
}

// isSecretOf reports whether a living key of a platform is that secret.
func (p *Platforms) isSecretOf(ctx context.Context, of *Platform, text secret.Text) (bool, error) {
	keys, err := p.livingKeys(ctx, of.ID)
	if err != nil {
		return false, err
	}
	for _, k := range keys {
		if len(k.Wrapped) == 0 {
			continue
		}
		known, err := p.cfg.Keyring.UnwrapSecret(k.ID, k.Wrapped)
		if err != nil {
			return false, fmt.Errorf("opening a platform's secret: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(known.Reveal()), []byte(text.Reveal())) == 1 {
			return true, nil
		}
	}
	return false, nil
}
