package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
)

// postgresWriter writes batches into a database of PostgreSQL. It needs a role that may leave out triggers.
type postgresWriter struct {
	conn    *pgx.Conn
	indexes []string // statements that make those which were dropped
}

// openPostgresWriter connects to a database.
func openPostgresWriter(ctx context.Context, dsn string) (*postgresWriter, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the database to fill it: %w", err)
	}
	return &postgresWriter{conn: conn}, nil
}

// begin takes the indexes away but for those of primary keys, and has nobody look whether what is referred to is there.
func (w *postgresWriter) begin(ctx context.Context) error {
	if err := w.exec(ctx, `SET session_replication_role = replica`, `SET synchronous_commit = off`, `SET maintenance_work_mem = '512MB'`); err != nil {
		return err
	}
	rows, err := w.conn.Query(ctx, `SELECT i.indexname, i.indexdef FROM pg_indexes i
		WHERE i.schemaname = current_schema() AND i.tablename IN ('user', 'user_role', 'personal_token', 'api_token')
			AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)`)
	if err != nil {
		return err
	}
	type index struct{ Name, Statement string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return err
	}
	for _, i := range found {
		if err := w.exec(ctx, `DROP INDEX `+pgx.Identifier{i.Name}.Sanitize()); err != nil {
			return err
		}
		w.indexes = append(w.indexes, i.Statement)
	}
	return nil
}

// write copies the users of a batch into each table.
func (w *postgresWriter) write(ctx context.Context, b *batch) error {
	id := func(of []byte, n int) uuid.UUID { return uuid.UUID(of[16*n : 16*n+16]) }
	return errors.Join(
		w.copy(ctx, "user", b.count, []string{"id", "kind", "username", "username_key", "email", "email_key", "display_name", "state", "password", "version", "created_at", "updated_at"}, func(n int) []any {
			name, user := userName(b.first+n), id(b.ids, n)
			var password any
			if n < b.passwords {
				password = b.hash
			}
			email := name + "@example.com"
			return []any{user, "person", name, account.Key(name), email, account.Key(email), "User " + hex.EncodeToString(user[13:]), "active", password, int64(1), b.at, b.at}
		}),
		w.copy(ctx, "user_role", b.count, []string{"user_id", "role"}, func(n int) []any {
			return []any{id(b.ids, n), partnerRole}
		}),
		w.copy(ctx, "personal_token", b.count, []string{"user_id", "pepper", "digest", "created_at"}, func(n int) []any {
			return []any{id(b.ids, n), b.pepper, b.digests[32*n : 32*n+32], b.at}
		}),
		w.copy(ctx, "api_token", len(b.apiTokens)/16, []string{"id", "user_id", "name", "name_key", "kid", "enabled", "allowed_ips", "rate_calls", "rate_seconds", "version", "created_at", "updated_at", "expires_at"}, func(n int) []any {
			name := "Nightly job of " + userName(b.first+n)
			return []any{id(b.apiTokens, n), id(b.ids, n), name, apitoken.Key(name), b.keyID, true, "", int64(0), int64(0), int64(1), b.at, b.at, b.ends}
		}),
	)
}

// copy copies rows into a table.
func (w *postgresWriter) copy(ctx context.Context, table string, count int, columns []string, row func(n int) []any) error {
	if count == 0 {
		return nil
	}
	_, err := w.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(count, func(n int) ([]any, error) { return row(n), nil }))
	if err != nil {
		return fmt.Errorf("copying into %s: %w", table, err)
	}
	return nil
}

// settle makes the indexes anew, tells the planner what is there, and has all of it written to the disk: a checkpoint of gigabytes
// in the middle of a measurement would be part of that.
func (w *postgresWriter) settle(ctx context.Context) error {
	return errors.Join(w.exec(ctx, w.indexes...), w.exec(ctx, `VACUUM ANALYZE`, `CHECKPOINT`))
}

func (w *postgresWriter) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := w.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the connection.
func (w *postgresWriter) Close() error { return w.conn.Close(context.Background()) }
