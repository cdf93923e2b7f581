package authority

import (
	"context"
	"time"
)

// How many times as long as it works what is done in the background rests, while calls are answered: the longer it takes altogether, the
// longer it may take.
const (
	warmRests = 19
	usesRests = 9
)

// turn is when what is done in the background began to have its turn, and how many calls there had been.
type turn struct {
	since time.Time
	calls uint64
}

func (a *Authority) turn() turn { return turn{a.cfg.Now(), a.tally.total()} }

// rest lets others have theirs, so many times as long as that turn was, where there are any: while nobody calls, there is no rest.
func (a *Authority) rest(ctx context.Context, after turn, times int) {
	if a.cfg.Pause != nil && a.tally.total() != after.calls {
		a.cfg.Pause(ctx, time.Duration(times)*min(max(a.cfg.Now().Sub(after.since), 0), time.Second))
	}
}
