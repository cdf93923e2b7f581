package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

// call is one call, what was judged of it and, where it may pass, where it goes. It is the http.ResponseWriter of its answer.
//
// It counts what passes, in either direction, and cuts off where nothing does: a client that takes no more of an answer or sends no
// more of its request, as an upstream that is silent, holds two connections and all that is behind them. Who trickles goes on.
type call struct {
	http.ResponseWriter
	proxy    *Proxy
	in       *authority.Presented
	decision authority.Decision
	route    catalog.Routed
	line     *web.Line
	target   *url.URL    // of the request to the upstream, but for its host
	identity secret.Text // a signed token for the upstream, or nothing
	upgrade  bool        // it asks for a WebSocket
	secure   bool        // its client speaks TLS, to Jeton or to a proxy before
	own      []field     // what Jeton itself says in the answer
	room     [8]field    // for own
	client   context.Context
	cancel   context.CancelCauseFunc
	fault    *fault // why there is no answer; nil where there is one

	length        int64 // of the answer's body; 0 where it has none, or isn't known
	written       int64
	informational int // answers before the answer

	dialBy    atomic.Int64 // until when a connection may be tried for, in nanoseconds since 1970
	received  atomic.Bool  // the whole body of the request is
	bodyFault atomic.Pointer[error]
	stray     atomic.Bool // its connection was closed before anything was sent: the body must be there for another

	moved atomic.Uint64 // raised whenever something has passed
	mu    sync.Mutex    // of what follows
	seen  uint64        // what moved was, at the last look
	still int           // how many looks ago it was less
	ended bool
	timer *time.Timer
	// switched is the client's connection, once it carries another protocol.
	switched io.Closer
}

// field is a header field.
type field struct {
	name   string
	values []string
}

// keepOwn keeps what Jeton itself says in the answer.
func (c *call) keepOwn() {
	c.own = c.room[:0]
	for name, values := range c.Header() {
		c.own = append(c.own, field{name, values})
	}
}

// sayOwn says it, alone.
func (c *call) sayOwn() {
	h := c.Header()
	for i := range c.own {
		h[c.own[i].name] = c.own[i].values
	}
}

// looks is how often a call is looked at within the time that it may be idle: it is cut at most one look later.
const looks = 4

// The reasons why a call is ended from here.
var (
	errIdle          = errors.New("nothing has passed for too long")
	errStopping      = errors.New("the proxy stops")
	errInformational = errors.New("the upstream has sent too many answers before its answer")
)

// look ends the call where nothing has passed.
func (c *call) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	if moved := c.moved.Load(); moved != c.seen {
		c.seen, c.still = moved, 0
	} else {
		c.still++
	}
	if c.still < looks {
		c.timer.Reset(c.proxy.cfg.Idle / looks)
		return
	}
	c.cutLocked(errIdle)
}

// cut ends the call.
func (c *call) cut(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.cutLocked(why)
	}
}

// cutLocked ends the connection to the upstream by its context, and has whoever waits for the client go on with an error.
func (c *call) cutLocked(why error) {
	c.cancel(why)
	if c.switched != nil {
		_ = c.switched.Close()
		return
	}
	control, past := http.NewResponseController(c.ResponseWriter), time.Unix(1, 0)
	_ = control.SetReadDeadline(past)
	_ = control.SetWriteDeadline(past)
}

// maxInformational bounds the answers before an answer (RFC 9110, section 15.2): each is passed on, and a client may get no end of
// them from an upstream that is broken.
const maxInformational = 32

// WriteHeader implements http.ResponseWriter.
func (c *call) WriteHeader(status int) {
	h := c.Header()
	if status < http.StatusOK {
		if c.informational++; c.informational > maxInformational {
			c.cancel(errInformational)
			return
		}
		c.proxy.names.clearAnswer(h, c.proxy.cfg.Cookies)
		c.ResponseWriter.WriteHeader(status)
		return
	}
	c.sayOwn() // an answer before this one has cleared it
	if _, typed := h["Content-Type"]; !typed {
		h["Content-Type"] = nil // so that net/http makes no guess at what the upstream didn't say
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter. Of a body that is announced and comes in parts, each part goes on at once; httputil sees to
// those of unknown length.
func (c *call) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	if n > 0 {
		c.moved.Add(1)
	}
	if c.written += int64(n); err == nil && c.written < c.length {
		err = c.FlushError()
	}
	return n, err
}

// FlushError sends what is written.
func (c *call) FlushError() error { return http.NewResponseController(c.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach what call wraps.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// requestBody is the body of a request on its way to the upstream.
type requestBody struct {
	io.ReadCloser
	call *call
}

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (int, error) {
	if b.call.stray.Load() {
		return 0, errUnasked
	}
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.call.moved.Add(1)
	}
	switch {
	case errors.Is(err, io.EOF):
		b.call.received.Store(true)
	case err != nil:
		b.call.bodyFault.CompareAndSwap(nil, &err)
	}
	return n, err
}

// Close does nothing: http.Transport closes a body when it could not connect, and another try may need it. httputil closes it in
// the end.
func (b *requestBody) Close() error { return nil }

// modify makes an upstream's answer what the client gets.
func (p *Proxy) modify(res *http.Response) error {
	c := callOf(res.Request.Context())
	if c.informational > maxInformational {
		return errInformational
	}
	p.names.clearAnswer(res.Header, p.cfg.Cookies)
	for i := range c.own { // as X-Request-Id: what Jeton says itself, it says alone
		delete(res.Header, c.own[i].name)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		if upgrade := res.Header["Upgrade"]; !c.upgrade || len(upgrade) != 1 || !hasToken(upgrade, "websocket") {
			return errors.New("the upstream switched the connection to a protocol that nobody had asked for")
		}
		return nil
	}
	if c.length = max(res.ContentLength, 0); res.Request.Method == http.MethodHead {
		c.length = 0
	}
	p.names.clearAnswer(res.Trailer, nil)
	res.Body = &answerBody{ReadCloser: res.Body, call: c, of: res}
	return nil
}

// answerBody is the body of an upstream's answer.
type answerBody struct {
	io.ReadCloser
	call *call
	of   *http.Response
}

// Read implements io.Reader. At the end of the body net/http has the fields behind it.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.call.moved.Add(1)
	}
	switch {
	case errors.Is(err, io.EOF):
		b.call.proxy.names.clearAnswer(b.of.Trailer, b.call.proxy.cfg.Cookies)
	case err != nil && b.call.client.Err() == nil:
		b.call.line.Err = fmt.Errorf("reading the answer of %s: %w", b.call.route.Upstream, unquoted{err})
	}
	return n, err
}
