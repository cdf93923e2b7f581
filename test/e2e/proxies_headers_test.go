package e2e_test

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/web"
)

// identity are the header fields by which the API learns whose a call is.
func identity() []string {
	return []string{
		"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups",
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
		"X-Jeton-User-Id", "X-Jeton-Credential-Kind", "X-Jeton-Credential-Id", "X-Jeton-Service", "X-Jeton-Status",
	}
}

func (s *stack) testIdentity(t *testing.T) {
	alice, _, err := s.admin.User(t.Context(), "alice")
	must(t, err)
	want := []string{
		"alice", "Zo%C3%AB 100%25", "alice@example.com", "auditor,partner",
		"alice", "alice@example.com", "auditor,partner", "alice",
		alice.ID, "personal_token", alice.ID, "reports", "",
	}
	raw := get("/reports/7?x=1", s.bearer("alice"))
	seen := s.wantPassed(t, raw, s.send(t, raw))
	for i, name := range identity() {
		if got := field(seen, name); got != want[i] {
			t.Errorf("the API got %s %q, want %q", name, got, want[i])
		}
	}
	if !strings.HasPrefix(seen, "GET /reports/7?x=1 HTTP/1.1\r\n") {
		t.Errorf("the API saw %q, want the call as it was", seen)
	}
	raw = get("/reports/7", s.bearer("bob"))
	for _, name := range identity()[1:3] { // bob has no name and no e-mail
		if seen := s.wantPassed(t, raw, s.send(t, raw)); strings.Contains(strings.ToLower(seen), strings.ToLower(name)) {
			t.Errorf("the API got a %s of bob: %q", name, seen)
		}
	}
}

// spellings are ways to write a header's name that some server, somewhere, takes for that name.
func spellings(name string) []string {
	swapped := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r | 0x20
	}, name)
	first := strings.Replace(name, "-", "_", 1)
	all := []string{
		name, strings.ToLower(name), strings.ToUpper(name), swapped, first, strings.ReplaceAll(name, "-", " "),
		name + " ", name + "\t", " " + name, name + "\x00", name + "\r", "HTTP_" + strings.ReplaceAll(strings.ToUpper(name), "-", "_"),
		strings.ReplaceAll(name, "-", "\xe2\x80\x90"), name + "\xc2\xa0",
	}
	for mark := range strings.SplitSeq("!#$%&'*+.^_`|~", "") { // all that a name may hold (RFC 9110, section 5.6.2)
		all = append(all, strings.ReplaceAll(name, "-", mark))
	}
	return all
}

// spoiled reports whether the fields before a credential keep it from Jeton: one that begins with a space is the second
// line of the one before, as it once could be (RFC 9112, section 5.2), and what Connection names goes no further than
// Caddy. Then nobody is let in.
func (s *stack) spoiled(fields []string) bool {
	return slices.ContainsFunc(fields, func(f string) bool {
		return strings.HasPrefix(f, " ") || s.via.name == "Caddy" && f == "Connection: Authorization"
	})
}

// testForgedIdentity writes each identity header in every spelling, once and twice, before and behind the credential,
// and looks at the raw bytes that the API got.
func (s *stack) testForgedIdentity(t *testing.T) {
	const forged = "forged-by-the-client"
	sent, refused := 0, 0
	try := func(fields ...string) {
		raw := get("/reports/7", fields...)
		a := s.send(t, raw)
		sent++
		if a.status == http.StatusBadRequest || s.spoiled(fields) && a.status == http.StatusUnauthorized { // it is no header, or none of its own
			refused++
			s.wantRefused(t, raw, a, a.status)
			return
		}
		seen := s.wantPassed(t, raw, a)
		if strings.Contains(seen, forged) {
			t.Errorf("%q: the API got %q", raw, seen)
		}
		if got := field(seen, "Remote-User"); got != "bob" {
			t.Errorf("%q: the API got Remote-User %q, want bob", raw, got)
		}
	}
	for _, name := range identity() {
		for _, spelling := range spellings(name) {
			field := spelling + ": " + forged
			try(field, s.bearer("bob"))
			try(s.bearer("bob"), field, field)
		}
		try(name+": "+forged, "Connection: "+name, s.bearer("bob"))
		try(name+": x,\r\n\t"+forged, s.bearer("bob"))
	}
	for _, connection := range []string{"Remote-User", "close, remote-user, X-Jeton-User-Id", "Authorization", "X-Original-URL, X-Real-IP, X-Original-Method"} {
		try("Connection: "+connection, "Remote-User: "+forged, s.bearer("bob"))
		try("Proxy-Connection: "+connection, "Keep-Alive: x", "TE: trailers", "Remote-User: "+forged, s.bearer("bob"))
	}
	t.Logf("%d requests with forged identity headers, %d of them refused; none arrived", sent, refused)
}

// testForgedOrigin has a client say where it came from and which call it makes. Neither the API nor the audit log may
// believe it. It comes from an address that Jeton's own proxy doesn't take for another proxy's.
func (s *stack) testForgedOrigin(t *testing.T) {
	const forged = "203.0.113.99"
	fields := []string{
		"X-Real-IP: " + forged, "X-Forwarded-For: " + forged, "X-Forwarded-For: " + forged, "Forwarded: for=" + forged,
		"X-Forwarded-Host: " + forged, "X-Forwarded-Proto: " + forged, "X-Forwarded-Port: " + forged, "X-Forwarded-Prefix: /" + forged,
		"X-Forwarded-Uri: /" + forged, "X-Forwarded-Method: " + forged, "X-Forwarded-Server: " + forged, "X-Original-URL: http://" + forged + "/",
		"X-Original-URI: /" + forged, "X-Original-Method: " + forged, "X-Original-Host: " + forged, "X-Rewrite-URL: /" + forged,
		"X-HTTP-Method-Override: " + forged, "X-HTTP-Method: " + forged, "X-Method-Override: " + forged,
	}
	all := slices.Clone(fields)
	for _, name := range web.Withheld() {
		if name != "authorization" && name != "cookie" {
			all = append(all, name+": "+forged)
		}
	}
	raw := get("/reports/7", append(all, s.bearer("alice"))...)
	seen := s.wantPassed(t, raw, s.sendFrom(t, "127.0.0.3", raw))
	if strings.Contains(seen, forged) {
		t.Errorf("the API got %q", seen)
	}
	for name, want := range map[string]string{"X-Real-IP": "127.0.0.3", "X-Forwarded-For": "127.0.0.3", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "api.example.com"} {
		if got := field(seen, name); got != want {
			t.Errorf("the API got %s %q, want %q", name, got, want)
		}
	}
	// An operation that alice may call doesn't open one that she may not, whatever she says the call is.
	for _, forged := range []string{"X-Original-URL: http://api.example.com/reports/7", "X-Original-URI: /reports/7", "X-Forwarded-Uri: /reports/7", "X-Rewrite-URL: /reports/7"} {
		raw := get("/invoices/7", forged, s.bearer("alice"))
		s.wantRefused(t, raw, s.send(t, raw), 403)
	}
	raw = head("DELETE", "/reports/7", "X-Original-Method: GET", "X-HTTP-Method-Override: GET", s.bearer("alice"))
	s.wantRefused(t, raw, s.send(t, raw), 403)
	// The audit log has the address at the other end of the connection.
	raw = get("/invoices/8", append(fields[:4:4], s.bearer("eve"))...)
	s.wantRefused(t, raw, exchange(t, "127.0.0.3", s.via.address, raw+"\r\n"), 403)
	for e, err := range s.admin.Events(t.Context(), eventsOf("eve")) {
		must(t, err)
		if e.Actor.Address == forged {
			t.Errorf("the audit log believes the forged address: %+v", e)
		}
	}
	raw = get("/reports/7", append(fields[:4:4], "Authorization: Bearer nonsense")...)
	s.wantRefused(t, raw, exchange(t, "127.0.0.3", s.via.address, raw+"\r\n"), 401)
	if _, address := s.refusals(t, "unrecognized"); address != "127.0.0.3" {
		t.Errorf("the audit log has address %q, want 127.0.0.3", address)
	}
}

// testAskedDirectly asks the gateway itself, from an address that is no trusted proxy's and, as the twin, from one that is.
func (s *stack) testAskedDirectly(t *testing.T) {
	question := "GET /auth-request HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Original-URL: http://api.example.com/reports/7\r\n" +
		"X-Original-Method: GET\r\nX-Real-IP: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\n" + s.bearer("alice") + "\r\n\r\n"
	before, _ := s.refusals(t, "untrusted_peer")
	a := exchange(t, "127.0.0.2", gatewayListener, question)
	if a.status != http.StatusForbidden || a.header.Get("Remote-User") != "" || a.header.Get("X-Jeton-User-Id") != "" {
		t.Errorf("from an untrusted peer: got %d, %v, want 403 and nobody", a.status, a.header)
	}
	if after, address := s.refusals(t, "untrusted_peer"); after != before+1 || address != "127.0.0.2" {
		t.Errorf("the audit log tells of %d from %s, want 1 from 127.0.0.2", after-before, address)
	}
	if a := exchange(t, "127.0.0.1", gatewayListener, question); a.status != 200 || a.header.Get("Remote-User") != "alice" {
		t.Errorf("from the trusted proxy: got %d, %v, want 200 and alice", a.status, a.header)
	}
}

// testCredentialsStay looks for credentials in what the API got, wherever a client put them beside the one that counts.
func (s *stack) testCredentialsStay(t *testing.T) {
	const target, cookie = "/reports/7?XST=" + queryCanary, "Cookie: jeton_api=" + cookieCanary + "; jeton=" + cookieCanary
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+userPassword))
	s.secrets = append(s.secrets, basic[len("Authorization: Basic "):])
	for _, credential := range []string{s.bearer("alice"), basic} {
		raw := get(target, credential, cookie, "Proxy-"+basic)
		if s.via.cmd != nil { // Jeton's own proxy takes out its own cookies alone, of which this is none where there is no TLS
			raw += "Cookie: __Host-jeton=" + cookieCanary + "\r\n"
		}
		seen := s.wantPassed(t, raw, s.send(t, raw))
		for _, secret := range append(s.secrets, "Authorization", "Cookie") {
			if secret != queryCanary && strings.Contains(strings.ToLower(seen), strings.ToLower(secret)) {
				t.Errorf("the API got %.12q… in %q", secret, seen)
			}
		}
	}
	// The same where the call is refused, and where Jeton's answer is an error: for the search of the logs.
	for _, field := range []string{basic + "AA", cookie} {
		raw := get(target, field)
		s.wantRefused(t, raw, s.send(t, raw), 401)
	}
	broken := get("/reports/%zz?XST="+queryCanary, s.bearer("alice"))
	s.wantRefused(t, broken, s.send(t, broken), 400, 403) // by the proxy, or by Jeton
	unreadable := get("/reports/ x?XST="+queryCanary, s.bearer("alice"), cookie)
	s.wantRefused(t, unreadable, s.send(t, unreadable), 400)
	s.testPasted(t)
}

// testPasted puts tokens into paths, where nobody who logs the path may tell of them, nor of the part of a signed one that
// can't be guessed.
func (s *stack) testPasted(t *testing.T) {
	opaque := strings.TrimPrefix(s.bearer("alice"), "Authorization: Bearer ")
	_, signed := s.apiToken(t, "Pasted behind "+s.via.name, "alice")
	s.secrets = append(s.secrets, signed[strings.LastIndexByte(signed, '.')+1:])
	for _, path := range []string{
		"/reports/" + opaque, "/reports/" + signed, "/any/" + opaque + "/" + opaque, "/any/" + signed + "/" + signed,
		"/any/" + opaque + "/" + signed + "/x", "/any/" + signed + "/" + opaque + "/x",
	} {
		pasted := get(path, s.bearer("alice"))
		s.wantPassed(t, pasted, s.send(t, pasted))
		pasted = get("/invoices"+path, s.bearer("alice"))
		s.wantRefused(t, pasted, s.send(t, pasted), 403)
	}
}

// testBodies sends bodies, which Jeton never sees: admitted they arrive, refused they don't.
func (s *stack) testBodies(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 60_000) // less than nginx's usual limit, and more than it keeps in memory
	for framing, sent := range map[string]string{
		fmt.Sprintf("Content-Length: %d", len(body)): body,
		"Transfer-Encoding: chunked":                 fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		raw := head("POST", "/uploads", framing, s.bearer("alice"))
		seen := s.wantPassed(t, raw, s.send(t, raw+"\r\n"+sent))
		if field(seen, bodyLength) != fmt.Sprint(len(body)) || field(seen, "Remote-User") != "alice" || strings.Contains(seen, "forged") {
			t.Errorf("%s: the API saw %q, want a body of %d bytes from alice", framing, seen, len(body))
		}
		raw = head("POST", "/uploads", framing, s.bearer("eve"))
		s.wantRefused(t, raw, s.send(t, raw+"\r\n"+sent), 403)
	}
	s.testTrailers(t, body)
	s.testFraming(t)
	s.testInterim(t)
}

// testTrailers says who calls behind the body, where some servers take it for a part of the head. HAProxy can drop nothing there, and
// refuses the call.
func (s *stack) testTrailers(t *testing.T, long string) {
	for _, body := range []string{"hello", long, ""} {
		for _, trailer := range []string{"Remote-User: forged\r\n", "X-Jeton-User-Id: forged\r\nAuthorization: forged\r\n"} {
			sent := fmt.Sprintf("%x\r\n%s\r\n0\r\n%s\r\n", len(body), body, trailer)
			if body == "" {
				sent = sent[len("0\r\n\r\n"):]
			}
			for _, announced := range [][]string{{"Trailer: Remote-User", "TE: trailers"}, nil} {
				raw := head("POST", "/uploads", append(announced, "Transfer-Encoding: chunked", s.bearer("alice"))...)
				a := s.send(t, raw+"\r\n"+sent)
				if s.via.name == "HAProxy" {
					s.wantRefused(t, raw+trailer, a, 400)
				} else if seen := s.wantPassed(t, raw+trailer, a); strings.Contains(seen, "forged") || field(seen, "Remote-User") != "alice" || field(seen, bodyLength) != fmt.Sprint(len(body)) {
					t.Errorf("%q: the API saw %q, want a body of %d bytes from alice, and nothing behind it", raw, seen, len(body))
				}
			}
		}
	}
}

// testFraming sends requests of which two readers could find two ends (RFC 9112, section 6.3), and has another request stand there,
// which may not come to the API: nobody has leave for it.
func (s *stack) testFraming(t *testing.T) {
	const second = "GET /invoices/7 HTTP/1.1\r\nHost: api.example.com\r\n\r\n"
	chunked, length := "Transfer-Encoding: chunked", func(n int) string { return fmt.Sprintf("Content-Length: %d", n) }
	for _, tc := range []struct {
		fields []string
		body   string
	}{
		{[]string{length(4), chunked}, "0\r\n\r\n" + second},
		{[]string{chunked, length(4)}, "0\r\n\r\n" + second},
		{[]string{length(5 + len(second)), chunked}, "0\r\n\r\n" + second},
		{[]string{length(0), length(len(second))}, second},
		{[]string{length(len(second)), length(0)}, second},
		{[]string{fmt.Sprintf("Content-Length: 0, %d", len(second))}, second},
		{[]string{fmt.Sprintf("Content-Length: +%d", len(second))}, second},
		{[]string{"Content-Length: 0x5"}, "hello" + second},
		{[]string{"Content-Length: -1"}, second},
		{[]string{"Content-Length: 0 5"}, "hello" + second},
		{[]string{"Content-Length:"}, second},
		{[]string{"Content-Length : 0"}, second},
		{[]string{"Content_Length: " + fmt.Sprint(len(second))}, second},
		{[]string{"Transfer-Encoding : chunked"}, "0\r\n\r\n" + second},
		{[]string{"Transfer_Encoding: chunked", length(0)}, second},
		{[]string{"Transfer-Encoding: xchunked"}, "0\r\n\r\n" + second},
		{[]string{"Transfer-Encoding: chunked, identity"}, "0\r\n\r\n" + second},
		{[]string{"Transfer-Encoding: identity, chunked"}, "0\r\n\r\n" + second},
		{[]string{"Transfer-Encoding: identity", length(0)}, second},
		{[]string{chunked, chunked}, "0\r\n\r\n" + second},
		{[]string{chunked, "Transfer-Encoding: identity"}, "0\r\n\r\n" + second},
		{[]string{"Transfer-Encoding: \x0bchunked"}, "0\r\n\r\n" + second},
		{[]string{"X: y\r\n Transfer-Encoding: chunked", length(0)}, second},
		{[]string{"X: y\nTransfer-Encoding: chunked", length(4)}, "0\r\n\r\n" + second},
		{[]string{"X: y\rTransfer-Encoding: chunked", length(4)}, "0\r\n\r\n" + second},
		{[]string{chunked}, "0x0\r\n\r\n" + second},
		{[]string{chunked}, "5;\n\r\nhello\r\n0\r\n\r\n" + second},
		{[]string{chunked}, "5\r\nhelloXX0\r\n\r\n" + second},
		{[]string{chunked}, "10000000000000005\r\nhello\r\n0\r\n\r\n" + second},
		{[]string{chunked}, "-5\r\nhello\r\n0\r\n\r\n" + second},
		{[]string{chunked}, " 5\r\nhello\r\n0\r\n\r\n" + second},
		{[]string{chunked}, "5;a=\"\r\nhello\r\n0\r\n\r\n" + second},
		{[]string{"Expect: 100-continue", length(0)}, second},
		{[]string{"Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", length(0)}, second},
		{[]string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", length(0)}, second},
	} {
		raw := strings.Replace(head("POST", "/uploads", append(tc.fields, s.bearer("alice"))...), "Connection: close\r\n", "", 1)
		answers := conversation(t, s.via.address, raw+"\r\n"+tc.body)
		for _, head := range s.api.seen() {
			s.passed++
			if !strings.HasPrefix(head, "POST /uploads ") || field(head, "Remote-User") != "alice" || strings.Contains(head, "HTTP/1.1\r\nHost: api.example.com\r\n\r\n") {
				t.Errorf("%q %q: the API saw %q", tc.fields, tc.body, head)
			}
		}
		if answers == "" {
			t.Errorf("%q %q: got no answer", tc.fields, tc.body)
		}
	}
}

// testInterim has the API say something before its answer, and a second call behind the first, for which nobody has leave: it may not
// come to the API, whatever the proxy makes of the first one. Nor may it behind the first bytes of HTTP/2.
func (s *stack) testInterim(t *testing.T) {
	const second = "GET /invoices/7 HTTP/1.1\r\nHost: api.example.com\r\n\r\n"
	for path := range interims {
		for _, fields := range [][]string{
			nil,
			{"Expect: 100-continue"},
			{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="},
			{"Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"},
		} {
			raw := strings.Replace(get(path, append(fields, s.bearer("alice"))...), "Connection: close\r\n", "", 1)
			conversation(t, s.via.address, raw+"\r\n"+second)
			seen := s.api.seen()
			s.passed += len(seen)
			if upgraded := field(strings.Join(seen, ""), "Upgrade"); upgraded != "" && s.via.cmd != nil {
				t.Errorf("%s %q: the API saw that the client wants %s, want nothing of that", path, fields, upgraded)
			}
			if path == "/any/switching" && len(fields) > 1 && slices.Contains([]string{"nginx", "Jeton"}, s.via.name) {
				continue // they do what client and API have both said, though nginx has told the API nothing of the client's wish
			}
			if len(seen) > 1 || len(seen) == 1 && !strings.HasPrefix(seen[0], "GET "+path+" ") {
				t.Errorf("%s %q: the API saw %q, want one call", path, fields, seen)
			}
		}
	}
	conversation(t, s.via.address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+second)
	if seen := s.api.seen(); len(seen) > 0 {
		t.Errorf("behind the first bytes of HTTP/2: the API saw %q, want nothing", seen)
	}
}

// mixUpRequests is how many requests two users send by turns on one connection.
const mixUpRequests = 100_000

// testNoMixUp has two users call by turns on one connection, by each proxy, as many proxies at once as there are processors: one
// connection keeps but one of them busy.
func (s *stack) testNoMixUp(t *testing.T) {
	var passed atomic.Int64
	t.Run("all", func(t *testing.T) {
		for _, p := range s.proxies {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				passed.Add(s.alternate(t, p.address, func(i int, user string) string {
					return fmt.Sprintf("GET /reports/%d HTTP/1.1\r\nHost: api.example.com\r\n%s\r\n\r\n", i, s.bearer(user))
				}, func(i int, user string, res *http.Response, body string) bool {
					return res.StatusCode == http.StatusOK && body == fmt.Sprintf("/reports/%d %s", i, user)
				}))
			})
		}
		t.Run("the gateway", func(t *testing.T) {
			t.Parallel()
			s.testNoMixUpAtGateway(t)
		})
	})
	s.passed += int(passed.Load())
	s.api.seen()
}

func (s *stack) testNoMixUpAtGateway(t *testing.T) {
	s.alternate(t, gatewayListener, func(i int, user string) string {
		return fmt.Sprintf("GET /auth-request HTTP/1.1\r\nHost: jeton\r\nX-Original-URL: http://api.example.com/reports/%d\r\n"+
			"X-Original-Method: GET\r\nX-Real-IP: 127.0.0.1\r\n%s\r\n\r\n", i, s.bearer(user))
	}, func(_ int, user string, res *http.Response, _ string) bool {
		return res.StatusCode == http.StatusOK && res.Header.Get("Remote-User") == user && res.Header.Get("X-Auth-Request-User") == user
	})
}

// alternate sends requests of alice and bob by turns on one connection, without waiting for answers, and counts those
// that are right. A wrong one is a mix-up, and fails the test.
func (s *stack) alternate(t *testing.T, to string, request func(i int, user string) string, right func(int, string, *http.Response, string) bool) int64 {
	t.Helper()
	conn, err := net.Dial("tcp", to)
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(8*time.Minute)))
	users := [2]string{"alice", "bob"}
	began := time.Now()
	go func() {
		out := bufio.NewWriter(conn)
		for i := range mixUpRequests {
			_, _ = io.WriteString(out, request(i, users[i%2]))
		}
		_ = out.Flush()
	}()
	in, ok := bufio.NewReader(conn), 0
	for i := range mixUpRequests {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		body, err := io.ReadAll(res.Body)
		must(t, errors.Join(err, res.Body.Close()))
		if right(i, users[i%2], res, string(body)) {
			ok++
		} else if i-ok < 5 {
			t.Errorf("answer %d, of %s: got %s, %v, %q", i, users[i%2], res.Status, res.Header, body)
		}
	}
	took := time.Since(began)
	t.Logf("%d of %d answers right, in %s: %.0f/s", ok, mixUpRequests, took.Round(time.Millisecond), float64(ok)/took.Seconds())
	return int64(ok)
}

// testSessions calls the API by the cookie of a browser that is logged in. A write is refused where the browser says that
// a page of another origin wanted it, or says nothing; what a browser doesn't send by itself isn't asked for an origin.
func (s *stack) testSessions(t *testing.T) {
	alice := s.loggedIn(t, "alice")
	cookie := "Cookie: theme=dark; jeton_api=" + alice.cookies[apiCookie]
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+userPassword))
	for _, tc := range []struct {
		method, credential string
		fields             []string
		status             int
	}{
		{"GET", cookie, nil, 200},
		{"GET", cookie, []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 200},
		{"HEAD", cookie, []string{"Sec-Fetch-Site: cross-site"}, 200},
		{"OPTIONS", cookie, []string{"Sec-Fetch-Site: cross-site"}, 200},

		{"POST", cookie, []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"POST", cookie, []string{"Sec-Fetch-Site: none"}, 200},
		{"POST", cookie, []string{"Sec-Fetch-Site: same-site"}, 403},
		{"POST", cookie, []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"POST", cookie, []string{"Sec-Fetch-Site: cross-site", "Origin: http://api.example.com"}, 403},
		{"POST", cookie, []string{"Sec-Fetch-Site: Same-Origin"}, 403},
		{"POST", cookie, []string{"Sec-Fetch-Site: none, same-origin"}, 403},
		{"POST", cookie, []string{"Origin: http://api.example.com"}, 200},
		{"POST", cookie, []string{"Origin: http://api.example.com:8000"}, 403},
		{"POST", cookie, []string{"Origin: http://api.example.com.evil.example"}, 403},
		{"POST", cookie, []string{"Origin: http://other.example.com"}, 403},
		{"POST", cookie, []string{"Origin: null"}, 403},
		{"POST", cookie, []string{"Origin: null", "Referer: http://api.example.com/"}, 403},
		{"POST", cookie, nil, 403},
		{"PUT", cookie, []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"PUT", cookie, []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"DELETE", cookie, []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"DELETE", cookie, []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"PATCH", cookie, []string{"Origin: https://evil.example"}, 403},
		{"POST", cookie, []string{"Sec-Fetch-Site: cross-site", "X-HTTP-Method-Override: GET", "X-Original-Method: GET", "X-Forwarded-Method: GET"}, 403},
		{"POST", cookie, []string{"Origin: https://evil.example", "X-Forwarded-Host: evil.example", "X-Original-URL: https://evil.example/changes/7"}, 403},

		{"POST", basic, []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"POST", basic, []string{"Origin: https://evil.example"}, 403},
		{"POST", basic, []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"POST", basic, nil, 200},
		{"GET", basic, []string{"Sec-Fetch-Site: cross-site"}, 200},
		{"POST", s.bearer("alice"), []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 200},
	} {
		before, _ := s.refusals(t, "cross_origin")
		raw := head(tc.method, "/changes/7", append(tc.fields, "Content-Length: 0", tc.credential)...)
		a := s.send(t, raw)
		after, _ := s.refusals(t, "cross_origin")
		if tc.status != http.StatusOK {
			s.wantRefused(t, raw, a, tc.status)
			if after != before+1 {
				t.Errorf("%q: the audit log tells of %d refusals for their origin, want 1", raw, after-before)
			}
		} else if seen := s.wantPassed(t, raw, a); field(seen, "Remote-User") != "alice" || strings.Contains(field(seen, "Cookie"), alice.cookies[apiCookie]) || s.via.cmd != nil && strings.Contains(strings.ToLower(seen), "\r\ncookie") || after != before {
			t.Errorf("%q: the API saw %q, and the audit log tells of %d refusals; want alice's call without the cookie, and none", raw, seen, after-before)
		}
	}
	s.testOneCredential(t, cookie)
	// The two cookies of a log-in don't stand for each other.
	swapped := get("/reports/7", "Cookie: jeton_api="+alice.cookies[consoleCookie])
	s.wantRefused(t, swapped, s.send(t, swapped), 401)
	named := get("/reports/7", "Cookie: jeton="+alice.cookies[consoleCookie]+"; __Host-jeton="+alice.cookies[consoleCookie])
	s.wantRefused(t, named, s.send(t, named), 401)
	for _, cookies := range []map[string]string{{consoleCookie: alice.cookies[apiCookie]}, {apiCookie: alice.cookies[apiCookie]}} {
		if got := (&visitor{cookies}).whose(t); got != "401" {
			t.Errorf("by the API's cookie Jeton itself knows %s, want nobody", got)
		}
	}
	if got := alice.whose(t); got != "alice" {
		t.Errorf("by the console's cookie Jeton knows %s, want alice", got)
	}
}

// testOneCredential has an explicit credential beside alice's cookie: that one counts, good or bad.
func (s *stack) testOneCredential(t *testing.T, cookie string) {
	for _, tc := range []struct {
		fields []string
		user   string
	}{
		{[]string{cookie}, "alice"},
		{[]string{cookie, s.bearer("bob")}, "bob"},
		{[]string{cookie, s.bearer("bob") + "x"}, ""},
		{[]string{cookie, "Authorization: Basic Ym9iOndyb25n"}, ""},
		{[]string{cookie, "Authorization: Digest x"}, ""},
		{[]string{cookie[:len(cookie)-1]}, ""},
		{[]string{cookie + "x"}, ""},
		{[]string{"Cookie: jeton_api=" + cookieCanary, cookie}, ""}, // two of one name: nobody can tell which was planted
		{[]string{strings.Replace(cookie, "jeton_api", "Jeton_api", 1)}, ""},
	} {
		raw := get("/reports/7", tc.fields...)
		a := s.send(t, raw)
		if tc.user == "" {
			s.wantRefused(t, raw, a, 401, 400)
		} else if seen := s.wantPassed(t, raw, a); field(seen, "Remote-User") != tc.user {
			t.Errorf("%q: the API saw %q, want a call of %s", raw, seen, tc.user)
		}
	}
}
