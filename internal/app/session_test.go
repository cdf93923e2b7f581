package app_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // for a look into the file

	"github.com/jeton-io/jeton/internal/app"
)

// logIn logs the administrator in to the console and returns the cookies.
func logIn(t *testing.T, public fmt.Stringer) []*http.Cookie {
	t.Helper()
	status, cookies := post(t, public, "/console/login", url.Values{"username": {"admin"}, "password": {"correct horse battery"}}, nil)
	if status != http.StatusSeeOther || len(cookies) != 2 {
		t.Fatalf("logging in: got %d and cookies %v", status, cookies)
	}
	return cookies
}

// post sends a form as a page of the console does, follows no redirect, and returns the status and the cookies set.
func post(t *testing.T, public fmt.Stringer, path string, form url.Values, cookies []*http.Cookie) (int, []*http.Cookie) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+public.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range cookies {
		req.AddCookie(c)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Cookies()
}

// TestLogOutAtSecondProcess logs out at one process: the other, which remembers the cookie, refuses it within seconds.
func TestLogOutAtSecondProcess(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	one := run(t, configure(t, data, "--admin-password-file", file))
	two := run(t, configure(t, data))
	cookies := logIn(t, one.addresses.Public)
	with := func(r *http.Request) {
		for _, c := range cookies {
			r.AddCookie(c)
		}
	}
	for range 2 { // from the database, and from memory
		if status, body := get(t, two.addresses.Public, "/v1/me", with); status != http.StatusOK || !strings.Contains(body, `"console_session"`) {
			t.Fatalf("the cookie at the second process: got %d, %s", status, body)
		}
	}
	if status, _ := post(t, one.addresses.Public, "/console/logout", nil, cookies); status != http.StatusSeeOther {
		t.Fatalf("logging out: got %d", status)
	}
	if status, _ := get(t, one.addresses.Public, "/v1/me", with); status != http.StatusUnauthorized {
		t.Errorf("at the process where it was ended: got %d, want 401 at once", status)
	}
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		if status, _ := get(t, two.addresses.Public, "/v1/me", with); status == http.StatusUnauthorized {
			t.Logf("refused at the second process after %s", time.Since(began).Round(time.Millisecond))
			return
		}
	}
	t.Error("the second process accepted an ended session for five seconds")
}

// TestOldSessionsGo looks for the record of a session at the last moment of the thirty days after its latest end, and
// behind it.
func TestOldSessionsGo(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o := app.Options{Config: configure(t, data, "--admin-password-file", file), Now: func() time.Time { return now }}
	one := run(t, o.Config, func(options *app.Options) { options.Now = o.Now })
	logIn(t, one.addresses.Public)
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	// A clock that jumps ahead deletes nothing: it may be wrong.
	sessions := func() (n int) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "jeton.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM browser_session`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	prune := func(want int) {
		t.Helper()
		if err := app.Prune(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if got := sessions(); got != want {
			t.Errorf("at %s: got %d records, want %d", now, got, want)
		}
	}
	began := now
	prune(1)
	now = began.AddDate(10, 0, 0)
	prune(1)
	// Time that has passed is what the horizon is moved by.
	now = began.Add(12*time.Hour + 30*24*time.Hour)
	for want := 1; want >= 0; want-- {
		if err := app.KeepHorizon(t.Context(), o, now); err != nil {
			t.Fatal(err)
		}
		prune(want)
		now = now.Add(time.Microsecond)
	}
}
