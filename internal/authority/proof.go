package authority

import (
	"sync/atomic"
	"time"
)

// proofRecord is one remembered proof: 32 bytes, of which two stand in a line of the processor's cache. Its key is written once,
// and is never replaced.
//
// What it rests on is 0 while a writer is at the record: a reader that finds it other after it has read the rest treats the record
// as missing. One that finds it as it was may have met two writers who wrote the same; then the end that it read is one of two,
// either of which was the proof's in that time.
type proofRecord struct {
	key   [2]atomic.Uint64 // the first is 0 where the record is empty
	rests atomic.Uint64    // see bodyOf
	end   atomic.Uint32    // of its end, the low half: see endOf
	used  atomic.Uint32    // the second of last use, as far as it was noted; it goes with no other word
}

// proofBody are the words of a proof that may change together.
type proofBody struct {
	rests uint64
	end   uint32
}

// read returns what may change, and false where a writer was at it meanwhile, or the proof has come to its end.
func (r *proofRecord) read() (b proofBody, ok bool) {
	b.rests, b.end = r.rests.Load(), r.end.Load()
	return b, b.rests != 0 && r.rests.Load() == b.rests
}

// write fills the record. The caller holds the lock. Of the key's words the first comes last: whoever finds it finds
// the other.
func (r *proofRecord) write(k key, b proofBody) {
	r.rests.Store(0)
	r.end.Store(b.end)
	r.rests.Store(b.rests)
	r.key[1].Store(k[1])
	r.key[0].Store(k[0])
}

// clear has the proof hold no longer, whatever the clock says.
func (r *proofRecord) clear() { r.rests.Store(0) }

// What a proof rests on is one word: the place of its user's ground (22 bits) | that of its record (22 bits) | the number of its
// limits, 0 for none (13 bits) | the high bits of its end (3 bits) | its kind (4 bits), by which it is never 0.
const (
	placeBits = 22
	limitBits = 13
	ageBits   = 3
	kindBits  = 4

	userAt   = recordAt + placeBits
	recordAt = limitsAt + limitBits
	limitsAt = ageAt + ageBits
	ageAt    = kindBits
)

// bodyOf packs the words of a proof.
func bodyOf(user, record, limits uint32, end int64, kind Kind) proofBody {
	return proofBody{
		rests: uint64(user)<<userAt | uint64(record)<<recordAt | uint64(limits)<<limitsAt | uint64(end)>>32<<ageAt | uint64(kind), //nolint:gosec // G115: an end is not negative
		end:   uint32(end),                                                                                                        //nolint:gosec // G115: the low half
	}
}

func (b *proofBody) kind() Kind { return Kind(b.rests & (1<<kindBits - 1)) }

func (b *proofBody) limits() uint32 { return uint32(b.rests >> limitsAt & (1<<limitBits - 1)) }

func (b *proofBody) places() (user, record uint32) {
	return uint32(b.rests >> userAt), uint32(b.rests >> recordAt & (1<<placeBits - 1))
}

// until returns what endOf returned.
func (b *proofBody) until() int64 { return int64(b.rests>>ageAt&(1<<ageBits-1))<<32 | int64(b.end) }

// maxEnd is the latest end that fits its bits, in the year 3058. What ends later than that is, from then on, asked about anew.
const maxEnd = 1<<(32+ageBits) - 1

// endOf returns the second since 1970 from which on a proof is asked about anew, and 0 where there is none. It is that in which the
// proof ends: what is left of it then its way in judges, to the microsecond.
func endOf(notAfter time.Time) int64 {
	if notAfter.IsZero() {
		return 0
	}
	return min(max(notAfter.Unix(), 1), maxEnd)
}

// ended reports whether a proof has ended, or may have.
func ended(end, second int64) bool { return end != 0 && second >= end }

// idle reports whether a remembered password has rested for so long that it is asked about anew: a minute (the last few
// seconds of its uses aren't noted, see firstInMinute). Other kinds rest as long as they like.
func idle(kind Kind, used uint32, second int64) bool {
	return kind == Password && second-int64(used) >= maxPasswordIdle
}
