// Package httpapi serves /v1, Jeton's native JSON API: the door for whoever manages users, tokens and services, or asks
// for a verdict.
//
//	route ─▶ who is it, and may it ─▶ is the body one plain JSON value ─▶ are its fields known ─▶ handler
//	         (auth.go)                (json.go)                           (huma)                  (one file a resource)
//
// Nothing of a body is read before its sender is known and allowed. Whatever goes wrong on the way becomes a problem
// (errors.go) that names members and never repeats a value that was sent. The first that is wrong is answered:
//
//	404, 405        the path, the method: asked before anything else, for what routes there are is no secret
//	403             the page that sent it, if a browser says that it is from elsewhere
//	400, 401, 429   the credential: two of them, none that is good, too many wrong passwords
//	503             nobody can say just now
//	403             what it may do; the same whether what was asked for exists or not
//	400, 406        the query; a form of answer that there isn't
//	400, 413, 415   the body as a text
//	422             its fields
//	404, 409, 412, 428, 422, 507   what the inside finds
//
// The package refuses credentials that have no power over Jeton, whoever isn't an administrator where one is needed
// (alike for what exists and what doesn't), bodies that two readers could understand differently, and query parameters
// and members that it doesn't know: a misspelt filter or field must not pass for none.
//
// huma decodes, checks fields and writes the OpenAPI document. It is kept from all else: it sees no body before json.go
// has, negotiates nothing, adds no links and no pages, and its errors are ours.
package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
)

// Config is what the API needs. Every field is required but Cookie, CallerKinds, Stopping, MaxListeners and Now.
type Config struct {
	// Authority says who a caller is, and whether a call that /v1/verify is asked about may pass.
	Authority *authority.Authority
	// Accounts keeps users, for the routes of users and of the caller itself, and names them everywhere else.
	Accounts *account.Accounts
	// Tokens keeps personal tokens.
	Tokens *personal.Tokens
	// APITokens keeps signed API tokens.
	APITokens *apitoken.Tokens
	// Clients keeps what service accounts prove themselves by at the OAuth endpoints.
	Clients *clientauth.Clients
	// Browsers keeps the sessions of browsers.
	Browsers *session.Browsers
	// Sessions keeps session tokens.
	Sessions *session.Tokens
	// Factors keeps second factors.
	Factors *factor.Factors
	// Links keeps the links that are sent to people.
	Links *link.Links
	// Platforms keeps the platforms that log their own users in.
	Platforms *platform.Platforms
	// Projects keeps the applications that seal tokens, and how each does it.
	Projects *project.Projects
	// Keys keeps the keys with which Jeton signs tokens. It must be able to revoke.
	Keys *keyring.Keyring
	// Catalog keeps services and operations, and says whose verifier somebody is.
	Catalog *catalog.Catalog
	// Events is the audit log. It is only read here: changes write their events themselves, refusals go by Authority.
	Events audit.Store
	// Feed tells as of which revision a caller is known, and what GET /v1/feed tells.
	Feed *feed.Feed
	// Stopping is closed when streams are to end, since the server stops; nil for never.
	Stopping <-chan struct{}
	// MaxListeners bounds the listeners of GET /v1/feed, each of which keeps a connection; 0 means 1,024.
	MaxListeners int
	// Now is the clock by which credentials end; the system's where nil.
	Now func() time.Time
	// Peers say which proxies are believed about a client's address.
	Peers *web.Peers
	// PublicURL is where clients find Jeton, for the OpenAPI document: what a request says in Host is never believed.
	PublicURL string
	// Cookie is the name of the console's cookie, for the OpenAPI document.
	Cookie string
	// CallerKinds are the kinds of credential by which a caller is identified; 0 means passwords, personal tokens, API and
	// access tokens, session tokens, client secrets and the console's sessions.
	// What a caller of some kind may then do is not a setting: see access.
	CallerKinds authority.Kinds
	// VerifyKinds are the kinds of credential about which /v1/verify is asked: those that the gateway takes.
	VerifyKinds authority.Kinds
}

// server is the handler of /v1. Nothing in it changes once New has returned.
type server struct {
	cfg     Config
	mux     *http.ServeMux
	origins *http.CrossOriginProtection // of writes
	door    authority.Door              // where callers of /v1 knock
	verify  authority.Door              // where the calls knock that /v1/verify is asked about

	listeners listeners // of GET /v1/feed
}

// New returns the handler of /v1, or an error where the configuration lacks something. The handler takes whole paths,
// "/v1" included, and answers for all others that there is nothing. It wants to stand under web.Log, which gives a
// request the ID that problems name.
func New(cfg Config) (http.Handler, error) {
	if cfg.Authority == nil || cfg.Accounts == nil || cfg.Tokens == nil || cfg.APITokens == nil || cfg.Clients == nil || cfg.Browsers == nil || cfg.Sessions == nil || cfg.Factors == nil || cfg.Links == nil || cfg.Platforms == nil || cfg.Projects == nil || cfg.Keys == nil || cfg.Catalog == nil || cfg.Events == nil || cfg.Feed == nil || cfg.Peers == nil {
		return nil, errors.New("httpapi: Authority, Accounts, Tokens, APITokens, Clients, Browsers, Sessions, Factors, Links, Platforms, Projects, Keys, Catalog, Events, Feed and Peers are required")
	}
	if u, err := url.Parse(cfg.PublicURL); err != nil || u.Scheme == "" || u.Host == "" {
		return nil, errors.New("httpapi: PublicURL must be a URL with scheme and host")
	}
	if cfg.VerifyKinds == 0 {
		return nil, errors.New("httpapi: VerifyKinds are required")
	}
	if cfg.CallerKinds == 0 {
		cfg.CallerKinds = authority.KindsOf(authority.Password, authority.PersonalToken, authority.ConsoleSession,
			authority.APIToken, authority.AccessToken, authority.SessionToken, authority.ClientSecret)
	}
	if cfg.MaxListeners == 0 {
		cfg.MaxListeners = defaultMaxListeners
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	setHuma()
	s := &server{
		cfg: cfg, mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(),
		door:   authority.Door{Name: "v1", Kinds: cfg.CallerKinds},
		verify: authority.Door{Name: "verify", Kinds: cfg.VerifyKinds},
	}
	return s, s.routes()
}

// handler answers one request of a route: a call, whose caller is known and allowed, and what huma has read of the
// request. Its error is the inside's, or an *api.Problem.
type handler[I, O any] func(ctx context.Context, c *call, in *I) (*O, error)

// register serves an operation to those who have access. There is no other way to serve one, so none can be forgotten to
// be guarded.
func register[I, O any](s *server, h huma.API, who access, f handler[I, O], o huma.Operation) {
	o.Middlewares = huma.Middlewares{s.enter(who)}
	describe(&o, who)
	huma.Register(h, o, func(ctx context.Context, in *I) (*O, error) {
		c, _ := ctx.Value(callKey{}).(*call) // enter has put it there
		out, err := f(ctx, c, in)
		if errors.Is(err, authority.ErrActorChanged) {
			// Who asks has changed since it was let in: it is asked for again, after this process has heard of the change.
			if err = s.cfg.Feed.Hear(ctx); err == nil {
				err = s.identify(c, who)
			}
			if err == nil {
				out, err = f(ctx, c, in)
			}
		}
		if err != nil {
			return nil, c.problem(err)
		}
		return out, nil
	})
}

// unknownPath stands in the log for a path that no route has.
const unknownPath = "/v1/…"

// ServeHTTP implements http.Handler.
//
// The log gets the route's pattern for a path. What a caller writes in the place of a name may be a secret that was
// pasted there; whom a change was made to, the audit log says.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	line := web.Note(w)
	line.Client, _ = s.cfg.Peers.Client(r)
	line.Method, line.Host, line.Path = r.Method, r.Host, unknownPath

	would, pattern := s.mux.Handler(r)
	escaped := r.URL.EscapedPath()
	switch {
	// ServeMux would redirect from a path with empty or dot segments.
	case path.Clean(escaped) != escaped, !web.Storable(r.URL.Path):
		web.WriteProblem(w, r, api.NewProblem(api.CodeNotFound, ""))
	case pattern == "":
		web.WriteProblem(w, r, web.NoRoute(w, r, would))
	default:
		_, line.Path, _ = strings.Cut(pattern, " ")
		s.mux.ServeHTTP(w, r)
	}
}
