package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// There are three ways to read, by what a caller waits for:
//
//	find   one row of a hot select, prepared: a verdict waits for it
//	reads  a list or a rare row, parsed each time: a person waits for it
//	view   several selects that must agree, as of one moment

// lookups are the selects of a verdict that memory can't give, kept prepared: parsing one takes longer than running it.
type lookups struct {
	tokenByDigest, tokenByTwoDigests              *sql.Stmt
	formerToken                                   *sql.Stmt
	sessionByConsole, sessionByAPI                *sql.Stmt
	sessionToken, sessionTokenByID                *sql.Stmt
	user, userByName, userByEmail, passwordByName *sql.Stmt
	passwordAddress                               *sql.Stmt
	apiToken                                      *sql.Stmt
	groundsOfAPIToken, groundsOfClient            *sql.Stmt
	clientSecret, clientKeys                      *sql.Stmt
	platform, platformNamed                       *sql.Stmt
	platformKeys                                  *sql.Stmt
	signingKey                                    *sql.Stmt
	changes                                       *sql.Stmt
}

// prepare prepares the hot selects. They live as long as db does.
func prepare(ctx context.Context, db *sql.DB) (l lookups, err error) {
	for query, to := range map[string]**sql.Stmt{
		selectTokenByDigest:        &l.tokenByDigest,
		selectTokenByTwoDigests:    &l.tokenByTwoDigests,
		selectFormerToken:          &l.formerToken,
		selectSessionByConsole:     &l.sessionByConsole,
		selectSessionByAPI:         &l.sessionByAPI,
		selectSessionTokenByDigest: &l.sessionToken,
		selectSessionTokenByID:     &l.sessionTokenByID,
		selectUserByID:             &l.user,
		selectUserByName:           &l.userByName,
		selectUserByEmail:          &l.userByEmail,
		selectPasswordByName:       &l.passwordByName,
		selectPasswordAddress:      &l.passwordAddress,
		selectFoundAPIToken:        &l.apiToken,
		selectGroundsOfAPIToken:    &l.groundsOfAPIToken,
		selectGroundsOfClient:      &l.groundsOfClient,
		selectSecretByDigest:       &l.clientSecret,
		selectKeysByName:           &l.clientKeys,
		selectPlatformByID:         &l.platform,
		selectPlatformNamed:        &l.platformNamed,
		selectPlatformKeys:         &l.platformKeys,
		selectHasSigningKey:        &l.signingKey,
		selectChanges:              &l.changes,
	} {
		if *to, err = db.PrepareContext(ctx, query); err != nil { //nolint:sqlclosecheck // closed with db
			return lookups{}, fmt.Errorf("preparing a select: %w", err)
		}
	}
	return l, nil
}

// scanner is a row that can be read: *sql.Row or *sql.Rows.
type scanner interface {
	Scan(dest ...any) error
}

// find runs a hot select. It takes microseconds, so the context is asked before and not watched: that would cost two
// goroutines, and more time than the select itself.
func find(ctx context.Context, stmt *sql.Stmt, args ...any) scanner {
	if err := ctx.Err(); err != nil {
		return failed{err}
	}
	return stmt.QueryRowContext(context.WithoutCancel(ctx), args...)
}

// failed is a row that could not be had.
type failed struct{ err error }

// Scan implements scanner.
func (f failed) Scan(...any) error { return f.err }

// one reads a single row, with the kind of what went wrong: ErrNotFound where there is none.
func one(row scanner, doing string, dest ...any) error {
	if err := row.Scan(dest...); err != nil {
		return fmt.Errorf("%s: %w", doing, kindOf(err))
	}
	return nil
}

// all reads every row of a select, each by read. It takes the error of the select itself, so that a caller has one to
// check, and never returns a part of the rows as if it were the whole.
func all[T any](rows *sql.Rows, err error, read func(scanner) (T, error)) (list []T, _ error) {
	if err != nil {
		return nil, kindOf(err)
	}
	defer rows.Close()
	for rows.Next() {
		item, err := read(rows)
		if err != nil {
			return nil, kindOf(err)
		}
		list = append(list, item)
	}
	return list, kindOf(rows.Err())
}

// view runs read on the database as of one moment: what is committed meanwhile, its selects don't see. In WAL mode it
// keeps no writer waiting.
func (s *Store) view(ctx context.Context, read func(*sql.Tx) error) (err error) {
	snapshot, err := s.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return kindOf(err)
	}
	defer func() {
		if end := snapshot.Rollback(); end != nil && !errors.Is(end, sql.ErrTxDone) && err == nil {
			err = end
		}
	}()
	return read(snapshot)
}
