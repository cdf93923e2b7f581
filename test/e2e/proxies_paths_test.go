package e2e_test

import (
	"net/url"
	"slices"
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

// verdicts are how nginx, Caddy, HAProxy, Apache and Jeton's own proxy, in this order, come to refuse a path.
type verdicts [5]int

func alike(verdict int) verdicts { return verdicts{verdict, verdict, verdict, verdict, verdict} }

func (v verdicts) of(p *proxy) int { return v[slices.Index(every(), p.name)] }

// testPaths sends each path as raw bytes. Alice may call everything below /any, so what is refused there is refused for
// its spelling. Each has a twin, the nearest path that passes.
func (s *stack) testPaths(t *testing.T) {
	for _, tc := range []struct {
		refused  string
		verdicts verdicts
		twin     string
	}{
		{"/any/../reports", alike(byJeton), "/any/..a/reports"},
		{"/any/a/..", alike(byJeton), "/any/a/..a"},
		{"/any/./a", alike(byJeton), "/any/.a/a"},
		{"/../any/a", verdicts{byProxy, byJeton, byJeton, byJeton, byJeton}, "/any/a"},
		{"/any/%2e%2e/a", alike(byJeton), "/any/%2c%2c/a"},
		{"/any/%2E./a", alike(byJeton), "/any/%2C./a"},
		{"/any/.%2e/a", alike(byJeton), "/any/.%2c/a"},
		{"//any/a", alike(byJeton), "/any/a"},
		{"/any//a", alike(byJeton), "/any/a/"},
		{"/any/a//", alike(byJeton), "/any/a/"},
		{"/any/a;b", alike(byJeton), "/any/a:b"},
		{"/any/..;/a", alike(byJeton), "/any/..:/a"},
		{"/any;/a", alike(byJeton), "/any/a"},
		{"/any/a%2fb", alike(byJeton), "/any/a%2bb"},
		{"/any/a%2Fb", alike(byJeton), "/any/a%2Bb"},
		{"/any/..%2fa", alike(byJeton), "/any/..%2ca"},
		{`/any/a\b`, alike(byJeton), "/any/a|b"},
		{`/any/..\a`, alike(byJeton), "/any/..|a"},
		{"/any/a%5cb", alike(byJeton), "/any/a%5bb"},
		{"/any/a#/../b", verdicts{byJeton, byJeton, byProxy, byProxy, byJeton}, "/any/a%23/..a/b"},
		{"/any/a%00", verdicts{byProxy, byJeton, byJeton, byJeton, byJeton}, "/any/a%01"},
		{"/any/a%00.txt", verdicts{byProxy, byJeton, byJeton, byJeton, byJeton}, "/any/a%20.txt"},
		{"/any/a\x00", alike(byProxy), "/any/a"},
		{"/any/%252e%252e/a", alike(byJeton), "/any/%252/a"},
		{"/any/%252fa", alike(byJeton), "/any/%25/a"},
		{"/any/%25%32%65/a", alike(byJeton), "/any/%25%2c/a"},
		{"/any/%61", alike(byJeton), "/any/a"},
		{"/%61ny/a", alike(byJeton), "/any/a"},
		{"/any/%c0%ae%c0%ae/a", alike(byJeton), "/any/%c3%ae%c3%ae/a"},
		{"/any/%zz", verdicts{byProxy, byProxy, byJeton, byJeton, byProxy}, "/any/%20"},
		{"/any/%2", verdicts{byProxy, byProxy, byJeton, byJeton, byProxy}, "/any/%2c"},
		{"/any/%u002e", verdicts{byProxy, byProxy, byJeton, byJeton, byProxy}, "/any/%20002e"},
		{"/any/a b", alike(byProxy), "/any/a%20b"},
		{"/any/a\tb", alike(byProxy), "/any/a%09b"},
		{"http://api.example.com/any/../a", alike(byJeton), "http://api.example.com/any/..a/a"},
		{"http://api.example.com", verdicts{unlisted, unlisted, byJeton, byJeton, byJeton}, "http://api.example.com/any/a"},   // nginx and Caddy ask
		{"http://api.example.com?x", verdicts{byJeton, unlisted, byProxy, byJeton, byJeton}, "http://api.example.com/any/?x"}, // for the path / then
		{"any/a", alike(byProxy), "/any/a"},
		{"*", verdicts{byProxy, byJeton, byJeton, byProxy, byJeton}, "/any/*"},
	} {
		want := tc.verdicts.of(s.via)
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
	// A fragment, which no client should send: nginx would pass it on, and Caddy has made %23 of it before Jeton is asked. In a
	// query some let it be.
	for target, how := range map[string]verdicts{
		"/any/a#b":  {byJeton, 0, byProxy, byProxy, byJeton},
		"/any/a#?b": {byJeton, 0, byProxy, byProxy, byJeton},
		"/any/a?#b": {0, 0, byProxy, byProxy, 0},
	} {
		s.wantPathOr(t, target, how.of(s.via))
	}
	for _, honest := range []string{
		"/any/%C3%A9", "/any/%c3%a9", "/any/a%20b", "/any/a+b", "/any/", "/any/a.b/c..d/e...",
		"/any/!$&'()*+,=:@-._~", "/any/[a]{b}|^`\"<>", "/any/a?b=../c;d//e%2f%00\\", "/any/{http.request.header.Authorization}",
		"/any/%5Bvar(txn.jeton_host)]", "/any/${JETON_SILENT}", "/any/" + strings.Repeat("a/", 1000),
	} {
		s.wantPath(t, honest)
	}
	for _, honest := range []string{"/any/é", "/any/\xe9", "/any/日本/語"} { // HAProxy takes ASCII alone, as the RFC wants it
		s.wantPathOr(t, honest, verdicts{0, 0, byProxy, 0, 0}.of(s.via))
	}
	s.testRewritten(t)
}

// wantPathOr checks that a path is refused with a status, or, where that is 0, what wantPath does.
func (s *stack) wantPathOr(t *testing.T, target string, status int) {
	t.Helper()
	if status == 0 {
		s.wantPath(t, target)
		return
	}
	raw := get(target, s.bearer("alice"))
	s.wantRefused(t, raw, s.send(t, raw), status)
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

// forwards returns what a proxy makes of the target of a request. All pass it on as it came but Caddy, which writes a path anew that
// holds what no URL may, with percent signs, as net/url does; it does so before it asks Jeton.
func (p *proxy) forwards(t *testing.T, target string) string {
	t.Helper()
	if p.name != "Caddy" {
		return strings.TrimPrefix(target, "http://api.example.com")
	}
	u, err := url.ParseRequestURI(target)
	must(t, err)
	return u.RequestURI()
}

// testRewritten sends paths that Caddy writes anew, and by that decodes, since one byte of them may stand in no URL: an
// encoded slash becomes a slash. It may be another path then, but it is that one which Jeton has judged.
func (s *stack) testRewritten(t *testing.T) {
	if s.via.name != "Caddy" {
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
