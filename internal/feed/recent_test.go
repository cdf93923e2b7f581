package feed_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/feed"
)

// heard is what a listener was told, without what differs from call to call.
type heard struct {
	Reset    bool
	Changes  []feed.Change
	Revision int64
}

func told(h feed.Heard) heard { return heard{h.Reset, h.Changes, h.Revision} }

// catchUp has the node hear its feed.
func (n *node) catchUp(t *testing.T) {
	t.Helper()
	if err := n.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestSince follows a listener, who hears each change once and in order.
func TestSince(t *testing.T) {
	n := newNode(t)
	if got := n.Since("", nil); !got.Reset || got.Fresh {
		t.Errorf("got %+v of a feed that was never heard, want a reset that isn't fresh", got)
	}
	n.store.add(alice)
	n.catchUp(t)
	first := n.Since("", nil)
	if diff := cmp.Diff(heard{Reset: true, Revision: 1}, told(first)); diff != "" || !first.Fresh {
		t.Errorf("to who comes anew (-want +got): %s", diff)
	}
	n.store.add(bob, alice)
	n.catchUp(t)
	select {
	case <-first.Further:
	default:
		t.Error("a listener isn't woken by a change")
	}
	second := n.Since(first.Cursor, &first)
	if diff := cmp.Diff(heard{Changes: []feed.Change{row(2, bob), row(3, alice)}, Revision: 3}, told(second)); diff != "" {
		t.Errorf("after a change (-want +got): %s", diff)
	}
	again := n.Since(second.Cursor, &second)
	if diff := cmp.Diff(heard{Revision: 3}, told(again)); diff != "" {
		t.Errorf("after that (-want +got): %s", diff)
	}
	n.now = n.now.Add(3 * time.Second)
	if got := n.Since(again.Cursor, &again); got.Age != 3*time.Second || !got.Fresh {
		t.Errorf("got age %s and fresh %v after 3s", got.Age, got.Fresh)
	}
	n.now = n.now.Add(3 * time.Second)
	if got := n.Since(again.Cursor, &again); got.Fresh {
		t.Error("a node that hasn't heard for 6s calls itself fresh")
	}
}

// TestCursors: what isn't a cursor of this history, to the last bit, has everything forgotten.
func TestCursors(t *testing.T) {
	n := newNode(t)
	n.store.add(alice)
	n.catchUp(t)
	good := n.Since("", nil).Cursor
	n.store.add(bob)
	n.catchUp(t)
	if got := n.Since(good, nil); got.Reset || len(got.Changes) != 1 {
		t.Fatalf("got %+v for the twin, want the one change since", got)
	}
	for i := range len(good) {
		forged := []byte(good)
		if forged[i]++; forged[i] == 'Z'+1 || forged[i] == 'z'+1 || forged[i] == '9'+1 {
			forged[i] -= 2
		}
		if got := n.Since(string(forged), nil); !got.Reset || got.Changes != nil {
			t.Errorf("character %d: got %+v for a forged cursor", i, got)
		}
	}
	for _, text := range []string{good + "A", good[1:], good + "\n", "null"} {
		if got := n.Since(text, nil); !got.Reset {
			t.Errorf("got %+v for %q", got, text)
		}
	}

	// Another node of the same database knows it, but for what it has never heard.
	other := newNode(t)
	other.store = n.store
	f, err := feed.New(feed.Config{Store: n.store, Apply: other.apply, Now: func() time.Time { return other.now }})
	if err != nil {
		t.Fatal(err)
	}
	other.Feed = f
	other.catchUp(t)
	if got := other.Since(good, nil); !got.Reset {
		t.Errorf("got %+v from a node that began later", got)
	}
	if got := other.Since(n.Since(good, nil).Cursor, nil); got.Reset || got.Changes != nil {
		t.Errorf("got %+v from another node at the same revision", got)
	}

	// Another epoch has other cursors, with the same revisions and marks.
	n.store.answers = func(b feed.Batch) feed.Batch { b.Head.Epoch = 2; b.Reach = feed.Everything(); return b }
	n.catchUp(t)
	for _, cursor := range []string{good, other.Since("", nil).Cursor} {
		if got := n.Since(cursor, nil); !got.Reset {
			t.Errorf("got %+v for a cursor of a former epoch", got)
		}
	}
}

// TestSinceEverything: what has everything forgotten is told also to who stands at the very revision of before.
func TestSinceEverything(t *testing.T) {
	n := newNode(t)
	n.store.add(alice)
	n.catchUp(t)
	first := n.Since("", nil)
	n.now = n.now.Add(-time.Hour) // a clock set back: the database has no change to tell of
	n.catchUp(t)
	if got := n.Since(first.Cursor, &first); !got.Reset {
		t.Errorf("got %+v after the clock was set back, want a reset", got)
	}
}

// TestSinceTooOld: what is older than is kept can't be gone on from, and the oldest that is kept can.
func TestSinceTooOld(t *testing.T) {
	n := newNode(t)
	n.store.add(alice)
	n.catchUp(t)
	oldest := n.Since("", nil)
	for range 2 * feed.RecentKept {
		n.store.add(bob)
	}
	n.catchUp(t)
	if got := n.Since(oldest.Cursor, nil); got.Reset || len(got.Changes) != 2*feed.RecentKept {
		t.Errorf("got reset %v and %d changes, want all that are kept", got.Reset, len(got.Changes))
	}
	n.store.add(alice)
	n.catchUp(t)
	if got := n.Since(oldest.Cursor, nil); !got.Reset {
		t.Errorf("got %d changes for a cursor that is too old, want a reset", len(got.Changes))
	}
	if got := n.Since(n.Since("", nil).Cursor, nil); got.Reset {
		t.Error("the newest cursor is refused")
	}
}

// TestSinceNotApplied: listeners hear of a change once the node has applied it, and no sooner.
func TestSinceNotApplied(t *testing.T) {
	n := newNode(t)
	n.store.add(alice)
	n.catchUp(t)
	first := n.Since("", nil)
	n.store.add(bob)
	n.refuse = func(feed.Change) error { return errors.New("not now") }
	if err := n.CatchUp(t.Context()); err == nil {
		t.Fatal("got no error from a node that can't apply")
	}
	if got := n.Since(first.Cursor, &first); got.Changes != nil || got.Fresh {
		t.Errorf("got %+v, want nothing, and that not fresh", got)
	}
	n.refuse = nil
	n.catchUp(t)
	if got := n.Since(first.Cursor, &first); len(got.Changes) != 1 || !got.Fresh {
		t.Errorf("got %+v, want the change", got)
	}
}
