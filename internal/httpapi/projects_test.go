package httpapi_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
)

// postProject makes a project by the API and returns it with the whole answer.
func (d *desk) postProject(t *testing.T, body string) (api.Project, answer) {
	t.Helper()
	a := d.want(t, ask{route: "POST /v1/projects", token: d.adminToken, body: body}, http.StatusCreated, "")
	var made api.Project
	a.into(t, &made)
	return made, a
}

// postSet makes a token set of the project 1000 by the API.
func (d *desk) postSet(t *testing.T, body string) (api.IssuedTokenSet, answer) {
	t.Helper()
	a := d.want(t, ask{route: "POST /v1/projects/1000/token-sets", token: d.adminToken, body: body}, http.StatusCreated, "")
	var made api.IssuedTokenSet
	a.into(t, &made)
	return made, a
}

// encrypt has a plaintext sealed by a token set of the project 1000.
func (d *desk) encrypt(t *testing.T, set, plaintext, parameter string) (text api.SealedText) {
	t.Helper()
	body := encodeJSON(t, api.SealRequest{Plaintext: plaintext, Parameter: parameter})
	d.want(t, ask{route: "POST /v1/projects/1000/token-sets/" + set + "/encrypt", token: d.adminToken, body: body}, http.StatusOK, "").into(t, &text)
	return text
}

// TestProjectLife makes a project, reads it, changes each of its members, and deletes it.
func TestProjectLife(t *testing.T) {
	d := newDesk(t)
	made, a := d.postProject(t, `{"number":1000,"name":"XDOC <b>","security_context":"MySecurityContext","app_keys":["MyAppKey","canary-app-key"],`+
		`"allowed_ips":["192.0.2.0/24","::ffff:198.51.100.7"],"max_age_seconds":60,"create_users":true,"new_user_roles":["partner"]}`)
	want := api.Project{
		Number: 1000, Name: "XDOC <b>", SecurityContext: "MySecurityContext", ContextRequired: true, TokenRequired: true, AppKeyCount: 2,
		AllowedIPs: []string{"192.0.2.0/24", "198.51.100.7"}, MaxAgeSeconds: 60, CreateUsers: true, NewUserRoles: []string{"partner"},
		ServiceAccount: "project-1000", CreatedAt: d.clock(), UpdatedAt: d.clock(),
	}
	if diff := gocmp.Diff(want, made); diff != "" || strings.Contains(a.body, "canary") {
		t.Errorf("made (-want +got): %s; %s", diff, a.body)
	}
	const route = "/v1/projects/1000"
	if got := a.header.Get("Location"); got != route {
		t.Errorf("got Location %q, want %q", got, route)
	}
	var got api.Project
	read := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
	read.into(t, &got)
	if diff := gocmp.Diff(want, got); diff != "" || read.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("read (-want +got): %s; ETag %s, want %s", diff, read.header.Get("ETag"), a.header.Get("ETag"))
	}
	for _, step := range []struct {
		patch string
		then  func()
	}{
		{`{"name":"XDOC"}`, func() { want.Name = "XDOC" }},
		{`{"context_required":false}`, func() { want.ContextRequired = false }},
		{`{"security_context":null}`, func() { want.SecurityContext = "" }},
		{`{"security_context":"c","context_required":true}`, func() { want.SecurityContext, want.ContextRequired = "c", true }},
		{`{"token_required":false}`, func() { want.TokenRequired = false }},
		{`{"app_keys":["another"]}`, func() { want.AppKeyCount = 1 }},
		{`{"app_keys":[]}`, func() { want.AppKeyCount = 0 }},
		{`{"app_keys":["a","b","c"]}`, func() { want.AppKeyCount = 3 }},
		{`{"app_keys":null}`, func() { want.AppKeyCount = 0 }},
		{`{"allowed_ips":["2001:db8::/32"]}`, func() { want.AllowedIPs = []string{"2001:db8::/32"} }},
		{`{"allowed_ips":null}`, func() { want.AllowedIPs = nil }},
		{`{"max_age_seconds":86400}`, func() { want.MaxAgeSeconds = 86400 }},
		{`{"create_users":false,"new_user_roles":null}`, func() { want.CreateUsers, want.NewUserRoles = false, nil }},
	} {
		got, before := api.Project{}, read.header.Get("ETag")
		step.then()
		d.now.Add(1)
		want.UpdatedAt = d.clock()
		q := ask{route: "PATCH " + route, token: d.adminToken, body: step.patch, header: map[string]string{"If-Match": before}}
		read = d.want(t, q, http.StatusOK, "")
		read.into(t, &got)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got): %s", step.patch, diff)
		}
		d.want(t, q, http.StatusPreconditionFailed, api.CodeStale)
	}
	var u api.User
	d.want(t, ask{route: "GET /v1/users/project-1000", token: d.adminToken}, http.StatusOK, "").into(t, &u)
	if u.Kind != "service" || u.HasPassword || len(u.Roles) > 0 {
		t.Errorf("got the service account %+v", u)
	}
	d.want(t, ask{route: "DELETE " + route, token: d.adminToken}, http.StatusNoContent, "")
	for _, rest := range []string{"GET ", "PATCH ", "DELETE "} {
		d.want(t, ask{route: rest + route, token: d.adminToken, body: map[string]string{"PATCH ": "{}"}[rest]}, http.StatusNotFound, api.CodeNotFound)
	}
	d.want(t, ask{route: "GET /v1/users/project-1000", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	d.postProject(t, `{"number":1000,"name":"XDOC"}`) // both are free again
}

// TestProjectNumbers: a number has one spelling, and what isn't one is no project.
func TestProjectNumbers(t *testing.T) {
	d := newDesk(t)
	d.application(t, "MyAppKey", "GCM", "")
	for _, number := range []string{"01000", "+1000", "-1000", "0", "1e3", "1000.0", "XDOC", "2147483648", "4294968296", "18446744073709552616", "%31000%20"} {
		for _, route := range []string{"GET /v1/projects/", "PATCH /v1/projects/", "DELETE /v1/projects/"} {
			d.want(t, ask{route: route + number, token: d.adminToken, body: map[string]string{"PATCH /v1/projects/": "{}"}[route]}, http.StatusNotFound, api.CodeNotFound)
		}
		d.want(t, ask{route: "GET /v1/projects/" + number + "/token-sets/{set}", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
		d.want(t, ask{route: "POST /v1/projects/" + number + "/explain", token: d.adminToken, body: `{"security_token":"a"}`}, http.StatusNotFound, api.CodeNotFound)
	}
	d.want(t, ask{route: "GET /v1/projects/1000", token: d.adminToken}, http.StatusOK, "")
}

// TestProjectList pages by number, and shows no token sets.
func TestProjectList(t *testing.T) {
	d := newDesk(t)
	d.application(t, "MyAppKey", "GCM", "")
	for _, number := range []int{7, 2147483647, 999, 12} {
		d.postProject(t, fmt.Sprintf(`{"number":%d,"name":"project %d"}`, number, number))
	}
	var numbers []int
	for cursor, pages := "", 0; ; pages++ {
		var list api.List[api.Project]
		a := d.want(t, ask{route: "GET /v1/projects?limit=2&cursor=" + cursor, token: d.adminToken}, http.StatusOK, "")
		a.into(t, &list)
		for _, p := range list.Items {
			if numbers = append(numbers, p.Number); p.ServiceAccount != "project-"+strconv.Itoa(p.Number) || p.TokenSets != nil {
				t.Errorf("got %+v", p)
			}
		}
		if cursor = list.Next; cursor == "" || pages > 5 {
			break
		}
	}
	if want := []int{7, 12, 999, 1000, 2147483647}; !slices.Equal(numbers, want) {
		t.Errorf("got %v, want %v", numbers, want)
	}
	for _, position := range []string{"0", "-1", "x", "007"} {
		cursor := base64.RawURLEncoding.EncodeToString([]byte("projects " + position))
		d.want(t, ask{route: "GET /v1/projects?cursor=" + cursor, token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "cursor")
	}
}

// with returns a body with some members replaced; an empty value leaves one out.
func with(base, members map[string]string) string {
	all := maps.Clone(base)
	maps.Copy(all, members)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			parts = append(parts, fmt.Sprintf(`%q:%s`, name, all[name]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// fieldCase is a value that is refused, beside a twin that is taken.
type fieldCase struct{ name, member, bad, good, field string }

// testFields tries each case at POST and, where the member can be changed, at PATCH. Nothing that is sent is repeated.
func (d *desk) testFields(t *testing.T, post, patch string, base map[string]string, cases []fieldCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			code, status := api.CodeInvalidField, http.StatusUnprocessableEntity
			if strings.HasPrefix(tt.name, "taken") {
				code, status = api.CodeConflict, http.StatusConflict
			}
			for i, value := range []string{tt.bad, tt.good} {
				queries := []ask{{route: "POST " + post, body: with(base, map[string]string{tt.member: value})}}
				if value != "" && tt.bad != "" && tt.member != "number" {
					queries = append(queries, ask{route: "PATCH " + patch, body: `{"` + tt.member + `":` + value + `}`})
				}
				for _, q := range queries {
					q.token = d.adminToken
					a := d.do(t, q)
					switch {
					case i == 0 && (a.status != status || a.code != code):
						t.Errorf("%s %s: got %d %s, want %d", q.route, q.body, a.status, a.body, status)
					case i == 0:
						if a.wantField(t, tt.field); strings.Contains(a.body, "canary") {
							t.Errorf("got %s, which repeats what was sent", a.body)
						}
					case a.status > 299:
						t.Errorf("%s %s: got %d %s, want it taken", q.route, q.body, a.status, a.body)
					case a.status == http.StatusCreated: // number and name shall be free for the next
						d.want(t, ask{route: "DELETE " + a.header.Get("Location"), token: d.adminToken}, http.StatusNoContent, "")
					}
				}
			}
		})
	}
}

// TestProjectErrors tries what a project may not be.
func TestProjectErrors(t *testing.T) {
	d := newDesk(t)
	d.postProject(t, `{"number":1000,"name":"Taken"}`)
	d.postProject(t, `{"number":7,"name":"Other"}`)
	d.testFields(t, "/v1/projects", "/v1/projects/7", map[string]string{"number": "12", "name": `"a"`}, []fieldCase{
		{"no number", "number", ``, `13`, "number"},
		{"zero", "number", `0`, `1`, "number"},
		{"a number below", "number", `-1`, `1`, "number"},
		{"a large number", "number", `2147483648`, `2147483647`, "number"},
		{"a number as text", "number", `"8"`, `8`, "number"},
		{"half a number", "number", `8.5`, `8`, "number"},
		{"taken number", "number", `1000`, `1001`, "number"},
		{"no name", "name", ``, `"a"`, "name"},
		{"empty name", "name", `""`, `"b"`, "name"},
		{"null for a name", "name", `null`, `"c"`, "name"},
		{"name of two lines", "name", `"a\nb"`, `"a_b"`, "name"},
		{"taken name in another case", "name", `"tAKEN"`, `"tAKEM"`, "name"},
		{"context of two lines", "security_context", `"a\nb"`, `"a b"`, "security_context"},
		{"long context", "security_context", `"` + strings.Repeat("ä", 257) + `"`, `"` + strings.Repeat("ä", 256) + `"`, "security_context"},
		{"context_required as text", "context_required", `"true"`, `true`, "context_required"},
		{"context_required as nothing", "context_required", `null`, `true`, "context_required"},
		{"token_required as nothing", "token_required", `null`, `false`, "token_required"},
		{"empty app key", "app_keys", `["a",""]`, `["a"]`, "app_keys[1]"},
		{"app key of two lines", "app_keys", `["canary\nb"]`, `["a b"]`, "app_keys[0]"},
		{"long app key", "app_keys", `["` + strings.Repeat("a", 257) + `"]`, `["` + strings.Repeat("a", 256) + `"]`, "app_keys[0]"},
		{"too many app keys", "app_keys", `[` + strings.Repeat(`"a",`, 16) + `"b"]`, `["a","b"]`, "app_keys"},
		{"text for app keys", "app_keys", `"canary"`, `["a"]`, "app_keys"},
		{"no address", "allowed_ips", `["192.0.2.1","canary"]`, `["192.0.2.1"]`, "allowed_ips[1]"},
		{"no addresses", "allowed_ips", `[]`, `["192.0.2.1"]`, "allowed_ips"},
		{"no time", "max_age_seconds", `0`, `10`, "max_age_seconds"},
		{"too short a time", "max_age_seconds", `9`, `11`, "max_age_seconds"},
		{"more than a day", "max_age_seconds", `86401`, `86400`, "max_age_seconds"},
		{"new administrators", "new_user_roles", `["partner","admin"]`, `["partner"]`, "new_user_roles[1]"},
		{"no role", "new_user_roles", `["a b"]`, `["a.b"]`, "new_user_roles[0]"},
		{"unknown member", "secret_context", `"canary"`, ``, "secret_context"},
		{"an ID of one's own", "id", `"x"`, ``, "id"},
	})
	d.want(t, ask{route: "PATCH /v1/projects/7", token: d.adminToken, body: `{"number":8}`}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "number")
	d.user(t, account.Draft{Username: "project-55", Kind: account.Service})
	d.want(t, ask{route: "POST /v1/projects", token: d.adminToken, body: `{"number":55,"name":"b"}`}, http.StatusConflict, api.CodeConflict).wantField(t, "number")
}

// TestServiceProject: a service names its project by number, and keeps it by ID.
func TestServiceProject(t *testing.T) {
	d := newDesk(t)
	d.application(t, "MyAppKey", "GCM", "")
	d.postProject(t, `{"number":7,"name":"Other"}`)
	project := func(a answer) int {
		t.Helper()
		var s api.Service
		a.into(t, &s)
		return s.Project
	}
	post := func(body string) ask { return ask{route: "POST /v1/services", token: d.adminToken, body: body} }
	patch := func(body string) ask {
		return ask{route: "PATCH /v1/services/reports", token: d.adminToken, body: body}
	}
	read := ask{route: "GET /v1/services/reports", token: d.adminToken}
	for _, bad := range []string{"8", "-1", `"1000"`, "1.5"} {
		d.want(t, post(`{"name":"reports","host":"api.example.com","project":`+bad+`}`), http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "project")
	}
	if got := project(d.want(t, post(`{"name":"reports","host":"api.example.com","project":1000}`), http.StatusCreated, "")); got != 1000 {
		t.Errorf("got the project %d, want 1000", got)
	}
	d.want(t, patch(`{"project":8}`), http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "project")
	for body, want := range map[string]int{`{"project":null}`: 0, `{"project":7}`: 7, `{"project":1000}`: 1000, `{"project":0}`: 0} {
		if got := project(d.want(t, patch(body), http.StatusOK, "")); got != want || project(d.want(t, read, http.StatusOK, "")) != want {
			t.Errorf("%s: got the project %d, want %d", body, got, want)
		}
	}
	d.want(t, patch(`{"project":7}`), http.StatusOK, "")
	if got := project(d.want(t, patch(`{"default":"authenticated"}`), http.StatusOK, "")); got != 7 {
		t.Errorf("a change of something else left the project %d, want 7", got)
	}
	d.want(t, ask{route: "DELETE /v1/projects/7", token: d.adminToken}, http.StatusNoContent, "")
	d.postProject(t, `{"number":7,"name":"Other"}`) // which is another
	if got := project(d.want(t, read, http.StatusOK, "")); got != 0 {
		t.Errorf("got the project %d of one that was deleted", got)
	}
	d.want(t, patch(`{"default":"deny"}`), http.StatusOK, "") // nor is it in the way
}

// TestExternal shows an administrator how an application describes its user, and nobody else a thing.
func TestExternal(t *testing.T) {
	d := newDesk(t)
	e := account.External{Profile: "p", ID: "i", Ref: "r", Data: "d", Flags: -7}
	d.user(t, account.Draft{Username: "amy", External: e})
	d.user(t, account.Draft{Username: "bob"})
	var amy, bob api.User
	d.want(t, ask{route: "GET /v1/users/amy", token: d.adminToken}, http.StatusOK, "").into(t, &amy)
	a := d.want(t, ask{route: "GET /v1/users/bob", token: d.adminToken}, http.StatusOK, "")
	a.into(t, &bob)
	if diff := gocmp.Diff(&api.External{Profile: "p", ID: "i", Ref: "r", Data: "d", Flags: -7}, amy.External); diff != "" || bob.External != nil || strings.Contains(a.body, "external") {
		t.Errorf("got (+), want (-): %s; %s", diff, a.body)
	}
	d.want(t, ask{route: "PATCH /v1/users/amy", token: d.adminToken, body: `{"external":null}`}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "external")
}

// TestSealedSessions tells a session that an application has brought by its tokens from that of somebody who logged in.
func TestSealedSessions(t *testing.T) {
	d := newDesk(t)
	d.application(t, "MyAppKey", "GCM", "")
	e, err := d.projects.Find(t.Context(), 1000)
	check(t, err)
	amy, _ := d.user(t, account.Draft{Username: "amy"})
	d.logIn(t, amy)
	by := authority.Principal{
		User: authority.User{ID: amy.ID, Username: amy.Username}, CredentialKind: authority.Sealed, CredentialID: d.set, Limits: &authority.Limits{Project: e.ID},
	}
	_, _, err = d.browsers.BeginSealed(t.Context(), &by, audit.Actor{})
	check(t, err)
	var list api.List[api.Session]
	d.want(t, ask{route: "GET /v1/users/amy/sessions", token: d.adminToken}, http.StatusOK, "").into(t, &list)
	got := map[string]int{}
	for _, s := range list.Items {
		got[s.Kind] = s.Project
	}
	if want := map[string]int{"console_session": 0, "api_session": 1000}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	d.want(t, ask{route: "PATCH /v1/projects/1000", token: d.adminToken, body: `{"max_age_seconds":60}`}, http.StatusOK, "") // which ends it
	d.want(t, ask{route: "GET /v1/users/amy/sessions", token: d.adminToken}, http.StatusOK, "").into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Kind != "console_session" {
		t.Errorf("got %+v, want the one that was logged in", list.Items)
	}
}

// TestExplainSealed: the tokens of a call are examined, and nothing of them is used up.
func TestExplainSealed(t *testing.T) {
	d := newDesk(t)
	d.application(t, "MyAppKey", "GCM", "")
	d.user(t, account.Draft{Username: "amy"})
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com", Project: 1000}, "GET /reports/{id} user:amy")
	plain := fmt.Sprintf(`{"Context":"MySecurityContext","AppKey":"MyAppKey","GenDT":%q,"UserName":"amy"}`, d.clock().Format("2006-01-02T15:04:05Z"))
	token := d.encrypt(t, d.set.String(), plain, "")
	explain := func(q api.SealedQuestion, status int) answer {
		t.Helper()
		code := map[int]api.Code{http.StatusUnprocessableEntity: api.CodeInvalidField}[status]
		return d.want(t, ask{route: "POST /v1/projects/1000/explain", token: d.adminToken, body: encodeJSON(t, q)}, status, code)
	}
	for name, tt := range map[string]struct {
		q      api.SealedQuestion
		reason string
	}{
		"a token":             {api.SealedQuestion{SecurityToken: token.URL}, ""},
		"not URL encoded":     {api.SealedQuestion{SecurityToken: token.Base64}, ""},
		"a query":             {api.SealedQuestion{Query: "a=b&XST=" + token.URL + "&XSC=MySecurityContext"}, ""},
		"its context":         {api.SealedQuestion{SecurityToken: token.URL, Context: "MySecurityContext", RemoteIP: "192.0.2.7"}, ""},
		"another context":     {api.SealedQuestion{SecurityToken: token.URL, Context: "Other"}, "wrong_context"},
		"as a user token":     {api.SealedQuestion{UserToken: token.URL}, "bad_seal"},
		"cut":                 {api.SealedQuestion{SecurityToken: token.URL[:20]}, "bad_seal"},
		"a query for another": {api.SealedQuestion{Query: "XST=" + token.URL + "&ProjectId=7"}, "unknown_project"},
	} {
		var told api.SealedExplanation
		a := explain(tt.q, http.StatusOK)
		a.into(t, &told)
		if told.Reason != tt.reason || told.Accepted != (tt.reason == "") || len(told.Steps) == 0 || strings.Contains(a.body, "MyAppKey") {
			t.Errorf("%s: got %s, want %q", name, a.body, tt.reason)
		}
		last := told.Steps[len(told.Steps)-1]
		if last.Passed != told.Accepted || last.Found == "" || !last.Passed && last.Fix == "" {
			t.Errorf("%s: got the last step %+v", name, last)
		}
	}
	for field, q := range map[string]api.SealedQuestion{
		"security_token": {}, "remote_ip": {SecurityToken: token.URL, RemoteIP: "192.0.2.7:80"}, "query": {Query: "XST=a", UserToken: "b"},
	} {
		explain(q, http.StatusUnprocessableEntity).wantField(t, field)
	}
	d.want(t, ask{route: "POST /v1/projects/7/explain", token: d.adminToken, body: `{"security_token":"a"}`}, http.StatusNotFound, api.CodeNotFound)
}

// TestSealedEvents names the token set by which somebody was refused, or the project where none of its sets was it, and finds what was done to a project by its number.
func TestSealedEvents(t *testing.T) {
	d := newDesk(t)
	d.application(t, "MyAppKey", "GCM", "")
	deleted := uuid.New()
	project, err := d.projects.ProjectID(t.Context(), 1000)
	check(t, err)
	for _, set := range []uuid.UUID{d.set, deleted, project} {
		d.refusals.Add(audit.Refusal{Reason: string(authority.ReasonExpired), Kind: authority.Sealed.String(), Door: "gateway", ID: set}, d.clock())
	}
	d.refused(t) // which stores them
	var list api.List[api.Event]
	d.want(t, ask{route: "GET /v1/events?reason=expired", token: d.adminToken}, http.StatusOK, "").into(t, &list)
	names := map[string]string{}
	for _, e := range list.Items {
		names[e.Actor.CredentialID] = e.Actor.CredentialName
	}
	if want := map[string]string{d.set.String(): "XDOC, current", deleted.String(): "", project.String(): "XDOC"}; !maps.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	d.want(t, ask{route: "GET /v1/events?target=1000", token: d.adminToken}, http.StatusOK, "").into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Action != "project.create" {
		t.Errorf("got %+v, want the making of the project", list.Items)
	}
	d.want(t, ask{route: "GET /v1/events?target=1001", token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "target")
}

// TestProjectEvents: who made what is in the audit log, and no key.
func TestProjectEvents(t *testing.T) {
	d := newDesk(t)
	d.postProject(t, `{"number":1000,"name":"XDOC","app_keys":["canary-app-key"]}`)
	set, _ := d.postSet(t, `{"name":"current","key":"canary-canary-canary"}`)
	route := "/v1/projects/1000/token-sets/" + set.ID
	d.want(t, ask{route: "PATCH " + route, token: d.adminToken, body: `{"key":"canary-canary-canary 2"}`}, http.StatusOK, "")
	d.encrypt(t, set.ID, "canary plaintext", "")
	d.want(t, ask{route: "DELETE " + route, token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: "DELETE /v1/projects/1000", token: d.adminToken}, http.StatusNoContent, "")
	events, err := d.store.Events(t.Context(), audit.Query{})
	check(t, err)
	var got []string
	for _, e := range events {
		if e.Actor.UserID != uuid.Nil {
			got = append(got, string(e.Action)+" "+e.Target.Name)
		}
	}
	want := []string{
		"user.delete project-1000", "project.delete XDOC", "token_set.delete current", "token_set.encrypt current", "token_set.update current", "token_set.create current",
		"user.create project-1000", "project.create XDOC",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" || strings.Contains(encodeJSON(t, events), "canary") {
		t.Errorf("got (+), want (-): %s; %v", diff, events)
	}
}

// TestServiceAccountStays: the account of a living project isn't deleted without it, though that of a deleted one, and any other, is.
func TestServiceAccountStays(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "project-7", Kind: account.Service})
	d.application(t, "key", "GCM", "")
	a := d.want(t, ask{route: "DELETE /v1/users/project-1000", token: d.adminToken}, http.StatusConflict, api.CodeConflict)
	a.wantField(t, "user")
	d.want(t, ask{route: "PATCH /v1/users/project-1000", token: d.adminToken, body: `{"state":"blocked"}`}, http.StatusOK, "")
	d.want(t, ask{route: "DELETE /v1/users/project-7", token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: "DELETE /v1/projects/1000", token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: "GET /v1/users/project-1000", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
}
