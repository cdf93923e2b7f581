package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/storetest"
)

// database makes an empty database on the shared server, with the ways to open it.
func database(t *testing.T) storetest.Database {
	dsn := empty(t)
	return storetest.Database{
		Open: func(t *testing.T) (storetest.Archived, error) {
			return postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now})
		},
		Snapshot: func(t *testing.T) archive.Source {
			s, err := postgres.OpenSnapshot(t.Context(), dsn, now)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Target: func(t *testing.T, schema int64, token string) storetest.Target {
			target, err := postgres.OpenTarget(t.Context(), dsn, schema, token)
			if err != nil {
				t.Fatal(err)
			}
			return target
		},
	}
}

// TestArchive holds the store to what carrying its records asks for.
func TestArchive(t *testing.T) { storetest.RunArchive(t, database) }

// TestSnapshotRefuses opens databases that aren't of this Jeton.
func TestSnapshotRefuses(t *testing.T) {
	unused, newer := empty(t), empty(t)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: newer, Now: now})
	if err != nil || s.Close() != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, newer).Exec(t.Context(), `UPDATE schema_migrations SET version = 9999`); err != nil {
		t.Fatal(err)
	}
	for dsn, want := range map[string]error{unused: archive.ErrNoDatabase, newer: postgres.ErrNewerSchema} {
		if s, err := postgres.OpenSnapshot(t.Context(), dsn, now); !errors.Is(err, want) || s != nil {
			t.Errorf("got error %v, want %v", err, want)
		}
	}
	for schema, want := range map[int64]error{5: nil, 9999: postgres.ErrNewerSchema} {
		if target, err := postgres.OpenTarget(t.Context(), unused, schema, "token"); err == nil || want != nil && !errors.Is(err, want) || target != nil {
			t.Errorf("schema %d: got error %v, want %v", schema, err, want)
		}
	}
}

// TestTargetLooksFirst opens databases of other programs to load records into: they stay as they are. What a crash has left of
// Jeton's own is none.
func TestTargetLooksFirst(t *testing.T) {
	const numbers = `CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null)`
	for name, test := range map[string]struct {
		made string
		want error
	}{
		"another program's":             {`CREATE TABLE customer (id bigint)`, archive.ErrOtherTables},
		"that has its migrations":       {numbers + `; CREATE TABLE store (id bigint); INSERT INTO schema_migrations VALUES (6, false)`, archive.ErrOtherTables},
		"in parts":                      {`CREATE TABLE store (id bigint) PARTITION BY RANGE (id)`, archive.ErrOtherTables},
		"a view":                        {`CREATE VIEW customer AS SELECT 1`, nil},
		"elsewhere":                     {`CREATE SCHEMA other; CREATE TABLE other.customer (id bigint)`, nil},
		"Jeton's, before its first one": {numbers + `; INSERT INTO schema_migrations VALUES (6, true)`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := empty(t)
			db := dial(t, dsn)
			_, err := db.Exec(t.Context(), test.made)
			must(t, err)
			const tables = `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`
			var before, after int
			must(t, db.QueryRow(t.Context(), tables).Scan(&before))
			for range 2 { // the second time, Jeton's are there
				target, err := postgres.OpenTarget(t.Context(), dsn, 6, "token")
				if err == nil {
					must(t, target.Close())
				}
				if !errors.Is(err, test.want) {
					t.Errorf("got error %v, want %v", err, test.want)
				}
			}
			must(t, db.QueryRow(t.Context(), tables).Scan(&after))
			if (after == before) != (test.want != nil) {
				t.Errorf("got %d tables after %d", after, before)
			}
		})
	}
}

// TestClosingWaits closes a database while somebody writes: whoever has begun ends first, and what is written is there.
func TestClosingWaits(t *testing.T) {
	dsn := empty(t)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	writer, watcher := dial(t, dsn), dial(t, dsn)
	if _, err := writer.Exec(t.Context(), `BEGIN; SELECT pg_advisory_xact_lock_shared(1785558895, 2)`); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() {
		_, err := postgres.SwapClosed(t.Context(), dsn, "", "moving")
		closed <- err
	}()
	for waiting := false; !waiting; {
		if err := watcher.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-closed:
		t.Errorf("got %v while somebody wrote, want it to wait", err)
	default:
	}
	if _, err := writer.Exec(t.Context(), `UPDATE store SET horizon = 5; COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	var horizon int64
	if err := watcher.QueryRow(t.Context(), `SELECT horizon FROM store WHERE closed = 'moving'`).Scan(&horizon); err != nil || horizon != 5 {
		t.Errorf("got %d, %v, want what was written, in a closed database", horizon, err)
	}
}

// TestSwapClosed closes and opens a database as it is compared to be.
func TestSwapClosed(t *testing.T) {
	dsn := empty(t)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, step := range []struct{ former, closed, want string }{
		{"moved", "", ""}, {"", "moving", "moving"}, {"", "other", "moving"}, {"other", "", "moving"}, {"moving", "moved", "moved"}, {"moved", "", ""},
	} {
		got, err := postgres.SwapClosed(t.Context(), dsn, step.former, step.closed)
		if err != nil || got != step.want {
			t.Errorf("%+v: got %q and error %v", step, got, err)
		}
		if err := s.KeepHorizon(t.Context(), now()); (err == nil) != (got == "") {
			t.Errorf("%+v: got error %v from writing", step, err)
		}
	}
}

// TestGiveUpInterrupted gives a load up whose context ended while the server worked for it, as at SIGTERM: the connection is gone,
// and the rows that were loaded before go all the same.
func TestGiveUpInterrupted(t *testing.T) {
	from, dsn := database(t), empty(t)
	s, err := from.Open(t)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	source := from.Snapshot(t)
	defer func() { _ = source.Close() }()
	target, err := postgres.OpenTarget(t.Context(), dsn, source.Header().Schema, "token")
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Begin(t.Context(), source.Header(), source.Tables()); err != nil {
		t.Fatal(err)
	}
	other, watcher := dial(t, dsn), dial(t, dsn)
	if _, err := other.Exec(t.Context(), `BEGIN; LOCK TABLE pepper`); err != nil {
		t.Fatal(err)
	}
	table := source.Tables()[slices.IndexFunc(source.Tables(), func(t archive.Table) bool { return t.Name == "pepper" })]
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan error, 1)
	go func() {
		loaded <- target.Load(ctx, table, []archive.Row{{int64(0), int64(1), []byte{1}}}) // created_at, version, wrapped
	}()
	for waiting := false; !waiting; {
		if err := watcher.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'relation' AND relation = 'pepper'::regclass AND NOT granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-loaded; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v from loading, want %v", err, context.Canceled)
	}
	if _, err := other.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := target.GiveUp(t.Context(), "token"); err != nil {
		t.Errorf("got error %v from giving up, want none", err)
	}
	if err := target.Close(); err != nil {
		t.Errorf("got error %v from closing", err)
	}
	var rows int64
	if err := watcher.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM store) + (SELECT count(*) FROM pepper)`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("got %d rows and error %v, want none left", rows, err)
	}
}
