package authority

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// rates count the uses of credentials whose rate is bounded, and the calls of services, each by its generic cell rate
// algorithm: no more is kept of one than the time at which its calls so far would all be paid for.
//
// What is counted is this node's alone, and begins anew when it starts. A clock that is set back has nobody wait longer than
// for a whole period.
type rates struct {
	paid  sync.Map // uuid.UUID → *atomic.Int64, nanoseconds since 1970
	count atomic.Int64
	swept atomic.Int64 // when, in nanoseconds since 1970
}

// Of more of them than maxRates those that have paid are left out, but not more often than each sweepEvery: while more
// than so many haven't paid, each new one would otherwise go over all of them in vain.
const (
	maxRates   = 1 << 16
	sweepEvery = time.Second
)

// take counts one use and reports that it may be; or it counts none. The quota is what is left then, and where nothing is,
// how long until one is free. Without a rate it is zero.
func (r *rates) take(id uuid.UUID, rate Rate, now time.Time) (Quota, bool) {
	if rate.Calls <= 0 || rate.Per <= 0 {
		return Quota{}, true
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
			return Quota{Limit: rate.Calls, Window: rate.Per, Reset: time.Duration(next - at - period)}, false
		case paid.CompareAndSwap(was, next):
			free := at + period - next
			return Quota{
				Limit: rate.Calls, Window: rate.Per, Remaining: int(free / int64(each)), Reset: each - time.Duration(free%int64(each)),
			}, true
		}
	}
}

// of returns what the uses of a credential, or the calls of a service, are counted in.
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
