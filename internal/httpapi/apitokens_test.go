package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
)

// tokenDesk is a desk with two users and a service whose operations have scopes.
func tokenDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.user(t, account.Draft{Username: "Amy"})
	d.user(t, account.Draft{Username: "robot", Kind: account.Service})
	_, err := d.catalog.Create(t.Context(), catalog.Draft{Name: "reports", Host: "api.example.com"}, adminActor())
	check(t, err)
	_, err = d.catalog.Replace(t.Context(), "reports", 1, []catalog.Operation{
		{Pattern: "GET /reports/{id}", Audience: []string{"user:amy"}, Scope: "reports.read"},
		{Pattern: "POST /reports", Audience: []string{"user:amy"}, Scope: "reports.write"},
	}, adminActor())
	check(t, err)
	return d
}

// post makes a token by the API and returns it with the whole answer.
func (d *desk) post(t *testing.T, body string) (api.IssuedAPIToken, answer) {
	t.Helper()
	a := d.want(t, ask{route: "POST /v1/api-tokens", token: d.adminToken, body: body}, http.StatusCreated, "")
	var issued api.IssuedAPIToken
	a.into(t, &issued)
	return issued, a
}

// list returns the names of a listing.
func (d *desk) list(t *testing.T, query string) (tokens []string, next string) {
	t.Helper()
	var page api.List[api.APIToken]
	d.want(t, ask{route: "GET /v1/api-tokens?" + query, token: d.adminToken}, http.StatusOK, "").into(t, &page)
	for _, token := range page.Items {
		tokens = append(tokens, token.Name)
	}
	return tokens, page.Next
}

// TestAPITokenLife makes a token, reads it, changes each of its members, and deletes it.
func TestAPITokenLife(t *testing.T) {
	d := tokenDesk(t)
	amy, err := d.accounts.Find(t.Context(), "amy")
	check(t, err)
	issued, a := d.post(t, `{"name":"Nightly <b>export</b>","user":"AMY","expires_in_days":30,"scopes":["reports.write","reports.read"],`+
		`"allowed_ips":["198.51.100.7","2001:db8::/32","::ffff:192.0.2.0/120"],"rate_limit":{"calls":600,"per_seconds":60}}`)
	want := api.APIToken{
		ID: issued.ID, Name: "Nightly <b>export</b>", User: "Amy", UserID: amy.ID.String(), KeyID: issued.KeyID, Enabled: true,
		Scopes: []string{"reports.read", "reports.write"}, AllowedIPs: []string{"198.51.100.7", "2001:db8::/32", "192.0.2.0/24"},
		RateLimit: &api.RateLimit{Calls: 600, PerSeconds: 60}, CreatedAt: d.clock(), ExpiresAt: d.clock().AddDate(0, 0, 30),
	}
	if diff := cmp.Diff(want, issued.APIToken); diff != "" || issued.KeyID == "" || !strings.HasPrefix(issued.Token, "eyJ") {
		t.Errorf("made (-want +got): %s; key %q", diff, issued.KeyID)
	}
	route := "/v1/api-tokens/" + issued.ID
	if got := a.header.Get("Location"); got != route {
		t.Errorf("got Location %q, want %q", got, route)
	}
	var got api.APIToken
	read := d.want(t, ask{route: "GET " + route, token: d.adminToken}, http.StatusOK, "")
	read.into(t, &got)
	if diff := cmp.Diff(want, got); diff != "" || read.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("read (-want +got): %s; ETag %s, want %s", diff, read.header.Get("ETag"), a.header.Get("ETag"))
	}
	for _, step := range []struct {
		patch string
		then  func()
	}{
		{`{"name":"export"}`, func() { want.Name = "export" }},
		{`{"enabled":false}`, func() { want.Enabled = false }},
		{`{"enabled":true}`, func() { want.Enabled = true }},
		{`{"scopes":["reports.read","reports.read"]}`, func() { want.Scopes = []string{"reports.read"} }},
		{`{"scopes":[]}`, func() { want.Scopes = []string{} }}, // narrowed to none
		{`{"scopes":null}`, func() { want.Scopes = nil }},      // not narrowed
		{`{"allowed_ips":["192.0.2.0/24"]}`, func() { want.AllowedIPs = []string{"192.0.2.0/24"} }},
		{`{"allowed_ips":null}`, func() { want.AllowedIPs = nil }},
		{`{"rate_limit":{"calls":5}}`, func() { want.RateLimit.Calls = 5 }}, // RFC 7396 merges within, too
		{`{"rate_limit":{"per_seconds":1}}`, func() { want.RateLimit.PerSeconds = 1 }},
		{`{"rate_limit":{}}`, func() {}},
		{`{"rate_limit":null}`, func() { want.RateLimit = nil }},
		{`{}`, func() {}},
	} {
		got, before := api.APIToken{}, read.header.Get("ETag")
		step.then()
		read = d.want(t, ask{route: "PATCH " + route, token: d.adminToken, body: step.patch, header: map[string]string{"If-Match": before}}, http.StatusOK, "")
		read.into(t, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got): %s", step.patch, diff)
		}
		d.want(t, ask{route: "PATCH " + route, token: d.adminToken, body: step.patch, header: map[string]string{"If-Match": before}}, http.StatusPreconditionFailed, api.CodeStale)
	}
	d.want(t, ask{route: "DELETE " + route, token: d.adminToken}, http.StatusNoContent, "")
	for _, method := range []string{"GET ", "PATCH ", "DELETE "} {
		d.want(t, ask{route: method + route, token: d.adminToken, body: map[string]string{"PATCH ": "{}"}[method]}, http.StatusNotFound, api.CodeNotFound)
	}
	d.post(t, `{"name":"EXPORT","user":"robot","never_expires":true}`) // the name is free again
	if got := d.actions(t); got[0] != "api_token.create EXPORT" || got[1] != "api_token.delete export" || got[2] != "api_token.update export" {
		t.Errorf("got events %v", got[:3])
	}
}

// TestAPITokenNeverShown: what never expires, is never used and is not narrowed, has no such members.
func TestAPITokenNeverShown(t *testing.T) {
	d := tokenDesk(t)
	_, a := d.post(t, `{"name":"plain","user":"robot","never_expires":true,"enabled":false}`)
	var members map[string]any
	decodeJSON(t, a.body, &members)
	want := []string{"created_at", "enabled", "id", "key_id", "name", "token", "user", "user_id"}
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) || members["enabled"] != false {
		t.Errorf("got members %v of %s, want %v", got, a.body, want)
	}
}

// bodyWith returns a body of POST with one member replaced; null leaves it out.
func bodyWith(member, value string) string {
	all := map[string]string{"name": `"export"`, "user": `"amy"`, "expires_in_days": `30`}
	all[member] = value
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != "" {
			parts = append(parts, fmt.Sprintf(`%q:%s`, name, all[name]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestAPITokenErrors has, beside each value that is refused, a twin that is taken; both at POST and, where the member can be
// changed, at PATCH.
func TestAPITokenErrors(t *testing.T) {
	d := tokenDesk(t)
	d.post(t, `{"name":"taken","user":"amy","never_expires":true}`)
	other, _ := d.post(t, `{"name":"other","user":"amy","never_expires":true}`)
	tests := []struct{ name, member, bad, good, field string }{
		{"no name", "name", ``, `"a"`, "name"},
		{"empty name", "name", `""`, `"a"`, "name"},
		{"blank name", "name", `" "`, `"."`, "name"},
		{"name ends in a space", "name", `"a "`, `"a b"`, "name"},
		{"name of two lines", "name", `"a\nb"`, `"a_b"`, "name"},
		{"name with a carriage return", "name", `"a\rb"`, `"a-b"`, "name"},
		{"name with an escape", "name", `"a\u001b[31mb"`, `"a[31mb"`, "name"},
		{"name with NUL", "name", `"a\u0000b"`, `"a0000b"`, "name"},
		{"name that turns the direction of writing", "name", `"a\u202eb"`, `"a202eb"`, "name"},
		{"name of 10,000 characters", "name", `"` + strings.Repeat("a", 10_000) + `"`, `"` + strings.Repeat("a", 128) + `"`, "name"},
		{"name of 129 characters", "name", `"` + strings.Repeat("ä", 129) + `"`, `"` + strings.Repeat("ä", 128) + `"`, "name"},
		{"name like an ID", "name", `"0190a6f0-0000-7000-8000-000000000000"`, `"0190a6f0-0000-7000-8000-00000000000g"`, "name"},
		{"taken name", "name", `"taken"`, `"taken."`, "name"},
		{"taken name in another case", "name", `"TAKEN"`, `"TAKEM"`, "name"},
		{"taken name in another width", "name", `"ｔａｋｅｎ"`, `"ｔａｋｅｌ"`, "name"},
		{"name that is no string", "name", `7`, `"7"`, "name"},
		{"nobody", "user", `"bob"`, `"robot"`, "user"},
		{"no user", "user", ``, `"amy"`, "user"},
		{"no end", "expires_in_days", ``, `1`, "expires_in_days"},
		{"an end at once", "expires_in_days", `0`, `1`, "expires_in_days"},
		{"an end before", "expires_in_days", `-1`, `1`, "expires_in_days"},
		{"half a day", "expires_in_days", `1.5`, `15`, "expires_in_days"},
		{"more than a century", "expires_in_days", `36501`, `36500`, "expires_in_days"},
		{"more than a number", "expires_in_days", `1e999`, `36500`, "expires_in_days"},
		{"more than an int64", "expires_in_days", `99999999999999999999`, `36500`, "expires_in_days"},
		{"days as text", "expires_in_days", `"30"`, `30`, "expires_in_days"},
		{"both ends", "never_expires", `true`, `false`, "never_expires"},
		{"unknown scope", "scopes", `["reports.read","reports.reed"]`, `["reports.read"]`, "scopes[1]"},
		{"two scopes in one", "scopes", `["reports.read reports.write"]`, `["reports.read","reports.write"]`, "scopes[0]"},
		{"power for another person", "scopes", `["jeton.admin"]`, `[]`, "scopes"},
		{"power in another case", "scopes", `["jeton.Admin"]`, `[]`, "scopes[0]"},
		{"scopes as text", "scopes", `"reports.read"`, `["reports.read"]`, "scopes"},
		{"no address", "allowed_ips", `["192.0.2.256"]`, `["192.0.2.25"]`, "allowed_ips[0]"},
		{"an empty list", "allowed_ips", `[]`, `["192.0.2.0/31"]`, "allowed_ips"},
		{"a name", "allowed_ips", `["::1","localhost"]`, `["::1"]`, "allowed_ips[1]"},
		{"bits beyond", "allowed_ips", `["192.0.2.1/24"]`, `["192.0.2.0/24"]`, "allowed_ips[0]"},
		{"a zone", "allowed_ips", `["fe80::1%eth0"]`, `["fe80::1"]`, "allowed_ips[0]"},
		{"part of IPv4 and IPv6", "allowed_ips", `["::ffff:0.0.0.0/95"]`, `["::ffff:0.0.0.0/96"]`, "allowed_ips[0]"},
		{"an address with a port", "allowed_ips", `["192.0.2.1:80"]`, `["192.0.2.1"]`, "allowed_ips[0]"},
		{"no limit", "rate_limit", `7`, `{"calls":1,"per_seconds":1}`, "rate_limit"},
		{"no calls", "rate_limit", `{"calls":0,"per_seconds":1}`, `{"calls":1,"per_seconds":1}`, "rate_limit.calls"},
		{"too many calls", "rate_limit", `{"calls":1000000001,"per_seconds":1}`, `{"calls":1000000000,"per_seconds":1}`, "rate_limit.calls"},
		{"no period", "rate_limit", `{"calls":1,"per_seconds":0}`, `{"calls":1,"per_seconds":1}`, "rate_limit.per_seconds"},
		{"longer than a day", "rate_limit", `{"calls":1,"per_seconds":86401}`, `{"calls":1,"per_seconds":86400}`, "rate_limit.per_seconds"},
		{"half a limit", "rate_limit", `{"calls":1}`, `{"calls":1,"per_seconds":1}`, "rate_limit.per_seconds"},
		{"unknown member of a limit", "rate_limit", `{"calls":1,"per_seconds":1,"per_minute":1}`, `{"calls":1,"per_seconds":1}`, "rate_limit.per_minute"},
		{"enabled as text", "enabled", `"false"`, `false`, "enabled"},
		{"enabled as nothing", "enabled", `null`, `true`, "enabled"},
	}
	changeable := []string{"name", "scopes", "allowed_ips", "rate_limit", "enabled"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, status := api.CodeInvalidField, http.StatusUnprocessableEntity
			if strings.HasPrefix(tt.name, "taken") {
				code, status = api.CodeConflict, http.StatusConflict
			}
			refused := []ask{{route: "POST /v1/api-tokens", body: bodyWith(tt.member, tt.bad)}}
			admitted := []ask{{route: "POST /v1/api-tokens", body: bodyWith(tt.member, tt.good)}}
			if slices.Contains(changeable, tt.member) && tt.bad != "" && tt.name != "half a limit" {
				refused = append(refused, ask{route: "PATCH /v1/api-tokens/" + other.ID, body: `{"` + tt.member + `":` + tt.bad + `}`})
				admitted = append(admitted, ask{route: "PATCH /v1/api-tokens/" + other.ID, body: `{"` + tt.member + `":` + tt.good + `}`})
			}
			for _, q := range refused {
				q.token = d.adminToken
				a := d.want(t, q, status, code)
				a.wantField(t, tt.field)
			}
			for _, q := range admitted {
				q.token = d.adminToken
				a := d.do(t, q)
				if a.status != http.StatusCreated && a.status != http.StatusOK {
					t.Errorf("%s %s: got %d %s, want it taken", q.route, q.body, a.status, a.body)
				}
				if a.status == http.StatusCreated { // the name shall be free for the next
					d.want(t, ask{route: "DELETE " + a.header.Get("Location"), token: d.adminToken}, http.StatusNoContent, "")
				}
			}
		})
	}
}

// TestAPITokenEnd: who doesn't say when a token ends is told what is recommended.
func TestAPITokenEnd(t *testing.T) {
	d := tokenDesk(t)
	for _, end := range []string{``, `,"never_expires":false`} {
		a := d.want(t, ask{route: "POST /v1/api-tokens", token: d.adminToken, body: `{"name":"a","user":"amy"` + end + `}`}, http.StatusUnprocessableEntity, api.CodeInvalidField)
		var p api.Problem
		a.into(t, &p)
		if len(p.Errors) != 1 || !strings.Contains(p.Errors[0].Fix, "30 days are recommended") {
			t.Errorf("%s: got %+v, want 30 days recommended", end, p.Errors)
		}
	}
}

// TestAPITokenHalfLimits: what lacks a part of a limit has none to merge with.
func TestAPITokenHalfLimits(t *testing.T) {
	d := tokenDesk(t)
	issued, _ := d.post(t, `{"name":"a","user":"amy","never_expires":true}`)
	for body, field := range map[string]string{
		`{}`: "rate_limit.calls", `{"per_seconds":5}`: "rate_limit.calls", `{"calls":5}`: "rate_limit.per_seconds",
		`{"calls":null,"per_seconds":null}`: "rate_limit.calls", `{"calls":5,"per_seconds":5}`: "",
		`{"calls":null}`: "rate_limit.calls", // of what there is now
	} {
		q := ask{route: "PATCH /v1/api-tokens/" + issued.ID, token: d.adminToken, body: `{"rate_limit":` + body + `}`}
		if a := d.do(t, q); field == "" && a.status != http.StatusOK {
			t.Errorf("%s: got %d, want 200", body, a.status)
		} else if field != "" {
			a.wantField(t, field)
		}
		d.want(t, ask{route: q.route, token: d.adminToken, body: `{"rate_limit":null}`}, http.StatusOK, "")
	}
}

// TestAPITokenForbiddenMembers sends members that are Jeton's to set, or nobody's to change: they are refused and nothing
// of the request is applied.
func TestAPITokenForbiddenMembers(t *testing.T) {
	d := tokenDesk(t)
	issued, before := d.post(t, `{"name":"export","user":"amy","expires_in_days":30}`)
	stolen := uuid.NewString()
	values := map[string]string{
		"id": `"` + stolen + `"`, "jti": `"` + stolen + `"`, "key_id": `"x"`, "kid": `"x"`, "token": `"x"`, "user_id": `"` + d.admin.ID + `"`,
		"created_at": `"2020-01-01T00:00:00Z"`, "updated_at": `"2020-01-01T00:00:00Z"`, "expires_at": `"2120-01-01T00:00:00Z"`,
		"deleted_at": `null`, "last_used_at": `"2020-01-01T00:00:00Z"`, "last_used_ip": `"192.0.2.1"`, "version": `7`, "kind": `"api_token"`,
		"NAME": `"x"`, "Enabled": `true`, "never_expire": `true`, "audience": `[]`, "roles": `["admin"]`, "__proto__": `{}`,
	}
	for _, member := range slices.Sorted(maps.Keys(values)) {
		for _, q := range []ask{
			{route: "POST /v1/api-tokens", body: `{"name":"second","user":"amy","expires_in_days":30,"` + member + `":` + values[member] + `}`},
			{route: "PATCH /v1/api-tokens/" + issued.ID, body: `{"name":"second","` + member + `":` + values[member] + `}`},
		} {
			q.token = d.adminToken
			a := d.do(t, q)
			if a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest {
				t.Errorf("%s %s: got %d, want it refused", q.route, q.body, a.status)
			}
		}
	}
	for _, body := range []string{`{"user":"root"}`, `{"expires_in_days":60}`, `{"never_expires":true}`} { // members of POST alone
		d.want(t, ask{route: "PATCH /v1/api-tokens/" + issued.ID, token: d.adminToken, body: body}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	}
	after := d.want(t, ask{route: "GET /v1/api-tokens/" + issued.ID, token: d.adminToken}, http.StatusOK, "")
	if before.header.Get("ETag") != after.header.Get("ETag") {
		t.Errorf("got %s, want it unchanged", after.body)
	}
	if got, _ := d.list(t, ""); !slices.Equal(got, []string{"export"}) {
		t.Errorf("got tokens %v, want the first alone", got)
	}
}

// TestAPITokenIDs: what is no ID, and no token's, is not found.
func TestAPITokenIDs(t *testing.T) {
	d := tokenDesk(t)
	d.post(t, `{"name":"export","user":"amy","expires_in_days":30}`)
	for _, id := range []string{"export", uuid.NewString(), uuid.Nil.String(), d.admin.ID, "1", "%00", "x'--"} {
		d.want(t, ask{route: "GET /v1/api-tokens/" + id, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
		d.want(t, ask{route: "DELETE /v1/api-tokens/" + id, token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
		d.want(t, ask{route: "PATCH /v1/api-tokens/" + id, token: d.adminToken, body: `{}`}, http.StatusNotFound, api.CodeNotFound)
	}
}

// TestAPITokenListing filters and turns pages.
func TestAPITokenListing(t *testing.T) {
	d := tokenDesk(t)
	d.post(t, `{"name":"d","user":"robot","never_expires":true}`)
	d.post(t, `{"name":"B","user":"amy","expires_in_days":10,"enabled":false}`)
	d.post(t, `{"name":"a","user":"amy","expires_in_days":30}`)
	d.post(t, `{"name":"c","user":"robot","expires_in_days":1}`)
	d.now.Add(2 * 24 * 3600) // c has ended
	for query, want := range map[string]string{
		"":                                       "a B c d",
		"user=AMY":                               "a B",
		"user=robot":                             "c d",
		"user=root":                              "",
		"enabled=true":                           "a c d",
		"enabled=false":                          "B",
		"expiring_in_days=7":                     "c",
		"expiring_in_days=8":                     "c",
		"expiring_in_days=9":                     "c B",
		"expiring_in_days=36500":                 "c B a",
		"expiring_in_days=36500&sort=-expires":   "a B c",
		"q=b":                                    "B",
		"q=b&enabled=true":                       "",
		"q=x":                                    "",
		"sort=-name":                             "d c B a",
		"sort=created":                           "d B a c",
		"sort=-created&enabled=true":             "c a d",
		"sort=expires":                           "c B a d",
		"sort=-expires&user=robot":               "d c",
		"expiring_in_days=9&enabled=true":        "c",
		"user=amy&expiring_in_days=14":           "B",
		"user=amy&expiring_in_days=14&limit=200": "B",
	} {
		if got, next := d.list(t, query); strings.Join(got, " ") != want || next != "" {
			t.Errorf("%s: got %v, next %q, want %s", query, got, next, want)
		}
	}
	for sort, want := range map[string]string{"": "a B c d", "&sort=-name": "d c B a", "&sort=created": "d B a c", "&sort=expires": "c B a d", "&sort=-expires": "d a B c"} {
		var got []string
		for next := ""; ; {
			var page []string
			if page, next = d.list(t, "limit=1"+sort+"&cursor="+next); len(page) > 1 {
				t.Fatalf("got a page of %d", len(page))
			}
			if got = append(got, page...); next == "" {
				break
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("got %v by pages, want %s", got, want)
		}
	}
	_, next := d.list(t, "limit=1&sort=created")
	for query, field := range map[string]string{
		"user=nobody": "user", "enabled=yes": "enabled", "enabled=": "", "expiring_in_days=0": "expiring_in_days", "expiring_in_days=-1": "expiring_in_days",
		"q=a&sort=expires": "sort", "expiring_in_days=3&sort=name": "sort", "sort=last_used": "sort", "sort=expires&cursor=" + next: "cursor",
		"expiring_in_days=36501": "expiring_in_days", "expiring_in_days=soon": "expiring_in_days", "name=a": "name", "cursor=x": "cursor", "limit=201": "limit",
	} {
		a := d.do(t, ask{route: "GET /v1/api-tokens?" + query, token: d.adminToken})
		if field == "" {
			continue
		}
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d, want 422", query, a.status)
			continue
		}
		a.wantField(t, field)
	}
}

// TestAPITokenStops: what an administrator does to a token stops its access tokens at once; the reason is for the audit
// log.
func TestAPITokenStops(t *testing.T) {
	for _, tt := range []struct {
		name, route, body string // an administrator's request; {id} is the token's
		reason            string // why its access token is refused then, and it itself; empty for not
	}{
		{"nothing", "GET /v1/api-tokens/{id}", "", ""},
		{"renamed", "PATCH /v1/api-tokens/{id}", `{"name":"renamed"}`, ""},
		{"disabled", "PATCH /v1/api-tokens/{id}", `{"enabled":false}`, "disabled"},
		{"deleted", "DELETE /v1/api-tokens/{id}", "", "deleted"},
		{"from elsewhere", "PATCH /v1/api-tokens/{id}", `{"allowed_ips":["198.51.100.8"]}`, "address_not_allowed"},
		{"from here", "PATCH /v1/api-tokens/{id}", `{"allowed_ips":["198.51.100.7"]}`, ""},
		{"user blocked", "PATCH /v1/users/amy", `{"state":"blocked"}`, "blocked"},
		{"user renamed", "PATCH /v1/users/amy", `{"username":"eve"}`, ""},
		{"user deleted", "DELETE /v1/users/amy", "", "deleted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tokenDesk(t)
			issued, _ := d.post(t, `{"name":"export","user":"amy","expires_in_days":30}`)
			access := d.exchange(t, issued.Token, accesstoken.Ask{})
			for _, token := range []string{issued.Token, access} {
				d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "")
			}
			a := d.do(t, ask{route: strings.Replace(tt.route, "{id}", issued.ID, 1), token: d.adminToken, body: tt.body})
			if a.status >= 300 {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			d.refused(t)
			for kind, token := range map[string]string{"api_token": issued.Token, "access_token": access} {
				if tt.reason == "" {
					d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "")
					continue
				}
				d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusUnauthorized, api.CodeNotAuthenticated)
				if got := d.refused(t); !slices.Equal(got, []string{"v1 " + tt.reason + " " + kind}) {
					t.Errorf("got refusals %v, want %s of %s", got, tt.reason, kind)
				}
			}
		})
	}
}

// TestAPITokenKeyRevoked: a token whose key was revoked says so, for what else is said of it is no use.
func TestAPITokenKeyRevoked(t *testing.T) {
	d := tokenDesk(t)
	dead, _ := d.post(t, `{"name":"dead","user":"amy","expires_in_days":30}`)
	d.want(t, ask{route: "DELETE /v1/keys/" + dead.KeyID, token: d.adminToken}, http.StatusNoContent, "")
	live, _ := d.post(t, `{"name":"live","user":"amy","expires_in_days":30}`)
	for id, want := range map[string]bool{dead.ID: true, live.ID: false} {
		var got api.APIToken
		d.want(t, ask{route: "GET /v1/api-tokens/" + id, token: d.adminToken}, http.StatusOK, "").into(t, &got)
		if got.KeyRevoked != want || !got.Enabled {
			t.Errorf("got %+v, want its key revoked %t", got, want)
		}
	}
}

// TestAPITokenEnabledAgain: what was disabled and is enabled works as before; what was deleted doesn't.
func TestAPITokenEnabledAgain(t *testing.T) {
	d := tokenDesk(t)
	issued, _ := d.post(t, `{"name":"export","user":"amy","expires_in_days":30}`)
	for _, step := range []struct {
		enabled string
		status  int
	}{{"false", 401}, {"true", 200}, {"false", 401}} {
		d.want(t, ask{route: "PATCH /v1/api-tokens/" + issued.ID, token: d.adminToken, body: `{"enabled":` + step.enabled + `}`}, http.StatusOK, "")
		if a := d.do(t, ask{route: "GET /v1/me", token: issued.Token}); a.status != step.status {
			t.Errorf("enabled %s: got %d, want %d", step.enabled, a.status, step.status)
		}
	}
	d.want(t, ask{route: "DELETE /v1/api-tokens/" + issued.ID, token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: "PATCH /v1/api-tokens/" + issued.ID, token: d.adminToken, body: `{"enabled":true}`}, http.StatusNotFound, api.CodeNotFound)
	d.want(t, ask{route: "GET /v1/me", token: issued.Token}, http.StatusUnauthorized, api.CodeNotAuthenticated)
}

// TestAPITokenLastUsed: a record tells when it was used, and from where: itself, or an access token of it.
func TestAPITokenLastUsed(t *testing.T) {
	d := tokenDesk(t)
	issued, _ := d.post(t, `{"name":"export","user":"amy","expires_in_days":30}`)
	access := d.exchange(t, issued.Token, accesstoken.Ask{})
	d.now.Add(120)
	d.want(t, ask{route: "GET /v1/me", token: access}, http.StatusOK, "")
	check(t, d.authority.StoreUses(t.Context()))
	var got api.APIToken
	d.want(t, ask{route: "GET /v1/api-tokens/" + issued.ID, token: d.adminToken}, http.StatusOK, "").into(t, &got)
	if !got.LastUsedAt.Equal(d.clock().Truncate(time.Minute)) || got.LastUsedIP != clientAddress {
		t.Errorf("got %s from %q, want %s from %s", got.LastUsedAt, got.LastUsedIP, d.clock(), clientAddress)
	}
}

// TestMeNarrowed: who is narrowed is told to what, and by which record it stands.
func TestMeNarrowed(t *testing.T) {
	d := tokenDesk(t)
	text, token := d.issue(t, apitoken.Draft{Name: "export", User: "amy"})
	narrow := d.exchange(t, text, accesstoken.Ask{Scopes: []string{"reports.read"}})
	for _, tt := range []struct {
		token string
		want  api.Credential
	}{
		{text, api.Credential{Kind: "api_token", ID: token.ID.String()}},
		{d.exchange(t, text, accesstoken.Ask{}), api.Credential{Kind: "access_token", ID: token.ID.String()}},
		{narrow, api.Credential{Kind: "access_token", ID: token.ID.String(), Scopes: []string{"reports.read"}}},
	} {
		var me api.Me
		d.want(t, ask{route: "GET /v1/me", token: tt.token}, http.StatusOK, "").into(t, &me)
		if diff := cmp.Diff(tt.want, me.Credential); diff != "" || me.User.Username != "Amy" {
			t.Errorf("credential (-want +got): %s; user %s", diff, me.User.Username)
		}
	}
}

// TestAcceptAPITokens: an API token that wasn't exchanged opens those services alone that say so; what an access token is
// narrowed to, it is held to.
func TestAcceptAPITokens(t *testing.T) {
	d := tokenDesk(t)
	d.serve(t, 0, authority.KindsOf(authority.APIToken, authority.AccessToken))
	text, token := d.issue(t, apitoken.Draft{Name: "export", User: "amy"})
	verdict := func(bearer string) api.Verdict {
		return d.verdict(t, d.adminToken, api.VerifyRequest{Authorization: "Bearer " + bearer, Method: "GET", URL: "https://api.example.com/reports/7"})
	}
	for _, accepted := range []string{"", "true", "false", "true", "null"} {
		if accepted != "" {
			d.want(t, ask{route: "PATCH /v1/services/reports", token: d.adminToken, body: `{"accept_api_tokens":` + accepted + `}`}, http.StatusOK, "")
		}
		want := api.Verdict{Service: "reports", Reason: "exchange_first"}
		if accepted == "true" {
			want = api.Verdict{Allow: true, Service: "reports", Principal: &api.Principal{
				UserID: token.UserID.String(), Username: "Amy", Roles: []string{}, Credential: api.Credential{Kind: "api_token", ID: token.ID.String()},
			}}
		}
		if diff := cmp.Diff(want, verdict(text)); diff != "" {
			t.Errorf("accept_api_tokens %q (-want +got): %s", accepted, diff)
		}
	}
	for scope, want := range map[string]string{"reports.read": "", "reports.write": "insufficient_scope"} {
		if got := verdict(d.exchange(t, text, accesstoken.Ask{Scopes: []string{scope}})); got.Reason != want || got.Allow != (want == "") {
			t.Errorf("narrowed to %s: got %+v, want %q", scope, got, want)
		}
	}
}
