// Package oauth serves the endpoints of OAuth 2.0 that programs know from elsewhere: tokens for a credential (RFC 6749, 8693),
// what a token is good for (RFC 7662), taking one back (RFC 7009), and how all that is found (RFC 8414, RFC 7517).
//
//	POST /oauth/token ─▶ form ─▶ client ─▶ grant ─▶ authority: whose is it? ─┬─▶ accesstoken.Issue
//	                     (strict) (client.go)  token-exchange, client_credentials  │
//	                                           jwt-bearer, of a platform           └─▶ session.Tokens.Begin
//
// It has no way of its own to tell a good credential from a bad one: each becomes a Presented, and goes the one path that all
// take. Errors keep the RFCs' shape and codes; of a credential that is refused, a caller learns the code alone, the same for
// unknown, wrong, expired, revoked and blocked.
//
// The package refuses what two readers could take in two ways: parameters in the URL, a parameter that is there twice, a
// client that proves itself in two ways at once. It exchanges API tokens and nothing else: an access token gets nobody
// another, or it would never end. There is no authorization endpoint, no browser is ever sent here, and no page from
// elsewhere gets leave to read an answer.
package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"path"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/web"
)

// Config is what the endpoints need. Every field is required.
type Config struct {
	// Authority says whose a credential is.
	Authority *authority.Authority
	// Access makes access tokens, and takes them back.
	Access AccessTokens
	// APITokens ends those that are revoked.
	APITokens APITokens
	// Sessions makes session tokens, and ends them.
	Sessions Sessions
	// Policy returns the policy in force: whose verifiers are whose.
	Policy func() *policy.Table
	// Keyring has the keys that are published, and that have signed what is revoked.
	Keyring *keyring.Keyring
	// Feed tells as of which revision a caller is known.
	Feed *feed.Feed
	// Peers say which proxies are believed about a client's address.
	Peers *web.Peers
	// PublicURL is the issuer's name, and where clients find the endpoints: without a slash at its end.
	PublicURL string
}

// AccessTokens makes access tokens and takes them back.
type AccessTokens interface {
	// Issue gets a principal an access token for the credential that it has just shown. The error is accesstoken.ErrScope,
	// ErrTarget, a *authority.Refusal, or a store's.
	Issue(ctx context.Context, p *authority.Principal, ask accesstoken.Ask) (accesstoken.Issued, error)
	// Revoke takes back a token that the keyring has verified. The error is a store's.
	Revoke(ctx context.Context, token keyring.Verified, actor audit.Actor) error
}

// APITokens ends API tokens.
type APITokens interface {
	// Revoke deletes a token that the keyring has verified, and its access tokens with it. The error is a store's.
	Revoke(ctx context.Context, token keyring.Verified, actor audit.Actor) error
}

// server is the handler. But for what it remembers of keys, nothing in it changes once New has returned.
type server struct {
	cfg      Config
	mux      *http.ServeMux
	forms    map[string]http.HandlerFunc // those of its routes that take a form, by their paths
	metadata document
	access   keySet
	identity keySet
	answers  answers
	fixed    fixed
	client   authority.Door // where a client proves itself to get a token
	subject  authority.Door // where a token knocks that is to be exchanged
	asker    authority.Door // where whoever asks about a token proves itself
	asked    authority.Door // where the token knocks that is asked about
	revoker  authority.Door // where whoever takes a token back proves itself
	platform authority.Door // where a platform's assertion knocks
	bearer   authority.Door // where a session token knocks that is to be ended
}

// The paths of the endpoints.
const (
	tokenPath      = "/oauth/token"
	introspectPath = "/oauth/introspect"
	revokePath     = "/oauth/revoke"
	metadataPath   = "/.well-known/oauth-authorization-server"
	keysPath       = "/.well-known/jwks.json"
	identityPath   = "/.well-known/jeton-identity/jwks.json"
)

// New returns the handler of the endpoints, or an error where the configuration lacks something. It takes whole paths, see
// Serves, and wants to stand under web.Log.
func New(cfg Config) (http.Handler, error) {
	if cfg.Authority == nil || cfg.Access == nil || cfg.APITokens == nil || cfg.Sessions == nil || cfg.Policy == nil || cfg.Keyring == nil || cfg.Feed == nil || cfg.Peers == nil || cfg.PublicURL == "" {
		return nil, errors.New("oauth: Authority, Access, APITokens, Sessions, Policy, Keyring, Feed, Peers and PublicURL are required")
	}
	metadata, err := newMetadata(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &server{
		cfg: cfg, mux: http.NewServeMux(), metadata: metadata, fixed: newFixed(),
		access: keySet{purpose: keyring.ForAccessTokens}, identity: keySet{purpose: keyring.ForIdentity},
		client:  authority.Door{Name: "oauth_token", Kinds: authority.KindsOf(authority.ClientSecret)},
		subject: authority.Door{Name: "oauth_token", Kinds: authority.KindsOf(authority.APIToken)},
		// A verifier that is a person, or an administrator, asks by its personal token, as it does at /v1/verify.
		asker:    authority.Door{Name: "introspect", Kinds: authority.KindsOf(authority.ClientSecret, authority.PersonalToken)},
		asked:    authority.Door{Name: "introspect", Kinds: authority.KindsOf(authority.PersonalToken, authority.AccessToken, authority.APIToken, authority.SessionToken)},
		revoker:  authority.Door{Name: "revoke", Kinds: authority.KindsOf(authority.ClientSecret)},
		platform: authority.Door{Name: "oauth_token", Kinds: authority.KindsOf(authority.Assertion)},
		bearer:   authority.Door{Name: "revoke", Kinds: authority.KindsOf(authority.SessionToken)},
	}
	s.routes()
	return s, nil
}

// routes is the one list of what is served here.
func (s *server) routes() {
	s.forms = map[string]http.HandlerFunc{
		tokenPath: s.form(s.token, basicAlone), introspectPath: s.form(s.introspect, asAtDoors), revokePath: s.form(s.revoke, basicAlone),
	}
	for path, serve := range s.forms {
		s.mux.HandleFunc("POST "+path, serve)
	}
	s.mux.HandleFunc("GET "+metadataPath, s.metadata.serve)
	s.mux.HandleFunc("GET "+keysPath, s.access.serve(s.cfg.Keyring))
	s.mux.HandleFunc("GET "+identityPath, s.identity.serve(s.cfg.Keyring))
}

// Serves reports whether a path is this package's.
func Serves(path string) bool {
	return path == metadataPath || path == keysPath || path == identityPath || path == "/oauth" || strings.HasPrefix(path, "/oauth/")
}

// unknownPath stands in the log for a path that no route has.
const unknownPath = "/oauth/…"

// ServeHTTP implements http.Handler. The log gets the route's path: what a caller writes in its place may be a secret.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	line := web.Note(w)
	line.Client, _ = s.cfg.Peers.Client(r)
	line.Method, line.Host, line.Path = r.Method, r.Host, unknownPath
	if serve, ok := s.forms[r.URL.Path]; ok && r.Method == http.MethodPost && r.URL.RawPath == "" { // as the mux would find
		line.Path = r.URL.Path
		serve(w, r)
		return
	}
	would, pattern := s.mux.Handler(r)
	escaped := r.URL.EscapedPath()
	switch {
	case path.Clean(escaped) != escaped, !web.Storable(r.URL.Path): // ServeMux would redirect
		web.WriteProblem(w, r, api.NewProblem(api.CodeNotFound, ""))
	case pattern == "":
		web.WriteProblem(w, r, web.NoRoute(w, r, would))
	default:
		_, line.Path, _ = strings.Cut(pattern, " ")
		would.ServeHTTP(w, r)
	}
}

// call is one request with a form.
type call struct {
	w    http.ResponseWriter
	r    *http.Request
	form form
	peer netip.Addr
	line *web.Line
	// fixed is what answers have in common.
	fixed *fixed
	// challenge is the WWW-Authenticate of a 401: by which schemes a caller may prove itself.
	challenge string
}

// form serves an endpoint that takes a form, and challenges whoever isn't known. A handler's error is a *failure, or a fault of
// the inside.
func (s *server) form(handle func(*call) error, challenge string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		line := web.Note(w)
		c := &call{w: w, r: r, peer: line.Client, line: line, fixed: &s.fixed, challenge: challenge}
		if !c.peer.IsValid() { // outside web.Log, which keeps no line
			c.peer, _ = s.cfg.Peers.Client(r)
		}
		err := readForm(r, &c.form)
		if err == nil {
			err = handle(c)
		}
		if err != nil {
			c.fail(err)
		}
	}
}

// presented returns what a client presents of itself in the header; cookies are none of these endpoints' business.
func (c *call) presented() authority.Presented {
	in := web.PresentedHere(c.r, c.peer)
	in.Cookie, in.Path = nil, c.line.Path
	return in
}
