package catalog_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
)

// listening are the listeners of the Jeton of these tests: one on an address of the network, one on loopback.
func listening() []netip.AddrPort {
	return []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:8082"), netip.MustParseAddrPort("[2001:db8::1]:443"), netip.MustParseAddrPort("127.0.0.1:80")}
}

// TestRoute: a service has the route and the rate of its draft. Both are in force at once, and the audit log tells of them; an update
// that doesn't name them takes them away.
func TestRoute(t *testing.T) {
	d := newDesk(t)
	bare := catalog.Draft{Name: "reports", Host: "API.example.com"}
	full := bare
	full.Route = catalog.Route{Upstream: "H2C://API.internal:9000/", Profile: "xdoc", ForwardQueryTokens: true, IdentityToken: true}
	full.Rate = authority.Rate{Calls: 100, Per: time.Minute}
	want := full.Route
	want.Upstream = "h2c://api.internal:9000"
	none := map[string]string{"upstream": "", "profile": "", "forward_query_tokens": "false", "identity_token": "false", "rate_limit": ""}
	told := map[string]string{
		"upstream": want.Upstream, "profile": "xdoc", "forward_query_tokens": "true", "identity_token": "true", "rate_limit": "100/1m0s",
	}
	made := d.create(t, bare)
	check := func(what string, got catalog.Service, route catalog.Route, rate authority.Rate, detail map[string]string) {
		t.Helper()
		stored, err := d.Service(t.Context(), "reports")
		if err != nil || got.Route != route || got.Rate != rate || stored.Route != route || stored.Rate != rate {
			t.Errorf("%s: got %+v, stored %+v, %v, want %+v and %+v", what, got, stored, err, route, rate)
		}
		if routed, ok := d.Route(made.ID); !ok || routed != (catalog.Routed{Route: route, Host: "api.example.com", Address: "api.example.com"}) {
			t.Errorf("%s: got the route %+v, %t, want %+v to the host", what, routed, ok, route)
		}
		compiled, ok := d.Policy().Find("api.example.com", "/")
		if calls, per := compiled.Rate(); !ok || calls != rate.Calls || per != rate.Per {
			t.Errorf("%s: got %d calls per %s in the policy, want %+v", what, calls, per, rate)
		}
		if d.Policy().HasProfile("api.example.com", "xdoc") != (route.Profile != "") {
			t.Errorf("%s: the policy doesn't know of the profile %q", what, route.Profile)
		}
		events, err := d.store.Events(t.Context(), audit.Query{Target: made.ID, Limit: 1})
		if err != nil || len(events) != 1 {
			t.Fatalf("%s: got %+v, %v, want an event", what, events, err)
		}
		for key, text := range detail {
			if got, ok := events[0].Detail[key]; !ok || got != text {
				t.Errorf("%s: the event tells of %s as %q, %t, want %q", what, key, got, ok, text)
			}
		}
	}
	check("without one", made, catalog.Route{}, authority.Rate{}, none)
	for _, step := range []struct {
		what   string
		draft  catalog.Draft
		route  catalog.Route
		rate   authority.Rate
		detail map[string]string
	}{{"given one", full, want, full.Rate, told}, {"taken away", bare, catalog.Route{}, authority.Rate{}, none}} {
		updated, err := d.Update(t.Context(), "reports", 0, step.draft, actor)
		if err != nil {
			t.Fatal(err)
		}
		check(step.what, updated, step.route, step.rate, step.detail)
	}
	if err := d.Delete(t.Context(), "reports", actor); err != nil {
		t.Fatal(err)
	}
	if routed, ok := d.Route(made.ID); ok {
		t.Errorf("got the route %+v of a deleted service, want none", routed)
	}
}

// TestUpstreams updates a service to upstreams of every sort. Each that is refused has a twin that isn't.
func TestUpstreams(t *testing.T) {
	d := newDesk(t)
	d.create(t, catalog.Draft{Name: "a", Host: "a.example"})
	long := strings.Repeat(strings.Repeat("a", 59)+".", 4) // 240 bytes
	for _, tt := range []struct{ what, bad, good string }{
		{"no scheme", "b.example", "http://b.example"},
		{"half a scheme", "http:b.example", "http://b.example"},
		{"a scheme alone", "http://", "http://b"},
		{"another scheme", "ftp://b.example", "h2c://b.example"},
		{"a socket", "unix://b.example", "https://b.example"},
		{"a space before", " http://b.example", "http://b.example"},
		{"a line break", "http://b.example\n", "http://b.example"},
		{"a space within", "http://b example", "http://b.example"},
		{"no host", "http://:9000", "http://b:9000"},
		{"an empty port", "http://b.example:", "http://b.example:1"},
		{"a port of 0", "http://b.example:0", "http://b.example:9"},
		{"a port too high", "http://b.example:65536", "http://b.example:65535"},
		{"a port of two spellings", "http://b.example:080", "http://b.example:80"},
		{"a port by name", "http://b.example:http", "http://b.example:80"},
		{"a user", "http://u@b.example", "http://u.b.example"},
		{"a user's password", "http://u:p@b.example", "http://u-p.b.example"},
		{"an empty user", "http://@b.example", "http://b.example"},
		{"a path", "http://b.example/api", "http://b.example/"},
		{"two slashes", "http://b.example//", "http://b.example/"},
		{"a query", "http://b.example?", "http://b.example"},
		{"a fragment", "http://b.example#", "http://b.example"},
		{"an encoded letter", "http://b%2eexample", "http://b.example"},
		{"a backslash", `http://b.example\`, "http://b.example/"},
		{"letters of another script", "http://bücher.example", "http://xn--bcher-kva.example"},
		{"IPv6 without brackets", "http://2001:db8::2", "http://[2001:db8::2]"},
		{"IPv6 in another spelling", "http://[2001:db8:0::2]:90", "http://[2001:db8::2]:90"},
		{"IPv6 with a zone", "http://[fe80::1%eth0]", "http://[fe80::1]"},
		{"IPv6 with an encoded zone", "http://[fe80::1%25eth0]:90", "http://[fe80::1]:90"},
		{"IPv4 in IPv6's brackets", "http://[192.0.2.2]", "http://192.0.2.2"},
		{"a bracket too few", "http://[2001:db8::2", "http://[2001:db8::2]"},
		{"256 bytes", "https://" + long + "a.bcd:99", "https://" + long + "a.bc:99"},
	} {
		if len(tt.bad) == 256 && len(tt.good) != 255 {
			t.Fatalf("%s: the twin is of %d", tt.what, len(tt.good))
		}
		for upstream, field := range map[string]string{tt.bad: "upstream", tt.good: ""} {
			draft := catalog.Draft{Name: "a", Host: "a.example", Route: catalog.Route{Upstream: upstream}}
			_, err := d.Update(t.Context(), "a", 0, draft, actor)
			if got := fieldOf(err); got != field || (err != nil) != (field != "") {
				t.Errorf("%s: %q: got %v, want a complaint of %q", tt.what, upstream, err, field)
			}
			if err != nil && strings.Contains(err.Error(), upstream) {
				t.Errorf("%s: got %v, which repeats what may hold a password", tt.what, err)
			}
		}
	}
}

// TestOwnUpstream: no service leads to a listener of Jeton's, by whichever way of writing its address. What differs by a byte is
// another machine, or another program of this one.
func TestOwnUpstream(t *testing.T) {
	d := newDesk(t)
	d.create(t, catalog.Draft{Name: "a", Host: "a.example"})
	for _, tt := range []struct{ what, bad, good string }{
		{"by its address", "http://192.0.2.1:8082", "http://192.0.2.1:8083"},
		{"another machine's", "http://192.0.2.1:8082", "http://192.0.2.2:8082"},
		{"by another scheme", "h2c://192.0.2.1:8082", "h2c://192.0.2.1:8081"},
		{"by IPv6", "https://[2001:db8::1]:443", "https://[2001:db8::1]:444"},
		{"by the scheme's port", "https://[2001:db8::1]", "http://[2001:db8::1]"},
		{"by the scheme's port without TLS", "h2c://127.0.0.1", "https://127.0.0.1"},
		{"as an address of IPv4 in IPv6", "http://[::ffff:127.0.0.1]:80", "http://[::ffff:127.0.0.2]:80"},
		{"by name", "http://localhost", "http://localhost:81"},
		{"by name and port", "http://LocalHost:80/", "http://localhosts:80"},
		{"by name with a dot", "http://localhost.", "http://localhost.:81"},
		{"as every address", "http://0.0.0.0:80", "http://0.0.0.0:8082"}, // there, none of loopback listens
		{"as every address of IPv6", "http://[::]:80", "http://[::]:81"},
	} {
		for upstream, field := range map[string]string{tt.bad: "upstream", tt.good: ""} {
			draft := catalog.Draft{Name: "a", Host: "a.example", Route: catalog.Route{Upstream: upstream}}
			_, err := d.Update(t.Context(), "a", 0, draft, actor)
			if got := fieldOf(err); got != field || (err != nil) != (field != "") || err != nil && !strings.Contains(err.Error(), "Jeton itself") {
				t.Errorf("%s: %q: got %v, want a complaint of %q", tt.what, upstream, err, field)
			}
		}
	}
}

// TestRouteRefused holds what else a route is made of to its rules, with a twin for each.
func TestRouteRefused(t *testing.T) {
	d := newDesk(t)
	d.create(t, catalog.Draft{Name: "a", Host: "a.example"})
	rate := func(calls int, per time.Duration) func(*catalog.Draft) {
		return func(d *catalog.Draft) { d.Rate = authority.Rate{Calls: calls, Per: per} }
	}
	profile := func(name string) func(*catalog.Draft) { return func(d *catalog.Draft) { d.Profile = name } }
	for _, tt := range []struct {
		what      string
		bad, good func(*catalog.Draft)
		want      string
	}{
		{"a profile that is none", profile("xdocs"), profile("xdoc"), "profile"},
		{"a profile in capitals", profile("XDOC"), profile("matrix42"), "profile"},
		{"a rate of nothing", rate(0, time.Second), rate(1, time.Second), "rate_limit.calls"},
		{"a rate below nothing", rate(-1, time.Second), rate(1, time.Second), "rate_limit.calls"},
		{"too many calls", rate(1e9+1, time.Minute), rate(1e9, time.Minute), "rate_limit.calls"},
		{"a rate in no time", rate(1, 0), rate(0, 0), "rate_limit.per_seconds"},
		{"a rate in less than a second", rate(1, time.Second-1), rate(1, time.Second), "rate_limit.per_seconds"},
		{"a rate in half seconds", rate(1, 1500*time.Millisecond), rate(1, 2*time.Second), "rate_limit.per_seconds"},
		{"a rate in more than a day", rate(1, 24*time.Hour+time.Second), rate(1, 24*time.Hour), "rate_limit.per_seconds"},
	} {
		for field, change := range map[string]func(*catalog.Draft){tt.want: tt.bad, "": tt.good} {
			draft := catalog.Draft{Name: "a", Host: "a.example"}
			change(&draft)
			_, err := d.Update(t.Context(), "a", 0, draft, actor)
			if got := fieldOf(err); got != field || (err != nil) != (field != "") {
				t.Errorf("%s: got %v for %+v, want a complaint of %q", tt.what, err, draft, field)
			}
		}
	}
	var complaint *authority.FieldError
	_, err := d.Create(t.Context(), catalog.Draft{Name: "b", Host: "b.example", Route: catalog.Route{Profile: "x"}}, actor)
	if !errors.As(err, &complaint) || !strings.Contains(complaint.Problem, "matrix42, xdoc") {
		t.Errorf("got %v, want the profiles that there are", err)
	}
}

// TestRoutesKept: a catalog that doesn't compile leaves the former routes in force, with the former policy.
func TestRoutesKept(t *testing.T) {
	d := newDesk(t)
	made := d.create(t, catalog.Draft{Name: "a", Host: "a.example", Route: catalog.Route{Upstream: "http://b.example"}})
	broken := &altered{Store: d.store, alter: func(entries []catalog.Entry) ([]catalog.Entry, error) { return entries, nil }}
	c, err := catalog.New(catalog.Config{Store: broken, Users: d.people, Projects: d.people, Applied: func(context.Context) error { return nil }, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Route(made.ID); ok {
		t.Error("got a route before the catalog was read")
	}
	if err := c.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _ := c.Route(made.ID)
	broken.alter = func(entries []catalog.Entry) ([]catalog.Entry, error) {
		entries[0].Host, entries[0].Upstream = "no host", "http://c.example"
		return entries, nil
	}
	if err := c.Reload(t.Context()); err == nil {
		t.Error("got a catalog compiled whose host is none")
	}
	after, ok := c.Route(made.ID)
	if diff := cmp.Diff(before, after); diff != "" || !ok {
		t.Errorf("not the former route (-want +got):\n%s", diff)
	}
	if _, ok := c.Route(uuid.Must(uuid.NewV7())); ok {
		t.Error("got a route of a service that there isn't")
	}
}
