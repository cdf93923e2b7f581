package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

const (
	selectSecret = `
SELECT c.id, c.user_id, coalesce(c.pepper, 0), c.created_at, c.deleted_at, c.last_used_at, coalesce(c.last_used_ip, '')`
	selectSecrets = selectSecret + ` FROM client_secret c WHERE c.user_id = ? AND c.deleted_at IS NULL ORDER BY c.created_at, c.id`
	// While one pepper lives, the second pair finds nothing, in one probe of the index.
	selectSecretByDigest = selectSecret + `, u.username_key FROM client_secret c JOIN user u ON u.id = c.user_id
WHERE ((c.pepper = ?1 AND c.digest = ?2) OR (c.pepper = ?3 AND c.digest = ?4)) AND u.kind = 'service'`

	selectKey = `
SELECT c.id, c.user_id, c.algorithm, c.public_key, c.jwks_uri, c.created_at, c.deleted_at, c.last_used_at, coalesce(c.last_used_ip, '')
FROM client_key c `
	selectKeys       = selectKey + `WHERE c.user_id = ? AND c.deleted_at IS NULL ORDER BY c.created_at, c.id`
	selectKeysByName = selectKey + `JOIN user u ON u.id = c.user_id
WHERE u.username_key = ? AND u.deleted_at IS NULL AND u.kind = 'service' ORDER BY c.created_at DESC, c.id DESC`
	isClient = `SELECT EXISTS (SELECT 1 FROM user WHERE username_key = ? AND deleted_at IS NULL AND kind = 'service')`

	touchClientSecret = `UPDATE client_secret ` + setLastUse
	touchClientKey    = `UPDATE client_key ` + setLastUse
)

func scanSecret(row scanner, more ...any) (c clientauth.Secret, err error) {
	err = row.Scan(append([]any{
		&c.ID, &c.UserID, &c.Pepper, timeColumn{&c.CreatedAt}, timeColumn{&c.DeletedAt}, timeColumn{&c.LastUsedAt}, &c.LastUsedIP,
	}, more...)...)
	return c, err
}

func scanKey(row scanner) (c clientauth.Key, err error) {
	err = row.Scan(&c.ID, &c.UserID, &c.Algorithm, &c.PublicKey, &c.JWKSURI,
		timeColumn{&c.CreatedAt}, timeColumn{&c.DeletedAt}, timeColumn{&c.LastUsedAt}, &c.LastUsedIP)
	return c, err
}

// AddClientSecret implements clientauth.Store. How many there are is asked in the transaction that adds one.
func (s *Store) AddClientSecret(ctx context.Context, c clientauth.Secret, d keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "inserting client secret", func(t *tx) error {
		if err := t.hasRoom(`SELECT count(*) FROM client_secret WHERE user_id = ? AND deleted_at IS NULL`, c.UserID, clientauth.MaxSecrets); err != nil {
			return err
		}
		if err := t.execOne(`
INSERT INTO client_secret (id, user_id, pepper, digest, created_at)
SELECT ?, id, ?, ?, ? FROM user WHERE id = ? AND deleted_at IS NULL AND kind = 'service'`,
			blob(c.ID), d.Pepper, d.Sum[:], micros(c.CreatedAt), blob(c.UserID)); err != nil {
			return err
		}
		return t.record(ev, unseen, c.ID)
	})
}

// hasRoom returns ErrConflict where a user has as many as it may.
func (t *tx) hasRoom(count string, userID uuid.UUID, most int) error {
	var n int
	if err := t.one(count, &n, blob(userID)); err != nil {
		return err
	}
	if n >= most {
		return authority.ErrConflict
	}
	return nil
}

// ClientSecrets implements clientauth.Store.
func (s *Store) ClientSecrets(ctx context.Context, userID uuid.UUID) ([]clientauth.Secret, error) {
	rows, err := s.reads.QueryContext(ctx, selectSecrets, blob(userID))
	secrets, err := all(rows, err, func(row scanner) (clientauth.Secret, error) { return scanSecret(row) })
	if err != nil {
		return nil, fmt.Errorf("listing client secrets: %w", err)
	}
	return secrets, nil
}

// ClientSecretByDigest implements clientauth.Store.
func (s *Store) ClientSecretByDigest(ctx context.Context, digests []keyring.Digest) (found clientauth.FoundSecret, err error) {
	if len(digests) == 0 || len(digests) > 2 {
		return found, fmt.Errorf("looking up client secret: %d peppers, not one or two", len(digests))
	}
	first, last := digests[0], digests[len(digests)-1]
	found.Secret, err = scanSecret(s.find(ctx, selectSecretByDigest, first.Pepper, first.Sum[:], last.Pepper, last.Sum[:]), &found.UsernameKey)
	if err != nil {
		return clientauth.FoundSecret{}, fmt.Errorf("looking up client secret: %w", kindOf(err))
	}
	return found, nil
}

// RedigestClientSecret implements clientauth.Store.
func (s *Store) RedigestClientSecret(ctx context.Context, id uuid.UUID, old, replacement keyring.Digest) error {
	return s.write(ctx, "redigesting client secret", func(t *tx) error {
		_, err := t.exec(`UPDATE client_secret SET pepper = ?, digest = ? WHERE id = ? AND pepper = ? AND digest = ?`,
			replacement.Pepper, replacement.Sum[:], blob(id), old.Pepper, old.Sum[:])
		return err
	})
}

// DeleteClientSecret implements clientauth.Store.
func (s *Store) DeleteClientSecret(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting client secret", func(t *tx) error {
		if err := t.execOne(`UPDATE client_secret SET deleted_at = ? WHERE id = ? AND user_id = ? AND deleted_at IS NULL`,
			micros(ev.At), blob(id), blob(userID)); err != nil {
			return err
		}
		return t.record(ev, feed.ClientSecret, id)
	})
}

// AddClientKey implements clientauth.Store.
func (s *Store) AddClientKey(ctx context.Context, c clientauth.Key, ev audit.Event) error {
	return s.write(ctx, "inserting client key", func(t *tx) error {
		if err := t.hasRoom(`SELECT count(*) FROM client_key WHERE user_id = ? AND deleted_at IS NULL`, c.UserID, clientauth.MaxKeys); err != nil {
			return err
		}
		if err := t.execOne(`
INSERT INTO client_key (id, user_id, algorithm, public_key, jwks_uri, created_at)
SELECT ?, id, ?, ?, ?, ? FROM user WHERE id = ? AND deleted_at IS NULL AND kind = 'service'`,
			blob(c.ID), string(c.Algorithm), c.PublicKey, c.JWKSURI, micros(c.CreatedAt), blob(c.UserID)); err != nil {
			return err
		}
		return t.record(ev, unseen, c.ID)
	})
}

// ClientKeys implements clientauth.Store.
func (s *Store) ClientKeys(ctx context.Context, userID uuid.UUID) ([]clientauth.Key, error) {
	rows, err := s.reads.QueryContext(ctx, selectKeys, blob(userID))
	keys, err := all(rows, err, scanKey)
	if err != nil {
		return nil, fmt.Errorf("listing client keys: %w", err)
	}
	return keys, nil
}

// ClientKeysByName implements clientauth.Store.
func (s *Store) ClientKeysByName(ctx context.Context, key string) ([]clientauth.Key, error) {
	keys, err := findAll(ctx, s, scanKey, selectKeysByName, key)
	if err == nil && len(keys) == 0 {
		var known bool
		if err = s.reads.QueryRowContext(ctx, isClient, key).Scan(&known); err == nil && !known {
			err = authority.ErrNotFound
		}
	}
	if err != nil {
		return nil, fmt.Errorf("looking up client keys: %w", kindOf(err))
	}
	return keys, nil
}

// DeleteClientKey implements clientauth.Store.
func (s *Store) DeleteClientKey(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting client key", func(t *tx) error {
		if err := t.execOne(`UPDATE client_key SET deleted_at = ? WHERE id = ? AND user_id = ? AND deleted_at IS NULL`,
			micros(ev.At), blob(id), blob(userID)); err != nil {
			return err
		}
		return t.record(ev, feed.ClientSecret, id)
	})
}

// UseAssertion implements clientauth.Store, platform.Store and project.Store. The primary key lets one of any number at once succeed.
func (s *Store) UseAssertion(ctx context.Context, digest [32]byte, until time.Time) error {
	return s.write(ctx, "noting the use of an assertion", func(t *tx) error {
		_, err := t.exec(`INSERT INTO used_assertion (digest, expires_at) VALUES (?, ?)`, digest[:], micros(until))
		return err
	})
}

const assertionUsed = `SELECT EXISTS (SELECT 1 FROM used_assertion WHERE digest = ?)`

// AssertionUsed implements platform.Store and project.Store.
func (s *Store) AssertionUsed(ctx context.Context, digest [32]byte) (used bool, err error) {
	err = one(s.reads.QueryRowContext(ctx, assertionUsed, digest[:]), "looking up whether an assertion was used", &used)
	return used, err
}

// PruneUsedAssertions implements clientauth.Store.
func (s *Store) PruneUsedAssertions(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting used assertions", func(t *tx) error {
		count, err = t.exec(`DELETE FROM used_assertion WHERE expires_at < ?`, micros(before))
		return err
	})
	return count, err
}

// TouchClientSecrets implements clientauth.Store.
func (s *Store) TouchClientSecrets(ctx context.Context, used []authority.Use) error {
	if err := s.touch(ctx, "touching client secrets", touchClientSecret, used); err != nil {
		return err
	}
	return s.touch(ctx, "touching client keys", touchClientKey, used)
}
