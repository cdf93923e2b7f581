package bitcanuck_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
)

// another returns an assertion with another letter in its signature.
func another(text string) string {
	at, letter := len(text)-9, "A"
	if text[at] == 'A' {
		letter = "B"
	}
	return text[:at] + letter + text[at+1:]
}

// longPassword is as long as any that is looked at, in bytes.
var longPassword = secret.Text(strings.Repeat("x", 1024))

// refusal is a request that gets a 401, beside its twin that is let in: as nearly the same as can be.
type refusal struct {
	name         string
	refused      request
	admitted     request
	reason, kind string
}

// loginRefusals are all ways not to be logged in for what is presented.
func loginRefusals(t *testing.T, d *edge) []refusal {
	t.Helper()
	blocked := d.create(t, account.Draft{Username: "jane", Email: "jane@email.com", Password: password})
	state := account.Blocked
	check(t, d.update(blocked, account.Patch{State: &state}))
	gone := d.create(t, account.Draft{Username: "june", Email: "june@email.com", Password: password})
	check(t, d.Accounts.Delete(t.Context(), gone.ID, audit.Actor{}))
	d.create(t, account.Draft{Username: "robot", Email: "robot@email.com", Kind: account.Service})
	used := d.fresh(t)
	d.wantBegun(t, d.send(t, used))
	said, path := d.fresh(t), d.assertionPath()
	foreign := d.asserted(another(strings.TrimPrefix(said.headers[0], "Token: ")))
	good := logIn(email, password)
	const pw, jwt = "password", "assertion"
	return []refusal{
		{"an unknown e-mail", logIn("jon@email.com", password), good, "unknown_user", pw},
		{"a wrong password", logIn(email, password+"x"), good, "wrong_password", pw},
		{"a password in another case", logIn(email, "Correct horse: battery"), good, "wrong_password", pw},
		{"a blocked user", logIn("jane@email.com", password), good, "blocked", pw},
		{"a blocked user's wrong password", logIn("jane@email.com", password+"x"), good, "wrong_password", pw},
		{"a deleted user", logIn("june@email.com", password), good, "unknown_user", pw},
		{"a user without a password", logIn("robot@email.com", password), good, "unknown_user", pw},
		{"spaces around the e-mail", logIn(" "+email, password), good, "unknown_user", pw},
		{"an e-mail as long as can be", logIn(strings.Repeat("a", 4000), password), good, "unknown_user", pw},
		{"a password as long as is looked at", logIn(email, longPassword), good, "wrong_password", pw},
		{"a personal token for a password", logIn(email, d.personal(t)), good, "wrong_password", pw},

		{"no assertion", request{line: "POST " + path}, d.fresh(t), "no_credential", ""},
		{"an empty assertion", d.asserted(""), d.fresh(t), "malformed", jwt},
		{"a scheme alone", d.asserted("Bearer"), d.fresh(t), "malformed", jwt},
		{"another scheme", d.asserted("Bearex " + d.assertion(t, time.Hour)), d.fresh(t), "malformed", jwt},
		{"no form of an assertion", d.asserted("assertion"), d.fresh(t), "malformed", jwt},
		{"longer than any", d.asserted(strings.Repeat("A", 20<<10)), d.fresh(t), "malformed", jwt},
		{"an assertion that was used", used, d.fresh(t), "replayed", jwt},
		{"another letter in the signature", foreign, said, "bad_signature", jwt},
		{"one that has ended", d.asserted(d.assertion(t, -time.Second)), d.fresh(t), "expired", jwt},
		{"one that ends too late", d.asserted(d.assertion(t, 30*time.Hour)), d.fresh(t), "wrong_claims", jwt},
		{"an unknown platform", d.fresh(t).at("POST " + assertionBase + "PARTNER2"), d.fresh(t), "unknown_platform", jwt},
		{"a platform in another case", d.fresh(t).at("POST " + assertionBase + strings.ToLower(d.platform.Code)), d.fresh(t), "unknown_platform", jwt},
		{"a platform that is percent-encoded", d.fresh(t).at(fmt.Sprintf("POST %s%%%X%s", assertionBase, d.platform.Code[0], d.platform.Code[1:])), d.fresh(t), "unknown_platform", jwt},
		{"the assertion as a bearer", request{"POST " + path, []string{"Authorization: Bearer " + d.assertion(t, time.Hour)}, ""}, d.fresh(t), "not_accepted_here", "access_token"},
		{"the assertion in the query", request{line: "POST " + path + "?Token=" + d.assertion(t, time.Hour)}, d.fresh(t), "no_credential", ""},
	}
}

// personal gives john a personal token.
func (d *edge) personal(t *testing.T) secret.Text {
	t.Helper()
	text, _, err := d.Personal.Rotate(t.Context(), d.john(), audit.Actor{})
	check(t, err)
	return text
}

// john is the user as whoever has just proved to be that.
func (d *edge) john() *authority.Principal {
	return &authority.Principal{User: authority.User{ID: d.user.ID, Username: "john", Active: true}}
}

// TestLoginRefusals has each refused in the same bytes, with the reason in the audit log, and its twin admitted.
func TestLoginRefusals(t *testing.T) {
	d := newEdge(t)
	for _, tc := range loginRefusals(t, d) {
		t.Run(tc.name, func(t *testing.T) {
			d.refused()
			d.wantBegun(t, d.send(t, tc.admitted))
			d.wantRefused(t, "", "")
			d.golden(t, "login-failed", d.send(t, tc.refused))
			d.wantRefused(t, tc.reason, tc.kind)
			d.Advance(t, 10*time.Minute) // so that none of many guesses is one too many
		})
	}
}

// TestKinds presents every other kind of credential at each address.
func TestKinds(t *testing.T) {
	d := newEdge(t)
	text, _ := d.Token(t, apitoken.Draft{Name: "for john", User: "john"})
	cookies, err := d.Browsers.Begin(t.Context(), d.john(), uuid.Nil, audit.Actor{})
	check(t, err)
	bearer := func(token secret.Text) string { return "Authorization: Bearer " + token.Reveal() }
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("john:"+password.Reveal()))
	session := d.begin(t)
	for name, tc := range map[string]struct{ field, reason, kind string }{
		"nothing":                 {"X: y", "no_credential", ""},
		"password":                {basic, "not_accepted_here", "password"},
		"personal token":          {bearer(d.personal(t)), "not_accepted_here", "personal_token"},
		"API token":               {bearer(text), "not_accepted_here", "api_token"},
		"console session":         {"Cookie: jeton=" + cookies.Console.Reveal(), "no_credential", ""},
		"API session":             {"Cookie: jeton_api=" + cookies.API.Reveal(), "no_credential", ""},
		"API session as a bearer": {bearer(cookies.API), "unrecognized", ""},
		"session token":           {bearer(secret.Text(session)), "not_accepted_here", "session_token"},
		"session token alone":     {"Authorization: " + session, "unknown_scheme", ""},
		"session token, cut":      {bearer(secret.Text(session[:50])), "not_accepted_here", "session_token"},
		"session token in the field of assertions": {"Token: " + session, "malformed", "assertion"},
	} {
		d.refused()
		d.golden(t, "login-failed", d.send(t, request{"POST " + d.assertionPath(), []string{tc.field}, ""}))
		d.wantRefused(t, tc.reason, tc.kind)
		out := tc
		switch name {
		case "session token": // the one that belongs there
			continue
		case "session token, cut":
			out.reason = "bad_checksum"
		case "session token in the field of assertions":
			out.reason, out.kind = "no_credential", ""
		}
		d.golden(t, "authorization-required", d.send(t, request{"POST " + logoutPath, []string{out.field}, ""}))
		d.wantRefused(t, out.reason, out.kind)
	}
	if a := d.send(t, logOut(session)); a.status != http.StatusNoContent {
		t.Errorf("got %d for the token whose turn it is, want 204", a.status)
	}
}

// TestSameWork counts what is hashed: an unknown e-mail, a wrong password and a blocked account cost the same.
func TestSameWork(t *testing.T) {
	d := newEdge(t)
	jane := d.create(t, account.Draft{Username: "jane", Email: "jane@email.com", Password: password})
	d.wantFailureFreeLogin(t, "jane@email.com") // so that there is something to remember
	state := account.Blocked
	check(t, d.update(jane, account.Patch{State: &state}))
	for name, q := range map[string]request{
		"unknown": logIn("jon@email.com", password), "wrong": logIn(email, "wrong password"), "blocked": logIn("jane@email.com", password),
	} {
		before, began := d.Accounts.Hashed(), time.Now()
		d.golden(t, "login-failed", d.send(t, q))
		if n := d.Accounts.Hashed() - before; n != 1 {
			t.Errorf("%s: got %d passwords hashed, want one", name, n)
		}
		t.Logf("%s took %s", name, time.Since(began))
	}
}

func (d *edge) wantFailureFreeLogin(t *testing.T, name string) {
	t.Helper()
	if a := d.send(t, logIn(name, password)); a.status != http.StatusOK {
		t.Errorf("got %d for %s, want 200", a.status, name)
	}
}

// TestBadRequests have no verdict on a credential.
func TestBadRequests(t *testing.T) {
	d := newEdge(t)
	good := logIn(email, password)
	said, more := d.fresh(t), d.fresh(t)
	const bad = "BAD_REQUEST"
	fields := func(headers ...string) request { return request{headers: headers, body: good.body} }
	for _, tc := range []struct {
		name     string
		q        request
		status   int
		code     string
		admitted request
		reason   string
		kind     string
	}{
		{"no body", withBody(""), 400, bad, good, "", ""},
		{"a form", withBody("email=john&password=p"), 400, bad, good, "", ""},
		{"half an object", withBody(good.body[:len(good.body)-1]), 400, bad, good, "", ""},
		{"two objects", withBody(good.body + good.body), 400, bad, good, "", ""},
		{"a list", withBody("[" + good.body + "]"), 400, bad, good, "", ""},
		{"null", withBody("null"), 400, bad, good, "", ""},
		{"a text", withBody(`"email"`), 400, bad, good, "", ""},
		{"no UTF-8", withBody("{\"email\":\"j\xffhn\",\"password\":\"p\"}"), 400, bad, good, "", ""},
		{"a byte order mark", withBody("\ufeff" + good.body), 400, bad, good, "", ""},
		{"NUL in the e-mail", withBody(`{"email":"john\u0000","password":"p"}`), 400, bad, good, "", ""},
		{"half a surrogate pair", withBody(`{"email":"john@email.com","password":"\uD83D"}`), 400, bad, withBody(`{"email":"john@email.com","password":"correct horse: battery","x":"\uD83D"}`), "", ""},
		{"two e-mails", withBody(`{"email":"a","email":"john@email.com","password":"p"}`), 400, bad, good, "", ""},
		{"two e-mails, one escaped", withBody(`{"email":"a","\u0065mail":"john@email.com","password":"p"}`), 400, bad, good, "", ""},
		{"two of a client's own", withBody(`{"x":1,"x":1,"email":"john@email.com","password":"p"}`), 400, bad, good, "", ""},
		{"nested deep", withBody(strings.Repeat(`{"a":`, 1500) + "1" + strings.Repeat("}", 1500)), 413, "PAYLOAD_TOO_LARGE", good, "", ""},
		{"no e-mail", withBody(`{"password":"correct horse: battery"}`), 400, "USERNAME_EMAIL_REQUIRED", good, "", ""},
		{"an empty e-mail", logIn("", password), 400, "USERNAME_EMAIL_REQUIRED", good, "", ""},
		{"e-mail null", withBody(`{"email":null,"password":"p"}`), 400, "USERNAME_EMAIL_REQUIRED", good, "", ""},
		{"an e-mail that is no text", withBody(`{"email":["john@email.com"],"password":"p"}`), 400, "USERNAME_EMAIL_REQUIRED", good, "", ""},
		{"no password", withBody(`{"email":"john@email.com"}`), 400, "PASSWORD_REQUIRED", good, "", ""},
		{"an empty password", logIn(email, ""), 400, "PASSWORD_REQUIRED", good, "", ""},
		{"a password that is no text", withBody(`{"email":"john@email.com","password":123456789}`), 400, "PASSWORD_REQUIRED", good, "", ""},
		{"a body too large", withBody(good.body + strings.Repeat(" ", 8<<10+1-len(good.body))), 413, "PAYLOAD_TOO_LARGE", withBody(good.body + strings.Repeat(" ", 8<<10-len(good.body))), "", ""},
		{"chunks too large", request{headers: []string{jsonType, "Transfer-Encoding: chunked"}, body: "2001\r\n" + strings.Repeat(" ", 0x2001) + "\r\n0\r\n\r\n"}, 413, "PAYLOAD_TOO_LARGE", good, "", ""},
		{"a form's type", fields("Content-Type: application/x-www-form-urlencoded"), 415, "UNSUPPORTED_MEDIA_TYPE", fields(jsonType), "", ""},
		{"a text's type", fields("Content-Type: text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE", fields(jsonType), "", ""},
		{"a type like JSON", fields("Content-Type: application/jsonx"), 415, "UNSUPPORTED_MEDIA_TYPE", fields(jsonType), "", ""},
		{"two types", fields(jsonType, jsonType), 415, "UNSUPPORTED_MEDIA_TYPE", fields(jsonType), "", ""},
		{"compressed", fields(jsonType, "Content-Encoding: gzip"), 415, "UNSUPPORTED_MEDIA_TYPE", fields(jsonType), "", ""},

		{"a password too long", logIn(email, longPassword+"x"), 400, bad, good, "too_long", "password"},
		{"a token beside the password", good.plus("Authorization: Bearer x"), 400, bad, good.plus("Cookie: jeton=x"), "two_credentials", ""},
		{"two assertions", said.plus("Token: x"), 400, bad, said, "two_credentials", ""},
		{"a token beside the assertion", more.plus("Authorization: Bearer x"), 400, bad, more.plus("Cookie: jeton=x"), "two_credentials", ""},
		{"a page from elsewhere", good.plus("Sec-Fetch-Site: cross-site"), 403, "ACCESS_DENIED", good.plus("Sec-Fetch-Site: same-origin"), "cross_origin", "password"},
		{"a page from elsewhere, by Origin", good.plus("Origin: https://evil.example"), 403, "ACCESS_DENIED", good.plus("Origin: https://api.example.com"), "cross_origin", "password"},
		{"two tokens to log out", logOut(d.begin(t)).plus("Authorization: Bearer x"), 400, bad, good, "two_credentials", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d.refused()
			wantFailure(t, d.send(t, tc.q), tc.status, tc.code)
			d.wantRefused(t, tc.reason, tc.kind)
			d.wantBegun(t, d.send(t, tc.admitted))
			d.wantRefused(t, "", "")
		})
	}
}

// TestThrottled: who guesses is told to wait, for somebody's e-mail as for nobody's, and tokens go on working. Whoever goes on by the
// user's name, at another door, waits too.
func TestThrottled(t *testing.T) {
	d := newEdge(t)
	session := d.begin(t)
	for _, name := range []string{"jane@email.com", "nobody@email.com"} {
		if name[0] == 'j' {
			d.create(t, account.Draft{Username: "jane", Email: name, Password: password})
		}
		d.throttle(t, name)
		d.refused()
		before := d.Accounts.Hashed()
		a := d.send(t, logIn(name, password))
		wantFailure(t, a, http.StatusTooManyRequests, "TOO_MANY_REQUESTS")
		if a.header.Get("Retry-After") != "60" || d.Accounts.Hashed() != before {
			t.Errorf("%s: got Retry-After %q and %d hashed, want 60 and none", name, a.header.Get("Retry-After"), d.Accounts.Hashed()-before)
		}
		d.wantRefused(t, "throttled", "password")
	}
	door := authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.Password)}
	by := authority.Presented{Authorization: []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("JANE:"+password.Reveal()))}}
	_, err := d.Authority.Identify(t.Context(), &by, &door)
	if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonThrottled {
		t.Errorf("got %v for the name at another door, want it throttled", err)
	}
	if got := d.refusedAtGateway(t, session); got != "" {
		t.Errorf("got %q for a session token meanwhile", got)
	}
}

// TestNoVerdict: where nobody can tell, no client must take its password, assertion or token for a bad one.
func TestNoVerdict(t *testing.T) {
	d := newEdge(t)
	session := d.begin(t)
	fault := errors.New("no database: canary")
	for name, tc := range map[string]struct {
		fail   func(*error)
		line   func() request
		kind   string
		status int
	}{
		"who calls":              {d.Users.Err.Store, func() request { return logIn(email, password) }, "password", 200},
		"whom a platform says":   {d.Users.Err.Store, func() request { return d.fresh(t) }, "assertion", 200},
		"whose token it is":      {d.Users.Err.Store, func() request { return logOut(session) }, "session_token", 204},
		"a session":              {d.sessions.err.Store, func() request { return logIn(email, password) }, "password", 200},
		"a session by assertion": {d.sessions.err.Store, func() request { return d.fresh(t) }, "assertion", 200},
		"the end of a session":   {d.sessions.err.Store, func() request { return logOut(d.begin(t)) }, "session_token", 204},
	} {
		t.Run(name, func(t *testing.T) {
			q := tc.line()
			d.Authority.Forget(uuid.Nil)
			d.refused()
			d.Log.Take()
			tc.fail(&fault)
			a := d.send(t, q)
			wantFailure(t, a, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE")
			if a.header.Get("Retry-After") != "1" || strings.Contains(a.raw, "canary") {
				t.Errorf("got %s, want Retry-After and nothing of the cause", a.raw)
			}
			d.wantRefused(t, "unavailable", tc.kind)
			d.wantLine(t, map[string]any{"level": "ERROR", "status": 503.0, "reason": "unavailable"})
			tc.fail(nil)
			if tc.kind == "assertion" {
				q = d.fresh(t)
			}
			if a := d.send(t, q); a.status != tc.status {
				t.Errorf("when it is back: got %d %s, want %d", a.status, a.body, tc.status)
			}
		})
	}
}

// TestChangedMeanwhile changes the user between the proof and the session: who calls is asked anew, once.
func TestChangedMeanwhile(t *testing.T) {
	replacement, state := secret.Text("another password"), account.Blocked
	rename := func(d *edge) { _ = d.update(d.user, account.Patch{DisplayName: new(uuid.NewString())}) }
	byAssertion := func(d *edge) request { return d.fresh(t) }
	for name, tc := range map[string]struct {
		happens      func(*edge)
		q            func(*edge) request
		status       int
		reason, kind string
		caught       int64
	}{
		"renamed":                    {rename, nil, 200, "", "", 1},
		"blocked":                    {func(d *edge) { _ = d.update(d.user, account.Patch{State: &state}) }, nil, 401, "blocked", "password", 1},
		"another password":           {func(d *edge) { _ = d.update(d.user, account.Patch{Password: &replacement}) }, nil, 401, "wrong_password", "password", 1},
		"renamed twice":              {func(d *edge) { rename(d); again := func() { rename(d) }; d.sessions.before.Store(&again) }, nil, 503, "unavailable", "password", 1},
		"renamed, by assertion":      {rename, byAssertion, 503, "unavailable", "assertion", 1},
		"deleted, by assertion":      {func(d *edge) { _ = d.Accounts.Delete(t.Context(), d.user.ID, audit.Actor{}) }, byAssertion, 401, "user_deleted", "assertion", 1},
		"deleted":                    {func(d *edge) { _ = d.Accounts.Delete(t.Context(), d.user.ID, audit.Actor{}) }, nil, 401, "user_deleted", "password", 0},
		"renamed, logging out":       {rename, func(d *edge) request { return logOut(d.begin(t)) }, 204, "", "", 1},
		"logged out, logging out":    {func(d *edge) { d.endAll(t) }, func(d *edge) request { return logOut(d.begin(t)) }, 401, "ended", "session_token", 0},
		"renamed twice, logging out": {func(d *edge) { rename(d); again := func() { rename(d) }; d.sessions.before.Store(&again) }, func(d *edge) request { return logOut(d.begin(t)) }, 503, "unavailable", "session_token", 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newEdge(t)
			q := logIn(email, password)
			if tc.q != nil {
				q = tc.q(d)
			}
			happens := func() { tc.happens(d) }
			d.sessions.before.Store(&happens)
			if a := d.send(t, q); a.status != tc.status {
				t.Errorf("got %d %s, want %d", a.status, a.body, tc.status)
			}
			d.wantRefused(t, tc.reason, tc.kind)
			if n := d.feed.caught.Load(); n != tc.caught {
				t.Errorf("got the feed heard %d times, want %d", n, tc.caught)
			}
		})
	}
}

// TestChangedElsewhere: of what another node has changed, this one hears before it says that it can't tell. An assertion that was
// looked at is used up, so that it must hear before.
func TestChangedElsewhere(t *testing.T) {
	for name, log := range map[string]func(*edge) request{
		"password": func(*edge) request { return logIn(email, password) }, "assertion": func(d *edge) request { return d.fresh(t) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newEdge(t)
			unheard := func(context.Context) error { return nil }
			elsewhere, err := account.New(account.Config{Store: d.Store, Applied: unheard, Now: d.Now, Random: rand.Reader, PasswordSlots: 1})
			check(t, err)
			_, err = elsewhere.Update(t.Context(), d.user.ID, 0, account.Patch{DisplayName: new("John")}, audit.Actor{})
			check(t, err)
			d.wantBegun(t, d.send(t, log(d)))
			d.wantRefused(t, "", "")
		})
	}
}

// endAll ends all of john's session tokens, unheard by this node until it is asked to hear.
func (d *edge) endAll(t *testing.T) {
	t.Helper()
	tokens, err := d.Sessions.List(t.Context(), d.user.ID)
	check(t, err)
	for _, s := range tokens {
		check(t, d.Sessions.End(t.Context(), d.user.ID, "john", s.ID, audit.Actor{}))
	}
}

// TestDeaf: who can't hear of the change can't say who calls.
func TestDeaf(t *testing.T) {
	d := newEdge(t)
	fault := errors.New("no feed: canary")
	d.feed.err.Store(&fault)
	happens := func() { _ = d.update(d.user, account.Patch{DisplayName: new("John")}) }
	d.sessions.before.Store(&happens)
	wantFailure(t, d.send(t, logIn(email, password)), 503, "SERVICE_UNAVAILABLE")
	d.wantRefused(t, "unavailable", "password")
}

// TestLeft: whoever asks and leaves, with an assertion that is worth nothing, has no credential asked about anew that is remembered.
func TestLeft(t *testing.T) {
	d := newEdge(t)
	h := d.handler(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	for range 20 { // of what is ready at once, either may come first
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, d.assertionPath(), http.NoBody)
		r.Header.Set("Token", "something")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if !d.Feed.Fresh() {
		t.Error("got that the feed is no longer fresh")
	}
}

// wantLine compares members of the request's line in the log.
func (d *edge) wantLine(t *testing.T, want map[string]any) {
	t.Helper()
	text := d.Log.Take()
	got := map[string]any{}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Errorf("got %q, want one line of JSON: %v", text, err)
	}
	shown := map[string]any{}
	for name := range want {
		shown[name] = got[name]
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("the log's line (-want +got):\n%s", diff)
	}
}

// TestLog: a line tells who called, by what and where, and never what stands in the place of a platform.
func TestLog(t *testing.T) {
	d := newEdge(t)
	john, ours := d.user.ID.String(), d.platform.ID.String()
	for _, tc := range []struct {
		q    request
		want map[string]any
	}{
		{logIn(email, password), map[string]any{
			"level": "INFO", "listener": "public", "status": 200.0, "method": "POST", "host": "api.example.com", "path": passwordPath, "client": clientAddress,
			"kind": "password", "user_id": john, "credential_id": john, "reason": nil, "error": nil,
		}},
		{d.fresh(t), map[string]any{
			"status": 200.0, "path": "/api/v1/authenticate-jwt/{platform}", "kind": "assertion", "user_id": john, "credential_id": ours, "reason": nil, "error": nil,
		}},
		{d.fresh(t).at("POST /api/v1/authenticate-jwt/eyJpasted?x=eyJqueried"), map[string]any{
			"level": "INFO", "status": 401.0, "path": "/api/v1/authenticate-jwt/{platform}", "client": clientAddress, "reason": "unknown_platform", "credential_id": nil, "error": nil,
		}},
		{d.asserted(d.assertion(t, 48*time.Hour)), map[string]any{"status": 401.0, "reason": "wrong_claims", "user_id": nil, "credential_id": ours, "error": nil}},
		{logIn(email, "wrong password"), map[string]any{"level": "INFO", "status": 401.0, "reason": "wrong_password", "user_id": john, "error": nil}},
		{withBody("{}"), map[string]any{"level": "INFO", "status": 400.0, "reason": "USERNAME_EMAIL_REQUIRED", "user_id": nil, "error": nil}},
		{request{line: "GET " + logoutPath + "/"}, map[string]any{"status": 405.0, "path": logoutPath, "method": "GET", "reason": "METHOD_NOT_ALLOWED"}},
	} {
		d.Log.Take()
		d.send(t, tc.q)
		d.wantLine(t, tc.want)
	}
	calls := map[string]bool{}
	for _, e := range d.refused() {
		if call := e.Detail["call"]; call != "" {
			calls[call] = true
		}
	}
	if diff := cmp.Diff(map[string]bool{"POST /api/v1/authenticate": true, "POST /api/v1/authenticate-jwt/{platform}": true}, calls); diff != "" {
		t.Errorf("the calls in the audit log (-want +got):\n%s", diff)
	}
}

// TestCanary sends secrets in every place, good and bad, and searches what is kept and said for them.
func TestCanary(t *testing.T) {
	d := newEdge(t)
	const word = "canary-password"
	assertion := d.assertion(t, 5*time.Minute)
	jane := d.create(t, account.Draft{Username: "jane", Email: "jane@email.com", Password: word})
	session := d.begin(t)
	answers := []answer{d.send(t, logIn("jane@email.com", word))}
	fault := errors.New("no database")
	for _, faulty := range []bool{false, true} {
		if faulty {
			d.sessions.err.Store(&fault)
		}
		for _, q := range []request{
			logIn(word, word), logIn(email, word), withBody(`{"email":"jane@email.com","password":"` + word), withBody(`{"` + word + `":1,"` + word + `":2}`),
			logIn("jane@email.com", word).plus("Authorization: Bearer " + session), logIn("jane@email.com", word).plus("Sec-Fetch-Site: cross-site"),
			logIn("jane@email.com", word), d.asserted(assertion), d.asserted(assertion), d.asserted(assertion).plus("Token: " + assertion),
			d.asserted("Basic " + assertion), d.asserted(assertion).at("POST " + assertionBase + assertion), d.asserted(session),
			d.asserted(assertion).at("GET " + d.assertionPath() + "?Token=" + assertion), logOut(session).at("GET " + logoutPath + "?access_token=" + session),
			logOut(word), logOut(session + "0"), logOut(session), logOut(session),
		} {
			answers = append(answers, d.send(t, q))
		}
	}
	said := d.Log.Take()
	events, err := d.Store.Events(t.Context(), audit.Query{Limit: 1000})
	check(t, err)
	for _, e := range append(events, d.refused()...) {
		text, err := json.Marshal(e)
		check(t, err)
		said += string(text)
	}
	for _, a := range answers[1:] {
		if !strings.Contains(a.body, `"data"`) {
			said += a.raw
		}
	}
	if !strings.Contains(said, jane.ID.String()) || !strings.Contains(said, "replayed") || !strings.Contains(said, "ended") {
		t.Fatal("there is too little to search")
	}
	for what, canary := range map[string]string{"the password": word, "the assertion": assertion[20:60], "its signature": assertion[len(assertion)-40:], "the session token": session[3:45]} {
		if at := strings.Index(said, canary); at >= 0 {
			t.Errorf("got %s in %q", what, said[max(0, at-200):at+len(canary)])
		}
	}
}

// TestLifetime: a session ends when its answer says, to the microsecond.
func TestLifetime(t *testing.T) {
	d := newEdge(t)
	token := d.begin(t)
	d.Advance(t, desk.SessionLife-time.Microsecond)
	if got := d.refusedAtGateway(t, token); got != "" {
		t.Errorf("a microsecond before its end: got %q", got)
	}
	d.Advance(t, time.Microsecond)
	d.refused()
	d.golden(t, "authorization-required", d.send(t, logOut(token)))
	d.wantRefused(t, "expired", "session_token")
}
