package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/httpapi"
	"github.com/jeton-io/jeton/internal/web"
)

// TestNoRoute is about paths and methods that /v1 doesn't have. Nobody needs a credential to be told.
func TestNoRoute(t *testing.T) {
	d := newDesk(t)
	tests := []struct {
		route  string
		status int
		allow  string
	}{
		{"GET /v1/", 404, ""},
		{"GET /v1", 404, ""},
		{"GET /v1/nothing", 404, ""},
		{"GET /v1/me/", 404, ""},
		{"GET /v1//me", 404, ""},
		{"GET /v1/x/../me", 404, ""},
		{"GET /v1/./me", 404, ""},
		{"GET /v1/users/a/b", 404, ""},
		{"GET /v1/users/", 404, ""},
		{"GET /v1/docs", 404, ""},
		{"GET /v1/schemas/User.json", 404, ""},
		{"GET /v1/openapi.yaml", 404, ""},
		{"GET /docs", 404, ""},
		{"GET /openapi.json", 404, ""},
		{"POST /v1/me", 405, "GET, HEAD"},
		{"OPTIONS /v1/me", 405, "GET, HEAD"},
		{"PUT /v1/users", 405, "GET, HEAD, POST"},
		{"POST /v1/users/alice", 405, "DELETE, GET, HEAD, PATCH"},
		{"PATCH /v1/services/reports/operations", 405, "GET, HEAD, PUT"},
		{"GET /v1/verify", 405, "POST"},
		{"DELETE /v1/events", 405, "GET, HEAD"},
		{"POST /v1/openapi.json", 405, "GET, HEAD"},
	}
	for _, tt := range tests {
		code := map[int]api.Code{404: api.CodeNotFound, 405: api.CodeMethodNotAllowed}[tt.status]
		a := d.want(t, ask{route: tt.route}, tt.status, code)
		if got := a.header.Get("Allow"); got != tt.allow {
			t.Errorf("%s: got Allow %q, want %q", tt.route, got, tt.allow)
		}
	}
	if got := d.refused(t); len(got) != 0 {
		t.Errorf("got refusals %v, want none", got)
	}
}

func TestHead(t *testing.T) {
	d := newDesk(t)
	if a := d.want(t, ask{route: "HEAD /v1/me", token: d.adminToken}, http.StatusOK, ""); a.body != "" {
		t.Errorf("got body %q", a.body)
	}
}

// TestLogLine: a line tells who asked for what, by which credential and from where, and the pattern in place of a path.
func TestLogLine(t *testing.T) {
	d := stocked(t)
	d.want(t, ask{route: "GET /v1/users/target", token: d.adminToken}, http.StatusOK, "")
	d.want(t, ask{route: "GET /v1/nothing/secret", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	d.want(t, ask{route: "GET /v1/me", token: flip(d.adminToken)}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.want(t, ask{route: "POST /v1/verify", token: d.adminToken, body: `{"method":"GET","url":"https://api.example.com/reports/7"}`}, http.StatusOK, "")
	d.want(t, ask{route: "GET /v1/users/nobody", token: d.adminToken}, http.StatusNotFound, api.CodeNotFound)
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: `{"canary":"x"}`}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	wants := [][]string{
		{`"path":"/v1/users/{user}"`, `"status":200`, `"client":"` + clientAddress + `"`, `"kind":"personal_token"`, `"user_id":"` + d.admin.ID + `"`, `"credential_id":"` + d.admin.ID + `"`},
		{`"path":"/v1/…"`, `"status":404`, `"reason":"not_found"`, `"client":"` + clientAddress + `"`},
		{`"path":"/v1/me"`, `"status":401`, `"reason":"bad_checksum"`},
		{`"path":"/v1/verify"`, `"status":200`, `"reason":"no_credential"`, `"user_id":"` + d.admin.ID + `"`},
		{`"path":"/v1/users/{user}"`, `"status":404`, `"reason":"not_found"`}, // as the handler finds
		{`"path":"/v1/users"`, `"status":422`, `"reason":"invalid_field"`},    // as huma does
	}
	lines := strings.Split(strings.TrimSpace(d.log.String()), "\n")
	if len(lines) != len(wants) {
		t.Fatalf("got %d lines, want %d: %s", len(lines), len(wants), d.log)
	}
	for i, want := range wants {
		for _, part := range want {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d lacks %s: %s", i, part, lines[i])
			}
		}
	}
}

func TestConfig(t *testing.T) {
	d := newDesk(t)
	good := httpapi.Config{
		Authority: d.authority, Accounts: d.accounts, Tokens: d.tokens, APITokens: d.signed, Clients: d.clients, Browsers: d.browsers, Sessions: d.sessions, Factors: d.factors, Links: d.links, Platforms: d.platforms, Projects: d.projects, Keys: d.keys, Catalog: d.catalog, Events: d.store, Feed: d.changes, Peers: new(web.Peers),
		PublicURL: publicURL, VerifyKinds: authority.KindsOf(authority.PersonalToken),
	}
	if _, err := httpapi.New(good); err != nil {
		t.Errorf("got %v, want a handler", err)
	}
	for name, spoil := range map[string]func(*httpapi.Config){
		"Feed":                   func(c *httpapi.Config) { c.Feed = nil },
		"Authority":              func(c *httpapi.Config) { c.Authority = nil },
		"Accounts":               func(c *httpapi.Config) { c.Accounts = nil },
		"Tokens":                 func(c *httpapi.Config) { c.Tokens = nil },
		"APITokens":              func(c *httpapi.Config) { c.APITokens = nil },
		"Clients":                func(c *httpapi.Config) { c.Clients = nil },
		"Browsers":               func(c *httpapi.Config) { c.Browsers = nil },
		"Sessions":               func(c *httpapi.Config) { c.Sessions = nil },
		"Platforms":              func(c *httpapi.Config) { c.Platforms = nil },
		"Projects":               func(c *httpapi.Config) { c.Projects = nil },
		"Keys":                   func(c *httpapi.Config) { c.Keys = nil },
		"Catalog":                func(c *httpapi.Config) { c.Catalog = nil },
		"Events":                 func(c *httpapi.Config) { c.Events = nil },
		"Peers":                  func(c *httpapi.Config) { c.Peers = nil },
		"PublicURL":              func(c *httpapi.Config) { c.PublicURL = "" },
		"PublicURL, with a host": func(c *httpapi.Config) { c.PublicURL = "/jeton" },
		"VerifyKinds":            func(c *httpapi.Config) { c.VerifyKinds = 0 },
	} {
		bad := good
		spoil(&bad)
		if _, err := httpapi.New(bad); err == nil {
			t.Errorf("got a handler without %s", name)
		}
	}
}
