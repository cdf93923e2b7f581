package archive

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// How much is loaded at a time: what is lost by an interruption, and what memory holds.
const (
	batchRows  = 1000
	batchBytes = 1 << 20
)

// Copy loads all of a source into a target, and goes on where an earlier Copy of the same was interrupted. It compares
// nothing: see Sums and Compare.
func Copy(ctx context.Context, from Source, to Target, report func(Progress)) error {
	if err := to.Begin(ctx, from.Header(), from.Tables()); err != nil {
		return err
	}
	count := newCounter("copying", from.Tables(), report)
	for _, t := range from.Tables() {
		if err := copyTable(ctx, from, to, t, count); err != nil {
			return fmt.Errorf("copying the table %s: %w", t.Name, err)
		}
	}
	count.done()
	return nil
}

func copyTable(ctx context.Context, from Source, to Target, t Table, count *counter) error {
	after, loaded, err := to.Reached(ctx, t)
	if err != nil {
		return err
	}
	count.add(t, loaded)
	b := batch{to: to, table: t}
	for row, err := range from.Rows(ctx, t, after) {
		if err != nil {
			return err
		}
		if err := b.add(ctx, row); err != nil {
			return err
		}
		count.add(t, 1)
	}
	return b.flush(ctx)
}

// batch gathers rows.
type batch struct {
	to    Target
	table Table
	rows  []Row
	bytes int
}

func (b *batch) add(ctx context.Context, row Row) error {
	b.rows = append(b.rows, row)
	b.bytes += size(row)
	if len(b.rows) < batchRows && b.bytes < batchBytes {
		return nil
	}
	return b.flush(ctx)
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.rows) == 0 {
		return nil
	}
	err := b.to.Load(ctx, b.table, b.rows)
	b.rows, b.bytes = b.rows[:0], 0
	return err
}

// size returns how many bytes the values of a row take, about.
func size(row Row) (n int) {
	for _, value := range row {
		switch v := value.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
		n += 16
	}
	return n
}

// counter tells of rows as they pass, not of each.
type counter struct {
	report   func(Progress)
	progress Progress
	untold   int64
}

func newCounter(doing string, tables []Table, report func(Progress)) *counter {
	c := &counter{report: report, progress: Progress{Doing: doing}}
	for _, t := range tables {
		c.progress.Total += t.Rows
	}
	return c
}

func (c *counter) add(t Table, rows int64) {
	c.progress.Table = t.Name
	c.progress.Done += rows
	if c.untold += rows; c.untold >= batchRows {
		c.tell()
	}
}

func (c *counter) done() {
	c.progress.Table = ""
	c.tell()
}

func (c *counter) tell() {
	c.untold = 0
	if c.report != nil {
		c.report(c.progress)
	}
}

// Order puts tables into an order in which each refers only to those before it: by name, wherever references leave it open.
// What each refers to is given by its name. Tables that refer to each other have none, and are refused.
func Order(tables []Table, refersTo map[string][]string) ([]Table, error) {
	left := slices.SortedFunc(slices.Values(tables), func(a, b Table) int { return strings.Compare(a.Name, b.Name) })
	var ordered []Table
	placed := func(name string) bool {
		return slices.ContainsFunc(ordered, func(t Table) bool { return t.Name == name })
	}
	for len(left) > 0 {
		next := slices.IndexFunc(left, func(t Table) bool {
			return !slices.ContainsFunc(refersTo[t.Name], func(name string) bool { return !placed(name) })
		})
		if next < 0 {
			return nil, fmt.Errorf("the table %s refers to one that refers to it", left[0].Name)
		}
		ordered = append(ordered, left[next])
		left = slices.Delete(left, next, next+1)
	}
	return ordered, nil
}

// SameTables returns an error where a target doesn't have exactly the tables of a source, with their columns and keys. What one
// of the two doesn't know of would be lost without a word.
func SameTables(source, target []Table) error {
	shape := func(tables []Table) map[string]string {
		shapes := make(map[string]string, len(tables))
		for _, t := range tables {
			shapes[t.Name] = strings.Join(t.Key, ",") + " of " + strings.Join(t.Columns, ",")
		}
		return shapes
	}
	want, got := shape(source), shape(target)
	for name := range want {
		if got[name] != want[name] {
			return fmt.Errorf("the table %s has the key and columns %q, and in the database %q", name, want[name], got[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("the database has a table %s, of which the records tell nothing", name)
		}
	}
	return nil
}
