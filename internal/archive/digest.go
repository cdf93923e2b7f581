package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// Sum is what the rows of a table come to.
type Sum struct {
	Table  string
	Rows   int64
	Digest [sha256.Size]byte
}

// digester adds up the rows of one table. What the table is called, and which columns it has, counts too.
type digester struct {
	sum  Sum
	hash hash.Hash
	line []byte // of the last row
}

func newDigester(t Table) *digester {
	d := &digester{sum: Sum{Table: t.Name}, hash: sha256.New()}
	fmt.Fprintf(d.hash, "%s %s %s\n", t.Name, strings.Join(t.Key, ","), strings.Join(t.Columns, ","))
	return d
}

// add adds a row by its line.
func (d *digester) add(line []byte) {
	d.hash.Write(line)
	d.sum.Rows++
}

// addRow adds a row, and keeps its line.
func (d *digester) addRow(row Row) (err error) {
	if d.line, err = appendRow(d.line[:0], row); err != nil {
		return fmt.Errorf("reading the table %s: %w", d.sum.Table, err)
	}
	d.add(d.line)
	return nil
}

func (d *digester) end() Sum {
	d.hash.Sum(d.sum.Digest[:0])
	return d.sum
}

// Sums reads all of a source and returns what each of its tables comes to.
func Sums(ctx context.Context, s Source, report func(Progress)) ([]Sum, error) {
	var sums []Sum
	count := newCounter("verifying", s.Tables(), report)
	for _, t := range s.Tables() {
		d := newDigester(t)
		for row, err := range s.Rows(ctx, t, nil) {
			if err != nil {
				return nil, err
			}
			if err := d.addRow(row); err != nil {
				return nil, err
			}
			count.add(t, 1)
		}
		sums = append(sums, d.end())
	}
	count.done()
	return sums, nil
}

// Compare returns ErrDiffers where two databases don't have the same tables with the same rows. The order of the tables,
// which each store chooses for itself, doesn't matter.
func Compare(want, got []Sum) error {
	byName := func(a, b Sum) int { return strings.Compare(a.Table, b.Table) }
	want, got = slices.SortedFunc(slices.Values(want), byName), slices.SortedFunc(slices.Values(got), byName)
	if len(want) != len(got) {
		return fmt.Errorf("%w: %d tables of %d", ErrDiffers, len(got), len(want))
	}
	for i, w := range want {
		switch g := got[i]; {
		case g.Table != w.Table:
			return fmt.Errorf("%w: a table %s in place of %s", ErrDiffers, g.Table, w.Table)
		case g.Rows != w.Rows:
			return fmt.Errorf("%w: the table %s has %d rows of %d", ErrDiffers, w.Table, g.Rows, w.Rows)
		case g.Digest != w.Digest:
			return fmt.Errorf("%w: the rows of the table %s", ErrDiffers, w.Table)
		}
	}
	return nil
}

// Rows returns how many rows there are in all.
func Rows(sums []Sum) (n int64) {
	for _, s := range sums {
		n += s.Rows
	}
	return n
}
