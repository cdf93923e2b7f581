package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/archive"
)

// LoadingTarget is a database that records are being loaded into. It implements archive.Target. Until Finish the database is
// closed: no node uses it. It isn't safe for concurrent use.
type LoadingTarget struct {
	dial   *pgx.ConnConfig
	closed string // says that the records of this very load are being loaded
	conn   *pgx.Conn
	shapes []tableShape // of the tables, as they are here
}

// OpenTarget opens a database to load records into, and makes its tables with the schema of that number where there are none:
// records fit the schema in which they were taken, and Finish brings both up to date. The token is that of the load. It returns
// ErrNewerSchema where this Jeton doesn't know the schema, and ErrOtherTables, having made none, where there are those of another
// program.
func OpenTarget(ctx context.Context, dsn string, schema int64, token string) (_ *LoadingTarget, err error) {
	oldest, latest, err := knownSchemas()
	switch {
	case err != nil:
		return nil, err
	case schema > latest:
		return nil, fmt.Errorf("%w (it is %d, this one knows %d)", ErrNewerSchema, schema, latest)
	case schema < oldest:
		return nil, fmt.Errorf("records of the schema %d can't be loaded", schema)
	}
	settings, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	l := &LoadingTarget{dial: settings.dial, closed: archive.Why(archive.Loading, token)}
	if l.conn, err = dialPatiently(ctx, l.dial); err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", kindOf(err))
	}
	if err := onlyOurs(ctx, l.conn); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if err := migrateTo(ctx, settings.dial, uint(schema)); err != nil { //nolint:gosec // G115: it is one of those known
		return nil, errors.Join(fmt.Errorf("making the tables: %w", kindOf(err)), l.Close())
	}
	if l.shapes, err = archivedTables(ctx, l.conn); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the tables: %w", kindOf(err)), l.Close())
	}
	return l, nil
}

// onlyOurs refuses a schema that has tables, unless they are Jeton's: those of the first migration tell, and its own table alone,
// as a crash leaves it. Other programs may have one of that name, too.
func onlyOurs(ctx context.Context, conn *pgx.Conn) error {
	var other bool
	err := conn.QueryRow(ctx, `
SELECT count(*) FILTER (WHERE relname <> 'schema_migrations') > 0 AND count(*) FILTER (WHERE relname IN ('schema_migrations', 'store', 'pepper', 'audit_event')) < 4
FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'p')`).Scan(&other)
	if err != nil {
		return fmt.Errorf("looking for tables: %w", kindOf(err))
	}
	if other {
		return archive.ErrOtherTables
	}
	return nil
}

// State returns where the database stands, and why it is closed; the zero header where it never was used.
func (l *LoadingTarget) State(ctx context.Context) (h archive.Header, err error) {
	p := &h.Position
	err = l.conn.QueryRow(ctx, `SELECT instance, epoch, revision, mark, closed FROM store`).
		Scan(idColumn{&p.Instance}, &p.Epoch, &p.Revision, &p.Mark, &h.Closed)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return h, fmt.Errorf("reading the state of the database: %w", kindOf(err))
	}
	return h, nil
}

// write runs a transaction while nobody else writes, where the database is closed as it is wanted.
func (l *LoadingTarget) write(ctx context.Context, doing string, alone func(closed string) error, do func(t *tx) error) error {
	t := &tx{ctx: ctx, conn: l.conn, alone: alone}
	err := t.run(func(t *tx) error {
		if err := t.send(new(pgx.Batch)); err != nil { // begins, and judges, before anything is done
			return err
		}
		return do(t)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, kindOf(err))
	}
	return nil
}

// loading judges that records are still being loaded, and by whom.
func loading(want string) func(closed string) error {
	return func(closed string) error {
		if closed != want {
			return archive.ErrGivenUp
		}
		return nil
	}
}

// Begin implements archive.Target. What a node that was only just started has left in the row of store goes, and so does what
// a load has that got no further.
func (l *LoadingTarget) Begin(ctx context.Context, h archive.Header, tables []archive.Table) error {
	if err := archive.SameTables(tables, tablesOf(l.shapes)); err != nil {
		return err
	}
	goesOn := false
	judge := func(closed string) error {
		goesOn = closed == l.closed
		return nil
	}
	return l.write(ctx, "beginning to load records", judge, func(t *tx) error {
		if goesOn {
			return nil
		}
		for _, shape := range l.shapes {
			if shape.Name == "store" {
				continue
			}
			if used, err := t.yes(`SELECT EXISTS (SELECT 1 FROM ` + quote(shape.Name) + `)`); err != nil {
				return err
			} else if used {
				return archive.ErrNotEmpty
			}
		}
		if _, err := t.exec(`DELETE FROM store`); err != nil {
			return err
		}
		p := h.Position
		_, err := t.exec(`INSERT INTO store ("only", instance, epoch, revision, mark, created_at, closed) VALUES (1, $1, $2, $3, $4, $5, $6)`,
			raw(p.Instance), p.Epoch, p.Revision, p.Mark, micros(h.TakenAt), l.closed)
		return err
	})
}

// Reached implements archive.Target. Of the only row of store it knows nothing, as Begin has made one: it is loaded anew.
func (l *LoadingTarget) Reached(ctx context.Context, table archive.Table) (last archive.Row, rows int64, err error) {
	if table.Name == "store" {
		return nil, 0, nil
	}
	order := strings.Join(quoteEach(table.Key), " DESC, ") + " DESC"
	found, err := l.conn.Query(ctx, `SELECT (SELECT count(*) FROM `+quote(table.Name)+`), `+quoteAll(table.Key)+` FROM `+quote(table.Name)+` ORDER BY `+order+` LIMIT 1`)
	if err != nil {
		return nil, 0, fmt.Errorf("looking for the last row loaded: %w", kindOf(err))
	}
	defer found.Close()
	for found.Next() {
		values, err := valuesOf(found)
		if err != nil {
			return nil, 0, fmt.Errorf("looking for the last row loaded: %w", kindOf(err))
		}
		count, ok := values[0].(int64)
		if !ok {
			return nil, 0, fmt.Errorf("the number of rows is a %T", values[0])
		}
		last, rows = values[1:], count
	}
	if err := found.Err(); err != nil {
		return nil, 0, fmt.Errorf("looking for the last row loaded: %w", kindOf(err))
	}
	return last, rows, nil
}

// Load implements archive.Target. It asks whether the load was given up meanwhile, as one may be that was taken for dead.
func (l *LoadingTarget) Load(ctx context.Context, table archive.Table, rows []archive.Row) error {
	i := slices.IndexFunc(l.shapes, func(s tableShape) bool { return s.Name == table.Name })
	if i < 0 {
		return fmt.Errorf("there is no table %s", table.Name)
	}
	return l.write(ctx, "loading rows", loading(l.closed), func(t *tx) error {
		if table.Name == "store" {
			if _, err := t.exec(`DELETE FROM store`); err != nil {
				return err
			}
		}
		next := pgx.CopyFromSlice(len(rows), func(n int) ([]any, error) { return l.shapes[i].fit(table.Columns, rows[n]) })
		if _, err := t.conn.CopyFrom(t.ctx, pgx.Identifier{table.Name}, table.Columns, next); err != nil {
			return err
		}
		if table.Name == "store" {
			_, err := t.exec(`UPDATE store SET closed = $1`, l.closed)
			return err
		}
		return nil
	})
}

// fit returns the values of a row as the columns here have them.
func (s *tableShape) fit(columns []string, row archive.Row) ([]any, error) {
	fitted := make([]any, len(row))
	for i, value := range row {
		fitted[i] = value
		switch v := value.(type) {
		case []byte:
			if s.types[columns[i]] != "uuid" {
				continue
			}
			if len(v) != 16 {
				return nil, fmt.Errorf("the column %s has an ID of %d bytes", columns[i], len(v))
			}
			fitted[i] = [16]byte(v)
		case int64:
			if s.types[columns[i]] == "boolean" {
				fitted[i] = v != 0
			}
		}
	}
	return fitted, nil
}

// Finish brings the schema up to date, does what a renewal asks for, where there is one, and opens the database, the two in one
// transaction.
func (l *LoadingTarget) Finish(ctx context.Context, h archive.Header, r *archive.Renewal) (o archive.Outcome, err error) {
	if err := migrateTo(ctx, l.dial, newest); err != nil {
		return o, fmt.Errorf("migrating what was loaded: %w", kindOf(err))
	}
	err = l.write(ctx, "opening what was loaded", loading(l.closed), func(t *tx) error {
		if _, err := t.exec(`UPDATE store SET closed = ''`); err != nil {
			return err
		}
		if err := t.keepSequence(h.LastEvent); err != nil {
			return err
		}
		if r != nil {
			o, err = t.renew(r)
		}
		return err
	})
	return o, err
}

// keepSequence has the numbers of events go on above the last one given, although that event may be gone.
func (t *tx) keepSequence(last int64) error {
	_, err := t.exec(`
SELECT setval(pg_get_serial_sequence('audit_event', 'seq'), greatest(n, 1), n > 0)
FROM (SELECT greatest($1::bigint, coalesce(max(seq), 0)) AS n FROM audit_event) AS given`, last)
	return err
}

// GiveUp deletes what the load of a token has loaded, and leaves a database as a node finds it that was never started. It
// returns ErrGivenUp where that isn't being loaded: then nothing is deleted. It takes a connection of its own, since a load that
// was interrupted has lost the other.
func (l *LoadingTarget) GiveUp(ctx context.Context, token string) (err error) {
	conn, err := dialPatiently(ctx, l.dial)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", kindOf(err))
	}
	defer func() { err = errors.Join(err, hangUp(conn)) }()
	beside := &LoadingTarget{conn: conn}
	return beside.write(ctx, "deleting what was loaded", loading(archive.Why(archive.Loading, token)), func(t *tx) error {
		names := make([]string, len(l.shapes))
		for i, shape := range l.shapes {
			names[i] = quote(shape.Name)
		}
		_, err := t.exec(`TRUNCATE ` + strings.Join(names, ", "))
		return err
	})
}

// Close lets go of the database, finished or not.
func (l *LoadingTarget) Close() error { return hangUp(l.conn) }

// SwapClosed changes why a database is closed, if that is the former reason, and returns what it is then. It waits for those
// who write, and whoever writes after asks in the same transaction.
func SwapClosed(ctx context.Context, dsn, former, closed string) (now string, err error) {
	conn, err := connectPatiently(ctx, dsn)
	if err != nil {
		return "", fmt.Errorf("connecting to the database: %w", kindOf(err))
	}
	t := &tx{ctx: ctx, conn: conn, alone: func(found string) error {
		now = found
		return nil
	}}
	err = t.run(func(t *tx) error {
		if err := t.send(new(pgx.Batch)); err != nil || now != former {
			return err
		}
		now = closed
		_, err := t.exec(`UPDATE store SET closed = $1`, closed)
		return err
	})
	if err = errors.Join(err, hangUp(conn)); err != nil {
		return "", fmt.Errorf("closing or opening the database: %w", kindOf(err))
	}
	return now, nil
}
