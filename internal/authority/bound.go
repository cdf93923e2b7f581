package authority

import (
	"sync"
	"time"
)

// ClockSlack is what the clocks of two nodes may differ by. What bears a time further ahead was made while a clock was wrong.
const ClockSlack = 2 * time.Minute

// Bound is a bound for each of many, in the form of the generic cell rate algorithm: Most at once, then one more each period. It is in this
// process's memory: each node has its own, and a restart begins anew. It is safe for concurrent use.
type Bound[K comparable] struct {
	Most  int
	Every time.Duration
	// Kept is for how many it is kept, lest somebody fill the memory: where more than so many are still in debt, all begin anew. Zero is for
	// all there are, where nobody can make up more.
	Kept int

	mu    sync.Mutex
	whole map[K]time.Time // when there is room again for as many as at first
	sweep int             // the size of whole at which it is swept
}

const minBoundSweep = 1 << 10

// Take takes one, or returns how long there is no room for it.
func (b *Bound[K]) Take(who K, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	debt := b.debt(who, now)
	if wait = debt - time.Duration(b.Most-1)*b.Every; wait > 0 {
		return wait
	}
	if b.whole == nil || len(b.whole) >= b.sweep {
		b.sweepOut(now)
	}
	b.whole[who] = now.Add(debt + b.Every)
	return 0
}

// GiveBack puts back one that was taken.
func (b *Bound[K]) GiveBack(who K, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if debt := b.debt(who, now) - b.Every; debt > 0 {
		b.whole[who] = now.Add(debt)
	} else {
		delete(b.whole, who)
	}
}

// debt returns how long it takes until somebody's bound is whole again: never longer than if it were empty. Where a clock that was set back
// says so, it is empty as of now, lest it be so for as long as the clock is behind. The caller holds the lock.
func (b *Bound[K]) debt(who K, now time.Time) time.Duration {
	debt, empty := max(b.whole[who].Sub(now), 0), time.Duration(b.Most)*b.Every
	if debt > empty {
		debt = empty
		b.whole[who] = now.Add(empty)
	}
	return debt
}

// sweepOut drops those who are whole again. It looks at all of them each time they have doubled. The caller holds the lock.
func (b *Bound[K]) sweepOut(now time.Time) {
	for who, whole := range b.whole {
		if !whole.After(now) {
			delete(b.whole, who)
		}
	}
	if b.whole == nil || b.Kept > 0 && len(b.whole) >= b.Kept {
		b.whole = map[K]time.Time{}
	}
	b.sweep = max(2*len(b.whole), minBoundSweep)
	if b.Kept > 0 {
		b.sweep = min(b.sweep, b.Kept)
	}
}
