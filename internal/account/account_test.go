package account_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// token gives a user a personal token and returns it as a header.
func (d *desk) token(t *testing.T, u account.User) string {
	t.Helper()
	owner := &authority.Principal{User: authority.User{ID: u.ID, Username: u.Username}}
	text, _, err := d.tokens.Rotate(t.Context(), owner, root)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + text.Reveal()
}

// TestBlocked blocks a user whose token is remembered: it is refused in the same moment, and admitted again after.
func TestBlocked(t *testing.T) {
	d := newDesk(t)
	ann := d.create(t, account.Draft{Username: "ann", Password: password})
	bob := d.create(t, account.Draft{Username: "bob"})
	credentials := map[string]string{"token": d.token(t, ann), "password": basic("ann", password)}
	others := d.token(t, bob)
	blocked, active := account.Blocked, account.Active
	for _, round := range []struct {
		state *account.State
		want  authority.Reason
	}{{&active, ""}, {&blocked, authority.ReasonBlocked}, {&active, ""}} {
		d.update(t, ann.ID, account.Patch{State: round.state})
		for kind, credential := range credentials {
			if got := d.reason(t, credential); got != round.want {
				t.Errorf("%s of a user who is %s: got %q, want %q", kind, *round.state, got, round.want)
			}
		}
		if got := d.reason(t, others); got != "" {
			t.Errorf("another's token: got %q, want it admitted", got)
		}
	}
	if err := d.Delete(t.Context(), ann.ID, root); err != nil {
		t.Fatal(err)
	}
	d.create(t, account.Draft{Username: "ann"})
	if got := d.reason(t, credentials["token"]); got != authority.ReasonUnknown {
		t.Errorf("the token of a deleted user: got %q, want %q", got, authority.ReasonUnknown)
	}
	if got := d.reason(t, credentials["password"]); got != authority.ReasonUnknownUser {
		t.Errorf("the password of a deleted user whose name is another's: got %q, want %q", got, authority.ReasonUnknownUser)
	}
}

// TestSameWork compares what refusals of all sorts cost, in hashes.
func TestSameWork(t *testing.T) {
	d := newDesk(t)
	d.create(t, account.Draft{Username: "ann", Password: password})
	d.create(t, account.Draft{Username: "blocked", Password: password, State: account.Blocked})
	d.create(t, account.Draft{Username: "program", Kind: account.Service})
	tests := []struct {
		what, name string
		password   secret.Text
		want       authority.Reason
	}{
		{"right", "ann", password, ""},
		{"right, with the name in another spelling", "ＡＮＮ", password, ""},
		{"wrong", "ann", password[1:], authority.ReasonWrongPassword},
		{"unknown", "anna", password, authority.ReasonUnknownUser},
		{"a name that nobody may have", "a\x00/b", password, authority.ReasonUnknownUser},
		{"without a password", "program", password, authority.ReasonUnknownUser},
		{"blocked and right", "blocked", password, authority.ReasonBlocked},
		{"blocked and wrong", "blocked", password[1:], authority.ReasonWrongPassword},
	}
	for _, tt := range tests {
		before, began := d.Hashed(), time.Now()
		got := d.reason(t, basic(tt.name, tt.password))
		if got != tt.want || d.Hashed() != before+1 {
			t.Errorf("%s: got %q with %d hashes, want %q with 1", tt.what, got, d.Hashed()-before, tt.want)
		}
		t.Logf("%s: %v", tt.what, time.Since(began).Round(time.Millisecond))
	}
	for _, e := range d.refusals.Drain(d.now) {
		if e.Reason == string(authority.ReasonUnknownUser) != (e.Actor.CredentialID == uuid.Nil) {
			t.Errorf("got %+v in the audit log, want the user named where the password was wrong", e.Actor)
		}
	}
}

func TestUpdate(t *testing.T) {
	d := newDesk(t)
	ann := d.create(t, account.Draft{Username: "ann", Email: "ann@example.org", Roles: []string{"a", "b"}})
	name, email, none, roles := "Anna", "anna@example.org", "", []string{}
	d.now = noon.Add(time.Hour)

	u, err := d.Update(t.Context(), ann.ID, 1, account.Patch{Username: &name, Email: &email}, root)
	stored, reading := d.User(t.Context(), ann.ID)
	if err != nil || reading != nil || u.Version != 2 || stored.Version != 2 || stored.Username != name || !stored.UpdatedAt.Equal(d.now) || !stored.CreatedAt.Equal(noon) {
		t.Errorf("got %+v and %+v stored, %v, want version 2", u, stored, err)
	}
	if _, err := d.UserID(t.Context(), "ann"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for the former name, want ErrNotFound", err)
	}
	for version, want := range map[int64]error{1: authority.ErrStale, 3: authority.ErrStale, 2: nil} {
		if _, err := d.Update(t.Context(), ann.ID, version, account.Patch{}, root); !errors.Is(err, want) {
			t.Errorf("got %v for version %d, want %v", err, version, want)
		}
	}
	events := len(d.events(t))
	if u := d.update(t, ann.ID, account.Patch{Username: &name, Roles: &[]string{"a", "b"}}); u.Version != 2 || len(d.events(t)) != events {
		t.Errorf("got version %d for a patch that changes nothing, want 2 and no event", u.Version)
	}
	// What was emptied stands in the log, too.
	u = d.update(t, ann.ID, account.Patch{Email: &none, Roles: &roles})
	ev := d.events(t)[0]
	_, emailThere := ev.Detail["email"]
	_, rolesThere := ev.Detail["roles"]
	if u.Email != "" || len(u.Roles) != 0 || ev.Action != audit.UserUpdate || !emailThere || !rolesThere || ev.Target.Name != name {
		t.Errorf("got %+v, want an event that names both emptied fields", ev)
	}
	if _, err := d.Update(t.Context(), uuid.New(), 0, account.Patch{}, root); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for nobody, want ErrNotFound", err)
	}
}

// TestUpdateRaces has two administrators change one user from the same version.
func TestUpdateRaces(t *testing.T) {
	d := newDesk(t)
	ann := d.create(t, account.Draft{Username: "ann"})
	results := make(chan error, 2)
	for _, name := range []string{"first", "second"} {
		go func() {
			_, err := d.Update(t.Context(), ann.ID, 1, account.Patch{DisplayName: &name}, root)
			results <- err
		}()
	}
	errs := []error{<-results, <-results}
	stale := slices.IndexFunc(errs, func(err error) bool { return errors.Is(err, authority.ErrStale) })
	if stale < 0 || errs[1-stale] != nil {
		t.Errorf("got %v, want one to succeed and the other stale", errs)
	}
}

// TestLastAdmin tries every way to lose the last one who can administer, each with its twin while there are two.
func TestLastAdmin(t *testing.T) {
	d := newDesk(t)
	admin := []string{authority.AdminRole}
	first := d.create(t, account.Draft{Username: "first", Roles: admin, Password: password})
	d.create(t, account.Draft{Username: "program", Kind: account.Service, Roles: admin})
	d.create(t, account.Draft{Username: "asleep", State: account.Blocked, Roles: admin, PasswordHash: bcryptHash})
	d.create(t, account.Draft{Username: "wordless", Roles: admin})
	blocked, none, name := account.Blocked, []string{}, "renamed"
	ways := map[string]func(id uuid.UUID) error{
		"blocking": func(id uuid.UUID) error {
			_, err := d.Update(t.Context(), id, 0, account.Patch{State: &blocked}, root)
			return err
		},
		"taking the role": func(id uuid.UUID) error {
			_, err := d.Update(t.Context(), id, 0, account.Patch{Roles: &none}, root)
			return err
		},
		"deleting": func(id uuid.UUID) error { return d.Delete(t.Context(), id, root) },
	}
	for what, lose := range ways {
		if err := lose(first.ID); !errors.Is(err, authority.ErrLastAdmin) {
			t.Errorf("%s the last: got %v, want ErrLastAdmin", what, err)
		}
		second := d.create(t, account.Draft{Username: "second" + what, Roles: admin, PasswordHash: bcryptHash})
		if err := lose(second.ID); err != nil {
			t.Errorf("%s one of two: got %v, want it done", what, err)
		}
	}
	u, err := d.Update(t.Context(), first.ID, 0, account.Patch{Username: &name}, root)
	if err != nil || u.State != account.Active || !slices.Equal(u.Roles, admin) {
		t.Errorf("got %+v, %v, want the last renamed and still in office", u, err)
	}
}

// TestChangePassword has a user change its own password: its personal token goes on working.
func TestChangePassword(t *testing.T) {
	d := newDesk(t)
	ann := d.create(t, account.Draft{Username: "ann", Password: password})
	token := d.token(t, ann)
	const replacement = secret.Text("another password")
	actor := audit.Actor{UserID: ann.ID, Username: "ann"}
	for _, tt := range []struct {
		what             string
		current, renewed secret.Text
		want             string
	}{
		{"wrong", password[1:], replacement, "current"},
		{"nothing", "", replacement, "current"},
		{"right, the new one too short", password, "short", "new"},
	} {
		before := d.hash(t, "ann")
		if err := d.ChangePassword(t.Context(), ann.ID, tt.current, tt.renewed, actor); fieldOf(err) != tt.want || d.hash(t, "ann") != before {
			t.Errorf("%s: got %v, want a complaint of %s and nothing changed", tt.what, err, tt.want)
		}
	}
	if err := d.ChangePassword(t.Context(), ann.ID, password, replacement, actor); err != nil {
		t.Fatal(err)
	}
	ev := d.events(t)[0]
	if ev.Action != audit.UserPassword || ev.Actor != actor || ev.Target.ID != ann.ID || ev.Detail != nil || !slices.Equal(d.changed, []uuid.UUID{ann.ID}) {
		t.Errorf("got %+v, %v told, want the change by its owner, without detail", ev, d.changed)
	}
	for what, want := range map[string]authority.Reason{
		token: "", basic("ann", replacement): "", basic("ann", password): authority.ReasonWrongPassword,
	} {
		if got := d.reason(t, what); got != want {
			t.Errorf("%.12s: got %q, want %q", what, got, want)
		}
	}
}

// TestChangeWithoutPassword: there is nothing to confirm a first password by, and asking for it costs what a wrong one does.
func TestChangeWithoutPassword(t *testing.T) {
	d := newDesk(t)
	program := d.create(t, account.Draft{Username: "program", Kind: account.Service})
	for _, current := range []secret.Text{"", password} {
		before := d.Hashed()
		if err := d.ChangePassword(t.Context(), program.ID, current, password, audit.Actor{}); fieldOf(err) != "current" || d.Hashed() != before+1 {
			t.Errorf("got %v with %d hashes, want a complaint of current with 1", err, d.Hashed()-before)
		}
	}
	if err := d.ChangePassword(t.Context(), uuid.New(), password, password, audit.Actor{}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for nobody, want ErrNotFound", err)
	}
}

// TestReset has an administrator set a password: the user's personal token is dead in the same moment.
func TestReset(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.create(t, account.Draft{Username: "ann", Password: password}), d.create(t, account.Draft{Username: "bob"})
	token, others := d.token(t, ann), d.token(t, bob)
	if got := d.reason(t, token); got != "" {
		t.Fatalf("got %q, want the token remembered", got)
	}
	short, replacement, name := secret.Text("short"), secret.Text("another password"), "anna"
	if _, err := d.Update(t.Context(), ann.ID, 0, account.Patch{Username: &name, Password: &short}, root); fieldOf(err) != "password" {
		t.Errorf("got %v, want a complaint of password", err)
	}
	if u, err := d.User(t.Context(), ann.ID); err != nil || u.Username != "ann" || d.reason(t, token) != "" {
		t.Errorf("got %+v, %v, want nothing changed beside a bad password", u, err)
	}
	u := d.update(t, ann.ID, account.Patch{Password: &replacement})
	if u.Version != ann.Version || !u.HasPassword || !slices.Equal(d.changed, []uuid.UUID{ann.ID}) {
		t.Errorf("got %+v, %v told, want the version left alone", u, d.changed)
	}
	if ev := d.events(t)[0]; ev.Action != audit.UserPasswordReset || ev.Actor != root {
		t.Errorf("got %+v, want the reset by its administrator", ev)
	}
	for what, want := range map[string]authority.Reason{
		token: authority.ReasonSuperseded, others: "",
		basic("ann", replacement): "", basic("ann", password): authority.ReasonWrongPassword,
	} {
		if got := d.reason(t, what); got != want {
			t.Errorf("%.12s: got %q, want %q", what, got, want)
		}
	}
	if u := d.update(t, bob.ID, account.Patch{Password: &replacement}); !u.HasPassword {
		t.Error("got a user without a password after the first was set, want one with")
	}
}

func TestListAndNames(t *testing.T) {
	d := newDesk(t)
	var ids []uuid.UUID
	for _, name := range []string{"Zoe", "ann", "Bob"} {
		ids = append(ids, d.create(t, account.Draft{Username: name}).ID)
	}
	if err := d.Delete(t.Context(), ids[2], root); err != nil {
		t.Fatal(err)
	}
	page, err := d.List(t.Context(), account.Query{Limit: 1})
	if err != nil || len(page) != 1 || page[0].Username != "ann" {
		t.Errorf("got %v, %v, want ann first", page, err)
	}
	page, err = d.List(t.Context(), account.Query{After: account.Place{Name: account.Key(page[0].Username)}, Limit: 5})
	if err != nil || len(page) != 1 || page[0].Username != "Zoe" {
		t.Errorf("got %v, %v, want Zoe after her, and none who is gone", page, err)
	}
	names, err := d.Names(t.Context(), append(ids, uuid.New()))
	if err != nil || len(names) != 2 || names[ids[0]] != "Zoe" || names[ids[1]] != "ann" {
		t.Errorf("got %v, %v, want the two that live", names, err)
	}
}
