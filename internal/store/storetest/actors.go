package storetest

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

func actorTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"changed meanwhile": testActorChanged,
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
		made := person("made-" + newID().String())
		ev := event(audit.UserCreate, made.ID, start())
		ev.Actor = audit.Actor{UserID: actor.ID, Username: "actor", CredentialKind: tt.by, CredentialID: actor.ID, AsOf: asOf}
		if err := s.CreateUser(t.Context(), made, "", ev); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
		if _, err := s.User(t.Context(), made.ID); (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got the user made: %v, want %v", tt.name, err == nil, tt.want == nil)
		}
	}
}
