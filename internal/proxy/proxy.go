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
// It refuses what the authority refuses, before a byte of the body is read; methods that make a tunnel or an echo; and targets that
// servers read in two ways. It has a connection switched to no protocol but WebSocket. What it can't reach, or what doesn't answer,
// it says itself (502, 504). It doesn't look into bodies, nor into what a WebSocket carries, and ends no call that has begun when
// its credential ends.
package proxy

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// Config is what a Proxy needs. Every field is required but Identity and Roots.
type Config struct {
	Authority *authority.Authority
	Route     func(service uuid.UUID) (catalog.Routed, bool) // of the services
	Peers     *web.Peers                                     // the proxies whose word about a client is believed
	Kinds     authority.Kinds                                // the kinds of credential with which the protected APIs can be called
	Cookies   []authority.Cookie                             // those of Jeton's, which no upstream gets or sets
	// Parameters are those of a query in which sealed tokens come.
	Parameters authority.Parameters
	// Identity returns a signed token that tells the API at an address whose a call is, for the services that want one.
	Identity func(ctx context.Context, d *authority.Decision, address string) (secret.Text, error)
	// Roots are the authorities whose word about an upstream's certificate is believed; the system's where nil. Trust replaces them.
	Roots *x509.CertPool
	// AnswerTimeout is how long an upstream may take to begin its answer, once it has the request.
	AnswerTimeout time.Duration
	// Idle is how long nothing may pass in a call, either way.
	Idle   time.Duration
	Logger *slog.Logger
	Now    func() time.Time
}

// Proxy passes calls on. It is safe for concurrent use. Make one with New.
type Proxy struct {
	cfg       Config
	door      authority.Door
	back      *httputil.ReverseProxy
	upstreams *upstreams
	switched  register
	names     *names
	pseudonym string // of this proxy, in Via
	vias      vias
}

// New returns a Proxy, or an error where the configuration lacks something.
func New(cfg Config) (*Proxy, error) {
	if cfg.Authority == nil || cfg.Route == nil || cfg.Peers == nil || cfg.Kinds == 0 || cfg.Logger == nil || cfg.Now == nil ||
		cfg.AnswerTimeout <= 0 || cfg.Idle <= 0 {
		return nil, errors.New("proxy: every field of Config but Identity and Roots is required")
	}
	p := &Proxy{
		cfg: cfg, door: authority.Door{Name: "proxy", Kinds: cfg.Kinds}, upstreams: newUpstreams(&cfg), names: newNames(),
		pseudonym: "jeton-" + rand.Text(), // it tells nodes apart, and protects nothing
	}
	p.vias = newVias(p.pseudonym)
	p.back = &httputil.ReverseProxy{
		Rewrite: p.rewrite, Transport: p.upstreams, ModifyResponse: p.modify, ErrorHandler: p.fail, BufferPool: newBuffers(),
		ErrorLog: log.New(debugLog{cfg.Logger}, "", 0),
	}
	return p, nil
}

// debugLog takes what httputil has to say. What an operator should know of it is in the request's own line.
type debugLog struct{ logger *slog.Logger }

// Write implements io.Writer.
func (d debugLog) Write(line []byte) (int, error) {
	d.logger.Debug("net/http/httputil", "said", withoutQuoted(string(line)))
	return len(line), nil
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := p.Presented(r)
	if err := p.Forward(w, r, &in); err != nil {
		if _, passed := errors.AsType[*fault](err); !passed {
			refuse(w, r)
		}
		web.WriteError(w, r, err)
	}
}

// How long a refused caller may take to send what is under way of a body, and to take the answer.
const (
	refusedRead  = 2 * time.Second
	refusedWrite = 30 * time.Second
)

// refuse makes ready for the answer to a call that doesn't pass.
//
// The server has no time limits of its own here, or no stream could pass. A caller that is refused must not hold its connection by
// a body that it never sends: nothing of that is waited for, and the connection closes behind the answer, so that what follows on
// it is no request either. Over HTTP/2 the stream ends, and the connection is kept: a proxy before this one has the calls of others on
// it, and those that it is about to send would fail with it.
func refuse(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	now := time.Now() // a connection's deadline knows no other clock
	_ = control.SetWriteDeadline(now.Add(refusedWrite))
	if r.ContentLength != 0 {
		_ = control.SetReadDeadline(now.Add(refusedRead))
		closeBehind(w, r)
	}
}

// closeBehind has the connection close behind the answer, where it can carry nothing else meanwhile.
func closeBehind(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}

// Presented returns what a request presents, for Forward.
func (p *Proxy) Presented(r *http.Request) authority.Presented {
	client, _ := p.cfg.Peers.Client(r)
	in := web.PresentedHere(r, client)
	in.Path = pathOf(r)
	in.Query = r.URL.RawQuery
	in.Upgrade = wantsWebSocket(r)
	return in
}

// Forward judges the call that is presented and passes the request on to the upstream of its service. It returns an error, and has
// written nothing, where the call may not pass (a *authority.Refusal, which has been counted and entered for the audit log), has
// nowhere to go, or gets no answer there (a *api.Problem, which an error that knows more may wrap). What is passed on is the path of
// in, which was judged, and the query of the request.
func (p *Proxy) Forward(w http.ResponseWriter, r *http.Request, in *authority.Presented) error {
	line := web.Note(w)
	line.Client, line.Method, line.Host, line.Path = in.Peer, in.Method, in.Host, in.Path
	if problem := p.unreadable(w, r); problem != nil {
		return problem
	}
	c := &call{ResponseWriter: w, proxy: p, in: in, line: line, decision: p.cfg.Authority.Decide(r.Context(), in, &p.door)}
	d := &c.decision
	line.Judged(d)
	web.SetQuotas(w.Header(), &d.Quotas)
	if !d.Allowed() {
		line.Refused(d.Refusal)
		web.SetChallenge(w.Header(), d.Refusal.Reason)
		return d.Refusal
	}
	var ok bool
	if c.route, ok = p.cfg.Route(d.ServiceID); !ok || c.route.Upstream == "" {
		line.Err = errNoUpstream
		problem := api.NewProblem(api.CodeNotFound, "The service has no upstream.")
		problem.Fix = "Tell whoever runs the API: its service needs an upstream."
		return problem
	}
	if err := c.identify(r); err != nil {
		line.Err = err
		return api.NewProblem(api.CodeUnavailable, "")
	}
	return c.pass(r)
}

// Trust replaces the authorities whose word about an upstream's certificate is believed, for connections to come; nil is for the
// system's.
func (p *Proxy) Trust(roots *x509.CertPool) { p.upstreams.trust(roots) }

// Shutdown waits for the connections that were switched to another protocol to end, until ctx does; those that are left it cuts.
// http.Server's own Shutdown knows nothing of them.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.switched.shut(ctx)
	return nil
}

var _ http.Handler = (*Proxy)(nil)
