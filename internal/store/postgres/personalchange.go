package postgres

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

const (
	// putToken gives a living user a token in place of any other, in one statement. The one that goes becomes the former,
	// or the one revoked stays it. The user's tombstone, if it is one, yields no row to insert.
	putToken = `
INSERT INTO personal_token AS p (user_id, pepper, digest, created_at)
SELECT id, $1, $2, $3 FROM "user" WHERE id = $4 AND deleted_at IS NULL
ON CONFLICT (user_id) DO UPDATE SET
	former_pepper = coalesce(p.pepper, p.former_pepper), former_digest = coalesce(p.digest, p.former_digest),
	pepper = excluded.pepper, digest = excluded.digest, created_at = excluded.created_at,
	last_used_at = NULL, last_used_ip = NULL, revoked_at = NULL`
	// revokeToken ends a valid token and finds no row where there is none.
	revokeToken = `
UPDATE personal_token SET former_pepper = pepper, former_digest = digest, pepper = NULL, digest = NULL, revoked_at = $1
WHERE user_id = $2 AND digest IS NOT NULL`
	// hasToken asks for a valid token: the row of a revoked one is there, too.
	hasToken = `SELECT EXISTS (SELECT 1 FROM personal_token WHERE user_id = $1 AND digest IS NOT NULL)`
	// A use counts if it is later than the last; it is no use of a token that was made after it.
	touchToken = `
UPDATE personal_token SET last_used_at = $1, last_used_ip = coalesce($2, last_used_ip)
WHERE user_id = $3 AND digest IS NOT NULL AND coalesce(last_used_at, created_at - 1) < $1`
)

// PutPersonalToken implements personal.Store. Whether a valid token goes is asked before, because the upsert can't tell
// afterwards: it decides whether the change enters the feed. A first token must not, or issuing would wait for the revision
// row. The user's row is held meanwhile, so that of many rotations at once each sees the one before; only a revocation may
// still come between, and then the feed tells of a change that there was anyway. All but the commit is one round trip.
func (s *Store) PutPersonalToken(ctx context.Context, userID uuid.UUID, d keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "putting personal token", func(t *tx) error {
		var b pgx.Batch
		b.Queue(lockUser, raw(userID))
		var had bool
		b.Queue(hasToken, raw(userID)).QueryRow(func(row pgx.Row) error { return row.Scan(&had) })
		b.Queue(putToken, d.Pepper, d.Sum[:], micros(ev.At), raw(userID)).Exec(found)
		if err := t.recordWith(&b, ev, userID); err != nil {
			return err
		}
		if had {
			t.enter(feed.PersonalToken, userID, ev)
		}
		return nil
	})
}

// found returns ErrNotFound of a statement, sent with others, that changed no row.
func found(tag pgconn.CommandTag) error {
	if tag.RowsAffected() == 0 {
		return authority.ErrNotFound
	}
	return nil
}

// RevokePersonalToken implements personal.Store. The row stays without a digest, so that a use of the revoked token can
// still be told in the audit log from that of one nobody had.
func (s *Store) RevokePersonalToken(ctx context.Context, userID uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "revoking personal token", func(t *tx) error {
		if err := t.execOne(revokeToken, micros(ev.At), raw(userID)); err != nil {
			return err
		}
		return t.record(ev, feed.PersonalToken, userID)
	})
}

// RedigestPersonalToken implements personal.Store. It is the same token under another pepper: nobody did anything, no
// verdict changes, so there is neither event nor change. One that was rotated meanwhile is left alone.
func (s *Store) RedigestPersonalToken(ctx context.Context, userID uuid.UUID, old, replacement keyring.Digest) error {
	return s.write(ctx, "redigesting personal token", func(t *tx) error {
		_, err := t.exec(`UPDATE personal_token SET pepper = $1, digest = $2 WHERE user_id = $3 AND pepper = $4 AND digest = $5`,
			replacement.Pepper, replacement.Sum[:], raw(userID), old.Pepper, old.Sum[:])
		return err
	})
}

// touchBatch is how many uses one transaction stores: a rotation waits for no more.
const touchBatch = 500

// TouchPersonalTokens implements personal.Store.
func (s *Store) TouchPersonalTokens(ctx context.Context, used []authority.Use) error {
	return s.touch(ctx, "touching personal tokens", touchToken, used)
}

// setLastUse ends a statement for touch, of a table whose rows go by their own ID. A use counts if it is later than the last.
// Where its address isn't known, as of a token that somebody asks about, the last known one stays: it may be the only trace
// of a thief.
const setLastUse = `SET last_used_at = $1, last_used_ip = coalesce($2, last_used_ip) WHERE id = $3 AND coalesce(last_used_at, created_at - 1) < $1`

// touch stores uses, each by a statement of its time, address and ID. Batches before the one that failed are stored;
// storing one again does nothing, since a use counts only if it is later. Rows are locked in the order of their IDs: other
// nodes touch the same ones.
func (s *Store) touch(ctx context.Context, doing, statement string, used []authority.Use) error {
	used = slices.Clone(used)
	slices.SortStableFunc(used, func(a, b authority.Use) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for batch := range slices.Chunk(used, touchBatch) {
		err := s.write(ctx, doing, func(t *tx) error {
			var b pgx.Batch
			for _, u := range batch {
				var from any
				if u.From.IsValid() {
					from = u.From.String()
				}
				b.Queue(statement, micros(u.At), from, raw(u.ID))
			}
			return t.send(&b)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
