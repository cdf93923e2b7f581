package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/store/storetest"
)

// database returns a database file that isn't there yet, with the ways to open it.
func database(t *testing.T) storetest.Database {
	path := filepath.Join(t.TempDir(), "jeton.db")
	return storetest.Database{
		Open: func(t *testing.T) (storetest.Archived, error) {
			return sqlite.Open(t.Context(), sqlite.Config{Path: path, Now: now, Reserve: 1 << 16})
		},
		Snapshot: func(t *testing.T) archive.Source {
			s, err := sqlite.OpenSnapshot(t.Context(), path, now)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Target: func(t *testing.T, schema int64, token string) storetest.Target {
			target, err := sqlite.OpenTarget(t.Context(), path, schema, token)
			if err != nil {
				t.Fatal(err)
			}
			return target
		},
	}
}

// TestArchive holds the store to what carrying its records asks for. With -update it keeps the records of the newest schema for
// the stores to come.
func TestArchive(t *testing.T) {
	if *update {
		number := released(t)[len(released(t))-1]
		if err := os.WriteFile("../storetest/testdata/records-"+number+".txt", storetest.Records(t, database(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	storetest.RunArchive(t, database)
}

// TestSnapshotRefuses opens what is no database of this Jeton's, and leaves it alone.
func TestSnapshotRefuses(t *testing.T) {
	dir := t.TempDir()
	missing, other, older, newer := filepath.Join(dir, "missing"), filepath.Join(dir, "other"), filepath.Join(dir, "older"), filepath.Join(dir, "newer")
	run(t, raw(t, other), `CREATE TABLE t (x)`)
	old, err := os.ReadFile("testdata/schema-0005.sql")
	if err != nil {
		t.Fatal(err)
	}
	run(t, raw(t, older), string(old))
	if err := open(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	run(t, raw(t, newer), `PRAGMA user_version = 9999`)
	for path, want := range map[string]error{missing: fs.ErrNotExist, other: nil, older: nil, newer: sqlite.ErrNewerSchema} {
		s, err := sqlite.OpenSnapshot(t.Context(), path, now)
		if err == nil || want != nil && !errors.Is(err, want) || s != nil {
			t.Errorf("%s: got error %v, want %v", filepath.Base(path), err, want)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a database was made by looking for it")
	}
	if got := texts(t, raw(t, older), `PRAGMA user_version`)[0]; got != "5" {
		t.Errorf("got the schema %s, want the 5 that it was", got)
	}
}

func TestTargetRefuses(t *testing.T) {
	for schema, want := range map[int64]error{5: nil, 9999: sqlite.ErrNewerSchema} {
		path := filepath.Join(t.TempDir(), "jeton.db")
		if target, err := sqlite.OpenTarget(t.Context(), path, schema, "token"); err == nil || want != nil && !errors.Is(err, want) || target != nil {
			t.Errorf("schema %d: got error %v, want %v", schema, err, want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("schema %d: a database was made", schema)
		}
	}
}

// TestSwapClosed closes and opens a database as it is compared to be.
func TestSwapClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	s := open(t, path)
	for i, step := range []struct{ former, closed, want string }{
		{"moved", "", ""}, {"", "moving", "moving"}, {"", "other", "moving"}, {"other", "", "moving"}, {"moving", "moved", "moved"}, {"moved", "", ""},
	} {
		got, err := sqlite.SwapClosed(t.Context(), path, step.former, step.closed)
		if err != nil || got != step.want {
			t.Errorf("%+v: got %q and error %v", step, got, err)
		}
		if err := create(t.Context(), s, fmt.Sprint("user", i)); (err == nil) != (got == "") {
			t.Errorf("%+v: got error %v from writing", step, err)
		}
	}
}
