package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/jeton-io/jeton/test/faults/journal"
)

// tally counts answers.
type tally struct{ by map[journal.Verdict]int }

func newTally() *tally { return &tally{map[journal.Verdict]int{}} }

func (t *tally) add(c *journal.Check) { t.by[c.Verdict]++ }

// String tells the counts.
func (t *tally) String() string {
	return fmt.Sprintf("%d yes, %d no, %d × 503, %d none", t.by[journal.Yes], t.by[journal.No], t.by[journal.Wait], t.by[journal.Lost])
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
