package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
)

// person returns a new person of that name, which is its own canonical form.
func person(name string, roles ...string) account.Record {
	return account.Record{
		User: account.User{
			ID: newID(), Kind: account.Person, Username: name, Roles: roles, State: account.Active,
			Version: 1, CreatedAt: start(), UpdatedAt: start(),
		},
		UsernameKey: name,
	}
}

// born creates a user and returns it as the store then has it; an empty hash means no password.
func born(t *testing.T, s Store, r account.Record, hash string) account.Record {
	t.Helper()
	must(t, s.CreateUser(t.Context(), r, hash, event(audit.UserCreate, r.ID, start())))
	r.HasPassword = hash != ""
	return r
}

// update returns a change of a user, to be run.
func update(t *testing.T, s Store, r account.Record) func() error {
	return func() error { return s.UpdateUser(t.Context(), r, event(audit.UserUpdate, r.ID, start())) }
}

// remove returns the deletion of a user, to be run.
func remove(t *testing.T, s Store, id uuid.UUID) func() error {
	return func() error { return s.DeleteUser(t.Context(), id, event(audit.UserDelete, id, start())) }
}

func userTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"read what was created":          testCreateUser,
		"find nobody":                    testNoUser,
		"refuse a name that is taken":    testUserConflicts,
		"list in the order of names":     testUsers,
		"find by name or e-mail":         testFindUsers,
		"name those that live":           testUsersNamed,
		"update":                         testUpdateUser,
		"refuse a stale update":          testStaleUser,
		"delete":                         testDeleteUser,
		"inherit nothing from a tomb":    testInheritance,
		"remember that there was a user": testAnyUser,
	}
}

func testCreateUser(t *testing.T, s Store) {
	r := person("ångström", "admin", "b.c", "x")
	r.Username, r.Email, r.EmailKey, r.DisplayName = "Ångström", "A@Example.com", "a@example.com", `It's "A", %_\ 漢字`
	r.Kind, r.State, r.UpdatedAt = account.Service, account.Blocked, start().Add(time.Microsecond)
	ev := event(audit.UserCreate, r.ID, start())
	does(t, s, ev, nil, func() error { return s.CreateUser(t.Context(), r, "hash", ev) })

	r.HasPassword = true
	byID, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, byID, r.User)
	if zone := byID.CreatedAt.Location(); zone != time.UTC {
		t.Errorf("got a time in %v, want UTC whatever the machine's zone", zone)
	}
	byName, err := s.UserByName(t.Context(), "ångström")
	must(t, err)
	same(t, byName, r.User)
	password, err := s.PasswordByName(t.Context(), "ångström")
	must(t, err)
	same(t, password, account.Credentials{UserID: r.ID, Hash: "hash", Blocked: true})
	suspended := person("suspended")
	suspended.State = account.Suspended
	born(t, s, suspended, "hash")
	password, err = s.PasswordByName(t.Context(), "suspended")
	must(t, err)
	same(t, password, account.Credentials{UserID: suspended.ID, Hash: "hash", Blocked: true})
	kept, err := s.User(t.Context(), suspended.ID)
	must(t, err)
	same(t, kept.State, account.Suspended)

	without := born(t, s, person("without"), "")
	password, err = s.PasswordByName(t.Context(), "without")
	must(t, err)
	same(t, password, account.Credentials{UserID: without.ID})
	again, err := s.User(t.Context(), without.ID)
	must(t, err)
	same(t, again, without.User)
}

func testNoUser(t *testing.T, s Store) {
	born(t, s, person("a"), "hash")
	checkNoUser(t, s, person("b"))
}

// checkNoUser makes sure that no method knows a user, by its ID or by its name.
func checkNoUser(t *testing.T, s Store, r account.Record) {
	t.Helper()
	ctx, id := t.Context(), r.ID
	ev := event(audit.UserUpdate, id, start())
	for name, ask := range map[string]func() error{
		"User":                func() error { _, err := s.User(ctx, id); return err },
		"UserByName":          func() error { _, err := s.UserByName(ctx, r.UsernameKey); return err },
		"PasswordByName":      func() error { _, err := s.PasswordByName(ctx, r.UsernameKey); return err },
		"UpdateUser":          func() error { return s.UpdateUser(ctx, r, ev) },
		"DeleteUser":          func() error { return s.DeleteUser(ctx, id, ev) },
		"ChangePassword":      func() error { return s.ChangePassword(ctx, id, account.Rehash{Old: "hash", New: "new"}, ev) },
		"ResetPassword":       func() error { return s.ResetPassword(ctx, id, "new", ev) },
		"PersonalToken":       func() error { _, err := s.PersonalToken(ctx, id); return err },
		"PutPersonalToken":    func() error { return s.PutPersonalToken(ctx, id, digest(1, 99), ev) },
		"RevokePersonalToken": func() error { return s.RevokePersonalToken(ctx, id, ev) },
		"FindPersonalToken":   func() error { _, err := s.FindPersonalToken(ctx, []keyring.Digest{digest(1, 99)}); return err },
	} {
		t.Run(name, func(t *testing.T) { refuses(t, s, authority.ErrNotFound, ask) })
	}
}

func testUserConflicts(t *testing.T, s Store) {
	taken := person("alice")
	taken.Email, taken.EmailKey = "Alice@example.com", "alice@example.com"
	born(t, s, taken, "hash")

	tests := map[string]struct {
		username, email string
		field           string // empty where there is no conflict
	}{
		"user name":         {"alice", "", "username"},
		"e-mail":            {"carol", "alice@example.com", "email"},
		"both":              {"alice", "alice@example.com", "username"},
		"neither":           {"alicf", "alicf@example.com", ""},
		"neither, no email": {"carol", "", ""},
	}
	for name, test := range tests {
		try := func(t *testing.T, r account.Record, change func(account.Record) error) {
			r.Username, r.UsernameKey, r.Email, r.EmailKey = test.username, test.username, test.email, test.email
			if test.field == "" {
				must(t, change(r))
				return
			}
			refuses(t, s, authority.ErrConflict, func() error { return change(r) })
			if got := fieldOf(change(r)); got != test.field {
				t.Errorf("got a conflict about %q, want %q", got, test.field)
			}
		}
		t.Run("create/"+name, func(t *testing.T) {
			r := person("")
			defer func() { _ = remove(t, s, r.ID)() }() // there is none where it was refused
			try(t, r, func(r account.Record) error {
				return s.CreateUser(t.Context(), r, "", event(audit.UserCreate, r.ID, start()))
			})
		})
		t.Run("update/"+name, func(t *testing.T) {
			r := born(t, s, person("dave"), "")
			defer func() { must(t, remove(t, s, r.ID)()) }()
			try(t, r, func(r account.Record) error { return update(t, s, r)() })
		})
	}
	t.Run("create/ID", func(t *testing.T) {
		again := person("erin")
		again.ID = taken.ID
		ev := event(audit.UserCreate, again.ID, start())
		refuses(t, s, authority.ErrConflict, func() error { return s.CreateUser(t.Context(), again, "", ev) })
	})
}

// fieldOf returns the field that an error is about, or nothing.
func fieldOf(err error) string {
	if field, ok := errors.AsType[*authority.FieldError](err); ok {
		return field.Field
	}
	return ""
}

func testUsers(t *testing.T, s Store) {
	names := []string{"a", "a.b", "ab", "b", "z", "é", "漢"} // in the order of their bytes
	for _, i := range []int{3, 0, 6, 2, 5, 1, 4} {
		born(t, s, person(names[i], "r1", "r2"), "")
	}
	dead := born(t, s, person("aa"), "")
	must(t, remove(t, s, dead.ID)())

	var got []string
	after, pages := "", 0
	for {
		page, err := s.Users(t.Context(), account.Query{After: account.Place{Name: after}, Limit: 3})
		must(t, err)
		if len(page) == 0 {
			break
		}
		pages++
		for _, u := range page {
			after = u.Username
			got = append(got, after)
			same(t, u.Roles, []string{"r1", "r2"})
		}
	}
	same(t, got, names)
	if pages != 3 {
		t.Errorf("got %d pages, want 3", pages)
	}
}

// testFindUsers finds users by the beginning of a name or an e-mail, each once and in the order of names, a page at a time.
func testFindUsers(t *testing.T, s Store) {
	made := map[string]account.Record{}
	for i, name := range []string{"zoe", "ann", "anton", "bob", "an"} {
		r := person(name)
		r.ID = uuid.UUID{5: byte(i), 6: 0x70, 8: 0x80, 15: 9} // the order of their making
		if r.Email, r.EmailKey = "", ""; name != "bob" {
			r.Email, r.EmailKey = "Anna."+name+"@example.com", "anna."+name+"@example.com"
		}
		made[name] = born(t, s, r, "")
	}
	dead := born(t, s, person("annabel"), "")
	must(t, remove(t, s, dead.ID)())
	name := func(name string) account.Place { return account.Place{Name: name} }
	id := func(name string) account.Place { return account.Place{ID: made[name].ID} }
	for _, test := range []struct {
		query account.Query
		want  string
	}{
		{account.Query{Limit: 9}, "an ann anton bob zoe"},
		{account.Query{Descending: true, Limit: 2}, "zoe bob"},
		{account.Query{Descending: true, After: name("bob"), Limit: 2}, "anton ann"},
		{account.Query{Order: account.ByAge, Limit: 3}, "zoe ann anton"},
		{account.Query{Order: account.ByAge, After: id("anton"), Limit: 3}, "bob an"},
		{account.Query{Order: account.ByAge, Descending: true, After: id("anton"), Limit: 3}, "ann zoe"},
		{account.Query{Find: "ann", Limit: 9}, "an ann anton zoe"}, // some by the name, some by the e-mail, one by both
		{account.Query{Find: "ann", Limit: 2}, "an ann"},
		{account.Query{Find: "ann", After: name("ann"), Limit: 2}, "anton zoe"},
		{account.Query{Find: "ann", Descending: true, Limit: 2}, "zoe anton"},
		{account.Query{Find: "ann", Descending: true, After: name("anton"), Limit: 9}, "ann an"},
		{account.Query{Find: "bo", Limit: 9}, "bob"},
		{account.Query{Find: "anna.zoe@", Limit: 9}, "zoe"},
		{account.Query{Find: "%", Limit: 9}, ""},
	} {
		users, err := s.Users(t.Context(), test.query)
		must(t, err)
		var got []string
		for _, u := range users {
			got = append(got, u.Username)
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.query, got, test.want)
		}
	}
}

func testUsersNamed(t *testing.T, s Store) {
	a, b, dead := born(t, s, person("a"), ""), born(t, s, person("b"), ""), born(t, s, person("dead"), "")
	must(t, remove(t, s, dead.ID)())
	got, err := s.UsersNamed(t.Context(), []uuid.UUID{b.ID, newID(), dead.ID, a.ID, b.ID})
	must(t, err)
	same(t, got, map[uuid.UUID]string{a.ID: "a", b.ID: "b"})
	got, err = s.UsersNamed(t.Context(), nil)
	must(t, err)
	same(t, got, nil)
}

func testUpdateUser(t *testing.T, s Store) {
	r := person("alice", "a", "b")
	r.Email, r.EmailKey = "alice@example.com", "alice@example.com"
	r = born(t, s, r, "hash")
	bystander := born(t, s, person("bob", "a"), "other")

	r.Kind, r.State, r.Roles = account.Service, account.Blocked, []string{"b", "c"}
	r.Username, r.UsernameKey, r.Email, r.EmailKey, r.DisplayName = "Al", "al", "", "", "Al Ice"
	r.UpdatedAt = start().Add(time.Hour)
	sent := r
	sent.CreatedAt, sent.HasPassword = start().Add(time.Minute), false // neither is this method's to change
	ev := event(audit.UserUpdate, r.ID, r.UpdatedAt)
	does(t, s, ev, one(feed.User, r.ID), func() error { return s.UpdateUser(t.Context(), sent, ev) })

	r.Version++
	got, err := s.User(t.Context(), r.ID)
	must(t, err)
	same(t, got, r.User)
	password, err := s.PasswordByName(t.Context(), "al")
	must(t, err)
	same(t, password, account.Credentials{UserID: r.ID, Hash: "hash", Blocked: true})
	untouched, err := s.User(t.Context(), bystander.ID)
	must(t, err)
	same(t, untouched, bystander.User)

	former := person("alice") // both names are free again
	former.Email, former.EmailKey = "alice@example.com", "alice@example.com"
	born(t, s, former, "")
}

func testStaleUser(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "hash")
	must(t, update(t, s, r)())
	r.DisplayName = "too late"
	refuses(t, s, authority.ErrStale, update(t, s, r))
	r.Version += 2
	refuses(t, s, authority.ErrStale, update(t, s, r))
	r.Version--
	must(t, update(t, s, r)())
}

func testDeleteUser(t *testing.T, s Store) {
	r := person("alice", "a")
	r.Email, r.EmailKey = "alice@example.com", "alice@example.com"
	r = born(t, s, r, "hash")
	former, last := digest(1, 1), digest(1, 2)
	put(t, s, r.ID, former)
	put(t, s, r.ID, last)

	ev := event(audit.UserDelete, r.ID, start())
	does(t, s, ev, one(feed.User, r.ID), func() error { return s.DeleteUser(t.Context(), r.ID, ev) })
	checkNoUser(t, s, r)
	for _, d := range []keyring.Digest{former, last} {
		checkDead(t, s, d)
		checkFormer(t, s, uuid.Nil, d)
	}
	quietly(t, s, func() error { return s.UpgradePassword(t.Context(), r.ID, "hash", "new") })
	quietly(t, s, func() error { return s.RedigestPersonalToken(t.Context(), r.ID, last, digest(2, 2)) })
	checkDead(t, s, digest(2, 2))

	r.UsernameKey, r.EmailKey = "another", "another@example.com"
	refuses(t, s, authority.ErrConflict, func() error { // an ID is never used again
		return s.CreateUser(t.Context(), r, "", event(audit.UserCreate, r.ID, start()))
	})
}

func testInheritance(t *testing.T, s Store) {
	dead := person("alice", "r")
	dead.Email, dead.EmailKey, dead.DisplayName = "alice@example.com", "alice@example.com", "Alice"
	dead = born(t, s, dead, "hash")
	put(t, s, dead.ID, digest(1, 1))
	must(t, remove(t, s, dead.ID)())

	heir := person("alice")
	heir.Email, heir.EmailKey = "alice@example.com", "alice@example.com"
	heir = born(t, s, heir, "")
	got, err := s.UserByName(t.Context(), "alice")
	must(t, err)
	same(t, got, heir.User)
	password, err := s.PasswordByName(t.Context(), "alice")
	must(t, err)
	same(t, password, account.Credentials{UserID: heir.ID})
	if _, err := s.PersonalToken(t.Context(), heir.ID); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v for the heir's token, want %v", err, authority.ErrNotFound)
	}
	checkDead(t, s, digest(1, 1))
}

func testAnyUser(t *testing.T, s Store) {
	check := func(want bool) {
		t.Helper()
		got, err := s.AnyUser(t.Context())
		must(t, err)
		if got != want {
			t.Errorf("got %t, want %t", got, want)
		}
	}
	check(false)
	r := born(t, s, person("alice"), "")
	check(true)
	must(t, remove(t, s, r.ID)())
	check(true)
}
