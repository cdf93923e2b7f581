package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

type execFunc = func(query string, args ...any) (int64, error)

// create makes a user of that name.
func create(ctx context.Context, s *sqlite.Store, name string) error {
	r := account.Record{
		User:        account.User{ID: uuid.New(), Kind: account.Person, Username: name, State: account.Active, Version: 1, CreatedAt: now(), UpdatedAt: now()},
		UsernameKey: name,
	}
	return s.CreateUser(ctx, r, "", audit.New(audit.UserCreate, audit.Actor{}, audit.Target{Kind: "user", ID: r.ID}, now()))
}

// exists reports whether there is a user of that name.
func exists(t *testing.T, s *sqlite.Store, name string) bool {
	t.Helper()
	_, err := s.UserByName(t.Context(), name)
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestPragmas(t *testing.T) {
	s := fresh(t)
	common := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "temp_store": "2"}
	for name, want := range common {
		if got, err := s.Setting(t.Context(), name); err != nil || got != want {
			t.Errorf("writer's %s: got %q and error %v, want %q", name, got, err, want)
		}
	}
	common["query_only"] = "1"
	db := s.Reads()
	conns := make([]*sql.Conn, db.Stats().MaxOpenConnections) // every one of the pool, not only the first
	for i := range conns {
		var err error
		if conns[i], err = db.Conn(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conns[i].Close() }()
		for name, want := range common {
			var got string
			if err := conns[i].QueryRowContext(t.Context(), `PRAGMA `+name).Scan(&got); err != nil || got != want {
				t.Errorf("lists' %s: got %q and error %v, want %q", name, got, err, want)
			}
		}
		if _, err := conns[i].ExecContext(t.Context(), `DELETE FROM user`); err == nil {
			t.Error("a reader of lists could write")
		}
	}
	finders := 0
	if err := s.EachFinder(t.Context(), func(ask func(string) (string, error)) {
		finders++
		for name, want := range common {
			if got, err := ask(`PRAGMA ` + name); err != nil || got != want {
				t.Errorf("look-ups' %s: got %q and error %v, want %q", name, got, err, want)
			}
		}
		if _, err := ask(`DELETE FROM user RETURNING 1`); err == nil {
			t.Error("a reader of look-ups could write")
		}
	}); err != nil || finders < 4 {
		t.Errorf("got %d connections for look-ups and error %v, want four or more", finders, err)
	}
}

// TestDetached has a caller's context end while its write runs: the write is finished, and the caller hears of it.
func TestDetached(t *testing.T) {
	s := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Write(ctx, func(exec execFunc) error {
		cancel()
		_, err := exec(`UPDATE store SET master_check = x'01'`)
		return err
	})
	if err != nil {
		t.Errorf("got error %v, want none", err)
	}
	if check, err := s.MasterCheck(t.Context()); err != nil || len(check) != 1 {
		t.Errorf("got check value %x and error %v, want the one written", check, err)
	}
}

// TestNotAccepted has a caller's context end while another's write runs: its own is never done.
func TestNotAccepted(t *testing.T) {
	s := fresh(t)
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
	for name, test := range map[string]struct {
		fail func(execFunc) error
		want func(error) bool
	}{
		"error":    {func(execFunc) error { return failure }, func(err error) bool { return errors.Is(err, failure) }},
		"panic":    {func(execFunc) error { panic("a fault") }, func(err error) bool { return strings.Contains(err.Error(), "a fault") }},
		"SQL":      {func(exec execFunc) error { _, err := exec(`SELEC`); return err }, func(err error) bool { return err != nil }},
		"rollback": {func(exec execFunc) error { _, err := exec(`ROLLBACK`); return errors.Join(err, failure) }, func(err error) bool { return errors.Is(err, failure) }},
		"foreign key": {func(exec execFunc) error {
			_, err := exec(`INSERT INTO user_role (user_id, role) VALUES (x'00', 'r')`)
			return err
		}, func(err error) bool { return err != nil && !errors.Is(err, authority.ErrConflict) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			err := s.Write(t.Context(), func(exec execFunc) error {
				if _, err := exec(`UPDATE store SET master_check = x'01'`); err != nil {
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
			if err := create(t.Context(), s, "next"); err != nil { // the writer goes on
				t.Errorf("got error %v from the next write, want none", err)
			}
		})
	}
}

// TestBusy has another process hold the database: the writer gives up with a kind and goes on when it is free.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	s := open(t, path)
	err := s.Write(t.Context(), func(exec execFunc) error { _, err := exec(`PRAGMA busy_timeout = 1`); return err })
	if err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), s, "a"); !errors.Is(err, authority.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, authority.ErrUnavailable)
	}
	if exists(t, s, "a") {
		t.Error("the refused user is there")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), s, "a"); err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

// TestAlone has another process try to write between the first read of a write and its own: it must wait, or what was
// read would no longer be so.
func TestAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	s := open(t, path)
	other := raw(t, path+"?_pragma=busy_timeout(1)")
	if err := s.Write(t.Context(), func(execFunc) error {
		if _, err := other.Exec(`UPDATE store SET revision = revision + 1`); err == nil {
			t.Error("another process could write meanwhile")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(`UPDATE store SET revision = revision + 1`); err != nil {
		t.Errorf("got error %v after the write, want none", err)
	}
}

// TestCloseWhileWriting closes the store under fire: what was acknowledged is there when it is opened again, what was
// refused isn't, and nobody waits for ever.
func TestCloseWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	s := open(t, path)
	const writers = 64 // so that groups are closed upon
	acknowledged := make([][]string, writers)
	var group, some sync.WaitGroup
	for w := range writers {
		some.Add(1)
		group.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("w%d.%d", w, i)
				err := create(t.Context(), s, name)
				if errors.Is(err, sqlite.ErrClosed) {
					acknowledged[w] = append(acknowledged[w], "!"+name)
					return
				}
				if err != nil {
					t.Errorf("got error %v, want none or %v", err, sqlite.ErrClosed)
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

	s = open(t, path)
	for _, names := range acknowledged {
		for _, name := range names {
			if refused := strings.HasPrefix(name, "!"); exists(t, s, strings.TrimPrefix(name, "!")) == refused {
				t.Errorf("%q is there: %t", name, refused)
			}
		}
	}
}

// TestReopen finds everything again: the records, the place in the feed, and which database it is.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	type state struct {
		Position feed.Position
		Users    []account.User
		Events   []audit.Event
	}
	read := func(s *sqlite.Store) (now state) {
		var errs [3]error
		now.Position, errs[0] = s.Position(t.Context())
		now.Users, errs[1] = s.Users(t.Context(), account.Query{Limit: 10})
		now.Events, errs[2] = s.Events(t.Context(), audit.Query{})
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		return now
	}
	s := open(t, path)
	for _, name := range []string{"a", "b"} {
		if err := create(t.Context(), s, name); err != nil {
			t.Fatal(err)
		}
	}
	users := read(s).Users
	if err := s.DeleteUser(t.Context(), users[0].ID, audit.New(audit.UserDelete, audit.Actor{}, audit.Target{}, now())); err != nil {
		t.Fatal(err)
	}
	before := read(s)
	if p := before.Position; p.Instance == uuid.Nil || p.Epoch != 1 || p.Revision != 1 || p.Mark == 0 {
		t.Errorf("got position %+v, want revision 1 of epoch 1, with a mark", p)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, read(open(t, path))); diff != "" {
		t.Errorf("not the same when opened again (-before +after):\n%s", diff)
	}
}
