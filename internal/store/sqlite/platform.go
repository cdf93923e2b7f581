package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/platform"
)

const (
	selectPlatform = `
SELECT id, code, name, algorithm, issuer, audience, speaks_for, administrators, create_users, new_user_roles, max_life, one_time, enabled,
	version, created_at, updated_at, last_used_at, coalesce(last_used_ip, ''), deleted_at
FROM platform WHERE `
	selectPlatformByID = selectPlatform + `id = ?`
	// Two probes, each of an index of its own. A code is never anybody else's, not even as the name of an issuer.
	selectPlatformNamed = selectPlatform + `code = ?1 UNION ALL ` +
		selectPlatform + `issuer = ?1 AND issuer <> '' AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM platform WHERE code = ?1)`
	selectPlatformsAfter = selectPlatform + `deleted_at IS NULL AND name_key > ? ORDER BY name_key LIMIT ?`

	selectPlatformKey = `
SELECT k.id, k.platform_id, k.algorithm, k.kid, k.public_key, k.jwks_uri, k.wrapped, k.created_at, k.deleted_at, k.last_used_at,
	coalesce(k.last_used_ip, '') FROM platform_key k `
	selectPlatformKeys       = selectPlatformKey + `WHERE k.platform_id = ? ORDER BY k.created_at DESC, k.id DESC`
	selectPublicPlatformKeys = selectPlatformKey + `JOIN platform p ON p.id = k.platform_id
WHERE k.public_key <> '' AND k.deleted_at IS NULL AND p.deleted_at IS NULL ORDER BY k.id`
)

// scanPlatform reads a row of selectPlatform.
func scanPlatform(row scanner) (p platform.Platform, err error) {
	var scope string
	var seconds int64
	err = row.Scan(&p.ID, &p.Code, &p.Name, &p.Algorithm, &p.Issuer, &p.Audience, &scope, &p.Administrators, &p.CreateUsers,
		listColumn{&p.NewUserRoles}, &seconds, &p.OneTime, &p.Enabled, &p.Version, timeColumn{&p.CreatedAt}, timeColumn{&p.UpdatedAt},
		timeColumn{&p.LastUsedAt}, &p.LastUsedIP, timeColumn{&p.DeletedAt})
	if err == nil {
		p.MaxLife = time.Duration(seconds) * time.Second
		p.SpeaksFor, err = platform.ParseScope(scope)
	}
	return p, err
}

// scanPlatformKey reads a row of selectPlatformKey.
func scanPlatformKey(row scanner) (k platform.Key, err error) {
	err = row.Scan(&k.ID, &k.PlatformID, &k.Algorithm, &k.KeyID, &k.PublicKey, &k.JWKSURI, &k.Wrapped,
		timeColumn{&k.CreatedAt}, timeColumn{&k.DeletedAt}, timeColumn{&k.LastUsedAt}, &k.LastUsedIP)
	return k, err
}

// Platform implements platform.Store.
func (s *Store) Platform(ctx context.Context, id uuid.UUID) (platform.Platform, error) {
	return readPlatform(s.find(ctx, selectPlatformByID, blob(id)))
}

// PlatformNamed implements platform.Store.
func (s *Store) PlatformNamed(ctx context.Context, name string) (platform.Platform, error) {
	return readPlatform(s.find(ctx, selectPlatformNamed, name))
}

func readPlatform(row scanner) (platform.Platform, error) {
	p, err := scanPlatform(row)
	if err != nil {
		return platform.Platform{}, fmt.Errorf("looking up platform: %w", kindOf(err))
	}
	return p, nil
}

// Platforms implements platform.Store. The cursor is a name, so that platforms made or deleted between two pages shift nothing.
func (s *Store) Platforms(ctx context.Context, after string, limit int) ([]platform.Platform, error) {
	rows, err := s.reads.QueryContext(ctx, selectPlatformsAfter, after, limit)
	platforms, err := all(rows, err, scanPlatform)
	if err != nil {
		return nil, fmt.Errorf("listing platforms: %w", err)
	}
	return platforms, nil
}

// PlatformKeys implements platform.Store.
func (s *Store) PlatformKeys(ctx context.Context, platformID uuid.UUID) ([]platform.Key, error) {
	keys, err := findAll(ctx, s, scanPlatformKey, selectPlatformKeys, blob(platformID))
	if err != nil {
		return nil, fmt.Errorf("looking up platform keys: %w", err)
	}
	return keys, nil
}

// PublicPlatformKeys implements platform.Store.
func (s *Store) PublicPlatformKeys(ctx context.Context) ([]platform.Key, error) {
	rows, err := s.reads.QueryContext(ctx, selectPublicPlatformKeys)
	keys, err := all(rows, err, scanPlatformKey)
	if err != nil {
		return nil, fmt.Errorf("listing the public keys of platforms: %w", err)
	}
	return keys, nil
}
