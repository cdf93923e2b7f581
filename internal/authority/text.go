package authority

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// text keeps strings in chunks of bytes, so that a million names are a few hundred objects to the garbage collector.
// A string's place is chunk (32 bits) | offset (32 bits). It is written once, before its place is made known.
//
// Whoever writes holds the lock of the memory; anyone may read.
type text struct {
	chunks atomic.Pointer[[][]byte]
	fill   int // bytes taken in the last chunk
	size   int // of all chunks, in bytes
}

// A chunk is about an eighth of what stands before it, so that little is allocated and isn't used yet, but no smaller and no larger
// than this, in bytes; unless a string is longer. All are powers of two, of which the allocator wastes nothing.
const (
	leastChunk = 1 << 9
	textChunk  = 1 << 16
)

// at returns what stands from a place that put returned to the end of its chunk. It shares the chunk's memory and stays
// good as long as anybody holds it.
func (t *text) at(place uint64) string {
	b := (*t.chunks.Load())[place>>32][place&0xffffffff:]
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // G103: bytes whose place is known are never written again
}

// put appends strings, one after the other, and returns the place of the first.
func (t *text) put(parts ...string) uint64 {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	var chunks [][]byte
	if known := t.chunks.Load(); known != nil {
		chunks = *known
	}
	if n := len(chunks); n == 0 || len(chunks[n-1])-t.fill < size {
		chunk := make([]byte, max(chunkAfter(t.size), size))
		chunks = append(chunks, chunk) // beyond what any reader sees of a shared array
		t.chunks.Store(&chunks)
		t.size += len(chunk)
		t.fill = 0
	}
	last := len(chunks) - 1
	place := uint64(last)<<32 | uint64(t.fill) //nolint:gosec // G115: a length is not negative
	for _, p := range parts {
		t.fill += copy(chunks[last][t.fill:], p)
	}
	return place
}

// chunkAfter returns the size of the next chunk after so many bytes of them.
func chunkAfter(size int) int {
	return min(max(1<<bits.Len(uint(size/16)), leastChunk), textChunk)
}
