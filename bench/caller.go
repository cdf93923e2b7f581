package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// callerNumber is the number of the user who calls by password and by cookie: the filling's users come after it.
const callerNumber = 0

// sessionLifetime outlasts every session of the bench.
const sessionLifetime = 24 * time.Hour

// createCaller makes the user who calls by password and by cookie, and logs its browser in. It returns the hash of the
// password as Jeton made it, under the parameters that are Jeton's today: to check a hash under others would take another
// time, and the right password would then be hashed anew. Others may have the same hash, salt and all: a password is
// remembered for one name alone.
func createCaller(ctx context.Context, store *sqlite.Store, keys *keyring.Keyring) (hash string, cookie secret.Text, err error) {
	random, nobodyToTell := source(callerSeed), func(context.Context) error { return nil }
	accounts, err := account.New(account.Config{Store: store, Applied: nobodyToTell, Now: time.Now, Random: random})
	if err != nil {
		return "", "", err
	}
	name := userName(callerNumber)
	user, err := accounts.Create(ctx, account.Draft{
		Username: name, Email: name + "@example.com", DisplayName: "User who calls", Roles: []string{partnerRole}, Password: everyonesPassword,
	}, audit.Actor{})
	if err != nil {
		return "", "", fmt.Errorf("making the caller: %w", err)
	}
	kept, err := store.PasswordByName(ctx, account.Key(name))
	if err != nil {
		return "", "", fmt.Errorf("reading the caller's password: %w", err)
	}
	sessions, err := session.NewBrowsers(session.Config{
		Store: store, Keyring: keys, Applied: nobodyToTell, Now: time.Now, Random: random, Idle: sessionLifetime, Lifetime: sessionLifetime,
	})
	if err != nil {
		return "", "", err
	}
	owner := authority.Principal{User: authority.User{ID: user.ID, Username: name}}
	cookies, err := sessions.Begin(ctx, &owner, [16]byte{}, audit.Actor{Address: clientAddress})
	if err != nil {
		return "", "", fmt.Errorf("logging the caller in: %w", err)
	}
	return kept.Hash, cookies.API, nil
}
