package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
)

// TestStrictJSON sends bodies that some reader of JSON would take, each beside a twin that differs in a byte or two and
// is taken here.
func TestStrictJSON(t *testing.T) {
	const malformed, invalid = api.CodeMalformedJSON, api.CodeInvalidField
	deep := func(n int) string {
		return `{"display_name":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	tests := []struct {
		name   string
		body   string
		code   api.Code
		fields []string
		twin   string
	}{
		{"duplicate", `{"username":"x1","username":"x2"}`, malformed, []string{"username stands twice"}, `{"username":"x1","email":"x1@example.com"}`},
		{"duplicate, alike", `{"username":"x3","username":"x3"}`, malformed, []string{"username stands twice"}, `{"username":"x3"}`},
		{"duplicate, escaped", `{"username":"x4","us\u0065rname":"x5"}`, malformed, []string{"username stands twice"}, `{"us\u0065rname":"x4"}`},
		{"duplicate, below", `{"username":"x6","email":{"a":1,"a":2}}`, malformed, []string{"email.a stands twice"}, `{"username":"x6"}`},
		{"duplicate, in a list", `{"username":"x7","roles":["a",{"b":1,"b":1}]}`, malformed, []string{"roles[1].b stands twice"}, `{"username":"x7","roles":["a"]}`},
		{"case", `{"Username":"x8"}`, invalid, []string{"Username is unknown", "username is missing"}, `{"username":"x8"}`},
		{"case, beside", `{"username":"x9","Email":"x9@example.com"}`, invalid, []string{"Email is unknown"}, `{"username":"x9","email":"x9@example.com"}`},
		{"case, folded by Unicode", `{"uſername":"x10"}`, invalid, []string{"body has a member that is unknown"}, `{"username":"x10"}`},
		{"unknown", `{"username":"x11","rolls":["a"]}`, invalid, []string{"rolls is unknown"}, `{"username":"x11","roles":["a"]}`},
		{"unknown, two", `{"username":"x12","b":1,"a":1}`, invalid, []string{"a is unknown", "b is unknown"}, `{"username":"x12"}`},
		{"unknown, not a name", `{"username":"x13","a.b":1}`, invalid, []string{"body has a member that is unknown"}, `{"username":"x13"}`},
		{"unknown, too long", `{"username":"x14","` + strings.Repeat("a", 33) + `":1}`, invalid, []string{"body has a member that is unknown"}, `{"username":"x14"}`},
		{"unknown, empty", `{"username":"x15","":1}`, invalid, []string{"body has a member that is unknown"}, `{"username":"x15"}`},
		{"number for text", `{"username":16}`, invalid, []string{"username is not a string"}, `{"username":"16"}`},
		{"number that no float holds", `{"username":1e999}`, invalid, []string{"username is not a string"}, `{"username":"1e999"}`},
		{"null for what is needed", `{"username":null}`, invalid, []string{"username is not a string"}, `{"username":"null"}`},
		{"text for a list", `{"username":"x17","roles":"a"}`, invalid, []string{"roles is not a list"}, `{"username":"x17","roles":["a"]}`},
		{"object in a list", `{"username":"x18","roles":["a",{}]}`, invalid, []string{"roles[1] is not a string"}, `{"username":"x18","roles":["a","b"]}`},
		{"none of a few", `{"username":"x19","kind":"Person"}`, invalid, []string{"kind is none of person, service"}, `{"username":"x19","kind":"person"}`},
		{"missing", `{}`, invalid, []string{"username is missing"}, `{"username":"x20"}`},
		{"list", `[{"username":"x21"}]`, invalid, []string{"body is not an object"}, `{"username":"x21"}`},
		{"null", `null`, invalid, []string{"body is not an object"}, `{"username":"x22"}`},
		{"two values", `{"username":"x23"}{}`, malformed, nil, `{"username":"x23"}` + " \r\n\t"},
		{"rest", `{"username":"x24"}x`, malformed, nil, `{"username":"x24"} `},
		{"cut", `{"username":"x25"`, malformed, nil, `{"username":"x25"}`},
		{"comma too many", `{"username":"x26",}`, malformed, nil, `{"username":"x26"}`},
		{"comment", `{"username":"x27"}//`, malformed, nil, `{"username":"x27"}`},
		{"single quotes", `{'username':'x28'}`, malformed, nil, `{"username":"x28"}`},
		{"byte order mark", "\ufeff" + `{"username":"x29"}`, malformed, nil, `{"username":"x29"}`},
		{"no UTF-8", "{\"username\":\"x\xff30\"}", malformed, nil, "{\"username\":\"xÿ30\"}"},
		{"half a pair", `{"username":"x31\ud83d"}`, malformed, nil, `{"username":"x31\ud83d\ude00"}`},
		{"other half", `{"username":"x32\ude00"}`, malformed, nil, `{"username":"x32\\ude00"}`},
		{"pair turned round", `{"username":"x33\ude00\ud83d"}`, malformed, nil, `{"username":"x33\uD83D\uDE00"}`},
		{"control character", "{\"username\":\"x34\n\"}", malformed, nil, `{"username":"x34n"}`},
		{"too deep", deep(32), malformed, nil, ""},
		{"very deep", strings.Repeat("[", 100_000), malformed, nil, ""},
		{"deep enough", deep(31), invalid, []string{"display_name is not a string", "username is missing"}, ""},
		{"space", " ", malformed, nil, ""},
	}
	d := newDesk(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status := api.Lookup(tt.code).Status
			got := d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: tt.body}, status, tt.code).fields(t)
			if diff := cmp.Diff(tt.fields, got); diff != "" {
				t.Errorf("fields (-want +got): %s", diff)
			}
			if tt.twin != "" {
				d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: tt.twin}, http.StatusCreated, "")
			}
		})
	}
}

// TestManyProblems: a body of a thousand wrong members is answered in a few lines.
func TestManyProblems(t *testing.T) {
	d := newDesk(t)
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `"m%d":1,`, i)
	}
	a := d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: "{" + b.String() + `"username":"x"}`}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	if got := a.fields(t); len(got) != 20 || !slices.IsSorted(got) {
		t.Errorf("got %d problems %v, want the first 20", len(got), got)
	}
}

// TestBodySize sends a body of exactly the limit, and one of a byte more.
func TestBodySize(t *testing.T) {
	d := newDesk(t)
	body := func(size int, name string) string {
		text := `{"username":"` + name + `"}`
		return text + strings.Repeat(" ", size-len(text))
	}
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: body(1<<20, "fits")}, http.StatusCreated, "")
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: body(1<<20+1, "toolong")}, http.StatusRequestEntityTooLarge, api.CodeTooLarge)
}

// TestBodyForm is about what a request says of its body.
func TestBodyForm(t *testing.T) {
	d := newDesk(t)
	user, err := d.accounts.Create(t.Context(), draftOf("patched"), adminActor())
	check(t, err)
	type header = map[string]string
	const unsupported, malformed = http.StatusUnsupportedMediaType, http.StatusBadRequest
	tests := []struct {
		name   string
		header header
		patch  int
		put    int
	}{
		{"JSON", header{"Content-Type": "application/json"}, 200, 204},
		{"with charset", header{"Content-Type": "application/json; charset=utf-8"}, 200, 204},
		{"in capitals", header{"Content-Type": `Application/JSON;Charset="UTF-8"`}, 200, 204},
		{"merge patch", header{"Content-Type": "application/merge-patch+json"}, 200, unsupported},
		{"missing", header{"Content-Type": ""}, unsupported, unsupported},
		{"other charset", header{"Content-Type": "application/json; charset=utf-7"}, unsupported, unsupported},
		{"other parameter", header{"Content-Type": "application/json; profile=x"}, unsupported, unsupported},
		{"form", header{"Content-Type": "application/x-www-form-urlencoded"}, unsupported, unsupported},
		{"text", header{"Content-Type": "text/plain"}, unsupported, unsupported},
		{"some other JSON", header{"Content-Type": "application/vnd.x+json"}, unsupported, unsupported},
		{"JSON patch", header{"Content-Type": "application/json-patch+json"}, unsupported, unsupported},
		{"no media type", header{"Content-Type": "json"}, unsupported, unsupported},
		{"two in one field", header{"Content-Type": "application/json, text/plain"}, unsupported, unsupported},
		{"compressed", header{"Content-Encoding": "gzip"}, unsupported, unsupported},
	}
	d.service(t, serviceDraft("reports"))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code := map[int]api.Code{unsupported: api.CodeUnsupportedMediaType}
			d.want(t, ask{route: "PATCH /v1/users/" + user.ID.String(), token: d.adminToken, body: `{}`, header: tt.header}, tt.patch, code[tt.patch])
			put := map[string]string{"If-Match": "*"}
			for k, v := range tt.header {
				put[k] = v
			}
			d.want(t, ask{route: "PUT /v1/services/reports/operations", token: d.adminToken, body: `[]`, header: put}, tt.put, code[tt.put])
		})
	}
	twice, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/users", strings.NewReader(`{"username":"x"}`))
	check(t, err)
	twice.Header["Authorization"] = []string{"Bearer " + d.adminToken}
	twice.Header["Content-Type"] = []string{"application/json", "application/json"}
	if a := d.send(t, twice); a.status != unsupported {
		t.Errorf("got %d for two fields of Content-Type, want 415", a.status)
	}
	for _, s := range samples() {
		if s.body != "" {
			d.want(t, ask{route: s.route, token: d.adminToken, header: s.header}, malformed, api.CodeMalformedJSON)
		}
	}
}

// slowly is a body whose length isn't known, so that it comes in chunks; it may fail before its end.
type slowly struct {
	io.Reader
	err error
}

func (s *slowly) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err == io.EOF && s.err != nil {
		err = s.err
	}
	return n, err
}

func TestChunkedBody(t *testing.T) {
	d := newDesk(t)
	for _, tt := range []struct {
		body   string
		status int
	}{
		{`{"username":"chunk"}`, http.StatusCreated},
		{``, http.StatusBadRequest},
		{`{"username":"long"}` + strings.Repeat(" ", 1<<20), http.StatusRequestEntityTooLarge},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/users", &slowly{Reader: bytes.NewReader([]byte(tt.body))})
		check(t, err)
		r.Header.Set("Authorization", "Bearer "+d.adminToken)
		r.Header.Set("Content-Type", "application/json")
		if a := d.send(t, r); a.status != tt.status {
			t.Errorf("got %d %s for a body of %d bytes in chunks, want %d", a.status, a.body, len(tt.body), tt.status)
		}
	}
}

// TestUnreadBody: a caller who isn't let in doesn't get its body read.
func TestUnreadBody(t *testing.T) {
	d := newDesk(t)
	d.want(t, ask{route: "POST /v1/users", body: `{"username":`}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.want(t, ask{route: "POST /v1/users", body: `{"username":`, header: map[string]string{"Content-Type": "text/plain"}}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	_, token := d.user(t, draftOf("alice"))
	d.want(t, ask{route: "POST /v1/users", token: token, body: `{"username":`}, http.StatusForbidden, api.CodeNotAllowed)
}

// TestAccept: who wants no JSON is told so before anything is changed.
func TestAccept(t *testing.T) {
	d := newDesk(t)
	tests := []struct {
		accept string
		want   int
	}{
		{"", 200},
		{"*/*", 200},
		{"application/json", 200},
		{"APPLICATION/json", 200},
		{"application/*;q=0.1", 200},
		{"text/html, application/json;q=0.1", 200},
		{"text/html, */*;q=0.1", 200},
		{"application/json; charset=utf-8", 200},
		{"text/html;,application/json", 200}, // one on which huma's own reader panics
		{"application/json, */*;q=0", 200},
		{"*/*, application/json;q=0", 406},
		{"application/json;q=0.0", 406},
		{"text/html", 406},
		{"application/yaml", 406},
		{"application/json-patch", 406},
		{"json", 406},
		{"a;,bbbbbbbb", 406},
	}
	for _, tt := range tests {
		code := map[int]api.Code{406: api.CodeNotAcceptable}[tt.want]
		d.want(t, ask{route: "GET /v1/me", token: d.adminToken, header: map[string]string{"Accept": tt.accept}}, tt.want, code)
	}
	d.want(t, ask{route: "POST /v1/me/personal-token", token: d.adminToken, header: map[string]string{"Accept": "text/html"}}, http.StatusNotAcceptable, api.CodeNotAcceptable)
	d.want(t, ask{route: "GET /v1/me", token: d.adminToken}, http.StatusOK, "") // it wasn't rotated
	a := d.do(t, ask{route: "GET /v1/me", token: d.adminToken, header: map[string]string{"Accept": "text/plain"}})
	if a.status != http.StatusNotAcceptable || strings.HasPrefix(a.body, "{") {
		t.Errorf("got %d %s, want 406 in plain text", a.status, a.body)
	}
}

func TestQuery(t *testing.T) {
	d := newDesk(t)
	tests := []struct {
		query  string
		code   api.Code
		fields []string
		twin   string
	}{
		{"limit=0", api.CodeInvalidField, []string{"limit is less than 1"}, "limit=1"},
		{"limit=201", api.CodeInvalidField, []string{"limit is more than 200"}, "limit=200"},
		{"limit=many", api.CodeInvalidField, []string{"limit is not an integer"}, "limit=20"},
		{"limit=1&limit=2", api.CodeMalformedRequest, nil, "limit=2"},
		{"limits=1", api.CodeInvalidField, []string{"limits is unknown"}, "limit=1"},
		{"some%20thing=1", api.CodeInvalidField, []string{"query is unknown"}, "limit=1"},
		{"limit=%zz", api.CodeMalformedRequest, nil, "limit=%31"},
		{"limit=1;cursor=", api.CodeMalformedRequest, nil, "limit=1&cursor="},
		{"action=%ff", api.CodeMalformedRequest, nil, "action=user.create"},
		{"action=%00", api.CodeMalformedRequest, nil, "action=refused"},
		{"action=refuse", api.CodeInvalidField, []string{"action is no action"}, "action=refused"},
		{"reason=block", api.CodeInvalidField, []string{"reason is no reason"}, "reason=blocked"},
		{"cursor=AAAA", api.CodeInvalidField, []string{"cursor is none that this listing has given"}, "cursor="},
		{"since=yesterday", api.CodeInvalidField, []string{"since is not a time such as 2026-01-31T12:00:00Z"}, "since=2026-11-20T00:00:00Z"},
		{"until=2026-11-20", api.CodeInvalidField, []string{"until is not a time such as 2026-01-31T12:00:00Z"}, "until=2026-11-20T00:00:00.5%2B01:00"},
	}
	for _, tt := range tests {
		a := d.want(t, ask{route: "GET /v1/events?" + tt.query, token: d.adminToken}, api.Lookup(tt.code).Status, tt.code)
		if diff := cmp.Diff(tt.fields, a.fields(t)); diff != "" {
			t.Errorf("%s: fields (-want +got): %s", tt.query, diff)
		}
		d.want(t, ask{route: "GET /v1/events?" + tt.twin, token: d.adminToken}, http.StatusOK, "")
	}
	d.want(t, ask{route: "GET /v1/me?verbose=1", token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField)
}
