package sqlite

import (
	"context"
	"fmt"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

const (
	selectHasSigningKey = `SELECT EXISTS (SELECT 1 FROM signing_key WHERE kid = ?)`
	// addSigningKey stores an active key, unless its purpose has one.
	addSigningKey = `
INSERT INTO signing_key (kid, purpose, algorithm, wrapped, created_at)
SELECT ?1, ?2, ?3, ?4, ?5
WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE purpose = ?2 AND retired_at IS NULL AND revoked_at IS NULL)`
	// retireSigningKey finds no row where the key is not the active one of its purpose.
	retireSigningKey = `
UPDATE signing_key SET retired_at = ? WHERE kid = ? AND purpose = ? AND retired_at IS NULL AND revoked_at IS NULL`
	// revokeSigningKey revokes an active key that has a successor, of the purpose given; or, where that is empty, a retired
	// one.
	revokeSigningKey = `
UPDATE signing_key SET wrapped = NULL, revoked_at = ?
WHERE kid = ? AND revoked_at IS NULL AND CASE WHEN retired_at IS NULL THEN purpose ELSE '' END = ?`
)

// SigningKeys implements keyring.Store. What it returns is wrapped: without the master key it signs nothing.
func (s *Store) SigningKeys(ctx context.Context) ([]keyring.WrappedSigningKey, error) {
	rows, err := s.reads.QueryContext(ctx, `
SELECT kid, purpose, algorithm, wrapped, created_at, retired_at, revoked_at FROM signing_key ORDER BY created_at DESC, kid`)
	keys, err := all(rows, err, func(row scanner) (k keyring.WrappedSigningKey, err error) {
		err = row.Scan(&k.ID, &k.Purpose, &k.Algorithm, &k.Wrapped, timeColumn{&k.CreatedAt}, timeColumn{&k.RetiredAt}, timeColumn{&k.RevokedAt})
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	return keys, nil
}

// HasSigningKey implements keyring.Store.
func (s *Store) HasSigningKey(ctx context.Context, kid string) (there bool, err error) {
	err = one(s.find(ctx, selectHasSigningKey, kid), "looking for a signing key", &there)
	return there, err
}

// AddSigningKey implements keyring.Store. It enters the feed: a node that doesn't know of the new key takes what it signs
// for unknown.
func (s *Store) AddSigningKey(ctx context.Context, key keyring.WrappedSigningKey, former string, ev audit.Event) error {
	return s.write(ctx, "inserting signing key", func(t *tx) error {
		retired, err := t.exec(retireSigningKey, micros(ev.At), former, string(key.Purpose))
		if err != nil {
			return err
		}
		if (retired == 1) != (former != "") {
			return authority.ErrStale
		}
		if err := t.addSigningKey(key); err != nil {
			return err
		}
		return t.record(ev, feed.SigningKey, feed.KeyID(key.ID))
	})
}

// addSigningKey stores an active key, and returns ErrStale where its purpose has one.
func (t *tx) addSigningKey(key keyring.WrappedSigningKey) error {
	added, err := t.exec(addSigningKey, key.ID, string(key.Purpose), string(key.Algorithm), key.Wrapped, micros(key.CreatedAt))
	if err == nil && added == 0 {
		err = authority.ErrStale
	}
	return err
}

// RevokeSigningKey implements keyring.Store. One row of the feed tells of both keys: whoever reads it reads all keys anew.
func (s *Store) RevokeSigningKey(ctx context.Context, kid string, successor keyring.WrappedSigningKey, ev audit.Event) error {
	return s.withdraw(ctx, "revoking signing key", func(t *tx) error {
		revoked, err := t.exec(revokeSigningKey, micros(ev.At), kid, string(successor.Purpose))
		if err != nil {
			return err
		}
		if revoked == 0 {
			return t.whyNotRevoked(kid)
		}
		if successor.Purpose != "" {
			if err := t.addSigningKey(successor); err != nil {
				return err
			}
		}
		return t.record(ev, feed.RevokedKey, feed.KeyID(kid))
	})
}

// whyNotRevoked returns ErrStale where a key would have been revoked with another successor, and ErrNotFound where not.
func (t *tx) whyNotRevoked(kid string) error {
	lives, err := t.yes(`SELECT EXISTS (SELECT 1 FROM signing_key WHERE kid = ? AND revoked_at IS NULL)`, kid)
	switch {
	case err != nil:
		return err
	case lives:
		return authority.ErrStale
	}
	return authority.ErrNotFound
}
