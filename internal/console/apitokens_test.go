package console_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

const tokensRoute = "/console/administration/integration/web-service-tokens"

// admin returns a browser in which an administrator is logged in.
func (d *desk) admin(t testing.TB) *browser {
	t.Helper()
	d.user(t, account.Draft{Username: "admin", Roles: []string{"admin"}})
	b := d.browser()
	b.logIn(t, "admin")
	d.refused(t)
	return b
}

// TestWebServiceTokens goes the way of Matrix42's page: the list, Generate New Token, the result page that shows the token once.
func TestWebServiceTokens(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.user(t, account.Draft{Username: "ExternalApp"})
	if a := b.want(t, ask{route: "GET " + tokensRoute}, 200); len(a.all("table")) != 0 || a.one(t, "main .none").text() == "" {
		t.Error("got a table of nothing, want what to do first")
	}
	a := b.want(t, ask{route: "GET " + tokensRoute + "/new"}, 200)
	if got := a.one(t, "#days").attribute("value"); got != "30" {
		t.Errorf("got %s days offered, want 30", got)
	}
	a = b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "nightly", "days", "30", "user", "ExternalApp")}, 200)
	text := a.one(t, ".token").text()
	if strings.Count(text, ".") != 2 || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %q, want a token that nobody keeps", text)
	}
	id := strings.TrimPrefix(a.one(t, "main .button").attribute("href"), tokensRoute+"/")
	for _, page := range []answer{a, b.want(t, ask{route: "GET " + tokensRoute + "/" + id}, 200)} {
		says := page.one(t, "section[aria-labelledby=exchange]").text()
		for _, part := range []string{"POST " + testdesk.Issuer + "/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?", "Authorization: Bearer <token>", "good for 10 minutes"} {
			if !strings.Contains(says, part) {
				t.Errorf("got %q of how programs use it, want %q in it", says, part)
			}
		}
		if who := page.one(t, ".facts a"); who.text() != "ExternalApp" || !strings.HasPrefix(who.attribute("href"), usersRoute+"/") {
			t.Errorf("got the link %q to %s, want one to the user", who.text(), who.attribute("href"))
		}
	}
	a = b.want(t, ask{route: "GET " + tokensRoute}, 200)
	if got := a.one(t, "tbody th").text(); got != "nightly" || strings.Contains(a.body, text) {
		t.Errorf("got the row %q, want the token's without its text", got)
	}
	b.to(t, ask{route: "POST " + tokensRoute + "/" + id + "/disable", form: form()}, tokensRoute+"/"+id+"?notice=api-token-disabled")
	b.to(t, ask{route: "POST " + tokensRoute + "/" + id + "/enable", form: form()}, tokensRoute+"/"+id+"?notice=api-token-enabled")
	b.to(t, ask{route: "POST " + tokensRoute + "/disable", form: form()}, tokensRoute+"?notice=none-chosen")
	b.want(t, ask{route: "POST " + tokensRoute + "/disable", form: form("id", id, "id", "x")}, http.StatusNotFound)
	if a = b.want(t, ask{route: "GET " + tokensRoute + "?state=disabled"}, 200); len(a.all("tbody tr")) != 0 {
		t.Error("got a token disabled beside one that isn't there, want neither done")
	}
	b.to(t, ask{route: "POST " + tokensRoute + "/disable", form: form("id", id)}, tokensRoute+"?notice=api-tokens-disabled")
	if a = b.want(t, ask{route: "GET " + tokensRoute + "?state=disabled"}, 200); len(a.all("tbody tr")) != 1 {
		t.Error("got no disabled token, want the one")
	}
	b.to(t, ask{route: "POST " + tokensRoute + "/" + id + "/delete", form: form()}, tokensRoute+"?notice=api-token-deleted")
	b.want(t, ask{route: "GET " + tokensRoute + "/" + id}, 404)
	want := []string{"api_token.create nightly", "api_token.update nightly", "api_token.update nightly", "api_token.update nightly", "api_token.delete nightly"}
	if got := d.actions(t); !slices.Equal(got[len(got)-5:], want) {
		t.Errorf("got %q in the audit log, want it to end with %q", got, want)
	}
}

// TestWebServiceTokenProblems fills the form wrongly: what was typed stands there again, with what is wrong beside it.
func TestWebServiceTokenProblems(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "taken", "never", "yes", "days", "", "user", "admin")}, 200)
	for field, filled := range map[string][]string{
		"name": {"name", "Taken", "days", "30", "user", "admin"},
		"days": {"name", "x", "days", "soon", "user", "admin"},
		"user": {"name", "x", "days", "30", "user", "nobody"},
	} {
		a := b.want(t, ask{route: "POST " + tokensRoute, form: form(filled...)}, http.StatusUnprocessableEntity)
		if bad := a.one(t, "input[aria-invalid]"); bad.attribute("id") != field || a.one(t, ".problem").text() == "" {
			t.Errorf("got %s marked, want %s, with what is wrong", bad.attribute("id"), field)
		}
		if got := a.one(t, "#name").attribute("value"); got != filled[1] {
			t.Errorf("%s: got the name %q, want %q as it was typed", field, got, filled[1])
		}
	}
	for days, want := range map[string]string{
		"": "Give a number of days, or choose Never Expires.", "never": "Give a number of days, or choose Never Expires.",
		"2027-01-31": "Give a number of days, such as 30, not a date.", "31.01.2027": "Give a number of days, such as 30, not a date.",
		"9999999999": "Give a smaller number.",
	} {
		a := b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "x", "days", days, "user", "admin")}, http.StatusUnprocessableEntity)
		if got := a.one(t, "#days-problem").text(); got != want {
			t.Errorf("%q days: got %q, want %q", days, got, want)
		}
	}
}

// TestAdministrationIsForAdministrators asks for each page of the administration as somebody else, and as nobody.
func TestAdministrationIsForAdministrators(t *testing.T) {
	d := newDesk(t)
	admin := d.admin(t)
	d.user(t, account.Draft{Username: "ann"})
	ann := d.browser()
	ann.logIn(t, "ann")
	d.refused(t)
	for _, route := range []string{"GET /console/administration", "GET " + tokensRoute, "GET " + tokensRoute + "/new", "POST " + tokensRoute, "POST " + tokensRoute + "/disable"} {
		q := ask{route: route}
		if strings.HasPrefix(route, "POST") {
			q.form = form("name", "x", "days", "30", "user", "ann")
			if strings.HasSuffix(route, "disable") {
				q.form = form()
			}
		}
		ann.want(t, q, http.StatusForbidden)
		d.wantRefused(t, "not_allowed console_session")
		if a := admin.do(t, q); a.status >= 400 {
			t.Errorf("%s: got %d for an administrator", route, a.status)
		}
	}
	if a := ann.want(t, ask{route: "GET /console/"}, 200); strings.Contains(a.one(t, "header").text(), "Administration") {
		t.Error("got the administration in the menu of somebody who may not use it")
	}
}

// TestListPages pages through more tokens than one page shows.
func TestListPages(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for n := range 53 {
		b.want(t, ask{route: "POST " + tokensRoute, form: form("name", "t"+strconv.Itoa(100+n), "days", "1", "user", "admin")}, 200)
	}
	a := b.want(t, ask{route: "GET " + tokensRoute + "?user=admin"}, 200)
	if got := len(a.all("tbody tr")); got != 50 {
		t.Errorf("got %d rows, want 50", got)
	}
	next := a.one(t, ".pages a").attribute("href")
	a = b.want(t, ask{route: "GET " + next}, 200)
	if got := len(a.all("tbody tr")); got != 3 || !strings.Contains(next, "user=admin") {
		t.Errorf("got %d rows at %s, want the three that are left of the user's", got, next)
	}
	if got := a.one(t, ".pages a").attribute("href"); got != tokensRoute+"?user=admin" {
		t.Errorf("got the first page at %s", got)
	}
}
