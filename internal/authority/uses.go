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
type uses struct {
	mu   sync.Mutex
	seen [kindCount]map[uuid.UUID]Use
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
	u := &a.uses
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen[p.CredentialKind]
	if seen == nil {
		seen = make(map[uuid.UUID]Use)
		u.seen[p.CredentialKind] = seen
	}
	former, known := seen[p.CredentialID]
	if !known && len(seen) >= maxUses {
		return
	}
	from := in.Peer
	if !from.IsValid() {
		from = former.From
	}
	seen[p.CredentialID] = Use{ID: p.CredentialID, At: now.UTC().Truncate(time.Microsecond), From: from}
}

// StoreUses has the ways in store when their credentials were last used. What one fails to store is lost: a later use
// tells a later time.
func (a *Authority) StoreUses(ctx context.Context) error {
	a.uses.mu.Lock()
	seen := a.uses.seen
	a.uses.seen = [kindCount]map[uuid.UUID]Use{}
	a.uses.mu.Unlock()
	var errs []error
	for kind, used := range seen {
		way, ok := a.ways[kind].(Toucher)
		if !ok || len(used) == 0 {
			continue // none is noted of a kind that doesn't keep it
		}
		// In one order, for two nodes that write the same rows in different ones lock each other out.
		sorted := slices.SortedFunc(maps.Values(used), func(a, b Use) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		if err := way.Touch(ctx, sorted); err != nil {
			errs = append(errs, fmt.Errorf("storing last uses of kind %s: %w", Kind(kind), err))
		}
	}
	return errors.Join(errs...)
}

// Forget drops from memory whatever rests on the record of the given ID, a credential or a user; everything where the
// ID is zero. The change feed calls it for each change that could alter a verdict already given.
func (a *Authority) Forget(id uuid.UUID) { a.memory.forget(id) }
