package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/test/desk"
	"github.com/jeton-io/jeton/test/h2frames"
)

// TestProxyRefusals sends each call beside its twin: as nearly the same as can be, and let in. Of a refused one the API sees nothing.
func TestProxyRefusals(t *testing.T) {
	s, api := behind(t)
	s.service(t, "", func(d *catalog.Draft) { d.Name, d.Host = "nowhere", "nowhere.example.com" })
	principal := authority.Principal{User: authority.User{ID: userID(t, s, "alice")}}
	cookies, err := s.Browsers.Begin(t.Context(), &principal, [16]byte{}, audit.Actor{})
	desk.Check(t, err)
	cookie := "Cookie: " + desk.APICookie + "=" + cookies.API.Reveal()
	socket := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}
	handshake := func(fields ...string) string { return get("/any/a", append(fields, socket...)...) }
	ok := get("/any/a", s.bearer())
	for _, tc := range []struct {
		name, refused, twin string
		status              int
		reason              string // of the audit log; empty for what isn't judged
		told                string // the code
	}{
		{"no credential", get("/any/a"), ok, 401, "no_credential", "not_authenticated"},
		{"one byte more", get("/any/a", s.bearer()+"x"), ok, 401, "bad_checksum", "not_authenticated"},
		{"two credentials", get("/any/a", s.bearer(), s.bearer()), ok, 400, "two_credentials", "two_credentials"},
		{"no operation", get("/anz/a", s.bearer()), ok, 403, "no_operation", "not_allowed"},
		{"not in the audience", head("POST", "/secret/7", s.bearer()), head("POST", "/any/7", s.bearer()), 403, "not_in_audience", "not_allowed"},
		{"another method", head("DELETE", "/reports/7", s.bearer()), head("HEAD", "/reports/7", s.bearer()), 403, "no_operation", "not_allowed"},
		{"another host", strings.Replace(ok, host, "api.example.con", 1), ok, 403, "unknown_service", "not_allowed"},
		{"a cookie's write", head("POST", "/any/a", cookie, "Sec-Fetch-Site: same-site"), head("POST", "/any/a", cookie, "Sec-Fetch-Site: same-origin"), 403, "cross_origin", "not_allowed"},
		{"a cookie's WebSocket", handshake(cookie, "Origin: http://api.example.con"), handshake(cookie, "Origin: http://"+host), 403, "cross_origin", "not_allowed"},
		{"a cookie's WebSocket of a same site", handshake(cookie, "Sec-Fetch-Site: same-site"), get("/any/a", cookie, "Sec-Fetch-Site: same-site"), 403, "cross_origin", "not_allowed"},
		{"a cookie's WebSocket without an origin", handshake(cookie), handshake(s.bearer()), 403, "cross_origin", "not_allowed"},
		{"a password's WebSocket from elsewhere", handshake(basicRoot(), "Origin: http://api.example.con"), handshake(s.bearer(), "Origin: http://api.example.con"), 403, "cross_origin", "not_allowed"},
		{"OPTIONS *", head("OPTIONS", "*", s.bearer()), head("OPTIONS", "/any/*", s.bearer()), 403, "ambiguous_path", "not_allowed"},
		{"TRACE", head("TRACE", "/any/a", s.bearer()), head("TRACK", "/any/a", s.bearer()), 405, "", "method_not_allowed"},
		{"CONNECT", head("CONNECT", host+":80", s.bearer()), ok, 405, "", "method_not_allowed"},
		{"CONNECT of a path", head("CONNECT", "/any/a", s.bearer()), ok, 405, "", "method_not_allowed"},
		{"a small method", head("get", "/any/a", s.bearer()), ok, 400, "", "malformed_request"},
		{"no upstream", strings.Replace(ok, host, "nowhere.example.com", 1), ok, 404, "", "not_found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if a := s.send(t, tc.twin); a.status != http.StatusOK || len(api.seen()) != 1 || len(s.refused()) != 0 {
				t.Errorf("twin: got %d %s, want it to pass", a.status, a.body)
			}
			a := s.send(t, tc.refused)
			if a.status != tc.status || !strings.Contains(a.body, `"code":"`+tc.told+`"`) || a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %d %v %s, want %d and the problem %s", a.status, a.header, a.body, tc.status, tc.told)
			}
			if seen := api.seen(); len(seen) > 0 {
				t.Errorf("the API saw %q", seen)
			}
			events := s.refused()
			if tc.reason == "" {
				if len(events) > 0 {
					t.Errorf("got the refusals %+v, want none: it wasn't judged", events)
				}
				return
			}
			if len(events) != 1 || events[0].Reason != tc.reason || events[0].Door != "proxy" {
				t.Errorf("got the refusals %+v, want one at the proxy with reason %q", events, tc.reason)
			}
			if challenged := a.header.Get("Www-Authenticate") != ""; challenged != (tc.status == 401) {
				t.Errorf("got the challenge %q of a %d", a.header.Get("Www-Authenticate"), tc.status)
			}
		})
	}
	if a := s.send(t, head("TRACE", "/any/a")); a.header.Get("Allow") == "" {
		t.Error("a 405 has no Allow")
	}
}

// basicRoot are root's name and password.
func basicRoot() string { return "Authorization: Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl" }

// userID returns the ID of a user.
func userID(t *testing.T, s *stand, name string) [16]byte {
	t.Helper()
	id, err := s.Accounts.UserID(t.Context(), name)
	desk.Check(t, err)
	return id
}

// TestProxyRefusedBody has a refused caller wait with its body, send a part of it, or all of it with a second request behind: it hears
// the refusal before the 2 s are over for which the server would wait for a body, its connection ends, and nothing of that is a
// request.
func TestProxyRefusedBody(t *testing.T) {
	s, api := behind(t)
	smuggled := get("/any/smuggled", s.bearer())
	for name, raw := range map[string]string{
		"nothing of it":         head("POST", "/any/a", "Content-Length: 100000"),
		"a part":                head("POST", "/any/a", "Content-Length: 100000") + "abc",
		"a chunk":               head("POST", "/any/a", "Transfer-Encoding: chunked") + "3\r\nabc\r\n",
		"all, and another call": head("POST", "/any/a", "Content-Length: 3") + "abc" + smuggled,
		"chunks, and another":   head("POST", "/any/a", "Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n" + smuggled,
		"announced":             head("POST", "/any/a", "Content-Length: 3", "Expect: 100-continue") + smuggled,
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t, "127.0.0.1")
			began := time.Now()
			_, err := io.WriteString(conn, raw)
			desk.Check(t, err)
			in := bufio.NewReader(conn)
			if a := read(t, in, raw); a.status != http.StatusUnauthorized || time.Since(began) >= 2*time.Second {
				t.Errorf("got %d after %s, want 401 at once", a.status, time.Since(began))
			}
			if rest, err := io.ReadAll(in); len(rest) > 0 || isTimeout(err) {
				t.Errorf("got %q, %v, want the connection closed", rest, err)
			}
			if seen := api.seen(); len(seen) > 0 {
				t.Errorf("the API saw %q", seen)
			}
		})
	}
	// The twin: admitted, the body is called for, and arrives.
	conn := s.dial(t, "127.0.0.1")
	_, err := io.WriteString(conn, head("POST", "/any/a", s.bearer(), "Content-Length: 3", "Expect: 100-continue"))
	desk.Check(t, err)
	in := bufio.NewReader(conn)
	api.answers(func(upstream net.Conn, head string) bool {
		_, _ = io.WriteString(upstream, "HTTP/1.1 100 Continue\r\n\r\n")
		body := make([]byte, 3)
		_, err := io.ReadFull(upstream, body)
		_, _ = io.WriteString(upstream, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"+string(body))
		return err == nil
	})
	if a := read(t, in, "POST"); a.status != http.StatusContinue {
		t.Fatalf("got %d, want 100", a.status)
	}
	if seen := api.only(t, "POST"); field(seen, "Expect") != "100-continue" {
		t.Errorf("the API got %q, want to be asked", seen)
	}
	_, err = io.WriteString(conn, "abc")
	desk.Check(t, err)
	if a := read(t, in, "POST"); a.status != http.StatusOK || a.body != "abc" {
		t.Errorf("got %d %q, want the body to have arrived", a.status, a.body)
	}
}

func isTimeout(err error) bool {
	late, ok := err.(net.Error) //nolint:errorlint // of a connection, as it is
	return ok && late.Timeout()
}

// TestProxySlowHead sends a head and never ends it.
func TestProxySlowHead(t *testing.T) {
	s, _ := behind(t)
	conn := s.dial(t, "127.0.0.1")
	began := time.Now()
	_, err := io.WriteString(conn, "GET /any/a HTTP/1.1\r\nHost: "+host)
	desk.Check(t, err)
	if _, err := io.ReadAll(conn); isTimeout(err) || time.Since(began) < 4*time.Second || time.Since(began) > 15*time.Second {
		t.Errorf("got %v after %s, want the connection closed after 5 s", err, time.Since(began))
	}
}

// TestProxyNoUpstream has a call that may pass and has nowhere to go: its caller hears who can mend that, and the log says how.
func TestProxyNoUpstream(t *testing.T) {
	s := open(t)
	s.service(t, "")
	a := s.send(t, get("/any/nowhere", s.bearer()))
	if a.status != http.StatusNotFound || !strings.Contains(a.body, "Tell whoever runs the API") {
		t.Errorf("got %d %s, want 404 and whom to tell", a.status, a.body)
	}
	line := s.requestLine(t, "/any/nowhere")
	if text, _ := line["error"].(string); line["level"] != "ERROR" || !strings.Contains(text, "jeton service update") {
		t.Errorf("got the line %v, want what to do", line)
	}
}

// TestProxyRefusedStream refuses a call whose body has not come, on a connection of HTTP/2 that a proxy before this one might have for
// many callers. The next call on it passes.
func TestProxyRefusedStream(t *testing.T) {
	s, api := behind(t)
	conn, err := h2frames.Open(s.dial(t, "127.0.0.1"))
	desk.Check(t, err)
	status, err := conn.Ask(h2frames.Call{Fields: []string{":method", "POST", ":scheme", "http", ":authority", host, ":path", "/any/a"}, Unended: true})
	desk.Check(t, err)
	if status != "401" || conn.GivenUp() {
		t.Fatalf("got %q for nobody's call, and the connection was given up for it: %t; want 401 alone", status, conn.GivenUp())
	}
	status, err = conn.Ask(h2frames.Good{Scheme: "http", Host: host, Path: "/any/a", Token: s.token}.Call())
	desk.Check(t, err)
	if status != "200" {
		t.Errorf("got %q, want the other caller's call to pass", status)
	}
	if seen, refused := api.seen(), s.refused(); len(seen) != 1 || len(refused) != 1 || refused[0].Reason != "no_credential" {
		t.Errorf("the API saw %q, and got the refusals %+v", seen, refused)
	}
}
