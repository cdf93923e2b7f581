package authority

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// FurtherUses are the last uses, of records beside those that stand in the proofs, that a way has yet to store: the authority knows of
// the others alone. There is one of each record, so that they are as many as these at most. The zero value is ready for use, by any
// number of goroutines at once.
type FurtherUses struct {
	mu   sync.Mutex
	last map[uuid.UUID]Use
}

// Note keeps a use, unless a later one of the same record is there.
func (f *FurtherUses) Note(use Use) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.last[use.ID]; ok && !use.At.After(known.At) {
		return
	}
	if f.last == nil {
		f.last = make(map[uuid.UUID]Use)
	}
	f.last[use.ID] = use
}

// Touch has the uses of a Toucher stored together with these. Where that fails, these wait for the next time; the error is store's.
func (f *FurtherUses) Touch(ctx context.Context, used []Use, store func(context.Context, []Use) error) error {
	further := f.take()
	err := store(ctx, slices.Concat(used, further))
	if err != nil {
		for _, use := range further {
			f.Note(use)
		}
	}
	return err
}

// take returns what is yet to be stored, and forgets it.
func (f *FurtherUses) take() []Use {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Use, 0, len(f.last))
	for _, use := range f.last {
		all = append(all, use)
	}
	clear(f.last)
	return all
}
