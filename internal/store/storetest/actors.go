package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/session"
)

func actorTests() map[string]func(*testing.T, Store) {
	return map[string]func(*testing.T, Store){
		"changed meanwhile":    testActorChanged,
		"logged out meanwhile": testActorLoggedOut,
		"spoken for meanwhile": testActorSpokenFor,
		"by an ended token":    testActorByToken,
		"sealed meanwhile":     testActorSealed,
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

// testActorSpokenFor has a user log in by the word of a platform as of the revision at which that was known.
func testActorSpokenFor(t *testing.T, s Store) {
	actor, bystander := born(t, s, person("actor"), "old"), born(t, s, person("bystander"), "")
	n := 0
	for _, tt := range []struct {
		name      string
		meanwhile func(own, other platform.Platform)
		want      error
	}{
		{"nothing", func(_, _ platform.Platform) {}, nil},
		{"it was used", func(own, _ platform.Platform) {
			must(t, s.TouchPlatforms(t.Context(), []authority.Use{{ID: own.ID, At: start()}}))
		}, nil},
		{"another was disabled", func(_, other platform.Platform) {
			_, run := updatePlatform(t, s, other, func(c *platform.Change) { c.Enabled = false })
			must(t, run())
		}, nil},
		{"it was renamed", func(own, _ platform.Platform) {
			_, run := updatePlatform(t, s, own, func(c *platform.Change) { c.Name, c.EndSessions = "renamed "+c.Name, false })
			must(t, run())
		}, nil},
		{"its key was deleted", func(own, _ platform.Platform) {
			_, run := deletePlatformKey(t, s, keyOf(t, s, own.ID))
			must(t, run())
		}, nil},
		{"it speaks for fewer", func(own, _ platform.Platform) {
			_, run := updatePlatform(t, s, own, func(c *platform.Change) { c.SpeaksFor = platform.Scope{Roles: []string{"r"}} })
			must(t, run())
		}, authority.ErrActorChanged},
		{"it was disabled", func(own, _ platform.Platform) {
			_, run := updatePlatform(t, s, own, func(c *platform.Change) { c.Enabled = false })
			must(t, run())
		}, authority.ErrActorChanged},
		{"it was disabled and enabled", func(own, _ platform.Platform) {
			_, run := updatePlatform(t, s, own, func(c *platform.Change) { c.Enabled = false })
			must(t, run())
			_, run = updatePlatform(t, s, own, func(c *platform.Change) { c.Version++ })
			must(t, run())
		}, authority.ErrActorChanged},
		{"it was deleted", func(own, _ platform.Platform) {
			_, run := deletePlatform(t, s, own.ID)
			must(t, run())
		}, authority.ErrActorChanged},
		{"the user was changed", func(_, _ platform.Platform) {
			must(t, s.ResetPassword(t.Context(), actor.ID, "new", ofJeton(audit.UserPasswordReset, actor.ID)))
		}, authority.ErrActorChanged},
		{"another user was changed", func(_, _ platform.Platform) {
			must(t, s.ResetPassword(t.Context(), bystander.ID, "new", ofJeton(audit.UserPasswordReset, bystander.ID)))
		}, nil},
	} {
		n++
		own, other := enrol(t, s, "own: "+tt.name), enrol(t, s, "other: "+tt.name)
		asOf := readLog(t, s).head
		tt.meanwhile(own, other)
		token := sessionToken(actor.ID, own.ID)
		ev, _ := createToken(t, s, token, n)
		ev.Actor = audit.Actor{UserID: actor.ID, Username: "actor", CredentialKind: "assertion", CredentialID: own.ID, AsOf: asOf}
		if err := s.CreateSessionToken(t.Context(), token, digest(1, n), ev); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
		if tt.want == nil {
			checkToken(t, s, n, token)
		} else {
			checkNoToken(t, s, digest(1, n))
		}
	}
}

// testActorByToken has a user act by a session token as of the revision at which that was known.
func testActorByToken(t *testing.T, s Store) {
	actor, portal := born(t, s, person("actor"), "old"), enrol(t, s, "portal")
	n := 0
	for _, tt := range []struct {
		name      string
		meanwhile func(own, other session.Token)
		want      error
	}{
		{"nothing", func(_, _ session.Token) {}, nil},
		{"its other token ended", func(_, other session.Token) {
			must(t, endToken(t, s, other, ofJeton(audit.SessionTokenEnd, other.ID))())
		}, nil},
		{"it ended", func(own, _ session.Token) {
			must(t, endToken(t, s, own, ofJeton(audit.SessionTokenEnd, own.ID))())
		}, authority.ErrActorChanged},
		{"all ended", func(_, _ session.Token) {
			must(t, s.EndSessions(t.Context(), actor.ID, ofJeton(audit.SessionsEnd, actor.ID)))
		}, authority.ErrActorChanged},
	} {
		n += 2
		own, other := takeToken(t, s, actor.ID, portal.ID, n), takeToken(t, s, actor.ID, uuid.Nil, n+1)
		asOf := readLog(t, s).head
		tt.meanwhile(own, other)
		checkActor(t, s, tt.name, audit.Actor{UserID: actor.ID, Username: "actor", CredentialKind: "session_token", CredentialID: own.ID, AsOf: asOf}, tt.want)
	}
}

// testActorSealed has a user come in by a token of a set as of the revision at which that was known, and a user be made by one. What
// is changed of the project is changed of each of its sets.
func testActorSealed(t *testing.T, s Store) {
	actor, bystander := born(t, s, person("actor"), "old"), born(t, s, person("bystander"), "")
	const ofUser = "the user was changed"
	n := 0
	for _, tt := range []struct {
		name      string
		meanwhile func(p, other project.Project, set, second project.TokenSet)
		want      error
	}{
		{"nothing", func(_, _ project.Project, _, _ project.TokenSet) {}, nil},
		{"it was used", func(_, _ project.Project, set, _ project.TokenSet) {
			must(t, s.TouchTokenSets(t.Context(), []authority.Use{{ID: set.ID, At: start()}}))
		}, nil},
		{"another project was changed", func(_, other project.Project, _, _ project.TokenSet) {
			_, run := updateProject(t, s, other, func(p *project.Project) { p.TokenRequired = true })
			must(t, run())
		}, nil},
		{"its project was changed", func(p, _ project.Project, _, _ project.TokenSet) {
			_, run := updateProject(t, s, p, func(p *project.Project) { p.TokenRequired = true })
			must(t, run())
		}, authority.ErrActorChanged},
		{"it was turned off", func(_, _ project.Project, set, _ project.TokenSet) {
			_, run := updateSet(t, s, set, func(set *project.TokenSet) { set.Active = false })
			must(t, run())
		}, authority.ErrActorChanged},
		{"it was deleted", func(_, _ project.Project, set, _ project.TokenSet) {
			_, run := deleteSet(t, s, set)
			must(t, run())
		}, authority.ErrActorChanged},
		{"another set of the project was changed", func(_, _ project.Project, _, second project.TokenSet) {
			_, run := updateSet(t, s, second, func(set *project.TokenSet) { set.OneTime = true })
			must(t, run())
		}, authority.ErrActorChanged},
		{"its project was deleted", func(p, _ project.Project, _, _ project.TokenSet) { dropProject(t, s, p) }, authority.ErrActorChanged},
		{ofUser, func(_, _ project.Project, _, _ project.TokenSet) {
			must(t, s.ResetPassword(t.Context(), actor.ID, "new", ofJeton(audit.UserPasswordReset, actor.ID)))
		}, authority.ErrActorChanged},
		{"another user was changed", func(_, _ project.Project, _, _ project.TokenSet) {
			must(t, s.ResetPassword(t.Context(), bystander.ID, "new", ofJeton(audit.UserPasswordReset, bystander.ID)))
		}, nil},
	} {
		n += 2
		p, other := addProject(t, s, projectOf(n)), addProject(t, s, projectOf(n+1))
		set, second := addSet(t, s, tokenSet(p.ID, "set")), addSet(t, s, tokenSet(p.ID, "second"))
		asOf := readLog(t, s).head
		tt.meanwhile(p, other, set, second)
		by := audit.Actor{UserID: actor.ID, Username: "actor", CredentialKind: authority.Sealed.String(), CredentialID: set.ID, AsOf: asOf}
		checkActor(t, s, tt.name, by, tt.want)
		itself, want := by, tt.want // the application makes a user
		if itself.UserID = uuid.Nil; tt.name == ofUser {
			want = nil
		}
		checkActor(t, s, tt.name+", and the application acts", itself, want)
		b := sealedVisit(actor.ID, p)
		ev, _ := begin(t, s, b, n, uuid.Nil)
		ev.Actor = by
		if err := s.CreateBrowserSession(t.Context(), b, cookies(1, n), uuid.Nil, ev); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
		if tt.want == nil {
			checkSession(t, s, n, b)
		} else {
			checkNoSession(t, s, authority.APISession, cookies(1, n).API)
		}
	}
}
