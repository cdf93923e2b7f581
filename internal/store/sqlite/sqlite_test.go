package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/store/storetest"
)

// now is the clock of these tests.
func now() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

// open opens the database at a path until the test ends.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Now: now, Reserve: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fresh opens an empty database.
func fresh(t testing.TB) *sqlite.Store {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "data", "jeton.db"))
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return fresh(t) })
}
