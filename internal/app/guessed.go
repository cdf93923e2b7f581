package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// guessed tells users by mail of wrong codes of their second factor: whoever gets as far as to be asked for one has the password, or a link
// that was mailed (ASVS 5.0, 6.3.5). It is made of the refusals in the audit log.
//
// Refusals alike of one minute are one row, which grows until the minute is over. So each run looks at minutes that are. Up to which is kept
// in the database, as for notices, and of several nodes one tells. By which wrong code of a day a user is told is fixed: so a user is told
// once a day at most, and nothing has to be kept of anybody.
//
// Nobody is told of fewer codes a day, nor of those for which the log had no room.
type guessed struct {
	*node
	scanned time.Time // up to when there was nothing to tell of
}

const (
	guessedEvery = time.Minute
	// tellingCode is the wrong code of a day by which its user is told: one or two are mistyped.
	tellingCode = 3
	day         = 24 * time.Hour

	toldGuesses = "guesses"
)

// run tells of the minutes that have ended since the last time.
func (g *guessed) run(ctx context.Context) {
	if err := g.tellOfGuesses(ctx); err != nil && ctx.Err() == nil {
		g.logger.WarnContext(ctx, "users were not told of wrong codes at their log-ins", "error", err)
	}
}

func (g *guessed) tellOfGuesses(ctx context.Context) error {
	until := g.now().UTC().Truncate(time.Minute).Add(-time.Minute) // what was refused before has long been written
	told, err := g.store.Told(ctx, toldGuesses)
	if err != nil {
		return err
	}
	from := time.UnixMicro(told).UTC()
	if told == 0 || from.After(until.Add(day)) { // from now on; or the clock was ahead
		g.scanned = until
		_, err := g.store.KeepTold(ctx, toldGuesses, told, until.UnixMicro())
		return err
	}
	for _, later := range []time.Time{g.scanned, until.Add(-noticeAge)} {
		if later.After(from) && !later.After(until) { // else the clock was ahead
			from = later
		}
	}
	if !from.Before(until) {
		return nil
	}
	found, err := g.store.Events(ctx, audit.Query{Reason: string(authority.ReasonWrongCode), Since: from, Until: until})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		g.scanned = until
		return nil
	}
	moved, err := g.store.KeepTold(ctx, toldGuesses, told, until.UnixMicro())
	if err != nil || !moved {
		return err
	}
	return g.tellEach(ctx, found, from, until)
}

// userDay is a day of a user, in UTC.
type userDay struct {
	user uuid.UUID
	day  time.Time
}

// tellEach tells those whose telling code is among the refusals of a time, of which the newest come first.
func (g *guessed) tellEach(ctx context.Context, found []audit.Event, from, until time.Time) error {
	seen := make(map[userDay]bool)
	for i := range found {
		of := userDay{found[i].Actor.UserID, found[i].At.Truncate(day)}
		if seen[of] {
			continue
		}
		seen[of] = true
		tells, err := g.tells(ctx, of, from, until)
		if err != nil {
			return err
		}
		if !tells {
			continue
		}
		u, ok, err := g.reader(ctx, of.user)
		if err != nil {
			return err
		}
		if ok {
			g.post.Send(g.letters.Guessed(personOf(&u), found[i].At, found[i].Actor.Address))
		}
	}
	return nil
}

// tells reports whether the code of a day by which its user is told is one of a time.
func (g *guessed) tells(ctx context.Context, of userDay, from, until time.Time) (bool, error) {
	if end := of.day.Add(day); end.Before(until) {
		until = end
	}
	events, err := g.store.Events(ctx, audit.Query{Actor: of.user, Reason: string(authority.ReasonWrongCode), Since: of.day, Until: until})
	var before, all int64
	for i := range events {
		if all += events[i].Count; events[i].At.Before(from) {
			before += events[i].Count
		}
	}
	return before < tellingCode && all >= tellingCode, err
}
