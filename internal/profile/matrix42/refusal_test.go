package matrix42_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/test/desk"
)

// refusal is a request that gets null, beside its twin that gets a token: as nearly the same as can be.
type refusal struct {
	name         string
	refused      request
	admitted     request
	reason, kind string
}

func with(headers ...string) request { return request{headers: append(headers, "Content-Length: 0")} }

func bearer(token string) string { return "Authorization: Bearer " + token }

// another returns a text with another letter at a place.
func another(text string, at int) string {
	letter := "A"
	if text[at] == 'A' {
		letter = "B"
	}
	return text[:at] + letter + text[at+1:]
}

// limited has a token count from some addresses alone.
func limited(network string) func(*apitoken.Draft) {
	return func(d *apitoken.Draft) { d.Limits.From = []netip.Prefix{netip.MustParsePrefix(network)} }
}

// refusals are all ways to be refused for a credential, but those of ends and of whole keys.
func refusals(t *testing.T, d *edge) []refusal {
	t.Helper()
	text, _ := d.token(t)
	signature := strings.LastIndexByte(text, '.') + 1
	header, payload := text[:strings.IndexByte(text, '.')], text[strings.IndexByte(text, '.')+1:signature-1]
	none, claims := changed(t, header, `"RS256"`, `"none"`), changed(t, payload, `"aud":"https://t`, `"aud":"https://T`)

	disabled, record := d.token(t)
	_, err := d.API.Update(t.Context(), record.ID, apitoken.Patch{Enabled: new(bool)}, &authority.Principal{}, audit.Actor{})
	check(t, err)
	deleted, record := d.token(t)
	check(t, d.API.Delete(t.Context(), record.ID, audit.Actor{}))
	blocked, _ := d.token(t, func(draft *apitoken.Draft) { draft.User = d.blocked(t) })
	here, _ := d.token(t, limited(clientAddress+"/32"))
	elsewhere, _ := d.token(t, limited("198.51.100.8/32"))
	unrecorded, err := d.Keyring.Sign(t.Context(), keyring.ForAPITokens, jose.ClaimSet{
		Issuer: publicURL, Subject: d.user.ID.String(), Audience: []string{publicURL}, ID: uuid.NewString(), IssuedAt: d.Now(), Never: true,
	})
	check(t, err)
	const api = "api_token"
	good := with(bearer(text))
	return []refusal{
		{"nothing", with(), good, "no_credential", ""},
		{"an empty field", with("Authorization: "), good, "no_credential", ""},
		{"no token", with("Authorization: Bearer "), good, "malformed", ""},
		{"no scheme", with("Authorization: " + text), good, "unknown_scheme", ""},
		{"another scheme", with("Authorization: Bearex " + text), good, "unknown_scheme", ""},
		{"as a cookie", with("Cookie: jeton_api=" + text), good, "no_credential", ""},
		{"as a password", with(basic("ExternalApp", text)), good, "not_accepted_here", "password"},
		{"in the query", request{line: "POST " + path + "?access_token=" + text, headers: []string{"Content-Length: 0"}}, good, "no_credential", ""},
		{"cut by a letter", with(bearer(text[:len(text)-1])), good, "malformed", api},
		{"without a signature", with(bearer(text[:signature])), good, "malformed", api},
		{"doubled signature", with(bearer(text + text[signature-1:])), good, "malformed", api},
		{"padded", with(bearer(text + "=")), good, "malformed", api},
		{"another letter in the signature", with(bearer(another(text, signature+7))), good, "bad_signature", api},
		{"another letter in the claims", with(bearer(header + "." + claims + "." + text[signature:])), good, "bad_signature", api},
		{"without an algorithm", with(bearer(none + "." + payload + "." + text[signature:])), good, "wrong_algorithm", api},
		{"too long", with(bearer(text + strings.Repeat("A", 8<<10))), good, "unrecognized", ""},
		{"without a record", with(bearer(unrecorded.Token.Reveal())), good, "unknown", api},
		{"disabled", with(bearer(disabled)), good, "disabled", api},
		{"deleted", with(bearer(deleted)), good, "deleted", api},
		{"blocked user", with(bearer(blocked)), good, "blocked", api},
		{"from elsewhere", with(bearer(elsewhere)), with(bearer(here)), "address_not_allowed", api},
	}
}

// basic presents a user name and a password.
func basic(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+desk.Password))
}

// changed returns a segment of a token in which some text is another one.
func changed(t *testing.T, segment, former, latter string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(segment)
	check(t, err)
	if !strings.Contains(string(text), former) {
		t.Fatalf("%s lacks %s", text, former)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), former, latter, 1)))
}

// blocked makes a user who is blocked, and returns its name.
func (d *edge) blocked(t *testing.T) string {
	t.Helper()
	u, err := d.Accounts.Create(t.Context(), account.Draft{Username: "blocked"}, audit.Actor{})
	check(t, err)
	state := account.Blocked
	_, err = d.Accounts.Update(t.Context(), u.ID, 0, account.Patch{State: &state}, audit.Actor{})
	check(t, err)
	return u.ID.String()
}

// kinds are every other kind of credential at this door.
func kinds(t *testing.T, d *edge) []refusal {
	t.Helper()
	text, _ := d.token(t)
	owner := &authority.Principal{User: authority.User{ID: d.user.ID}}
	personal, _, err := d.Personal.Rotate(t.Context(), owner, audit.Actor{})
	check(t, err)
	cookies, err := d.Browsers.Begin(t.Context(), owner, uuid.Nil, audit.Actor{})
	check(t, err)
	var got exchanged
	check(t, json.Unmarshal([]byte(send(t, d.Server, exchange(text)).body), &got))
	good := with(bearer(text))
	return []refusal{
		{"password", with(basic("ExternalApp", desk.Password)), good, "not_accepted_here", "password"},
		{"personal token", with(bearer(personal.Reveal())), good, "not_accepted_here", "personal_token"},
		{"access token", with(bearer(got.RawToken)), good, "not_accepted_here", "access_token"},
		{"console session", with("Cookie: jeton=" + cookies.Console.Reveal()), good, "no_credential", ""},
		{"API session", with("Cookie: jeton_api=" + cookies.API.Reveal()), good, "no_credential", ""},
		{"API session as a bearer", with(bearer(cookies.API.Reveal())), good, "unrecognized", ""},
	}
}

// TestRefusals has each refused, with the reason in the audit log, and its twin admitted.
func TestRefusals(t *testing.T) {
	d := newEdge(t)
	for _, tc := range append(refusals(t, d), kinds(t, d)...) {
		t.Run(tc.name, func(t *testing.T) {
			d.refused()
			d.wantExchanged(t, send(t, d.Server, tc.admitted), 5*time.Minute)
			if events := d.refused(); len(events) != 0 {
				t.Errorf("twin: got refusals %+v, want none", events)
			}
			if a := send(t, d.Server, tc.refused); a.status != http.StatusUnauthorized || a.body != "null" {
				t.Errorf("got %d %s, want 401 null", a.status, a.body)
			}
			d.wantRefused(t, tc.reason, tc.kind)
		})
	}
}

// wantRefused checks that the audit log has one refusal of this door since the last time.
func (d *edge) wantRefused(t *testing.T, reason, kind string) {
	t.Helper()
	events := d.refused()
	if len(events) != 1 || events[0].Reason != reason || events[0].Actor.CredentialKind != kind || events[0].Door != "matrix42" || events[0].Actor.Address != clientAddress {
		t.Errorf("got refusals %+v, want one at matrix42 with reason %q and kind %q", events, reason, kind)
	}
}

// TestRefusedLookAlike compares whole answers, byte by byte, by either setting.
func TestRefusedLookAlike(t *testing.T) {
	d := newEdge(t)
	all := append(refusals(t, d), kinds(t, d)...)
	for status, name := range map[int]string{http.StatusUnauthorized: "refused", http.StatusOK: "refused-200"} {
		s := d.serve(t, status)
		for _, tc := range all {
			golden(t, name, send(t, s, tc.refused))
		}
	}
}

// TestTakenAway takes a token away in each way, and its access token goes with it; what can be given back comes back.
func TestTakenAway(t *testing.T) {
	no, yes := false, true
	for _, tc := range []struct {
		reason string
		take   func(*edge, apitoken.Token) error
		give   func(*edge, apitoken.Token) error // nil where there is no way back
	}{
		{
			"disabled",
			func(d *edge, made apitoken.Token) error { return d.update(made, apitoken.Patch{Enabled: &no}) },
			func(d *edge, made apitoken.Token) error { return d.update(made, apitoken.Patch{Enabled: &yes}) },
		},
		{"deleted", func(d *edge, made apitoken.Token) error {
			return d.API.Delete(context.Background(), made.ID, audit.Actor{})
		}, nil},
		{
			"blocked",
			func(d *edge, _ apitoken.Token) error { return d.setState(account.Blocked) },
			func(d *edge, _ apitoken.Token) error { return d.setState(account.Active) },
		},
		{"expired", func(d *edge, made apitoken.Token) error {
			d.Advance(t, made.ExpiresAt.Sub(d.Now()))
			return nil
		}, nil},
		{"revoked_key", func(d *edge, made apitoken.Token) error {
			return d.Keyring.RevokeSigningKey(context.Background(), made.KeyID, audit.Actor{})
		}, nil},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			d := newEdge(t)
			text, made := d.token(t)
			d.wantExchanged(t, send(t, d.Server, exchange(text)), 5*time.Minute)
			check(t, tc.take(d, made))
			for range 2 { // whatever was remembered
				if a := send(t, d.Server, exchange(text)); a.status != http.StatusUnauthorized || a.body != "null" {
					t.Errorf("got %d %s, want 401 null", a.status, a.body)
				}
				d.wantRefused(t, tc.reason, "api_token")
			}
			if tc.give != nil {
				check(t, tc.give(d, made))
				d.wantExchanged(t, send(t, d.Server, exchange(text)), 5*time.Minute)
			}
		})
	}
}

func (d *edge) update(made apitoken.Token, p apitoken.Patch) error {
	_, err := d.API.Update(context.Background(), made.ID, p, &authority.Principal{}, audit.Actor{})
	return err
}

func (d *edge) setState(state account.State) error {
	_, err := d.Accounts.Update(context.Background(), d.user.ID, 0, account.Patch{State: &state}, audit.Actor{})
	return err
}

// TestRecordDecides disables a token of which this node has not heard yet: it is remembered as good, and gets nothing.
func TestRecordDecides(t *testing.T) {
	d := newEdge(t)
	text, made := d.token(t)
	d.wantExchanged(t, send(t, d.Server, exchange(text)), 5*time.Minute)
	d.Deaf.Store(true)
	check(t, d.update(made, apitoken.Patch{Enabled: new(bool)}))
	d.Log.Take()
	if a := send(t, d.Server, exchange(text)); a.status != http.StatusUnauthorized || a.body != "null" {
		t.Errorf("got %d %s, want 401 null", a.status, a.body)
	}
	d.wantRefused(t, "disabled", "api_token")
	wantLine(t, d, map[string]any{"status": 401.0, "reason": "disabled", "kind": "api_token", "user_id": d.user.ID.String(), "credential_id": made.ID.String(), "error": nil})
}

// TestNoVerdict: where nobody can tell whether a token is good, its client must not take it for a bad one.
func TestNoVerdict(t *testing.T) {
	d := newEdge(t)
	text, _ := d.token(t)
	fault := errors.New("no database: canary")
	for name, fail := range map[string]func(err *error){
		"who calls":        d.Users.Err.Store,
		"the access token": d.access.err.Store,
	} {
		d.Authority.Forget(uuid.Nil)
		fail(&fault)
		d.Log.Take()
		for _, s := range []int{http.StatusUnauthorized, http.StatusOK} {
			a := send(t, d.serve(t, s), exchange(text))
			if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" || !strings.Contains(a.body, `"code":"unavailable"`) || strings.Contains(a.raw, "canary") {
				t.Errorf("%s: got %s, want 503 with Retry-After and nothing of the cause", name, a.raw)
			}
			d.wantRefused(t, "unavailable", "api_token")
			wantLine(t, d, map[string]any{"level": "ERROR", "status": 503.0, "reason": "unavailable"})
		}
		fail(nil)
		d.wantExchanged(t, send(t, d.Server, exchange(text)), 5*time.Minute)
	}
}

// TestRequestsWithoutVerdict has requests refused that tell nothing of whether a token is good.
func TestRequestsWithoutVerdict(t *testing.T) {
	d := newEdge(t)
	text, _ := d.token(t)
	rated, _ := d.token(t, func(draft *apitoken.Draft) { draft.Limits.Rate = authority.Rate{Calls: 2, Per: 3 * time.Minute} })
	d.wantExchanged(t, send(t, d.Server, exchange(rated)), 5*time.Minute) // and looks at what it got: two uses
	for _, tc := range []struct {
		name         string
		q            request
		status       int
		wait, reason string
		kind         string
	}{
		{"used too often", exchange(rated), http.StatusTooManyRequests, "90", "rate_limited", "api_token"},
		{"two tokens", with(bearer(text), bearer(text)), http.StatusBadRequest, "", "two_credentials", ""},
		{"a password beside it", with(bearer(text), basic("ExternalApp", desk.Password)), http.StatusBadRequest, "", "two_credentials", ""},
		{"a password of a kilobyte", with("Authorization: Basic " + strings.Repeat("A", 1369)), http.StatusBadRequest, "", "too_long", "password"},
	} {
		a := send(t, d.Server, tc.q)
		if a.status != tc.status || a.header.Get("Retry-After") != tc.wait || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %s, want %d and Retry-After %q", tc.name, a.raw, tc.status, tc.wait)
		}
		d.wantRefused(t, tc.reason, tc.kind)
	}
}

// wantLine compares members of the request's line in the log, and that nothing of a secret stands there.
func wantLine(t *testing.T, d *edge, want map[string]any) {
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
	if strings.Contains(text, "eyJ") {
		t.Errorf("the log has a token: %s", text)
	}
}

func TestLog(t *testing.T) {
	d := newEdge(t)
	text, made := d.token(t)
	q := exchange(text)
	q.line = "POST /M42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?secret=" + text
	d.wantExchanged(t, send(t, d.Server, q), 5*time.Minute)
	wantLine(t, d, map[string]any{
		"level": "INFO", "listener": "public", "status": 200.0, "method": "POST", "path": "/M42Services/api/ApiToken/GenerateAccessTokenFromApiToken/", "client": clientAddress,
		"kind": "api_token", "user_id": d.user.ID.String(), "credential_id": made.ID.String(), "reason": nil, "error": nil,
	})
	send(t, d.Server, exchange(another(text, len(text)-9)))
	wantLine(t, d, map[string]any{"level": "INFO", "status": 401.0, "client": clientAddress, "reason": "bad_signature", "error": nil})
}
