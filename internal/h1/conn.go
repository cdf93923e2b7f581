package h1

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

const (
	maxHead  = 32 << 10 // in bytes; a longer head is net/http's to refuse
	fewBytes = 4 << 10  // what a connection reads into, unless a head is longer
	awaited  = 4        // in bytes: what net/http waits for, behind a request, before it looks at the next
	manyOut  = 16 << 10 // in bytes: so many answers to pipelined requests are written at once
	keptOut  = 4 << 10  // in bytes: what is kept to write answers into
)

// long holds the buffers of heads that are longer than most, so that idle connections hold none.
var long = sync.Pool{New: func() any { return new([maxHead]byte) }}

// conn is one connection, as long as it is read here. One goroutine has it, but for the deadline by which Drain wakes that.
type conn struct {
	l      *Listener
	conn   net.Conn // what is read and written
	below  net.Conn // what is closed in the end by others: the same or, under TLS, what carries it
	few    [fewBytes]byte
	buf    []byte // few, or a long one
	start  int    // of the request that is being read
	end    int    // of what was read
	later  bool   // it isn't the connection's first request
	head   head
	asked  Request
	answer Answer

	// Deadlines are told to the connection as rarely as can be: until when it waits is noted, and only an earlier time than the one
	// it was told is told at once. When it wakes too soon, it is told the later one.
	until, told time.Time
	begun       bool // waiting for a head that has begun, or for the first
	last        bool // waiting for the last time
	toldWrite   time.Time
}

// answer serves a connection that is read by this package until it ends or goes over.
func (l *Listener) answer(readable, below net.Conn) {
	c := &conn{l: l, conn: readable, below: below, begun: true, until: time.Now().Add(l.cfg.HeadTimeout)}
	c.buf = c.few[:]
	c.answer.l = l
	if tcp, ok := below.RemoteAddr().(*net.TCPAddr); ok {
		at := tcp.AddrPort()
		c.asked.Remote = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	l.enter(c)
	defer l.leave(c)
	if c.serve() == gone || !c.handOver() {
		_ = c.conn.Close()
	}
	c.release()
}

// step says how a connection goes on.
type step uint8

const (
	on   step = iota
	gone      // it is to be closed
	over      // to net/http, with what was read and not answered
)

func (c *conn) serve() step {
	for {
		var next step
		switch c.judge() {
		case plain:
			next = c.respond()
		case partial:
			next = c.more()
		case odd:
			next = over
		}
		if next != on {
			if !c.flush() {
				return gone
			}
			return next
		}
	}
}

// judge says what the bytes so far are.
func (c *conn) judge() verdict {
	b := c.buf[c.start:c.end]
	if c.later && len(b) < awaited {
		return partial
	}
	return c.head.read(b)
}

// respond has the handler answer the request that was read.
func (c *conn) respond() step {
	h, r, a := &c.head, &c.asked, &c.answer
	c.fill()
	rest := c.end - c.start - h.pos
	a.renew(h.ending, rest == 0)
	if !c.ask() {
		a.takeBack()
		return over
	}
	if a.fault != "" {
		c.l.cfg.Logger.Error("a plain request could not be answered", slog.String("error", a.fault), slog.String("client", r.Remote.String()))
		a.takeBack()
		a.renew(true, true)
		a.Status(http.StatusInternalServerError)
	}
	a.finish()
	clear(r.values)
	*r = Request{Remote: r.Remote, values: r.values[:0]} // so that an idle connection keeps no head in memory
	c.start += h.pos
	c.head.renew()
	c.begun, c.later = false, true
	if rest == 0 {
		c.release()
	}
	if a.ending {
		return gone
	}
	if len(a.out) >= manyOut && !c.flush() {
		return gone
	}
	return on
}

// fill makes a request of the head that was read. Its text is allocated here, once for all that is kept of it.
func (c *conn) fill() {
	h, r := &c.head, &c.asked
	r.text = string(c.buf[c.start : c.start+h.pos])
	r.Method, r.Target = r.text[:h.method], r.text[h.method+1:h.target]
	r.Host = r.text[h.host.value:h.host.valueEnd]
	r.fields = h.fields[:h.count]
}

// ask calls the handler. What it panics with is for the log alone; the caller hears a 500.
func (c *conn) ask() (answered bool) {
	defer func() {
		if fault := recover(); fault != nil {
			c.answer.fail(fmt.Sprintf("the handler panicked: %v\n%s", fault, debug.Stack()))
			answered = true
		}
	}()
	return c.l.cfg.Handler.AnswerPlain(&c.asked, &c.answer)
}

// more writes what has been answered and waits for more to read.
func (c *conn) more() step {
	if !c.flush() {
		return gone
	}
	if c.end == len(c.buf) && !c.room() {
		return over
	}
	switch {
	case c.begun:
	case c.end > c.start:
		c.begun, c.until = true, time.Now().Add(c.l.cfg.HeadTimeout)
	default:
		c.until = c.answer.now.Add(c.l.cfg.IdleTimeout)
	}
	return c.read()
}

// read waits until there is something to read, or it has waited long enough. What was begun and then broken off by the client is
// net/http's to answer.
func (c *conn) read() step {
	for {
		if c.told.IsZero() || c.until.Before(c.told) {
			_ = c.conn.SetReadDeadline(c.until)
			c.told = c.until
		}
		// Only now: who stops sets a deadline behind the mark, and so one of the two is seen.
		if c.l.stopping() && !c.begun && !c.last {
			c.last, c.until = true, time.Now().Add(lastCall)
			continue
		}
		n, err := c.conn.Read(c.buf[c.end:])
		if n > 0 {
			c.end += n
			return on
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(c.until):
			c.told = time.Time{} // it was an earlier one, or that of who stops
		case errors.Is(err, io.EOF) && c.end > c.start && (!c.later || c.end-c.start >= awaited):
			return over
		case err != nil:
			return gone
		}
	}
}

// room makes room to read more of a request, and reports whether there can be any.
func (c *conn) room() bool {
	from := c.buf[c.start:c.end]
	switch {
	case c.start > 0:
		copy(c.buf, from)
	case len(c.buf) == fewBytes:
		buf, _ := long.Get().(*[maxHead]byte)
		c.buf = buf[:]
		copy(c.buf, from)
	default:
		return false
	}
	c.start, c.end = 0, len(from)
	return true
}

// release gives a long buffer back, when nothing in it is wanted any more.
func (c *conn) release() {
	if len(c.buf) == maxHead {
		buf := (*[maxHead]byte)(c.buf)
		clear(buf[:]) // of whatever credentials stood there
		long.Put(buf)
		c.buf = c.few[:]
	}
	c.start, c.end = 0, 0
}

// flush writes what has been answered, and reports whether it could.
func (c *conn) flush() bool {
	a := &c.answer
	if len(a.out) == 0 {
		return true
	}
	if a.now.Sub(c.toldWrite) > time.Second {
		c.toldWrite = a.now
		_ = c.conn.SetWriteDeadline(a.now.Add(c.l.cfg.WriteTimeout))
	}
	_, err := c.conn.Write(a.out)
	a.out = a.out[:0]
	if cap(a.out) > keptOut {
		a.out = nil
	}
	return err == nil
}

// handOver gives the connection to net/http, as if nothing but what was read and not answered had come by it.
func (c *conn) handOver() bool {
	c.l.leave(c) // before that: who stops must not wake it any more
	_ = c.conn.SetDeadline(time.Time{})
	c.l.under.Add(1)
	again := &replay{Conn: c.conn, unread: bytes.Clone(c.buf[c.start:c.end]), ended: sync.OnceFunc(c.l.under.Done)}
	given := false
	if secure, ok := c.conn.(*tls.Conn); ok {
		given = c.l.give(&secureReplay{again, secure})
	} else {
		given = c.l.give(again)
	}
	if !given {
		again.ended()
	}
	return given
}

// replay is a connection from which somebody has read before.
type replay struct {
	net.Conn
	unread []byte
	ended  func()
}

// Close implements net.Conn.
func (r *replay) Close() error {
	defer r.ended()
	return r.Conn.Close()
}

// Read implements net.Conn.
func (r *replay) Read(b []byte) (int, error) {
	if len(r.unread) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.unread)
	if r.unread = r.unread[n:]; len(r.unread) == 0 {
		r.unread = nil // or it would keep a long head in memory for as long as the connection lasts
	}
	return n, nil
}

// CloseWrite lets net/http close one side first, so that a caller whose request nobody wants still hears why.
func (r *replay) CloseWrite() error {
	if c, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// secureReplay is a replay under TLS, of which net/http tells the handler.
type secureReplay struct {
	*replay
	secure *tls.Conn
}

// ConnectionState is what net/http asks a connection that is none of crypto/tls.
func (r *secureReplay) ConnectionState() tls.ConnectionState { return r.secure.ConnectionState() }
