package bitcanuck_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

var update = flag.Bool("update", false, "write testdata anew")

// What differs between any two answers, and is not of the profile's making.
var (
	date  = regexp.MustCompile(`(?m)^Date: .*\r$`)
	token = regexp.MustCompile(`"jts[0-9A-Za-z]{48}"`)
)

// golden compares every byte of an answer with a file, whose lines end as text files' do, the last one too.
func (d *edge) golden(t *testing.T, name string, a answer) {
	t.Helper()
	got := date.ReplaceAllString(strings.ReplaceAll(a.raw, a.header.Get("X-Request-Id"), "<id>"), "Date: <date>\r")
	got = strings.ReplaceAll(token.ReplaceAllString(got, `"<51 characters>"`), d.user.ID.String(), "<uuid>")
	got = strings.ReplaceAll(got, "\r\n", "\n") + "\n"
	path := filepath.Join("testdata", name+".http")
	if *update {
		check(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestGolden holds the answers to their bytes, since clients that nobody can change read them.
func TestGolden(t *testing.T) {
	d := newEdge(t)
	d.golden(t, "authenticated", d.send(t, logIn(email, password)))
	d.golden(t, "authenticated", d.send(t, d.fresh(t)))
	d.golden(t, "logged-out", d.send(t, logOut(d.begin(t))))
	for name, q := range map[string]request{
		"login-failed":           logIn(email, "wrong password"),
		"authorization-required": logOut("no token"),
		"method":                 {line: "GET " + passwordPath},
		"method-logout":          {line: "GET " + logoutPath},
		"not-json":               withBody("email=john"),
		"member-twice":           withBody(`{"email":"a","email":"b"}`),
		"email-required":         withBody(`{"password":"p"}`),
		"password-required":      withBody(`{"email":"a"}`),
		"two-credentials":        d.fresh(t).plus("Token: x"),
		"too-long":               logIn(email, password+longPassword),
		"too-large":              withBody(strings.Repeat(" ", 8<<10+1)),
		"type":                   {headers: []string{"Content-Type: text/plain"}, body: "{}"},
		"cross-origin":           logIn(email, password).plus("Sec-Fetch-Site: cross-site"),
	} {
		d.golden(t, name, d.send(t, q))
	}
	d.throttle(t, "nobody@email.com")
	d.golden(t, "throttled", d.send(t, logIn("nobody@email.com", "wrong password")))
	for name, fault := range map[string]error{
		"unavailable": errors.New("no database"), "storage-full": fmt.Errorf("storing: %w", authority.ErrStorageFull),
	} {
		d.sessions.err.Store(&fault)
		d.golden(t, name, d.send(t, logIn(email, password)))
	}
	d.sessions.err.Store(nil)
	fault := errors.New("no database")
	d.Users.Err.Store(&fault)
	d.Authority.Forget(uuid.Nil)
	d.golden(t, "unavailable", d.send(t, logIn(email, password)))
}

// throttle guesses at a password until no more guesses are looked at.
func (d *edge) throttle(t *testing.T, name string) {
	t.Helper()
	for range 10 {
		wantFailure(t, d.send(t, logIn(name, "wrong password")), 401, "LOGIN_FAILED")
	}
}
