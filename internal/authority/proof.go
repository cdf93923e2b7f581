package authority

import (
	"sync/atomic"
	"time"
)

// proofRecord is one remembered proof: 48 bytes. Its last words are written under its sequence number, which is odd
// meanwhile: a reader that sees it change treats the record as missing. Its key is written once and is never replaced.
type proofRecord struct {
	seq   atomic.Uint32
	used  atomic.Uint32 // the second of last use, as far as it was noted; not under seq
	words [proofWords]atomic.Uint64
}

// The words of a proof.
const (
	proofKey     = iota // two words; the first is 0 where the record is empty
	_                   //
	proofEnd            // microseconds since 1970 (56 bits), 0 for never | kind (8 bits)
	proofGrounds        // the user's (32 bits) | the record's (32 bits)
	proofLimits         // the number of its limits, 0 for none
	proofWords
)

// maxEnd is the latest end that fits its bits, in the year 4253. What ends later than that is, from then on, asked
// about anew.
const maxEnd = 1<<56 - 1

// proofBody are the words of a proof that may change.
type proofBody struct{ end, grounds, limits uint64 }

// read returns what may change, and false where a writer was at it meanwhile.
func (r *proofRecord) read() (b proofBody, ok bool) {
	before := r.seq.Load()
	b = proofBody{r.words[proofEnd].Load(), r.words[proofGrounds].Load(), r.words[proofLimits].Load()}
	return b, before&1 == 0 && r.seq.Load() == before
}

// write fills the record. The caller holds the lock. Of the key's words the first comes last: whoever finds it finds
// the others.
func (r *proofRecord) write(k key, b proofBody) {
	r.seq.Add(1)
	r.words[proofLimits].Store(b.limits)
	r.words[proofGrounds].Store(b.grounds)
	r.words[proofEnd].Store(b.end)
	r.words[proofKey+1].Store(k[1])
	r.words[proofKey].Store(k[0])
	r.seq.Add(1)
}

// endOf packs when a proof ends, and its kind, into a word.
func endOf(notAfter time.Time, kind Kind) uint64 {
	var end int64
	if !notAfter.IsZero() {
		end = min(max(notAfter.UnixMicro(), 1), maxEnd)
	}
	return uint64(end)<<8 | uint64(kind)
}

// kindOf returns the kind that endOf packed.
func kindOf(end uint64) Kind { return Kind(end & 0xff) }

// ended reports whether a proof has ended.
func ended(end uint64, now int64) bool {
	until := int64(end >> 8)
	return until != 0 && now >= until
}

// idle reports whether a remembered password has rested for so long that it is asked about anew: a minute (the last few
// seconds of its uses aren't noted, see firstInMinute). Other kinds rest as long as they like.
func idle(kind Kind, used uint32, now int64) bool {
	return kind == Password && now/1e6-int64(used) >= maxPasswordIdle
}

// groundsOf packs the places of a proof's grounds into a word.
func groundsOf(user, record uint32) uint64 { return uint64(user)<<32 | uint64(record) }

func splitGrounds(word uint64) (user, record uint32) {
	return uint32(word >> 32), uint32(word) //nolint:gosec // G115: the halves
}
