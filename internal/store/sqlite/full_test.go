package sqlite_test

import (
	"errors"
	"fmt"
	"testing"

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
	var err error
	made := 0
	for ; err == nil && made < 10_000; made++ {
		err = create(t.Context(), s, fmt.Sprint("u", made))
	}
	if !errors.Is(err, authority.ErrStorageFull) {
		t.Fatalf("got error %v after %d users, want %v", err, made, authority.ErrStorageFull)
	}
	if made--; made == 0 {
		t.Fatal("there was no room for a single user")
	}
	refused := fmt.Sprint("u", made)
	if exists(t, s, refused) {
		t.Error("the refused user is there")
	}
	if err := create(t.Context(), s, refused); !errors.Is(err, authority.ErrStorageFull) {
		t.Errorf("got error %v, want %v again", err, authority.ErrStorageFull)
	}
	if !exists(t, s, "u0") { // reads go on
		t.Error("the first user is gone")
	}
	users, err := s.Users(t.Context(), "", 20_000)
	if err != nil || len(users) != made {
		t.Errorf("got %d users and error %v, want %d", len(users), err, made)
	}
	bound("100000")
	if err := create(t.Context(), s, refused); err != nil { // without a restart
		t.Errorf("got error %v once there was room, want none", err)
	}
}
