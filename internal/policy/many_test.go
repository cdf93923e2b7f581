package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/policy"
)

// TestFewAndMany finds services, operations and roles where they are compared one by one, and where they are too many for that: each is
// found by its own name, and by none that differs from it in a character.
func TestFewAndMany(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 10, 40} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var services []policy.Service
			for i := range n {
				s := policy.Service{Name: fmt.Sprint("s", i), Host: "api.example.com", PathPrefix: strings.Repeat("/p", i%4) + fmt.Sprint("/x", i)}
				for j := range n {
					op := policy.Operation{Pattern: fmt.Sprintf("M%d /things%d/{id}", j%12, j)}
					for k := range n {
						op.Audience = append(op.Audience, policy.RoleAudience(fmt.Sprintf("role%d-%d", k, j)))
					}
					s.Operations = append(s.Operations, op)
				}
				services = append(services, s)
			}
			table, err := policy.Compile(append(services, policy.Service{Name: "rest", Host: "api.example.com"}))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range services {
				path := fmt.Sprintf("%s/things%d/7", want.PathPrefix, i)
				s, _ := table.Find("api.example.com", path)
				if s.Name() != want.Name {
					t.Fatalf("%s: got service %s, want %s", path, s.Name(), want.Name)
				}
				for _, test := range []struct{ method, path, role, want string }{
					{fmt.Sprint("M", i%12), path, fmt.Sprintf("role%d-%d", n-1, i), want.Operations[i].Pattern},
					{fmt.Sprint("M", i%12), path, fmt.Sprintf("role%d-%d", n, i), "not_in_audience"},
					{fmt.Sprint("M", i%12), path, fmt.Sprintf("role%d-%dx", n-1, i), "not_in_audience"},
					{fmt.Sprint("m", i%12), path, fmt.Sprintf("role%d-%d", n-1, i), "no_operation"},
					{fmt.Sprint("M", i%12), strings.Replace(path, "/7", "x/7", 1), fmt.Sprintf("role%d-%d", n-1, i), "no_operation"},
				} {
					got := s.Authorize(test.method, test.path, policy.Subject{UserID: uuid.Max, Roles: []string{"another", test.role}})
					if outcome(got) != test.want {
						t.Errorf("%s %s by %s: got %s, want %s", test.method, test.path, test.role, outcome(got), test.want)
					}
				}
				if s, _ := table.Find("API.example.com.:8443", want.PathPrefix+"x/7"); s.Name() != "rest" {
					t.Errorf("%sx: got service %s, want that of the whole host", want.PathPrefix, s.Name())
				}
			}
		})
	}
}
