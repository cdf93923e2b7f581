package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
)

// powerDesk is a desk with credentials of all sorts, each of the real package that makes them, of an administrator ("root"),
// a person ("amy") and a service account that verifies the service reports ("robot").
type powerDesk struct {
	*desk
	credentials map[string]ask // by what they are; the route and the body are empty
}

func newPowerDesk(t *testing.T) *powerDesk {
	t.Helper()
	d := &powerDesk{tokenDesk(t), map[string]ask{}}
	d.want(t, ask{route: "PATCH /v1/services/reports", token: d.adminToken, body: `{"verifiers":["robot"]}`}, http.StatusOK, "")
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	cookies := d.logIn(t, root)
	d.credentials["root: password"] = ask{token: "root:" + adminPassword}
	d.credentials["root: console session"] = byCookie("", cookie(consoleCookie, cookies.Console), "same-origin")
	for _, name := range []string{"root", "amy", "robot"} {
		u, err := d.accounts.Find(t.Context(), name)
		check(t, err)
		d.credentials[name+": personal token"] = ask{token: d.rotate(t, u.ID)}
		d.credentials[name+": session token"] = ask{token: d.session(t, u, uuid.Nil).Text.Reveal()}
		plain, _ := d.issue(t, apitoken.Draft{Name: name + " plain", User: name})
		powerful, _ := d.issue(t, apitoken.Draft{Name: name + " powerful", User: name, Limits: authority.Limits{Scopes: []string{"jeton.admin", "reports.read"}}})
		for kind, token := range map[string]string{
			"API token":                            plain,
			"API token of jeton.admin":             powerful,
			"access token":                         d.exchange(t, plain, accesstoken.Ask{}),
			"access token of reports.read":         d.exchange(t, plain, accesstoken.Ask{Scopes: []string{"reports.read"}}),
			"access token of jeton.admin":          d.exchange(t, powerful, accesstoken.Ask{}),
			"access token asked for jeton.admin":   d.exchange(t, powerful, accesstoken.Ask{Scopes: []string{"jeton.admin"}}),
			"access token of jeton.admin narrowed": d.exchange(t, powerful, accesstoken.Ask{Scopes: []string{"reports.read"}}),
			"access token of jeton.admin for one":  d.exchange(t, powerful, accesstoken.Ask{Resources: []string{"https://api.example.com"}}),
		} {
			d.credentials[name+": "+kind] = ask{token: token}
		}
	}
	secret, _, err := d.clients.CreateSecret(t.Context(), "robot", adminActor())
	check(t, err)
	d.credentials["robot: client secret"] = ask{token: "robot:" + secret.Reveal()}
	d.credentials["bystander: client secret"] = ask{token: "bystander:" + d.client(t, "bystander")}
	d.adminToken = d.credentials["root: personal token"].token
	return d
}

// The classes of access, each as a request that changes nothing and one that would.
var classes = map[string][]ask{
	"who am I": {{route: "GET /v1/me"}},
	"one's own": {
		{route: "GET /v1/me/personal-token"},
		{route: "PUT /v1/me/password", body: `{"current":"wrong password","new":"a long new password"}`},
	},
	"verify":         {{route: "POST /v1/verify", body: `{"method":"GET","url":"https://api.example.com/reports/7"}`}},
	"administrators": {{route: "GET /v1/users"}, {route: "PATCH /v1/users/amy", body: `{"display_name":"Amy"}`}},
}

// TestPower is decision 8: what a credential may do to Jeton itself. Each row is one kind; each column one class of access,
// with the reason for the audit log why it is refused, or nothing.
func TestPower(t *testing.T) {
	d := newPowerDesk(t)
	const no, foreign = "not_allowed", "wrong_audience"
	all := []string{"", "", "", ""} // who am I, one's own, verify, administrators
	none := []string{"", no, no, no}
	own := []string{"", "", no, no}
	for credential, want := range map[string][]string{
		"root: password": all, "root: personal token": all, "root: console session": all,
		"root: session token": none, "amy: session token": none, "robot: session token": none, // whoever has it was lent it, perhaps
		"root: API token": none, "root: API token of jeton.admin": none, // they exchange themselves for what has power
		"root: access token": none, "root: access token of reports.read": none, "root: access token of jeton.admin narrowed": none,
		"root: access token of jeton.admin": all, "root: access token asked for jeton.admin": all,
		"root: access token of jeton.admin for one": {"", foreign, foreign, foreign},

		// A token gives its user no more than the user has.
		"amy: personal token": own, "amy: API token": none, "amy: API token of jeton.admin": none,
		"amy: access token": none, "amy: access token of reports.read": none, "amy: access token of jeton.admin narrowed": none,
		"amy: access token of jeton.admin": own, "amy: access token asked for jeton.admin": own,
		"amy: access token of jeton.admin for one": {"", foreign, foreign, foreign},

		// A client asks about calls to its own services, and no more; see the door for what a bystander is told.
		"robot: client secret": {"", no, "", no}, "bystander: client secret": none,

		"robot: personal token": {"", "", "", no}, "robot: API token": none, "robot: API token of jeton.admin": none,
		"robot: access token": none, "robot: access token of reports.read": none, "robot: access token of jeton.admin narrowed": none,
		"robot: access token of jeton.admin": {"", "", "", no}, "robot: access token asked for jeton.admin": {"", "", "", no},
		"robot: access token of jeton.admin for one": {"", foreign, foreign, foreign},
	} {
		with, ok := d.credentials[credential]
		if !ok {
			t.Fatalf("there is no %s", credential)
		}
		delete(d.credentials, credential)
		for i, class := range []string{"who am I", "one's own", "verify", "administrators"} {
			for _, q := range classes[class] {
				q.token, q.header = with.token, with.header
				d.wantPower(t, credential, q, want[i])
			}
		}
	}
	for credential := range d.credentials {
		t.Errorf("the table lacks %s", credential)
	}
}

// wantPower sends a request and compares why it was refused. What is let in may be refused for what it asks.
func (d *powerDesk) wantPower(t *testing.T, credential string, q ask, reason string) {
	t.Helper()
	d.refused(t)
	a := d.do(t, q)
	got := ""
	for _, r := range d.refused(t) {
		if parts := strings.Fields(r); parts[0] == "v1" && parts[1] != "wrong_password" && parts[1] != "unknown_user" && parts[1] != "throttled" {
			got = parts[1]
		}
	}
	if forbidden := a.code == api.CodeCredentialTooWeak || a.code == api.CodeNotAllowed; got != reason || forbidden && got == "" && !strings.HasPrefix(q.route, "PUT /v1/me/password") || a.status == http.StatusUnauthorized {
		t.Errorf("%s: %s: got %d %s, refused for %q, want %q", credential, q.route, a.status, a.code, got, reason)
	}
}

// TestWeakAdvice: who lacks power is told what has it.
func TestWeakAdvice(t *testing.T) {
	d := newPowerDesk(t)
	for credential, want := range map[string]string{
		"root: API token":    "Exchange it for an access token",
		"root: access token": "has the scope jeton.admin",
	} {
		q := d.credentials[credential]
		q.route = "GET /v1/users"
		var p api.Problem
		d.want(t, q, http.StatusForbidden, api.CodeCredentialTooWeak).into(t, &p)
		if !strings.Contains(p.Fix, want) {
			t.Errorf("%s: got advice %q, want %q in it", credential, p.Fix, want)
		}
	}
}

// TestPowerIsItsUsers: a token of jeton.admin is held to what its user may at that moment.
func TestPowerIsItsUsers(t *testing.T) {
	d := newPowerDesk(t)
	token := d.credentials["robot: access token of jeton.admin"].token
	change := ask{route: "PATCH /v1/users/amy", token: token, body: `{"display_name":"A"}`}
	roles := func(roles string) {
		d.want(t, ask{route: "PATCH /v1/users/robot", token: d.adminToken, body: `{"roles":` + roles + `}`}, http.StatusOK, "")
	}
	d.want(t, change, http.StatusForbidden, api.CodeNotAllowed)
	roles(`["admin"]`)
	d.want(t, change, http.StatusOK, "")
	roles(`[]`)
	d.want(t, change, http.StatusForbidden, api.CodeNotAllowed)

	// It makes its own user's personal token, and nobody else's: there is no way to name another.
	var issued api.IssuedPersonalToken
	d.want(t, ask{route: "POST /v1/me/personal-token", token: token}, http.StatusCreated, "").into(t, &issued)
	var me api.Me
	d.want(t, ask{route: "GET /v1/me", token: issued.Token}, http.StatusOK, "").into(t, &me)
	if me.User.Username != "robot" {
		t.Errorf("got a personal token of %s", me.User.Username)
	}
	amy := d.credentials["amy: personal token"].token
	for _, q := range []ask{
		{route: "POST /v1/users/amy/personal-token"},
		{route: "POST /v1/me/personal-token?user=amy"},
		{route: "POST /v1/me/personal-token", body: `{"user":"amy"}`, header: map[string]string{"X-User": "amy"}},
	} {
		q.token = d.credentials["root: access token of jeton.admin"].token
		d.do(t, q)
		d.want(t, ask{route: "GET /v1/me", token: amy}, http.StatusOK, "")
	}
}

// TestWhoGivesPower: an administrator gives jeton.admin for itself or a service account, when the token is made.
func TestWhoGivesPower(t *testing.T) {
	d := tokenDesk(t)
	_, second := d.user(t, account.Draft{Username: "second", Roles: []string{"admin"}})
	issue := func(by, name, user, scopes string) answer {
		return d.do(t, ask{route: "POST /v1/api-tokens", token: by, body: fmt.Sprintf(`{"name":%q,"user":%q,"expires_in_days":30,"scopes":%s}`, name, user, scopes)})
	}
	for _, tt := range []struct {
		by, user, scopes string
		status           int
	}{
		{d.adminToken, "root", `["jeton.admin"]`, 201},
		{d.adminToken, "robot", `["jeton.admin","reports.read"]`, 201},
		{second, "root", `["jeton.admin"]`, 422}, // that is another's power
		{second, "root", `["reports.read"]`, 201},
		{second, "amy", `["jeton.admin"]`, 422},
		{second, "second", `["jeton.admin"]`, 201},
		{second, "robot", `["jeton.admin"]`, 201},
	} {
		if a := issue(tt.by, newName(), tt.user, tt.scopes); a.status != tt.status {
			t.Errorf("for %s with %s: got %d %s, want %d", tt.user, tt.scopes, a.status, a.body, tt.status)
		}
	}
	// Whoever has the text of a token gets no power by a change of it; what is taken isn't given back.
	for _, tt := range []struct{ user, before string }{{"root", `["reports.read"]`}, {"root", `null`}, {"robot", `[]`}, {"amy", `["reports.read"]`}} {
		a := issue(d.adminToken, newName(), tt.user, tt.before)
		q := ask{route: "PATCH " + a.header.Get("Location"), token: d.adminToken, body: `{"scopes":["jeton.admin"]}`}
		d.want(t, q, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "scopes")
	}
	a := issue(d.adminToken, "powerful", "root", `["jeton.admin","reports.read"]`)
	patch := func(by, body string, status int) {
		t.Helper()
		if a := d.do(t, ask{route: "PATCH " + a.header.Get("Location"), token: by, body: body}); a.status != status {
			t.Errorf("%s: got %d, want %d", body, a.status, status)
		}
	}
	patch(second, `{"name":"renamed"}`, 200)
	patch(second, `{"scopes":["jeton.admin"]}`, 200)
	patch(second, `{"enabled":false}`, 200) // anybody who administers stops it
	patch(second, `{"scopes":null}`, 200)   // every operation, and no power
	patch(d.adminToken, `{"scopes":["jeton.admin"]}`, 422)
	patch(d.adminToken, `{"user":"second"}`, 422)
}

// newName returns a name that no other token has.
func newName() string { return "token " + uuid.NewString() }

// TestNarrowedAtTheDoor: limits of a token count at /v1 as anywhere, and the caller isn't told which it was.
func TestNarrowedAtTheDoor(t *testing.T) {
	d := tokenDesk(t)
	issued, _ := d.post(t, `{"name":"export","user":"amy","expires_in_days":30,"allowed_ips":["198.51.100.6/31"],"rate_limit":{"calls":2,"per_seconds":60}}`)
	access := d.exchange(t, issued.Token, accesstoken.Ask{}) // the first of two calls
	elsewhere := ask{route: "GET /v1/me", token: access, header: map[string]string{"X-Real-Ip": "198.51.100.8"}}
	d.want(t, elsewhere, http.StatusUnauthorized, api.CodeNotAuthenticated)
	if got := d.refused(t); !slices.Equal(got, []string{"v1 address_not_allowed access_token"}) {
		t.Errorf("got refusals %v", got)
	}
	here := ask{route: "GET /v1/me", token: access, header: map[string]string{"X-Real-Ip": "198.51.100.6"}}
	d.want(t, here, http.StatusOK, "")
	if a := d.want(t, here, http.StatusTooManyRequests, api.CodeTooManyRequests); a.header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	if got := d.refused(t); !slices.Equal(got, []string{"v1 rate_limited access_token"}) {
		t.Errorf("got refusals %v", got)
	}
	d.now.Add(60)
	d.want(t, here, http.StatusOK, "")
}

// TestTokenStoppedWhileSending has the bearer of an access token hold back the end of a request until its API token is
// stopped.
func TestTokenStoppedWhileSending(t *testing.T) {
	d := tokenDesk(t)
	for i, tt := range []struct {
		name string
		do   func(id string) ask
		want int
	}{
		{"nothing", func(string) ask { return ask{route: "GET /v1/me"} }, http.StatusCreated},
		{"disabled", func(id string) ask {
			return ask{route: "PATCH /v1/api-tokens/" + id, body: `{"enabled":false}`}
		}, http.StatusUnauthorized},
		{"its power taken", func(id string) ask {
			return ask{route: "PATCH /v1/api-tokens/" + id, body: `{"scopes":[]}`}
		}, http.StatusForbidden},
		{"deleted", func(id string) ask { return ask{route: "DELETE /v1/api-tokens/" + id} }, http.StatusUnauthorized},
	} {
		issued, _ := d.post(t, fmt.Sprintf(`{"name":"admin %d","user":"root","expires_in_days":30,"scopes":["jeton.admin"]}`, i))
		access := d.exchange(t, issued.Token, accesstoken.Ask{})
		got := d.halfSent(t, access, fmt.Sprintf(`{"username":"backdoor%d"}`, i), func() {
			q := tt.do(issued.ID)
			q.token = d.adminToken
			d.do(t, q)
		})
		if got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
