package authority

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// Warming tells how far the memory has been filled before anything was presented.
type Warming struct {
	Running bool
	Kept    int64 // proofs read and kept since the start
	Known   int64 // of them, those that were known by their digest when they were presented, and are by their key since
}

type warming struct{ running, kept, known atomic.Int64 }

// Warming returns how far it has come.
func (a *Authority) Warming() Warming {
	return Warming{Running: a.warming.running.Load() > 0, Kept: a.warming.kept.Load(), Known: a.warming.known.Load()}
}

// errWarmEnough ends the reading of credentials: half of the memory is full, and the rest is for those that come.
var errWarmEnough = errors.New("half of what may be remembered is")

// Warm fills the memory from the ways in that are Warmers, up to half of what it may hold, and returns how many proofs it has kept.
// It is for the background, while calls are answered: it reads on at once while nobody calls, and else rests nineteen times as long as
// it has worked, since on two cores of which one hashes a password, calls wait for it. An error of one way doesn't keep it from the others; that of ctx ends it.
//
// What it reads is remembered by the credentials' digests, since nothing else is known of them, and is judged as what a verification
// reads: the dead and the blocked are passed over. A change that is heard of while a batch is on its way wins.
func (a *Authority) Warm(ctx context.Context) (kept int, err error) {
	a.warming.running.Add(1)
	defer a.warming.running.Add(-1)
	var errs []error
	for _, w := range a.cfg.Ways {
		way, ok := w.(Warmer)
		if !ok {
			continue
		}
		n, err := a.warm(ctx, way)
		kept += n
		switch {
		case errors.Is(err, errWarmEnough):
			return kept, errors.Join(errs...)
		case ctx.Err() != nil:
			return kept, ctx.Err()
		case err != nil:
			errs = append(errs, fmt.Errorf("warming the memory with credentials of kind %s: %w", way.Kind(), err))
		}
	}
	return kept, errors.Join(errs...)
}

// warm fills the memory from one way.
func (a *Authority) warm(ctx context.Context, way Warmer) (kept int, err error) {
	// Each batch is read after the former was handed over, and so after this.
	began, working := a.memory.sequence(), a.turn()
	err = way.Warm(ctx, func(batch []Warmed) error {
		n, err := a.keepWarmed(ctx, way.Kind(), batch, began)
		kept += n
		if err != nil {
			return err
		}
		a.rest(ctx, working, warmRests)
		began, working = a.memory.sequence(), a.turn()
		return ctx.Err()
	})
	return kept, err
}

// warmAtOnce is how many proofs are kept before others have their turn on this core.
const warmAtOnce = 64

// keepWarmed remembers a batch that was read after so many changes were applied.
func (a *Authority) keepWarmed(ctx context.Context, kind Kind, batch []Warmed, began uint64) (kept int, err error) {
	now := a.cfg.Now()
	for i := range batch {
		if i%warmAtOnce == 0 {
			if a.memory.len() >= a.memory.max/2 {
				return kept, errWarmEnough
			}
			if err := ctx.Err(); err != nil {
				return kept, err
			}
			runtime.Gosched()
		}
		w := &batch[i]
		if w.Proof.User == nil || !w.Proof.Remember || judge(&w.Proof, w.Proof.User) != nil {
			continue
		}
		k := keyOfSum(w.Digest)
		if a.memory.keep(&fill{key: k, kind: kind, began: began, proof: w.Proof, user: w.Proof.User}, now) {
			kept++
			a.warming.kept.Add(1)
		}
	}
	return kept, nil
}

// digests returns those under which a credential may be remembered, or none.
func (a *Authority) digests(c *Credential) [][32]byte {
	if a.warming.kept.Load() == a.warming.known.Load() {
		return nil
	}
	if way, ok := a.ways[c.Kind].(Digester); ok {
		return way.Digests(c.Text)
	}
	return nil
}

// recallWarmed fills p with the principal of a credential that is remembered by its digest, and has it remembered by its key from then
// on.
func (a *Authority) recallWarmed(c *Credential, k key, now time.Time, p *Principal) bool {
	for _, digest := range a.digests(c) {
		known, renamed := a.memory.rename(keyOfSum(digest), k, c.Kind, now, p)
		if renamed {
			a.warming.known.Add(1)
		}
		if known {
			return true
		}
	}
	return false
}

// end has all that is remembered of a credential end for good: it was found to have ended.
func (a *Authority) end(c *Credential, k key) {
	a.memory.end(k)
	for _, digest := range a.digests(c) {
		a.memory.end(keyOfSum(digest))
	}
}
