package console

import (
	"errors"
	"net/http"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// changePassword replaces the password, and the session with it: whoever has read this browser's cookie up to now has
// lost it. The other browsers' sessions end in the same transaction as the password.
func (s *server) changePassword(c *call) error {
	if on, err := s.cfg.Factors.On(c.r.Context(), c.principal.ID); err != nil {
		return err
	} else if on { // the new session mustn't begin for who knows the password alone
		if err := c.confirmed(lately); err != nil {
			return err
		}
	}
	current, replacement := secret.Text(c.form["current"]), secret.Text(c.form["new"])
	if c.form["current"] == "" {
		return c.rejectPassword(http.StatusUnprocessableEntity, "current", words.Say("Enter your current password."))
	}
	if c.form["again"] != c.form["new"] { // before the current one is looked at: no guess is spent on a slip
		return c.rejectPassword(http.StatusUnprocessableEntity, "again", words.Say("This is not the same as the new password. Type both again."))
	}
	err := s.cfg.Accounts.ChangePassword(c.r.Context(), c.principal.ID, current, replacement, c.actor())
	if err != nil {
		return c.explainPassword(err)
	}
	owner := c.principal
	if err := c.renew(); err != nil {
		// The password is changed all the same, so this must not look like a failure of that, nor be tried again. The session
		// is not to outlast the password.
		c.leave(&owner, err)
		return c.redirect(loginFor(c.securityPath(), newPassword))
	}
	return c.done(c.securityPath(), passwordChanged)
}

// leave ends the browser's session where it could have no new one: that by which its owner came isn't to outlast the change.
func (c *call) leave(owner *authority.Principal, why error) {
	c.principal, c.asOf = *owner, c.s.cfg.Feed.Revision()
	web.Note(c.w).Err = errors.Join(why, c.s.cfg.Browsers.End(c.r.Context(), owner, c.actor()))
	c.s.cfg.Cookies.clear(c.w)
}

// renew gives the browser a new session in place of its own.
//
// The change of the password was one of the actor itself, so the store would refuse what it does as of before. Who it is
// is asked again and not taken for granted: an administrator may have reset the password in this very moment, and
// whoever was thrown out by that must not get a session by having been about to get one.
func (c *call) renew() error {
	if err := c.identify(&c.s.inside); err != nil {
		return err
	}
	given, err := c.s.cfg.Browsers.Renew(c.r.Context(), &c.principal, c.actor())
	if err != nil {
		return err
	}
	c.s.cfg.Cookies.set(c.w, &given)
	return nil
}

// explainPassword shows the page again with what is wrong, where that is for the person to mend. A wrong password is
// entered for the audit log as it would be at a log-in.
func (c *call) explainPassword(err error) error {
	if reason := account.GuessRefused(err); reason != "" {
		web.Note(c.w).Reason = string(reason)
		_ = c.s.cfg.Authority.Forbid(reason, &c.presented, &c.s.inside, &c.principal)
	}
	if _, wrong := errors.AsType[*account.WrongCurrent](err); wrong {
		return c.rejectPassword(http.StatusUnprocessableEntity, "current", words.Say("This is not the current password."))
	}
	if ref, ok := errors.AsType[*authority.Refusal](err); ok && ref.Reason == authority.ReasonThrottled {
		c.setRetry(http.StatusTooManyRequests, err)
		return c.rejectPassword(http.StatusTooManyRequests, "current", tooMany(ref.RetryAfter))
	}
	f := c.emptied()
	if !f.explain(err, nil) {
		return err
	}
	return c.showPassword(http.StatusUnprocessableEntity, f)
}

// emptied is the form of the password as it is shown again: with nothing of what was typed.
func (c *call) emptied() form { return c.filled("current", "new", "again") }

func (c *call) rejectPassword(status int, field string, said words.Text) error {
	f := c.emptied()
	f.Problems.add(field, said)
	return c.showPassword(status, f)
}

func (c *call) showPassword(status int, f form) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	return c.renderSecurity(status, securityView{Token: token, Form: f})
}
