package authority

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
)

// memory remembers proofs and their users. Nothing in it is the truth: whatever is missing is asked of the database.
//
// What is remembered stands in an index, which is only ever added to, and in which what was taken away is marked dead.
// When it is full, what still holds is copied to a new one. So no place in an index is ever given to another key or
// record, and readers need neither a lock nor a way to notice that a place has changed hands. Writers (a first
// verification, a change heard of) share a lock.
//
// A reader that had the former index in its hand finishes in that one. It began before any change that was applied to
// the new one alone, and its verdict is one that could have been given then.
type memory struct {
	max     int      // proofs
	seed    [32]byte // of the keys of passwords; new with each start
	current atomic.Pointer[index]
	applied atomic.Uint64 // changes applied since the start

	mu       sync.Mutex
	recent   [recentChanges]uuid.UUID
	renewing bool // the index is being copied: nothing may be added to it
}

// recentChanges is how many applied changes a cold fill can look back on; a fill that took longer isn't kept.
const recentChanges = 1024

// key is the first half of the SHA-256 of a credential: 128 bits, of which nobody finds a second preimage. The first
// word is never 0, which is what an empty place in the index holds.
type key [2]uint64

// keyOf covers everything that a credential was proven with: a password or secret that stands beside a name counts
// for that name alone. The hash of each part is of fixed length, so that no two pairs run together.
//
// A token has more bits than anyone can try out. A password hasn't. Whoever came by its bare hash, in a dump of the process
// say, would try a billion a second: so its key is made with a seed that is nowhere else. And it counts only for the
// address that it came from: what is remembered is let in however many guesses were refused, and so would tell a guesser
// from elsewhere which of them is right.
func (m *memory) keyOf(c *Credential) key {
	if c.Kind == Sealed {
		return keyOfSum(c.Sealed.sum())
	}
	sum := hashOf(string(c.Text))
	if c.Name != "" {
		var all [3*sha256.Size + 16]byte
		name, from := hashOf(c.Name), audit.Customer(c.From).As16()
		copy(all[:], m.seed[:])
		copy(all[sha256.Size:], name[:])
		copy(all[2*sha256.Size:], sum[:])
		copy(all[3*sha256.Size:], from[:])
		sum = sha256.Sum256(all[:])
	}
	return keyOfSum(sum)
}

func keyOfSum(sum [sha256.Size]byte) key {
	return key{binary.LittleEndian.Uint64(sum[:]) | 1, binary.LittleEndian.Uint64(sum[8:])}
}

// hashOf hashes a text without copying it.
func hashOf(text string) [sha256.Size]byte {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(text), len(text))) //nolint:gosec // G103: it is only read
}

// fill is a cold verification under way, and what it found.
type fill struct {
	key   key
	kind  Kind
	began uint64 // changes applied when it began
	proof Proof
	user  *User
}

func newMemory(limit int) *memory {
	m := &memory{max: limit}
	m.current.Store(newIndex(0, 0, limit))
	return m
}

// len returns how many proofs are in memory. It counts those that no longer hold until they are swept out.
func (m *memory) len() int { return int(m.current.Load().used.Load()) }

// sequence numbers the changes applied so far; a fill that begins now is told by it from one that began earlier.
func (m *memory) sequence() uint64 { return m.applied.Load() }

// recall fills p with the remembered principal of a credential and returns where the second of its last use stands, or
// nil where nothing is remembered that still holds. It takes no lock and allocates nothing.
func (m *memory) recall(k key, kind Kind, now time.Time, p *Principal) (used *atomic.Uint32) {
	return m.current.Load().recall(k, kind, now.UnixMicro(), p)
}

// keep remembers a proof and its user, unless a change applied since the fill began touches either: what was read then
// may be from before that change. A proof without an ID isn't kept, for no change could ever touch it.
func (m *memory) keep(f *fill, now time.Time) {
	if f.proof.ID == uuid.Nil || f.proof.UserID == uuid.Nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.renewing {
		return
	}
	if m.current.Load().full() {
		m.renew(now)
	}
	if !m.touchedSince(f.began, f.proof.ID, f.proof.UserID) {
		m.current.Load().keep(f, secondOf(now))
	}
}

// end has what is remembered of a credential end for good: it was found to have ended, and a clock that is set back shall
// not revive it.
func (m *memory) end(k key, kind Kind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, known := m.current.Load().find(k); known {
		b, _ := r.read()
		b.end = endOf(time.UnixMicro(1), kind)
		r.write(k, b)
	}
}

// renew replaces the index. It lets go of the lock while it copies, which takes a second for some millions of proofs: a
// change heard of must not wait so long, and is applied to the copy in the end.
func (m *memory) renew(now time.Time) {
	former, began := m.current.Load(), m.applied.Load()
	m.renewing = true
	m.mu.Unlock()
	next := former.renewed(now.UnixMicro(), m.max)
	m.mu.Lock()
	m.install(next, began)
	m.renewing = false
}

// install puts an index in the place of the one of which it is a copy, and applies to it the changes since it was begun.
func (m *memory) install(next *index, began uint64) {
	if m.touchedSince(began) { // by a change of everything, or by too many
		next = newIndex(0, 0, m.max)
	}
	for n, applied := began, m.applied.Load(); n < applied; n++ {
		next.forget(m.recent[n%recentChanges])
	}
	m.current.Store(next)
}

// touchedSince reports whether a change numbered began or later touched one of the records, or might have.
func (m *memory) touchedSince(began uint64, ids ...uuid.UUID) bool {
	applied := m.applied.Load()
	if applied-began > recentChanges {
		return true
	}
	for n := began; n < applied; n++ {
		if id := m.recent[n%recentChanges]; id == uuid.Nil || slices.Contains(ids, id) {
			return true
		}
	}
	return false
}

// forget drops everything that rests on the record of the given ID, or everything at all where the ID is zero.
func (m *memory) forget(id uuid.UUID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recent[m.applied.Load()%recentChanges] = id
	m.applied.Add(1)
	if id == uuid.Nil {
		m.current.Store(newIndex(0, 0, m.max))
		return
	}
	m.current.Load().forget(id)
}

func secondOf(t time.Time) uint32 {
	return uint32(t.Unix()) //nolint:gosec // G115: good until the year 2106
}
