package authority

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// refused remembers of tokens that nobody has, for some seconds each, that nobody has them: so that a program that goes on with a dead
// token doesn't cost a look-up for each of its calls. It is of a fixed size. What comes later takes the place of what came before, by
// chance, so that a flood of random tokens costs no memory, and what holds loses nothing by it.
//
// A refusal is remembered only where nothing but a change that is heard of could make the token good:
//   - Only tokens of a Digester are, and only as unknown or superseded. Their text is random. It is shown to anybody only after the
//     commit that makes it good, and so can't have been asked about before, but by who guesses 250 bits.
//   - What is no longer good doesn't come back. Where all is set back, as by a restored backup, or other peppers are in force, under
//     which what seemed unknown may be known, that is heard of as a change.
//   - Any change that is heard of, whatever it is of, empties the table. What was asked about before a change was heard isn't put there
//     after it.
//   - While the feed isn't fresh, the table isn't asked, like all that is remembered.
//   - An entry counts for five seconds by the clock that decides all else, and not at all where that was set back: what is wrong in
//     all of the above in some way that nobody has thought of is wrong no longer than that.
type refused struct {
	entries    []refusedEntry // none where no way is a Digester
	locks      [stripes]sync.Mutex
	generation atomic.Uint64
}

type refusedEntry struct {
	key        key
	generation uint64
	at         time.Time
	reason     Reason
	kind       Kind
	id, userID uuid.UUID // for the audit log
}

const (
	maxRefused = 1 << 12 // some 450 kB
	refusedFor = 5 * time.Second
)

// find returns the refusal of a key, or nil.
func (r *refused) find(k key, kind Kind, now time.Time) *Refusal {
	if len(r.entries) == 0 {
		return nil
	}
	at := k[1] % maxRefused
	lock := &r.locks[at%stripes]
	lock.Lock()
	defer lock.Unlock()
	e := &r.entries[at]
	age := now.Sub(e.at)
	if e.key != k || e.kind != kind || e.generation != r.generation.Load() || age < 0 || age >= refusedFor {
		return nil
	}
	return &Refusal{Reason: e.reason, ID: e.id, UserID: e.userID}
}

// keep remembers a refusal that was asked for in the given generation.
func (r *refused) keep(k key, kind Kind, generation uint64, ref *Refusal, now time.Time) {
	if len(r.entries) == 0 || ref.Cause != nil || ref.Reason != ReasonUnknown && ref.Reason != ReasonSuperseded {
		return
	}
	at := k[1] % maxRefused
	lock := &r.locks[at%stripes]
	lock.Lock()
	defer lock.Unlock()
	r.entries[at] = refusedEntry{key: k, generation: generation, at: now, reason: ref.Reason, kind: kind, id: ref.ID, userID: ref.UserID}
}

// clear empties the table.
func (r *refused) clear() { r.generation.Add(1) }
