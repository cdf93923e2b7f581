package storetest

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
)

func passwordTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"change":                         testChangePassword,
		"refuse a stale change":          testStalePassword,
		"reset":                          testResetPassword,
		"reset where there was no token": testResetWithoutToken,
		"upgrade":                        testUpgradePassword,
	}
}

// checkHash compares what is kept of a password.
func checkHash(t *testing.T, s Store, r account.Record, want string) {
	t.Helper()
	got, err := s.PasswordByName(t.Context(), r.UsernameKey)
	must(t, err)
	same(t, got, account.Credentials{UserID: r.ID, Hash: want})
}

func testChangePassword(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), "old"), born(t, s, person("bob"), "old")
	put(t, s, r.ID, digest(1, 1))
	at := start().Add(time.Hour)
	ev := event(audit.UserPassword, r.ID, at)
	does(t, s, ev, one(feed.User, r.ID), func() error { return s.ChangePassword(t.Context(), r.ID, account.Rehash{Old: "old", New: "new"}, ev) })
	checkHash(t, s, r, "new")
	checkHash(t, s, bystander, "old")
	checkLive(t, s, r.ID, digest(1, 1))

	// The version stays: an update made for it misses nothing that it would write over.
	r.UpdatedAt = at
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, got, r.User)
}

// testStalePassword changes passwords from hashes that aren't the ones kept, as somebody does whose password was reset.
func testStalePassword(t *testing.T, s Store) {
	r, without := born(t, s, person("alice"), "hash"), born(t, s, person("bob"), "")
	change := func(r account.Record, old string) func() error {
		ev := event(audit.UserPassword, r.ID, start().Add(time.Hour))
		return func() error { return s.ChangePassword(t.Context(), r.ID, account.Rehash{Old: old, New: "new"}, ev) }
	}
	for _, old := range []string{"hasi", "has", "HASH", "", "new"} {
		refuses(t, s, authority.ErrStale, change(r, old))
	}
	refuses(t, s, authority.ErrStale, change(without, "")) // no password is none to know
	checkHash(t, s, r, "hash")
	checkHash(t, s, without, "")
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, got, r.User)
}

func testResetPassword(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	put(t, s, r.ID, digest(1, 1))
	put(t, s, bystander.ID, digest(1, 2))
	ev := event(audit.UserPasswordReset, r.ID, start())
	does(t, s, ev, one(feed.User, r.ID), func() error { return s.ResetPassword(t.Context(), r.ID, "new", ev) })
	checkHash(t, s, r, "new")
	checkDead(t, s, digest(1, 1))
	checkFormer(t, s, r.ID, digest(1, 1))
	checkLive(t, s, bystander.ID, digest(1, 2))
	refuses(t, s, authority.ErrNotFound, func() error {
		return s.RevokePersonalToken(t.Context(), r.ID, event(audit.PersonalTokenRevoke, r.ID, start()))
	})
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	if !got.HasPassword {
		t.Error("the user has no password after a reset")
	}
}

func testResetWithoutToken(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "old")
	ev := event(audit.UserPasswordReset, r.ID, start())
	does(t, s, ev, one(feed.User, r.ID), func() error { return s.ResetPassword(t.Context(), r.ID, "new", ev) })
	checkHash(t, s, r, "new")
}

func testUpgradePassword(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "old")
	quietly(t, s, func() error { return s.UpgradePassword(t.Context(), r.ID, "ole", "new") }) // one byte off: a password set meanwhile stays
	checkHash(t, s, r, "old")
	quietly(t, s, func() error { return s.UpgradePassword(t.Context(), r.ID, "old", "new") })
	checkHash(t, s, r, "new")
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, got, r.User)
	quietly(t, s, func() error { return s.UpgradePassword(t.Context(), newID(), "old", "new") })

	without := born(t, s, person("bob"), "")
	quietly(t, s, func() error { return s.UpgradePassword(t.Context(), without.ID, "", "new") })
	checkHash(t, s, without, "")
}
