package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/session"
)

// purse is a company whose user has three session tokens, one of which has ended, beside a bystander with one.
type purse struct {
	company
	portal         platform.Platform
	byWord, spoken session.Token // that last: for a password, and for the word of portal
	over           session.Token // at the start
	bystanders     session.Token
}

// gatherTokens makes the n-th purse of a store.
func gatherTokens(t *testing.T, s Store, n int) purse {
	t.Helper()
	p := purse{company: gather(t, s, n), portal: enrol(t, s, "portal "+newID().String())}
	p.byWord, p.spoken = takeToken(t, s, p.user.ID, uuid.Nil, p.first), takeToken(t, s, p.user.ID, p.portal.ID, p.first+1)
	p.over, p.bystanders = takeToken(t, s, p.user.ID, uuid.Nil, p.first+2), takeToken(t, s, p.bystander.ID, p.portal.ID, p.first+3)
	must(t, endToken(t, s, p.over, event(audit.SessionTokenEnd, p.over.ID, start()))())
	return p
}

// checkTokens makes sure when the two tokens ended, not at all where the time is zero, and that the others are as they were.
func (p *purse) checkTokens(t *testing.T, s Store, byWord, spoken time.Time) {
	t.Helper()
	checkTokenEnded(t, s, p.first, p.byWord, byWord)
	checkTokenEnded(t, s, p.first+1, p.spoken, spoken)
	checkTokenEnded(t, s, p.first+2, p.over, start())
	checkTokenEnded(t, s, p.first+3, p.bystanders, time.Time{})
}

// testEndSessions ends all that a user is logged in by, but the browser at which the one sits who does it.
func testEndSessions(t *testing.T, s Store) {
	for n, test := range []struct {
		actor    func(*purse) audit.Actor
		ownStays bool
	}{
		{func(p *purse) audit.Actor { return came(p.user, authority.ConsoleSession, p.own.ID) }, true},
		{func(p *purse) audit.Actor { return came(p.user, authority.PersonalToken, p.user.ID) }, false},
		{func(p *purse) audit.Actor { return came(p.user, authority.SessionToken, p.byWord.ID) }, false}, // that one, too
		{func(p *purse) audit.Actor { return came(p.bystander, authority.ConsoleSession, p.others.ID) }, false},
		{func(*purse) audit.Actor { return audit.Actor{} }, false}, // Jeton itself
	} {
		p := gatherTokens(t, s, n)
		ev := event(audit.SessionsEnd, p.user.ID, start().Add(time.Hour))
		ev.Actor = test.actor(&p)
		ev.Actor.AsOf = readLog(t, s).head
		does(t, s, ev, one(feed.User, p.user.ID), func() error { return s.EndSessions(t.Context(), p.user.ID, ev) })
		own := ev.At
		if test.ownStays {
			own = time.Time{}
		}
		p.check(t, s, own, ev.At)
		p.checkTokens(t, s, ev.At, ev.At)
	}
	alone := born(t, s, person("alone"), "") // who has no session
	ev := event(audit.SessionsEnd, alone.ID, start())
	does(t, s, ev, one(feed.User, alone.ID), func() error { return s.EndSessions(t.Context(), alone.ID, ev) })
}

func testEndSessionsOfNobody(t *testing.T, s Store) {
	dead := born(t, s, person("dead"), "")
	must(t, remove(t, s, dead.ID)())
	for _, id := range []uuid.UUID{dead.ID, newID(), uuid.Nil} {
		refuses(t, s, authority.ErrNotFound, func() error { return s.EndSessions(t.Context(), id, event(audit.SessionsEnd, id, start())) })
	}
}

// testTokensAtChange changes a password: a program that is logged in has to know the new one, unless tokens are to be kept.
func testTokensAtChange(t *testing.T, s Store) {
	for n, keep := range []bool{false, true} {
		p := gatherTokens(t, s, n)
		p.checkPassword(t, s, came(p.user, authority.ConsoleSession, p.own.ID), true, func(ev audit.Event) error {
			return s.ChangePassword(t.Context(), p.user.ID, account.Rehash{Old: "old", New: "new", KeepTokens: keep}, ev)
		})
		at := start().Add(time.Hour)
		if keep {
			at = time.Time{}
		}
		p.checkTokens(t, s, at, at)
	}
	p := gatherTokens(t, s, 9)
	refuses(t, s, authority.ErrStale, func() error {
		return s.ChangePassword(t.Context(), p.user.ID, account.Rehash{Old: "odd", New: "new"}, event(audit.UserPassword, p.user.ID, start()))
	})
	p.checkTokens(t, s, time.Time{}, time.Time{})
}

// testTokensAtReset sets a password, which nothing outlasts.
func testTokensAtReset(t *testing.T, s Store) {
	p := gatherTokens(t, s, 0)
	p.checkPassword(t, s, audit.Actor{}, false, func(ev audit.Event) error { return s.ResetPassword(t.Context(), p.user.ID, "new", ev) })
	p.checkTokens(t, s, start().Add(time.Hour), start().Add(time.Hour))
}

// updates changes a user a minute after another time, and returns it with the time of the change.
func updates(t *testing.T, s Store, r account.Record, after time.Time, change func(*account.Record)) (account.Record, time.Time) {
	t.Helper()
	change(&r)
	r.UpdatedAt = after.Add(time.Minute)
	ev := event(audit.UserUpdate, r.ID, r.UpdatedAt)
	does(t, s, ev, one(feed.User, r.ID), func() error { return s.UpdateUser(t.Context(), r, ev) })
	r.Version++
	return r, r.UpdatedAt
}

// testTokensOfBlocked blocks a user, whose tokens are then there for the audit log to say why they are refused, and lets it in
// again, without them.
func testTokensOfBlocked(t *testing.T, s Store) {
	p, never := gatherTokens(t, s, 0), time.Time{}
	r, at := updates(t, s, p.user, start(), func(r *account.Record) { r.DisplayName = "User" })
	p.checkTokens(t, s, never, never)
	for _, state := range []account.State{account.Blocked, account.Suspended} {
		r, at = updates(t, s, r, at, func(r *account.Record) { r.State = state })
		p.checkTokens(t, s, never, never)
	}
	r, at = updates(t, s, r, at, func(r *account.Record) { r.State = account.Active })
	p.checkTokens(t, s, at, at)

	next := takeToken(t, s, r.ID, uuid.Nil, 99) // once let in, a user logs in as ever
	updates(t, s, r, at, func(r *account.Record) { r.DisplayName = "User again" })
	checkToken(t, s, 99, next)
	p.checkTokens(t, s, at, at)
}

// testTokensOfAdmins gives a user other roles: as an administrator it loses what was got by those who may not speak for such.
func testTokensOfAdmins(t *testing.T, s Store) {
	p, never := gatherTokens(t, s, 0), time.Time{}
	trusted := platformOf("trusted")
	trusted.Administrators = true
	addPlatform(t, s, trusted, firstKey(&trusted))
	kept := takeToken(t, s, p.user.ID, trusted.ID, 50)
	r, at := updates(t, s, p.user, start(), func(r *account.Record) { r.Roles = []string{"administrator", "x"} })
	p.checkTokens(t, s, never, never)
	r, at = updates(t, s, r, at, func(r *account.Record) { r.Roles = []string{authority.AdminRole, "x"} })
	p.checkTokens(t, s, never, at)
	checkToken(t, s, 50, kept)
	other, _ := updates(t, s, p.bystander, at, func(r *account.Record) { r.DisplayName = "Bystander" })
	p.checkTokens(t, s, never, at)
	other.Roles = []string{authority.AdminRole}
	refuses(t, s, authority.ErrStale, func() error {
		stale := other
		stale.Version--
		return s.UpdateUser(t.Context(), stale, event(audit.UserUpdate, stale.ID, at))
	})
	p.checkTokens(t, s, never, at)
	checkUser(t, s, r)
}

// testTokensOfUnspoken takes roles from a user: it loses what was got by those who spoke for it by these alone.
func testTokensOfUnspoken(t *testing.T, s Store) {
	p, never := gatherTokens(t, s, 0), time.Time{}
	r, at := updates(t, s, p.user, start(), func(r *account.Record) { r.Roles = []string{"a", "b", "c"} })
	got := map[string]session.Token{}
	n := 50
	for name, scope := range map[string]platform.Scope{
		"of a": {Roles: []string{"a"}}, "of a or b": {Roles: []string{"a", "b"}}, "of the user": {Users: []uuid.UUID{p.bystander.ID, r.ID}},
		"of a longer name": {Roles: []string{"aa", "c"}},
	} {
		speaking := platformOf(name)
		speaking.SpeaksFor = scope
		addPlatform(t, s, speaking, firstKey(&speaking))
		got[name] = takeToken(t, s, r.ID, speaking.ID, n)
		n++
	}
	ended := func(want ...string) {
		t.Helper()
		tokens, err := s.SessionTokens(t.Context(), r.ID, start())
		must(t, err)
		for name, token := range got {
			lasts := slices.ContainsFunc(tokens, func(other session.Token) bool { return other.ID == token.ID })
			if lasts == slices.Contains(want, name) {
				t.Errorf("%s: got that the token lasts %t, want %t", name, lasts, !lasts)
			}
		}
		p.checkTokens(t, s, never, never)
	}
	ended()
	r, at = updates(t, s, r, at, func(r *account.Record) { r.Roles = []string{"b", "c"} })
	ended("of a")
	r, at = updates(t, s, r, at, func(r *account.Record) { r.Roles = []string{"A", "aa"} })
	ended("of a", "of a or b")
	updates(t, s, r, at, func(r *account.Record) { r.Roles = nil })
	ended("of a", "of a or b", "of a longer name")
}

// checkUser makes sure that a user is as it is wanted.
func checkUser(t *testing.T, s Store, want account.Record) {
	t.Helper()
	got, err := s.User(t.Context(), want.ID)
	must(t, err)
	same(t, got, want.User)
}

func testTokensOfDeleted(t *testing.T, s Store) {
	p := gatherTokens(t, s, 0)
	ev := event(audit.UserDelete, p.user.ID, start())
	does(t, s, ev, one(feed.User, p.user.ID), func() error { return s.DeleteUser(t.Context(), p.user.ID, ev) })
	for n := range 3 {
		checkNoToken(t, s, digest(1, p.first+n))
	}
	for _, token := range []session.Token{p.byWord, p.spoken, p.over} {
		refuses(t, s, authority.ErrNotFound, endToken(t, s, token, event(audit.SessionTokenEnd, token.ID, start())))
	}
	checkToken(t, s, p.first+3, p.bystanders)
	pruned, err := s.PruneSessionTokens(t.Context(), start().Add(365*24*time.Hour))
	must(t, err)
	same(t, pruned, 1) // the bystander's: of the deleted user's there is no row left
}
