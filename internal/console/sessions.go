package console

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// sessionRow is one of somebody's sessions: a browser, or a program that logged in.
type sessionRow struct {
	ID         uuid.UUID
	Browser    bool
	Current    bool // it is the one by which the page is read
	CreatedAt  time.Time
	LastUsedAt time.Time // zero where it was never used
	LastUsedIP string    // empty where it isn't known
	ExpiresAt  time.Time
}

// Kind says what a session is of.
func (r sessionRow) Kind() words.Text {
	switch {
	case r.Current:
		return words.Say("This browser")
	case r.Browser:
		return words.Say("A browser")
	}
	return words.Say("A program")
}

// sessionsOf returns a user's sessions that last, the newest first.
func (c *call) sessionsOf(ctx context.Context, userID uuid.UUID) ([]sessionRow, error) {
	tokens, err := c.s.cfg.Sessions.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	browsers, err := c.s.cfg.Browsers.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	rows := make([]sessionRow, 0, len(tokens)+len(browsers))
	for _, t := range tokens {
		rows = append(rows, sessionRow{ID: t.ID, CreatedAt: t.CreatedAt, LastUsedAt: t.LastUsedAt, LastUsedIP: t.LastUsedIP, ExpiresAt: t.ExpiresAt})
	}
	for _, b := range browsers {
		rows = append(rows, sessionRow{
			ID: b.ID, Browser: true, Current: b.ID == c.principal.CredentialID, CreatedAt: b.CreatedAt, LastUsedAt: b.LastUsedAt, LastUsedIP: b.LastUsedIP,
			ExpiresAt: b.ExpiresAt,
		})
	}
	slices.SortFunc(rows, func(a, b sessionRow) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID.String(), a.ID.String()))
	})
	return rows, nil
}

// endSession ends one session of a user, of whichever sort. One that is over already has what was asked for.
func (c *call) endSession(user *authority.User, id uuid.UUID) error {
	err := c.s.cfg.Sessions.End(c.r.Context(), user.ID, user.Username, id, c.actor())
	if errors.Is(err, authority.ErrNotFound) {
		err = c.s.cfg.Browsers.EndOf(c.r.Context(), user, id, c.actor())
	}
	if errors.Is(err, authority.ErrNotFound) {
		return nil
	}
	return err
}

// endOwnSession ends one of the reader's own sessions. This browser's is ended by logging out.
func (s *server) endOwnSession(c *call) error {
	id, err := parseID(c.r.PathValue("session"))
	if err != nil {
		return err
	}
	if id == c.principal.CredentialID {
		return s.logOut(c)
	}
	if err := c.endSession(&c.principal.User, id); err != nil {
		return err
	}
	return c.done(c.securityPath(), sessionOver)
}

// endOtherSessions ends all of the reader's own sessions but this browser's.
func (s *server) endOtherSessions(c *call) error {
	if err := s.cfg.Sessions.EndAll(c.r.Context(), c.principal.ID, c.principal.Username, c.actor()); err != nil {
		return err
	}
	return c.done(c.securityPath(), othersOver)
}
