package httpapi_test

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/secret"
)

// cookie is a pair as it stands in the Cookie header field.
func cookie(name string, text secret.Text) string { return name + "=" + text.Reveal() }

// byCookie is a request as a browser's page sends it: with a Cookie header field, and where it comes from, which is empty
// where the browser doesn't say so.
func byCookie(route, cookie, site string) ask {
	return ask{route: route, header: map[string]string{"Cookie": cookie, "Sec-Fetch-Site": site}}
}

// alice is a user with the administrator's password, for a start, and a token.
func alice(t testing.TB, d *desk, roles ...string) (account.User, string) {
	t.Helper()
	return d.user(t, account.Draft{Username: "alice", Roles: roles, PasswordHash: adminHash})
}

// TestCookies asks who one is by each cookie of a session, and by what is no cookie of this door.
func TestCookies(t *testing.T) {
	d := newDesk(t)
	u, token := alice(t, d)
	c := d.logIn(t, u)
	var me api.Me
	d.want(t, byCookie("GET /v1/me", cookie(consoleCookie, c.Console), ""), http.StatusOK, "").into(t, &me)
	if want := (api.Credential{Kind: "console_session", ID: c.Session.ID.String()}); !cmp.Equal(me.Credential, want) || me.User.ID != u.ID.String() {
		t.Errorf("got %+v, want alice by %+v", me, want)
	}
	d.refused(t)
	for _, tt := range []struct{ name, cookie, refused string }{
		{"the APIs' cookie", cookie(apiCookie, c.API), "v1 no_credential none"},
		{"the APIs' secret in the console's cookie", cookie(consoleCookie, c.API), "v1 bad_checksum console_session"},
		{"the console's secret in the APIs' cookie", cookie(apiCookie, c.Console), "v1 no_credential none"},
		{"a token in the cookie", consoleCookie + "=" + token, "v1 bad_checksum console_session"},
		{"a mistyped cookie", consoleCookie + "=" + flip(c.Console.Reveal()), "v1 bad_checksum console_session"},
		{"an empty cookie", consoleCookie + "=", "v1 no_credential none"},
		{"a name that only ends so", "x" + cookie(consoleCookie, c.Console), "v1 no_credential none"},
		{"a name without the prefix", cookie("jeton", c.Console), "v1 no_credential none"},
	} {
		d.want(t, byCookie("GET /v1/me", tt.cookie, ""), http.StatusUnauthorized, api.CodeNotAuthenticated)
		if got := d.refused(t); !slices.Equal(got, []string{tt.refused}) {
			t.Errorf("%s: got refusals %v, want %s", tt.name, got, tt.refused)
		}
	}
	// Others' cookies beside it are others'.
	for _, cookie := range []string{"a=b; " + cookie(consoleCookie, c.Console), cookie(consoleCookie, c.Console) + ";" + cookie(apiCookie, "odd") + `; c="d`} {
		d.want(t, byCookie("GET /v1/me", cookie, ""), http.StatusOK, "")
	}
	d.now.Add(12 * 3600)
	d.want(t, byCookie("GET /v1/me", cookie(consoleCookie, c.Console), ""), http.StatusUnauthorized, api.CodeNotAuthenticated)
	if got := d.refused(t); !slices.Equal(got, []string{"v1 expired console_session"}) {
		t.Errorf("got refusals %v, want that of a session that lasted for too long", got)
	}
}

// TestExplicitWins presents a credential expressly beside a good cookie: it alone counts, good or bad.
func TestExplicitWins(t *testing.T) {
	d := newDesk(t)
	u, superseded := alice(t, d)
	token := d.rotate(t, u.ID)
	c := d.logIn(t, u)
	good, two := cookie(consoleCookie, c.Console), cookie(consoleCookie, c.Console)+"; "+cookie(consoleCookie, c.Console)
	for _, tt := range []struct {
		name, token, cookie string
		kind                string // where it is let in
		refused             string // where it isn't
	}{
		{"a token beside a cookie", token, good, "personal_token", ""},
		{"a password beside a cookie", "alice:" + adminPassword, good, "password", ""},
		{"a token beside two cookies", token, two, "personal_token", ""},
		{"a token beside a bad cookie", token, consoleCookie + "=bad", "personal_token", ""},
		{"a superseded token", superseded, good, "", "v1 superseded personal_token"},
		{"a mistyped token", flip(token), good, "", "v1 bad_checksum personal_token"},
		{"nonsense", "nonsense", good, "", "v1 unrecognized none"},
		{"a wrong password", "alice:wrong password", good, "", "v1 wrong_password password"},
		{"nothing but the cookie", "", good, "console_session", ""},
	} {
		q := byCookie("GET /v1/me", tt.cookie, "")
		q.token = tt.token
		d.refused(t)
		if tt.kind == "" {
			d.want(t, q, http.StatusUnauthorized, api.CodeNotAuthenticated)
			if got := d.refused(t); !slices.Equal(got, []string{tt.refused}) {
				t.Errorf("%s: got refusals %v, want %s", tt.name, got, tt.refused)
			}
			continue
		}
		var me api.Me
		d.want(t, q, http.StatusOK, "").into(t, &me)
		if me.Credential.Kind != tt.kind {
			t.Errorf("%s: got %s, want %s", tt.name, me.Credential.Kind, tt.kind)
		}
	}
}

// TestTwoCookies presents two cookies of one name, as a page below the same domain can have a browser do: nobody chooses
// between them.
func TestTwoCookies(t *testing.T) {
	d := newDesk(t)
	u, _ := alice(t, d)
	c, other := d.logIn(t, u), d.logIn(t, u)
	good := cookie(consoleCookie, c.Console)
	for name, fields := range map[string][]string{
		"two sessions":     {good + "; " + cookie(consoleCookie, other.Console)},
		"the same twice":   {good + "; " + good},
		"a bad one first":  {consoleCookie + "=bad; " + good},
		"an empty one":     {good + "; " + consoleCookie + "="},
		"in two fields":    {good, good},
		"without a space":  {good + ";" + good},
		"with more spaces": {good + ";  " + good},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/v1/me", nil)
		check(t, err)
		r.Header["Cookie"] = fields
		if a := d.send(t, r); a.status != http.StatusBadRequest || a.code != api.CodeTwoCredentials {
			t.Errorf("%s: got %d %s, want 400 two_credentials", name, a.status, a.code)
		}
		if got := d.refused(t); !slices.Equal(got, []string{"v1 two_credentials console_session"}) {
			t.Errorf("%s: got refusals %v, want two_credentials", name, got)
		}
	}
	// Two of the other door's are nothing to this one.
	both := good + "; " + cookie(apiCookie, c.API) + "; " + cookie(apiCookie, other.API)
	d.want(t, byCookie("GET /v1/me", both, ""), http.StatusOK, "")
}

// TestCookieWrites writes by a cookie, which a browser adds to whatever any page has it send: only what says that it comes
// from Jeton's own pages is done.
func TestCookieWrites(t *testing.T) {
	d := newDesk(t)
	u, _ := alice(t, d)
	good := cookie(consoleCookie, d.logIn(t, u).Console)
	for _, tt := range []struct {
		name    string
		header  http.Header
		refused string // empty where it is done
	}{
		{"same origin", http.Header{"Sec-Fetch-Site": {"same-origin"}}, ""},
		{"the person itself", http.Header{"Sec-Fetch-Site": {"none"}}, ""},
		{"same origin, an older browser", http.Header{"Origin": {d.URL}}, ""},
		{"same origin in both", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {d.URL}}, ""},
		{"another host of the site", http.Header{"Sec-Fetch-Site": {"same-site"}}, "v1 cross_origin none"},
		{"cross-site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, "v1 cross_origin none"},
		{"cross-site with an origin that lies", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {d.URL}}, "v1 cross_origin none"},
		{"a word that isn't known", http.Header{"Sec-Fetch-Site": {"same-orígin"}}, "v1 cross_origin none"},
		{"elsewhere, an older browser", http.Header{"Origin": {d.URL + "0"}}, "v1 cross_origin none"},
		{"a sandbox", http.Header{"Origin": {"null"}}, "v1 cross_origin none"},
		{"neither field", nil, "v1 cross_origin console_session"},
		{"both fields empty", http.Header{"Sec-Fetch-Site": {""}, "Origin": {""}}, "v1 cross_origin console_session"},
		{"two words", http.Header{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, "v1 cross_origin console_session"},
		{"two origins", http.Header{"Origin": {d.URL, "https://elsewhere.example"}}, "v1 cross_origin console_session"},
	} {
		for _, value := range []string{good, consoleCookie + "=" + flip(good[len(consoleCookie)+1:])} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/me/personal-token", nil)
			check(t, err)
			for name, values := range tt.header {
				r.Header[name] = values
			}
			r.Header.Set("Cookie", value)
			before := len(d.actions(t))
			a := d.send(t, r)
			want, code, made, refused := http.StatusCreated, api.Code(""), 1, []string(nil)
			switch {
			case tt.refused != "": // whether the cookie is any good, the page that sent it doesn't learn
				want, code, made, refused = http.StatusForbidden, api.CodeNotAllowed, 0, []string{tt.refused}
			case value != good:
				want, code, made, refused = http.StatusUnauthorized, api.CodeNotAuthenticated, 0, []string{"v1 bad_checksum console_session"}
			}
			if a.status != want || a.code != code || len(d.actions(t))-before != made {
				t.Errorf("%s: got %d %q and %d changes, want %d %q and %d", tt.name, a.status, a.code, len(d.actions(t))-before, want, code, made)
			}
			if got := d.refused(t); !slices.Equal(got, refused) {
				t.Errorf("%s: got refusals %v, want %v", tt.name, got, refused)
			}
		}
	}
	d.want(t, byCookie("GET /v1/me", good, "cross-site"), http.StatusOK, "") // a page from elsewhere can't read the answer
}

// TestEveryCookieWrite sends every route by an administrator's cookie: what changes something needs to come from Jeton's
// own pages, and then it is done.
func TestEveryCookieWrite(t *testing.T) {
	d := stocked(t)
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	good := cookie(consoleCookie, d.logIn(t, root).Console)
	for _, s := range samples() {
		if s.route == hearing {
			continue
		}
		q := s.ask("")
		q.header = map[string]string{"Cookie": good}
		for name, value := range s.header {
			q.header[name] = value
		}
		if !strings.HasPrefix(s.route, "GET ") {
			d.refused(t)
			d.want(t, q, http.StatusForbidden, api.CodeNotAllowed)
			if got := d.refused(t); !slices.Equal(got, []string{"v1 cross_origin console_session"}) {
				t.Errorf("%s: got refusals %v, want cross_origin", s.route, got)
			}
			q.header["Sec-Fetch-Site"] = "same-origin"
		}
		d.want(t, q, s.status, "")
		if s.route == "PUT /v1/me/password" { // which logs every browser out
			good = cookie(consoleCookie, d.logIn(t, root).Console)
		}
	}
}

// TestChangeByAnOldLogIn changes something by a cookie in the last moment in which its log-in is recent, and in the next.
func TestChangeByAnOldLogIn(t *testing.T) {
	d := newDesk(t)
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	console := cookie(consoleCookie, d.logIn(t, root).Console)
	change := func() ask {
		q := byCookie("POST /v1/users", console, "same-origin")
		q.body = `{"username":"user-` + strconv.FormatInt(d.now.Load(), 10) + `"}`
		return q
	}
	d.now.Add(15 * 60)
	d.want(t, change(), http.StatusCreated, "")
	d.now.Add(1)
	d.want(t, change(), http.StatusForbidden, api.CodeCredentialTooWeak)
	if got := d.refused(t); !slices.Equal(got, []string{"v1 not_recent console_session"}) {
		t.Errorf("got refusals %v, want that of a log-in long ago", got)
	}
	d.want(t, byCookie("GET /v1/users", console, "same-origin"), http.StatusOK, "")
	d.want(t, byCookie("GET /v1/me", console, "same-origin"), http.StatusOK, "")
	again := byCookie("POST /v1/users", cookie(consoleCookie, d.logIn(t, root).Console), "same-origin")
	again.body = `{"username":"another"}`
	d.want(t, again, http.StatusCreated, "")
}

// TestChangePasswordByCookie: with the password every session ends, that by which it was changed too, so that nobody who
// had read a cookie keeps it.
func TestChangePasswordByCookie(t *testing.T) {
	d := newDesk(t)
	u, token := alice(t, d)
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	own, other, others := d.logIn(t, u), d.logIn(t, u), d.logIn(t, root)
	me := func(console secret.Text) ask { return byCookie("GET /v1/me", cookie(consoleCookie, console), "") }
	for _, c := range []secret.Text{own.Console, other.Console, others.Console} {
		d.want(t, me(c), http.StatusOK, "") // and is remembered from here on
	}
	change := func(current string) ask {
		q := byCookie("PUT /v1/me/password", cookie(consoleCookie, own.Console), "same-origin")
		q.body = `{"current":"` + current + `","new":"a better password"}`
		return q
	}
	d.want(t, change("a wrong password"), http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "current")
	d.want(t, me(other.Console), http.StatusOK, "")
	d.want(t, change(adminPassword), http.StatusNoContent, "")
	d.refused(t)
	d.want(t, me(others.Console), http.StatusOK, "")
	d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "")
	for _, c := range []secret.Text{own.Console, other.Console} {
		d.want(t, me(c), http.StatusUnauthorized, api.CodeNotAuthenticated)
		if got := d.refused(t); !slices.Equal(got, []string{"v1 ended console_session"}) {
			t.Errorf("got refusals %v, want that of an ended session", got)
		}
	}
	again := d.logIn(t, u)
	d.want(t, me(again.Console), http.StatusOK, "")
	q := ask{route: "PUT /v1/me/password", token: token, body: `{"current":"a better password","new":"no password at all"}`}
	d.want(t, q, http.StatusNoContent, "")
	d.want(t, me(again.Console), http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.want(t, me(others.Console), http.StatusOK, "")
}

// TestVerifyCookies asks about calls that a browser made to a protected API.
func TestVerifyCookies(t *testing.T) {
	d := newDesk(t)
	d.serve(t, authority.KindsOf(authority.PersonalToken), authority.KindsOf(authority.PersonalToken, authority.APISession, authority.Password))
	u, token := alice(t, d, "partner")
	_, reporter := d.user(t, account.Draft{Username: "reporter", Kind: account.Service})
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com", Verifiers: []string{"reporter"}},
		"GET /reports/{id} role:partner", "POST /reports role:partner", "POST /bills role:editor")
	c := d.logIn(t, u)
	good := cookie(apiCookie, c.API)
	basic := "Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ=="
	const read, write = "GET", "POST"
	for _, tt := range []struct {
		name   string
		q      api.VerifyRequest
		kind   string // where it may pass
		reason string // where it may not
	}{
		{"a read", api.VerifyRequest{Method: read, Cookie: good}, "api_session", ""},
		{"a read for a page from elsewhere", api.VerifyRequest{Method: read, Cookie: good, SecFetchSite: "cross-site"}, "api_session", ""},
		{"a write", api.VerifyRequest{Method: write, Cookie: good, SecFetchSite: "same-origin"}, "api_session", ""},
		{"a write by the person itself", api.VerifyRequest{Method: write, Cookie: good, SecFetchSite: "none"}, "api_session", ""},
		{"a write by an older browser", api.VerifyRequest{Method: write, Cookie: good, Origin: "https://api.example.com"}, "api_session", ""},
		{"a write from another port", api.VerifyRequest{Method: write, Cookie: good, Origin: "https://api.example.com:8443"}, "", "cross_origin"},
		{"a write from elsewhere", api.VerifyRequest{Method: write, Cookie: good, SecFetchSite: "cross-site"}, "", "cross_origin"},
		{"a write from the same site", api.VerifyRequest{Method: write, Cookie: good, SecFetchSite: "same-site"}, "", "cross_origin"},
		{"a write from another origin", api.VerifyRequest{Method: write, Cookie: good, Origin: publicURL}, "", "cross_origin"},
		{"a write from a sandbox", api.VerifyRequest{Method: write, Cookie: good, Origin: "null"}, "", "cross_origin"},
		{"a write from nowhere", api.VerifyRequest{Method: write, Cookie: good}, "", "cross_origin"},
		{"a WebSocket from nowhere", api.VerifyRequest{Method: read, Cookie: good, Upgrade: true}, "", "cross_origin"},
		{"a WebSocket of its own", api.VerifyRequest{Method: read, Cookie: good, Upgrade: true, SecFetchSite: "same-origin"}, "api_session", ""},
		{"the console's cookie", api.VerifyRequest{Method: read, Cookie: cookie(consoleCookie, c.Console)}, "", "no_credential"},
		{"the console's secret", api.VerifyRequest{Method: read, Cookie: cookie(apiCookie, c.Console)}, "", "bad_checksum"},
		{"both cookies", api.VerifyRequest{Method: read, Cookie: cookie(consoleCookie, c.Console) + "; " + good}, "api_session", ""},
		{"two cookies", api.VerifyRequest{Method: read, Cookie: good + "; " + good}, "", "two_credentials"},
		{"a token beside the cookie", api.VerifyRequest{Method: read, Cookie: good, Authorization: "Bearer " + token}, "personal_token", ""},
		{"a token beside it, from nowhere", api.VerifyRequest{Method: write, Cookie: good, Authorization: "Bearer " + token}, "personal_token", ""},
		{"a bad token beside it", api.VerifyRequest{Method: read, Cookie: good, Authorization: "Bearer " + flip(token)}, "", "bad_checksum"},
		{"a password", api.VerifyRequest{Method: read, Authorization: basic}, "password", ""},
		{"a password, by a program", api.VerifyRequest{Method: write, Authorization: basic}, "password", ""},
		{"a password, for a page from elsewhere", api.VerifyRequest{Method: write, Authorization: basic, SecFetchSite: "cross-site"}, "", "cross_origin"},
		{"a password, from another origin", api.VerifyRequest{Method: write, Authorization: basic, Origin: "https://elsewhere.example"}, "", "cross_origin"},
		{"a call of others'", api.VerifyRequest{Method: write, Cookie: good, SecFetchSite: "same-origin", URL: "https://api.example.com/bills"}, "", "not_in_audience"},
	} {
		if tt.q.URL == "" {
			tt.q.URL = map[string]string{read: "https://api.example.com/reports/7", write: "https://api.example.com/reports"}[tt.q.Method]
		}
		verdict := d.verdict(t, reporter, tt.q)
		got := ""
		if verdict.Principal != nil {
			got = verdict.Principal.Credential.Kind
		}
		if verdict.Allow != (tt.kind != "") || got != tt.kind || verdict.Reason != tt.reason {
			t.Errorf("%s: got %+v by %q, want allow by %q or the reason %q", tt.name, verdict, got, tt.kind, tt.reason)
		}
	}
	read1 := api.VerifyRequest{Method: read, Cookie: good, URL: "https://api.example.com/reports/7"}
	want := api.Credential{Kind: "api_session", ID: c.Session.ID.String()}
	if got := d.verdict(t, reporter, read1); got.Principal == nil || got.Principal.Username != "alice" || !cmp.Equal(got.Principal.Credential, want) {
		t.Errorf("got %+v, want alice by %+v", got, want)
	}
	// Both cookies end at once.
	check(t, d.browsers.End(t.Context(), &authority.Principal{CredentialID: c.Session.ID}, adminActor()))
	if diff := cmp.Diff(api.Verdict{Reason: "ended"}, d.verdict(t, reporter, read1)); diff != "" {
		t.Errorf("after the log-out (-want +got): %s", diff)
	}
}

// verdict asks about a call and returns the verdict.
func (d *desk) verdict(t testing.TB, asker string, q api.VerifyRequest) (v api.Verdict) {
	t.Helper()
	return d.verdictOf(t, ask{route: "POST /v1/verify", token: asker, body: encodeJSON(t, q)})
}

// verdictOf asks for a verdict and returns it without its debug field, which must say what the feed says.
func (d *desk) verdictOf(t testing.TB, q ask) (v api.Verdict) {
	t.Helper()
	d.want(t, q, http.StatusOK, "").into(t, &v)
	if v.Debug.Revision != d.changes.Revision() || v.Debug.HeardAnew != !d.changes.Fresh() || (v.Debug.FeedAgeSeconds != nil) != (d.changes.Age() < math.MaxInt64) {
		t.Errorf("got %+v, want what the feed says: revision %d, heard %s ago", v.Debug, d.changes.Revision(), d.changes.Age())
	}
	v.Debug = api.Debug{}
	return v
}
