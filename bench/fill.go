package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/secret"
)

// perTransaction is how many users the filling commits at a time: so many that a commit costs nothing, and few enough
// that Ctrl-C is heard within seconds.
const perTransaction = 50_000

// fill gives a stopped instance, for each token, a user of its own with the role that may call the service, and to the
// first of them a password and an API token.
//
// They are written straight into the tables: by way of the API a million of them would take half an hour, and each API
// token a signature of RSA, which nobody would ever look at. So this file knows the columns of four tables; a test reads
// back by the store what was written here, and fails when they change.
func fill(ctx context.Context, data string, as *instance, live []secret.Text, done *counter) error {
	db, err := sql.Open("sqlite", "file:"+databaseIn(data))
	if err != nil {
		return fmt.Errorf("opening the database to fill it: %w", err)
	}
	f := filler{as: as, random: source(liveSeed), now: time.Now().UnixMicro()}
	err = f.open(ctx, db)
	for len(live) > 0 && err == nil {
		batch := live[:min(perTransaction, len(live))]
		live = live[len(batch):]
		if err = f.write(ctx, batch); err == nil {
			done.add(len(batch))
		}
	}
	if err == nil {
		err = f.settle(ctx)
	}
	if err := errors.Join(err, f.close(), db.Close()); err != nil {
		return fmt.Errorf("filling the database: %w", err)
	}
	done.end()
	return nil
}

// filler writes users and tokens by a connection of its own.
type filler struct {
	as     *instance
	random io.Reader // for the users' IDs
	now    int64     // when all of them were made, in microseconds
	count  int       // of users so far

	conn                         *sql.Conn
	user, roles, token, apiToken *sql.Stmt
}

// open takes the connection and prepares the statements.
//
// The pragmas give up every safety against a crash: a file that was being filled when the bench died is thrown away with
// its folder. A cache of 256 MiB holds the index of digests, the only one whose rows come in no order.
func (f *filler) open(ctx context.Context, db *sql.DB) (err error) {
	if f.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	// A write-ahead log can't be turned off while it is in use: DELETE first ends it.
	if err := f.pragmas(ctx, "journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF",
		"locking_mode = EXCLUSIVE", "cache_size = -262144", "foreign_keys = 0"); err != nil {
		return err
	}
	for query, to := range map[string]**sql.Stmt{
		`INSERT INTO user (id, kind, username, username_key, email, email_key, display_name, state, password, version, created_at, updated_at)
		 VALUES (?1, 'person', ?2, ?3, ?4, ?5, ?6, 'active', nullif(?7, ''), 1, ?8, ?8)`: &f.user,
		`INSERT INTO user_role (user_id, role) VALUES (?, '` + partnerRole + `')`:              &f.roles,
		`INSERT INTO personal_token (user_id, pepper, digest, created_at) VALUES (?, ?, ?, ?)`: &f.token,
		`INSERT INTO api_token (id, user_id, name, name_key, kid, enabled, allowed_ips, rate_calls, rate_seconds, version, created_at, updated_at, expires_at)
		 VALUES (?1, ?2, ?3, ?4, ?5, 1, '', 0, 0, 1, ?6, ?6, ?7)`: &f.apiToken,
	} {
		if *to, err = f.conn.PrepareContext(ctx, query); err != nil { //nolint:sqlclosecheck // close does
			return err
		}
	}
	return nil
}

// write writes the users of a batch in one transaction. It isn't given up half-way: the driver would start a goroutine
// for each statement to watch for that.
func (f *filler) write(ctx context.Context, batch []secret.Text) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := f.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, text := range batch {
		if err := f.writeUser(ctx, text); err != nil {
			return err
		}
	}
	_, err := f.conn.ExecContext(ctx, "COMMIT")
	return err
}

// writeUser writes one user as long as real ones are: names, e-mail and roles take room in the index, too.
func (f *filler) writeUser(ctx context.Context, text secret.Text) error {
	id, err := uuid.NewV7FromReader(f.random)
	if err != nil {
		return err
	}
	f.count++
	name, password := userName(f.count), ""
	if f.count <= f.as.passwords {
		password = f.as.caller.passwordHash
	}
	email, display := name+"@example.com", "User "+hex.EncodeToString(id[13:])
	if _, err := f.user.ExecContext(ctx, id[:], name, account.Key(name), email, account.Key(email), display, password, f.now); err != nil {
		return err
	}
	if _, err := f.roles.ExecContext(ctx, id[:]); err != nil {
		return err
	}
	d := f.as.digest(text)
	if _, err := f.token.ExecContext(ctx, id[:], d.Pepper, d.Sum[:], f.now); err != nil || f.count > f.as.apiTokens {
		return err
	}
	return f.writeAPIToken(ctx, id)
}

// writeAPIToken writes an API token of the user written last: not narrowed, and with the end that is recommended.
func (f *filler) writeAPIToken(ctx context.Context, user uuid.UUID) error {
	id, err := uuid.NewV7FromReader(f.random)
	if err != nil {
		return err
	}
	f.as.parents = append(f.as.parents, parent{id, user})
	name := "Nightly job of " + userName(f.count)
	ends := time.UnixMicro(f.now).Add(apiTokenDays * 24 * time.Hour).Truncate(time.Second).UnixMicro()
	_, err = f.apiToken.ExecContext(ctx, id[:], user[:], name, apitoken.Key(name), f.as.caller.apiTokenKey, f.now, ends)
	return err
}

// userName is the name of the n-th user; the caller is the one before the first.
func userName(n int) string { return fmt.Sprintf("User%07d", n) }

// settle leaves the file as Jeton left it: with a write-ahead log, and on the disk.
func (f *filler) settle(ctx context.Context) error {
	return f.pragmas(ctx, "locking_mode = NORMAL", "synchronous = FULL", "journal_mode = WAL")
}

func (f *filler) pragmas(ctx context.Context, all ...string) error {
	for _, pragma := range all {
		if _, err := f.conn.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return err
		}
	}
	return nil
}

// close gives back what open took, as far as it came.
func (f *filler) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{f.user, f.roles, f.token, f.apiToken} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	if f.conn != nil {
		errs = append(errs, f.conn.Close())
	}
	return errors.Join(errs...)
}
