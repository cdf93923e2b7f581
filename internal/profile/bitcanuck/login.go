package bitcanuck

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
)

// call is one request at one of the addresses.
type call struct {
	*profile
	route

	w        http.ResponseWriter
	r        *http.Request
	line     *web.Line
	in       authority.Presented
	platform string // as the path names it
}

// ServeHTTP implements http.Handler.
//
// The log and the audit log get the route's pattern for a path: in the place of a platform a caller may have pasted an
// assertion.
func (p *profile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client, _ := p.cfg.Peers.Client(r)
	pattern, platform := find(r.URL.EscapedPath())
	c := &call{profile: p, route: p.routes[pattern], w: w, r: r, line: web.Note(w), in: web.PresentedHere(r, client), platform: platform}
	c.line.Client, c.line.Method, c.line.Host, c.line.Path = client, r.Method, r.Host, pattern
	if !slices.Contains(c.methods, r.Method) {
		w.Header().Set("Allow", strings.Join(c.methods, ", "))
		c.fail(methodNotAllowed)
		return
	}
	c.in.Route = r.Method + " " + pattern
	if err := c.serve(c); err != nil {
		c.fail(err)
	}
}

// byPassword logs a user in by the e-mail and the password in the body.
func (c *call) byPassword() error {
	name, password, err := readLogin(c.r)
	if err != nil {
		return err
	}
	c.in.Given = &authority.Credential{Kind: authority.Password, Name: name, Text: password}
	return c.logIn(2)
}

// byAssertion logs a user in by the assertion in the header field Token, with or without a scheme before it. The body says
// nothing and isn't read. Where the field is missing, whatever else the request presents is refused as at every door that
// doesn't take it.
//
// There is no second try: an assertion may be good for one use, and has had it. So what other nodes have changed is heard before
// it is looked at, lest a session of a user who was changed a moment ago be refused for that alone. Where it can't be heard, the
// authority knows.
func (c *call) byAssertion() error {
	switch fields := c.r.Header["Token"]; len(fields) {
	case 0:
	case 1:
		c.in.Given = &authority.Credential{Kind: authority.Assertion, Name: c.platform, Text: assertionIn(fields[0])}
	default:
		return c.cfg.Authority.Refuse(authority.ReasonTwoCredentials, &c.in, &c.door)
	}
	_ = c.cfg.Feed.Hear(c.r.Context())
	return c.logIn(1)
}

// assertionIn returns the assertion in a value of the field Token. Clients that keep one habit for all tokens write the scheme
// Bearer before it, in any case.
func assertionIn(value string) secret.Text {
	value = strings.Trim(value, " \t")
	if scheme, rest, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Bearer") {
		value = strings.TrimLeft(rest, " ")
	}
	return secret.Text(value)
}

// logIn makes a session token for the user whose credential is presented.
func (c *call) logIn(tries int) error {
	var begun session.Begun
	err := c.known(tries, func(owner *authority.Principal, actor audit.Actor) (err error) {
		begun, err = c.cfg.Sessions.Begin(c.r.Context(), owner, actor)
		return err
	})
	if err != nil {
		return err
	}
	c.answer(begun)
	return nil
}

// logOut ends the session whose token is presented. One that ends in this very moment, by a second request say, has ended
// before.
func (c *call) logOut() error {
	err := c.known(2, func(owner *authority.Principal, actor audit.Actor) error {
		err := c.cfg.Sessions.Logout(c.r.Context(), owner, actor)
		if errors.Is(err, authority.ErrNotFound) {
			err = &authority.Refusal{Reason: authority.ReasonEnded}
		}
		return err
	})
	if err != nil {
		return err
	}
	c.noContent()
	return nil
}

// known says whose the credential is that is presented, and does what is asked for in that one's name. A refusal has been
// counted and entered for the audit log.
//
// The store makes no change for a user who, or whose credential, has changed since it was known who calls: who was blocked, say,
// or has another password. As long as there are tries left, that is asked anew then, after this process has heard of the change.
func (c *call) known(tries int, do func(owner *authority.Principal, actor audit.Actor) error) error {
	for {
		asOf := c.cfg.Feed.Revision() // before it is asked who calls: the answer is at least as new
		owner, err := c.cfg.Authority.Identify(c.r.Context(), &c.in, &c.door)
		if err != nil {
			return err
		}
		c.line.Caller(&owner)
		err = do(&owner, web.Actor(&owner, c.in.Peer, asOf))
		if tries--; tries > 0 && errors.Is(err, authority.ErrActorChanged) {
			if err = c.cfg.Feed.Hear(c.r.Context()); err == nil {
				continue
			}
		}
		if err != nil {
			return c.cfg.Authority.Withhold(err, &c.in, &c.door, &owner)
		}
		return nil
	}
}
