package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// There are three ways to read, by what a caller waits for:
//
//	find   one row for a verdict
//	row    a rare row, and all for a list: a person waits for it
//	view   several selects that must agree, as of one moment
//
// The driver keeps each select prepared, per connection, from its first use on.

// scanner is a row that can be read.
type scanner interface {
	Scan(dest ...any) error
}

// query is a select of one row that is run when the row is scanned, and run again on another connection where the one that
// it had is broken.
type query struct {
	ctx  context.Context
	lend lender
	text string
	args []any
}

// lender runs read on a connection.
type lender func(ctx context.Context, read func(context.Context, *pgx.Conn) error) error

// Scan implements scanner.
func (q query) Scan(dest ...any) error {
	return q.lend(q.ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, q.text, q.args...).Scan(dest...)
	})
}

// find returns a row for a verdict.
func (s *Store) find(ctx context.Context, text string, args ...any) scanner {
	return query{ctx, s.finding, text, args}
}

// row returns a row for a person.
func (s *Store) row(ctx context.Context, text string, args ...any) scanner {
	return query{ctx, s.listing, text, args}
}

// named returns the row of a name, which there is none of where the database couldn't even hold it.
func (s *Store) named(ctx context.Context, lend lender, text, name string) scanner {
	if ctx.Err() == nil && !storable(name) {
		return failed{pgx.ErrNoRows}
	}
	return query{ctx, lend, text, []any{name}}
}

// failed is a row that could not be had.
type failed struct{ err error }

// Scan implements scanner.
func (f failed) Scan(...any) error { return f.err }

// finding lends a connection to a look-up. The caller's context is asked before and not watched: a connection on which an
// answer is outstanding has to be given up with it, and callers that hang up would be many.
func (s *Store) finding(ctx context.Context, read func(context.Context, *pgx.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.finds.use(ctx, findTimeout, func(conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
		defer cancel()
		return read(ctx, conn)
	})
}

// listing lends a connection to a list, of which there may be a few at once.
func (s *Store) listing(ctx context.Context, read func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	select {
	case s.lists <- struct{}{}:
		defer func() { <-s.lists }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.work.use(ctx, acquireTimeout, func(conn *pgx.Conn) error { return read(ctx, conn) })
}

// one reads a single row, with the kind of what went wrong: ErrNotFound where there is none.
func one(row scanner, doing string, dest ...any) error {
	if err := row.Scan(dest...); err != nil {
		return fmt.Errorf("%s: %w", doing, kindOf(err))
	}
	return nil
}

// all reads every row of a list, each by read, and never returns a part of the rows as if it were the whole.
func all[T any](ctx context.Context, s *Store, read func(scanner) (T, error), text string, args ...any) (list []T, _ error) {
	err := s.listing(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		list, err = collect(ctx, conn, read, text, args...)
		return err
	})
	return list, kindOf(err)
}

// findAll is all for a verdict.
func findAll[T any](ctx context.Context, s *Store, read func(scanner) (T, error), text string, args ...any) (list []T, _ error) {
	err := s.finding(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		list, err = collect(ctx, conn, read, text, args...)
		return err
	})
	return list, kindOf(err)
}

// collect reads every row of a select on a connection, or in a transaction.
func collect[T any](ctx context.Context, in queryer, read func(scanner) (T, error), text string, args ...any) (list []T, _ error) {
	rows, err := in.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		item, err := read(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, nil
}

// queryer is a connection or a transaction.
type queryer interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, text string, args ...any) pgx.Row
}

// view runs read on the database as of one moment: what is committed meanwhile, its selects don't see. It keeps no writer
// waiting.
func (s *Store) view(ctx context.Context, read func(context.Context, pgx.Tx) error) error {
	return s.listing(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		snapshot, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		err = read(ctx, snapshot)
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = snapshot.Rollback(ending) // where it fails, the connection leaves the pool
		return err
	})
}
