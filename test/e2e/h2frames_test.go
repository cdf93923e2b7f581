package e2e_test

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/test/h2frames"
)

// overTLS is a Caddyfile with the demo's site behind TLS, where Caddy speaks HTTP/2, for whatever host a client names. In the place of
// a certificate that somebody knows, Caddy makes one at a time.
func overTLS(t *testing.T, caddyfile string) string {
	t.Helper()
	site := readFile(t, "../../deploy/caddy/demo-site.caddy")
	for _, c := range []change{
		{"demo-site.caddy", "http://:8001 {", "https://:8001 {\n\ttls internal {\n\t\ton_demand\n\t}\n"},
		{"Caddyfile", "import demo-site.caddy", ""},
		{"Caddyfile", "auto_https off", "auto_https disable_redirects\n\tskip_install_trust"},
	} {
		text := map[string]*string{"demo-site.caddy": &site, "Caddyfile": &caddyfile}[c.file]
		if strings.Count(*text, c.line) != 1 {
			t.Fatalf("%s has no %q", c.file, c.line)
		}
		*text = strings.Replace(*text, c.line, c.otherwise, 1)
	}
	return caddyfile + site
}

// TestProxiesByFrames holds those proxies that speak HTTP/2 with clients, as their examples are, to the rows of the threat model's
// "Gateway" that a client can try by frames: HAProxy without TLS, to which a connection turns by its first bytes, and Caddy with it.
func TestProxiesByFrames(t *testing.T) {
	s := newStack(t, []string{"HAProxy"})
	caddy := s.startCaddy(t, overTLS(t, caddyfile))
	caddy.tls = true
	s.proxies = append(s.proxies, caddy)
	for _, s.via = range s.proxies {
		t.Run(s.via.name, func(t *testing.T) {
			t.Run("forged calls", s.testForgedFrames)
			t.Run("forged host", s.testForgedAuthority)
			t.Run("forged identity", s.testIdentityByFrames)
		})
	}
	for _, p := range s.proxies {
		s.stop(t, p.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// frames is a call that a user may make, by the proxy.
func (s *stack) frames(user string) h2frames.Good {
	scheme := "http"
	if s.via.tls {
		scheme = "https"
	}
	return h2frames.Good{Scheme: scheme, Host: "api.example.com", Path: "/reports/7", Token: s.tokens[user]}
}

// ask sends a call by HTTP/2 on a connection of its own, and returns the status, if there is an answer, and what the API saw.
func (s *stack) ask(t *testing.T, call h2frames.Call) (status string, seen []string) {
	t.Helper()
	var conn net.Conn
	conn, err := net.DialTimeout("tcp", s.via.address, 5*time.Second)
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	if s.via.tls {
		over := tls.Client(conn, &tls.Config{ServerName: "api.example.com", NextProtos: []string{"h2"}, InsecureSkipVerify: true})
		must(t, over.HandshakeContext(t.Context()))
		if over.ConnectionState().NegotiatedProtocol != "h2" {
			t.Fatalf("%s doesn't speak HTTP/2", s.via.name)
		}
		conn = over
	}
	c, err := h2frames.Open(conn)
	must(t, err)
	status, err = c.Ask(call)
	must(t, err)
	return status, s.api.seen()
}

// judged reports whether the API got the good call of a user, with nothing in it that a client says of itself.
func judged(head, user string) bool {
	return strings.HasPrefix(head, "GET /reports/7 HTTP/1.1\r\n") && field(head, "Host") == "api.example.com" && field(head, "Remote-User") == user &&
		!strings.Contains(head, h2frames.Forged) && !strings.Contains(head, h2frames.Evil) &&
		(field(head, "Content-Length") == "" || field(head, "Transfer-Encoding") == "") && field(head, "Upgrade") == "" && field(head, "HTTP2-Settings") == ""
}

// testForgedFrames sends what HTTP/2 can carry and HTTP/1.1 can't. What the API sees is the one call that was judged, if anything.
func (s *stack) testForgedFrames(t *testing.T) {
	good := s.frames("alice")
	for _, call := range slices.Concat(good.Refused(), good.Odd(), good.Smuggling()) {
		status, seen := s.ask(t, call)
		for _, head := range seen {
			if !judged(head, "alice") {
				t.Errorf("%s: got %q, and the API saw %q", call.Name, status, head)
			}
		}
	}
	if status, seen := s.ask(t, good.Call()); status != "200" || len(seen) != 1 || !judged(seen[0], "alice") {
		t.Errorf("the twin: got %q, and the API saw %q", status, seen)
	}
}

// testForgedAuthority has eve, who may call the service "other" only, name its host in every way, as testForgedHost does by lines. It is
// the policy of "reports" that counts for her, and for alice, whatever hosts they name.
func (s *stack) testForgedAuthority(t *testing.T) {
	const other = "other.example.com"
	for _, host := range []string{other, "OTHER.example.com.", other + ":8002", "alice@" + other, other + "/any", other + "/any?x=", other + "/any#"} {
		for _, agreeing := range [][]string{nil, {"host", other}, {"x-forwarded-host", other, "forwarded", "host=" + other, "x-original-host", other}} {
			good := s.frames("eve")
			good.Host = host
			if status, seen := s.ask(t, good.Call(agreeing...)); len(seen) > 0 || status != "" && status[0] != '4' {
				t.Errorf("%s, %q: got %q, and the API saw %q", host, agreeing, status, seen)
			}
		}
	}
	good := s.frames("alice")
	good.Host = other
	if status, seen := s.ask(t, good.Call()); status != "200" || len(seen) != 1 || !judged(seen[0], "alice") {
		t.Errorf("alice: got %q, and the API saw %q, want her call at its own host", status, seen)
	}
}

// testIdentityByFrames writes each identity header in every spelling, as testForgedIdentity does by lines, and in small letters, as HTTP/2
// has all names.
func (s *stack) testIdentityByFrames(t *testing.T) {
	good, sent, refused := s.frames("bob"), 0, 0
	for _, name := range identity() {
		names := spellings(name)
		for _, spelling := range names {
			names = append(names, strings.ToLower(spelling))
		}
		slices.Sort(names)
		for _, spelling := range slices.Compact(names) {
			status, seen := s.ask(t, good.Call(spelling, h2frames.Forged, spelling, h2frames.Forged))
			if sent++; (status == "" || status == "400") && spelling != strings.ToLower(name) { // it is no name
				refused++
			} else if status != "200" || len(seen) != 1 {
				t.Errorf("%q: got %q, and the API saw %q, want bob's call without it", spelling, status, seen)
			}
			for _, head := range seen {
				if !judged(head, "bob") {
					t.Errorf("%q: the API saw %q", spelling, head)
				}
			}
		}
	}
	t.Logf("%d calls with forged identity headers, %d of them refused; none arrived", sent, refused)
}
