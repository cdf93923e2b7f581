package postgres

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

// unseen is the kind of a change that can't alter a verdict already given.
const unseen feed.Kind = ""

// record enters the event of a change, and, where the change can alter a verdict already given, has it enter the feed for
// the record of that ID. A change that gives no kind leaves the revision alone.
//
// It returns ErrActorChanged where the actor is no longer who it was when it was verified. The verification and the write
// are moments apart, and a caller chooses how many: it can hold back the end of a request until it has been blocked, or race
// the revocation of its own token. The feed knows what has changed since; but another transaction may be about to enter it,
// which this one can't see. So there is one order between a change of a record and the changes that are made in its name,
// by locks that are kept until the end of the transaction: exclusive on the ID of each record that enters the feed, shared
// on those of the actor's user and credential. Either the other comes first, has committed when this one gets its lock, and
// is seen by the select that follows, a statement of its own with a fresh view; or it waits until this one has committed,
// and is later.
//
// The locks are advisory: they change no row, and those who act in one's name at once don't wait for each other. All are
// taken in the order of their numbers, after every row that the change writes and before the revision, so nobody waits for
// them in a circle. They are of 64 bits: two records that share a number by chance wait for each other, and that is all.
func (t *tx) record(ev audit.Event, kind feed.Kind, id uuid.UUID) error {
	if kind != unseen {
		t.enter(kind, id, ev)
	}
	return t.recordWith(new(pgx.Batch), ev)
}

// recordWith is record in one round trip with the statements that a batch has already, for a change that enters the feed by what
// these answer, if at all: which records it could be about is given, and their locks are taken in any case.
func (t *tx) recordWith(b *pgx.Batch, ev audit.Event, about ...uuid.UUID) error {
	values, err := eventValues(ev)
	if err != nil {
		return err
	}
	by, byID, err := t.recordOf(ev.Actor)
	if err != nil {
		return err
	}
	t.lock(b, ev.Actor, byID, about)
	changed := false
	if ev.Actor.Dated() {
		b.Queue(actorChanged, ev.Actor.AsOf, string(feed.User), raw(ev.Actor.UserID), string(by), raw(byID)).
			QueryRow(func(row pgx.Row) error { return row.Scan(&changed) })
	}
	b.Queue(insertEvent, values...)
	if err := t.send(b); err != nil {
		return err
	}
	if changed {
		return authority.ErrActorChanged // the event goes with all the rest
	}
	return nil
}

// recordOf returns the kind and the ID of the record in the feed by which an actor's credential stands: a token set's is its project,
// which it never leaves.
func (t *tx) recordOf(actor audit.Actor) (kind feed.Kind, id uuid.UUID, err error) {
	kind, id = feed.RecordOf(actor.CredentialKind), actor.CredentialID
	if kind != feed.Project || !actor.Dated() {
		return kind, id, nil
	}
	err = t.one(`SELECT project_id FROM token_set WHERE id = $1`, idColumn{&id}, raw(actor.CredentialID))
	if errors.Is(err, pgx.ErrNoRows) { // a set that never was has no changes either
		err = nil
	}
	return kind, id, err
}

// actorChanged asks the feed for a change of a user or of the record of a credential.
const actorChanged = `
SELECT EXISTS (SELECT 1 FROM change WHERE revision > $1 AND (kind = $2 AND id = $3 OR kind = $4 AND id = $5))`

// lock queues the locks that record speaks of, where by is the record of the actor's credential, and about those of which the
// feed may come to tell besides what is known of already. One that is wanted both ways is taken exclusively from the start.
func (t *tx) lock(b *pgx.Batch, actor audit.Actor, by uuid.UUID, about []uuid.UUID) {
	locks := make(map[int64]string)
	if actor.UserID != uuid.Nil {
		locks[lockNumber(actor.UserID)] = lockShared
	}
	if actor.Dated() {
		locks[lockNumber(by)] = lockShared
	}
	for _, c := range t.changes {
		locks[lockNumber(c.id)] = lockExclusive
	}
	for _, id := range about {
		locks[lockNumber(id)] = lockExclusive
	}
	for _, number := range slices.Sorted(maps.Keys(locks)) {
		b.Queue(locks[number], number)
	}
}

const (
	lockShared    = `SELECT pg_advisory_xact_lock_shared($1)`
	lockExclusive = `SELECT pg_advisory_xact_lock($1)`
)

// lockNumber folds an ID to the length of a lock's number.
func lockNumber(id uuid.UUID) int64 {
	return int64(binary.BigEndian.Uint64(id[:8]) ^ binary.BigEndian.Uint64(id[8:])) //nolint:gosec // G115: any 64 bits will do
}
