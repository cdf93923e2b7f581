package httpapi_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
)

// sampleKey is the signing key that is there for the samples, and that isn't.
const (
	sampleKey  = "0000000000000000000000"
	missingKey = "0000000000000000000001"
)

// sampleSealKey is the key of the token set that is there for the samples, which is of ECB, and sampleToken a token of it. That was
// made by:
//
//	printf '<token/>' | openssl enc -aes-256-ecb -base64 -K $(printf 0123456789abcdef0123456789abcdef | sha256sum | cut -d ' ' -f 1)
const (
	sampleSealKey = "0123456789abcdef0123456789abcdef"
	sampleToken   = "objfXzPoi1tlwK6HUxLupQ=="
)

// sample is a route with a request that does what it is for, where there are the user "target", the service "reports"
// and the signing key sampleKey. They come in an order in which each finds what it needs.
type sample struct {
	route   string
	body    string
	header  map[string]string
	status  int    // of an administrator's request by personal token
	whoever string // may do this: "anybody", "owner" or "administrator"
}

// samples is one for each route of /v1.
func samples() []sample {
	return []sample{
		{"GET /v1/me", "", nil, 200, "anybody"},
		{"GET /v1/me/sessions", "", nil, 200, "owner"},
		{"DELETE /v1/me/sessions/{mine}", "", nil, 204, "owner"},
		{"DELETE /v1/me/sessions", "", nil, 204, "owner"},
		{"PUT /v1/me/password", `{"current":"` + adminPassword + `","new":"another long password"}`, nil, 204, "owner"},
		{"GET /v1/me/personal-token", "", nil, 200, "owner"},
		{"GET /v1/users", "", nil, 200, "administrator"},
		{"POST /v1/users", `{"username":"made"}`, nil, 201, "administrator"},
		{"GET /v1/users/target", "", nil, 200, "administrator"},
		{"PATCH /v1/users/target", `{"display_name":"Target"}`, nil, 200, "administrator"},
		{"GET /v1/api-tokens", "", nil, 200, "administrator"},
		{"POST /v1/api-tokens", `{"name":"made","user":"target","expires_in_days":30}`, nil, 201, "administrator"},
		{"GET /v1/api-tokens/{batch}", "", nil, 200, "administrator"},
		{"PATCH /v1/api-tokens/{batch}", `{"enabled":false}`, nil, 200, "administrator"},
		{"GET /v1/users/target/sessions", "", nil, 200, "administrator"},
		{"DELETE /v1/users/target/sessions/{theirs}", "", nil, 204, "administrator"},
		{"DELETE /v1/users/target/sessions", "", nil, 204, "administrator"},
		{"GET /v1/users/robot/client-secrets", "", nil, 200, "administrator"},
		{"POST /v1/users/robot/client-secrets", "", nil, 201, "administrator"},
		{"GET /v1/users/robot/client-keys", "", nil, 200, "administrator"},
		{"POST /v1/users/robot/client-keys", encodeKey(publicKey), nil, 201, "administrator"},
		{"GET /v1/platforms", "", nil, 200, "administrator"},
		{"POST /v1/platforms", `{"name":"made","algorithm":"EdDSA"}`, nil, 201, "administrator"},
		{"GET /v1/platforms/{partner}", "", nil, 200, "administrator"},
		{"PATCH /v1/platforms/{partner}", `{"enabled":false}`, nil, 200, "administrator"},
		{"GET /v1/platforms/{partner}/keys", "", nil, 200, "administrator"},
		{"POST /v1/platforms/{partner}/keys", `{"algorithm":"ES256"}`, nil, 201, "administrator"},
		{"POST /v1/platforms/{partner}/explain", `{"assertion":"none"}`, nil, 200, "administrator"},
		{"GET /v1/projects", "", nil, 200, "administrator"},
		{"POST /v1/projects", `{"number":7,"name":"made"}`, nil, 201, "administrator"},
		{"GET /v1/projects/1000", "", nil, 200, "administrator"},
		{"PATCH /v1/projects/1000", `{"max_age_seconds":60}`, nil, 200, "administrator"},
		{"POST /v1/projects/1000/explain", `{"security_token":"none"}`, nil, 200, "administrator"},
		{"GET /v1/projects/1000/token-sets", "", nil, 200, "administrator"},
		{"POST /v1/projects/1000/token-sets", `{"name":"made"}`, nil, 201, "administrator"},
		{"GET /v1/projects/1000/token-sets/{set}", "", nil, 200, "administrator"},
		{"PATCH /v1/projects/1000/token-sets/{set}", `{"active":false}`, nil, 200, "administrator"},
		{"POST /v1/projects/1000/token-sets/{set}/encrypt", `{"plaintext":"<token/>"}`, nil, 200, "administrator"},
		{"POST /v1/projects/1000/token-sets/{set}/decrypt", `{"token":"` + sampleToken + `"}`, nil, 200, "administrator"},
		{"GET /v1/services", "", nil, 200, "administrator"},
		{"POST /v1/services", `{"name":"made","host":"made.example.com"}`, nil, 201, "administrator"},
		{"GET /v1/services/reports", "", nil, 200, "administrator"},
		{"PATCH /v1/services/reports", `{"default":"authenticated"}`, nil, 200, "administrator"},
		{"GET /v1/services/reports/operations", "", nil, 200, "administrator"},
		{"PUT /v1/services/reports/operations", `[]`, map[string]string{"If-Match": "*"}, 204, "administrator"},
		{"GET /v1/keys", "", nil, 200, "administrator"},
		{"POST /v1/keys", `{"purpose":"access_token","algorithm":"EdDSA"}`, nil, 201, "administrator"},
		{"POST /v1/verify", `{"method":"GET","url":"https://api.example.com/reports/7"}`, nil, 200, "administrator"},
		{"GET /v1/policy", "", nil, 200, "administrator"},
		{hearing, "", nil, 200, "administrator"},
		{"GET /v1/events", "", nil, 200, "administrator"},
		{"DELETE /v1/keys/" + sampleKey, "", nil, 204, "administrator"},
		{"DELETE /v1/api-tokens/{batch}", "", nil, 204, "administrator"},
		{"DELETE /v1/platforms/{partner}/keys/{partner key}", "", nil, 204, "administrator"},
		{"DELETE /v1/platforms/{partner}", "", nil, 204, "administrator"},
		{"DELETE /v1/projects/1000/token-sets/{set}", "", nil, 204, "administrator"},
		{"DELETE /v1/projects/1000", "", nil, 204, "administrator"},
		{"DELETE /v1/users/robot/client-secrets/{secret}", "", nil, 204, "administrator"},
		{"DELETE /v1/users/robot/client-keys/{key}", "", nil, 204, "administrator"},
		{"DELETE /v1/services/reports", "", nil, 204, "administrator"},
		{"DELETE /v1/users/target/second-factor", "", nil, 204, "administrator"},
		{"POST /v1/users/target/invitation", "", nil, 201, "administrator"},
		{"DELETE /v1/users/target", "", nil, 204, "administrator"},
		{"POST /v1/me/personal-token", "", nil, 201, "owner"},
		{"DELETE /v1/me/personal-token", "", nil, 204, "owner"},
	}
}

// hearing is the sample of the one route that no browser's session may use.
const hearing = "GET /v1/feed?seconds=0"

// ask returns the sample's request with a credential.
func (s sample) ask(token string) ask {
	return ask{route: s.route, token: token, body: s.body, header: s.header}
}

// encodeKey returns the body of a request for a key.
func encodeKey(pem string) string {
	return `{"public_key":"` + strings.ReplaceAll(pem, "\n", `\n`) + `"}`
}

// patternOf returns the route of the document that a sample is for.
func patternOf(route string) string {
	route, _, _ = strings.Cut(route, "?")
	return strings.NewReplacer("/users/target", "/users/{user}", "/services/reports", "/services/{name}", "/keys/"+sampleKey, "/keys/{id}", "{batch}", "{id}", "{secret}", "{id}", "{key}", "{id}", "{partner key}", "{id}", "{partner}", "{platform}", "{set}", "{id}", "/projects/1000", "/projects/{number}", "{mine}", "{id}", "{theirs}", "{id}", "/users/robot/", "/users/{user}/").Replace(route)
}

// stocked is a desk with what the samples need.
func stocked(t testing.TB, toys ...authority.Kind) *desk {
	t.Helper()
	d := newDesk(t, toys...)
	target, _ := d.user(t, account.Draft{Username: "target"})
	d.guard(t, target.ID)
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	d.mine, d.theirs = d.session(t, root, uuid.Nil).Token.ID, d.session(t, target, uuid.Nil).Token.ID
	partner, made := d.enrol(t, platform.Draft{Name: "Partner", Algorithm: jose.EdDSA, Enabled: true})
	d.partner, d.partnerKey = partner, made.Key.ID
	d.application(t, "MyAppKey", "ECB", sampleSealKey)
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com"}, "GET /reports/{id} role:partner")
	d.random.zeros.Store(true) // the key's ID is the first that is read
	d.signingKey(t, keyring.ForAccessTokens)
	d.client(t, "robot")
	_, d.batch = d.issue(t, apitoken.Draft{Name: "batch", User: "target"})
	return d
}

// TestSamplesAreAllRoutes finds a route that the samples lack, and with it every test that goes through them.
func TestSamplesAreAllRoutes(t *testing.T) {
	d := newDesk(t)
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	decodeJSON(t, d.do(t, ask{route: "GET /v1/openapi.json"}).body, &doc)
	var documented, sampled []string
	for path, item := range doc.Paths {
		for method := range item {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	for _, s := range samples() {
		path := patternOf(s.route)
		sampled = append(sampled, path)
	}
	slices.Sort(documented)
	slices.Sort(sampled)
	if diff := cmp.Diff(documented, sampled); diff != "" {
		t.Errorf("routes of the document (-) and of the samples (+): %s", diff)
	}
}

// TestAdministratorMayAll is the twin of all refusals below: the same requests, let in.
func TestAdministratorMayAll(t *testing.T) {
	d := stocked(t)
	token := d.adminToken
	for _, s := range samples() {
		a := d.want(t, s.ask(token), s.status, "")
		if s.route == "POST /v1/me/personal-token" {
			var issued api.IssuedPersonalToken
			a.into(t, &issued)
			token = issued.Token
		}
	}
	if got := d.refused(t); len(got) > 1 { // the call that /v1/verify was asked about had no credential
		t.Errorf("got refusals %v, want one", got)
	}
}

// TestNobody asks for every route without a credential, and with bad ones: the answers are the same.
func TestNobody(t *testing.T) {
	d := stocked(t)
	old, stale := d.user(t, account.Draft{Username: "old"})
	d.rotate(t, old.ID)
	blocked, blockedToken := d.user(t, account.Draft{Username: "blocked"})
	state := account.Blocked
	_, err := d.accounts.Update(t.Context(), blocked.ID, 0, account.Patch{State: &state}, adminActor())
	check(t, err)
	deleted, deletedToken := d.user(t, account.Draft{Username: "deleted"})
	check(t, d.accounts.Delete(t.Context(), deleted.ID, adminActor()))
	credentials := []struct{ token, reason string }{
		{"", "v1 no_credential none"},
		{stale, "v1 superseded personal_token"},
		{blockedToken, "v1 blocked personal_token"},
		{deletedToken, "v1 unknown personal_token"},
		{flip(d.adminToken), "v1 bad_checksum personal_token"},
		{"nonsense", "v1 unrecognized none"},
		{"root:wrong password", "v1 wrong_password password"},
		{"nobody:wrong password", "v1 unknown_user password"},
	}
	first := answer{}
	for _, c := range credentials {
		for _, s := range samples() {
			if strings.Contains(c.token, ":") && s.route != "GET /v1/me" && s.route != "POST /v1/verify" {
				continue // a password takes its time
			}
			a := d.want(t, s.ask(c.token), http.StatusUnauthorized, api.CodeNotAuthenticated)
			if got := d.refused(t); !slices.Equal(got, []string{c.reason}) {
				t.Errorf("%s with %q: got refusals %v, want %s", s.route, c.token, got, c.reason)
			}
			a.body = strings.Replace(a.body, a.header.Get("X-Request-Id"), "", 1)
			for _, own := range []string{"X-Request-Id", "Date"} {
				a.header.Del(own)
			}
			if first.status == 0 {
				first = a
			}
			if diff := cmp.Diff(first, a, cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("%s with %q: answers of 401 differ: %s", s.route, c.token, diff)
			}
		}
	}
}

// TestUserMayNothingOfOthers asks for every route as a user who is no administrator, and where it is about a record also
// for one that doesn't exist: the answers are the same.
func TestUserMayNothingOfOthers(t *testing.T) {
	d := stocked(t)
	_, token := d.user(t, account.Draft{Username: "alice", Roles: []string{"partner"}})
	for _, s := range samples() {
		if s.whoever != "administrator" {
			continue
		}
		there := d.want(t, s.ask(token), http.StatusForbidden, api.CodeNotAllowed)
		if got := d.refused(t); !slices.Equal(got, []string{"v1 not_allowed personal_token"}) {
			t.Errorf("%s: got refusals %v, want that of a user who isn't allowed", s.route, got)
		}
		missing := s.ask(token)
		missing.route = strings.NewReplacer("target", "nobody", "reports", "nothing", sampleKey, missingKey, "robot", "nobody",
			"{batch}", uuid.NewString(), "{secret}", uuid.NewString(), "{key}", uuid.NewString(),
			"{partner}", "22222222", "{partner key}", uuid.NewString(), "{set}", uuid.NewString(), "/projects/1000", "/projects/1001", "{theirs}", uuid.NewString()).Replace(missing.route)
		gone := d.want(t, missing, http.StatusForbidden, api.CodeNotAllowed)
		if cut(there) != cut(gone) {
			t.Errorf("%s: got %s for what is there and %s for what isn't, want the same", s.route, there.body, gone.body)
		}
	}
	// Her own affairs are hers.
	for _, s := range samples() {
		if s.whoever != "administrator" && s.route != "PUT /v1/me/password" && s.route != "DELETE /v1/me/personal-token" && s.route != "DELETE /v1/me/sessions/{mine}" {
			d.want(t, s.ask(token), s.status, "")
		}
	}
}

// TestKindsOfCredential is decision 8: of all kinds that identify somebody, few have power over Jeton. The toys prove an
// administrator, so that nothing but the kind can be why they are refused.
func TestKindsOfCredential(t *testing.T) {
	toys := []authority.Kind{
		authority.ConsoleSession, authority.APISession, authority.APIToken, authority.AccessToken, authority.SessionToken,
		authority.ClientSecret, authority.Assertion, authority.Sealed,
	}
	d := stocked(t, toys...)
	for _, kind := range toys {
		by := func(s sample) ask {
			q := s.ask(kind.String() + ":" + d.admin.ID)
			if q.header == nil {
				q.header = map[string]string{}
			}
			q.header["Sec-Fetch-Site"] = "same-origin" // a cookie writes for its own pages alone; others don't care
			return q
		}
		for _, s := range samples() {
			verifying := s.route == "POST /v1/verify" || s.route == "GET /v1/policy" || s.route == hearing
			powerful := kind == authority.ConsoleSession && s.route != hearing || kind == authority.ClientSecret && verifying
			if s.whoever == "anybody" || powerful && strings.HasPrefix(s.route, "GET ") || powerful && s.route == "POST /v1/verify" {
				d.want(t, by(s), s.status, "")
				d.refused(t)
				continue
			}
			if powerful {
				continue // the token and the records are still needed
			}
			d.want(t, by(s), http.StatusForbidden, api.CodeCredentialTooWeak)
			if got := d.refused(t); !slices.Equal(got, []string{"v1 not_allowed " + kind.String()}) {
				t.Errorf("%s by %s: got refusals %v, want that of a credential without power", s.route, kind, got)
			}
		}
	}
	// The same kinds at a door that doesn't take them are no credentials at all.
	plain := newDesk(t)
	plain.want(t, ask{route: "GET /v1/me", token: "access_token:" + plain.admin.ID}, http.StatusUnauthorized, api.CodeNotAuthenticated)
}

// TestPasswordHasPower is Basic on a change.
func TestPasswordHasPower(t *testing.T) {
	d := stocked(t)
	d.want(t, ask{route: "DELETE /v1/users/target", token: "root:" + adminPassword}, http.StatusNoContent, "")
}

// TestPasswordBesideFactor is Basic of whoever has a second factor: it has no power until the factor is gone.
func TestPasswordBesideFactor(t *testing.T) {
	d := stocked(t)
	root, err := d.accounts.Find(t.Context(), "root")
	check(t, err)
	by := func(route, body string) ask { return ask{route: route, token: "root:" + adminPassword, body: body} }
	d.want(t, by("GET /v1/users/root", ""), http.StatusOK, "")
	d.guard(t, root.ID)
	d.want(t, by("GET /v1/me", ""), http.StatusOK, "")
	for route, body := range map[string]string{
		"GET /v1/users/root": "", "GET /v1/policy": "", "GET /v1/feed?seconds=0": "", "DELETE /v1/users/root/second-factor": "", "POST /v1/me/personal-token": "", "DELETE /v1/me/sessions": "",
		"PUT /v1/me/password": `{"current":"` + adminPassword + `","new":"another long password"}`,
	} {
		d.refused(t)
		var p api.Problem
		d.want(t, by(route, body), http.StatusForbidden, api.CodeCredentialTooWeak).into(t, &p)
		if !strings.Contains(p.Fix, "personal token, or the console") {
			t.Errorf("%s: got the fix %q", route, p.Fix)
		}
		if got := d.refused(t); !slices.Equal(got, []string{"v1 not_allowed password"}) {
			t.Errorf("%s: got the refusals %v", route, got)
		}
	}
	verify := `{"authorization":"Bearer ` + d.adminToken + `","method":"GET","url":"https://api.example.com/reports/7"}`
	d.want(t, by("POST /v1/verify", verify), http.StatusOK, "")
	var u api.User
	d.want(t, ask{route: "GET /v1/users/root", token: d.adminToken}, http.StatusOK, "").into(t, &u)
	if !u.SecondFactor {
		t.Error("got no second factor of who has one")
	}
	d.want(t, ask{route: "DELETE /v1/users/root/second-factor", token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: "DELETE /v1/users/root/second-factor", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	d.want(t, by("GET /v1/users/root", ""), http.StatusOK, "").into(t, &u)
	if u.SecondFactor {
		t.Error("got a second factor of who has none")
	}
}

// guard gives a user a second factor.
func (d *desk) guard(t testing.TB, id uuid.UUID) {
	t.Helper()
	app := factor.Authenticator{UserID: id, Wrapped: []byte{1}, CreatedAt: d.clock()}
	_, err := d.store.AddAuthenticator(t.Context(), app, nil, audit.New(audit.AuthenticatorAdd, audit.Actor{}, audit.Target{Kind: "user", ID: id}, d.clock()))
	check(t, err)
	check(t, d.changes.CatchUp(t.Context()))
}

func TestTwoCredentials(t *testing.T) {
	d := newDesk(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/v1/me", nil)
	check(t, err)
	r.Header["Authorization"] = []string{"Bearer " + d.adminToken, "Bearer " + d.adminToken}
	if a := d.send(t, r); a.status != http.StatusBadRequest || a.code != api.CodeTwoCredentials {
		t.Errorf("got %d %s, want 400 two_credentials", a.status, a.code)
	}
	if got := d.refused(t); !slices.Equal(got, []string{"v1 two_credentials none"}) {
		t.Errorf("got refusals %v, want two_credentials", got)
	}
	r.Header["Authorization"] = []string{"Basic " + strings.Repeat("A", 4096)}
	if a := d.send(t, r); a.status != http.StatusBadRequest || a.code != api.CodeMalformedRequest {
		t.Errorf("got %d %s, want 400 malformed_request for a credential that is too long", a.status, a.code)
	}
	if got := d.refused(t); !slices.Equal(got, []string{"v1 too_long password"}) {
		t.Errorf("got refusals %v, want too_long", got)
	}
}

// TestDatabaseDown: who can't be known is asked to come again, and not told that its token is bad.
func TestDatabaseDown(t *testing.T) {
	d := newDesk(t)
	_, token := d.user(t, account.Draft{Username: "alice"})
	down := errors.New("the database is down")
	d.users.err.Store(&down)
	a := d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusServiceUnavailable, api.CodeUnavailable)
	if a.header.Get("Retry-After") == "" || strings.Contains(a.body, "database") {
		t.Errorf("got %v %s, want Retry-After and no word of the database", a.header, a.body)
	}
	if !strings.Contains(d.log.String(), down.Error()) {
		t.Errorf("the log doesn't tell why: %s", d.log)
	}
	if got := d.refused(t); !slices.Equal(got, []string{"v1 unavailable personal_token"}) {
		t.Errorf("got refusals %v, want unavailable", got)
	}
	d.users.err.Store(nil)
	d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "")
}

// TestFault: what fails inside is a 500 with an ID; the log has the ID and the cause.
func TestFault(t *testing.T) {
	d := newDesk(t)
	fault := errors.New("index of events is broken")
	d.events.err.Store(&fault)
	a := d.want(t, ask{route: "GET /v1/events", token: d.adminToken}, http.StatusInternalServerError, api.CodeInternal)
	if strings.Contains(a.body, "broken") {
		t.Errorf("got %s, which tells the cause", a.body)
	}
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, a.header.Get("X-Request-Id")) && strings.Contains(line, fault.Error()) && strings.Contains(line, `"level":"ERROR"`) {
			return
		}
	}
	t.Errorf("no line of the log has the request's ID and the cause: %s", d.log)
}

// flip exchanges the case of a token's last letter, or its last digit.
func flip(token string) string {
	b := []byte(token)
	last := len(b) - 1
	if b[last]++; b[last] > 'z' || b[last] > 'Z' && b[last] < 'a' || b[last] > '9' && b[last] < 'A' {
		b[last] -= 2
	}
	return string(b)
}

// cut is an answer's body without the request's ID.
func cut(a answer) string { return strings.Replace(a.body, a.header.Get("X-Request-Id"), "", 1) }
