package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/console"
)

// TestLogIn takes both steps, as a person does.
func TestLogIn(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice", DisplayName: "Alice Liddell"})
	b := d.browser()
	b.to(t, ask{route: "GET /console/"}, "/console/login")

	first := b.want(t, ask{route: "GET /console/login"}, http.StatusOK)
	checkPage(t, "the first step", first.node)
	if first.one(t, "label").text() != "User name" || first.one(t, "main button").text() != "Continue" || len(first.all("[name=password]")) > 0 {
		t.Errorf("the first step is %s", first.body)
	}
	second := b.want(t, ask{route: "POST /console/login", form: form("username", " Alice ")}, http.StatusOK)
	checkPage(t, "the second step", second.node)
	name, password := second.one(t, "input[name=username]"), second.one(t, "input[name=password]")
	if name.attribute("value") != "Alice" || !name.has("readonly") || name.attribute("autocomplete") != "username" {
		t.Errorf("the user name is %v", name.Attr)
	}
	if password.attribute("autocomplete") != "current-password" || second.one(t, "label[for=password]").text() != "Password" {
		t.Errorf("the password is %v", password.Attr)
	}
	if second.one(t, "main button").text() != "Log in" || second.one(t, "main a").text() != "Use another user name" {
		t.Errorf("the second step is %s", second.one(t, "main").text())
	}
	if len(b.given) > 0 {
		t.Errorf("cookies before the password: %v", b.given)
	}
	b.to(t, ask{route: "POST /console/login", form: form("username", "Alice", "password", goodPassword)}, "/console/")
	if home := b.want(t, ask{route: "GET /console/"}, http.StatusOK); home.one(t, "h1").text() != "Hello, Alice Liddell" {
		t.Errorf("got %s", home.body)
	}
	d.wantRefused(t)
	if diff := cmp.Diff([]string{"user.create alice", "session.begin alice"}, d.actions(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestLogInRefused compares what strangers learn with what the audit log says.
func TestLogInRefused(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	d.user(t, account.Draft{Username: "bobby", State: account.Blocked})
	var first string
	for _, tt := range []struct{ name, username, password, reason string }{
		{"wrong", "alice", goodPassword + "r", "wrong_password"},
		{"unknown", "carol", goodPassword, "unknown_user"},
		{"blocked", "bobby", goodPassword, "blocked"},
	} {
		b := d.browser()
		step := b.want(t, ask{route: "POST /console/login", form: form("username", tt.username)}, http.StatusOK)
		a := b.want(t, ask{route: "POST /console/login", form: form("username", tt.username, "password", tt.password)}, http.StatusUnauthorized)
		checkPage(t, tt.name, a.node)
		if got := a.one(t, "[role=alert]").text(); got != "The user name or the password is wrong, or the account is blocked. Ask your administrator." {
			t.Errorf("%s: got %q", tt.name, got)
		}
		if got := a.one(t, "[aria-invalid]").attribute("id"); got != "password" {
			t.Errorf("%s: %q is said to be wrong, want the password", tt.name, got)
		}
		// The page repeats the name that was typed, and the rest is the same to the byte.
		whole := strings.ReplaceAll(step.body+a.body, tt.username, "NAME")
		if first == "" {
			first = whole
		}
		if diff := cmp.Diff(first, whole); diff != "" {
			t.Errorf("%s shows (-wrong +%s)\n%s", tt.name, tt.name, diff)
		}
		if len(b.given) > 0 {
			t.Errorf("%s: got cookies %v", tt.name, b.given)
		}
		d.wantRefused(t, tt.reason+" password")
	}
	d.browser().logIn(t, "alice") // the twin
	d.wantRefused(t)
}

// TestThrottled guesses until no guess is looked at, and comes back when it was told to.
func TestThrottled(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	guess := ask{route: "POST /console/login", form: form("username", "alice", "password", "wrong password")}
	for range 10 {
		b.want(t, guess, http.StatusUnauthorized)
	}
	a := b.want(t, guess, http.StatusTooManyRequests)
	checkPage(t, "throttled", a.node)
	if got, want := a.one(t, "[role=alert]").text(), "Too many wrong passwords were tried. Try again in 60 seconds. Tokens go on working."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if bad := a.all("[aria-invalid]"); len(bad) > 0 { // it wasn't looked at
		t.Error("the password is said to be wrong")
	}
	if got := a.header.Get("Retry-After"); got != "60" {
		t.Errorf("got Retry-After %q, want 60", got)
	}
	d.wantRefused(t, "throttled password", "wrong_password password")
	d.pass(t, time.Minute)
	b.logIn(t, "alice")
}

// TestDatabaseDown asks while nobody can say who is who.
func TestDatabaseDown(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	down := errors.New("the disk is on fire")
	d.users.Err.Store(&down)
	a := b.want(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword)}, http.StatusServiceUnavailable)
	if a.header.Get("Retry-After") == "" || !strings.Contains(a.one(t, "[role=alert]").text(), "try again") || len(a.all("[aria-invalid]")) > 0 || len(b.given) > 0 {
		t.Errorf("got %v %s", a.header, a.body)
	}
	d.users.Err.Store(nil)
	b.logIn(t, "alice")
	d.authority.Forget([16]byte{})
	d.users.Err.Store(&down)
	a = b.want(t, ask{route: "GET /console/"}, http.StatusServiceUnavailable)
	checkPage(t, "503", a.node)
	if a.one(t, "main code").text() != a.header.Get("X-Request-Id") || strings.Contains(a.body, "fire") {
		t.Errorf("got %s", a.body)
	}
	if !strings.Contains(d.log.String(), "on fire") {
		t.Error("the log doesn't say what failed")
	}
}

// TestFixation logs in with a cookie that somebody else has planted, or left.
func TestFixation(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	d.user(t, account.Draft{Username: "mallory"})
	mallory := d.browser()
	mallory.logIn(t, "mallory")
	planted := mallory.cookies["jeton"]

	alice := d.browser()
	alice.cookies["jeton"] = planted
	alice.logIn(t, "alice")
	if alice.cookies["jeton"] == planted {
		t.Fatal("the cookie that was planted is the session's")
	}
	alice.want(t, ask{route: "GET /console/"}, http.StatusOK)
	d.wantRefused(t)
	mallory.to(t, ask{route: "GET /console/"}, "/console/login?notice=session-ended")
	d.wantRefused(t, "ended console_session")

	// A cookie that stands for no session is no reason against the log-in, and is entered like any other.
	alice.cookies["jeton"] = planted
	alice.logIn(t, "alice")
	d.wantRefused(t, "ended console_session")
}

// TestChangedWhileLoggingIn changes the user between the check of the password and the session. The first try is refused
// by the store; what the second finds is what counts.
func TestChangedWhileLoggingIn(t *testing.T) {
	for _, tt := range []struct {
		name   string
		patch  account.Patch
		status int
	}{
		{"renamed in part", account.Patch{DisplayName: new("Alice")}, http.StatusSeeOther},
		{"blocked", account.Patch{State: new(account.Blocked)}, http.StatusUnauthorized},
	} {
		d := newDesk(t)
		u := d.user(t, account.Draft{Username: "alice"})
		b := d.browser()
		b.logIn(t, "alice") // whose proof is remembered
		// Another node makes the change: this one hasn't heard of it when the next log-in begins.
		other, err := account.New(account.Config{
			Store: d.store, Applied: func(context.Context) error { return nil }, Now: d.clock, Random: zeros{},
		})
		check(t, err)
		_, err = other.Update(t.Context(), u.ID, 0, tt.patch, audit.Actor{})
		check(t, err)
		fresh := d.browser()
		a := fresh.want(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword)}, tt.status)
		if got := len(fresh.cookies) > 0; got != (tt.status == http.StatusSeeOther) {
			t.Errorf("%s: got cookies: %v; %s", tt.name, got, a.body)
		}
	}
}

// zeros is a source of randomness for what is never used.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestNext offers return addresses, each beside a twin that is admitted.
func TestNext(t *testing.T) {
	d := newDesk(t)
	d.user(t, account.Draft{Username: "alice"})
	const home = "/console/"
	for _, tt := range []struct{ next, want string }{
		{"/console/profile", "/console/profile"},
		{"/console/profile/users?after=bob", "/console/profile/users?after=bob"},
		{"/console/password#password", "/console/password#password"},
		{"", home},
		{"/", home},
		{"/consolex/profile", home},
		{"console/profile", home},
		{"//console/profile", home},
		{"/console//profile", home},
		{"/console/%2fprofile", home},
		{"//evil.example/console/", home},
		{`/\evil.example/console/`, home},
		{`/console/\profile`, home},
		{"/console/%5cprofile", home},
		{"https://evil.example/console/", home},
		{"https:/console/profile", home},
		{"javascript:alert(1)", home},
		{"/console/../v1/me", home},
		{"/console/%2e%2e/v1/me", home},
		{"/console/./profile", home},
		{"/console/profile\r\nSet-Cookie: a=b", home},
		{"/console/profile%0d%0a", home},
		{"/console/\tprofile", home},
		{"/console/\u0085profile", home},
		{" /console/profile", home},
		{"/console/profil\u00e9", home},
		{"/console/profil%C3%A9", "/console/profil%C3%A9"},
		{"/console/%zz", home},
		{"/console/a%5cb", home},
		{"/console/?after=a\\b", `/console/?after=a\b`},
		{"/console/login", home},
		{"/console/%6cogin", home},
		{"/console/login?next=/console/profile", home},
		{"/console/logout", home},
		{"/console/logouts", "/console/logouts"},
		{"/console/profile?u=http://evil.example", home},
		{"/console/" + strings.Repeat("a", 2000), home},
		{"/v1/me", home},
	} {
		b := d.browser()
		query := url.Values{"next": {tt.next}}.Encode()
		shown := ""
		if fields := b.want(t, ask{route: "GET /console/login?" + query}, http.StatusOK).all("main input[name=next]"); len(fields) == 1 {
			shown = fields[0].attribute("value")
		}
		if want := strings.TrimSuffix(tt.want, home); shown != want && (tt.want != home || shown != "") {
			t.Errorf("%q: the form leads to %q, want %q", tt.next, shown, tt.want)
		}
		b.to(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword, "next", tt.next)}, tt.want)
	}
}

// TestReturn asks for a page, logs in and is there.
func TestReturn(t *testing.T) {
	d := newDesk(t)
	u := d.user(t, account.Draft{Username: "alice"})
	b := d.browser()
	b.to(t, ask{route: "GET /.well-known/change-password"}, "/console/password")
	a := b.to(t, ask{route: "GET /console/password"}, "/console/login?next=%2Fconsole%2Fpassword")
	first := b.want(t, ask{route: "GET " + a.header.Get("Location")}, http.StatusOK)
	next := first.one(t, "main input[name=next]").attribute("value")
	second := b.want(t, ask{route: "POST /console/login", form: form("username", "alice", "next", next)}, http.StatusOK)
	if got := second.one(t, "main a").attribute("href"); got != a.header.Get("Location") {
		t.Errorf("another user name would return to %q", got)
	}
	next = second.one(t, "main input[name=next]").attribute("value")
	b.to(t, ask{route: "POST /console/login", form: form("username", "alice", "password", goodPassword, "next", next)}, "/console/password")
	b.to(t, ask{route: "GET /console/password"}, "/console/profile/users/"+u.ID.String()+"/security#password")
}

// TestCookies compares both cookies as they are set and taken away.
func TestCookies(t *testing.T) {
	for _, tt := range []struct {
		url, domain string
		want        []string
	}{
		{"http://127.0.0.1:8080", "", []string{"jeton; Path=/; HttpOnly; SameSite=Lax", "jeton_api; Path=/; HttpOnly; SameSite=Lax"}},
		{"https://tokens.example.com", "", []string{"__Host-jeton; Path=/; HttpOnly; Secure; SameSite=Lax", "jeton_api; Path=/; HttpOnly; Secure; SameSite=Lax"}},
		{"https://tokens.example.com", "example.com", []string{
			"__Host-jeton; Path=/; HttpOnly; Secure; SameSite=Lax", "jeton_api; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax",
		}},
	} {
		d := openDesk(t, console.NewCookies(tt.url, tt.domain))
		d.user(t, account.Draft{Username: "alice"})
		b := d.browser()
		b.logIn(t, "alice")
		if diff := cmp.Diff(tt.want, attributes(b.given)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.url, diff)
		}
		if b.given[0].Value == b.given[1].Value || len(b.given[0].Value) != 51 || len(b.given[1].Value) != 51 {
			t.Errorf("%s: got values %v", tt.url, b.given)
		}
		b.want(t, ask{route: "GET /console/"}, http.StatusOK)
		b.given = nil
		b.to(t, ask{route: "POST /console/logout", form: form()}, "/console/login?notice=logged-out")
		var gone []string
		for _, a := range tt.want {
			name, rest, _ := strings.Cut(a, "; Path=/")
			rest = strings.Replace("; Path=/"+rest, "; HttpOnly", "; Max-Age=0; HttpOnly", 1)
			gone = append(gone, name+rest)
		}
		if diff := cmp.Diff(gone, attributes(b.given)); diff != "" {
			t.Errorf("%s: logged out (-want +got)\n%s", tt.url, diff)
		}
	}
}

// attributes returns cookies as they were set, without their values, sorted by name.
func attributes(cookies []*http.Cookie) []string {
	var all []string
	for _, c := range cookies {
		all = append(all, c.Name+strings.TrimPrefix(c.Raw, c.Name+"="+c.Value))
	}
	return slices.Sorted(slices.Values(all))
}

// TestConfig leaves out what is required.
func TestConfig(t *testing.T) {
	if _, err := console.New(console.Config{Authority: &authority.Authority{}}); err == nil {
		t.Error("a console without accounts was made")
	}
}
