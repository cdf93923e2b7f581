package e2e_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestVerdicts sends the same table of requests to the same API behind each proxy: nginx, Caddy, HAProxy and Apache as deploy/ has
// them, and Jeton's own. The verdicts are the same, and so is what the API is told of its callers.
func TestVerdicts(t *testing.T) {
	s := newStack(t, every())
	var names []string
	for _, p := range s.proxies {
		names = append(names, p.name)
	}
	if want := []string{"nginx", "Caddy", "HAProxy", "Apache", "Jeton"}; !slices.Equal(names, want) {
		t.Fatalf("got the proxies %q, want %q", names, want)
	}
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+userPassword))
	for _, tc := range []struct {
		name, raw string
		status    int
		reason    string // for the audit log; empty where the call may pass
		user      string // of whom the API is told
	}{
		{"a personal token", get("/reports/7", s.bearer("alice")), 200, "", "alice"},
		{"another user's", get("/reports/7", s.bearer("bob")), 200, "", "bob"},
		{"one byte more", get("/reports/7", s.bearer("alice")+"x"), 401, "bad_checksum", ""},
		{"a password", get("/reports/7", basic), 200, "", "alice"},
		{"a query", get("/reports/7?x="+queryCanary, s.bearer("alice")), 200, "", "alice"},
		{"a body", head("POST", "/uploads", s.bearer("alice"), "Content-Length: 5") + "\r\nhello", 200, "", "alice"},
		{"no credential", get("/reports/7"), 401, "no_credential", ""},
		{"not in the audience", get("/reports/7", s.bearer("eve")), 403, "not_in_audience", ""},
		{"no operation", get("/invoices/7", s.bearer("alice")), 403, "no_operation", ""},
		{"another method", head("DELETE", "/reports/7", s.bearer("alice")), 403, "no_operation", ""},
		{"OPTIONS", head("OPTIONS", "/reports/7"), 401, "no_credential", ""},
		{"a health path", get("/healthz", "User-Agent: kube-probe/1.30"), 401, "no_credential", ""},
		{"too long", get("/reports/7", "Authorization: Basic "+strings.Repeat("A", 1369)), 400, "too_long", ""},
		{"an ambiguous path", get("/reports/%2e%2e", s.bearer("alice")), 403, "ambiguous_path", ""},
		{"an honest path", get("/any/caf%C3%A9%20x", s.bearer("alice")), 200, "", "alice"},
		{"forged identity", get("/reports/7", s.bearer("bob"), "Remote-User: alice", "Remote_User: alice", "X-Jeton-User-Id: 1"), 200, "", "bob"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, s.via = range s.proxies {
				before, _ := s.refusals(t, tc.reason)
				a := s.send(t, tc.raw)
				if tc.status != http.StatusOK {
					s.wantRefused(t, s.via.name+": "+tc.raw, a, tc.status)
					if after, _ := s.refusals(t, tc.reason); after != before+1 {
						t.Errorf("%s: the audit log tells of %d new refusals %q, want 1", s.via.name, after-before, tc.reason)
					}
					continue
				}
				seen := s.wantPassed(t, s.via.name+": "+tc.raw, a)
				if got := field(seen, "Remote-User"); got != tc.user || field(seen, "Remote_User")+field(seen, "Authorization") != "" {
					t.Errorf("%s: the API saw %q, want it told of %s once, and no credential", s.via.name, seen, tc.user)
				}
			}
		})
	}
}
