package project_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
)

// making is a project that makes its users.
func making(p *project.Draft) { p.CreateUsers, p.NewUserRoles = true, []string{"b", "a"} }

// described is all that XDOC's user token says.
var described = fields{
	"UserName", "newcomer", "Display", "New Comer", "Email", "new@example.com", "Profile", "P", "ExtId", "42", "ExtRef", "R", "ExtData", "D", "ExtFlags", "-3",
}

// TestSuspendedUser: who is suspended since a restore is kept out.
func TestSuspendedUser(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "safe"})
	d.user(t, account.Draft{Username: "sue", State: account.Suspended})
	if got := d.reason(t, authority.SealedTokens{Security: d.xst(t, set, d.security().with("UserName", "sue"))}); got != authority.ReasonSuspended {
		t.Errorf("got %q, want %q", got, authority.ReasonSuspended)
	}
}

// TestNewUser: a user is made as the token describes it, once, and says which application's token it was.
func TestNewUser(t *testing.T) {
	d := newDesk(t, making)
	set := d.set(t, project.SetDraft{Name: "safe"})
	tokens := authority.SealedTokens{Security: d.xst(t, set, d.security()), User: d.xut(t, set, described)}
	told, err := d.Explain(t.Context(), 1000, project.Question{Security: tokens.Security, User: tokens.User})
	check(t, err)
	if _, err := d.accounts.Find(t.Context(), "newcomer"); err == nil || !told.Accepted {
		t.Errorf("got %+v and %v, want it accepted, and nobody made", told, err)
	}
	proof, err := d.prove(t, tokens)
	check(t, err)
	u, err := d.accounts.Find(t.Context(), "newcomer")
	check(t, err)
	want := account.User{
		ID: proof.UserID, Kind: account.Person, Username: "newcomer", Email: "new@example.com", DisplayName: "New Comer", Roles: []string{"a", "b"},
		State: account.Active, Version: 1, External: account.External{Profile: "P", ID: "42", Ref: "R", Data: "D", Flags: -3}, CreatedAt: noon, UpdatedAt: noon,
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Errorf("got (+), want (-):\n%s", diff)
	}
	events, err := d.store.Events(t.Context(), audit.Query{Target: u.ID, Limit: 10})
	check(t, err)
	wantActor := audit.Actor{Username: "Applications", CredentialKind: "sealed", CredentialID: set.ID, Address: "10.0.0.1"}
	if len(events) != 1 || events[0].Action != audit.UserCreate {
		t.Fatalf("got the events %+v, want that of the user's making", events)
	}
	if diff := cmp.Diff(wantActor, events[0].Actor, cmpopts.IgnoreFields(audit.Actor{}, "AsOf")); diff != "" {
		t.Errorf("got (+), want (-):\n%s", diff)
	}
	second, err := d.prove(t, authority.SealedTokens{Security: tokens.Security, User: d.xut(t, set, described.with("Display", "Another"))})
	check(t, err)
	if again, err := d.accounts.Find(t.Context(), "newcomer"); err != nil || second.UserID != u.ID || again.DisplayName != u.DisplayName {
		t.Errorf("got %+v and %v the second time, want the same user, unchanged", again, err)
	}
}

// TestNoNewUser: who can't be made, and the twin that can.
func TestNoNewUser(t *testing.T) {
	d := newDesk(t, making)
	set := d.set(t, project.SetDraft{Name: "safe"})
	present := func(pairs ...string) authority.Reason {
		t.Helper()
		return d.reason(t, authority.SealedTokens{Security: d.xst(t, set, d.security()), User: d.xut(t, set, described.with(pairs...))})
	}
	for _, tt := range []struct {
		name      string
		bad, good []string
	}{
		{"another spelling of a name", []string{"UserName", "ｎew1"}, []string{"UserName", "New1"}},
		{"a name that reads as an ID", []string{"UserName", "0193a0b0-0000-7000-8000-00000000000a", "Email", none}, []string{"UserName", "0193a0b0-0000-7000-8000-00000000000g", "Email", none}},
		{"a name with a slash", []string{"UserName", "new/2", "Email", none}, []string{"UserName", "new-2", "Email", none}},
		{"another's e-mail", []string{"UserName", "new3", "Email", "ann@example.com"}, []string{"UserName", "new3", "Email", "anm@example.com"}},
		{"no e-mail", []string{"UserName", "new4", "Email", "new4.example.com"}, []string{"UserName", "new4", "Email", "new4@example.com"}},
		{"an e-mail as a name", []string{"UserName", "new5@example.com", "Email", none}, []string{"UserName", "new5@example.com", "Email", "new5@example.com"}},
		{"flags that are no number", []string{"UserName", "new6", "Email", none, "ExtFlags", "3.0"}, []string{"UserName", "new6", "Email", none, "ExtFlags", "30"}},
		{"flags that are too large", []string{"UserName", "new7", "Email", none, "ExtFlags", "9223372036854775808"}, []string{"UserName", "new7", "Email", none, "ExtFlags", "9223372036854775807"}},
		{"too long a reference", []string{"UserName", "new8", "Email", none, "ExtRef", strings.Repeat("x", 1025)}, []string{"UserName", "new8", "Email", none, "ExtRef", strings.Repeat("x", 1024)}},
		{"data on two lines", []string{"UserName", "new9", "Email", none, "ExtData", "a\tb"}, []string{"UserName", "new9", "Email", none, "ExtData", "a b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := present(tt.bad...); got != authority.ReasonUnknownUser {
				t.Errorf("got %q, want %q", got, authority.ReasonUnknownUser)
			}
			if _, err := d.accounts.Find(t.Context(), tt.bad[1]); err == nil {
				t.Error("the user was made all the same")
			}
			if got := present(tt.good...); got != "" {
				t.Errorf("twin: got %q, want it made and let in", got)
			}
		})
	}
	d.update(t, project.Patch{CreateUsers: new(false)})
	if got := present("UserName", "newa", "Email", none); got != authority.ReasonUnknownUser {
		t.Errorf("got %q where the project doesn't make users, want %q", got, authority.ReasonUnknownUser)
	}
}

// TestNewUserOfProject: nobody is made who has the name of a project's account, of one that is yet to come either: that project couldn't
// be made any more, and what an administrator allows its account would be his.
func TestNewUserOfProject(t *testing.T) {
	d := newDesk(t, making)
	set := d.set(t, project.SetDraft{Name: "safe"})
	for name, want := range map[string]authority.Reason{
		"project-2000": authority.ReasonUnknownUser, "Project-7": authority.ReasonUnknownUser, "project-2147483647": authority.ReasonUnknownUser,
		"project-": "", "project-x": "", "project-1-a": "", "a-project-1": "",
	} {
		_, err := d.prove(t, authority.SealedTokens{Security: d.xst(t, set, d.security().with("UserName", name))})
		if got := reasonOf(t, err); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	_, err := d.Create(t.Context(), project.Draft{Number: 2000, Name: "Another"}, admin)
	check(t, err)
}

// TestNewUserAtOnce: where another has made the user, that one is judged as if it had been there.
func TestNewUserAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		made account.Draft
		want authority.Reason
	}{
		"a person":           {account.Draft{Username: "newcomer"}, ""},
		"a service account":  {account.Draft{Username: "newcomer", Kind: account.Service}, authority.ReasonNotSpokenFor},
		"a blocked one":      {account.Draft{Username: "newcomer", State: account.Blocked}, authority.ReasonBlocked},
		"who has the e-mail": {account.Draft{Username: "another", Email: "new@example.com"}, authority.ReasonUnknownUser},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, making)
			set := d.set(t, project.SetDraft{Name: "safe"})
			tokens := authority.SealedTokens{Security: d.xst(t, set, d.security()), User: d.xut(t, set, described)}
			d.users.create = func() { d.user(t, tt.made) }
			proof, err := d.prove(t, tokens)
			if got := reasonOf(t, err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if u, err := d.accounts.Find(t.Context(), "newcomer"); tt.want == "" && (err != nil || proof.UserID != u.ID) {
				t.Errorf("got %+v and %v, want whoever was made meanwhile", proof, err)
			}
		})
	}
}

// TestUsersUnknown: where nobody knows who there is, there is no verdict.
func TestUsersUnknown(t *testing.T) {
	d := newDesk(t, making)
	set := d.set(t, project.SetDraft{Name: "safe"})
	for name, f := range map[string]fields{"named": d.security().with("UserName", "ann"), "not named": d.security(), "bad": d.security().with("GenDT", none)} {
		d.users.err = errDown
		if _, err := d.prove(t, authority.SealedTokens{Security: d.xst(t, set, f)}); err == nil || isRefusal(err) {
			t.Errorf("%s: got %v, want an error that is no verdict", name, err)
		}
		if _, err := d.Explain(t.Context(), 1000, project.Question{Security: d.xst(t, set, f)}); err == nil {
			t.Errorf("%s: got no error told", name)
		}
		d.users.err = nil
	}
	tokens := authority.SealedTokens{Security: d.xst(t, set, d.security().with("UserName", "dora"))}
	d.users.create = func() { check(t, d.store.Close()) }
	if _, err := d.prove(t, tokens); err == nil || isRefusal(err) {
		t.Errorf("got %v where none can be made, want an error that is no verdict", err)
	}
}

// TestRenamedAccount: the project's account is known by its ID. Who has its former name is somebody else.
func TestRenamedAccount(t *testing.T) {
	d := newDesk(t)
	tokens := authority.SealedTokens{Security: d.xst(t, d.set(t, project.SetDraft{Name: "safe"}), d.security())}
	_, err := d.accounts.Update(t.Context(), d.project.ServiceAccount, 0, account.Patch{Username: new("renamed")}, admin)
	check(t, err)
	for _, made := range []bool{false, true} {
		if made {
			d.user(t, account.Draft{Username: "project-1000", Roles: []string{"admin"}})
		}
		if proof, err := d.prove(t, tokens); err != nil || proof.UserID != d.project.ServiceAccount {
			t.Errorf("got %+v and %v, want the project's account", proof, err)
		}
	}
}

// TestNewUserOfThePast: a node that hasn't heard yet of a change of the project, or of any of its sets, makes nobody by what it knows.
// When it has heard, the user is made as the project says now, or not at all.
func TestNewUserOfThePast(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*testing.T, *desk, project.TokenSet)
		want   authority.Reason // once it has heard
	}{
		{"other roles", func(t *testing.T, d *desk, _ project.TokenSet) {
			d.update(t, project.Patch{NewUserRoles: new([]string{})})
		}, ""},
		{"no users", func(t *testing.T, d *desk, _ project.TokenSet) { d.update(t, project.Patch{CreateUsers: new(false)}) }, authority.ReasonUnknownUser},
		{"set turned off", func(t *testing.T, d *desk, set project.TokenSet) {
			_, err := d.UpdateSet(t.Context(), 1000, set.ID, project.SetPatch{Active: new(false)}, admin)
			check(t, err)
		}, authority.ReasonBadSeal},
		{"set deleted", func(t *testing.T, d *desk, set project.TokenSet) {
			check(t, d.DeleteSet(t.Context(), 1000, set.ID, admin))
		}, authority.ReasonBadSeal},
		{"project deleted", func(t *testing.T, d *desk, _ project.TokenSet) { check(t, d.Delete(t.Context(), 1000, admin)) }, authority.ReasonUnknownProject},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, making)
			set := d.set(t, project.SetDraft{Name: "safe"})
			tokens := authority.SealedTokens{Security: d.xst(t, set, d.security()), User: d.xut(t, set, described)}
			d.users.create = func() { // the proof has begun, by the project as it was
				d.users.create = nil
				tt.change(t, d, set)
			}
			if _, err := d.prove(t, tokens); !errors.Is(err, authority.ErrActorChanged) {
				t.Errorf("got %v, want %v", err, authority.ErrActorChanged)
			}
			if _, err := d.accounts.Find(t.Context(), "newcomer"); !errors.Is(err, authority.ErrNotFound) {
				t.Errorf("got %v, want nobody made", err)
			}
			if got := d.reason(t, tokens); got != tt.want {
				t.Errorf("got %q when it has heard, want %q", got, tt.want)
			}
			if u, err := d.accounts.Find(t.Context(), "newcomer"); tt.want == "" && (err != nil || len(u.Roles) > 0) {
				t.Errorf("got %+v and %v, want the user without roles", u, err)
			}
		})
	}
}
