package e2e_test

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
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
	return []string{
		name, strings.ToLower(name), strings.ToUpper(name), swapped,
		strings.ReplaceAll(name, "-", "_"), first, strings.ReplaceAll(name, "-", "."), strings.ReplaceAll(name, "-", " "),
		name + " ", name + "\t", " " + name, name + "\x00", name + "\r", "HTTP_" + strings.ReplaceAll(strings.ToUpper(name), "-", "_"),
		strings.ReplaceAll(name, "-", "\xe2\x80\x90"), name + "\xc2\xa0",
	}
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
		if a.status == http.StatusBadRequest { // nginx found no header in it
			refused++
			s.wantRefused(t, raw, a, 400)
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
	t.Logf("%d requests with forged identity headers, %d of them refused by nginx; none arrived", sent, refused)
}

// testForgedOrigin has a client say where it came from and which call it makes. Neither the API nor the audit log may
// believe it.
func (s *stack) testForgedOrigin(t *testing.T) {
	const forged = "203.0.113.99"
	fields := []string{
		"X-Real-IP: " + forged, "X-Forwarded-For: " + forged, "X-Forwarded-For: " + forged, "Forwarded: for=" + forged,
		"X-Forwarded-Host: " + forged, "X-Forwarded-Proto: " + forged, "X-Forwarded-Port: " + forged, "X-Forwarded-Prefix: /" + forged,
		"X-Forwarded-Uri: /" + forged, "X-Forwarded-Method: " + forged, "X-Forwarded-Server: " + forged, "X-Original-URL: http://" + forged + "/",
		"X-Original-URI: /" + forged, "X-Original-Method: " + forged, "X-Original-Host: " + forged, "X-Rewrite-URL: /" + forged,
		"X-HTTP-Method-Override: " + forged, "X-HTTP-Method: " + forged, "X-Method-Override: " + forged,
	}
	raw := get("/reports/7", append(fields, s.bearer("alice"))...)
	seen := s.wantPassed(t, raw, s.send(t, raw))
	if strings.Contains(seen, forged) {
		t.Errorf("the API got %q", seen)
	}
	for name, want := range map[string]string{"X-Real-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "api.example.com"} {
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
	s.wantRefused(t, raw, exchange(t, "127.0.0.3", proxy, raw+"\r\n"), 403)
	for e, err := range s.admin.Events(t.Context(), eventsOf("eve")) {
		must(t, err)
		if e.Actor.Address == forged {
			t.Errorf("the audit log believes the forged address: %+v", e)
		}
	}
	raw = get("/reports/7", append(fields[:4:4], "Authorization: Bearer nonsense")...)
	s.wantRefused(t, raw, exchange(t, "127.0.0.3", proxy, raw+"\r\n"), 401)
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
	const target, cookie = "/reports/7?XST=" + queryCanary, "Cookie: jeton_api=" + cookieCanary
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+userPassword))
	s.secrets = append(s.secrets, basic[len("Authorization: Basic "):])
	raw := get(target, s.bearer("alice"), cookie, "Cookie: __Host-jeton="+cookieCanary, "Proxy-"+basic)
	seen := s.wantPassed(t, raw, s.send(t, raw))
	for _, secret := range append(s.secrets, "Authorization", "Cookie") {
		if secret != queryCanary && strings.Contains(strings.ToLower(seen), strings.ToLower(secret)) {
			t.Errorf("the API got %.12q… in %q", secret, seen)
		}
	}
	// The same where the call is refused, and where Jeton's answer is an error: for the search of the logs.
	for _, field := range []string{basic, cookie} {
		raw := get(target, field)
		s.wantRefused(t, raw, s.send(t, raw), 401)
	}
	broken := get("/reports/%zz?XST="+queryCanary, s.bearer("alice"))
	s.wantRefused(t, broken, s.send(t, broken), 400)
	pasted := get("/reports/"+strings.TrimPrefix(s.bearer("alice"), "Authorization: Bearer "), s.bearer("alice"))
	s.wantPassed(t, pasted, s.send(t, pasted))
}

// testBodies sends bodies, which Jeton never sees: admitted they arrive, refused they don't.
func (s *stack) testBodies(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 60_000) // less than nginx's usual limit, and more than it keeps in memory
	for _, framing := range []string{fmt.Sprintf("Content-Length: %d", len(body)), "Transfer-Encoding: chunked"} {
		sent := body
		if strings.HasPrefix(framing, "T") {
			sent = fmt.Sprintf("%x\r\n%s\r\n0\r\nRemote-User: forged\r\n\r\n", len(body), body)
		}
		raw := head("POST", "/uploads", framing, s.bearer("alice"))
		seen := s.wantPassed(t, raw, s.send(t, raw+"\r\n"+sent))
		if field(seen, "Content-Length") != fmt.Sprint(len(body)) || field(seen, "Remote-User") != "alice" {
			t.Errorf("%s: the API saw %q, want a body of %d bytes from alice", framing, seen, len(body))
		}
		raw = head("POST", "/uploads", framing, s.bearer("eve"))
		s.wantRefused(t, raw, s.send(t, raw+"\r\n"+sent), 403)
	}
	smuggled := head("POST", "/uploads", "Content-Length: 4", "Transfer-Encoding: chunked", s.bearer("alice"))
	s.wantRefused(t, smuggled, s.send(t, smuggled+"\r\n0\r\n\r\n"+get("/invoices/7")), 400)
}

// mixUpRequests is how many requests two users send by turns on one connection.
const mixUpRequests = 100_000

func (s *stack) testNoMixUp(t *testing.T) {
	passed := s.alternate(t, proxy, func(i int, user string) string {
		return fmt.Sprintf("GET /reports/%d HTTP/1.1\r\nHost: api.example.com\r\n%s\r\n\r\n", i, s.bearer(user))
	}, func(i int, user string, res *http.Response, body string) bool {
		return res.StatusCode == http.StatusOK && body == fmt.Sprintf("/reports/%d %s", i, user)
	})
	s.passed += passed
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
func (s *stack) alternate(t *testing.T, to string, request func(i int, user string) string, right func(int, string, *http.Response, string) bool) int {
	t.Helper()
	conn, err := net.Dial("tcp", to)
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(5*time.Minute)))
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
	return ok
}
