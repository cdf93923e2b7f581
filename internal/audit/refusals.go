package audit

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Refusal is one call that was not let in.
type Refusal struct {
	Reason  string     // one of the authority's reasons
	Kind    string     // kind of credential, empty where none was presented
	Door    string     // as "gateway" or "v1"
	ID      uuid.UUID  // the credential's record, where it is known
	UserID  uuid.UUID  // its user, where it is known
	Service string     // the service that was called, where it is known
	Address netip.Addr // the client's address, where it is known
	// Call is the method, host and path that was called, or of Jeton's own routes method and pattern, where it is known: of
	// refusals that are merged, the first's.
	Call string
}

// Refusals is a bounded buffer of refused calls, merged per reason, kind, credential or address and minute.
// An attacker who sends a million bad tokens writes a handful of rows. An address is merged by what one customer of a
// provider is commonly given: /32 in IPv4 and /64 in IPv6.
//
// Add never blocks on the database, and no minute gives more rows than the bound, however many addresses an attacker has:
// what doesn't fit is counted, and the count of each minute is written as an event of its own. Refusals is safe for
// concurrent use.
type Refusals struct {
	limit int

	mu       sync.Mutex
	merged   map[refusalKey]*Event
	minute   int64                   // the newest one seen
	rows     map[refusalKey]struct{} // of that minute, drained or not
	overflow int64
}

// refusalKey is what refusals must share to be merged.
type refusalKey struct {
	Refusal
	minute int64
}

// NewRefusals returns a buffer that keeps at most limit sorts of refusals apart in each minute.
func NewRefusals(limit int) *Refusals {
	return &Refusals{limit: limit, merged: make(map[refusalKey]*Event)}
}

// Add counts one refusal at the given time.
func (r *Refusals) Add(ref Refusal, at time.Time) {
	at = at.UTC().Truncate(time.Microsecond)
	key := keyOf(&ref, at)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.merge(&key, at) {
		return
	}
	if !r.room(key) {
		r.overflow++
		return
	}
	e := key.event(ref.Address.Unmap().WithZone(""), at) // a zone is text, and may be anything
	if ref.Call != "" {
		e.tell("call", ref.Call)
	}
	r.merged[key] = e
}

// Merge counts one refusal at the given time if there is one like it already, and reports whether there is. It is what Add does first,
// for a caller who would have to make a Call that is looked at only where there is none.
func (r *Refusals) Merge(ref *Refusal, at time.Time) bool {
	at = at.UTC().Truncate(time.Microsecond)
	key := keyOf(ref, at)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.merge(&key, at)
}

// keyOf returns what refusals share that are merged with one.
func keyOf(ref *Refusal, at time.Time) refusalKey {
	key := refusalKey{*ref, minuteOf(at)}
	key.Call = ""
	key.Address = Customer(ref.Address)
	if ref.ID != uuid.Nil {
		key.Address = netip.Addr{} // a known credential is merged wherever it came from
	}
	return key
}

// merge counts a refusal with one like it, if there is one. The caller holds the lock.
func (r *Refusals) merge(key *refusalKey, at time.Time) bool {
	e, ok := r.merged[*key]
	if !ok {
		return false
	}
	e.Count++
	if at.After(e.LastAt) { // calls at once come in any order
		e.LastAt = at
	}
	return true
}

// room reports whether a sort of refusal may have a row in its minute. The caller holds the lock.
func (r *Refusals) room(key refusalKey) bool {
	if key.minute > r.minute || r.rows == nil {
		r.minute, r.rows = key.minute, make(map[refusalKey]struct{})
	}
	if _, known := r.rows[key]; !known && len(r.rows) >= r.limit {
		return false
	}
	r.rows[key] = struct{}{}
	return true
}

func minuteOf(at time.Time) int64 { return at.Unix() / 60 }

// Customer returns the address under which what one customer of a provider does is counted: the whole in IPv4, the first 64
// bits in IPv6. The zero address stays what it is.
func Customer(a netip.Addr) netip.Addr {
	if a = a.Unmap().WithZone(""); !a.Is6() { // a zone is text, and may be anything
		return a
	}
	p, _ := a.Prefix(64) // 64 bits are within an IPv6 address
	return p.Addr()
}

// event returns the row of a first refusal of its sort, which came from address at the given time.
func (k refusalKey) event(address netip.Addr, at time.Time) *Event {
	e := &Event{
		ID: uuid.Must(uuid.NewV7()), At: at, LastAt: at, Action: Refused, Reason: k.Reason, Door: k.Door, Count: 1,
		Actor:    Actor{UserID: k.UserID, CredentialKind: k.Kind, CredentialID: k.ID},
		MergeKey: fmt.Sprintf("%d|%s|%s|%s|%s|%s|%s|%s", k.minute, k.Reason, k.Kind, k.Door, k.ID, k.UserID, k.Service, k.Address),
	}
	if address.IsValid() {
		e.Actor.Address = address.String()
	}
	if k.Service != "" {
		e.Target = Target{Kind: "service", Name: k.Service}
	}
	return e
}

// Drain empties the buffer and returns its events, the oldest first, with one more for all that overflowed, if any did.
// Refusals alike that were drained at different seconds of a minute bear the same MergeKey: the store makes one row of them.
func (r *Refusals) Drain(now time.Time) []Event {
	r.mu.Lock()
	merged, overflow := r.merged, r.overflow
	r.merged, r.overflow = make(map[refusalKey]*Event), 0
	r.mu.Unlock()
	events := make([]Event, 0, len(merged)+1)
	for _, e := range merged {
		events = append(events, *e)
	}
	if overflow > 0 {
		e := New(RefusalsOverflow, Actor{}, Target{}, now)
		e.Count, e.LastAt = overflow, e.At
		e.MergeKey = fmt.Sprintf("%d|%s", minuteOf(e.At), RefusalsOverflow)
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	return events
}
