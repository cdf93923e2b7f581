package factor

import (
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// guesses bounds how many wrong codes of an authenticator app are looked at, for each user: five at once, then one more every five
// minutes. A code has six digits, and three are right at any time: so of those who know the password, one in a thousand gets through in a
// day. It is the bound of account's guesses at passwords in its plainest form: only who has the password comes here, so nobody can keep
// a stranger out, and addresses don't matter. A right code costs nothing; it is taken off before it is looked at, lest fifty at once all
// find room, and then given back.
type guesses struct {
	now   func() time.Time
	bound authority.Bound[uuid.UUID]
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{now: now, bound: authority.Bound[uuid.UUID]{Most: 5, Every: 5 * time.Minute}}
}

// take lets a guess through, or returns a *authority.Refusal with the time after which there is room again.
func (g *guesses) take(user uuid.UUID) error {
	if wait := g.bound.Take(user, g.now()); wait > 0 {
		return &authority.Refusal{Reason: authority.ReasonThrottled, ID: user, UserID: user, RetryAfter: wait}
	}
	return nil
}

// giveBack ends a guess that wasn't wrong.
func (g *guesses) giveBack(user uuid.UUID) { g.bound.GiveBack(user, g.now()) }
