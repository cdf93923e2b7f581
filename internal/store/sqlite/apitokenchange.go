package sqlite

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

const (
	apiTokenLives = `SELECT EXISTS (SELECT 1 FROM api_token WHERE id = ? AND deleted_at IS NULL)`
	touchAPIToken = `UPDATE api_token ` + setLastUse

	deleteAPIToken = `UPDATE api_token SET deleted_at = ?1, updated_at = ?1, version = version + 1 WHERE id = ?2 AND deleted_at IS NULL`
)

// CreateAPIToken implements apitoken.Store. It doesn't enter the feed: nobody can have been told no about a token that
// didn't exist. A token of an ID that any ever had is refused by the primary key.
func (s *Store) CreateAPIToken(ctx context.Context, r apitoken.Record, ev audit.Event) error {
	return s.write(ctx, "inserting API token", func(t *tx) error {
		scopes, from := limitTexts(&r.Limits)
		err := t.execOne(`
INSERT INTO api_token (id, user_id, name, name_key, kid, enabled, scopes, allowed_ips, rate_calls, rate_seconds, version, created_at, updated_at, expires_at)
SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM user WHERE id = ? AND deleted_at IS NULL`,
			blob(r.ID), r.Name, r.NameKey, r.KeyID, r.Enabled, scopes, from, r.Limits.Rate.Calls, int64(r.Limits.Rate.Per/time.Second),
			r.Version, micros(r.CreatedAt), micros(r.UpdatedAt), optionalMicros(r.ExpiresAt), blob(r.UserID))
		if err != nil {
			return t.apiTokenError(err, r)
		}
		return t.record(ev, unseen, r.ID)
	})
}

// UpdateAPIToken implements apitoken.Store. The version is compared and raised by the statement that writes, so of two
// updates made for one version the second finds no row.
func (s *Store) UpdateAPIToken(ctx context.Context, r apitoken.Record, ev audit.Event) error {
	return s.withdraw(ctx, "updating API token", func(t *tx) error {
		scopes, from := limitTexts(&r.Limits)
		n, err := t.exec(`
UPDATE api_token SET name = ?, name_key = ?, enabled = ?, scopes = ?, allowed_ips = ?, rate_calls = ?, rate_seconds = ?,
	version = version + 1, updated_at = ?
WHERE id = ? AND version = ? AND deleted_at IS NULL`,
			r.Name, r.NameKey, r.Enabled, scopes, from, r.Limits.Rate.Calls, int64(r.Limits.Rate.Per/time.Second), micros(r.UpdatedAt),
			blob(r.ID), r.Version)
		if err != nil {
			return t.apiTokenError(err, r)
		}
		if n == 0 {
			return t.staleOrGone(apiTokenLives, r.ID)
		}
		return t.record(ev, feed.APIToken, r.ID)
	})
}

// DeleteAPIToken implements apitoken.Store.
func (s *Store) DeleteAPIToken(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "deleting API token", func(t *tx) error {
		if err := t.execOne(deleteAPIToken, micros(ev.At), blob(id)); err != nil {
			return err
		}
		return t.record(ev, feed.APIToken, id)
	})
}

// limitTexts returns scopes and addresses as they are stored.
func limitTexts(l *authority.Limits) (scopes any, from string) {
	if l.Scopes != nil {
		scopes = strings.Join(l.Scopes, " ")
	}
	texts := make([]string, len(l.From))
	for i, network := range l.From {
		texts[i] = network.String()
	}
	return scopes, strings.Join(texts, " ")
}

// apiTokenError finds out whether another token has the name, where that is why err came.
func (t *tx) apiTokenError(err error, r apitoken.Record) error {
	if !errors.Is(kindOf(err), authority.ErrConflict) {
		return err
	}
	taken, asking := t.yes(`SELECT EXISTS (SELECT 1 FROM api_token WHERE name_key = ? AND id <> ? AND deleted_at IS NULL)`, r.NameKey, blob(r.ID))
	if asking == nil && taken {
		return conflict("name", "is another token's", "Choose another name.")
	}
	return err
}

// TouchAPITokens implements apitoken.Store.
func (s *Store) TouchAPITokens(ctx context.Context, used []authority.Use) error {
	return s.touch(ctx, "touching API tokens", touchAPIToken, used)
}
