package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// TestFindScans puts what a look-up finds into each type of place, and nothing into a place that isn't made for it: a NULL
// that passed for a zero would be the worst of all.
func TestFindScans(t *testing.T) {
	s := fresh(t)
	var (
		text   string
		number int64
		yes    bool
		raw    []byte
		null   sql.NullInt64
		state  account.State
	)
	if err := s.Find(t.Context(), `SELECT ?, ?, 1, ?, NULL, 'active'`, "a\x00b", int64(-7), []byte{1, 2}).Scan(
		&text, &number, &yes, &raw, &null, &state); err != nil {
		t.Fatal(err)
	}
	if text != "a\x00b" || number != -7 || !yes || string(raw) != "\x01\x02" || null.Valid || state != account.Active {
		t.Errorf("got %q, %d, %t, %x, %v, %q", text, number, yes, raw, null, state)
	}
	for what, tc := range map[string]struct {
		text string
		to   any
	}{
		"NULL for a text":      {`SELECT NULL`, &text},
		"NULL for a number":    {`SELECT NULL`, &number},
		"NULL for a truth":     {`SELECT NULL`, &yes},
		"NULL for a state":     {`SELECT NULL`, &state},
		"a text for a number":  {`SELECT '7'`, &number},
		"a number for a text":  {`SELECT 7`, &text},
		"bytes for a text":     {`SELECT x'00'`, &text},
		"a text for bytes":     {`SELECT 'a'`, &raw},
		"a number for a state": {`SELECT 7`, &state},
		"a text for a float":   {`SELECT '7'`, new(float64)},
		"a text for no place":  {`SELECT '7'`, text},
	} {
		if err := s.Find(t.Context(), tc.text).Scan(tc.to); err == nil || errors.Is(err, sql.ErrNoRows) {
			t.Errorf("%s: got error %v, want one that says so", what, err)
		}
	}
	if err := s.Find(t.Context(), `SELECT 1, 2`).Scan(&number); err == nil {
		t.Error("two columns went into one place")
	}
	if err := s.Find(t.Context(), `SELECT 1 WHERE false`).Scan(&number); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("without a row: got error %v, want %v", err, sql.ErrNoRows)
	}
	if err := s.Find(t.Context(), `SELECT nonsense`).Scan(&number); err == nil {
		t.Error("nonsense found a row")
	}
	if err := s.Find(t.Context(), `SELECT ?`, struct{}{}).Scan(&number); err == nil {
		t.Error("a value of no type of SQLite's was asked for")
	}
}

// TestFindWaits lends all connections of the look-ups. One more waits for as long as its caller likes, and has its turn when
// one is given back.
func TestFindWaits(t *testing.T) {
	s := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	var n int64
	asked := make(chan error, 1)
	if err := s.EachFinder(t.Context(), func(func(string) (string, error)) {}, func() {
		cancel()
		if err := s.Find(ctx, `SELECT 1`).Scan(&n); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want %v", err, context.Canceled)
		}
		go func() { asked <- s.Find(t.Context(), `SELECT 1`).Scan(&n) }()
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-asked; err != nil || n != 1 {
		t.Errorf("got %d and error %v once there was room, want 1", n, err)
	}
}

// TestFindClosed closes the store while many look up: each has its answer, or hears that the store is closed.
func TestFindClosed(t *testing.T) {
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var looking sync.WaitGroup
	began := make(chan struct{}, 64)
	for range 64 {
		looking.Go(func() {
			for {
				var n int64
				err := s.Find(t.Context(), `SELECT 1`).Scan(&n)
				select {
				case began <- struct{}{}:
				default:
				}
				if err == nil && n == 1 {
					continue
				}
				if !errors.Is(err, sqlite.ErrClosed) {
					t.Errorf("got %d and error %v, want %v", n, err, sqlite.ErrClosed)
				}
				return
			}
		})
	}
	<-began
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	looking.Wait()
}
