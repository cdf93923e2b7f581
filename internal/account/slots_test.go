package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

func nothing(context.Context) error { return nil }

// annID is the ID of oneUser's user.
var annID = uuid.UUID{1}

// oneUser is a store of one user and her guests, that answers nothing else. A test in a bubble can't wait for a real database.
type oneUser struct {
	account.Store
	hash string
	fail error
}

func (o oneUser) PasswordByName(_ context.Context, key string) (account.Credentials, error) {
	if o.fail != nil {
		return account.Credentials{}, o.fail
	}
	switch {
	case key == "ann":
		return account.Credentials{UserID: annID, Hash: o.hash}, nil
	case strings.HasPrefix(key, "guest"):
		return account.Credentials{UserID: uuid.NewSHA1(annID, []byte(key)), Hash: o.hash, Blocked: key == "guest blocked"}, nil
	}
	return account.Credentials{}, authority.ErrNotFound
}

// User finds ann as she was a moment ago, by any ID: since then the name may have become another's.
func (o oneUser) User(_ context.Context, id uuid.UUID) (account.User, error) {
	return account.User{ID: id, Username: "ann"}, nil
}

// PasswordKnownFrom knows no address, and NotePasswordFrom keeps none.
func (o oneUser) PasswordKnownFrom(context.Context, uuid.UUID, string, time.Time) (bool, error) {
	return false, nil
}

func (o oneUser) NotePasswordFrom(context.Context, uuid.UUID, string, time.Time, int) error {
	return nil
}

// CreateUser takes any user and keeps none.
func (o oneUser) CreateUser(context.Context, account.Record, string, audit.Event) error { return nil }

func (o oneUser) UpgradePassword(context.Context, uuid.UUID, string, string) error { return nil }

// gate is a source of randomness that keeps whoever reads from it, and with it a password slot, until it is opened.
type gate struct {
	*random
	open chan struct{}
}

func (g *gate) Read(b []byte) (int, error) {
	<-g.open
	return g.random.Read(b)
}

// TestSlots fills the only slot and the queue before it.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{newRandom(), make(chan struct{})}
		close(g.open)
		a, err := account.New(account.Config{Store: oneUser{hash: argon2Hash}, Applied: nothing, Now: time.Now, Random: g, PasswordSlots: 1})
		if err != nil {
			t.Fatal(err)
		}
		began := a.Hashed()
		g.open = make(chan struct{})
		results := make(chan error, 30)
		var calls atomic.Uint32
		prove := func(ctx context.Context, name string) {
			from := netip.AddrFrom4([4]byte{10, 0, 0, byte(calls.Add(1))}) // each another, for an address may have few at once
			_, err := a.Prove(ctx, authority.Credential{Kind: authority.Password, Name: name, Text: "password", From: from})
			results <- err
		}
		// The password is right and its hash imported: the upgrade draws a salt, and hangs at the gate with its slot.
		go prove(t.Context(), "ann")
		synctest.Wait()
		if got := a.Hashed() - began; got != 2 {
			t.Fatalf("got %d hashes begun, want the upgrade at the gate", got)
		}
		giveUp, cancel := context.WithCancel(t.Context())
		for n := range 20 {
			go prove(t.Context(), fmt.Sprint("nobody", n))
		}
		go prove(giveUp, "nobody")
		synctest.Wait()

		// One hangs in the slot and 21 wait: there is no room for another, whoever it is.
		for _, name := range []string{"ann", "somebody"} {
			prove(t.Context(), name)
			if err := <-results; !errors.Is(err, authority.ErrBusy) {
				t.Errorf("%s: got %v before a full queue, want ErrBusy", name, err)
			}
		}
		if got := a.Hashed() - began; got != 2 || len(results) != 0 {
			t.Errorf("got %d hashes and %d answers, want everybody waiting", got, len(results))
		}

		// One gives up and hears so. Its guess is looked at all the same, for whoever else waits for it.
		go prove(t.Context(), "nobody")
		synctest.Wait()
		cancel()
		if err := <-results; !errors.Is(err, authority.ErrBusy) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v for who gave up, want ErrBusy and the context's error", err)
		}
		synctest.Wait()
		if len(results) != 0 {
			t.Errorf("got %v, want the same guess shared", <-results)
		}
		// A new password doesn't queue with the guesses.
		created := make(chan error, 1)
		go func() {
			_, err := a.Create(t.Context(), account.Draft{Username: "bob", Password: password}, root)
			created <- err
		}()
		synctest.Wait()

		close(g.open)
		admitted, unknown := 0, 0
		for range 22 {
			err := <-results
			if ref, ok := errors.AsType[*authority.Refusal](err); ok && ref.Reason == authority.ReasonUnknownUser {
				unknown++
			} else if err == nil {
				admitted++
			}
		}
		if err := <-created; err != nil {
			t.Errorf("got %v for a new password behind a full queue, want none", err)
		}
		if admitted != 1 || unknown != 21 || a.Hashed()-began != 24 {
			t.Errorf("got %d admitted, %d unknown, %d hashes, want 1, 21, 24", admitted, unknown, a.Hashed()-began)
		}
		// Every place is free again.
		prove(t.Context(), "ann")
		if err := <-results; err != nil {
			t.Errorf("got %v after the flood, want the password right", err)
		}
	})
}

// TestFaults: what can't be found out is neither right nor wrong.
func TestFaults(t *testing.T) {
	down := errors.New("down")
	for what, store := range map[string]oneUser{
		"a database that is down": {fail: down}, "a hash that can't be read": {hash: "$argon2id$v=19$m=1$$"},
	} {
		a, err := account.New(account.Config{Store: store, Applied: nothing, Now: time.Now, Random: newRandom()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Prove(t.Context(), authority.Credential{Kind: authority.Password, Name: "ann", Text: password})
		if _, refused := errors.AsType[*authority.Refusal](err); err == nil || refused || errors.Is(err, down) != (store.fail != nil) {
			t.Errorf("%s: got %v, want an error and no verdict", what, err)
		}
		if err := a.ChangePassword(t.Context(), uuid.UUID{1}, password, password, root); err == nil || fieldOf(err) != "" {
			t.Errorf("%s: got %v for a change, want an error and no complaint", what, err)
		}
	}
	a, err := account.New(account.Config{Store: oneUser{hash: argon2Hash}, Applied: nothing, Now: time.Now, Random: newRandom()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.ChangePassword(t.Context(), uuid.UUID{2}, "password", password, root); !errors.Is(err, authority.ErrStale) {
		t.Errorf("got %v by the password of another who has the name now, want ErrStale", err)
	}
}

func TestConfig(t *testing.T) {
	good := account.Config{Store: oneUser{}, Applied: nothing, Now: time.Now, Random: newRandom()}
	if _, err := account.New(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*account.Config){
		"no store": func(c *account.Config) { c.Store = nil }, "no Applied": func(c *account.Config) { c.Applied = nil },
		"no clock": func(c *account.Config) { c.Now = nil }, "no randomness": func(c *account.Config) { c.Random = nil },
		"negative slots": func(c *account.Config) { c.PasswordSlots = -1 },
	} {
		cfg := good
		change(&cfg)
		if a, err := account.New(cfg); err == nil || a != nil {
			t.Errorf("%s: got %v, want an error", what, a)
		}
	}
}
