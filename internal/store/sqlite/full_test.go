package sqlite_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

// TestFull lets the database grow to a bound and no further, which to SQLite is a full disk.
func TestFull(t *testing.T) {
	s := fresh(t)
	bound := func(pages string) {
		t.Helper()
		if err := s.Write(t.Context(), func(exec execFunc) error {
			_, err := exec(`PRAGMA max_page_count = ` + pages)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	bound("60")
	// Where a row has its place depends on its random ID, so a page may have room for one user and none for the next. Only
	// when many in a row were refused is the file full for every one.
	made := 0
	for refusals := 0; refusals < 50 && made < 10_000; {
		switch err := create(t.Context(), s, fmt.Sprint("u", made)); {
		case err == nil:
			made, refusals = made+1, 0
		case errors.Is(err, authority.ErrStorageFull):
			refusals++
		default:
			t.Fatalf("got error %v after %d users, want %v", err, made, authority.ErrStorageFull)
		}
	}
	if made == 0 || made == 10_000 {
		t.Fatalf("got %d users before the storage was full, want some", made)
	}
	refused := fmt.Sprint("u", made)
	if exists(t, s, refused) {
		t.Error("the refused user is there")
	}
	if !exists(t, s, "u0") { // reads go on
		t.Error("the first user is gone")
	}
	users, err := s.Users(t.Context(), account.Query{Limit: 20_000})
	if err != nil || len(users) != made {
		t.Errorf("got %d users and error %v, want %d", len(users), err, made)
	}
	bound("100000")
	if err := create(t.Context(), s, refused); err != nil { // without a restart
		t.Errorf("got error %v once there was room, want none", err)
	}
}
