package authority

import (
	"sync/atomic"
)

// table finds slots by hash. It is an open-addressing hash table of words without pointers, so that the garbage
// collector never walks it:
//
//	word = hash (32 bits) | slot + 1 (32 bits); 0 is empty
//
// The hash's low bits name the word where a probe begins; probing is linear. Any number of goroutines may look up while
// one, which holds the owner's lock, inserts and removes. A look-up beside a removal may miss a word that is being
// moved: that costs one question to the database and is never wrong, because the caller compares the whole key.
type table struct {
	words atomic.Pointer[[]atomic.Uint64]
	used  int
}

// minTable is the number of words of an empty table.
const minTable = 1 << 10

func newTable() *table {
	t := &table{}
	words := make([]atomic.Uint64, minTable)
	t.words.Store(&words)
	return t
}

// probe walks the slots whose hash is that of a key.
type probe struct {
	words []atomic.Uint64
	at    uint32
	left  int
	hash  uint32
}

func (t *table) probe(hash uint32) probe {
	words := *t.words.Load()
	return probe{words: words, at: hash, left: len(words), hash: hash}
}

// next returns the next candidate, and false when there are no more.
func (p *probe) next() (slot uint32, ok bool) {
	mask := uint32(len(p.words) - 1) //nolint:gosec // G115: a table has at most 2³¹ words
	for ; p.left > 0; p.left-- {
		word := p.words[p.at&mask].Load()
		if word == 0 {
			return 0, false
		}
		p.at++
		if uint32(word>>32) == p.hash {
			p.left--
			return uint32(word) - 1, true
		}
	}
	return 0, false
}

// insert adds a slot. The caller holds the lock.
func (t *table) insert(hash, slot uint32) {
	words := *t.words.Load()
	if t.used*4 >= len(words)*3 {
		words = t.grow(words)
	}
	place(words, uint64(hash)<<32|uint64(slot+1))
	t.used++
}

// grow moves all words to a table of twice the size. Look-ups go on in the old one until the new one is whole.
func (t *table) grow(old []atomic.Uint64) []atomic.Uint64 {
	words := make([]atomic.Uint64, 2*len(old))
	for i := range old {
		if word := old[i].Load(); word != 0 {
			place(words, word)
		}
	}
	t.words.Store(&words)
	return words
}

func place(words []atomic.Uint64, word uint64) {
	mask := uint64(len(words) - 1)
	at := word >> 32 & mask
	for words[at].Load() != 0 {
		at = (at + 1) & mask
	}
	words[at].Store(word)
}

// remove takes a slot out and closes the gap, so that no markers of removed words pile up. The caller holds the lock.
func (t *table) remove(hash, slot uint32) {
	words := *t.words.Load()
	mask := uint64(len(words) - 1)
	gap := uint64(hash) & mask
	for want := uint64(hash)<<32 | uint64(slot+1); words[gap].Load() != want; gap = (gap + 1) & mask {
		if words[gap].Load() == 0 {
			return
		}
	}
	t.used--
	for at := (gap + 1) & mask; ; at = (at + 1) & mask {
		word := words[at].Load()
		if word == 0 {
			break
		}
		// A word may move back into the gap unless its probe begins after it.
		if home := word >> 32 & mask; (at-home)&mask >= (at-gap)&mask {
			words[gap].Store(word)
			gap = at
		}
	}
	words[gap].Store(0)
}

// slab holds records in chunks that never move. The caller of take and release holds the lock; anyone may call at.
type slab[T any] struct {
	chunks atomic.Pointer[[]*[chunkSize]T]
	free   []uint32
	next   uint32 // slots below it have been taken once
}

const chunkSize = 1 << 10

// at returns the record in a slot that has been taken once.
func (s *slab[T]) at(slot uint32) *T {
	return &(*s.chunks.Load())[slot/chunkSize][slot%chunkSize]
}

// take returns a free slot.
func (s *slab[T]) take() uint32 {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	if s.next%chunkSize == 0 {
		var chunks []*[chunkSize]T
		if old := s.chunks.Load(); old != nil {
			chunks = *old
		}
		grown := append(chunks[:len(chunks):len(chunks)], new([chunkSize]T))
		s.chunks.Store(&grown)
	}
	s.next++
	return s.next - 1
}

func (s *slab[T]) release(slot uint32) { s.free = append(s.free, slot) }

// len returns how many slots are taken.
func (s *slab[T]) len() int { return int(s.next) - len(s.free) }
