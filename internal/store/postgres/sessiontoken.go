package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/session"
)

const (
	sessionTokenFields = `
t.id, t.user_id, t.platform_id, t.created_at, t.last_used_at, coalesce(t.last_used_ip, ''), t.expires_at, t.ended_at, t.pepper`
	selectSessionToken     = `SELECT ` + sessionTokenFields + ` FROM session_token t WHERE `
	selectSessionTokenByID = selectSessionToken + `t.id = $1`
	selectSessionTokens    = selectSessionToken + `t.user_id = $1 AND t.ended_at IS NULL AND t.expires_at > $2 ORDER BY t.created_at DESC, t.id DESC`

	heldSessionToken        = `SELECT ` + sessionTokenFields + `, ` + holderColumns + ` FROM session_token t` + withHolder + `WHERE `
	selectFoundSessionToken = heldSessionToken + `t.pepper = $1 AND t.digest = $2`
	selectFoundSessionOfTwo = selectFoundSessionToken + ` UNION ALL ` + heldSessionToken + `t.pepper = $3 AND t.digest = $4 LIMIT 1`
	// Of tokens that were ended, nobody asks for the user.
	selectSessionTokensAfter = `
SELECT ` + sessionTokenFields + `, t.digest, ` + holderColumns + ` FROM session_token t
LEFT JOIN "user" u ON u.id = t.user_id AND u.deleted_at IS NULL AND t.ended_at IS NULL WHERE t.id > $1 ORDER BY t.id LIMIT $2`
	// endSessionToken ends a token that lasts and finds no row where there is none.
	endSessionToken = `UPDATE session_token SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL`
	// Whole sets of tokens end between endTokensWhere and inOrder, each row locked in the order of its ID, as by touch. Of what they
	// are sets, the row is held: whoever would add to one waits, or has come before and is seen.
	endTokensWhere      = `UPDATE session_token SET ended_at = $1 WHERE id IN (SELECT id FROM session_token WHERE ended_at IS NULL`
	inOrder             = ` ORDER BY id FOR NO KEY UPDATE)`
	endTokensOfUser     = endTokensWhere + ` AND user_id = $2` + inOrder
	endTokensOfBlocked  = endTokensWhere + ` AND user_id = $2 AND EXISTS (SELECT 1 FROM "user" WHERE id = $2 AND state <> 'active')` + inOrder
	endTokensOfPlatform = endTokensWhere + ` AND platform_id = $2` + inOrder
	// endTokensUnspoken ends the tokens of a user that were got by platforms which may not speak for it, with the roles that it has:
	// for administrators, or for who is none of those in their scopes. There the user stands as $3.
	endTokensUnspoken = endTokensWhere + ` AND user_id = $2
	AND platform_id IN (SELECT p.id FROM platform p
		WHERE NOT p.administrators AND EXISTS (SELECT 1 FROM user_role WHERE user_id = $2 AND role = '` + authority.AdminRole + `')
		OR p.speaks_for <> 'all' AND strpos(',' || p.speaks_for || ',', ',' || $3 || ',') = 0 AND NOT EXISTS (
			SELECT 1 FROM user_role WHERE user_id = $2 AND strpos(',' || p.speaks_for || ',', ',role:' || role || ',') > 0))` + inOrder

	touchSessionToken = `UPDATE session_token ` + setLastUse
)

// scanSessionToken reads sessionTokenFields, and what stands behind them.
func scanSessionToken(row scanner, more ...any) (t session.Token, err error) {
	dest := []any{
		idColumn{&t.ID},
		idColumn{&t.UserID},
		idColumn{&t.PlatformID},
		timeColumn{&t.CreatedAt},
		timeColumn{&t.LastUsedAt},
		&t.LastUsedIP,
		timeColumn{&t.ExpiresAt},
		timeColumn{&t.EndedAt},
		&t.Pepper,
	}
	err = row.Scan(append(dest, more...)...)
	return t, err
}

// CreateSessionToken implements session.TokenStore. That record finds a change of the platform in the feed isn't enough: who
// changes that ends the tokens that it sees, before it enters the feed. So the platform's row is held here as the user's is: a
// change has come before, and is found by record, or waits, and sees the token. Log-ins don't wait for each other by it. Up to the event
// it is one round trip.
func (s *Store) CreateSessionToken(ctx context.Context, n session.Token, d keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "inserting session token", func(t *tx) error {
		var b pgx.Batch
		b.Queue(lockUser, raw(n.UserID)).Exec(found)
		queueSpeaking(&b, n.PlatformID)
		b.Queue(`
INSERT INTO session_token (id, user_id, platform_id, pepper, digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			raw(n.ID), raw(n.UserID), optionalRaw(n.PlatformID), d.Pepper, d.Sum[:], micros(n.CreatedAt), micros(n.ExpiresAt))
		var oldest uuid.UUID
		queueOldest(&b, n.UserID, n.ID, &oldest)
		if err := t.send(&b); err != nil {
			return err
		}
		if oldest != uuid.Nil {
			t.changes = append(t.changes, change{feed.SessionToken, oldest, ev.At, true})
		}
		return t.record(ev, unseen, uuid.Nil)
	})
}

// queueSpeaking holds the row of a platform that may speak, if there is one, and has the batch fail with ErrActorChanged where it
// may no longer.
func queueSpeaking(b *pgx.Batch, platformID uuid.UUID) {
	if platformID == uuid.Nil {
		return
	}
	b.Queue(`SELECT 1 FROM platform WHERE id = $1 AND enabled AND deleted_at IS NULL FOR SHARE`, raw(platformID)).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return authority.ErrActorChanged
		}
		return nil
	})
}

// queueOldest deletes a user's oldest token if with the new one there is one too many, and has its ID kept. As each log-in adds
// one, with the user's row held, there never are two. IDs are in the order of time, which spares sorting a thousand rows at each
// log-in; the new one never goes, however far behind the clock is that it was made by.
func queueOldest(b *pgx.Batch, userID, added uuid.UUID, oldest *uuid.UUID) {
	b.Queue(`
DELETE FROM session_token WHERE id = (SELECT id FROM session_token WHERE user_id = $1 AND id <> $2 ORDER BY id DESC LIMIT 1 OFFSET $3)
RETURNING id`, raw(userID), raw(added), session.MaxTokens-1).QueryRow(func(row pgx.Row) error {
		err := row.Scan(idColumn{oldest})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
}

// SessionTokenByDigest implements session.TokenStore.
func (s *Store) SessionTokenByDigest(ctx context.Context, digests []keyring.Digest) (found session.FoundToken, err error) {
	text, args, err := underDigests(digests, selectFoundSessionToken, selectFoundSessionOfTwo)
	if err == nil {
		var h holder
		found.Token, err = scanSessionToken(s.find(ctx, text, args...), h.dest()...)
		found.User = h.user(found.UserID)
	}
	if err != nil {
		return session.FoundToken{}, fmt.Errorf("looking up session token: %w", kindOf(err))
	}
	return found, nil
}

// RedigestSessionToken implements session.TokenStore.
func (s *Store) RedigestSessionToken(ctx context.Context, id uuid.UUID, old, replacement keyring.Digest) error {
	return s.write(ctx, "redigesting session token", func(t *tx) error {
		_, err := t.exec(`UPDATE session_token SET pepper = $1, digest = $2 WHERE id = $3 AND pepper = $4 AND digest = $5`,
			replacement.Pepper, replacement.Sum[:], raw(id), old.Pepper, old.Sum[:])
		return err
	})
}

// ExpireSessionToken implements session.TokenStore.
func (s *Store) ExpireSessionToken(ctx context.Context, id uuid.UUID, at time.Time) error {
	return s.write(ctx, "noting that a session token is over", func(t *tx) error {
		_, err := t.exec(endSessionToken, micros(at), raw(id))
		return err
	})
}

// SessionToken implements session.TokenStore.
func (s *Store) SessionToken(ctx context.Context, id uuid.UUID) (session.Token, error) {
	found, err := scanSessionToken(s.find(ctx, selectSessionTokenByID, raw(id)))
	if err != nil {
		return session.Token{}, fmt.Errorf("reading session token: %w", kindOf(err))
	}
	return found, nil
}

// SessionTokens implements session.TokenStore.
func (s *Store) SessionTokens(ctx context.Context, userID uuid.UUID, now time.Time) ([]session.Token, error) {
	tokens, err := all(ctx, s, func(row scanner) (session.Token, error) { return scanSessionToken(row) }, selectSessionTokens, raw(userID), micros(now))
	if err != nil {
		return nil, fmt.Errorf("listing session tokens: %w", err)
	}
	return tokens, nil
}

// SessionTokensAfter implements session.TokenStore.
func (s *Store) SessionTokensAfter(ctx context.Context, after uuid.UUID, limit int) ([]session.StoredToken, error) {
	tokens, err := all(ctx, s, scanStoredToken, selectSessionTokensAfter, raw(after), limit)
	if err != nil {
		return nil, fmt.Errorf("listing all session tokens: %w", err)
	}
	return tokens, nil
}

// scanStoredToken reads a row of selectSessionTokensAfter.
func scanStoredToken(row scanner) (stored session.StoredToken, err error) {
	var h holder
	stored.Token, err = scanSessionToken(row, h.dest(sumColumn{&stored.Sum})...)
	stored.User = h.user(stored.UserID)
	return stored, err
}

// EndSessionToken implements session.TokenStore. Whose token it is stands in the statement: nobody ends another's by its ID. Nor does
// anybody end what is over by its time: the audit log would tell of a session that there wasn't.
func (s *Store) EndSessionToken(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "ending session token", func(t *tx) error {
		if err := t.execOne(endSessionToken+` AND user_id = $3 AND expires_at > $1`, micros(ev.At), raw(id), raw(userID)); err != nil {
			return err
		}
		return t.record(ev, feed.SessionToken, id)
	})
}

// EndSessions implements session.TokenStore. The user's row is held, so that a log-in of the same moment is ended, too, or later.
func (s *Store) EndSessions(ctx context.Context, userID uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "ending the sessions of a user", func(t *tx) error {
		if err := t.holdUser(userID); err != nil {
			return err
		}
		if err := t.endOtherSessions(userID, ev); err != nil {
			return err
		}
		if err := t.endTokens(userID, ev.At); err != nil {
			return err
		}
		return t.record(ev, feed.User, userID)
	})
}

// endTokens ends the session tokens of a user. The user's own row of the feed tells of it: every session rests on its user.
func (t *tx) endTokens(userID uuid.UUID, at time.Time) error {
	_, err := t.exec(endTokensOfUser, micros(at), raw(userID))
	return err
}

// endUnspoken ends the session tokens of a user that were got by platforms which may no longer speak for it.
func (t *tx) endUnspoken(userID uuid.UUID, at time.Time) error {
	_, err := t.exec(endTokensUnspoken, micros(at), raw(userID), platform.Scope{Users: []uuid.UUID{userID}}.String())
	return err
}

// TouchSessionTokens implements session.TokenStore.
func (s *Store) TouchSessionTokens(ctx context.Context, used []authority.Use) error {
	return s.touch(ctx, "touching session tokens", touchSessionToken, used)
}

// PruneSessionTokens implements session.TokenStore.
func (s *Store) PruneSessionTokens(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting old session tokens", func(t *tx) error {
		count, err = t.exec(`
DELETE FROM session_token WHERE id IN (SELECT id FROM session_token WHERE expires_at < $1 ORDER BY id FOR UPDATE)`, micros(before))
		return err
	})
	return count, err
}
