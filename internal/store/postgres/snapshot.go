package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/archive"
)

// Snapshot is the records of a database as of one moment. It implements archive.Source. Nodes go on meanwhile, and aren't kept
// waiting; what they replace or delete takes up room until the Snapshot is closed.
type Snapshot struct {
	conn   *pgx.Conn // in one transaction for as long as it is open
	header archive.Header
	tables []archive.Table
}

// OpenSnapshot opens a database as it is now, and changes nothing. It returns ErrNewerSchema where a newer Jeton has been here.
func OpenSnapshot(ctx context.Context, dsn string, now func() time.Time) (_ *Snapshot, err error) {
	conn, err := connectPatiently(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", kindOf(err))
	}
	s := &Snapshot{conn: conn}
	_, err = conn.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	if err == nil {
		err = s.readHeader(ctx, now) // the first select chooses the moment
	}
	if err == nil {
		var found []tableShape
		found, err = archivedTables(ctx, conn)
		s.tables = tablesOf(found)
	}
	for i := 0; err == nil && i < len(s.tables); i++ {
		t := &s.tables[i]
		err = conn.QueryRow(ctx, `SELECT count(*) FROM `+quote(t.Name)).Scan(&t.Rows)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the database: %w", kindOf(err)), s.Close())
	}
	return s, nil
}

// connectPatiently returns a connection on which a statement may take its time, whatever the limits of the role.
func connectPatiently(ctx context.Context, dsn string) (*pgx.Conn, error) {
	settings, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	return dialPatiently(ctx, settings.dial)
}

func dialPatiently(ctx context.Context, dial *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, dial)
	if err != nil {
		return nil, plain(err, dial)
	}
	_, err = conn.Exec(ctx, `
SELECT set_config(name, '0', false) FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS name`)
	if err != nil {
		return nil, errors.Join(err, hangUp(conn))
	}
	return conn, nil
}

// hangUp ends a connection, and waits for no server that doesn't answer.
func hangUp(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return conn.Close(ctx)
}

func (s *Snapshot) readHeader(ctx context.Context, now func() time.Time) error {
	oldest, latest, err := knownSchemas()
	if err != nil {
		return err
	}
	var made bool
	if err := s.conn.QueryRow(ctx, `SELECT to_regclass('schema_migrations') IS NOT NULL`).Scan(&made); err != nil {
		return err
	}
	if !made {
		return archive.ErrNoDatabase
	}
	if err := s.conn.QueryRow(ctx, `SELECT version FROM schema_migrations WHERE NOT dirty`).Scan(&s.header.Schema); err != nil {
		return nothing(err)
	}
	switch {
	case s.header.Schema > latest:
		return fmt.Errorf("%w (it is %d, this one knows %d)", ErrNewerSchema, s.header.Schema, latest)
	case s.header.Schema < oldest:
		return fmt.Errorf("its schema is %d, which this Jeton doesn't know", s.header.Schema)
	}
	p := &s.header.Position
	s.header.TakenAt = now()
	return nothing(s.conn.QueryRow(ctx, `
SELECT instance, epoch, revision, mark, coalesce(master_check, ''), closed,
	coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit_event', 'seq')::regclass), 0) FROM store`).Scan(
		idColumn{&p.Instance}, &p.Epoch, &p.Revision, &p.Mark, &s.header.MasterCheck, &s.header.Closed, &s.header.LastEvent))
}

// nothing says of a row that isn't there that the database never was one of Jeton's, or never got so far.
func nothing(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return archive.ErrNoDatabase
	}
	return err
}

// tableShape is a table with the types of its columns.
type tableShape struct {
	archive.Table
	types map[string]string
}

// selectShapes reads the tables from the database's own catalog: what a migration adds is never forgotten. Unlogged is the
// reserve alone, of which there is nothing to keep.
const selectShapes = `
SELECT c.relname,
	array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname::text COLLATE "C"),
	array(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname::text COLLATE "C"),
	array(SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, place), pg_attribute a
		WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.place),
	array(SELECT DISTINCT f.relname::text FROM pg_constraint o JOIN pg_class f ON f.oid = o.confrelid WHERE o.conrelid = c.oid AND o.contype = 'f')
FROM pg_class c
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r' AND c.relpersistence = 'p' AND c.relname <> 'schema_migrations'`

func archivedTables(ctx context.Context, conn *pgx.Conn) ([]tableShape, error) {
	refersTo := make(map[string][]string)
	found, err := collect(ctx, conn, func(row scanner) (s tableShape, err error) {
		var types, refers []string
		if err = row.Scan(&s.Name, &s.Columns, &types, &s.Key, &refers); err != nil {
			return s, err
		}
		refersTo[s.Name], s.types = refers, make(map[string]string, len(types))
		for i, name := range s.Columns {
			s.types[name] = types[i]
		}
		return s, nil
	}, selectShapes)
	if err != nil {
		return nil, err
	}
	ordered, err := archive.Order(tablesOf(found), refersTo)
	if err != nil {
		return nil, err
	}
	shapes := make([]tableShape, len(ordered))
	for i, t := range ordered {
		for _, s := range found {
			if s.Name == t.Name {
				shapes[i] = s
			}
		}
	}
	return shapes, nil
}

func tablesOf(shapes []tableShape) []archive.Table {
	tables := make([]archive.Table, len(shapes))
	for i, s := range shapes {
		tables[i] = s.Table
	}
	return tables
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
		if err := s.each(ctx, query, after, yield); err != nil {
			yield(nil, fmt.Errorf("reading the table %s: %w", t.Name, kindOf(err)))
		}
	}
}

// each yields the rows of a select, as they come, until one isn't wanted.
func (s *Snapshot) each(ctx context.Context, query string, args archive.Row, yield func(archive.Row, error) bool) error {
	rows, err := s.conn.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := valuesOf(rows)
		if err != nil {
			return err
		}
		if !yield(row, nil) {
			return nil
		}
	}
	return rows.Err()
}

// valuesOf returns the values of a row as an archive has them.
func valuesOf(rows pgx.Rows) (archive.Row, error) {
	values, err := rows.Values()
	for i, value := range values {
		switch v := value.(type) {
		case [16]byte:
			values[i] = v[:]
		case bool:
			values[i] = int64(0)
			if v {
				values[i] = int64(1)
			}
		}
	}
	return values, err
}

// Close implements archive.Source.
func (s *Snapshot) Close() error { return hangUp(s.conn) }

// quote writes a name that the catalog gave.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteEach(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return quoted
}

func quoteAll(names []string) string { return strings.Join(quoteEach(names), ", ") }

func placeholders(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(list, ", ")
}
