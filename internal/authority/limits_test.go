package authority_test

import (
	"net/netip"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// limited gives a user the token "jtp-" + its name, within limits.
func (d *desk) limited(owner authority.User, l *authority.Limits) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	d.personal.put("jtp-"+owner.Username, authority.Proof{ID: id, UserID: owner.ID, Limits: l, Remember: true})
	return id
}

// TestLimits has each limit refuse one call and admit its twin, cold and warm.
func TestLimits(t *testing.T) {
	nets := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	for _, test := range []struct {
		name   string
		limits authority.Limits
		spoil  func(in *authority.Presented)
		reason authority.Reason
	}{
		{"another scope", authority.Limits{Scopes: []string{"reports.read"}}, func(in *authority.Presented) { in.Path = "/v2/totals" }, "insufficient_scope"},
		{"an operation without a scope", authority.Limits{Scopes: []string{"reports.read"}}, func(in *authority.Presented) { in.Path = "/v2/open" }, "insufficient_scope"},
		{"another service", authority.Limits{Service: "api.example.com/v2"}, func(in *authority.Presented) { in.Path = "/v1/reports/7" }, "wrong_audience"},
		{"another address", authority.Limits{From: nets("192.0.2.6/31")}, func(in *authority.Presented) { in.Peer = netip.MustParseAddr("192.0.2.8") }, "address_not_allowed"},
		{"no address", authority.Limits{From: nets("0.0.0.0/0", "::/0")}, func(in *authority.Presented) { in.Peer = netip.Addr{} }, "address_not_allowed"},
		{
			"another network of IPv6",
			authority.Limits{From: nets("192.0.2.7/32", "2001:db8::/64")},
			func(in *authority.Presented) { in.Peer = netip.MustParseAddr("2001:db8:0:1::1") }, "address_not_allowed",
		},
		{
			"all of them",
			authority.Limits{Scopes: []string{"reports.read"}, Service: "api.example.com/v2", From: nets("192.0.2.7/32"), Rate: authority.Rate{Calls: 100, Per: time.Second}},
			func(in *authority.Presented) { in.Path = "/v2/totals" }, "insufficient_scope",
		},
		{"no scope at all", authority.Limits{Scopes: []string{}}, nil, "insufficient_scope"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newScopedDesk(t)
			alice := d.person("alice")
			id := d.limited(alice, &test.limits)
			for range 2 { // cold and warm
				good, bad := bearer("jtp-alice"), bearer("jtp-alice")
				if test.spoil == nil {
					good = nil
				} else {
					test.spoil(bad)
				}
				got := d.Decide(t.Context(), bad, tokenDoor)
				if got.Reason != test.reason || got.Refusal.ID != id || got.Refusal.UserID != alice.ID {
					t.Errorf("got %+v, want reason %s of the token", got, test.reason)
				}
				if good == nil {
					continue
				}
				if got := d.Decide(t.Context(), good, tokenDoor); !got.Allowed() {
					t.Errorf("the twin: got %s, want allowed", got.Reason)
				}
			}
		})
	}
}

// newScopedDesk returns a desk whose operations have scopes, with a second service beside.
func newScopedDesk(t *testing.T) *desk {
	t.Helper()
	partners := []policy.Audience{policy.RoleAudience("partner")}
	table, err := policy.Compile([]policy.Service{
		{Name: "reports", ID: reportsID, Host: "api.example.com", PathPrefix: "/v2", Operations: []policy.Operation{
			{Pattern: "GET /reports/{id}", Audience: partners, Scope: "reports.read"},
			{Pattern: "GET /totals", Audience: partners, Scope: "totals.read"},
			{Pattern: "GET /open", Audience: partners},
		}},
		{Name: "old", Host: "api.example.com", PathPrefix: "/v1", Default: policy.DefaultAuthenticated},
		{Name: "raw", Host: "raw.example.com", Default: policy.DefaultAuthenticated, AcceptAPITokens: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return newDeskOf(t, table, 0)
}

// TestUnlimited makes sure that limits that narrow nothing are none, and that of a token with limits nothing rubs off.
func TestUnlimited(t *testing.T) {
	d := newScopedDesk(t)
	alice, bob := d.person("alice"), d.person("bob")
	d.limited(alice, &authority.Limits{Scopes: []string{"totals.read"}})
	d.limited(bob, nil)
	for range 2 {
		if got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); got.Reason != authority.ReasonInsufficientScope {
			t.Errorf("alice: got %q, want insufficient_scope", got.Reason)
		}
		if got := d.Decide(t.Context(), bearer("jtp-bob"), tokenDoor); !got.Allowed() || got.Principal.Limits != nil {
			t.Errorf("bob: got %q and limits %+v, want allowed without any", got.Reason, got.Principal.Limits)
		}
	}
}

// TestLimitsAreToldApart remembers limits that differ in little, one after the other: each keeps its own.
func TestLimitsAreToldApart(t *testing.T) {
	d := newScopedDesk(t)
	from := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	rate := authority.Rate{Calls: 60, Per: time.Minute}
	all := []*authority.Limits{
		{From: from},
		{From: from, Scopes: []string{}},
		{From: from, Scopes: []string{"*"}},
		{From: from, Scopes: []string{"all"}},
		{From: from, Scopes: []string{"a", "b"}},
		{From: from, Scopes: []string{"a,b"}},
		{From: from, Service: "*"},
		{From: from, Service: "a b"},
		{From: from, Scopes: []string{"a"}, Service: "b"},
		{From: from, Rate: rate},
		{Rate: rate},
		{Rate: authority.Rate{Calls: 61, Per: time.Minute}},
		{From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/25")}},
		nil,
	}
	for round := range 2 {
		for i, want := range all {
			owner := authority.User{Username: "user" + strconv.Itoa(i)}
			if round == 0 {
				owner = d.person(owner.Username)
				d.limited(owner, want)
			}
			p, err := d.Identify(t.Context(), bearer("jtp-"+owner.Username), tokenDoor)
			if err != nil || !reflect.DeepEqual(p.Limits, want) {
				t.Errorf("round %d: got %+v and error %v, want %+v", round, p.Limits, err, want)
			}
		}
	}
}

// TestLimitsChange has a token's limits change: they count once it is forgotten, as the feed has it.
func TestLimitsChange(t *testing.T) {
	d := newScopedDesk(t)
	alice := d.person("alice")
	d.limited(alice, &authority.Limits{Scopes: []string{"reports.read"}})
	if got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); !got.Allowed() {
		t.Fatalf("got %q, want allowed", got.Reason)
	}
	id := d.limited(alice, &authority.Limits{Scopes: []string{"totals.read"}})
	d.Forget(alice.ID)
	if got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); got.Reason != authority.ReasonInsufficientScope || got.Refusal.ID != id {
		t.Errorf("got %q of %v, want insufficient_scope of %s", got.Reason, got.Refusal, id)
	}
}

// TestLimitsOutliveRenewal fills the memory until it is renewed.
func TestLimitsOutliveRenewal(t *testing.T) {
	d := newScopedDesk(t)
	want := &authority.Limits{Scopes: []string{"reports.read"}, Service: "api.example.com/v2", From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	alice := d.person("alice")
	d.limited(alice, want)
	before := d.Remembered()
	for n := 0; n < 3000; n++ {
		owner := d.person("user" + strconv.Itoa(n))
		d.limited(owner, &authority.Limits{Scopes: []string{"reports.read"}, Service: "other" + strconv.Itoa(n)})
		_ = d.Decide(t.Context(), bearer("jtp-"+owner.Username), tokenDoor)
		if got := d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor); !got.Allowed() || !reflect.DeepEqual(want, got.Principal.Limits) {
			t.Fatalf("after %d: got %q within %+v, want allowed within %+v", n, got.Reason, got.Principal.Limits, want)
		}
	}
	if d.Remembered() <= before {
		t.Error("nothing was remembered")
	}
}

// TestRefusedUseIsNone has a token be presented from where it doesn't count, and from where nobody knows: neither is its last
// use from an address.
func TestRefusedUseIsNone(t *testing.T) {
	d := newScopedDesk(t)
	alice := d.person("alice")
	id := uuid.Must(uuid.NewV7())
	from := []netip.Prefix{netip.PrefixFrom(peer, peer.BitLen())}
	d.sessions.put("jts-alice", authority.Proof{ID: id, UserID: alice.ID, Limits: &authority.Limits{From: from}, Remember: true})
	thief, open := bearer("jts-alice"), d.sessions.token("jts-open", alice)
	thief.Peer = netip.MustParseAddr("198.51.100.66")
	for range 2 { // cold and warm
		if got := d.Decide(t.Context(), thief, tokenDoor); got.Reason != authority.ReasonAddressNotAllowed {
			t.Fatalf("got %q, want address_not_allowed", got.Reason)
		}
		d.advance(time.Minute)
	}
	if err := d.StoreUses(t.Context()); err != nil || len(d.sessions.touched) != 0 {
		t.Errorf("got uses %v and error %v, want none", d.sessions.touched, err)
	}
	_ = d.Decide(t.Context(), bearer("jts-alice"), tokenDoor)
	unknown := bearer("jts-open")
	_ = d.Decide(t.Context(), unknown, tokenDoor)
	d.advance(time.Minute)
	unknown.Peer = netip.Addr{}
	_ = d.Decide(t.Context(), unknown, tokenDoor)
	if err := d.StoreUses(t.Context()); err != nil || len(d.sessions.touched) != 1 || len(d.sessions.touched[0]) != 2 {
		t.Fatalf("got uses %v and error %v, want one of each token", d.sessions.touched, err)
	}
	for _, use := range d.sessions.touched[0] {
		if use.From != peer || use.ID != id && use.ID != open {
			t.Errorf("got %+v, want it from %s", use, peer)
		}
	}
}

// TestRate spends a rate, waits for a part of it, and spends that.
func TestRate(t *testing.T) {
	d := newScopedDesk(t)
	alice, bob := d.person("alice"), d.person("bob")
	d.limited(alice, &authority.Limits{Rate: authority.Rate{Calls: 3, Per: 3 * time.Second}})
	d.limited(bob, &authority.Limits{Rate: authority.Rate{Calls: 3, Per: 3 * time.Second}})
	spend := func(name string) (n int, last authority.Decision) {
		for n = 0; ; n++ {
			if last = d.Decide(t.Context(), bearer("jtp-"+name), tokenDoor); !last.Allowed() {
				return n, last
			}
		}
	}
	n, refused := spend("alice")
	if n != 3 || refused.Reason != authority.ReasonRateLimited || refused.Outcome != authority.OutcomeTooMany || refused.Refusal.RetryAfter != time.Second {
		t.Errorf("got %d calls, then %+v, want 3, then rate_limited for a second", n, refused.Refusal)
	}
	if n, _ := spend("bob"); n != 3 {
		t.Errorf("another token: got %d calls, want 3", n)
	}
	d.advance(time.Second - time.Microsecond)
	if n, _ := spend("alice"); n != 0 {
		t.Errorf("before a second: got %d calls, want none", n)
	}
	d.advance(time.Microsecond)
	if n, _ := spend("alice"); n != 1 {
		t.Errorf("after a second: got %d calls, want 1", n)
	}
	d.stale.Store(true) // every verdict asks the database, and counts all the same
	d.advance(2 * time.Second)
	if n, _ := spend("alice"); n != 2 {
		t.Errorf("after two seconds, without the feed: got %d calls, want 2", n)
	}
	d.advance(-time.Hour)
	if n, _ := spend("alice"); n != 0 {
		t.Errorf("by a clock set back: got %d calls, want none", n)
	}
	d.advance(3 * time.Second)
	if n, _ := spend("alice"); n != 3 {
		t.Errorf("a period later: got %d calls, want 3", n)
	}
}

// TestRatesAreBounded has more tokens spend than are counted at a time: memory holds those alone who have not paid, and those
// of the last second, before which it isn't swept again.
func TestRatesAreBounded(t *testing.T) {
	if n := authority.CountRates(func(take func(uuid.UUID, authority.Rate, time.Time)) {
		rate := authority.Rate{Calls: 1, Per: time.Second}
		for i := range authority.MaxRates * 3 {
			take(numbered(i), rate, epoch.Add(time.Duration(i)*time.Millisecond))
		}
	}); n > authority.MaxRates+1000 {
		t.Errorf("got %d tokens counted, want %d at most", n, authority.MaxRates+1000)
	}
}

// TestExchangeFirst presents API tokens to services: only one that is good is told to exchange itself, and one service
// takes it as it is.
func TestExchangeFirst(t *testing.T) {
	d := newScopedDesk(t)
	alice := d.person("alice")
	door := &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.APIToken)}
	d.api.token("ey-alice", alice)
	at := func(token, host, path string) *authority.Presented {
		in := bearer(token)
		in.Host, in.Path = host, path
		return in
	}
	for _, test := range []struct {
		name   string
		in     *authority.Presented
		reason authority.Reason
	}{
		{"raw", at("ey-alice", "api.example.com", "/v2/reports/7"), "exchange_first"},
		{"raw, where there is no operation", at("ey-alice", "api.example.com", "/v2/nothing"), "exchange_first"},
		{"raw, at no service", at("ey-alice", "apj.example.com", "/v2/reports/7"), "unknown_service"},
		{"unknown", at("ey-alicf", "api.example.com", "/v2/reports/7"), "unknown"},
		{"accepted", at("ey-alice", "raw.example.com", "/"), ""},
	} {
		for _, when := range []string{"cold", "warm"} {
			if got := d.Decide(t.Context(), test.in, door); got.Reason != test.reason {
				t.Errorf("%s, %s: got %q, want %q", test.name, when, got.Reason, test.reason)
			}
		}
	}
	alice.Active = false
	d.people.put(alice)
	d.Forget(alice.ID)
	if got := d.Decide(t.Context(), at("ey-alice", "api.example.com", "/v2/reports/7"), door); got.Reason != authority.ReasonBlocked {
		t.Errorf("blocked: got %q, want blocked: it is told nothing", got.Reason)
	}
}

// TestClientSecretAsBasic presents a client's secret beside its name.
func TestClientSecretAsBasic(t *testing.T) {
	d := newDesk(t, 0)
	service := d.person("batch")
	d.secrets.put("batch:jtc-1", authority.Proof{ID: uuid.Must(uuid.NewV7()), UserID: service.ID, Remember: true})
	d.passwords.put("batch:jtc-1", authority.Proof{ID: service.ID, UserID: service.ID, Remember: true})
	both := &authority.Door{Name: "verify", Kinds: authority.KindsOf(authority.Password, authority.ClientSecret)}
	for range 2 {
		p, err := d.Identify(t.Context(), call(basic("batch:jtc-1")), both)
		if err != nil || p.CredentialKind != authority.ClientSecret || p.ID != service.ID {
			t.Errorf("got %+v and error %v, want the client by its secret", p, err)
		}
	}
	if _, err := d.Identify(t.Context(), call(basic("batch:jtc-1")), anyDoor); reasonOf(t, err) != authority.ReasonNotAcceptedHere {
		t.Errorf("at a door without client secrets: got %v, want not_accepted_here", err)
	}
	if _, err := d.Identify(t.Context(), bearer("jtc-1"), both); reasonOf(t, err) != authority.ReasonUnrecognized {
		t.Errorf("as a bearer: got %v, want unrecognized", err)
	}
	elsewhere := call(basic("batch:jtc-1"))
	elsewhere.Method, elsewhere.Origin = "POST", []string{"https://elsewhere.example"}
	if _, err := d.Identify(t.Context(), elsewhere, both); reasonOf(t, err) != authority.ReasonCrossOrigin {
		t.Errorf("from a page elsewhere: got %v, want cross_origin", err)
	}
}
