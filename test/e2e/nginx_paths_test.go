package e2e_test

import (
	"strings"
	"testing"

	"github.com/jeton-io/jeton/client"
)

// eventsOf selects the refusals of a user.
func eventsOf(user string) client.EventFilter {
	return client.EventFilter{Action: "refused", Actor: user}
}

// testPaths sends each path as raw bytes. Alice may call everything below /any, so what is refused there is refused for
// its spelling, and by Jeton, unless nginx refuses it first (400). Each has a twin, the nearest path that passes.
func (s *stack) testPaths(t *testing.T) {
	const byNginx, byJeton = 400, 403
	for _, tc := range []struct {
		refused string
		status  int
		twin    string
	}{
		{"/any/../reports", byJeton, "/any/..a/reports"},
		{"/any/a/..", byJeton, "/any/a/..a"},
		{"/any/./a", byJeton, "/any/.a/a"},
		{"/../any/a", byNginx, "/any/a"},
		{"/any/%2e%2e/a", byJeton, "/any/%2c%2c/a"},
		{"/any/%2E./a", byJeton, "/any/%2C./a"},
		{"/any/.%2e/a", byJeton, "/any/.%2c/a"},
		{"//any/a", byJeton, "/any/a"},
		{"/any//a", byJeton, "/any/a/"},
		{"/any/a//", byJeton, "/any/a/"},
		{"/any/a;b", byJeton, "/any/a:b"},
		{"/any/..;/a", byJeton, "/any/..:/a"},
		{"/any;/a", byJeton, "/any/a"},
		{"/any/a%2fb", byJeton, "/any/a%2bb"},
		{"/any/a%2Fb", byJeton, "/any/a%2Bb"},
		{"/any/..%2fa", byJeton, "/any/..%2ca"},
		{`/any/a\b`, byJeton, "/any/a|b"},
		{`/any/..\a`, byJeton, "/any/..|a"},
		{"/any/a%5cb", byJeton, "/any/a%5bb"},
		{"/any/a#b", byJeton, "/any/a%23b"},
		{"/any/a#/../b", byJeton, "/any/a%23/..a/b"},
		{"/any/a#?b", byJeton, "/any/a?#b"},
		{"/any/a%00", byNginx, "/any/a%01"},
		{"/any/a%00.txt", byNginx, "/any/a%20.txt"},
		{"/any/a\x00", byNginx, "/any/a"},
		{"/any/%252e%252e/a", byJeton, "/any/%252/a"},
		{"/any/%252fa", byJeton, "/any/%25/a"},
		{"/any/%25%32%65/a", byJeton, "/any/%25%2c/a"},
		{"/any/%61", byJeton, "/any/a"},
		{"/%61ny/a", byJeton, "/any/a"},
		{"/any/%c0%ae%c0%ae/a", byJeton, "/any/%c3%ae%c3%ae/a"},
		{"/any/%zz", byNginx, "/any/%20"},
		{"/any/%2", byNginx, "/any/%2c"},
		{"/any/%u002e", byNginx, "/any/%20002e"},
		{"/any/a b", byNginx, "/any/a%20b"},
		{"/any/a\tb", byNginx, "/any/a%09b"},
		{"http://api.example.com/any/../a", byJeton, "http://api.example.com/any/..a/a"},
		{"http://api.example.com", byJeton, "http://api.example.com/any/a"},
		{"http://api.example.com?x", byJeton, "http://api.example.com/any/?x"},
		{"any/a", byNginx, "/any/a"},
		{"*", byNginx, "/any/*"},
	} {
		before, _ := s.refusals(t, "ambiguous_path")
		raw := get(tc.refused, s.bearer("alice"))
		a := s.send(t, raw)
		s.wantRefused(t, raw, a, tc.status)
		after, _ := s.refusals(t, "ambiguous_path")
		if heard := after - before; heard != 0 && tc.status == byNginx || heard != 1 && tc.status == byJeton && tc.refused != "http://api.example.com" {
			t.Errorf("%q: the audit log tells of %d ambiguous paths; answer %d", tc.refused, heard, a.status)
		}
		twin := get(tc.twin, s.bearer("alice"))
		seen := s.wantPassed(t, twin, s.send(t, twin))
		if want := "GET " + strings.TrimPrefix(tc.twin, "http://api.example.com") + " "; !strings.HasPrefix(seen, want) {
			t.Errorf("%q: the API saw %q, want the very path", tc.twin, seen)
		}
	}
	for _, honest := range []string{
		"/any/é", "/any/%C3%A9", "/any/%c3%a9", "/any/\xe9", "/any/a%20b", "/any/a+b", "/any/日本/語", "/any/", "/any/a.b/c..d/e...",
		"/any/!$&'()*+,=:@-._~", "/any/[a]{b}|^`\"<>", "/any/a?b=../c;d//e%2f%00\\", "/any/" + strings.Repeat("a/", 1000),
	} {
		raw := get(honest, s.bearer("alice"))
		if seen := s.wantPassed(t, raw, s.send(t, raw)); !strings.HasPrefix(seen, "GET "+honest+" ") {
			t.Errorf("%q: the API saw %.200q, want the very path", honest, seen)
		}
	}
}
