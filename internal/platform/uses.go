package platform

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// uses are the last uses of keys that are yet to be stored, one of each key. The authority notes that a platform was used, and not by
// which of its keys: that is for whoever moves it from one to the next, and waits until the former is at rest.
type uses struct {
	mu   sync.Mutex
	last map[uuid.UUID]authority.Use
}

// note keeps a use, unless a later one of the same key is there.
func (u *uses) note(use authority.Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if known, ok := u.last[use.ID]; ok && !use.At.After(known.At) {
		return
	}
	if u.last == nil {
		u.last = make(map[uuid.UUID]authority.Use)
	}
	u.last[use.ID] = use
}

// take returns what is yet to be stored, and forgets it.
func (u *uses) take() []authority.Use {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make([]authority.Use, 0, len(u.last))
	for _, use := range u.last {
		all = append(all, use)
	}
	clear(u.last)
	return all
}

// Touch implements authority.Toucher. Every assertion is a use of its platform, so that it is called soon after each use of a key. The
// keys' uses that can't be stored wait for the next time.
func (p *Platforms) Touch(ctx context.Context, used []authority.Use) error {
	keys := p.uses.take()
	err := p.cfg.Store.TouchPlatforms(ctx, slices.Concat(used, keys))
	if err != nil {
		for _, use := range keys {
			p.uses.note(use)
		}
	}
	return err
}
