// Package proxy stands before the protected APIs that have no other proxy: it judges each call and passes on those that may pass,
// without their credentials and with the identity of their callers.
//
//	client ──▶ proxy ──▶ upstream
//	             │         the call as it came, but for its credential, what a client must not say of itself, and what is hop by hop
//	             ▼
//	         authority     whose credential is it, may they call this?
//
// The service to which a call belongs, by its host and path, says where it goes. A call is passed on by the very bytes of the path
// that was judged, so that the API sees no other operation than the one that was allowed; bodies pass as they come, in either
// direction, and are kept nowhere.
//
// It refuses what the authority refuses, before a byte of the body is read; methods that make a tunnel or an echo; and every
// protocol to which a connection could be switched but WebSocket. What it can't reach, or what doesn't answer, it says itself (502,
// 504). It doesn't look into bodies, nor into what a WebSocket carries, and ends no call that has begun when its credential ends.
package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// Config is what a Proxy needs. Every field is required.
type Config struct {
	Authority *authority.Authority
	Policy    func() *policy.Table                            // in force
	Route     func(service uuid.UUID) (catalog.Routed, bool) // of the services
	Peers     *web.Peers                                      // the proxies whose word about a client is believed
	Kinds     authority.Kinds                                 // the kinds of credential with which the protected APIs can be called
	Cookies   []authority.Cookie                              // those of Jeton's, which no upstream gets or sets
	// Parameters are those of a query in which sealed tokens come.
	Parameters authority.Parameters
	// Identity makes the signed token that tells an API of a call's caller; nil for none.
	Identity func(ctx context.Context, d *authority.Decision, audience string) (secret.Text, error)
	// AnswerTimeout is how long an upstream may take to begin its answer.
	AnswerTimeout time.Duration
	// Idle is how long nothing may pass in a call, either way.
	Idle   time.Duration
	Logger *slog.Logger
	Now    func() time.Time
}

// Proxy passes calls on. It is safe for concurrent use. Make one with New.
type Proxy struct {
	cfg  Config
	door authority.Door
	back *httputil.ReverseProxy
}

// New returns a Proxy, or an error where the configuration lacks something.
func New(cfg Config) (*Proxy, error) {
	if cfg.Authority == nil || cfg.Policy == nil || cfg.Route == nil || cfg.Peers == nil || cfg.Kinds == 0 || cfg.Logger == nil || cfg.Now == nil {
		return nil, errors.New("proxy: every field of Config is required")
	}
	p := &Proxy{cfg: cfg, door: authority.Door{Name: "proxy", Kinds: cfg.Kinds}}
	p.back = &httputil.ReverseProxy{Rewrite: p.rewrite}
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := p.Presented(r)
	if err := p.Forward(w, r, &in); err != nil {
		web.WriteError(w, r, err)
	}
}

// Presented returns what a request presents, for Forward.
func (p *Proxy) Presented(r *http.Request) authority.Presented {
	client, _ := p.cfg.Peers.Client(r)
	in := web.PresentedHere(r, client)
	in.Query = r.URL.RawQuery
	return in
}

// Forward judges the call that is presented and passes the request on to the upstream of its service. It returns an error, and has
// written nothing, where the call may not pass (a *authority.Refusal, which has been counted and entered for the audit log) or has
// nowhere to go (a *api.Problem). What happens after that it answers itself.
func (p *Proxy) Forward(w http.ResponseWriter, r *http.Request, in *authority.Presented) error {
	line := web.Note(w)
	line.Client, line.Method, line.Host, line.Path = in.Peer, in.Method, in.Host, in.Path
	d := p.cfg.Authority.Decide(r.Context(), in, &p.door)
	line.Service = d.Service
	if !d.Allowed() {
		line.Refused(d.Refusal)
		return d.Refusal
	}
	line.Caller(&d.Principal)
	route, ok := p.cfg.Route(d.ServiceID)
	if !ok || route.Upstream == "" {
		return api.NewProblem(api.CodeNotFound, "The service has no upstream.")
	}
	p.pass(w, r, &call{decision: &d, route: &route, in: in})
	return nil
}
