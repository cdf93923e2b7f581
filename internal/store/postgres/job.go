package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// A write goes from its caller to a connection of its own, and back:
//
//	BEGIN, change │ locks, is the actor unchanged, audit event │ revision, row of the feed, COMMIT
//
// Each part is one round trip. Between two of them the server may wait for this process, with locks held; of the revision,
// for which all changes of the feed wait, it never does: it takes it and commits in one go.

// maxAttempts is how often a job is run that the server undid for the sake of another, or whose connection broke before it
// was to be committed. A connection that turns out to have been broken before doesn't count, as all are after the server was
// started anew.
const maxAttempts = 5

// write runs do in a transaction and returns once that is on the disk, or undone. What do returns undoes it and comes back,
// with an error of the driver turned into its kind. Do may be run several times, if the times before were undone.
//
// A caller whose context ends before there is a connection gets the context's error, and nothing was done. From then on the
// job doesn't know its caller's context: a client that hangs up can't leave it unknown whether its token was replaced. Where
// the connection breaks while the job is being committed, that is unknown, and the error says so: ErrOutcomeUnknown.
func (s *Store) write(ctx context.Context, doing string, do func(t *tx) error) error {
	return s.submit(ctx, doing, &job{do: do})
}

// withdraw is write for what must work while the disk is full, because it ends somebody's access or makes room. Where there is
// no room, do runs once more with the reserve's.
func (s *Store) withdraw(ctx context.Context, doing string, do func(t *tx) error) error {
	return s.submit(ctx, doing, &job{do: do, withdraws: true})
}

// job is one transaction that a caller waits for.
type job struct {
	do        func(t *tx) error
	withdraws bool
}

// submit accepts a job where there is a connection for it, and what is accepted is done, also while the store is being
// closed.
func (s *Store) submit(ctx context.Context, doing string, j *job) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if !s.take() {
		return fmt.Errorf("%s: %w", doing, ErrClosed)
	}
	defer s.jobs.Done()
	conn, err := s.work.acquire(ctx, acquireTimeout)
	if err == nil {
		err = s.serve(context.WithoutCancel(ctx), conn, j)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, kindOf(err))
	}
	return nil
}

// take counts a job as under way, unless the store is being closed.
func (s *Store) take() bool {
	s.taking.RLock()
	defer s.taking.RUnlock()
	if s.ended {
		return false
	}
	s.jobs.Add(1)
	return true
}

// serve runs a job until it is done, or can't be.
func (s *Store) serve(ctx context.Context, conn *pgxpool.Conn, j *job) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	for tried := (tries{}); ; {
		t := &tx{ctx: ctx, conn: conn.Conn(), withdraws: j.withdraws}
		err := t.run(j.do)
		broken := conn.Conn().IsClosed()
		s.work.release(conn)
		if err == nil {
			if len(t.changes) > 0 {
				s.notify()
			}
			return nil
		}
		switch code := codeOf(err); {
		case isFull(err) && !tried.room:
			tried.room = true
			err = s.makeRoom(ctx, j, err)
		case code == serializationFailure || code == deadlockDetected:
			err = tried.again(err)
		case broken && !errors.Is(err, ErrOutcomeUnknown) && !isTimeout(err):
			err = tried.elsewhere(err, t.answered, s.work.most)
		}
		if err != nil {
			return err
		}
		if conn, err = s.work.acquire(ctx, acquireTimeout); err != nil {
			return err
		}
	}
}

// tries is what was tried to get a job done.
type tries struct {
	runs  int   // that were undone
	stale int32 // connections that had been broken before
	room  bool  // whether room was made
}

// again returns nil where a job that was undone is to be run again, and else why not.
func (t *tries) again(err error) error {
	if t.runs++; t.runs < maxAttempts {
		return nil
	}
	return err
}

// elsewhere is again for a job whose connection broke. As many as the pool may have can have been broken before.
func (t *tries) elsewhere(err error, answered bool, most int32) error {
	if answered {
		return t.again(err)
	}
	if t.stale++; t.stale <= most {
		return nil
	}
	return err
}
