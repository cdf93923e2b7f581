package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

const (
	insertAPIToken = `
INSERT INTO api_token (id, user_id, name, name_key, kid, enabled, scopes, allowed_ips, rate_calls, rate_seconds, version, created_at, updated_at, expires_at)
SELECT $1, id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM "user" WHERE id = $14 AND deleted_at IS NULL FOR SHARE`
	apiTokenLives = `SELECT EXISTS (SELECT 1 FROM api_token WHERE id = $1 AND deleted_at IS NULL)`
	touchAPIToken = `UPDATE api_token ` + setLastUse

	deleteAPIToken = `UPDATE api_token SET deleted_at = $1, updated_at = $1, version = version + 1 WHERE id = $2 AND deleted_at IS NULL`
)

// CreateAPIToken implements apitoken.Store. It doesn't enter the feed: nobody can have been told no about a token that
// didn't exist. A token of an ID that any ever had is refused by the primary key. All but the commit is one round trip.
func (s *Store) CreateAPIToken(ctx context.Context, r apitoken.Record, ev audit.Event) error {
	return s.write(ctx, "inserting API token", func(t *tx) error {
		scopes, from := limitTexts(&r.Limits)
		var b pgx.Batch
		b.Queue(insertAPIToken,
			raw(r.ID), r.Name, r.NameKey, r.KeyID, r.Enabled, scopes, from, r.Limits.Rate.Calls, int64(r.Limits.Rate.Per/time.Second),
			r.Version, micros(r.CreatedAt), micros(r.UpdatedAt), optionalMicros(r.ExpiresAt), raw(r.UserID)).Exec(found)
		return apiTokenError(t.recordWith(&b, ev))
	})
}

// UpdateAPIToken implements apitoken.Store. The version is compared and raised by the statement that writes, so of two
// updates made for one version the second finds no row.
func (s *Store) UpdateAPIToken(ctx context.Context, r apitoken.Record, ev audit.Event) error {
	return s.withdraw(ctx, "updating API token", func(t *tx) error {
		scopes, from := limitTexts(&r.Limits)
		n, err := t.exec(`
UPDATE api_token SET name = $1, name_key = $2, enabled = $3, scopes = $4, allowed_ips = $5, rate_calls = $6, rate_seconds = $7,
	version = version + 1, updated_at = $8
WHERE id = $9 AND version = $10 AND deleted_at IS NULL`,
			r.Name, r.NameKey, r.Enabled, scopes, from, r.Limits.Rate.Calls, int64(r.Limits.Rate.Per/time.Second), micros(r.UpdatedAt),
			raw(r.ID), r.Version)
		if err != nil {
			return apiTokenError(err)
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
		if err := t.execOne(deleteAPIToken, micros(ev.At), raw(id)); err != nil {
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

// apiTokenError says that another token has the name, where that is why err came.
func apiTokenError(err error) error {
	if clashed(err, "api_token_by_name") {
		return conflict("name", "is another token's", "Choose another name.")
	}
	return err
}

// TouchAPITokens implements apitoken.Store.
func (s *Store) TouchAPITokens(ctx context.Context, used []authority.Use) error {
	return s.touch(ctx, "touching API tokens", touchAPIToken, used)
}
