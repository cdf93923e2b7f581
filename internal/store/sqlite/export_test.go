package sqlite

import (
	"context"
	"database/sql"
)

// What the tests of this package need of its inside.

// Finds returns the connections of the look-ups.
func (s *Store) Finds() *sql.DB { return s.finds }

// Reads returns the connections of the lists.
func (s *Store) Reads() *sql.DB { return s.reads }

// Write has the writer run do, which gets what runs a statement in its transaction.
func (s *Store) Write(ctx context.Context, do func(exec func(query string, args ...any) (int64, error)) error) error {
	return s.write(ctx, "testing", func(t *tx) error { return do(t.exec) })
}

// Setting returns a pragma as the writer's connection has it.
func (s *Store) Setting(ctx context.Context, pragma string) (value string, err error) {
	err = s.write(ctx, "testing", func(t *tx) error {
		return t.conn.QueryRowContext(ctx, `PRAGMA `+pragma).Scan(&value)
	})
	return value, err
}
