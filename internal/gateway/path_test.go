package gateway_test

import (
	"net/http"
	"testing"

	"github.com/jeton-io/jeton/internal/catalog"
)

// everything is a desk whose service admits a partner to every path that is plain enough: what is refused there is
// refused for its spelling. A second service may hold ';' and '//'.
func everything(t *testing.T) (*desk, string) {
	t.Helper()
	d, _, token := reports(t)
	d.service(t, catalog.Draft{Name: "all", Host: "all.example.com"}, "/{path...} role:partner")
	d.service(t, catalog.Draft{Name: "lax", Host: "lax.example.com", AllowInPath: ";//"}, "/{path...} role:partner")
	return d, token
}

// TestAmbiguousPaths sends each path form of design decision 15 beside a twin, the nearest path that is let in.
func TestAmbiguousPaths(t *testing.T) {
	d, token := everything(t)
	for _, tc := range []struct{ name, refused, admitted string }{
		{"dot segment", "/a/../b", "/a/..b/b"},
		{"dot segment at the end", "/a/..", "/a/..b"},
		{"single dot", "/a/./b", "/a/.b/b"},
		{"encoded dots", "/a/%2e%2e/b", "/a/%20%20/b"},
		{"one encoded dot", "/a/.%2E/b", "/a/.%20/b"},
		{"empty segment", "/a//b", "/a/b/"},
		{"empty segment first", "//a", "/a"},
		{"semicolon", "/a;b", "/a:b"},
		{"dots behind a semicolon", "/..;/b", "/..:/b"},
		{"backslash", `/a\b`, "/a|b"},
		{"dots with backslashes", `/a\..\b`, "/a|..|b"},
		{"encoded slash", "/a%2fb", "/a%20b"},
		{"encoded slash in capitals", "/a%2Fb", "/a%2Bb"},
		{"encoded backslash", "/a%5cb", "/a%5bb"},
		{"encoded NUL", "/a%00", "/a%01"},
		{"encoded letter", "/%61", "/a"},
		{"encoded unreserved", "/%7Ea", "/~a"},
		{"bad escape", "/a%2", "/a%20"},
		{"bad digits", "/a%2g", "/a%2c"},
		{"lone percent", "/%", "/%25"},
		{"encoded twice", "/%252e%252e/b", "/%25%2ce"},
		{"fragment", "/a#b", "/a%23b"},
		{"fragment before a query", "/a#?b", "/a?#b"},
		{"overlong slash", "/a%c0%afb", "/a%c3%afb"},
		{"no path", "", "/"},
		{"no path before a query", "?a", "/?a"},
		{"no path before a fragment", "#a", "/?#a"},
		{"tab", "/a\tb", "/a%09b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, events := d.ask(t, question(token, http.MethodGet, "https://all.example.com"+tc.admitted))
			if res.status != http.StatusOK || len(events) != 0 {
				t.Errorf("twin %q: got %d and %+v, want 200", tc.admitted, res.status, events)
			}
			res, events = d.ask(t, question(token, http.MethodGet, "https://all.example.com"+tc.refused))
			if res.status != http.StatusForbidden || res.header.Get("X-Jeton-Status") != "403" {
				t.Errorf("%q: got %d, want 403", tc.refused, res.status)
			}
			if len(events) != 1 || events[0].Reason != "ambiguous_path" || events[0].Target.Name != "all" {
				t.Errorf("%q: got refusals %+v, want one of an ambiguous path at the service", tc.refused, events)
			}
		})
	}
}

func TestHonestPaths(t *testing.T) {
	d, token := everything(t)
	for _, url := range []string{
		"https://all.example.com/reports/é", "https://all.example.com/reports/%C3%A9", "https://all.example.com/a%20b",
		"http://all.example.com/a", "https://ALL.example.com/a", "https://all.example.com:8443/a", "https://all.example.com./a",
		"https://all.example.com/a/b/", "https://all.example.com/a?b=../c;d//e%2f#f", "https://all.example.com/!$&'()*+,=:@-._~",
		"https://lax.example.com/a;b/c", "https://lax.example.com//a", "https://lax.example.com/a//b;c=d",
	} {
		if res, events := d.ask(t, question(token, http.MethodGet, url)); res.status != http.StatusOK || len(events) != 0 {
			t.Errorf("%s: got %d and %+v, want 200", url, res.status, events)
		}
	}
	for _, url := range []string{"https://lax.example.com/a;/../b", "https://lax.example.com/..;/b", `https://lax.example.com/a\b`} {
		if res, _ := d.ask(t, question(token, http.MethodGet, url)); res.status != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", url, res.status)
		}
	}
}
