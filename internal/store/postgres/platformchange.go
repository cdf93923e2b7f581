package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/platform"
)

const (
	platformLives = `SELECT EXISTS (SELECT 1 FROM platform WHERE id = $1 AND deleted_at IS NULL)`
	// lockPlatform holds a platform's row for a change of what it has.
	lockPlatform      = `SELECT 1 FROM platform WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`
	touchPlatform     = `UPDATE platform ` + setLastUse
	touchPlatformKey  = `UPDATE platform_key ` + setLastUse
	deletePlatformKey = `UPDATE platform_key SET deleted_at = $1, wrapped = NULL WHERE deleted_at IS NULL AND id = $2`
)

// AddPlatform implements platform.Store. It doesn't enter the feed: nothing about a platform that there wasn't is remembered.
func (s *Store) AddPlatform(ctx context.Context, p platform.Platform, nameKey string, k platform.Key, ev audit.Event) error {
	return s.write(ctx, "inserting platform", func(t *tx) error {
		if _, err := t.exec(`
INSERT INTO platform (id, code, name, name_key, algorithm, issuer, audience, speaks_for, administrators, create_users, new_user_roles, max_life,
	one_time, enabled, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			raw(p.ID), p.Code, p.Name, nameKey, string(p.Algorithm), p.Issuer, p.Audience, p.SpeaksFor.String(), p.Administrators, p.CreateUsers,
			strings.Join(p.NewUserRoles, ","), int64(p.MaxLife/time.Second), p.OneTime, p.Enabled, p.Version, micros(p.CreatedAt),
			micros(p.UpdatedAt)); err != nil {
			return platformError(err)
		}
		if err := t.addPlatformKey(k); err != nil {
			return err
		}
		return t.record(ev, unseen, p.ID)
	})
}

// UpdatePlatform implements platform.Store. The version is compared and raised by the statement that writes, so of two updates
// made for one version the second finds no row. Code and creation are not its to change. From that statement on it holds the
// platform's row: a token that is being created by its word has come before, and ends here, or waits.
func (s *Store) UpdatePlatform(ctx context.Context, c platform.Change, nameKey string, ev audit.Event) error {
	return s.withdraw(ctx, "updating platform", func(t *tx) error {
		n, err := t.exec(`
UPDATE platform SET name = $1, name_key = $2, algorithm = $3, issuer = $4, audience = $5, speaks_for = $6, administrators = $7, create_users = $8,
	new_user_roles = $9, max_life = $10, one_time = $11, enabled = $12, version = version + 1, updated_at = $13
WHERE id = $14 AND version = $15 AND deleted_at IS NULL`,
			c.Name, nameKey, string(c.Algorithm), c.Issuer, c.Audience, c.SpeaksFor.String(), c.Administrators, c.CreateUsers,
			strings.Join(c.NewUserRoles, ","), int64(c.MaxLife/time.Second), c.OneTime, c.Enabled, micros(c.UpdatedAt), raw(c.ID), c.Version)
		if err != nil {
			return platformError(err)
		}
		if n == 0 {
			return t.staleOrGone(platformLives, c.ID)
		}
		if err := t.repin(&c); err != nil {
			return err
		}
		if !c.EndSessions {
			return t.record(ev, feed.PlatformRules, c.ID)
		}
		if _, err := t.exec(endTokensOfPlatform, micros(ev.At), raw(c.ID)); err != nil {
			return err
		}
		return t.record(ev, feed.Platform, c.ID)
	})
}

// repin gives keys of a platform its algorithm.
func (t *tx) repin(c *platform.Change) error {
	if len(c.Repin) == 0 {
		return nil
	}
	_, err := t.exec(`
UPDATE platform_key SET algorithm = $1 WHERE id IN (
	SELECT id FROM platform_key WHERE id = ANY ($2) AND platform_id = $3 AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE)`,
		string(c.Algorithm), rawAll(c.Repin), raw(c.ID))
	return err
}

// DeletePlatform implements platform.Store. The tombstone keeps its name for whoever reads of it in the audit log.
func (s *Store) DeletePlatform(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting platform", func(t *tx) error {
		if _, err := t.endPlatform(id, ev.At); err != nil {
			return err
		}
		return t.record(ev, feed.Platform, id)
	})
}

// endPlatform makes a tombstone of a platform, ends all that rests on it, and returns how many session tokens that were.
func (t *tx) endPlatform(id uuid.UUID, at time.Time) (tokens int64, err error) {
	if err := t.execOne(`UPDATE platform SET deleted_at = $1, updated_at = $1, version = version + 1 WHERE id = $2 AND deleted_at IS NULL`,
		micros(at), raw(id)); err != nil {
		return 0, err
	}
	if _, err := t.exec(`
UPDATE platform_key SET deleted_at = $1, wrapped = NULL WHERE id IN (
	SELECT id FROM platform_key WHERE platform_id = $2 AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE)`, micros(at), raw(id)); err != nil {
		return 0, err
	}
	return t.exec(endTokensOfPlatform, micros(at), raw(id))
}

// AddPlatformKey implements platform.Store. How many there are is asked with the platform's row held, so that nobody else adds
// one. It doesn't enter the feed: keys aren't remembered.
func (s *Store) AddPlatformKey(ctx context.Context, k platform.Key, ev audit.Event) error {
	return s.write(ctx, "inserting platform key", func(t *tx) error {
		var b pgx.Batch
		b.Queue(lockPlatform, raw(k.PlatformID)).Exec(found)
		var n int
		b.Queue(`SELECT count(*) FROM platform_key WHERE platform_id = $1 AND deleted_at IS NULL`, raw(k.PlatformID)).
			QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
		if err := t.send(&b); err != nil {
			return err
		}
		if n >= platform.MaxKeys {
			return authority.ErrConflict
		}
		if err := t.addPlatformKey(k); err != nil {
			return err
		}
		return t.record(ev, unseen, k.ID)
	})
}

// addPlatformKey adds a key.
func (t *tx) addPlatformKey(k platform.Key) error {
	_, err := t.exec(`
INSERT INTO platform_key (id, platform_id, algorithm, kid, public_key, jwks_uri, wrapped, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		raw(k.ID), raw(k.PlatformID), string(k.Algorithm), k.KeyID, k.PublicKey, k.JWKSURI, optionalBytes(k.Wrapped), micros(k.CreatedAt))
	if clashed(err, "platform_key_by_public_key") {
		return conflict("public_key", "is registered already, with this platform or another", "Make a key pair for this platform alone.")
	}
	return err
}

// DeletePlatformKey implements platform.Store. A public half stays, for the audit log to know what it had signed by.
func (s *Store) DeletePlatformKey(ctx context.Context, platformID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting platform key", func(t *tx) error {
		if err := t.execOne(deletePlatformKey+` AND platform_id = $3`, micros(ev.At), raw(id), raw(platformID)); err != nil {
			return err
		}
		return t.record(ev, feed.PlatformKey, id)
	})
}

// platformError says what another living platform has, where that is why err came.
func platformError(err error) error {
	switch {
	case clashed(err, "platform_by_name"):
		return conflict("name", "is another platform's", "Choose another name.")
	case clashed(err, "platform_by_issuer"):
		return conflict("issuer", "is another platform's", "Give what this platform alone calls itself, or nothing.")
	}
	return err
}

// TouchPlatforms implements platform.Store.
func (s *Store) TouchPlatforms(ctx context.Context, used []authority.Use) error {
	if err := s.touch(ctx, "touching platforms", touchPlatform, used); err != nil {
		return err
	}
	return s.touch(ctx, "touching platform keys", touchPlatformKey, used)
}
