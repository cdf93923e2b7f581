package gateway_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
)

// sessionLife is how long a session token lasts.
const sessionLife = 14 * 24 * time.Hour

// sessionsAt returns session tokens on the desk's database, with a clock of their own.
func (d *desk) sessionsAt(t testing.TB, now func() time.Time) *session.Tokens {
	t.Helper()
	tokens, err := session.NewTokens(session.TokenConfig{
		Store: d.store, Keyring: d.keys, Applied: d.changes.CatchUp, Now: now, Random: rand.Reader, Lifetime: sessionLife,
	})
	check(t, err)
	return tokens
}

// session gives a user a session token.
func (d *desk) session(t testing.TB, u account.User) session.Begun {
	return d.sessionBy(t, d.sessions, u)
}

func (d *desk) sessionBy(t testing.TB, by *session.Tokens, u account.User) session.Begun {
	t.Helper()
	owner := authority.Principal{User: authority.User{ID: u.ID, Username: u.Username}, CredentialKind: authority.Password, CredentialID: u.ID}
	begun, err := by.Begin(t.Context(), &owner, audit.Actor{})
	check(t, err)
	return begun
}

// sessionRefusals are the ways to be refused that session tokens have of their own.
func sessionRefusals(t *testing.T, d *desk) []refusal {
	t.Helper()
	dave, _ := d.user(t, account.Draft{Username: "dave", Roles: []string{"partner"}})
	good := d.session(t, dave).Text.Reveal()
	forged, err := secret.Make(secret.Session, rand.Reader)
	check(t, err)
	ended := d.session(t, dave)
	check(t, d.sessions.End(t.Context(), dave.ID, "dave", ended.Token.ID, audit.Actor{}))
	at := func(after time.Duration) string {
		return d.sessionBy(t, d.sessionsAt(t, func() time.Time { return opened().Add(after) }), dave).Text.Reveal()
	}
	erin, _ := d.user(t, account.Draft{Username: "erin", Roles: []string{"partner"}})
	blocked := d.session(t, erin).Text.Reveal()
	state := account.Blocked
	_, err = d.accounts.Update(t.Context(), erin.ID, 0, account.Patch{State: &state}, audit.Actor{})
	check(t, err)
	c := d.logIn(t, dave)
	bearer := func(text string) func(*http.Request) { return set("Authorization", "Bearer "+text) }
	cookie := func(text string) func(*http.Request) {
		return all(without("Authorization"), set("Cookie", apiCookie+"="+text))
	}
	ok := bearer(good)
	const kind = "session_token"
	return []refusal{
		{"another letter in a session token", bearer(last(good)), ok, 401, "401", "bad_checksum", kind},
		{"a cut session token", bearer(good[:50]), ok, 401, "401", "bad_checksum", kind},
		{"a session token never issued", bearer(forged.Reveal()), ok, 401, "401", "unknown", kind},
		{"a session token that was ended", bearer(ended.Text.Reveal()), ok, 401, "401", "ended", kind},
		{"an expired session token", bearer(at(-sessionLife)), bearer(at(time.Microsecond - sessionLife)), 401, "401", "expired", kind},
		{"a session token made ahead", bearer(at(2*time.Minute + time.Microsecond)), bearer(at(2 * time.Minute)), 401, "401", "expired", kind},
		{"a blocked user's session token", bearer(blocked), ok, 401, "401", "blocked", kind},
		{"a session token as a cookie", cookie(good), cookie(c.API.Reveal()), 401, "401", "bad_checksum", "api_session"},
		{"a session token as a user name", basic(good, "x"), ok, 401, "401", "unknown_user", "password"},
		{"a session token without a scheme", set("Authorization", good), ok, 401, "401", "unknown_scheme", ""},
		{"a session token's call in nobody's audience", all(ok, set("X-Original-Method", "POST")), all(ok, set("X-Original-Method", "HEAD")), 403, "403", "not_in_audience", kind},
	}
}

// TestOwnPath is BitCanuck's rule: a session token opens the paths of its own user, and no other's.
func TestOwnPath(t *testing.T) {
	d, alice, _ := reports(t)
	bob, _ := d.user(t, account.Draft{Username: "bob"})
	d.service(t, catalog.Draft{Name: "people", Host: "people.example.com"}, "GET /users/{userId}/books self:{userId}")
	for name, u := range map[string]account.User{"alice": alice, "bob": bob} {
		begun := d.session(t, u)
		for owner, id := range map[string]string{"alice": alice.ID.String(), "bob": bob.ID.String(), "in capitals": strings.ToUpper(u.ID.String()), "nobody": "x"} {
			for range 2 { // once from the database, once from memory
				res, events := d.ask(t, question(begun.Text.Reveal(), http.MethodGet, "https://people.example.com/users/"+id+"/books"))
				if owner == name {
					if res.status != http.StatusOK || res.header.Get("Remote-User") != name || res.header.Get("X-Jeton-Credential-Kind") != "session_token" || res.header.Get("X-Jeton-Credential-Id") != begun.Token.ID.String() {
						t.Errorf("%s's own: got %d and %v, want it let in by its session", name, res.status, res.header)
					}
					continue
				}
				if res.status != http.StatusForbidden || len(events) != 1 || events[0].Reason != "not_in_audience" {
					t.Errorf("%s at the path of %s: got %d and %v, want 403 for not_in_audience", name, owner, res.status, events)
				}
			}
		}
	}
}
