package authority

import (
	"math/bits"
	"sync/atomic"
)

// index finds proofs by key and what they rest on by ID.
//
//	proofs    key ─▶ kind, until when, two grounds: the user's and the credential's record
//	grounds   ID ─▶ dead or alive, and of a user roles and names
//
// A proof holds while both its grounds live: to forget a user is to mark one ground as dead, however many proofs rest
// on it. A record that goes by its user's ID, as that of a personal token does, has the user's ground.
//
// A million entries hold no pointers but to a few thousand chunks, so that the garbage collector need not walk them. A
// warm credential touches two places that are hardly ever in the processor's cache: its proof and its user.
//
// Readers take no lock. Whoever writes holds that of the memory.
type index struct {
	proofs  []proofRecord // a hash table by key, see home
	grounds []*[groundChunk]ground
	text    text
	roles   distinct[[]string]
	limits  distinct[*Limits]

	used  atomic.Int64 // proofs
	limit int64        // proofs at most
	next  uint32       // places of grounds below it have been given
	most  uint32       // grounds at most
	byID  []uint32     // a hash table by ID: the ground's place + 1; 0 is empty
}

// minRoom is the least number of proofs, and of grounds, for which an index has room.
const minRoom = 1 << 10

// newIndex returns an index with room for half as many proofs and grounds again as are given, but for no more than
// maxProofs proofs.
func newIndex(proofs, grounds, maxProofs int) *index {
	limit := min(max(proofs+proofs/2, minRoom), maxProofs)
	most := max(grounds+grounds/2, 2*minRoom)
	return &index{
		proofs:  make([]proofRecord, limit+limit/3+1), // 3/4 full at most, where a probe looks at 2 or 3 records
		limit:   int64(limit),
		grounds: make([]*[groundChunk]ground, most/groundChunk+1),
		most:    uint32(most), //nolint:gosec // G115: three times maxMaxRemembered fits
		byID:    make([]uint32, most+most/7+1),
	}
}

// home is where in a hash table of the given size the probe for a hash begins; from there it goes on word by word, and
// round at the end. The tables stand in the order of the hashes, so that a larger one is filled from front to back.
func home(hash uint64, size int) int {
	high, _ := bits.Mul64(hash, uint64(size)) //nolint:gosec // G115: a length is not negative
	return int(high)                          //nolint:gosec // G115: less than size
}

// full reports whether there may be no room for one more proof and its grounds.
func (x *index) full() bool { return x.used.Load() >= x.limit || x.next+2 > x.most }

// find returns the record of a key or, where there is none, the empty one for it.
func (x *index) find(k key) (r *proofRecord, known bool) {
	for at := home(k[0], len(x.proofs)); ; at++ {
		if at == len(x.proofs) {
			at = 0
		}
		r = &x.proofs[at]
		switch r.words[proofKey].Load() {
		case k[0]:
			if r.words[proofKey+1].Load() == k[1] {
				return r, true
			}
		case 0:
			return r, false
		}
	}
}

// recall is memory.recall, with the time in microseconds since 1970.
func (x *index) recall(k key, kind Kind, now int64, p *Principal) (used *atomic.Uint32) {
	r, known := x.find(k)
	if !known {
		return nil
	}
	b, ok := r.read()
	if !ok || kindOf(b.end) != kind || ended(b.end, now) || idle(kind, r.used.Load(), now) {
		return nil
	}
	userPlace, recordPlace := splitGrounds(b.grounds)
	user, record := x.ground(userPlace), x.ground(recordPlace)
	names := user.names.Load()
	if names == dead || record.names.Load() == dead {
		return nil
	}
	x.user(user, names, &p.User)
	p.CredentialKind, p.CredentialID, p.Limits = kind, record.id, x.limitsOf(uint32(b.limits)) //nolint:gosec // G115: it was one
	return &r.used
}

// keep adds a proof and its user, or writes it over the former one of the same key. There is room for it.
func (x *index) keep(f *fill, second uint32) {
	limits, ok := x.putLimits(f.proof.Limits)
	if !ok {
		return
	}
	user, ok := x.put(f.proof.UserID, f.user)
	if !ok {
		return
	}
	record := user
	if f.proof.ID != f.proof.UserID {
		record, _ = x.put(f.proof.ID, nil)
	}
	x.add(f.key, proofBody{endOf(f.proof.NotAfter, f.kind), groundsOf(user, record), uint64(limits)}, second)
}

func (x *index) add(k key, b proofBody, second uint32) {
	r, known := x.find(k)
	if !known {
		x.used.Add(1)
	}
	r.used.Store(second)
	r.write(k, b)
}
