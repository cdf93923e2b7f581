package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
)

// TestLinkSecretStays looks for the secret of a link in all that is answered under its address: no page has it, nor a Location, to which
// forms of the page lead.
func TestLinkSecretStays(t *testing.T) {
	d := mailingDesk(t)
	alice := d.user(t, account.Draft{Username: "alice", Email: "alice@example.com"})
	made, err := d.inside.Links.Invite(t.Context(), alice.ID, audit.Actor{})
	check(t, err)
	b := d.browser()
	b.want(t, ask{route: "POST /console/login/link", form: form("username", "alice")}, http.StatusOK)
	_ = d.mailed(t) // the invitation, which is shown, too
	mailed := d.mailed(t)
	for _, route := range []string{routeOf(mailed.URL.Reveal()), routeOf(made.URL.Reveal())} {
		secret := route[strings.LastIndex(route, "/")+1:]
		look := func(what string, a answer) {
			t.Helper()
			if strings.Contains(a.body, secret) {
				t.Errorf("%s: the page has the secret: %s", what, a.body)
			}
			for name, values := range a.header {
				if strings.Contains(strings.Join(values, "\n"), secret) {
					t.Errorf("%s: the header has the secret: %s: %s", what, name, values)
				}
			}
		}
		page := b.want(t, ask{route: "GET " + route}, http.StatusOK)
		look("the page", page)
		next := page.one(t, "form[action=/console/language] input[name=next]").attribute("value")
		look("another language", b.want(t, ask{route: "POST /console/language", form: form("language", "de", "next", next)}, http.StatusSeeOther))
		for _, q := range []ask{
			{route: "HEAD " + route},
			{route: "PUT " + route, form: form()},
			{route: "GET " + route + "/"},
			{route: "GET " + route + "/more"},
			{route: "GET " + route + "?next=x"},
			{route: "GET " + strings.Replace(route, "/console/", "/console//", 1)},
			{route: "GET " + strings.Replace(route, "/console/", "/console/./", 1)},
			{route: "POST " + route, form: form("new", "short", "again", "short")},
			{route: "POST " + route, form: form("unknown", "field")},
			{route: "POST " + route, form: form("new", goodPassword+"r", "again", goodPassword+"r")},
			{route: "POST " + route, form: form()},
			{route: "POST " + route, form: form(), header: map[string]string{"Sec-Fetch-Site": "cross-site"}},
			{route: "GET " + route},
		} {
			look(q.route[:4], b.do(t, q))
		}
	}
	b.want(t, ask{route: "GET " + routeOf(made.URL.Reveal())}, http.StatusNotFound) // by then it has been used
}
