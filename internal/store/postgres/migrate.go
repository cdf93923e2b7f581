package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	driver "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// ErrNewerSchema says that a newer Jeton has changed the database: an older one would not keep its promises.
var ErrNewerSchema = errors.New("the database's schema is newer than this Jeton: run the newer one")

// migrations are numbered as SQLite's, from the sixth on, and go forward only. Each is one transaction, because the driver
// sends it as one text, and ends in taking back the note that it is under way.
//
//go:embed migrations/*.up.sql
var migrations embed.FS

// migrating is the number of the lock under which the schema is looked at and changed, on any schema of the database.
const migrating int64 = 0x6a65746f6e // "jeton"

// newest says that a database is to have the schema of the newest migration.
const newest = 0

// migrateTo brings the schema up to that of a number. Of several nodes that start at once one does, and the others wait for
// it, as long as ctx lasts. The lock ends with its connection, also where the node that had it dies; the library's own lock
// doesn't know a context.
func migrateTo(ctx context.Context, dial *pgx.ConnConfig, number uint) (err error) {
	defer func() { err = plain(err, dial) }()
	guard, err := pgx.ConnectConfig(ctx, dial)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = guard.Close(ending) // the lock goes with it
	}()
	if err := suits(ctx, guard); err != nil {
		return err
	}
	if _, err := guard.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrating); err != nil {
		return err
	}
	files, err := iofs.New(migrations, "migrations")
	if err != nil {
		return err
	}
	numbers, err := numbersOf(files)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*dial)
	target, err := driver.WithInstance(db, &driver.Config{})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	m, err := migrate.NewWithInstance("embedded", files, "postgres", target)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	defer func() {
		fromSource, fromDatabase := m.Close()
		err = errors.Join(err, fromSource, fromDatabase)
	}()
	if err := settle(m, numbers); err != nil {
		return err
	}
	if number == newest {
		number = numbers[len(numbers)-1]
	}
	if err := m.Migrate(number); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return err
	}
	return nil
}

// knownSchemas returns the numbers of the oldest and the newest schema.
func knownSchemas() (oldest, latest int64, err error) {
	files, err := iofs.New(migrations, "migrations")
	if err != nil {
		return 0, 0, err
	}
	numbers, err := numbersOf(files)
	if err = errors.Join(err, files.Close()); err != nil {
		return 0, 0, err
	}
	return int64(numbers[0]), int64(numbers[len(numbers)-1]), nil //nolint:gosec // G115: migrations are counted by hand
}

// suits refuses a database that couldn't hold every text, or has no schema to make tables in, and says what to do.
func suits(ctx context.Context, conn *pgx.Conn) error {
	var encoding string
	var schema *string
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_encoding'), current_schema()`).Scan(&encoding, &schema); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database is encoded in %s: make one by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	if schema == nil {
		return errors.New("no schema of the search_path exists: create one, or name another in the URL by search_path")
	}
	return nil
}

// numbersOf returns the numbers of the migrations in their order.
func numbersOf(files source.Driver) (numbers []uint, err error) {
	version, err := files.First()
	for ; err == nil; version, err = files.Next(version) {
		numbers = append(numbers, version)
	}
	if len(numbers) == 0 || !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing migrations: %w", err)
	}
	return numbers, nil
}

// settle refuses a schema newer than the newest known: an older program would write rows that lack what the newer relies
// on. It then undoes the note of a migration that a crash interrupted. Each takes that note back as the last statement of
// its transaction, so one that stands was not done, and nobody has to mend a "dirty" database by hand.
func settle(m *migrate.Migrate, numbers []uint) error {
	version, dirty, err := m.Version()
	if err != nil && !errors.Is(err, migrate.ErrNilVersion) {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if newest := numbers[len(numbers)-1]; version > newest {
		return fmt.Errorf("%w (it is %d, this one knows %d)", ErrNewerSchema, version, newest)
	}
	if !dirty {
		return nil
	}
	before := database.NilVersion
	for _, number := range numbers {
		if number < version {
			before = int(number)
		}
	}
	if err := m.Force(before); err != nil {
		return fmt.Errorf("settling an interrupted migration: %w", err)
	}
	return nil
}
