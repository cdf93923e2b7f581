package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/jeton-io/jeton/internal/authority"
)

// A write goes from its caller to the one goroutine that may write, and back:
//
//	caller ──job──▶ writer   BEGIN │ change │ audit event │ revision, row of the feed │ COMMIT ──result──▶ caller
//
// SQLite lets only one connection write at a time anyway. With one goroutine before it, writers queue in Go, where
// waiting is fair and ends with the caller's context, rather than in SQLite, which sleeps and tries again.

// job is one transaction that a caller waits for.
type job struct {
	do        func(t *tx) error // may be run twice, if the first time was undone
	withdraws bool              // may use the reserve's room
	result    chan error        // has room for one, so that the writer never waits for a caller
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

// submit hands a job to the writer. The channel has no buffer, so a job is accepted when the writer takes it, and what
// is accepted is done, also while the store is being closed.
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

// serve runs one job, with the reserve's room where it may. While the reserve is spent, nothing but withdrawals is
// written: the caller of anything else is told that the storage is full, as long as there is no room to restore it.
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
