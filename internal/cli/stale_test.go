package cli_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/cli"
)

// change is a handler that expects a change for a version, and what it is to be.
func change(t *testing.T, version, body string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("If-Match") != version || string(got) != body {
			t.Errorf("got If-Match %s and %s (%v), want %s and %s", r.Header.Get("If-Match"), got, err, version, body)
		}
		then(w, r)
	}
}

// TestAllowOverAnother has somebody else change the operations in between: both changes are in the end.
func TestAllowOverAnother(t *testing.T) {
	const path = "/v1/services/reports/operations"
	stale := answer(t, "PUT "+path, 412, problem("stale_version", 412))
	done := answer(t, "PUT "+path, 204, "", "ETag", `"3"`)
	env := api(t,
		answer(t, "GET "+path, 200, `[]`, "ETag", `"1"`),
		change(t, `"1"`, `[{"pattern":"GET /a","audience":["role:me"]}]`, stale),
		answer(t, "GET "+path, 200, `[{"pattern":"GET /a","audience":["role:other"],"scope":"s"}]`, "ETag", `"2"`),
		change(t, `"2"`, `[{"pattern":"GET /a","audience":["role:other","role:me"],"scope":"s"}]`, done),
	)
	got := run(t, cli.Env{Environ: env}, "service", "allow", "reports", "GET /a", "role:me")
	got.want(t, 0)
	if want := "GET /a of reports is for role:other role:me, in the scope s.\n"; got.stdout != want {
		t.Errorf("got %q, want %q", got.stdout, want)
	}

	// The other one has done the same: then there is nothing left to change.
	env = api(t,
		answer(t, "GET "+path, 200, `[{"pattern":"GET /a","audience":["role:me"]}]`, "ETag", `"1"`),
		change(t, `"1"`, `[]`, stale),
		answer(t, "GET "+path, 200, `[]`, "ETag", `"2"`),
	)
	run(t, cli.Env{Environ: env}, "service", "disallow", "reports", "GET /a").want(t, 0)
}

// TestGivingUp shows that a change is tried five times and no more.
func TestGivingUp(t *testing.T) {
	const path = "/v1/services/reports/operations"
	var tries []http.HandlerFunc
	for range 5 {
		tries = append(tries, answer(t, "GET "+path, 200, `[]`, "ETag", `"1"`), answer(t, "PUT "+path, 412, problem("stale_version", 412)))
	}
	got := run(t, cli.Env{Environ: api(t, tries...)}, "service", "allow", "reports", "GET /a", "role:me")
	got.want(t, 1, "jeton: replacing operations: A title.")
}

// TestRolesOverAnother is TestAllowOverAnother for the roles of a user.
func TestRolesOverAnother(t *testing.T) {
	user := func(roles string) string { return `{"username":"alice","roles":[` + roles + `]}` }
	env := api(t,
		answer(t, "GET /v1/users/alice", 200, user(`"a","b"`), "ETag", `"1"`),
		change(t, `"1"`, `{"roles":["a","c"]}`, answer(t, "PATCH /v1/users/alice", 412, problem("stale_version", 412))),
		answer(t, "GET /v1/users/alice", 200, user(`"a","d"`), "ETag", `"2"`),
		change(t, `"2"`, `{"roles":["a","d","c"]}`, answer(t, "PATCH /v1/users/alice", 200, user(`"a","c","d"`))),
	)
	got := run(t, cli.Env{Environ: env}, "user", "update", "alice", "--add-role", "c", "--remove-role", "b")
	got.want(t, 0)
	if !strings.Contains(got.stdout, "a, c, d") {
		t.Errorf("got %q, want the roles", got.stdout)
	}

	// Roles that don't depend on those that are there are set whatever the version.
	env = api(t, change(t, "", `{"roles":["x"]}`, answer(t, "PATCH /v1/users/alice", 200, user(`"x"`))))
	run(t, cli.Env{Environ: env}, "user", "update", "alice", "--set-roles", "x").want(t, 0)
}
