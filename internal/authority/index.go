package authority

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// index finds proofs by key and what they rest on by ID.
//
//	proofs    key ─▶ kind, until when, two grounds: the user's and the credential's record
//	grounds   ID ─▶ dead or alive, and of a user roles and names
//
// A proof holds while both its grounds live: to forget a user is to mark one ground as dead, however many proofs rest
// on it. A record that goes by its user's ID, as that of a personal token does, has the user's ground.
//
// All its entries hold no pointers but to a few chunks of text, so that the garbage collector need not walk them. A
// warm credential touches two places that are hardly ever in the processor's cache: its proof and its user.
//
// Readers take no lock. Whoever writes holds that of the shard.
type index struct {
	proofs  []proofRecord // a hash table by key, see home
	grounds []ground      // in the order in which they came
	text    text
	roles   distinct[[]string]
	limits  distinct[*Limits]
	byID    []uint32 // a hash table by ID: a tag of the ID | its ground's place + 1 (22 bits); 0 is empty

	alike *alike       // what it shares with the indexes of other shards
	limit int64        // proofs at most
	next  uint32       // places of grounds below it have been given
	used  atomic.Int64 // proofs
}

// minRoom is the least number of proofs, and of grounds, for which an index has room.
const minRoom = 1 << 5

// headroom is the part by which an index has more room than it has proofs when it is new. A small one costs each proof a few more
// copies in its life, of some 100 ns each, and keeps what is allocated and isn't used yet small. Of an index that is small itself,
// little isn't used either way, and the copies count for more: it grows by half.
const (
	headroom      = 8
	smallHeadroom = 2
	small         = 1 << 10 // proofs, or grounds: in all shards, 3 MB at most aren't used yet
)

// roomFor returns for how many there is room in an index that is made for so many.
func roomFor(n int) int {
	if n < small {
		return n + n/smallHeadroom
	}
	return n + n/headroom
}

// newIndex returns an index with room for some more proofs and grounds than are given, but for no more than maxProofs proofs.
func newIndex(proofs, grounds, maxProofs int, shared *alike) *index {
	limit := min(max(roomFor(proofs), minRoom), maxProofs)
	most := min(max(roomFor(grounds), 2*minRoom), 1<<placeBits-1)
	x := &index{
		alike:   shared,
		proofs:  make([]proofRecord, limit+limit/5+1), // 5/6 full at most, where a probe looks at 3 or 4 records that stand side by side
		limit:   int64(limit),
		grounds: make([]ground, most),
		byID:    make([]uint32, most+most/4+1),
	}
	x.roles.shared, x.limits.shared = &shared.roles, &shared.limits
	return x
}

// home is where in a hash table of the given size the probe for a hash begins; from there it goes on word by word, and
// round at the end. The tables stand in the order of the hashes, so that a larger one is filled from front to back.
func home(hash uint64, size int) int {
	high, _ := bits.Mul64(hash, uint64(size)) //nolint:gosec // G115: a length is not negative
	return int(high)                          //nolint:gosec // G115: less than size
}

// full reports whether there may be no room for one more proof and its grounds.
func (x *index) full() bool { return x.used.Load() >= x.limit || int(x.next)+2 > len(x.grounds) }

// find returns the record of a key or, where there is none, the empty one for it.
func (x *index) find(k key) (r *proofRecord, known bool) {
	for at := home(k[0], len(x.proofs)); ; at++ {
		if at == len(x.proofs) {
			at = 0
		}
		r = &x.proofs[at]
		switch r.key[0].Load() {
		case k[0]:
			if r.key[1].Load() == k[1] {
				return r, true
			}
		case 0:
			return r, false
		}
	}
}

// recall is memory.recall, with the second since 1970, and returns that of the proof's end, too.
func (x *index) recall(k key, kind Kind, second int64, p *Principal) (used *atomic.Uint32, until int64) {
	r, known := x.find(k)
	if !known {
		return nil, 0
	}
	b, ok := r.read()
	if !ok || b.kind() != kind || ended(b.until(), second) || idle(kind, r.used.Load(), second) {
		return nil, 0
	}
	userPlace, recordPlace := b.places()
	user, record := &x.grounds[userPlace], &x.grounds[recordPlace]
	names := user.names.Load()
	if names == dead || record.names.Load() == dead {
		return nil, 0
	}
	x.user(user, names, &p.User)
	p.CredentialKind, p.CredentialID, p.Limits = kind, record.id, x.limitsOf(b.limits())
	return &r.used, b.until()
}

// keep adds a proof and its user, or writes it over the former one of the same key, unless it can't be remembered. There is room
// for it.
func (x *index) keep(f *fill, now time.Time) bool {
	end := endOf(f.proof.NotAfter)
	if ended(end, now.Unix()) { // in its last second
		return false
	}
	limits, ok := x.putLimits(f.proof.Limits)
	if !ok {
		return false
	}
	user, ok := x.put(f.proof.UserID, f.user)
	if !ok {
		return false
	}
	record := user
	if f.proof.ID != f.proof.UserID {
		record, _ = x.put(f.proof.ID, nil)
	}
	x.add(f.key, bodyOf(user, record, limits, end, f.kind), secondOf(now))
	return true
}

func (x *index) add(k key, b proofBody, second uint32) {
	r, known := x.find(k)
	if !known {
		x.used.Add(1)
	}
	r.used.Store(second)
	r.write(k, b)
}

// forget marks the ground of an ID as dead, and with it every proof that rests on it.
func (x *index) forget(hash uint64, id uuid.UUID) {
	if g := x.groundOf(x.findID(hash, id)); g != nil {
		g.names.Store(dead)
	}
}

// end marks the proof of a key as ended, and reports whether it wasn't already.
func (x *index) end(k key) (ends bool) {
	r, known := x.find(k)
	if !known {
		return false
	}
	_, ends = r.read()
	r.clear()
	return ends
}
