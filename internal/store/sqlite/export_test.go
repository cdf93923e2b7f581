package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// What the tests of this package need of its inside.

// EachFinder takes all connections of the look-ups at once, and has do ask each for one value.
func (s *Store) EachFinder(ctx context.Context, do func(ask func(text string) (value string, err error))) error {
	for range cap(s.finds.places) {
		lent, err := s.finds.lend(ctx)
		if err != nil {
			return err
		}
		defer s.finds.giveBack(lent)
		do(func(text string) (value string, err error) {
			err = lent.each(text, nil, func(r scanner) (bool, error) {
				values, _ := r.(row)
				value = fmt.Sprint(values[0])
				return true, nil
			})
			return value, err
		})
	}
	return nil
}

// Find returns a row as a look-up gets it.
func (s *Store) Find(ctx context.Context, text string, args ...any) interface{ Scan(dest ...any) error } {
	return s.find(ctx, text, args...)
}

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
