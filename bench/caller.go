package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/jwks"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store"
)

// callerNumber is the number of the user who calls by password, by cookie and by API token: the filling's users come after
// it.
const callerNumber = 0

// sessionLifetime outlasts every session of the bench.
const sessionLifetime = 24 * time.Hour

// caller is what that user has.
type caller struct {
	// passwordHash is the hash of everyonesPassword as Jeton made it, under the parameters that are Jeton's today: to check a
	// hash under others would take another time, and the right password would then be hashed anew. Others may have the same
	// hash, salt and all: a password is remembered for one name alone.
	passwordHash string
	cookie       secret.Text // for the protected APIs, of the caller's browser
	session      secret.Text // a session token
	apiToken     secret.Text
	apiTokenKey  string // by which that is signed
}

// nobodyToTell hears of changes while no Jeton runs.
func nobodyToTell(context.Context) error { return nil }

// createCaller makes the caller, logs its browser in and makes its API token.
func createCaller(ctx context.Context, store store.Store, keys *keyring.Keyring, accounts *account.Accounts) (c caller, err error) {
	name := userName(callerNumber)
	user, err := accounts.Create(ctx, account.Draft{
		Username: name, Email: name + "@example.com", DisplayName: "User who calls", Roles: []string{partnerRole}, Password: everyonesPassword,
	}, audit.Actor{})
	if err != nil {
		return c, fmt.Errorf("making the caller: %w", err)
	}
	kept, err := store.PasswordByName(ctx, account.Key(name))
	if err != nil {
		return c, fmt.Errorf("reading the caller's password: %w", err)
	}
	c.passwordHash = kept.Hash
	sessions, err := session.NewBrowsers(session.Config{
		Store: store, Keyring: keys, Applied: nobodyToTell, Now: time.Now, Random: source(callerSeed), Idle: sessionLifetime, Lifetime: sessionLifetime,
	})
	if err != nil {
		return c, err
	}
	owner := authority.Principal{User: authority.User{ID: user.ID, Username: name}}
	cookies, err := sessions.Begin(ctx, &owner, [16]byte{}, audit.Actor{Address: clientAddress})
	if err != nil {
		return c, fmt.Errorf("logging the caller in: %w", err)
	}
	c.cookie = cookies.API
	begun, err := session.NewTokens(session.TokenConfig{Store: store, Keyring: keys, Applied: nobodyToTell, Now: time.Now, Random: source(sessionSeed), Lifetime: sessionLifetime})
	if err != nil {
		return c, err
	}
	made, err := begun.Begin(ctx, &owner, audit.Actor{Address: clientAddress})
	if err != nil {
		return c, fmt.Errorf("making the caller's session token: %w", err)
	}
	c.session = made.Text
	tokens, err := apitoken.New(apitoken.Config{
		Store: store, Users: accounts, Keyring: keys, Policy: noPolicy, Applied: nobodyToTell, Issuer: publicURL, Now: time.Now,
	})
	if err != nil {
		return c, err
	}
	text, token, err := tokens.Create(ctx, apitoken.Draft{Name: "The caller's", User: name, Days: apiTokenDays}, &owner, audit.Actor{})
	if err != nil {
		return c, fmt.Errorf("making the caller's API token: %w", err)
	}
	c.apiToken, c.apiTokenKey = text, token.KeyID
	return c, nil
}

// createVerifier makes the service account that asks whose tokens are, for the service, and gives it a secret. It returns its
// ID, and name and secret as HTTP Basic has them.
func createVerifier(ctx context.Context, store store.Store, keys *keyring.Keyring, accounts *account.Accounts) (id uuid.UUID, basic string, err error) {
	const name = "reports-gate"
	user, err := accounts.Create(ctx, account.Draft{Username: name, Kind: account.Service}, audit.Actor{})
	if err != nil {
		return id, "", fmt.Errorf("making the verifier: %w", err)
	}
	sets, err := jwks.New(jwks.Config{Now: time.Now})
	if err != nil {
		return id, "", err
	}
	clients, err := clientauth.New(clientauth.Config{
		Store: store, Users: accounts, Keyring: keys, Applied: nobodyToTell, Audiences: []string{publicURL}, KeySets: sets, Now: time.Now,
		Random: source(verifierSeed),
	})
	if err != nil {
		return id, "", err
	}
	text, _, err := clients.CreateSecret(ctx, name, audit.Actor{})
	if err != nil {
		return id, "", fmt.Errorf("giving the verifier a secret: %w", err)
	}
	return user.ID, base64.StdEncoding.EncodeToString([]byte(name + ":" + text.Reveal())), nil
}
