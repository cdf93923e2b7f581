package project_test

import (
	"context"
	"crypto/rand"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
)

// TestFailures: so many bad tokens from an address are looked at, and then none, good or bad, until some time has passed. A good one
// costs nothing.
func TestFailures(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "safe"})
	old := d.set(t, cbc("old"))
	good, bad := authority.SealedTokens{Security: d.xst(t, set, d.security())}, authority.SealedTokens{Security: "AAAA"}
	weak := authority.SealedTokens{Security: d.xst(t, old, d.security())}
	from := func(address string, tokens authority.SealedTokens) (authority.Reason, time.Duration) {
		_, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: tokens, From: netip.MustParseAddr(address)})
		if err == nil {
			return "", 0
		}
		ref := refusalOf(t, err)
		return ref.Reason, ref.RetryAfter
	}
	for range 200 {
		if got, _ := from("192.0.2.7", good); got != "" {
			t.Fatalf("got %q, want good tokens to cost nothing", got)
		}
	}
	d.users.err = errDown
	for range 200 {
		if _, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: good, From: peer}); err == nil || isRefusal(err) {
			t.Fatalf("got %v, want an error that is no verdict", err)
		}
	}
	d.users.err = nil
	for i := range 120 {
		if got, _ := from("192.0.2.7", bad); got != authority.ReasonBadSeal {
			t.Fatalf("the %dth: got %q, want %q", i+1, got, authority.ReasonBadSeal)
		}
	}
	before := d.Work()
	for _, tokens := range []authority.SealedTokens{bad, weak} {
		if got, wait := from("192.0.2.7", tokens); got != authority.ReasonThrottled || wait != time.Second {
			t.Errorf("got %q and %v, want %q and a second", got, wait, authority.ReasonThrottled)
		}
	}
	if got, _ := from("::ffff:192.0.2.7", bad); got != authority.ReasonThrottled {
		t.Errorf("got %q from another spelling of the address, want %q", got, authority.ReasonThrottled)
	}
	if done := d.Work().Less(before); done != (project.Work{}) {
		t.Errorf("got the work %+v, want none", done)
	}
	if got, _ := from("192.0.2.8", good); got != "" {
		t.Errorf("got %q from another address, want it let in", got)
	}
	d.at(time.Second)
	if got, _ := from("192.0.2.7", good); got != "" {
		t.Errorf("got %q a second later, want it let in", got)
	}
	if got, _ := from("192.0.2.7", bad); got != authority.ReasonBadSeal {
		t.Errorf("got %q a second later, want %q", got, authority.ReasonBadSeal)
	}
	if got, wait := from("192.0.2.7", bad); got != authority.ReasonThrottled || wait != time.Second {
		t.Errorf("got %q and %v after that, want %q and a second", got, wait, authority.ReasonThrottled)
	}
	d.at(-time.Hour)
	if got, wait := from("192.0.2.7", bad); got != authority.ReasonThrottled || wait > time.Second {
		t.Errorf("got %q and %v with the clock set back, want %q and a second at most", got, wait, authority.ReasonThrottled)
	}
}

// TestFailuresOfPrefix: an IPv6 customer has one bound.
func TestFailuresOfPrefix(t *testing.T) {
	d := newDesk(t)
	want := authority.ReasonBadSeal
	for i := range 121 {
		if i == 120 {
			want = authority.ReasonThrottled
		}
		a := netip.MustParseAddr("2001:db8::").As16()
		a[15] = byte(i)
		_, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: authority.SealedTokens{Security: "AAAA"}, From: netip.AddrFrom16(a)})
		if got := reasonOf(t, err); got != want {
			t.Fatalf("the %dth: got %q, want %q", i+1, got, want)
		}
	}
}

// TestFailuresAreBounded: however many addresses fail, a bounded number is remembered; those that are whole again go first.
func TestFailuresAreBounded(t *testing.T) {
	d := newDesk(t)
	fail := func(n int) {
		_, err := d.Prove(t.Context(), authority.Credential{
			Kind: authority.Sealed, Sealed: authority.SealedTokens{Number: "7", Security: "AAAA"}, From: netip.AddrFrom4([4]byte{11, byte(n >> 16), byte(n >> 8), byte(n)}),
		})
		if got := reasonOf(t, err); got != authority.ReasonUnknownProject {
			t.Fatalf("got %q, want %q", got, authority.ReasonUnknownProject)
		}
	}
	for n := range project.MaxAddresses + 1000 {
		fail(n)
	}
	if got := d.Addresses(); got > project.MaxAddresses {
		t.Errorf("got %d addresses, want %d at most", got, project.MaxAddresses)
	}
	d.at(time.Hour)
	for range 120 {
		fail(1 << 20)
	}
	for n := range 1000 {
		fail(1<<20 + 1 + n)
	}
	_, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: authority.SealedTokens{Security: "AAAA"}, From: netip.AddrFrom4([4]byte{11, 16, 0, 0})})
	if got := reasonOf(t, err); got != authority.ReasonThrottled || d.Addresses() > project.MaxAddresses {
		t.Errorf("got %q and %d addresses, want %q: those that are whole again go first", got, d.Addresses(), authority.ReasonThrottled)
	}
}

func isRefusal(err error) bool { return refusalIn(err) != nil }

// TestFailuresOfTheGone: who hangs up before he is answered has had the work done all the same, and is counted for it.
func TestFailuresOfTheGone(t *testing.T) {
	d := newDesk(t)
	d.set(t, project.SetDraft{Name: "safe"})
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for i := range 121 {
		want := authority.ReasonBadSeal
		if i == 120 {
			want = authority.ReasonThrottled
		}
		_, err := d.Prove(gone, authority.Credential{Kind: authority.Sealed, Sealed: authority.SealedTokens{Security: "AAAA"}, From: peer})
		if got := reasonOf(t, err); got != want {
			t.Fatalf("the %dth: got %q, want %q", i+1, got, want)
		}
	}
}

// TestAuthenticatedOverTheBound: a token that nobody can have forged is looked at from an address that has failed too often, and no
// other beside it.
func TestAuthenticatedOverTheBound(t *testing.T) {
	d := newDesk(t)
	safe, old := d.set(t, project.SetDraft{Name: "safe"}), d.set(t, cbc("old"))
	for range 120 {
		d.reasonFrom(t, peer, authority.SealedTokens{Security: "AAAA"})
	}
	strong, weak := d.xst(t, safe, d.security()), d.xst(t, old, d.security())
	user := d.xut(t, safe, d.named("ann"))
	for name, tt := range map[string]struct {
		tokens authority.SealedTokens
		want   authority.Reason
	}{
		"authenticated":                 {authority.SealedTokens{Security: strong}, ""},
		"both":                          {authority.SealedTokens{Security: strong, User: user}, ""},
		"expired":                       {authority.SealedTokens{Security: d.xst(t, safe, d.security().with("GenDT", stamp(noon.Add(-time.Hour))))}, authority.ReasonExpired},
		"one of two":                    {authority.SealedTokens{Security: strong, User: d.xut(t, old, d.named("ann"))}, authority.ReasonThrottled},
		"the other of two":              {authority.SealedTokens{Security: weak, User: user}, authority.ReasonThrottled},
		"forgeable":                     {authority.SealedTokens{Security: weak}, authority.ReasonThrottled},
		"changed":                       {authority.SealedTokens{Security: "A" + strong}, authority.ReasonThrottled},
		"no Base64":                     {authority.SealedTokens{Security: strong + "*"}, authority.ReasonThrottled},
		"as another parameter":          {authority.SealedTokens{User: strong}, authority.ReasonThrottled},
		"of a project that isn't there": {authority.SealedTokens{Number: "7", Security: strong}, authority.ReasonThrottled},
	} {
		if got := d.reasonFrom(t, peer, tt.tokens); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// reasonFrom is why tokens from an address are refused, or nothing.
func (d *desk) reasonFrom(t *testing.T, from netip.Addr, tokens authority.SealedTokens) authority.Reason {
	t.Helper()
	_, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: tokens, From: from})
	if err == nil {
		return ""
	}
	return refusalOf(t, err).Reason
}

// TestGoodOnesAtOnce: however many good tokens come from an address at once, none is refused for the others; and so many bad ones, as
// were under way, are paid for.
func TestGoodOnesAtOnce(t *testing.T) {
	d := newDesk(t)
	old := d.set(t, cbc("old"))
	held, together := make(chan struct{}), &sync.WaitGroup{}
	d.users.before = func() { <-held }
	prove := func(tokens authority.SealedTokens, got *authority.Reason) {
		together.Go(func() { *got = d.reasonFrom(t, peer, tokens) })
	}
	good := make([]authority.Reason, 300)
	for i := range good {
		prove(authority.SealedTokens{Security: d.xst(t, old, d.security().with("AppId", rand.Text()))}, &good[i])
	}
	bad := make([]authority.Reason, 300)
	for i := range bad {
		prove(authority.SealedTokens{Security: "AAAA"}, &bad[i])
	}
	for d.UnderWay(peer) < len(good)+len(bad) {
		runtime.Gosched()
	}
	close(held)
	together.Wait()
	for i := range good {
		if good[i] != "" || bad[i] != authority.ReasonBadSeal {
			t.Fatalf("got %q and %q, want the good ones let in, and the others looked at", good[i], bad[i])
		}
	}
	_, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Sealed, Sealed: authority.SealedTokens{Security: "AAAA"}, From: peer})
	if ref := refusalOf(t, err); ref.Reason != authority.ReasonThrottled || ref.RetryAfter != 181*time.Second {
		t.Errorf("got %q and %v, want %q until 181 of 300 failures are paid for", ref.Reason, ref.RetryAfter, authority.ReasonThrottled)
	}
	if got := d.UnderWay(peer); got != 0 {
		t.Errorf("got %d under way, want none", got)
	}
}

// TestRefusedAfter: a refusal is told no sooner than some time after the token came, so that nobody sees what of it was looked at. Good
// tokens don't wait, nor does whoever is over the bound.
func TestRefusedAfter(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, cbc("old"))
	for name, tt := range map[string]struct {
		tokens authority.SealedTokens
		want   time.Duration
	}{
		"good":    {authority.SealedTokens{Security: d.xst(t, set, d.security())}, 0},
		"noise":   {authority.SealedTokens{Security: "AAAA"}, 5 * time.Millisecond},
		"unknown": {authority.SealedTokens{Security: d.xst(t, set, d.security().with("UserName", "nobody"))}, 5 * time.Millisecond},
	} {
		d.paused.Store(0)
		d.reasonFrom(t, peer, tt.tokens)
		if got := time.Duration(d.paused.Load()); got != tt.want {
			t.Errorf("%s: got a pause of %v, want %v", name, got, tt.want)
		}
	}
	for range 120 {
		d.reasonFrom(t, peer, authority.SealedTokens{Security: "AAAA"})
	}
	d.paused.Store(0)
	if got := d.reasonFrom(t, peer, authority.SealedTokens{Security: "AAAA"}); got != authority.ReasonThrottled || d.paused.Load() != 0 {
		t.Errorf("got %q after %v, want %q at once", got, time.Duration(d.paused.Load()), authority.ReasonThrottled)
	}
}
