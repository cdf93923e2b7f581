// Package sqlite keeps Jeton's records in one SQLite file: the store of a single node, and the default.
//
// Stored form (times are microseconds since 1970 in UTC, IDs the 16 bytes of a UUID):
//
//	store               the only row: instance, epoch, revision with its mark, check value of the master key, issuer,
//	                    horizon (up to when records may be deleted for their age), closed (why nobody may use it any more)
//	change              revision │ epoch, mark, at, kind, id, gone                 the change feed
//	pepper              version │ wrapped key
//	user                id │ kind, names with their canonical keys, state, password hash, what an application says of it, version, deleted
//	└ user_role         user, role
//	└ personal_token    user │ pepper + digest, former pepper + digest, created, last used, revoked
//	└ password_address  user, address │ last                                       where its right password came from
//	└ browser_session   id, user, project │ pepper + two digests, created, last used, expires, ended
//	└ api_token         id, user │ name with its canonical key, kid, limits, enabled, last used, expires, version, deleted
//	└ client_secret     id, user │ pepper + digest, created, last used, deleted
//	└ client_key        id, user │ algorithm, public key or its address, created, last used, deleted
//	revoked_access_token  id │ expires
//	used_assertion      digest │ expires
//	project             id, service account │ number, name with its canonical key, what its tokens must hold, wrapped app keys, version, deleted
//	└ token_set         id, project │ name with its canonical key, how it seals, wrapped key, active, last used, version, deleted
//	signing_key         kid │ purpose, algorithm, wrapped key, retired, revoked
//	service             id, project │ name, host, path prefix, default, version, deleted
//	├ service_verifier  service, user
//	└ operation         service, position │ pattern, scope
//	  └ operation_audience   service, operation, position │ kind, user or name
//	audit_event         seq │ who, what, to what, why, how often, detail
//
// A user or service that was deleted stays as a tombstone without its secrets, so that its ID is never used again; its
// name is free, because the unique indexes pass over tombstones. A token that was rotated or revoked keeps its former
// digest, for the audit log to know it by, and a deleted user's keeps nothing.
//
// Every write passes one goroutine with a connection of its own (see write): a change, its audit event and its row of the
// feed are there together or not at all, and changes that wait at once share a commit. Reads have their own connections, which can't write.
// While the disk is full, reads go on, and so do the writes that take something away (see reserve).
//
// The package refuses a database whose schema is newer than it knows, and files that others could read. It does not
// protect against whoever can read the file: what is secret in it is hashed or wrapped before it comes here.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("the store is closed")

// Config is what a Store needs. Every field is required but Reserve.
type Config struct {
	// Path names the database file. It is made, with its directory, where there is none.
	Path string
	// Now is the clock: for the time at which the database was made, and for looking whether a full disk has room again.
	Now func() time.Time
	// Reserve is how many bytes are kept free, in a file beside the database, for revoking while the disk is full.
	// 0 means 8 MiB.
	Reserve int64
}

// Store is an open database. It implements the Store of each package inside and is safe for concurrent use. Open one
// with Open.
type Store struct {
	writes  *sql.DB       // one connection, which is the writer's
	reads   *sql.DB       // for lists
	finds   *finders      // for look-ups
	jobs    chan *job     // without a buffer: see submit
	closing chan struct{} // closed when no more jobs are taken
	drained chan struct{} // closed when the last one taken is done
	close   func() error  // stops it once, however often it is called
	path    string
	file    os.FileInfo // of the file that was opened
}

// Open opens the database, brings its schema up to date and starts its writer. It returns ErrNewerSchema where a newer
// Jeton has been here.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Path == "" || cfg.Now == nil {
		return nil, errors.New("sqlite: Path and Now are required")
	}
	if err := makeFile(cfg.Path); err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	if err := alone(cfg.Path, func() error { return migrateTo(ctx, cfg.Path, newest) }); err != nil {
		return nil, fmt.Errorf("migrating the database: %w", err)
	}
	s := &Store{jobs: make(chan *job), closing: make(chan struct{}), drained: make(chan struct{}), path: cfg.Path}
	s.close = sync.OnceValue(s.stop)
	if err := s.start(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", err), s.closeDatabases())
	}
	return s, nil
}

// start connects the writer and the readers, and makes sure of the only row of store. The writer's first statement
// comes before any reader: it makes the files of the log, which readers couldn't.
func (s *Store) start(ctx context.Context, cfg Config) error {
	var err error
	if s.file, err = os.Stat(cfg.Path); err != nil {
		return err
	}
	if s.writes, err = connect(cfg.Path, writerPragmas(), 1); err != nil {
		return err
	}
	conn, err := s.writes.Conn(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx,
		`INSERT INTO store (only, instance, epoch, revision, created_at) VALUES (1, ?, 1, 0, ?) ON CONFLICT DO NOTHING`,
		blob(uuid.New()), micros(cfg.Now()),
	); err != nil {
		return errors.Join(kindOf(err), conn.Close())
	}
	if err := s.startReaders(cfg.Path); err != nil {
		return errors.Join(err, conn.Close())
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = defaultReserve
	}
	room := &reserve{path: cfg.Path + "-reserve", size: cfg.Reserve, now: cfg.Now}
	if err := room.restore(); err != nil && !errors.Is(err, authority.ErrStorageFull) {
		return errors.Join(err, conn.Close())
	}
	t, err := newTx(conn)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	w := &writer{t: t, room: room, jobs: s.jobs, now: cfg.Now}
	go func() {
		defer close(s.drained)
		w.run(s.closing)
	}()
	return nil
}

// startReaders connects two pools, so that no number of long lists keeps a look-up waiting.
func (s *Store) startReaders(path string) (err error) {
	// A person reads a list, and few do at once. Look-ups come with the calls, and wait for the cores at most.
	if s.reads, err = connect(path, readerPragmas(), 4); err != nil {
		return err
	}
	opener := s.reads.Driver()
	s.finds, err = newFinders(func() (driver.Conn, error) { return opener.Open(dsn(path, lookupPragmas())) }, max(4, 2*runtime.GOMAXPROCS(0)))
	return err
}

// Close finishes the writes that were accepted, refuses others and closes the database. Later calls wait for the first
// and return what it did.
func (s *Store) Close() error { return s.close() }

// stop waits for the jobs under way, whose callers have been promised a result, before it takes the connections away.
func (s *Store) stop() error {
	close(s.closing)
	<-s.drained
	if err := s.closeDatabases(); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}

// closeDatabases closes the readers first: the last connection to close, the writer's, checkpoints the log.
func (s *Store) closeDatabases() error {
	var errs []error
	if s.finds != nil {
		errs = append(errs, s.finds.close())
	}
	for _, db := range []*sql.DB{s.reads, s.writes} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
