package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
)

const (
	// publicURL is the instance's name, which stands in every signed token: it has to be the same after each start, while the
	// ports are whichever are free. It is what Jeton calls itself on its default port.
	publicURL = "http://127.0.0.1:8080"
	// apiTokenDays is how long API tokens last, as Jeton recommends it.
	apiTokenDays = 30
	// accessTokenLife outlasts every session of the bench, whose tokens are issued before it measures. What a token costs
	// doesn't depend on when it ends.
	accessTokenLife = 24 * time.Hour
)

// parent is an API token that was filled in, and whose it is.
type parent struct{ id, user uuid.UUID }

// noPolicy is for who asks for no scope and no service: nobody looks at it.
func noPolicy() *policy.Table { return nil }

// issueAccess issues an access token for each API token that was filled into a stopped instance: as Jeton does once it has
// verified one, by Jeton's own code, its own key and the record that was filled in.
func issueAccess(ctx context.Context, at home, parents []parent, done *counter) (issued []secret.Text, err error) {
	issued = make([]secret.Text, len(parents))
	err = at.inside(ctx, func(store store.Store, keys *keyring.Keyring) error {
		tokens, err := accesstoken.New(accesstoken.Config{
			Store: store, Keyring: keys, Policy: noPolicy, Applied: nobodyToTell, Issuer: publicURL, Life: accessTokenLife, Now: time.Now,
		})
		if err != nil {
			return err
		}
		hands := runtime.GOMAXPROCS(0)
		errs := make([]error, hands)
		var running sync.WaitGroup
		for hand := range hands {
			running.Go(func() {
				for n := hand; n < len(parents) && errs[hand] == nil; n += hands {
					issued[n], errs[hand] = issueOne(ctx, tokens, parents[n])
					done.add(1)
				}
			})
		}
		running.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		return nil, fmt.Errorf("issuing access tokens: %w", err)
	}
	done.end()
	return issued, nil
}

func issueOne(ctx context.Context, tokens *accesstoken.Tokens, of parent) (secret.Text, error) {
	bearer := authority.Principal{User: authority.User{ID: of.user}, CredentialKind: authority.APIToken, CredentialID: of.id}
	issued, err := tokens.Issue(ctx, &bearer, accesstoken.Ask{})
	return issued.Token, err
}

// writeSigned writes the files of signed tokens: the access tokens shuffled, and the caller's API token. All of a file are of
// one length, since what they say is.
func (t *tokens) writeSigned(dir string, access []secret.Text, apiToken secret.Text) (err error) {
	rand.New(source(accessSeed)).Shuffle(len(access), func(i, j int) { access[i], access[j] = access[j], access[i] })
	if t.access, err = writeSpan(filepath.Join(dir, "access-tokens"), access); err != nil {
		return err
	}
	t.apiToken, err = writeSpan(filepath.Join(dir, "api-token"), []secret.Text{apiToken})
	return err
}

// writeSpan writes a file of credentials, and returns all of it.
func writeSpan(file string, all []secret.Text) (span, error) {
	s := span{file: file, width: len(all[0].Reveal()) + 1, count: len(all)}
	text := make([]byte, 0, s.count*s.width)
	for _, one := range all {
		if len(one.Reveal()) != s.width-1 {
			return span{}, fmt.Errorf("writing the tokens: one has %d characters, and the first has %d", len(one.Reveal()), s.width-1)
		}
		text = append(append(text, one.Reveal()...), '\n')
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return span{}, fmt.Errorf("writing the tokens: %w", err)
	}
	return s, nil
}
