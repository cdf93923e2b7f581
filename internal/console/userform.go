package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/words"
)

func (s *server) newUser(c *call) error {
	return c.renderNewUser(http.StatusOK, form{Values: map[string]string{"kind": string(account.Person)}})
}

func (c *call) renderNewUser(status int, f form) error {
	return c.renderAdmin(status, "user-new.html", usersPath, words.Say("New user"), f)
}

func (s *server) newUserAgain(c *call) error {
	return c.renderNewUser(http.StatusForbidden, c.filledNewUser())
}

// filledNewUser reads the form of a new user. A service account, and who is invited, need no password, whatever was typed before.
func (c *call) filledNewUser() form {
	f := c.filledBut("password", "again")
	if c.form["kind"] == string(account.Service) || c.form["invite"] != "" {
		f.secret = ""
	}
	return f
}

// createUser makes a user. A person without a password can't log in until one is set; a service account needs none.
func (s *server) createUser(c *call) error {
	f := c.filledNewUser()
	roles := f.userRoles()
	switch {
	case c.form["kind"] == string(account.Service) && c.form["password"] != "":
		f.Problems.add("password", words.Say("A service account has no password: leave this empty."))
	case c.form["invite"] != "" && c.form["kind"] != string(account.Person):
		f.Problems.add("kind", words.Say("Only a person can be invited: a service account has no password."))
	case c.form["invite"] != "" && c.form["password"] != "":
		f.Problems.add("password", words.Say("Who is invited chooses the password: leave this empty."))
	case c.form["again"] != c.form["password"]:
		f.Problems.add("again", words.Say("This is not the same as the new password. Type both again."))
	default:
		c.demandSecret(&f)
	}
	if f.Problems.First() != "" {
		return c.renderNewUser(http.StatusUnprocessableEntity, f)
	}
	u, err := s.cfg.Accounts.Create(c.r.Context(), account.Draft{
		Kind: account.Kind(c.form["kind"]), Username: c.form["username"], DisplayName: c.form["display_name"], Email: c.form["email"],
		Roles: roles, Password: secret.Text(c.form["password"]),
	}, c.actor())
	if err != nil {
		if !f.explain(err, nil) {
			return err
		}
		return c.renderNewUser(http.StatusUnprocessableEntity, f)
	}
	if c.form["invite"] != "" {
		if err := c.invite(u.ID, words.Say("User created.")); !errors.Is(err, authority.ErrActorChanged) {
			return err
		}
		return c.done(userPath(u.ID), userNotInvited)
	}
	return c.done(userPath(u.ID), userCreated)
}

// changeUser changes a user, if nobody has since the page with the form was read.
func (s *server) changeUser(c *call) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	version, err := c.version()
	if err != nil {
		return err
	}
	f := c.filled()
	roles := f.userRoles()
	if f.Problems.First() != "" {
		return c.renderUser(http.StatusUnprocessableEntity, u, f)
	}
	username, name, email := c.form["username"], c.form["display_name"], c.form["email"]
	_, err = s.cfg.Accounts.Update(c.r.Context(), u.ID, version, account.Patch{
		Username: &username, DisplayName: &name, Email: &email, Roles: &roles,
	}, c.actor())
	if err != nil {
		if errors.Is(err, authority.ErrLastAdmin) {
			f.Problems.add("roles", lastAdmin())
		} else if !f.explain(err, nil) {
			return err
		}
		return c.renderUser(http.StatusUnprocessableEntity, u, f)
	}
	return c.done(userPath(u.ID), userChanged)
}

func (s *server) userAgain(c *call) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	return c.renderUser(http.StatusForbidden, u, c.filled())
}

func lastAdmin() words.Text {
	return words.Say("This would leave no administrator. Make another administrator first.")
}

// resetPassword sets a user's password. The administrator's own is changed where the current one is asked for: whoever finds the
// browser open must not take the account over by the way that is for others'.
func (s *server) resetPassword(c *call) error {
	u, err := c.user()
	if err != nil {
		return err
	}
	if u.ID == c.principal.ID {
		return s.toSecurity(c)
	}
	f := userForm(u)
	f.Values["password"], f.Values["again"] = "", ""
	password := secret.Text(c.form["password"])
	switch {
	case !resettable(u):
		f.Problems.add("password", words.Say("A service account has no password: leave this empty."))
	case c.form["again"] != c.form["password"]:
		f.Problems.add("again", words.Say("This is not the same as the new password. Type both again."))
	default:
		_, err := s.cfg.Accounts.Update(c.r.Context(), u.ID, 0, account.Patch{Password: &password}, c.actor())
		if err == nil {
			if !u.HasPassword {
				return c.done(userPath(u.ID), userFirstPassword)
			}
			return c.done(userPath(u.ID), userPassword)
		}
		if !f.explain(err, nil) {
			return err
		}
	}
	return c.renderUser(http.StatusUnprocessableEntity, u, f)
}

// resettable reports whether a user's password can be reset. A service account has none, unless /v1 gave it one.
func resettable(u account.User) bool { return u.Kind == account.Person || u.HasPassword }

// userRoles returns the roles that a form gives a user, and notes what is wrong with them.
func (f *form) userRoles() []string {
	roles := slices.Clone(f.roles("roles"))
	if n := slices.IndexFunc(roles, func(role string) bool { return !account.ValidRole(role) }); n >= 0 {
		f.Problems.add("roles", words.Say("“%s” is no name of a role: it has 1 to 64 letters, digits, dots, hyphens and underscores.", roles[n]))
	} else if len(roles) > account.MaxRoles {
		f.Problems.add("roles", words.Say("A user has at most %s roles. Use fewer, broader ones.", strconv.Itoa(account.MaxRoles)))
	}
	slices.Sort(roles) // as they are stored, so that the same ones are no change
	return slices.Compact(roles)
}
