package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
)

// What the tests of this package need of its inside.

// Write runs do as a job, with what runs a statement in its transaction.
func (s *Store) Write(ctx context.Context, do func(exec func(query string, args ...any) (int64, error)) error) error {
	return s.write(ctx, "testing", func(t *tx) error { return do(t.exec) })
}

// Find lends a connection as to a look-up.
func (s *Store) Find(ctx context.Context, read func(context.Context, *pgx.Conn) error) error {
	return s.finding(ctx, read)
}

// List lends a connection as to a list.
func (s *Store) List(ctx context.Context, read func(context.Context, *pgx.Conn) error) error {
	return s.listing(ctx, read)
}

// Conns returns how many connections the pools may have: for look-ups, and for all else.
func (s *Store) Conns() (finds, work int32) { return s.finds.most, s.work.most }

// LockNumber is the number of the lock of an ID.
var LockNumber = lockNumber

// Migrating is the number of the lock of migrations.
const Migrating = migrating

// Lookups returns the selects that verdicts wait for, and those of pages of tokens.
func Lookups() map[string]string {
	return map[string]string{
		"personal token":               selectFoundToken,
		"personal token, two peppers":  selectFoundOfTwo,
		"session token":                selectFoundSessionToken,
		"link":                         selectLink,
		"link, of two":                 selectLinkOfTwo,
		"session token, two peppers":   selectFoundSessionOfTwo,
		"console session":              selectSessionConsole,
		"console session, two peppers": selectSessionConsoles,
		"API session":                  selectSessionAPI,
		"API session, two peppers":     selectSessionAPIs,
		"API token":                    selectFoundAPIToken,
		"API token's access token":     selectGroundsOfAPIToken,
		"client's access token":        selectGroundsOfClient,
		"parent":                       selectAPITokenParent,
		"client":                       selectClientParent,
		"user":                         selectUserByID,
		"page of personal tokens":      selectTokensAfter,
		"page of session tokens":       selectSessionTokensAfter,
	}
}

// UsersQuery and APITokensQuery return the selects of lists.
func UsersQuery(q account.Query) (text string, args []any)      { return usersQuery(q) }
func APITokensQuery(q apitoken.Query) (text string, args []any) { return apiTokensQuery(q) }
