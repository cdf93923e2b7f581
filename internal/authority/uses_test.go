package authority_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// stored has the uses stored and returns them.
func (d *desk) stored(t *testing.T) []authority.Use {
	t.Helper()
	if err := d.StoreUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []authority.Use
	for _, uses := range d.sessions.touched {
		all = append(all, uses...)
	}
	d.sessions.touched = nil
	return all
}

var diffUses = cmpopts.EquateComparable(netip.Addr{})

// TestUses uses tokens and stores when.
func TestUses(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	id := d.sessions.token("jts-alice", alice)
	d.personal.token("jtp-alice", alice) // its way keeps no uses
	use := func(token, from string) {
		t.Helper()
		in := bearer(token)
		if from != "" {
			in.Peer = netip.MustParseAddr(from)
		} else {
			in.Peer = netip.Addr{}
		}
		if got := d.outcome(t, in); got != "alice" {
			t.Fatalf("got %s, want alice", got)
		}
	}
	check := func(name string, want ...authority.Use) {
		t.Helper()
		if diff := cmp.Diff(want, d.stored(t), diffUses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	at := func(after time.Duration, from string) authority.Use {
		u := authority.Use{ID: id, At: epoch.Add(after)}
		if from != "" {
			u.From = netip.MustParseAddr(from)
		}
		return u
	}

	check("nothing used")
	use("jts-alice", "192.0.2.1")
	use("jtp-alice", "192.0.2.1")
	check("first used, cold", at(0, "192.0.2.1"))
	d.advance(29 * time.Second) // the epoch is half past
	use("jts-alice", "192.0.2.2")
	check("again in the same minute")
	d.advance(time.Second)
	use("jts-alice", "2001:db8::1")
	use("jts-alice", "192.0.2.2")
	check("in the next minute", at(30*time.Second, "2001:db8::1"))
	d.advance(10 * time.Minute)
	use("jts-alice", "")
	d.advance(time.Minute)
	check("from an unknown address", at(10*time.Minute+30*time.Second, ""))
	use("jts-alice", "192.0.2.3")
	d.advance(time.Minute)
	use("jts-alice", "192.0.2.4")
	check("in two minutes before it is stored", at(12*time.Minute+30*time.Second, "192.0.2.4"))

	// What is asked about anew each time counts each time, merged.
	d.stale.Store(true)
	use("jts-alice", "192.0.2.5")
	use("jts-alice", "192.0.2.6")
	check("while nothing is trusted", at(12*time.Minute+30*time.Second, "192.0.2.6"))
	d.stale.Store(false)

	// What is refused is no use; what the policy refuses is one.
	d.people.err = errDown
	d.Forget(id)
	if got := d.outcome(t, bearer("jts-alice")); got != "unavailable" {
		t.Fatalf("got %s, want unavailable", got)
	}
	check("refused")
	d.people.err = nil
	d.advance(time.Minute)
	in := bearer("jts-alice")
	in.Method = "DELETE"
	if got := d.Decide(t.Context(), in, tokenDoor); got.Reason != "no_operation" {
		t.Fatalf("got %s, want no_operation", got.Reason)
	}
	check("forbidden", at(13*time.Minute+30*time.Second, peer.String()))
}

// TestUsesAreNotedOnceByAll has many callers use one token in one minute.
func TestUsesAreNotedOnceByAll(t *testing.T) {
	d := newDesk(t, 0)
	id := d.sessions.token("jts-alice", d.person("alice"))
	d.outcome(t, bearer("jts-alice"))
	d.stored(t)
	for minute := range 20 {
		d.advance(time.Minute)
		var noted []authority.Use
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if d.Decide(t.Context(), bearer("jts-alice"), tokenDoor).Outcome != authority.OutcomeAllow {
					t.Error("refused")
				}
			})
		}
		wait.Wait()
		noted = append(noted, d.stored(t)...)
		d.outcome(t, bearer("jts-alice"))
		noted = append(noted, d.stored(t)...)
		if diff := cmp.Diff([]authority.Use{{ID: id, At: d.now(), From: peer}}, noted, diffUses); diff != "" {
			t.Fatalf("minute %d (-want +got):\n%s", minute, diff)
		}
	}
}

// TestUsesBounded uses more tokens than are noted at a time.
func TestUsesBounded(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	const tokens, most = 10_050, 10_000
	for n := range tokens {
		d.sessions.token(fmt.Sprint("jts-", n), alice)
	}
	for _, want := range []int{most, most, most} {
		for n := range tokens {
			if got := d.outcome(t, bearer(fmt.Sprint("jts-", n))); got != "alice" {
				t.Fatalf("got %s, want alice", got)
			}
		}
		uses := d.stored(t)
		seen := map[uuid.UUID]bool{}
		for i, u := range uses {
			seen[u.ID] = true
			if i > 0 && strings.Compare(string(uses[i-1].ID[:]), string(u.ID[:])) >= 0 {
				t.Fatalf("use %d is out of order", i)
			}
		}
		if len(uses) != want || len(seen) != want {
			t.Errorf("got %d uses of %d tokens, want %d", len(uses), len(seen), want)
		}
		d.advance(time.Minute)
	}
}

// TestStoreUsesFails has two ways in fail to store, after one of them did.
func TestStoreUsesFails(t *testing.T) {
	full, busy := errors.New("disk full"), errors.New("locked")
	one, two := newWay(authority.SessionToken, "jts-"), newWay(authority.AccessToken, "at-")
	one.failing, two.failing = full, busy
	folk := &people{users: map[uuid.UUID]authority.User{}}
	d := &desk{people: folk}
	alice := d.person("alice")
	one.token("jts-alice", alice)
	two.token("at-alice", alice)
	a, err := authority.New(authority.Config{
		Ways: []authority.Way{toucher{one}, toucher{two}}, Users: folk, Policy: func() *policy.Table { return nil },
		Refusals: audit.NewRefusals(1), Fresh: func() bool { return true }, Now: time.Now, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	door := &authority.Door{Kinds: authority.KindsOf(authority.SessionToken, authority.AccessToken)}
	for _, token := range []string{"jts-alice", "at-alice"} {
		if _, err := a.Identify(t.Context(), bearer(token), door); err != nil {
			t.Fatal(err)
		}
	}
	err = a.StoreUses(t.Context())
	if !errors.Is(err, full) || !errors.Is(err, busy) || !strings.Contains(err.Error(), "session_token") || !strings.Contains(err.Error(), "access_token") {
		t.Errorf("got %v, want both errors with their kinds", err)
	}
	if len(one.touched) != 1 || len(two.touched) != 1 {
		t.Errorf("got %d and %d calls, want one each", len(one.touched), len(two.touched))
	}
	if err := a.StoreUses(t.Context()); err != nil {
		t.Errorf("again: got %v, want nothing left to store", err)
	}
}

// busyToucher has something happen while uses are stored.
type busyToucher struct {
	toucher
	meanwhile func()
}

func (b busyToucher) Touch(ctx context.Context, used []authority.Use) error {
	b.meanwhile()
	return b.toucher.Touch(ctx, used)
}

// TestStoreUsesRests stores many uses while calls are answered, and while none are: others have their turn after some of them.
func TestStoreUsesRests(t *testing.T) {
	for name, want := range map[string][]time.Duration{"calls": {9 * time.Millisecond, 9 * time.Millisecond, 9 * time.Millisecond}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			w := newWay(authority.SessionToken, "jts-")
			folk := &people{users: map[uuid.UUID]authority.User{}}
			alice := (&desk{people: folk}).person("alice")
			door := &authority.Door{Kinds: authority.KindsOf(authority.SessionToken)}
			var now atomic.Int64
			var rests []time.Duration
			var a *authority.Authority
			call := func(token string) {
				if _, err := a.Identify(t.Context(), bearer(token), door); err != nil {
					t.Fatal(err)
				}
			}
			way := busyToucher{toucher{w}, func() {
				now.Add(1000)
				if want != nil {
					call("jts-0")
				}
			}}
			a, err := authority.New(authority.Config{
				Ways: []authority.Way{way}, Users: folk, Policy: func() *policy.Table { return nil }, Refusals: audit.NewRefusals(1), Fresh: func() bool { return true },
				Now: func() time.Time { return time.UnixMicro(now.Load()) }, Random: rand.Reader,
				Pause: func(_ context.Context, d time.Duration) { rests = append(rests, d) },
			})
			if err != nil {
				t.Fatal(err)
			}
			for n := range 130 {
				w.token(fmt.Sprint("jts-", n), alice)
				call(fmt.Sprint("jts-", n))
			}
			if err := a.StoreUses(t.Context()); err != nil {
				t.Fatal(err)
			}
			var pieces []int
			for _, used := range w.touched {
				pieces = append(pieces, len(used))
			}
			if !slices.Equal(pieces, []int{64, 64, 2}) || !slices.Equal(rests, want) {
				t.Errorf("got pieces %v and rests %v, want 64, 64 and 2, and rests %v", pieces, rests, want)
			}
		})
	}
}

// TestCounts adds up what was decided, by many callers at once.
func TestCounts(t *testing.T) {
	d := newDesk(t, 0)
	if got := d.Counts(); len(got) != 0 {
		t.Errorf("at first: got %v, want nothing", got)
	}
	alice := d.person("alice")
	d.personal.token("jtp-alice", alice)
	d.sessions.token("jts-alice", alice)
	wrong := bearer("jtp-alice")
	wrong.Method = "PUT"
	const callers, calls = 8, 50
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() {
			for range calls {
				d.Decide(t.Context(), bearer("jtp-alice"), tokenDoor)
				_, _ = d.Identify(t.Context(), bearer("jts-alice"), tokenDoor)
				_, _ = d.Identify(t.Context(), bearer("jts-bob"), tokenDoor)
				d.Decide(t.Context(), wrong, tokenDoor)
				d.Decide(t.Context(), call(), tokenDoor)
				d.Decide(t.Context(), call("Bearer a", "Bearer b"), tokenDoor)
				d.Decide(t.Context(), call(basic("alice:pw")), tokenDoor)
				if ref := d.Refuse(authority.ReasonUntrustedPeer, call(), tokenDoor); ref == nil {
					t.Error("Refuse let it pass")
				}
			}
		})
	}
	wait.Wait()
	const n = callers * calls
	want := []authority.Count{
		{Kind: authority.KindNone, Outcome: authority.OutcomeMalformed, Total: n},
		{Kind: authority.KindNone, Outcome: authority.OutcomeUnauthenticated, Total: n},
		{Kind: authority.KindNone, Outcome: authority.OutcomeForbidden, Total: n},
		{Kind: authority.Password, Outcome: authority.OutcomeUnauthenticated, Total: n},
		{Kind: authority.PersonalToken, Outcome: authority.OutcomeAllow, Total: n},
		{Kind: authority.PersonalToken, Outcome: authority.OutcomeForbidden, Total: n},
		{Kind: authority.SessionToken, Outcome: authority.OutcomeAllow, Total: n},
		{Kind: authority.SessionToken, Outcome: authority.OutcomeUnauthenticated, Total: n},
	}
	if diff := cmp.Diff(want, d.Counts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := d.Remembered(); got != 2 {
		t.Errorf("got %d remembered, want 2", got)
	}
	d.Forget(uuid.Nil)
	if got := d.Remembered(); got != 0 {
		t.Errorf("all forgotten: got %d remembered, want none", got)
	}
}
