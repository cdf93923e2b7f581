package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/test/pg"
)

// ear listens on a store and counts what it hears.
type ear struct {
	hints chan struct{}
	ended chan struct{}
	stop  context.CancelFunc
}

// listens has a store listen until the test ends.
func listens(t *testing.T, s *postgres.Store) ear {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := ear{hints: make(chan struct{}, 1000), ended: make(chan struct{}), stop: cancel}
	go func() {
		defer close(e.ended)
		s.Listen(ctx, func() { e.hints <- struct{}{} })
	}()
	t.Cleanup(func() {
		cancel()
		<-e.ended
	})
	return e
}

// hears waits for a hint.
func (e ear) hears(t *testing.T, what string) {
	t.Helper()
	select {
	case <-e.hints:
	case <-time.After(10 * time.Second):
		t.Fatalf("heard nothing of %s", what)
	}
}

// change makes a change of the feed.
func change(t *testing.T, s *postgres.Store) {
	t.Helper()
	r := user("user" + time.Now().Format(time.RFC3339Nano))
	must(t, s.CreateUser(t.Context(), r, "", did(audit.UserCreate, r.ID)))
	must(t, s.UpdateUser(t.Context(), r, did(audit.UserUpdate, r.ID)))
}

// TestListen has one node hear of another's changes, and not of what changes no verdict; and hear again after its connection
// was ended, and after the server was gone. Each time that it begins to hear it takes a hint for given.
func TestListen(t *testing.T) {
	server := pg.Start(t)
	dsn := server.DSN("postgres")
	var failures atomic.Int64
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now, Report: func(error) { failures.Add(1) }})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	other := open(t, dsn)
	e := listens(t, s)
	e.hears(t, "its beginning")
	change(t, other)
	begun := time.Now()
	e.hears(t, "the change of another node")
	t.Logf("heard of another node's change %s after it was acknowledged", time.Since(begun))
	change(t, s)
	e.hears(t, "its own change")

	must(t, create(t.Context(), other, "alice")) // no change of the feed
	_, err = dial(t, dsn).Exec(t.Context(), `NOTIFY jeton_change`)
	must(t, err)
	e.hears(t, "the test's own")
	if n := len(e.hints); n != 0 {
		t.Errorf("got %d hints of what nobody need hear", n)
	}

	if failures.Load() != 0 {
		t.Errorf("got %d failures before there was one", failures.Load())
	}
	_, err = dial(t, dsn).Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN jeton_change'`)
	must(t, err)
	e.hears(t, "its new beginning")
	change(t, other)
	e.hears(t, "a change after its connection was ended")
	if failures.Load() == 0 {
		t.Error("the end of the connection wasn't reported")
	}

	must(t, server.Stop("immediate"))
	must(t, server.Run())
	e.hears(t, "its beginning after the server's")
	change(t, other)
	e.hears(t, "a change after the server was gone")
	e.stop()
	<-e.ended
}

// TestManyHints makes many changes at once: hints come, and no more than changes.
func TestManyHints(t *testing.T) {
	dsn := migrated(t)
	s := open(t, dsn)
	e := listens(t, open(t, dsn))
	e.hears(t, "its beginning")
	const changes = 50
	for range changes {
		change(t, s)
	}
	for sent := false; !sent; { // what this test sends last comes after every hint that was sent before
		e.hears(t, "the changes")
		batch, err := s.ChangesAfter(t.Context(), 0)
		must(t, err)
		sent = headOf(batch) == changes
	}
	t.Logf("%d changes, at least %d hints", changes, 1+len(e.hints))
}
