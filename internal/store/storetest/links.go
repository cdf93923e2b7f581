package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/archive"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
)

func linkTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"put and find":            testPutLink,
		"put none":                testPutNoLink,
		"use":                     testUseLink,
		"choose a password":       testChoosePassword,
		"at a change of its user": testLinksEnd,
		"prune":                   testPruneLinks,
		"uses of one":             testRaceLinks,
		"passwords by one":        testRaceChoices,
		"where people were told":  testTold,
	}
}

// linkOf returns a link of a user.
func linkOf(userID uuid.UUID, p link.Purpose) link.Link {
	return link.Link{ID: newID(), UserID: userID, Purpose: p, CreatedAt: start(), ExpiresAt: start().Add(p.Lasts())}
}

// send puts the n-th link.
func send(t *testing.T, s Store, l link.Link, n int) link.Link {
	t.Helper()
	ev := event(audit.LinkCreate, l.UserID, start())
	does(t, s, ev, nil, func() error { return s.PutLink(t.Context(), l, digest(1, n), ev) })
	return l
}

// checkLink compares the n-th link.
func checkLink(t *testing.T, s Store, n int, want link.Link) {
	t.Helper()
	got, err := s.LinkByDigest(t.Context(), []keyring.Digest{digest(2, n), digest(1, n)})
	must(t, err)
	same(t, got, want)
}

func noLink(t *testing.T, s Store, n int) {
	t.Helper()
	if got, err := s.LinkByDigest(t.Context(), []keyring.Digest{digest(1, n)}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got the link %+v and error %v, want none", got, err)
	}
}

func testPutLink(t *testing.T, s Store) {
	alice, bob := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	invitation := send(t, s, linkOf(alice.ID, link.Invitation), 1)
	login := send(t, s, linkOf(alice.ID, link.Login), 2)
	others := send(t, s, linkOf(bob.ID, link.Invitation), 3)
	checkLink(t, s, 1, invitation)
	checkLink(t, s, 2, login)
	anew := send(t, s, linkOf(alice.ID, link.Invitation), 4)
	noLink(t, s, 1)
	checkLink(t, s, 2, login)
	checkLink(t, s, 3, others)
	checkLink(t, s, 4, anew)
	for _, want := range []link.Link{anew, login, others} {
		got, err := s.LinkOf(t.Context(), want.UserID, want.Purpose)
		must(t, err)
		same(t, got, want)
	}
	if _, err := s.LinkOf(t.Context(), bob.ID, link.Login); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v, want %v", err, authority.ErrNotFound)
	}
}

func testPutNoLink(t *testing.T, s Store) {
	alice, blocked := born(t, s, person("alice"), ""), person("bob")
	blocked.State = account.Blocked
	blocked = born(t, s, blocked, "")
	put := func(userID uuid.UUID) func() error {
		return func() error {
			return s.PutLink(t.Context(), linkOf(userID, link.Login), digest(1, 1), event(audit.LinkCreate, userID, start()))
		}
	}
	refuses(t, s, authority.ErrNotFound, put(newID()))
	refuses(t, s, authority.ErrNotFound, put(blocked.ID))
	must(t, s.DeleteUser(t.Context(), alice.ID, event(audit.UserDelete, alice.ID, start())))
	refuses(t, s, authority.ErrNotFound, put(alice.ID))
	noLink(t, s, 1)
}

func testUseLink(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	l, bystander := send(t, s, linkOf(r.ID, link.Login), 1), send(t, s, linkOf(r.ID, link.Invitation), 2)
	use := func(id uuid.UUID, at time.Time) (audit.Event, func() error) {
		ev := event(audit.LinkUse, r.ID, at)
		return ev, func() error { return s.UseLink(t.Context(), id, ev) }
	}
	for id, at := range map[uuid.UUID]time.Time{newID(): start(), l.ID: l.ExpiresAt} {
		_, run := use(id, at)
		refuses(t, s, authority.ErrNotFound, run)
	}
	checkLink(t, s, 1, l)
	l.UsedAt = l.ExpiresAt.Add(-time.Microsecond)
	ev, run := use(l.ID, l.UsedAt)
	does(t, s, ev, nil, run)
	checkLink(t, s, 1, l)
	checkLink(t, s, 2, bystander)
	_, run = use(l.ID, start())
	refuses(t, s, authority.ErrNotFound, run)
}

func testChoosePassword(t *testing.T, s Store) {
	r, other := born(t, s, person("alice"), "old"), born(t, s, person("bob"), "")
	put(t, s, r.ID, digest(1, 9))
	l, login := send(t, s, linkOf(r.ID, link.Invitation), 1), send(t, s, linkOf(r.ID, link.Login), 2)
	choose := func(userID, id uuid.UUID, at time.Time) (audit.Event, func() error) {
		ev := event(audit.LinkUse, userID, at)
		return ev, func() error { return s.ChoosePassword(t.Context(), userID, id, "new", ev) }
	}
	_, run := choose(other.ID, l.ID, start()) // another's
	refuses(t, s, authority.ErrNotFound, run)
	_, run = choose(r.ID, newID(), start())
	refuses(t, s, authority.ErrNotFound, run)
	_, run = choose(r.ID, l.ID, l.ExpiresAt)
	refuses(t, s, authority.ErrNotFound, run)
	checkHash(t, s, r, "old")
	at := start().Add(time.Hour)
	ev, run := choose(r.ID, l.ID, at)
	does(t, s, ev, one(feed.User, r.ID), run)
	checkHash(t, s, r, "new")
	checkDead(t, s, digest(1, 9))
	l.UsedAt, login.EndedAt = at, at
	checkLink(t, s, 1, l)
	checkLink(t, s, 2, login)
	_, run = choose(r.ID, l.ID, at)
	refuses(t, s, authority.ErrNotFound, run)
}

// testLinksEnd has a user's links end by what may have been done because somebody else had them.
func testLinksEnd(t *testing.T, s Store) {
	at, n := start().Add(time.Minute), 0
	for name, change := range map[string]func(account.Record) error{
		"reset": func(r account.Record) error {
			return s.ResetPassword(t.Context(), r.ID, "new", event(audit.UserPasswordReset, r.ID, at))
		},
		"change": func(r account.Record) error {
			return s.ChangePassword(t.Context(), r.ID, account.Rehash{Old: "old", New: "new"}, event(audit.UserPassword, r.ID, at))
		},
		"block": func(r account.Record) error {
			r.State, r.UpdatedAt = account.Blocked, at
			return s.UpdateUser(t.Context(), r, event(audit.UserUpdate, r.ID, at))
		},
		"another e-mail": func(r account.Record) error {
			r.Email, r.EmailKey, r.UpdatedAt = "other@example.com", "other@example.com", at
			return s.UpdateUser(t.Context(), r, event(audit.UserUpdate, r.ID, at))
		},
		"no e-mail": func(r account.Record) error {
			r.Email, r.EmailKey, r.UpdatedAt = "", "", at
			return s.UpdateUser(t.Context(), r, event(audit.UserUpdate, r.ID, at))
		},
		"suspend": func(r account.Record) error {
			r.State, r.UpdatedAt = account.Suspended, at
			return s.UpdateUser(t.Context(), r, event(audit.UserUpdate, r.ID, at))
		},
	} {
		r := person(name)
		r.Email, r.EmailKey = name, name
		r = born(t, s, r, "old")
		other := born(t, s, person("other-"+name), "old")
		n += 2
		l, bystander := send(t, s, linkOf(r.ID, link.Invitation), n), send(t, s, linkOf(other.ID, link.Invitation), n+1)
		must(t, change(r))
		l.EndedAt = at
		checkLink(t, s, n, l)
		checkLink(t, s, n+1, bystander)
		refuses(t, s, authority.ErrNotFound, func() error { return s.UseLink(t.Context(), l.ID, event(audit.LinkUse, r.ID, at)) })
	}
	renamed := person("renamed")
	renamed.Email, renamed.EmailKey = "renamed@example.com", "renamed@example.com"
	renamed = born(t, s, renamed, "")
	l := send(t, s, linkOf(renamed.ID, link.Invitation), 100)
	renamed.DisplayName, renamed.Email = "Renamed", "Renamed@example.com" // which is the same mailbox
	must(t, s.UpdateUser(t.Context(), renamed, event(audit.UserUpdate, renamed.ID, at)))
	checkLink(t, s, 100, l)
	must(t, s.DeleteUser(t.Context(), renamed.ID, event(audit.UserDelete, renamed.ID, at)))
	noLink(t, s, 100)
}

func testPruneLinks(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	send(t, s, linkOf(r.ID, link.Login), 1)
	kept := send(t, s, linkOf(r.ID, link.Invitation), 2)
	quietly(t, s, func() error {
		n, err := s.PruneLinks(t.Context(), kept.ExpiresAt)
		same(t, n, 1)
		return err
	})
	noLink(t, s, 1)
	checkLink(t, s, 2, kept)
}

// testRaceLinks uses one link fifty times at once: one gets through.
func testRaceLinks(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	l := send(t, s, linkOf(r.ID, link.Login), 1)
	oneWins(t, together(50, func(int) error { return s.UseLink(t.Context(), l.ID, event(audit.LinkUse, r.ID, start())) }), authority.ErrNotFound)
}

func testRaceChoices(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	l := send(t, s, linkOf(r.ID, link.Invitation), 1)
	oneWins(t, together(50, func(int) error {
		return s.ChoosePassword(t.Context(), r.ID, l.ID, "new", event(audit.LinkUse, r.ID, start()))
	}), authority.ErrNotFound)
}

// testTold moves up to where people were told, by fifty at once: one of them moves it.
func testTold(t *testing.T, s Store) {
	check := func(name string, want int64) {
		t.Helper()
		got, err := s.Told(t.Context(), name)
		must(t, err)
		same(t, got, want)
	}
	check("events", 0)
	for _, step := range []struct{ from, to int64 }{{0, 7}, {7, 9}} {
		moved := make([]bool, 50)
		for _, err := range together(len(moved), func(i int) (err error) {
			moved[i], err = s.KeepTold(t.Context(), "events", step.from, step.to)
			return err
		}) {
			must(t, err)
		}
		n := 0
		for _, m := range moved {
			if m {
				n++
			}
		}
		same(t, n, 1)
		check("events", step.to)
	}
	check("tokens", 0)
}

// testRenewLinks has no link outlive a restore: which were used since, nobody knows.
func testRenewLinks(t *testing.T, s Archived) {
	r := born(t, s, person("alice"), "")
	send(t, s, linkOf(r.ID, link.Login), 1)
	_, err := s.Renew(t.Context(), renewal(func(*archive.Renewal) {}))
	must(t, err)
	noLink(t, s, 1)
}
