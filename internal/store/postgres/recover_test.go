package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/test/pg"
)

// warm has every connection of a store used just now. A slow machine may take longer to make them than a look-up waits.
func warm(t *testing.T, s *postgres.Store, id uuid.UUID) {
	t.Helper()
	var group sync.WaitGroup
	patiently := func(do func() error) {
		err := do()
		for begun := time.Now(); err != nil && time.Since(begun) < 20*time.Second; {
			err = do()
		}
		if err != nil {
			t.Error(err)
		}
	}
	for range 32 {
		group.Go(func() {
			for range 10 {
				patiently(func() error { _, err := s.User(context.Background(), id); return err })
			}
		})
		group.Go(func() {
			patiently(func() error { return s.TouchPersonalTokens(context.Background(), []authority.Use{{ID: id, At: now()}}) })
		})
	}
	group.Wait()
}

// comesBack makes sure that look-ups and changes succeed within two seconds from now, and from then on.
func comesBack(t *testing.T, s *postgres.Store, id uuid.UUID) {
	t.Helper()
	begun := time.Now()
	for _, try := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"a look-up", func(ctx context.Context) error { _, err := s.User(ctx, id); return err }},
		{"a change", func(ctx context.Context) error { return create(ctx, s, uuid.NewString()) }},
		{"a list", func(ctx context.Context) error { _, err := s.Users(ctx, account.Query{Limit: 1}); return err }},
	} {
		for failures := 0; ; failures++ {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			err := try.do(ctx)
			cancel()
			if err == nil {
				t.Logf("%s succeeded %s after the database came back, and failed %d times before", try.what, time.Since(begun), failures)
				break
			}
			if time.Since(begun) > 2*time.Second {
				t.Fatalf("%s: got error %v for more than two seconds", try.what, err)
			}
		}
	}
	warm(t, s, id)
}

// fails makes sure that look-ups, more at once than there are connections, end soon, each with an error that doesn't mean that
// there is no such record.
func fails(t *testing.T, s *postgres.Store, id uuid.UUID, most time.Duration) {
	t.Helper()
	var group sync.WaitGroup
	for what, ask := range map[string]func() error{
		"user": func() error { _, err := s.User(t.Context(), id); return err },
		"token": func() error {
			_, err := s.FindPersonalToken(t.Context(), []keyring.Digest{digestOf(1)})
			return err
		},
		"feed": func() error { _, err := s.ChangesAfter(t.Context(), 0); return err },
	} {
		for range 10 {
			group.Go(func() {
				begun := time.Now()
				err := ask()
				if took := time.Since(begun); took > most {
					t.Errorf("%s: a look-up without a database took %s, want no more than %s", what, took, most)
				}
				if err == nil || errors.Is(err, authority.ErrNotFound) || errors.Is(err, authority.ErrConflict) {
					t.Errorf("%s: got error %v without a database, want one that says nothing of the record", what, err)
				}
			})
		}
	}
	group.Wait()
}

// TestServerGone takes the server away in each way that there is, under a store with warm connections, and brings it back.
func TestServerGone(t *testing.T) {
	server := pg.Start(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log:\n%s", server.Log())
		}
	})
	s := open(t, server.DSN("postgres"))
	r := user("alice")
	must(t, s.CreateUser(t.Context(), r, "", did(audit.UserCreate, r.ID)))
	for _, test := range []struct {
		name       string
		take, give func() error
		most       time.Duration
	}{
		{"stopped", func() error { return server.Stop("fast") }, server.Run, time.Second},
		{"killed", server.Kill, server.Run, time.Second},
		{"hung", server.Pause, server.Resume, 2500 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			warm(t, s, r.ID)
			must(t, test.take())
			for range 3 {
				fails(t, s, r.ID, test.most)
			}
			must(t, test.give())
			comesBack(t, s, r.ID)
		})
	}
}

// TestConnectionsEnded ends every connection at once: no caller of the store notices.
func TestConnectionsEnded(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	r := user("alice")
	must(t, s.CreateUser(t.Context(), r, "", did(audit.UserCreate, r.ID)))
	db := dial(t, dsn)
	for range 3 {
		warm(t, s, r.ID)
		until(t, db, func(n int) bool { return n == 0 },
			`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		_, err := s.User(t.Context(), r.ID)
		must(t, err)
		_, err = s.Users(t.Context(), account.Query{Limit: 1})
		must(t, err)
		must(t, create(t.Context(), s, uuid.NewString())) // though every connection for changes is broken
	}
}

// TestListsWait has more lists at once than there is room for, all of which wait for a lock: look-ups and changes go on.
func TestListsWait(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	r := user("alice")
	must(t, s.CreateUser(t.Context(), r, "", did(audit.UserCreate, r.ID)))
	other, err := dial(t, dsn).Begin(t.Context())
	must(t, err)
	_, err = other.Exec(t.Context(), `LOCK TABLE api_token IN ACCESS EXCLUSIVE MODE`)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	lists := make(chan error)
	const many = 40
	for range many {
		go func() { _, err := s.APITokenByName(ctx, "a"); lists <- err }()
	}
	until(t, dial(t, dsn), func(n int) bool { return n >= 4 }, `SELECT count(*) FROM pg_locks WHERE relation = 'api_token'::regclass AND NOT granted`)
	for range 20 {
		begun := time.Now()
		_, err := s.User(t.Context(), r.ID)
		must(t, err)
		must(t, s.TouchPersonalTokens(t.Context(), []authority.Use{{ID: r.ID, At: now()}}))
		if took := time.Since(begun); took > time.Second {
			t.Errorf("a look-up and a change took %s beside lists that wait", took)
		}
	}
	cancel()
	for range many {
		if err := <-lists; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v from a list whose caller went, want %v", err, context.Canceled)
		}
	}
	must(t, other.Rollback(t.Context()))
}
