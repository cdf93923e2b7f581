package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

func actorTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"changed meanwhile":    testActorChanged,
		"logged out meanwhile": testActorLoggedOut,
	}
}

// ofJeton is an event of Jeton itself.
func ofJeton(action audit.Action, id uuid.UUID) audit.Event {
	ev := event(action, id, start())
	ev.Actor = audit.Actor{}
	return ev
}

// testActorChanged has a user act as of the revision at which it was known, after changes that concern it or don't.
func testActorChanged(t *testing.T, s Store) {
	actor, other := person("actor"), person("other")
	must(t, s.CreateUser(t.Context(), actor, "", ofJeton(audit.UserCreate, actor.ID)))
	must(t, s.CreateUser(t.Context(), other, "", ofJeton(audit.UserCreate, other.ID)))
	tokens := 0
	rotate := func(id uuid.UUID) {
		for range 2 { // the second takes the place of a valid one, which the feed tells of
			tokens++
			must(t, s.PutPersonalToken(t.Context(), id, digest(1, tokens), ofJeton(audit.PersonalTokenRotate, id)))
		}
	}
	reset := func(id uuid.UUID) {
		must(t, s.ResetPassword(t.Context(), id, "hash", ofJeton(audit.UserPasswordReset, id)))
	}
	for _, tt := range []struct {
		name      string
		by        string // the kind of credential by which the actor was known
		meanwhile func()
		want      error
	}{
		{"nothing", "password", func() {}, nil},
		{"another changed", "password", func() { reset(other.ID) }, nil},
		{"another's token was rotated", "personal_token", func() { rotate(other.ID) }, nil},
		{"its token was rotated, known by its password", "password", func() { rotate(actor.ID) }, nil},
		{"its token was rotated, known by that", "personal_token", func() { rotate(actor.ID) }, authority.ErrActorChanged},
		{"it changed, known by its password", "password", func() { reset(actor.ID) }, authority.ErrActorChanged},
		{"it changed, known by its token", "personal_token", func() { reset(actor.ID) }, authority.ErrActorChanged},
	} {
		asOf := readLog(t, s).head
		tt.meanwhile()
		actor := audit.Actor{UserID: actor.ID, Username: "actor", CredentialKind: tt.by, CredentialID: actor.ID, AsOf: asOf}
		checkActor(t, s, tt.name, actor, tt.want)
	}
}

// checkActor has an actor make a user, and makes sure that there is one where that was not refused.
func checkActor(t *testing.T, s Store, name string, actor audit.Actor, want error) {
	t.Helper()
	made := person("made-" + newID().String())
	ev := event(audit.UserCreate, made.ID, start())
	ev.Actor = actor
	if err := s.CreateUser(t.Context(), made, "", ev); !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", name, err, want)
	}
	if _, err := s.User(t.Context(), made.ID); (err == nil) != (want == nil) {
		t.Errorf("%s: got the user made: %v, want %v", name, err == nil, want == nil)
	}
}

// testActorLoggedOut has a user act by the cookie of a browser as of the revision at which the session was known.
func testActorLoggedOut(t *testing.T, s Store) {
	actor, other := born(t, s, person("actor"), "old"), born(t, s, person("other"), "old")
	ends := func(id uuid.UUID) { must(t, s.EndBrowserSession(t.Context(), id, ofJeton(audit.SessionEnd, id))) }
	pairs := 0
	begins := func(id, former uuid.UUID) uuid.UUID {
		b := visit(id)
		pairs++
		must(t, s.CreateBrowserSession(t.Context(), b, cookies(1, pairs), former, ofJeton(audit.SessionBegin, b.ID)))
		return b.ID
	}
	for _, tt := range []struct {
		name      string
		by        string
		meanwhile func(own, second, others uuid.UUID)
		want      error
	}{
		{"nothing", "console_session", func(_, _, _ uuid.UUID) {}, nil},
		{"it was used", "console_session", func(own, _, _ uuid.UUID) {
			must(t, s.TouchBrowserSessions(t.Context(), []authority.Use{{ID: own, At: start().Add(time.Hour)}}))
		}, nil},
		{"another's ended", "console_session", func(_, _, others uuid.UUID) { ends(others) }, nil},
		{"its other browser's ended", "console_session", func(_, second, _ uuid.UUID) { ends(second) }, nil},
		{"it logged in elsewhere", "console_session", func(_, _, _ uuid.UUID) { begins(actor.ID, uuid.Nil) }, nil},
		{"it ended", "console_session", func(own, _, _ uuid.UUID) { ends(own) }, authority.ErrActorChanged},
		{"it ended, known by its password", "password", func(own, _, _ uuid.UUID) { ends(own) }, nil},
		{"it was replaced", "console_session", func(own, _, _ uuid.UUID) { begins(actor.ID, own) }, authority.ErrActorChanged},
		{"the password was reset", "console_session", func(_, _, _ uuid.UUID) {
			must(t, s.ResetPassword(t.Context(), actor.ID, "new", ofJeton(audit.UserPasswordReset, actor.ID)))
		}, authority.ErrActorChanged},
	} {
		own, second, others := begins(actor.ID, uuid.Nil), begins(actor.ID, uuid.Nil), begins(other.ID, uuid.Nil)
		asOf := readLog(t, s).head
		tt.meanwhile(own, second, others)
		checkActor(t, s, tt.name, audit.Actor{UserID: actor.ID, Username: "actor", CredentialKind: tt.by, CredentialID: own, AsOf: asOf}, tt.want)
	}
}
