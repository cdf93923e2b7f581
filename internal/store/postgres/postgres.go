// Package postgres keeps Jeton's records in a PostgreSQL database: the store of any number of nodes.
//
// The stored form is SQLite's, table by table and column by column (see the drawing in internal/store/sqlite): IDs are uuid,
// digests and wrapped keys bytea, times bigint, and every text is compared byte by byte. Many write at once here, so what
// one writer keeps by being alone in SQLite is kept by locks, and every lock is taken in one order, so that nobody waits in
// a circle:
//
//	row of the user ▶ rows of its credentials, or the row of what is changed ▶ the records of the feed and of the actor (see record) ▶ the row of store (see publish)
//
// Nothing is read from a replica. A node that stands cut off hears no change and loses its trust in what it remembers; the
// package's part in that is that every call ends in time, with an error, also where the network swallows everything.
//
// The package refuses a database whose schema is newer than it knows, one that isn't in UTF-8, a URL that would let it
// verify on a replica, and the simple protocol, which puts values into the text of a statement. It does not protect against
// whoever can read the database: what is secret in it is hashed or wrapped before it comes here.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("the store is closed")

// Config is what a Store needs. Every field is required but Report and Reserve.
type Config struct {
	// DSN is the database's URL, postgres://user:password@host:port,host:port/database?sslmode=verify-full, with the
	// parameters of libpq; besides, pool_max_conns bounds the connections of this node (24, and one that listens).
	DSN string
	// Now is the clock: for the time at which the database was made, and for looking whether a full disk has room again.
	Now func() time.Time
	// Report hears of failures in the background, of which no caller can be told: a hint that wasn't sent or can't be heard.
	Report func(error)
	// Reserve is how many bytes are kept free, in a table, for revoking while the disk is full. 0 means 8 MiB.
	Reserve int64
}

// Store is an open database. It implements the Store of each package inside and is safe for concurrent use. Open one with
// Open.
type Store struct {
	finds  *pool         // look-ups, for which verdicts wait
	work   *pool         // changes, and lists
	lists  chan struct{} // as many lists at once as it has room for
	dial   *pgx.ConnConfig
	report func(error)

	reserve reserve
	anew    atomic.Pointer[func()] // see OnReconnect
	changed chan struct{}          // has room for one: see notify
	closing chan struct{}          // closed when no more jobs are taken
	jobs    sync.WaitGroup
	taking  sync.RWMutex // held for reading while a job is taken, and for writing to end that
	ended   bool
	close   func()
}

// Open connects to the database, brings its schema up to date and makes sure of the only row of store. It returns
// ErrNewerSchema where a newer Jeton has been here.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.DSN == "" || cfg.Now == nil {
		return nil, errors.New("postgres: DSN and Now are required")
	}
	settings, err := parse(cfg.DSN)
	if err != nil {
		return nil, err
	}
	if err := migrateTo(ctx, settings.dial, newest); err != nil {
		return nil, fmt.Errorf("opening the database: %w", kindOf(err))
	}
	s := &Store{
		lists: make(chan struct{}, maxLists), dial: settings.dial, report: cfg.Report,
		changed: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = defaultReserve
	}
	s.reserve.pages, s.reserve.now = int(max(1, cfg.Reserve/pageSize)), cfg.Now
	if s.report == nil {
		s.report = func(error) {}
	}
	if s.finds, err = connect(ctx, settings, settings.finds, forFinds(), s.reconnected); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if s.work, err = connect(ctx, settings, settings.work, forWork(), func() {}); err != nil {
		s.finds.close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	s.jobs.Go(s.notifier)
	s.close = sync.OnceFunc(s.stop)
	if err := s.settle(ctx, cfg.Now()); err != nil {
		s.close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return s, nil
}

// settle makes the only row of store, and fills the reserve, where another node hasn't. To do it twice is to do it once.
func (s *Store) settle(ctx context.Context, now time.Time) error {
	if err := s.work.use(ctx, acquireTimeout, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `
INSERT INTO store ("only", instance, epoch, revision, created_at) VALUES (1, $1, 1, 0, $2) ON CONFLICT DO NOTHING`, raw(uuid.New()), micros(now))
		return err
	}); err != nil {
		return kindOf(err)
	}
	var whole bool
	if err := s.row(ctx, `SELECT EXISTS (SELECT 1 FROM reserve)`).Scan(&whole); err != nil || whole {
		return kindOf(err)
	}
	if err := s.restore(ctx); err != nil && !isFull(err) {
		return kindOf(err)
	}
	return nil
}

// OnReconnect has a function called, before anything is looked up by it, whenever a connection for look-ups was made after one
// broke: what answers at the address may be another server from then on, or the same one with an older database. It must not
// block, and ask the store for nothing.
func (s *Store) OnReconnect(do func()) { s.anew.Store(&do) }

func (s *Store) reconnected() {
	if do := s.anew.Load(); do != nil {
		(*do)()
	}
}

// Close finishes the writes that were accepted, refuses others and closes all connections. Later calls wait for the first.
func (s *Store) Close() error {
	s.close()
	return nil
}

// stop waits for the jobs under way, whose callers have been promised a result, before it takes the connections away.
func (s *Store) stop() {
	s.taking.Lock()
	s.ended = true
	s.taking.Unlock()
	close(s.closing)
	s.jobs.Wait()
	s.work.close()
	s.finds.close()
}
