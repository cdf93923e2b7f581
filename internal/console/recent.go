package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/words"
)

// Before secrets, and before what guards an account, a person proves anew who he is: whoever sits down at a browser that was left open, or
// has stolen its cookie, is not to take the account with him (NIST SP 800-63B-4, section 5.2; ASVS 7.5). To confirm is to log in, with all
// that is asked there; it begins a new session, and what counts is when the browser's session began.
//
// It defends against nobody who comes with the cookie within that time, nor against one who knows the password and has the second factor.

// The longest time since a session began, within which it counts as recent.
const (
	justBegun    = session.Recent
	begunAtStart = time.Hour // of a form that is sent: its page was asked for while the session was recent, and is filled in since
)

// confirmPath is where a person confirms who he is.
const confirmPath = "/console/confirm"

// errNotRecent is that of a session that began too long ago for what was asked for. It is no refusal: the same person comes back.
var errNotRecent = errors.New("console: the session began too long ago for this")

// demandRecent returns errNotRecent where the session began longer ago than that.
func (c *call) demandRecent(longest time.Duration) error {
	recent, err := c.recent(longest)
	if err == nil && !recent {
		err = errNotRecent
	}
	return err
}

func (c *call) recent(longest time.Duration) (bool, error) {
	began, err := c.s.cfg.Browsers.Began(c.r.Context(), &c.principal)
	if errors.Is(err, authority.ErrNotFound) { // ended in this moment: as if before
		return false, errNoSession
	}
	return err == nil && c.s.cfg.Now().Sub(began) <= longest, err
}

// longest is how long ago a session may have begun, for a route with such a form.
func (c *call) longest(fields []string) time.Duration {
	if c.r.Method == http.MethodPost && len(fields) > 0 {
		return begunAtStart
	}
	return justBegun
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
// address, which leads to the page that has it. Nothing of what was sent is kept meanwhile.
func (c *call) toConfirm() error {
	if safe(c.r.Method) {
		return c.redirect(confirmFor(c.r.URL.RequestURI(), ""))
	}
	return c.redirect(confirmFor(c.r.URL.EscapedPath(), notYet))
}

// showConfirm shows the log-in's page of the password, for the one who is logged in.
func (s *server) showConfirm(c *call) error {
	v := loginView{Username: c.principal.Username, Confirm: true, Next: next(c.r.URL.Query().Get("next")), Mails: s.cfg.Links.Mails()}
	return c.render(http.StatusOK, "login.html", page{
		Title: words.Say("Confirm that it is you"), Here: confirmFor(v.Next, ""), Notice: c.notice(), Main: v,
	})
}
