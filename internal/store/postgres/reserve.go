package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/authority"
)

// reserve is a table that takes up room for nothing, so that there is some when the disk is full: whoever must take a token
// or a user away then gets it (see withdraw). Once it is spent, which all nodes see by its emptiness, nothing else is written
// until it stands again, or the room would go to what is being issued meanwhile.
//
// The table is unlogged: to fill it costs no room in the write-ahead log, of which a server that has no more can do nothing
// but stop. A server that crashed finds it empty, as does a standby that takes over, and the next change fills it.
//
// It doesn't help where the write-ahead log itself has no room, and it doesn't defend against another program, or database,
// that takes the freed room first.
type reserve struct {
	pages int // of 8 KiB
	now   func() time.Time

	mu     sync.Mutex // held while it is filled: one try at a time
	failed time.Time  // when this node last found no room for it
}

const (
	// defaultReserve is room for some thousand revocations.
	defaultReserve = 8 << 20
	// pageSize is PostgreSQL's, and rowsOfPage how many rows of the reserve it takes.
	pageSize   = 8192
	rowsOfPage = 15
	// refillEvery bounds how often a full disk is probed, because that fills it to the brim for a moment.
	refillEvery = 5 * time.Second
)

// errSpent says that the reserve is spent, and that there is no room for anything but withdrawals.
var errSpent = fmt.Errorf("%w: and what was kept free for revoking is in use", authority.ErrStorageFull)

// isFull reports whether there was no room, or none for anything but withdrawals.
func isFull(err error) bool { return codeOf(err) == diskFull || errors.Is(err, errSpent) }

// makeRoom does what it can for a job that found no room: a withdrawal gets the reserve's, and for anything else the reserve is
// filled, where that can be done. It returns nil where the job is to be run again.
func (s *Store) makeRoom(ctx context.Context, j *job, err error) error {
	switch {
	case j.withdraws:
		return s.onReserve(ctx, spend)
	case errors.Is(err, errSpent):
		return s.restore(ctx)
	}
	return err
}

// restore fills the reserve. Where there was no room for it a moment ago, it doesn't try. A clock that was set back doesn't
// keep it from that.
func (s *Store) restore(ctx context.Context) error {
	r := &s.reserve
	r.mu.Lock()
	defer r.mu.Unlock()
	if since := r.now().Sub(r.failed); since >= 0 && since < refillEvery {
		return errSpent
	}
	err := s.onReserve(ctx, r.fill)
	if isFull(err) {
		r.failed = r.now()
		return fmt.Errorf("%w: %w", errSpent, err)
	}
	return err
}

// onReserve runs do in a transaction that has the reserve to itself.
func (s *Store) onReserve(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	conn, err := s.work.acquire(ctx, acquireTimeout)
	if err != nil {
		return err
	}
	defer s.work.release(conn)
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE reserve IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		return do(ctx, tx)
	})
}

// spend gives the room back: the file of a truncated table is gone when the transaction commits.
func spend(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `TRUNCATE reserve`)
	return err
}

// fill fills the reserve, unless another node has. What it writes is random, lest a file system make it small. It truncates
// the table before, which then has a new file: where there is no room, that goes, and not only its rows.
func (r *reserve) fill(ctx context.Context, tx pgx.Tx) error {
	var whole bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM reserve)`).Scan(&whole); err != nil || whole {
		return err
	}
	if err := spend(ctx, tx); err != nil {
		return err
	}
	columns := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"reserve"}, columns, pgx.CopyFromSlice(r.pages*rowsOfPage, func(int) ([]any, error) {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = rand.Text() + rand.Text() // of the 63 bytes that a name may have
		}
		return row, nil
	}))
	return err
}
