package console_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/console"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestRoutes compares what the console serves with the list in testdata. The tests of test/e2e walk that list in a browser, and fail for
// a page of it that they haven't met in any state.
func TestRoutes(t *testing.T) {
	const golden = "testdata/routes.txt"
	got := strings.Join(console.Served(newDesk(t).console), "\n") + "\n"
	if *update {
		check(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	check(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-) and what is served (+) differ; if that is meant, run this test with -update, and have test/e2e/walk_test.go walk it: %s", golden, diff)
	}
}
