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
	"github.com/jeton-io/jeton/internal/session"
)

func sessionTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"begin":                       testBeginSession,
		"begin none of nobody":        testSessionOfNobody,
		"begin none twice":            testSessionConflicts,
		"under two peppers":           testSessionPeppers,
		"replace":                     testReplaceSession,
		"replace what doesn't last":   testReplaceNothing,
		"end":                         testEndSession,
		"expire":                      testExpireSession,
		"keep a hundred":              testManySessions,
		"note uses":                   testTouchSessions,
		"prune":                       testPruneSessions,
		"at a change of the password": testSessionsAtChange,
		"at a reset of the password":  testSessionsAtReset,
		"of the blocked":              testSessionsOfBlocked,
		"of the deleted":              testSessionsOfDeleted,
	}
}

// testExpireSession notes that a session is over, which nobody did and which alters no verdict.
func testExpireSession(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	b, bystander := logIn(t, s, r.ID, 1), logIn(t, s, r.ID, 2)
	expire := func(id uuid.UUID, at time.Time) {
		t.Helper()
		quietly(t, s, func() error { return s.ExpireBrowserSession(t.Context(), id, at) })
	}
	at := start().Add(time.Hour)
	expire(b.ID, at)
	b.EndedAt = at
	checkSession(t, s, 1, b)
	checkSession(t, s, 2, bystander)
	expire(b.ID, at.Add(time.Hour)) // the first time counts
	expire(newID(), at)
	checkSession(t, s, 1, b)
}

// testManySessions has a user log in more often than sessions are kept: the oldest goes each time, and the feed tells of it.
func testManySessions(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	others := logIn(t, s, bystander.ID, 0)
	at := func(n int) session.Session {
		b := visit(r.ID)
		b.CreatedAt = start().Add(time.Duration(n) * time.Second)
		b.LastUsedAt = b.CreatedAt
		return b
	}
	first := at(1)
	for n := 1; n <= 100; n++ {
		b := at(n)
		if n == 1 {
			b = first
		}
		ev, run := begin(t, s, b, n, uuid.Nil)
		does(t, s, ev, nil, run)
	}
	ev, run := begin(t, s, at(101), 101, uuid.Nil)
	does(t, s, ev, []feed.Change{{Kind: feed.BrowserSession, ID: first.ID, Gone: true}}, run)
	if _, err := s.BrowserSessionByDigest(t.Context(), authority.ConsoleSession, []keyring.Digest{cookies(1, 1).Console}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got error %v for the oldest of 101, want %v", err, authority.ErrNotFound)
	}
	if _, err := s.BrowserSessionByDigest(t.Context(), authority.ConsoleSession, []keyring.Digest{cookies(1, 2).Console}); err != nil {
		t.Errorf("got error %v for the second of 101, want it kept", err)
	}
	checkSession(t, s, 0, others)
}

// visit returns a session of a user that begins at the start.
func visit(userID uuid.UUID) session.Session {
	return session.Session{
		ID: newID(), UserID: userID, CreatedAt: start(), LastUsedAt: start(), LastUsedIP: "192.0.2.1",
		ExpiresAt: start().Add(12 * time.Hour),
	}
}

// cookies returns the digests of the n-th made-up pair of cookies under the pepper of a version.
func cookies(pepper int64, n int) session.Digests {
	return session.Digests{Console: digest(pepper, 2*n), API: digest(pepper, 2*n+1)}
}

// logIn begins a session of a user with the n-th pair of cookies.
func logIn(t *testing.T, s Store, userID uuid.UUID, n int) session.Session {
	t.Helper()
	b := visit(userID)
	_, run := begin(t, s, b, n, uuid.Nil)
	must(t, run())
	return b
}

// begin returns the beginning of a session with the n-th pair of cookies in place of a former, to be run, and its event.
func begin(t *testing.T, s Store, b session.Session, n int, former uuid.UUID) (audit.Event, func() error) {
	ev := event(audit.SessionBegin, b.ID, b.CreatedAt)
	return ev, func() error { return s.CreateBrowserSession(t.Context(), b, cookies(1, n), former, ev) }
}

// end returns the end of a session, to be run.
func end(t *testing.T, s Store, id uuid.UUID, ev audit.Event) func() error {
	return func() error { return s.EndBrowserSession(t.Context(), id, ev) }
}

// checkSession makes sure that both cookies of the n-th pair find a session as it is wanted.
func checkSession(t *testing.T, s Store, n int, want session.Session) {
	t.Helper()
	d := cookies(1, n)
	for kind, found := range map[authority.Kind]keyring.Digest{authority.ConsoleSession: d.Console, authority.APISession: d.API} {
		got, err := s.BrowserSessionByDigest(t.Context(), kind, []keyring.Digest{found})
		if err != nil {
			t.Errorf("by the cookie of kind %s: got error %v, want none", kind, err)
		}
		same(t, got.Session, want)
	}
}

// checkEnded makes sure when the session of the n-th pair ended: not at all where the time is zero.
func checkEnded(t *testing.T, s Store, n int, b session.Session, at time.Time) {
	t.Helper()
	b.EndedAt = at
	checkSession(t, s, n, b)
}

// checkNoSession makes sure that a digest finds no session as a cookie of a kind.
func checkNoSession(t *testing.T, s Store, kind authority.Kind, digests ...keyring.Digest) {
	t.Helper()
	if got, err := s.BrowserSessionByDigest(t.Context(), kind, digests); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got session %+v and error %v by a cookie of kind %s, want %v", got, err, kind, authority.ErrNotFound)
	}
}

func testBeginSession(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	b := visit(r.ID)
	b.LastUsedAt, b.ExpiresAt = start().Add(time.Microsecond), start().Add(2*time.Microsecond) // each in its place
	ev, run := begin(t, s, b, 1, uuid.Nil)
	does(t, s, ev, nil, run) // nothing was taken away: nothing to forget
	checkSession(t, s, 1, b)
	d := cookies(1, 1)
	got, err := s.BrowserSessionByDigest(t.Context(), authority.ConsoleSession, []keyring.Digest{d.Console})
	must(t, err)
	for _, at := range []time.Time{got.CreatedAt, got.LastUsedAt, got.ExpiresAt} {
		if at.Location() != time.UTC {
			t.Errorf("got a time in %v, want UTC whatever the machine's zone", at.Location())
		}
	}

	// Each cookie counts as what it is, and not as the other.
	checkNoSession(t, s, authority.ConsoleSession, d.API)
	checkNoSession(t, s, authority.APISession, d.Console)
	checkNoSession(t, s, authority.ConsoleSession, digest(2, 2))
	checkNoSession(t, s, authority.ConsoleSession, digest(1, 4))
	for _, kind := range []authority.Kind{authority.KindNone, authority.SessionToken, authority.PersonalToken} {
		_, err := s.BrowserSessionByDigest(t.Context(), kind, []keyring.Digest{d.Console})
		if err == nil || errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got error %v for a cookie of kind %s, want one that says that there is no such cookie", err, kind)
		}
	}

	from := visit(r.ID) // from an address that isn't known
	from.LastUsedIP = ""
	_, run = begin(t, s, from, 2, uuid.Nil)
	must(t, run())
	checkSession(t, s, 2, from)
	checkSession(t, s, 1, b) // another browser's goes on
}

func testSessionOfNobody(t *testing.T, s Store) {
	dead := born(t, s, person("dead"), "")
	must(t, remove(t, s, dead.ID)())
	alice := born(t, s, person("alice"), "")
	former := logIn(t, s, alice.ID, 9)
	for n, id := range []uuid.UUID{dead.ID, newID(), uuid.Nil} {
		_, run := begin(t, s, visit(id), n, former.ID)
		refuses(t, s, authority.ErrNotFound, run)
		checkNoSession(t, s, authority.ConsoleSession, cookies(1, n).Console)
		checkNoSession(t, s, authority.APISession, cookies(1, n).API)
	}
	checkEnded(t, s, 9, former, time.Time{}) // what nothing took the place of stays
}

// testSessionConflicts begins sessions with what another has: an ID, or one of its secrets, which no honest source of
// randomness gives twice.
func testSessionConflicts(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	first := logIn(t, s, r.ID, 1)
	again := visit(r.ID)
	again.ID = first.ID
	ev, run := begin(t, s, again, 2, uuid.Nil)
	refuses(t, s, authority.ErrConflict, run)
	for _, d := range []session.Digests{
		{Console: cookies(1, 1).Console, API: cookies(1, 3).API}, {Console: cookies(1, 3).Console, API: cookies(1, 1).API},
	} {
		b := visit(r.ID)
		refuses(t, s, authority.ErrConflict, func() error { return s.CreateBrowserSession(t.Context(), b, d, first.ID, ev) })
	}
	checkEnded(t, s, 1, first, time.Time{})
}

func testSessionPeppers(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	var begun [3]session.Session // under peppers 1 and 2
	for pepper := 1; pepper <= 2; pepper++ {
		begun[pepper] = visit(r.ID)
		ev := event(audit.SessionBegin, begun[pepper].ID, start())
		must(t, s.CreateBrowserSession(t.Context(), begun[pepper], cookies(int64(pepper), pepper), uuid.Nil, ev))
	}
	pick := map[authority.Kind]func(session.Digests) keyring.Digest{
		authority.ConsoleSession: func(d session.Digests) keyring.Digest { return d.Console },
		authority.APISession:     func(d session.Digests) keyring.Digest { return d.API },
	}
	for kind, of := range pick {
		for _, test := range []struct {
			digests []keyring.Digest
			want    uuid.UUID
		}{
			{[]keyring.Digest{of(cookies(2, 8)), of(cookies(1, 1))}, begun[1].ID},
			{[]keyring.Digest{of(cookies(2, 2)), of(cookies(1, 8))}, begun[2].ID},
			{[]keyring.Digest{of(cookies(2, 2))}, begun[2].ID},
			{[]keyring.Digest{of(cookies(1, 2)), of(cookies(2, 1))}, uuid.Nil}, // each under the other's pepper
		} {
			got, err := s.BrowserSessionByDigest(t.Context(), kind, test.digests)
			if got.ID != test.want || (err == nil) != (test.want != uuid.Nil) {
				t.Errorf("%s, %v: got session %+v and error %v, want session %s", kind, test.digests, got, err, test.want)
			}
		}
	}
}

func testReplaceSession(t *testing.T, s Store) {
	r, bystander := born(t, s, person("alice"), ""), born(t, s, person("bob"), "")
	former, beside, others := logIn(t, s, r.ID, 1), logIn(t, s, r.ID, 2), logIn(t, s, bystander.ID, 3)
	b := visit(r.ID)
	at := start().Add(time.Hour)
	b.CreatedAt = at
	ev, run := begin(t, s, b, 4, former.ID)
	does(t, s, ev, one(feed.BrowserSession, former.ID), run)
	checkEnded(t, s, 1, former, at)
	checkEnded(t, s, 2, beside, time.Time{})
	checkEnded(t, s, 3, others, time.Time{})
	checkSession(t, s, 4, b)

	// A browser may change hands: the former is then another user's.
	next := visit(bystander.ID)
	next.CreatedAt = at.Add(time.Hour)
	ev, run = begin(t, s, next, 5, b.ID)
	does(t, s, ev, one(feed.BrowserSession, b.ID), run)
	checkEnded(t, s, 4, b, next.CreatedAt)
	checkSession(t, s, 5, next)
}

// testReplaceNothing begins sessions in place of some that have ended or never were: no verdict of any is altered.
func testReplaceNothing(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	ended := logIn(t, s, r.ID, 1)
	must(t, end(t, s, ended.ID, event(audit.SessionEnd, ended.ID, start().Add(time.Minute)))())
	for n, former := range []uuid.UUID{ended.ID, newID(), r.ID} {
		b := visit(r.ID)
		b.CreatedAt = start().Add(time.Hour)
		ev, run := begin(t, s, b, 10+n, former)
		does(t, s, ev, nil, run)
		checkSession(t, s, 10+n, b)
	}
	checkEnded(t, s, 1, ended, start().Add(time.Minute)) // and not an hour later
}

func testEndSession(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	b, beside := logIn(t, s, r.ID, 1), logIn(t, s, r.ID, 2)
	at := start().Add(time.Hour)
	ev := event(audit.SessionEnd, b.ID, at)
	does(t, s, ev, one(feed.BrowserSession, b.ID), end(t, s, b.ID, ev))
	checkEnded(t, s, 1, b, at) // it is found, for the audit log to know it by
	checkEnded(t, s, 2, beside, time.Time{})

	again := event(audit.SessionEnd, b.ID, at.Add(time.Hour))
	for _, id := range []uuid.UUID{b.ID, newID(), uuid.Nil, r.ID} {
		refuses(t, s, authority.ErrNotFound, end(t, s, id, again))
	}
	checkEnded(t, s, 1, b, at)
}

func testTouchSessions(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	a, b, ended := logIn(t, s, r.ID, 1), logIn(t, s, r.ID, 2), logIn(t, s, r.ID, 3)
	must(t, end(t, s, ended.ID, event(audit.SessionEnd, ended.ID, start()))())
	late, early := start().Add(time.Hour), start().Add(time.Minute)
	v4, v6 := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::2")
	touch := func(used ...authority.Use) {
		t.Helper()
		quietly(t, s, func() error { return s.TouchBrowserSessions(t.Context(), used) })
	}
	check := func(n int, b session.Session, at time.Time, ip string) {
		t.Helper()
		b.LastUsedAt, b.LastUsedIP = at, ip
		checkSession(t, s, n, b)
	}
	touch()
	touch(authority.Use{ID: ended.ID, At: late, From: v4}, authority.Use{ID: newID(), At: late}, authority.Use{ID: a.ID, At: late, From: v4})
	check(1, a, late, "192.0.2.9")
	check(2, b, start(), "192.0.2.1")
	checkEnded(t, s, 3, ended, start())
	touch(authority.Use{ID: a.ID, At: early, From: v6}, authority.Use{ID: a.ID, At: late, From: v6}) // told late, and told twice
	check(1, a, late, "192.0.2.9")
	touch(authority.Use{ID: a.ID, At: late.Add(time.Microsecond)}, authority.Use{ID: b.ID, At: start(), From: v6})
	check(1, a, late.Add(time.Microsecond), "")
	check(2, b, start(), "192.0.2.1") // no later than its beginning

	used := make([]authority.Use, 1234) // more than a page
	for i := range used {
		used[i] = authority.Use{ID: b.ID, At: start().Add(time.Duration(i) * time.Second), From: v6}
	}
	touch(used...)
	check(2, b, used[len(used)-1].At, "2001:db8::2")
}

func testPruneSessions(t *testing.T, s Store) {
	r := born(t, s, person("alice"), "")
	lasts := func(n int, d time.Duration) session.Session {
		b := visit(r.ID)
		b.ExpiresAt = start().Add(d)
		_, run := begin(t, s, b, n, uuid.Nil)
		must(t, run())
		return b
	}
	prune := func(before time.Time, want int64) {
		t.Helper()
		quietly(t, s, func() error {
			n, err := s.PruneBrowserSessions(t.Context(), before)
			same(t, n, want)
			return err
		})
	}
	prune(start().Add(time.Hour), 0)
	lasts(1, time.Hour)
	gone := lasts(2, time.Hour)
	must(t, end(t, s, gone.ID, event(audit.SessionEnd, gone.ID, start()))())
	ended, next := lasts(3, time.Hour+time.Microsecond), lasts(4, 2*time.Hour)
	must(t, end(t, s, ended.ID, event(audit.SessionEnd, ended.ID, start()))()) // long ended, and still to be known by

	prune(start().Add(time.Hour), 0)
	prune(start().Add(time.Hour+time.Microsecond), 2)
	prune(start().Add(time.Hour+time.Microsecond), 0)
	for n := 1; n <= 2; n++ {
		checkNoSession(t, s, authority.ConsoleSession, cookies(1, n).Console)
		checkNoSession(t, s, authority.APISession, cookies(1, n).API)
	}
	checkEnded(t, s, 3, ended, start())
	checkEnded(t, s, 4, next, time.Time{})
	refuses(t, s, authority.ErrNotFound, end(t, s, gone.ID, event(audit.SessionEnd, gone.ID, start())))
}

// company is a user with three sessions, one of which has ended, beside another user with one.
type company struct {
	user, bystander account.Record
	own, other      session.Session // that last
	ended           session.Session // at the start
	others          session.Session
	first           int // of the pairs of cookies, in this order
}

// gather makes the n-th company of a store; both users have the password hash "old".
func gather(t *testing.T, s Store, n int) company {
	t.Helper()
	c := company{first: 4 * n}
	c.user, c.bystander = born(t, s, person(fmt.Sprint("user", n)), "old"), born(t, s, person(fmt.Sprint("bystander", n)), "old")
	c.own, c.other = logIn(t, s, c.user.ID, c.first), logIn(t, s, c.user.ID, c.first+1)
	c.ended, c.others = logIn(t, s, c.user.ID, c.first+2), logIn(t, s, c.bystander.ID, c.first+3)
	must(t, end(t, s, c.ended.ID, event(audit.SessionEnd, c.ended.ID, start()))())
	return c
}

// check makes sure when the two sessions ended, not at all where the time is zero, and that the others are as they were.
func (c company) check(t *testing.T, s Store, own, other time.Time) {
	t.Helper()
	checkEnded(t, s, c.first, c.own, own)
	checkEnded(t, s, c.first+1, c.other, other)
	checkEnded(t, s, c.first+2, c.ended, start())
	checkEnded(t, s, c.first+3, c.others, time.Time{})
}

// came returns a user as an actor, by the credential by which it came.
func came(r account.Record, kind authority.Kind, id uuid.UUID) audit.Actor {
	return audit.Actor{UserID: r.ID, Username: r.Username, CredentialKind: kind.String(), CredentialID: id}
}

// checkPassword runs a change of the user's password by an actor who is known as of now, an hour after the start, and makes
// sure that it ended the user's sessions: all, or all but the first.
func (c company) checkPassword(t *testing.T, s Store, actor audit.Actor, ownStays bool, change func(audit.Event) error) {
	t.Helper()
	at := start().Add(time.Hour)
	ev := event(audit.UserPassword, c.user.ID, at)
	ev.Actor = actor
	ev.Actor.AsOf = readLog(t, s).head
	does(t, s, ev, one(feed.User, c.user.ID), func() error { return change(ev) })
	own := at
	if ownStays {
		own = time.Time{}
	}
	c.check(t, s, own, at)
}

// testSessionsAtChange changes a password: whoever is logged in elsewhere has to know the new one.
func testSessionsAtChange(t *testing.T, s Store) {
	for n, test := range []struct {
		actor    func(company) audit.Actor
		ownStays bool
	}{
		{func(c company) audit.Actor { return came(c.user, authority.ConsoleSession, c.own.ID) }, true},
		{func(c company) audit.Actor { return came(c.user, authority.Password, c.user.ID) }, false},
		{func(c company) audit.Actor { return came(c.user, authority.PersonalToken, c.user.ID) }, false},
		{func(c company) audit.Actor { return came(c.user, authority.APISession, c.own.ID) }, false},       // that cookie is others', too
		{func(c company) audit.Actor { return came(c.user, authority.ConsoleSession, c.ended.ID) }, false}, // nothing is revived
		{func(c company) audit.Actor { return came(c.user, authority.ConsoleSession, c.others.ID) }, false},
	} {
		c := gather(t, s, n)
		c.checkPassword(t, s, test.actor(c), test.ownStays, func(ev audit.Event) error {
			return s.ChangePassword(t.Context(), c.user.ID, account.Rehash{Old: "old", New: "new"}, ev)
		})
	}
	c := gather(t, s, 99)
	refuses(t, s, authority.ErrStale, func() error {
		return s.ChangePassword(t.Context(), c.user.ID, account.Rehash{Old: "odd", New: "new"}, event(audit.UserPassword, c.user.ID, start()))
	})
	c.check(t, s, time.Time{}, time.Time{})
}

// testSessionsAtReset has an administrator set a password, which ends every session of the user, whatever the
// administrator came by: only one who resets its own keeps the session at which it sits.
func testSessionsAtReset(t *testing.T, s Store) {
	for n, test := range []struct {
		actor    func(company) audit.Actor
		ownStays bool
	}{
		{func(c company) audit.Actor { return came(c.bystander, authority.ConsoleSession, c.others.ID) }, false},
		{func(c company) audit.Actor { return came(c.bystander, authority.PersonalToken, c.bystander.ID) }, false},
		{func(c company) audit.Actor { return came(c.user, authority.PersonalToken, c.user.ID) }, false},
		{func(c company) audit.Actor { return came(c.user, authority.ConsoleSession, c.own.ID) }, true},
		{func(company) audit.Actor { return audit.Actor{} }, false}, // Jeton itself
	} {
		c := gather(t, s, n)
		c.checkPassword(t, s, test.actor(c), test.ownStays, func(ev audit.Event) error {
			return s.ResetPassword(t.Context(), c.user.ID, "new", ev)
		})
	}
}

// testSessionsOfBlocked blocks a user, whose sessions are then there for the audit log to say why they are refused, and
// lets it in again, without them.
func testSessionsOfBlocked(t *testing.T, s Store) {
	c := gather(t, s, 0)
	at := start()
	change := func(want error, change func(*account.Record)) {
		t.Helper()
		r := c.user
		change(&r)
		at = at.Add(time.Minute)
		r.UpdatedAt = at
		ev := event(audit.UserUpdate, r.ID, at)
		run := func() error { return s.UpdateUser(t.Context(), r, ev) }
		if want != nil {
			refuses(t, s, want, run)
			return
		}
		does(t, s, ev, one(feed.User, r.ID), run)
		c.user = r
		c.user.Version++
	}
	last := time.Time{}
	change(nil, func(r *account.Record) { r.DisplayName, r.Roles = "User", []string{"r"} })
	c.check(t, s, last, last)
	change(nil, func(r *account.Record) { r.State = account.Blocked })
	c.check(t, s, last, last)
	change(nil, func(r *account.Record) { r.DisplayName = "Blocked" })
	c.check(t, s, last, last)
	change(authority.ErrStale, func(r *account.Record) { r.State = account.Active; r.Version-- })
	c.check(t, s, last, last)
	change(nil, func(r *account.Record) { r.State = account.Suspended })
	c.check(t, s, last, last)
	change(nil, func(r *account.Record) { r.State = account.Active })
	ended := at
	c.check(t, s, ended, ended)

	next := logIn(t, s, c.user.ID, 9) // once let in, a user logs in as ever
	change(nil, func(r *account.Record) { r.DisplayName = "User" })
	checkSession(t, s, 9, next)
	c.check(t, s, ended, ended)
}

func testSessionsOfDeleted(t *testing.T, s Store) {
	c := gather(t, s, 0)
	ev := event(audit.UserDelete, c.user.ID, start())
	does(t, s, ev, one(feed.User, c.user.ID), func() error { return s.DeleteUser(t.Context(), c.user.ID, ev) })
	for n := range 3 {
		checkNoSession(t, s, authority.ConsoleSession, cookies(1, n).Console)
		checkNoSession(t, s, authority.APISession, cookies(1, n).API)
	}
	for _, b := range []session.Session{c.own, c.other, c.ended} {
		refuses(t, s, authority.ErrNotFound, end(t, s, b.ID, event(audit.SessionEnd, b.ID, start())))
	}
	checkEnded(t, s, 3, c.others, time.Time{})
	pruned, err := s.PruneBrowserSessions(t.Context(), start().Add(24*time.Hour))
	must(t, err)
	same(t, pruned, 1) // the bystander's: of the deleted user's there is no row left
}
