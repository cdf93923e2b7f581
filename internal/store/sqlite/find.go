package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// finders are the connections of look-ups, which verdicts wait for. They speak to the driver itself: around a select that
// takes some microseconds, database/sql would spend two more on its locks, on copies and on watching the context.
//
// The connection given back last is lent first, because its pages are the warmest. One is made when all that there are
// are lent, up to a number; beyond that, who comes waits.
type finders struct {
	open   func() (driver.Conn, error)
	places chan struct{} // holds one for each connection that may be lent
	ended  chan struct{} // closed when none is lent any more
	end    func()        // closes ended, once

	mu   sync.Mutex
	idle []*finder
}

// newFinders returns finders with one connection, made here so that whatever is wrong with it shows at once.
func newFinders(open func() (driver.Conn, error), most int) (*finders, error) {
	f := &finders{open: open, places: make(chan struct{}, most), ended: make(chan struct{})}
	f.end = sync.OnceFunc(func() { close(f.ended) })
	for range most {
		f.places <- struct{}{}
	}
	first, err := f.make()
	if err != nil {
		return nil, err
	}
	f.idle = append(f.idle, first)
	return f, nil
}

// lend waits for a connection until ctx ends. The caller has it alone until it gives it back.
func (f *finders) lend(ctx context.Context) (*finder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-f.places:
	default:
		select {
		case <-f.places:
		case <-f.ended:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.mu.Lock()
	if last := len(f.idle) - 1; last >= 0 {
		lent := f.idle[last]
		f.idle = f.idle[:last]
		f.mu.Unlock()
		return lent, nil
	}
	f.mu.Unlock()
	lent, err := f.make()
	if err != nil {
		f.places <- struct{}{}
	}
	return lent, err
}

// giveBack ends what lend began.
func (f *finders) giveBack(lent *finder) {
	f.mu.Lock()
	f.idle = append(f.idle, lent)
	f.mu.Unlock()
	f.places <- struct{}{}
}

func (f *finders) make() (*finder, error) {
	conn, err := f.open()
	if err != nil {
		return nil, fmt.Errorf("connecting to look up: %w", err)
	}
	return &finder{conn: conn, prepared: make(map[string]selecter)}, nil
}

// close waits for the look-ups under way, refuses others and closes the connections. Later calls do nothing.
func (f *finders) close() error {
	select {
	case <-f.ended:
		return nil
	default:
	}
	for range cap(f.places) {
		<-f.places
	}
	f.end()
	var errs []error
	for _, idle := range f.idle {
		errs = append(errs, idle.close())
	}
	return errors.Join(errs...)
}

// finder is one connection, and what one select at a time needs.
type finder struct {
	conn     driver.Conn
	prepared map[string]selecter // by their text: parsing one takes longer than running it
	args     []driver.NamedValue
	values   row
}

// selecter is a prepared select.
type selecter interface {
	driver.Stmt
	driver.StmtQueryContext
}

// prepare keeps every select: their texts are constants, so there are as many as the package has.
func (f *finder) prepare(text string) (selecter, error) {
	if s, ok := f.prepared[text]; ok {
		return s, nil
	}
	stmt, err := f.conn.Prepare(text)
	if err != nil {
		return nil, err
	}
	s, ok := stmt.(selecter)
	if !ok {
		return nil, errors.Join(errors.New("the driver's statements take no context"), stmt.Close())
	}
	f.prepared[text] = s
	return s, nil
}

// close closes the connection.
func (f *finder) close() error {
	var errs []error
	for _, s := range f.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, f.conn.Close())...)
}

// each runs a select and has read read each of its rows, until that returns false or an error. The select's own context
// never ends: the driver would start a goroutine to watch it.
func (f *finder) each(text string, args []any, read func(row scanner) (more bool, err error)) (err error) {
	stmt, err := f.prepare(text)
	if err != nil {
		return err
	}
	f.args = f.args[:0]
	for i, arg := range args {
		f.args = append(f.args, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	rows, err := stmt.QueryContext(context.Background(), f.args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if n := len(rows.Columns()); cap(f.values) < n {
		f.values = make(row, n)
	} else {
		f.values = f.values[:n]
	}
	for more := true; more && err == nil; {
		if err = rows.Next(f.values); err == io.EOF { //nolint:errorlint // that is how a driver says it
			return nil
		} else if err == nil {
			more, err = read(&f.values)
		}
	}
	return err
}

// row is a row as the driver returned it. Its texts and bytes are copies of SQLite's, which nobody else has.
type row []driver.Value

// Scan implements scanner.
func (r *row) Scan(dest ...any) error {
	if len(dest) != len(*r) {
		return fmt.Errorf("scanning %d columns into %d places", len(*r), len(dest))
	}
	for i, to := range dest {
		if err := assign(to, (*r)[i]); err != nil {
			return fmt.Errorf("scanning column %d: %w", i, err)
		}
	}
	return nil
}

// assign puts a column's value into its place. It knows the types that this package scans into and no others, and takes
// NULL only where the place says so.
func assign(to any, value driver.Value) error {
	switch to := to.(type) {
	case sql.Scanner:
		return to.Scan(value)
	case *string:
		if s, ok := value.(string); ok {
			*to = s
			return nil
		}
	case *int64:
		if n, ok := value.(int64); ok {
			*to = n
			return nil
		}
	case *bool:
		if n, ok := value.(int64); ok {
			*to = n != 0
			return nil
		}
	case *[]byte:
		if b, ok := value.([]byte); ok || value == nil {
			*to = b
			return nil
		}
	default:
		// A name of a kind or state is a type of its own.
		if s, ok := value.(string); ok {
			if place := reflect.ValueOf(to); place.Kind() == reflect.Pointer && place.Elem().Kind() == reflect.String {
				place.Elem().SetString(s)
				return nil
			}
		}
	}
	return fmt.Errorf("a %T can't be put into a %T", value, to)
}

// query is a select of one row that is run when the row is scanned.
type query struct {
	ctx  context.Context
	from *finders
	text string
	args []any
}

// Scan implements scanner. It returns sql.ErrNoRows where there is no row. The context is asked before, and while there is
// no connection to be had; the select itself takes microseconds.
func (q *query) Scan(dest ...any) error {
	lent, err := q.from.lend(q.ctx)
	if err != nil {
		return err
	}
	defer q.from.giveBack(lent)
	found := false
	err = lent.each(q.text, q.args, func(row scanner) (bool, error) {
		found = true
		return false, row.Scan(dest...)
	})
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return err
}

// find returns a row for a verdict.
func (s *Store) find(ctx context.Context, text string, args ...any) scanner {
	return &query{ctx, s.finds, text, args}
}

// findAll returns all rows of a select for a verdict, and never a part of them as if it were the whole.
func findAll[T any](ctx context.Context, s *Store, read func(scanner) (T, error), text string, args ...any) (list []T, _ error) {
	lent, err := s.finds.lend(ctx)
	if err != nil {
		return nil, err
	}
	defer s.finds.giveBack(lent)
	err = lent.each(text, args, func(row scanner) (bool, error) {
		item, err := read(row)
		list = append(list, item)
		return true, err
	})
	if err != nil {
		return nil, kindOf(err)
	}
	return list, nil
}
