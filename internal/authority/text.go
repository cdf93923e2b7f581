package authority

import (
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"
)

// text keeps strings in chunks of bytes, so that a million names are a few hundred objects to the garbage collector.
// A string's place is chunk (32 bits) | offset (32 bits). Bytes are written once, before their place is made known, and
// chunk numbers are never used again: a place either leads to the bytes it was given for, or nowhere.
//
// One goroutine at a time, which holds the owner's lock, may write; any number may read.
type text struct {
	list   atomic.Pointer[chunkList]
	fill   int // bytes taken in the newest chunk
	live   uint64
	wasted uint64
}

// chunkList is the chunks in use; the first has the number base.
type chunkList struct {
	base   uint64
	chunks [][]byte
}

// textChunk is the size of a chunk, in bytes, but for a string that is longer.
const textChunk = 1 << 18

// at returns what stands from a place to the end of its chunk, and false where that chunk is gone. The string shares
// the chunk's memory and stays good as long as anybody holds it.
func (t *text) at(place uint64) (string, bool) {
	list := t.list.Load()
	if list == nil || place>>32-list.base >= uint64(len(list.chunks)) { // a chunk before base wraps round to a large number
		return "", false
	}
	b := list.chunks[place>>32-list.base][place&0xffffffff:]
	return unsafe.String(unsafe.SliceData(b), len(b)), true //nolint:gosec // G103: the bytes are never written again
}

// put appends strings, one after the other, and returns the place of the first.
func (t *text) put(parts ...string) uint64 {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	list := t.list.Load()
	if list == nil {
		list = &chunkList{}
	}
	if n := len(list.chunks); n == 0 || len(list.chunks[n-1])-t.fill < size {
		grown := append(slices.Clip(list.chunks), make([]byte, max(textChunk, size)))
		list = &chunkList{base: list.base, chunks: grown}
		t.list.Store(list)
		t.fill = 0
	}
	newest := len(list.chunks) - 1
	place := (list.base+uint64(newest))<<32 | uint64(t.fill)
	for _, p := range parts {
		t.fill += copy(list.chunks[newest][t.fill:], p)
	}
	t.live += uint64(size) //nolint:gosec // G115: a length is not negative
	return place
}

// waste tells that a string of the given size is no longer wanted.
func (t *text) waste(size uint64) {
	t.live -= size
	t.wasted += size
}

// wasteful reports whether most of the memory is held for strings that nobody wants.
func (t *text) wasteful() bool { return t.wasted > t.live && t.wasted > 4*textChunk }

// renew moves all that is still wanted into new chunks and drops the old ones. It calls each with a function that
// moves one string and returns its new place.
func (t *text) renew(each func(move func(at, size uint64) uint64)) {
	old := t.list.Load()
	t.fill, t.live, t.wasted = len(old.chunks[len(old.chunks)-1]), 0, 0 // the newest counts as full
	each(func(at, size uint64) uint64 {
		s, _ := t.at(at) // no chunk is gone yet
		return t.put(s[:size])
	})
	all := t.list.Load()
	t.list.Store(&chunkList{
		base:   all.base + uint64(len(old.chunks)),
		chunks: slices.Clone(all.chunks[len(old.chunks):]),
	})
}

// roleSets keeps the few different sets of roles that users have. Sets are never dropped: put refuses one more when
// there are too many, and then its user isn't remembered.
type roleSets struct {
	list  atomic.Pointer[[][]string]
	known map[string]uint64
}

// maxRoleSets bounds the sets: a company has a few dozen.
const maxRoleSets = 1 << 16

func (s *roleSets) at(index uint64) []string { return (*s.list.Load())[index] }

// put returns the index of a set. The caller holds the lock.
func (s *roleSets) put(roles []string) (uint64, bool) {
	name := strings.Join(roles, ",")
	if index, ok := s.known[name]; ok {
		return index, true
	}
	if len(s.known) >= maxRoleSets {
		return 0, false
	}
	if s.known == nil {
		s.known = make(map[string]uint64)
		s.list.Store(new([][]string))
	}
	grown := append(slices.Clip(*s.list.Load()), slices.Clone(roles))
	s.list.Store(&grown)
	s.known[name] = uint64(len(grown) - 1)
	return s.known[name], true
}
