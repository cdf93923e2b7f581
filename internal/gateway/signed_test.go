package gateway_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

const issuer = "https://tokens.example.com"

// wireSigned makes the ways in of signed tokens.
func (d *desk) wireSigned(t testing.TB) {
	t.Helper()
	var err error
	d.api, err = apitoken.New(apitoken.Config{
		Store: d.store, Users: d.accounts, Keyring: d.keys, Policy: d.catalog.Policy, Applied: d.changes.CatchUp, Issuer: issuer, Now: opened,
	})
	check(t, err)
	d.access = d.accessAt(t, opened)
}

// accessAt returns what issues access tokens by another clock.
func (d *desk) accessAt(t testing.TB, now func() time.Time) *accesstoken.Tokens {
	t.Helper()
	access, err := accesstoken.New(accesstoken.Config{
		Store: d.store, Keyring: d.keys, Policy: d.catalog.Policy, Applied: d.changes.CatchUp, Issuer: issuer, Life: 5 * time.Minute, Now: now,
	})
	check(t, err)
	return access
}

// The places of the seed's recipe.
const (
	allowedURL = "https://legacy.example.com/m42Services/api/objects/7"
	otherURL   = "https://legacy.example.com/m42Services/api/users/7"
)

// externalApp makes the person of the seed's recipe and adds it to the audience of one method. The other is for others.
func (d *desk) externalApp(t testing.TB) account.User {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), account.Draft{Username: "ExternalApp"}, audit.Actor{})
	check(t, err)
	_, err = d.catalog.Create(t.Context(), catalog.Draft{Name: "legacy", Host: "legacy.example.com"}, audit.Actor{})
	check(t, err)
	_, err = d.catalog.Replace(t.Context(), "legacy", 1, []catalog.Operation{
		{Pattern: "GET /m42Services/api/objects/{id}", Audience: []string{"user:ExternalApp"}, Scope: "objects.read"},
		{Pattern: "GET /m42Services/api/users/{id}", Audience: []string{"role:admin"}, Scope: "users.read"},
		{Pattern: "GET /m42Services/api/open", Audience: []string{"user:ExternalApp"}},
	}, audit.Actor{})
	check(t, err)
	return u
}

// apiToken makes an API token for a user, within limits.
func (d *desk) apiToken(t testing.TB, u account.User, l authority.Limits) (string, apitoken.Token) {
	t.Helper()
	name := fmt.Sprint("for ", u.Username, " ", time.Now().UnixNano())
	text, made, err := d.api.Create(t.Context(), apitoken.Draft{Name: name, User: u.Username, Days: 30, Limits: l}, &authority.Principal{}, audit.Actor{})
	check(t, err)
	return text.Reveal(), made
}

// accessToken gets an access token for an API token.
func (d *desk) accessToken(t testing.TB, from *accesstoken.Tokens, made apitoken.Token, ask accesstoken.Ask) string {
	t.Helper()
	p := &authority.Principal{User: authority.User{ID: made.UserID}, CredentialKind: authority.APIToken, CredentialID: made.ID}
	issued, err := from.Issue(t.Context(), p, ask)
	check(t, err)
	return issued.Token.Reveal()
}

// at presents a bearer token for a GET of a URL.
func at(url, token string) func(*http.Request) {
	return all(set("Authorization", "Bearer "+token), set("X-Original-Url", url))
}

// TestRecipe is the seed's: the method whose audience has ExternalApp, and any other; by the access token, and by the API
// token for which it was got.
func TestRecipe(t *testing.T) {
	d := newDesk(t)
	app := d.externalApp(t)
	raw, made := d.apiToken(t, app, authority.Limits{})
	access := d.accessToken(t, d.access, made, accesstoken.Ask{})
	for range 2 { // cold and warm
		res, events := d.ask(t, asked("", at(allowedURL, access)))
		got := map[string]string{}
		for _, name := range []string{"Remote-User", "X-Jeton-User-Id", "X-Jeton-Credential-Kind", "X-Jeton-Credential-Id", "X-Jeton-Service", "X-Jeton-Status"} {
			got[name] = res.header.Get(name)
		}
		want := map[string]string{
			"Remote-User": "ExternalApp", "X-Jeton-User-Id": app.ID.String(), "X-Jeton-Credential-Kind": "access_token",
			"X-Jeton-Credential-Id": made.ID.String(), "X-Jeton-Service": "legacy", "X-Jeton-Status": "200",
		}
		if diff := cmp.Diff(want, got); diff != "" || res.status != http.StatusOK || len(events) != 0 {
			t.Errorf("got %d, refusals %v, header (-want +got):\n%s", res.status, events, diff)
		}
		if res, events := d.ask(t, asked("", at(otherURL, access))); res.status != http.StatusForbidden || len(events) != 1 || events[0].Reason != "not_in_audience" {
			t.Errorf("another method: got %d and %v, want 403", res.status, events)
		}
		for _, url := range []string{allowedURL, otherURL} {
			if res, events := d.ask(t, asked("", at(url, raw))); res.status != http.StatusUnauthorized || len(events) != 1 || events[0].Reason != "exchange_first" {
				t.Errorf("the raw token: got %d and %v, want 401", res.status, events)
			}
		}
	}
}

// signedRefusals are the ways to be refused that signed tokens have of their own.
func signedRefusals(t *testing.T, d *desk) []refusal {
	t.Helper()
	app := d.externalApp(t)
	_, made := d.apiToken(t, app, authority.Limits{})
	good := d.accessToken(t, d.access, made, accesstoken.Ask{})
	ok := at(allowedURL, good)
	cut := strings.LastIndexByte(good, '.')
	claims, _ := base64.RawURLEncoding.DecodeString(good[strings.IndexByte(good, '.')+1 : cut])

	former := d.accessAt(t, func() time.Time { return opened().Add(-5 * time.Minute) })
	expired := d.accessToken(t, former, made, accesstoken.Ask{})
	early, err := d.keys.Sign(t.Context(), keyring.ForAccessTokens, claimSet(app, made, opened().Add(11*time.Second)))
	check(t, err)
	punctual, err := d.keys.Sign(t.Context(), keyring.ForAccessTokens, claimSet(app, made, opened().Add(10*time.Second)))
	check(t, err)
	asAPI, err := d.keys.Sign(t.Context(), keyring.ForAPITokens, claimSet(app, made, opened()))
	check(t, err)
	revoked := d.accessToken(t, d.access, made, accesstoken.Ask{})
	verified, err := d.keys.Verify(t.Context(), secret.Text(revoked), keyring.ForAccessTokens, issuer)
	check(t, err)
	check(t, d.access.Revoke(t.Context(), verified, audit.Actor{}))
	here, elsewhere := d.accessToken(t, d.access, made, accesstoken.Ask{Resources: []string{"legacy"}}), d.accessToken(t, d.access, made, accesstoken.Ask{Resources: []string{"reports"}})

	_, parent := d.apiToken(t, app, authority.Limits{From: nets(clientAddress + "/32")})
	near := d.accessToken(t, d.access, parent, accesstoken.Ask{})
	_, parent = d.apiToken(t, app, authority.Limits{From: nets("198.51.100.8/32")})
	far := d.accessToken(t, d.access, parent, accesstoken.Ask{})
	disabledRaw, disabled := d.takenAway(t, app, func(made apitoken.Token) error {
		_, err := d.api.Update(t.Context(), made.ID, apitoken.Patch{Enabled: new(bool)}, &authority.Principal{}, audit.Actor{})
		return err
	})
	deletedRaw, deleted := d.takenAway(t, app, func(made apitoken.Token) error { return d.api.Delete(t.Context(), made.ID, audit.Actor{}) })
	blockedRaw, blocked := d.takenAway(t, app, nil)
	narrow := d.accessToken(t, d.access, made, accesstoken.Ask{Scopes: []string{"objects.read"}})
	wrong := d.accessToken(t, d.access, made, accesstoken.Ask{Scopes: []string{"users.read"}})
	const access, api = "access_token", "api_token"
	return []refusal{
		{"another signature", at(allowedURL, another(good, cut+5)), ok, 401, "401", "bad_signature", access},
		{"no signature", at(allowedURL, good[:cut+1]), ok, 401, "401", "malformed", access},
		{"changed claims", at(allowedURL, good[:strings.IndexByte(good, '.')+1]+base64.RawURLEncoding.EncodeToString(append(claims, ' '))+good[cut:]), ok, 401, "401", "bad_signature", access},
		{"of another Jeton", at(allowedURL, foreign(t)), ok, 401, "401", "unknown_key", access},
		{"expired", at(allowedURL, expired), ok, 401, "401", "expired", access},
		{"issued later", at(allowedURL, early.Token.Reveal()), at(allowedURL, punctual.Token.Reveal()), 401, "401", "not_yet", access},
		{"signed as an API token", at(allowedURL, asAPI.Token.Reveal()), ok, 401, "401", "unknown", api},
		{"taken back", at(allowedURL, revoked), ok, 401, "401", "revoked", access},
		{"for another service", at(allowedURL, elsewhere), at(allowedURL, here), 401, "401", "wrong_audience", access},
		{"from another address", at(allowedURL, far), at(allowedURL, near), 401, "401", "address_not_allowed", access},
		{"of a disabled API token", at(allowedURL, disabled), ok, 401, "401", "disabled", access},
		{"of a deleted API token", at(allowedURL, deleted), ok, 401, "401", "deleted", access},
		{"of a blocked user", at(allowedURL, blocked), ok, 401, "401", "blocked", access},
		{"a disabled API token", at(allowedURL, disabledRaw), ok, 401, "401", "disabled", api},
		{"a deleted API token", at(allowedURL, deletedRaw), ok, 401, "401", "deleted", api},
		{"a blocked user's API token", at(allowedURL, blockedRaw), ok, 401, "401", "blocked", api},
		{"as a password", all(basic("ExternalApp", good), set("X-Original-Url", allowedURL)), ok, 401, "401", "unknown_user", "password"},
		{"another scope", at(allowedURL, wrong), at(allowedURL, narrow), 403, "403", "insufficient_scope", access},
		{"an operation without a scope", at("https://legacy.example.com/m42Services/api/open", narrow), at("https://legacy.example.com/m42Services/api/open", good), 403, "403", "insufficient_scope", access},
		{"beyond the audience", at(otherURL, good), ok, 403, "403", "not_in_audience", access},
	}
}

// another returns a text with another letter at a place.
func another(text string, at int) string {
	letter := "A"
	if text[at] == 'A' {
		letter = "B"
	}
	return text[:at] + letter + text[at+1:]
}

func nets(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// claimSet is that of an access token issued at a time.
func claimSet(u account.User, parent apitoken.Token, issued time.Time) jose.ClaimSet {
	return jose.ClaimSet{
		Issuer: issuer, Subject: u.ID.String(), Audience: []string{issuer}, ClientID: parent.ID.String(), ID: "01a21563-69c9-7c2c-8183-7f9ff70db932",
		IssuedAt: issued, Expires: issued.Add(5 * time.Minute),
	}
}

// foreign returns an access token of another Jeton.
func foreign(t *testing.T) string {
	t.Helper()
	d := newDesk(t)
	_, made := d.apiToken(t, d.externalApp(t), authority.Limits{})
	return d.accessToken(t, d.access, made, accesstoken.Ask{})
}

// takenAway makes an API token and an access token, has both remembered, and takes the API token away: by blocking the user,
// another than app, where nothing else is said.
func (d *desk) takenAway(t *testing.T, app account.User, take func(apitoken.Token) error) (raw, access string) {
	t.Helper()
	if take == nil {
		var err error
		app, err = d.accounts.Create(t.Context(), account.Draft{Username: "blocked app"}, audit.Actor{})
		check(t, err)
		take = func(apitoken.Token) error {
			state := account.Blocked
			_, err := d.accounts.Update(t.Context(), app.ID, 0, account.Patch{State: &state}, audit.Actor{})
			return err
		}
	}
	raw, made := d.apiToken(t, app, authority.Limits{})
	access = d.accessToken(t, d.access, made, accesstoken.Ask{})
	for _, token := range []string{raw, access} {
		d.ask(t, asked("", at(allowedURL, token)))
	}
	check(t, take(made))
	return raw, access
}

// TestExchangeFirst: only a good API token is told to exchange itself, in the very answer of every other 401 but for that.
func TestExchangeFirst(t *testing.T) {
	d := newDesk(t)
	app := d.externalApp(t)
	raw, _ := d.apiToken(t, app, authority.Limits{})
	bad := another(raw, len(raw)-9)
	usual, _ := d.ask(t, asked("", at(allowedURL, bad)))
	told, _ := d.ask(t, asked("", at(allowedURL, raw)))
	want := usual.header.Clone()
	want.Set("Www-Authenticate", `Bearer realm="jeton", error="invalid_token", error_description="exchange it first", Basic realm="jeton", charset="UTF-8"`)
	if diff := cmp.Diff(want, told.header); diff != "" || told.status != usual.status || told.body != "" {
		t.Errorf("/auth-request: got %d %q, header (-want +got):\n%s", told.status, told.body, diff)
	}
	ask := func(token, method string) answer {
		res, _ := d.ask(t, forwarded(token, method, "legacy.example.com", "/m42Services/api/objects/7"))
		return res
	}
	usual, told = ask(bad, "GET"), ask(raw, "GET")
	if diff := cmp.Diff(want["Www-Authenticate"], told.header["Www-Authenticate"]); diff != "" || told.status != http.StatusUnauthorized {
		t.Errorf("/forward-auth: got %d, challenge (-want +got):\n%s", told.status, diff)
	}
	if !strings.Contains(told.body, "Exchange it first") || strings.Contains(usual.body, "xchange") {
		t.Errorf("/forward-auth: got %s, and %s for a bad one", told.body, usual.body)
	}
}

// TestAcceptedAsItIs: a service may take an API token that wasn't exchanged, and no bad one.
func TestAcceptedAsItIs(t *testing.T) {
	d := newDesk(t)
	raw, _ := d.apiToken(t, d.externalApp(t), authority.Limits{})
	_, err := d.catalog.Create(t.Context(), catalog.Draft{Name: "raw", Host: "raw.example.com", Default: "authenticated", AcceptAPITokens: true}, audit.Actor{})
	check(t, err)
	for range 2 {
		if res, events := d.ask(t, asked("", at("https://raw.example.com/", raw))); res.status != http.StatusOK || res.header.Get("X-Jeton-Credential-Kind") != "api_token" {
			t.Errorf("got %d and %v, want the API token to pass", res.status, events)
		}
		if res, _ := d.ask(t, asked("", at("https://raw.example.com/", another(raw, len(raw)-9)))); res.status != http.StatusUnauthorized {
			t.Errorf("another signature: got %d, want 401", res.status)
		}
	}
}

// TestInsufficientScope says what a token lacks (RFC 6750 section 3.1); who isn't in the audience hears nothing of scopes.
func TestInsufficientScope(t *testing.T) {
	d := newDesk(t)
	_, made := d.apiToken(t, d.externalApp(t), authority.Limits{})
	narrow := d.accessToken(t, d.access, made, accesstoken.Ask{Scopes: []string{"users.read"}})
	for uri, want := range map[string][]string{
		"/m42Services/api/objects/7": {`Bearer realm="jeton", error="insufficient_scope"`},
		"/m42Services/api/users/7":   nil,
	} {
		for name, r := range map[string]*http.Request{
			"/forward-auth": forwarded(narrow, "GET", "legacy.example.com", uri),
			"/auth-request": asked("", at("https://legacy.example.com"+uri, narrow)),
		} {
			res, _ := d.ask(t, r)
			if got := res.header["Www-Authenticate"]; res.status != http.StatusForbidden || !cmp.Equal(got, want) {
				t.Errorf("%s for %s: got %d and %q, want 403 and %q", name, uri, res.status, got, want)
			}
		}
	}
}

// TestRateLimited spends the rate of an API token by its access token.
func TestRateLimited(t *testing.T) {
	d := newDesk(t)
	_, made := d.apiToken(t, d.externalApp(t), authority.Limits{Rate: authority.Rate{Calls: 2, Per: time.Minute}})
	access := d.accessToken(t, d.access, made, accesstoken.Ask{})
	for n := range 4 {
		res, events := d.ask(t, asked("", at(allowedURL, access)))
		if n < 2 && res.status != http.StatusOK || n >= 2 && (res.status != http.StatusTooManyRequests || res.header.Get("X-Jeton-Status") != "429" || res.header.Get("Retry-After") != "30") {
			t.Errorf("call %d: got %d, X-Jeton-Status %q, Retry-After %q", n, res.status, res.header.Get("X-Jeton-Status"), res.header.Get("Retry-After"))
		}
		left := []string{`"token";r=1;t=30`, `"token";r=0;t=30`, `"token";r=0;t=30`, `"token";r=0;t=30`}[n]
		if got := []string{res.header.Get("RateLimit-Policy"), res.header.Get("RateLimit")}; !cmp.Equal(got, []string{`"token";q=2;w=60`, left}) {
			t.Errorf("call %d: got the quotas %q, want %s left", n, got, left)
		}
		if n >= 2 && (len(events) != 1 || events[0].Reason != "rate_limited") {
			t.Errorf("call %d: got %v, want rate_limited", n, events)
		}
	}
	res, _ := d.ask(t, forwarded(access, "GET", "legacy.example.com", "/m42Services/api/objects/7"))
	if res.status != http.StatusTooManyRequests || res.header.Get("Retry-After") != "30" || !strings.Contains(res.body, "used more often than it may be") {
		t.Errorf("/forward-auth: got %d %s, want 429", res.status, res.body)
	}
}

// TestServiceRateLimited spends what a service takes, by a token that nothing else bounds, at either way of asking; who is
// refused for another reason hears of no quota.
func TestServiceRateLimited(t *testing.T) {
	d, _, token := reports(t)
	_, err := d.catalog.Update(t.Context(), "reports", 0, catalog.Draft{
		Name: "reports", Host: "api.example.com", Rate: authority.Rate{Calls: 2, Per: time.Minute},
	}, audit.Actor{})
	check(t, err)
	const policy = `"service";q=2;w=60`
	for n, test := range []struct {
		request                *http.Request
		status                 int
		xStatus, left, refused string
	}{
		{forwarded(token, "GET", "api.example.com", "/reports/7"), 200, "200", `"service";r=1;t=30`, ""},
		{asked(last(token), as), 401, "401", "", "bad_checksum"},
		{asked(token, as), 200, "200", `"service";r=0;t=30`, ""},
		{asked(token, as), 429, "429", `"service";r=0;t=30`, "service_rate_limited"},
		{forwarded(token, "GET", "api.example.com", "/reports/7"), 429, "429", `"service";r=0;t=30`, "service_rate_limited"},
		{forwarded(last(token), "GET", "api.example.com", "/reports/7"), 401, "401", "", "bad_checksum"},
		{forwarded(token, "PUT", "api.example.com", "/reports/7"), 403, "403", "", "no_operation"},
	} {
		res, events := d.ask(t, test.request)
		if res.status != test.status || res.header.Get("X-Jeton-Status") != test.xStatus || res.header.Get("RateLimit") != test.left {
			t.Errorf("ask %d: got %d, X-Jeton-Status %q and RateLimit %q", n, res.status, res.header.Get("X-Jeton-Status"), res.header.Get("RateLimit"))
		}
		if got := res.header.Get("RateLimit-Policy"); (test.left == "") != (got == "") || got != "" && got != policy {
			t.Errorf("ask %d: got RateLimit-Policy %q", n, got)
		}
		if (res.status == 429) != (res.header.Get("Retry-After") == "30") {
			t.Errorf("ask %d: got Retry-After %q with %d", n, res.header.Get("Retry-After"), res.status)
		}
		if test.refused == "" && len(events) != 0 || test.refused != "" && (len(events) != 1 || events[0].Reason != test.refused) {
			t.Errorf("ask %d: got %v, want %q", n, events, test.refused)
		}
	}
	res, _ := d.ask(t, forwarded(token, "GET", "api.example.com", "/reports/7"))
	if !strings.Contains(res.body, "The service is called more often than it may be.") {
		t.Errorf("got %s, want it to say what is too often", res.body)
	}
}
