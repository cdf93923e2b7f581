package feed_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// process is what one of two Jetons on one file has of its own.
type process struct {
	store   *sqlite.Store
	feed    *feed.Feed
	applied []feed.Change
}

func open(t *testing.T, path string) *process {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &process{store: store}
	apply := func(_ context.Context, c feed.Change) error { p.applied = append(p.applied, c); return nil }
	if p.feed, err = feed.New(feed.Config{Store: store, Apply: apply, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	p.hears(t, "at the start", uuid.Nil)
	return p
}

// hears catches up and compares what was applied.
func (p *process) hears(t *testing.T, when string, want ...uuid.UUID) {
	t.Helper()
	p.applied = nil
	if err := p.feed.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []uuid.UUID
	for _, c := range p.applied {
		got = append(got, c.ID)
	}
	if !cmp.Equal(got, want) {
		t.Errorf("%s: got %v applied, want %v", when, got, want)
	}
}

// TestTwoProcesses has two stores on one file hear of each other's changes, and of nothing that takes nothing away.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	here, there := open(t, path), open(t, path)
	now := time.Now().UTC()
	create := func(name string) account.Record {
		u := account.User{ID: uuid.Must(uuid.NewV7()), Kind: account.Person, Username: name, State: account.Active, Version: 1, CreatedAt: now, UpdatedAt: now}
		r := account.Record{User: u, UsernameKey: name}
		if err := here.store.CreateUser(t.Context(), r, "", audit.New(audit.UserCreate, audit.Actor{}, audit.Target{}, now)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, second := create("first"), create("second")
	there.hears(t, "after issuing")

	change := func(store *sqlite.Store, r *account.Record) {
		r.State = account.Blocked
		if err := store.UpdateUser(t.Context(), *r, audit.New(audit.UserUpdate, audit.Actor{}, audit.Target{}, now)); err != nil {
			t.Fatal(err)
		}
		r.Version++
	}
	change(here.store, &first)
	change(there.store, &second)
	change(here.store, &first)
	here.hears(t, "of three changes", first.ID, second.ID, first.ID)
	there.hears(t, "of three changes", first.ID, second.ID, first.ID)
	here.hears(t, "again")

	// One that was away for longer than rows are kept forgets everything; one that wasn't doesn't.
	change(there.store, &second)
	here.hears(t, "of one change", second.ID)
	if _, err := here.store.PruneChanges(t.Context(), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	here.hears(t, "after pruning")
	there.hears(t, "after pruning", uuid.Nil)
}
