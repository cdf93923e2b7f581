package proxy

import (
	"context"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// identify has a signed token made for the upstream, where the service wants one.
func (c *call) identify(r *http.Request) (err error) {
	if !c.route.IdentityToken || c.proxy.cfg.Identity == nil {
		return nil
	}
	c.identity, err = c.proxy.cfg.Identity(r.Context(), &c.decision, c.route.Address)
	return err
}

// pass has the call answered by its upstream. It returns an error, and has written nothing, where its path is one that can't be
// passed on, and a *fault where nothing came of it.
func (c *call) pass(r *http.Request) error {
	out := *r.URL
	if !setPath(&out, c.in.Path) {
		return malformed("The request's path can't be passed on.", "Percent-encode what may not stand in a path.")
	}
	c.target = &out
	c.upgrade = wantsWebSocket(r)
	if !c.upgrade {
		delete(r.Header, "Upgrade") // a server may ignore it (RFC 9110, section 7.8)
	}
	if c.secure = r.TLS != nil; !c.secure && r.Header.Get("X-Forwarded-Proto") == "https" {
		_, c.secure = c.proxy.cfg.Peers.Client(r) // the word of a trusted peer alone
	}
	c.keepOwn()
	c.client = r.Context()
	ctx, cancel := context.WithCancelCause(r.Context())
	c.cancel = cancel
	c.begin(r)
	defer c.end(r)
	c.proxy.back.ServeHTTP(c, r.WithContext(c.trace(context.WithValue(ctx, callKey{}, c))))
	if c.fault != nil {
		return c.fault
	}
	return nil
}

// callKey is the key of a call in the context of the request that passes it on.
type callKey struct{}

// callOf returns the call that a request to an upstream belongs to.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// begin takes over the connection's time limits: nothing counts but that something passes.
func (c *call) begin(r *http.Request) {
	control := http.NewResponseController(c.ResponseWriter)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	if r.ContentLength != 0 {
		// An upstream may answer before it has the whole request; over HTTP/1.1 the server would read the rest first.
		_ = control.EnableFullDuplex()
	} else {
		c.received.Store(true)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(c.proxy.cfg.Idle/looks, c.look)
}

// end leaves the connection to the server, which has no time limits of its own: for what is left to write, and for the rest of a
// body that the upstream didn't want.
func (c *call) end(r *http.Request) {
	c.mu.Lock()
	c.ended = true
	c.timer.Stop()
	switched := c.switched != nil
	c.mu.Unlock()
	c.cancel(nil)
	if switched {
		c.proxy.switched.remove(c)
		return
	}
	control := http.NewResponseController(c.ResponseWriter)
	now := time.Now() // a connection's deadline knows no other clock
	_ = control.SetWriteDeadline(now.Add(c.proxy.cfg.Idle))
	if !c.received.Load() && r.ProtoMajor == 1 {
		_ = control.SetReadDeadline(now.Add(refusedRead))
	}
}

// rewrite makes the request that the upstream gets. httputil has removed by then what is hop by hop, and what the client has named
// in Connection.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	c := callOf(r.In.Context())
	scheme, host, _ := strings.Cut(c.route.Upstream, "://")
	if scheme == clearHTTP2 {
		scheme = "http"
	}
	c.target.Scheme, c.target.Host, c.target.User = scheme, host, nil
	// The project may have gone since the call was judged by a token of it.
	if c.target.RawQuery != "" && !c.route.ForwardQueryTokens && (c.route.Project || c.decision.Kind == authority.Sealed) {
		c.target.RawQuery = p.cfg.Parameters.Without(c.target.RawQuery)
	}
	r.Out.URL = c.target
	r.Out.Host = hostFor(c.route.Host, c.in.Host)
	r.Out.Trailer = nil // a server may drop what stands behind a body (RFC 9110, section 6.5.1), and nobody has judged it
	if r.Out.Body != nil {
		r.Out.Body = &requestBody{ReadCloser: r.Out.Body, call: c}
	}
	h := p.names.passing(r.Out.Header)
	r.Out.Header = h
	clearCookies(h, p.cfg.Cookies)
	setIdentity(h, c)
	setOrigin(h, c, r.Out.Host)
	h["Via"] = append(h["Via"], p.vias.of(r.In))
	for i := range c.own {
		if f := &c.own[i]; f.name == "X-Request-Id" && len(f.values) == 1 {
			h[f.name] = f.values
		}
	}
}

// setIdentity tells the upstream whose the call is. What there is nothing to tell of isn't sent.
func setIdentity(h http.Header, c *call) {
	values := web.IdentityValues(&c.decision)
	for i, name := range web.IdentityNames {
		if values[i] != "" && name != web.StatusHeader {
			h[name] = values[i : i+1 : i+1]
		}
	}
	if c.identity != "" {
		h[identityToken] = []string{c.identity.Reveal()}
	}
}

// setOrigin tells the upstream where the call came from. Of what other proxies have said, only what a trusted one did of the client
// is in it.
func setOrigin(h http.Header, c *call, host string) {
	proto := "http"
	if c.secure {
		proto = "https"
	}
	values := [...]string{"", proto, host}
	if c.in.Peer.IsValid() {
		values[0] = c.in.Peer.String()
		h["X-Forwarded-For"], h["X-Real-Ip"] = values[0:1:1], values[0:1:1]
	}
	h["X-Forwarded-Proto"], h["X-Forwarded-Host"] = values[1:2:2], values[2:3:3]
}

// hostFor returns the host that an upstream is told: its service's own, never what a client has made of it. Where the service names
// no port, that of the call stays, for the URLs that the API makes.
func hostFor(service, called string) string {
	if port := portOf(called); port != "" && portOf(service) == "" {
		return service + ":" + port
	}
	return service
}

// portOf returns the port of a host, where it has one that is a number.
func portOf(host string) string {
	port := host[strings.LastIndexByte(host, ':')+1:]
	if len(port) == len(host) || strings.HasSuffix(host, "]") {
		return ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return ""
	}
	return port
}

// vias are this proxy's entries in Via (RFC 9110, section 7.6.3), by the version of HTTP in which a request came.
type vias struct{ http10, http11, http2 string }

func newVias(pseudonym string) vias {
	return vias{"1.0 " + pseudonym, "1.1 " + pseudonym, "2 " + pseudonym}
}

func (v *vias) of(r *http.Request) string {
	switch {
	case r.ProtoMajor == 2:
		return v.http2
	case r.ProtoMinor == 0:
		return v.http10
	default:
		return v.http11
	}
}
