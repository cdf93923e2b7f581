package authority

import (
	"strings"
	"sync/atomic"
)

// distinct keeps the few different values that very many records of the memory share, each once, under a number that a
// record has room for. Numbers count from 0 and are never given up: an index is renewed with those alone that it still uses.
//
// Whoever writes holds the lock of the memory; anyone may read the value of a number that was given.
type distinct[T any] struct {
	values atomic.Pointer[[]T]
	known  map[string]uint32
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
	number = uint32(len(values))   //nolint:gosec // G115: less than most
	values = append(values, value) // beyond what any reader sees of a shared array
	d.values.Store(&values)
	d.known[text] = number
	return number, true
}

// The most different sets of roles, of which a company has a few dozen, and of limits: some 30 MB. A user or a proof with one
// more is not remembered: whoever has its token narrowed in ever other ways makes checks slow, and memory no larger.
const (
	maxRoleSets  = 1 << 15
	maxLimitSets = 1 << 16
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
