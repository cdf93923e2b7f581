package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// There are three ways to read, by what a caller waits for:
//
//	find   one row, or findAll: a verdict waits for it, so it is prepared
//	reads  a list or a rare row, parsed each time: a person waits for it
//	view   several selects that must agree, as of one moment

// scanner is a row that can be read.
type scanner interface {
	Scan(dest ...any) error
}

// one reads a single row, with the kind of what went wrong: ErrNotFound where there is none.
func one(row scanner, doing string, dest ...any) error {
	if err := row.Scan(dest...); err != nil {
		return fmt.Errorf("%s: %w", doing, kindOf(err))
	}
	return nil
}

// all reads every row of a select, each by read. It takes the error of the select itself, so that a caller has one to
// check, and never returns a part of the rows as if it were the whole.
func all[T any](rows *sql.Rows, err error, read func(scanner) (T, error)) (list []T, _ error) {
	if err != nil {
		return nil, kindOf(err)
	}
	defer rows.Close()
	for rows.Next() {
		item, err := read(rows)
		if err != nil {
			return nil, kindOf(err)
		}
		list = append(list, item)
	}
	return list, kindOf(rows.Err())
}

// view runs read on the database as of one moment: what is committed meanwhile, its selects don't see. In WAL mode it
// keeps no writer waiting.
func (s *Store) view(ctx context.Context, read func(*sql.Tx) error) (err error) {
	snapshot, err := s.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return kindOf(err)
	}
	defer func() {
		if end := snapshot.Rollback(); end != nil && !errors.Is(end, sql.ErrTxDone) && err == nil {
			err = end
		}
	}()
	return read(snapshot)
}
