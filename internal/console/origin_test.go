package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/console"
)

// TestCrossOrigin sends each form as a browser would for a page of another site, and as it would for ours.
func TestCrossOrigin(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.logIn(t, "alice")
	unchanged := len(d.actions(t))
	forms := []ask{
		{route: "POST /console/login", form: form("username", "alice", "password", goodPassword)},
		{route: "POST " + securityOf(u) + "/token", form: form()},
		{route: "POST " + securityOf(u) + "/token/revoke", form: form()},
		{route: "POST " + securityOf(u) + "/password", form: form("current", goodPassword, "new", goodPassword, "again", goodPassword)},
		{route: "POST /console/logout", form: form()},
		{route: "POST /console/", form: form()},
		{route: "DELETE /console/profile/users/" + u.ID.String(), form: form()},
	}
	for _, tt := range []struct{ name, site, origin string }{
		{"another site", "cross-site", "https://evil.example"},
		{"another host of the site", "same-site", "https://other.example.com"},
		{"another site, an older browser", "", "https://evil.example"},
		{"another port, an older browser", "", d.URL + "0"},
		{"a sandbox", "", "null"},
		{"a lie in Origin", "cross-site", d.URL},
		{"nobody says: no browser of this decade", "", ""},
	} {
		sent := forms
		if tt.site == "" && tt.origin == "" {
			sent = forms[:5] // the others are no forms of ours: a program may have lost its way
		}
		for _, q := range sent {
			q.header = map[string]string{"Sec-Fetch-Site": tt.site, "Origin": tt.origin}
			a := b.want(t, q, http.StatusForbidden)
			checkPage(t, tt.name, a.node)
			d.wantRefused(t, "cross_origin none")
		}
	}
	if got := len(d.actions(t)); got != unchanged {
		t.Errorf("the refused forms changed something: %v", d.actions(t))
	}
	for _, header := range []map[string]string{ // the twins
		{"Sec-Fetch-Site": "same-origin"},
		{"Sec-Fetch-Site": "", "Origin": d.URL},
	} {
		for _, q := range forms[1:5] {
			q.header = header
			if a := b.do(t, q); a.status != http.StatusOK && a.status != http.StatusSeeOther {
				t.Errorf("%s with %v: got %d", q.route, header, a.status)
			}
		}
		q := forms[0]
		q.header = header
		b.to(t, q, "/console/")
	}
	d.wantRefused(t)
	// A link from elsewhere may lead here: it only reads.
	b.want(t, ask{route: "GET /console/", header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, http.StatusOK)
}

// TestPlainOrigin sends the log-in's form as an older browser does for a page that somebody on the network has put in place of
// http://host: where the console is at https, that is no page of it, though the host is the same.
func TestPlainOrigin(t *testing.T) {
	for at, want := range map[string]int{"https://tokens.example.com": http.StatusForbidden, "http://127.0.0.1:8080": http.StatusSeeOther} {
		d := openDesk(t, console.NewCookies(at, ""))
		d.user(t, account.Draft{Username: "alice"})
		plain := strings.Replace(d.URL, "https://", "http://", 1)
		q := ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword)}
		q.header = map[string]string{"Sec-Fetch-Site": "", "Origin": plain}
		d.browser().want(t, q, want)
		q.header["Origin"] = strings.Replace(plain, "http://", "https://", 1)
		d.browser().want(t, q, http.StatusSeeOther)
		q.header = map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": plain} // a tunnel to this machine
		d.browser().want(t, q, http.StatusSeeOther)
	}
}
