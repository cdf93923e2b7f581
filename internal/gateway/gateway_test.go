package gateway_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/gateway"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/web"
)

func TestNew(t *testing.T) {
	d := newDesk(t)
	whole := gateway.Config{
		Authority: d.authority, Peers: new(web.Peers), Kinds: authority.KindsOf(authority.PersonalToken), Logger: slog.New(slog.DiscardHandler), Now: opened,
	}
	if _, err := gateway.New(whole); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	for name, change := range map[string]func(*gateway.Config){
		"no authority": func(c *gateway.Config) { c.Authority = nil },
		"no peers":     func(c *gateway.Config) { c.Peers = nil },
		"no kinds":     func(c *gateway.Config) { c.Kinds = 0 },
		"no logger":    func(c *gateway.Config) { c.Logger = nil },
		"no clock":     func(c *gateway.Config) { c.Now = nil },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := whole
			change(&cfg)
			if _, err := gateway.New(cfg); err == nil {
				t.Error("got no error")
			}
		})
	}
}

// refusal is a call that is refused, beside its twin that is let in: as nearly the same as can be.
type refusal struct {
	name         string
	refused      func(*http.Request)
	admitted     func(*http.Request)
	status       int
	jetonStatus  string
	reason, kind string
}

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func add(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func without(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(name) }
}

// basic presents a user name and a password (RFC 7617).
func basic(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

func as(*http.Request) {}

// last returns a token with another last character.
func last(token string) string {
	end := "0"
	if strings.HasSuffix(token, end) {
		end = "1"
	}
	return token[:len(token)-1] + end
}

// refusals are all ways to be refused but those of paths and a failing database.
func refusals(t *testing.T, d *desk, token string) []refusal {
	t.Helper()
	unknown, err := secret.Make(secret.Personal, strings.NewReader(strings.Repeat("never issued", 99)))
	check(t, err)
	bob, former := d.user(t, account.Draft{Username: "bob", Roles: []string{"partner"}})
	newest := d.rotate(t, bob)
	carol, blocked := d.user(t, account.Draft{Username: "carol", Roles: []string{"partner"}})
	state := account.Blocked
	_, err = d.accounts.Update(t.Context(), carol.ID, 0, account.Patch{State: &state}, audit.Actor{})
	check(t, err)
	d.service(t, catalog.Draft{Name: "kept", Host: "kept.example.com"}, "GET /reports/{id} role:partner")
	d.service(t, catalog.Draft{Name: "doubted", Host: "doubted.example.com"}, "GET /reports/{id} role:partner")
	d.suspend(t, "doubted")
	bearer := func(text string) func(*http.Request) { return set("Authorization", "Bearer "+text) }
	const api, personal = "https://api.example.com", "personal_token"
	return []refusal{
		{"nothing", without("Authorization"), as, 401, "401", "no_credential", ""},
		{"an empty field", set("Authorization", ""), as, 401, "401", "no_credential", ""},
		{"no token", bearer(""), as, 401, "401", "malformed", ""},
		{"another scheme", set("Authorization", "Bearex "+token), set("Authorization", "bearer "+token), 401, "401", "unknown_scheme", ""},
		{"another tag", bearer("jtq" + token[3:]), as, 401, "401", "unrecognized", ""},
		{"bad checksum", bearer(last(token)), bearer(token), 401, "401", "bad_checksum", personal},
		{"cut", bearer(token[:50]), bearer(token), 401, "401", "bad_checksum", personal},
		{"lengthened", bearer(token + "0"), bearer(token + " "), 401, "401", "bad_checksum", personal},
		{"never issued", bearer(unknown.Reveal()), as, 401, "401", "unknown", personal},
		{"rotated away", bearer(former), bearer(newest), 401, "401", "superseded", personal},
		{"blocked", bearer(blocked), as, 401, "401", "blocked", personal},
		{"wrong password", basic("alice", password+"."), basic("alice", password), 401, "401", "wrong_password", "password"},
		{"unknown user", basic("alicf", password), basic("alice", password), 401, "401", "unknown_user", "password"},
		{"a token as user name", basic(token, "x"), as, 401, "401", "unknown_user", "password"},
		{"a token as password", basic("alice", token), as, 401, "401", "wrong_password", "password"},
		{"bad Basic", set("Authorization", "Basic YWxpY2U"), as, 401, "401", "malformed", "password"},

		{"two credentials", add("Authorization", "Bearer "+token), as, 403, "400", "two_credentials", ""},
		{"too long", set("Authorization", "Basic "+strings.Repeat("A", 1369)), as, 403, "400", "too_long", "password"},

		{"method not in audience", set("X-Original-Method", "POST"), set("X-Original-Method", "HEAD"), 403, "403", "not_in_audience", personal},
		{"no operation", set("X-Original-Url", api+"/reportx/7"), set("X-Original-Url", api+"/reports/7"), 403, "403", "no_operation", personal},
		{"unknown host", set("X-Original-Url", "https://api.example.con/reports/7"), set("X-Original-Url", "https://api.example.com/reports/7"), 403, "403", "unknown_service", personal},
		{"suspended service", set("X-Original-Url", "https://doubted.example.com/reports/7"), set("X-Original-Url", "https://kept.example.com/reports/7"), 403, "403", "service_suspended", personal},
		{"another host before an at sign", set("X-Original-Url", "https://api.example.com@evil/reports/7"), as, 403, "403", "unknown_service", personal},

		{"untrusted peer", from("192.0.2.11:4711"), from("192.0.2.10:4712"), 403, "403", "untrusted_peer", ""},
		{"peer without address", from("@"), as, 403, "403", "untrusted_peer", ""},

		{"no URL", without("X-Original-Url"), as, 403, "400", "unreadable_call", ""},
		{"two URLs", add("X-Original-Url", api+"/reports/7"), as, 403, "400", "unreadable_call", ""},
		{"URL without scheme", set("X-Original-Url", "/reports/7"), as, 403, "400", "unreadable_call", ""},
		{"URL of another scheme", set("X-Original-Url", "httpx://api.example.com/reports/7"), set("X-Original-Url", "https://api.example.com/reports/7"), 403, "400", "unreadable_call", ""},
		{"URL without host", set("X-Original-Url", "https:///reports/7"), as, 403, "400", "unreadable_call", ""},
		{"URL without path", set("X-Original-Url", api), as, 403, "403", "ambiguous_path", personal},
		{"no method", without("X-Original-Method"), as, 403, "400", "unreadable_call", ""},
		{"empty method", set("X-Original-Method", ""), as, 403, "400", "unreadable_call", ""},
		{"two methods", add("X-Original-Method", "GET"), as, 403, "400", "unreadable_call", ""},
		{"a space in the query", set("X-Original-Url", api+"/reports/7?a b"), set("X-Original-Url", api+"/reports/7?a%20b"), 403, "400", "unreadable_call", ""},
		{"method in small letters", set("X-Original-Method", "GEt"), set("X-Original-Method", "GET"), 403, "400", "unreadable_call", ""},
	}
}

func TestRefusals(t *testing.T) {
	d, _, token := reports(t)
	for _, tc := range slices.Concat(refusals(t, d, token), signedRefusals(t, d), sessionRefusals(t, d)) {
		t.Run(tc.name, func(t *testing.T) {
			if res, events := d.ask(t, asked(token, tc.admitted)); res.status != http.StatusOK || len(events) != 0 {
				t.Errorf("twin: got %d and refusals %v, want 200 and none", res.status, events)
			}
			res, events := d.ask(t, asked(token, tc.refused))
			if res.status != tc.status || res.header.Get("X-Jeton-Status") != tc.jetonStatus {
				t.Errorf("got %d, X-Jeton-Status %q, want %d, %q", res.status, res.header.Get("X-Jeton-Status"), tc.status, tc.jetonStatus)
			}
			if len(events) != 1 || events[0].Reason != tc.reason || events[0].Actor.CredentialKind != tc.kind || events[0].Door != "gateway" {
				t.Errorf("got refusals %+v, want one at the gateway with reason %q and kind %q", events, tc.reason, tc.kind)
			}
			wantNobody(t, res)
			if got := res.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
				t.Errorf("got Cache-Control %q, want no-store", got)
			}
		})
	}
}

// wantNobody checks that an answer sets every identity header to nothing, and has no body.
func wantNobody(t *testing.T, res answer) {
	t.Helper()
	for _, name := range identityNames() {
		if got := res.header.Values(name); len(got) != 1 || got[0] != "" {
			t.Errorf("got %s %q, want one empty value", name, got)
		}
	}
	if res.body != "" {
		t.Errorf("got body %q, want none", res.body)
	}
}

// TestFailedCredentialsLookAlike compares whole answers, header and body, over a real connection.
func TestFailedCredentialsLookAlike(t *testing.T) {
	d, _, token := reports(t)
	s := serve(t, d)
	first := ""
	for _, tc := range slices.Concat(refusals(t, d, token), signedRefusals(t, d), sessionRefusals(t, d)) {
		if tc.status != http.StatusUnauthorized {
			continue
		}
		res := s.send(t, asked(token, tc.refused))
		if got := res.header.Values("Www-Authenticate"); !cmp.Equal(got, []string{`Bearer realm="jeton", Basic realm="jeton", charset="UTF-8"`}) {
			t.Errorf("%s: got challenges %q, want both in one field", tc.name, got)
		}
		if id := res.header.Get("X-Request-Id"); len(id) != 16 {
			t.Errorf("%s: got request ID %q, want 16 digits", tc.name, id)
		}
		res.header.Del("X-Request-Id")
		res.header.Del("Date")
		got := fmt.Sprint(res)
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%s: got\n%s\nwant what the first got:\n%s", tc.name, got, first)
		}
	}
}

// TestUnavailable lets the database fail for a token that isn't remembered.
func TestUnavailable(t *testing.T) {
	d, alice, token := reports(t)
	d.fresh.Store(false) // nothing remembered is trusted
	if res, _ := d.ask(t, asked(token, as)); res.status != http.StatusOK {
		t.Fatalf("twin: got %d, want 200", res.status)
	}
	for err, reason := range map[error]string{errors.New("no database"): "unavailable", authority.ErrBusy: "busy"} {
		d.users.err = err
		res, events := d.ask(t, asked(token, as))
		want := map[string]int{"unavailable": http.StatusServiceUnavailable, "busy": http.StatusTooManyRequests}[reason]
		if res.status != want || res.header.Get("X-Jeton-Status") != "503" || res.header.Get("Retry-After") != "1" {
			t.Errorf("%s: got %d, X-Jeton-Status %q, Retry-After %q, want %d, 503 and 1", reason, res.status, res.header.Get("X-Jeton-Status"), res.header.Get("Retry-After"), want)
		}
		if len(events) != 1 || events[0].Reason != reason {
			t.Errorf("got refusals %+v, want reason %s", events, reason)
		}
		wantNobody(t, res)
	}
	d.users.err = authority.ErrNotFound
	res, events := d.ask(t, asked(token, as))
	if res.status != http.StatusUnauthorized || len(events) != 1 || events[0].Reason != "user_deleted" || events[0].Actor.UserID != alice.ID {
		t.Errorf("got %d and %+v, want 401 for a deleted user", res.status, events)
	}
}

// TestBlockedAtOnce blocks a user whose token is remembered.
func TestBlockedAtOnce(t *testing.T) {
	d, alice, token := reports(t)
	for _, tc := range []struct {
		state account.State
		want  int
	}{{account.Active, 200}, {account.Blocked, 401}, {account.Active, 200}} {
		_, err := d.accounts.Update(t.Context(), alice.ID, 0, account.Patch{State: &tc.state}, audit.Actor{})
		check(t, err)
		for range 2 { // once from the database, once from memory
			if res, _ := d.ask(t, asked(token, as)); res.status != tc.want {
				t.Errorf("%s: got %d, want %d", tc.state, res.status, tc.want)
			}
		}
	}
}

func TestOtherPaths(t *testing.T) {
	d, _, token := reports(t)
	for _, path := range []string{"/", "/auth-requesx", "/auth-request/", "/auth-request/x", "/forward-autha", "/v1/me", "/healthz"} {
		r := asked(token, as)
		r.URL.Path = path
		res, _ := d.ask(t, r)
		if res.status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, res.status)
		}
		for _, name := range identityNames() {
			if got := res.header.Values(name); len(got) != 1 || got[0] != "" {
				t.Errorf("%s: got %s %q, want one empty value", path, name, got)
			}
		}
	}
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
		r := asked(token, as)
		r.Method = method
		if res, _ := d.ask(t, r); res.status != http.StatusOK {
			t.Errorf("%s /auth-request: got %d, want 200", method, res.status)
		}
	}
}
