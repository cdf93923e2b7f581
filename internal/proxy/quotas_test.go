package proxy_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/test/desk"
)

// TestProxyQuotas spends what a service takes and what a token may, before an API that tells of quotas of its own: those are left out
// where Jeton has some, and pass where it has none.
func TestProxyQuotas(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("RateLimit-Policy", "10;w=60")
		w.Header().Add("RateLimit", "limit=10, remaining=5, reset=1")
		w.Header().Add("RateLimit", "of the API")
	}))
	t.Cleanup(api.Close)
	s := open(t)
	s.service(t, api.URL, func(d *catalog.Draft) { d.AcceptAPITokens = true })
	text, _ := s.Token(t, apitoken.Draft{Name: "nightly", User: "alice", Limits: authority.Limits{Rate: authority.Rate{Calls: 2, Per: time.Hour}}})
	token := "Authorization: Bearer " + text.Reveal()
	rate := func(calls int) {
		t.Helper()
		_, err := s.Catalog.Update(t.Context(), "reports", 0, catalog.Draft{
			Name: "reports", Host: host, AcceptAPITokens: true, Route: catalog.Route{Upstream: api.URL}, Rate: authority.Rate{Calls: calls, Per: time.Minute},
		}, audit.Actor{})
		desk.Check(t, err)
	}
	want := func(name, raw string, status int, quotas, wait, reason string) {
		t.Helper()
		a := s.send(t, raw)
		got := strings.Join(append(a.header.Values("RateLimit-Policy"), a.header.Values("RateLimit")...), " | ")
		if a.status != status || got != quotas || a.header.Get("Retry-After") != wait {
			t.Errorf("%s: got %d, %s, Retry-After %q; want %d, %s, %q", name, a.status, got, a.header.Get("Retry-After"), status, quotas, wait)
		}
		events := s.refused()
		if reason == "" && len(events) != 0 || reason != "" && (len(events) != 1 || events[0].Reason != reason || events[0].Door != "proxy") {
			t.Errorf("%s: got the refusals %+v, want %q", name, events, reason)
		}
	}
	want("nothing bounded", get("/any/a", s.bearer()), 200, "10;w=60 | limit=10, remaining=5, reset=1 | of the API", "", "")
	want("the token bounded", get("/any/a", token), 200, `"token";q=2;w=3600 | "token";r=1;t=1800`, "", "")
	rate(3)
	want("the service, too", get("/any/a", token), 200, `"token";q=2;w=3600, "service";q=3;w=60 | "token";r=0;t=1800, "service";r=2;t=20`, "", "")
	want("the token's spent", get("/any/a", token), 429, `"token";q=2;w=3600 | "token";r=0;t=1800`, "1800", "rate_limited")
	want("no operation", get("/nowhere", s.bearer()), 403, "", "", "no_operation")
	want("no credential", get("/any/a"), 401, "", "", "no_credential")
	want("the service alone", get("/any/a", s.bearer()), 200, `"service";q=3;w=60 | "service";r=1;t=20`, "", "")
	api.Close()
	want("by a call that came to nothing", get("/any/a", s.bearer()), 502, `"service";q=3;w=60 | "service";r=0;t=20`, "", "")
	want("the service's spent", get("/any/a", s.bearer()), 429, `"service";q=3;w=60 | "service";r=0;t=20`, "20", "service_rate_limited")
	s.Advance(t, 20*time.Second)
	want("later", get("/any/a", s.bearer()), 502, `"service";q=3;w=60 | "service";r=0;t=20`, "", "")
}
