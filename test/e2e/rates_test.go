package e2e_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// nothingLeft is what a caller hears once the five calls of 6,000 seconds are spent: the next is free in twenty minutes, less what the test
// has taken so far.
var nothingLeft = regexp.MustCompile(`^"service";r=0;t=1(200|1\d\d)$`)

// TestServiceRate spends what a service takes, by way of each proxy, and hears from each when to come again. What is refused
// anyway uses up nothing, and another service goes on.
func TestServiceRate(t *testing.T) {
	s := newStack(t, every())
	s.v1(t, http.MethodPatch, "/services/reports", object{"rate_limit": object{"calls": len(s.proxies), "per_seconds": 6000}}, http.StatusOK)
	s.v1(t, http.MethodPatch, "/services/other", object{"upstream": "http://127.0.0.1:9000"}, http.StatusOK)
	const policy = `"service";q=5;w=6000`
	good := get("/reports/7", s.bearer("alice"))
	for n := range s.proxies {
		for _, s.via = range s.proxies {
			for _, bad := range []string{get("/reports/7"), get("/reports/7", s.bearer("alice")+"x"), get("/reports/7", s.bearer("eve"))} {
				a := s.send(t, bad)
				if s.wantRefused(t, bad, a, http.StatusUnauthorized, http.StatusForbidden); a.header.Get("RateLimit") != "" {
					t.Errorf("%s: a caller without leave is told of %q", s.via.name, a.header.Get("RateLimit"))
				}
			}
		}
		s.via = s.proxies[n]
		a := s.send(t, good)
		s.wantPassed(t, s.via.name, a)
		if own := s.via.address == ownListener; own && (!nothingLeft.MatchString(a.header.Get("RateLimit")) || a.header.Get("RateLimit-Policy") != policy) {
			t.Errorf("%s: got %q and %q", s.via.name, a.header.Get("RateLimit"), a.header.Get("RateLimit-Policy"))
		}
	}
	before, _ := s.refusals(t, "service_rate_limited")
	for i, via := range s.proxies {
		s.via = via
		a := s.send(t, good)
		s.wantRefused(t, via.name, a, http.StatusTooManyRequests)
		left, wait := a.header.Get("RateLimit"), a.header.Get("Retry-After")
		if !nothingLeft.MatchString(left) || left != `"service";r=0;t=`+wait || a.header.Get("RateLimit-Policy") != policy {
			t.Errorf("%s: got Retry-After %q, RateLimit %q and RateLimit-Policy %q", via.name, wait, left, a.header.Get("RateLimit-Policy"))
		}
		if after, _ := s.refusals(t, "service_rate_limited"); after != before+int64(i)+1 {
			t.Errorf("%s: the audit log tells of %d new refusals, want %d", via.name, after-before, i+1)
		}
	}
	s.callProxy(t, "other.example.com", "/", s.tokens["alice"])
}

// callProxy calls the API by way of the proxy and returns the head of the request that the API got.
func (s *stack) callProxy(t *testing.T, host, path, token string, fields ...string) string {
	t.Helper()
	s.via = &proxy{name: "Jeton", address: ownListener}
	raw := strings.Replace(get(path, append(fields, "Authorization: Bearer "+token)...), "api.example.com", host, 1)
	return s.wantPassed(t, raw, s.send(t, raw))
}
