package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
)

// The service that is called, and the role that opens it.
const (
	serviceHost = "api.example.com"
	partnerRole = "partner"
)

// instance is what the filling has to know of the instance that it fills. Nothing is put in the place of its own pepper,
// which its own master key unwraps: what is measured afterwards is an instance as Jeton made it.
type instance struct {
	digest    func(secret.Text) keyring.Digest // as it stores tokens
	caller    caller
	verifier  string                      // name and secret of the service's verifier, as HTTP Basic has them
	queries   map[sealed.Mode]secret.Text // of calls by sealed tokens
	passwords int                         // how many users have everyonesPassword, from the first
	apiTokens int                         // how many have an API token, from the first

	parents []parent // the API tokens that were filled in
}

// prepareInstance gives a stopped instance the service with its operations and the caller, as Jeton
// itself would write them. The upstream is the API that Jeton's own proxy passes calls on to.
func prepareInstance(ctx context.Context, at home, upstream string, passwords, apiTokens int) (as *instance, err error) {
	as = &instance{passwords: passwords, apiTokens: apiTokens}
	err = at.inside(ctx, func(store store.Store, keys *keyring.Keyring) (err error) {
		as.digest = keys.Digest
		accounts, err := account.New(account.Config{Store: store, Applied: nobodyToTell, Now: time.Now, Random: rand.Reader})
		if err != nil {
			return err
		}
		if as.caller, err = createCaller(ctx, store, keys, accounts); err != nil {
			return err
		}
		id, basic, err := createVerifier(ctx, store, keys, accounts)
		if err != nil {
			return err
		}
		as.verifier = basic
		projectID, queries, err := createProject(ctx, store, keys, accounts)
		if err != nil {
			return err
		}
		as.queries = queries
		reports := catalog.Service{Name: "reports", Host: serviceHost, Verifiers: []uuid.UUID{id}}
		documents := catalog.Service{Name: "documents", Host: documentsHost, Project: projectID}
		proxied := catalog.Service{Name: "proxied", Host: proxiedHost, Route: catalog.Route{Upstream: upstream}}
		return errors.Join(createService(ctx, store, reports), createService(ctx, store, documents), createService(ctx, store, proxied))
	})
	return as, err
}

// openKeyring opens the keyring with the master key of the data folder.
func openKeyring(ctx context.Context, store keyring.Store, data string) (*keyring.Keyring, error) {
	text, err := os.ReadFile(masterKeyIn(data))
	if err != nil {
		return nil, fmt.Errorf("reading the master key: %w", err)
	}
	master, err := keyring.ParseMasterKey(text)
	if err != nil {
		return nil, err
	}
	keys, err := keyring.Open(ctx, keyring.Config{Store: store, Master: master, Now: time.Now, Random: rand.Reader})
	if err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	return keys, nil
}

// createService makes a service that loads call, of which its name and host are given, and what it has of its own.
func createService(ctx context.Context, store store.Store, service catalog.Service) error {
	now := time.Now().UTC().Truncate(time.Microsecond)
	service.ID, service.PathPrefix, service.Default = uuid.Must(uuid.NewV7()), "/", policy.DefaultDeny
	service.Version, service.CreatedAt, service.UpdatedAt = 1, now, now
	target := audit.Target{Kind: "service", ID: service.ID, Name: service.Name}
	if err := store.CreateService(ctx, service, audit.New(audit.ServiceCreate, audit.Actor{}, target, now)); err != nil {
		return fmt.Errorf("making the service: %w", err)
	}
	replaced := audit.New(audit.OperationsReplace, audit.Actor{}, target, now)
	if err := store.ReplaceOperations(ctx, service.ID, service.Version, operations(), replaced); err != nil {
		return fmt.Errorf("making its operations: %w", err)
	}
	return nil
}

// operations are as an API of some size has them, so that the policy has to look for the one that is called. Its
// audience has the caller's role in second place.
func operations() []policy.Operation {
	var all []policy.Operation
	for _, noun := range []string{"invoices", "customers", "reports", "orders"} {
		for _, pattern := range []string{"GET /" + noun, "POST /" + noun, "GET /" + noun + "/{id}", "PUT /" + noun + "/{id}"} {
			all = append(all, policy.Operation{Pattern: pattern, Audience: []policy.Audience{
				policy.RoleAudience("clerk"), policy.RoleAudience(partnerRole),
			}})
		}
	}
	return all
}
