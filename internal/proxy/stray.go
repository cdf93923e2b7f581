package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"strings"
	"sync"
)

// upstreamConn is a connection to an upstream, which tells whether it is quiet: all that came on it has been read, and more is waited
// for.
//
// An upstream may send more than an answer has: a body to a HEAD, behind a 204, or longer than its Content-Length. net/http closes
// such a connection, but first it offers it to the next call, so that in between another caller's request goes out on it. That caller
// would be answered by what was left, and all behind it by the answer to somebody else (response queue poisoning). So no request goes
// out before its connection is quiet: see trace.
//
// It doesn't help against what comes later than the next request. Of that nobody can tell to which request it is the answer.
type upstreamConn struct {
	*net.TCPConn

	mu      sync.Mutex
	reading bool // somebody waits for more, which net/http does only when it has nothing left
	closed  bool
	unasked bool          // a request is about to be sent, so that nothing can be its answer yet
	change  chan struct{} // closed when one of the first two becomes true; nil where nobody waits for that
}

// errUnasked is that an upstream has sent something before a request was sent.
var errUnasked = errors.New("the upstream sent something that nobody had asked for")

// Read implements io.Reader.
func (c *upstreamConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	c.reading = true
	c.tellLocked()
	c.mu.Unlock()
	n, err := c.TCPConn.Read(b)
	c.mu.Lock()
	c.reading = false
	stray := c.unasked && n > 0
	c.mu.Unlock()
	if stray {
		return 0, errUnasked
	}
	return n, err
}

// Write implements io.Writer.
func (c *upstreamConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.unasked = false
	c.mu.Unlock()
	return c.TCPConn.Write(b)
}

// Close implements io.Closer.
func (c *upstreamConn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.tellLocked()
	c.mu.Unlock()
	return c.TCPConn.Close()
}

func (c *upstreamConn) tellLocked() {
	if c.change != nil {
		close(c.change)
		c.change = nil
	}
}

// quiet waits until the connection is quiet, or closed. It doesn't take long: whoever reads from it has read an answer, and is about to
// look whether there is more. It reports whether the connection is open: nothing goes out on one that isn't. From then on, where clear
// says that its bytes are those of HTTP itself, nothing may come before a request was sent; TLS has messages of its own.
func (c *upstreamConn) quiet(ctx context.Context, clear bool) (open bool) {
	for {
		c.mu.Lock()
		if c.reading || c.closed {
			c.unasked, open = clear, !c.closed
			c.mu.Unlock()
			return open
		}
		if c.change == nil {
			c.change = make(chan struct{})
		}
		change := c.change
		c.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return true // and the call ends
		}
	}
}

// maxStray is how often a call may be offered a connection that is closed then. Who is offered more has an upstream that answers nothing
// right.
const maxStray = 8

// trace returns a context in which net/http has a call wait for its connection to be quiet before it counts the call's answer among
// those that it expects there: what it finds until then it takes for nobody's, and closes the connection. HTTP/2 numbers its answers.
func (c *call) trace(ctx context.Context) context.Context {
	if strings.HasPrefix(c.route.Upstream, clearHTTP2) && !c.upgrade {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		c.stray.Store(false)
		conn, clear := info.Conn, true
		if secure, ok := conn.(*tls.Conn); ok {
			if secure.ConnectionState().NegotiatedProtocol == "h2" {
				return
			}
			conn, clear = secure.NetConn(), false
		}
		if watched, ok := conn.(*upstreamConn); ok {
			c.stray.Store(!watched.quiet(ctx, clear))
		}
	}})
}
