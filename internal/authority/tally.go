package authority

import (
	"sync/atomic"
	"unsafe"
)

// stripes is the number of copies of each counter: a single one would be a cache line that all cores fight over at every call.
const stripes = 64

// tally counts decisions by kind of credential and outcome.
type tally struct{ stripes [stripes]stripe }

type stripe struct {
	counts [kindCount][outcomeCount]atomic.Uint64
	_      [64]byte // keeps neighbours off the last cache line
}

func (t *tally) count(k Kind, o Outcome) { t.stripes[stripeHere()].counts[k][o].Add(1) }

// stripeHere returns the stripe of the goroutine that asks. Goroutines have stacks in different places, and those that run at once rarely
// meet on one stripe; each keeps to its own, whose line stays with its core. By chance alone, every other call would find it with another.
func stripeHere() int {
	var here byte
	place := uint64(uintptr(unsafe.Pointer(&here))) / 2048 //nolint:gosec // G103: a number, that nothing is read by
	return int(place * 0x9e3779b97f4a7c15 >> 32 % stripes)
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
