package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/policy"
)

func TestPatterns(t *testing.T) {
	for _, test := range []struct{ name, bad, problem, good string }{
		{"empty", "", "it is empty", "/"},
		{"no path", "GET ", "write /", "GET /"},
		{"no slash", "reports", "write /reports", "/reports"},
		{"no slash after the method", "GET reports", "write /reports", "GET /reports"},
		{"host", "api.example.com/reports", "write /reports", "/api.example.com/reports"},
		{"lower-case method", "get /x", "write GET", "GET /x"},
		{"bad method", "G(T /x", "isn't a method", "G!T /x"},
		{"space first", " /x", "isn't a method", "X \t/x"},
		{"raw space without method", "/a b", "%20", "/a%20b"},
		{"empty segment", "/a//b", "empty segment", "/a/b"},
		{"dot segment", "/a/../b", "dot segment", "/a/.../b"},
		{"encoded letter", "/%61", "unreserved", "/%60"},
		{"encoded slash", "/a%2fb", "slash", "/a%2bb"},
		{"bad escape", "/100%", "hexadecimal", "/100%25"},
		{"semicolon", "/a;b", "semicolon", "/a:b"},
		{"encoded semicolon", "/a%3Bb", "encoded ;", "/a%3Ab"},
		{"query", "/a?b", "?", "/a%3Fb"},
		{"two variables of a name", "/{x}/{x}", "two variables {x}", "/{x}/{y}"},
		{"two variables of a name, remainder", "/{x}/{x...}", "two variables {x}", "/{x}/x/{y...}"},
		{"text before a variable", "/a{x}", "a whole segment", "/{x}"},
		{"text after a variable", "/{x}a", "a whole segment", "/{xa}"},
		{"open variable", "/{x", "a whole segment", "/x}"},
		{"brace alone", "/{", "a whole segment", "/%7B"},
		{"empty variable", "/{}", "no good name", "/{_}"},
		{"empty remainder", "/{...}", "no good name", "/{_...}"},
		{"digit first", "/{1x}", "no good name", "/{x1}"},
		{"hyphen in a name", "/{user-id}", "no good name", "/{user_id}"},
		{"dollar in the middle", "/{$}/x", "must end", "/x/{$}"},
		{"dollar before a slash", "/{$}/", "must end", "/{$}"},
		{"dollar with dots", "/{$...}", "no good name", "/{s...}"},
		{"remainder in the middle", "/{x...}/y", "must end", "/y/{x...}"},
		{"too long", "/" + strings.Repeat("a", 1024), "1024", "/" + strings.Repeat("a", 1023)},
		{"not UTF-8", "/\xff", "UTF-8", "/\u00ff"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := policy.Service{Name: "s", Host: "h", Operations: []policy.Operation{{Pattern: test.bad}}}
			var invalid *policy.InvalidError
			if err := s.Validate(); !errors.As(err, &invalid) {
				t.Fatalf("%q: got %v, want an InvalidError", test.bad, err)
			}
			if invalid.Field != "pattern" || invalid.Operation != test.bad || !strings.Contains(invalid.Problem, test.problem) {
				t.Errorf("%q: got %+v, want the pattern's problem to contain %q", test.bad, invalid, test.problem)
			}
			s.Operations[0].Pattern = test.good
			if err := s.Validate(); err != nil {
				t.Errorf("%q: got %v, want nil", test.good, err)
			}
		})
	}
}

func TestServiceFields(t *testing.T) {
	audience := func(a policy.Audience) func(*policy.Service) {
		return func(s *policy.Service) { s.Operations[0].Audience = []policy.Audience{a} }
	}
	host := func(h string) func(*policy.Service) { return func(s *policy.Service) { s.Host = h } }
	prefix := func(p string) func(*policy.Service) { return func(s *policy.Service) { s.PathPrefix = p } }
	scope := func(v string) func(*policy.Service) { return func(s *policy.Service) { s.Operations[0].Scope = v } }
	def := func(d policy.Default) func(*policy.Service) { return func(s *policy.Service) { s.Default = d } }
	allow := func(a string) func(*policy.Service) { return func(s *policy.Service) { s.AllowInPath = a } }
	long := strings.Repeat("a", 254)
	for _, test := range []struct {
		name, field string
		bad, good   func(*policy.Service)
	}{
		{"no host", "host", host(""), host("a")},
		{"URL", "host", host("http://a"), host("a:80")},
		{"host with path", "host", host("a/b"), host("a.b")},
		{"port zero", "host", host("a:0"), host("a:1")},
		{"port too high", "host", host("a:65536"), host("a:65535")},
		{"port with zeros", "host", host("a:080"), host("a:80")},
		{"port with sign", "host", host("a:+80"), host("a:8080")},
		{"empty port", "host", host("a:"), host("a:8")},
		{"space", "host", host("a b"), host("a-b")},
		{"empty label", "host", host("a..b"), host("a.b.")},
		{"hyphen first", "host", host("-a.b"), host("a-a.b")},
		{"not ASCII", "host", host("caf\u00e9"), host("xn--caf-dma")},
		{"long label", "host", host(long[:64]), host(long[:63])},
		{"wildcard", "host", host("*.b"), host("_.b")},
		{"IPv6 without brackets", "host", host("2001:db8::1"), host("[2001:db8::1]")},
		{"long IPv6", "host", host("[2001:db8:0::1]"), host("[2001:db8::1]:80")},
		{"IPv6 zone", "host", host("[fe80::1%eth0]"), host("[fe80::1]")},
		{"IPv4 in brackets", "host", host("[192.0.2.1]"), host("192.0.2.1")},
		{"prefix without slash", "path_prefix", prefix("api"), prefix("/api")},
		{"prefix with slash at the end", "path_prefix", prefix("/api/"), prefix("/")},
		{"prefix with empty segment", "path_prefix", prefix("/a//b"), prefix("/a/b")},
		{"prefix with dot segment", "path_prefix", prefix("/a/../b"), prefix("/a/.../b")},
		{"prefix with escape", "path_prefix", prefix("/%61"), prefix("/a")},
		{"prefix with reserved character", "path_prefix", prefix("/a+b"), prefix("/a~b")},
		{"prefix too long", "path_prefix", prefix("/a" + long), prefix("/" + long)},
		{"unknown default", "default", def("allow"), def("authenticated")},
		{"unknown allowance", "allow_in_path", allow("."), allow(";")},
		{"doubled allowance", "allow_in_path", allow("////"), allow("//;")},
		{"scope with space", "scope", scope("a b"), scope("a.b")},
		{"scope with quote", "scope", scope(`a"b`), scope("a!b")},
		{"scope with backslash", "scope", scope(`a\b`), scope("a/b")},
		{"zero audience", "audience", audience(policy.Audience{}), audience(policy.RoleAudience("a"))},
		{"nil user", "audience", audience(policy.UserAudience(uuid.Nil)), audience(policy.UserAudience(uuid.Max))},
		{"empty role", "audience", audience(policy.RoleAudience("")), audience(policy.RoleAudience("."))},
		{"role with space", "audience", audience(policy.RoleAudience("a b")), audience(policy.RoleAudience("a_b"))},
		{"foreign variable", "audience", audience(policy.SelfAudience("di")), audience(policy.SelfAudience("id"))},
		{"nameless variable", "audience", audience(policy.SelfAudience("")), audience(policy.SelfAudience("rest"))},
		{"literal as variable", "audience", audience(policy.SelfAudience("x")), audience(policy.SelfAudience("id"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := policy.Service{Name: "s", Host: "h", Operations: []policy.Operation{{Pattern: "/x/{id}/{rest...}"}}}
			test.bad(&s)
			var invalid *policy.InvalidError
			if err := s.Validate(); !errors.As(err, &invalid) || invalid.Field != test.field || invalid.Service != "s" {
				t.Errorf("got %v, want an InvalidError on %s of s", err, test.field)
			}
			test.good(&s)
			if err := s.Validate(); err != nil {
				t.Errorf("twin: got %v, want nil", err)
			}
		})
	}
}

func TestCompileNamesEveryFault(t *testing.T) {
	_, err := policy.Compile([]policy.Service{
		{Name: "one", Host: "a b", Operations: []policy.Operation{{Pattern: "x"}, {Pattern: "/{y}", Scope: " "}}},
		{Name: "two", Host: "h", Operations: operations("/{a}/b", "/c/{d}")},
		{Name: "three", Host: "H."},
		{Name: "four", Host: "h", PathPrefix: "/"},
	})
	var invalid *policy.InvalidError
	var conflict *policy.ConflictError
	var duplicate *policy.DuplicateServiceError
	if !errors.As(err, &invalid) || !errors.As(err, &conflict) || !errors.As(err, &duplicate) {
		t.Fatalf("got %v, want one error of each kind", err)
	}
	want := strings.Join([]string{
		`service "one": host "a b": write only the name, such as api.example.com or xn--caf-dma.example, and a port if need be`,
		`service "one": pattern "x": the path doesn't begin with /: write /x`,
		`service "one": operation "/{y}": scope " ": a scope is printable ASCII without space, " and \`,
		`service "two": patterns "/{a}/b" and "/c/{d}" conflict: both match "/c/b", and neither is more specific`,
		`services "three" and "four" both have the host "h" and the path prefix ""`,
	}, "\n")
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestConflicts(t *testing.T) {
	for _, test := range []struct{ a, b, example string }{
		{"/x", "/x", "/x"},
		{"GET /x", "GET  /x", "GET /x"},
		{"/{x}", "/{y}", "/x"},
		{"/x/", "/x/{y...}", "/x/"},
		{"/caf%C3%A9", "/caf\u00e9", "/caf%C3%A9"},
		{"/{x}/b", "/a/{y}", "/a/b"},
		{"GET /{x}", "/a", "GET /a"},
		{"/a", "GET /{x}", "GET /a"},
		{"HEAD /{x}", "GET /a", "HEAD /a"},
		{"/{x}/b/", "/a/{r...}", "/a/b/"},
		{"/a/b/{r...}", "/{x}/b/c/{$}", "/a/b/c/"},
		{"/{x}/{$}", "/a/", "/a/"},
		{"/a", "/b", ""},
		{"/a", "/a/", ""},
		{"/a", "/{x}", ""},
		{"/a/{$}", "/a/", ""},
		{"/a/{$}", "/a/{x}", ""},
		{"GET /a", "POST /a", ""},
		{"GET /a", "/a", ""},
		{"GET /{x}", "HEAD /a", ""},
		{"/{x}/b", "/{x}/c", ""},
		{"/{x}/b", "/a/{y}/c", ""},
		{"/{x...}", "/{y}", ""},
		{"/a/{x...}", "/a/b/{y}", ""},
	} {
		s := policy.Service{Name: "s", Host: "h", Operations: operations(test.a, test.b)}
		want := &policy.ConflictError{Service: "s", A: test.a, B: test.b, Example: test.example}
		if test.example == "" {
			want = nil
		}
		var got *policy.ConflictError
		if err := s.Validate(); err != nil && !errors.As(err, &got) {
			t.Errorf("%s and %s: got %v, want a ConflictError", test.a, test.b, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s and %s (-want +got):\n%s", test.a, test.b, diff)
		}
	}
}

func TestCompileKeepsItsOwnCopy(t *testing.T) {
	given := policy.Service{Operations: operations("/x")}
	s := compiled(t, given)
	given.Operations[0].Pattern = "/y"
	given.Operations[0].Audience[0] = policy.RoleAudience("nobody")
	if v := s.Authorize("GET", "/x", alice()); outcome(v) != "/x" || v.Operation.Audience[0].Name != "staff" {
		t.Errorf("got %+v, want the operation as it was compiled", v.Operation)
	}
}

func TestAudienceText(t *testing.T) {
	for _, a := range []policy.Audience{
		policy.UserAudience(uuid.MustParse(aliceID)), policy.RoleAudience("a.b-c_D9"), policy.SelfAudience("userId"),
	} {
		if got, err := policy.ParseAudience(a.String()); err != nil || got != a {
			t.Errorf("%s: got %v, %v, want %v", a, got, err, a)
		}
	}
	for _, text := range []string{
		"", "user", "user:", "user:bob", "user:" + strings.ToUpper(aliceID), "user:{" + aliceID + "}", "user:" + uuid.Nil.String(),
		"role:", "role:a b", "role:\u00e9", "Role:a", "self:", "self:{}", "self:id", "self:{id", "self:id}", "self:{1}", "group:a", " role:a",
	} {
		if got, err := policy.ParseAudience(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}
