package oauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/test/desk"
)

const inactive = `{"active":false}`

// about is the form of a question about a token.
func about(token string) ask { return ask{path: "/oauth/introspect", form: formOf("token", token)} }

// sessionToken logs a user in.
func (d *edge) sessionToken(t testing.TB, u account.User) session.Begun {
	t.Helper()
	owner := authority.Principal{User: authority.User{ID: u.ID, Username: u.Username}, CredentialKind: authority.Password, CredentialID: u.ID}
	begun, err := d.Sessions.Begin(t.Context(), &owner, actor())
	check(t, err)
	return begun
}

// introspect asks about a token as a client, and returns the answer's text.
func (d *edge) introspect(t testing.TB, basic, token string) string {
	t.Helper()
	q := about(token)
	q.basic = basic
	a := d.want(t, q, http.StatusOK, "")
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("got the type %q", got)
	}
	return a.body
}

// TestIntrospectionGolden holds the answer about each kind of token, to the byte.
func TestIntrospectionGolden(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	_, text := d.client(t, "gate", "admin")
	d.protect(t, catalog.Draft{Name: "reports", Host: "api.example.com", AcceptAPITokens: true}, "GET /{id} user:ann reports.read")
	record, token := d.token(t, "ann", nil)
	never, neverText := d.token(t, "ann", func(n *apitoken.Draft) { n.Days, n.Never, n.Limits.Scopes = 0, true, []string{"reports.read"} })
	access := d.exchange(t, token, "scope", "reports.read", "audience", "reports").AccessToken
	id := textOf(t, d.claimsOf(t, access), "jti")
	now, begun := d.Now().Unix(), d.sessionToken(t, ann)
	for name, test := range map[string]struct{ token, want string }{
		"access token": {access, fmt.Sprintf(`{"active":true,"scope":"reports.read","client_id":"%s","username":"ann","token_type":"Bearer","exp":%d,"iat":%d,"sub":"%s","aud":"https://api.example.com","iss":"%s","jti":"%s"}`,
			record.ID, now+300, now, ann.ID, issuer, id)},
		"API token": {token, fmt.Sprintf(`{"active":true,"client_id":"%s","username":"ann","token_type":"Bearer","exp":%d,"iat":%d,"sub":"%s","aud":"%s","iss":"%s","jti":"%s"}`,
			record.ID, now+30*86400, now, ann.ID, issuer, issuer, record.ID)},
		"API token without an end": {neverText, fmt.Sprintf(`{"active":true,"scope":"reports.read","client_id":"%s","username":"ann","token_type":"Bearer","iat":%d,"sub":"%s","aud":"%s","iss":"%s","jti":"%s"}`,
			never.ID, now, ann.ID, issuer, issuer, never.ID)},
		"personal token": {d.personalToken(t, ann), fmt.Sprintf(`{"active":true,"username":"ann","token_type":"Bearer","sub":"%s","aud":"%s","iss":"%s"}`,
			ann.ID, issuer, issuer)},
		"session token": {begun.Text.Reveal(), fmt.Sprintf(`{"active":true,"username":"ann","token_type":"Bearer","exp":%d,"iat":%d,"sub":"%s","aud":"%s","iss":"%s","jti":"%s"}`,
			begun.Token.ExpiresAt.Unix(), now, ann.ID, issuer, issuer, begun.Token.ID)},
	} {
		for range 2 { // made, and from memory
			if diff := cmp.Diff(test.want, d.introspect(t, "gate:"+text, test.token)); diff != "" {
				t.Errorf("%s (-want +got): %s", name, diff)
			}
		}
	}
}

// TestIntrospectionAsks: a hint is no matter, and the asker proves itself in each way that there is.
func TestIntrospectionAsks(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	gate, text := d.client(t, "gate", "admin")
	token := d.personalToken(t, ann)
	want := d.introspect(t, "gate:"+text, token)
	for _, q := range []ask{
		{form: formOf("token", token, "token_type_hint", "refresh_token"), basic: "gate:" + text},
		{form: formOf("token", token, "client_id", "gate", "client_secret", text)},
		{form: formOf("token", token), header: map[string]string{"Authorization": "Bearer " + d.personalToken(t, gate)}},
		{form: formOf("token", token), header: map[string]string{"Authorization": "Bearer " + d.personalToken(t, d.root)}},
	} {
		q.path = "/oauth/introspect"
		if a := d.want(t, q, http.StatusOK, ""); a.body != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
	}
	d.refused(t)
	for name, test := range map[string]struct {
		q      ask
		status int
		code   string
		reason string
	}{
		"nobody":       {about(token), 401, "invalid_client", "introspect no_credential none"},
		"wrong secret": {ask{form: formOf("token", token), basic: "gate:" + text[:50]}, 401, "invalid_client", "introspect not_accepted_here password"},
		"wrong name":   {ask{form: formOf("token", token), basic: "gates:" + text}, 401, "invalid_client", "introspect unknown_user client_secret"},
		"password":     {ask{form: formOf("token", token), basic: "root:" + desk.Password}, 401, "invalid_client", "introspect not_accepted_here password"},
		"no token":     {ask{form: formOf("x", "y"), basic: "gate:" + text}, 400, "invalid_request", ""},
		"two ways":     {ask{form: formOf("token", token, "client_id", "gate", "client_secret", text), basic: "gate:" + text}, 400, "invalid_request", "introspect two_credentials none"},
		"in the URL":   {ask{path: "/oauth/introspect?token=" + token, basic: "gate:" + text}, 400, "invalid_request", ""},
	} {
		if test.q.path == "" {
			test.q.path = "/oauth/introspect"
		}
		a := d.want(t, test.q, test.status, test.code)
		if got := d.refused(t); got != test.reason {
			t.Errorf("%s: got the refusals %q, want %q", name, got, test.reason)
		}
		if a.status == 401 && !strings.Contains(a.header.Get("Www-Authenticate"), "Bearer") {
			t.Errorf("%s: got the challenge %q, want Bearer, too", name, a.header.Get("Www-Authenticate"))
		}
	}
}

// TestIntrospectionAudience: one token is decided apart for each who asks about it, from memory or not.
func TestIntrospectionAudience(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	texts := map[string]string{}
	for _, name := range []string{"one", "two", "both", "none"} {
		_, texts[name] = d.client(t, name)
	}
	_, texts["admin"] = d.client(t, "admin", "admin")
	d.protect(t, catalog.Draft{Name: "reports", Host: "reports.example.com", Verifiers: []string{"one", "both"}}, "GET / user:ann -")
	d.protect(t, catalog.Draft{Name: "raw", Host: "raw.example.com", Verifiers: []string{"two", "both"}, AcceptAPITokens: true}, "GET / user:ann -")
	_, token := d.token(t, "ann", nil)
	for _, test := range []struct {
		name, token, active string
	}{
		{"for all", d.exchange(t, token).AccessToken, "admin both one two"},
		{"for reports", d.exchange(t, token, "audience", "reports").AccessToken, "admin both one"},
		{"for raw", d.exchange(t, token, "audience", "raw").AccessToken, "admin both two"},
		{"API token", token, "admin both two"},
		{"personal token", d.personalToken(t, d.root), "admin both one two"},
		{"session token", d.sessionToken(t, d.root).Text.Reveal(), "admin both one two"},
		{"nothing", "hello", ""},
	} {
		for range 2 {
			var active []string
			for _, name := range []string{"admin", "both", "none", "one", "two"} {
				if body := d.introspect(t, name+":"+texts[name], test.token); body != inactive {
					active = append(active, name)
				}
			}
			if got := strings.Join(active, " "); got != test.active {
				t.Errorf("%s: got it active for %q, want %q", test.name, got, test.active)
			}
		}
	}
	d.refused(t)
	d.introspect(t, "none:"+texts["none"], token)
	if got := d.refused(t); got != "introspect not_verifier api_token" {
		t.Errorf("got the refusals %q", got)
	}
	_, err := d.Catalog.Update(t.Context(), "raw", 0, catalog.Draft{Name: "raw", Host: "raw.example.com", Verifiers: []string{"two"}}, actor())
	check(t, err)
	for _, name := range []string{"admin", "two"} {
		if body := d.introspect(t, name+":"+texts[name], token); body != inactive {
			t.Errorf("%s: got %s for an API token that no service takes", name, body)
		}
	}
}

// TestIntrospectionSuspended asks for a verifier of one service about a good token, before and while the service is suspended;
// a verifier of another besides still hears of it.
func TestIntrospectionSuspended(t *testing.T) {
	d := newEdge(t)
	texts := map[string]string{}
	for _, name := range []string{"one", "both"} {
		_, texts[name] = d.client(t, name)
	}
	d.protect(t, catalog.Draft{Name: "reports", Host: "reports.example.com", Verifiers: []string{"one", "both"}}, "GET / user:root -")
	d.protect(t, catalog.Draft{Name: "orders", Host: "orders.example.com", Verifiers: []string{"both"}}, "GET / user:root -")
	token := d.personalToken(t, d.root)
	for _, test := range []struct {
		name, refused string
		suspended     bool
	}{
		{"one", "", false}, {"one", "introspect service_suspended personal_token", true}, {"both", "", true},
	} {
		if test.suspended {
			d.Suspend(t, "reports")
		}
		if body := d.introspect(t, test.name+":"+texts[test.name], token); (body == inactive) != (test.refused != "") {
			t.Errorf("%s: got %s while suspended: %t", test.name, body, test.suspended)
		}
		if got := d.refused(t); got != test.refused {
			t.Errorf("%s: got the refusals %q, want %q", test.name, got, test.refused)
		}
	}
}

// aboutToken is a token that is asked about, and how the audit log calls it where it is inactive.
type aboutToken struct{ token, kind, reason string }

// gate makes a client that is told of every token, and a service that takes API tokens as they are.
func (d *edge) gate(t testing.TB) (basic string) {
	t.Helper()
	_, text := d.client(t, "gate", "admin")
	d.protect(t, catalog.Draft{Name: "raw", Host: "raw.example.com", AcceptAPITokens: true}, "GET / user:root -")
	return "gate:" + text
}

// wantActive asks about tokens that are good.
func (d *edge) wantActive(t testing.TB, gate string, tokens map[string]aboutToken) {
	t.Helper()
	for name, test := range tokens {
		if got := d.introspect(t, gate, test.token); !strings.HasPrefix(got, `{"active":true,`) {
			t.Errorf("%s: got %s before", name, got)
		}
	}
	if got := d.refused(t); got != "" {
		t.Errorf("before: got the refusals %q", got)
	}
}

// wantInactive asks about tokens that aren't good. All answers are the same sixteen bytes; in the audit log each token has
// its own reason, else it might be inactive for another one.
func (d *edge) wantInactive(t testing.TB, gate string, tokens map[string]aboutToken) {
	t.Helper()
	d.refused(t)
	for name, test := range tokens {
		if got := d.introspect(t, gate, test.token); got != inactive {
			t.Errorf("%s: got %s, want %s", name, got, inactive)
		}
		if got, want := d.refused(t), "introspect "+test.reason+" "+test.kind; got != want {
			t.Errorf("%s: got the refusals %q, want %q", name, got, want)
		}
	}
}

// TestInactive: what was taken away is inactive at once; each was active before.
func TestInactive(t *testing.T) {
	d := newEdge(t)
	gate := d.gate(t)
	bob, ann := d.user(t, account.Draft{Username: "bob"}), d.user(t, account.Draft{Username: "ann"})
	disabled, disabledText := d.token(t, "ann", nil)
	deleted, deletedText := d.token(t, "ann", nil)
	_, blocked := d.token(t, "bob", nil)
	_, parent := d.token(t, "ann", nil)
	taken := d.exchange(t, parent).AccessToken
	ended := d.sessionToken(t, ann)
	dead := map[string]aboutToken{
		"disabled":          {disabledText, "api_token", "disabled"},
		"of a disabled one": {d.exchange(t, disabledText).AccessToken, "access_token", "disabled"},
		"deleted":           {deletedText, "api_token", "deleted"},
		"of a deleted one":  {d.exchange(t, deletedText).AccessToken, "access_token", "deleted"},
		"blocked":           {blocked, "api_token", "blocked"},
		"of a blocked one":  {d.exchange(t, blocked).AccessToken, "access_token", "blocked"},
		"taken back":        {taken, "access_token", "revoked"},
		"rotated":           {d.personalToken(t, ann), "personal_token", "superseded"},
		"logged out":        {ended.Text.Reveal(), "session_token", "ended"},
		"a blocked session": {d.sessionToken(t, bob).Text.Reveal(), "session_token", "blocked"},
	}
	d.wantActive(t, gate, dead)
	no, state := false, account.Blocked
	_, err := d.API.Update(t.Context(), disabled.ID, apitoken.Patch{Enabled: &no}, &d.Admin, actor())
	check(t, err)
	check(t, d.API.Delete(t.Context(), deleted.ID, actor()))
	_, err = d.Accounts.Update(t.Context(), bob.ID, 0, account.Patch{State: &state}, actor())
	check(t, err)
	d.want(t, revocation(gate, taken), http.StatusOK, "")
	d.personalToken(t, ann)
	check(t, d.Sessions.End(t.Context(), ann.ID, "ann", ended.Token.ID, actor()))
	d.wantInactive(t, gate, dead)
}

// TestInactiveInTime: what has ended is inactive, and so is what counts elsewhere or not so often.
func TestInactiveInTime(t *testing.T) {
	d := newEdge(t)
	gate := d.gate(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	begun := d.sessionToken(t, ann).Text.Reveal()
	_, text := d.token(t, "ann", func(n *apitoken.Draft) { n.Days = 1 })
	_, elsewhere := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.From = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} })
	_, often := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.Rate = authority.Rate{Calls: 1, Per: time.Hour} })
	dead := map[string]aboutToken{
		"ended": {text, "api_token", "expired"}, "of an ended one": {d.exchange(t, text).AccessToken, "access_token", "expired"},
	}
	d.wantActive(t, gate, dead)
	d.Advance(t, 24*time.Hour)
	d.wantActive(t, gate, map[string]aboutToken{"used once": {token: often}, "a session": {token: begun}})
	dead["used too often"] = aboutToken{often, "api_token", "rate_limited"}
	dead["of known addresses alone"] = aboutToken{elsewhere, "api_token", "address_not_allowed"}
	d.wantInactive(t, gate, dead)
	d.Advance(t, desk.SessionLife-24*time.Hour)
	d.wantInactive(t, gate, map[string]aboutToken{"a session that is over": {begun, "session_token", "expired"}})
}

// TestNeverActive: what is no token that anybody calls with is inactive, however long or odd.
func TestNeverActive(t *testing.T) {
	d := newEdge(t)
	gate := d.gate(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	token := d.personalToken(t, ann)
	d.wantActive(t, gate, map[string]aboutToken{"as it is": {token: token}})
	_, secret, _ := strings.Cut(gate, ":")
	d.wantInactive(t, gate, map[string]aboutToken{
		"a word":         {"hello", "none", "unrecognized"},
		"a blank before": {" " + token, "none", "malformed"},
		"a blank behind": {token + " ", "none", "malformed"},
		"a tab behind":   {token + "\t", "none", "malformed"},
		"unsigned":       {"eyJ.e30.", "access_token", "malformed"},
		"dots":           {strings.Repeat(".", 10_000), "none", "unrecognized"},
		"a secret":       {secret, "none", "unrecognized"},
		"mistyped":       {"jtp" + strings.Repeat("0", 48), "personal_token", "bad_checksum"},
		"a session's":    {"jts" + strings.Repeat("0", 48), "session_token", "bad_checksum"},
	})
}

// TestIntrospectionFaults: that nobody knows is no answer.
func TestIntrospectionFaults(t *testing.T) {
	d := newEdge(t)
	gate := d.gate(t)
	d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", nil)
	d.introspect(t, gate, "hello") // from here on the client is known from memory
	d.refused(t)
	fault := errors.New("the disk is on fire")
	d.Users.Err.Store(&fault)
	a := d.want(t, ask{path: "/oauth/introspect", form: formOf("token", token), basic: gate}, http.StatusServiceUnavailable, "temporarily_unavailable")
	if strings.Contains(a.body, "active") {
		t.Errorf("got %s when nobody knows", a.body)
	}
	if got := d.refused(t); got != "introspect unavailable api_token" {
		t.Errorf("got the refusals %q", got)
	}
	d.Users.Err.Store(nil)
	d.wantActive(t, gate, map[string]aboutToken{"afterwards": {token: token}})
}

// TestAnswersAreNeverStale: what is remembered of an answer is what would be made anew.
func TestAnswersAreNeverStale(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	_, text := d.client(t, "gate", "admin")
	d.protect(t, catalog.Draft{Name: "reports", Host: "api.example.com"}, "GET / user:ann reports.read", "PUT / user:ann reports.write")
	record, token := d.token(t, "ann", nil)
	access := d.exchange(t, token).AccessToken
	state := func() (out api.OAuthIntrospection) {
		t.Helper()
		answer{body: d.introspect(t, "gate:"+text, access)}.into(t, &out)
		return out
	}
	if got := state(); got.Username != "ann" || got.Scope != nil {
		t.Errorf("got %+v", got)
	}
	name := "anna"
	_, err := d.Accounts.Update(t.Context(), ann.ID, 0, account.Patch{Username: &name}, actor())
	check(t, err)
	if got := state(); got.Username != "anna" {
		t.Errorf("got %+v, want the new name", got)
	}
	for _, scopes := range [][]string{{"reports.read"}, {"reports.read", "reports.write"}, {}} {
		_, err := d.API.Update(t.Context(), record.ID, apitoken.Patch{Scopes: &scopes}, &d.Admin, actor())
		check(t, err)
		if got := state(); got.Scope == nil || *got.Scope != strings.Join(scopes, " ") {
			t.Errorf("got %+v, want the scopes %q", got, scopes)
		}
	}
}

// TestWhoAsked: the audit log tells from where somebody looks for tokens, and of a call that is told its own address.
func TestWhoAsked(t *testing.T) {
	d := newEdge(t)
	_, text := d.client(t, "gate")
	d.introspect(t, "gate:"+text, "jtp"+strings.Repeat("0", 48))
	events := d.Refusals.Drain(d.Now())
	if len(events) != 1 || events[0].Actor.Address == "" || events[0].Reason != "bad_checksum" {
		t.Errorf("got the refusals %+v, want one, with the asker's address", events)
	}
}

// TestNarrowedToNothing: whoever narrows a token to nothing is told so, as is who asks about what was got for it.
func TestNarrowedToNothing(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, text := d.client(t, "gate", "admin")
	_, token := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.Scopes = []string{} })
	got := d.exchange(t, token)
	if got.Scope == nil || *got.Scope != "" {
		t.Errorf("got the scope %v, want an empty one", got.Scope)
	}
	if body := d.introspect(t, "gate:"+text, got.AccessToken); !strings.Contains(body, `"scope":""`) {
		t.Errorf("got %s, want an empty scope", body)
	}
}
