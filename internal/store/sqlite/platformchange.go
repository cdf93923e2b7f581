package sqlite

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/platform"
)

const (
	platformLives     = `SELECT EXISTS (SELECT 1 FROM platform WHERE id = ? AND deleted_at IS NULL)`
	touchPlatform     = `UPDATE platform ` + setLastUse
	touchPlatformKey  = `UPDATE platform_key ` + setLastUse
	deletePlatformKey = `UPDATE platform_key SET deleted_at = ?1, wrapped = NULL WHERE deleted_at IS NULL AND id = ?2`
)

// AddPlatform implements platform.Store. It doesn't enter the feed: nothing about a platform that there wasn't is remembered.
func (s *Store) AddPlatform(ctx context.Context, p platform.Platform, nameKey string, k platform.Key, ev audit.Event) error {
	return s.write(ctx, "inserting platform", func(t *tx) error {
		if _, err := t.exec(`
INSERT INTO platform (id, code, name, name_key, algorithm, issuer, audience, speaks_for, administrators, create_users, new_user_roles, max_life,
	one_time, enabled, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(p.ID), p.Code, p.Name, nameKey, string(p.Algorithm), p.Issuer, p.Audience, p.SpeaksFor.String(), p.Administrators, p.CreateUsers,
			strings.Join(p.NewUserRoles, ","), int64(p.MaxLife/time.Second), p.OneTime, p.Enabled, p.Version, micros(p.CreatedAt),
			micros(p.UpdatedAt)); err != nil {
			return t.platformError(err, &p, nameKey)
		}
		if err := t.addPlatformKey(k); err != nil {
			return err
		}
		return t.record(ev, unseen, p.ID)
	})
}

// UpdatePlatform implements platform.Store. The version is compared and raised by the statement that writes, so of two updates
// made for one version the second finds no row. Code and creation are not its to change.
func (s *Store) UpdatePlatform(ctx context.Context, c platform.Change, nameKey string, ev audit.Event) error {
	return s.withdraw(ctx, "updating platform", func(t *tx) error {
		n, err := t.exec(`
UPDATE platform SET name = ?, name_key = ?, algorithm = ?, issuer = ?, audience = ?, speaks_for = ?, administrators = ?, create_users = ?,
	new_user_roles = ?, max_life = ?, one_time = ?, enabled = ?, version = version + 1, updated_at = ?
WHERE id = ? AND version = ? AND deleted_at IS NULL`,
			c.Name, nameKey, string(c.Algorithm), c.Issuer, c.Audience, c.SpeaksFor.String(), c.Administrators, c.CreateUsers,
			strings.Join(c.NewUserRoles, ","), int64(c.MaxLife/time.Second), c.OneTime, c.Enabled, micros(c.UpdatedAt), blob(c.ID), c.Version)
		if err != nil {
			return t.platformError(err, &c.Platform, nameKey)
		}
		if n == 0 {
			return t.staleOrGone(platformLives, c.ID)
		}
		for _, id := range c.Repin {
			if _, err := t.exec(`UPDATE platform_key SET algorithm = ? WHERE id = ? AND platform_id = ? AND deleted_at IS NULL`,
				string(c.Algorithm), blob(id), blob(c.ID)); err != nil {
				return err
			}
		}
		if !c.EndSessions {
			return t.record(ev, feed.PlatformRules, c.ID)
		}
		if _, err := t.exec(endTokensOfPlatform, micros(ev.At), blob(c.ID)); err != nil {
			return err
		}
		return t.record(ev, feed.Platform, c.ID)
	})
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
	if err := t.execOne(`UPDATE platform SET deleted_at = ?1, updated_at = ?1, version = version + 1 WHERE id = ?2 AND deleted_at IS NULL`,
		micros(at), blob(id)); err != nil {
		return 0, err
	}
	if _, err := t.exec(`UPDATE platform_key SET deleted_at = ?, wrapped = NULL WHERE platform_id = ? AND deleted_at IS NULL`,
		micros(at), blob(id)); err != nil {
		return 0, err
	}
	return t.exec(endTokensOfPlatform, micros(at), blob(id))
}

// AddPlatformKey implements platform.Store. How many there are is asked in the transaction that adds one. It doesn't enter the
// feed: keys aren't remembered.
func (s *Store) AddPlatformKey(ctx context.Context, k platform.Key, ev audit.Event) error {
	return s.write(ctx, "inserting platform key", func(t *tx) error {
		lives, err := t.yes(platformLives, blob(k.PlatformID))
		if err == nil && !lives {
			err = authority.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := t.hasRoom(`SELECT count(*) FROM platform_key WHERE platform_id = ? AND deleted_at IS NULL`, k.PlatformID, platform.MaxKeys); err != nil {
			return err
		}
		if err := t.addPlatformKey(k); err != nil {
			return err
		}
		return t.record(ev, unseen, k.ID)
	})
}

// addPlatformKey adds a key. Where another has the same public half, it finds that out in the same transaction: the driver tells
// which index it was only in words.
func (t *tx) addPlatformKey(k platform.Key) error {
	_, err := t.exec(`INSERT INTO platform_key (id, platform_id, algorithm, kid, public_key, jwks_uri, wrapped, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		blob(k.ID), blob(k.PlatformID), string(k.Algorithm), k.KeyID, k.PublicKey, k.JWKSURI, optionalBytes(k.Wrapped), micros(k.CreatedAt))
	if !errors.Is(kindOf(err), authority.ErrConflict) {
		return err
	}
	taken, asking := t.yes(`SELECT EXISTS (SELECT 1 FROM platform_key WHERE public_key = ? AND public_key <> '' AND deleted_at IS NULL)`, k.PublicKey)
	if asking == nil && taken {
		return conflict("public_key", "is registered already, with this platform or another", "Make a key pair for this platform alone.")
	}
	return err
}

// DeletePlatformKey implements platform.Store. A public half stays, for the audit log to know what it had signed by.
func (s *Store) DeletePlatformKey(ctx context.Context, platformID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting platform key", func(t *tx) error {
		if err := t.execOne(deletePlatformKey+` AND platform_id = ?3`, micros(ev.At), blob(id), blob(platformID)); err != nil {
			return err
		}
		return t.record(ev, feed.PlatformKey, id)
	})
}

// platformError finds out what of p another living platform has, where that is why err came. It asks the database, in the same
// transaction: the driver tells which index it was only in words.
func (t *tx) platformError(err error, p *platform.Platform, nameKey string) error {
	if !errors.Is(kindOf(err), authority.ErrConflict) {
		return err
	}
	const other = `AND id <> ? AND deleted_at IS NULL)`
	taken, asking := t.yes(`SELECT EXISTS (SELECT 1 FROM platform WHERE name_key = ? `+other, nameKey, blob(p.ID))
	if asking == nil && taken {
		return conflict("name", "is another platform's", "Choose another name.")
	}
	taken, asking = t.yes(`SELECT EXISTS (SELECT 1 FROM platform WHERE issuer = ? AND issuer <> '' `+other, p.Issuer, blob(p.ID))
	if asking == nil && taken {
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
