package web_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/h1"
	"github.com/jeton-io/jeton/internal/web"
)

// front returns what stands before net/http in the servers of the tests, where they are to have something: see TestFront.
var front = func(http.HandlerFunc) h1.Handler { return nil }

// adapted has plain requests answered by a handler of net/http, and counts them.
type adapted struct {
	handler http.HandlerFunc
	count   *atomic.Int64
}

func (a adapted) AnswerPlain(r *h1.Request, to *h1.Answer) bool {
	a.count.Add(1)
	at, err := url.ParseRequestURI(r.Target)
	if err != nil {
		return false
	}
	rec := httptest.NewRecorder()
	a.handler(rec, &http.Request{Method: r.Method, URL: at, Host: r.Host, Body: http.NoBody, Header: http.Header{}, RemoteAddr: r.Remote.String()})
	to.Status(rec.Code)
	for name, values := range rec.Header() {
		for _, v := range values {
			to.Field(name, v)
		}
	}
	to.Body(rec.Body.Bytes())
	return true
}

// TestFront holds a server that answers plain requests before net/http to all that is promised of one that doesn't.
func TestFront(t *testing.T) {
	count := new(atomic.Int64)
	former := front
	front = func(h http.HandlerFunc) h1.Handler { return adapted{h, count} }
	defer func() { front = former }()
	for _, tt := range []struct {
		name  string
		test  func(t *testing.T)
		plain bool // there are plain requests in it
	}{
		{"HeaderLimit", TestHeaderLimit, true},
		{"BodyLimit", TestBodyLimit, true},
		{"Malformed", TestMalformed, false},
		{"Slow", TestSlow, true},
		{"Dripping", TestDripping, false},
		{"Idle", TestIdle, true},
		{"Drain", TestDrain, true},
		{"Listen", TestListen, false},
		{"ServeFails", TestServeFails, false},
		{"MaxConnections", TestMaxConnections, true},
		{"TLS", TestTLS, false},
		{"HTTP2Limits", TestHTTP2Limits, false},
		{"SilentClient", TestSilentClient, false},
		{"Reload", TestReload, true},
		{"Refresh", TestRefresh, false},
	} {
		count.Store(0)
		t.Run(tt.name, tt.test)
		if got := count.Load() > 0; got != tt.plain {
			t.Errorf("%s: got plain requests: %t, want %t", tt.name, got, tt.plain)
		}
	}
}

// seenTLS answers with what the handler knows of the connection.
func seenTLS(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(w, "%s TLS %t", r.Proto, r.TLS != nil)
}

// openFront opens a server that answers plain requests before net/http, over TLS where a certificate is given.
func openFront(t *testing.T, most int, c *web.Certificate) *web.Server {
	t.Helper()
	plain := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "plain") }
	s, err := web.Listen(t.Context(), web.ServerConfig{
		Name: "gateway", Address: "127.0.0.1:0", Handler: http.HandlerFunc(seenTLS), Plain: adapted{plain, new(atomic.Int64)},
		Logger: slog.New(slog.DiscardHandler), Drain: 10 * time.Second, MaxConnections: most, TLS: c,
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	return s
}

const (
	plainRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	oddRequest   = "GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n"
)

// TestFrontOverTLS has a connection of each version and protocol answered by whoever is to: by HTTP/1.1 first by the front and then,
// with what isn't plain, by net/http, which knows of TLS as ever; by HTTP/2 by net/http alone.
func TestFrontOverTLS(t *testing.T) {
	p := certify(t, "one")
	c, _ := loadCertificate(t, p)
	s := openFront(t, 10, c)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := trusting(t, p)
		cfg.MinVersion, cfg.MaxVersion = version, version
		res, err := client(t, cfg, true).Get("https://" + s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) != "HTTP/2.0 TLS true" || err != nil {
			t.Errorf("%s, HTTP/2: got %q, %v", tls.VersionName(version), body, err)
		}
		for _, offer := range [][]string{nil, {"http/1.1"}} {
			cfg.NextProtos = offer
			conn, err := tls.Dial("tcp", s.Addr().String(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct{ request, want string }{
				{plainRequest, "plain"}, {plainRequest, "plain"}, {oddRequest, "HTTP/1.1 TLS true"}, {plainRequest, "HTTP/1.1 TLS true"},
			} {
				if status, body := ask(t, conn, step.request); status != 200 || body != step.want {
					t.Errorf("%s, offered %v: got %d %q, want %q", tls.VersionName(version), offer, status, body, step.want)
				}
			}
			_ = conn.Close()
		}
	}
}

// TestFrontStopsOverTLS stops a server with idle connections of each protocol: it is done long before its time.
func TestFrontStopsOverTLS(t *testing.T) {
	p := certify(t, "one")
	c, _ := loadCertificate(t, p)
	s := openFront(t, 10, c)
	for _, http2 := range []bool{false, true} {
		res, err := client(t, trusting(t, p), http2).Get("https://" + s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	if err := s.Shutdown(t.Context()); err != nil { // an error where the ten seconds were not enough
		t.Error(err)
	}
}

// TestFrontBound counts connections of the front and those that went over together.
func TestFrontBound(t *testing.T) {
	s := openFront(t, 2, nil)
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	if status, body := ask(t, first, plainRequest); status != 200 || body != "plain" {
		t.Fatalf("got %d %q, want it plain", status, body)
	}
	if status, body := ask(t, second, oddRequest); status != 200 || body != "HTTP/1.1 TLS false" {
		t.Fatalf("got %d %q, want it from net/http", status, body)
	}
	if _, err := io.WriteString(third, plainRequest); err != nil {
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
	_ = second.Close() // net/http's
	if status, _ := ask(t, third); status != 200 {
		t.Errorf("the same connection once there is room: got %d, want 200", status)
	}
	fourth := dial(t, s)
	_ = first.Close() // the front's
	if status, _ := ask(t, fourth, plainRequest); status != 200 {
		t.Errorf("one more once there is room: got %d, want 200", status)
	}
}
