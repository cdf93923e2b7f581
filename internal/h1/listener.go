package h1

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Listener needs. Every field is required but TLS.
type Config struct {
	Handler Handler
	Logger  *slog.Logger // hears what went wrong in the handler
	// TLS has connections begin with a handshake. What has agreed on HTTP/2 goes to net/http as a *tls.Conn, and so does what has
	// failed, for net/http to say so.
	TLS          *tls.Config
	HeadTimeout  time.Duration // from a request's first byte to the end of its head, and from a connection's begin to that of its first
	IdleTimeout  time.Duration // from an answer to the next request
	WriteTimeout time.Duration // for answers to be taken; one that comes within a second of another has as much less
}

// Listener is a net.Listener that answers plain requests and gives http.Server.Serve the connections of all others. Make one with
// NewListener.
type Listener struct {
	net.Listener // whose connections it reads
	cfg          Config
	clock        clock
	over         chan accepted // for Accept
	stopped      chan struct{} // closed when no more connections are taken
	stop         func()
	closed       chan struct{} // closed when nothing goes over any more, either
	close        func()
	cut          context.Context // ends when no connection may go on
	cutOff       context.CancelFunc

	under   sync.WaitGroup // the goroutine that accepts, those that serve, and the connections that net/http took over
	mu      sync.Mutex     // of what follows, and of stop
	started bool
	conns   map[*conn]struct{} // those that are this package's to read
}

// accepted is what one call of Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

// lastCall is how long an idle connection is still read when the listener stops, for a request that is on its way.
const lastCall = 50 * time.Millisecond

// NewListener returns a Listener over another one.
func NewListener(l net.Listener, cfg Config) *Listener {
	f := &Listener{Listener: l, cfg: cfg, over: make(chan accepted), stopped: make(chan struct{}), closed: make(chan struct{}), conns: map[*conn]struct{}{}}
	f.stop = sync.OnceFunc(func() { close(f.stopped) })
	f.close = sync.OnceFunc(func() { close(f.closed) })
	f.cut, f.cutOff = context.WithCancel(context.Background())
	return f
}

// Accept returns the next connection that isn't, or is no longer, one of plain requests alone; or an error of the listener below,
// for http.Server to wait and try again, or to give up. The first call begins to accept and answer.
func (l *Listener) Accept() (net.Conn, error) {
	l.begin()
	select {
	case a := <-l.over:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *Listener) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started || l.stopping() {
		return
	}
	l.started = true
	l.under.Go(l.accept)
}

// accept serves each connection of the listener below until that is closed.
func (l *Listener) accept() {
	for {
		below, err := l.Listener.Accept()
		if err == nil {
			l.under.Go(func() { l.serve(below) })
			continue
		}
		if l.stopping() {
			return
		}
		select {
		case l.over <- accepted{err: err}:
		case <-l.stopped:
			return
		}
	}
}

// give has Accept return a connection, and reports whether it did.
func (l *Listener) give(conn net.Conn) bool {
	patience := time.NewTimer(l.cfg.HeadTimeout)
	defer patience.Stop()
	select {
	case l.over <- accepted{conn: conn}:
		return true
	case <-l.closed:
	case <-patience.C: // whoever accepted does so no more
	}
	return false
}

// serve answers what comes by a connection, as long as it is plain. A connection that nobody takes over is closed.
//
// What panics here is a fault of this package, since the handler's are caught nearer to it. It ends one connection, and not the
// process.
func (l *Listener) serve(below net.Conn) {
	defer func() {
		if fault := recover(); fault != nil {
			_ = below.Close()
			l.cfg.Logger.Error("reading plain requests failed", slog.String("error", fmt.Sprintf("%v\n%s", fault, debug.Stack())))
		}
	}()
	if l.cfg.TLS == nil {
		l.answer(below, below)
		return
	}
	secure := tls.Server(below, l.cfg.TLS)
	_ = below.SetDeadline(time.Now().Add(l.cfg.HeadTimeout))
	err := secure.HandshakeContext(l.cut)
	if err == nil && secure.ConnectionState().NegotiatedProtocol != "h2" {
		l.answer(secure, below)
		return
	}
	_ = below.SetDeadline(time.Time{})
	if !l.give(secure) { // which remembers the error
		_ = secure.Close()
	}
}

// enter keeps count of a connection that can be read, and leave ends that.
func (l *Listener) enter(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
}

func (l *Listener) leave(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// stopping reports whether no more connections are taken.
func (l *Listener) stopping() bool {
	select {
	case <-l.stopped:
		return true
	default:
		return false
	}
}

// Drain takes no more connections and waits for those that there are: idle ones end, the others with their next answer, and what goes
// over meanwhile still goes to net/http, and is waited for. What is left here when ctx ends is cut off, and that is an error.
//
// It comes before http.Server.Shutdown, which forgets every request that it hasn't begun to answer, and closes the Listener; and
// behind SetKeepAlivesEnabled(false), or net/http would keep what it took over.
func (l *Listener) Drain(ctx context.Context) error {
	err := l.takeNoMore()
	ended := make(chan struct{})
	go func() {
		l.under.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return err
	case <-ctx.Done():
	}
	l.cutOff()
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.below.Close()
	}
	return ctx.Err()
}

// Close takes no more connections, and gives none to net/http any more.
func (l *Listener) Close() error {
	l.close()
	return l.takeNoMore()
}

// takeNoMore closes the listener below and wakes the connections, each of which knows itself whether it is idle.
func (l *Listener) takeNoMore() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping() {
		return nil
	}
	l.stop()
	for c := range l.conns {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0))
	}
	return l.Listener.Close()
}

// clock tells the date of answers, which changes once a second.
type clock struct{ last atomic.Pointer[date] }

type date struct {
	second int64
	text   []byte
}

// dateForm is that of RFC 9110, section 5.6.7.
const dateForm = "Mon, 02 Jan 2006 15:04:05 GMT"

func (c *clock) date(now time.Time) []byte {
	second := now.Unix()
	if last := c.last.Load(); last != nil && last.second == second {
		return last.text
	}
	d := &date{second, now.UTC().AppendFormat(nil, dateForm)}
	c.last.Store(d)
	return d.text
}
