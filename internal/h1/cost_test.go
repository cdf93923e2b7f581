package h1_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jeton-io/jeton/internal/h1"
)

// question is what nginx sends to a gateway.
var question = lines("GET /auth-request HTTP/1.1", "Host: jeton", "X-Original-URL: https://api.example.com/reports/7?page=2", "X-Original-Method: GET",
	"X-Real-IP: 203.0.113.7", "User-Agent: curl/8.5.0", "Accept: */*", "Authorization: Bearer jtp0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN", "Cookie: a=b")

// counted is a connection by which one question comes as often as is wanted, and which counts what is asked of it.
type counted struct {
	net.Conn
	left                                   int
	reads, writes, readLimits, writeLimits int
	ended                                  chan struct{}
}

func (c *counted) Read(b []byte) (int, error) {
	c.reads++
	if c.left == 0 {
		return 0, io.EOF
	}
	c.left--
	return copy(b, question), nil
}

func (c *counted) Write(b []byte) (int, error)      { c.writes++; return len(b), nil }
func (c *counted) SetWriteDeadline(time.Time) error { c.writeLimits++; return nil }
func (c *counted) Close() error                     { close(c.ended); return nil }
func (c *counted) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// SetReadDeadline doesn't count what only wakes a connection that has ended, or nearly so, when the listener stops.
func (c *counted) SetReadDeadline(at time.Time) error {
	if at.After(time.Now()) {
		c.readLimits++
	}
	return nil
}

// judge answers as a gateway does.
func judge(r *h1.Request, a *h1.Answer) bool {
	if len(r.Values("Authorization")) != 1 || len(r.Values("Cookie")) != 1 || r.Values("Origin") != nil {
		return false
	}
	a.Field("Remote-User", "alice")
	a.Field("X-Jeton-Credential-Kind", "personal_token")
	return true
}

// ask has a connection answered, until no more comes by it.
func (c *counted) ask(questions int) {
	p := newPipes()
	c.left, c.ended = questions, make(chan struct{})
	l := h1.NewListener(p, h1.Config{
		Handler: handlerFunc(judge), Logger: slog.New(slog.DiscardHandler), HeadTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, WriteTimeout: 30 * time.Second,
	})
	go func() { _ = new(http.Server).Serve(l) }()
	p.conns <- c
	<-c.ended
	_ = l.Close()
}

// TestCost counts what a request costs: one read, one write, no deadline, and one allocation for its head.
func TestCost(t *testing.T) {
	const many = 10_000
	synctest.Test(t, func(t *testing.T) { // where no second passes
		c := new(counted)
		c.ask(many)
		if c.reads != many+1 || c.writes != many || c.readLimits != 1 || c.writeLimits != 1 {
			t.Errorf("got %d reads, %d writes, %d and %d deadlines for %d requests, want %d, %d, 1 and 1", c.reads, c.writes, c.readLimits, c.writeLimits, many, many+1, many)
		}
	})
	once := testing.AllocsPerRun(5, func() { new(counted).ask(0) })
	each := (testing.AllocsPerRun(5, func() { new(counted).ask(many) }) - once) / many
	if each < 0.9 || each > 1.1 { // a date each second
		t.Errorf("got %.2f allocations for each request, want 1", each)
	}
}

// BenchmarkAnswer tells what the engine takes for a request, without the system's part of it.
func BenchmarkAnswer(b *testing.B) {
	b.ReportAllocs()
	new(counted).ask(b.N)
}
