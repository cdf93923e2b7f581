package authority_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// rated returns a desk whose service takes so many calls in a period, with a second service beside that takes three in three
// seconds, and a third that takes any number.
func rated(tb testing.TB, calls int, per time.Duration) *desk {
	tb.Helper()
	table, err := policy.Compile([]policy.Service{
		{Name: "reports", ID: reportsID, Host: "api.example.com", PathPrefix: "/v2", Calls: calls, Per: per, Operations: []policy.Operation{
			{Pattern: "GET /reports/{id}", Audience: []policy.Audience{policy.RoleAudience("partner")}, Scope: "reports.read"},
		}},
		{Name: "other", ID: numbered(1), Host: "other.example.com", Calls: 3, Per: 3 * time.Second, Default: policy.DefaultAuthenticated},
		{Name: "open", ID: numbered(2), Host: "open.example.com", Default: policy.DefaultAuthenticated},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return newDeskOf(tb, table, 0)
}

// at presents a token to another host.
func at(host, token string) *authority.Presented {
	in := bearer(token)
	in.Host = host
	return in
}

// TestServiceRate spends what a service takes, by two callers together, waits for a part of it, and spends that.
func TestServiceRate(t *testing.T) {
	d := rated(t, 3, 3*time.Second)
	alice := d.person("alice")
	id := d.personal.token("jtp-alice", alice)
	d.personal.token("jtp-bob", d.person("bob"))
	for i, token := range []string{"jtp-alice", "jtp-bob", "jtp-alice"} {
		got := d.Decide(t.Context(), bearer(token), tokenDoor)
		want := authority.Quotas{Service: authority.Quota{Limit: 3, Window: 3 * time.Second, Remaining: 2 - i, Reset: time.Second}}
		if !got.Allowed() || got.Quotas != want {
			t.Errorf("call %d: got %q and %+v, want it allowed with %+v", i, got.Reason, got.Quotas, want)
		}
	}
	d.advance(400 * time.Millisecond)
	got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor)
	left := authority.Quotas{Service: authority.Quota{Limit: 3, Window: 3 * time.Second, Reset: 600 * time.Millisecond}}
	if got.Reason != authority.ReasonServiceRateLimited || got.Outcome != authority.OutcomeTooMany || got.Quotas != left {
		t.Errorf("got %q and %+v, want service_rate_limited with %+v", got.Reason, got.Quotas, left)
	}
	if ref := got.Refusal; ref.ID != id || ref.UserID != alice.ID || ref.RetryAfter != left.Service.Reset || got.Service != "reports" {
		t.Errorf("got %+v at %q, want the refusal of alice's token for 600ms", ref, got.Service)
	}
	events := d.refusals.Drain(d.now())
	if len(events) != 1 || events[0].Reason != "service_rate_limited" || events[0].Target.Name != "reports" {
		t.Errorf("got the refusals %+v, want one of service_rate_limited", events)
	}
	for _, host := range []string{"other.example.com", "open.example.com"} {
		if got := d.Decide(t.Context(), at(host, "jtp-alice"), tokenDoor); !got.Allowed() {
			t.Errorf("%s: got %q, want another service to go on", host, got.Reason)
		}
	}
	d.advance(600 * time.Millisecond)
	for i, want := range []authority.Reason{"", "service_rate_limited"} {
		if got := d.Decide(t.Context(), bearer("jtp-bob"), tokenDoor); got.Reason != want {
			t.Errorf("a second later, call %d: got %q, want %q", i, got.Reason, want)
		}
	}
}

// TestServiceRateIsForCalls: what doesn't pass anyway uses up nothing. The one call that a service takes in an hour is there
// for who comes after a flood of others.
func TestServiceRateIsForCalls(t *testing.T) {
	d := rated(t, 1, time.Hour)
	alice := d.person("alice")
	d.personal.token("jtp-alice", alice)
	stranger := d.person("stranger")
	stranger.Roles = nil
	d.people.put(stranger)
	d.personal.token("jtp-stranger", stranger)
	d.limited(d.person("narrow"), &authority.Limits{Scopes: []string{"totals.read"}})
	d.limited(d.person("spent"), &authority.Limits{Rate: authority.Rate{Calls: 1, Per: time.Hour}})
	_ = d.Decide(t.Context(), at("open.example.com", "jtp-spent"), tokenDoor)
	unclear := bearer("jtp-alice")
	unclear.Path = "/v2//reports/7"
	for _, test := range []struct {
		in   *authority.Presented
		want authority.Reason
	}{
		{call(), "no_credential"},
		{bearer("jtp-alicf"), "unknown"},
		{bearer("jtp-stranger"), "not_in_audience"},
		{bearer("jtp-narrow"), "insufficient_scope"},
		{bearer("jtp-spent"), "rate_limited"},
		{unclear, "ambiguous_path"},
	} {
		for range 100 {
			if got := d.Decide(t.Context(), test.in, tokenDoor); got.Reason != test.want {
				t.Fatalf("got %q, want %q", got.Reason, test.want)
			}
		}
	}
	if _, err := d.Identify(t.Context(), bearer("jtp-alice"), tokenDoor); err != nil {
		t.Errorf("asked whose it is: got %v", err)
	}
	for i, want := range []authority.Reason{"", "service_rate_limited"} {
		if got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); got.Reason != want {
			t.Errorf("call %d: got %q, want %q", i, got.Reason, want)
		}
	}
}

// TestQuotas tells of both bounds at once, of the one that there is, and of none to whoever is refused for another reason.
func TestQuotas(t *testing.T) {
	d := rated(t, 10, time.Minute)
	d.limited(d.person("alice"), &authority.Limits{Rate: authority.Rate{Calls: 2, Per: 10 * time.Second}, Scopes: []string{"reports.read"}})
	d.personal.token("jtp-bob", d.person("bob"))
	credential := func(left int, reset time.Duration) authority.Quota {
		return authority.Quota{Limit: 2, Window: 10 * time.Second, Remaining: left, Reset: reset}
	}
	service := func(left int) authority.Quota {
		return authority.Quota{Limit: 10, Window: time.Minute, Remaining: left, Reset: 6 * time.Second}
	}
	elsewhere := bearer("jtp-alice")
	elsewhere.Path = "/v2/nothing"
	for _, test := range []struct {
		name   string
		in     *authority.Presented
		reason authority.Reason
		want   authority.Quotas
	}{
		{"both", bearer("jtp-alice"), "", authority.Quotas{Credential: credential(1, 5*time.Second), Service: service(9)}},
		{"the service's", bearer("jtp-bob"), "", authority.Quotas{Service: service(8)}},
		{"none", at("open.example.com", "jtp-bob"), "", authority.Quotas{}},
		{"of a call that isn't there", elsewhere, "no_operation", authority.Quotas{}},
		{"the token's, of which nothing is left", bearer("jtp-alice"), "rate_limited", authority.Quotas{Credential: credential(0, 5*time.Second)}},
		{"of a token that is none", bearer("jtp-alicf"), "unknown", authority.Quotas{}},
	} {
		if got := d.Decide(t.Context(), test.in, tokenDoor); got.Reason != test.reason || got.Quotas != test.want {
			t.Errorf("%s: got %q and %s", test.name, got.Reason, cmp.Diff(test.want, got.Quotas))
		}
	}
	d.advance(7 * time.Second) // the token's has 7 of the 10 seconds that were spent
	got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor)
	if want := credential(0, 3*time.Second); got.Quotas.Credential != want {
		t.Errorf("seven seconds later: got %+v, want %+v", got.Quotas.Credential, want)
	}
}

// TestServiceRateAtOnce has a thousand calls come at once to a service that takes ten: exactly ten pass.
func TestServiceRateAtOnce(t *testing.T) {
	d := rated(t, 10, time.Hour)
	d.personal.token("jtp-alice", d.person("alice"))
	if got := d.Decide(t.Context(), at("open.example.com", "jtp-alice"), tokenDoor); !got.Allowed() {
		t.Fatalf("got %q", got.Reason)
	}
	var allowed, limited atomic.Int64
	var left [10]atomic.Int64 // how often each number was told
	var all sync.WaitGroup
	start := make(chan struct{})
	for range 1000 {
		all.Go(func() {
			<-start
			switch got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); got.Reason {
			case "":
				allowed.Add(1)
				left[got.Quotas.Service.Remaining].Add(1)
			case authority.ReasonServiceRateLimited:
				limited.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	if allowed.Load() != 10 || limited.Load() != 990 {
		t.Errorf("got %d calls allowed and %d limited, want 10 and 990", allowed.Load(), limited.Load())
	}
	for n := range left {
		if told := left[n].Load(); told != 1 {
			t.Errorf("that %d are left was told %d times, want once", n, told)
		}
	}
}

// TestServiceRateChanges has a service take fewer calls, then more: what was spent before doesn't outlast the new period.
func TestServiceRateChanges(t *testing.T) {
	var table atomic.Pointer[policy.Table]
	d := rated(t, 1, time.Hour)
	take := func(calls int, per time.Duration) {
		table.Store(compileOf(t, func(s *policy.Service) { s.Calls, s.Per = calls, per }))
	}
	take(1, 24*time.Hour)
	a, err := authority.New(authority.Config{
		Ways: []authority.Way{d.personal}, Users: d.people, Policy: table.Load, Refusals: d.refusals, Fresh: func() bool { return true }, Now: d.now, Random: zeros{},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.personal.token("jtp-alice", d.person("alice"))
	want := func(when string, reasons ...authority.Reason) {
		t.Helper()
		for i, want := range reasons {
			if got := a.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); got.Reason != want {
				t.Errorf("%s, call %d: got %q, want %q", when, i, got.Reason, want)
			}
		}
	}
	want("one a day", "", "service_rate_limited")
	take(2, 2*time.Second)
	want("two in two seconds", "service_rate_limited")
	d.advance(2 * time.Second)
	want("a period later", "", "", "service_rate_limited")
	take(0, 0)
	want("any number", "", "", "", "", "")
}

// zeros are no randomness at all.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestQuotasAllocateNothing: a warm decision allocates nothing, with bounds or without.
func TestQuotasAllocateNothing(t *testing.T) {
	d := rated(t, 1_000_000, time.Second)
	d.limited(d.person("alice"), &authority.Limits{Rate: authority.Rate{Calls: 1_000_000, Per: time.Second}})
	d.personal.token("jtp-bob", d.person("bob"))
	for name, in := range map[string]*authority.Presented{
		"both": bearer("jtp-alice"), "the service's": bearer("jtp-bob"), "none": at("open.example.com", "jtp-bob"),
	} {
		if got := d.Decide(t.Context(), in, tokenDoor); !got.Allowed() {
			t.Fatalf("%s: got %q", name, got.Reason)
		}
		ctx := t.Context()
		if n := testing.AllocsPerRun(1000, func() { d.Decide(ctx, in, tokenDoor) }); n != 0 {
			t.Errorf("%s: got %v allocations, want none", name, n)
		}
	}
}

// BenchmarkDecideBounded decides about one token that is remembered, by what bounds its calls.
func BenchmarkDecideBounded(b *testing.B) {
	d := rated(b, 1_000_000_000, time.Second)
	d.limited(d.person("alice"), &authority.Limits{Rate: authority.Rate{Calls: 1_000_000_000, Per: time.Second}})
	d.personal.token("jtp-bob", d.person("bob"))
	for _, bench := range []struct {
		name string
		in   *authority.Presented
	}{{"nothing", at("open.example.com", "jtp-bob")}, {"the service", bearer("jtp-bob")}, {"both", bearer("jtp-alice")}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := d.Decide(b.Context(), bench.in, tokenDoor); !got.Allowed() {
					b.Fatal(got.Reason)
				}
			}
		})
	}
}
