package policy_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/policy"
)

const (
	aliceID = "0190a0c0-1111-7abc-8def-00000000000a"
	bobID   = "0190a0c0-1111-7abc-8def-00000000000b"
)

func alice() policy.Subject {
	return policy.Subject{UserID: uuid.MustParse(aliceID), Roles: []string{"staff", "partner"}}
}

// operations gives each pattern an audience in which alice is.
func operations(patterns ...string) []policy.Operation {
	var ops []policy.Operation
	for _, p := range patterns {
		ops = append(ops, policy.Operation{Pattern: p, Audience: []policy.Audience{policy.RoleAudience("staff")}})
	}
	return ops
}

// compiled compiles s as the service of the host api.example.com.
func compiled(t testing.TB, s policy.Service) *policy.CompiledService {
	t.Helper()
	s.Name, s.Host = "reports", "api.example.com"
	table, err := policy.Compile([]policy.Service{s})
	if err != nil {
		t.Fatal(err)
	}
	found, ok := table.Find(s.Host, s.PathPrefix+"/")
	if !ok {
		t.Fatalf("Find(%q, %q): got nothing", s.Host, s.PathPrefix+"/")
	}
	return found
}

// outcome writes a verdict as its reason or, where an operation admitted, its
// pattern; "default" where none was needed.
func outcome(v policy.Verdict) string {
	switch {
	case v.Allowed != (v.Reason == policy.ReasonNone):
		return "contradiction"
	case !v.Allowed:
		return string(v.Reason)
	case v.Operation == nil:
		return "default"
	default:
		return v.Operation.Pattern
	}
}

func TestAuthorizeMatches(t *testing.T) {
	s := compiled(t, policy.Service{PathPrefix: "/api", Operations: operations(
		"GET /reports/{id}", "GET /reports/latest", "/reports/{id}", "POST /reports/{$}", "HEAD /reports/head",
		"GET /files/{path...}", "GET /files/{name}/meta", "/tree/", "GET /tree/{$}", "DELETE /tree/leaf",
		"GET /caf%C3%A9/{x}", "GET /a%20b", "GET /a+b", "CONNECT /c", "GET /{$}", "GET /deep/{a}/x/{c}", "GET /deep/l/x/y", "GET /deep/{b...}",
	)})
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/api/reports/1", "GET /reports/{id}"},
		{"GET", "/api/reports/latest", "GET /reports/latest"},
		{"HEAD", "/api/reports/latest", "GET /reports/latest"},
		{"HEAD", "/api/reports/head", "HEAD /reports/head"},
		{"GET", "/api/reports/head", "GET /reports/{id}"},
		{"PUT", "/api/reports/latest", "/reports/{id}"},
		{"get", "/api/reports/1", "/reports/{id}"},
		{"", "/api/reports/1", "/reports/{id}"},
		{"GET", "/api/reports/", "no_operation"},
		{"POST", "/api/reports/", "POST /reports/{$}"},
		{"POST", "/api/reports", "no_operation"},
		{"GET", "/api/reports/1/", "no_operation"},
		{"GET", "/api/reports/1/2", "no_operation"},
		{"GET", "/api/reportsX", "no_operation"},
		{"GET", "/api/files/", "GET /files/{path...}"},
		{"GET", "/api/files", "no_operation"},
		{"GET", "/api/files/a/b/", "GET /files/{path...}"},
		{"GET", "/api/files/a/meta", "GET /files/{name}/meta"},
		{"GET", "/api/files/a/metal", "GET /files/{path...}"},
		{"GET", "/api/tree/", "GET /tree/{$}"},
		{"PUT", "/api/tree/", "/tree/"},
		{"PUT", "/api/tree", "no_operation"},
		{"DELETE", "/api/tree/leaf", "DELETE /tree/leaf"},
		{"DELETE", "/api/tree/leaf/", "/tree/"},
		{"GET", "/api/caf\u00e9/1", "GET /caf%C3%A9/{x}"},
		{"GET", "/api/caf%c3%a9/1", "GET /caf%C3%A9/{x}"},
		{"GET", "/api/cafe/1", "no_operation"},
		{"GET", "/api/a%20b", "GET /a%20b"},
		{"GET", "/api/a b", "GET /a%20b"},
		{"GET", "/api/a%2Bb", "GET /a+b"},
		{"GET", "/api/a+b", "GET /a+b"},
		{"CONNECT", "/api/c", "CONNECT /c"},
		{"GET", "/api/", "GET /{$}"},
		{"GET", "/api", "no_operation"},
		{"GET", "/api/deep/l/x/y", "GET /deep/l/x/y"},
		{"GET", "/api/deep/l/x/z", "GET /deep/{a}/x/{c}"},
		{"GET", "/api/deep/l/z/y", "GET /deep/{b...}"},
		{"GET", "/api/deep/l/x/y/", "GET /deep/{b...}"},
		{"GET", "/API/reports/1", "no_operation"},
		{"GET", "/apis/reports/1", "no_operation"},
		{"GET", "/reports/1", "no_operation"},
		{"GET", "/api/%72eports/1", "ambiguous_path"},
		{"GET", "/%61pi/reports/1", "ambiguous_path"},
		{"GET", "/api/x/../reports/1", "ambiguous_path"},
		{"GET", "/api//reports/1", "ambiguous_path"},
	} {
		if got := outcome(s.Authorize(test.method, test.path, alice())); got != test.want {
			t.Errorf("%s %s: got %s, want %s", test.method, test.path, got, test.want)
		}
	}
}

// TestAuthorizeSuspended has a service that admits alice by an operation and by its default, and the same one suspended.
func TestAuthorizeSuspended(t *testing.T) {
	for _, test := range []struct{ path, want string }{
		{"/api/reports/1", "GET /reports/{id}"},
		{"/api/else", "default"},
		{"/api//reports/1", "ambiguous_path"},
	} {
		s := policy.Service{PathPrefix: "/api", Default: policy.DefaultAuthenticated, Operations: operations("GET /reports/{id}")}
		if got := outcome(compiled(t, s).Authorize("GET", test.path, alice())); got != test.want {
			t.Errorf("%s: got %s, want %s", test.path, got, test.want)
		}
		s.Suspended = true
		shut := compiled(t, s)
		if got := outcome(shut.Authorize("GET", test.path, alice())); got != "service_suspended" || !shut.Suspended() {
			t.Errorf("%s: got %s of the suspended service, want service_suspended", test.path, got)
		}
	}
}

func TestAuthorizeAudience(t *testing.T) {
	bob := policy.Subject{UserID: uuid.MustParse(bobID), Roles: []string{"Staff", "staff2", "taff", ""}}
	user := func(id string) policy.Audience { return policy.UserAudience(uuid.MustParse(id)) }
	for _, test := range []struct {
		name     string
		audience []policy.Audience
		subject  policy.Subject
		want     bool
	}{
		{"nobody", nil, alice(), false},
		{"the user", []policy.Audience{user(aliceID)}, alice(), true},
		{"another user", []policy.Audience{user(aliceID)}, bob, false},
		{"one user of two", []policy.Audience{user(bobID), user(aliceID)}, alice(), true},
		{"the role", []policy.Audience{policy.RoleAudience("staff")}, alice(), true},
		{"the second role", []policy.Audience{policy.RoleAudience("partner")}, alice(), true},
		{"similar roles", []policy.Audience{policy.RoleAudience("staff")}, bob, false},
		{"user or role", []policy.Audience{user(bobID), policy.RoleAudience("partner")}, alice(), true},
		{"zero subject", []policy.Audience{policy.RoleAudience("staff")}, policy.Subject{Roles: []string{"staff"}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			// The default admits everyone, and must not count where an operation matches.
			s := compiled(t, policy.Service{
				Default:    policy.DefaultAuthenticated,
				Operations: []policy.Operation{{Pattern: "GET /x", Audience: test.audience, Scope: "x.read"}},
			})
			v := s.Authorize("GET", "/x", test.subject)
			if v.Allowed != test.want || v.Operation == nil || v.Operation.Scope != "x.read" {
				t.Errorf("got %+v, want allowed %t by the operation of scope x.read", v, test.want)
			}
			if !test.want && v.Reason != policy.ReasonNotInAudience {
				t.Errorf("got reason %q, want %q", v.Reason, policy.ReasonNotInAudience)
			}
		})
	}
}

func TestAuthorizeSelf(t *testing.T) {
	for _, test := range []struct {
		name, prefix, pattern, variable, path string
		want                                  bool
	}{
		{"own", "", "GET /users/{userId}", "userId", "/users/" + aliceID, true},
		{"another's", "", "GET /users/{userId}", "userId", "/users/" + bobID, false},
		{"upper case", "", "GET /users/{userId}", "userId", "/users/" + strings.ToUpper(aliceID), false},
		{"without hyphens", "", "GET /users/{userId}", "userId", "/users/" + strings.ReplaceAll(aliceID, "-", ""), false},
		{"in braces", "", "GET /users/{userId}", "userId", "/users/{" + aliceID + "}", false},
		{"as URN", "", "GET /users/{userId}", "userId", "/users/urn:uuid:" + aliceID, false},
		{"with a space", "", "GET /users/{userId}", "userId", "/users/" + aliceID + "%20", false},
		{"cut", "", "GET /users/{userId}", "userId", "/users/" + aliceID[:35], false},
		{"in the middle", "/api", "/u/{userId}/x/{other}", "userId", "/api/u/" + aliceID + "/x/1", true},
		{"in the wrong place", "/api", "/u/{userId}/x/{other}", "userId", "/api/u/1/x/" + aliceID, false},
		{"second variable", "/api", "/u/{a}/x/{userId}", "userId", "/api/u/1/x/" + aliceID, true},
		{"after an encoded segment", "", "/u/{a}/{userId}/", "userId", "/u/%C3%A9/" + aliceID + "/x", true},
		{"remainder", "", "/u/{rest...}", "rest", "/u/" + aliceID, true},
		{"remainder with more", "", "/u/{rest...}", "rest", "/u/" + aliceID + "/x", false},
		{"remainder with a slash", "", "/u/{rest...}", "rest", "/u/" + aliceID + "/", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := compiled(t, policy.Service{PathPrefix: test.prefix, Operations: []policy.Operation{
				{Pattern: test.pattern, Audience: []policy.Audience{policy.SelfAudience(test.variable)}},
			}})
			v := s.Authorize("GET", test.path, alice())
			if v.Allowed != test.want || v.Operation == nil {
				t.Errorf("got %+v, want allowed %t by %s", v, test.want, test.pattern)
			}
		})
	}
	t.Run("zero ID", func(t *testing.T) {
		s := compiled(t, policy.Service{Operations: []policy.Operation{
			{Pattern: "/u/{id}", Audience: []policy.Audience{policy.SelfAudience("id")}},
		}})
		if v := s.Authorize("GET", "/u/"+uuid.Nil.String(), policy.Subject{}); v.Allowed {
			t.Errorf("got %+v, want nobody to be admitted as the zero ID", v)
		}
	})
}

func TestAuthorizeDefault(t *testing.T) {
	for _, test := range []struct {
		name    string
		def     policy.Default
		path    string
		subject policy.Subject
		want    string
	}{
		{"unset", "", "/other", alice(), "no_operation"},
		{"deny", policy.DefaultDeny, "/other", alice(), "no_operation"},
		{"authenticated", policy.DefaultAuthenticated, "/other", alice(), "default"},
		{"authenticated, zero subject", policy.DefaultAuthenticated, "/other", policy.Subject{}, "not_in_audience"},
		{"authenticated, bad path", policy.DefaultAuthenticated, "/other/../x", alice(), "ambiguous_path"},
		{"authenticated, operation matches", policy.DefaultAuthenticated, "/closed", alice(), "not_in_audience"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := compiled(t, policy.Service{Default: test.def, Operations: []policy.Operation{{Pattern: "/closed"}}})
			if got := outcome(s.Authorize("GET", test.path, test.subject)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	s := compiled(t, policy.Service{PathPrefix: "/api", Default: policy.DefaultAuthenticated})
	if got := outcome(s.Authorize("GET", "/apis", alice())); got != "no_operation" {
		t.Errorf("a path outside the prefix: got %s, want no_operation", got)
	}
}
