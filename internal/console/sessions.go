package console

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/words"
)

// sessionRow is where a user is logged in: with a browser, or a program with a session token.
type sessionRow struct {
	ID                               uuid.UUID
	Kind                             words.Text
	CreatedAt, LastUsedAt, ExpiresAt time.Time
	LastUsedIP                       string
	Current                          bool // the one by which this page is read
}

// place is where a session stands in the list: its beginning, and its ID where two began at once.
func (p sessionRow) place() string {
	return fmt.Sprintf("%020d %s", p.CreatedAt.UnixMicro(), p.ID)
}

// sessionsOf returns all sessions of a user that last, the newest first. They are a thousand and some hundreds at most.
func (c *call) sessionsOf(id uuid.UUID) ([]sessionRow, error) {
	tokens, err := c.s.cfg.Sessions.List(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	browsers, err := c.s.cfg.Browsers.List(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	all := make([]sessionRow, 0, len(tokens)+len(browsers))
	for _, t := range tokens {
		p := sessionRow{ID: t.ID, CreatedAt: t.CreatedAt, LastUsedAt: t.LastUsedAt, LastUsedIP: t.LastUsedIP, ExpiresAt: t.ExpiresAt}
		p.Kind = tokenKind(&t)
		all = append(all, p)
	}
	for _, b := range browsers {
		p := sessionRow{ID: b.ID, CreatedAt: b.CreatedAt, LastUsedAt: b.LastUsedAt, LastUsedIP: b.LastUsedIP, ExpiresAt: b.ExpiresAt}
		p.Kind, p.Current = browserKind(&b), b.ID == c.principal.CredentialID
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b sessionRow) int { return cmp.Compare(b.place(), a.place()) })
	return all, nil
}

func tokenKind(t *session.Token) words.Text {
	if t.PlatformID != uuid.Nil {
		return words.Say("Session token, by a platform")
	}
	return words.Say("Session token")
}

func browserKind(b *session.Session) words.Text {
	if b.Sealed.Project != uuid.Nil {
		return words.Say("Browser, by a project's tokens")
	}
	return words.Say("Browser")
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
