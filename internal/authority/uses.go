package authority

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	From netip.Addr // the client's address, where it was known
}

// Toucher is a Way that keeps when its credentials were last used.
type Toucher interface {
	// Touch stores uses; a credential deleted meanwhile is passed over. It may be called again with the same uses.
	Touch(ctx context.Context, used []Use) error
}

// uses gathers what was used since it was last stored. A credential gets in once a minute at most; while the bound is
// reached no new one gets in, and is noted in a later minute.
type uses struct {
	mu   sync.Mutex
	seen map[useKey]Use
}

type useKey struct {
	kind Kind
	id   uuid.UUID
}

// maxUses bounds what one flush writes: 10,000 rows are a fraction of a second of one core.
const maxUses = 10_000

// firstInMinute reports whether a remembered credential is used for the first time in this minute, and marks the minute
// in used.
func firstInMinute(used *atomic.Uint32, now time.Time) bool {
	last, minute := used.Load(), minuteOf(now)
	return last != minute && used.CompareAndSwap(last, minute)
}

// noteUse notes a use.
func (a *Authority) noteUse(p *Principal, in *Presented, now time.Time) {
	if _, ok := a.ways[p.CredentialKind].(Toucher); !ok {
		return
	}
	u := &a.uses
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen == nil {
		u.seen = make(map[useKey]Use)
	}
	k := useKey{p.CredentialKind, p.CredentialID}
	if _, known := u.seen[k]; known || len(u.seen) < maxUses {
		u.seen[k] = Use{ID: p.CredentialID, At: now.UTC().Truncate(time.Microsecond), From: in.Peer}
	}
}

// StoreUses has the ways in store when their credentials were last used. What one fails to store is lost: a later use
// tells a later time.
func (a *Authority) StoreUses(ctx context.Context) error {
	a.uses.mu.Lock()
	seen := a.uses.seen
	a.uses.seen = nil
	a.uses.mu.Unlock()
	byKind := make(map[Kind][]Use)
	for k, u := range seen {
		byKind[k.kind] = append(byKind[k.kind], u)
	}
	var errs []error
	for kind, used := range byKind {
		way, ok := a.ways[kind].(Toucher)
		if !ok {
			continue // none is noted
		}
		// In one order, for two nodes that write the same rows in different ones lock each other out.
		slices.SortFunc(used, func(a, b Use) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		if err := way.Touch(ctx, used); err != nil {
			errs = append(errs, fmt.Errorf("storing last uses of kind %s: %w", kind, err))
		}
	}
	return errors.Join(errs...)
}

// Forget drops from memory whatever rests on the record of the given ID, a credential or a user; everything where the
// ID is zero. The change feed calls it for each change that could alter a verdict already given.
func (a *Authority) Forget(id uuid.UUID) { a.memory.forget(id) }
