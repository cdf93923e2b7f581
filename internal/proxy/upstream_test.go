package proxy_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/test/desk"
)

// wantFault checks that a call was answered by the proxy itself, that its line in the log has the cause, and neither the caller nor the
// log sees what isn't theirs.
func (s *stand) wantFault(t *testing.T, raw string, a answer, status int) {
	t.Helper()
	code := map[int]string{502: "upstream_unreachable", 504: "upstream_timeout"}[status]
	if a.status != status || !strings.Contains(a.body, `"code":"`+code+`"`) || a.header.Get("X-Request-Id") == "" || strings.Contains(a.body, "127.0.0.1") {
		t.Errorf("%q: got %d %v %s, want %d", raw, a.status, a.header, a.body, status)
	}
	if text := s.log.String(); strings.Contains(text, "canary") || strings.Contains(text, s.token) {
		t.Errorf("the log tells too much: %s", text)
	}
	path, _, _ := strings.Cut(strings.Fields(raw)[1], "?")
	if line := s.requestLine(t, path); line["error"] == nil || line["service"] != "reports" || line["level"] != "ERROR" {
		t.Errorf("got the line %v, want the cause", line)
	}
}

// nowhere returns an address at which nobody listens, and what listens there.
func nowhere(t *testing.T) (address string, listen func() net.Listener) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	desk.Check(t, err)
	address = l.Addr().String()
	desk.Check(t, l.Close())
	return address, func() net.Listener {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		desk.Check(t, err)
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
}

// TestProxyUnreachable has nobody listen, then somebody.
func TestProxyUnreachable(t *testing.T) {
	s := open(t)
	address, listen := nowhere(t)
	s.service(t, "http://"+address)
	raw := head("POST", "/any/first?x=canary", s.bearer(), "Content-Length: 3") + "abc"
	began := time.Now()
	s.wantFault(t, raw, s.send(t, raw), http.StatusBadGateway)
	if took := time.Since(began); took < time.Second || took > 5*time.Second {
		t.Errorf("the first call failed after %s, want it to be tried for 1.5 s", took)
	}
	quick := 0
	for i := range 10 { // one of them may be the probe
		began = time.Now()
		raw := get(fmt.Sprintf("/any/later%d", i), s.bearer())
		s.wantFault(t, raw, s.send(t, raw), http.StatusBadGateway)
		if time.Since(began) < time.Second { // less than a call that is tried for takes
			quick++
		}
	}
	if quick < 9 {
		t.Errorf("%d of 10 calls failed at once, want all", quick)
	}
	if h := s.proxy.Health(); len(h) != 1 || h[0].Up || h[0].Service != "reports" || h[0].Unreachable != 11 || h[0].Late != 0 {
		t.Errorf("got %+v, want it down, and 11 calls counted", h)
	}
	upstream := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}
	l := listen()
	go func() { _ = upstream.Serve(l) }()
	defer func() { _ = upstream.Close() }()
	eventually(t, "a call that passes", func() bool { return s.send(t, get("/any/a", s.bearer())).status == http.StatusOK })
	if h := s.proxy.Health(); !h[0].Up {
		t.Errorf("got %+v, want it up", h)
	}
	downs, ups := strings.Count(s.log.String(), "can't be reached; its calls fail"), strings.Count(s.log.String(), "is reached again")
	if downs != 1 || ups != 1 {
		t.Errorf("the log tells %d times that it is down and %d times that it is up, want once each", downs, ups)
	}
}

// TestProxyRestart has the upstream be away for less than a call is tried for: none fails, whatever its method.
func TestProxyRestart(t *testing.T) {
	s := open(t)
	address, listen := nowhere(t)
	s.service(t, "http://"+address)
	var calls sync.WaitGroup
	var wrong atomic.Pointer[answer]
	for range 20 {
		calls.Go(func() {
			a := s.send(t, head("POST", "/any/a", s.bearer(), "Content-Length: 3")+"abc")
			if a.status != http.StatusOK || a.body != "abc" {
				wrong.Store(&a)
			}
		})
	}
	time.AfterFunc(200*time.Millisecond, func() {
		upstream := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}
		go func() { _ = upstream.Serve(listen()) }()
	})
	calls.Wait()
	if a := wrong.Load(); a != nil {
		t.Errorf("got %d %s, want every call to pass", a.status, a.body)
	}
}

// TestProxySilent has an upstream take the request and say nothing.
func TestProxySilent(t *testing.T) {
	s, api := behind(t, func(c *proxy.Config) { c.AnswerTimeout = time.Second })
	api.answers(func(conn net.Conn, _ string) bool { _, _ = io.Copy(io.Discard, conn); return false })
	raw := get("/any/silent?x=canary", s.bearer())
	s.wantFault(t, raw, s.send(t, raw), http.StatusGatewayTimeout)
	if text := fmt.Sprint(s.requestLine(t, "/any/silent")["error"]); !strings.Contains(text, "within 1s, see --upstream-timeout") {
		t.Errorf("got the cause %q, want how long was waited, and which setting says so", text)
	}
	if h := s.proxy.Health(); len(h) != 1 || !h[0].Up || h[0].Late != 1 || h[0].Unreachable != 0 {
		t.Errorf("got %+v, want it up, and one call counted", h)
	}
	if seen := api.seen(); len(seen) != 1 {
		t.Errorf("the API saw %d requests, want 1: it may be at work", len(seen))
	}
}

// TestProxyLost has an upstream close the connection in the place of an answer, once and for ever.
func TestProxyLost(t *testing.T) {
	for _, tc := range []struct {
		method, body  string
		times, status int // how often it closes, and what comes of it
		seen          int
	}{
		{"GET", "", 1, 200, 2},
		{"GET", "", 9, 502, 2},
		{"HEAD", "", 1, 200, 2},
		{"OPTIONS", "", 1, 200, 2},
		{"PUT", "", 1, 200, 2},
		{"DELETE", "", 1, 200, 2},
		{"PUT", "abc", 1, 502, 1},
		{"POST", "", 1, 502, 1},
		{"PATCH", "", 1, 502, 1},
	} {
		t.Run(fmt.Sprintf("%s %q %d times", tc.method, tc.body, tc.times), func(t *testing.T) {
			s, api := behind(t)
			var times atomic.Int32
			api.answers(func(conn net.Conn, _ string) bool {
				if times.Add(1) <= int32(tc.times) {
					return false
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				return true
			})
			raw := head(tc.method, "/any/lost", s.bearer()) + tc.body
			if tc.body != "" {
				raw = head(tc.method, "/any/lost", s.bearer(), fmt.Sprintf("Content-Length: %d", len(tc.body))) + tc.body
			}
			a := s.send(t, raw)
			if seen := api.seen(); a.status != tc.status || len(seen) != tc.seen {
				t.Errorf("got %d, and the API saw it %d times; want %d and %d", a.status, len(seen), tc.status, tc.seen)
			}
		})
	}
}

// TestProxyStrange has an upstream answer what is no good answer, on connections that the proxy would keep.
func TestProxyStrange(t *testing.T) {
	s, api := behind(t)
	const good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	early := strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 3)
	for name, tc := range map[string]struct {
		answer string
		status int // 0 for an answer that is cut off
		body   string
	}{
		"good":                      {good, 200, "ok"},
		"no HTTP":                   {"SSH-2.0-x\r\n\r\n", 502, ""},
		"nothing but a line":        {"HTTP/1.1 200 OK\r\n", 502, ""},
		"too long a head":           {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 502, ""},
		"a length and chunks":       {"HTTP/1.1 200 OK\r\nContent-Length: 400\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"},
		"two lengths":               {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 502, ""},
		"another encoding":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok", 502, ""},
		"less than it said":         {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", 0, ""},
		"a bad chunk":               {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", 0, ""},
		"a switch nobody asked for": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + good, 502, ""},
		"a few early answers":       {early + good, 200, "ok"},
		"a flood of them":           {strings.Repeat(early, 20) + good, 502, ""},
		"two answers":               {good + strings.Replace(good, "ok", "no", 1), 200, "ok"},
		"no length":                 {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", 200, "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			api.answers(func(conn net.Conn, _ string) bool {
				_, _ = io.WriteString(conn, tc.answer)
				return strings.HasSuffix(tc.answer, good) || strings.HasSuffix(tc.answer, "no") // or it closes
			})
			conn := s.dial(t, "127.0.0.1")
			_, err := io.WriteString(conn, head("POST", "/any/"+strings.ReplaceAll(name, " ", "-"), s.bearer(), "Content-Length: 0"))
			desk.Check(t, err)
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, nil)
			for err == nil && res.StatusCode < 200 {
				if res.StatusCode != http.StatusEarlyHints || res.Header.Get("Link") != "</a>" {
					t.Fatalf("got %s %v, want the early answers alone", res.Status, res.Header)
				}
				res, err = http.ReadResponse(in, nil)
			}
			desk.Check(t, err)
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if tc.status == 0 {
				if err == nil {
					t.Errorf("got a whole %s %q, want it cut off", res.Status, body)
				}
				return
			}
			if res.StatusCode != tc.status || tc.status == 200 && string(body) != tc.body || len(res.Header.Values("X-Request-Id")) != 1 {
				t.Errorf("got %s %v %q, want %d %q", res.Status, res.Header, body, tc.status, tc.body)
			}
		})
		// Whatever it was, the next caller gets an answer of its own.
		api.answers(func(conn net.Conn, head string) bool {
			path := strings.Fields(head)[1]
			_, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
			return err == nil
		})
		for i := range 3 {
			path := fmt.Sprintf("/any/own%d", i)
			if a := s.send(t, get(path, s.bearer())); a.status != 200 || a.body != path {
				t.Errorf("behind %s: got %d %q, want %s", name, a.status, a.body, path)
			}
		}
	}
}

// TestProxyEarlyAnswer has an upstream answer before it has the body, and take no more of it.
func TestProxyEarlyAnswer(t *testing.T) {
	s, api := behind(t)
	api.answers(func(conn net.Conn, _ string) bool {
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		return false
	})
	conn := s.dial(t, "127.0.0.1")
	began := time.Now()
	_, err := io.WriteString(conn, head("POST", "/any/early", s.bearer(), "Content-Length: 100000000")+"abc")
	desk.Check(t, err)
	in := bufio.NewReader(conn)
	if a := read(t, in, "POST"); a.status != 413 || a.body != "big" || time.Since(began) > 5*time.Second { // half of what a silent call may take
		t.Errorf("got %d %q after %s, want the API's answer at once", a.status, a.body, time.Since(began))
	}
	if _, err := io.ReadAll(in); isTimeout(err) {
		t.Errorf("got %v, want the connection closed", err)
	}
}

// TestProxyBadBody has a client send a body that is none, or go in the middle of it.
func TestProxyBadBody(t *testing.T) {
	s, api := behind(t)
	api.answers(func(conn net.Conn, _ string) bool { _, _ = io.Copy(io.Discard, conn); return false })
	raw := head("POST", "/any/bad", s.bearer(), "Transfer-Encoding: chunked") + "3\r\nabc\r\nzz\r\n"
	if a := s.send(t, raw); a.status != http.StatusBadRequest || !strings.Contains(a.body, "malformed_request") {
		t.Errorf("got %d %s, want 400", a.status, a.body)
	}
	conn := s.dial(t, "127.0.0.1")
	_, err := io.WriteString(conn, head("POST", "/any/gone", s.bearer(), "Content-Length: 10")+"abc")
	desk.Check(t, err)
	eventually(t, "the API to see it", func() bool { return strings.Contains(strings.Join(api.seen(), ""), "/any/gone") })
	desk.Check(t, conn.Close())
	for _, path := range []string{"/any/bad", "/any/gone"} {
		if line := s.requestLine(t, path); line["error"] != nil || line["level"] != "INFO" {
			t.Errorf("got the line %v, want no error: it is the client's doing", line)
		}
	}
}

// TestProxyHungUp has a client go while its call is answered: the upstream hears of it, and the log of no error.
func TestProxyHungUp(t *testing.T) {
	s := open(t)
	began, ended := make(chan bool, 1), make(chan bool, 1)
	s.service(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		began <- true
		<-r.Context().Done()
		ended <- true
	}))
	conn := s.dial(t, "127.0.0.1")
	_, err := io.WriteString(conn, get("/any/hung-up", s.bearer()))
	desk.Check(t, err)
	<-began
	desk.Check(t, conn.Close())
	<-ended
	if line := s.requestLine(t, "/any/hung-up"); line["error"] != nil || line["status"] != 499.0 || line["level"] != "INFO" {
		t.Errorf("got the line %v, want 499 and no error", line)
	}
	if h := s.proxy.Health(); h[0].Unreachable+h[0].Late != 0 {
		t.Errorf("got %+v, want nothing counted", h)
	}
}

// TestProxyLoop has a service whose upstream is the proxy itself.
func TestProxyLoop(t *testing.T) {
	s := open(t)
	s.service(t, "http://"+s.address)
	a := s.send(t, get("/any/loop", s.bearer()))
	if a.status != http.StatusBadGateway || !strings.Contains(a.body, "has passed here before") {
		t.Errorf("got %d %s, want 502", a.status, a.body)
	}
	other, api := behind(t) // another node's word in Via is no loop
	raw := get("/any/a", other.bearer(), "Via: 1.1 jeton-AAAAAAAAAAAAAAAAAAAAAAAAAA, 1.0 b")
	if a := other.send(t, raw); a.status != 200 || !strings.HasPrefix(field(api.only(t, raw), "Via"), "1.1 jeton-AAAAAAAAAAAAAAAAAAAAAAAAAA, 1.0 b,1.1 jeton-") {
		t.Errorf("got %d, want it passed on", a.status)
	}
}

// TestProxyTLS has an upstream whose certificate rests on a root of its own, that the proxy comes to know, over HTTP/2 and HTTP/1.1.
func TestProxyTLS(t *testing.T) {
	for _, protocol := range []string{"HTTP/2.0", "HTTP/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto+" "+r.Host) }))
			upstream.EnableHTTP2 = protocol == "HTTP/2.0"
			upstream.Config.ErrorLog = discardLog()
			upstream.StartTLS()
			defer upstream.Close()
			s := open(t)
			s.service(t, upstream.URL)
			raw := get("/any/tls", s.bearer())
			a := s.send(t, raw)
			s.wantFault(t, raw, a, http.StatusBadGateway)
			if !strings.Contains(a.body, "that can be trusted") {
				t.Errorf("got %s, want it to say that the API isn't trusted", a.body)
			}
			if text := fmt.Sprint(s.requestLine(t, "/any/tls")["error"]); !strings.Contains(text, "unknown authority") || !strings.Contains(text, "see --upstream-ca") {
				t.Errorf("got the cause %q, want it to name what is wrong with the certificate, and the setting", text)
			}
			roots := x509.NewCertPool()
			roots.AddCert(upstream.Certificate())
			s.proxy.Trust(roots)
			if a := s.send(t, raw); a.status != 200 || a.body != protocol+" "+host {
				t.Errorf("got %d %q, want the API by %s", a.status, a.body, protocol)
			}
		})
	}
}

// TestProxyForwardedProto has a client speak TLS to the proxy, of which the API is told.
func TestProxyForwardedProto(t *testing.T) {
	s, api := behind(t)
	front := httptest.NewUnstartedServer(s.proxy)
	front.EnableHTTP2 = true
	front.StartTLS()
	defer front.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+"/any/a", nil)
	desk.Check(t, err)
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+s.token)
	if a := do(t, front.Client(), r); a.status != 200 || field(api.only(t, "GET"), "X-Forwarded-Proto") != "https" {
		t.Errorf("got %d, want the API told of https", a.status)
	}
}

// TestProxyMoves has an administrator give the service another upstream.
func TestProxyMoves(t *testing.T) {
	s, former := behind(t)
	if a := s.send(t, get("/any/a", s.bearer())); a.status != 200 || len(former.seen()) != 1 {
		t.Fatalf("got %d", a.status)
	}
	latter := newRecorder(t)
	_, err := s.Catalog.Update(t.Context(), "reports", 0, catalog.Draft{Name: "reports", Host: host, Route: catalog.Route{Upstream: "http://" + latter.address}}, audit.Actor{})
	desk.Check(t, err)
	if a := s.send(t, get("/any/a", s.bearer())); a.status != 200 || len(former.seen()) != 0 || len(latter.seen()) != 1 {
		t.Errorf("got %d, want the call at the new upstream", a.status)
	}
}
