package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// database is one of either kind, for what is done to it as a whole.
type database struct {
	dsn  secret.Text // of PostgreSQL
	path string      // of SQLite's file, where there is no DSN
	name string      // for people to read
	now  func() time.Time
}

// databaseOf returns the database of the settings.
func databaseOf(o *Options) database {
	if dsn := o.Config.DSN; dsn != "" {
		return database{dsn: dsn, name: o.Config.Database, now: o.Now}
	}
	path := sqlitePath(&o.Config)
	return database{path: path, name: path, now: o.Now}
}

// anotherDatabase returns one that is named beside that of the settings.
func anotherDatabase(o *Options, d config.Database) database {
	path, _ := strings.CutPrefix(d.Shown, "sqlite:")
	if d.DSN != "" {
		path = ""
	}
	return database{dsn: d.DSN, path: path, name: d.Shown, now: o.Now}
}

// hasLog reports whether SQLite's log of changes lies beside the file, with something in it. Beside a copy that was put back it
// may be the former database's, and SQLite takes it for the copy's own: the newest changes are then there, on top of old ones.
func (d database) hasLog() bool {
	if d.path == "" {
		return false
	}
	info, err := os.Stat(d.path + "-wal")
	return err == nil && info.Size() > 0
}

// archived is a store that can be told that it was put back.
type archived interface {
	store.Store
	// Renew does what a renewal asks for to the database as it stands, in one transaction with its event and its row of the feed.
	Renew(ctx context.Context, r *archive.Renewal) (archive.Outcome, error)
}

// open opens it to be used, and brings its schema up to date.
func (d database) open(ctx context.Context) (archived, error) {
	if d.dsn != "" {
		return postgres.Open(ctx, postgres.Config{DSN: d.dsn.Reveal(), Now: d.now})
	}
	return sqlite.Open(ctx, sqlite.Config{Path: d.path, Now: d.now})
}

// snapshot opens it as it is now, to be read whole.
func (d database) snapshot(ctx context.Context) (archive.Source, error) {
	var s archive.Source
	var err error
	if d.dsn != "" {
		s, err = postgres.OpenSnapshot(ctx, d.dsn.Reveal(), d.now)
	} else {
		s, err = sqlite.OpenSnapshot(ctx, d.path, d.now)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, archive.ErrNoDatabase):
		return nil, fmt.Errorf("%w at %s", ErrNoDatabase, d.name)
	case err != nil:
		return nil, fmt.Errorf("opening %s: %w", d.name, err)
	}
	return s, nil
}

// header reads where it stands.
func (d database) header(ctx context.Context) (h archive.Header, err error) {
	s, err := d.snapshot(ctx)
	if err != nil {
		return h, err
	}
	return s.Header(), s.Close()
}

// sums reads all of it.
func (d database) sums(ctx context.Context, report func(Progress)) ([]archive.Sum, error) {
	s, err := d.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	all, err := archive.Sums(ctx, s, report)
	return all, errors.Join(err, s.Close())
}

// loading is a database that records are being loaded into.
type loading interface {
	archive.Target
	// State returns where the target stands, and why it is closed; the zero header where it never was used.
	State(ctx context.Context) (archive.Header, error)
	// Finish brings the schema up to date, and then opens what was loaded, in one transaction with what a renewal asks for, if
	// there is one. It returns ErrGivenUp, and opens nothing, where the load was given up or finished before.
	Finish(ctx context.Context, h archive.Header, r *archive.Renewal) (archive.Outcome, error)
	// GiveUp deletes what the load of a token has loaded, in one transaction. It returns ErrGivenUp, and deletes nothing, where
	// that isn't being loaded.
	GiveUp(ctx context.Context, token string) error
	Close() error
}

// target opens it to load records into.
func (d database) target(ctx context.Context, schema int64, token string) (loading, error) {
	var l loading
	var err error
	if d.dsn != "" {
		l, err = postgres.OpenTarget(ctx, d.dsn.Reveal(), schema, token)
	} else {
		l, err = sqlite.OpenTarget(ctx, d.path, schema, token)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", d.name, err)
	}
	return l, nil
}

// swapClosed changes why it is closed, if that is the former reason, and returns what it is then. It looks and changes in one
// transaction, so that of two at once only one finds what it expects.
func (d database) swapClosed(ctx context.Context, former, closed string) (string, error) {
	if d.dsn != "" {
		return postgres.SwapClosed(ctx, d.dsn.Reveal(), former, closed)
	}
	return sqlite.SwapClosed(ctx, d.path, former, closed)
}
