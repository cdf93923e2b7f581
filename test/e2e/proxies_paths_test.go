package e2e_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/client"
)

// eventsOf selects the refusals of a user.
func eventsOf(user string) client.EventFilter {
	return client.EventFilter{Action: "refused", Actor: user}
}

// The ways in which a path is refused: by the proxy, which finds no request of HTTP in it, by Jeton for its spelling, or
// by Jeton because nobody may call it.
const byProxy, byJeton, unlisted = 400, 403, -403

// testPaths sends each path as raw bytes. Alice may call everything below /any, so what is refused there is refused for
// its spelling. Each has a twin, the nearest path that passes.
func (s *stack) testPaths(t *testing.T) {
	for _, tc := range []struct {
		refused      string
		nginx, caddy int
		twin         string
	}{
		{"/any/../reports", byJeton, byJeton, "/any/..a/reports"},
		{"/any/a/..", byJeton, byJeton, "/any/a/..a"},
		{"/any/./a", byJeton, byJeton, "/any/.a/a"},
		{"/../any/a", byProxy, byJeton, "/any/a"},
		{"/any/%2e%2e/a", byJeton, byJeton, "/any/%2c%2c/a"},
		{"/any/%2E./a", byJeton, byJeton, "/any/%2C./a"},
		{"/any/.%2e/a", byJeton, byJeton, "/any/.%2c/a"},
		{"//any/a", byJeton, byJeton, "/any/a"},
		{"/any//a", byJeton, byJeton, "/any/a/"},
		{"/any/a//", byJeton, byJeton, "/any/a/"},
		{"/any/a;b", byJeton, byJeton, "/any/a:b"},
		{"/any/..;/a", byJeton, byJeton, "/any/..:/a"},
		{"/any;/a", byJeton, byJeton, "/any/a"},
		{"/any/a%2fb", byJeton, byJeton, "/any/a%2bb"},
		{"/any/a%2Fb", byJeton, byJeton, "/any/a%2Bb"},
		{"/any/..%2fa", byJeton, byJeton, "/any/..%2ca"},
		{`/any/a\b`, byJeton, byJeton, "/any/a|b"},
		{`/any/..\a`, byJeton, byJeton, "/any/..|a"},
		{"/any/a%5cb", byJeton, byJeton, "/any/a%5bb"},
		{"/any/a#/../b", byJeton, byJeton, "/any/a%23/..a/b"},
		{"/any/a%00", byProxy, byJeton, "/any/a%01"},
		{"/any/a%00.txt", byProxy, byJeton, "/any/a%20.txt"},
		{"/any/a\x00", byProxy, byProxy, "/any/a"},
		{"/any/%252e%252e/a", byJeton, byJeton, "/any/%252/a"},
		{"/any/%252fa", byJeton, byJeton, "/any/%25/a"},
		{"/any/%25%32%65/a", byJeton, byJeton, "/any/%25%2c/a"},
		{"/any/%61", byJeton, byJeton, "/any/a"},
		{"/%61ny/a", byJeton, byJeton, "/any/a"},
		{"/any/%c0%ae%c0%ae/a", byJeton, byJeton, "/any/%c3%ae%c3%ae/a"},
		{"/any/%zz", byProxy, byProxy, "/any/%20"},
		{"/any/%2", byProxy, byProxy, "/any/%2c"},
		{"/any/%u002e", byProxy, byProxy, "/any/%20002e"},
		{"/any/a b", byProxy, byProxy, "/any/a%20b"},
		{"/any/a\tb", byProxy, byProxy, "/any/a%09b"},
		{"http://api.example.com/any/../a", byJeton, byJeton, "http://api.example.com/any/..a/a"},
		{"http://api.example.com", unlisted, unlisted, "http://api.example.com/any/a"},
		{"http://api.example.com?x", byJeton, unlisted, "http://api.example.com/any/?x"}, // Caddy asks for the path / then
		{"any/a", byProxy, byProxy, "/any/a"},
		{"*", byProxy, byJeton, "/any/*"},
	} {
		want := map[string]int{"nginx": tc.nginx, "Caddy": tc.caddy}[s.via.name]
		before, _ := s.refusals(t, "ambiguous_path")
		raw := get(tc.refused, s.bearer("alice"))
		a := s.send(t, raw)
		s.wantRefused(t, raw, a, max(want, -want))
		after, _ := s.refusals(t, "ambiguous_path")
		if heard := after - before; (heard == 1) != (want == byJeton) {
			t.Errorf("%q: the audit log tells of %d ambiguous paths; answer %d", tc.refused, heard, a.status)
		}
		s.wantPath(t, tc.twin)
	}
	// A fragment, which no client should send: nginx would pass it on, and Caddy has made %23 of it before Jeton is asked.
	for _, target := range []string{"/any/a#b", "/any/a#?b"} {
		raw := get(target, s.bearer("alice"))
		if s.via.name == "nginx" {
			s.wantRefused(t, raw, s.send(t, raw), byJeton)
		} else {
			s.wantPath(t, target)
		}
	}
	for _, honest := range []string{
		"/any/é", "/any/%C3%A9", "/any/%c3%a9", "/any/\xe9", "/any/a%20b", "/any/a+b", "/any/日本/語", "/any/", "/any/a.b/c..d/e...",
		"/any/!$&'()*+,=:@-._~", "/any/[a]{b}|^`\"<>", "/any/a?b=../c;d//e%2f%00\\", "/any/a?#b", "/any/{http.request.header.Authorization}",
		"/any/" + strings.Repeat("a/", 1000),
	} {
		s.wantPath(t, honest)
	}
	s.testRewritten(t)
}

// wantPath checks that alice may call a path, and that the API gets the bytes that Jeton judged.
func (s *stack) wantPath(t *testing.T, target string) {
	t.Helper()
	raw := get(target, s.bearer("alice"))
	want := "GET " + s.via.forwards(t, target) + " "
	if seen := s.wantPassed(t, raw, s.send(t, raw)); !strings.HasPrefix(seen, want) {
		t.Errorf("%q: the API saw %.200q, want %.200q", target, seen, want)
	}
}

// forwards returns what a proxy makes of the target of a request. nginx passes it on as it came. Caddy writes a path anew
// that holds what no URL may, with percent signs, as net/url does; it does so before it asks Jeton.
func (p *proxy) forwards(t *testing.T, target string) string {
	t.Helper()
	if p.name == "nginx" {
		return strings.TrimPrefix(target, "http://api.example.com")
	}
	u, err := url.ParseRequestURI(target)
	must(t, err)
	return u.RequestURI()
}

// testRewritten sends paths that Caddy writes anew, and by that decodes, since one byte of them may stand in no URL: an
// encoded slash becomes a slash. It may be another path then, but it is that one which Jeton has judged.
func (s *stack) testRewritten(t *testing.T) {
	if s.via.name == "nginx" {
		return
	}
	for _, target := range []string{"/any/a%2Fé", "/any/%61é", "/any/%2e%2eé"} {
		s.wantPath(t, target)
	}
	for _, target := range []string{"/any/%2e%2e/é", "/any/%2fé", "/any/é%3b", "/any/%5cé", "/any/%2e%2e%2freports%2f7é"} {
		raw := get(target, s.bearer("alice"))
		s.wantRefused(t, raw, s.send(t, raw), byJeton)
	}
}
