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
	return feed.Change{Revision: before + 1, Kind: feed.User, ID: r.ID}
}

func batchAfter(t *testing.T, s Store, revision int64) feed.Batch {
	t.Helper()
	b, err := s.ChangesAfter(t.Context(), revision)
	must(t, err)
	return b
}

func testFollow(t *testing.T, s Store) {
	same(t, batchAfter(t, s, 0), feed.Batch{})
	a, b, c := block(t, s, "a", start()), block(t, s, "b", start()), block(t, s, "c", start())
	same(t, batchAfter(t, s, 0), feed.Batch{Head: 3, Changes: []feed.Change{a, b, c}})
	same(t, batchAfter(t, s, 2), feed.Batch{Head: 3, Changes: []feed.Change{c}})
	same(t, batchAfter(t, s, 3), feed.Batch{Head: 3})
	same(t, batchAfter(t, s, 9), feed.Batch{Head: 3}) // a node from the future sees that the database is a past
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
	same(t, batchAfter(t, s, 0), feed.Batch{Head: 3, Pruned: true})
	same(t, batchAfter(t, s, 1), feed.Batch{Head: 3, Pruned: true})
	same(t, batchAfter(t, s, 2), feed.Batch{Head: 3, Changes: []feed.Change{c}}) // missed nothing
	same(t, batchAfter(t, s, 3), feed.Batch{Head: 3})
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
	same(t, batchAfter(t, s, 1), feed.Batch{Head: 2, Pruned: true})
	same(t, batchAfter(t, s, 2), feed.Batch{Head: 2})
}

// testPruneBackwards would, if a row were pruned by its time alone, lose one from among those that stay: a node that
// knows everything before them would take the feed for whole.
func testPruneBackwards(t *testing.T, s Store) {
	a := block(t, s, "a", start().Add(time.Hour))
	b := block(t, s, "b", start())
	n, err := s.PruneChanges(t.Context(), start().Add(time.Minute))
	must(t, err)
	same(t, n, 0)
	same(t, batchAfter(t, s, 0), feed.Batch{Head: 2, Changes: []feed.Change{a, b}})
}

func testNumbersGoOn(t *testing.T, s Store) {
	block(t, s, "a", start())
	_, err := s.PruneChanges(t.Context(), start().Add(time.Hour))
	must(t, err)
	b := block(t, s, "b", start())
	same(t, batchAfter(t, s, 1), feed.Batch{Head: 2, Changes: []feed.Change{b}})
	same(t, batchAfter(t, s, 0), feed.Batch{Head: 2, Pruned: true})
}
