package app

import (
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
)

// subject is what a notice is about: what was done to whom.
type subject struct {
	user   uuid.UUID
	action audit.Action
	former string // of a change of the e-mail: the one before, whose owner hears of no other
}

func subjectOf(ev *audit.Event) subject {
	return subject{ev.Target.ID, ev.Action, ev.Detail[account.FormerEmail]}
}

// lastOfEach goes over the last event of each subject, in their order, with how many there are of it: who does one thing a thousand times
// fills no mailbox, nor the queue in which the notices of others wait.
func lastOfEach(events []audit.Event) iter.Seq2[int, int] {
	times, last := make(map[subject]int), make(map[subject]int)
	for i := range events {
		of := subjectOf(&events[i])
		times[of]++
		last[of] = i
	}
	return func(yield func(int, int) bool) {
		for i := range events {
			if of := subjectOf(&events[i]); last[of] == i && !yield(i, times[of]) {
				return
			}
		}
	}
}

// quota bounds the notices that a user gets within an hour. The first of each kind is always one of them: else who has got into an account
// would hide what matters behind much that doesn't. It is this node's, as the queue is.
type quota struct {
	begun time.Time
	taken map[subject]int // of a user as a whole under no action
}

// noticesAnHour is how many of any kind a user gets.
const noticesAnHour = 5

// take takes one, or reports that there were enough.
func (q *quota) take(user uuid.UUID, action audit.Action, now time.Time) bool {
	if q.taken == nil || now.Sub(q.begun).Abs() >= time.Hour {
		q.begun, q.taken = now, make(map[subject]int)
	}
	all, kind := subject{user: user}, subject{user: user, action: action}
	if q.taken[all] >= noticesAnHour && q.taken[kind] > 0 {
		return false
	}
	q.taken[all]++
	q.taken[kind]++
	return true
}
