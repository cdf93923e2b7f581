package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/web"
)

// listen opens a server on any port of loopback.
func listen(t *testing.T, maxBody int64, handler http.HandlerFunc) *web.Server {
	t.Helper()
	s, err := web.Listen(t.Context(), web.ServerConfig{
		Name: "public", Address: "127.0.0.1:0", Handler: handler, Plain: front(handler), Logger: slog.New(slog.DiscardHandler), MaxBody: maxBody, Drain: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start serves until the test ends, which checks that the server ended in peace.
func start(t *testing.T, s *web.Server) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(context.Background()), <-ended); err != nil {
			t.Error(err)
		}
	})
}

// ask sends raw bytes on a connection of their own and returns the status and body of the answer, 0 for none.
func ask(t *testing.T, conn net.Conn, raw ...string) (int, string) {
	t.Helper()
	go func() {
		for _, part := range raw {
			if _, err := io.WriteString(conn, part); err != nil {
				return // the server has had enough
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

func dial(t *testing.T, s *web.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// echo answers with how many bytes of body came, or with the problem that kept them from coming.
func echo(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err != nil && !tooLarge {
		err = api.NewProblem(api.CodeMalformedRequest, "")
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	_, _ = fmt.Fprintf(w, "%d", n)
}

// TestHeaderLimit sends headers of 32 KiB, counted to the byte, and one more.
func TestHeaderLimit(t *testing.T) {
	s := listen(t, 10, echo)
	start(t, s)
	const limit = 32 << 10
	request := func(size int) string {
		const frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
		return strings.Replace(frame, "X: ", "X: "+strings.Repeat("x", size-len(frame)), 1)
	}
	for _, tt := range []struct{ size, want int }{{limit, 200}, {limit + 1, 431}, {10 * limit, 431}} {
		if got, body := ask(t, dial(t, s), request(tt.size)); got != tt.want {
			t.Errorf("headers of %d bytes: got %d %s, want %d", tt.size, got, body, tt.want)
		}
	}
	many := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: x\r\n", limit/6) + "\r\n"
	if got, body := ask(t, dial(t, s), many); got != 431 {
		t.Errorf("many header fields: got %d %s, want 431", got, body)
	}
}

func TestBodyLimit(t *testing.T) {
	s := listen(t, 10, echo)
	start(t, s)
	const head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	tests := []struct {
		name, raw string
		want      int
		body      string
	}{
		{"10 bytes", head + "Content-Length: 10\r\n\r\n0123456789", 200, "10"},
		{"11 bytes", head + "Content-Length: 11\r\n\r\n0123456789a", 413, "body_too_large"},
		{"10 bytes in chunks", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", 200, "10"},
		{"11 bytes in chunks", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n", 413, "body_too_large"},
		{"a promise of 1 TB", head + "Content-Length: 1099511627776\r\n\r\n0123456789a", 413, "body_too_large"},
		{"none", head + "\r\n", 200, "0"},
	}
	for _, tt := range tests {
		if got, body := ask(t, dial(t, s), tt.raw); got != tt.want || !strings.Contains(body, tt.body) {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, got, body, tt.want, tt.body)
		}
	}
	none := listen(t, 0, echo)
	start(t, none)
	for raw, want := range map[string]int{head + "\r\n": 200, head + "Content-Length: 1\r\n\r\n0": 413} {
		if got, body := ask(t, dial(t, none), raw); got != want {
			t.Errorf("a listener that takes no body: got %d %s, want %d", got, body, want)
		}
	}
}

// TestAsterisk asks about the whole server, which its handler answers as any other request: a 200 of net/http's own would be an answer
// of a gateway's that nobody has given.
func TestAsterisk(t *testing.T) {
	s := listen(t, 100, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	start(t, s)
	for _, target := range []string{"*", "/"} {
		if status, _ := ask(t, dial(t, s), "OPTIONS "+target+" HTTP/1.1\r\nHost: x\r\n\r\n"); status != http.StatusForbidden {
			t.Errorf("OPTIONS %s: got %d, want 403", target, status)
		}
	}
}

// TestMalformed sends what parsers disagree about.
func TestMalformed(t *testing.T) {
	s := listen(t, 10, echo)
	start(t, s)
	const head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	tests := []struct {
		name, raw string
		want      int
	}{
		{"well formed", head + "Content-Length: 1\r\n\r\n0", 200},
		{"no host", "POST / HTTP/1.1\r\n\r\n", 400},
		{"two hosts", head + "Host: b\r\n\r\n", 400},
		{"a host with a line break", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
		{"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n01", 400},
		{"a negative length", head + "Content-Length: -1\r\n\r\n", 400},
		{"an unknown encoding", head + "Transfer-Encoding: rot13\r\n\r\n", 501},
		{"a field name with a space", head + "Remote-User : root\r\n\r\n", 400},
		{"a field without a name", head + ": root\r\n\r\n", 400},
		{"a value with NUL", head + "X: a\x00b\r\n\r\n", 400},
		{"no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400},
	}
	for _, tt := range tests {
		if got, body := ask(t, dial(t, s), tt.raw); got != tt.want || strings.Contains(body, "root") {
			t.Errorf("%s: got %d %s, want %d", tt.name, got, body, tt.want)
		}
	}
}

// pipes is a listener whose connections are in memory, so that a bubble's clock rules their deadlines.
type pipes struct {
	conns  chan net.Conn
	closed context.Context
	close  context.CancelFunc
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func dialPipe(t *testing.T, p *pipes) net.Conn {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close() })
	p.conns <- theirs
	return ours
}

// bubble runs a test with a server whose time passes only when everybody waits.
func bubble(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, s *web.Server, p *pipes)) {
	t.Helper()
	bubbleOf(t, func(t *testing.T) *web.Server { return listen(t, 1<<20, handler) }, test)
}

// bubbleOf does so with the server that open returns.
func bubbleOf(t *testing.T, open func(t *testing.T) *web.Server, test func(t *testing.T, s *web.Server, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		p := &pipes{conns: make(chan net.Conn)}
		p.closed, p.close = context.WithCancel(context.Background())
		s.ServeOn(p)
		start(t, s)
		test(t, s, p)
	})
}

// TestSlow sends requests in two parts with a pause between, as those do who want to hold every connection there is.
func TestSlow(t *testing.T) {
	tests := []struct {
		name        string
		first, rest string
		pause       time.Duration
		want        int
	}{
		{"a header within 5 s", "GET / HTTP/1.1\r\nHost: a", "\r\nConnection: close\r\n\r\n", 5*time.Second - 1, 200},
		{"a header within more", "GET / HTTP/1.1\r\nHost: a", "\r\nConnection: close\r\n\r\n", 5*time.Second + 1, 0},
		{"a body within 15 s", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n0", "1", 15*time.Second - 1, 200},
		{"a body within more", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n0", "1", 15*time.Second + 1, 400},
	}
	for _, tt := range tests {
		bubble(t, echo, func(t *testing.T, _ *web.Server, p *pipes) {
			conn := dialPipe(t, p)
			if _, err := io.WriteString(conn, tt.first); err != nil {
				t.Fatal(err)
			}
			time.Sleep(tt.pause)
			if got, body := ask(t, conn, tt.rest); got != tt.want {
				t.Errorf("%s: got %d %s, want %d", tt.name, got, body, tt.want)
			}
		})
	}
}

// TestDripping sends a byte each second and counts how long the server bears it.
func TestDripping(t *testing.T) {
	bubble(t, echo, func(t *testing.T, _ *web.Server, p *pipes) {
		conn, began := dialPipe(t, p), time.Now()
		var dripping sync.WaitGroup
		dripping.Go(func() {
			for {
				time.Sleep(time.Second)
				if _, err := io.WriteString(conn, "G"); err != nil {
					return
				}
			}
		})
		answer, err := io.ReadAll(conn)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("got %q, %v after %v, want the connection closed after 5s", answer, err, took)
		}
		dripping.Wait()
	})
}

func TestIdle(t *testing.T) {
	for _, tt := range []struct {
		pause time.Duration
		want  int
	}{{2*time.Minute - 1, 200}, {2*time.Minute + 1, 0}} {
		bubble(t, echo, func(t *testing.T, _ *web.Server, p *pipes) {
			const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
			conn := dialPipe(t, p)
			if got, body := ask(t, conn, request); got != 200 {
				t.Fatalf("got %d %s, want 200", got, body)
			}
			time.Sleep(tt.pause)
			if got, body := ask(t, conn, request); got != tt.want {
				t.Errorf("after %v: got %d %s, want %d", tt.pause, got, body, tt.want)
			}
		})
	}
}

// TestDeafCaller never reads its answer: the handler is freed after 30 s.
func TestDeafCaller(t *testing.T) {
	var freed chan error
	endless := func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 1<<20))
		freed <- err
	}
	bubble(t, endless, func(t *testing.T, _ *web.Server, p *pipes) {
		freed = make(chan error, 1) // in the bubble
		conn, began := dialPipe(t, p), time.Now()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := <-freed; err == nil || time.Since(began) != 30*time.Second {
			t.Errorf("got %v after %v, want a failed write after 30s", err, time.Since(began))
		}
	})
}

// TestDrain stops the server while a request is under way that takes a while.
func TestDrain(t *testing.T) {
	for _, tt := range []struct {
		takes time.Duration
		want  int
	}{{9 * time.Second, 200}, {11 * time.Second, 0}} {
		slow := func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(tt.takes)
			echo(w, r)
		}
		bubble(t, slow, func(t *testing.T, s *web.Server, p *pipes) {
			conn, stopped := dialPipe(t, p), make(chan error, 1)
			go func() {
				time.Sleep(time.Millisecond)
				stopped <- s.Shutdown(t.Context())
			}()
			if got, body := ask(t, conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); got != tt.want {
				t.Errorf("a request that takes %v: got %d %s, want %d", tt.takes, got, body, tt.want)
			}
			if err := <-stopped; (err != nil) != (tt.want == 0) || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a request that takes %v: got %v, want it drained: %t", tt.takes, err, tt.want != 0)
			}
			time.Sleep(5 * time.Second) // for the handler that nobody waits for
		})
	}
}

// TestStreamCut stops a server that streams while somebody follows an answer without an end: it is cut, and that is no fault.
func TestStreamCut(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	open := func(t *testing.T) *web.Server {
		s, err := web.Listen(t.Context(), web.ServerConfig{
			Name: "proxy", Address: "127.0.0.1:0", Handler: http.HandlerFunc(endless), Logger: slog.New(slog.DiscardHandler), Drain: 10 * time.Second, Streams: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	bubbleOf(t, open, func(t *testing.T, s *web.Server, p *pipes) {
		conn, stopped := dialPipe(t, p), make(chan error, 1)
		began := time.Now()
		go func() {
			time.Sleep(time.Millisecond)
			stopped <- s.Shutdown(t.Context())
		}()
		_, body := ask(t, conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if err := <-stopped; err != nil || time.Since(began) < 10*time.Second {
			t.Errorf("got %v after %s and %q, want the stream cut once the time to drain was over, and no error", err, time.Since(began), body)
		}
	})
}

func TestListen(t *testing.T) {
	s := listen(t, 1, echo)
	address := s.Addr().String()
	_, err := web.Listen(t.Context(), web.ServerConfig{Name: "admin", Address: address, Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "admin") {
		t.Errorf("got %v for an address in use, want an error that names it", err)
	}
	// A server that never served gives its port back.
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("got %v after Shutdown, want the port free", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		t.Errorf("got %v from Serve after Shutdown, want nil", err)
	}
}

// TestServeFails closes the listener under the server.
func TestServeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := listen(t, 1, echo), &pipes{conns: make(chan net.Conn)}
		p.closed, p.close = context.WithCancel(context.Background())
		s.ServeOn(p)
		go func() { time.Sleep(time.Second); p.close() }()
		if err := s.Serve(); !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "public") {
			t.Errorf("got %v, want the listener's error and name", err)
		}
	})
}

// TestMaxConnections lets as many connections in as there is room for; one more is answered when another has ended.
func TestMaxConnections(t *testing.T) {
	s, err := web.Listen(t.Context(), web.ServerConfig{
		Name: "public", Address: "127.0.0.1:0", Handler: http.NotFoundHandler(), Plain: front(http.NotFound), Logger: slog.New(slog.DiscardHandler),
		Drain: 10 * time.Second, MaxConnections: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	for _, conn := range []net.Conn{first, second} {
		if status, _ := ask(t, conn, request); status != http.StatusNotFound {
			t.Fatalf("a connection with room: got %d, want 404", status)
		}
	}
	if _, err := third.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	if err := third.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := third.Read(make([]byte, 1)); err == nil {
		t.Errorf("a connection too many: got %d bytes, want it to wait", n)
	}
	if err := third.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	if status, _ := ask(t, third); status != http.StatusNotFound {
		t.Errorf("the same connection once there is room: got %d, want 404", status)
	}
}

// TestHalfClosed takes a connection of a server with a bound on them from it, as who switches to a WebSocket does: one side of it can
// be closed, and the client still be heard.
func TestHalfClosed(t *testing.T) {
	heard := make(chan string, 1)
	s, err := web.Listen(t.Context(), web.ServerConfig{
		Name: "proxy", Address: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), Drain: 10 * time.Second, MaxConnections: 2, Streams: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, "bye")
			half, ok := conn.(interface{ CloseWrite() error })
			if !ok || half.CloseWrite() != nil {
				t.Errorf("got a %T, want one whose half can be closed", conn)
			}
			rest, _ := io.ReadAll(buffered)
			heard <- string(rest)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	conn := dial(t, s)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "bye" {
		t.Fatalf("got %q, %v, want the end of what the server says", got, err)
	}
	if _, err := io.WriteString(conn, "last words"); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if got := <-heard; got != "last words" {
		t.Errorf("the server heard %q, want what the client said after that", got)
	}
}
