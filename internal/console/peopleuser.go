package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/words"
)

// personView is the page of one user.
type personView struct {
	User     account.User
	Form     form
	Own      bool // the administrator's own account
	Password bool // it can be reset here
	Project  int  // whose service account this is, or 0
	Sessions []personSession
	Pages    pager
}

// Path returns the path of the page.
func (v personView) Path() string { return personPath(v.User.ID) }

func personPath(id uuid.UUID) string { return peoplePath + "/" + id.String() }

// personSession is where a user is logged in: with a browser, or a program with a session token.
type personSession struct {
	ID                               uuid.UUID
	Kind                             words.Text
	CreatedAt, LastUsedAt, ExpiresAt time.Time
	LastUsedIP                       string
	Current                          bool // the one by which this page is read
}

// place is where a session stands in the list: its beginning, and its ID where two began at once.
func (p personSession) place() string {
	return fmt.Sprintf("%020d %s", p.CreatedAt.UnixMicro(), p.ID)
}

// person returns the user whom the path names.
func (c *call) person() (account.User, error) {
	id, err := c.id()
	if err != nil {
		return account.User{}, err
	}
	return c.s.cfg.Accounts.User(c.r.Context(), id)
}

// personForm is the form with what is known of a user.
func personForm(u account.User) form {
	return form{Values: map[string]string{
		"version": strconv.FormatInt(u.Version, 10), "username": u.Username, "display_name": u.DisplayName, "email": u.Email,
		"roles": strings.Join(u.Roles, ", "),
	}}
}

func (s *server) showPerson(c *call) error {
	u, err := c.person()
	if err != nil {
		return err
	}
	return c.renderPerson(http.StatusOK, u, personForm(u))
}

func (c *call) renderPerson(status int, u account.User, f form) error {
	v := personView{User: u, Form: f, Own: u.ID == c.principal.ID, Password: resettable(u)}
	v.Project, _ = c.s.cfg.Projects.AccountOf(u.ID)
	var err error
	if v.Sessions, err = c.sessionsOf(u.ID); err != nil {
		return err
	}
	after, err := c.after()
	if err != nil {
		return err
	}
	if after != "" { // the session of that place may have ended meanwhile
		v.Sessions = slices.DeleteFunc(v.Sessions, func(p personSession) bool { return p.place() >= after })
	}
	v.Sessions, v.Pages = pageOf(c, v.Sessions, personSession.place)
	return c.renderAdmin(status, "people-user.html", peoplePath, words.Say("%s", u.Username), v)
}

// sessionsOf returns all sessions of a user that last, the newest first. They are a thousand and some hundreds at most.
func (c *call) sessionsOf(id uuid.UUID) ([]personSession, error) {
	tokens, err := c.s.cfg.Sessions.List(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	browsers, err := c.s.cfg.Browsers.List(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	all := make([]personSession, 0, len(tokens)+len(browsers))
	for _, t := range tokens {
		p := personSession{ID: t.ID, CreatedAt: t.CreatedAt, LastUsedAt: t.LastUsedAt, LastUsedIP: t.LastUsedIP, ExpiresAt: t.ExpiresAt}
		p.Kind = tokenKind(&t)
		all = append(all, p)
	}
	for _, b := range browsers {
		p := personSession{ID: b.ID, CreatedAt: b.CreatedAt, LastUsedAt: b.LastUsedAt, LastUsedIP: b.LastUsedIP, ExpiresAt: b.ExpiresAt}
		p.Kind, p.Current = browserKind(&b), b.ID == c.principal.CredentialID
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b personSession) int { return cmp.Compare(b.place(), a.place()) })
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

// switchPerson returns the handler that blocks a user, or lets it in again, also after a restore has suspended it.
func (s *server) switchPerson(state account.State, done notice) handler {
	return func(c *call) error {
		id, err := c.id()
		if err != nil {
			return err
		}
		if _, err := s.cfg.Accounts.Update(c.r.Context(), id, 0, account.Patch{State: &state}, c.actor()); err != nil {
			return err
		}
		return c.done(personPath(id), done)
	}
}

// endPersonSession ends one session of a user, of whichever sort. One that has ended meanwhile is as it should be.
func (s *server) endPersonSession(c *call) error {
	u, err := c.person()
	if err != nil {
		return err
	}
	id, err := parseID(c.form["session"])
	if err != nil {
		return err
	}
	err = s.cfg.Sessions.End(c.r.Context(), u.ID, u.Username, id, c.actor())
	if errors.Is(err, authority.ErrNotFound) {
		err = s.cfg.Browsers.EndOf(c.r.Context(), &authority.User{ID: u.ID, Username: u.Username}, id, c.actor())
	}
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(personPath(u.ID), personSessionEnded)
}

// endPersonSessions ends all sessions of a user, but for an administrator's own by which it came.
func (s *server) endPersonSessions(c *call) error {
	u, err := c.person()
	if err != nil {
		return err
	}
	if err := s.cfg.Sessions.EndAll(c.r.Context(), u.ID, u.Username, c.actor()); err != nil {
		return err
	}
	return c.done(personPath(u.ID), personSessionsEnded)
}

// deletePerson ends a user for good. A project's account goes with its project: nobody could give the project another.
func (s *server) deletePerson(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if _, ours := s.cfg.Projects.AccountOf(id); ours {
		return fmt.Errorf("deleting a project's service account: %w", authority.ErrConflict)
	}
	if err := s.cfg.Accounts.Delete(c.r.Context(), id, c.actor()); err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(peoplePath, personDeleted)
}

// toPerson leads from where a form was sent to the page that has it.
func (s *server) toPerson(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return c.redirect(personPath(id))
}
