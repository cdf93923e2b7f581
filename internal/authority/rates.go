package authority

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// rates count the uses of credentials whose rate is bounded, each by its generic cell rate algorithm: of a credential, no
// more is kept than the time at which its calls so far would all be paid for.
//
// What is counted is this node's alone, and begins anew when it starts. A clock that is set back has nobody wait longer than
// for a whole period.
type rates struct {
	paid  sync.Map // uuid.UUID → *atomic.Int64, nanoseconds since 1970
	count atomic.Int64
	swept atomic.Int64 // when, in nanoseconds since 1970
}

// Of more credentials than maxRates those that have paid are left out, but not more often than each sweepEvery: while more
// than so many haven't paid, each new one would otherwise go over all of them in vain.
const (
	maxRates   = 1 << 16
	sweepEvery = time.Second
)

// take counts one use, and returns 0; or it counts none, and returns how long until one is free.
func (r *rates) take(id uuid.UUID, rate Rate, now time.Time) (wait time.Duration) {
	if rate.Calls <= 0 || rate.Per <= 0 {
		return 0
	}
	each := max(rate.Per/time.Duration(rate.Calls), 1)
	paid := r.of(id, now)
	at, period := now.UnixNano(), int64(each)*int64(rate.Calls)
	for {
		was := paid.Load()
		next := max(was, at) + int64(each)
		switch {
		case was > at+period:
			paid.CompareAndSwap(was, at+period) // whoever came before has done as much
		case next > at+period:
			return time.Duration(next - at - period)
		case paid.CompareAndSwap(was, next):
			return 0
		}
	}
}

// of returns what a credential's uses are counted in.
func (r *rates) of(id uuid.UUID, now time.Time) *atomic.Int64 {
	known, ok := r.paid.Load(id)
	if !ok {
		if known, ok = r.paid.LoadOrStore(id, new(atomic.Int64)); !ok && r.count.Add(1) > maxRates {
			r.sweep(now)
		}
	}
	paid, _ := known.(*atomic.Int64) // nothing else is stored
	return paid
}

// sweep leaves out those that have paid: a credential that is counted anew has as much as they have.
//
// It doesn't see who is just counting a use in what it leaves out. Such uses are lost: of a credential that had rested, as
// many more are let in as were under way at that very moment. A lock around both would cost every call more than that is
// worth.
func (r *rates) sweep(now time.Time) {
	at, last := now.UnixNano(), r.swept.Load()
	if since := time.Duration(at - last); since >= 0 && since < sweepEvery || !r.swept.CompareAndSwap(last, at) {
		return
	}
	r.paid.Range(func(id, value any) bool {
		if paid, _ := value.(*atomic.Int64); paid.Load() <= at && r.paid.CompareAndDelete(id, value) {
			r.count.Add(-1)
		}
		return true
	})
}
