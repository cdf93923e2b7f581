package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Hints: whoever has changed the feed says so, and whoever listens reads it at once and not only at its next turn. A hint
// that is lost, or never comes, costs the time until then and nothing else.
const (
	listen = `LISTEN jeton_change`
	// sendHint waits for no disk: there is nothing in this transaction to lose.
	sendHint = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('jeton_change', '')`

	hintTimeout = time.Second
	// probeEvery is how often a connection that hears nothing is asked whether it still lives, and probeTimeout how long it
	// has to answer.
	probeEvery   = 5 * time.Second
	probeTimeout = 2 * time.Second
	maxBackoff   = time.Second
)

// notify has a hint sent soon. Several that come at once are one.
//
// It comes after the commit and not with it: a transaction that notifies takes a lock of the whole database when it commits,
// for which every other that does so would wait, through each one's write to the disk.
func (s *Store) notify() {
	select {
	case s.changed <- struct{}{}:
	default: // there is one to be sent, and it will be after this change
	}
}

// notifier sends the hints, one after the other, from this one place, until the store is closed.
func (s *Store) notifier() {
	for {
		select {
		case <-s.closing:
			return
		case <-s.changed:
			ctx, cancel := context.WithTimeout(context.Background(), hintTimeout)
			err := s.finding(ctx, func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, sendHint)
				return err
			})
			cancel()
			if err != nil {
				s.report(fmt.Errorf("telling other nodes of a change, which they find out by themselves: %w", err))
			}
		}
	}
}

// Listen calls hint whenever a node has said that there is a change to read, and each time that it begins to hear, anew or
// for the first time. It has a connection of its own, and connects again where that is lost, until ctx ends. What it can't
// hear goes to Config.Report.
func (s *Store) Listen(ctx context.Context, hint func()) {
	backoff := time.Duration(0)
	for ctx.Err() == nil {
		heard, err := s.hear(ctx, hint)
		if ctx.Err() != nil {
			return
		}
		s.report(fmt.Errorf("listening for other nodes' changes, which are read each second all the same: %w", err))
		if heard {
			backoff = 0
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(maxBackoff, 2*backoff+50*time.Millisecond)
	}
}

// hear listens on one connection until that is lost, and reports whether it ever was there.
func (s *Store) hear(ctx context.Context, hint func()) (heard bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, s.dial)
	if err != nil {
		return false, plain(err, s.dial)
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		_ = conn.Close(ending)
	}()
	if err := within(ctx, probeTimeout, func(ctx context.Context) error { _, err := conn.Exec(ctx, listen); return err }); err != nil {
		return false, err
	}
	for hint(); ; {
		err := within(ctx, probeEvery, func(ctx context.Context) error { _, err := conn.WaitForNotification(ctx); return err })
		switch {
		case err == nil:
			hint()
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return true, err
		default:
			if err := within(ctx, probeTimeout, conn.Ping); err != nil {
				return true, err
			}
		}
	}
}

// within runs do with so much time.
func within(ctx context.Context, most time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return do(ctx)
}
