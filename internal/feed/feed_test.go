package feed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/feed"
)

var (
	alice = uuid.Must(uuid.NewV7())
	bob   = uuid.Must(uuid.NewV7())
)

// instance is the database's.
var instance = uuid.MustParse("0192f0c1-2a3b-7c4d-8e5f-60718293a4b5")

// row is a row of the feed.
func row(revision int64, id uuid.UUID) feed.Change {
	return feed.Change{Revision: revision, Mark: 1000 + revision, Kind: feed.User, ID: id}
}

// all is what is applied where everything must be forgotten.
func all(revision int64) feed.Change {
	if revision == 0 {
		return feed.Change{}
	}
	return feed.Change{Revision: revision, Mark: 1000 + revision}
}

var errDown = errors.New("the database is down")

// changes is a store in memory, with its faults.
type changes struct {
	mu      sync.Mutex
	rows    []feed.Change
	kept    int64 // rows up to this revision are pruned
	fail    error
	asked   []int64 // the revisions asked about
	answers func(feed.Batch) feed.Batch
}

func (c *changes) ChangesAfter(ctx context.Context, revision int64) (feed.Batch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, revision)
	if c.fail != nil {
		return feed.Batch{}, c.fail
	}
	if err := ctx.Err(); err != nil {
		return feed.Batch{}, err
	}
	head := int64(len(c.rows))
	b := feed.Batch{Head: feed.Position{Instance: instance, Epoch: 1, Revision: head, Mark: c.markOf(head)}, Pruned: revision < c.kept}
	if revision > c.kept {
		b.Then = c.markOf(revision)
	}
	if revision < head && !b.Pruned {
		b.Changes = slices.Clone(c.rows[revision:])
	}
	if c.answers != nil {
		b = c.answers(b)
	}
	return b, nil
}

// markOf returns the mark of a revision, 0 where there is none.
func (c *changes) markOf(revision int64) int64 {
	if revision < 1 || revision > int64(len(c.rows)) {
		return 0
	}
	return c.rows[revision-1].Mark
}

func (c *changes) add(ids ...uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.rows = append(c.rows, row(int64(len(c.rows)+1), id))
	}
}

func (c *changes) set(fail error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = fail
}

// node is a feed with what it applied.
type node struct {
	*feed.Feed
	store   *changes
	applied []feed.Change
	refuse  func(feed.Change) error
	journal *feed.Journal
	now     time.Time
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{store: new(changes), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	f, err := feed.New(feed.Config{Store: n.store, Apply: n.apply, Now: func() time.Time { return n.now }})
	if err != nil {
		t.Fatal(err)
	}
	n.Feed = f
	return n
}

func (n *node) apply(_ context.Context, c feed.Change) error {
	if n.refuse != nil {
		if err := n.refuse(c); err != nil {
			return err
		}
	}
	n.applied = append(n.applied, c)
	return nil
}

// start has the node catch up for the first time and forgets that it did.
func (n *node) start(t *testing.T) {
	t.Helper()
	if err := n.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.applied = nil
}

// ids returns the records whose changes were applied, in order.
func (n *node) ids() (ids []uuid.UUID) {
	for _, c := range n.applied {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestNew(t *testing.T) {
	store, apply, now := new(changes), func(context.Context, feed.Change) error { return nil }, time.Now
	for _, cfg := range []feed.Config{{Apply: apply, Now: now}, {Store: store, Now: now}, {Store: store, Apply: apply}} {
		if f, err := feed.New(cfg); err == nil || f != nil {
			t.Errorf("got %v, %v for a configuration that lacks something, want an error", f, err)
		}
	}
}

func TestCatchUp(t *testing.T) {
	n := newNode(t)
	n.store.add(alice, bob)
	if n.Fresh() {
		t.Error("got fresh before the first CatchUp, want stale")
	}
	if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() {
		t.Fatalf("got %v, fresh %t, want the feed fresh", err, n.Fresh())
	}
	// At its start a node forgets everything, once.
	if want := []feed.Change{all(2)}; !cmp.Equal(n.applied, want) {
		t.Errorf("got %v applied at the start, want %v", n.applied, want)
	}
	n.applied = nil
	if err := n.CatchUp(t.Context()); err != nil || n.applied != nil {
		t.Errorf("got %v, %v without a change, want nothing applied", n.applied, err)
	}
	n.store.add(bob, alice, bob)
	if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.ids(), []uuid.UUID{bob, alice, bob}) {
		t.Errorf("got %v, %v, want the three changes in order", n.ids(), err)
	}
	n.store.add(alice)
	if err := n.CatchUp(t.Context()); err != nil || len(n.applied) != 4 || n.applied[3] != row(6, alice) {
		t.Errorf("got %v, %v, want one more", n.applied, err)
	}
	if want := []int64{0, 2, 2, 5}; !cmp.Equal(n.store.asked, want) {
		t.Errorf("got asked after %v, want %v", n.store.asked, want)
	}
}

// TestEmptyDatabase starts on a database that never had a change: what is remembered from before must go all the same.
func TestEmptyDatabase(t *testing.T) {
	n := newNode(t)
	if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.applied, []feed.Change{{}}) {
		t.Errorf("got %v, %v, want everything forgotten once", n.applied, err)
	}
	n.store.add(alice)
	if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.ids(), []uuid.UUID{uuid.Nil, alice}) {
		t.Errorf("got %v, %v, want the first change by itself", n.ids(), err)
	}
}

func TestPruned(t *testing.T) {
	for _, tt := range []struct {
		name string
		kept int64 // the node knows everything up to 2
		want []uuid.UUID
	}{
		{"the last that it knows", 2, []uuid.UUID{bob, alice}},
		{"the first that it doesn't", 3, []uuid.UUID{uuid.Nil}},
		{"all", 4, []uuid.UUID{uuid.Nil}},
	} {
		n := newNode(t)
		n.store.add(alice, alice)
		n.start(t)
		n.store.add(bob, alice)
		n.store.kept = tt.kept
		n.refuse = func(feed.Change) error { return errDown }
		if err := n.CatchUp(t.Context()); !errors.Is(err, errDown) || n.Fresh() {
			t.Errorf("%s: got %v, fresh %t while Apply fails, want its error and a stale feed", tt.name, err, n.Fresh())
		}
		n.refuse = nil
		if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.ids(), tt.want) || !n.Fresh() {
			t.Errorf("%s: got %v, %v, want %v", tt.name, n.ids(), err, tt.want)
		}
		n.store.add(bob)
		if err := n.CatchUp(t.Context()); err != nil || n.applied[len(n.applied)-1].Revision != 5 {
			t.Errorf("%s: got %v, %v, want revision 5 by itself", tt.name, n.applied, err)
		}
	}
}

// TestApplyFails has one change of several refused: those before it aren't applied again, it and those after it are.
func TestApplyFails(t *testing.T) {
	n := newNode(t)
	n.start(t)
	n.store.add(alice, bob, alice)
	n.refuse = func(c feed.Change) error {
		if c.ID == bob {
			return errDown
		}
		return nil
	}
	for range 2 {
		if err := n.CatchUp(t.Context()); !errors.Is(err, errDown) || n.Fresh() {
			t.Fatalf("got %v, fresh %t, want Apply's error and a stale feed", err, n.Fresh())
		}
	}
	n.refuse = nil
	if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() || !cmp.Equal(n.ids(), []uuid.UUID{alice, bob, alice}) {
		t.Errorf("got %v, %v, want each change once and in order", n.ids(), err)
	}
}

// TestFirstApplyFails: a node that could not forget everything at its start must try again, not go on from there.
func TestFirstApplyFails(t *testing.T) {
	n := newNode(t)
	n.store.add(alice)
	n.refuse = func(feed.Change) error { return errDown }
	if err := n.CatchUp(t.Context()); !errors.Is(err, errDown) {
		t.Fatalf("got %v, want Apply's error", err)
	}
	n.refuse = nil
	if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.applied, []feed.Change{all(1)}) {
		t.Errorf("got %v, %v, want everything forgotten", n.applied, err)
	}
}

func TestStoreFails(t *testing.T) {
	n := newNode(t)
	n.start(t)
	n.store.set(errDown)
	if err := n.CatchUp(t.Context()); !errors.Is(err, errDown) || n.Fresh() {
		t.Errorf("got %v, fresh %t, want the store's error and a stale feed at once", err, n.Fresh())
	}
	n.store.set(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.CatchUp(ctx); !errors.Is(err, context.Canceled) || n.Fresh() {
		t.Errorf("got %v, fresh %t, want the context's error and a stale feed", err, n.Fresh())
	}
	if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() || n.applied != nil {
		t.Errorf("got %v, %v, want the feed fresh again and nothing forgotten", n.applied, err)
	}
}

// TestGoneBack shows the node databases that it must not believe any more, and their twins, which it follows.
func TestGoneBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*feed.Batch)
		want   error
	}{
		{"the same", func(*feed.Batch) {}, nil},
		{"an earlier revision", func(b *feed.Batch) { b.Head.Revision, b.Head.Mark = 1, 1001 }, feed.ErrPast},
		{"none", func(b *feed.Batch) { b.Head.Revision, b.Head.Mark = 0, 0 }, feed.ErrPast},
		{"another history of the same length", func(b *feed.Batch) { b.Head.Mark = 7 }, feed.ErrPast},
		{"another history that is longer", func(b *feed.Batch) { b.Head.Revision, b.Head.Mark, b.Then = 3, 1003, 7 }, feed.ErrPast},
		{"a longer history", func(b *feed.Batch) { b.Head.Revision, b.Head.Mark, b.Then = 3, 1003, 1002 }, nil},
		{"a longer history, of which the row is gone", func(b *feed.Batch) { b.Head.Revision, b.Head.Mark, b.Then = 3, 1003, 0 }, nil},
		{"an earlier epoch", func(b *feed.Batch) { b.Head.Epoch, b.Head.Revision = 0, 9 }, feed.ErrPast},
		{"a restored one", func(b *feed.Batch) {
			b.Head.Epoch, b.Head.Revision, b.Head.Mark, b.Reach = 2, 1, 7, feed.Position{Epoch: 1, Revision: 2}
		}, nil},
		{"one restored with more known", func(b *feed.Batch) { b.Head.Epoch, b.Reach = 2, feed.Position{Epoch: 1, Revision: 3} }, nil},
		{"one restored with a later epoch known", func(b *feed.Batch) { b.Head.Epoch, b.Reach = 3, feed.Position{Epoch: 2, Revision: 1} }, nil},
		{"one in which everybody was suspended", func(b *feed.Batch) { b.Head.Epoch, b.Reach = 2, feed.Everything() }, nil},
		{"one restored with less known", func(b *feed.Batch) { b.Head.Epoch, b.Reach = 2, feed.Position{Epoch: 1, Revision: 1} }, feed.ErrPast},
		{"one restored with less of a former epoch known", func(b *feed.Batch) {
			b.Head.Epoch, b.Head.Revision, b.Reach = 2, 9, feed.Position{Epoch: 0, Revision: 9}
		}, feed.ErrUnaware},
		{"one restored with nothing known", func(b *feed.Batch) { b.Head.Epoch = 2 }, feed.ErrUnaware},
		{"another database", func(b *feed.Batch) { b.Head.Instance[0]++ }, feed.ErrOther},
		{"another database, restored", func(b *feed.Batch) { b.Head.Instance[0]++; b.Head.Epoch++ }, feed.ErrOther},
	} {
		n := newNode(t)
		n.store.add(alice, bob)
		n.start(t)
		n.store.answers = func(b feed.Batch) feed.Batch { tt.change(&b); return b }
		if err := n.CatchUp(t.Context()); !errors.Is(err, tt.want) || n.Fresh() != (tt.want == nil) || !errors.Is(n.Halted(), tt.want) {
			t.Errorf("%s: got %v, fresh %t, halted by %v, want %v", tt.name, err, n.Fresh(), n.Halted(), tt.want)
		}
		// Nothing that comes after makes up for it: the node may have answered by what isn't so.
		n.store.answers = nil
		n.store.add(alice)
		if err := n.CatchUp(t.Context()); tt.want != nil && (!errors.Is(err, tt.want) || n.Fresh()) {
			t.Errorf("%s, and right again: got %v, fresh %t, want %v still", tt.name, err, n.Fresh(), tt.want)
		}
	}
}

// TestDoubt: what comes to be doubted is believed again once it was read after that, and not by a reading that was under way.
func TestDoubt(t *testing.T) {
	n := newNode(t)
	n.start(t)
	n.Doubt()
	if n.Fresh() {
		t.Error("got fresh while in doubt, want stale")
	}
	n.store.answers = func(b feed.Batch) feed.Batch { n.Doubt(); return b }
	if err := n.CatchUp(t.Context()); err != nil || n.Fresh() {
		t.Errorf("got %v, fresh %t by a reading during which the doubt came, want stale", err, n.Fresh())
	}
	n.store.answers = nil
	if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() || n.applied != nil {
		t.Errorf("got %v, fresh %t, %v applied by the next one, want fresh and nothing forgotten", err, n.Fresh(), n.applied)
	}
}

// TestNameless has the database lack the row that says which it is, as while somebody puts records back: that is a failure and no
// other database, and what comes after is judged by itself.
func TestNameless(t *testing.T) {
	n := newNode(t)
	n.store.add(alice, bob)
	n.start(t)
	n.store.answers = func(b feed.Batch) feed.Batch { return feed.Batch{} }
	if err := n.CatchUp(t.Context()); err == nil || n.Fresh() || n.Halted() != nil {
		t.Errorf("got %v, fresh %t, halted by %v, want an error that halts nothing", err, n.Fresh(), n.Halted())
	}
	n.store.answers = nil
	if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() {
		t.Errorf("got %v, fresh %t once it is back, want fresh", err, n.Fresh())
	}
}

// TestClosed: where the database says that nobody may use it any more, nobody does, and a failure of another sort is none.
func TestClosed(t *testing.T) {
	for _, want := range []error{feed.ErrClosed, nil} {
		n := newNode(t)
		n.start(t)
		fail := errDown
		if want != nil {
			fail = fmt.Errorf("reading: %w", want)
		}
		n.store.set(fail)
		if err := n.CatchUp(t.Context()); !errors.Is(err, fail) || !errors.Is(n.Halted(), want) {
			t.Errorf("got %v, halted by %v, want %v", err, n.Halted(), want)
		}
		n.store.set(nil)
		if err := n.CatchUp(t.Context()); !errors.Is(err, want) || n.Fresh() != (want == nil) {
			t.Errorf("got %v, fresh %t once it can be read, want %v", err, n.Fresh(), want)
		}
	}
}

// TestRestored has a node forget everything when the database was restored, and go on from there.
func TestRestored(t *testing.T) {
	n := newNode(t)
	n.store.add(alice, bob)
	n.start(t)
	restored := func(b feed.Batch) feed.Batch {
		b.Head.Epoch, b.Reach = 2, feed.Position{Epoch: 1, Revision: 2}
		return b
	}
	n.store.answers = restored
	if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.applied, []feed.Change{all(2)}) {
		t.Errorf("got %v applied, %v, want everything forgotten", n.applied, err)
	}
	n.store.add(alice)
	if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.applied, []feed.Change{all(2), row(3, alice)}) {
		t.Errorf("got %v applied, %v, want one change more", n.applied, err)
	}
}

// TestOneReadsForAll has many callers at once wait for the read of one that began after they did, and for no more; what fails
// for that one fails for them.
func TestOneReadsForAll(t *testing.T) {
	for _, fails := range []error{nil, errDown} {
		synctest.Test(t, func(t *testing.T) {
			n := newNode(t)
			n.start(t)
			hold := make(chan struct{})
			n.refuse = func(feed.Change) error { <-hold; return fails }
			n.store.add(alice)
			before := len(n.store.asked)
			for range 10 {
				go func() {
					if err := n.CatchUp(t.Context()); !errors.Is(err, fails) {
						t.Errorf("got %v, want %v", err, fails)
					}
				}()
			}
			synctest.Wait()
			close(hold)
			synctest.Wait()
			// The first may have asked before the others called; the second read then stands for all of them.
			if got := len(n.store.asked) - before; got > 2 {
				t.Errorf("got %d reads for ten callers, want 2 at most", got)
			}
			n.refuse = nil
			if err := n.CatchUp(t.Context()); err != nil {
				t.Errorf("got %v from a call that came later, want none", err)
			}
		})
	}
}

// TestReaderGivesUp: a reader whose own caller has gone doesn't tell the others that nothing could be read.
func TestReaderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		n.start(t)
		n.store.add(alice)
		reads, hold := 0, make(chan struct{})
		n.refuse = func(feed.Change) error {
			if reads++; reads == 1 {
				<-hold
				return context.Canceled
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := n.CatchUp(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the reader's own end", err)
			}
		}()
		synctest.Wait()
		go func() {
			if err := n.CatchUp(t.Context()); err != nil {
				t.Errorf("got %v for a caller that waited, want none", err)
			}
		}()
		synctest.Wait()
		cancel()
		close(hold)
		synctest.Wait()
	})
}

// TestClock jumps the clock about: the feed is fresh for five seconds after it was heard, and at no other time.
func TestClock(t *testing.T) {
	tests := []struct {
		jump time.Duration
		want bool
	}{
		{0, true},
		{5*time.Second - time.Nanosecond, true},
		{5 * time.Second, false},
		{24 * time.Hour, false},
		{-time.Nanosecond, false}, // a clock set back would make what was heard last for as long again
		{-24 * time.Hour, false},
	}
	for _, tt := range tests {
		n := newNode(t)
		n.start(t)
		heard := n.now
		n.now = heard.Add(tt.jump)
		if got := n.Fresh(); got != tt.want || (n.Age() == tt.jump) != (tt.jump >= 0) {
			t.Errorf("clock moved by %v: got fresh %t, age %v, want %t", tt.jump, got, n.Age(), tt.want)
		}
		n.now = heard.Add(time.Second)
		if !n.Fresh() || n.Age() != time.Second {
			t.Errorf("clock moved by %v and right again: got fresh %t, age %v, want true, 1s", tt.jump, n.Fresh(), n.Age())
		}
		n.now = heard.Add(tt.jump)
		if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() || n.Age() != 0 {
			t.Errorf("caught up after %v: got fresh %t, age %v, want true, 0", tt.jump, n.Fresh(), n.Age())
		}
		// A clock set back has everything forgotten, once: what is remembered to have an end may have come to it.
		var want []uuid.UUID
		if tt.jump < 0 {
			want = []uuid.UUID{uuid.Nil}
		}
		if err := n.CatchUp(t.Context()); err != nil || !cmp.Equal(n.ids(), want) {
			t.Errorf("caught up twice after %v: got %v, %v applied, want %v", tt.jump, err, n.ids(), want)
		}
	}
}

// TestHear: who has changed nothing hears of every change, and where that fails, by no fault of the feed or by its own, the feed is
// as fresh as it was: for five seconds, then.
func TestHear(t *testing.T) {
	n := newNode(t)
	if err := n.Hear(t.Context()); err != nil || !n.Fresh() {
		t.Fatalf("got %v, fresh %t, want the feed fresh", err, n.Fresh())
	}
	n.applied = nil
	n.store.add(alice)
	left, leave := context.WithCancel(t.Context())
	leave()
	for range 20 { // of what is ready at once, either may come first
		if err := n.Hear(left); !errors.Is(err, context.Canceled) || !n.Fresh() {
			t.Errorf("got %v, fresh %t once the caller has left, want its context's error and the feed fresh still", err, n.Fresh())
		}
	}
	n.store.set(errDown)
	if err := n.Hear(t.Context()); !errors.Is(err, errDown) || !n.Fresh() {
		t.Errorf("got %v, fresh %t, want the store's error and the feed fresh still", err, n.Fresh())
	}
	n.now = n.now.Add(5 * time.Second)
	if err := n.Hear(t.Context()); !errors.Is(err, errDown) || n.Fresh() {
		t.Errorf("got %v, fresh %t after five seconds, want the store's error and a stale feed", err, n.Fresh())
	}
	n.store.set(nil)
	if err := n.Hear(t.Context()); err != nil || !n.Fresh() || !cmp.Equal(n.ids(), []uuid.UUID{alice}) {
		t.Errorf("got %v, fresh %t, %v applied, want the change heard", err, n.Fresh(), n.ids())
	}
}

// TestClockSetBackWhileStale sets the clock back while the database is down and a change of the node's own couldn't be heard:
// everything is forgotten all the same, once it can be. Its twin's clock goes on.
func TestClockSetBackWhileStale(t *testing.T) {
	for jump, want := range map[time.Duration][]uuid.UUID{-time.Minute: {uuid.Nil}, time.Minute: nil} {
		n := newNode(t)
		n.start(t)
		n.store.set(errDown)
		if err := n.CatchUp(t.Context()); !errors.Is(err, errDown) || n.Fresh() {
			t.Errorf("got %v, fresh %t, want the store's error and a stale feed", err, n.Fresh())
		}
		n.now = n.now.Add(jump)
		n.store.set(nil)
		for range 2 {
			if err := n.CatchUp(t.Context()); err != nil || !n.Fresh() || !cmp.Equal(n.ids(), want) {
				t.Errorf("clock moved by %v: got %v, fresh %t, %v applied, want %v", jump, err, n.Fresh(), n.ids(), want)
			}
		}
	}
}

// TestAgeCountsFromTheQuestion: a change committed while the store was answering may be missing from the answer.
func TestAgeCountsFromTheQuestion(t *testing.T) {
	n := newNode(t)
	n.store.answers = func(b feed.Batch) feed.Batch { n.now = n.now.Add(3 * time.Second); return b }
	n.start(t)
	if n.Age() != 3*time.Second {
		t.Errorf("got age %v, want 3s", n.Age())
	}
}

// TestRun follows a feed on the real clock of a bubble: time passes only when the test lets it.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		f, err := feed.New(feed.Config{Store: n.store, Apply: n.apply, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		var reported []error
		tick, hints, ended := make(chan time.Time), make(chan struct{}), make(chan struct{})
		go func() {
			f.Run(t.Context(), tick, hints, func(err error) { reported = append(reported, err) })
			close(ended)
		}()
		beat := func() {
			time.Sleep(time.Second)
			tick <- time.Now()
			synctest.Wait()
		}
		n.store.add(alice)
		beat()
		if !cmp.Equal(n.ids(), []uuid.UUID{uuid.Nil, alice}) || f.Age() != 0 {
			t.Errorf("got %v applied, age %v, want the change heard at the tick", n.ids(), f.Age())
		}
		// A hint is as good as a tick, and costs no time.
		n.store.add(bob)
		hints <- struct{}{}
		synctest.Wait()
		if !cmp.Equal(n.ids(), []uuid.UUID{uuid.Nil, alice, bob}) {
			t.Errorf("got %v applied, want the change heard at the hint", n.ids())
		}
		// A failing poll leaves the five seconds, and no more.
		n.store.set(errDown)
		for second := range 6 {
			if got, want := f.Fresh(), second < 5; got != want {
				t.Errorf("after %d s of failing: got fresh %t, want %t", second, got, want)
			}
			beat()
		}
		if len(reported) != 6 || !errors.Is(reported[0], errDown) {
			t.Errorf("got %v reported, want each failure", reported)
		}
		if f.Age() < 5*time.Second {
			t.Errorf("got age %s while it can't be heard, want how long that has been so", f.Age())
		}
		n.store.set(nil)
		beat()
		beat()
		if !f.Fresh() || len(reported) != 7 || reported[6] != nil {
			t.Errorf("got fresh %t, %v reported, want the feed fresh again, and that said once", f.Fresh(), reported)
		}
		close(tick)
		<-ended
	})
}

// TestRunEnds ends the context while a poll hangs: Run returns, and doesn't report what its end brought about.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := hanging{}
		f, err := feed.New(feed.Config{Store: store, Apply: func(context.Context, feed.Change) error { return nil }, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		tick, ended, reported := make(chan time.Time), make(chan struct{}), 0
		go func() {
			f.Run(ctx, tick, nil, func(error) { reported++ })
			close(ended)
		}()
		began := time.Now()
		tick <- began // hangs until the poll's second is over
		tick <- began // hangs until the context ends
		if took := time.Since(began); took != time.Second || reported != 1 {
			t.Errorf("got %v, %d reported, want a poll given up and reported after 1 s", took, reported)
		}
		synctest.Wait()
		cancel()
		<-ended
		if reported != 1 {
			t.Errorf("got %d reported, want 1", reported)
		}
	})
}

// hanging is a store that answers nothing until its caller has had enough.
type hanging struct{}

func (hanging) ChangesAfter(ctx context.Context, _ int64) (feed.Batch, error) {
	<-ctx.Done()
	return feed.Batch{}, ctx.Err()
}
