// Package gateway answers the proxies that stand before the protected APIs: may this call pass, and whose is it?
//
//	client ──▶ proxy ──▶ API                 the call itself never comes here
//	             │ ▲
//	   call, who │ │ 200 and whose it is, or a refusal
//	             ▼ │
//	           gateway                       /auth-request for nginx, /forward-auth for Caddy and others, /ext-authz/… for Envoy
//
// Its answers to calls that may pass have no body. Each sets every identity header, to nothing where there is nothing to tell, so that a proxy
// that copies them to the API leaves none standing that a client wrote.
//
// It refuses whoever isn't named as a trusted proxy, since those headers and the audit log's addresses rest on the word
// of the one who asks, and a call that the proxy doesn't describe in full. What only the proxy can see to is in
// deploy/: that a call passes no other way, and that the API gets neither a client's credential nor its identity
// headers.
package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// Config is what a gateway needs. Every field is required.
type Config struct {
	Authority *authority.Authority
	Peers     *web.Peers      // the proxies that may ask
	Kinds     authority.Kinds // the kinds of credential with which the protected APIs can be called
}

// gateway serves the checks. Everything in it is fixed once it is made.
type gateway struct {
	authority *authority.Authority
	peers     *web.Peers
	door      authority.Door
	fixed     fixed
	withheld  string // the names of what no API gets from a client, as Envoy is told them
}

// New returns the handler of the gateway listener, or an error where the configuration lacks something.
func New(cfg Config) (http.Handler, error) {
	if cfg.Authority == nil || cfg.Peers == nil || cfg.Kinds == 0 {
		return nil, errors.New("gateway: Authority, Peers and Kinds are required")
	}
	g := &gateway{
		authority: cfg.Authority,
		peers:     cfg.Peers,
		door:      authority.Door{Name: "gateway", Kinds: cfg.Kinds},
		fixed:     newFixed(),
		withheld:  strings.Join(web.Withheld(), ", "),
	}
	return g.routes(), nil
}

func (g *gateway) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/auth-request", g.authRequest)
	mux.HandleFunc("/forward-auth", g.forwardAuth)
	mux.HandleFunc("/", g.notFound)
	// Envoy's questions have the path of the call in theirs, and the mux would redirect from one with empty or dot segments.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asksExtAuthz(r) {
			g.extAuthz(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// notFound is for a proxy that asks at a path that isn't there: a fault of its configuration, and no leave to pass.
func (g *gateway) notFound(w http.ResponseWriter, r *http.Request) {
	web.ClearIdentity(w.Header())
	web.WriteProblem(w, r, api.NewProblem(api.CodeNotFound, "The gateway has /auth-request, for nginx, /forward-auth, for Caddy, HAProxy, Apache httpd and Traefik, and /ext-authz/ before a path, for Envoy."))
}

// fixed holds the header values that are the same in many answers, as http.Header wants them. They are shared and never
// written.
type fixed struct {
	noStore                                                     []string
	malformed, unauthenticated, forbidden, tooMany, unavailable []string // values of X-Jeton-Status
}

func newFixed() fixed {
	return fixed{
		noStore:   []string{"no-store"},
		malformed: []string{"400"}, unauthenticated: []string{"401"}, forbidden: []string{"403"}, tooMany: []string{"429"}, unavailable: []string{"503"},
	}
}
