package policy_test

import (
	"testing"

	"github.com/jeton-io/jeton/internal/policy"
)

// TestAuthorizeReadings holds that a path with parameters or empty segments is
// admitted only as what it also means without them.
func TestAuthorizeReadings(t *testing.T) {
	patterns := operations("/", "/admin/", "/items/{id}", "/items/{id}/{$}", "/files/{path...}", "/files/secret/{p...}", "/one")
	for _, test := range []struct{ name, allow, path, want string }{
		{"semicolon not allowed", "", "/items/a;b", "ambiguous_path"},
		{"parameters of a variable", ";", "/items/a;b", "/items/{id}"},
		{"encoded parameters of a variable", "", "/items/a%3Bb", "/items/{id}"},
		{"parameters in a subtree", ";", "/files/a;v=1/b;w=2", "/files/{path...}"},
		{"parameters hide a literal", ";", "/admin;x/users", "ambiguous_path"},
		{"encoded parameters hide a literal", "", "/admin%3bx/users", "ambiguous_path"},
		{"upper-case encoded parameters hide a literal", "", "/admin%3Bx/users", "ambiguous_path"},
		{"the twin with a colon hides nothing", "", "/admin:x/users", "/"},
		{"parameters at the end of a literal", ";", "/one;x", "ambiguous_path"},
		{"parameters of an open literal", ";", "/two;x", "/"},
		{"parameters hide a deeper literal", ";", "/files/secret;/x", "ambiguous_path"},
		{"empty segments not allowed", "", "/files//a", "ambiguous_path"},
		{"empty segment in a remainder", "//", "/files/a//b", "/files/{path...}"},
		{"empty segment first in a remainder", "//", "/files//a", "/files/{path...}"},
		{"empty segment at the end of a remainder", "//", "/files/a//", "/files/{path...}"},
		{"empty segment hides a deeper literal", "//", "/files//secret/x", "ambiguous_path"},
		{"empty segment hides a literal", "//", "//admin/users", "ambiguous_path"},
		{"empty segment is no variable", "//", "/items//x/", "ambiguous_path"},
		{"empty segment before a variable", "//", "/items//a", "ambiguous_path"},
		{"both", ";//", "/files//a;v=1", "/files/{path...}"},
		{"both together hide a literal", ";//", "//admin;x/users", "ambiguous_path"},
		{"slashes only", "//", "///", "/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := compiled(t, policy.Service{AllowInPath: test.allow, Operations: patterns})
			if got := outcome(s.Authorize("GET", test.path, alice())); got != test.want {
				t.Errorf("%s: got %s, want %s", test.path, got, test.want)
			}
		})
	}
}

// TestAuthorizeReadingsOfOtherServices hides another service's prefix from
// Find, as nginx would find it after it has merged slashes.
func TestAuthorizeReadingsOfOtherServices(t *testing.T) {
	open := policy.DefaultAuthenticated
	table, err := policy.Compile([]policy.Service{
		{Name: "root", Host: "h", Default: open, AllowInPath: ";//"},
		{Name: "admin", Host: "h", PathPrefix: "/admin", AllowInPath: ";//"},
		{Name: "port", Host: "h:81", PathPrefix: "/ops"},
		{Name: "elsewhere", Host: "i", PathPrefix: "/there"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{"//x", "default"},
		{"/x;admin", "default"},
		{"//admin/x", "ambiguous_path"},
		{"/admin;/x", "ambiguous_path"},
		{"/admin%3b/x", "ambiguous_path"},
		{"//ops/x", "ambiguous_path"},
		{"//there/x", "default"},
	} {
		s, ok := table.Find("h", test.path)
		if !ok || s.Name() != "root" {
			t.Errorf("Find(%s): got %v, want root", test.path, s)
			continue
		}
		if got := outcome(s.Authorize("GET", test.path, alice())); got != test.want {
			t.Errorf("%s: got %s, want %s", test.path, got, test.want)
		}
	}
}
