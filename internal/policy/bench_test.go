package policy_test

import (
	"fmt"
	"testing"

	"github.com/jeton-io/jeton/internal/policy"
)

// catalog makes so many services, each on a prefix of one host, with so many
// operations.
func catalog(t testing.TB, services, ops int) *policy.Table {
	t.Helper()
	var all []policy.Service
	for i := range services {
		s := policy.Service{Name: fmt.Sprint("s", i), Host: "api.example.com", PathPrefix: fmt.Sprint("/api/s", i), AllowInPath: ";//"}
		for j := range ops {
			pattern := fmt.Sprintf("GET /v1/things%d/{userId}/parts/{part}", j)
			s.Operations = append(s.Operations, policy.Operation{Pattern: pattern, Audience: []policy.Audience{
				policy.RoleAudience("nobody"), policy.SelfAudience("userId"), policy.SelfAudience("part"),
			}})
		}
		all = append(all, s)
	}
	table, err := policy.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	table, sub := catalog(t, 3, 10), alice()
	for _, test := range []struct{ name, host, path, want string }{
		{"admitted", "api.example.com", "/api/s1/v1/things7/" + aliceID + "/parts/1", "GET /v1/things7/{userId}/parts/{part}"},
		{"admitted late", "API.example.com.:443", "/api/s1/v1/things7/x/parts/" + aliceID, "GET /v1/things7/{userId}/parts/{part}"},
		{"not in audience", "api.example.com", "/api/s1/v1/things7/" + bobID + "/parts/1", "not_in_audience"},
		{"no operation", "api.example.com", "/api/s1/v1/things99/1/parts/1", "no_operation"},
		{"ambiguous", "api.example.com", "/api/s1/v1/../things7/1/parts/1", "ambiguous_path"},
		{"encoded where nothing is decoded", "api.example.com", "/api/s1/v1/things7/x/parts%2f/1", "ambiguous_path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got policy.Verdict
			allocs := testing.AllocsPerRun(1000, func() {
				s, _ := table.Find(test.host, test.path)
				got = s.Authorize("GET", test.path, sub)
			})
			if outcome(got) != test.want || allocs != 0 {
				t.Errorf("got %s with %v allocations, want %s with none", outcome(got), allocs, test.want)
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for _, services := range []int{1, 1000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			table := catalog(b, services, 1)
			path := fmt.Sprintf("/api/s%d/v1/things0/%s/parts/1", services/2, aliceID)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := table.Find("api.example.com", path); !ok {
					b.Fatal("found nothing")
				}
			}
		})
	}
}

func BenchmarkAuthorize(b *testing.B) {
	for _, ops := range []int{10, 1000} {
		table, sub := catalog(b, 1, ops), alice()
		s, _ := table.Find("api.example.com", "/api/s0")
		for _, test := range []struct{ name, path string }{
			{"plain", fmt.Sprintf("/api/s0/v1/things%d/%s/parts/1", ops/2, aliceID)},
			{"escaped", fmt.Sprintf("/api/s0/v1/things%d/%s/parts/caf%%C3%%A9", ops/2, aliceID)},
			{"parameters", fmt.Sprintf("/api/s0/v1/things%d/%s/parts/1;v=2", ops/2, aliceID)},
		} {
			b.Run(fmt.Sprintf("operations=%d/%s", ops, test.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if v := s.Authorize("GET", test.path, sub); !v.Allowed {
						b.Fatalf("got %+v, want it admitted", v)
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, ops := range []int{10, 1000} {
		b.Run(fmt.Sprintf("operations=%d", ops), func(b *testing.B) {
			for b.Loop() {
				catalog(b, 1, ops)
			}
		})
	}
}
