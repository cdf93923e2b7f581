package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// listSessions returns the sessions that a route lists.
func (d *desk) listSessions(t *testing.T, q ask) (sessions []api.Session, next string) {
	t.Helper()
	var page api.List[api.Session]
	d.want(t, q, http.StatusOK, "").into(t, &page)
	if page.Items == nil {
		t.Errorf("%s: got null, want a list", q.route)
	}
	return page.Items, page.Next
}

// TestSessionList: sessions of both sorts, of one's own alone, the newest first; the one by which the caller came is marked.
func TestSessionList(t *testing.T) {
	d := newDesk(t)
	amy, token := d.user(t, account.Draft{Username: "Amy"})
	bob, _ := d.user(t, account.Draft{Username: "bob"})
	p, _ := d.enrol(t, platform.Draft{Name: "Partner", Algorithm: jose.EdDSA, Enabled: true})
	start := d.clock()
	by := d.session(t, amy, uuid.Nil)
	d.now.Add(1)
	cookies := d.logIn(t, amy)
	d.now.Add(1)
	byPlatform := d.session(t, amy, p.ID)
	d.session(t, bob, uuid.Nil)
	d.logIn(t, bob)
	d.now.Add(60)
	d.want(t, ask{route: "GET /v1/me", token: by.Text.Reveal()}, http.StatusOK, "")
	check(t, d.authority.StoreUses(t.Context()))

	const life, browserLife = 14 * 24 * time.Hour, 12 * time.Hour
	want := []api.Session{
		{ID: byPlatform.Token.ID.String(), Kind: "session_token", PlatformID: p.ID.String(), CreatedAt: start.Add(2 * time.Second), ExpiresAt: start.Add(2*time.Second + life)},
		{ID: cookies.Session.ID.String(), Kind: "console_session", CreatedAt: start.Add(time.Second), LastUsedAt: start.Add(time.Second), ExpiresAt: start.Add(time.Second + browserLife)},
		{ID: by.Token.ID.String(), Kind: "session_token", CreatedAt: start, LastUsedAt: d.clock(), LastUsedIP: clientAddress, ExpiresAt: start.Add(life)},
	}
	for _, q := range []ask{
		{route: "GET /v1/me/sessions", token: token},
		{route: "GET /v1/users/AMY/sessions", token: d.adminToken},
		{route: "GET /v1/users/" + amy.ID.String() + "/sessions", token: d.adminToken},
	} {
		got, next := d.listSessions(t, q)
		if diff := cmp.Diff(want, got); diff != "" || next != "" {
			t.Errorf("%s (-want +got): %s; next %q", q.route, diff, next)
		}
	}
	want[1].Current, want[1].LastUsedAt, want[1].LastUsedIP = true, d.clock(), clientAddress
	d.listSessions(t, byCookie("GET /v1/me/sessions", cookie(consoleCookie, cookies.Console), "same-origin"))
	check(t, d.authority.StoreUses(t.Context()))
	got, _ := d.listSessions(t, byCookie("GET /v1/me/sessions", cookie(consoleCookie, cookies.Console), "same-origin"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by cookie (-want +got): %s", diff)
	}
	if got, _ := d.listSessions(t, ask{route: "GET /v1/me/sessions", token: d.adminToken}); len(got) != 0 {
		t.Errorf("got %v for root, want none", got)
	}

	// What has ended by its time isn't there, to the microsecond.
	d.now.Store(int64(life / time.Second))
	d.fine.Store(-1000)
	if got, _ := d.listSessions(t, ask{route: "GET /v1/me/sessions", token: token}); len(got) != 2 {
		t.Errorf("got %v a microsecond before the first ends, want both tokens", got)
	}
	d.fine.Store(0)
	if got, _ := d.listSessions(t, ask{route: "GET /v1/me/sessions", token: token}); len(got) != 1 || got[0].ID != want[0].ID {
		t.Errorf("got %v as the first ends, want the last alone", got)
	}
}

// TestSessionPages turns pages while sessions come and go: what lasts all along is in one of them, once.
func TestSessionPages(t *testing.T) {
	d := newDesk(t)
	amy, token := d.user(t, account.Draft{Username: "amy"})
	var want []string
	for i := range 7 {
		if i != 4 { // two of one moment
			d.now.Add(1)
		}
		if i%2 == 0 {
			want = append(want, d.session(t, amy, uuid.Nil).Token.ID.String())
		} else {
			want = append(want, d.logIn(t, amy).Session.ID.String())
		}
	}
	all, _ := d.listSessions(t, ask{route: "GET /v1/me/sessions", token: token})
	var got []string
	for next := ""; ; {
		var page []api.Session
		page, next = d.listSessions(t, ask{route: "GET /v1/me/sessions?limit=2&cursor=" + next, token: token})
		for _, s := range page {
			got = append(got, s.ID)
		}
		if next == "" {
			break
		}
		// The last that was shown ends, and a new one begins.
		d.want(t, ask{route: "DELETE /v1/me/sessions/" + page[len(page)-1].ID, token: token}, http.StatusNoContent, "")
		d.now.Add(1)
		d.session(t, amy, uuid.Nil)
	}
	slices.Sort(want)
	if listed := slices.Sorted(slices.Values(got)); !slices.Equal(listed, want) || all[0].ID != got[0] {
		t.Errorf("got %v, want those of %v", got, want)
	}
	for _, cursor := range []string{"nonsense", "c2Vzc2lvbnMgMSB4", "c2Vzc2lvbnMgeCAwMTkwYTZmMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDA", "dXNlcnMgYW15"} {
		d.want(t, ask{route: "GET /v1/me/sessions?cursor=" + cursor, token: token}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "cursor")
	}
}

// TestEndSession ends sessions one by one: one's own, and as an administrator another's. Each is then refused as one that has
// ended; of others there are none.
func TestEndSession(t *testing.T) {
	d := newDesk(t)
	amy, token := d.user(t, account.Draft{Username: "amy"})
	bob, _ := d.user(t, account.Draft{Username: "bob"})
	first, second, bobs := d.session(t, amy, uuid.Nil), d.session(t, amy, uuid.Nil), d.session(t, bob, uuid.Nil)
	cookies, bobCookies := d.logIn(t, amy), d.logIn(t, bob)
	me := func(text string) ask { return ask{route: "GET /v1/me", token: text} }
	browser := byCookie("GET /v1/me", cookie(consoleCookie, cookies.Console), "")
	for _, q := range []ask{me(first.Text.Reveal()), me(second.Text.Reveal()), me(bobs.Text.Reveal()), browser} {
		d.want(t, q, http.StatusOK, "") // and is remembered from here on
	}
	for _, route := range []string{
		"DELETE /v1/me/sessions/" + bobs.Token.ID.String(), "DELETE /v1/me/sessions/" + bobCookies.Session.ID.String(),
		"DELETE /v1/me/sessions/" + uuid.NewString(), "DELETE /v1/me/sessions/x", "DELETE /v1/me/sessions/" + amy.ID.String(),
		"DELETE /v1/me/sessions/" + strings.ToUpper(first.Token.ID.String()),
	} {
		d.want(t, ask{route: route, token: token}, http.StatusNotFound, api.CodeNotFound)
	}
	for _, route := range []string{
		"DELETE /v1/users/amy/sessions/" + bobs.Token.ID.String(), "DELETE /v1/users/amy/sessions/" + bobCookies.Session.ID.String(),
		"DELETE /v1/users/nobody/sessions/" + bobs.Token.ID.String(), "DELETE /v1/users/nobody/sessions", "GET /v1/users/nobody/sessions",
	} {
		d.want(t, ask{route: route, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	}
	d.want(t, me(bobs.Text.Reveal()), http.StatusOK, "")

	d.refused(t)
	for _, tt := range []struct {
		end, then ask
		reason    string
	}{
		{ask{route: "DELETE /v1/me/sessions/" + first.Token.ID.String(), token: token}, me(first.Text.Reveal()), "v1 ended session_token"},
		{ask{route: "DELETE /v1/me/sessions/" + cookies.Session.ID.String(), token: token}, browser, "v1 ended console_session"},
		{ask{route: "DELETE /v1/users/bob/sessions/" + bobs.Token.ID.String(), token: d.adminToken}, me(bobs.Text.Reveal()), "v1 ended session_token"},
		{ask{route: "DELETE /v1/users/bob/sessions/" + bobCookies.Session.ID.String(), token: d.adminToken}, byCookie("GET /v1/me", cookie(consoleCookie, bobCookies.Console), ""), "v1 ended console_session"},
	} {
		d.want(t, tt.end, http.StatusNoContent, "")
		d.want(t, tt.then, http.StatusUnauthorized, api.CodeNotAuthenticated)
		if got := d.refused(t); !slices.Equal(got, []string{tt.reason}) {
			t.Errorf("%s: got refusals %v, want %s", tt.end.route, got, tt.reason)
		}
		d.want(t, tt.end, http.StatusNotFound, api.CodeNotFound)
	}
	d.want(t, me(second.Text.Reveal()), http.StatusOK, "") // the twin of them all
	got := slices.DeleteFunc(d.actions(t), func(action string) bool { return !strings.Contains(action, ".end ") })
	if want := []string{"session.end bob", "session_token.end bob", "session.end amy", "session_token.end amy"}; !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
}

// TestEndOwnSession: a browser ends the session by which it came, as by logging out.
func TestEndOwnSession(t *testing.T) {
	d := newDesk(t)
	amy, _ := d.user(t, account.Draft{Username: "amy"})
	c := d.logIn(t, amy)
	own := cookie(consoleCookie, c.Console)
	d.want(t, byCookie("DELETE /v1/me/sessions/"+c.Session.ID.String(), own, "cross-site"), http.StatusForbidden, api.CodeNotAllowed)
	d.want(t, byCookie("GET /v1/me", own, ""), http.StatusOK, "")
	d.want(t, byCookie("DELETE /v1/me/sessions/"+c.Session.ID.String(), own, "same-origin"), http.StatusNoContent, "")
	d.want(t, byCookie("GET /v1/me", own, ""), http.StatusUnauthorized, api.CodeNotAuthenticated)
}

// TestEndSessions ends all sessions of a user: those of others go on, and the one by which the caller came.
func TestEndSessions(t *testing.T) {
	for name, tt := range map[string]struct {
		route, by string
		own       bool // whether the browser that asks goes on
	}{
		"mine, by token":                      {"DELETE /v1/me/sessions", "token", false},
		"mine, by browser":                    {"DELETE /v1/me/sessions", "browser", true},
		"my own by name, by browser":          {"DELETE /v1/users/root/sessions", "browser", true},
		"another's, by browser":               {"DELETE /v1/users/amy/sessions", "browser", true},
		"another's in another case, by token": {"DELETE /v1/users/AMY/sessions", "token", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			amy, _ := d.user(t, account.Draft{Username: "amy"})
			root, err := d.accounts.Find(t.Context(), "root")
			check(t, err)
			asking := d.logIn(t, root)
			ends, goesOn := root, amy
			if strings.Contains(strings.ToLower(tt.route), "amy") {
				ends, goesOn = amy, root
			}
			tokens := []ask{
				{route: "GET /v1/me", token: d.session(t, ends, uuid.Nil).Text.Reveal()},
				byCookie("GET /v1/me", cookie(consoleCookie, d.logIn(t, ends).Console), ""),
			}
			others := []ask{
				{route: "GET /v1/me", token: d.session(t, goesOn, uuid.Nil).Text.Reveal()},
				byCookie("GET /v1/me", cookie(consoleCookie, d.logIn(t, goesOn).Console), ""),
			}
			own := byCookie("GET /v1/me", cookie(consoleCookie, asking.Console), "")
			for _, q := range append(tokens, append(others, own)...) {
				d.want(t, q, http.StatusOK, "")
			}
			q := ask{route: tt.route, token: d.adminToken}
			if tt.by == "browser" {
				q = byCookie(tt.route, cookie(consoleCookie, asking.Console), "same-origin")
			}
			d.want(t, q, http.StatusNoContent, "")
			for _, q := range tokens {
				d.want(t, q, http.StatusUnauthorized, api.CodeNotAuthenticated)
			}
			for _, q := range others {
				d.want(t, q, http.StatusOK, "")
			}
			if a := d.do(t, own); (a.status == http.StatusOK) != tt.own {
				t.Errorf("got %d for the browser that was there, want it in: %t", a.status, tt.own)
			}
			d.want(t, ask{route: "GET /v1/me", token: d.adminToken}, http.StatusOK, "") // a personal token is no session
			if got, want := d.actions(t)[0], "session.end_all "+ends.Username; got != want {
				t.Errorf("got the event %q, want %q", got, want)
			}
			d.want(t, q, http.StatusNoContent, "") // there may be none left to end
		})
	}
}

// TestSessionIsNoPower: a session token says who its user is, and ends no session, not even its own: that is what log-out is for.
func TestSessionIsNoPower(t *testing.T) {
	d := newDesk(t)
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	s := d.session(t, root, uuid.Nil)
	var me api.Me
	d.want(t, ask{route: "GET /v1/me", token: s.Text.Reveal()}, http.StatusOK, "").into(t, &me)
	if want := (api.Credential{Kind: "session_token", ID: s.Token.ID.String()}); me.User.Username != "root" || !cmp.Equal(want, me.Credential) {
		t.Errorf("got %+v, want root by %+v", me, want)
	}
	for _, route := range []string{
		"GET /v1/me/sessions", "DELETE /v1/me/sessions", "DELETE /v1/me/sessions/" + s.Token.ID.String(), "POST /v1/me/personal-token",
		"GET /v1/users/root/sessions", "DELETE /v1/users/root/sessions", "GET /v1/platforms",
	} {
		d.refused(t)
		d.want(t, ask{route: route, token: s.Text.Reveal()}, http.StatusForbidden, api.CodeCredentialTooWeak)
		if got := d.refused(t); !slices.Equal(got, []string{"v1 not_allowed session_token"}) {
			t.Errorf("%s: got refusals %v", route, got)
		}
	}
	d.want(t, ask{route: "GET /v1/me", token: s.Text.Reveal()}, http.StatusOK, "")
}
