package console_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// securityOf returns the path of a user's security page.
func securityOf(u account.User) string {
	return "/console/profile/users/" + u.ID.String() + "/security"
}

// bearer returns whose a personal token is, or the reason why it is nobody's.
func (d *desk) bearer(t testing.TB, token string) string {
	t.Helper()
	p, err := d.authority.Identify(t.Context(), &authority.Presented{Authorization: []string{"Bearer " + token}, Method: http.MethodGet},
		&authority.Door{Name: "console", Kinds: authority.KindsOf(authority.PersonalToken)})
	if err != nil {
		return err.Error()
	}
	return p.Username
}

// TestToken walks the way that the manual describes, from the menu to the green box, and on to a second token.
func TestToken(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	home := b.want(t, ask{route: "GET /console/"}, http.StatusOK)
	if !strings.Contains(home.one(t, "main").text(), "You have no token") {
		t.Errorf("the start page says %s", home.one(t, "main").text())
	}
	b.to(t, ask{route: "GET " + home.one(t, "nav[aria-label] [href=/console/profile]").attribute("href")}, "/console/profile/users")
	list := b.want(t, ask{route: "GET /console/profile/users"}, http.StatusOK)
	if list.one(t, ".section [aria-current]").text() != "Users" || list.one(t, ".tabs [aria-current=page]").text() != "User list" {
		t.Errorf("the list is %s", list.body)
	}
	pencil := list.one(t, "a.pencil")
	if pencil.text() != "Edit alice" {
		t.Errorf("the pencil is called %q", pencil.text())
	}
	general := b.want(t, ask{route: "GET " + pencil.attribute("href")}, http.StatusOK)
	tab := general.one(t, ".tabs a[href="+securityOf(u)+"]")
	if tab.text() != "Security" {
		t.Errorf("the tab is called %q", tab.text())
	}
	page := b.want(t, ask{route: "GET " + tab.attribute("href")}, http.StatusOK)
	if page.one(t, "h2#token").text() != "Authentication token for APIs" || page.one(t, "p.none").text() != "You have no token." || len(page.all("details form[action="+securityOf(u)+"/token]")) > 0 {
		t.Errorf("the tab is %s", page.body)
	}
	button := page.one(t, "form[action="+securityOf(u)+"/token] button")
	if button.text() != "Generate authentication token" {
		t.Errorf("the button is called %q", button.text())
	}

	first := d.generate(t, b, u)
	second := d.generate(t, b, u)
	if got := d.bearer(t, first); got != "refused: superseded" {
		t.Errorf("the former token: got %s", got)
	}
	d.pass(t, time.Hour)
	if got := d.bearer(t, second); got != "alice" {
		t.Errorf("the token: got %s", got)
	}
	check(t, d.authority.StoreUses(t.Context()))
	facts := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK).one(t, ".facts").text()
	if want := "Created 21 November 2026, 12:00 UTC Last used 21 November 2026, 13:00 UTC"; facts != want {
		t.Errorf("got %q, want %q", facts, want)
	}
	if diff := cmp.Diff([]string{
		"user.create alice", "session.begin alice", "personal_token.rotate alice", "personal_token.rotate alice",
	}, d.actions(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// generate makes a token in the console, and sees that it is shown as it should be, on this page and no other.
func (d *desk) generate(t *testing.T, b *browser, u account.User) string {
	t.Helper()
	before := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
	former := before.one(t, "form[action="+securityOf(u)+"/token] input[name=former]").attribute("value")
	says := "if you generate another, this one stops working"
	if former != "" {
		says = "no longer works"
		if got := before.one(t, "details form[action="+securityOf(u)+"/token] button").text(); got != "Generate authentication token" {
			t.Errorf("the button that ends a token is called %q, want it folded away", got)
		}
	}
	a := b.want(t, ask{route: "POST " + securityOf(u) + "/token", form: form("former", former)}, http.StatusOK)
	checkPage(t, "the new token", a.node)
	token := a.one(t, "main .notice.success[role=status] strong.token").text()
	if !secret.Valid(token, secret.Personal) || strings.Count(a.body, token) != 1 {
		t.Errorf("got the token %d times in %s", strings.Count(a.body, token), a.body)
	}
	if first := strings.TrimSpace(a.body[strings.Index(a.body, "<main"):]); !strings.Contains(first[:200], `<div class="notice success`) {
		t.Errorf("the box isn't at the top: %s", first[:200])
	}
	advice := a.one(t, ".notice").text()
	for _, part := range []string{
		"Copy it now", "shown only once", "safe place on a device other than the one you use to come here",
		"remain at hand if that device is lost, damaged or stolen", "Only one token is valid at a time", says,
		"Authorization: Bearer …",
	} {
		if !strings.Contains(advice, part) {
			t.Errorf("the box lacks %q: %s", part, advice)
		}
	}
	if got := d.bearer(t, token); got != "alice" {
		t.Errorf("the token shown: got %s", got)
	}
	for _, path := range []string{"/console/", "/console/profile/users", securityOf(u)} {
		if after := b.want(t, ask{route: "GET " + path}, http.StatusOK); strings.Contains(after.body, token) {
			t.Errorf("%s shows the token", path)
		}
	}
	// The address bar still has the form's address: to read it makes no token.
	b.to(t, ask{route: "GET " + securityOf(u) + "/token"}, securityOf(u))
	if got := d.bearer(t, token); got != "alice" {
		t.Errorf("the token after all that was read: got %s", got)
	}
	return token
}

// TestTokenSentAgain reads the answer that shows a token again, by which the browser sends its form again: the token must outlive that.
func TestTokenSentAgain(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	for _, name := range []string{"the first", "another"} {
		page := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
		former := page.one(t, "form[action="+securityOf(u)+"/token] input[name=former]").attribute("value")
		send := ask{route: "POST " + securityOf(u) + "/token", form: form("former", former)}
		d.pass(t, time.Minute)
		token := b.want(t, send, http.StatusOK).one(t, "strong.token").text()
		for range 2 {
			a := b.to(t, send, securityOf(u)+"?notice=token-kept")
			says := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK).one(t, ".notice").text()
			if says != "Nothing new was generated: the token shown a moment ago still works." {
				t.Errorf("%s: the page says %q", name, says)
			}
		}
		if got := d.bearer(t, token); got != "alice" {
			t.Errorf("%s: the token after its form came again: got %s", name, got)
		}
	}
	page := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
	former := page.one(t, "input[name=former]").attribute("value")
	b.to(t, ask{route: "POST " + securityOf(u) + "/token/revoke", form: form()}, securityOf(u)+"?notice=token-revoked")
	b.to(t, ask{route: "POST " + securityOf(u) + "/token", form: form("former", former)}, securityOf(u))
}

// TestRevoke ends the token, and does so again.
func TestRevoke(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	token := d.generate(t, b, u)
	page := b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK)
	revoke := "details form[action=" + securityOf(u) + "/token/revoke]"
	if page.one(t, revoke+" button").text() != "Revoke" {
		t.Errorf("got %s", page.body)
	}
	for range 2 {
		a := b.to(t, ask{route: "POST " + page.one(t, revoke).attribute("action"), form: form()}, securityOf(u)+"?notice=token-revoked")
		after := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK)
		if len(after.all("p.none")) != 1 || !strings.HasPrefix(after.one(t, ".notice").text(), "Token revoked.") {
			t.Errorf("got %s", after.body)
		}
		elsewhere := b.want(t, ask{route: "GET " + a.header.Get("Location"), header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, http.StatusOK)
		if len(elsewhere.all(".notice")) > 0 {
			t.Error("a link from elsewhere has us say what wasn't done")
		}
	}
	if got := d.bearer(t, token); got != "refused: superseded" {
		t.Errorf("the revoked token: got %s", got)
	}
}

// TestPassword changes it: the session is a new one, other browsers are out, the token stays.
func TestPassword(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b, other, thief := d.browser(), d.browser(), d.browser()
	b.logIn(t, "alice")
	other.logIn(t, "alice")
	thief.cookies["jeton"] = b.cookies["jeton"]
	token := d.generate(t, b, u)
	before := b.cookies["jeton"] + b.cookies["jeton_api"]
	change := form("current", goodPassword, "new", "another good password", "again", "another good password")
	a := b.to(t, ask{route: "POST " + securityOf(u) + "/password", form: change}, securityOf(u)+"?notice=password-changed")
	if b.cookies["jeton"]+b.cookies["jeton_api"] == before || len(b.cookies) != 2 {
		t.Error("the browser has its former cookies")
	}
	page := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK)
	if got, want := page.one(t, ".notice.success").text(), "Password changed. Your other browsers are logged out; your token goes on working."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.wantRefused(t)
	for name, out := range map[string]*browser{"another browser": other, "the former cookie": thief} {
		if a := out.do(t, ask{route: "GET /console/"}); a.status != http.StatusSeeOther {
			t.Errorf("%s: got %d", name, a.status)
		}
		d.wantRefused(t, "ended console_session")
	}
	if got := d.bearer(t, token); got != "alice" {
		t.Errorf("the token: got %s", got)
	}
	d.generate(t, b, u) // as of now, and not of before
	other.want(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword)}, http.StatusUnauthorized)
	other.to(t, ask{route: "POST /console/login", form: form("username", "alice", "password", "another good password")}, "/console/")
}

// TestPasswordWithoutSession changes it, and then nobody can say any more whose the session is: the password is the new one,
// and the session is over.
func TestPasswordWithoutSession(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b, thief := d.browser(), d.browser()
	b.logIn(t, "alice")
	thief.cookies["jeton"] = b.cookies["jeton"]
	b.want(t, ask{route: "GET " + securityOf(u)}, http.StatusOK) // and is remembered, until the change
	down := errors.New("the disk is on fire")
	d.users.Err.Store(&down)
	change := form("current", goodPassword, "new", "another good password", "again", "another good password")
	a := b.want(t, ask{route: "POST " + securityOf(u) + "/password", form: change}, http.StatusSeeOther)
	d.users.Err.Store(nil)
	if len(b.cookies) > 0 {
		t.Errorf("the browser kept %v", b.cookies)
	}
	page := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK)
	if got := page.one(t, ".notice").text(); got != "Password changed. Log in with the new one." {
		t.Errorf("got %q", got)
	}
	if page.one(t, "main input[name=next]").attribute("value") != securityOf(u) || !strings.Contains(d.log.String(), "on fire") {
		t.Errorf("got %s", page.body)
	}
	d.refused(t)
	thief.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "ended console_session")
	b.to(t, ask{route: "POST /console/login", form: form("username", "alice", "password", "another good password")}, "/console/")
}

// TestPasswordRefused looks for each fault at its field.
func TestPasswordRefused(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	const good = "another good password"
	for _, tt := range []struct{ name, current, new, again, field, says string }{
		{"none", "", good, good, "current", "Enter your current password."},
		{"wrong", "wrong password", good, good, "current", "This is not the current password."},
		{"short", goodPassword, "seven77", "seven77", "new", "“New password” is shorter than 8 characters. Choose a longer one."},
		{"long", goodPassword, strings.Repeat("é", 257), strings.Repeat("é", 257), "new", "“New password” is longer than 256 characters. Choose a shorter one."},
		{"another", goodPassword, good, good + "s", "again", "This is not the same as the new password. Type both again."},
	} {
		a := b.want(t, ask{route: "POST " + securityOf(u) + "/password", form: form("current", tt.current, "new", tt.new, "again", tt.again)}, http.StatusUnprocessableEntity)
		checkPage(t, tt.name, a.node)
		field := a.one(t, "input[aria-invalid]")
		if field.attribute("id") != tt.field || !field.has("autofocus") || len(a.all("[autofocus]")) != 1 {
			t.Errorf("%s: the field at fault is %v", tt.name, field.Attr)
		}
		described, _, _ := strings.Cut(field.attribute("aria-describedby"), " ")
		if got := a.one(t, "#"+described).text(); got != tt.says {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.says)
		}
		for _, typed := range []string{goodPassword, good, "wrong password", "seven77"} {
			if strings.Contains(a.body, typed) {
				t.Errorf("%s: the page repeats %q", tt.name, typed)
			}
		}
	}
	guess := ask{route: "POST " + securityOf(u) + "/password", form: form("current", "wrong password", "new", good, "again", good)}
	for range 9 {
		b.want(t, guess, http.StatusUnprocessableEntity)
	}
	a := b.want(t, guess, http.StatusTooManyRequests)
	d.wantRefused(t, "throttled console_session", "wrong_password console_session")
	if got := a.one(t, "#current-problem").text(); !strings.Contains(got, "Try again in ") || a.header.Get("Retry-After") == "" {
		t.Errorf("got %q, %v", got, a.header)
	}
	d.browser().to(t, ask{route: "GET /console/"}, "/console/login")
	b.want(t, ask{route: "GET /console/"}, http.StatusOK) // who mistypes stays logged in
}

// TestChangedMeanwhile has another node change the user, of which this one hasn't heard when a form comes in.
func TestChangedMeanwhile(t *testing.T) {
	for i, tt := range []struct {
		name   string
		patch  account.Patch
		status int
	}{
		{"renamed in part", account.Patch{DisplayName: new("Alice")}, http.StatusOK},
		{"blocked", account.Patch{State: new(account.Blocked)}, http.StatusUnauthorized},
	} {
		d := newDesk(t)
		u := d.user(t, account.Draft{Username: fmt.Sprintf("alice%d", i)})
		b := d.browser()
		b.logIn(t, u.Username)
		other, err := account.New(account.Config{
			Store: d.store, Applied: func(context.Context) error { return nil }, Now: d.clock, Random: zeros{},
		})
		check(t, err)
		_, err = other.Update(t.Context(), u.ID, 0, tt.patch, audit.Actor{})
		check(t, err)
		a := b.want(t, ask{route: "POST " + securityOf(u) + "/token", form: form()}, tt.status)
		checkPage(t, tt.name, a.node)
		if tt.status != http.StatusUnauthorized {
			continue
		}
		if got, want := a.one(t, "main a.button").attribute("href"), "/console/login?next="; !strings.HasPrefix(got, want) {
			t.Errorf("%s: the page leads to %q, want %q", tt.name, got, want)
		}
		d.wantRefused(t, "blocked console_session")
	}
}
