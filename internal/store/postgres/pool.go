package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jeton-io/jeton/internal/authority"
)

// There are two pools, so that a verdict's look-up never waits behind a list or behind changes that wait for each other:
//
//	finds  look-ups of verdicts, the feed, and hints: short, and given up soon
//	work   changes; and lists, of which a few at once leave the rest of the pool to changes
//
// How long anything may take, here and at the server. The server's limit is the shorter one where it can be, so that
// a statement which is only slow ends without its connection. Locks are waited for longer than a transaction may stand
// idle: whoever waits for one that a vanished node holds gets it.
const (
	findTimeout      = time.Second // for a connection, and then for the answer
	findStatement    = 900 * time.Millisecond
	listTimeout      = 10 * time.Second
	jobTimeout       = 10 * time.Second
	acquireTimeout   = 5 * time.Second // of a job that hasn't begun
	workStatement    = 8 * time.Second
	lockTimeout      = 4 * time.Second
	idleTimeout      = 2 * time.Second // within a transaction
	setTimeout       = 2 * time.Second // for a connection to be made ready
	maxLists         = 4
	idleConns        = 1
	applicationsSync = "synchronous_commit"
)

// setting is one of a session's.
type setting struct{ name, value string }

// forFinds are the settings of a session that only looks up.
func forFinds() []setting {
	return []setting{
		{"statement_timeout", millis(findStatement)},
		{"idle_in_transaction_session_timeout", millis(idleTimeout)},
		{"default_transaction_read_only", "on"},
		{applicationsSync, "on"},
	}
}

// forWork are the settings of a session that writes. Where the server acknowledges a commit before it is on the disk, the
// session doesn't have it so.
func forWork() []setting {
	return []setting{
		{"statement_timeout", millis(workStatement)},
		{"lock_timeout", millis(lockTimeout)},
		{"idle_in_transaction_session_timeout", millis(idleTimeout)},
		{applicationsSync, "on"},
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// pool is a number of connections that have the same settings.
type pool struct {
	conns *pgxpool.Pool
	dial  *pgx.ConnConfig
	most  int32
	lost  atomic.Int32 // connections that were given up, and whose end is still awaited
	broke atomic.Bool  // a connection broke, and none was made since
	anew  func()       // hears of a connection that is made after one broke, before it is used
}

// connect returns a pool of at most so many connections. It doesn't wait for the first. Of one that is made after one broke,
// anew hears before it is used.
func connect(ctx context.Context, s settings, most int32, session []setting, anew func()) (*pool, error) {
	config := s.pool.Copy()
	config.MaxConns, config.MinConns, config.MinIdleConns = most, min(most, idleConns), 0
	config.MaxConnLifetimeJitter = config.MaxConnLifetime / 10
	// A ping before each use would double the time of a look-up, and one that hangs would keep its place in the pool for
	// long: see use and release, which find out by what they do anyway.
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	var names, values []string
	for _, s := range session {
		if _, given := config.ConnConfig.RuntimeParams[s.name]; !given { // else the operator knows better
			names, values = append(names, s.name), append(values, s.value)
		}
	}
	p := &pool{dial: s.dial, most: most, anew: anew}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, setTimeout)
		defer cancel()
		_, err := conn.Exec(ctx, `
SELECT set_config(s.name, s.value, false) FROM unnest($1::text[], $2::text[]) AS s (name, value)
WHERE s.name <> 'synchronous_commit' OR current_setting(s.name) = 'off'`, pgx.QueryExecModeExec, names, values)
		if err == nil && p.broke.Swap(false) {
			p.anew()
		}
		return err
	}
	conns, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	p.conns = conns
	return p, nil
}

func (p *pool) close() { p.conns.Close() }

// acquire waits for a connection until ctx ends, and no longer than it may take. Then it returns ErrUnavailable.
func (p *pool) acquire(ctx context.Context, most time.Duration) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	conn, err := p.conns.Acquire(waiting)
	switch {
	case err == nil && ctx.Err() != nil:
		conn.Release()
		return nil, ctx.Err()
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: waiting for a connection to it: %w", authority.ErrUnavailable, err)
	default:
		return nil, fmt.Errorf("connecting to the database: %w", plain(err, p.dial))
	}
}

// release gives a connection back. One that broke, or was given up, leaves the pool at once: the driver takes up to
// fifteen seconds to say good-bye to a server that doesn't answer, and all the while its place would be taken. Of such
// there are no more at once than the pool has places, lest a server that is only slow be swamped.
func (p *pool) release(conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() {
		p.broke.Store(true)
	}
	if !conn.Conn().IsClosed() || p.lost.Add(1) > p.most {
		if conn.Conn().IsClosed() {
			p.lost.Add(-1)
		}
		conn.Release()
		return
	}
	gone := conn.Hijack()
	go func() {
		<-gone.PgConn().CleanupDone()
		p.lost.Add(-1)
	}()
}

// use lends a connection to what reads from the database. Where it turns out to be broken, as all are after the server was
// started anew, the next one is tried, until all that there were have been: to read twice does no harm.
func (p *pool) use(ctx context.Context, most time.Duration, read func(*pgx.Conn) error) error {
	for tried := int32(0); ; tried++ {
		conn, err := p.acquire(ctx, most)
		if err != nil {
			return err
		}
		err = read(conn.Conn())
		broken := conn.Conn().IsClosed()
		p.release(conn)
		if err == nil || !broken || tried >= p.most || isTimeout(err) || ctx.Err() != nil {
			return err
		}
	}
}

// isTimeout reports whether a caller has waited long enough.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
