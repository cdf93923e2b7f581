package authority

import (
	"strings"
	"sync"
	"sync/atomic"
)

// distinct keeps the few different values that very many records of the memory share, each once, under a number that a
// record has room for. Numbers count from 0 and are never given up: an index is renewed with those alone that it still uses.
//
// Whoever writes holds the lock of the memory; anyone may read the value of a number that was given.
type distinct[T any] struct {
	values atomic.Pointer[[]T]
	known  map[string]uint32
	shared *shared[T]
}

// at returns the value of a number that put returned.
func (d *distinct[T]) at(number uint32) T { return (*d.values.Load())[number] }

// put returns the number of a value, or false where it would be one more than the most that there may be. The text is the
// same for values that are alike, and for no others.
func (d *distinct[T]) put(text string, value T, most int) (number uint32, ok bool) {
	if number, ok = d.known[text]; ok {
		return number, true
	}
	if len(d.known) >= most {
		return 0, false
	}
	var values []T
	if d.known == nil {
		d.known = make(map[string]uint32)
	} else {
		values = *d.values.Load()
	}
	text, value = d.shared.of(text, value)
	number = uint32(len(values))   //nolint:gosec // G115: less than most
	values = append(values, value) // beyond what any reader sees of a shared array
	d.values.Store(&values)
	d.known[text] = number
	return number, true
}

// alike are the values that the indexes of all shards share: each would else keep its own copy of every one.
type alike struct {
	roles  shared[[]string]
	limits shared[*Limits]
}

// shared returns for each text the value that came with it first. It is nothing that any number stands for: where it has become many,
// it begins anew, and what is alike may stand in memory twice.
type shared[T any] struct {
	mu    sync.Mutex
	known map[string]sharedValue[T]
}

type sharedValue[T any] struct {
	text  string
	value T
}

// maxShared bounds what is shared.
const maxShared = 1 << 14

func (s *shared[T]) of(text string, value T) (string, T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.known[text]; ok {
		return known.text, known.value
	}
	if s.known == nil || len(s.known) == maxShared {
		s.known = make(map[string]sharedValue[T])
	}
	s.known[text] = sharedValue[T]{text, value}
	return text, value
}

// The most different sets of roles, of which a company has a few dozen, and of limits, that one index keeps: some 2 MB, and 120 MB in
// the indexes of all shards. A user or a proof with one more is not remembered: whoever has its token narrowed in ever other ways
// makes checks slow, and memory no larger.
const (
	maxRoleSets  = 1 << 12
	maxLimitSets = 1 << 12
)

// putRoles returns the number of a set of roles.
func (x *index) putRoles(roles []string) (number uint32, ok bool) {
	return x.roles.put(strings.Join(roles, ","), roles, maxRoleSets) // no role holds a comma
}

// limitsOf returns the limits of a number of putLimits.
func (x *index) limitsOf(number uint32) *Limits {
	if number == 0 {
		return nil
	}
	return x.limits.at(number - 1)
}

// putLimits returns the number of limits plus one, and 0 for those that narrow nothing, as most do.
func (x *index) putLimits(l *Limits) (number uint32, ok bool) {
	if l.none() {
		return 0, true
	}
	number, ok = x.limits.put(l.text(), l, maxLimitSets)
	return number + 1, ok
}
