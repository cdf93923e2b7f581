package authority

import (
	"math/rand/v2"
	"sync/atomic"
)

// stripes is the number of copies of each counter. Cores that count at once rarely meet on one: a single counter would
// be a cache line that all of them fight over at every call.
const stripes = 16

// tally counts decisions by kind of credential and outcome.
type tally struct {
	stripes [stripes]struct {
		counts [kindCount][outcomeCount]atomic.Uint64
		_      [64]byte // keeps neighbours off the last cache line
	}
}

func (t *tally) count(k Kind, o Outcome) {
	t.stripes[rand.Uint32()%stripes].counts[k][o].Add(1) //nolint:gosec // G404: whoever foresees it knows nothing
}

// Count is how often credentials of one kind came to one outcome since the start.
type Count struct {
	Kind    Kind
	Outcome Outcome
	Total   uint64
}

// Counts returns the counts of all kinds and outcomes that have occurred.
func (a *Authority) Counts() []Count {
	var all []Count
	for k := range kindCount {
		for o := range outcomeCount {
			var total uint64
			for i := range a.tally.stripes {
				total += a.tally.stripes[i].counts[k][o].Load()
			}
			if total > 0 {
				all = append(all, Count{k, o, total})
			}
		}
	}
	return all
}

// Remembered returns how many proofs are in memory.
func (a *Authority) Remembered() int { return a.memory.len() }
