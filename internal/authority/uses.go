package authority

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Use is the last known use of a credential.
type Use struct {
	ID   uuid.UUID
	At   time.Time
	From netip.Addr // the client's address, where it was known; else the last known one is kept
}

// Toucher is a Way that keeps when its credentials were last used.
type Toucher interface {
	// Touch stores uses; a credential deleted meanwhile is passed over. It may be called again with the same uses.
	Touch(ctx context.Context, used []Use) error
}

// uses gathers what was used since it was last stored, by kind. A credential gets in once a minute at most; while the
// bound of its kind is reached no new one gets in, and is noted in a later minute. The bounds are apart because a browser's
// session lives by its uses: however many tokens are used, it is noted.
//
// They stand in stripes by ID, each with a lock of its own: with a million tokens in use, every few calls one is used for the first
// time in its minute.
type uses struct {
	stripes [stripes]usesStripe
	noted   [kindCount]atomic.Int64 // in all stripes
}

type usesStripe struct {
	mu   sync.Mutex
	seen [kindCount]map[uuid.UUID]Use
	_    [32]byte // keeps neighbours off a cache line
}

// maxUses bounds what one flush writes of a kind: 10,000 rows are a fraction of a second of one core.
const maxUses = 10_000

// How long, in seconds, a remembered password may rest, and how old its noted use may become before a new one is noted.
// So one rests for 50 to 60 seconds before it is hashed again, and is written to six times a minute at most.
const (
	maxPasswordIdle   = 60
	passwordUsesNoted = 10
)

// firstInMinute reports whether a remembered credential is used for the first time in this minute, and marks in used
// when that was.
func firstInMinute(used *atomic.Uint32, kind Kind, now time.Time) bool {
	last, second := used.Load(), secondOf(now)
	if last/60 != second/60 {
		return used.CompareAndSwap(last, second)
	}
	if kind == Password && second >= last+passwordUsesNoted {
		used.CompareAndSwap(last, second) // whoever came before noted as much
	}
	return false
}

// noteUse notes a use.
func (a *Authority) noteUse(p *Principal, in *Presented, now time.Time) {
	if _, ok := a.ways[p.CredentialKind].(Toucher); !ok {
		return
	}
	u := &a.uses.stripes[hashOfID(p.CredentialID)%stripes]
	u.mu.Lock()
	defer u.mu.Unlock()
	former, known := u.seen[p.CredentialKind][p.CredentialID]
	if !known {
		if noted := &a.uses.noted[p.CredentialKind]; noted.Add(1) > maxUses {
			noted.Add(-1)
			return
		}
	}
	if u.seen[p.CredentialKind] == nil {
		u.seen[p.CredentialKind] = make(map[uuid.UUID]Use)
	}
	from := in.Peer
	if !from.IsValid() {
		from = former.From
	}
	u.seen[p.CredentialKind][p.CredentialID] = Use{ID: p.CredentialID, At: now.UTC().Truncate(time.Microsecond), From: from}
}

// take returns the uses that were gathered, by kind, and begins anew.
func (u *uses) take() (all [kindCount]map[uuid.UUID]Use) {
	for kind := range all {
		all[kind] = make(map[uuid.UUID]Use)
		for i := range u.stripes {
			s := &u.stripes[i]
			s.mu.Lock()
			maps.Copy(all[kind], s.seen[kind])
			s.seen[kind] = nil
			s.mu.Unlock()
		}
		u.noted[kind].Add(-int64(len(all[kind])))
	}
	return all
}

// usesAtOnce is how many uses are stored before others have their turn on this core, which is after about a millisecond.
const usesAtOnce = 64

// StoreUses has the ways in store when their credentials were last used. What one fails to store is lost: a later use
// tells a later time. While calls are answered it rests nine times as long as it works, for on one core they wait for it: ten thousand
// uses are a tenth of a second, which takes a second then.
func (a *Authority) StoreUses(ctx context.Context) error {
	var errs []error
	for kind, used := range a.uses.take() {
		way, ok := a.ways[kind].(Toucher)
		if !ok || len(used) == 0 {
			continue // none is noted of a kind that doesn't keep it
		}
		// In one order, for two nodes that write the same rows in different ones lock each other out.
		sorted := slices.SortedFunc(maps.Values(used), func(a, b Use) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		if err := a.touch(ctx, way, sorted); err != nil {
			errs = append(errs, fmt.Errorf("storing last uses of kind %s: %w", Kind(kind), err))
		}
	}
	return errors.Join(errs...)
}

// touch has one way store uses, some at a time.
func (a *Authority) touch(ctx context.Context, way Toucher, used []Use) error {
	for some := range slices.Chunk(used, usesAtOnce) {
		began := a.turn()
		if err := way.Touch(ctx, some); err != nil {
			return err
		}
		a.rest(ctx, began, usesRests)
	}
	return nil
}

// Forget drops from memory whatever rests on the record of the given ID, a credential or a user; everything where the
// ID is zero. The change feed calls it for each change that could alter a verdict already given.
func (a *Authority) Forget(id uuid.UUID) {
	a.refused.clear()
	a.memory.forget(id)
}

// ForgetRefused drops from memory that tokens were refused. The change feed calls it for each change that Forget isn't called for, when
// it has been applied: a token that was looked for under the former peppers, say, may be known under others.
func (a *Authority) ForgetRefused() { a.refused.clear() }
