package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

// job is one transaction that a caller waits for.
type job struct {
	do        func(t *tx) error
	withdraws bool
	result    chan error
}

// write has the writer run do in a transaction and returns once that is on the disk, or undone. What do returns undoes
// it and comes back, with an error of the driver turned into its kind.
//
// A caller whose context ends before the writer takes the job gets the context's error, and nothing was done. A job
// once taken no longer knows its caller's context: a client that hangs up can't leave it unknown whether its token was
// replaced.
func (s *Store) write(ctx context.Context, doing string, do func(t *tx) error) error {
	return s.submit(ctx, doing, &job{do: do, result: make(chan error, 1)})
}

// withdraw is write for what must work while the disk is full, because it ends somebody's access or makes room. Where
// there is no room, do runs once more with the reserve's.
func (s *Store) withdraw(ctx context.Context, doing string, do func(t *tx) error) error {
	return s.submit(ctx, doing, &job{do: do, withdraws: true, result: make(chan error, 1)})
}

func (s *Store) submit(ctx context.Context, doing string, j *job) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	case <-s.closing:
		return fmt.Errorf("%s: %w", doing, ErrClosed)
	}
	if err := <-j.result; err != nil {
		return fmt.Errorf("%s: %w", doing, kindOf(err))
	}
	return nil
}

// run is the writer: it runs one job after the other until the store is closed. Several could share a commit without
// their callers knowing.
func (s *Store) run(t *tx, room *reserve) {
	defer close(s.drained)
	defer t.release()
	for {
		select {
		case j := <-s.jobs:
			j.result <- t.serve(j, room)
		case <-s.closing:
			return
		}
	}
}

// serve runs one job, with the reserve's room where it may.
func (t *tx) serve(j *job, room *reserve) error {
	if !j.withdraws {
		if err := room.restore(); err != nil {
			return err
		}
		return t.run(j.do)
	}
	err := t.run(j.do)
	if errors.Is(kindOf(err), authority.ErrStorageFull) && room.release() {
		err = t.run(j.do)
	}
	return err
}

// tx is a transaction on the writer's connection, and what it will say of itself to the audit log and to the feed.
// It has no context: the writer's work isn't given up half-way.
type tx struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // by their text, of which there are only constants
	changes  []change
}

// change is a row of the feed to be.
type change struct {
	kind feed.Kind
	id   uuid.UUID
	at   time.Time
}

// run runs one job. It never leaves the connection within a transaction.
func (t *tx) run(do func(t *tx) error) (err error) {
	t.changes = t.changes[:0]
	if _, err := t.exec(`BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	committed := false
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write panicked: %v\n%s", p, debug.Stack())
		}
		if !committed {
			// Where SQLite has rolled back by itself, as for lack of room, this fails and there is nothing left to undo.
			_, _ = t.exec(`ROLLBACK`)
		}
	}()
	if err := do(t); err != nil {
		return err
	}
	if err := t.publish(); err != nil {
		return fmt.Errorf("entering the change feed: %w", err)
	}
	if _, err := t.exec(`COMMIT`); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	committed = true
	return nil
}

// record enters the event of a change, and, where the change can alter a verdict already given, has it enter the feed
// for the record of that ID. A change that gives no kind leaves the revision alone.
func (t *tx) record(ev audit.Event, kind feed.Kind, id uuid.UUID) error {
	if kind != "" {
		t.changes = append(t.changes, change{kind, id, ev.At})
	}
	return t.insertEvent(ev)
}

// unseen is the kind of a change that can't alter a verdict already given.
const unseen feed.Kind = ""

// publish takes the revision row, as the last thing in a transaction, for as many changes as there were.
func (t *tx) publish() error {
	for _, c := range t.changes {
		if _, err := t.exec(`UPDATE store SET revision = revision + 1`); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO change (revision, epoch, at, kind, id) SELECT revision, epoch, ?, ?, ? FROM store`,
			micros(c.at), string(c.kind), blob(c.id)); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement and returns how many rows it changed. The text is a constant: it is kept prepared.
func (t *tx) exec(query string, args ...any) (int64, error) {
	stmt, err := t.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// yes returns the truth of a question that is a select of one value.
func (t *tx) yes(query string, args ...any) (answer bool, err error) {
	stmt, err := t.prepare(query)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(context.Background(), args...).Scan(&answer)
	return answer, err
}

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

// release gives the connection back for its pool to close.
func (t *tx) release() {
	for _, stmt := range t.prepared {
		_ = stmt.Close() // its connection is about to close
	}
	_ = t.conn.Close() // only returns it to the pool
}
