package storetest

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
)

func feedTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"follow":                            testFollow,
		"prune":                             testPruneChanges,
		"prune everything":                  testPruneAllChanges,
		"prune after a clock was set back":  testPruneBackwards,
		"keep the numbers after everything": testNumbersGoOn,
	}
}

// block makes a change of the feed at the given time, by updating a new user.
func block(t *testing.T, s Store, name string, at time.Time) feed.Change {
	t.Helper()
	r := born(t, s, person(name), "")
	before := batchAfter(t, s, 0).Head
	must(t, s.UpdateUser(t.Context(), r, event(audit.UserUpdate, r.ID, at)))
	return feed.Change{Revision: before + 1, At: at, Kind: feed.User, ID: r.ID}
}

// heard is a batch without what is drawn at random.
type heard struct {
	Head    int64
	Changes []feed.Change
	Pruned  bool
}

// batchAfter asks for a batch. Its marks must be the ones that the rows have: of the last change that of the head, and of the
// revision asked for, where its row is kept, that of the same row.
func batchAfter(t *testing.T, s Store, revision int64) heard {
	t.Helper()
	b, err := s.ChangesAfter(t.Context(), revision)
	must(t, err)
	marks := map[int64]int64{}
	if before, err := s.ChangesAfter(t.Context(), max(0, revision-1)); err == nil && revision > 0 && len(before.Changes) > 0 {
		marks[revision] = before.Changes[0].Mark
	}
	if b.Then != marks[revision] {
		t.Errorf("after revision %d: got its mark %d, want %d", revision, b.Then, marks[revision])
	}
	for i := range b.Changes {
		c := &b.Changes[i]
		if c.Mark == 0 || c.Revision == b.Head.Revision && c.Mark != b.Head.Mark {
			t.Errorf("got mark %d of revision %d and %d of the head, want one, and the same for the last", c.Mark, c.Revision, b.Head.Mark)
		}
		c.Mark = 0
	}
	return heard{b.Head.Revision, b.Changes, b.Pruned}
}

func testFollow(t *testing.T, s Store) {
	same(t, batchAfter(t, s, 0), heard{})
	a, b, c := block(t, s, "a", start()), block(t, s, "b", start()), block(t, s, "c", start())
	same(t, batchAfter(t, s, 0), heard{Head: 3, Changes: []feed.Change{a, b, c}})
	same(t, batchAfter(t, s, 2), heard{Head: 3, Changes: []feed.Change{c}})
	same(t, batchAfter(t, s, 3), heard{Head: 3})
	same(t, batchAfter(t, s, 9), heard{Head: 3}) // a node from the future sees that the database is a past
}

func testPruneChanges(t *testing.T, s Store) {
	block(t, s, "a", start())
	block(t, s, "b", start().Add(time.Minute))
	c := block(t, s, "c", start().Add(time.Hour))
	n, err := s.PruneChanges(t.Context(), start())
	must(t, err)
	same(t, n, 0)
	n, err = s.PruneChanges(t.Context(), start().Add(time.Hour))
	must(t, err)
	same(t, n, 2)
	same(t, batchAfter(t, s, 0), heard{Head: 3, Pruned: true})
	same(t, batchAfter(t, s, 1), heard{Head: 3, Pruned: true})
	same(t, batchAfter(t, s, 2), heard{Head: 3, Changes: []feed.Change{c}}) // missed nothing
	same(t, batchAfter(t, s, 3), heard{Head: 3})
}

func testPruneAllChanges(t *testing.T, s Store) {
	n, err := s.PruneChanges(t.Context(), start())
	must(t, err)
	same(t, n, 0)
	block(t, s, "a", start())
	block(t, s, "b", start())
	n, err = s.PruneChanges(t.Context(), start().Add(time.Microsecond))
	must(t, err)
	same(t, n, 2)
	same(t, batchAfter(t, s, 1), heard{Head: 2, Pruned: true})
	same(t, batchAfter(t, s, 2), heard{Head: 2})
}

// testPruneBackwards would, if a row were pruned by its time alone, lose one from among those that stay: a node that
// knows everything before them would take the feed for whole.
func testPruneBackwards(t *testing.T, s Store) {
	a := block(t, s, "a", start().Add(time.Hour))
	b := block(t, s, "b", start())
	n, err := s.PruneChanges(t.Context(), start().Add(time.Minute))
	must(t, err)
	same(t, n, 0)
	same(t, batchAfter(t, s, 0), heard{Head: 2, Changes: []feed.Change{a, b}})
}

func testNumbersGoOn(t *testing.T, s Store) {
	block(t, s, "a", start())
	_, err := s.PruneChanges(t.Context(), start().Add(time.Hour))
	must(t, err)
	b := block(t, s, "b", start())
	same(t, batchAfter(t, s, 1), heard{Head: 2, Changes: []feed.Change{b}})
	same(t, batchAfter(t, s, 0), heard{Head: 2, Pruned: true})
}
