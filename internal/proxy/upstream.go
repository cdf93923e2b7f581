package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/catalog"
)

// clearHTTP2 is the scheme of an upstream that speaks HTTP/2 without TLS, as gRPC servers do behind a proxy.
const clearHTTP2 = "h2c"

// The limits of connections to upstreams.
const (
	dialTimeout      = time.Second
	dialWithin       = 1500 * time.Millisecond // for all tries of one call
	handshakeTimeout = 3 * time.Second
	maxIdlePerHost   = 256
	maxIdle          = 1024
	idleConnection   = 30 * time.Second // less than most servers', so that few calls meet a connection that is about to close
	maxAnswerHeader  = 64 << 10
	probeEvery       = 500 * time.Millisecond
	pingAfter        = 30 * time.Second // of silence over HTTP/2
	pingTimeout      = 15 * time.Second
	firstPause       = 20 * time.Millisecond // between two tries to connect; each is twice as long as the one before
	longestPause     = 200 * time.Millisecond
	transportBuffer  = 16 << 10 // bytes, of each connection and either way
)

// upstreams are where calls go on to. It is the http.RoundTripper of the proxy.
type upstreams struct {
	answerTimeout time.Duration
	route         func(uuid.UUID) (catalog.Routed, bool)
	logger        *slog.Logger
	transports    atomic.Pointer[transports]
	mu            sync.Mutex                              // of changing known
	known         atomic.Pointer[map[uuid.UUID]*upstream] // by service
}

// transports hold the connections.
type transports struct {
	usual *http.Transport // http and https, to which HTTP/2 is spoken where the upstream takes it
	clear *http.Transport // HTTP/2 without TLS
}

func newUpstreams(cfg *Config) *upstreams {
	u := &upstreams{answerTimeout: cfg.AnswerTimeout, route: cfg.Route, logger: cfg.Logger}
	u.known.Store(&map[uuid.UUID]*upstream{})
	u.trust(cfg.Roots)
	return u
}

// trust makes the transports anew. Calls under way end on the former.
func (u *upstreams) trust(roots *x509.CertPool) {
	fresh := &transports{usual: u.transport(), clear: u.transport()}
	fresh.usual.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	fresh.usual.Protocols.SetHTTP1(true)
	fresh.usual.Protocols.SetHTTP2(true)
	fresh.clear.Protocols.SetUnencryptedHTTP2(true)
	if former := u.transports.Swap(fresh); former != nil {
		former.usual.CloseIdleConnections()
		former.clear.CloseIdleConnections()
	}
}

// transport has no proxy of the environment's, which would hear of every call; and asks for no compression, since bytes pass as they
// are.
func (u *upstreams) transport() *http.Transport {
	return &http.Transport{
		Proxy: nil, DialContext: dial, DisableCompression: true, Protocols: new(http.Protocols),
		TLSHandshakeTimeout: handshakeTimeout, ResponseHeaderTimeout: u.answerTimeout, ExpectContinueTimeout: time.Second,
		MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdlePerHost, IdleConnTimeout: idleConnection, MaxResponseHeaderBytes: maxAnswerHeader,
		WriteBufferSize: transportBuffer, ReadBufferSize: transportBuffer,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
}

// dialError is that no connection could be made, so that nothing was sent.
type dialError struct{ err error }

func (d *dialError) Error() string { return d.err.Error() }
func (d *dialError) Unwrap() error { return d.err }

// dial connects, within the time that the call has left for it: net/http has it go on for calls to come when that one has gone.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	timeout := dialTimeout
	if c := callOf(ctx); c != nil {
		timeout = min(timeout, time.Until(time.Unix(0, c.dialBy.Load())))
	}
	ctx, cancel := context.WithTimeout(ctx, max(timeout, time.Millisecond))
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, &dialError{err}
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &upstreamConn{TCPConn: tcp}, nil
	}
	return conn, nil
}

// errDown is that an upstream was found unreachable a moment ago.
var errDown = errors.New("the upstream was not reached a moment ago, and isn't tried for every call")

// RoundTrip implements http.RoundTripper.
func (u *upstreams) RoundTrip(r *http.Request) (*http.Response, error) {
	c := callOf(r.Context())
	at := u.of(c)
	if !at.admits() {
		return nil, errDown
	}
	by := time.Now().Add(dialWithin)
	c.dialBy.Store(by.UnixNano())
	res, err := u.try(r, c)
	for range maxStray {
		if err == nil || !c.stray.Load() || r.Context().Err() != nil {
			break
		}
		res, err = u.try(r, c)
	}
	if _, unreached := errors.AsType[*dialError](err); unreached {
		res, err = u.dialAgain(r, c, by, err)
	}
	if err != nil && lost(err) && repeatable(r) && r.Context().Err() == nil {
		res, err = u.try(r, c)
	}
	u.note(r.Context(), at, err)
	return res, err
}

// try has the request sent once, or as often as net/http itself sees fit: where a connection that was kept turns out to be closed. A
// WebSocket begins over HTTP/1.1 alone.
func (u *upstreams) try(r *http.Request, c *call) (*http.Response, error) {
	t := u.transports.Load()
	if strings.HasPrefix(c.route.Upstream, clearHTTP2) && !c.upgrade {
		return t.clear.RoundTrip(r)
	}
	return t.usual.RoundTrip(r)
}

// dialAgain tries on while there is time: an upstream that restarts is back within a second, and nothing was sent to it yet. An
// upstream that is known to be down has had its one try.
func (u *upstreams) dialAgain(r *http.Request, c *call, by time.Time, err error) (*http.Response, error) {
	at := u.of(c)
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		if at.down.Load() || time.Until(by) < wait {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return nil, context.Cause(r.Context())
		}
		var res *http.Response
		if res, err = u.try(r, c); err == nil {
			return res, nil
		}
		if _, unreached := errors.AsType[*dialError](err); !unreached {
			return nil, err
		}
	}
}

// lost reports whether a connection went before the head of an answer was read.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// isHandshake reports whether TLS itself took too long: the upstream has no request then. net/http tells it by these words alone.
func isHandshake(err error) bool { return strings.Contains(err.Error(), "TLS handshake timeout") }

// repeatable reports whether a request may be sent twice (RFC 9110, section 9.2.2): without a body, which is gone.
func repeatable(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return r.Body == nil && r.Header.Get("Upgrade") == ""
	}
	return false
}

// upstream is that of one service, and how it was met.
type upstream struct {
	service, address string
	down             atomic.Bool
	probe            atomic.Int64 // when the next call may try, while it is down: nanoseconds since 1970
	unreachable      atomic.Uint64
	late             atomic.Uint64
}

// of returns the upstream of a call's service.
func (u *upstreams) of(c *call) *upstream {
	id := c.decision.ServiceID
	if at := (*u.known.Load())[id]; at.is(c) {
		return at
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	known := *u.known.Load()
	if at := known[id]; at.is(c) {
		return at
	}
	known = maps.Clone(known)
	at := &upstream{service: c.decision.Service, address: c.route.Upstream}
	known[id] = at
	u.known.Store(&known)
	return at
}

// is reports whether it is that of a call: an administrator may have given the service another name, or another upstream.
func (s *upstream) is(c *call) bool {
	return s != nil && s.address == c.route.Upstream && s.service == c.decision.Service
}

// admits reports whether a call may try: every one, but of an upstream that is down one in a while, so that its callers hear of it
// at once and it isn't met by all of them together when it is back.
func (s *upstream) admits() bool {
	if !s.down.Load() {
		return true
	}
	now, next := time.Now().UnixNano(), s.probe.Load()
	return now >= next && s.probe.CompareAndSwap(next, now+int64(probeEvery))
}

// note takes note of how an upstream was met. A call that ended meanwhile tells nothing of it.
func (u *upstreams) note(ctx context.Context, at *upstream, err error) {
	_, unreached := errors.AsType[*dialError](err)
	switch {
	case unreached && ctx.Err() == nil:
		if at.down.CompareAndSwap(false, true) {
			at.probe.Store(time.Now().Add(probeEvery).UnixNano())
			u.logger.WarnContext(ctx, "a service's upstream can't be reached; its calls fail until it is", "service", at.service, "upstream", at.address, "error", err)
		}
	case !unreached && err == nil && at.down.Load() && at.down.CompareAndSwap(true, false):
		u.logger.InfoContext(ctx, "a service's upstream is reached again", "service", at.service, "upstream", at.address)
	}
}

// count counts a call that failed.
func (s *upstream) count(code api.Code) {
	if code == api.CodeUpstreamTimeout {
		s.late.Add(1)
	} else {
		s.unreachable.Add(1)
	}
}

// Health is how the upstream of a service was met since it is known.
type Health struct {
	Service     string
	Up          bool   // it could be connected to, when last tried
	Unreachable uint64 // calls that were answered by 502
	Late        uint64 // calls that were answered by 504
}

// Health returns that of every service that has an upstream and was called.
func (p *Proxy) Health() []Health {
	var all []Health
	told := map[string]bool{}
	for id, at := range *p.upstreams.known.Load() {
		if r, ok := p.cfg.Route(id); ok && r.Upstream == at.address && !told[at.service] {
			told[at.service] = true // another service may have had the name before
			all = append(all, Health{Service: at.service, Up: !at.down.Load(), Unreachable: at.unreachable.Load(), Late: at.late.Load()})
		}
	}
	return all
}

// bufferSize is how much of a body is held at a time, in bytes.
const bufferSize = 32 << 10

// buffers are those through which bodies pass.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	array, ok := b.pool.Get().(*[bufferSize]byte)
	if !ok {
		array = new([bufferSize]byte)
	}
	return array[:]
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(buffer []byte) { b.pool.Put((*[bufferSize]byte)(buffer)) }
