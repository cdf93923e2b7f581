package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/archive"
)

// Snapshot is the records of a database file as of one moment. It implements archive.Source. Servers that use the file go on
// meanwhile, and aren't kept waiting; the log of what they write can't be shortened until the Snapshot is closed.
type Snapshot struct {
	db     *sql.DB
	conn   *sql.Conn // in one transaction for as long as it is open
	header archive.Header
	tables []archive.Table
}

// oldestArchived is the first schema that has what a header must say.
const oldestArchived = 6

// OpenSnapshot opens a database as it is now. It changes nothing: a schema that is older than the newest stays what it is. It
// returns ErrNewerSchema where a newer Jeton has been here.
func OpenSnapshot(ctx context.Context, path string, now func() time.Time) (_ *Snapshot, err error) {
	if _, err := os.Stat(path); err != nil { // SQLite would make it
		return nil, err
	}
	s := new(Snapshot)
	if s.db, err = connect(path, readerPragmas(), 1); err != nil {
		return nil, err
	}
	if s.conn, err = s.db.Conn(ctx); err == nil {
		_, err = s.conn.ExecContext(ctx, `BEGIN`) // the first select chooses the moment
	}
	if err == nil {
		err = s.readHeader(ctx, now)
	}
	if err == nil {
		s.tables, err = archivedTables(ctx, s.conn)
	}
	for i := 0; err == nil && i < len(s.tables); i++ {
		t := &s.tables[i]
		err = s.conn.QueryRowContext(ctx, `SELECT count(*) FROM `+quote(t.Name)).Scan(&t.Rows)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", path, kindOf(err)), s.Close())
	}
	return s, nil
}

func (s *Snapshot) readHeader(ctx context.Context, now func() time.Time) error {
	if err := s.conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&s.header.Schema); err != nil {
		return err
	}
	known, err := newestSchema()
	switch {
	case err != nil:
		return err
	case s.header.Schema > known:
		return fmt.Errorf("%w (it is %d, this one knows %d)", ErrNewerSchema, s.header.Schema, known)
	case s.header.Schema < oldestArchived:
		return fmt.Errorf("its schema is %d, and this Jeton carries those from %d on: start its server once", s.header.Schema, oldestArchived)
	}
	p := &s.header.Position
	err = s.conn.QueryRowContext(ctx, `
SELECT instance, epoch, revision, mark, coalesce(master_check, x''), closed,
	coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit_event'), 0) FROM store`).Scan(
		&p.Instance, &p.Epoch, &p.Revision, &p.Mark, &s.header.MasterCheck, &s.header.Closed, &s.header.LastEvent)
	if errors.Is(err, sql.ErrNoRows) {
		err = archive.ErrNoDatabase
	}
	s.header.TakenAt = now()
	return err
}

// archivedTables returns the tables that a database has, with their columns, from the database itself: what a migration adds is
// never forgotten.
func archivedTables(ctx context.Context, conn *sql.Conn) ([]archive.Table, error) {
	names, err := queryTexts(ctx, conn, `
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' AND name <> 'schema_migrations'`)
	if err != nil {
		return nil, err
	}
	var tables []archive.Table
	refersTo := make(map[string][]string)
	for _, name := range names {
		t := archive.Table{Name: name}
		if t.Columns, err = queryTexts(ctx, conn, `SELECT name FROM pragma_table_info(?) ORDER BY name`, name); err != nil {
			return nil, err
		}
		if t.Key, err = queryTexts(ctx, conn, `SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk`, name); err != nil {
			return nil, err
		}
		if refersTo[name], err = queryTexts(ctx, conn, `SELECT DISTINCT "table" FROM pragma_foreign_key_list(?)`, name); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return archive.Order(tables, refersTo)
}

func queryTexts(ctx context.Context, conn *sql.Conn, query string, args ...any) ([]string, error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	return all(rows, err, func(row scanner) (text string, err error) {
		err = row.Scan(&text)
		return text, err
	})
}

// Header implements archive.Source.
func (s *Snapshot) Header() archive.Header { return s.header }

// Tables implements archive.Source.
func (s *Snapshot) Tables() []archive.Table { return s.tables }

// Rows implements archive.Source. That a database was closed is not a part of its records: whoever gets them shall use them.
func (s *Snapshot) Rows(ctx context.Context, t archive.Table, after archive.Row) iter.Seq2[archive.Row, error] {
	query := `SELECT ` + quoteAll(t.Columns) + ` FROM ` + quote(t.Name)
	if t.Name == "store" {
		query = strings.Replace(query, quote("closed"), `''`, 1)
	}
	if after != nil {
		query += ` WHERE (` + quoteAll(t.Key) + `) > (` + placeholders(len(t.Key)) + `)`
	}
	query += ` ORDER BY ` + quoteAll(t.Key)
	return func(yield func(archive.Row, error) bool) {
		if err := s.each(ctx, query, after, len(t.Columns), yield); err != nil {
			yield(nil, fmt.Errorf("reading the table %s: %w", t.Name, kindOf(err)))
		}
	}
}

// each yields the rows of a select until one isn't wanted.
func (s *Snapshot) each(ctx context.Context, query string, args archive.Row, columns int, yield func(archive.Row, error) bool) error {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	to := make([]any, columns)
	for rows.Next() {
		row := make(archive.Row, columns)
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		for i, value := range row {
			if text, ok := value.(string); ok {
				row[i] = archive.Text(text)
			}
		}
		if !yield(row, nil) {
			return nil
		}
	}
	return rows.Err()
}

// Close implements archive.Source.
func (s *Snapshot) Close() error {
	var err error
	if s.conn != nil {
		err = s.conn.Close()
	}
	return errors.Join(err, s.db.Close())
}

// quote writes a name that the catalog gave.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteEach(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return quoted
}

func quoteAll(names []string) string { return strings.Join(quoteEach(names), ", ") }

func placeholders(n int) string { return strings.Join(slices.Repeat([]string{"?"}, n), ", ") }
