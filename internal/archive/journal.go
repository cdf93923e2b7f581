package archive

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/feed"
)

// Reach is what revocation journals tell of what was changed since a database was as it is in a backup.
type Reach struct {
	// Gap says why changes may be missing; empty where none is, up to the last one that the journals have. What was changed
	// after that one nobody knows.
	Gap     string
	Changes []feed.Change // the last of each record, in their order
	// Last is the last position that the journals have, and At the time of the last change.
	Last feed.Position
	At   time.Time
}

// Since returns what entries of journals tell of changes after a position of the same database. Several journals are of one
// database, each with all that its node has heard: together, they may leave no gap.
//
// A restore in between has begun a new epoch. What was changed before it, and after the backup, is taken away now, whether that
// restore took it away or not: once too often does no harm. But what it knew must be known now, too. Where the journals before it
// tell of less, or where it suspended everybody for not knowing, there is a gap: who was let in again since was let in by somebody
// who looked, and nothing tells of it.
//
// What the database itself says of the restore that began its epoch is began, and zero where that isn't known: its line may be in
// none of the journals.
func Since(p feed.Position, began feed.Change, entries []feed.Entry) Reach {
	r := reading{Reach: Reach{Last: p}, told: p, places: make(map[record]int)}
	if len(entries) == 0 {
		r.miss("there is no journal")
		return r.Reach
	}
	entries = slices.SortedStableFunc(slices.Values(entries), feed.Entry.Compare)
	last := entries[len(entries)-1]
	if last.Epoch < p.Epoch || last.Epoch == p.Epoch && last.Revision < p.Revision {
		r.miss("the journal ends before the backup was made")
		return r.Reach
	}
	r.Last.Epoch, r.Last.Revision, r.Last.Mark = last.Epoch, last.Revision, last.Mark
	r.lookBack(p, began, entries)
	for epoch := p.Epoch; len(entries) > 0; {
		n := slices.IndexFunc(entries, func(e feed.Entry) bool { return e.Epoch != entries[0].Epoch })
		if n < 0 {
			n = len(entries)
		}
		if found := entries[0].Epoch; found >= p.Epoch {
			if found != epoch {
				r.miss("the journal lacks epoch %d", epoch)
			}
			r.follow(p, entries[:n])
			epoch = found + 1
		}
		entries = entries[n:]
	}
	return r.Reach
}

// lookBack looks for what the restore didn't know that began the very epoch of p: what a journal tells of the time before it, and
// beyond its reach, was never taken away.
func (r *reading) lookBack(p feed.Position, began feed.Change, entries []feed.Entry) {
	var former feed.Position // the last of a former epoch
	begins := []feed.Change{began}
	for _, e := range entries {
		switch {
		case e.Epoch < p.Epoch:
			former.Epoch, former.Revision = e.Epoch, e.Revision
		case e.Epoch == p.Epoch && e.Revision <= p.Revision:
			begins = append(begins, e.Change)
		}
	}
	for _, c := range begins {
		if c.Kind == feed.Restored && former.Beyond(c.Reach()) {
			r.miss("the restore that began epoch %d didn't know changes up to revision %d of epoch %d", p.Epoch, former.Revision, former.Epoch)
		}
	}
}

// record is what a change is about.
type record struct {
	kind feed.Kind
	id   uuid.UUID
}

// reading is a Reach on its way.
type reading struct {
	Reach
	told   feed.Position  // up to where the entries of former epochs tell all, or the backup itself
	places map[record]int // in Changes
}

// miss notes the first gap.
func (r *reading) miss(format string, args ...any) {
	if r.Gap == "" {
		r.Gap = fmt.Sprintf(format, args...)
	}
}

// follow goes through the entries of one epoch, in their order. What is wanted begins after the backup's own revision, or with
// the first change of the epoch, which is that of the restore.
func (r *reading) follow(p feed.Position, entries []feed.Entry) {
	known, mark := p.Revision, p.Mark // everything up to it is known
	if epoch := entries[0].Epoch; epoch > p.Epoch {
		begin := slices.IndexFunc(entries, func(e feed.Entry) bool { return e.Kind == feed.Restored })
		if begin < 0 {
			r.miss("the journal lacks the beginning of epoch %d", epoch)
			begin = 0
		}
		known, mark = entries[begin].Revision, entries[begin].Mark
	}
	position := known
	for _, e := range entries {
		if e.Kind == feed.Restored && (e.Epoch > p.Epoch || e.Revision > p.Revision) {
			r.judge(&e)
		}
		switch {
		case e.Revision < known:
			continue
		case e.Revision == known && e.Mark != mark && e.Mark != 0 && mark != 0:
			r.miss("revision %d of epoch %d is another change in the journal", e.Revision, e.Epoch)
		case e.Gap:
			position = max(position, e.Revision)
			continue
		case e.Revision == known:
			continue
		case e.Revision > known+1:
			r.miss("the journal lacks changes after revision %d of epoch %d", known, e.Epoch)
		}
		r.take(e)
		known, mark = e.Revision, e.Mark
	}
	// A node that has missed something says up to where. It is no gap where another has heard it.
	if position > known {
		r.miss("the journal lacks changes after revision %d of epoch %d", known, entries[0].Epoch)
	}
	r.told.Epoch, r.told.Revision = entries[0].Epoch, known
}

// judge looks at a restore in between: whether all that it knew is known.
func (r *reading) judge(e *feed.Entry) {
	switch reach := e.Reach(); {
	case e.Gone:
		r.miss("the restore that began epoch %d suspended everybody, as it wasn't known what had been taken away", e.Epoch)
	case reach.Beyond(r.told):
		r.miss("the restore that began epoch %d knew changes up to revision %d of epoch %d, which the journal lacks", e.Epoch, reach.Revision, reach.Epoch)
	}
}

// take notes a change, in place of an earlier one of the same record: what is gone stays so.
func (r *reading) take(e feed.Entry) {
	switch {
	case e.Gap || e.Kind == feed.Restored:
		return
	case !slices.Contains(kinds(), e.Kind):
		r.miss("the journal tells of a %s, which this Jeton doesn't know", e.Kind)
	case e.ID == uuid.Nil:
		r.miss("the journal tells of a change of every %s", e.Kind)
	}
	if e.At.After(r.At) {
		r.At = e.At
	}
	of := record{e.Kind, e.ID}
	if i, ok := r.places[of]; ok {
		gone := r.Changes[i].Gone || e.Gone
		r.Changes[i] = e.Change
		r.Changes[i].Gone = gone
		return
	}
	r.places[of] = len(r.Changes)
	r.Changes = append(r.Changes, e.Change)
}

// kinds returns the kinds of record whose changes a renewal can answer.
func kinds() []feed.Kind {
	return []feed.Kind{
		feed.User, feed.PersonalToken, feed.APIToken, feed.ClientSecret, feed.BrowserSession, feed.SessionToken, feed.Platform,
		feed.PlatformRules, feed.PlatformKey, feed.Project, feed.TokenSet, feed.Authenticator, feed.Passkey, feed.RecoveryCode,
		feed.Service, feed.Pepper, feed.SigningKey, feed.RevokedKey,
	}
}
