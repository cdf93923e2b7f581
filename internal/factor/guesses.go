package factor

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// guesses bounds how many wrong codes of an authenticator app are looked at, for each user: five at once, then one more every five
// minutes. A code has six digits, and three are right at any time: so of those who know the password, one in a thousand gets through in a
// day. It is the bound of account's guesses at passwords in its plainest form: only who has the password comes here, so nobody can keep
// a stranger out, and addresses don't matter. A right code costs nothing; it is taken off before it is looked at, lest fifty at once all
// find room, and then given back.
//
// It is in this process's memory, as those are: each node has its own, and a restart begins anew.
type guesses struct {
	now   func() time.Time
	mu    sync.Mutex
	spent map[uuid.UUID]time.Time // when the bound will be whole again
	sweep int                     // the size of spent at which it is swept
}

const (
	guessesAtOnce = 5
	guessEvery    = 5 * time.Minute
	minSweep      = 1 << 10
)

func newGuesses(now func() time.Time) *guesses {
	return &guesses{now: now, spent: map[uuid.UUID]time.Time{}, sweep: minSweep}
}

// take lets a guess through, or returns a *authority.Refusal with the time after which there is room again.
func (g *guesses) take(user uuid.UUID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	debt := g.debt(user, now)
	if wait := debt - (guessesAtOnce-1)*guessEvery; wait > 0 {
		return &authority.Refusal{Reason: authority.ReasonThrottled, ID: user, UserID: user, RetryAfter: wait}
	}
	g.spent[user] = now.Add(debt + guessEvery)
	if len(g.spent) >= g.sweep {
		for u, whole := range g.spent {
			if !whole.After(now) {
				delete(g.spent, u)
			}
		}
		g.sweep = max(2*len(g.spent), minSweep)
	}
	return nil
}

// giveBack ends a guess that wasn't wrong.
func (g *guesses) giveBack(user uuid.UUID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if debt := g.debt(user, now) - guessEvery; debt > 0 {
		g.spent[user] = now.Add(debt)
	} else {
		delete(g.spent, user)
	}
}

// debt returns how long it takes until a user's bound is whole again: never longer than if it were empty, though a clock that was set back
// may say so. The caller holds the lock.
func (g *guesses) debt(user uuid.UUID, now time.Time) time.Duration {
	return min(max(g.spent[user].Sub(now), 0), guessesAtOnce*guessEvery)
}
