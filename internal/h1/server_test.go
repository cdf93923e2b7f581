package h1_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jeton-io/jeton/internal/h1"
)

// text tells all that a handler was told of a request, in one order.
func text(method, target, host string, header http.Header, body int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\n", method, target, host)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, v := range header[name] {
			fmt.Fprintf(&b, "%s: %d, %.40q\n", name, len(v), v)
		}
	}
	fmt.Fprintf(&b, "%d\n", body)
	return b.Bytes()
}

// echo answers with what it was told, by net/http.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "no body", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(text(r.Method, r.RequestURI, r.Host, r.Header, len(body)))
}

// handlerFunc is a function that answers plain requests.
type handlerFunc func(r *h1.Request, a *h1.Answer) bool

func (f handlerFunc) AnswerPlain(r *h1.Request, a *h1.Answer) bool { return f(r, a) }

// echoPlain answers as echo does.
func echoPlain(r *h1.Request, a *h1.Answer) bool {
	a.Status(http.StatusOK)
	a.Field("Content-Type", "text/plain")
	a.Body(text(r.Method, r.Target, r.Host, r.Header(), 0))
	return true
}

// server is one whose listener stands before net/http, or net/http alone.
type server struct {
	front *h1.Listener // nil for net/http alone
	http  *http.Server
	log   *logged
	over  atomic.Int64 // connections that net/http got
	ended chan error
}

// logged is a log that tests read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve begins to answer what comes by l, with plain, where that is given, before echo. The test has to end it.
func serve(l net.Listener, plain h1.Handler) *server {
	s := &server{log: new(logged), ended: make(chan error, 1)}
	s.http = &http.Server{
		Handler: http.HandlerFunc(echo), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 28 << 10, ErrorLog: log.New(io.Discard, "", 0),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.over.Add(1)
			}
		},
	}
	if plain != nil {
		s.front = h1.NewListener(l, h1.Config{
			Handler: plain, Logger: slog.New(slog.NewTextHandler(s.log, nil)),
			HeadTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, WriteTimeout: 30 * time.Second,
		})
		l = s.front
	}
	go func() { s.ended <- s.http.Serve(l) }()
	return s
}

// stop ends a server as web.Server does.
func (s *server) stop(ctx context.Context) error {
	s.http.SetKeepAlivesEnabled(false)
	var err error
	if s.front != nil {
		err = s.front.Drain(ctx)
	}
	err = errors.Join(err, s.http.Shutdown(ctx))
	if err != nil {
		_ = s.http.Close()
	}
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// loopback begins to answer at a port of loopback until the test ends, and returns its address.
func loopback(t *testing.T, plain h1.Handler) (*server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(l, plain)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

var dates = regexp.MustCompile(`Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n`)

// dateless replaces what differs from one second to the next.
func dateless(answer []byte) string { return string(dates.ReplaceAll(answer, []byte("Date: …\r\n"))) }

// tell sends bytes, says that no more will come, and returns all that was answered.
func tell(address, raw string) (string, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return "", err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil { //nolint:errcheck,forcetypeassert // it was dialled by TCP
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return dateless(answer), err
}

// pipes is a listener whose connections are in memory, so that a bubble's clock rules their deadlines, and what is written in two
// parts is read in two.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// bubble runs a test with a server whose time passes only when everybody waits. The server is stopped in the end, and whatever
// goroutine of it is left then fails the test.
func bubble(t *testing.T, plain h1.Handler, test func(t *testing.T, s *server, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		s := serve(p, plain)
		test(t, s, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.stop(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// send writes the parts of a request, each of which is read by itself, and returns all that is answered until the connection ends.
func send(conn net.Conn, parts ...string) string {
	go func() {
		for _, part := range parts {
			if _, err := io.WriteString(conn, part); err != nil {
				return // the server has had enough
			}
		}
	}()
	answer, _ := io.ReadAll(conn) // a pipe that was closed at the other end
	return dateless(answer)
}

// last is a request behind which the connection ends.
var last = strings.Replace(get("Connection: close"), "/a", "/last", 1)
