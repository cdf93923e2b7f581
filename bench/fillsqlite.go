package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// sqliteWriter writes batches into a file of SQLite, by a connection of its own.
type sqliteWriter struct {
	db      *sql.DB
	conn    *sql.Conn
	indexes []string // statements that make those which were dropped
}

// openSQLiteWriter opens the database of a data folder.
func openSQLiteWriter(ctx context.Context, path string) (*sqliteWriter, error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, fmt.Errorf("opening the database to fill it: %w", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database to fill it: %w", err), db.Close())
	}
	return &sqliteWriter{db: db, conn: conn}, nil
}

// begin takes the indexes away, which are sorted once at the end and not searched for each row. A write-ahead log can't be
// turned off while it is in use: DELETE first ends it.
func (w *sqliteWriter) begin(ctx context.Context) error {
	if err := w.pragmas(ctx, "journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF",
		"locking_mode = EXCLUSIVE", "cache_size = -524288", "temp_store = MEMORY", "foreign_keys = 0"); err != nil {
		return err
	}
	names, err := w.listIndexes(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := w.conn.ExecContext(ctx, `DROP INDEX "`+name+`"`); err != nil {
			return fmt.Errorf("dropping an index: %w", err)
		}
	}
	return nil
}

// listIndexes returns the names of the indexes, and keeps what makes them anew.
func (w *sqliteWriter) listIndexes(ctx context.Context) (names []string, err error) {
	rows, err := w.conn.QueryContext(ctx, `SELECT name, sql FROM sqlite_schema
		WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('user', 'user_role', 'personal_token', 'api_token') ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, statement string
		if err := rows.Scan(&name, &statement); err != nil {
			return nil, err
		}
		names, w.indexes = append(names, name), append(w.indexes, statement)
	}
	return names, rows.Err()
}

// step is a statement of a transaction.
type step struct {
	query string
	args  []any
}

// numbers counts from 0 up to a parameter, inside the database.
const numbers = `WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < ?1) `

// write writes the users of a batch in one transaction, and each table of it by one statement: names, e-mail and roles are as
// long as real ones, since they take room in the index, too. It isn't given up half-way: the driver would start a goroutine for each
// statement to watch for that.
func (w *sqliteWriter) write(ctx context.Context, b *batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	steps := []step{
		{query: `BEGIN`},
		{
			query: `INSERT INTO user (id, kind, username, username_key, email, email_key, display_name, state, password, version, created_at, updated_at) ` + numbers +
				`SELECT substr(?2, 1 + 16 * i, 16), 'person', printf('User%07d', ?3 + i), printf('user%07d', ?3 + i), printf('User%07d@example.com', ?3 + i),
				printf('user%07d@example.com', ?3 + i), 'User ' || lower(hex(substr(?2, 14 + 16 * i, 3))), 'active', iif(i < ?4, ?5, NULL), 1, ?6, ?6 FROM number`,
			args: []any{b.count, b.ids, b.first, b.passwords, b.hash, b.at},
		},
		{
			query: `INSERT INTO user_role (user_id, role) ` + numbers + `SELECT substr(?2, 1 + 16 * i, 16), '` + partnerRole + `' FROM number`,
			args:  []any{b.count, b.ids},
		},
		{
			query: `INSERT INTO personal_token (user_id, pepper, digest, created_at) ` + numbers +
				`SELECT substr(?2, 1 + 16 * i, 16), ?3, substr(?4, 1 + 32 * i, 32), ?5 FROM number`,
			args: []any{b.count, b.ids, b.pepper, b.digests, b.at},
		},
	}
	if parents := len(b.apiTokens) / 16; parents > 0 {
		steps = append(steps, step{
			query: `INSERT INTO api_token (id, user_id, name, name_key, kid, enabled, allowed_ips, rate_calls, rate_seconds, version, created_at, updated_at, expires_at) ` + numbers +
				`SELECT substr(?2, 1 + 16 * i, 16), substr(?3, 1 + 16 * i, 16), printf('Nightly job of User%07d', ?4 + i), printf('nightly job of user%07d', ?4 + i),
				?5, 1, '', 0, 0, 1, ?6, ?6, ?7 FROM number`,
			args: []any{parents, b.apiTokens, b.ids, b.first, b.keyID, b.at, b.ends},
		})
	}
	for _, s := range append(steps, step{query: `COMMIT`}) {
		if _, err := w.conn.ExecContext(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// settle makes the indexes anew, and gives the file a write-ahead log again.
func (w *sqliteWriter) settle(ctx context.Context) error {
	for _, statement := range slices.Concat([]string{"PRAGMA threads = 2"}, w.indexes) {
		if _, err := w.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("making an index: %w", err)
		}
	}
	return w.pragmas(ctx, "locking_mode = NORMAL", "synchronous = FULL", "journal_mode = WAL")
}

func (w *sqliteWriter) pragmas(ctx context.Context, all ...string) error {
	for _, pragma := range all {
		if _, err := w.conn.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return err
		}
	}
	return nil
}

// Close gives back the connection.
func (w *sqliteWriter) Close() error { return errors.Join(w.conn.Close(), w.db.Close()) }
