package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// A log-in asks for the user name, then for the password, then for the second factor where there is one (secondfactor.go). Nothing is
// looked up before name and password are there: the page of the password is the same for every name, somebody's or nobody's.

// loginView is the page of either of the first two steps.
type loginView struct {
	Username string     // empty at the first step
	Next     string     // the return address, checked
	Again    string     // the first step, with the return address
	Confirm  bool       // it is somebody who is logged in, and confirms that it is he
	Problem  words.Text // why it goes no further
	Invalid  bool       // it is for what was entered, which otherwise may be right
	Mails    bool       // a link that logs in can be sent
}

// wrong is said of every log-in that fails for the name or the password: unknown, wrong and blocked look alike.
func wrong() words.Text {
	return words.Say("The user name or the password is wrong, or the account is blocked. Ask your administrator.")
}

func (s *server) showLogin(c *call) error {
	return c.askLogin(http.StatusOK, loginView{Next: next(c.r.URL.Query().Get("next"))})
}

// askLogin shows the step that comes next: with a user name the second.
func (c *call) askLogin(status int, v loginView) error {
	v.Again, v.Mails = loginFor(v.Next, ""), c.s.cfg.Links.Mails()
	p := page{Title: words.Say("Log in"), Here: v.Again, Main: v}
	if safe(c.r.Method) {
		p.Notice = c.notice()
	}
	return c.render(status, "login.html", p)
}

// logIn takes the form of either step. The user name is taken without the spaces that a phone's keyboard likes to add: no
// name begins or ends with one.
func (s *server) logIn(c *call) error {
	password, second := c.form["password"]
	v := loginView{Username: strings.TrimSpace(c.form["username"]), Next: next(c.form["next"])}
	switch {
	case v.Username == "":
		v.Problem, v.Invalid = words.Say("Enter your user name."), true
		return c.askLogin(http.StatusUnprocessableEntity, v)
	case !second:
		return c.askLogin(http.StatusOK, v)
	case password == "":
		v.Problem, v.Invalid = words.Say("Enter your password."), true
		return c.askLogin(http.StatusUnprocessableEntity, v)
	}
	c.presented.Given = &authority.Credential{Kind: authority.Password, Name: v.Username, Text: secret.Text(password)}
	if err := c.identify(&s.login); err != nil {
		return c.refuseLogin(v, err)
	}
	if err := c.proceed(v.Next); err != nil {
		return c.refuseLogin(v, err)
	}
	return nil
}

// refuseLogin shows the page of the password again. What is no matter of the password alone is answered as everywhere.
func (c *call) refuseLogin(v loginView, err error) error {
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		return err
	}
	status := http.StatusUnauthorized
	switch ref.Reason.Outcome() {
	case authority.OutcomeUnauthenticated:
		v.Problem, v.Invalid = wrong(), true
	case authority.OutcomeTooMany:
		status, v.Problem = http.StatusTooManyRequests, tooMany(ref.RetryAfter)
	case authority.OutcomeUnavailable:
		status, v.Problem = http.StatusServiceUnavailable, words.Say("Jeton can't check passwords just now. Wait a moment, then try again.")
		web.Note(c.w).Err = err
	default:
		return err
	}
	c.setRetry(status, err)
	return c.askLogin(status, v)
}

// former returns the session that the browser has, or the zero ID. It ends with the log-in, whoever's it is, so that the
// browser leaves none behind that nobody could log out.
//
// It is only asked whose it is, so it is presented as a page is. A cookie that no longer stands for a session is
// entered as a refusal, as it would be at any page, and is no reason against the log-in: who planted it gains nothing.
func (c *call) former() uuid.UUID {
	if !c.hasCookie() {
		return uuid.Nil
	}
	asked := c.presented
	asked.Given, asked.Method = nil, http.MethodGet
	p, err := c.s.cfg.Authority.Identify(c.r.Context(), &asked, &c.s.inside)
	if err != nil {
		return uuid.Nil
	}
	return p.CredentialID
}

// begin gives the browser a new session of the principal, with new cookies, in place of the former.
func (c *call) begin(former uuid.UUID) error {
	given, err := c.s.cfg.Browsers.Begin(c.r.Context(), &c.principal, former, c.actor())
	if err != nil {
		return err
	}
	c.s.cfg.Cookies.set(c.w, &given)
	return nil
}

// logOut ends the session and takes the cookies away. Who has no session any more is logged out already, and is told so:
// the button must not answer that one has to log in first.
func (s *server) logOut(c *call) error {
	err := c.identify(&s.inside)
	if err == nil {
		err = s.cfg.Browsers.End(c.r.Context(), &c.principal, c.actor())
	}
	if err != nil && !errors.Is(err, authority.ErrNotFound) && web.ProblemOf(err).Status != http.StatusUnauthorized {
		return err
	}
	s.cfg.Cookies.clear(c.w)
	return c.redirect(loginFor("", loggedOut))
}
