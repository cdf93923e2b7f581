package e2e_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
)

// TestProxies holds every proxy to every row of the threat model's "Gateway" that concerns it. One stack serves all its parts, by
// way of one proxy after the other, and what its processes wrote is searched for secrets at the end.
func TestProxies(t *testing.T) {
	s := newStack(t, every())
	for _, s.via = range s.proxies {
		t.Run(s.via.name, func(t *testing.T) {
			for _, part := range []struct {
				name string
				run  func(*stack, *testing.T)
			}{
				{"answers", (*stack).testAnswers},
				{"failed credentials look alike", (*stack).testUniform},
				{"forged host", (*stack).testForgedHost},
				{"identity", (*stack).testIdentity},
				{"forged identity", (*stack).testForgedIdentity},
				{"forged origin", (*stack).testForgedOrigin},
				{"paths", (*stack).testPaths},
				{"no way round", (*stack).testNoWayRound},
				{"credentials stay here", (*stack).testCredentialsStay},
				{"sessions", (*stack).testSessions},
				{"bodies", (*stack).testBodies},
				{"blocked at once", (*stack).testBlocked},
				{"rotated at once", (*stack).testRotated},
				{"throttled", (*stack).testThrottled},
				{"hung", (*stack).testHung},
				{"killed", (*stack).testKilled},
			} {
				t.Run(part.name, func(t *testing.T) { part.run(s, t) })
			}
		})
	}
	t.Run("asked directly", s.testAskedDirectly)
	t.Run("no mix-up", s.testNoMixUp)
	if total := s.api.total(); total != s.passed {
		t.Errorf("the API saw %d requests, and clients got %d answers with status 200", total, s.passed)
	}
	for _, p := range s.proxies {
		s.stop(t, p.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

func (s *stack) testAnswers(t *testing.T) {
	challenge := []string{`Bearer realm="jeton", Basic realm="jeton", charset="UTF-8"`}
	tooLong := "Authorization: Basic " + strings.Repeat("A", 1369)
	for _, tc := range []struct {
		name, raw string
		status    int
		challenge []string
		reason    string
	}{
		{"admitted", get("/reports/7", s.bearer("alice")), 200, nil, ""},
		{"no credential", get("/reports/7"), 401, challenge, "no_credential"},
		{"bad checksum", get("/reports/7", s.bearer("alice")+"x"), 401, challenge, "bad_checksum"},
		{"not in the audience", get("/reports/7", s.bearer("eve")), 403, nil, "not_in_audience"},
		{"no operation", get("/invoices/7", s.bearer("alice")), 403, nil, "no_operation"},
		{"another method", head("DELETE", "/reports/7", s.bearer("alice")), 403, nil, "no_operation"},
		{"too long", get("/reports/7", tooLong), 400, nil, "too_long"},
	} {
		before, _ := s.refusals(t, tc.reason)
		a := s.send(t, tc.raw)
		if tc.status == http.StatusOK {
			s.wantPassed(t, tc.raw, a)
			continue
		}
		s.wantRefused(t, tc.name, a, tc.status)
		if got := a.header.Values("WWW-Authenticate"); !slices.Equal(got, tc.challenge) {
			t.Errorf("%s: got challenges %q, want %q", tc.name, got, tc.challenge)
		}
		if after, _ := s.refusals(t, tc.reason); after != before+1 {
			t.Errorf("%s: the audit log tells of %d new refusals %q, want 1", tc.name, after-before, tc.reason)
		}
		if a.header.Get("Cache-Control") != "no-store" || len(a.header.Get("X-Request-Id")) != 16 {
			t.Errorf("%s: got header %v, want no-store and a request ID", tc.name, a.header)
		}
		s.wantProblem(t, tc.raw, a)
	}
	// nginx itself refuses two Authorization fields (1.22.1), Jeton those that the others hand it: the API can't believe
	// another one than Jeton.
	two := get("/reports/7", s.bearer("alice"), s.bearer("bob"))
	s.wantRefused(t, "two credentials", s.send(t, two), 400)
}

// wantProblem compares the body of a refusal with the registry of problems, and with what it is as plain text.
func (s *stack) wantProblem(t *testing.T, raw string, a answer) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%.60q: got %q, %q, want a problem: %v", raw, a.header.Get("Content-Type"), a.body, err)
	}
	want := api.Lookup(p.Code)
	if a.status != http.StatusBadRequest && p.Fix != want.Fix || p.Fix == "" { // a proxy's client has no use for /v1/openapi.json
		t.Errorf("%.60q: got the advice %q, want %q", raw, p.Fix, want.Fix)
	}
	if p.Status != a.status || p.Status != want.Status || p.Title != want.Title || p.Instance != a.header.Get("X-Request-Id") {
		t.Errorf("%.60q: got %+v, want the problem of status %d in the words of the registry, %+v", raw, p, a.status, want)
	}
	text := s.send(t, raw+"Accept: text/plain\r\n")
	if got := text.header.Get("Content-Type"); got != "text/plain; charset=utf-8" || text.body != p.Title+". "+p.Fix+"\n" || text.status != a.status {
		t.Errorf("%.60q, as plain text: got %d, %q, %q, want the same words", raw, text.status, got, text.body)
	}
}

func (s *stack) testUniform(t *testing.T) {
	s.newToken(t, "bob")
	former := s.secrets[len(s.secrets)-1]
	s.newToken(t, "bob")
	first := ""
	for _, fields := range [][]string{
		nil,
		{"Authorization: Bearer " + former},
		{"Authorization: Bearer " + former[:40]},
		{s.bearer("alice") + "0"},
		{"Authorization: Bearer jts" + former[3:]},
		{"Authorization: Basic YWxpY2U6c2VjcmV0LXBhc3N3b3Jk"},
		{"Authorization: Digest x"},
		{"Authorization: Basic ???"},
	} {
		raw := get("/reports/7", fields...)
		a := s.send(t, raw)
		s.wantRefused(t, raw, a, 401)
		got := strings.ReplaceAll(fmt.Sprint(a.status, a.header, a.body), a.header.Get("X-Request-Id"), "ID")
		got = strings.ReplaceAll(got, a.header.Get("Date"), "now")
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%q: got %s, want what all others get: %s", raw, got, first)
		}
	}
}

// testForgedHost has eve, who may call the service "other" only, name its host in every way. Behind Jeton's own proxy she comes to
// that service then, which has no API to go to, and never to the one of the other.
func (s *stack) testForgedHost(t *testing.T) {
	without := func(target string, fields ...string) string {
		return strings.Replace(get(target, append(fields, s.bearer("eve"))...), "Host: api.example.com\r\n", "", 1)
	}
	for _, raw := range []string{
		without("/reports/7", "Host: other.example.com"),
		without("/any/thing", "Host: other.example.com:80"),
		without("/any/thing", "Host: OTHER.example.com."),
		without("http://other.example.com/any/thing", "Host: api.example.com"),
		without("http://other.example.com/any/thing", "Host: other.example.com"),
		get("/any/thing", "X-Forwarded-Host: other.example.com", s.bearer("eve")),
		get("/any/thing", "X-Original-URL: http://other.example.com/any/thing", s.bearer("eve")),
		get("/any/thing", "X-Original-Host: other.example.com", "Forwarded: host=other.example.com", s.bearer("eve")),
	} {
		a := s.send(t, raw) // HAProxy takes no two hosts that differ
		s.wantRefused(t, raw, a, 403, 400, 404)
		if a.status == 404 && s.via.cmd != nil {
			t.Errorf("%q: got 404, want Jeton's refusal", raw)
		}
	}
	two := without("/any/thing", "Host: api.example.com", "Host: other.example.com")
	s.wantRefused(t, two, s.send(t, two), 400)
	// The twin: alice may call reports, and does so whatever the host she names. The API hears of its own host.
	raw := strings.Replace(get("/reports/7", s.bearer("alice")), "api.example.com", "other.example.com", 1)
	if s.via.cmd == nil {
		s.wantRefused(t, raw, s.send(t, raw), 404)
		raw = get("/reports/7", s.bearer("alice"))
	}
	if seen := s.wantPassed(t, raw, s.send(t, raw)); field(seen, "Host") != "api.example.com" {
		t.Errorf("the API heard of host %q, want api.example.com", field(seen, "Host"))
	}
}

// testNoWayRound tries what other gateways let pass without asking.
func (s *stack) testNoWayRound(t *testing.T) {
	for _, path := range []string{
		"/health", "/healthz", "/livez", "/readyz", "/ping", "/status", "/metrics", "/favicon.ico", "/robots.txt",
		"/.well-known/acme-challenge/x", "/.well-known/security.txt", "/", "/nginx_status", "/reports/health",
		"/_jeton", "/_jeton/", "/auth-request",
	} {
		s.wantRefused(t, path, s.send(t, get(path)), 401, 404)
		s.wantRefused(t, path, s.send(t, head("HEAD", path)), 401, 404)
	}
	for _, path := range []string{"/_jeton", "/_jeton?x", "/auth-request"} { // nor does the question itself answer to a client
		raw := get(path, s.bearer("alice"), "X-Original-URL: http://api.example.com/reports/7", "X-Original-Method: GET")
		s.wantRefused(t, raw, s.send(t, raw), 403, 404)
	}
	for _, method := range []string{"OPTIONS", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "PURGE", "FOO-BAR", "TRACE", "CONNECT", "get", "Get"} {
		raw := head(method, "/reports/7")
		s.wantRefused(t, raw, s.send(t, raw), 400, 401, 405)
	}
	preflight := head("OPTIONS", "/reports/7", "Origin: https://evil.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization")
	s.wantRefused(t, preflight, s.send(t, preflight), 401)
	whole := exchange(t, "127.0.0.1", s.via.address, head("OPTIONS", "*")+"\r\n") // which Caddy answers itself, and says nothing
	s.wantRefused(t, "OPTIONS *", whole, map[string]int{"nginx": 400, "Caddy": 200, "HAProxy": 401, "Apache": 401, "Jeton": 401}[s.via.name])
	for _, fields := range [][]string{
		{"User-Agent: kube-probe/1.30"},
		{"User-Agent: ELB-HealthChecker/2.0"},
		{"User-Agent: GoogleHC/1.0"},
		{"User-Agent: curl/8"},
		{"User-Agent: Prometheus/2.0"},
		{"User-Agent:"},
		{"X-Forwarded-For: 127.0.0.1"},
		{"X-Real-IP: 127.0.0.1"},
		{"X-Jeton-Status: 200"},
		{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="},
		{"Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"},
		{"X-Original-URI: /"},
		{"X-Accel-Redirect: /"},
		{"Range: bytes=0-0"},
		{"Expect: 100-continue"},
		{"Purpose: prefetch"},
	} {
		raw := get("/reports/7", fields...)
		s.wantRefused(t, raw, s.send(t, raw), 401)
		with := get("/reports/7", append(fields, s.bearer("alice"))...) // the twin
		s.wantPassed(t, with, s.send(t, with))
	}
	for _, raw := range []string{"GET /reports/7 HTTP/1.0\r\n", "GET /reports/7 HTTP/1.0\r\nHost: api.example.com\r\nConnection: keep-alive\r\n"} {
		s.wantRefused(t, raw, s.send(t, raw), 401)
	}
}

func (s *stack) testBlocked(t *testing.T) {
	raw := get("/reports/7", s.bearer("bob"))
	s.wantPassed(t, raw, s.send(t, raw))
	before, _ := s.refusals(t, "blocked")
	s.setState(t, "bob", "blocked")
	for range 3 {
		s.wantRefused(t, raw, s.send(t, raw), 401)
	}
	if after, _ := s.refusals(t, "blocked"); after != before+3 {
		t.Errorf("the audit log tells of %d refusals of a blocked user, want 3", after-before)
	}
	s.setState(t, "bob", "active")
	s.wantPassed(t, raw, s.send(t, raw))
}

func (s *stack) testRotated(t *testing.T) {
	former := get("/reports/7", s.bearer("alice"))
	s.wantPassed(t, former, s.send(t, former))
	s.newToken(t, "alice")
	s.wantRefused(t, former, s.send(t, former), 401)
	newest := get("/reports/7", s.bearer("alice"))
	s.wantPassed(t, newest, s.send(t, newest))
}

// testThrottled guesses eve's password, from an address of its own, until no guess is looked at any more. What nginx's
// auth_request can't say comes to the caller all the same; and eve's token is no guess.
func (s *stack) testThrottled(t *testing.T) {
	const from, most = "127.0.0.5", 20
	guess := func(fields ...string) (string, answer) {
		guesses := append(fields, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("eve:"+userPassword[1:])))
		raw := get("/reports/7", guesses...)
		return raw, exchange(t, from, s.via.address, raw+"\r\n")
	}
	before, _ := s.refusals(t, "throttled")
	for range most {
		raw, a := guess()
		s.wantRefused(t, raw, a, 401, 429)
		if a.status == http.StatusUnauthorized {
			continue
		}
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 600 || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("got header %v, want to be told how long to wait, and not to log in", a.header)
		}
		if after, address := s.refusals(t, "throttled"); after != before+1 || address != from {
			t.Errorf("the audit log tells of %d throttled guesses from %s, want 1 from %s", after-before, address, from)
		}
		var p api.Problem
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Code != api.CodeTooManyRequests || p.Status != 429 {
			t.Errorf("got %q, want the problem %s: %v", a.body, api.CodeTooManyRequests, err)
		}
		if _, text := guess("Accept: text/plain"); text.body != p.Title+". "+p.Fix+"\n" || text.status != 429 {
			t.Errorf("as plain text: got %d %q, want the same words", text.status, text.body)
		}
		byToken := get("/reports/7", s.bearer("eve"))
		s.wantRefused(t, byToken, exchange(t, from, s.via.address, byToken+"\r\n"), 403) // known, if not allowed
		return
	}
	t.Errorf("%d wrong passwords were all looked at", most)
}

// refusedInTime is how long a caller may wait where Jeton doesn't answer.
const refusedInTime = 3 * time.Second

// testHung stops Jeton in the middle of its life: the system still takes connections for it, and nobody answers.
func (s *stack) testHung(t *testing.T) {
	raw := get("/reports/7?XST="+queryCanary, s.bearer("alice"))
	s.wantPassed(t, raw, s.send(t, raw))
	must(t, s.jeton.Process.Signal(syscall.SIGSTOP))
	within(t, 5*time.Second, "Jeton to stand still", func() bool { return stopped(t, s.jeton.Process.Pid) })
	if s.via.cmd == nil {
		s.wantSilence(t, raw, 20)
		return
	}
	slowest := s.slowestOf(t, raw, 20)
	must(t, s.jeton.Process.Signal(syscall.SIGCONT))
	t.Logf("20 calls at once while Jeton hung: all refused, the slowest after %s", slowest)
	within(t, 10*time.Second, "Jeton to answer again", func() bool { return s.send(t, raw).status == http.StatusOK })
	s.api.seen()
}

// wantSilence sends a call so many times to Jeton itself, which stands still: nobody is answered, and the API sees nothing. Once Jeton
// goes on, so do they.
func (s *stack) wantSilence(t *testing.T, raw string, times int) {
	t.Helper()
	var waiting []net.Conn
	for range times {
		conn, err := net.Dial("tcp", s.via.address)
		must(t, err)
		defer func() { _ = conn.Close() }()
		must(t, conn.SetReadDeadline(time.Now().Add(refusedInTime)))
		_, err = io.WriteString(conn, raw+"\r\n")
		must(t, err)
		waiting = append(waiting, conn)
	}
	for _, conn := range waiting {
		if n, err := conn.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %d bytes and %v of a Jeton that stands still, want nothing", n, err)
		}
	}
	if seen := s.api.seen(); len(seen) > 0 {
		t.Errorf("the API saw %q, want nothing", seen)
	}
	must(t, s.jeton.Process.Signal(syscall.SIGCONT))
	for _, conn := range waiting {
		must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode == http.StatusOK {
			s.passed++
		}
	}
	s.api.seen()
}

// stopped reports whether every thread of a process stands still, which takes a moment after the signal.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	must(t, err)
	for _, thread := range threads {
		text := readFile(t, thread) // pid (name) state …
		if !strings.HasPrefix(text[strings.LastIndexByte(text, ')')+1:], " T") {
			return false
		}
	}
	return len(threads) > 0
}

func (s *stack) testKilled(t *testing.T) {
	must(t, s.jeton.Process.Kill())
	_ = s.jeton.Wait()
	raw := get("/reports/7?XST="+queryCanary, s.bearer("alice"))
	if s.via.cmd != nil {
		t.Logf("20 calls at once while Jeton was dead: all refused, the slowest after %s", s.slowestOf(t, raw, 20))
	} else if _, err := tryExchange("127.0.0.1", s.via.address, raw+"\r\n"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v of a Jeton that is dead, want no connection", err)
	}
	s.startJeton(t)
	s.wantPassed(t, raw, s.send(t, raw))
}

// slowestOf sends a call so many times at once, all of which must be refused with 503 in time.
func (s *stack) slowestOf(t *testing.T, raw string, times int) time.Duration {
	t.Helper()
	answers, errs := make(chan answer, times), make(chan error, times)
	for range times {
		go func() {
			a, err := tryExchange("127.0.0.1", s.via.address, raw+"\r\n")
			errs <- err
			answers <- a
		}()
	}
	var slowest time.Duration
	for range times {
		must(t, <-errs)
		a := <-answers
		if slowest = max(slowest, a.took); a.took > refusedInTime {
			t.Errorf("got an answer after %s, want one within %s", a.took, refusedInTime)
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Retry-After") != "1" {
			t.Errorf("got header %v, want no-store, and Retry-After 1", a.header)
		}
		s.wantRefused(t, raw, a, 503)
	}
	return slowest
}

// searchSecrets looks for every secret of these tests, and for anything that has the form of a signed token, in all that the
// processes wrote.
func (s *stack) searchSecrets(t *testing.T) {
	files, found := 0, map[string]bool{}
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text := readFile(t, path)
		files++
		for _, secret := range s.secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds the secret %.12s…", path, secret)
			}
		}
		if jwt.MatchString(text) {
			t.Errorf("%s holds a signed token", path)
		}
		found[path] = strings.Contains(text, "alice") || strings.Contains(text, "/reports/7") || strings.Contains(text, "/documents/7") ||
			strings.Contains(text, "/console/welcome/{link}")
		return nil
	})
	must(t, err)
	// That the search sees anything at all: what is no secret must be there.
	logs := map[string]string{"nginx": "nginx/run/access.log", "Caddy": "caddy.log", "HAProxy": "haproxy.log", "Apache": "apache2/run/access.log", "Jeton": "jeton.log"}
	want := []string{"jeton.log", "data/jeton.db"}
	for _, p := range s.proxies {
		want = append(want, logs[p.name])
	}
	for _, name := range want {
		if !found[filepath.Join(s.dir, name)] {
			t.Errorf("%s doesn't tell of alice, of /reports/7, of /documents/7 or of /console/welcome/{link}: was the right file searched?", name)
		}
	}
	t.Logf("%d secrets looked for in %d files", len(s.secrets), files)
}
