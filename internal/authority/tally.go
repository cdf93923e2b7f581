package authority

import (
	"sync"
	"sync/atomic"
)

// stripes is the number of copies of each counter: a single one would be a cache line that all cores fight over at every call.
const stripes = 16

// tally counts decisions by kind of credential and outcome.
type tally struct {
	stripes [stripes]stripe
	// idle are stripes that nobody counts in just now. A pool hands a core what that core gave back last, so that each keeps to a
	// stripe of its own; whoever finds none takes the next, which another core may have, too, and nothing is lost.
	idle sync.Pool
	next atomic.Uint32
}

type stripe struct {
	counts [kindCount][outcomeCount]atomic.Uint64
	_      [64]byte // keeps neighbours off the last cache line
}

func (t *tally) count(k Kind, o Outcome) {
	s, ok := t.idle.Get().(*stripe)
	if !ok {
		s = &t.stripes[t.next.Add(1)%stripes]
	}
	s.counts[k][o].Add(1)
	t.idle.Put(s)
}

// total returns how many decisions were counted.
func (t *tally) total() (n uint64) {
	for i := range t.stripes {
		for k := range kindCount {
			for o := range outcomeCount {
				n += t.stripes[i].counts[k][o].Load()
			}
		}
	}
	return n
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
