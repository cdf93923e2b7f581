package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/store/postgres"
)

// waits waits until a session of the database waits for an advisory lock.
func waits(t *testing.T, db *pgx.Conn) {
	t.Helper()
	until(t, db, some, `
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
}

// TestActorChanging has a transaction of another node be about to enter a change of somebody, who acts meanwhile: what is
// done in its name waits, and is refused when the other has committed, but not when that has rolled back.
func TestActorChanging(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	db := dial(t, dsn)
	actor, session := user("actor"), uuid.New()
	must(t, s.CreateUser(t.Context(), actor, "", did(audit.UserCreate, actor.ID)))
	for _, test := range []struct {
		name    string
		kind    string
		id      uuid.UUID
		commits bool
		want    error
	}{
		{"user changed", "user", actor.ID, true, authority.ErrActorChanged},
		{"user not changed after all", "user", actor.ID, false, nil},
		{"session ended", "browser_session", session, true, authority.ErrActorChanged},
		{"session not ended after all", "browser_session", session, false, nil},
		{"another session ended", "browser_session", uuid.New(), true, nil},
	} {
		head, err := s.ChangesAfter(t.Context(), 0)
		must(t, err)
		other, err := dial(t, dsn).Begin(t.Context())
		must(t, err)
		_, err = other.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1)`, postgres.LockNumber(test.id))
		must(t, err)
		made := user("made " + test.name)
		ev := did(audit.UserCreate, made.ID)
		ev.Actor = audit.Actor{UserID: actor.ID, CredentialKind: "console_session", CredentialID: session, AsOf: headOf(head)}
		done := make(chan error, 1)
		go func() { done <- s.CreateUser(t.Context(), made, "", ev) }()
		if test.id == actor.ID || test.id == session {
			waits(t, db)
		} else {
			must(t, <-done) // it has nothing to wait for
		}
		_, err = other.Exec(t.Context(), `
WITH head AS (UPDATE store SET revision = revision + 1 RETURNING epoch, revision)
INSERT INTO change (revision, epoch, at, kind, id) SELECT revision, epoch, 0, $1, $2 FROM head`, test.kind, [16]byte(test.id))
		must(t, err)
		if test.commits {
			must(t, other.Commit(t.Context()))
		} else {
			must(t, other.Rollback(t.Context()))
		}
		if test.id == actor.ID || test.id == session {
			if err := <-done; !errors.Is(err, test.want) {
				t.Errorf("%s: got error %v, want %v", test.name, err, test.want)
			}
		}
		if got := exists(t, s, made.Username); got != (test.want == nil) {
			t.Errorf("%s: the user made is there: %t, want %t", test.name, got, test.want == nil)
		}
	}
}

// TestActorsTogether has many act in one name at once: they don't wait for each other. A change of the one whose name it is
// waits for them.
func TestActorsTogether(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	actor := user("actor")
	must(t, s.CreateUser(t.Context(), actor, "", did(audit.UserCreate, actor.ID)))
	other, err := dial(t, dsn).Begin(t.Context())
	must(t, err)
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared($1)`, postgres.LockNumber(actor.ID)) // one who acts
	must(t, err)
	for i := range 3 {
		made := user(fmt.Sprint("made", i))
		ev := did(audit.UserCreate, made.ID)
		ev.Actor = audit.Actor{UserID: actor.ID, CredentialKind: "personal_token", CredentialID: actor.ID}
		must(t, s.CreateUser(t.Context(), made, "", ev))
	}
	done := make(chan error, 1)
	go func() { done <- s.ResetPassword(t.Context(), actor.ID, "hash", did(audit.UserPasswordReset, actor.ID)) }()
	waits(t, dial(t, dsn))
	must(t, other.Rollback(t.Context()))
	must(t, <-done)
}

// TestNoDeadlocks has everybody do everything to everybody at once, from two nodes. The server looks for a circle of waiters
// after a second and counts those that it finds: there is none.
func TestNoDeadlocks(t *testing.T) {
	dsn := migrated(t)
	nodes := []*postgres.Store{open(t, dsn), open(t, dsn)}
	users := make([]account.Record, 4)
	for i := range users {
		users[i] = user(fmt.Sprint("user", i))
		users[i].Roles = []string{authority.AdminRole}
		must(t, nodes[0].CreateUser(t.Context(), users[i], "hash", did(audit.UserCreate, users[i].ID)))
	}
	begun := time.Now()
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			for round := range 12 {
				act(t, nodes[worker%2], users, worker, round)
			}
		})
	}
	group.Wait()
	t.Logf("192 changes of four users in %s", time.Since(begun))
	noDeadlocks(t, dsn, nodes)
}

// noDeadlocks closes the nodes of a database and makes sure that its server has found no circle of waiters.
func noDeadlocks(t *testing.T, dsn string, nodes []*postgres.Store) {
	t.Helper()
	db := dial(t, dsn)
	must(t, errors.Join(nodes[0].Close(), nodes[1].Close())) // a session tells what it counted when it ends
	until(t, db, func(n int) bool { return n == 0 }, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	var deadlocks int
	must(t, db.QueryRow(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks))
	if deadlocks != 0 {
		t.Errorf("got %d deadlocks, want none", deadlocks)
	}
}

// act has one user do something to another.
func act(t *testing.T, s *postgres.Store, users []account.Record, worker, round int) {
	ctx := context.Background()
	actor, target := users[(worker+round)%len(users)], users[(worker*7+round*3)%len(users)]
	ev := did(audit.UserUpdate, target.ID)
	head, err := s.ChangesAfter(ctx, 0)
	if err != nil {
		t.Error(err)
		return
	}
	ev.Actor = audit.Actor{UserID: actor.ID, CredentialKind: "console_session", CredentialID: uuid.New(), AsOf: headOf(head)}
	n := worker*100 + round
	switch (worker + round) % 6 {
	case 0:
		err = s.PutPersonalToken(ctx, target.ID, digestOf(n), ev)
	case 1:
		err = s.RevokePersonalToken(ctx, target.ID, ev)
	case 2:
		err = s.ResetPassword(ctx, target.ID, "hash", ev)
	case 3:
		err = begin(ctx, s, target.ID, n, uuid.Nil, ev)
	case 4:
		err = s.TouchPersonalTokens(ctx, []authority.Use{{ID: actor.ID, At: now()}, {ID: target.ID, At: now()}})
	case 5:
		current, reading := s.User(ctx, target.ID)
		if err = reading; err == nil {
			err = s.UpdateUser(ctx, account.Record{User: current, UsernameKey: current.Username}, ev)
		}
	}
	if err != nil && !errors.Is(err, authority.ErrActorChanged) && !errors.Is(err, authority.ErrStale) && !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("worker %d, round %d: %v", worker, round, err)
	}
}
