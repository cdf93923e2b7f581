package storetest

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/session"
)

func tokenSetTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"eight at most":             testManySets,
		"of no project":             testSetsOfNoProject,
		"refuse what is taken":      testSetConflicts,
		"update":                    testUpdateSet,
		"refuse a stale update":     testStaleSet,
		"delete":                    testDeleteSet,
		"note uses":                 testTouchSets,
		"note uses by hand":         testNoteSet,
		"begin sessions":            testSealedSessions,
		"begin none of the dead":    testSealedSessionOfNobody,
		"keep a thousand":           testManySealedSessions,
		"sessions of the blocked":   testSealedSessionsOfBlocked,
		"sessions outlast a set":    testAddSetEndsNothing,
		"a session's own addresses": testSealedFrom,
	}
}

// updateSet returns a change of a set an hour after the start, to be run, and its event.
func updateSet(t *testing.T, s Store, set project.TokenSet, change func(*project.TokenSet)) (audit.Event, func() error) {
	set.UpdatedAt = start().Add(time.Hour)
	change(&set)
	ev := event(audit.TokenSetUpdate, set.ID, set.UpdatedAt)
	return ev, func() error { return s.UpdateTokenSet(t.Context(), set, set.Name, ev) }
}

// deleteSet returns the deletion of a set an hour after the start, to be run, and its event.
func deleteSet(t *testing.T, s Store, set project.TokenSet) (audit.Event, func() error) {
	ev := event(audit.TokenSetDelete, set.ID, start().Add(time.Hour))
	return ev, func() error { return s.DeleteTokenSet(t.Context(), set.ProjectID, set.ID, ev) }
}

// testManySets adds as many sets as a project may have, and one in place of another.
func testManySets(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	var sets []project.TokenSet
	for n := range project.MaxSets {
		set := tokenSet(p.ID, fmt.Sprint("set ", n))
		set.Active = n%2 == 0 // one that is turned off is one, too
		sets = append(sets, addSet(t, s, set))
	}
	ninth := tokenSet(p.ID, "ninth")
	add := func() error {
		return s.AddTokenSet(t.Context(), ninth, ninth.Name, event(audit.TokenSetCreate, ninth.ID, start()))
	}
	conflictsAbout(t, s, "token_sets", add)
	checkProject(t, s, p, sets...)
	addSet(t, s, tokenSet(other.ID, "set 0")) // as may be called another project's
	_, run := deleteSet(t, s, sets[1])
	must(t, run())
	must(t, add())
	checkProject(t, s, p, append(append(sets[:1:1], sets[2:]...), ninth)...)
}

func testSetsOfNoProject(t *testing.T, s Store) {
	dead := addProject(t, s, projectOf(1))
	dropProject(t, s, dead)
	for _, id := range []uuid.UUID{dead.ID, newID(), uuid.Nil} {
		refuses(t, s, authority.ErrNotFound, func() error {
			return s.AddTokenSet(t.Context(), tokenSet(id, "set"), "set", event(audit.TokenSetCreate, id, start()))
		})
	}
}

func testSetConflicts(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	first, second := addSet(t, s, tokenSet(p.ID, "first")), addSet(t, s, tokenSet(p.ID, "second"))
	for name, test := range map[string]struct {
		change func(*project.TokenSet)
		field  string
	}{
		"name": {func(set *project.TokenSet) { set.Name = "first" }, "name"},
		"ID":   {func(set *project.TokenSet) { set.ID = first.ID }, ""},
		"another project's ID": {func(set *project.TokenSet) {
			set.ID, set.ProjectID = first.ID, other.ID
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			set := tokenSet(p.ID, "third")
			test.change(&set)
			conflictsAbout(t, s, test.field, func() error {
				return s.AddTokenSet(t.Context(), set, set.Name, event(audit.TokenSetCreate, set.ID, start()))
			})
		})
	}
	_, run := updateSet(t, s, second, func(set *project.TokenSet) { set.Name = "first" })
	conflictsAbout(t, s, "name", run)
	checkProject(t, s, p, first, second)
	_, run = deleteSet(t, s, first)
	must(t, run())
	addSet(t, s, tokenSet(p.ID, "first"))
}

// testUpdateSet changes all that may be changed of a set: what the project's tokens began ends, by whichever set.
func testUpdateSet(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	set, second := addSet(t, s, tokenSet(p.ID, "set")), addSet(t, s, tokenSet(p.ID, "second"))
	alice := born(t, s, person("alice"), "")
	b, others, byHand := comeIn(t, s, alice.ID, p, 1), comeIn(t, s, alice.ID, other, 2), logIn(t, s, alice.ID, 3)
	change := func(set *project.TokenSet) {
		set.Name, set.Active, set.Key, set.OneTime = "Set", false, []byte{0, 7}, true
		set.Settings = sealed.Settings{
			Mode: sealed.ECB, KeySize: 128, Padding: sealed.Zeros, IV: "iv", IVExpansion: sealed.Double, Derivation: sealed.PasswordDeriveBytes,
			Salt: "s", Hash: "SHA1", Iterations: 2,
		}
		set.CreatedAt = start().Add(time.Minute) // which isn't its to change
	}
	ev, run := updateSet(t, s, set, change)
	does(t, s, ev, one(feed.Project, p.ID), run)
	want := set
	change(&want)
	want.CreatedAt, want.Version, want.UpdatedAt = set.CreatedAt, 2, ev.At
	checkProject(t, s, p, want, second) // whose own version is as before
	checkEnded(t, s, 1, b, ev.At)
	checkSession(t, s, 2, others)
	checkSession(t, s, 3, byHand)
}

func testStaleSet(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	set, dead := addSet(t, s, tokenSet(p.ID, "set")), addSet(t, s, tokenSet(p.ID, "dead"))
	_, run := deleteSet(t, s, dead)
	must(t, run())
	b := comeIn(t, s, born(t, s, person("alice"), "").ID, p, 1)
	for _, version := range []int64{0, 2} {
		_, run := updateSet(t, s, set, func(set *project.TokenSet) { set.Version, set.Active = version, false })
		refuses(t, s, authority.ErrStale, run)
	}
	others := set
	others.ProjectID = other.ID
	for _, gone := range []project.TokenSet{dead, tokenSet(p.ID, "new"), others} {
		_, run := updateSet(t, s, gone, func(set *project.TokenSet) { set.Name = "free" })
		refuses(t, s, authority.ErrNotFound, run)
	}
	checkProject(t, s, p, set)
	checkSession(t, s, 1, b)
}

// testDeleteSet deletes a set of its own project, once: what the project's tokens began ends.
func testDeleteSet(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	set, second := addSet(t, s, tokenSet(p.ID, "set")), addSet(t, s, tokenSet(p.ID, "second"))
	b := comeIn(t, s, born(t, s, person("alice"), "").ID, p, 1)
	others := set
	others.ProjectID = other.ID
	_, run := deleteSet(t, s, others)
	refuses(t, s, authority.ErrNotFound, run)
	checkSession(t, s, 1, b)
	ev, run := deleteSet(t, s, set)
	does(t, s, ev, []feed.Change{{Kind: feed.TokenSet, ID: set.ID, Gone: true}, {Kind: feed.Project, ID: p.ID}}, run)
	checkProject(t, s, p, second)
	checkEnded(t, s, 1, b, ev.At)
	for _, gone := range []project.TokenSet{set, tokenSet(p.ID, "new")} {
		_, again := deleteSet(t, s, gone)
		refuses(t, s, authority.ErrNotFound, again)
	}
}

// testTouchSets keeps the latest use; an older one that comes late changes nothing.
func testTouchSets(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	set, other := addSet(t, s, tokenSet(p.ID, "set")), addSet(t, s, tokenSet(p.ID, "other"))
	at := start().Add(time.Hour)
	touch := func(used ...authority.Use) {
		t.Helper()
		quietly(t, s, func() error { return s.TouchTokenSets(t.Context(), used) })
	}
	touch()
	touch(authority.Use{ID: set.ID, At: at, From: netip.MustParseAddr("192.0.2.9")}, authority.Use{ID: newID(), At: at})
	touch(authority.Use{ID: set.ID, At: at.Add(-time.Second), From: netip.MustParseAddr("192.0.2.8")})
	set.LastUsedAt, set.LastUsedIP = at, "192.0.2.9"
	checkProject(t, s, p, set, other)
	touch(authority.Use{ID: set.ID, At: at.Add(time.Second)})
	set.LastUsedAt = at.Add(time.Second)
	checkProject(t, s, p, set, other)
}

// testNoteSet keeps that a set was used by hand, which alters no verdict, and not of one that was deleted.
func testNoteSet(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	set := addSet(t, s, tokenSet(p.ID, "set"))
	ev := event(audit.TokenSetEncrypt, set.ID, start().Add(time.Hour))
	note := func() error { return s.NoteTokenSet(t.Context(), set.ID, ev) }
	does(t, s, ev, nil, note)
	checkProject(t, s, p, set)
	_, remove := deleteSet(t, s, set)
	must(t, remove())
	refuses(t, s, authority.ErrNotFound, note)
}

// testSealedSessions begins sessions by a project's tokens, each in place of another, and finds them as the project's wherever they
// are found.
func testSealedSessions(t *testing.T, s Store) {
	p := projectOf(1)
	p.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	p = addProject(t, s, p)
	alice := born(t, s, person("alice"), "")
	byHand, first, second := logIn(t, s, alice.ID, 1), sealedVisit(alice.ID, p), sealedVisit(alice.ID, p)
	ev, run := begin(t, s, first, 2, uuid.Nil)
	does(t, s, ev, nil, run)
	ev, run = begin(t, s, second, 3, first.ID)
	does(t, s, ev, one(feed.BrowserSession, first.ID), run)
	checkSession(t, s, 1, byHand)
	checkEnded(t, s, 2, first, ev.At)
	checkSession(t, s, 3, second)
	list, err := s.BrowserSessions(t.Context(), alice.ID, start())
	must(t, err)
	same(t, list, []session.Session{second, byHand})
}

// testSealedSessionOfNobody begins sessions by the tokens of a project that there isn't, and for a user that there isn't.
func testSealedSessionOfNobody(t *testing.T, s Store) {
	p, dead := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	alice, gone := born(t, s, person("alice"), ""), born(t, s, person("gone"), "")
	must(t, remove(t, s, gone.ID)())
	dropProject(t, s, dead)
	former := logIn(t, s, alice.ID, 9)
	for n, test := range []struct {
		user uuid.UUID
		by   project.Project
		want error
	}{
		{alice.ID, dead, authority.ErrActorChanged},
		{alice.ID, projectOf(3), authority.ErrActorChanged},
		{gone.ID, p, authority.ErrNotFound},
		{dead.ServiceAccount, dead, authority.ErrNotFound},
	} {
		_, run := begin(t, s, sealedVisit(test.user, test.by), n, former.ID)
		refuses(t, s, test.want, run)
		checkNoSession(t, s, authority.APISession, cookies(1, n).API)
	}
	checkSession(t, s, 9, former)
}

// testManySealedSessions has an application begin more sessions of a user than are kept: of these the oldest goes each time, and
// never one that another application began, or in which the user has logged in; nor the other way round.
func testManySealedSessions(t *testing.T, s Store) {
	p, other := addProject(t, s, projectOf(1)), addProject(t, s, projectOf(2))
	r := born(t, s, person("alice"), "")
	at := func(b session.Session, n int) session.Session {
		b.CreatedAt = start().Add(time.Duration(n) * time.Second)
		b.LastUsedAt = b.CreatedAt
		return b
	}
	quickly := func(b session.Session, n int) { // reading the log each time would take as long as it is
		t.Helper()
		_, run := begin(t, s, at(b, n), n, uuid.Nil)
		must(t, run())
	}
	byHand, others, first := at(visit(r.ID), 0), at(sealedVisit(r.ID, other), 1), at(sealedVisit(r.ID, p), 2)
	quickly(byHand, 0)
	quickly(others, 1)
	quickly(first, 2)
	for n := 3; n <= 1001; n++ {
		quickly(sealedVisit(r.ID, p), n)
	}
	checkSession(t, s, 2, first)
	ev, run := begin(t, s, at(sealedVisit(r.ID, p), 1002), 1002, uuid.Nil)
	does(t, s, ev, []feed.Change{{Kind: feed.BrowserSession, ID: first.ID, Gone: true}}, run)
	checkNoSession(t, s, authority.APISession, cookies(1, 2).API)
	checkSession(t, s, 1, others)
	for n := 1101; n < 1200; n++ {
		quickly(visit(r.ID), n)
	}
	checkSession(t, s, 0, byHand)
	ev, run = begin(t, s, at(visit(r.ID), 1200), 1200, uuid.Nil)
	does(t, s, ev, []feed.Change{{Kind: feed.BrowserSession, ID: byHand.ID, Gone: true}}, run)
	checkSession(t, s, 1, others)
	if _, err := s.BrowserSessionByDigest(t.Context(), authority.APISession, []keyring.Digest{cookies(1, 3).API}); err != nil {
		t.Errorf("got error %v for the second that was begun by a token, want it kept", err)
	}
}

// testSealedSessionsOfBlocked blocks users and lets them in again: what tokens began for them ends as what they began themselves.
func testSealedSessionsOfBlocked(t *testing.T, s Store) {
	p, r := addProject(t, s, projectOf(1)), born(t, s, person("alice"), "")
	b := comeIn(t, s, r.ID, p, 1)
	blocked := r
	blocked.State = account.Blocked
	must(t, update(t, s, blocked)())
	checkSession(t, s, 1, b)
	blocked.Version, blocked.State = 2, account.Active
	must(t, update(t, s, blocked)())
	checkEnded(t, s, 1, b, start())
	again := comeIn(t, s, r.ID, p, 2)
	must(t, s.ResetPassword(t.Context(), r.ID, "hash", event(audit.UserPasswordReset, r.ID, start())))
	checkEnded(t, s, 2, again, start())
}

// testAddSetEndsNothing adds a set to a project whose tokens have begun a session: that goes on.
func testAddSetEndsNothing(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	b := comeIn(t, s, born(t, s, person("alice"), "").ID, p, 1)
	addSet(t, s, tokenSet(p.ID, "set"))
	checkSession(t, s, 1, b)
}

// testSealedFrom reads the addresses of a session of a project that has none, and of one that was deleted.
func testSealedFrom(t *testing.T, s Store) {
	p := addProject(t, s, projectOf(1))
	b := comeIn(t, s, born(t, s, person("alice"), "").ID, p, 1)
	got, err := s.BrowserSessionByDigest(t.Context(), authority.APISession, []keyring.Digest{cookies(1, 1).API})
	must(t, err)
	exactly(t, got.Session, b)
	dropProject(t, s, p)
	checkEnded(t, s, 1, b, start().Add(time.Hour))
	if _, err := s.Project(t.Context(), 1); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, authority.ErrNotFound)
	}
}
