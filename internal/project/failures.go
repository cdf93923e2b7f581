package project

import (
	"net/netip"
	"sync"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
)

// failures bounds how many tokens from one address are looked at and found bad: 120 at once, then one more each second. Who is over
// the bound is told when to come back, and until then only what a set of an authenticated mode opens is looked at: nobody learns a text
// or makes a token by asking about that, so that a neighbour behind the same address, or a page that has its visitors' browsers send
// what is no token, keeps no such application out. A good token costs nothing.
//
// It is no tenth of what keeps a sealed token from being guessed, which GCM's tag does, and for the modes of old the one answer to every
// fault (see Prove). It keeps whoever finds a difference in that answer after all, were it in its time, from asking often enough to see
// it, and keeps decrypting what is no token from taking a core.
//
// So many tokens may be under way at once, good or not: whoever has a thousand bad ones looked at in one moment waits a quarter of an
// hour for the next. An entry stands for failures that aren't made up for yet. There are maxAddresses at most: of one more, any other is
// forgotten, by which an attacker with that many addresses gains less than by having them. Calls whose address isn't known have one
// bound together.
type failures struct {
	mu       sync.Mutex
	paid     map[netip.Addr]owed
	underWay map[netip.Addr]int
}

// owed is what an address owed when it failed last, and when it will owe nothing any more.
type owed struct {
	debt time.Duration
	paid time.Time
}

const (
	maxFailures  = 120
	eachFailure  = time.Second
	maxUnderWay  = 1000 // from one address
	maxAddresses = 1 << 16
)

// begin lets an attempt from an address through, which ends by end, and returns 0; or it lets none through, and returns how long until
// there is room.
func (f *failures) begin(from netip.Addr, now time.Time) (wait time.Duration) {
	from = audit.Customer(from)
	f.mu.Lock()
	defer f.mu.Unlock()
	if wait := f.debt(from, now) - (maxFailures-1)*eachFailure; wait > 0 {
		return wait
	}
	if f.underWay[from] >= maxUnderWay {
		return eachFailure
	}
	if f.underWay == nil {
		f.underWay = make(map[netip.Addr]int)
	}
	f.underWay[from]++
	return 0
}

// end ends an attempt that was let through.
func (f *failures) end(from netip.Addr) {
	from = audit.Customer(from)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.underWay[from]--; f.underWay[from] <= 0 {
		delete(f.underWay, from)
	}
}

// charge counts a failure.
func (f *failures) charge(from netip.Addr, now time.Time) {
	from = audit.Customer(from)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set(from, f.debt(from, now)+eachFailure, now)
}

// debt returns how long it takes until the bound of an address is whole again: never longer than it was to take, though a clock that was
// set back may say so. The caller holds the lock.
func (f *failures) debt(from netip.Addr, now time.Time) time.Duration {
	o := f.paid[from]
	return min(max(o.paid.Sub(now), 0), o.debt)
}

// set notes the debt of an address, which is more than none. The caller holds the lock.
func (f *failures) set(from netip.Addr, debt time.Duration, now time.Time) {
	if f.paid == nil {
		f.paid = make(map[netip.Addr]owed)
	}
	if _, known := f.paid[from]; !known && len(f.paid) >= maxAddresses {
		f.makeRoom(now)
	}
	f.paid[from] = owed{debt, now.Add(debt)}
}

// makeRoom drops addresses whose bound is whole again, as far as the first few hundred tell, and any one where none of these is. To
// look at all of them for each call would be work for an attacker to cause. The caller holds the lock.
func (f *failures) makeRoom(now time.Time) {
	looked, room := 0, false
	for from, o := range f.paid { // in an order that nobody knows
		if !o.paid.After(now) || looked == maxLooked && !room {
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
