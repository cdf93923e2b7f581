package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// A write goes from its caller to the one goroutine that may write, and back:
//
//	caller ──job──▶ writer   BEGIN │ job: change, audit event, revision, row of the feed │ job │ … │ COMMIT ──results──▶ callers
//
// SQLite lets only one connection write at a time anyway. With one goroutine before it, writers queue in Go, where
// waiting is fair and ends with the caller's context, rather than in SQLite, which sleeps and tries again.
//
// Jobs that wait while others are run go with them into one transaction, a group: what a commit costs, the sync above all,
// they pay together. Nobody waits for company: a job that comes alone is committed alone. Each but the first has a savepoint,
// so that one that fails is undone by itself, and sees what those before it have done, as if each had been committed. So
// every answer, a refusal too, rests on the commit, and none is given before that.

const (
	// groupMost and groupFor bound what a caller waits for besides its own job: how many others share its commit, and for
	// how long more are let in. A clock that stands still bounds it by their number alone.
	groupMost = 64
	groupFor  = 5 * time.Millisecond
)

// job is what one caller waits for.
type job struct {
	do        func(t *tx) error // may be run more than once, if the times before were undone
	withdraws bool              // may use the reserve's room
	result    chan error        // has room for one, so that the writer never waits for a caller
	err       error             // what came of it, if the group is committed
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

// writer is the one that runs jobs.
type writer struct {
	t     *tx
	room  *reserve
	jobs  <-chan *job
	now   func() time.Time
	group []*job // of the transaction under way, in their order
	busy  bool   // the last group had more than one
}

// run serves one group after the other until the store is closed. What it has taken by then, it does.
func (w *writer) run(closing <-chan struct{}) {
	defer w.t.release()
	for {
		select {
		case j := <-w.jobs:
			w.serve(j)
		case <-closing:
			return
		}
	}
}

// serve runs a job and those that come meanwhile, and answers their callers. Where the disk is full, or SQLite has undone
// them all for the sake of one, each is run once more by itself: only so is it known whose there is no room for, and what
// withdraws access gets its room from the reserve. While that is spent, no groups are made.
func (w *writer) serve(first *job) {
	w.group = append(w.group[:0], first)
	if !w.room.whole {
		first.result <- w.alone(first)
		return
	}
	err := w.together()
	w.busy = len(w.group) > 1
	apart := w.busy && (errors.Is(err, errApart) || errors.Is(kindOf(err), authority.ErrStorageFull))
	for _, j := range w.group {
		switch {
		case apart:
			j.err = w.alone(j)
		case !w.busy:
			j.err = w.spend(j, err)
		case err != nil: // what the others came to is undone, and a refusal may have rested on it
			j.err = err
		}
		j.result <- j.err
	}
	clear(w.group)
}

// errApart says that a group was undone for a reason that isn't each one's own.
var errApart = errors.New("the changes can't be made together")

// together runs the group in one transaction, and lets in who comes meanwhile. The error of the first ends it, since nothing
// else has been done yet; those of others are kept with their jobs. Whatever it returns was undone.
func (w *writer) together() error {
	return w.t.transact(func(t *tx) error {
		if err := t.open(); err != nil {
			return err
		}
		began := w.now()
		if err := t.change(w.group[0].do); err != nil {
			return err
		}
		for len(w.group) < groupMost && w.now().Sub(began) < groupFor {
			j := w.next()
			if j == nil {
				return nil
			}
			w.group = append(w.group, j)
			var sound bool
			if j.err, sound = t.within(j.do); !sound {
				return errors.Join(errApart, j.err)
			}
		}
		return nil
	})
}

// next returns a job that waits, or nil. Where the last group had several, it first lets every goroutine run that could:
// on a single processor those that are about to submit get there only then.
func (w *writer) next() *job {
	select {
	case j := <-w.jobs:
		return j
	default:
	}
	if !w.busy {
		return nil
	}
	runtime.Gosched()
	select {
	case j := <-w.jobs:
		return j
	default:
		return nil
	}
}

// alone runs one job in a transaction of its own, with the reserve's room where it may. While the reserve is spent, nothing
// but withdrawals is written: the caller of anything else is told that the storage is full, as long as there is no room to
// restore it.
func (w *writer) alone(j *job) error {
	if !j.withdraws {
		if err := w.room.restore(); err != nil {
			return err
		}
	}
	return w.spend(j, w.t.run(j.do))
}

// spend runs a withdrawal once more, with the reserve's room, where there was none for it. First the database gets what stands
// in the log: while the database can't grow the log can't begin anew, and would eat up the room.
func (w *writer) spend(j *job, err error) error {
	if j.withdraws && errors.Is(kindOf(err), authority.ErrStorageFull) && w.room.release() {
		_, _ = w.t.exec(`PRAGMA wal_checkpoint(PASSIVE)`) // what keeps it from that isn't the job's failure
		err = w.t.run(j.do)
	}
	return err
}
