package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
)

const routeBody = `"upstream":"https://[2001:db8::1]:9000","profile":"xdoc","forward_query_tokens":true,"identity_token":true,` +
	`"rate_limit":{"calls":600,"per_seconds":60}`

// TestServiceRoute makes a service with everything that the proxy does with its calls, and changes one member after the other: each
// change leaves the others as they are, and is made only over the version that it names.
func TestServiceRoute(t *testing.T) {
	d := newDesk(t)
	a := d.want(t, ask{route: "POST /v1/services", token: d.adminToken, body: `{"name":"reports","host":"reports.example.com",` + routeBody + `}`}, http.StatusCreated, "")
	var made api.Service
	a.into(t, &made)
	want := api.Service{
		ID: made.ID, Name: "reports", Host: "reports.example.com", PathPrefix: "/", Default: "deny", Verifiers: []string{},
		Upstream: "https://[2001:db8::1]:9000", Profile: "xdoc", ForwardQueryTokens: true, IdentityToken: true,
		RateLimit: &api.RateLimit{Calls: 600, PerSeconds: 60}, CreatedAt: d.clock(), UpdatedAt: d.clock(),
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made (-want +got): %s", diff)
	}
	const route = "/v1/services/reports"
	former := a.header.Get("ETag")
	for _, step := range []struct {
		patch  string
		change func()
	}{
		{`{}`, func() {}},
		{`{"upstream":"H2C://Reports.internal:9000/"}`, func() { want.Upstream = "h2c://reports.internal:9000" }},
		{`{"profile":"matrix42"}`, func() { want.Profile = "matrix42" }},
		{`{"forward_query_tokens":false}`, func() { want.ForwardQueryTokens = false }},
		{`{"identity_token":false}`, func() { want.IdentityToken = false }},
		{`{"rate_limit":{"calls":5}}`, func() { want.RateLimit = &api.RateLimit{Calls: 5, PerSeconds: 60} }}, // RFC 7396 merges within, too
		{`{"rate_limit":{"per_seconds":86400}}`, func() { want.RateLimit = &api.RateLimit{Calls: 5, PerSeconds: 86400} }},
		{`{"rate_limit":{}}`, func() {}},
		{`{` + routeBody + `}`, func() {
			want.Upstream, want.Profile, want.ForwardQueryTokens, want.IdentityToken = "https://[2001:db8::1]:9000", "xdoc", true, true
			want.RateLimit = &api.RateLimit{Calls: 600, PerSeconds: 60}
		}},
		{`{"upstream":null}`, func() { want.Upstream = "" }},
		{`{"profile":null}`, func() { want.Profile = "" }},
		{`{"forward_query_tokens":null}`, func() { want.ForwardQueryTokens = false }},
		{`{"identity_token":null}`, func() { want.IdentityToken = false }},
		{`{"rate_limit":null}`, func() { want.RateLimit = nil }},
		{`{"rate_limit":{"calls":1,"per_seconds":1}}`, func() { want.RateLimit = &api.RateLimit{Calls: 1, PerSeconds: 1} }},
		{`{"upstream":"http://a","profile":""}`, func() { want.Upstream = "http://a" }},
		{`{"upstream":""}`, func() { want.Upstream = "" }},
	} {
		d.now.Add(60)
		q := ask{route: "PATCH " + route, token: d.adminToken, body: step.patch, header: map[string]string{"If-Match": former}}
		patched := d.want(t, q, http.StatusOK, "")
		d.want(t, q, http.StatusPreconditionFailed, api.CodeStale)
		step.change()
		want.UpdatedAt = d.clock()
		read := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
		for what, answer := range map[string]answer{"patched": patched, "read": read} {
			var got api.Service
			answer.into(t, &got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s (-want +got): %s", step.patch, what, diff)
			}
		}
		if former = read.header.Get("ETag"); former != patched.header.Get("ETag") {
			t.Errorf("%s: got the ETag %s read, and %s patched", step.patch, former, patched.header.Get("ETag"))
		}
	}
	var list api.List[api.Service]
	d.want(t, ask{route: "GET /v1/services", token: d.adminToken}, http.StatusOK, "").into(t, &list)
	if diff := cmp.Diff([]api.Service{want}, list.Items); diff != "" {
		t.Errorf("listed (-want +got): %s", diff)
	}
}

// TestServiceRouteAbsent: a service that was made without any of it has none, and shows what is a choice of two as false.
func TestServiceRouteAbsent(t *testing.T) {
	d := newDesk(t)
	a := d.want(t, ask{route: "POST /v1/services", token: d.adminToken, body: `{"name":"reports","host":"reports.example.com"}`}, http.StatusCreated, "")
	for member, shown := range map[string]bool{
		`"upstream"`: false, `"profile"`: false, `"rate_limit"`: false, `"forward_query_tokens":false`: true, `"identity_token":false`: true,
	} {
		if strings.Contains(a.body, member) != shown {
			t.Errorf("got %s, want %s in it: %t", a.body, member, shown)
		}
	}
}

// TestServiceRouteErrors gives each member what it can't be, when a service is made and when it is changed: it is named, and the
// service stays as it was. The twin of each is taken.
func TestServiceRouteErrors(t *testing.T) {
	d := newDesk(t)
	d.service(t, serviceDraft("reports"))
	for _, tt := range []struct{ name, member, bad, good, field string }{
		{"no address", "upstream", `"reports.internal:9000"`, `"http://reports.internal:9000"`, "upstream"},
		{"a path", "upstream", `"http://reports.internal:9000/api"`, `"http://reports.internal:9000/"`, "upstream"},
		{"a password", "upstream", `"http://u:canary@reports.internal"`, `"http://u.canary.reports.internal"`, "upstream"},
		{"a zone", "upstream", `"http://[fe80::1%25eth0]"`, `"http://[fe80::1]"`, "upstream"},
		{"a port too high", "upstream", `"http://reports.internal:65536"`, `"http://reports.internal:65535"`, "upstream"},
		{"another scheme", "upstream", `"ftp://reports.internal"`, `"h2c://reports.internal"`, "upstream"},
		{"no text", "upstream", `9000`, `"http://reports.internal"`, "upstream"},
		{"no profile", "profile", `"xdocs"`, `"xdoc"`, "profile"},
		{"a profile as a list", "profile", `["xdoc"]`, `"xdoc"`, "profile"},
		{"a word for a choice", "forward_query_tokens", `"true"`, `true`, "forward_query_tokens"},
		{"a number for a choice", "identity_token", `1`, `true`, "identity_token"},
		{"a number for a limit", "rate_limit", `7`, `{"calls":7,"per_seconds":1}`, "rate_limit"},
		{"no calls", "rate_limit", `{"calls":0,"per_seconds":1}`, `{"calls":1,"per_seconds":1}`, "rate_limit.calls"},
		{"too many calls", "rate_limit", `{"calls":1000000001,"per_seconds":1}`, `{"calls":1000000000,"per_seconds":1}`, "rate_limit.calls"},
		{"no period", "rate_limit", `{"calls":1,"per_seconds":0}`, `{"calls":1,"per_seconds":1}`, "rate_limit.per_seconds"},
		{"longer than a day", "rate_limit", `{"calls":1,"per_seconds":86401}`, `{"calls":1,"per_seconds":86400}`, "rate_limit.per_seconds"},
		{"part of a second", "rate_limit", `{"calls":1,"per_seconds":1.5}`, `{"calls":1,"per_seconds":1}`, "rate_limit.per_seconds"},
		{"unknown member of a limit", "rate_limit", `{"calls":1,"per_seconds":1,"burst":1}`, `{"calls":1,"per_seconds":1}`, "rate_limit.burst"},
		{"a limit in words", "rate_limits", `"1/1s"`, ``, "rate_limits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			member := func(value string) string { return `"` + tt.member + `":` + value + `}` }
			const post, patch = "POST /v1/services", "PATCH /v1/services/reports"
			before := d.want(t, ask{route: "GET /v1/services/reports", token: d.adminToken}, http.StatusOK, "")
			for route, body := range map[string]string{post: `{"name":"a","host":"a.example",` + member(tt.bad), patch: "{" + member(tt.bad)} {
				a := d.want(t, ask{route: route, token: d.adminToken, body: body}, http.StatusUnprocessableEntity, api.CodeInvalidField)
				a.wantField(t, tt.field)
				if strings.Contains(a.body, "canary") {
					t.Errorf("%s: got %s, which repeats what may be a secret", route, a.body)
				}
			}
			after := d.want(t, ask{route: "GET /v1/services/reports", token: d.adminToken}, http.StatusOK, "")
			if after.body != before.body || after.header.Get("ETag") != before.header.Get("ETag") {
				t.Errorf("got %s after what was refused, want %s", after.body, before.body)
			}
			if tt.good == "" {
				return
			}
			d.want(t, ask{route: post, token: d.adminToken, body: `{"name":"a","host":"a.example",` + member(tt.good)}, http.StatusCreated, "")
			d.want(t, ask{route: patch, token: d.adminToken, body: "{" + member(tt.good)}, http.StatusOK, "")
			d.want(t, ask{route: "DELETE /v1/services/a", token: d.adminToken}, http.StatusNoContent, "")
		})
	}
}

// TestServiceHalfRate: what lacks a part of a limit has none to merge with.
func TestServiceHalfRate(t *testing.T) {
	d := newDesk(t)
	d.service(t, serviceDraft("reports"))
	post := ask{route: "POST /v1/services", token: d.adminToken, body: `{"name":"a","host":"a.example","rate_limit":{"calls":1}}`}
	a := d.want(t, post, http.StatusUnprocessableEntity, api.CodeInvalidField)
	a.wantField(t, "rate_limit.per_seconds")
	for body, field := range map[string]string{
		`{}`: "rate_limit.calls", `{"per_seconds":5}`: "rate_limit.calls", `{"calls":5}`: "rate_limit.per_seconds",
		`{"calls":null,"per_seconds":null}`: "rate_limit.calls", `{"calls":5,"per_seconds":5}`: "",
	} {
		q := ask{route: "PATCH /v1/services/reports", token: d.adminToken, body: `{"rate_limit":` + body + `}`}
		if a := d.do(t, q); field == "" && a.status != http.StatusOK {
			t.Errorf("%s: got %d, want 200", body, a.status)
		} else if field != "" {
			a.wantField(t, field)
		}
		d.want(t, ask{route: q.route, token: d.adminToken, body: `{"rate_limit":null}`}, http.StatusOK, "")
	}
}
