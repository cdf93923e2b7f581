package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"modernc.org/sqlite"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

// tx is a transaction on the writer's connection, and what it will say of itself to the audit log and to the feed.
// It has no context: the writer's work isn't given up half-way. Make one with newTx.
type tx struct {
	conn     *sql.Conn            // the only one that writes
	prepared map[string]*sql.Stmt // by their text; they outlive the transaction
	changes  []change             // to be published at the job's end
	undone   bool                 // the transaction was rolled back, by SQLite itself or by a job
}

// newTx returns what runs transactions on a connection, which it then owns.
func newTx(conn *sql.Conn) (*tx, error) {
	t := &tx{conn: conn, prepared: make(map[string]*sql.Stmt)}
	return t, t.watch(func() { t.undone = true })
}

// watch has SQLite call a function within any statement that rolls back the transaction; nil ends that. After some failures
// SQLite rolls back by itself, and the next savepoint would be a transaction of its own.
func (t *tx) watch(call sqlite.RollbackHookFn) error {
	return t.conn.Raw(func(conn any) error {
		hooks, ok := conn.(sqlite.HookRegisterer)
		if !ok {
			return fmt.Errorf("%T has no hooks", conn)
		}
		hooks.RegisterRollbackHook(call)
		return nil
	})
}

// change is a row of the feed to be. Its time is the event's, by which rows are pruned; its order is the revision's.
type change struct {
	kind feed.Kind
	id   uuid.UUID
	at   time.Time
	gone bool
}

// run runs one job in a transaction of its own, unless the database is closed.
func (t *tx) run(do func(t *tx) error) error {
	return t.transact(func(t *tx) error {
		if err := t.open(); err != nil {
			return err
		}
		return t.change(do)
	})
}

// transact runs one transaction, and never leaves the connection within it.
func (t *tx) transact(do func(t *tx) error) (err error) {
	// IMMEDIATE takes the lock before the first read, so that what a job reads is still so when it writes.
	if _, err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	t.undone = false
	defer func() {
		if err != nil {
			// Where SQLite has rolled back by itself, as for lack of room, this fails and there is nothing left to undo.
			_, _ = t.exec(`ROLLBACK`)
		}
	}()
	defer survive(&err)
	if err := do(t); err != nil {
		return err
	}
	if _, err := t.exec(`COMMIT`); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// survive makes a panic the error of what it happened in: the caller gets it, and the writer goes on, because without it nobody
// could even revoke.
func survive(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("a write panicked: %v\n%s", p, debug.Stack())
	}
}

// change runs a job within a transaction and has its changes enter the feed. A panic is the job's own failure.
func (t *tx) change(do func(t *tx) error) (err error) {
	defer survive(&err)
	t.changes = t.changes[:0]
	if err := do(t); err != nil {
		return err
	}
	if err := t.publish(); err != nil {
		return fmt.Errorf("entering the change feed: %w", err)
	}
	if t.undone { // and the job has kept it to itself
		return errors.New("the transaction was rolled back")
	}
	return nil
}

// within is change for a job that isn't the first of its transaction: what fails of it is undone without the others. It reports
// whether these are still there. For lack of room it takes them to be none: that wants to be found out for each by itself.
func (t *tx) within(do func(t *tx) error) (err error, sound bool) {
	if _, err := t.exec(`SAVEPOINT job`); err != nil {
		return err, false
	}
	err = t.change(do)
	if t.undone || errors.Is(kindOf(err), authority.ErrStorageFull) {
		return err, false
	}
	if err != nil {
		if _, undo := t.exec(`ROLLBACK TO job`); undo != nil {
			return errors.Join(err, undo), false
		}
	}
	if _, end := t.exec(`RELEASE job`); end != nil {
		return errors.Join(err, end), false
	}
	return err, true
}

// open refuses to write to a database that was closed for good: what came after would be lost to the one that took its place.
func (t *tx) open() error {
	var closed string
	if err := t.one(`SELECT closed FROM store`, &closed); err != nil {
		return err
	}
	if closed != "" {
		return fmt.Errorf("%w: %s", feed.ErrClosed, archive.Told(closed))
	}
	return nil
}

// record enters the event of a change, and, where the change can alter a verdict already given, has it enter the feed
// for the record of that ID. A change that gives no kind leaves the revision alone.
//
// It returns ErrActorChanged where the actor is no longer who it was when it was verified. The verification and the write
// are moments apart, and a caller chooses how many: it can hold back the end of a request until it has been blocked, or
// race the revocation of its own token. Here, in the transaction, there is one order of all changes.
func (t *tx) record(ev audit.Event, kind feed.Kind, id uuid.UUID) error {
	if ev.Actor.Dated() {
		changed, err := t.yes(actorChanged, ev.Actor.AsOf, string(feed.User), blob(ev.Actor.UserID),
			string(feed.RecordOf(ev.Actor.CredentialKind)), blob(ev.Actor.CredentialID))
		if err != nil {
			return err
		}
		if changed {
			return authority.ErrActorChanged
		}
	}
	if kind != "" {
		t.changes = append(t.changes, change{kind, id, ev.At, ev.Action.Ends()})
	}
	return t.insertEvent(ev)
}

// actorChanged asks the feed for a change of a user or of the record of a credential. A token set's changes are
// those of its project there.
const actorChanged = `
SELECT EXISTS (SELECT 1 FROM change WHERE revision > ?1
	AND (kind = ?2 AND id = ?3 OR kind = ?4 AND id = coalesce((SELECT project_id FROM token_set WHERE id = ?5), ?5)))`

// unseen is the kind of a change that can't alter a verdict already given.
const unseen feed.Kind = ""

// publish takes the revision row, as the last thing in a transaction, for as many changes as there were. Here one writer
// makes the order; a store with many writers would have them wait for this row, so it is held for as short as can be.
func (t *tx) publish() error {
	for _, c := range t.changes {
		if _, err := t.exec(`UPDATE store SET revision = revision + 1, mark = random() | 1`); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO change (revision, epoch, mark, at, kind, id, gone) SELECT revision, epoch, mark, ?, ?, ?, ? FROM store`,
			micros(c.at), string(c.kind), blob(c.id), c.gone); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement and returns how many rows it changed. The text is a constant: it is kept prepared.
func (t *tx) exec(query string, args ...any) (int64, error) {
	stmt, err := t.prepare(query) //nolint:sqlclosecheck // closed by release
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
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

// one reads one value of one row, and returns sql.ErrNoRows where there is none.
func (t *tx) one(query string, to any, args ...any) error {
	stmt, err := t.prepare(query) //nolint:sqlclosecheck // closed by release
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(context.Background(), args...).Scan(to)
}

// prepare keeps every statement: their texts are constants, so there are as many as the package has. It has no context,
// because a statement outlives the job that needed it first.
func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := t.prepared[query]; ok {
		return stmt, nil
	}
	stmt, err := t.conn.PrepareContext(context.Background(), query)
	if err == nil {
		t.prepared[query] = stmt
	}
	return stmt, err
}

// release gives the connection back for its pool to close, once the last job is done.
func (t *tx) release() {
	_ = t.watch(nil)
	for _, stmt := range t.prepared {
		_ = stmt.Close() // its connection is about to close
	}
	_ = t.conn.Close() // only returns it to the pool
}
