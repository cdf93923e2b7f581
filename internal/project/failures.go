package project

import (
	"net/netip"
	"sync"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
)

// failures bounds how many tokens from one address are looked at and found bad: 120 at once, then one more each second. Who is over
// the bound is refused before anything is decrypted, and told when to come back. A good token costs nothing: what it takes is
// given back.
//
// It is no tenth of what keeps a sealed token from being guessed, which GCM's tag does, and for the modes of old the one answer to every
// fault (see Prove). It keeps whoever finds a difference in that answer after all, were it in its time, from asking often enough to see
// it, and keeps decrypting what is no token from taking a core.
//
// What is taken is taken before the work, lest a thousand at once all find room. An entry stands for a failure of the last two
// minutes. There are maxAddresses at most: of one more, any other is forgotten, by which an attacker with that many addresses gains
// less than by having them. Calls whose address isn't known have one bound together.
type failures struct {
	mu   sync.Mutex
	paid map[netip.Addr]time.Time // when the bound of an address will be whole again
}

const (
	maxFailures  = 120
	eachFailure  = time.Second
	maxAddresses = 1 << 16
)

// take takes one attempt off the bound of an address, and returns 0; or it takes none, and returns how long until there is room.
func (f *failures) take(from netip.Addr, now time.Time) (wait time.Duration) {
	from = audit.Customer(from)
	f.mu.Lock()
	defer f.mu.Unlock()
	debt := f.debt(from, now)
	if wait := debt - (maxFailures-1)*eachFailure; wait > 0 {
		return wait
	}
	f.set(from, debt+eachFailure, now)
	return 0
}

// giveBack ends an attempt that was no failure.
func (f *failures) giveBack(from netip.Addr, now time.Time) {
	from = audit.Customer(from)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set(from, f.debt(from, now)-eachFailure, now)
}

// debt returns how long it takes until the bound of an address is whole again: never longer than if it were spent, though a clock
// that was set back may say so. The caller holds the lock.
func (f *failures) debt(from netip.Addr, now time.Time) time.Duration {
	return min(max(f.paid[from].Sub(now), 0), maxFailures*eachFailure)
}

// set notes the debt of an address. The caller holds the lock.
func (f *failures) set(from netip.Addr, debt time.Duration, now time.Time) {
	if debt <= 0 {
		delete(f.paid, from)
		return
	}
	if f.paid == nil {
		f.paid = make(map[netip.Addr]time.Time)
	}
	if _, known := f.paid[from]; !known && len(f.paid) >= maxAddresses {
		f.makeRoom(now)
	}
	f.paid[from] = now.Add(debt)
}

// makeRoom drops addresses whose bound is whole again, as far as the first few hundred tell, and any one where none of these is. To
// look at all of them for each call would be work for an attacker to cause. The caller holds the lock.
func (f *failures) makeRoom(now time.Time) {
	looked, room := 0, false
	for from, paid := range f.paid { // in an order that nobody knows
		if !paid.After(now) || looked == maxLooked && !room {
			delete(f.paid, from)
			room = true
		}
		if looked++; looked > maxLooked {
			return
		}
	}
}

// maxLooked is how many addresses are looked at to find one that can go.
const maxLooked = 256
