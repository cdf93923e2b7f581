package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// group is a store whose callers are taken one after the other and done in one transaction.
type group struct {
	t     *testing.T
	s     *sqlite.Store
	held  *sqlite.Held
	users []uuid.UUID
	step  time.Duration // by how much the clock goes on each time it is looked at
	jobs  []string      // what each is
	errs  []chan error
}

// grouped opens a store with some users "u0", "u1" …, each with a token of its own number, and holds its callers from then on.
func grouped(t *testing.T, users int) *group {
	t.Helper()
	g := &group{t: t, s: open(t, filepath.Join(t.TempDir(), "jeton.db"))}
	for n := range users {
		name := fmt.Sprint("u", n)
		if err := errors.Join(create(t.Context(), g.s, name), putToken(t, g.s, n)); err != nil {
			t.Fatal(err)
		}
		u, err := g.s.UserByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		g.users = append(g.users, u.ID)
	}
	var err error
	clock := now()
	if g.held, err = g.s.Hold(t.Context(), func() time.Time {
		clock = clock.Add(g.step)
		return clock
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.held.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// submit has the next caller submit a change, and returns when that was taken.
func (g *group) submit(what string, change func(context.Context) error) {
	result := make(chan error, 1)
	go func() { result <- change(g.t.Context()) }()
	g.held.Take()
	g.jobs, g.errs = append(g.jobs, what), append(g.errs, result)
}

// do does what was taken and returns what each caller was told. The last transaction of all must have had so many changes.
func (g *group) do(last int) (told []error) {
	g.t.Helper()
	g.held.Do()
	for _, result := range g.errs {
		told = append(told, <-result)
	}
	if got := g.held.Last(); got != last {
		g.t.Errorf("the last transaction was of %d changes, want %d", got, last)
	}
	return told
}

// rotate gives the n-th user another token, in somebody's name.
func (g *group) rotate(n, token int, actor audit.Actor) func(context.Context) error {
	return func(ctx context.Context) error {
		return g.s.PutPersonalToken(ctx, g.users[n], digestOf(token), audit.New(audit.PersonalTokenRotate, actor, audit.Target{Kind: "personal_token", ID: g.users[n]}, now()))
	}
}

// revoke ends the n-th user's token.
func (g *group) revoke(n int) func(context.Context) error {
	return func(ctx context.Context) error {
		return g.s.RevokePersonalToken(ctx, g.users[n], audit.New(audit.PersonalTokenRevoke, audit.Actor{}, audit.Target{Kind: "personal_token", ID: g.users[n]}, now()))
	}
}

// make makes a user of that name.
func (g *group) make(name string) func(context.Context) error {
	return func(ctx context.Context) error { return create(ctx, g.s, name) }
}

// expect holds what the callers were told against what they should have been: nil, or a kind of error.
func (g *group) expect(told []error, want ...error) {
	g.t.Helper()
	for i, err := range told {
		if want[i] == nil && err != nil || !errors.Is(err, want[i]) {
			g.t.Errorf("%s: got error %v, want %v", g.jobs[i], err, want[i])
		}
	}
}

// TestGroup does twelve changes in one transaction. Those that fail, whatever for, fail alone; those that come after see what
// those before have done; and the feed has what was done in its order.
func TestGroup(t *testing.T) {
	g := grouped(t, 6)
	before, err := g.s.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	as := func(n int) audit.Actor {
		return audit.Actor{UserID: g.users[n], CredentialKind: authority.PersonalToken.String(), CredentialID: g.users[n], AsOf: before.Revision}
	}
	failure := errors.New("failed after it had written")
	broken := func(fail func(exec execFunc) error) func(context.Context) error {
		return func(ctx context.Context) error {
			return g.s.Write(ctx, func(exec execFunc) error {
				if _, err := exec(`UPDATE store SET revision = revision + 1000, master_check = x'01'`); err != nil {
					return err
				}
				return fail(exec)
			})
		}
	}
	g.submit("a rotation", g.rotate(0, 100, as(0)))
	g.submit("a revocation", g.revoke(1))
	g.submit("a rotation by the token revoked", g.rotate(1, 101, as(1)))
	g.submit("a rotation for nobody", func(ctx context.Context) error {
		return g.s.PutPersonalToken(ctx, uuid.New(), digestOf(102), audit.New(audit.PersonalTokenRotate, audit.Actor{}, audit.Target{}, now()))
	})
	g.submit("a new user", g.make("new"))
	g.submit("another of the same name", g.make("new"))
	g.submit("an error", broken(func(execFunc) error { return failure }))
	g.submit("a panic", broken(func(execFunc) error { panic(failure) }))
	g.submit("a fault", broken(func(exec execFunc) error { _, err := exec(`SELEC`); return errors.Join(err, failure) }))
	g.submit("a second revocation", g.revoke(1))
	g.submit("another's rotation", g.rotate(2, 103, as(2)))
	g.submit("the same user's next", g.rotate(2, 104, audit.Actor{}))
	told := g.do(12)
	if err := told[7]; err == nil || !strings.Contains(err.Error(), failure.Error()) {
		t.Errorf("a panic: got error %v, want it to tell of %q", err, failure)
	}
	told[7] = failure
	g.expect(told, nil, nil, authority.ErrActorChanged, authority.ErrNotFound, nil, authority.ErrConflict,
		failure, failure, failure, authority.ErrNotFound, nil, nil)

	batch, err := g.s.ChangesAfter(t.Context(), before.Revision)
	if err != nil {
		t.Fatal(err)
	}
	marks := map[int64]bool{}
	var got []feed.Change
	for _, c := range batch.Changes {
		marks[c.Mark] = true
		c.Mark, c.At, c.Gone = 0, time.Time{}, false
		got = append(got, c)
	}
	var want []feed.Change
	for i, n := range []int{0, 1, 2, 2} {
		want = append(want, feed.Change{Revision: before.Revision + int64(i) + 1, Kind: feed.PersonalToken, ID: g.users[n]})
	}
	if diff := cmp.Diff(want, got); diff != "" || batch.Head.Revision != before.Revision+4 || len(marks) != 4 {
		t.Errorf("the feed has a head of %d, %d marks, and (-want +got):\n%s", batch.Head.Revision, len(marks), diff)
	}
	if check, err := g.s.MasterCheck(t.Context()); err != nil || len(check) != 0 {
		t.Errorf("got check value %x and error %v, want nothing of what was undone", check, err)
	}
	events, err := g.s.Events(t.Context(), audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var actions []audit.Action
	for _, ev := range events[:5] { // newest first
		actions = append(actions, ev.Action)
	}
	if diff := cmp.Diff([]audit.Action{audit.PersonalTokenRotate, audit.PersonalTokenRotate, audit.UserCreate, audit.PersonalTokenRevoke, audit.PersonalTokenRotate}, actions); diff != "" || len(events) != 12+5 {
		t.Errorf("got %d events, the newest five (-want +got):\n%s", len(events), diff)
	}
}

// TestGroupCommitFails has the commit of a group fail: each caller is told so, also the one that was refused for the sake of what
// was then undone, and nothing is there.
func TestGroupCommitFails(t *testing.T) {
	for name, test := range map[string]struct {
		last  string
		fails bool
	}{
		// A reference into nothing that is looked at by the commit alone.
		"failing": {`INSERT INTO user_role (user_id, role) VALUES (x'00', 'r')`, true},
		"holding": {`DELETE FROM user_role WHERE user_id = x'00' AND role = 'r'`, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := grouped(t, 1)
			g.submit("a rotation", g.rotate(0, 100, audit.Actor{}))
			g.submit("a new user", g.make("new"))
			g.submit("another of the same name", g.make("new"))
			g.submit("what the commit refuses", func(ctx context.Context) error {
				return g.s.Write(ctx, func(exec execFunc) error {
					_, err := exec(`PRAGMA defer_foreign_keys = on`)
					if err == nil {
						_, err = exec(test.last)
					}
					return err
				})
			})
			told := g.do(4)
			if !test.fails {
				g.expect(told, nil, nil, authority.ErrConflict, nil)
				return
			}
			for i, err := range told {
				if err == nil || !strings.Contains(err.Error(), "committing") || errors.Is(err, authority.ErrConflict) {
					t.Errorf("%s: got error %v, want that of the commit", g.jobs[i], err)
				}
			}
			if exists(t, g.s, "new") {
				t.Error("the user is there")
			}
			g.jobs, g.errs = nil, nil
			g.submit("the user again", g.make("new")) // the writer goes on
			g.expect(g.do(1), nil)
		})
	}
}

// TestGroupUndone has a job undo the whole transaction, as SQLite itself does after some failures: the others are done all the
// same, each once.
func TestGroupUndone(t *testing.T) {
	for name, place := range map[string]int{"first": 0, "midst": 1, "last": 2} {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/silent %t", name, silent), func(t *testing.T) {
				g := grouped(t, 3)
				failure := errors.New("undone")
				for n := range 3 {
					if n != place {
						g.submit(fmt.Sprint("rotation ", n), g.rotate(n, 100+n, audit.Actor{}))
						continue
					}
					g.submit("what undoes", func(ctx context.Context) error {
						return g.s.Write(ctx, func(exec execFunc) error {
							if _, err := exec(`ROLLBACK`); err != nil || silent {
								return err
							}
							return failure
						})
					})
				}
				g.held.Do()
				for n, result := range g.errs {
					switch err := <-result; {
					case n == place && (err == nil || !silent && !errors.Is(err, failure)):
						t.Errorf("%s: got error %v, want one", g.jobs[n], err)
					case n != place && err != nil:
						t.Errorf("%s: got error %v, want none", g.jobs[n], err)
					}
				}
				batch, err := g.s.ChangesAfter(t.Context(), 0)
				if err != nil || len(batch.Changes) != 2 {
					t.Errorf("got %d changes and error %v, want 2", len(batch.Changes), err)
				}
			})
		}
	}
}

// TestGroupFull has the file grow to a bound in the midst of a group: what there is no room for is refused, the others are
// done, in whatever order they came.
func TestGroupFull(t *testing.T) {
	for name, place := range map[string]int{"first": 0, "midst": 1, "last": 2} {
		t.Run(name, func(t *testing.T) {
			g := grouped(t, 3)
			if err := g.held.Exec(`PRAGMA max_page_count = 1`); err != nil { // as many as there are
				t.Fatal(err)
			}
			want := make([]error, 3)
			for n := range 3 {
				if n != place {
					g.submit(fmt.Sprint("revocation ", n), g.revoke(n))
					continue
				}
				g.submit("something large", func(ctx context.Context) error {
					return g.s.Write(ctx, func(exec execFunc) error {
						_, err := exec(`INSERT INTO pepper (wrapped, created_at) VALUES (zeroblob(1000000), 0)`)
						return err
					})
				})
				want[n] = authority.ErrStorageFull
			}
			g.held.Do()
			for n, result := range g.errs {
				if err := <-result; want[n] == nil && err != nil || !errors.Is(err, want[n]) {
					t.Errorf("%s: got error %v, want %v", g.jobs[n], err, want[n])
				}
			}
			batch, err := g.s.ChangesAfter(t.Context(), 0)
			if err != nil || len(batch.Changes) != 2 {
				t.Errorf("got %d changes and error %v, want 2", len(batch.Changes), err)
			}
		})
	}
}

// TestGroupIsBounded has more callers wait than one transaction takes, and transactions take longer than others may wait for.
func TestGroupIsBounded(t *testing.T) {
	const callers = 100
	for name, test := range map[string]struct {
		step          time.Duration
		commits, last int
	}{
		"by number": {0, 2, callers - 64},
		"by time":   {time.Millisecond, 20, 5},
	} {
		t.Run(name, func(t *testing.T) {
			g := grouped(t, callers)
			g.step = test.step
			for n := range callers {
				g.submit(fmt.Sprint("rotation ", n), g.rotate(n, 1000+n, audit.Actor{}))
			}
			commits := 0
			if err := g.held.OnCommit(func() { commits++ }); err != nil {
				t.Fatal(err)
			}
			g.expect(g.do(test.last), make([]error, callers)...)
			if commits != test.commits {
				t.Errorf("got %d commits of %d changes, want %d", commits, callers, test.commits)
			}
		})
	}
}
