package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// Signed is a token that was signed just now.
type Signed struct {
	Token secret.Text // to be shown once
	KeyID string      // of the key that signed it, for the token's record
}

// Claims are what a token says.
type Claims interface {
	// Encode returns them in JSON, or an error where they lack something.
	Encode() ([]byte, error)
}

// Sign signs a token with the active key of a purpose, which decides its "typ". The key is made at first need.
//
// Nothing is remembered of the token: that it has a record is for the caller to see to. A key may be revoked in the moment
// between; the token is then refused for its key.
func (k *Keyring) Sign(ctx context.Context, p Purpose, claims Claims) (Signed, error) {
	payload, err := claims.Encode()
	if err != nil {
		return Signed{}, err
	}
	active, err := k.activeKey(ctx, p)
	if err != nil {
		return Signed{}, err
	}
	text, err := active.signer.Sign(k.cfg.Random, jose.Header{KeyID: active.id, Type: p.Type()}, payload)
	if err != nil {
		return Signed{}, fmt.Errorf("signing with key %s: %w", active.id, err)
	}
	return Signed{secret.Text(text), active.id}, nil
}

// activeKey returns the key that signs for a purpose, from memory once there is one.
func (k *Keyring) activeKey(ctx context.Context, p Purpose) (activeKey, error) {
	if active, ok := k.signing.Load().active[p]; ok {
		return active, nil
	}
	if p.Type() == "" {
		return activeKey{}, errPurpose()
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	if active, ok := k.signing.Load().active[p]; ok { // made by whoever had the lock before
		return active, nil
	}
	if err := k.addFirstSigningKey(ctx, p); err != nil {
		return activeKey{}, err
	}
	active, ok := k.signing.Load().active[p]
	if !ok {
		return activeKey{}, fmt.Errorf("the database has lost its signing key for %s", p)
	}
	return active, nil
}

// addFirstSigningKey makes the first key of a purpose, or takes that of another node which was faster.
func (k *Keyring) addFirstSigningKey(ctx context.Context, p Purpose) error {
	key, err := k.makeSigningKey(p, k.algorithm(p))
	if err != nil {
		return err
	}
	ev := audit.New(audit.SigningKeyCreate, audit.Actor{}, signingTarget(key.ID), key.CreatedAt, about(key.Purpose, key.Algorithm)...)
	err = k.cfg.Store.AddSigningKey(ctx, key, "", ev)
	if err != nil && !errors.Is(err, authority.ErrStale) {
		return fmt.Errorf("adding a signing key: %w", err)
	}
	return k.Reload(ctx)
}
