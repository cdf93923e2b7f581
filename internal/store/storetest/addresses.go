package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

func addressTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"note":                        testNoteAddress,
		"note a few":                  testFewAddresses,
		"note none of nobody":         testAddressOfNobody,
		"prune":                       testPruneAddresses,
		"forget with the password":    testAddressesAtReset,
		"forget with the user itself": testAddressesOfDeleted,
	}
}

// note has a user's right password come from an address so many hours after the start.
func note(t *testing.T, s Store, userID uuid.UUID, address string, hours int) {
	t.Helper()
	quietly(t, s, func() error {
		return s.NotePasswordFrom(t.Context(), userID, address, start().Add(time.Duration(hours)*time.Hour), 3)
	})
}

// knownFrom asks whether a user's password came from an address since so many hours after the start.
func knownFrom(t *testing.T, s Store, userID uuid.UUID, address string, hours int) bool {
	t.Helper()
	known, err := s.PasswordKnownFrom(t.Context(), userID, address, start().Add(time.Duration(hours)*time.Hour))
	must(t, err)
	return known
}

func testNoteAddress(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), "hash"), born(t, s, person("bob"), "hash")
	note(t, s, r.ID, "192.0.2.1", 5)
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 5), true)
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 6), false)
	same(t, knownFrom(t, s, r.ID, "192.0.2.2", 0), false)
	same(t, knownFrom(t, s, bystander.ID, "192.0.2.1", 0), false)
	same(t, knownFrom(t, s, newID(), "192.0.2.1", 0), false)
	note(t, s, r.ID, "192.0.2.1", 7)
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 7), true)
	note(t, s, r.ID, "192.0.2.1", 1) // by a clock that was set back
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 7), true)
}

func testFewAddresses(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), "hash"), born(t, s, person("bob"), "hash")
	note(t, s, bystander.ID, "192.0.2.1", 0)
	for hour := 1; hour <= 5; hour++ {
		note(t, s, r.ID, fmt.Sprint("192.0.2.", hour), hour)
	}
	for hour := 1; hour <= 5; hour++ {
		same(t, knownFrom(t, s, r.ID, fmt.Sprint("192.0.2.", hour), 0), hour > 2)
	}
	same(t, knownFrom(t, s, bystander.ID, "192.0.2.1", 0), true)
}

func testAddressOfNobody(t *testing.T, s Store) {
	gone := born(t, s, person("gone"), "hash")
	must(t, remove(t, s, gone.ID)())
	for _, id := range []uuid.UUID{gone.ID, newID()} {
		refuses(t, s, authority.ErrNotFound, func() error { return s.NotePasswordFrom(t.Context(), id, "192.0.2.1", start(), 3) })
		same(t, knownFrom(t, s, id, "192.0.2.1", 0), false)
	}
}

func testPruneAddresses(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "hash")
	note(t, s, r.ID, "192.0.2.1", 1)
	note(t, s, r.ID, "192.0.2.2", 2)
	quietly(t, s, func() error {
		n, err := s.PrunePasswordAddresses(t.Context(), start().Add(2*time.Hour))
		if n != 1 {
			t.Errorf("got %d pruned, want 1", n)
		}
		return err
	})
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 0), false)
	same(t, knownFrom(t, s, r.ID, "192.0.2.2", 0), true)
}

// testAddressesAtReset: who changes its own password is the same as before; after a reset it may have been another.
func testAddressesAtReset(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), "old"), born(t, s, person("bob"), "old")
	note(t, s, r.ID, "192.0.2.1", 0)
	note(t, s, bystander.ID, "192.0.2.1", 0)
	must(t, s.ChangePassword(t.Context(), r.ID, account.Rehash{Old: "old", New: "new"}, event(audit.UserPassword, r.ID, start())))
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 0), true)
	must(t, s.ResetPassword(t.Context(), r.ID, "newer", event(audit.UserPasswordReset, r.ID, start())))
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 0), false)
	same(t, knownFrom(t, s, bystander.ID, "192.0.2.1", 0), true)
}

func testAddressesOfDeleted(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "hash")
	note(t, s, r.ID, "192.0.2.1", 0)
	must(t, remove(t, s, r.ID)())
	same(t, knownFrom(t, s, r.ID, "192.0.2.1", 0), false)
}
