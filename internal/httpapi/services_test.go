package httpapi_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/catalog"
)

func TestServiceLife(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "zed"})
	amy, _ := d.user(t, account.Draft{Username: "amy"})
	a := d.want(t, ask{route: "POST /v1/services", token: d.adminToken, body: `{"name":"reports","host":"API.example.com","path_prefix":"/v2",` +
		`"default":"authenticated","allow_in_path":";","accept_api_tokens":true,"verifiers":["ZED","` + amy.ID.String() + `"]}`}, http.StatusCreated, "")
	var made, got api.Service
	a.into(t, &made)
	want := api.Service{
		ID: made.ID, Name: "reports", Host: "api.example.com", PathPrefix: "/v2", Default: "authenticated", AllowInPath: ";",
		Verifiers: []string{"amy", "zed"}, AcceptAPITokens: true, CreatedAt: d.clock(), UpdatedAt: d.clock(),
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made (-want +got): %s", diff)
	}
	read := d.want(t, ask{route: "GET " + a.header.Get("Location"), token: d.adminToken}, http.StatusOK, "")
	read.into(t, &got)
	if diff := cmp.Diff(want, got); diff != "" || read.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("read (-want +got): %s; ETag %s, want %s", diff, read.header.Get("ETag"), a.header.Get("ETag"))
	}

	// A verifier who is deleted is no hindrance to a change of something else.
	check(t, d.accounts.Delete(t.Context(), amy.ID, adminActor()))
	d.now.Add(60)
	got = api.Service{}
	d.want(t, ask{route: "PATCH /v1/services/reports", token: d.adminToken, body: `{"name":"reports2","path_prefix":null,"allow_in_path":null}`}, http.StatusOK, "").into(t, &got)
	want.Name, want.PathPrefix, want.AllowInPath, want.Verifiers, want.UpdatedAt = "reports2", "/", "", []string{"zed"}, d.clock()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("patched (-want +got): %s", diff)
	}
	got = api.Service{}
	d.want(t, ask{route: "PATCH /v1/services/reports2", token: d.adminToken, body: `{"default":null,"verifiers":null,"accept_api_tokens":null}`}, http.StatusOK, "").into(t, &got)
	want.Default, want.Verifiers, want.AcceptAPITokens = "deny", []string{}, false
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("emptied (-want +got): %s", diff)
	}
	d.want(t, ask{route: "DELETE /v1/services/reports2", token: d.adminToken}, http.StatusNoContent, "")
	for _, route := range []string{"GET /v1/services/reports2", "DELETE /v1/services/reports2", "GET /v1/services/reports", "GET /v1/services/reports2/operations"} {
		d.want(t, ask{route: route, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	}
	wantActions := []string{"service.delete reports2", "service.update reports2", "service.update reports2", "user.delete amy", "service.create reports"}
	if got := d.actions(t)[:5]; !slices.Equal(got, wantActions) {
		t.Errorf("got events %v, want %v", got, wantActions)
	}
}

func TestServiceErrors(t *testing.T) {
	d := newDesk(t)
	d.service(t, serviceDraft("reports"), "GET /a role:x")
	d.service(t, serviceDraft("bills"))
	const post, patch = "POST /v1/services", "PATCH /v1/services/reports"
	tests := []struct {
		name, route, body string
		status            int
		code              api.Code
		field             string
	}{
		{"name taken", post, `{"name":"reports","host":"a.example.com"}`, 409, api.CodeConflict, "name"},
		{"host taken", post, `{"name":"other","host":"Reports.example.com"}`, 409, api.CodeConflict, "path_prefix"},
		{"bad name", post, `{"name":"Reports","host":"a.example.com"}`, 422, api.CodeInvalidField, "name"},
		{"bad host", post, `{"name":"other","host":"https://a.example.com"}`, 422, api.CodeInvalidField, "host"},
		{"bad prefix", post, `{"name":"other","host":"a.example.com","path_prefix":"v2"}`, 422, api.CodeInvalidField, "path_prefix"},
		{"bad default", post, `{"name":"other","host":"a.example.com","default":"allow"}`, 422, api.CodeInvalidField, "default"},
		{"bad allowance", post, `{"name":"other","host":"a.example.com","allow_in_path":"."}`, 422, api.CodeInvalidField, "allow_in_path"},
		{"no such verifier", post, `{"name":"other","host":"a.example.com","verifiers":["root","nobody"]}`, 422, api.CodeInvalidField, "verifiers[1]"},
		{"bad acceptance", post, `{"name":"other","host":"a.example.com","accept_api_tokens":"true"}`, 422, api.CodeInvalidField, "accept_api_tokens"},
		{"no host", post, `{"name":"other"}`, 422, api.CodeInvalidField, "host"},
		{"renamed to a taken name", patch, `{"name":"bills"}`, 409, api.CodeConflict, "name"},
		{"suspended", patch, `{"default":"authenticated","suspended":true}`, 422, api.CodeInvalidField, "suspended"},
		{"suspended when it is made", post, `{"name":"other","host":"a.example.com","suspended":true}`, 422, api.CodeInvalidField, "suspended"},
		{"host emptied", patch, `{"host":null}`, 422, api.CodeInvalidField, "host"},
		{"name emptied", patch, `{"name":null}`, 422, api.CodeInvalidField, "name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := d.want(t, ask{route: tt.route, token: d.adminToken, body: tt.body}, tt.status, tt.code)
			a.wantField(t, tt.field)
		})
	}
}

// TestSuspendedService shows a suspended service as that. Each change of it lets its callers in again; one that asks to keep it
// suspended isn't made.
func TestSuspendedService(t *testing.T) {
	d := newDesk(t)
	amy, token := d.user(t, account.Draft{Username: "amy", Roles: []string{"partner"}})
	d.service(t, serviceDraft("reports"), "GET /a role:partner")
	verify := func() (v api.Verdict) {
		t.Helper()
		body := `{"method":"GET","url":"https://reports.example.com/a","authorization":"Bearer ` + token + `"}`
		d.want(t, ask{route: "POST /v1/verify", token: d.adminToken, body: body}, http.StatusOK, "").into(t, &v)
		return v
	}
	for name, change := range map[string]ask{
		"false":      {route: "PATCH /v1/services/reports", body: `{"suspended":false}`},
		"null":       {route: "PATCH /v1/services/reports", body: `{"suspended":null}`},
		"nothing":    {route: "PATCH /v1/services/reports", body: `{}`},
		"a default":  {route: "PATCH /v1/services/reports", body: `{"default":"deny"}`},
		"operations": {route: "PUT /v1/services/reports/operations", body: `[{"pattern":"GET /a","audience":["role:partner"]}]`, header: map[string]string{"If-Match": "*"}},
	} {
		if v := verify(); !v.Allow || v.Principal.UserID != amy.ID.String() {
			t.Fatalf("%s: got %+v before, want amy let in", name, v)
		}
		d.suspend(t, "reports")
		if v := verify(); v.Allow || v.Reason != "service_suspended" || v.Service != "reports" {
			t.Errorf("%s: got %+v, want it refused as service_suspended", name, v)
		}
		d.want(t, ask{route: "PATCH /v1/services/reports", token: d.adminToken, body: `{"suspended":true}`}, http.StatusUnprocessableEntity, api.CodeInvalidField)
		var got api.Service
		d.want(t, ask{route: "GET /v1/services/reports", token: d.adminToken}, http.StatusOK, "").into(t, &got)
		if !got.Suspended {
			t.Errorf("%s: got %+v, want it suspended", name, got)
		}
		change.token = d.adminToken
		if a := d.do(t, change); a.status/100 != 2 {
			t.Errorf("%s: got status %d: %s", name, a.status, a.body)
		}
		got = api.Service{}
		d.want(t, ask{route: "GET /v1/services/reports", token: d.adminToken}, http.StatusOK, "").into(t, &got)
		if got.Suspended {
			t.Errorf("%s: got %+v, want it suspended no more", name, got)
		}
	}
	if v := verify(); !v.Allow {
		t.Errorf("got %+v after, want amy let in", v)
	}
}

func TestServicePages(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "amy"})
	for _, name := range []string{"c", "a", "b"} {
		draft := serviceDraft(name)
		draft.Verifiers = []string{"amy"}
		d.service(t, draft)
	}
	var got []string
	for next := ""; ; {
		var page api.List[api.Service]
		d.want(t, ask{route: "GET /v1/services?limit=2&cursor=" + next, token: d.adminToken}, http.StatusOK, "").into(t, &page)
		for _, s := range page.Items {
			got = append(got, s.Name+" "+s.Verifiers[0])
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if want := []string{"a amy", "b amy", "c amy"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOperations(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "amy"})
	gone, _ := d.user(t, account.Draft{Username: "gone"})
	d.service(t, serviceDraft("reports"))
	const route = "/v1/services/reports/operations"
	a := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
	put := func(body, match string) ask {
		return ask{route: "PUT " + route, token: d.adminToken, body: body, header: map[string]string{"If-Match": match}}
	}
	body := `[{"pattern":"GET /reports/{id}","audience":["user:AMY","user:` + gone.ID.String() + `","role:partner","self:{id}"],"scope":"reports.read"},{"pattern":"/x","audience":[]}]`
	d.want(t, put(body, ""), http.StatusPreconditionRequired, api.CodeVersionRequired)
	b := d.want(t, put(body, a.header.Get("ETag")), http.StatusNoContent, "")
	d.want(t, put(`[]`, a.header.Get("ETag")), http.StatusPreconditionFailed, api.CodeStale)
	check(t, d.accounts.Delete(t.Context(), gone.ID, adminActor()))

	c := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
	var got []api.Operation
	c.into(t, &got)
	want := []api.Operation{
		{Pattern: "GET /reports/{id}", Audience: []string{"user:amy", "role:partner", "self:{id}"}, Scope: "reports.read"},
		{Pattern: "/x", Audience: []string{}},
	}
	if diff := cmp.Diff(want, got); diff != "" || c.header.Get("ETag") != b.header.Get("ETag") {
		t.Errorf("operations (-want +got): %s; ETag %s, want %s", diff, c.header.Get("ETag"), b.header.Get("ETag"))
	}
	d.want(t, put(c.body, b.header.Get("ETag")), http.StatusNoContent, "") // what was read can be sent back

	// A service of the same name made anew begins at the first version again, and is another one.
	first := a.header.Get("ETag")
	d.want(t, ask{route: "DELETE /v1/services/reports", token: d.adminToken}, http.StatusNoContent, "")
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com"})
	d.want(t, put(`[]`, first), http.StatusPreconditionFailed, api.CodeStale)
	d.want(t, put(`[]`, `"nonsense`), http.StatusBadRequest, api.CodeMalformedRequest)
	missing := put(`[]`, "*")
	missing.route = "PUT /v1/services/nothing/operations"
	d.want(t, missing, http.StatusNotFound, api.CodeNotFound)
}

func TestOperationErrors(t *testing.T) {
	d := newDesk(t)
	d.service(t, serviceDraft("reports"))
	tests := []struct {
		name, body string
		status     int
		code       api.Code
		field      string
	}{
		{"conflict", `[{"pattern":"GET /{a}/x","audience":[]},{"pattern":"GET /x/{b}","audience":[]}]`, 409, api.CodeConflict, "operations"},
		{"bad pattern", `[{"pattern":"GET reports","audience":[]}]`, 422, api.CodeInvalidField, "operations"},
		{"no such user", `[{"pattern":"/a","audience":["role:x","user:nobody"]}]`, 422, api.CodeInvalidField, "operations[0].audience[1]"},
		{"bad word", `[{"pattern":"/a","audience":["everybody"]}]`, 422, api.CodeInvalidField, "operations[0].audience[0]"},
		{"no pattern", `[{"pattern":"/a","audience":[]},{"audience":[]}]`, 422, api.CodeInvalidField, "operations[1].pattern"},
		{"unknown member", `[{"pattern":"/a","audience":[],"roles":[]}]`, 422, api.CodeInvalidField, "operations[0].roles"},
		{"stands twice", `[{"pattern":"/a","audience":[]},{"pattern":"/b","pattern":"/b","audience":[]}]`, 400, api.CodeMalformedJSON, "operations[1].pattern"},
		{"no list", `{"pattern":"/a","audience":[]}`, 422, api.CodeInvalidField, "body"},
		{"null", `null`, 422, api.CodeInvalidField, "body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := ask{route: "PUT /v1/services/reports/operations", token: d.adminToken, body: tt.body, header: map[string]string{"If-Match": "*"}}
			a := d.want(t, q, tt.status, tt.code)
			a.wantField(t, tt.field)
		})
	}
}

// TestUnconditionalChanges: changes that name no version don't get in each other's way.
func TestUnconditionalChanges(t *testing.T) {
	d := newDesk(t)
	d.service(t, serviceDraft("reports"))
	var wg sync.WaitGroup
	for _, body := range []string{`{"default":"authenticated"}`, `{"path_prefix":"/v2"}`, `{"allow_in_path":";"}`, `{"verifiers":["root"]}`} {
		wg.Go(func() {
			d.want(t, ask{route: "PATCH /v1/services/reports", token: d.adminToken, body: body}, http.StatusOK, "")
		})
	}
	wg.Wait()
	var got api.Service
	d.want(t, ask{route: "GET /v1/services/reports", token: d.adminToken}, http.StatusOK, "").into(t, &got)
	if got.Default != "authenticated" || got.PathPrefix != "/v2" || got.AllowInPath != ";" || len(got.Verifiers) != 1 {
		t.Errorf("got %+v, want all four changes", got)
	}
}
