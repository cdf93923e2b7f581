package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/google/uuid"
)

// maxDigests bounds how many tokens the selects go round: their pages of the index are many times SQLite's cache.
const maxDigests = 200_000

// selectTokens selects tokens by their digests, one after the other in no order. It reads the one column that Jeton
// can't do without.
func selectTokens(ctx context.Context, conn *sql.Conn) (func() error, error) {
	digests, err := blobs(ctx, conn, `SELECT digest FROM personal_token WHERE digest IS NOT NULL ORDER BY random() LIMIT ?`, maxDigests)
	if err != nil {
		return nil, err
	}
	stmt, err := conn.PrepareContext(ctx, `SELECT user_id FROM personal_token WHERE pepper = 1 AND digest = ?`) //nolint:sqlclosecheck // it lives as long as conn
	if err != nil {
		return nil, err
	}
	n := 0
	return func() error {
		n++
		var id []byte
		return stmt.QueryRowContext(ctx, digests[n%len(digests)]).Scan(&id)
	}, nil
}

// insertTokens gives the spare users new tokens, each with an audit event as long as Jeton's. It leaves out what Jeton
// adds to that, above all the row by which other nodes hear that the former token died.
func insertTokens(ctx context.Context, conn *sql.Conn) (func() error, error) {
	users, err := blobs(ctx, conn, `SELECT id FROM user ORDER BY username_key DESC LIMIT ?`, spareUsers)
	if err != nil {
		return nil, err
	}
	var stmts []*sql.Stmt
	for _, query := range []string{
		`BEGIN IMMEDIATE`,
		`UPDATE personal_token SET former_pepper = pepper, former_digest = digest, digest = ?2, created_at = ?3 WHERE user_id = ?1`,
		`INSERT INTO audit_event (id, at, action, actor_id, actor_name, actor_credential_kind, actor_credential_id, actor_address,
			target_kind, target_id, target_name, reason, door, count)
		 VALUES (?2, ?3, 'personal_token.rotate', ?1, 'User0000001', 'personal_token', ?1, '192.0.2.7',
			'personal_token', ?1, 'User0000001', '', '', 1)`,
		`COMMIT`,
	} {
		stmt, err := conn.PrepareContext(ctx, query) //nolint:sqlclosecheck // it lives as long as conn
		if err != nil {
			return nil, err
		}
		stmts = append(stmts, stmt)
	}
	n := 0
	return func() error {
		n++
		user, now := users[n%len(users)], time.Now().UnixMicro()
		digest, event := fakeDigest(), uuid.New()
		for i, args := range [][]any{nil, {user, digest, now}, {user, event[:], now}, nil} {
			if _, err := stmts[i].ExecContext(ctx, args...); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// fakeDigest returns 32 bytes that fall anywhere in the index of digests, as real ones do.
func fakeDigest() []byte {
	a, b := uuid.New(), uuid.New()
	return append(a[:], b[:]...)
}

// blobs returns the only column of a select, which must find something.
func blobs(ctx context.Context, conn *sql.Conn, query string, limit int) ([][]byte, error) {
	rows, err := conn.QueryContext(ctx, query, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all [][]byte
	for rows.Next() {
		var one []byte
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, sql.ErrNoRows
	}
	return all, nil
}
