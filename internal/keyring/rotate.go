package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// RotateSigningKey makes a new active key for a purpose and retires the former one, whose tokens live on. An empty
// algorithm is that of the former, or the configured one where there is none yet. It returns a *FieldError where purpose or
// algorithm is none that there is, and ErrStale where another node has rotated meanwhile: then a new key is active, too.
func (k *Keyring) RotateSigningKey(ctx context.Context, p Purpose, alg jose.Algorithm, actor audit.Actor) (SigningKey, error) {
	if p.Type() == "" {
		return SigningKey{}, errPurpose()
	}
	if alg != "" && !slices.Contains(p.Algorithms(), alg) {
		return SigningKey{}, errAlgorithm(p)
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	if err := k.Reload(ctx); err != nil { // or a node that is behind would find the former stale
		return SigningKey{}, err
	}
	kid, err := k.rotate(ctx, p, alg, actor)
	if err != nil {
		return SigningKey{}, fmt.Errorf("rotating a signing key: %w", err)
	}
	// No verdict changes, so there is nothing to wait for but that this keyring knows the key.
	if err := k.Reload(context.WithoutCancel(ctx)); err != nil {
		return SigningKey{}, err
	}
	return k.SigningKey(kid)
}

// rotate makes a new key in place of the one that is active in memory, and returns its kid.
func (k *Keyring) rotate(ctx context.Context, p Purpose, alg jose.Algorithm, actor audit.Actor) (string, error) {
	former, ok := k.signing.Load().active[p]
	switch {
	case alg != "":
	case ok:
		alg = former.signer.Key().Algorithm()
	default:
		alg = k.algorithm(p)
	}
	key, err := k.makeSigningKey(p, alg)
	if err != nil {
		return "", err
	}
	action, detail := audit.SigningKeyCreate, about(p, alg)
	if ok {
		action, detail = audit.SigningKeyRotate, append(detail, "former", former.id)
	}
	ev := audit.New(action, actor, signingTarget(key.ID), key.CreatedAt, detail...)
	return key.ID, k.cfg.Store.AddSigningKey(ctx, key, former.id, ev)
}

// RotateAged rotates every active key that is older than maxAge, each with its own algorithm, and returns how many there
// were. What the former keys have signed lives on. A clock that jumps ahead costs a key, and no token.
func (k *Keyring) RotateAged(ctx context.Context, maxAge time.Duration) (int, error) {
	rotated := 0
	for _, key := range k.SigningKeys() {
		if key.State() != KeyActive || k.cfg.Now().Sub(key.CreatedAt) < maxAge {
			continue
		}
		done, err := k.replace(ctx, key, key.Algorithm)
		if err != nil {
			return rotated, fmt.Errorf("rotating an aged signing key: %w", err)
		}
		if done {
			rotated++
		}
	}
	return rotated, nil
}

// Conform rotates every active key that has another algorithm than is configured, and returns the purposes of those. What
// the former keys have signed lives on. It makes no first key: that is Sign's, at need.
//
// It is for the start. Done again and again, it would take back what an administrator has chosen since by
// RotateSigningKey; and two nodes of different configurations would never stop.
func (k *Keyring) Conform(ctx context.Context) ([]Purpose, error) {
	var rotated []Purpose
	for _, key := range k.SigningKeys() {
		want := k.algorithm(key.Purpose)
		if key.State() != KeyActive || key.Purpose.Type() == "" || key.Algorithm == want { // a purpose may be a later version's
			continue
		}
		done, err := k.replace(ctx, key, want)
		if err != nil {
			return rotated, fmt.Errorf("rotating a signing key to %s: %w", want, err)
		}
		if done {
			rotated = append(rotated, key.Purpose)
		}
	}
	return rotated, nil
}

// replace rotates a key, if no other process has meanwhile: they start together, and each looks for aged keys once an
// hour.
func (k *Keyring) replace(ctx context.Context, former SigningKey, alg jose.Algorithm) (bool, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	if err := k.Reload(ctx); err != nil {
		return false, err
	}
	if k.signing.Load().active[former.Purpose].id != former.ID {
		return false, nil
	}
	_, err := k.rotate(ctx, former.Purpose, alg, audit.Actor{})
	if err != nil && !errors.Is(err, authority.ErrStale) {
		return false, err
	}
	return err == nil, k.Reload(context.WithoutCancel(ctx))
}

// maxTries bounds how often a revocation meets another node's rotation of the same key in the middle.
const maxTries = 5

// RevokeSigningKey revokes a key, and with it every token that it has signed: they are refused from the moment it returns.
// An active one is replaced in the same transaction, by a key of the same algorithm, so that signing goes on. It returns
// ErrNotFound where there is no such key, or it was revoked before.
func (k *Keyring) RevokeSigningKey(ctx context.Context, kid string, actor audit.Actor) error {
	if k.cfg.Applied == nil {
		return errors.New("keyring: Applied is required for revoking a signing key")
	}
	k.changing.Lock()
	defer k.changing.Unlock()
	err := authority.ErrStale
	for try := 0; try < maxTries && errors.Is(err, authority.ErrStale); try++ {
		err = k.revoke(ctx, kid, actor)
	}
	if err != nil {
		return fmt.Errorf("revoking a signing key: %w", err)
	}
	ctx = context.WithoutCancel(ctx) // the key is revoked, also if its caller has gone
	return errors.Join(k.Reload(ctx), k.cfg.Applied(ctx))
}

// revoke revokes a key as it stands in the database just now. It returns ErrStale where that changes meanwhile.
func (k *Keyring) revoke(ctx context.Context, kid string, actor audit.Actor) error {
	if err := k.Reload(ctx); err != nil {
		return err
	}
	key, err := k.SigningKey(kid)
	if err != nil {
		return fmt.Errorf("%w: %w", authority.ErrNotFound, err)
	}
	detail := about(key.Purpose, key.Algorithm)
	var successor WrappedSigningKey
	if key.State() == KeyActive {
		if successor, err = k.makeSigningKey(key.Purpose, key.Algorithm); err != nil {
			return err
		}
		detail = append(detail, "successor", successor.ID)
	}
	ev := audit.New(audit.SigningKeyRevoke, actor, signingTarget(kid), k.cfg.Now(), detail...)
	return k.cfg.Store.RevokeSigningKey(ctx, kid, successor, ev)
}

// makeSigningKey makes a key that isn't stored yet.
func (k *Keyring) makeSigningKey(p Purpose, alg jose.Algorithm) (WrappedSigningKey, error) {
	id, err := jose.NewKeyID(k.cfg.Random)
	if err != nil {
		return WrappedSigningKey{}, err
	}
	signer, err := jose.GenerateSigner(alg, k.cfg.Random)
	if err != nil {
		return WrappedSigningKey{}, err
	}
	der, err := signer.PKCS8()
	if err != nil {
		return WrappedSigningKey{}, err
	}
	w := WrappedSigningKey{ID: id, Purpose: p, Algorithm: alg, CreatedAt: k.cfg.Now().UTC().Truncate(time.Microsecond)}
	if w.Wrapped, err = k.seal(der, w.label()); err != nil {
		return WrappedSigningKey{}, err
	}
	return w, nil
}

// signingTarget is a key as the target of an event. Its kid is no UUID, so it stands as the name.
func signingTarget(kid string) audit.Target { return audit.Target{Kind: "signing_key", Name: kid} }

// about is the detail of an event on a key.
func about(p Purpose, alg jose.Algorithm) []string {
	return []string{"purpose", string(p), "algorithm", string(alg)}
}

func errPurpose() error {
	return &authority.FieldError{Field: "purpose", Problem: "is none that there is", Fix: "give api_token, access_token or identity"}
}

func errAlgorithm(p Purpose) error {
	fix := "give RS256, PS256, ES256 or EdDSA"
	if p == ForIdentity {
		fix = "leave it out: identity tokens are signed by ES256 alone"
	}
	return &authority.FieldError{Field: "algorithm", Problem: "is none that signing keys of this purpose have", Fix: fix}
}
