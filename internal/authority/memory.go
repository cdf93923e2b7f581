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
// It is divided into shards by bits of the keys. What is remembered stands in the index of its shard, which is only ever added to, and
// in which what was taken away is marked dead. When one is full, what still holds is copied to a new one, of that shard alone: so the
// memory never grows by a copy of itself. No place in an index is ever given to another key or record, and readers need neither a
// lock nor a way to notice that a place has changed hands. Writers (a first verification, a change heard of) share a lock of the shard.
//
// A reader that had the former index in its hand finishes in that one. It began before any change that was applied to
// the new one alone, and its verdict is one that could have been given then.
type memory struct {
	max     int      // proofs
	seed    [32]byte // of the keys of passwords; new with each start
	shards  []shard  // a power of two
	changes changes
	forgets sync.Mutex    // held while a change is applied to the shards, one after the other
	applied atomic.Uint64 // changes that every shard has been told of
	alike   alike
}

// changes are the last that were entered.
type changes struct {
	entered atomic.Uint64 // since the start
	mu      sync.Mutex
	recent  [recentChanges]uuid.UUID
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

// A memory has so many shards at most, and as few as it takes for each to have room for so many proofs: chance fills small ones too
// unevenly.
const (
	maxShards     = 1 << 6
	leastPerShard = 1 << 10
)

func newMemory(limit int) *memory {
	n := 1
	for n < maxShards && limit/(2*n) >= leastPerShard {
		n *= 2
	}
	m := &memory{max: limit, shards: make([]shard, n)}
	for i := range m.shards {
		m.shards[i].max, m.shards[i].alike = limit/n, &m.alike
		m.shards[i].empty()
	}
	return m
}

// shardOf returns the shard of a key, by other bits than those by which an index finds it.
func (m *memory) shardOf(k key) *shard {
	return &m.shards[k[1]&uint64(len(m.shards)-1)] //nolint:gosec // G115: there is one at least
}

// len returns how many proofs are in memory. It counts those that no longer hold until they are swept out.
func (m *memory) len() int {
	n := 0
	for i := range m.shards {
		n += int(m.shards[i].current.Load().used.Load())
	}
	return n
}

// sequence numbers the changes applied so far; a fill that begins now is told by it from one that began earlier. A change that only
// some shards have been told of isn't counted yet: what a fill takes from another shard may be from before it.
func (m *memory) sequence() uint64 { return m.applied.Load() }

// recall fills p with the remembered principal of a credential and returns where the second of its last use stands, or
// nil where nothing is remembered that still holds. It takes no lock and allocates nothing.
func (m *memory) recall(k key, kind Kind, now time.Time, p *Principal) (used *atomic.Uint32) {
	used, _ = m.shardOf(k).current.Load().recall(k, kind, now.Unix(), p)
	return used
}

// rename fills p with the remembered principal of a credential, as recall does, and has it remembered under another key from then on.
// It reports whether it was remembered, and whether it was this call of several at once that ended the former key. To the other key's
// shard this is a fill like any: a change that is being applied, and that the former one hasn't been told of, wins.
func (m *memory) rename(former, k key, kind Kind, now time.Time, p *Principal) (known, renamed bool) {
	began := m.sequence()
	used, until := m.shardOf(former).current.Load().recall(former, kind, now.Unix(), p)
	if used == nil {
		return false, false
	}
	proof := Proof{ID: p.CredentialID, UserID: p.ID, Limits: p.Limits, Remember: true}
	if until != 0 {
		proof.NotAfter = time.Unix(until, 0)
	}
	user := p.User
	renamed = m.keep(&fill{key: k, kind: kind, began: began, proof: proof, user: &user}, now) && m.end(former)
	return true, renamed
}

// keep remembers a proof and its user, unless a change applied since the fill began touches either: what was read then
// may be from before that change. A proof without an ID isn't kept, for no change could ever touch it. It reports whether it was.
func (m *memory) keep(f *fill, now time.Time) bool {
	if f.proof.ID == uuid.Nil || f.proof.UserID == uuid.Nil {
		return false
	}
	s := m.shardOf(f.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewing {
		return false
	}
	if s.current.Load().full() {
		s.renew(now)
	}
	// A change that is entered after this is applied to the shard once its lock is free, and so to what is kept now.
	return !m.changes.touchedSince(f.began, f.proof.ID, f.proof.UserID) && s.current.Load().keep(f, now)
}

// end has what is remembered of a credential end for good: it was found to have ended, and a clock that is set back shall
// not revive it. It reports whether it was remembered until now.
func (m *memory) end(k key) (ends bool) { return m.shardOf(k).end(k) }

// forget drops everything that rests on the record of the given ID, or everything at all where the ID is zero. The change is entered
// first: a fill that began before it and comes to a shard after it finds it there.
func (m *memory) forget(id uuid.UUID) {
	m.forgets.Lock()
	defer m.forgets.Unlock()
	m.changes.enter(id)
	hash := hashOfID(id)
	for i := range m.shards {
		m.shards[i].forget(hash, id)
	}
	m.applied.Store(m.changes.entered.Load())
}

// enter notes a change.
func (c *changes) enter(id uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent[c.entered.Load()%recentChanges] = id
	c.entered.Add(1)
}

// touchedSince reports whether a change numbered began or later touched one of the records, or might have.
func (c *changes) touchedSince(began uint64, ids ...uuid.UUID) bool {
	if c.entered.Load() == began { // as of most fills
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	entered := c.entered.Load()
	if entered-began > recentChanges {
		return true
	}
	for n := began; n < entered; n++ {
		if id := c.recent[n%recentChanges]; id == uuid.Nil || slices.Contains(ids, id) {
			return true
		}
	}
	return false
}

func secondOf(t time.Time) uint32 {
	return uint32(t.Unix()) //nolint:gosec // G115: good until the year 2106
}
