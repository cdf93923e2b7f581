package authority

import (
	"sync"
	"time"
)

// ClockSlack is what the clocks of two nodes may differ by. What bears a time further ahead was made while a clock was wrong.
const ClockSlack = 2 * time.Minute

// Allowance is a bound in the form of the generic cell rate algorithm: Most at once, then one more each period.
type Allowance struct {
	Most  int
	Every time.Duration
}

// Take takes one of whom all would be free again at whole, and returns when they will be now. Where there is no room it returns how long
// there is none, and whole as it is to count: see debt.
func (a Allowance) Take(whole, now time.Time) (next time.Time, wait time.Duration) {
	debt := a.debt(whole, now)
	if wait = debt - time.Duration(a.Most-1)*a.Every; wait > 0 {
		return now.Add(debt), wait
	}
	return now.Add(debt + a.Every), 0
}

// debt returns how long it takes until all are free again: never longer than if none were. Where a clock that was set back says so, none is
// as of now, lest that last for as long as the clock is behind.
func (a Allowance) debt(whole, now time.Time) time.Duration {
	return min(max(whole.Sub(now), 0), time.Duration(a.Most)*a.Every)
}

// Bound is an Allowance for each of many. It is in this process's memory: each node has its own, and a restart begins anew. It is safe for
// concurrent use.
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
	next, wait := Allowance{b.Most, b.Every}.Take(b.whole[who], now)
	if wait == 0 && (b.whole == nil || len(b.whole) >= b.sweep) {
		b.sweepOut(now)
	}
	b.whole[who] = next
	return wait
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
