package report

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// tally counts answers, and how long they took.
type tally struct {
	by   map[journal.Verdict]int
	took []time.Duration
}

func newTally() *tally { return &tally{by: map[journal.Verdict]int{}} }

func (t *tally) add(c *journal.Check) {
	t.by[c.Verdict]++
	t.took = append(t.took, c.Answered-c.Sent)
}

// times tells how long answers took.
func (t *tally) times() string {
	p := invariant.Percentiles(t.took)
	return fmt.Sprintf("p50 %s, p99 %s, max %s", invariant.After(p.P50), invariant.After(p.P99), invariant.After(p.Max))
}

// String tells the counts.
func (t *tally) String() string {
	return fmt.Sprintf("%d yes, %d no, %d × 503, %d none", t.by[journal.Yes], t.by[journal.No], t.by[journal.Wait], t.by[journal.Lost])
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
