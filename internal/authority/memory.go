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
)

// memory remembers proofs and their users. Nothing in it is the truth: whatever is missing is asked of the database.
//
//	proofs   key ─▶ proof{record, user's slot, until when}     found by key, and by the record's ID
//	users    ID ─▶ user{words of its state, names in text}     found by ID
//
// Records are words without pointers, read and written as atomics under a sequence number: odd while a writer is at
// it, and a reader that saw it change treats the record as missing. Readers take no lock. Writers (a first
// verification, a change heard of) share one.
//
// A proof names its user by slot and generation. Forgetting a user raises the generation, which at once makes every
// proof that rests on it a miss, however many there are: this is the live state word of the user.
type memory struct {
	max    int
	roles  roleSets
	byKey  *table
	byID   *table
	byUser *table
	proofs slab[proofRecord]
	users  slab[userRecord]
	count  atomic.Int64 // of proofs

	mu      sync.Mutex
	text    text
	applied atomic.Uint64 // changes applied since the start
	recent  [recentChanges]uuid.UUID

	proofHand, userHand uint32 // where to look for one to drop when there are too many
}

// recentChanges is how many applied changes a cold fill can look back on; a fill that took longer isn't kept.
const recentChanges = 1024

// key is the first half of the SHA-256 of a credential: 128 bits, of which nobody finds a second preimage.
type key [2]uint64

func keyOf(c Credential) key {
	text := string(c.Text)
	sum := sha256.Sum256(unsafe.Slice(unsafe.StringData(text), len(text))) //nolint:gosec // G103: read only, to hash without a copy
	return key{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])}
}

func (k key) hash() uint32 { return uint32(k[0]) } //nolint:gosec // G115: the low bits are what is wanted

// proofRecord is one remembered proof: 64 bytes, one cache line.
type proofRecord struct {
	seq   atomic.Uint32
	used  atomic.Uint32 // the minute of last use; not under seq
	words [proofWords]atomic.Uint64
}

// The words of a proof.
const (
	proofKey      = iota // two words
	_                    //
	proofID              // two words
	_                    //
	proofNotAfter        // microseconds since 1970; 0 for never
	proofUser            // generation of the user (32 bits) | its slot (32 bits)
	proofKind
	proofWords
)

// userRecord is one remembered user.
type userRecord struct {
	seq        atomic.Uint32
	generation atomic.Uint32 // raised when the user is forgotten
	words      [userWords]atomic.Uint64
}

// The words of a user.
const (
	userID      = iota // two words
	_                  //
	userText           // chunk (32 bits) | offset (32 bits) of its names in text
	userLengths        // user name (16 bits) | display name (16 bits) | e-mail (16 bits)
	userRoles          // index of its roles in roleSets
	userWords
)

func newMemory(limit int) *memory {
	return &memory{max: limit, byKey: newTable(), byID: newTable(), byUser: newTable()}
}

func (m *memory) len() int { return int(m.count.Load()) }

// sequence numbers the changes applied so far; a fill that begins now is told by it from one that began earlier.
func (m *memory) sequence() uint64 { return m.applied.Load() }

// recall fills p with the remembered principal of a credential, and reports whether there is one that still holds.
// It takes no lock and allocates nothing.
func (m *memory) recall(k key, kind Kind, now time.Time, p *Principal) bool {
	var words [proofWords]uint64
	slot, ok := m.findProof(k, &words)
	if !ok || Kind(words[proofKind]) != kind { //nolint:gosec // G115: written from a Kind
		return false
	}
	if end := int64(words[proofNotAfter]); end != 0 && now.UnixMicro() >= end { //nolint:gosec // G115: written from an int64
		return false
	}
	if !m.recallUser(words[proofUser], &p.User) {
		return false
	}
	p.CredentialKind, p.CredentialID, p.slot = kind, idOf(words[proofID], words[proofID+1]), slot+1
	return true
}

func (m *memory) findProof(k key, words *[proofWords]uint64) (uint32, bool) {
	for at := m.byKey.probe(k.hash()); ; {
		slot, ok := at.next()
		if !ok {
			return 0, false
		}
		r := m.proofs.at(slot)
		if read(&r.seq, r.words[:], words[:]) && words[proofKey] == k[0] && words[proofKey+1] == k[1] {
			return slot, true
		}
	}
}

// recallUser reads the user in the slot and generation that a proof names.
func (m *memory) recallUser(ref uint64, u *User) bool {
	r := m.users.at(uint32(ref)) //nolint:gosec // G115: the slot is the low half
	var words [userWords]uint64
	if !read(&r.seq, r.words[:], words[:]) {
		return false
	}
	names, ok := m.text.at(words[userText])
	// The generation is read last: had the slot been given to another user meanwhile, it would be another.
	if !ok || r.generation.Load() != uint32(ref>>32) {
		return false
	}
	lengths := words[userLengths]
	name, display, mail := lengths&0xffff, lengths>>16&0xffff, lengths>>32&0xffff
	u.ID, u.Roles, u.Active = idOf(words[userID], words[userID+1]), m.roles.at(words[userRoles]), true
	u.Username, u.DisplayName, u.Email = names[:name], names[name:name+display], names[name+display:name+display+mail]
	return true
}

// keep remembers a proof and its user, unless a change applied since the fill began touches either: what was read then
// may be from before that change.
func (m *memory) keep(k key, kind Kind, proof Proof, u *User, began uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.touchedSince(began, proof.ID, proof.UserID) {
		return
	}
	m.makeRoom()
	ref, ok := m.keepUser(u)
	if !ok {
		return
	}
	var words [proofWords]uint64
	slot, known := m.findProof(k, &words)
	if known {
		m.forgetProof(slot)
	}
	slot = m.proofs.take()
	end := int64(0)
	if !proof.NotAfter.IsZero() {
		end = proof.NotAfter.UnixMicro()
	}
	r := m.proofs.at(slot)
	id0, id1 := wordsOf(proof.ID)
	write(&r.seq, r.words[:], k[0], k[1], id0, id1, uint64(end), ref, uint64(kind)) //nolint:gosec // G115: kept bit by bit
	r.used.Store(0)
	m.byKey.insert(k.hash(), slot)
	m.byID.insert(hashOf(id1), slot)
	m.count.Add(1)
}

// keepUser remembers a user and returns its generation and slot. One that is remembered already stays as it is: had it
// changed, it would have been forgotten, or soon will be.
func (m *memory) keepUser(u *User) (ref uint64, ok bool) {
	id0, id1 := wordsOf(u.ID)
	if slot, ok := m.findUser(id0, id1); ok {
		return uint64(m.users.at(slot).generation.Load())<<32 | uint64(slot), true
	}
	if max(len(u.Username), len(u.DisplayName), len(u.Email)) > 0xffff {
		return 0, false
	}
	roles, ok := m.roles.put(u.Roles)
	if !ok {
		return 0, false
	}
	slot := m.users.take()
	r := m.users.at(slot)
	lengths := uint64(len(u.Username)) | uint64(len(u.DisplayName))<<16 | uint64(len(u.Email))<<32
	write(&r.seq, r.words[:], id0, id1, m.text.put(u.Username, u.DisplayName, u.Email), lengths, roles)
	m.byUser.insert(hashOf(id1), slot)
	return uint64(r.generation.Load())<<32 | uint64(slot), true
}

func (m *memory) findUser(id0, id1 uint64) (uint32, bool) {
	for at := m.byUser.probe(hashOf(id1)); ; {
		slot, ok := at.next()
		if !ok {
			return 0, false
		}
		if r := m.users.at(slot); r.words[userID].Load() == id0 && r.words[userID+1].Load() == id1 {
			return slot, true
		}
	}
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
		m.forgetAll()
		return
	}
	id0, id1 := wordsOf(id)
	for again := true; again; { // removal moves words: look anew after each
		again = false
		for at := m.byID.probe(hashOf(id1)); ; {
			slot, ok := at.next()
			if !ok {
				break
			}
			if r := m.proofs.at(slot); r.words[proofID].Load() == id0 && r.words[proofID+1].Load() == id1 {
				m.forgetProof(slot)
				again = true
				break
			}
		}
	}
	if slot, ok := m.findUser(id0, id1); ok {
		m.forgetUser(slot)
	}
}

func (m *memory) forgetAll() {
	for slot := range m.proofs.next {
		if m.proofs.at(slot).words[proofKind].Load() != 0 {
			m.forgetProof(slot)
		}
	}
	for slot := range m.users.next {
		if m.users.at(slot).words[userID+1].Load() != 0 {
			m.forgetUser(slot)
		}
	}
}

func (m *memory) forgetProof(slot uint32) {
	r := m.proofs.at(slot)
	m.byKey.remove(key{r.words[proofKey].Load()}.hash(), slot)
	m.byID.remove(hashOf(r.words[proofID+1].Load()), slot)
	write(&r.seq, r.words[:], 0, 0, 0, 0, 0, 0, 0)
	m.proofs.release(slot)
	m.count.Add(-1)
}

func (m *memory) forgetUser(slot uint32) {
	r := m.users.at(slot)
	r.generation.Add(1)
	m.byUser.remove(hashOf(r.words[userID+1].Load()), slot)
	m.text.waste(sizeOf(r.words[userLengths].Load()))
	write(&r.seq, r.words[:], 0, 0, 0, 0, 0)
	m.users.release(slot)
	if m.text.wasteful() {
		m.compact()
	}
}

// makeRoom drops proofs and users, in the order of their slots, until one more of each fits.
func (m *memory) makeRoom() {
	for ; m.proofs.len() >= m.max; m.proofHand++ {
		if slot := m.proofHand % m.proofs.next; m.proofs.at(slot).words[proofKind].Load() != 0 {
			m.forgetProof(slot)
		}
	}
	for ; m.users.len() >= m.max; m.userHand++ {
		if slot := m.userHand % m.users.next; m.users.at(slot).words[userID+1].Load() != 0 {
			m.forgetUser(slot)
		}
	}
}

// compact writes the names of all users into new chunks and lets go of the old ones.
func (m *memory) compact() {
	m.text.renew(func(move func(at, size uint64) uint64) {
		for slot := range m.users.next {
			r := m.users.at(slot)
			if r.words[userID+1].Load() != 0 {
				r.words[userText].Store(move(r.words[userText].Load(), sizeOf(r.words[userLengths].Load())))
			}
		}
	})
}

// sizeOf adds up the lengths of a user's names.
func sizeOf(lengths uint64) uint64 { return lengths&0xffff + lengths>>16&0xffff + lengths>>32&0xffff }

// read copies the words of a record, and reports whether no writer was at it meanwhile.
func read(seq *atomic.Uint32, words []atomic.Uint64, to []uint64) bool {
	before := seq.Load()
	if before&1 != 0 {
		return false
	}
	for i := range to {
		to[i] = words[i].Load()
	}
	return seq.Load() == before
}

// write replaces the words of a record. The caller holds the lock.
func write(seq *atomic.Uint32, words []atomic.Uint64, values ...uint64) {
	seq.Add(1)
	for i, v := range values {
		words[i].Store(v)
	}
	seq.Add(1)
}

func wordsOf(id uuid.UUID) (uint64, uint64) {
	return binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
}

func idOf(w0, w1 uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], w0)
	binary.BigEndian.PutUint64(id[8:], w1)
	return id
}

// hashOf takes the low bits of a UUID's second half, which are random in version 7 (RFC 9562, section 5.7).
func hashOf(w1 uint64) uint32 { return uint32(w1) } //nolint:gosec // G115: the low bits are what is wanted
