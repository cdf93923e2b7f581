package authority

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// shard is a part of the memory.
type shard struct {
	current atomic.Pointer[index]
	alike   *alike
	max     int // proofs

	mu       sync.Mutex
	renewing bool        // the index is being copied: nothing may be added to it
	emptied  bool        // everything was forgotten meanwhile, or more than is kept
	missed   []uuid.UUID // forgotten meanwhile
	over     []key       // ended meanwhile

	_ [32]byte // keeps neighbours off a line of the processor's cache
}

// empty gives the shard an index of nothing.
func (s *shard) empty() { s.current.Store(newIndex(0, 0, s.max, s.alike)) }

// renew replaces the index. It lets go of the lock while it copies, which takes a millisecond or two for some ten thousand proofs: a
// change heard of need not wait for that, and is applied to the copy in the end. A first verification that ends meanwhile isn't kept.
func (s *shard) renew(now time.Time) {
	former := s.current.Load()
	s.begin()
	s.mu.Unlock()
	next := former.renewed(now.Unix(), s.max)
	s.mu.Lock()
	s.install(next)
}

func (s *shard) begin() { s.renewing, s.emptied = true, false }

// install puts an index in the place of the one of which it is a copy, and applies to it what has come since that was begun.
func (s *shard) install(next *index) {
	if s.emptied {
		next = newIndex(0, 0, s.max, s.alike)
	}
	for _, id := range s.missed {
		next.forget(hashOfID(id), id)
	}
	for _, k := range s.over {
		next.end(k)
	}
	s.current.Store(next)
	s.renewing, s.missed, s.over = false, nil, nil
}

// end is memory.end.
func (s *shard) end(k key) (ends bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.renewing:
	case len(s.over) == recentChanges:
		s.emptied = true
	default:
		s.over = append(s.over, k)
	}
	return s.current.Load().end(k)
}

// forget is memory.forget.
func (s *shard) forget(hash uint64, id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.renewing:
	case id == uuid.Nil || len(s.missed) == recentChanges:
		s.emptied = true
	default:
		s.missed = append(s.missed, id)
	}
	if id == uuid.Nil {
		s.empty()
		return
	}
	s.current.Load().forget(hash, id)
}
