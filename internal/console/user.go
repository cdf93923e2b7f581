package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/words"
)

// userView is the page of one user.
type userView struct {
	User     account.User
	Form     form
	Own      bool // the administrator's own account
	Password bool // it can be reset here
	Factors  factor.Status
	Mails    bool   // Jeton can send mail
	Invited  string // the last invitation: another is made in its place alone
	Project  int    // whose service account this is, or 0
	Sessions []sessionRow
	Pages    pager
}

// Path returns the path of the page.
func (v userView) Path() string { return userPath(v.User.ID) }

// SessionsPath returns the path of the user's sessions.
func (v userView) SessionsPath() string { return v.Path() + "/sessions" }

// Invitable reports whether the user can be sent a link by which to choose a password. One's own is changed where the current one is
// asked for.
func (v userView) Invitable() bool {
	return !v.Own && v.User.Kind == account.Person && v.User.State == account.Active
}

func userPath(id uuid.UUID) string { return usersPath + "/" + id.String() }

// user returns the user whom the path names.
func (c *call) user() (account.User, error) {
	id, err := c.id()
	if err != nil {
		return account.User{}, err
	}
	return c.s.cfg.Accounts.User(c.r.Context(), id)
}

// userForm is the form with what is known of a user.
func userForm(u account.User) form {
	return form{Values: map[string]string{
		"version": strconv.FormatInt(u.Version, 10), "username": u.Username, "display_name": u.DisplayName, "email": u.Email,
		"roles": strings.Join(u.Roles, ", "),
	}}
}

func (s *server) showUser(c *call) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	if err := c.prove(); err != nil {
		return err
	}
	return c.renderUser(http.StatusOK, u, userForm(u))
}

func (c *call) renderUser(status int, u account.User, f form) error {
	v := userView{User: u, Form: f, Own: u.ID == c.principal.ID, Password: resettable(u), Mails: c.s.cfg.Links.Mails()}
	v.Project, _ = c.s.cfg.Projects.AccountOf(u.ID)
	var err error
	if v.Factors, err = c.s.cfg.Factors.Of(c.r.Context(), u.ID); err != nil {
		return err
	}
	if v.Invited, err = c.lastInvited(u.ID); err != nil {
		return err
	}
	if v.Sessions, err = c.sessionsOf(u.ID); err != nil {
		return err
	}
	after, err := c.after()
	if err != nil {
		return err
	}
	if after != "" { // the session of that place may have ended meanwhile
		v.Sessions = slices.DeleteFunc(v.Sessions, func(p sessionRow) bool { return p.place() >= after })
	}
	if v.Sessions, v.Pages, err = pageOf(c, v.Sessions, sessionRow.place); err != nil {
		return err
	}
	return c.renderAdmin(status, "user.html", usersPath, words.Say("%s", u.Username), v)
}

// switchUser returns the handler that blocks a user, or lets it in again, also after a restore has suspended it.
func (s *server) switchUser(state account.State, done notice) handler {
	return func(c *call) error {
		id, err := c.id()
		if err != nil {
			return err
		}
		if _, err := s.cfg.Accounts.Update(c.r.Context(), id, 0, account.Patch{State: &state}, c.actor()); err != nil {
			return err
		}
		return c.done(userPath(id), done)
	}
}

// removeSecondFactor takes away all second factors of a user who has lost them. Where there are none, it is as it should be.
func (s *server) removeSecondFactor(c *call) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	err = s.cfg.Factors.RemoveAll(c.r.Context(), &authority.User{ID: u.ID, Username: u.Username}, c.actor())
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(userPath(u.ID), userSecondFactor)
}

// endUserSession ends one session of a user, of whichever sort. One that has ended meanwhile is as it should be.
func (s *server) endUserSession(c *call) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	id, err := parseID(c.r.PathValue("session"))
	if err != nil {
		return err
	}
	if err := c.endSession(&authority.User{ID: u.ID, Username: u.Username}, id); err != nil {
		return err
	}
	return c.done(userPath(u.ID), userSessionEnded)
}

// endUserSessions ends all sessions of a user, but for an administrator's own by which it came.
func (s *server) endUserSessions(c *call) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	if err := s.cfg.Sessions.EndAll(c.r.Context(), u.ID, u.Username, c.actor()); err != nil {
		return err
	}
	if u.ID == c.principal.ID { // whose session here goes on
		return c.done(userPath(u.ID), othersOver)
	}
	return c.done(userPath(u.ID), userSessionsEnded)
}

// deleteUser ends a user for good. A project's account goes with its project: nobody could give the project another.
func (s *server) deleteUser(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if _, ours := s.cfg.Projects.AccountOf(id); ours {
		return &conflict{words.Say("This is a project's own account"), words.Say("Nothing was changed. It goes with its project: delete that.")}
	}
	if err := s.cfg.Accounts.Delete(c.r.Context(), id, c.actor()); err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(usersPath, userDeleted)
}

// toUser leads from where a form was sent to the page that has it.
func (s *server) toUser(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return c.redirect(userPath(id))
}
