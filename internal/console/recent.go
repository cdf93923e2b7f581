package console

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/words"
)

// Before secrets, and before whatever is changed, a person proves anew who he is: whoever sits down at a browser that was left open, or
// has stolen its cookie, is not to take the account with him (NIST SP 800-63B-4, section 5.2; ASVS 7.5). To confirm is to log in, with all
// that is asked there; it begins a new session, and what counts is when the browser's session began.
//
// Every change needs it, as every change does that comes to /v1 with the console's cookie; what only takes away, too, since a service
// that is deleted by whoever has found a browser is as gone as any. What is left out is stated beside the route: the tester, which changes
// nothing, and one's own password, for which the current one is asked, and where there is a second factor this as well.
//
// A form that comes too late is answered by itself, filled in as it was, with the way to confirm in another tab: so nothing of it has to
// be kept, sealed or bounded while its author logs in, and nothing is ever sent but by who presses its button.
//
// It defends against nobody who comes with the cookie within that time, nor against one who knows the password and has the second factor.

// A form that was opened while the log-in was recent may be filled in for longer. The page says so to itself, by a hidden field that names
// the session, sealed: who has the cookie alone can't write it.
const (
	openedField = "opened"
	openedLabel = "a form of the console that was opened while its session was recent"
	openedFor   = time.Hour // from the beginning of the session on
)

// confirmPath is where a person confirms who he is, and confirmedPath where that leads to from a form.
const (
	confirmPath   = "/console/confirm"
	confirmedPath = "/console/confirmed"
)

// errNotRecent is that of a session that began too long ago for what was asked for. It is no refusal: the same person comes back.
var errNotRecent = errors.New("console: the session began too long ago for this")

// confirmed returns errNotRecent where a route needs a recent log-in, and the session began too long ago for it.
func (c *call) confirmed(who access) error {
	if who&lately == 0 {
		return nil
	}
	if err := c.prove(); err != nil {
		return err
	}
	if !c.proved {
		return errNotRecent
	}
	return nil
}

// prove finds out whether the log-in is recent, or the form that was sent was opened while it was.
func (c *call) prove() error {
	age, err := c.s.cfg.Browsers.Age(c.r.Context(), &c.principal)
	if errors.Is(err, authority.ErrNotFound) { // ended in this moment: as if before
		return errNoSession
	}
	c.proved = err == nil && (age <= session.Recent || age <= openedFor && c.openedInTime())
	return err
}

// openedInTime reports whether the form comes from a page that this very session was shown while it was recent.
func (c *call) openedInTime() bool {
	sealed, err := base64.RawURLEncoding.DecodeString(c.form[openedField])
	if err != nil {
		return false
	}
	id, err := c.s.cfg.Keys.Unseal(openedLabel, sealed)
	return err == nil && id.Reveal() == c.principal.CredentialID.String()
}

// opened returns what a page has its forms say, empty where the log-in isn't recent.
func (c *call) opened() (string, error) {
	if !c.proved {
		return "", nil
	}
	sealed, err := c.s.cfg.Keys.Seal(openedLabel, secret.Text(c.principal.CredentialID.String()))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// confirmFor returns the address at which to confirm, that leads back to a path.
func confirmFor(path string, say notice) string {
	query := url.Values{}
	if path = next(path); path != "" {
		query.Set("next", path)
	}
	if say != "" {
		query.Set(noticeParameter, string(say))
	}
	return confirmPath + "?" + query.Encode()
}

// toConfirm sends whoever must confirm first to where that is done. From there the way leads back to the page: of a form, to its own
// address, which leads to the page that has it. That is for buttons; a form in which something was typed is shown again (see serveForm).
func (c *call) toConfirm() error {
	if safe(c.r.Method) {
		return c.redirect(confirmFor(c.r.URL.RequestURI(), ""))
	}
	return c.redirect(confirmFor(c.r.URL.RequestURI(), notYet))
}

// showConfirm shows the log-in's page of the password, for the one who is logged in.
func (s *server) showConfirm(c *call) error {
	v := loginView{Username: c.principal.Username, Confirm: true, Next: next(c.r.URL.Query().Get("next")), Mails: s.cfg.Links.Mails()}
	return c.render(http.StatusOK, "login.html", page{
		Title: words.Say("Confirm that it is you"), Here: confirmFor(v.Next, ""), Notice: c.notice(), Main: v,
	})
}

// showConfirmed tells whoever has a form in another tab that it can be sent now.
func (s *server) showConfirmed(c *call) error {
	return c.render(http.StatusOK, "confirmed.html", page{Title: words.Say("You have confirmed that it is you")})
}
