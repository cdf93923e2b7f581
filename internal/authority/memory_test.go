package authority_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// household is a desk with alice, who has a personal token (which goes by her own ID) and two session tokens, and bob,
// who has two session tokens.
type household struct {
	*desk
	alice, bob authority.User
	ids        map[string]uuid.UUID // of the tokens, by their text
}

var householdTokens = []string{"jtp-alice", "jts-alice-1", "jts-alice-2", "jts-bob-1", "jts-bob-2"}

func newHousehold(t *testing.T) *household {
	d := newDesk(t, 0)
	h := &household{desk: d, alice: d.person("alice"), bob: d.person("bob")}
	d.personal.put("jtp-alice", authority.Proof{ID: h.alice.ID, UserID: h.alice.ID, Remember: true})
	h.ids = map[string]uuid.UUID{
		"jtp-alice":   h.alice.ID,
		"jts-alice-1": d.sessions.token("jts-alice-1", h.alice),
		"jts-alice-2": d.sessions.token("jts-alice-2", h.alice),
		"jts-bob-1":   d.sessions.token("jts-bob-1", h.bob),
		"jts-bob-2":   d.sessions.token("jts-bob-2", h.bob),
	}
	return h
}

// cold presents every token and returns those that were proven anew.
func (h *household) cold(t *testing.T) []string {
	t.Helper()
	var cold []string
	for _, token := range householdTokens {
		before := h.proofs()
		p, err := h.Identify(t.Context(), bearer(token), anyDoor)
		if err != nil {
			t.Fatalf("%s: %v", token, err)
		}
		want := authority.Principal{User: h.alice, CredentialKind: authority.SessionToken, CredentialID: h.ids[token]}
		if strings.Contains(token, "bob") {
			want.User = h.bob
		}
		if strings.HasPrefix(token, "jtp") {
			want.CredentialKind = authority.PersonalToken
		}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("%s (-want +got):\n%s", token, diff)
		}
		if h.proofs() != before {
			cold = append(cold, token)
		}
	}
	return cold
}

// TestForget forgets a record and sees exactly what rests on it asked about anew, once.
func TestForget(t *testing.T) {
	for _, test := range []struct {
		name string
		id   func(h *household) uuid.UUID
		want []string
	}{
		{"a session", func(h *household) uuid.UUID { return h.ids["jts-alice-1"] }, []string{"jts-alice-1"}},
		{"another's session", func(h *household) uuid.UUID { return h.ids["jts-bob-2"] }, []string{"jts-bob-2"}},
		{"a user", func(h *household) uuid.UUID { return h.alice.ID }, []string{"jtp-alice", "jts-alice-1", "jts-alice-2"}},
		{"a user without personal token", func(h *household) uuid.UUID { return h.bob.ID }, []string{"jts-bob-1", "jts-bob-2"}},
		{"everything", func(*household) uuid.UUID { return uuid.Nil }, householdTokens},
		{"nothing known", func(*household) uuid.UUID { return uuid.New() }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHousehold(t)
			if diff := cmp.Diff(householdTokens, h.cold(t)); diff != "" {
				t.Fatalf("at first (-want +got):\n%s", diff)
			}
			if got := h.cold(t); got != nil {
				t.Fatalf("remembered: %v were proven again", got)
			}
			for range 3 {
				h.Forget(test.id(h))
				if diff := cmp.Diff(test.want, h.cold(t)); diff != "" {
					t.Errorf("forgotten (-want +got):\n%s", diff)
				}
				if got := h.cold(t); got != nil {
					t.Errorf("remembered again: %v were proven again", got)
				}
			}
		})
	}
}

// TestForgetShowsTheChange changes users and tokens that are remembered.
func TestForgetShowsTheChange(t *testing.T) {
	h := newHousehold(t)
	h.cold(t)
	h.alice.Username, h.alice.DisplayName, h.alice.Email, h.alice.Roles = "a", "", "someone@example.org", []string{"admin", "staff"}
	h.people.put(h.alice)
	if got := h.outcome(t, bearer("jtp-alice")); got != "alice" {
		t.Errorf("before the change is heard of: got %s, want what is remembered", got)
	}
	h.Forget(h.alice.ID)
	h.cold(t) // compares the users whole
	if got := h.cold(t); got != nil {
		t.Errorf("%v were proven again", got)
	}

	blocked := h.alice
	blocked.Active = false
	h.people.put(blocked)
	h.Forget(h.alice.ID)
	for _, token := range householdTokens[:3] {
		if got := h.outcome(t, bearer(token)); got != "blocked" {
			t.Errorf("%s: got %s, want blocked", token, got)
		}
	}
	h.people.put(h.alice)
	if got := h.cold(t); !slices.Equal(got, householdTokens[:3]) {
		t.Errorf("unblocked: got %v proven again, want alice's", got)
	}

	// The same text comes to be another's: what is remembered of it is replaced.
	h.Forget(h.ids["jts-bob-1"])
	h.ids["jts-bob-1"] = h.sessions.token("jts-bob-1", h.bob)
	h.cold(t)
	if got := h.cold(t); got != nil {
		t.Errorf("%v were proven again", got)
	}
	h.sessions.drop("jts-bob-2")
	h.Forget(h.ids["jts-bob-2"])
	if got := h.outcome(t, bearer("jts-bob-2")); got != "unknown" {
		t.Errorf("a deleted token: got %s, want unknown", got)
	}
}

// TestChangeDuringFill has changes heard of while a verification asks the database, which had answered before.
func TestChangeDuringFill(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(h *household)
		kept   bool
	}{
		{"of nothing", func(*household) {}, true},
		{"of the credential", func(h *household) { h.Forget(h.ids["jts-alice-1"]) }, false},
		{"of the user", func(h *household) { h.Forget(h.alice.ID) }, false},
		{"of everything", func(h *household) { h.Forget(uuid.Nil) }, false},
		{"of the user's other credential", func(h *household) { h.Forget(h.ids["jts-alice-2"]) }, true},
		{"of another user", func(h *household) { h.Forget(h.bob.ID) }, true},
		{"of 1,024 others", func(h *household) { h.changes(1024) }, true},
		{"of 1,025 others", func(h *household) { h.changes(1025) }, false},
		{"of the user before 1,023 others", func(h *household) { h.Forget(h.alice.ID); h.changes(1023) }, false},
		{"of the user after 1,023 others", func(h *household) { h.changes(1023); h.Forget(h.alice.ID) }, false},
	} {
		for _, where := range []string{"while the way in asks", "while the user is loaded"} {
			t.Run(test.name+" "+where, func(t *testing.T) {
				h := newHousehold(t)
				h.changes(3000) // long before
				during := func(context.Context) error { test.change(h); return nil }
				if strings.Contains(where, "user") {
					h.people.during = during
				} else {
					h.sessions.after = during
				}
				if got := h.outcome(t, bearer("jts-alice-1")); got != "alice" {
					t.Fatalf("got %s, want alice: what was asked before the change may pass", got)
				}
				h.people.during, h.sessions.after = nil, nil
				before := h.proofs()
				if got := h.outcome(t, bearer("jts-alice-1")); got != "alice" {
					t.Fatalf("got %s, want alice", got)
				}
				if kept := h.proofs() == before; kept != test.kept {
					t.Errorf("kept: got %v, want %v", kept, test.kept)
				}
			})
		}
	}
}

// changes has the authority hear of so many changes of records that it doesn't know.
func (h *household) changes(n int) {
	for range n {
		h.Forget(uuid.New())
	}
}

// TestNotFresh lets the feed go silent.
func TestNotFresh(t *testing.T) {
	h := newHousehold(t)
	h.cold(t)
	h.stale.Store(true)
	for range 2 {
		if diff := cmp.Diff(householdTokens, h.cold(t)); diff != "" {
			t.Errorf("while the feed is silent (-want +got):\n%s", diff)
		}
	}
	gone := h.sessions.token("jts-gone", h.bob) // first seen meanwhile, and remembered for later
	if got := h.outcome(t, bearer("jts-gone")); got != "bob" {
		t.Fatalf("got %s, want bob", got)
	}
	h.people.err = errDown
	if got := h.outcome(t, bearer("jtp-alice")); got != "unavailable" {
		t.Errorf("without the database: got %s, want unavailable", got)
	}
	h.people.err = nil
	h.sessions.drop("jts-gone")
	h.Forget(gone) // the feed is heard: first what happened, then that it is fresh
	h.stale.Store(false)
	if got := h.cold(t); got != nil {
		t.Errorf("heard again: %v were proven again", got)
	}
	if got := h.outcome(t, bearer("jts-gone")); got != "unknown" {
		t.Errorf("what was taken away while the feed was silent: got %s, want unknown", got)
	}
}

// TestCatchesUp has each verdict hear the feed while that is stale: what was taken away meanwhile is then forgotten, what wasn't
// counts from memory, and where it can't be heard the call is refused, although the database would still take the token.
func TestCatchesUp(t *testing.T) {
	h := newHousehold(t)
	h.cold(t)
	gone := h.sessions.token("jts-gone", h.bob)
	if got := h.outcome(t, bearer("jts-gone")); got != "bob" {
		t.Fatalf("got %s, want bob", got)
	}
	h.stale.Store(true)
	h.catchUp = func() error { return errDown }
	asked := h.proofs()
	for _, token := range []string{"jtp-alice", "jts-gone"} {
		if got := h.outcome(t, bearer(token)); got != "unavailable" || h.proofs() != asked {
			t.Errorf("%s while the feed can't be heard: got %s after %d look-ups, want unavailable after none", token, got, h.proofs()-asked)
		}
	}
	h.catchUp = func() error {
		h.sessions.drop("jts-gone")
		h.Forget(gone)
		h.stale.Store(false)
		return nil
	}
	if got := h.outcome(t, bearer("jtp-alice")); got != "alice" || h.proofs() != asked {
		t.Errorf("once it was heard: got %s after %d look-ups, want alice from memory", got, h.proofs()-asked)
	}
	if got := h.outcome(t, bearer("jts-gone")); got != "unknown" {
		t.Errorf("what was taken away meanwhile: got %s, want unknown", got)
	}
}

// TestNotRemembered has what must be asked about each time.
func TestNotRemembered(t *testing.T) {
	long := strings.Repeat("x", 1<<16-1)
	for _, test := range []struct {
		name  string
		spoil func(u *authority.User, p *authority.Proof)
		want  int64
	}{
		{"all in order", func(*authority.User, *authority.Proof) {}, 1},
		{"the way in forbids it", func(_ *authority.User, p *authority.Proof) { p.Remember = false }, 3},
		{"no ID by which a change could tell of it", func(_ *authority.User, p *authority.Proof) { p.ID = uuid.Nil }, 3},
		{"all names empty", func(u *authority.User, _ *authority.Proof) { u.Username, u.DisplayName, u.Email = "", "", "" }, 1},
		{"long names", func(u *authority.User, _ *authority.Proof) { u.Username, u.DisplayName, u.Email = long, long, long }, 1},
		{"too long a user name", func(u *authority.User, _ *authority.Proof) { u.Username = long + "x" }, 3},
		{"too long a display name", func(u *authority.User, _ *authority.Proof) { u.DisplayName = long + "x" }, 3},
		{"too long an e-mail", func(u *authority.User, _ *authority.Proof) { u.Email = long + "x" }, 3},
		{"no roles", func(u *authority.User, _ *authority.Proof) { u.Roles = nil }, 1},
		{"many roles", func(u *authority.User, _ *authority.Proof) {
			u.Roles = strings.Split(strings.Repeat("r,", 999)+"r", ",")
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, 0)
			alice, bob := d.person("alice"), d.person("bob")
			d.sessions.token("jts-bob", bob)
			proof := authority.Proof{ID: uuid.New(), UserID: alice.ID, Remember: true}
			test.spoil(&alice, &proof)
			d.people.put(alice)
			d.personal.put("jtp-alice", proof)
			for range 3 {
				p, err := d.Identify(t.Context(), bearer("jtp-alice"), anyDoor)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(alice, p.User); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if got := d.outcome(t, bearer("jts-bob")); got != "bob" {
					t.Errorf("got %s, want bob", got)
				}
			}
			if got := d.personal.asked.Load(); got != test.want {
				t.Errorf("got %d proofs, want %d", got, test.want)
			}
		})
	}
}

// TestBound presents far more than may be remembered, each twice.
func TestBound(t *testing.T) {
	for _, most := range []int{1, 2, 3, 4, 5, 1500} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			a, c := newCrowdOf(t, most)
			call, tokens := newCaller(), 1000+authority.Rounds(20*most)
			for n := range tokens {
				for range 2 {
					if d := a.Decide(t.Context(), call.present(n), tokenDoor); !d.Allowed() || d.Principal.Username != userName(n) {
						t.Fatalf("token %d: got %s, of user %s", n, d.Reason, d.Principal.Username)
					}
				}
				if got := a.Remembered(); got > most {
					t.Fatalf("after %d: got %d remembered, want %d at most", n, got, most)
				}
			}
			// What was presented just before was remembered.
			if got := c.proved.Load(); got != int64(tokens) {
				t.Errorf("got %d proofs, want %d", got, tokens)
			}
			if got := a.Remembered(); got < most/2 {
				t.Errorf("got %d remembered, want half of what may be", got)
			}
		})
	}
}

// TestMillionRandomTokens presents a million tokens that nobody has, and a million that push each other out.
func TestMillionRandomTokens(t *testing.T) {
	million, most := authority.Rounds(1_000_000), authority.Rounds(20_000)
	a, _ := newCrowdOf(t, most)
	call := newCaller()
	before := heap()
	for n := range million {
		if d := a.Decide(t.Context(), call.present(50_000_000+n), tokenDoor); d.Reason != authority.ReasonUnknown {
			t.Fatalf("got %s, want unknown", d.Reason)
		}
	}
	if got := a.Remembered(); got != 0 {
		t.Errorf("got %d remembered, want nothing that nobody has", got)
	}
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("unknown tokens: memory has grown by %d bytes, want it flat", grown)
	}
	for n := range million {
		if d := a.Decide(t.Context(), call.present(n), tokenDoor); !d.Allowed() {
			t.Fatalf("got %s", d.Reason)
		}
	}
	if got := a.Remembered(); got > most || got < most/2 {
		t.Errorf("got %d remembered, want %d at most and half of it at least", got, most)
	}
	grown := int64(heap()) - int64(before)
	t.Logf("%d of %d tokens remembered: memory has grown by %d bytes", a.Remembered(), million, grown)
	if grown > 200*int64(most)+1<<20 {
		t.Errorf("known tokens: memory has grown by %d bytes, want less than 200 for each that may be remembered", grown)
	}
	runtime.KeepAlive(a)
}

// TestWarmAllocatesNothing decides about what is remembered.
func TestWarmAllocatesNothing(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	d.personal.token("jtp-alice", alice)
	d.personal.token("jtp-"+rand.Text()+strings.Repeat("x", 2000), alice)
	d.passwords.token("alice:secret", alice)
	d.console.token("cookie", alice)
	own, cookie := bearer("jtp-alice"), call()
	own.Path, cookie.Cookie = "/v2/users/"+alice.ID.String(), []string{"a=b; console=cookie; c=d"}
	door := &authority.Door{Name: "any", Kinds: authority.KindsOf(authority.Password, authority.PersonalToken, authority.ConsoleSession)}
	for _, test := range []struct {
		name string
		in   *authority.Presented
		want float64
	}{
		{"token", bearer("jtp-alice"), 0},
		{"token for one's own", own, 0},
		{"cookie", cookie, 0},
		{"password", call(basic("alice:secret")), 2}, // Base64 to bytes, and these to text
	} {
		ctx := t.Context()
		if got := testing.AllocsPerRun(1000, func() {
			if decision := d.Decide(ctx, test.in, door); !decision.Allowed() {
				t.Fatalf("%s: got %s", test.name, decision.Reason)
			}
		}); got != test.want {
			t.Errorf("%s: got %v allocations, want %v", test.name, got, test.want)
		}
	}
	if got := d.proofs(); got != 2 {
		t.Errorf("got %d proofs by token and password, want 2", got)
	}
}

// TestEndedStaysEnded sets the clock back after a proof was found to have ended: the way in is asked, and memory isn't.
func TestEndedStaysEnded(t *testing.T) {
	d := newDesk(t, 0)
	alice := d.person("alice")
	d.personal.put("jtp-alice", authority.Proof{ID: alice.ID, UserID: alice.ID, NotAfter: d.now().Add(time.Minute), Remember: true})
	for range 2 {
		if got := d.outcome(t, bearer("jtp-alice")); got != "alice" {
			t.Fatalf("got %s, want alice", got)
		}
	}
	d.advance(time.Minute)
	if got := d.outcome(t, bearer("jtp-alice")); got != "expired" {
		t.Errorf("at its end: got %s, want expired", got)
	}
	d.advance(-time.Second)
	asked := d.proofs()
	if _ = d.outcome(t, bearer("jtp-alice")); d.proofs() != asked+1 {
		t.Error("with the clock set back, the ended proof was remembered")
	}
}
