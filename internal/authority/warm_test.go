package authority_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
)

// warmer is a way whose credentials are stored as digests, of which it can tell batch by batch.
type warmer struct {
	*way
	users   *people
	batches [][]string // texts
	read    func(batch int)
	fails   error // after the last batch
}

func digestOf(text string) [32]byte { return sha256.Sum256([]byte("pepper " + text)) }

func (w *warmer) Digests(text secret.Text) [][32]byte {
	return [][32]byte{digestOf("former " + text.Reveal()), digestOf(text.Reveal())}
}

// Warm hands over the batches as they are when it comes to each.
func (w *warmer) Warm(ctx context.Context, keep func([]authority.Warmed) error) error {
	for n, texts := range w.batches {
		var batch []authority.Warmed
		w.mu.Lock()
		for _, text := range texts {
			one := authority.Warmed{Digest: digestOf(text), Proof: w.records[text]}
			if u, ok := w.users.users[one.Proof.UserID]; ok {
				one.Proof.User = &u
			}
			batch = append(batch, one)
		}
		w.mu.Unlock()
		if w.read != nil {
			w.read(n)
		}
		if err := keep(batch); err != nil {
			return err
		}
	}
	return errors.Join(w.fails, ctx.Err())
}

// cellar is an authority whose session tokens, "jts-1" and so on, are each another user's, in batches of ten.
type cellar struct {
	*authority.Authority
	way    *warmer
	people *people
	clock  atomic.Int64
	stale  atomic.Bool
	pauses []time.Duration
	ids    map[string]uuid.UUID
}

func newCellar(tb testing.TB, tokens, maxRemembered int) *cellar {
	tb.Helper()
	c := &cellar{people: &people{users: map[uuid.UUID]authority.User{}}, ids: map[string]uuid.UUID{}}
	c.clock.Store(epoch.UnixMicro())
	c.way = &warmer{way: newWay(authority.SessionToken, "jts-"), users: c.people}
	d := &desk{people: c.people}
	for n := range tokens {
		text := fmt.Sprint("jts-", n)
		c.ids[text] = c.way.token(text, d.person(fmt.Sprint("user", n)))
		if n%10 == 0 {
			c.way.batches = append(c.way.batches, nil)
		}
		last := len(c.way.batches) - 1
		c.way.batches[last] = append(c.way.batches[last], text)
	}
	table := compile(tb)
	var err error
	c.Authority, err = authority.New(authority.Config{
		Ways: []authority.Way{newWay(authority.PersonalToken, "jtp-"), c.way}, Users: c.people, Policy: func() *policy.Table { return table },
		Refusals: audit.NewRefusals(1000), Fresh: func() bool { return !c.stale.Load() }, Now: c.now, Random: rand.Reader, MaxRemembered: maxRemembered,
		Pause: func(_ context.Context, d time.Duration) { c.pauses = append(c.pauses, d) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (c *cellar) now() time.Time { return time.UnixMicro(c.clock.Load()).UTC() }

// outcome is whose a token is, or why it is nobody's; and whether its way was asked.
func (c *cellar) outcome(tb testing.TB, token string) string {
	tb.Helper()
	asked := c.way.asked.Load()
	p, err := c.Identify(tb.Context(), bearer(token), tokenDoor)
	got := p.Username
	if err != nil {
		got = string(reasonOf(tb, err))
	} else if p.CredentialID != c.ids[token] || p.CredentialKind != authority.SessionToken || p.Email != p.Username+"@example.com" {
		tb.Errorf("%s: got %+v, want its own principal", token, p)
	}
	if c.way.asked.Load() != asked {
		got += ", asked"
	}
	return got
}

// TestWarm presents tokens that were read before: none is asked about, and a text that differs in one character is.
func TestWarm(t *testing.T) {
	c := newCellar(t, 100, 0)
	if kept, err := c.Warm(t.Context()); err != nil || kept != 100 || c.Remembered() != 100 {
		t.Fatalf("got %d kept, %d remembered, error %v, want 100", kept, c.Remembered(), err)
	}
	for range 3 {
		for n := range 100 {
			if got, want := c.outcome(t, fmt.Sprint("jts-", n)), fmt.Sprint("user", n); got != want {
				t.Errorf("token %d: got %s, want %s from memory", n, got, want)
			}
		}
	}
	if got := c.outcome(t, "jts-7x"); got != "unknown, asked" {
		t.Errorf("another text: got %s, want unknown", got)
	}
	if got := c.Warming(); got != (authority.Warming{Kept: 100, Known: 100}) {
		t.Errorf("got %+v, want 100 kept and known", got)
	}
	if len(c.pauses) != 0 {
		t.Errorf("got %d rests while nobody called, want none", len(c.pauses))
	}
	// By whichever mark it is known, a change ends it.
	c.Forget(c.ids["jts-8"])
	if got := c.outcome(t, "jts-8"); got != "user8, asked" {
		t.Errorf("forgotten: got %s, want it asked about", got)
	}
}

// TestWarmJudges reads tokens that must not be kept, each beside one that is.
func TestWarmJudges(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(c *cellar, u *authority.User, p *authority.Proof)
		want  string // when it is presented
	}{
		{"in order", func(*cellar, *authority.User, *authority.Proof) {}, "user0"},
		{"its user is blocked", func(_ *cellar, u *authority.User, _ *authority.Proof) { u.Active = false }, "blocked, asked"},
		{"its user is suspended", func(_ *cellar, u *authority.User, _ *authority.Proof) { u.Active, u.Suspended = false, true }, "suspended, asked"},
		{"it has expired", func(c *cellar, _ *authority.User, p *authority.Proof) { p.NotAfter = c.now() }, "expired, asked"},
		{"it is yet to expire", func(c *cellar, _ *authority.User, p *authority.Proof) { p.NotAfter = c.now().Add(time.Second) }, "user0"},
		{"it may not be remembered", func(_ *cellar, _ *authority.User, p *authority.Proof) { p.Remember = false }, "user0, asked"},
		{"its user isn't told", func(c *cellar, u *authority.User, _ *authority.Proof) {
			delete(c.people.users, u.ID)
			u.ID = uuid.New()
		}, "user_deleted, asked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCellar(t, 2, 0)
			proof := c.way.records["jts-0"]
			u := c.people.users[proof.UserID]
			test.spoil(c, &u, &proof)
			c.way.put("jts-0", proof)
			c.people.put(u)
			if _, err := c.Warm(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := c.outcome(t, "jts-0"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := c.outcome(t, "jts-1"); got != "user1" {
				t.Errorf("the other: got %s, want it remembered", got)
			}
		})
	}
}

// TestWarmedByManyAtOnce has several present each token at once: it is counted as known once, for the digests of others are looked for
// until all are known.
func TestWarmedByManyAtOnce(t *testing.T) {
	const tokens, callers = 1000, 4
	c := newCellar(t, tokens, 0)
	if kept, err := c.Warm(t.Context()); err != nil || kept != tokens {
		t.Fatalf("got %d kept, error %v, want %d", kept, err, tokens)
	}
	for n := range tokens {
		var presenting sync.WaitGroup
		begin, token := make(chan struct{}), fmt.Sprint("jts-", n)
		for range callers {
			presenting.Go(func() {
				<-begin
				got, _, _ := strings.Cut(c.outcome(t, token), ",") // it is asked about where another has just ended the mark
				if want := fmt.Sprint("user", n); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
		close(begin)
		presenting.Wait()
		if got := c.Warming().Known; got != int64(n)+1 {
			t.Fatalf("got %d known, want %d", got, n+1)
		}
	}
}

// TestWarmedEnds lets the clock run past the end of a token that was read, and back.
func TestWarmedEnds(t *testing.T) {
	c := newCellar(t, 1, 0)
	proof := c.way.records["jts-0"]
	proof.NotAfter = c.now().Add(time.Minute)
	c.way.put("jts-0", proof)
	if kept, err := c.Warm(t.Context()); err != nil || kept != 1 {
		t.Fatalf("got %d kept, error %v", kept, err)
	}
	c.clock.Add(time.Minute.Microseconds())
	if got := c.outcome(t, "jts-0"); got != "expired, asked" {
		t.Errorf("at its end: got %s, want expired", got)
	}
	c.clock.Add(-time.Second.Microseconds())
	if got := c.outcome(t, "jts-0"); got != "user0, asked" {
		t.Errorf("with the clock set back: got %s, want it asked about", got)
	}
	// One that is known by its key ends as it would have by its digest.
	c = newCellar(t, 1, 0)
	c.way.put("jts-0", authority.Proof{ID: c.ids["jts-0"], UserID: c.way.records["jts-0"].UserID, NotAfter: c.now().Add(time.Minute), Remember: true})
	if _, err := c.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.clock.Add(30 * time.Second.Microseconds())
	if got := c.outcome(t, "jts-0"); got != "user0" {
		t.Errorf("got %s, want user0 from memory", got)
	}
	c.clock.Add(30 * time.Second.Microseconds())
	if got := c.outcome(t, "jts-0"); got != "expired, asked" {
		t.Errorf("at its end: got %s, want expired", got)
	}
}

// TestChangeDuringWarming has a change heard of between what was read and what is kept of it. The change wins; the next batch, read
// after it, is kept.
func TestChangeDuringWarming(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(c *cellar)
		want   []string // that are asked about
	}{
		{"of nothing", func(*cellar) {}, nil},
		{"of a token", func(c *cellar) { c.Forget(c.ids["jts-3"]) }, []string{"jts-3"}},
		{"of a user", func(c *cellar) { c.Forget(c.way.records["jts-4"].UserID) }, []string{"jts-4"}},
		{"of one in the next batch, not yet read", func(c *cellar) { c.Forget(c.ids["jts-13"]) }, nil},
		{"of everything", func(c *cellar) { c.Forget(uuid.Nil) }, []string{
			"jts-0", "jts-1", "jts-2", "jts-3", "jts-4", "jts-5", "jts-6", "jts-7", "jts-8", "jts-9",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCellar(t, 20, 0)
			c.way.read = func(batch int) {
				if batch == 0 {
					test.change(c)
				}
			}
			if _, err := c.Warm(t.Context()); err != nil {
				t.Fatal(err)
			}
			var cold []string
			for n := range 20 {
				if text := fmt.Sprint("jts-", n); strings.HasSuffix(c.outcome(t, text), "asked") {
					cold = append(cold, text)
				}
			}
			if !slices.Equal(cold, test.want) {
				t.Errorf("got %v asked about, want %v", cold, test.want)
			}
		})
	}
}

// TestWarmStops ends the warming: by the bound of what is remembered, by its context, and by a way that fails.
func TestWarmStops(t *testing.T) {
	c := newCellar(t, 1000, 200)
	if kept, err := c.Warm(t.Context()); err != nil || kept < 100 || kept > 164 || c.Remembered() != kept {
		t.Errorf("got %d kept, %d remembered, error %v, want about half of 200", kept, c.Remembered(), err)
	}

	c = newCellar(t, 1000, 0)
	ctx, cancel := context.WithCancel(t.Context())
	c.way.read = func(batch int) {
		if batch == 5 {
			cancel()
		}
	}
	if kept, err := c.Warm(ctx); !errors.Is(err, context.Canceled) || kept != 50 {
		t.Errorf("got %d kept, error %v, want 50 and that it was cancelled", kept, err)
	}
	if c.Warming().Running {
		t.Error("it is said to run when it has ended")
	}

	c = newCellar(t, 50, 0)
	c.way.fails = errDown
	if kept, err := c.Warm(t.Context()); !errors.Is(err, errDown) || !strings.Contains(err.Error(), "session_token") || kept != 50 {
		t.Errorf("got %d kept, error %v, want 50 and the way's error with its kind", kept, err)
	}
}

// TestWarmRests has calls come while batches are read: it rests after those, and nineteen times as long as each took.
func TestWarmRests(t *testing.T) {
	c := newCellar(t, 50, 0)
	c.way.read = func(batch int) {
		c.clock.Add(time.Millisecond.Microseconds())
		if batch%2 == 1 {
			c.outcome(t, "jts-49")
		}
	}
	if _, err := c.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{19 * time.Millisecond, 19 * time.Millisecond}; !slices.Equal(c.pauses, want) {
		t.Errorf("got rests of %v, want %v", c.pauses, want)
	}
}

// TestWarmedWhileStale asks about each token while the feed isn't fresh, whatever was read.
func TestWarmedWhileStale(t *testing.T) {
	c := newCellar(t, 3, 0)
	if _, err := c.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.stale.Store(true)
	if got := c.outcome(t, "jts-1"); got != "user1, asked" {
		t.Errorf("got %s, want it asked about", got)
	}
	c.stale.Store(false)
	if got := c.outcome(t, "jts-2"); got != "user2" {
		t.Errorf("got %s, want it from memory", got)
	}
}

// TestRefusedIsRemembered presents tokens that nobody has.
func TestRefusedIsRemembered(t *testing.T) {
	for _, test := range []struct {
		name  string
		then  func(c *cellar)
		want  string
		asked bool
	}{
		{"again", func(*cellar) {}, "unknown", false},
		{"a moment before it is asked about again", func(c *cellar) { c.clock.Add(5_000_000 - 1) }, "unknown", false},
		{"five seconds after", func(c *cellar) { c.clock.Add(5_000_000) }, "unknown", true},
		{"with the clock set back", func(c *cellar) { c.clock.Add(-1) }, "unknown", true},
		{"after a change of another", func(c *cellar) { c.Forget(uuid.New()) }, "unknown", true},
		{"after a change of everything", func(c *cellar) { c.Forget(uuid.Nil) }, "unknown", true},
		{"after a change that no credential rests on", func(c *cellar) { c.ForgetRefused() }, "unknown", true},
		{"while the feed isn't fresh", func(c *cellar) { c.stale.Store(true) }, "unknown", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCellar(t, 1, 0)
			if got := c.outcome(t, "jts-dead"); got != "unknown, asked" {
				t.Fatalf("at first: got %s, want unknown", got)
			}
			test.then(c)
			want := test.want
			if test.asked {
				want += ", asked"
			}
			if got := c.outcome(t, "jts-dead"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := c.outcome(t, "jts-0"); got != "user0, asked" {
				t.Errorf("one that is good: got %s, want user0", got)
			}
		})
	}
}

// TestRefusedDuringChange has a change heard of while a token is found to be nobody's: that isn't remembered.
func TestRefusedDuringChange(t *testing.T) {
	c := newCellar(t, 1, 0)
	c.way.after = func(context.Context) error { c.ForgetRefused(); return nil }
	for range 2 {
		if got := c.outcome(t, "jts-dead"); got != "unknown, asked" {
			t.Errorf("got %s, want it asked about", got)
		}
	}
}

// TestRefusedAlone remembers no refusal but that nobody has the token, and tells the audit log the same of each.
func TestRefusedAlone(t *testing.T) {
	owner, record := uuid.New(), uuid.New()
	for _, test := range []struct {
		ref        error
		want       string
		remembered bool
	}{
		{&authority.Refusal{Reason: authority.ReasonUnknown}, "unknown", true},
		{&authority.Refusal{Reason: authority.ReasonSuperseded, ID: record, UserID: owner}, "superseded", true},
		{&authority.Refusal{Reason: authority.ReasonEnded, ID: record, UserID: owner}, "ended", false},
		{&authority.Refusal{Reason: authority.ReasonBadChecksum}, "bad_checksum", false},
		{&authority.Refusal{Reason: authority.ReasonDisabled, ID: record}, "disabled", false},
		{authority.ErrBusy, "busy", false},
		{errDown, "unavailable", false},
		{fmt.Errorf("not to be relied upon: %w", &authority.Refusal{Reason: authority.ReasonUnknown, Cause: errDown}), "unknown", false},
	} {
		t.Run(test.want, func(t *testing.T) {
			c := newCellar(t, 0, 0)
			c.way.err = test.ref
			want, _ := errors.AsType[*authority.Refusal](test.ref)
			for n := range 3 {
				_, err := c.Identify(t.Context(), bearer("jts-x"), tokenDoor)
				got, _ := errors.AsType[*authority.Refusal](err)
				if got == nil || string(got.Reason) != test.want || want != nil && (got.ID != want.ID || got.UserID != want.UserID) {
					t.Errorf("call %d: got %v, want %s with the same IDs", n, err, test.want)
				}
			}
			asked := int64(3)
			if test.remembered {
				asked = 1
			}
			if got := c.way.asked.Load(); got != asked {
				t.Errorf("asked %d times, want %d", got, asked)
			}
			var counted uint64
			for _, count := range c.Counts() {
				counted += count.Total
			}
			if counted != 3 {
				t.Errorf("got %d calls counted, want 3", counted)
			}
		})
	}
}

// TestRefusedIsForItsKind presents the same text in two places, of which only one knows it.
func TestRefusedIsForItsKind(t *testing.T) {
	c := newCellar(t, 1, 0)
	if got := c.outcome(t, "jts-dead"); got != "unknown, asked" {
		t.Fatalf("got %s, want unknown", got)
	}
	in := call()
	in.Given = &authority.Credential{Kind: authority.PersonalToken, Text: "jts-dead"}
	if _, err := c.Identify(t.Context(), in, tokenDoor); reasonOf(t, err) != "unknown" {
		t.Errorf("as another kind: got %v, want unknown", err)
	}
	for range 2 { // the other way isn't one whose refusals are remembered
		if _, err := c.Identify(t.Context(), in, tokenDoor); reasonOf(t, err) != "unknown" {
			t.Errorf("got %v, want unknown", err)
		}
	}
}

// TestRefusedTakesNoMemory presents random tokens, and then one that is good.
func TestRefusedTakesNoMemory(t *testing.T) {
	c := newCellar(t, 1, 0)
	before := heap()
	for n := range authority.Rounds(200_000) {
		_, err := c.Identify(t.Context(), bearer(fmt.Sprint("jts-junk", n)), tokenDoor)
		if reasonOf(t, err) != authority.ReasonUnknown {
			t.Fatalf("got %v, want unknown", err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("memory has grown by %d bytes, want it flat", grown)
	}
	if got := c.outcome(t, "jts-0"); got != "user0, asked" {
		t.Errorf("got %s, want user0", got)
	}
	if got := c.outcome(t, "jts-0"); got != "user0" {
		t.Errorf("got %s, want user0 from memory", got)
	}
}

// TestWarmBesideCalls warms the memory again and again while tokens are presented, and users changed and that heard of. Nobody is let in
// by a version that was heard to be over.
func TestWarmBesideCalls(t *testing.T) {
	for _, most := range []int{150, 0} {
		t.Run(fmt.Sprint("remembered=", most), func(t *testing.T) {
			const tokens = 60
			c := newCellar(t, tokens, most)
			c.people.mu.Lock()
			owners := map[string]authority.User{}
			for text := range c.ids {
				owners[text] = c.people.users[c.way.records[text].UserID]
			}
			c.people.mu.Unlock()
			var lock sync.RWMutex // of versions: what is heard of counts from then on
			heard := map[string]bool{}
			var done atomic.Bool
			var wait sync.WaitGroup
			var warmings, admitted atomic.Int64
			wait.Go(func() {
				for !done.Load() {
					if _, err := c.Warm(t.Context()); err != nil {
						t.Error(err)
					}
					warmings.Add(1)
				}
			})
			for range 2 {
				wait.Go(func() {
					for n := 0; !done.Load(); n++ {
						text := fmt.Sprint("jts-", n%tokens)
						lock.RLock()
						dropped := heard[text]
						lock.RUnlock()
						p, err := c.Identify(t.Context(), bearer(text), tokenDoor)
						if err == nil && (dropped || p.ID != owners[text].ID || p.Username != owners[text].Username) {
							t.Errorf("%s: let in as %s, dropped %v", text, p.Username, dropped)
						}
						if err == nil {
							admitted.Add(1)
						}
					}
				})
			}
			for n := 0; n < tokens; n++ {
				text := fmt.Sprint("jts-", n)
				for calm := admitted.Load() + 50; n < tokens-1 && admitted.Load() < calm; {
					runtime.Gosched()
				}
				c.way.drop(text)
				c.Forget(c.ids[text])
				lock.Lock()
				heard[text] = true
				lock.Unlock()
			}
			done.Store(true)
			wait.Wait()
			if warmings.Load() == 0 || admitted.Load() < 50*(tokens-1) {
				t.Errorf("got %d warmings and %d calls let in, want more", warmings.Load(), admitted.Load())
			}
			for text := range c.ids {
				if got := c.outcome(t, text); !strings.HasPrefix(got, "unknown") {
					t.Errorf("%s: got %s when all were dropped, want unknown", text, got)
				}
			}
		})
	}
}
