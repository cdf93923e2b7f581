package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/internal/archive"
)

// LoadingTarget is a database file that records are being loaded into. It implements archive.Target. Until Finish the database
// is closed: no server uses it. It isn't safe for concurrent use.
type LoadingTarget struct {
	path   string
	closed string // says that the records of this very load are being loaded
	db     *sql.DB
	t      *tx
	tables []archive.Table // as they are here
}

// OpenTarget opens a database to load records into, and makes it with the schema of that number where there is none: records
// fit the schema in which they were taken, and Finish brings both up to date. The token is that of the load. It returns
// ErrNewerSchema where this Jeton doesn't know the schema.
func OpenTarget(ctx context.Context, path string, schema int64, token string) (_ *LoadingTarget, err error) {
	known, err := newestSchema()
	switch {
	case err != nil:
		return nil, err
	case schema > known:
		return nil, fmt.Errorf("%w (it is %d, this one knows %d)", ErrNewerSchema, schema, known)
	case schema < oldestArchived:
		return nil, fmt.Errorf("records of the schema %d can't be loaded", schema)
	}
	if err := makeFile(path); err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	if err := alone(path, func() error { return migrateTo(ctx, path, uint(schema)) }); err != nil { //nolint:gosec // G115: it is one of those known
		return nil, fmt.Errorf("making the tables: %w", err)
	}
	l := &LoadingTarget{path: path, closed: archive.Why(archive.Loading, token)}
	if l.db, err = connect(path, writerPragmas(), 1); err != nil {
		return nil, err
	}
	conn, err := l.db.Conn(ctx)
	if err == nil {
		l.t, err = newTx(conn)
	}
	if err == nil {
		l.tables, err = archivedTables(ctx, conn)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", kindOf(err)), l.Close())
	}
	return l, nil
}

// State returns where the database stands, and why it is closed; the zero header where it never was used.
func (l *LoadingTarget) State(ctx context.Context) (h archive.Header, err error) {
	p := &h.Position
	err = l.t.conn.QueryRowContext(ctx, `SELECT instance, epoch, revision, mark, closed FROM store`).
		Scan(&p.Instance, &p.Epoch, &p.Revision, &p.Mark, &h.Closed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return h, fmt.Errorf("reading the state of the database: %w", kindOf(err))
	}
	return h, nil
}

// Begin implements archive.Target. What a server that was only just started has left in the row of store goes, and so does
// what a load has that got no further.
func (l *LoadingTarget) Begin(_ context.Context, h archive.Header, tables []archive.Table) error {
	if err := archive.SameTables(tables, l.tables); err != nil {
		return err
	}
	err := l.t.transact(func(t *tx) error {
		if err := t.loading(l.closed); !errors.Is(err, archive.ErrGivenUp) {
			return err // nil where a load goes on
		}
		for _, table := range l.tables {
			if table.Name == "store" {
				continue
			}
			if used, err := t.yes(`SELECT EXISTS (SELECT 1 FROM ` + quote(table.Name) + `)`); err != nil {
				return err
			} else if used {
				return archive.ErrNotEmpty
			}
		}
		return t.claim(h, l.closed)
	})
	if err != nil {
		return fmt.Errorf("beginning to load records: %w", kindOf(err))
	}
	return nil
}

// claim makes the only row of store anew, for a database that is closed.
func (t *tx) claim(h archive.Header, closed string) error {
	if _, err := t.exec(`DELETE FROM store`); err != nil {
		return err
	}
	p := h.Position
	_, err := t.exec(`INSERT INTO store (only, instance, epoch, revision, mark, created_at, closed) VALUES (1, ?, ?, ?, ?, ?, ?)`,
		blob(p.Instance), p.Epoch, p.Revision, p.Mark, micros(h.TakenAt), closed)
	return err
}

// Reached implements archive.Target. Of the only row of store it knows nothing, as Begin has made one: it is loaded anew.
func (l *LoadingTarget) Reached(ctx context.Context, table archive.Table) (last archive.Row, rows int64, err error) {
	if table.Name == "store" {
		return nil, 0, nil
	}
	last = make(archive.Row, len(table.Key))
	to := []any{&rows}
	for i := range last {
		to = append(to, &last[i])
	}
	order := strings.Join(quoteEach(table.Key), " DESC, ") + " DESC"
	query := `SELECT (SELECT count(*) FROM ` + quote(table.Name) + `), ` + quoteAll(table.Key) + ` FROM ` + quote(table.Name) + ` ORDER BY ` + order + ` LIMIT 1`
	err = l.t.conn.QueryRowContext(ctx, query).Scan(to...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, 0, nil
	case err != nil:
		return nil, 0, fmt.Errorf("looking for the last row loaded: %w", kindOf(err))
	}
	return last, rows, nil
}

// Load implements archive.Target. It asks whether the load was given up meanwhile, as one may be that was taken for dead.
func (l *LoadingTarget) Load(_ context.Context, table archive.Table, rows []archive.Row) error {
	err := l.t.transact(func(t *tx) error {
		if err := t.loading(l.closed); err != nil {
			return err
		}
		if table.Name == "store" {
			if _, err := t.exec(`DELETE FROM store`); err != nil {
				return err
			}
		}
		insert := `INSERT INTO ` + quote(table.Name) + ` (` + quoteAll(table.Columns) + `) VALUES (` + placeholders(len(table.Columns)) + `)`
		for _, row := range rows {
			if _, err := t.exec(insert, row...); err != nil {
				return err
			}
		}
		if table.Name == "store" {
			_, err := t.exec(`UPDATE store SET closed = ?`, l.closed)
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("loading rows: %w", kindOf(err))
	}
	return nil
}

// loading makes sure that records are still being loaded, and by whom.
func (t *tx) loading(closed string) error {
	is, err := t.yes(`SELECT EXISTS (SELECT 1 FROM store WHERE closed = ?)`, closed)
	if err == nil && !is {
		err = archive.ErrGivenUp
	}
	return err
}

// Finish brings the schema up to date, does what a renewal asks for, where there is one, and opens the database, the two in one
// transaction.
func (l *LoadingTarget) Finish(ctx context.Context, h archive.Header, r *archive.Renewal) (o archive.Outcome, err error) {
	if err := alone(l.path, func() error { return migrateTo(ctx, l.path, newest) }); err != nil {
		return o, fmt.Errorf("migrating what was loaded: %w", err)
	}
	err = l.t.transact(func(t *tx) error {
		if err := t.loading(l.closed); err != nil {
			return err
		}
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
	if err != nil {
		return o, fmt.Errorf("opening what was loaded: %w", kindOf(err))
	}
	return o, nil
}

// GiveUp deletes what the load of a token has loaded, and leaves a database as a server finds it that was never started. It
// returns ErrGivenUp where that isn't being loaded: then nothing is deleted.
func (l *LoadingTarget) GiveUp(_ context.Context, token string) error {
	err := l.t.transact(func(t *tx) error {
		if err := t.loading(archive.Why(archive.Loading, token)); err != nil {
			return err
		}
		for _, table := range slices.Backward(l.tables) { // what refers before what it refers to
			if _, err := t.exec(`DELETE FROM ` + quote(table.Name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting what was loaded: %w", kindOf(err))
	}
	return nil
}

// keepSequence has the numbers of events go on above the last one given, although that event may be gone.
func (t *tx) keepSequence(last int64) error {
	n, err := t.exec(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'audit_event'`, last)
	if err == nil && n == 0 {
		_, err = t.exec(`INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_event', ?)`, last)
	}
	return err
}

// SwapClosed changes why a database is closed, if that is the former reason, and returns what it is then. Whoever writes asks
// in the same transaction whether it is closed: so what is written is there before SwapClosed returns, or never.
func SwapClosed(ctx context.Context, path, former, closed string) (now string, err error) {
	db, err := connect(path, writerPragmas(), 1)
	if err != nil {
		return "", err
	}
	if _, err = db.ExecContext(ctx, `UPDATE store SET closed = ? WHERE closed = ?`, closed, former); err == nil {
		err = db.QueryRowContext(ctx, `SELECT closed FROM store`).Scan(&now)
	}
	if err = errors.Join(kindOf(err), db.Close()); err != nil {
		return "", fmt.Errorf("closing or opening the database: %w", err)
	}
	return now, nil
}

// Close lets go of the database, finished or not.
func (l *LoadingTarget) Close() error {
	if l.t != nil {
		l.t.release()
	}
	return l.db.Close()
}
