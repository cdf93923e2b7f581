package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// saying returns an address with a notice.
func saying(t testing.TB, address, notice string) string {
	t.Helper()
	u, err := url.Parse(address)
	check(t, err)
	query := u.Query()
	query.Set("notice", notice)
	u.RawQuery = query.Encode()
	return u.String()
}

// TestBackToList does to chosen rows of each list what can be done to them: that leads back to the same order, filter and page.
func TestBackToList(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	for n := range 52 {
		name := fmt.Sprintf("row-%03d", n)
		_, _, err := d.inside.Platforms.Enrol(t.Context(), platform.Draft{Name: name, Algorithm: jose.RS256, Enabled: true}, audit.Actor{})
		check(t, err)
		d.bare(t, account.Draft{Username: name})
		b.want(t, ask{route: "POST " + tokensRoute, form: form("name", name, "days", "1", "user", "admin")}, 200)
	}
	for _, test := range []struct{ list, query, action, done string }{
		{usersRoute, "?q=row&sort=-name", "/block", "users-blocked"},
		{platformsRoute, "?q=row&sort=-created", "/disable", "platforms-disabled"},
		{tokensRoute, "?q=row&sort=-name&state=enabled", "/disable", "api-tokens-disabled"},
	} {
		first := b.want(t, ask{route: "GET " + test.list + test.query}, 200)
		second := first.one(t, "#next-page").attribute("href")
		a := b.want(t, ask{route: "GET " + saying(t, second, test.done)}, 200)
		action := a.one(t, "#list form").attribute("action")
		b.to(t, ask{route: "POST " + action, form: form()}, saying(t, second, "none-chosen"))
		b.to(t, ask{route: "GET " + action}, second) // from the address bar, or after a log-in

		chosen := form()
		for _, box := range a.all("#list input[name=id]") {
			chosen.Add("id", box.attribute("value"))
		}
		back := saying(t, second, test.done)
		b.to(t, ask{route: "POST " + action, form: chosen}, back)
		if test.list == tokensRoute { // of which none is left on that page, since they no longer are what is asked for
			first := saying(t, test.list+test.query, test.done)
			b.to(t, ask{route: "GET " + back}, first)
			back = first
		}
		if a = b.want(t, ask{route: "GET " + back}, 200); len(a.all("#list tbody tr")) == 0 || len(a.all(".notice.success")) != 1 {
			t.Errorf("%s: got no rows, or nothing said of what was done", back)
		}

		// No address makes a way back of its own.
		b.to(t, ask{route: "POST " + test.list + test.action + "?next=%2F%2Fevil.example", form: form()}, test.list+"?next=%2F%2Fevil.example&notice=none-chosen")
	}
}

// TestBackToListOfLongAgo leads whoever has to confirm first back to where he was in the list.
func TestBackToListOfLongAgo(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.pass(t, 20*time.Minute)
	const place = usersRoute + "?q=a&sort=-name"
	action := b.want(t, ask{route: "GET " + place}, 200).one(t, "#list form").attribute("action")
	back, asked := b.want(t, ask{route: "POST " + action, form: form()}, http.StatusSeeOther).asked()
	if !asked {
		t.Fatal("wasn't asked to confirm")
	}
	b.to(t, ask{route: "GET " + back}, place)
}

// TestPastEnd asks each list for a page behind its last row: it leads to the first one, with the rest of the address as it was.
func TestPastEnd(t *testing.T) {
	d := newDesk(t)
	b := d.admin(t)
	d.user(t, account.Draft{Username: "zoe"})
	for list, after := range map[string]string{
		usersRoute: "zzz", "/console/profile/users": "zzz", servicesRoute: "a", platformsRoute: "a", projectsRoute: "7", tokensRoute: "zzz",
		"/console/administration/audit": "1",
	} {
		b.to(t, ask{route: "GET " + list + "?notice=user-changed&after=" + after}, list+"?notice=user-changed")
		b.to(t, ask{route: "GET " + list + "?after=" + after}, list)
	}
}
