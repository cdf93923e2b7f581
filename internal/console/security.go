package console

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/words"
)

// securityView is the Security tab.
type securityView struct {
	ownView
	Token    *personal.Token // nil where there is none
	Issued   string          // the token itself, on the one page that shows it
	Ended    time.Time       // when the token was made that has ended for it; zero where there was none
	Form     form            // of the password
	Sessions []sessionRow    // none on the page that shows a token, which asks for nothing
	Factors  *factorsView    // nor these
	Confirm  string          // where to confirm before the password can be changed, if that is asked
}

// Former tells the token that a new one would end from every other of the user; empty where there is none.
func (v securityView) Former() string { return markOf(v.Token) }

// SessionsPath returns the path of one's own sessions.
func (v securityView) SessionsPath() string { return v.Path() + "/security/sessions" }

func (c *call) securityPath() string { return ownPath(c.principal.ID) + "/security" }

func (s *server) showSecurity(c *call) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	sessions, err := c.sessionsOf(c.principal.ID)
	if err != nil {
		return err
	}
	v := securityView{Token: token, Sessions: sessions}
	if v.Factors, err = c.factors(); err != nil {
		return err
	}
	if err := c.prove(); err != nil {
		return err
	}
	if v.Factors.On() && !c.proved {
		v.Confirm = confirmFor(c.securityPath()+"#password", "")
	}
	return c.renderSecurity(http.StatusOK, v)
}

// renderSecurity adds what every form of the page has. The user is the principal as the authority knows it: after a token
// was made nothing may fail for which it would be lost unseen, and no database is asked.
func (c *call) renderSecurity(status int, v securityView) error {
	v.ownView = c.own()
	p := page{Title: words.Say("Security"), Menu: "profile", Main: v}
	if safe(c.r.Method) {
		p.Notice = c.notice()
	}
	return c.render(status, "security.html", p)
}

// own is what the pages about the reader's own security know of him.
func (c *call) own() ownView {
	return ownView{User: account.User{ID: c.principal.ID, Username: c.principal.Username}, Tab: "security"}
}

// generateToken makes the token and shows it, this once: nobody can read it anywhere again. It is shown by the answer of the
// POST itself, and not by a page after it, which would have to get it from somewhere. Who reads the answer again sends the
// form again, and would end the token that was just copied: so the form names the token that it is to end, and makes no
// other where there is another than that. It doesn't keep apart two forms that come in the same moment, of which the
// last one's token counts.
func (s *server) generateToken(c *call) error {
	former, err := c.token()
	if err != nil {
		return err
	}
	if markOf(former) != c.form["former"] {
		if former == nil {
			return s.toSecurity(c)
		}
		return c.done(c.securityPath(), tokenKept)
	}
	text, token, err := s.cfg.Tokens.Rotate(c.r.Context(), &c.principal, c.actor())
	if err != nil {
		return err
	}
	v := securityView{Token: &token, Issued: text.Reveal()}
	if former != nil {
		v.Ended = former.CreatedAt
	}
	return c.renderSecurity(http.StatusOK, v)
}

// markOf returns when a token was made, to the microsecond as it is stored; empty of none.
func markOf(token *personal.Token) string {
	if token == nil {
		return ""
	}
	return strconv.FormatInt(token.CreatedAt.UnixMicro(), 10)
}

// revokeToken ends the token. Where there is none any more, what was asked for is done.
func (s *server) revokeToken(c *call) error {
	err := s.cfg.Tokens.Revoke(c.r.Context(), &c.principal, c.actor())
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return c.done(c.securityPath(), tokenRevoked)
}

// toSecurity leads from the address of a form to the page that has it.
func (s *server) toSecurity(c *call) error { return c.redirect(c.securityPath()) }

// toPassword leads to one's own password, whatever one's ID.
func (s *server) toPassword(c *call) error { return c.redirect(c.securityPath() + "#password") }
