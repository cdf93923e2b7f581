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

	mu    sync.Mutex
	tried time.Time // when this node last tried to fill it
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

// isFull reports whether there was no room.
func isFull(err error) bool { return codeOf(err) == diskFull }

// makeRoom does what it can for a job that found no room, and reports whether the job is to be run again: a withdrawal gets
// the reserve's, and anything else gets the reserve filled, where that can be done.
func (s *Store) makeRoom(ctx context.Context, j *job, err error) bool {
	switch {
	case j.withdraws && isFull(err):
		return s.onReserve(ctx, spend) == nil
	case errors.Is(err, errSpent) && s.reserve.mayTry():
		return s.onReserve(ctx, s.reserve.fill) == nil
	}
	return false
}

// mayTry reports whether it is time to try again. A clock that was set back doesn't keep it from being tried.
func (r *reserve) mayTry() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if since := now.Sub(r.tried); since >= 0 && since < refillEvery {
		return false
	}
	r.tried = now
	return true
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
