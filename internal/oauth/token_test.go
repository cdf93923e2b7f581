package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
)

const (
	tokenTypeAccess = "urn:ietf:params:oauth:token-type:access_token"
	tokenTypeJWT    = "urn:ietf:params:oauth:token-type:jwt"
)

// claimsOf returns what a token says of itself, after its signature was checked.
func (d *edge) claimsOf(t testing.TB, token string) jose.Claims {
	t.Helper()
	v, err := d.Keyring.Verify(t.Context(), secret.Text(token), keyring.ForAccessTokens, issuer)
	check(t, err)
	return v.Claims
}

func textOf(t testing.TB, c jose.Claims, name string) string {
	t.Helper()
	text, err := c.Text(name)
	check(t, err)
	return text
}

// identify says whose a bearer token is at a protected API.
func (d *edge) identify(t testing.TB, token string) (authority.Principal, error) {
	t.Helper()
	door := authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.AccessToken, authority.APIToken)}
	return d.Authority.Identify(t.Context(), &authority.Presented{Authorization: []string{"Bearer " + token}}, &door)
}

// TestExchangeGolden holds the shape of the answer, to the byte but for the token.
func TestExchangeGolden(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ExternalApp"})
	record, token := d.token(t, "ExternalApp", nil)
	a := d.want(t, ask{path: "/oauth/token", form: exchangeOf(token)}, http.StatusOK, "")
	want := `^\{"access_token":"[A-Za-z0-9_.-]+","issued_token_type":"` + tokenTypeAccess + `","token_type":"Bearer","expires_in":300\}$`
	if !regexp.MustCompile(want).MatchString(a.body) {
		t.Errorf("got %s, want %s", a.body, want)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("got the type %q", got)
	}
	var out api.OAuthToken
	a.into(t, &out)
	claims := d.claimsOf(t, out.AccessToken)
	if got := textOf(t, claims, "client_id"); got != record.ID.String() {
		t.Errorf("got client_id %s, want %s", got, record.ID)
	}
	p, err := d.identify(t, out.AccessToken)
	if err != nil || p.ID != record.UserID || p.CredentialID != record.ID {
		t.Errorf("got %+v, %v, want the user of the token", p, err)
	}
}

// TestExchangeForms: what standard clients send, in each of its forms.
func TestExchangeForms(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	d.protect(t, catalog.Draft{Name: "reports", Host: "api.example.com", PathPrefix: "/reports"}, "GET /{id} user:ann reports.read")
	_, token := d.token(t, "ann", nil)
	_, text := d.client(t, "worker bee")
	tests := []struct {
		name          string
		pairs         []string
		basic         string
		issued, scope string
		audience      string
	}{
		{name: "bare"},
		{name: "as an access token", pairs: []string{"subject_token_type", tokenTypeAccess}},
		{name: "for an access token", pairs: []string{"requested_token_type", tokenTypeAccess}},
		{name: "for a JWT", pairs: []string{"requested_token_type", tokenTypeJWT}, issued: tokenTypeJWT},
		{name: "client_id alone", pairs: []string{"client_id", "whoever"}},
		{name: "an unknown parameter", pairs: []string{"x", "y"}},
		{name: "client secret", pairs: []string{"client_id", "worker bee", "client_secret", text}},
		{name: "client secret as Basic", basic: "worker bee:" + text},
		{name: "client secret as Basic, encoded", basic: "worker%20bee:" + text},
		{name: "client secret as Basic, encoded as a form", basic: "worker+bee:" + text},
		{name: "client secret as Basic, with client_id", basic: "worker bee:" + text, pairs: []string{"client_id", "Worker Bee"}},
		{name: "scope", pairs: []string{"scope", "reports.read"}, scope: "reports.read"},
		{name: "resource", pairs: []string{"resource", "https://api.example.com/reports"}, audience: "https://api.example.com/reports"},
		{name: "resource that is all", pairs: []string{"resource", issuer}},
		{name: "audience", pairs: []string{"audience", "reports"}, audience: "https://api.example.com/reports"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out api.OAuthToken
			a := d.want(t, ask{path: "/oauth/token", form: exchangeOf(token, test.pairs...), basic: test.basic}, http.StatusOK, "")
			a.into(t, &out)
			issued, audience := tokenTypeAccess, issuer
			if test.issued != "" {
				issued = test.issued
			}
			if test.audience != "" {
				audience = test.audience
			}
			if out.IssuedTokenType != issued || out.TokenType != "Bearer" || out.ExpiresIn != 300 || (out.Scope != nil) != (test.scope != "") || out.Scope != nil && *out.Scope != test.scope {
				t.Errorf("got %+v, want %s and scope %q", out, issued, test.scope)
			}
			claims := d.claimsOf(t, out.AccessToken)
			if got := textOf(t, claims, "aud"); got != audience {
				t.Errorf("got aud %s, want %s", got, audience)
			}
			if claims.Has("scope") != (test.scope != "") {
				t.Errorf("got scope %s", claims.Raw("scope"))
			}
		})
	}
	if got := d.refused(t); got != "" {
		t.Errorf("got the refusals %s, want none", got)
	}
}

// TestClientCredentials: a client gets a token for itself, in the ways of RFC 6749.
func TestClientCredentials(t *testing.T) {
	d := newEdge(t)
	u, text := d.client(t, "batch")
	for name, q := range map[string]ask{
		"basic": {form: formOf("grant_type", "client_credentials"), basic: "batch:" + text},
		"post":  {form: formOf("grant_type", "client_credentials", "client_id", "batch", "client_secret", text)},
	} {
		t.Run(name, func(t *testing.T) {
			q.path = "/oauth/token"
			var out api.OAuthToken
			a := d.want(t, q, http.StatusOK, "")
			a.into(t, &out)
			if strings.Contains(a.body, "issued_token_type") || strings.Contains(a.body, "refresh") || out.ExpiresIn != 300 {
				t.Errorf("got %s", a.body)
			}
			claims := d.claimsOf(t, out.AccessToken)
			secrets, err := d.Clients.Secrets(t.Context(), "batch")
			check(t, err)
			for claim, want := range map[string]string{"sub": u.ID.String(), "client_id": u.ID.String(), "cred": secrets[0].ID.String(), "iss": issuer, "aud": issuer} {
				if got := textOf(t, claims, claim); got != want {
					t.Errorf("got %s %s, want %s", claim, got, want)
				}
			}
			p, err := d.identify(t, out.AccessToken)
			if err != nil || p.ID != u.ID {
				t.Errorf("got %+v, %v, want the client's own user", p, err)
			}
		})
	}
}

// TestTokenRefusals: each refusal with its reason in the audit log and in the request's line, and beside it the same request
// with one thing mended, which is admitted. What is no refusal of a credential has its code for a reason, in the line alone.
func TestTokenRefusals(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	d.protect(t, catalog.Draft{Name: "reports", Host: "api.example.com"}, "GET /{id} user:ann reports.read", "POST /{id} user:ann reports.write")
	_, token := d.token(t, "ann", nil)
	_, narrow := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.Scopes = []string{"reports.read"} })
	_, text := d.client(t, "batch")
	_, other := d.client(t, "other")
	unknown, err := secret.Make(secret.ClientSecret, strings.NewReader(strings.Repeat("0123456789abcdef", 64)))
	check(t, err)
	own := func(pairs ...string) url.Values {
		return formOf(append([]string{"grant_type", "client_credentials", "client_id", "batch", "client_secret", text}, pairs...)...)
	}
	flipped := func(token string) string { // another last character of the signature, whose unused bits stay zero
		last := byte('A')
		if token[len(token)-2] == 'A' {
			last = 'B'
		}
		return token[:len(token)-2] + string(last) + token[len(token)-1:]
	}
	form := func(f url.Values) ask { return ask{form: f} }
	basic := func(f url.Values, user string) ask { return ask{form: f, basic: user} }
	bare := formOf("grant_type", "client_credentials")
	tests := []struct {
		name       string
		bad, good  ask
		status     int
		code       string
		wantReason string
	}{
		{"no grant", form(exchangeOf(token, "grant_type", "")), form(exchangeOf(token)), 400, "invalid_request", ""},
		{"unknown grant", form(exchangeOf(token, "grant_type", "password")), form(exchangeOf(token)), 400, "unsupported_grant_type", ""},
		{"no subject", form(exchangeOf("")), form(exchangeOf(token)), 400, "invalid_request", ""},
		{"no type of subject", form(exchangeOf(token, "subject_token_type", "")), form(exchangeOf(token)), 400, "invalid_request", ""},
		{"SAML", form(exchangeOf(token, "subject_token_type", "urn:ietf:params:oauth:token-type:saml2")), form(exchangeOf(token)), 400, "invalid_request", ""},
		{"for a refresh token", form(exchangeOf(token, "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")), form(exchangeOf(token)), 400, "invalid_request", ""},
		{"actor", form(exchangeOf(token, "actor_token", token)), form(exchangeOf(token)), 400, "invalid_request", ""},
		{"actor's type", form(exchangeOf(token, "actor_token_type", tokenTypeJWT)), form(exchangeOf(token)), 400, "invalid_request", ""},
		{"signature", form(exchangeOf(flipped(token))), form(exchangeOf(token)), 400, "invalid_request", "oauth_token bad_signature api_token"},
		{"cut", form(exchangeOf(token[:len(token)-2])), form(exchangeOf(token)), 400, "invalid_request", "oauth_token bad_signature api_token"},
		{"a space before", form(exchangeOf(" " + token)), form(exchangeOf(token)), 400, "invalid_request", "oauth_token malformed none"},
		{"a space behind", form(exchangeOf(token + " ")), form(exchangeOf(token)), 400, "invalid_request", "oauth_token malformed none"},
		{"a line break behind", form(exchangeOf(token + "\n")), form(exchangeOf(token)), 400, "invalid_request", "oauth_token malformed api_token"},
		{"another scope", form(exchangeOf(narrow, "scope", "reports.write")), form(exchangeOf(narrow, "scope", "reports.read")), 400, "invalid_scope", ""},
		{"unknown scope", form(exchangeOf(token, "scope", "reports.reaD")), form(exchangeOf(token, "scope", "reports.read")), 400, "invalid_scope", ""},
		{"malformed scope", form(exchangeOf(token, "scope", "reports.read ")), form(exchangeOf(token, "scope", "reports.read")), 400, "invalid_scope", ""},
		{"admin scope", form(exchangeOf(token, "scope", "jeton.admin")), form(exchangeOf(token)), 400, "invalid_scope", ""},
		{"unknown resource", form(exchangeOf(token, "resource", "https://apj.example.com")), form(exchangeOf(token, "resource", "https://api.example.com")), 400, "invalid_target", ""},
		{"unknown audience", form(exchangeOf(token, "audience", "report")), form(exchangeOf(token, "audience", "reports")), 400, "invalid_target", ""},
		{"wrong client beside", form(exchangeOf(token, "client_id", "batch", "client_secret", other)), form(exchangeOf(token, "client_id", "batch", "client_secret", text)), 401, "invalid_client", "oauth_token unknown_user client_secret"},

		{"nobody", form(bare), basic(bare, "batch:"+text), 401, "invalid_client", "oauth_token no_credential none"},
		{"client_id alone", form(own("client_secret", "")), form(own()), 401, "invalid_client", "oauth_token no_credential none"},
		{"secret alone", form(own("client_id", "")), form(own()), 400, "invalid_request", ""},
		{"wrong name", form(own("client_id", "other")), form(own()), 401, "invalid_client", "oauth_token unknown_user client_secret"},
		{"unknown name", basic(bare, "batcx:"+text), basic(bare, "batch:"+text), 401, "invalid_client", "oauth_token unknown_user client_secret"},
		{"checksum", form(own("client_secret", text[:50]+"~")), form(own()), 401, "invalid_client", "oauth_token bad_checksum client_secret"},
		{"no secret's form", form(own("client_secret", "hunter2")), form(own()), 401, "invalid_client", "oauth_token malformed client_secret"},
		{"a person's password", basic(bare, "root:"+desk.Password), basic(bare, "batch:"+text), 401, "invalid_client", "oauth_token not_accepted_here password"},
		{"never issued", form(own("client_secret", unknown.Reveal())), form(own()), 401, "invalid_client", "oauth_token unknown client_secret"},
		{"client_id of another", ask{form: formOf("grant_type", "client_credentials", "client_id", "other"), basic: "batch:" + text}, ask{form: formOf("grant_type", "client_credentials", "client_id", "batch"), basic: "batch:" + text}, 401, "invalid_client", "oauth_token unknown_user client_secret"},
		{"two ways", ask{form: own(), basic: "batch:" + text}, basic(bare, "batch:"+text), 400, "invalid_request", "oauth_token two_credentials none"},
		{"two ways in the form", form(own("client_assertion", "a.b.c")), form(own()), 400, "invalid_request", "oauth_token two_credentials none"},
		{"assertion without its type", form(own("client_secret", "", "client_assertion", "a.b.c")), form(own()), 400, "invalid_request", ""},
		{"assertion of another type", form(own("client_secret", "", "client_assertion", "a.b.c", "client_assertion_type", "saml2")), form(own()), 400, "invalid_request", ""},
		{"bearer", ask{form: bare, header: map[string]string{"Authorization": "Bearer " + text}}, basic(bare, "batch:"+text), 401, "invalid_client", "oauth_token unrecognized none"},
		{"scheme", ask{form: bare, header: map[string]string{"Authorization": "Digest x"}}, basic(bare, "batch:"+text), 401, "invalid_client", "oauth_token unknown_scheme none"},
		{"from a page elsewhere", ask{form: bare, basic: "batch:" + text, header: map[string]string{"Origin": "https://evil.example"}}, basic(bare, "batch:"+text), 401, "invalid_client", "oauth_token cross_origin client_secret"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d.refused(t)
			d.Log.Take()
			test.bad.path, test.good.path = "/oauth/token", "/oauth/token"
			d.want(t, test.bad, test.status, test.code)
			if got := d.refused(t); got != test.wantReason {
				t.Errorf("got the refusals %q, want %q", got, test.wantReason)
			}
			reason := test.code
			if words := strings.Fields(test.wantReason); len(words) > 1 {
				reason = words[1]
			}
			if line := d.Log.Take(); !strings.Contains(line, `"reason":"`+reason+`"`) {
				t.Errorf("got the line %s, want the reason %s", line, reason)
			}
			d.want(t, test.good, http.StatusOK, "")
			if line := d.Log.Take(); strings.Contains(line, `"reason"`) {
				t.Errorf("got the line %s, want no reason", line)
			}
		})
	}
}

// TestFormRefusals: a form that two readers could take in two ways is refused, whatever is in it.
func TestFormRefusals(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", nil)
	good := exchangeOf(token).Encode()
	tests := []struct {
		name   string
		ask    ask
		status int
	}{
		{"as it is", ask{body: good}, 200},
		{"with a charset", ask{body: good, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}}, 200},
		{"empty pairs", ask{body: "&&" + good + "&"}, 200},
		{"a parameter without a value", ask{body: good + "&scope"}, 200},
		{"two resources that are one", ask{body: good + "&resource=" + issuer + "&resource=" + issuer}, 200},
		{"two resources", ask{body: good + "&resource=" + issuer + "&resource=https://b.example"}, 400},
		{"a question mark", ask{path: "/oauth/token?", body: good}, 200},
		{"in the URL", ask{path: "/oauth/token?scope=a", body: good}, 400},
		{"no type", ask{body: good, header: map[string]string{"Content-Type": ""}}, 400},
		{"JSON", ask{body: good, header: map[string]string{"Content-Type": "application/json"}}, 400},
		{"another charset", ask{body: good, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-16"}}, 400},
		{"multipart", ask{body: good, header: map[string]string{"Content-Type": "multipart/form-data; boundary=a"}}, 400},
		{"twice", ask{body: good + "&subject_token=" + token}, 400},
		{"twice, without a value", ask{body: good + "&subject_token="}, 400},
		{"twice, in another spelling", ask{body: good + "&subject%5ftoken=" + token}, 400},
		{"an unknown one twice", ask{body: good + "&x=1&x=1"}, 400},
		{"a bad escape", ask{body: good + "&x=%zz"}, 400},
		{"a bad escape in a name", ask{body: good + "&%=1"}, 400},
		{"a semicolon", ask{body: good + ";x=1"}, 400},
		{"a NUL", ask{body: good + "&x=%00"}, 400},
		{"no UTF-8", ask{body: good + "&x=%ff"}, 400},
		{"many parameters", ask{body: good + strings.Repeat("&resource="+issuer, 80)}, 400},
		{"20,000 pairs", ask{body: good + strings.Repeat("&a", 20_000)}, 400},
		{"too long", ask{body: good + "&x=" + strings.Repeat("a", 48<<10)}, 413},
		{"a megabyte of dots", ask{body: "subject_token=" + strings.Repeat(".", 1<<20)}, 413},
		{"nothing", ask{body: " "}, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.ask.path == "" {
				test.ask.path = "/oauth/token"
			}
			code := map[int]string{200: "", 400: "invalid_request", 413: "invalid_request"}[test.status]
			if strings.HasPrefix(test.name, "two resources") && test.status == 400 {
				code = "invalid_target"
			}
			a := d.do(t, test.ask)
			if a.status != test.status || a.code != code {
				t.Errorf("got %d %q, want %d %q; body %s", a.status, a.code, test.status, code, a.body)
			}
		})
	}
}

// TestDeadTokensLookAlike: whatever is wrong with a token or a client, its bearer is told the same, to the byte.
func TestDeadTokensLookAlike(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	blocked := d.user(t, account.Draft{Username: "bob"})
	no := false
	disabled, disabledText := d.token(t, "ann", nil)
	deleted, deletedText := d.token(t, "ann", nil)
	_, blockedText := d.token(t, "bob", nil)
	_, expired := d.token(t, "ann", func(n *apitoken.Draft) { n.Days = 1 })
	_, elsewhere := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.From = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	_, here := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.From = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} })
	for _, text := range []string{disabledText, deletedText, blockedText, expired, here} {
		d.exchange(t, text) // each is good before
	}
	_, err := d.API.Update(t.Context(), disabled.ID, apitoken.Patch{Enabled: &no}, &d.Admin, actor())
	check(t, err)
	check(t, d.API.Delete(t.Context(), deleted.ID, actor()))
	state := account.Blocked
	_, err = d.Accounts.Update(t.Context(), blocked.ID, 0, account.Patch{State: &state}, actor())
	check(t, err)
	d.Advance(t, 24*time.Hour)
	d.refused(t)
	var first string
	for _, test := range []struct{ name, token, reason string }{
		{"no token", "hello", "unrecognized none"},
		{"unsigned", "eyJhbGciOiJub25lIn0.e30.", "malformed access_token"},
		{"disabled", disabledText, "disabled api_token"},
		{"deleted", deletedText, "deleted api_token"},
		{"blocked", blockedText, "blocked api_token"},
		{"expired", expired, "expired api_token"},
		{"from elsewhere", elsewhere, "address_not_allowed api_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := d.want(t, ask{path: "/oauth/token", form: exchangeOf(test.token)}, http.StatusBadRequest, "invalid_request")
			if got, want := d.refused(t), "oauth_token "+test.reason; got != want && !strings.HasPrefix(test.name, "unsigned") {
				t.Errorf("got the refusals %q, want %q", got, want)
			}
			if first == "" {
				first = a.body
			}
			if a.body != first {
				t.Errorf("got %s, want %s", a.body, first)
			}
		})
	}
	d.exchange(t, here)
}

// TestKindsAtTheTokenEndpoint is the row of the kinds-by-doors table that is this door's: of all kinds only an API token
// is exchanged, and nothing but a client's secret is a client's.
func TestKindsAtTheTokenEndpoint(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", nil)
	_, text := d.client(t, "batch")
	cookies, err := d.Browsers.Begin(t.Context(), &authority.Principal{User: authority.User{ID: ann.ID, Username: "ann"}}, uuid.Nil, actor())
	check(t, err)
	access, personal := d.exchange(t, token).AccessToken, d.personalToken(t, ann)
	tests := []struct{ name, text, asSubject, asClient string }{
		{"access token", access, "not_accepted_here access_token", "not_accepted_here access_token"},
		{"personal token", personal, "not_accepted_here personal_token", "not_accepted_here personal_token"},
		{"client secret", text, "unrecognized none", "unrecognized none"},
		{"console session", cookies.Console.Reveal(), "unrecognized none", "unrecognized none"},
		{"API session", cookies.API.Reveal(), "unrecognized none", "unrecognized none"},
		{"password", desk.Password, "malformed none", "unrecognized none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d.want(t, ask{path: "/oauth/token", form: exchangeOf(test.text)}, http.StatusBadRequest, "invalid_request")
			if got, want := d.refused(t), "oauth_token "+test.asSubject; got != want {
				t.Errorf("as the subject: got %q, want %q", got, want)
			}
			d.want(t, ask{path: "/oauth/token", form: formOf("grant_type", "client_credentials"), header: map[string]string{"Authorization": "Bearer " + test.text}},
				http.StatusUnauthorized, "invalid_client")
			if got, want := d.refused(t), "oauth_token "+test.asClient; got != want {
				t.Errorf("as the client: got %q, want %q", got, want)
			}
		})
	}
	d.want(t, ask{path: "/oauth/token", form: formOf("grant_type", "client_credentials"), header: map[string]string{"Authorization": "Bearer " + token}},
		http.StatusUnauthorized, "invalid_client")
	d.want(t, ask{path: "/oauth/token", form: formOf("grant_type", "client_credentials"), header: map[string]string{"Cookie": desk.APICookie + "=" + cookies.API.Reveal()}},
		http.StatusUnauthorized, "invalid_client")
	d.exchange(t, token)
}

// TestDeletedSecret: what a secret got dies with it, and an exchange that races its end gets nothing.
func TestDeletedSecret(t *testing.T) {
	d := newEdge(t)
	_, text := d.client(t, "batch")
	q := ask{path: "/oauth/token", form: formOf("grant_type", "client_credentials"), basic: "batch:" + text}
	var out api.OAuthToken
	d.want(t, q, http.StatusOK, "").into(t, &out)
	if _, err := d.identify(t, out.AccessToken); err != nil {
		t.Fatal(err)
	}
	secrets, err := d.Clients.Secrets(t.Context(), "batch")
	check(t, err)
	during := func() error { return d.Clients.DeleteSecret(context.Background(), "batch", secrets[0].ID, actor()) }
	d.issuer.before.Store(&during)
	d.want(t, q, http.StatusUnauthorized, "invalid_client")
	if got := d.refused(t); got != "oauth_token deleted client_secret" {
		t.Errorf("got the refusals %q", got)
	}
	d.issuer.before.Store(nil)
	d.want(t, q, http.StatusUnauthorized, "invalid_client")
	if got := d.refused(t); got != "oauth_token deleted client_secret" {
		t.Errorf("got the refusals %q", got)
	}
	if _, err := d.identify(t, out.AccessToken); err == nil {
		t.Error("an access token outlives the secret that it was got with")
	}
}

// TestRate: a token that is used more often than it may be is told to wait.
func TestRate(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.Rate = authority.Rate{Calls: 1, Per: time.Minute} })
	d.exchange(t, token)
	a := d.want(t, ask{path: "/oauth/token", form: exchangeOf(token)}, http.StatusTooManyRequests, "temporarily_unavailable")
	if got := a.header.Get("Retry-After"); got != "60" {
		t.Errorf("got Retry-After %q, want 60", got)
	}
	d.Advance(t, time.Minute)
	d.exchange(t, token)
}

// TestFaults: what can't be found out is never a refusal of a good credential, and a fault tells its caller nothing.
func TestFaults(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", nil)
	q := ask{path: "/oauth/token", form: exchangeOf(token)}
	fault := errors.New("the disk is on fire")
	d.Users.Err.Store(&fault)
	d.want(t, q, http.StatusServiceUnavailable, "temporarily_unavailable")
	d.Users.Err.Store(nil)
	d.want(t, q, http.StatusOK, "")
	d.refused(t)
	for _, err := range []error{fault, fmt.Errorf("reading: %w", context.DeadlineExceeded), fmt.Errorf("signing: %w", authority.ErrStorageFull)} {
		failing := func() error { return err }
		d.issuer.before.Store(&failing)
		a := d.want(t, q, http.StatusServiceUnavailable, "temporarily_unavailable")
		if strings.Contains(a.body, "fire") {
			t.Errorf("got %s", a.body)
		}
		if got := d.refused(t); got != "oauth_token unavailable api_token" {
			t.Errorf("got the refusals %q", got)
		}
	}
	if !strings.Contains(d.Log.String(), fault.Error()) {
		t.Error("the log knows nothing of the fault")
	}
}

// TestCanaries: no secret stands in a log, an event or an error, wherever it was put.
func TestCanaries(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", nil)
	_, text := d.client(t, "batch")
	access := d.exchange(t, token).AccessToken
	for _, canary := range []string{token, text, access} {
		for _, form := range []url.Values{
			exchangeOf(canary), exchangeOf(canary + "x"), exchangeOf(token, "scope", canary), exchangeOf(token, "resource", canary),
			exchangeOf(token, "client_id", canary, "client_secret", text), exchangeOf(token, "client_id", "batch", "client_secret", canary+"x"),
			exchangeOf(token, "grant_type", canary), exchangeOf(token, canary, "x"), exchangeOf(token, "subject_token_type", canary),
			formOf("grant_type", "client_credentials", "client_assertion", canary, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
		} {
			a := d.do(t, ask{path: "/oauth/token", form: form})
			if strings.Contains(a.body, canary) {
				t.Errorf("got %s, which repeats what was sent", a.body)
			}
		}
		_ = d.do(t, ask{path: "/oauth/" + canary, body: "a=b"})
		_ = d.do(t, ask{path: "/oauth/token?subject_token=" + canary, body: "a=b"})
	}
	logged := d.Log.String() + fmt.Sprint(d.Refusals.Drain(d.Now()))
	for _, canary := range []string{token, text, access} {
		if strings.Contains(logged, canary) || strings.Contains(logged, canary[len(canary)-30:]) {
			t.Error("a secret stands in the log")
		}
	}
}

// TestChunked: a form whose length isn't told beforehand is read, and bounded, alike.
func TestChunked(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, token := d.token(t, "ann", nil)
	good := exchangeOf(token).Encode()
	for name, test := range map[string]struct {
		body   string
		status int
	}{"good": {good, 200}, "empty": {"", 400}, "too long": {good + "&x=" + strings.Repeat("a", 48<<10), 413}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/oauth/token", io.MultiReader(strings.NewReader(test.body)))
		check(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := d.send(t, r); a.status != test.status {
			t.Errorf("%s: got %d %s, want %d", name, a.status, a.body, test.status)
		}
	}
}
