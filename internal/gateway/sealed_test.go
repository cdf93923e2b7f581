package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestSealedTokens: by either door, the tokens in the query of a call say who calls, at a service that has their project. Nothing of them
// stands in an answer.
func TestSealedTokens(t *testing.T) {
	d, alice, token := reports(t)
	_, err := d.projects.Create(t.Context(), project.Draft{Number: 7, Name: "Seven"}, audit.Actor{})
	check(t, err)
	set, _, err := d.projects.AddSet(t.Context(), 7, project.SetDraft{Name: "safe"}, audit.Actor{})
	check(t, err)
	d.service(t, catalog.Draft{Name: "documents", Host: "docs.example.com", Project: 7}, "GET /{id} role:partner")
	made, err := d.projects.Seal(t.Context(), project.Screen{Number: 7, Set: set.ID, Parameter: "XST"}, secret.Text("UserName=alice&GenDT="+opened().Format("2006-01-02T15:04:05Z")), audit.Actor{})
	check(t, err)
	good, bad := "?a=b&XST="+made.URL, "?a=b&XST=A"+made.URL[1:]+"A"
	for name, request := range map[string]func(token, host, uri string) *http.Request{
		"nginx":   func(token, host, uri string) *http.Request { return question(token, "GET", "https://"+host+uri) },
		"Traefik": func(token, host, uri string) *http.Request { return forwarded(token, "GET", host, uri) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, tt := range []struct {
				what, token, host, uri string
				status                 int // that a caller sees
				reason                 string
			}{
				{"good", "", "docs.example.com", "/7" + good, http.StatusOK, ""},
				{"changed", "", "docs.example.com", "/7" + bad, http.StatusUnauthorized, "bad_seal"},
				{"twice", "", "docs.example.com", "/7" + good + "&xst=1", http.StatusBadRequest, "two_credentials"},
				{"beside a bearer token", token, "docs.example.com", "/7" + good, http.StatusBadRequest, "two_credentials"},
				{"behind a second question mark", "", "docs.example.com", "/7?" + good, http.StatusOK, ""},
				{"in the path", "", "docs.example.com", "/7&XST=" + made.URL, http.StatusUnauthorized, "no_credential"},
				{"to a service without a project", "", "api.example.com", "/reports/7" + good, http.StatusUnauthorized, "no_credential"},
				{"there, beside a bearer token", token, "api.example.com", "/reports/7" + good, http.StatusOK, ""},
			} {
				res, refusals := d.ask(t, request(tt.token, tt.host, tt.uri))
				seen := res.status
				if tt.status == http.StatusBadRequest && seen == http.StatusForbidden && res.header.Get("X-Jeton-Status") == "400" {
					seen = http.StatusBadRequest // as nginx can't be told
				}
				if seen != tt.status {
					t.Errorf("%s: got %d, want %d", tt.what, res.status, tt.status)
				}
				if tt.reason == "" && (len(refusals) > 0 || res.header.Get("Remote-User") != alice.Username) {
					t.Errorf("%s: got %v and the refusals %v, want alice let in", tt.what, res.header, refusals)
				}
				if tt.reason != "" && (len(refusals) != 1 || refusals[0].Reason != tt.reason || strings.Contains(refusals[0].Target.Name, "XST=")) {
					t.Errorf("%s: got the refusals %+v, want one for %s", tt.what, refusals, tt.reason)
				}
				for name, values := range res.header {
					if strings.Contains(strings.Join(values, " "), made.URL[:20]) {
						t.Errorf("%s: the header %s holds the token", tt.what, name)
					}
				}
			}
		})
	}
}
