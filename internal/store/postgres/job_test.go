package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/test/pg"
)

type execFunc = func(query string, args ...any) (int64, error)

// user returns a user of that name, to be made.
func user(name string) account.Record {
	return account.Record{
		User:        account.User{ID: uuid.New(), Kind: account.Person, Username: name, State: account.Active, Version: 1, CreatedAt: now(), UpdatedAt: now()},
		UsernameKey: name,
	}
}

// did returns an event of Jeton itself about a record.
func did(action audit.Action, id uuid.UUID) audit.Event {
	return audit.New(action, audit.Actor{}, audit.Target{Kind: "user", ID: id}, now())
}

// create makes a user of that name.
func create(ctx context.Context, s *postgres.Store, name string) error {
	r := user(name)
	return s.CreateUser(ctx, r, "", did(audit.UserCreate, r.ID))
}

// exists reports whether there is a user of that name.
func exists(t *testing.T, s *postgres.Store, name string) bool {
	t.Helper()
	_, err := s.UserByName(t.Context(), name)
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// must fails the test at once where a step that is not the one under test went wrong.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDetached has a caller's context end while its write runs: the write is finished, and the caller hears of it.
func TestDetached(t *testing.T) {
	s := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Write(ctx, func(exec execFunc) error {
		cancel()
		_, err := exec(`UPDATE store SET master_check = '\x01'`)
		return err
	})
	if err != nil {
		t.Errorf("got error %v, want none", err)
	}
	if check, err := s.MasterCheck(t.Context()); err != nil || len(check) != 1 {
		t.Errorf("got check value %x and error %v, want the one written", check, err)
	}
}

// TestNotAccepted has a caller's context end while all connections are others': its own write is never done.
func TestNotAccepted(t *testing.T) {
	s := open(t, migrated(t)+"&pool_max_conns=2") // one of them for changes
	ctx, cancel := context.WithCancel(t.Context())
	running, waiting := make(chan struct{}), make(chan error)
	go func() {
		<-running
		go func() { waiting <- create(ctx, s, "late") }()
		cancel()
	}()
	err := s.Write(t.Context(), func(execFunc) error {
		close(running)
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want %v", err, context.Canceled)
		}
		return nil
	})
	if err != nil || exists(t, s, "late") {
		t.Errorf("got error %v; the write that was not accepted is there: %t", err, exists(t, s, "late"))
	}
}

func TestRollback(t *testing.T) {
	failure := errors.New("failed after it had written")
	s := fresh(t)
	for name, test := range map[string]struct {
		fail func(execFunc) error
		want func(error) bool
	}{
		"error":    {func(execFunc) error { return failure }, func(err error) bool { return errors.Is(err, failure) }},
		"panic":    {func(execFunc) error { panic("a fault") }, func(err error) bool { return strings.Contains(err.Error(), "a fault") }},
		"SQL":      {func(exec execFunc) error { _, err := exec(`SELEC`); return err }, func(err error) bool { return err != nil }},
		"ignored":  {func(exec execFunc) error { _, _ = exec(`SELECT 1/0`); return nil }, func(err error) bool { return err != nil && !errors.Is(err, postgres.ErrOutcomeUnknown) }},
		"rollback": {func(exec execFunc) error { _, err := exec(`ROLLBACK`); return errors.Join(err, failure) }, func(err error) bool { return errors.Is(err, failure) }},
		"foreign key": {func(exec execFunc) error {
			_, err := exec(`INSERT INTO user_role (user_id, role) VALUES ('00000000-0000-0000-0000-000000000000', 'r')`)
			return err
		}, func(err error) bool { return err != nil && !errors.Is(err, authority.ErrConflict) }},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Write(t.Context(), func(exec execFunc) error {
				if _, err := exec(`UPDATE store SET master_check = '\x01'`); err != nil {
					t.Error(err)
				}
				return test.fail(exec)
			})
			if err == nil || !test.want(err) {
				t.Errorf("got error %v, not the one wanted", err)
			}
			if check, err := s.MasterCheck(t.Context()); err != nil || len(check) != 0 {
				t.Errorf("got check value %x and error %v, want none", check, err)
			}
			if err := create(t.Context(), s, "next "+name); err != nil {
				t.Errorf("got error %v from the next write, want none", err)
			}
		})
	}
}

// TestBusy has another hold the row that a write needs: it gives up with a kind, and goes on when the row is free.
func TestBusy(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn+"&lock_timeout=50")
	r := user("a")
	must(t, s.CreateUser(t.Context(), r, "", did(audit.UserCreate, r.ID)))
	other, err := dial(t, dsn).Begin(t.Context())
	must(t, err)
	_, err = other.Exec(t.Context(), `SELECT 1 FROM "user" FOR UPDATE`)
	must(t, err)
	update := func() error { return s.UpdateUser(t.Context(), r, did(audit.UserUpdate, r.ID)) }
	if err := update(); !errors.Is(err, authority.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, authority.ErrUnavailable)
	}
	must(t, other.Rollback(t.Context()))
	must(t, update())
}

// TestDeadlock has another transaction wait for what a job holds, and hold what the job wants next: the server undoes one of
// them, and where that is the job, it is run again.
func TestDeadlock(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	must(t, create(t.Context(), s, "a"))
	must(t, create(t.Context(), s, "b"))
	other := dial(t, dsn)
	_, err := other.Exec(t.Context(), `SET deadlock_timeout = '1h'`) // it looks for no circle, so that the job is the one that does
	must(t, err)
	const lock = `SELECT 1 FROM "user" WHERE username = $1 FOR UPDATE`
	runs := 0
	others := make(chan error, 1)
	err = s.Write(t.Context(), func(exec execFunc) error {
		if runs++; runs > 1 {
			must(t, <-others) // else the job may be faster than the one that it was undone for, and the two meet again
		}
		if _, err := exec(lock, "a"); err != nil {
			return err
		}
		if runs == 1 {
			tx, err := other.Begin(t.Context())
			must(t, err)
			_, err = tx.Exec(t.Context(), lock, "b")
			must(t, err)
			go func() {
				_, err := tx.Exec(t.Context(), lock, "a")
				others <- errors.Join(err, tx.Rollback(t.Context()))
			}()
		}
		_, err := exec(lock, "b")
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("got error %v after %d runs, want none after 2", err, runs)
	}
}

// terminate is how a job ends the connection that it runs on.
const terminate = `SELECT pg_terminate_backend(pg_backend_pid())`

// TestLostConnection ends a job's connection before it commits, which undid it: it is run again on another one.
func TestLostConnection(t *testing.T) {
	s := fresh(t)
	runs := 0
	err := s.Write(t.Context(), func(exec execFunc) error {
		runs++
		if _, err := exec(`UPDATE store SET master_check = coalesce(master_check, '') || '\x01'`); err != nil {
			return err
		}
		if runs < 3 {
			_, err := exec(terminate)
			return err
		}
		return nil
	})
	check, reading := s.MasterCheck(t.Context())
	if err != nil || reading != nil || runs != 3 || len(check) != 1 {
		t.Errorf("got %d runs with error %v, and a value of %d bytes with error %v, want 3 runs and what the last wrote", runs, err, len(check), reading)
	}
	runs = 0
	err = s.Write(t.Context(), func(exec execFunc) error {
		runs++
		_, first := exec(`SELECT 1`)
		_, err := exec(terminate)
		return errors.Join(first, err)
	})
	if err == nil || errors.Is(err, postgres.ErrOutcomeUnknown) || runs > 10 {
		t.Errorf("got error %v after %d runs, want an error after a few", err, runs)
	}
}

// TestOutcomeUnknown ends a connection while its commit waits for a standby that there isn't. The change is there, and the
// caller couldn't know: it must not take it for undone, nor is the job run again.
func TestOutcomeUnknown(t *testing.T) {
	server := pg.Start(t)
	dsn := server.DSN("postgres")
	s := open(t, dsn)
	must(t, create(t.Context(), s, "before"))
	other := dial(t, dsn)
	for _, statement := range []string{`ALTER SYSTEM SET synchronous_standby_names = 'none'`, `SELECT pg_reload_conf()`} {
		_, err := other.Exec(t.Context(), statement)
		must(t, err)
	}
	done := make(chan error, 1)
	name := ""
	go func() {
		for n := 0; ; n++ { // the first may be over before its session has read the new setting
			name = fmt.Sprint("waiting", n)
			if err := create(t.Context(), s, name); err != nil {
				done <- err
				return
			}
		}
	}()
	until(t, other, some, `
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'jeton'`)
	if err := <-done; !errors.Is(err, postgres.ErrOutcomeUnknown) || errors.Is(err, authority.ErrBusy) || errors.Is(err, authority.ErrConflict) {
		t.Errorf("got error %v, want %v", err, postgres.ErrOutcomeUnknown)
	}
	if !exists(t, s, name) {
		t.Error("the change isn't there: this test shows nothing")
	}
}

// TestCloseWhileWriting closes the store under fire: what was acknowledged is there when it is opened again, what was
// refused isn't, and nobody waits for ever.
func TestCloseWhileWriting(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	const writers = 8
	acknowledged := make([][]string, writers)
	var group, some sync.WaitGroup
	for w := range writers {
		some.Add(1)
		group.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("w%d.%d", w, i)
				err := create(t.Context(), s, name)
				if errors.Is(err, postgres.ErrClosed) {
					acknowledged[w] = append(acknowledged[w], "!"+name)
					return
				}
				if err != nil {
					t.Errorf("got error %v, want none or %v", err, postgres.ErrClosed)
					return
				}
				acknowledged[w] = append(acknowledged[w], name)
				if i == 3 {
					some.Done()
				}
			}
		})
	}
	some.Wait()
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("got error %v from closing twice, want none", err)
	}
	group.Wait()
	if _, err := s.AnyUser(t.Context()); err == nil {
		t.Error("a closed store could be read")
	}

	s = open(t, dsn)
	for _, names := range acknowledged {
		for _, name := range names {
			if refused := strings.HasPrefix(name, "!"); exists(t, s, strings.TrimPrefix(name, "!")) == refused {
				t.Errorf("%q is there: %t", name, refused)
			}
		}
	}
}

// TestTwoStores has two nodes on one database: what one has written, the other reads.
func TestTwoStores(t *testing.T) {
	dsn := migrated(t)
	first, second := open(t, dsn), open(t, dsn)
	r := user("a")
	must(t, first.CreateUser(t.Context(), r, "", did(audit.UserCreate, r.ID)))
	must(t, second.DeleteUser(t.Context(), r.ID, did(audit.UserDelete, r.ID)))
	if exists(t, first, "a") {
		t.Error("the user that the second store deleted is still there in the first")
	}
	of := func(s *postgres.Store) [2]any {
		batch, err := s.ChangesAfter(t.Context(), 0)
		must(t, err)
		events, err := s.Events(t.Context(), audit.Query{})
		must(t, err)
		return [2]any{batch, events}
	}
	if diff := cmp.Diff(of(first), of(second)); diff != "" {
		t.Errorf("the stores don't agree (-first +second):\n%s", diff)
	}
}
