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
	"github.com/jeton-io/jeton/internal/session"
)

const (
	sessionFields = `
t.id, t.user_id, t.created_at, t.last_used_at, coalesce(t.last_used_ip, ''), t.expires_at, t.ended_at,
	t.project_id, (SELECT allowed_ips FROM project WHERE id = t.project_id)`
	selectSessions = `
SELECT ` + sessionFields + ` FROM browser_session t
WHERE t.user_id = ? AND t.ended_at IS NULL AND t.expires_at > ? ORDER BY t.created_at DESC, t.id DESC`

	heldSession           = `SELECT ` + sessionFields + `, ` + holderColumns + ` FROM browser_session t` + withHolder + `WHERE `
	selectSessionConsole  = heldSession + `t.pepper = ?1 AND t.console_digest = ?2`
	selectSessionConsoles = selectSessionConsole + ` UNION ALL ` + heldSession + `t.pepper = ?3 AND t.console_digest = ?4`
	selectSessionAPI      = heldSession + `t.pepper = ?1 AND t.api_digest = ?2`
	selectSessionAPIs     = selectSessionAPI + ` UNION ALL ` + heldSession + `t.pepper = ?3 AND t.api_digest = ?4`
	// endSession ends a session that lasts and finds no row where there is none.
	endSession = `UPDATE browser_session SET ended_at = ? WHERE id = ? AND ended_at IS NULL`
	// endSessions ends all sessions of a user but one.
	endSessions = `UPDATE browser_session SET ended_at = ? WHERE user_id = ? AND id <> ? AND ended_at IS NULL`
	// endSessionsOfBlocked ends the sessions of a user if that is blocked or suspended.
	endSessionsOfBlocked = `
UPDATE browser_session SET ended_at = ?1
WHERE user_id = ?2 AND ended_at IS NULL AND EXISTS (SELECT 1 FROM user WHERE id = ?2 AND state <> 'active')`
	// touchSession stores a use if it is later than the last; a session that has ended isn't used.
	touchSession = `
UPDATE browser_session SET last_used_at = ?1, last_used_ip = ?2 WHERE id = ?3 AND ended_at IS NULL AND last_used_at < ?1`
)

// CreateBrowserSession implements session.Store. A log-in takes nothing away and needs no row of the feed; the session
// that goes for it does. That the project lives by whose tokens it comes is a condition of the insert itself: what else was changed
// of that since, record sees in the feed.
func (s *Store) CreateBrowserSession(ctx context.Context, b session.Session, d session.Digests, former uuid.UUID, ev audit.Event) error {
	return s.write(ctx, "inserting browser session", func(t *tx) error {
		err := t.execOne(`
INSERT INTO browser_session (id, user_id, pepper, console_digest, api_digest, created_at, last_used_at, last_used_ip, expires_at, project_id)
SELECT ?1, id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM user
WHERE id = ?10 AND deleted_at IS NULL AND (?9 IS NULL OR EXISTS (SELECT 1 FROM project WHERE id = ?9 AND deleted_at IS NULL))`,
			blob(b.ID), d.Console.Pepper, d.Console.Sum[:], d.API.Sum[:], micros(b.CreatedAt), micros(b.LastUsedAt),
			optionalText(b.LastUsedIP), micros(b.ExpiresAt), optionalBlob(b.Sealed.Project), blob(b.UserID))
		if errors.Is(err, authority.ErrNotFound) {
			return t.whyNoSession(b.UserID)
		}
		if err != nil {
			return err
		}
		ended, err := t.exec(endSession, micros(ev.At), blob(former))
		if err != nil {
			return err
		}
		kind := unseen
		if ended > 0 {
			kind = feed.BrowserSession
		}
		if err := t.record(ev, kind, former); err != nil {
			return err
		}
		return t.dropOldestSession(b, ev.At)
	})
}

// How many sessions of a user are kept, ended or not. A right password logs in as often as it likes, and each session keeps its row
// for weeks. Those that were begun by sealed tokens are counted apart, for each project: an application must log out neither a
// person who has logged in nor whom another has let in. They are more, since all browsers that come with a security token alone are
// one user, the project's service account.
const (
	maxSessions       = 100
	maxSealedSessions = 1000 // of a project
)

// dropOldestSession deletes the oldest session that a user has of the same project, or of none, if with the one added there is one too many. As each
// log-in adds one, there never are two.
func (t *tx) dropOldestSession(added session.Session, at time.Time) error {
	kept := maxSessions
	if added.Sealed.Project != uuid.Nil {
		kept = maxSealedSessions
	}
	var id uuid.UUID
	err := t.one(`
SELECT id FROM browser_session WHERE user_id = ? AND project_id IS ? ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?`,
		&id, blob(added.UserID), optionalBlob(added.Sealed.Project), kept)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	t.changes = append(t.changes, change{feed.BrowserSession, id, at, true})
	return t.execOne(`DELETE FROM browser_session WHERE id = ?`, blob(id))
}

// ExpireBrowserSession implements session.Store.
func (s *Store) ExpireBrowserSession(ctx context.Context, id uuid.UUID, at time.Time) error {
	return s.write(ctx, "noting that a browser session is over", func(t *tx) error {
		_, err := t.exec(endSession, micros(at), blob(id))
		return err
	})
}

// BrowserSessionByDigest implements session.Store.
func (s *Store) BrowserSessionByDigest(ctx context.Context, kind authority.Kind, digests []keyring.Digest) (found session.Found, err error) {
	var one, two string
	switch kind {
	case authority.ConsoleSession:
		one, two = selectSessionConsole, selectSessionConsoles
	case authority.APISession:
		one, two = selectSessionAPI, selectSessionAPIs
	default:
		return session.Found{}, fmt.Errorf("looking up browser session: no cookie is of kind %s", kind)
	}
	text, args, err := underDigests(digests, one, two)
	if err == nil {
		var h holder
		found.Session, err = scanSession(s.find(ctx, text, args...), h.dest()...)
		found.User = h.user(found.UserID)
	}
	if err != nil {
		return session.Found{}, fmt.Errorf("looking up browser session: %w", kindOf(err))
	}
	return found, nil
}

// scanSession reads sessionFields, and what stands behind them.
func scanSession(row scanner, more ...any) (b session.Session, err error) {
	dest := []any{
		&b.ID, &b.UserID,
		timeColumn{&b.CreatedAt},
		timeColumn{&b.LastUsedAt},
		&b.LastUsedIP,
		timeColumn{&b.ExpiresAt},
		timeColumn{&b.EndedAt},
		&b.Sealed.Project,
		prefixesColumn{&b.Sealed.From},
	}
	err = row.Scan(append(dest, more...)...)
	return b, err
}

// BrowserSessions implements session.Store.
func (s *Store) BrowserSessions(ctx context.Context, userID uuid.UUID, now time.Time) ([]session.Session, error) {
	rows, err := s.reads.QueryContext(ctx, selectSessions, blob(userID), micros(now))
	sessions, err := all(rows, err, func(row scanner) (session.Session, error) { return scanSession(row) })
	if err != nil {
		return nil, fmt.Errorf("listing browser sessions: %w", err)
	}
	return sessions, nil
}

// EndBrowserSession implements session.Store.
func (s *Store) EndBrowserSession(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return s.withdraw(ctx, "ending browser session", func(t *tx) error {
		if err := t.execOne(endSession, micros(ev.At), blob(id)); err != nil {
			return err
		}
		return t.record(ev, feed.BrowserSession, id)
	})
}

// endOtherSessions ends the browser sessions of a user, but the one by which the event's actor came. The user's own row of
// the feed tells of it: every session rests on its user.
func (t *tx) endOtherSessions(userID uuid.UUID, ev audit.Event) error {
	own := uuid.Nil
	if ev.Actor.CredentialKind == authority.ConsoleSession.String() {
		own = ev.Actor.CredentialID
	}
	_, err := t.exec(endSessions, micros(ev.At), blob(userID), blob(own))
	return err
}

// TouchBrowserSessions implements session.Store.
func (s *Store) TouchBrowserSessions(ctx context.Context, used []authority.Use) error {
	return s.touch(ctx, "touching browser sessions", touchSession, used)
}

// PruneBrowserSessions implements session.Store.
func (s *Store) PruneBrowserSessions(ctx context.Context, before time.Time) (count int64, err error) {
	err = s.withdraw(ctx, "deleting old browser sessions", func(t *tx) error {
		count, err = t.exec(`DELETE FROM browser_session WHERE expires_at < ?`, micros(before))
		return err
	})
	return count, err
}
