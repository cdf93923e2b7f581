package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jeton-io/jeton/internal/archive"
)

// restoreSQLite loads a backup into a file beside the database's place, and gives it the name once it is whole. Until then,
// nothing is there, and whoever starts a server gets a new database: that one stays, and the restore ends with ErrNotEmpty.
// It doesn't defend against a server that is started in the very moment between the last look and the naming.
func restoreSQLite(ctx context.Context, d database, b *backup, r *archive.Renewal) (done archive.Outcome, err error) {
	if err := emptySQLite(ctx, d); err != nil {
		return done, err
	}
	beside := d
	beside.path += ".restoring" // what is left there is of a restore that was killed
	beside.name = beside.path
	if err := removeSQLite(beside.path); err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, removeSQLite(beside.path)) }()
	to, err := beside.target(ctx, b.header.Schema, besideToken)
	if err != nil {
		return done, err
	}
	done, err = b.put(ctx, beside, to, r)
	if err = errors.Join(err, to.Close()); err != nil {
		return done, fmt.Errorf("loading the records into %s: %w", beside.path, err)
	}
	if err := emptySQLite(ctx, d); err != nil { // a server may have been started meanwhile
		return done, err
	}
	return done, placeSQLite(beside.path, d.path)
}

// besideToken is the token of a load that nobody else can see.
const besideToken = "restore"

// emptySQLite returns ErrNotEmpty where a database has records: any but the row in which it says who it is.
func emptySQLite(ctx context.Context, d database) error {
	info, err := os.Stat(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0:
		return nil
	case err != nil:
		return err
	}
	there, err := d.snapshot(ctx)
	switch {
	case errors.Is(err, ErrNoDatabase): // it was made and never used, or given up
		return nil
	case err != nil:
		return err
	}
	for _, t := range there.Tables() {
		if t.Name != "store" && t.Rows > 0 && err == nil {
			err = fmt.Errorf("%w: %s", ErrNotEmpty, d.name)
		}
	}
	return errors.Join(err, there.Close())
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
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-journal", path + "-lock"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing what was there: %w", err)
		}
	}
	return nil
}
