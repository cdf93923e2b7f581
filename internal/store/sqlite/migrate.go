package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	driver "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

// ErrNewerSchema says that a newer Jeton has changed the database: an older one would not keep its promises.
var ErrNewerSchema = errors.New("the database's schema is newer than this Jeton: run the newer one")

// migrations are numbered and go forward only. Each sets user_version to its number as its last statement.
//
//go:embed migrations/*.up.sql
var migrations embed.FS

// newest says that a database is to have the schema of the newest migration.
const newest = 0

// migrateTo brings the schema up to that of a number, on a connection of its own. That connection doesn't enforce foreign
// keys (see migrationPragmas); the test of each migration checks that none is broken after it.
func migrateTo(ctx context.Context, path string, number uint) (err error) {
	db, err := connect(path, migrationPragmas(), 1)
	if err != nil {
		return err
	}
	files, err := iofs.New(migrations, "migrations")
	if err != nil {
		return errors.Join(err, db.Close())
	}
	known, err := newestIn(files)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if number == newest {
		number = known
	}
	target, err := driver.WithInstance(db, &driver.Config{})
	if err != nil {
		return errors.Join(kindOf(err), db.Close())
	}
	m, err := migrate.NewWithInstance("embedded", files, "sqlite", target)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	defer func() {
		fromSource, fromDatabase := m.Close()
		err = errors.Join(err, fromSource, fromDatabase)
	}()
	if err := settle(ctx, db, m, known); err != nil {
		return err
	}
	if err := m.Migrate(number); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return kindOf(err)
	}
	return nil
}

// newestSchema returns the number of the newest schema.
func newestSchema() (int64, error) {
	files, err := iofs.New(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	number, err := newestIn(files)
	return int64(number), errors.Join(err, files.Close()) //nolint:gosec // G115: migrations are counted by hand
}

// newestIn returns the number of the newest migration. The library has it only by walking from the first.
func newestIn(files source.Driver) (uint, error) {
	version, err := files.First()
	for err == nil {
		var next uint
		if next, err = files.Next(version); err == nil {
			version = next
		}
	}
	if version == 0 || !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("listing migrations: %w", err)
	}
	return version, nil
}

// settle refuses a schema newer than the newest known: an older program would write rows that lack what the newer
// relies on. It then finds out what became of a migration that a crash interrupted: each is one transaction, whose last
// statement sets user_version, so it was done whole or not at all, and nobody has to mend a "dirty" database by hand.
func settle(ctx context.Context, db *sql.DB, m *migrate.Migrate, newest uint) error {
	var done int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&done); err != nil {
		return fmt.Errorf("reading the schema's version: %w", kindOf(err))
	}
	version, dirty, err := m.Version()
	if err != nil && !errors.Is(err, migrate.ErrNilVersion) {
		return fmt.Errorf("reading the schema's version: %w", kindOf(err))
	}
	if version > newest || done > int(newest) {
		return fmt.Errorf("%w (it is %d, this one knows %d)", ErrNewerSchema, max(int(version), done), newest)
	}
	if !dirty {
		return nil
	}
	if done == 0 {
		done = database.NilVersion
	}
	if err := m.Force(done); err != nil {
		return fmt.Errorf("settling an interrupted migration: %w", kindOf(err))
	}
	return nil
}
