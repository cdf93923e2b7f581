package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// restoreSQLite loads a backup into a file beside the database's place, and gives it the name once it is whole. Until then,
// nothing is there, and whoever starts a server gets a new database.
func restoreSQLite(ctx context.Context, o *Options, b *backup, r *archive.Renewal) (done archive.Outcome, err error) {
	path := sqlitePath(&o.Config)
	if err := emptySQLite(ctx, o, path); err != nil {
		return done, err
	}
	beside := path + ".restoring" // what is left there is of a restore that was killed
	if err := removeSQLite(beside); err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, removeSQLite(beside)) }()
	if done, err = loadSQLite(ctx, o, b, r, beside); err != nil {
		return done, fmt.Errorf("loading the records into %s: %w", beside, err)
	}
	return done, placeSQLite(beside, path)
}

// emptySQLite returns ErrNotEmpty where a database has records: any but the row in which it says who it is.
func emptySQLite(ctx context.Context, o *Options, path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0:
		return nil
	case err != nil:
		return err
	}
	there, err := sqlite.OpenSnapshot(ctx, path, o.Now)
	if err != nil {
		return err
	}
	for _, t := range there.Tables() {
		if t.Name != "store" && t.Rows > 0 && err == nil {
			err = fmt.Errorf("%w: %s", ErrNotEmpty, path)
		}
	}
	return errors.Join(err, there.Close())
}

// loadSQLite makes a database file of a backup, and compares what is in it with what was in the backup.
func loadSQLite(ctx context.Context, o *Options, b *backup, r *archive.Renewal, path string) (done archive.Outcome, err error) {
	to, err := sqlite.OpenTarget(ctx, path, b.header.Schema, "restore")
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := b.load(ctx, to); err != nil {
		return done, err
	}
	loaded, err := sqlite.OpenSnapshot(ctx, path, o.Now)
	if err != nil {
		return done, err
	}
	sums, err := archive.Sums(ctx, loaded, b.options.Report)
	if err == nil {
		err = archive.Compare(b.sums, sums)
	}
	if err = errors.Join(err, loaded.Close()); err != nil {
		return done, err
	}
	return to.Finish(ctx, b.header, r)
}

// placeSQLite gives a database file its name. What is there is empty; the log of a database that isn't there any more would be
// taken for the new one's.
func placeSQLite(from, to string) error {
	if err := removeSQLite(to); err != nil {
		return err
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("syncing %s: %w", from, err)
	}
	if err := os.Link(from, to); err != nil { // and not in the place of what has come there meanwhile
		return fmt.Errorf("naming the database: %w", err)
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// removeSQLite removes the files of a database.
func removeSQLite(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing what was there: %w", err)
		}
	}
	return nil
}
