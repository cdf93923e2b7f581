// Package bitcanuck serves BitCanuck's clients, unchanged: a user's e-mail and password, or the assertion of a trusted platform,
// get a session token, which ends when its bearer logs out.
//
//	POST /api/v1/authenticate                 {"email":"john@email.com","password":"…"}
//	POST /api/v1/authenticate-jwt/{platform}  Token: <assertion>
//	                                   200    {"data":{"id":"<session token>","userId":"…","ttl":1209600,"until":"…","created":"…"}}
//	POST or DELETE /api/v1/logout             Authorization: Bearer <session token>
//	                                   204
//
//	body or header ─▶ Credential ─▶ authority: whose is it? ─▶ session.Tokens: Begin or Logout ─▶ the product's words
//	(login.go, body.go)                                                                           (answer.go)
//
// A platform's assertions come to an address that names the platform, by ID or code. Here are the addresses and the shapes;
// what is a good password, a good assertion and a good token, packages account, platform and session say.
//
// It refuses all that is wrong with a user, a password or an assertion in the same words, and never says that log-in failed of
// what it couldn't look at: clients take that for a wrong password, and ask their user for another one. Pages from elsewhere get
// no leave to call it.
package bitcanuck

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
)

// Sessions begins and ends sessions.
type Sessions interface {
	// Begin makes a session token for a principal that has just proved to be owner. It returns a *authority.Refusal where the
	// user was deleted since, authority.ErrActorChanged where user or platform was changed, or a store's error.
	Begin(ctx context.Context, owner *authority.Principal, actor audit.Actor) (session.Begun, error)
	// Logout ends the session token by which its owner came. It returns authority.ErrNotFound where it has ended already,
	// authority.ErrActorChanged where its user was changed meanwhile, or a store's error.
	Logout(ctx context.Context, owner *authority.Principal, actor audit.Actor) error
}

// Feed tells up to which revision changes are known.
type Feed interface {
	Revision() int64
	Hear(ctx context.Context) error
}

// Config is what the profile needs. Every field is required.
type Config struct {
	Authority *authority.Authority
	Sessions  Sessions
	Feed      Feed
	Peers     *web.Peers // the proxies whose word about a client is believed
}

// profile answers at the addresses. Everything in it is fixed once it is made.
type profile struct {
	cfg    Config
	routes map[string]route // by their patterns
}

// route is what is done at one address.
type route struct {
	methods []string
	door    authority.Door
	denied  *failure // what whoever isn't known is told
	serve   func(*call) error
}

// New returns the handler of the requests that Serves names, or an error where the configuration lacks something.
func New(cfg Config) (http.Handler, error) {
	if cfg.Authority == nil || cfg.Sessions == nil || cfg.Feed == nil || cfg.Peers == nil {
		return nil, errors.New("bitcanuck: Authority, Sessions, Feed and Peers are required")
	}
	// The doors differ in what they take. To the audit log they are one product's, and the route is told beside.
	door := func(kind authority.Kind) authority.Door {
		return authority.Door{Name: "bitcanuck", Kinds: authority.KindsOf(kind)}
	}
	return &profile{cfg, map[string]route{
		passwordPath:     {[]string{http.MethodPost}, door(authority.Password), loginFailed, (*call).byPassword},
		assertionPattern: {[]string{http.MethodPost}, door(authority.Assertion), loginFailed, (*call).byAssertion},
		logoutPath:       {[]string{http.MethodDelete, http.MethodPost}, door(authority.SessionToken), authorizationRequired, (*call).logOut},
	}}, nil
}

// AssertionPath is the path below which a platform's ID or code names it, as the product's own documents spell it.
const AssertionPath = "/api/v1/authenticate-jwt/"

// The other addresses.
const (
	passwordPath     = "/api/v1/authenticate"
	assertionPattern = AssertionPath + "{platform}"
	logoutPath       = "/api/v1/logout"
)

// Serves reports whether a request of this path, still percent-encoded and without its query, is the profile's: one of the
// addresses, with one slash at its end or none.
func Serves(path string) bool {
	pattern, _ := find(path)
	return pattern != ""
}

// find returns the pattern of the address that a path is, and the platform that it names; nothing where it is none. The
// platform is taken as it stands: neither an ID nor a code has a character that would be percent-encoded.
func find(path string) (pattern, platform string) {
	path = strings.TrimSuffix(path, "/")
	if path == passwordPath || path == logoutPath {
		return path, ""
	}
	platform, ok := strings.CutPrefix(path, AssertionPath)
	if !ok || platform == "" || strings.Contains(platform, "/") {
		return "", ""
	}
	return assertionPattern, platform
}
