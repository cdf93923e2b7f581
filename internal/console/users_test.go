package console_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
)

const usersRoute = "/console/administration/users"

func userRoute(u account.User) string { return usersRoute + "/" + u.ID.String() }

// now returns a user as it is stored.
func (d *desk) now(t testing.TB, u account.User) account.User {
	t.Helper()
	now, err := d.accounts.User(t.Context(), u.ID)
	check(t, err)
	return now
}

// ended compares the end of the audit log.
func (d *desk) ended(t testing.TB, want ...string) {
	t.Helper()
	got := d.actions(t)
	if len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, want)
	}
}

// TestUsers goes an administrator's way with a user, from making it to deleting it.
func TestUsers(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	a := b.want(t, ask{route: "GET " + usersRoute}, 200)
	checkPage(t, "the list", a.node)
	if len(a.all("tbody tr")) != 1 || len(a.all("tbody input")) != 0 || len(a.all("button.danger")) != 0 {
		t.Error("got more than the administrator, who isn't to be chosen")
	}
	checkPage(t, "the form", b.want(t, ask{route: "GET " + usersRoute + "/new"}, 200).node)
	a = b.want(t, ask{route: "POST " + usersRoute, form: form("username", "Ann", "display_name", "Ann Lee", "email", "ann@example.com", "kind", "person",
		"roles", "reports, partner  reports", "password", goodPassword, "again", goodPassword)}, http.StatusSeeOther)
	ann, err := d.accounts.Find(t.Context(), "ann")
	check(t, err)
	if got := a.header.Get("Location"); got != userRoute(ann)+"?notice=user-created" || !slices.Equal(ann.Roles, []string{"partner", "reports"}) {
		t.Errorf("got sent to %s, the user with the roles %q", got, ann.Roles)
	}
	for _, sought := range []string{"AN", "ann@EX", ann.ID.String()} {
		a = b.want(t, ask{route: "GET " + usersRoute + "?q=" + sought}, 200)
		if got := a.one(t, "tbody th a").attribute("href"); got != userRoute(ann) {
			t.Errorf("%s: got %s found, want %s", sought, got, userRoute(ann))
		}
	}
	if a = b.want(t, ask{route: "GET " + usersRoute + "?q=nn"}, 200); len(a.all("table")) != 0 || a.one(t, ".none").text() == "" {
		t.Error("got somebody by half a name")
	}

	a = b.want(t, ask{route: "GET " + userRoute(ann)}, 200)
	checkPage(t, "the user", a.node)
	if got := a.one(t, "#roles").attribute("value"); got != "partner, reports" || len(a.all("main a[href="+tokensRoute+"/new?user=Ann]")) != 1 {
		t.Errorf("got the roles %q, or no way to a token", got)
	}
	version := a.one(t, "input[name=version]").attribute("value")
	change := form("version", version, "username", "anna", "display_name", "Anna", "email", "", "roles", "partner")
	b.to(t, ask{route: "POST " + userRoute(ann), form: change}, userRoute(ann)+"?notice=user-changed")
	if got := d.now(t, ann); got.Username != "anna" || got.DisplayName != "Anna" || got.Email != "" || !slices.Equal(got.Roles, []string{"partner"}) {
		t.Errorf("got %+v", got)
	}
	b.want(t, ask{route: "POST " + userRoute(ann), form: change}, http.StatusConflict) // of the version before
	b.to(t, ask{route: "POST " + userRoute(ann) + "/block", form: form()}, userRoute(ann)+"?notice=user-blocked")
	b.to(t, ask{route: "POST " + userRoute(ann) + "/unblock", form: form()}, userRoute(ann)+"?notice=user-unblocked")
	b.to(t, ask{route: "POST " + usersRoute + "/block", form: form("id", ann.ID.String(), "id", uuid.NewString())}, usersRoute+"?notice=users-blocked")
	if got := d.now(t, ann).State; got != account.Blocked {
		t.Errorf("got her %s, want her blocked", got)
	}
	b.to(t, ask{route: "POST " + userRoute(ann) + "/delete", form: form()}, usersRoute+"?notice=user-deleted")
	b.want(t, ask{route: "GET " + userRoute(ann)}, http.StatusNotFound)
	d.ended(t, "user.create Ann", "user.update anna", "user.update anna", "user.update anna", "user.update anna", "user.delete anna")
}

// TestUsersProblems fills the forms wrongly: what was typed stands there again, passwords don't, and what is wrong is said beside its
// field.
func TestUsersProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.user(t, account.Draft{Username: "ann", Email: "ann@example.com"})
	bob := d.user(t, account.Draft{Username: "bob"})
	wrong := func(route, field string, filled ...string) {
		t.Helper()
		a := b.want(t, ask{route: "POST " + route, form: form(filled...)}, http.StatusUnprocessableEntity)
		checkPage(t, field, a.node)
		if a.one(t, "#"+field+"-problem").text() == "" || strings.Contains(a.body, "hunter2") {
			t.Errorf("%s: got no problem beside it, or a password on the page", field)
		}
		for n := 0; n+1 < len(filled); n += 2 {
			if at := a.all("#" + filled[n]); filled[n] != "kind" && len(at) == 1 && at[0].attribute("type") == "text" && at[0].attribute("value") != filled[n+1] {
				t.Errorf("%s: got %s %q, want %q as it was typed", field, filled[n], at[0].attribute("value"), filled[n+1])
			}
		}
	}
	for _, tt := range [][]string{
		{"username", "username", "", "kind", "person"},
		{"username", "username", "ANN", "kind", "person", "display_name", "Ann"},
		{"username", "username", "a/b", "kind", "person"},
		{"email", "username", "x", "kind", "person", "email", "ann@example.com"},
		{"email", "username", "x", "kind", "person", "email", "ann"},
		{"display_name", "username", "x", "kind", "person", "display_name", "a\tb", "email", ""},
		{"kind", "username", "x", "kind", "robot"},
		{"roles", "username", "x", "kind", "person", "roles", "a, b/c"},
		{"roles", "username", "x", "kind", "person", "roles", manyRoles()},
		{"password", "username", "x", "kind", "person", "password", "hunter2", "again", "hunter2"},
		{"password", "username", "x", "kind", "service", "password", goodPassword, "again", goodPassword},
		{"again", "username", "x", "kind", "person", "password", goodPassword, "again", "hunter2"},
	} {
		wrong(usersRoute, tt[0], tt[1:]...)
	}
	for _, tt := range [][]string{
		{"username", "version", "1", "username", "ann", "roles", "", "email", "", "display_name", "Bob"},
		{"roles", "version", "1", "username", "bob", "roles", "é"},
		{"email", "version", "1", "username", "bob", "email", "ANN@example.com"},
	} {
		wrong(userRoute(bob), tt[0], tt[1:]...)
	}
	wrong(userRoute(bob)+"/password", "password", "password", "hunter2", "again", "hunter2")
	wrong(userRoute(bob)+"/password", "again", "password", goodPassword, "again", "hunter2")
	for _, version := range []string{"", "0", "-1", "x"} {
		b.want(t, ask{route: "POST " + userRoute(bob), form: form("version", version, "username", "bob")}, http.StatusBadRequest)
	}
	a := b.want(t, ask{route: "POST " + usersRoute, form: form("username", "ANN", "kind", "person")}, http.StatusUnprocessableEntity)
	if got := a.one(t, "#username-problem").text(); got != "There is already a user with this name. Choose another name." {
		t.Errorf("got told %q of a name that is taken", got)
	}
	if d.now(t, bob).Version != 1 {
		t.Error("got a user changed by what was wrong")
	}
	b.want(t, ask{route: "GET " + userRoute(bob) + "?after=%ff"}, http.StatusBadRequest)
	b.want(t, ask{route: "GET " + usersRoute + "?after=%ff"}, http.StatusBadRequest)
}

// manyRoles is one role more than a user may have.
func manyRoles() string {
	var all strings.Builder
	for n := range account.MaxRoles + 1 {
		all.WriteString("r" + strconv.Itoa(n) + ",")
	}
	return strings.TrimSuffix(all.String(), ",")
}

// TestResetPassword resets another's password, which ends her sessions and token, and doesn't reset one's own.
func TestResetPassword(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	app := d.bare(t, account.Draft{Kind: account.Service, Username: "app"})
	hers := d.browser()
	hers.logIn(t, "ann")
	hers.want(t, ask{route: "POST " + securityOf(ann) + "/token", form: form()}, 200)
	const replacement = "another horse, another staple"
	b.to(t, ask{route: "POST " + userRoute(ann) + "/password", form: form("password", replacement, "again", replacement)}, userRoute(ann)+"?notice=user-password")
	d.ended(t, "user.password_reset ann")
	hers.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	_, err := d.tokens.Metadata(t.Context(), &authority.Principal{User: authority.User{ID: ann.ID, Username: "ann"}})
	if err == nil {
		t.Error("got her token, want it revoked")
	}
	hers.to(t, ask{route: "POST /console/login", form: form("username", "ann", "password", replacement)}, "/console/")
	bob := d.bare(t, account.Draft{Username: "bob"})
	b.to(t, ask{route: "POST " + userRoute(bob) + "/password", form: form("password", replacement, "again", replacement)}, userRoute(bob)+"?notice=user-first-password")

	own, err := d.accounts.Find(t.Context(), "admin")
	check(t, err)
	b.to(t, ask{route: "POST " + userRoute(own) + "/password", form: form("password", replacement, "again", replacement)}, securityOf(own))
	if a := b.want(t, ask{route: "GET " + userRoute(own)}, 200); len(a.all("#password")) != 0 || len(a.all("a[href=/console/password]")) != 1 {
		t.Error("got the form that is for others, want the way to one's own password")
	}
	if a := b.want(t, ask{route: "GET " + userRoute(app)}, 200); len(a.all("#password")) != 0 {
		t.Error("got a form for the password of a service account, which has none")
	}
	b.want(t, ask{route: "POST " + userRoute(app) + "/password", form: form("password", replacement, "again", replacement)}, http.StatusUnprocessableEntity)
}

// TestUserSessions ends sessions of both sorts, one and all, and turns the pages of many.
func TestUserSessions(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	if a := b.want(t, ask{route: "GET " + userRoute(ann)}, 200); len(a.all("table")) != 0 || a.one(t, "section .none").text() == "" {
		t.Error("got a table of no sessions")
	}
	hers, owner := d.browser(), &authority.Principal{User: authority.User{ID: ann.ID, Username: "ann"}}
	hers.logIn(t, "ann")
	for range 51 {
		_, err := d.inside.Sessions.Begin(t.Context(), owner, audit.Actor{})
		check(t, err)
	}
	a := b.want(t, ask{route: "GET " + userRoute(ann)}, 200)
	first := a.all("tbody tr")
	a = b.want(t, ask{route: "GET " + a.one(t, ".pages a").attribute("href")}, 200)
	if got := len(a.all("tbody tr")); len(first) != 50 || got != 2 {
		t.Errorf("got %d sessions and then %d, want 50 and 2", len(first), got)
	}
	for _, end := range a.all("tbody form") { // with her browser's, the oldest or of the same moment
		b.to(t, ask{route: "POST " + end.attribute("action"), form: form()}, userRoute(ann)+"?notice=user-session-ended")
	}
	b.to(t, ask{route: "POST " + userRoute(ann) + "/sessions/" + uuid.NewString() + "/end", form: form()}, userRoute(ann)+"?notice=user-session-ended")
	b.want(t, ask{route: "POST " + userRoute(ann) + "/sessions/x/end", form: form()}, http.StatusNotFound)
	if a = b.want(t, ask{route: "GET " + userRoute(ann)}, 200); len(a.all("tbody tr")) != 50 || len(a.all(".pages")) != 0 {
		t.Errorf("got %d sessions left, want 50", len(a.all("tbody tr")))
	}
	b.to(t, ask{route: "POST " + userRoute(ann) + "/sessions/end", form: form()}, userRoute(ann)+"?notice=user-sessions-ended")
	hers.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.ended(t, "session.end_all ann")

	own, err := d.accounts.Find(t.Context(), "admin")
	check(t, err)
	a = b.want(t, ask{route: "GET " + userRoute(own)}, 200)
	if len(a.all("tbody tr")) != 1 || len(a.all("tbody button")) != 0 {
		t.Error("got a way to end the session by which the page is read, want it marked")
	}
	b.to(t, ask{route: "POST " + userRoute(own) + "/sessions/end", form: form()}, userRoute(own)+"?notice=other-sessions-over")
	b.want(t, ask{route: "GET " + userRoute(own)}, 200)
}

// TestLastAdministrator keeps the only administrator from going, in every way, and lets one of two go.
func TestLastAdministrator(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	own, err := d.accounts.Find(t.Context(), "admin")
	check(t, err)
	demote := form("version", "1", "username", "admin", "display_name", "", "email", "", "roles", "")
	for range 2 {
		a := b.want(t, ask{route: "POST " + userRoute(own), form: demote}, http.StatusUnprocessableEntity)
		if got := a.one(t, "#roles-problem").text(); !strings.Contains(got, "another administrator") {
			t.Errorf("got %q beside the roles", got)
		}
		for _, action := range []string{"/block", "/delete"} {
			a := b.want(t, ask{route: "POST " + userRoute(own) + action, form: form()}, http.StatusConflict)
			if got := a.one(t, "h1").text(); got != "This would leave no administrator" {
				t.Errorf("%s: got %q", action, got)
			}
		}
		b.want(t, ask{route: "POST " + usersRoute + "/block", form: form("id", own.ID.String())}, http.StatusConflict)
		d.user(t, account.Draft{Username: "app" + uuid.NewString(), Kind: account.Service, Roles: []string{"admin"}}) // who is no way back
	}
	d.user(t, account.Draft{Username: "root", Roles: []string{"admin"}})
	b.to(t, ask{route: "POST " + userRoute(own), form: demote}, userRoute(own)+"?notice=user-changed")
	b.want(t, ask{route: "GET " + userRoute(own)}, http.StatusForbidden)
	d.wantRefused(t, "not_allowed console_session")
}

// TestProjectsAccount keeps a project's service account from being deleted without its project.
func TestProjectsAccount(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	p, err := d.inside.Projects.Create(t.Context(), project.Draft{Number: 1000, Name: "Pages"}, audit.Actor{})
	check(t, err)
	route := usersRoute + "/" + p.ServiceAccount.String()
	a := b.want(t, ask{route: "GET " + route}, 200)
	if len(a.all("form[action="+route+"/delete]")) != 0 || !strings.Contains(a.one(t, "dl").text(), "1000") {
		t.Error("got a way to delete a project's account, or not whose it is")
	}
	b.want(t, ask{route: "POST " + route + "/delete", form: form()}, http.StatusConflict)
	b.want(t, ask{route: "GET " + route}, 200)
}

// TestUsersIsForAdministrators asks for each page as somebody else, to whom no user is shown but himself, and as an administrator.
func TestUsersIsForAdministrators(t *testing.T) {
	d := newDesk(t)
	admin := d.admin(t)
	bob := d.user(t, account.Draft{Username: "bob"})
	d.user(t, account.Draft{Username: "ann"})
	ann := d.browser()
	ann.logIn(t, "ann")
	d.refused(t)
	for _, tt := range []struct {
		route string
		form  []string
	}{
		{"GET " + usersRoute, nil},
		{"GET " + usersRoute + "/new", nil},
		{"GET " + usersRoute + "/block", nil},
		{"GET " + userRoute(bob), nil},
		{"GET " + userRoute(bob) + "/block", nil},
		{"GET " + userRoute(bob) + "/unblock", nil},
		{"GET " + userRoute(bob) + "/password", nil},
		{"GET " + userRoute(bob) + "/sessions/" + uuid.NewString() + "/end", nil},
		{"GET " + userRoute(bob) + "/sessions/end", nil},
		{"GET " + userRoute(bob) + "/delete", nil},
		{"POST " + usersRoute, []string{"username", "new", "kind", "person"}},
		{"POST " + usersRoute + "/block", []string{"id", bob.ID.String()}},
		{"POST " + userRoute(bob) + "/unblock", []string{}},
		{"POST " + userRoute(bob), []string{"version", "3", "username", "bob", "display_name", "Bob"}},
		{"POST " + userRoute(bob) + "/block", []string{}},
		{"POST " + userRoute(bob) + "/password", []string{"password", goodPassword, "again", goodPassword}},
		{"POST " + userRoute(bob) + "/sessions/" + uuid.NewString() + "/end", []string{}},
		{"POST " + userRoute(bob) + "/sessions/end", []string{}},
		{"POST " + userRoute(bob) + "/delete", []string{}},
	} {
		q := ask{route: tt.route}
		if tt.form != nil {
			q.form = form(tt.form...)
		}
		before := d.actions(t)
		ann.want(t, q, http.StatusForbidden)
		d.wantRefused(t, "not_allowed console_session")
		if !slices.Equal(before, d.actions(t)) {
			t.Errorf("%s: something was done", tt.route)
		}
		if a := admin.do(t, q); a.status >= 400 {
			t.Errorf("%s: got %d for an administrator", tt.route, a.status)
		}
		d.wantRefused(t)
	}
	for _, route := range []string{"/x", "/" + uuid.NewString(), "/" + strings.ToUpper(bob.ID.String())} {
		admin.want(t, ask{route: "GET " + usersRoute + route}, http.StatusNotFound)
	}
}

// TestSuspended tells of a user whom a restore has suspended, and lets it in again.
func TestSuspended(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	d.inside.Tamper(t, `UPDATE user SET state = 'suspended', version = version + 1 WHERE username = 'ann'`)
	for _, route := range []string{usersRoute + "?q=ann", userRoute(ann)} {
		a := b.want(t, ask{route: "GET " + route}, 200)
		checkPage(t, route, a.node)
		if got := a.one(t, ".state").text(); got != "Suspended" {
			t.Errorf("%s: got the state %q", route, got)
		}
	}
	b.to(t, ask{route: "POST " + userRoute(ann) + "/unblock", form: form()}, userRoute(ann)+"?notice=user-unblocked")
	if got := d.now(t, ann).State; got != account.Active {
		t.Errorf("got her %s, want her active", got)
	}
}

// TestUsersPages pages through more users than one page shows.
func TestUsersPages(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for n := range 51 {
		d.bare(t, account.Draft{Username: "User" + strconv.Itoa(100+n)})
	}
	a := b.want(t, ask{route: "GET " + usersRoute}, 200)
	first, next := len(a.all("tbody tr")), a.one(t, ".pages a").attribute("href")
	a = b.want(t, ask{route: "GET " + next}, 200)
	if got := len(a.all("tbody tr")); first != 50 || got != 2 || a.one(t, ".pages a").attribute("href") != usersRoute {
		t.Errorf("got %d users and then %d, want 50 and 2, and the way back", first, got)
	}
	b.to(t, ask{route: "POST " + usersRoute + "/block", form: form()}, usersRoute+"?notice=none-chosen")
	b.want(t, ask{route: "POST " + usersRoute + "/block", form: form("id", "user100")}, http.StatusNotFound)
}
