package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
)

const (
	// documentsHost is the host of the service that takes sealed tokens. It is a service of its own, so that none of the others'
	// calls has its query looked at.
	documentsHost = "documents.example.com"
	// securityContext is that of the project.
	securityContext = "MySecurityContext"
	// sealedLife is as long as a token can count, and outlasts every session of the bench.
	sealedLife = 24 * time.Hour
)

// createProject makes the project with a token set of each mode, and seals for each the tokens of a call by the caller: as a part
// of a query, where they are the credential.
func createProject(ctx context.Context, store store.Store, keys *keyring.Keyring, accounts *account.Accounts) (id uuid.UUID, queries map[sealed.Mode]secret.Text, err error) {
	projects, err := project.New(project.Config{
		Store: store, Users: accounts, Keyring: keys, Applied: nobodyToTell, Revision: func() int64 { return 0 }, Parameters: xdoc.Parameters(), Now: time.Now, Pause: func(context.Context, time.Duration) {}, Random: rand.Reader,
	})
	if err != nil {
		return uuid.Nil, nil, err
	}
	made, err := projects.Create(ctx, project.Draft{Number: project.DefaultNumber, Name: "XDOC", SecurityContext: securityContext, MaxAge: sealedLife}, audit.Actor{})
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("making the project: %w", err)
	}
	queries = map[sealed.Mode]secret.Text{}
	for _, mode := range []sealed.Mode{sealed.GCM, sealed.CBC} {
		set, key, err := projects.AddSet(ctx, made.Number, project.SetDraft{Name: string(mode), Mode: new(string(mode))}, audit.Actor{})
		if err != nil {
			return uuid.Nil, nil, fmt.Errorf("making a token set: %w", err)
		}
		if queries[mode], err = sealCall(&set.Settings, key); err != nil {
			return uuid.Nil, nil, err
		}
	}
	return made.ID, queries, nil
}

// sealCall seals a security token and a user token of the sizes of the product's own samples.
func sealCall(settings *sealed.Settings, key secret.Text) (secret.Text, error) {
	cipher, err := sealed.New(*settings, key)
	if err != nil {
		return "", fmt.Errorf("sealing tokens: %w", err)
	}
	now := time.Now().Format("2006-01-02T15:04:05-07:00")
	query := url.Values{}
	for parameter, text := range map[string]string{
		xdoc.Parameters().Security: "<SecurityToken>\r\n    <Context>" + securityContext + "</Context>\r\n    <AppId>MyAppId</AppId>\r\n    <AppKey>MyAppKey</AppKey>\r\n    <GenDT>" + now + "</GenDT>\r\n</SecurityToken>",
		xdoc.Parameters().User:     "<UserToken>\r\n    <UserName>" + userName(callerNumber) + "</UserName>\r\n    <Display>John Doe</Display>\r\n</UserToken>",
	} {
		token, err := cipher.Seal(rand.Reader, []byte(text), sealed.Bound(project.DefaultNumber, parameter))
		if err != nil {
			return "", fmt.Errorf("sealing a token: %w", err)
		}
		text, _ := sealed.Encode(token)
		query.Set(parameter, text)
	}
	return secret.Text(query.Encode()), nil
}

// writeSealed writes the files of sealed tokens, of one call each.
func (t *tokens) writeSealed(dir string, queries map[sealed.Mode]secret.Text) (err error) {
	if t.sealedGCM, err = writeSpan(filepath.Join(dir, "sealed-gcm"), []secret.Text{queries[sealed.GCM]}); err != nil {
		return err
	}
	t.sealedCBC, err = writeSpan(filepath.Join(dir, "sealed-cbc"), []secret.Text{queries[sealed.CBC]})
	return err
}

// askBySealed is what nginx sends to Jeton's gateway where the call has its credential in the query.
func askBySealed(address string) request {
	return request{
		head: "GET /auth-request HTTP/1.1\r\nHost: " + address + "\r\nX-Original-URL: https://" + documentsHost + "/reports/7?",
		tail: "\r\nX-Original-Method: GET\r\nX-Real-IP: " + clientAddress + "\r\n\r\n",
	}
}

// askBySealed is a load of one client whose tokens are remembered.
func (b *bench) askBySealed(j *jeton, tokens span) load {
	l := b.ask(j, tokens, fixed, http.StatusOK)
	l.request = askBySealed(j.gateway)
	return l
}
