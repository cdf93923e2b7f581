package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
)

// access says who may use a route, and by which kinds of credential.
//
// The kinds keep apart what a credential proves and what it may do to Jeton itself: an access token, a session token or
// a sealed token is made to call an API, often by a program for somebody else. Had it power here, whoever holds one
// could make its owner's personal token and keep the account when the short token is long dead. So it says who its owner
// is and no more, unless an administrator has given the API token for which it was got the scope jeton.admin by name.
//
//	                                                                     /v1/verify
//	                                            GET /v1/me   one's own   policy, feed  the rest
//	password, personal token                        yes         yes       verifiers   administrators
//	console session, its log-in not long ago        yes         yes       verifiers   administrators
//	console session                                 yes       to read     verifiers   administrators, to read
//	access token with jeton.admin                   yes         yes       verifiers   administrators
//	password beside a second factor                 yes          no      verify alone      no
//	client secret                                   yes          no       verifiers        no
//	all others, where the door takes them           yes          no          no            no
//
// A password is asked for a second factor nowhere here, since programs can't be; so, where there is one, it has no power by itself: else
// whoever has stolen it would take the factor away. A browser changes something as long as its log-in is recent, as in the console: else
// a stolen cookie would go round being asked there.
//
// An administrator may ask /v1/verify about every service. No console session hears GET /v1/feed, which would keep it from
// its idle end. An access token that was got for one service is for that service's eyes: it has no power here, whatever its
// scopes, since that service could hand it on.
type access uint8

const (
	identified     access = iota // whoever is known by any credential that the door takes
	own                          // whoever is known by a credential with power over Jeton
	administrators               // of those, the administrators
	verifiers                    // administrators and service accounts; verifyCall looks for what
)

// refuses returns why a credential has no such access, or nothing. It lists those that have power, so that a kind that is
// added to Jeton has none until someone writes it down here.
func (a access) refuses(p *authority.Principal) authority.Reason {
	if a == identified {
		return ""
	}
	switch p.CredentialKind {
	case authority.Password, authority.ConsoleSession, authority.PersonalToken:
		return ""
	case authority.AccessToken:
		return powerless(p.Limits)
	case authority.ClientSecret:
		if a == verifiers {
			return ""
		}
	}
	return authority.ReasonNotAllowed
}

// powerless returns why an access token of these limits has no power over Jeton, or nothing.
func powerless(l *authority.Limits) authority.Reason {
	switch {
	case !l.HasScope(authority.AdminScope):
		return authority.ReasonNotAllowed
	case l.Service != "":
		return authority.ReasonWrongAudience
	}
	return ""
}

// tooWeak is the problem of a credential without power. Who has shown a good one may know which would do.
func tooWeak(kind authority.Kind) *api.Problem {
	p := api.NewProblem(api.CodeCredentialTooWeak, "")
	switch kind {
	case authority.ConsoleSession:
		p.Fix = "A browser changes something within 15 minutes of its log-in: log in at the console again, or use a personal token."
	case authority.Password:
		p.Fix = "Its user has a second factor, beside which a password alone has no power: use a personal token, or the console."
	case authority.APIToken:
		p.Fix = "Exchange it for an access token at /oauth/token, if it has the scope " + authority.AdminScope + "; else use a personal token."
	case authority.AccessToken:
		p.Fix = "Use one for all services that has the scope " + authority.AdminScope + ", or a personal token."
	default: // the registry's advice will do
	}
	return p
}

// call is one request whose caller is known and allowed.
type call struct {
	w         http.ResponseWriter // for what the log and a problem need to know of the answer
	r         *http.Request       // as it came
	route     string              // method and pattern of the operation
	presented authority.Presented
	principal authority.Principal
	asOf      int64 // the revision as of which the principal is known
}

// callKey is the context key of the *call.
type callKey struct{}

// actor is the caller as the audit log names it.
func (c *call) actor() audit.Actor { return web.Actor(&c.principal, c.presented.Peer, c.asOf) }

// enter returns what stands before a route: it lets nobody past whom it doesn't know and allow, and no request that
// can't be read.
//
// The order matters. Who isn't known learns nothing but that, and costs no more than a look at a header: no body is read
// for it. Form comes before the handler, because a change that can't be answered for must not be made.
func (s *server) enter(who access) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		c := s.newCall(w, r)
		c.route = ctx.Operation().Method + " " + ctx.Operation().Path
		err := s.checkOrigin(c)
		if err == nil {
			err = s.identify(c, who)
		}
		if err == nil {
			err = checkForm(r, mediaOf(ctx.Operation()))
		}
		var body []byte
		if err == nil && ctx.Operation().RequestBody != nil {
			body, err = readBody(w, r)
		}
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		inner := huma.WithValue(ctx, callKey{}, c)
		plain(inner, body)
		next(inner)
	}
}

// plain leaves huma nothing to negotiate or to guess: the answer is JSON, and so is the body, which was checked. The request is
// huma's own copy; its header is copied before it is changed.
func plain(ctx huma.Context, body []byte) {
	r, _ := humago.Unwrap(ctx)
	r.Header = r.Header.Clone()
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Body = io.NopCloser(bytes.NewReader(body))
}

func (s *server) newCall(w http.ResponseWriter, r *http.Request) *call {
	client, _ := s.cfg.Peers.Client(r)
	return &call{w: w, r: r, presented: web.PresentedHere(r, client)}
}

// checkOrigin refuses what a browser sends for a page from elsewhere, whatever the credential: no page of another origin
// has any business here. Of writes by what a browser adds by itself, cookies above all, the authority asks for more.
func (s *server) checkOrigin(c *call) error {
	if err := s.origins.Check(c.r); err != nil {
		web.Note(c.w).Reason = string(authority.ReasonCrossOrigin)
		return s.cfg.Authority.Refuse(authority.ReasonCrossOrigin, &c.presented, &s.door)
	}
	return nil
}

// identify says who calls and whether it has access. Refusals have been entered for the audit log.
//
// Whether a record exists is not looked at before the answer is no: who isn't an administrator is told the same about
// every user and service, there or not.
func (s *server) identify(c *call, who access) (err error) {
	line := web.Note(c.w)
	c.asOf = s.cfg.Feed.Revision() // before it is asked who calls: the answer is at least as new
	if c.principal, err = s.cfg.Authority.Identify(c.r.Context(), &c.presented, &s.door); err != nil {
		note(line, err)
		return err
	}
	line.Caller(&c.principal)
	reason := who.refuses(&c.principal)
	if reason == "" {
		if reason, err = s.weak(c, who); err != nil {
			return err
		}
	}
	if reason != "" {
		_ = s.forbid(c, reason, &s.door)
		return tooWeak(c.principal.CredentialKind)
	}
	if who == administrators && !c.principal.Admin() {
		return s.forbid(c, authority.ReasonNotAllowed, &s.door)
	}
	return nil
}

// verifyRoute asks about a call of somebody else, and changes nothing.
const verifyRoute = "POST /v1/verify"

// weak returns why a credential of a kind with power has none for this call, or nothing.
func (s *server) weak(c *call, who access) (authority.Reason, error) {
	if who == identified || c.route == verifyRoute {
		return "", nil
	}
	switch c.principal.CredentialKind {
	case authority.Password:
		return s.half(c)
	case authority.ConsoleSession:
		return s.late(c)
	}
	return "", nil
}

// half returns why a password alone has no power, or nothing.
func (s *server) half(c *call) (authority.Reason, error) {
	on, err := s.cfg.Factors.On(c.r.Context(), c.principal.ID)
	if err != nil || !on {
		return "", err
	}
	return authority.ReasonNotAllowed, nil
}

// late returns why a browser's session changes nothing any more, or nothing. One that has ended in this moment is as if it had before.
func (s *server) late(c *call) (authority.Reason, error) {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return "", nil
	}
	age, err := s.cfg.Browsers.Age(c.r.Context(), &c.principal)
	switch {
	case errors.Is(err, authority.ErrNotFound):
		return authority.ReasonNotRecent, nil
	case err != nil:
		return "", err
	case age > session.Recent:
		return authority.ReasonNotRecent, nil
	}
	return "", nil
}

// forbid refuses a caller who is known, for the audit log and the request's line, and returns the refusal: to the caller
// it is 403, whatever the reason. At the door of /v1 the audit log gets the route that was called; at that of /v1/verify it
// goes without saying, and a call there is the one that is asked about.
func (s *server) forbid(c *call, reason authority.Reason, door *authority.Door) error {
	web.Note(c.w).Reason = string(reason)
	in := c.presented
	if door == &s.door {
		in.Route = c.route
	}
	return s.cfg.Authority.Forbid(reason, &in, door, &c.principal)
}
