package session_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// listed returns the IDs of a user's sessions.
func (d *desk) listed(t *testing.T, owner *authority.Principal) (ids []uuid.UUID) {
	t.Helper()
	all, err := d.List(t.Context(), owner.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

// TestList: the sessions whose cookies would still be taken, and no others.
func TestList(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	first := d.begin(t, ann)
	d.begin(t, bob)
	d.at(30 * time.Minute)
	second := d.begin(t, ann)
	if got, want := d.listed(t, ann), []uuid.UUID{second.Session.ID, first.Session.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	all, err := d.List(t.Context(), ann.ID)
	if err != nil || !reflect.DeepEqual(all[0], second.Session) {
		t.Errorf("got %+v and %v, want %+v", all, err, second.Session)
	}
	d.at(idle + slack - time.Microsecond)
	if got := d.listed(t, ann); len(got) != 2 {
		t.Errorf("got %v just before the first has rested for too long, want both", got)
	}
	d.at(idle + slack)
	if got, want := d.listed(t, ann), []uuid.UUID{second.Session.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: the first has rested for too long", got, want)
	}
	if err := d.EndOf(t.Context(), &ann.User, first.Session.ID, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for a session that is over, want ErrNotFound", err)
	}
}

// TestEndOf ends one session of a user by its ID; of another's there is none.
func TestEndOf(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	first, second, others := d.begin(t, ann), d.begin(t, ann), d.begin(t, bob)
	for what, id := range map[string]uuid.UUID{"another's": others.Session.ID, "nobody's": uuid.New()} {
		if err := d.EndOf(t.Context(), &ann.User, id, actor); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", what, err)
		}
	}
	d.expect(t, "another's", others, "")
	if err := d.EndOf(t.Context(), &ann.User, first.Session.ID, actor); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "the one that was ended", first, authority.ReasonEnded)
	d.expect(t, "her other one", second, "")
	if err := d.EndOf(t.Context(), &ann.User, first.Session.ID, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v the second time, want ErrNotFound", err)
	}
	ended := d.events(t, audit.SessionEnd)
	want := audit.Target{Kind: "browser_session", ID: first.Session.ID, Name: "ann"}
	if len(ended) != 1 || ended[0].Target != want || ended[0].Actor != actor {
		t.Errorf("got events %+v, want one of %+v", ended, want)
	}
}

// TestAge: the age is the session's own, however it was used since and whatever other the user has, and a clock that was set back makes it
// no younger one. Of one that is over, or is another's, there is none.
func TestAge(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	first := d.begin(t, ann)
	d.at(30 * time.Minute)
	second := d.begin(t, ann)
	d.store.touched(t, first.Session.ID, d.now)
	by := func(owner *authority.Principal, id uuid.UUID) *authority.Principal {
		return &authority.Principal{User: owner.User, CredentialKind: authority.ConsoleSession, CredentialID: id}
	}
	for _, tt := range []struct {
		at, first, second time.Duration
	}{{30 * time.Minute, 30 * time.Minute, 0}, {40 * time.Minute, 40 * time.Minute, 10 * time.Minute}} {
		d.at(tt.at)
		for id, want := range map[uuid.UUID]time.Duration{first.Session.ID: tt.first, second.Session.ID: tt.second} {
			if got, err := d.Age(t.Context(), by(ann, id)); err != nil || got != want {
				t.Errorf("at %s: got %s and %v, want %s", tt.at, got, err, want)
			}
		}
	}
	d.at(0)
	if got, err := d.Age(t.Context(), by(ann, second.Session.ID)); !errors.Is(err, authority.ErrNotFound) || got != 0 {
		t.Errorf("after the clock was set back: got %v and %v, want ErrNotFound", got, err)
	}
	d.at(30 * time.Minute)
	if got, err := d.Age(t.Context(), by(bob, first.Session.ID)); !errors.Is(err, authority.ErrNotFound) || got != 0 {
		t.Errorf("another's: got %v and %v, want ErrNotFound", got, err)
	}
	if err := d.End(t.Context(), by(ann, first.Session.ID), actor); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Age(t.Context(), by(ann, first.Session.ID)); !errors.Is(err, authority.ErrNotFound) || got != 0 {
		t.Errorf("one that has ended: got %v and %v, want ErrNotFound", got, err)
	}
	d.store.list = errors.New("the database is down")
	if got, err := d.Age(t.Context(), by(ann, second.Session.ID)); !errors.Is(err, d.store.list) || got != 0 {
		t.Errorf("got %v and %v, want the fault", got, err)
	}
}

// TestListFault: what can't be looked at has neither a list nor an end.
func TestListFault(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c := d.begin(t, ann)
	d.store.list = errors.New("the database is down")
	for _, err := range []error{
		func() error { _, err := d.List(t.Context(), ann.ID); return err }(),
		d.EndOf(t.Context(), &ann.User, c.Session.ID, actor),
	} {
		if !errors.Is(err, d.store.list) || errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got %v, want the fault", err)
		}
	}
	d.store.list = nil
	if got, err := d.List(t.Context(), uuid.New()); err != nil || len(got) > 0 {
		t.Errorf("got %v and %v for nobody, want none", got, err)
	}
	d.expect(t, "the session", c, "")
}
