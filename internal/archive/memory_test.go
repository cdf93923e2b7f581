package archive_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/feed"
)

// key seals the archives of these tests.
const key = "the key that seals"

// errDown is what a store says that is out of order.
var errDown = errors.New("the store is down")

// memory is a database in memory: a strict one, that refuses what the other side mustn't do.
type memory struct {
	header archive.Header
	tables []archive.Table
	rows   map[string][]archive.Row
	begun  bool

	failAfter int  // rows that can be read, or batches that can be loaded; 0 for all
	persists  bool // a batch whose load fails was loaded all the same
	loads     int
}

func taken() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 123456000, time.UTC) }

// sample is a database with a row of every sort of value, and a table without a row.
func sample() *memory {
	m := &memory{
		header: archive.Header{
			Position: feed.Position{Instance: uuid.MustParse("0190a8f4-0000-7000-8000-000000000001"), Epoch: 1, Revision: 4711, Mark: -5},
			Schema:   6, MasterCheck: []byte{0x5f, 0x0c}, LastEvent: 90210, TakenAt: taken(),
		},
		rows: map[string][]archive.Row{
			"empty": nil,
			"thing": {
				{int64(-1), []byte{}, "", nil},
				{int64(0), []byte{0, 255}, "a\tb\nc\\d", int64(5)},
				{int64(9), nil, "é\x00\r'~", "5"},
			},
			"user": {{"alice"}, {"bob"}},
		},
	}
	m.tables = []archive.Table{
		{Name: "empty", Key: []string{"id"}, Columns: []string{"id"}},
		{Name: "thing", Key: []string{"id"}, Columns: []string{"id", "octets", "text", "value"}},
		{Name: "user", Key: []string{"name"}, Columns: []string{"name"}},
	}
	m.count()
	return m
}

func (m *memory) count() {
	for i, t := range m.tables {
		m.tables[i].Rows = int64(len(m.rows[t.Name]))
	}
}

// empty returns a database with the tables of m, and no rows.
func (m *memory) empty() *memory {
	tables := slices.Clone(m.tables)
	for i := range tables {
		tables[i].Rows = 0
	}
	return &memory{tables: tables, rows: map[string][]archive.Row{}}
}

// Header implements archive.Source.
func (m *memory) Header() archive.Header { return m.header }

// Tables implements archive.Source.
func (m *memory) Tables() []archive.Table { return m.tables }

// Close implements archive.Source.
func (m *memory) Close() error { return nil }

// Rows implements archive.Source. Its key is the first column.
func (m *memory) Rows(_ context.Context, t archive.Table, after archive.Row) iter.Seq2[archive.Row, error] {
	return func(yield func(archive.Row, error) bool) {
		rows := m.rows[t.Name]
		if after != nil {
			rows = rows[1+slices.IndexFunc(rows, func(r archive.Row) bool { return r[0] == after[0] }):]
		}
		for i, row := range rows {
			if m.failAfter > 0 && i == m.failAfter {
				yield(nil, errDown)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Begin implements archive.Target.
func (m *memory) Begin(_ context.Context, h archive.Header, tables []archive.Table) error {
	if m.begun && m.header.Position != h.Position || !m.begun && len(m.rows) > 0 {
		return archive.ErrNotEmpty
	}
	m.begun, m.header = true, h
	return archive.SameTables(tables, m.tables)
}

// Reached implements archive.Target.
func (m *memory) Reached(_ context.Context, t archive.Table) (archive.Row, int64, error) {
	rows := m.rows[t.Name]
	if len(rows) == 0 {
		return nil, 0, nil
	}
	return rows[len(rows)-1][:1], int64(len(rows)), nil
}

// Load implements archive.Target.
func (m *memory) Load(_ context.Context, t archive.Table, rows []archive.Row) error {
	fails := m.failAfter > 0 && m.loads == m.failAfter
	if m.loads++; !m.begun || len(rows) == 0 {
		return errors.New("nothing was begun, or nothing is loaded")
	}
	if !fails || m.persists {
		m.rows[t.Name] = append(m.rows[t.Name], rows...)
		m.count()
	}
	if fails {
		return errDown
	}
	return nil
}

// many is a database with so many rows in one table, in order.
func many(n int) *memory {
	m := &memory{
		header: sample().header,
		tables: []archive.Table{{Name: "event", Key: []string{"seq"}, Columns: []string{"seq", "what"}}},
		rows:   map[string][]archive.Row{},
	}
	for i := range n {
		m.rows["event"] = append(m.rows["event"], archive.Row{int64(i), "something happened"})
	}
	m.count()
	return m
}

func sums(t testing.TB, from archive.Source) []archive.Sum {
	t.Helper()
	all, err := archive.Sums(t.Context(), from, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
