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
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/h1"
	"github.com/jeton-io/jeton/internal/web"
)

// Config is what a Gateway needs. Every field is required.
type Config struct {
	Authority *authority.Authority
	Peers     *web.Peers       // the proxies that may ask
	Kinds     authority.Kinds  // the kinds of credential with which the protected APIs can be called
	Logger    *slog.Logger     // of requests that don't come by net/http, under web.Log
	Now       func() time.Time // likewise
}

// Gateway serves the checks, by either engine: an http.Handler, which wants to stand under web.Log, and an h1.Handler. Everything in it is
// fixed once it is made.
type Gateway struct {
	cfg      Config
	door     authority.Door
	refusals map[authority.Reason]*web.Prepared
	absent   *web.Prepared // the problem of a path that isn't there
	fault    *web.Prepared // that of a fault of the gateway's own
	withheld string        // the names of what no API gets from a client, as Envoy is told them
	checks   sync.Pool     // of *check
	plains   sync.Pool     // of *plain
}

var (
	_ http.Handler = (*Gateway)(nil)
	_ h1.Handler   = (*Gateway)(nil)
)

// listener is the name of the listener in the log.
const listener = "gateway"

// New returns the handler of the gateway listener, or an error where the configuration lacks something.
func New(cfg Config) (*Gateway, error) {
	if cfg.Authority == nil || cfg.Peers == nil || cfg.Kinds == 0 || cfg.Logger == nil || cfg.Now == nil {
		return nil, errors.New("gateway: Authority, Peers, Kinds, Logger and Now are required")
	}
	g := &Gateway{
		cfg:      cfg,
		door:     authority.Door{Name: "gateway", Kinds: cfg.Kinds},
		refusals: make(map[authority.Reason]*web.Prepared),
		absent: web.Prepare(api.NewProblem(api.CodeNotFound, "The gateway has /auth-request, for nginx, /forward-auth, for Caddy, HAProxy, "+
			"Apache httpd and Traefik, and /ext-authz/ before a path, for Envoy.")),
		fault:    web.Prepare(api.NewProblem(api.CodeInternal, "")),
		withheld: strings.Join(web.Withheld(), ", "),
		checks:   sync.Pool{New: func() any { return new(check) }},
		plains:   sync.Pool{New: func() any { return new(plain) }},
	}
	for _, reason := range authority.Reasons() {
		g.refusals[reason] = web.Prepare(web.ProblemOf(&authority.Refusal{Reason: reason}))
	}
	return g, nil
}

// ServeHTTP implements http.Handler: the edge to net/http.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, _ := g.checks.Get().(*check)
	c.header, c.method, c.target, c.path, c.host = web.HeaderOf(r), r.Method, r.RequestURI, r.URL.Path, r.Host
	c.remote, c.id, c.line = web.Remote(r), web.RequestID(w), web.Note(w)
	g.answer(r.Context(), c)
	c.fields.Set(w.Header())
	if c.status != http.StatusOK { // which goes without saying
		w.WriteHeader(c.status)
	}
	if len(c.body) > 0 {
		_, _ = w.Write(c.body) // the proxy may have gone
	}
	c.clear()
	g.checks.Put(c)
}

// notFound is for a proxy that asks at a path that isn't there: a fault of its configuration, and no leave to pass.
func (g *Gateway) notFound(c *check) {
	c.status = g.absent.Status()
	c.fields = c.fields.Anonymize("").Refuse(c.status, "", 0)
	c.tell(g.absent)
}
