package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

// begin takes no word on what the server allows: a database set to read-only stays so. READ COMMITTED has each statement
// see what was committed before it began, which the order of locks counts on.
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED`

// Locks of which there is one each: pairs of numbers, as no record's is (see lockNumber).
const (
	lockAdministrators = `SELECT pg_advisory_xact_lock(1785558895, 1)`        // of those who take an administrator away
	lockWriting        = `SELECT pg_advisory_xact_lock_shared(1785558895, 2)` // of all who write
	lockAlone          = `SELECT pg_advisory_xact_lock(1785558895, 2)`        // of those who write while nobody else does
)

// tx is a transaction, and what it will say of itself to the audit log and to the feed. It begins with its first statement,
// in the same round trip. Its context is the job's, and not the caller's.
type tx struct {
	ctx       context.Context
	conn      *pgx.Conn
	withdraws bool     // may be done while the reserve is spent
	begun     bool     // the server was told to begin
	answered  bool     // the server has answered something
	changes   []change // to be published at its end

	// alone, if it isn't nil, has the transaction wait until nobody else writes, and judges what the database says of why it
	// is closed: an empty text where it isn't, or has no row yet.
	alone func(closed string) error
}

// change is a row of the feed to be. Its time is the event's, by which rows are pruned; its order is the revision's.
type change struct {
	kind feed.Kind
	id   uuid.UUID
	at   time.Time
	gone bool
}

// run runs one job. A connection on which it couldn't undo what it began leaves the pool. A panic is the job's own failure:
// its caller gets it as an error.
func (t *tx) run(do func(t *tx) error) (err error) {
	done := false
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write panicked: %v\n%s", p, debug.Stack())
		}
		if !done {
			t.rollback()
		}
	}()
	if err := do(t); err != nil {
		return err
	}
	if !t.begun {
		return nil
	}
	if err := t.commit(); err != nil {
		return err
	}
	done = true
	return nil
}

// rollback undoes what there is to undo.
func (t *tx) rollback() {
	if !t.begun || t.conn.IsClosed() || t.conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), time.Second)
	defer cancel()
	_, _ = t.conn.Exec(ctx, `ROLLBACK`) // where it fails, the connection isn't given back
}

// commit enters the feed and commits, in one round trip: the server doesn't wait for this process while it holds the row of
// store, for which every other change of the feed waits. Where it refuses, nothing was done; where it doesn't answer, that
// is unknown.
func (t *tx) commit() error {
	var b pgx.Batch
	t.publish(&b)
	b.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return errors.New("the transaction was rolled back")
		}
		return nil
	})
	err := t.send(&b)
	if err != nil && !refused(err) && t.conn.IsClosed() {
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	if err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// publish takes the revision row for as many changes as there were, and inserts their rows of the feed. The row stays locked
// until the transaction has ended, and so revisions become visible in their order. A change that doesn't enter the feed
// leaves the row alone.
//
// The mark of a revision is drawn at random: of two histories that part at some revision, as a copy's and the original's,
// the numbers that follow are the same, and the marks aren't.
func (t *tx) publish(b *pgx.Batch) {
	if len(t.changes) == 0 {
		return
	}
	n := len(t.changes)
	kinds, ids, times, gone := make([]string, n), make([][16]byte, n), make([]int64, n), make([]bool, n)
	for i, c := range t.changes {
		kinds[i], ids[i], times[i], gone[i] = string(c.kind), c.id, micros(c.at), c.gone
	}
	b.Queue(insertChanges, kinds, ids, times, gone)
}

const insertChanges = `
WITH entered AS MATERIALIZED (
	SELECT c.*, 1 + trunc(random() * 9007199254740992)::bigint AS mark
	FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::boolean[]) WITH ORDINALITY AS c (kind, id, at, gone, place)
), head AS (
	UPDATE store SET revision = revision + cardinality($1::text[]), mark = (SELECT mark FROM entered ORDER BY place DESC LIMIT 1)
	RETURNING epoch, revision - cardinality($1::text[]) AS former
)
INSERT INTO change (revision, epoch, mark, at, kind, id, gone)
SELECT h.former + e.place, h.epoch, e.mark, e.at, e.kind, e.id, e.gone FROM head h CROSS JOIN entered e`

// send runs statements in one round trip, the first of all with the transaction's begin. Each still sees what was committed
// before it began itself.
func (t *tx) send(b *pgx.Batch) error {
	if !t.begun {
		b.QueuedQueries = append(t.begin().QueuedQueries, b.QueuedQueries...)
		t.begun = true
	}
	err := t.conn.SendBatch(t.ctx, b).Close()
	t.answered = t.answered || err == nil || refused(err)
	return err
}

// begin begins the transaction, and refuses to write to a database that was closed for good: what came after would be lost to
// the one that took its place. Whoever closes it takes the same lock alone, and so waits for those that write. While the
// reserve is spent, it refuses what isn't a withdrawal.
func (t *tx) begin() *pgx.Batch {
	var b pgx.Batch
	b.Queue(begin)
	lock, state := lockWriting, `SELECT closed, EXISTS (SELECT 1 FROM reserve) FROM store`
	if t.alone != nil {
		lock = lockAlone
	}
	if t.alone != nil || t.withdraws {
		state = `SELECT closed, true FROM store`
	}
	b.Queue(lock)
	b.Queue(state).QueryRow(func(row pgx.Row) error {
		var closed string
		var roomy bool
		err := row.Scan(&closed, &roomy)
		switch {
		case t.alone != nil && (err == nil || errors.Is(err, pgx.ErrNoRows)):
			return t.alone(closed)
		case err != nil:
			return fmt.Errorf("looking whether the database may be written: %w", err)
		case closed != "":
			return fmt.Errorf("%w: %s", feed.ErrClosed, archive.Told(closed))
		case !roomy:
			return errSpent
		}
		return nil
	})
	return &b
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (n int64, err error) {
	var b pgx.Batch
	b.Queue(query, args...).Exec(func(tag pgconn.CommandTag) error {
		n = tag.RowsAffected()
		return nil
	})
	return n, t.send(&b)
}

// execOne runs a statement that changes the record of an ID, and returns ErrNotFound where it found none: the condition
// under which there is one stands in the statement itself, and nothing comes between asking and writing.
func (t *tx) execOne(query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		err = authority.ErrNotFound
	}
	return err
}

// yes returns the truth of a question that is a select of one value. It sees what the transaction has written.
func (t *tx) yes(query string, args ...any) (answer bool, err error) {
	err = t.one(query, &answer, args...)
	return answer, err
}

// one reads one value of one row, and returns pgx.ErrNoRows where there is none.
func (t *tx) one(query string, to any, args ...any) error {
	var b pgx.Batch
	b.Queue(query, args...).QueryRow(func(row pgx.Row) error { return row.Scan(to) })
	return t.send(&b)
}

// enter has a change enter the feed, for the record of that ID, when the transaction is committed. It is to be called before
// record, which takes the lock.
func (t *tx) enter(kind feed.Kind, id uuid.UUID, ev audit.Event) {
	t.changes = append(t.changes, change{kind, id, ev.At, ev.Action.Ends()})
}
