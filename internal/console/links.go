package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// Links lead people here who have no session yet: to choose their first password, or to log in without one.
//
// A link's secret stands in its address, where its page is asked for by GET: programs that look into mail do that before the person
// does, so it shows whose the link is and changes nothing. What the link is for is done by the form on that page. Its address goes to no
// log, which has the route's pattern for it, and stands in no Referer, nor in a page or a Location of ours: who chooses another language
// there comes to the log-in, and opens the link again.

const (
	welcomePath   = "/console/welcome"
	loginLinkPath = loginPath + "/link"
)

// LinkPath returns the path behind which the secret of a link of the purpose stands.
func LinkPath(p link.Purpose) string {
	if p == link.Invitation {
		return welcomePath + "/"
	}
	return loginLinkPath + "/"
}

func (s *server) linkRoutes() {
	s.serve("GET "+welcomePath+"/{link}", anybody, s.showWelcome)
	s.serve("POST "+welcomePath+"/{link}", anybody, s.acceptInvitation, "new", "again")
	s.serve("POST "+loginLinkPath, anybody, s.requestLoginLink, "username")
	s.serve("GET "+loginLinkPath, anybody, to(loginPath))
	s.serve("GET "+loginLinkPath+"/{link}", anybody, s.showLoginLink)
	s.serve("POST "+loginLinkPath+"/{link}", anybody, s.followLoginLink)
}

// The notices of this area.
const (
	passwordChosen notice = "password-chosen"
	linkKept       notice = "link-kept"
)

func linkNotices() map[notice]words.Text {
	return map[notice]words.Text{
		passwordChosen: words.Say("Your password is saved. Log in with it."),
		linkKept:       words.Say("No other link was made: the one shown a moment ago still works."),
	}
}

// hideLink has a page whose address may hold the secret of a link name no more than its origin in what it asks for, of our own server too:
// others write Referer into logs. (Origin stays, by which forms are known.)
func hideLink(h http.Header, path string) {
	if strings.HasPrefix(path, LinkPath(link.Invitation)) || strings.HasPrefix(path, LinkPath(link.Login)) {
		h.Set("Referrer-Policy", "strict-origin")
	}
}

// identifyLink says whose the link in the path is.
func (c *call) identifyLink(p link.Purpose) error {
	c.presented.Given = &authority.Credential{Kind: authority.Link, Name: string(p), Text: secret.Text(c.r.PathValue("link"))}
	return c.identify(&c.s.linked)
}

// refuseLink says that a link is no longer good, whatever the reason: who has one that never was hears the same.
func (c *call) refuseLink(err error) error {
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok || ref.Reason.Outcome() != authority.OutcomeUnauthenticated {
		return err
	}
	return c.render(http.StatusNotFound, "link-over.html", page{Title: words.Say("This link is no longer good"), Here: loginPath})
}

// linkView is the page of a link.
type linkView struct {
	Username string
	Form     form
}

func (s *server) showWelcome(c *call) error {
	if err := c.identifyLink(link.Invitation); err != nil {
		return c.refuseLink(err)
	}
	return c.renderWelcome(http.StatusOK, form{})
}

func (c *call) renderWelcome(status int, f form) error {
	return c.render(status, "welcome.html", page{Title: words.Say("Choose a password"), Here: loginPath, Main: linkView{c.principal.Username, f}})
}

// acceptInvitation sets the password that was chosen, and logs in by it: whatever holds for a log-in holds for this one.
func (s *server) acceptInvitation(c *call) error {
	if err := c.identifyLink(link.Invitation); err != nil {
		return c.refuseLink(err)
	}
	f := c.filled("new", "again")
	if c.form["again"] != c.form["new"] {
		f.Problems.add("again", words.Say("This is not the same as the new password. Type both again."))
		return c.renderWelcome(http.StatusUnprocessableEntity, f)
	}
	password := secret.Text(c.form["new"])
	if err := s.cfg.Links.ChoosePassword(c.r.Context(), &c.principal, password, c.actor()); err != nil {
		if f.explain(err, nil) {
			return c.renderWelcome(http.StatusUnprocessableEntity, f)
		}
		return c.refuseLink(err)
	}
	username := c.principal.Username
	c.presented.Given = &authority.Credential{Kind: authority.Password, Name: username, Text: password}
	if c.identify(&s.login) != nil {
		return c.sayChosen()
	}
	err := c.proceed("")
	if _, refused := errors.AsType[*authority.Refusal](err); refused {
		return c.refuseLogin(loginView{Username: username}, err)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, authority.ErrActorChanged) {
		web.Note(c.w).Err = err
	}
	return c.sayChosen()
}

// sayChosen tells somebody whom the password that was chosen doesn't let in just now that it is saved all the same: it will. To have it all
// done again, as run does for whoever has changed in between, would find the link used.
func (c *call) sayChosen() error { return c.redirect(loginFor("", passwordChosen)) }

// requestLoginLink sends a link, if there is to whom. It says the same of everybody's name, and of nobody's.
func (s *server) requestLoginLink(c *call) error {
	v := loginView{Username: strings.TrimSpace(c.form["username"])}
	if v.Username == "" {
		return c.redirect(loginPath)
	}
	if err := s.cfg.Links.RequestLogin(v.Username, c.presented.Peer); err != nil {
		ref, ok := errors.AsType[*authority.Refusal](err)
		if !ok {
			return err
		}
		v.Problem = words.Say("Too many links were asked for. Try again in %s.", waitWords(ref.RetryAfter))
		c.setRetry(http.StatusTooManyRequests, err)
		return c.askLogin(http.StatusTooManyRequests, v)
	}
	return c.render(http.StatusOK, "login-sent.html", page{Title: words.Say("Look into your mail"), Here: loginPath, Main: v})
}

func (s *server) showLoginLink(c *call) error {
	if err := c.identifyLink(link.Login); err != nil {
		return c.refuseLink(err)
	}
	return c.render(http.StatusOK, "login-link.html", page{Title: words.Say("Log in"), Here: loginPath, Main: linkView{Username: c.principal.Username}})
}

// followLoginLink uses a link up, and goes on as after a password. Where that fails, another link has to be asked for: this one's use
// isn't undone.
func (s *server) followLoginLink(c *call) error {
	if err := c.identifyLink(link.Login); err != nil {
		return c.refuseLink(err)
	}
	if err := s.cfg.Links.Use(c.r.Context(), &c.principal, c.actor()); err != nil {
		return c.refuseLink(err)
	}
	err := c.proceed("")
	if errors.Is(err, authority.ErrActorChanged) {
		err = &authority.Refusal{Reason: authority.ReasonReplayed}
	}
	if _, refused := errors.AsType[*authority.Refusal](err); refused {
		return c.refuseLink(err)
	}
	return err
}

// invitedView is the page that shows an invitation, once.
type invitedView struct {
	link.Invited
	Issued string
	User   account.User
	Before words.Text // what was done before it was made
}

// Path returns the path of the user's page.
func (v invitedView) Path() string { return userPath(v.User.ID) }

// inviteUser makes a link by which a user chooses a password. The administrator's own is changed where the current one is asked for.
func (s *server) inviteUser(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if id == c.principal.ID {
		return c.redirect(userPath(id))
	}
	former, err := c.lastInvited(id)
	if err != nil {
		return err
	}
	if former != c.form["former"] { // the answer is read again: see generateToken
		return c.done(userPath(id), linkKept)
	}
	return c.invite(id, words.Text{})
}

// lastInvited tells a user's last invitation from all before it, as far as the audit log has them.
func (c *call) lastInvited(id uuid.UUID) (string, error) {
	return c.lastDone(audit.Query{Action: audit.LinkCreate, Target: id, Limit: 20}, func(e audit.Event) bool {
		return e.Detail["purpose"] == string(link.Invitation)
	})
}

// lastDone returns which event of a query is the newest that fits, or nothing where none does.
func (c *call) lastDone(q audit.Query, fits func(audit.Event) bool) (string, error) {
	events, err := c.s.cfg.Events.Events(c.r.Context(), q)
	if err != nil {
		return "", err
	}
	if at := slices.IndexFunc(events, fits); at >= 0 {
		return strconv.FormatInt(events[at].Seq, 10), nil
	}
	return "", nil
}

// invite shows a link for a user, and says what was done before.
func (c *call) invite(id uuid.UUID, before words.Text) error {
	made, err := c.s.cfg.Links.Invite(c.r.Context(), id, c.actor())
	if field, ok := errors.AsType[*authority.FieldError](err); ok {
		return &conflict{words.Say("This user can't be invited"), wrongWith(words.Say("The user"), field)}
	}
	if err != nil {
		return err
	}
	u, err := c.s.cfg.Accounts.User(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.renderAdmin(http.StatusOK, "user-invited.html", usersPath, words.Say("Invitation"), invitedView{made, made.URL.Reveal(), u, before})
}
