package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/session"
)

// The columns' names are as holderColumns'.
const (
	sessionTokenFields = `
+t.id AS i, +t.user_id AS u, +t.platform_id AS f, +t.created_at AS c, +t.last_used_at AS l, coalesce(t.last_used_ip, '') AS a,
	+t.expires_at AS x, +t.ended_at AS o, +t.pepper AS p`
	selectSessionToken     = `SELECT ` + sessionTokenFields + ` FROM session_token t WHERE `
	selectSessionTokenByID = selectSessionToken + `t.id = ?`
	selectSessionTokens    = selectSessionToken + `t.user_id = ? AND t.ended_at IS NULL AND t.expires_at > ? ORDER BY t.created_at DESC, t.id DESC`

	heldSessionToken        = `SELECT ` + sessionTokenFields + `, ` + holderColumns + ` FROM session_token t` + withHolder + `WHERE `
	selectFoundSessionToken = heldSessionToken + `t.pepper = ?1 AND t.digest = ?2`
	selectFoundSessionOfTwo = selectFoundSessionToken + ` UNION ALL ` + heldSessionToken + `t.pepper = ?3 AND t.digest = ?4`
	// Of tokens that were ended, nobody asks for the user.
	selectSessionTokensAfter = `
SELECT ` + sessionTokenFields + `, t.digest, ` + holderColumns + ` FROM session_token t
LEFT JOIN user u ON u.id = t.user_id AND u.deleted_at IS NULL AND t.ended_at IS NULL WHERE t.id > ?1 ORDER BY t.id LIMIT ?2`
	// endSessionToken ends a token that lasts and finds no row where there is none.
	endSessionToken = `UPDATE session_token SET ended_at = ?1 WHERE id = ?2 AND ended_at IS NULL`
	// endTokensOfUser and those that follow end whole sets of tokens.
	endTokensOfUser     = `UPDATE session_token SET ended_at = ?1 WHERE user_id = ?2 AND ended_at IS NULL`
	endTokensOfBlocked  = endTokensOfUser + ` AND EXISTS (SELECT 1 FROM user WHERE id = ?2 AND state <> 'active')`
	endTokensOfPlatform = `UPDATE session_token SET ended_at = ?1 WHERE platform_id = ?2 AND ended_at IS NULL`
	// endTokensUnspoken ends the tokens of a user that were got by platforms which may not speak for it, with the roles that it has:
	// for administrators, or for who is none of those in their scopes. There the user stands as ?3.
	endTokensUnspoken = endTokensOfUser + `
	AND platform_id IN (SELECT p.id FROM platform p
		WHERE NOT p.administrators AND EXISTS (SELECT 1 FROM user_role WHERE user_id = ?2 AND role = '` + authority.AdminRole + `')
		OR p.speaks_for <> 'all' AND instr(',' || p.speaks_for || ',', ',' || ?3 || ',') = 0 AND NOT EXISTS (
			SELECT 1 FROM user_role WHERE user_id = ?2 AND instr(',' || p.speaks_for || ',', ',role:' || role || ',') > 0))`

	touchSessionToken = `UPDATE session_token ` + setLastUse
)

// scanSessionToken reads sessionTokenFields, and what stands behind them.
func scanSessionToken(row scanner, more ...any) (t session.Token, err error) {
	dest := []any{
		&t.ID, &t.UserID, &t.PlatformID,
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

// CreateSessionToken implements session.TokenStore. That the platform may speak at all is a condition of the insert itself: what
// else it has lost since, record sees in the feed.
func (s *Store) CreateSessionToken(ctx context.Context, n session.Token, d keyring.Digest, ev audit.Event) error {
	return s.write(ctx, "inserting session token", func(t *tx) error {
		err := t.execOne(`
INSERT INTO session_token (id, user_id, platform_id, pepper, digest, created_at, expires_at)
SELECT ?1, id, ?2, ?3, ?4, ?5, ?6 FROM user
WHERE id = ?7 AND deleted_at IS NULL AND (?2 IS NULL OR EXISTS (SELECT 1 FROM platform WHERE id = ?2 AND enabled AND deleted_at IS NULL))`,
			blob(n.ID), optionalBlob(n.PlatformID), d.Pepper, d.Sum[:], micros(n.CreatedAt), micros(n.ExpiresAt), blob(n.UserID))
		if errors.Is(err, authority.ErrNotFound) {
			return t.whyNoSession(n.UserID)
		}
		if err != nil {
			return err
		}
		if err := t.record(ev, unseen, n.ID); err != nil {
			return err
		}
		return t.dropOldestToken(n.UserID, n.ID, ev.At)
	})
}

// whyNoSession returns ErrNotFound where a user that was to get a session doesn't live, and else says that the platform or the
// project was changed by which it comes.
func (t *tx) whyNoSession(userID uuid.UUID) error {
	lives, err := t.yes(userLives, blob(userID))
	switch {
	case err != nil:
		return err
	case lives:
		return authority.ErrActorChanged
	}
	return authority.ErrNotFound
}

// dropOldestToken deletes a user's oldest token if with the new one there is one too many. As each log-in adds one, there never
// are two. IDs are in the order of time, which spares sorting a thousand rows at each log-in; the new one never goes, however
// far behind the clock is that it was made by.
func (t *tx) dropOldestToken(userID, added uuid.UUID, at time.Time) error {
	var id uuid.UUID
	err := t.one(`SELECT id FROM session_token WHERE user_id = ? AND id <> ? ORDER BY id DESC LIMIT 1 OFFSET ?`, &id,
		blob(userID), blob(added), session.MaxTokens-1)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	t.changes = append(t.changes, change{feed.SessionToken, id, at, true})
	return t.execOne(`DELETE FROM session_token WHERE id = ?`, blob(id))
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
		_, err := t.exec(`UPDATE session_token SET pepper = ?, digest = ? WHERE id = ? AND pepper = ? AND digest = ?`,
			replacement.Pepper, replacement.Sum[:], blob(id), old.Pepper, old.Sum[:])
		return err
	})
}

// ExpireSessionToken implements session.TokenStore.
func (s *Store) ExpireSessionToken(ctx context.Context, id uuid.UUID, at time.Time) error {
	return s.write(ctx, "noting that a session token is over", func(t *tx) error {
		_, err := t.exec(endSessionToken, micros(at), blob(id))
		return err
	})
}

// SessionToken implements session.TokenStore.
func (s *Store) SessionToken(ctx context.Context, id uuid.UUID) (session.Token, error) {
	found, err := scanSessionToken(s.find(ctx, selectSessionTokenByID, blob(id)))
	if err != nil {
		return session.Token{}, fmt.Errorf("reading session token: %w", kindOf(err))
	}
	return found, nil
}

// SessionTokens implements session.TokenStore.
func (s *Store) SessionTokens(ctx context.Context, userID uuid.UUID, now time.Time) ([]session.Token, error) {
	rows, err := s.reads.QueryContext(ctx, selectSessionTokens, blob(userID), micros(now))
	tokens, err := all(rows, err, func(row scanner) (session.Token, error) { return scanSessionToken(row) })
	if err != nil {
		return nil, fmt.Errorf("listing session tokens: %w", err)
	}
	return tokens, nil
}

// SessionTokensAfter implements session.TokenStore.
func (s *Store) SessionTokensAfter(ctx context.Context, after uuid.UUID, limit int) ([]session.StoredToken, error) {
	rows, err := s.reads.QueryContext(ctx, selectSessionTokensAfter, blob(after), limit)
	tokens, err := all(rows, err, scanStoredToken)
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
		if err := t.execOne(endSessionToken+` AND user_id = ?3 AND expires_at > ?1`, micros(ev.At), blob(id), blob(userID)); err != nil {
			return err
		}
		return t.record(ev, feed.SessionToken, id)
	})
}

// EndSessions implements session.TokenStore.
func (s *Store) EndSessions(ctx context.Context, userID uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "ending the sessions of a user", func(t *tx) error {
		lives, err := t.yes(userLives, blob(userID))
		if err == nil && !lives {
			err = authority.ErrNotFound
		}
		if err != nil {
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
	_, err := t.exec(endTokensOfUser, micros(at), blob(userID))
	return err
}

// endUnspoken ends the session tokens of a user that were got by platforms which may no longer speak for it.
func (t *tx) endUnspoken(userID uuid.UUID, at time.Time) error {
	_, err := t.exec(endTokensUnspoken, micros(at), blob(userID), platform.Scope{Users: []uuid.UUID{userID}}.String())
	return err
}

// TouchSessionTokens implements session.TokenStore.
func (s *Store) TouchSessionTokens(ctx context.Context, used []authority.Use) error {
	return s.touch(ctx, "touching session tokens", touchSessionToken, used)
}

// PruneSessionTokens implements session.TokenStore.
func (s *Store) PruneSessionTokens(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting old session tokens", func(t *tx) error {
		count, err = t.exec(`DELETE FROM session_token WHERE expires_at < ?`, micros(before))
		return err
	})
	return count, err
}
