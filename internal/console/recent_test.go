package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
)

// needRecent are the routes for which a person must have logged in lately, those with a form of fields marked by a star. Whether what
// they name is there makes no difference to that.
func needRecent(u account.User) []string {
	const integration = "/console/administration/integration"
	nobody := uuid.Must(uuid.NewV7()).String()
	return []string{
		"POST " + securityOf(u) + "/token",
		"GET " + securityOf(u) + "/authenticator", "POST " + securityOf(u) + "/authenticator *", "GET " + securityOf(u) + "/passkeys", "POST " + securityOf(u) + "/passkeys *",
		"POST " + securityOf(u) + "/passkeys/" + nobody + "/remove", "POST " + securityOf(u) + "/authenticator/remove", "POST " + securityOf(u) + "/recovery-codes",
		"GET " + integration + "/web-service-tokens/new", "POST " + integration + "/web-service-tokens *",
		"GET " + usersRoute + "/new", "POST " + usersRoute + " *", "POST " + usersRoute + "/" + nobody + " *", "POST " + usersRoute + "/" + nobody + "/password *",
		"POST " + usersRoute + "/" + nobody + "/client/secrets", "POST " + usersRoute + "/" + nobody + "/client/keys *",
		"POST " + usersRoute + "/" + nobody + "/second-factor/remove", "POST " + usersRoute + "/" + nobody + "/unblock",
		"POST " + integration + "/web-service-tokens/" + nobody + "/enable", "POST " + integration + "/platforms/" + nobody + "/enable",
		"GET " + integration + "/platforms/" + nobody + "/edit", "POST " + integration + "/platforms/" + nobody + "/edit *",
		"POST " + usersRoute + "/" + nobody + "/invite",
		"POST /console/administration/signing-keys/rotate *", "POST /console/administration/signing-keys/nobody/revoke",
		"GET " + integration + "/platforms/new", "POST " + integration + "/platforms *",
		"GET " + integration + "/platforms/" + nobody + "/keys", "POST " + integration + "/platforms/" + nobody + "/keys *",
		"GET " + integration + "/projects/7/token-sets/new", "POST " + integration + "/projects/7/token-sets/new *",
		"GET " + integration + "/projects/7/token-sets/" + nobody, "POST " + integration + "/projects/7/token-sets/" + nobody + " *",
		"GET " + integration + "/projects/7/encryptor", "POST " + integration + "/projects/7/encryptor *",
		"GET " + integration + "/projects/7/decryptor", "POST " + integration + "/projects/7/decryptor *",
	}
}

// asked reports whether an answer asks to confirm first, and where the way leads back to: from a form that is shown again, to a page
// that says so.
func (a answer) asked() (back string, asked bool) {
	location := a.header.Get("Location")
	if a.status == http.StatusForbidden {
		for _, way := range a.all("main [role=alert] a") {
			location = way.attribute("href")
		}
	}
	u, err := url.Parse(location)
	if err != nil || a.status != http.StatusSeeOther && a.status != http.StatusForbidden || u.Path != "/console/confirm" {
		return "", false
	}
	return u.Query().Get("next"), true
}

// TestRecent: a second before its time a session counts as recent, and a second after it who it is has to be confirmed. A form that was
// opened in time has its hour.
func TestRecent(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "root", Roles: []string{"admin"}})
	routes := needRecent(u)
	b := d.browser()
	for _, tt := range []struct {
		after          time.Duration
		pages, filling bool // whether who asks is let in
	}{
		{14*time.Minute + 59*time.Second, true, true},
		{15*time.Minute + time.Second, false, true},
		{59*time.Minute + 59*time.Second, false, true},
		{60*time.Minute + time.Second, false, false},
	} {
		b.logIn(t, "root")
		opened := b.opened(t)
		for left := tt.after; left > 0; left -= 10 * time.Minute {
			d.pass(t, min(left, 10*time.Minute))
			b.want(t, ask{route: "GET /console/"}, http.StatusOK) // to be used is no proof
			check(t, d.authority.StoreUses(t.Context()))
		}
		before := len(d.actions(t))
		for _, route := range routes {
			route, isForm := strings.CutSuffix(route, " *")
			method, path, _ := strings.Cut(route, " ")
			let := tt.pages
			q := ask{route: route + "?x=1"}
			back := path + "?x=1"
			if method == http.MethodPost {
				q, back = ask{route: route, form: form()}, path
			}
			if strings.HasSuffix(path, "/token") && let || strings.HasSuffix(path, "/rotate") && tt.filling {
				continue // which would be done: see the tests of their pages
			}
			a := b.do(t, q)
			got, asked := a.asked()
			if asked == let || asked && got != back && a.status != http.StatusForbidden {
				t.Errorf("%s after %s: got %d to %q, want it let in: %t", route, tt.after, a.status, a.header.Get("Location"), let)
			}
			if !isForm {
				continue
			}
			q.form = form("opened", opened)
			a = b.do(t, q)
			if _, asked := a.asked(); asked == tt.filling {
				t.Errorf("%s, opened in time, after %s: got %d to %q, want it let in: %t", route, tt.after, a.status, a.header.Get("Location"), tt.filling)
			}
		}
		if got := len(d.actions(t)); got != before {
			t.Errorf("after %s something was done: %q", tt.after, d.actions(t)[before:])
		}
		b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
		b.want(t, ask{route: "GET " + usersRoute}, http.StatusOK)
	}
	d.wantRefused(t)
}

// opened returns what a form says that is opened now.
func (b *browser) opened(t testing.TB) string {
	t.Helper()
	return b.want(t, ask{route: "GET " + usersRoute + "/new"}, http.StatusOK).one(t, "main input[name=opened]").attribute("value")
}

// TestOpenedInTime: what a form says of when it was opened counts for the session to which it was shown, as it was written.
func TestOpenedInTime(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "root", Roles: []string{"admin"}})
	b, other := d.browser(), d.browser()
	b.logIn(t, "root")
	other.logIn(t, "root")
	opened := b.opened(t)
	d.pass(t, 16*time.Minute)
	changed := []byte(opened)
	changed[len(changed)/2] ^= 1
	for what, tt := range map[string]struct {
		by   *browser
		says string
		let  bool
	}{
		"as it is":         {b, opened, true},
		"one byte off":     {b, string(changed), false},
		"nothing":          {b, "", false},
		"another's":        {other, opened, false},
		"the session's ID": {b, "01a21a8b-a0c3-777f-96fa-bf92a76d935f", false},
	} {
		a := tt.by.do(t, ask{route: "POST " + usersRoute, form: form("username", "", "opened", tt.says)})
		if _, asked := a.asked(); asked == tt.let {
			t.Errorf("%s: got %d, want it let in: %t", what, a.status, tt.let)
		}
	}
	a := b.want(t, ask{route: "POST " + usersRoute, form: form("username", "", "opened", opened)}, http.StatusUnprocessableEntity)
	if a.one(t, "main input[name=opened]").attribute("value") == "" {
		t.Error("a form that is shown again says no more that it was opened in time")
	}
	// A page with more than such a form offers it only where it can be sent.
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	page := usersRoute + "/" + root.ID.String()
	a = b.want(t, ask{route: "GET " + page}, http.StatusOK)
	if len(a.all("#username")) != 0 || !strings.Contains(a.body, "/console/confirm?next="+strings.ReplaceAll(page, "/", "%2f")) {
		t.Error("a form is offered that can't be sent, or no way to confirm")
	}
}

// TestRenewalIsNoLogIn: a session that takes the place of another, at an enrolment or a new password, is as old as that, and ends when
// that would have.
func TestRenewalIsNoLogIn(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	began := d.clock()
	b.logIn(t, "alice")
	d.pass(t, 14*time.Minute)
	former := b.cookies["jeton"]
	d.enrol(t, b, u)
	changed := ask{route: "POST " + securityOf(u) + "/password", form: form("current", goodPassword, "new", "another good password", "again", "another good password")}
	b.to(t, changed, securityOf(u)+"?notice=password-changed")
	if b.cookies["jeton"] == former {
		t.Error("the browser kept its session")
	}
	sessions, err := d.browsers.List(t.Context(), u.ID)
	check(t, err)
	if len(sessions) != 1 || !sessions[0].CreatedAt.Equal(began) || !sessions[0].ExpiresAt.Equal(began.Add(lifetime)) {
		t.Errorf("got %+v, want one session of 14 minutes ago", sessions)
	}
	d.pass(t, 2*time.Minute)
	if _, asked := b.do(t, ask{route: "POST " + securityOf(u) + "/token", form: form()}).asked(); !asked {
		t.Error("a session that was renewed counts as a log-in")
	}
}

// TestRecentSaysNothing: whoever may not do a thing isn't asked to confirm for it.
func TestRecentSaysNothing(t *testing.T) {
	d := newDesk(t)
	u, other := d.user(t, account.Draft{Username: "alice"}), d.user(t, account.Draft{Username: "bob"})
	d.browser().want(t, ask{route: "POST " + securityOf(u) + "/token", form: form()}, http.StatusUnauthorized)
	b := d.browser()
	b.logIn(t, "alice")
	d.pass(t, 20*time.Minute)
	b.want(t, ask{route: "GET " + usersRoute + "/new"}, http.StatusForbidden)
	b.want(t, ask{route: "POST " + securityOf(other) + "/token", form: form()}, http.StatusNotFound)
	if _, asked := b.do(t, ask{route: "POST " + securityOf(u) + "/token", form: form()}).asked(); !asked {
		t.Error("twin: one's own isn't asked about")
	}
}

// TestConfirm: what was asked for is done after the password was typed once more, in a new session; and no other way leads round it.
func TestConfirm(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "root", Roles: []string{"admin"}})
	b := d.browser()
	b.logIn(t, "root")
	d.pass(t, 16*time.Minute)
	wanted := usersRoute + "/new"
	a := b.want(t, ask{route: "GET " + wanted}, http.StatusSeeOther)
	confirm := a.header.Get("Location")
	a = b.want(t, ask{route: "GET " + confirm}, http.StatusOK)
	checkPage(t, "confirm", a.node)
	name := a.one(t, "input[name=username]")
	if a.one(t, "h1").text() != "Confirm that it is you" || name.attribute("value") != "root" || !name.has("readonly") || a.one(t, "main [name=next]").attribute("value") != wanted {
		t.Errorf("the page is %s", a.one(t, "main").text())
	}
	if action := a.one(t, "main form").attribute("action"); action != "/console/login" || len(a.all("header .who")) != 1 {
		t.Errorf("the form leads to %s", action)
	}

	former := d.browser()
	former.cookies["jeton"] = b.cookies["jeton"]
	for what, skip := range map[string]ask{
		"no password":             {route: "POST /console/login", form: form("username", "root", "next", wanted)},
		"an empty one":            {route: "POST /console/login", form: form("username", "root", "password", "", "next", wanted)},
		"a wrong one":             {route: "POST /console/login", form: form("username", "root", "password", goodPassword+"r", "next", wanted)},
		"the page once more":      {route: "GET " + confirm},
		"an address that says so": {route: "GET /console/confirm?next=" + wanted + "&notice=logged-out&confirmed=yes"},
	} {
		if got := b.do(t, skip); got.status == http.StatusSeeOther || b.cookies["jeton"] != former.cookies["jeton"] {
			t.Errorf("%s: got %d to %q", what, got.status, got.header.Get("Location"))
		}
		if _, asked := b.do(t, ask{route: "GET " + wanted}).asked(); !asked {
			t.Errorf("%s: it counts as confirmed", what)
		}
	}
	d.wantRefused(t, "wrong_password password")
	b.to(t, ask{route: "POST /console/login", form: form("username", "root", "password", goodPassword, "next", wanted)}, wanted)
	if b.cookies["jeton"] == former.cookies["jeton"] {
		t.Error("the browser kept its session")
	}
	b.want(t, ask{route: "GET " + wanted}, http.StatusOK)
	former.to(t, ask{route: "GET " + securityOf(u)}, "/console/login?next="+url.QueryEscape(securityOf(u))+"&notice=session-ended")
	d.wantRefused(t, "ended console_session")
}

// TestConfirmThenAgain: what a button would have done isn't done by confirming. The way leads to the page that has the button.
func TestConfirmThenAgain(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	d.pass(t, 16*time.Minute)
	a := b.to(t, ask{route: "POST " + securityOf(u) + "/token", form: form()}, "/console/confirm?next="+url.QueryEscape(securityOf(u)+"/token")+"&notice=not-yet")
	page := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK)
	if got := page.one(t, "main [role=status]").text(); !strings.HasPrefix(got, "Nothing was done yet.") {
		t.Errorf("got %q", got)
	}
	next := page.one(t, "main [name=next]").attribute("value")
	b.to(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword, "next", next)}, next)
	b.to(t, ask{route: "GET " + next}, securityOf(u))
	if got := d.generate(t, b, u); d.bearer(t, got) != "alice" {
		t.Error("the token isn't alice's")
	}
}

// TestConfirmStaysHere: the way back is a page of ours, whatever the address says.
func TestConfirmStaysHere(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.to(t, ask{route: "GET /console/confirm?next=/console/profile"}, "/console/login?next="+url.QueryEscape("/console/confirm?next=/console/profile"))
	b.logIn(t, "alice")
	for _, away := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/console/../x", "/console//evil.example", "/console/logout", "javascript:alert(1)"} {
		a := b.want(t, ask{route: "GET /console/confirm?next=" + url.QueryEscape(away)}, http.StatusOK)
		if len(a.all("main [name=next]")) > 0 || strings.Contains(a.body, "evil") {
			t.Errorf("%s: the page leads there", away)
		}
		b.to(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword, "next", away)}, "/console/")
	}
	a := b.want(t, ask{route: "GET /console/confirm?next=/console/profile/users"}, http.StatusOK)
	if got := a.one(t, "main [name=next]").attribute("value"); got != "/console/profile/users" {
		t.Errorf("twin: got %q", got)
	}
}
