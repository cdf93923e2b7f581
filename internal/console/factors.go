package console

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/words"
)

// A person's own second factors: an authenticator app, passkeys, and the recovery codes that come with the first of them.

func (s *server) factorRoutes() {
	const security = profileUsersPath + "/{id}/security"
	s.serve("GET "+security+"/authenticator", owners|lately, s.newAuthenticator)
	s.serve("POST "+security+"/authenticator", owners, s.addAuthenticator, "ticket", "code")
	s.serve("POST "+security+"/authenticator/remove", owners, s.removeAuthenticator)
	s.serve("GET "+security+"/passkeys", owners|lately, s.newPasskey)
	s.serve("POST "+security+"/passkeys", owners, s.addPasskey, "ticket", "name", "passkey")
	s.serve("POST "+security+"/passkeys/{passkey}/remove", owners, s.removePasskey)
	s.serve("POST "+security+"/recovery-codes", owners, s.renewCodes, "former")
	for _, action := range []string{"/authenticator/remove", "/passkeys/{passkey}/remove", "/recovery-codes"} {
		s.serve("GET "+security+action, owners, s.toSecurity)
	}
}

// The notices of second factors.
const (
	authenticatorAdded   notice = "authenticator-added"
	authenticatorRemoved notice = "authenticator-removed"
	passkeyAdded         notice = "passkey-added"
	passkeyRemoved       notice = "passkey-removed"
	secondFactorOff      notice = "second-factor-off"
	enrolmentOver        notice = "enrolment-over"
	authenticatorOn      notice = "authenticator-on"
	codesKept            notice = "codes-kept"
	recoveryCodeUsed     notice = "recovery-code-used" // the start page says it, with how many are left
)

func factorNotices() map[notice]words.Text {
	return map[notice]words.Text{
		authenticatorAdded:   words.Say("Authenticator app turned on."),
		authenticatorRemoved: words.Say("Authenticator app removed."),
		passkeyAdded:         words.Say("Passkey added."),
		passkeyRemoved:       words.Say("Passkey removed."),
		secondFactorOff:      words.Say("Your second factor is off: your password alone logs you in. Your recovery codes no longer count."),
		authenticatorOn:      words.Say("Your authenticator app is on already. Codes not saved? Make new ones under “Recovery codes”."),
		codesKept:            words.Say("Nothing was changed: the codes shown a moment ago still count. Codes not saved? Make new ones under “Recovery codes”."),
		enrolmentOver:        words.Say("That took too long, or your account has changed meanwhile. Begin anew."),
	}
}

// fewCodes is how many recovery codes are so few that a person should get new ones.
const fewCodes = 4

// factorsView is the part of the Security tab.
type factorsView struct {
	factor.Status
	Possible bool   // whether there can be passkeys at all
	Renewed  string // tells the recovery codes that there are from all that were there before
}

// Since returns since when there is an authenticator app.
func (v factorsView) Since() time.Time { return v.Authenticator }

// HasApp reports whether there is an authenticator app.
func (v factorsView) HasApp() bool { return !v.Authenticator.IsZero() }

// Few reports whether few recovery codes are left.
func (v factorsView) Few() bool { return v.RecoveryCodes < fewCodes }

func (c *call) factors() (*factorsView, error) {
	status, err := c.s.cfg.Factors.Of(c.r.Context(), c.principal.ID)
	if err != nil {
		return nil, err
	}
	renewed, err := c.renewedCodes()
	return &factorsView{Status: status, Possible: c.s.cfg.Factors.Passkeys(), Renewed: renewed}, err
}

// renewedCodes returns which renewal of the user's recovery codes was the last, or nothing where the audit log has none.
func (c *call) renewedCodes() (string, error) {
	q := audit.Query{Action: audit.RecoveryCodesRenew, Target: c.principal.ID, Limit: 1}
	return c.lastDone(q, func(audit.Event) bool { return true })
}

// enrolmentView is the page on which an authenticator app is turned on.
type enrolmentView struct {
	ownView
	Ticket string
	Secret string        // in groups of four, as it is typed
	Drawn  template.HTML // the QR code
	Form   form
}

func (s *server) newAuthenticator(c *call) error {
	status, err := s.cfg.Factors.Of(c.r.Context(), c.principal.ID)
	if err != nil {
		return err
	}
	if !status.Authenticator.IsZero() {
		return s.toSecurity(c)
	}
	e, err := s.cfg.Factors.Authenticator(c.r.Context(), &c.principal)
	if err != nil {
		return err
	}
	return c.showEnrolment(http.StatusOK, e, form{})
}

func (c *call) showEnrolment(status int, e factor.Enrolment, f form) error {
	drawn, err := drawQR(e.URL, c.words.Of(words.Say("QR code for your authenticator app")))
	if err != nil {
		return err
	}
	v := enrolmentView{ownView: c.own(), Ticket: e.Ticket.Reveal(), Secret: inFours(e.Secret.Reveal()), Drawn: drawn, Form: f}
	return c.renderFactors(status, "authenticator.html", words.Say("Authenticator app"), v)
}

func (c *call) renderFactors(status int, name string, title words.Text, main any) error {
	p := page{Title: title, Menu: "profile", Main: main}
	if safe(c.r.Method) {
		p.Notice = c.notice()
	}
	return c.render(status, name, p)
}

// addAuthenticator turns the app on by its first code. The same secret is shown again after a wrong one: it has been scanned.
func (s *server) addAuthenticator(c *call) error {
	ticket := secret.Text(c.form["ticket"])
	codes, err := s.cfg.Factors.AddAuthenticator(c.r.Context(), &c.principal, ticket, secret.Text(c.form["code"]), c.actor())
	if over(err) {
		return c.done(c.securityPath()+"/authenticator", enrolmentOver)
	}
	if f := c.filled("ticket", "code"); f.explain(err, nil) {
		e, err := s.cfg.Factors.Resume(&c.principal, ticket)
		if err != nil {
			return err
		}
		return c.showEnrolment(http.StatusUnprocessableEntity, e, f)
	}
	if errors.Is(err, authority.ErrConflict) {
		return c.done(c.securityPath(), authenticatorOn) // it is the answer that is read again, or a tab of before
	}
	if err != nil {
		return err
	}
	return c.enrolled(codes, authenticatorAdded)
}

// over reports whether what came back is no enrolment that lasts, so that it begins anew.
func over(err error) bool {
	wrong, ok := errors.AsType[*authority.FieldError](err)
	return ok && wrong.Field == "ticket"
}

// enrolled ends the adding of a factor. With the first one come recovery codes, and a new session: whoever has read this browser's cookie
// up to now, when the password alone was asked for, has lost it. The codes are shown whatever becomes of that.
func (c *call) enrolled(codes []secret.Text, said notice) error {
	if codes == nil {
		return c.done(c.securityPath(), said)
	}
	owner := c.principal
	if err := c.renew(); err != nil {
		c.leave(&owner, err)
	}
	return c.showCodes(codes, true)
}

// codesView is the one page that shows recovery codes.
type codesView struct {
	ownView
	Codes []string
	First bool // they came with the first factor, which is on since
}

func (c *call) showCodes(codes []secret.Text, first bool) error {
	v := codesView{ownView: c.own(), First: first}
	for _, code := range codes {
		v.Codes = append(v.Codes, code.Reveal())
	}
	return c.renderFactors(http.StatusOK, "recovery-codes.html", words.Say("Recovery codes"), v)
}

// renewCodes makes new recovery codes and shows them, this once. Those that were just shown outlive that the answer is read again: see
// generateToken.
func (s *server) renewCodes(c *call) error {
	former, err := c.renewedCodes()
	if err != nil {
		return err
	}
	if former != c.form["former"] {
		return c.done(c.securityPath(), codesKept)
	}
	codes, err := s.cfg.Factors.RenewCodes(c.r.Context(), &c.principal.User, c.actor())
	if errors.Is(err, authority.ErrNotFound) { // removed meanwhile, in another tab
		return s.toSecurity(c)
	}
	if err != nil {
		return err
	}
	return c.showCodes(codes, false)
}

func (s *server) removeAuthenticator(c *call) error {
	return c.removed(s.cfg.Factors.RemoveAuthenticator(c.r.Context(), &c.principal.User, c.actor()), authenticatorRemoved)
}

func (s *server) removePasskey(c *call) error {
	id, err := parseID(c.r.PathValue("passkey"))
	if err != nil {
		return err
	}
	return c.removed(s.cfg.Factors.RemovePasskey(c.r.Context(), &c.principal.User, id, c.actor()), passkeyRemoved)
}

// removed says what is left after a factor was removed. One that isn't there any more is as it should be.
func (c *call) removed(err error, said notice) error {
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	if on, err := c.s.cfg.Factors.On(c.r.Context(), c.principal.ID); err == nil && !on {
		said = secondFactorOff
	}
	return c.done(c.securityPath(), said)
}

// passkeyView is the page on which a passkey is added.
type passkeyView struct {
	ownView
	Ticket, Options string
	Form            form
}

func (s *server) newPasskey(c *call) error { return c.showPasskey(http.StatusOK, form{}) }

// showPasskey asks for a new passkey; after a wrong answer, by another question.
func (c *call) showPasskey(status int, f form) error {
	options, ticket, err := c.s.cfg.Factors.BeginPasskey(c.r.Context(), &c.principal)
	if errors.Is(err, factor.ErrNoPasskeys) {
		return authority.ErrNotFound
	}
	if err != nil {
		return err
	}
	v := passkeyView{ownView: c.own(), Ticket: ticket.Reveal(), Options: string(options), Form: f}
	return c.renderFactors(status, "passkey.html", words.Say("Add a passkey"), v)
}

func (s *server) addPasskey(c *call) error {
	codes, err := s.cfg.Factors.AddPasskey(c.r.Context(), &c.principal, factor.NewPasskey{
		Ticket: secret.Text(c.form["ticket"]), Name: c.form["name"], Answer: secret.Text(c.form["passkey"]),
	}, c.actor())
	if over(err) {
		return c.done(c.securityPath()+"/passkeys", enrolmentOver)
	}
	if f := c.filled("ticket", "passkey"); f.explain(err, nil) {
		return c.showPasskey(http.StatusUnprocessableEntity, f)
	}
	switch {
	case errors.Is(err, factor.ErrNoPasskeys):
		return authority.ErrNotFound
	case errors.Is(err, authority.ErrConflict):
		return &conflict{words.Say("This passkey can't be added"), words.Say("Nothing was changed. Either it was added before, or you have as many passkeys as one may have: remove one that you don't need.")}
	case err != nil:
		return err
	}
	return c.enrolled(codes, passkeyAdded)
}
