package console_test

import (
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
)

// TestSessions ends another browser's session in the Security tab, and a stranger's, which isn't there; then all but this one.
func TestSessions(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "ann"})
	d.user(t, account.Draft{Username: "bob"})
	bob := d.browser()
	bob.logIn(t, "bob")
	here, there, further := d.browser(), d.browser(), d.browser()
	for _, b := range []*browser{there, further, here} {
		d.pass(t, 1e9)
		b.logIn(t, "ann")
	}
	a := here.want(t, ask{route: "GET " + securityOf(u)}, 200)
	rows := a.all("table tbody tr")
	if len(rows) != 3 || !strings.HasPrefix(rows[0].text(), "This browser") || len(rows[0].all("form")) != 0 {
		t.Fatalf("got %d sessions, the first %q, want three, this browser's first and without a button", len(rows), rows[0].text())
	}
	stranger := bob.want(t, ask{route: "GET " + securityOf(d.named(t, "bob"))}, 200)
	if n := len(stranger.all("table tbody tr")); n != 1 {
		t.Errorf("got %d sessions of another user, want his own", n)
	}
	end := rows[2].one(t, "form").attribute("action")
	bob.want(t, ask{route: "POST " + end, form: form()}, 404)
	here.to(t, ask{route: "POST " + end, form: form()}, securityOf(u)+"?notice=session-over")
	d.refused(t)
	there.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "ended console_session")
	further.want(t, ask{route: "GET /console/"}, 200)
	here.to(t, ask{route: "POST " + securityOf(u) + "/sessions/end", form: form()}, securityOf(u)+"?notice=other-sessions-over")
	further.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "ended console_session")
	bob.want(t, ask{route: "GET /console/"}, 200)
}

// named returns a user.
func (d *desk) named(t testing.TB, name string) account.User {
	t.Helper()
	u, err := d.accounts.FindByName(t.Context(), name)
	check(t, err)
	return u
}
