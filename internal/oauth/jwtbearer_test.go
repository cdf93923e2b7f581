package oauth_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

const grantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// partner is an enrolled platform, and the key with which it signs.
type partner struct {
	platform.Platform
	signer jose.Signer
}

// partner enrols a platform.
func (d *edge) partner(t testing.TB, name string) partner {
	t.Helper()
	s, err := jose.GenerateSigner(jose.ES256, rand.Reader)
	check(t, err)
	public, err := s.Key().PEM()
	check(t, err)
	p, _, err := d.Platforms.Enrol(t.Context(), platform.Draft{
		Name: name, Algorithm: jose.ES256, Key: platform.KeyDraft{PublicKey: string(public)}, Enabled: true,
	}, actor())
	check(t, err)
	return partner{p, s}
}

// assertion signs what the grant asks for, with pairs of a claim and its value over it; nil leaves the claim out.
func (d *edge) assertion(t testing.TB, p partner, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{"iss": p.Code, "sub": "ann@example.com", "aud": issuer, "exp": d.Now().Unix() + 60, "jti": rand.Text()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	payload, err := json.Marshal(claims)
	check(t, err)
	text, err := p.signer.Sign(rand.Reader, jose.Header{}, payload)
	check(t, err)
	return text
}

func logInOf(assertion string, pairs ...string) url.Values {
	return formOf(append([]string{"grant_type", grantJWTBearer, "assertion", assertion}, pairs...)...)
}

// session logs ann in.
func (d *edge) session(t testing.TB, p partner) string {
	t.Helper()
	var out api.OAuthToken
	d.want(t, ask{path: "/oauth/token", form: logInOf(d.assertion(t, p, nil))}, http.StatusOK, "").into(t, &out)
	return out.AccessToken
}

// sessionOf says whose a session token is at a protected API.
func (d *edge) sessionOf(t testing.TB, token string) (authority.Principal, error) {
	t.Helper()
	door := authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.SessionToken)}
	return d.Authority.Identify(t.Context(), &authority.Presented{Authorization: []string{"Bearer " + token}}, &door)
}

// TestLogInGolden holds the shape of the answer, to the byte but for the token.
func TestLogInGolden(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann", Email: "ann@example.com"})
	p := d.partner(t, "Partner")
	a := d.want(t, ask{path: "/oauth/token", form: logInOf(d.assertion(t, p, nil))}, http.StatusOK, "")
	want := `^\{"access_token":"jts[A-Za-z0-9]{48}","token_type":"Bearer","expires_in":1209600\}$`
	if !regexp.MustCompile(want).MatchString(a.body) {
		t.Errorf("got %s, want %s", a.body, want)
	}
	var out api.OAuthToken
	a.into(t, &out)
	if got, err := d.sessionOf(t, out.AccessToken); err != nil || got.ID != ann.ID || got.CredentialKind != authority.SessionToken {
		t.Errorf("got %+v, %v, want ann by a session token", got, err)
	}
}

// TestLogInChangedElsewhere: of what another node has changed, this one hears before an assertion is used up.
func TestLogInChangedElsewhere(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann", Email: "ann@example.com"})
	p := d.partner(t, "Partner")
	unheard := func(context.Context) error { return nil }
	elsewhere, err := account.New(account.Config{Store: d.Store, Applied: unheard, Now: d.Now, Random: rand.Reader, PasswordSlots: 1})
	check(t, err)
	_, err = elsewhere.Update(t.Context(), ann.ID, 0, account.Patch{DisplayName: new("Ann")}, actor())
	check(t, err)
	d.session(t, p)
}

// TestLogInRefusals: each refusal with its reason in the audit log, and beside it the same with one thing mended.
func TestLogInRefusals(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann", Email: "ann@example.com"})
	p, other := d.partner(t, "Partner"), d.partner(t, "Other")
	d.refused(t)
	type claims = map[string]any
	for _, test := range []struct {
		name   string
		by     partner
		change claims
		want   string
	}{
		{"no issuer", p, claims{"iss": nil}, "wrong_issuer"},
		{"of nobody", p, claims{"iss": "NOBODY23"}, "unknown_platform"},
		{"of another", partner{p.Platform, other.signer}, nil, "bad_signature"},
		{"no subject", p, claims{"sub": nil}, "wrong_claims"},
		{"of an unknown user", p, claims{"sub": "bob@example.com"}, "unknown_user"},
		{"of a name", p, claims{"sub": "ann"}, "unknown_user"},
		{"no audience", p, claims{"aud": nil}, "wrong_audience"},
		{"for others", p, claims{"aud": "https://b.example"}, "wrong_audience"},
		{"no end", p, claims{"exp": nil}, "wrong_claims"},
		{"an end of the other door", p, claims{"exp": nil, "expire": d.Now().Unix() + 60}, "wrong_claims"},
		{"an end in digits", p, claims{"exp": "1795262460"}, "wrong_claims"},
		{"ended", p, claims{"exp": d.Now().Unix()}, "expired"},
	} {
		d.want(t, ask{path: "/oauth/token", form: logInOf(d.assertion(t, test.by, test.change))}, http.StatusBadRequest, "invalid_grant")
		if got, want := d.refused(t), "oauth_token "+test.want+" assertion"; got != want {
			t.Errorf("%s: got the refusals %q, want %q", test.name, got, want)
		}
		d.session(t, p)
	}
	d.want(t, ask{path: "/oauth/token", form: logInOf(d.assertion(t, p, claims{"iss": p.ID.String(), "sub": nil, "email": "Ann@example.com", "aud": issuer + "/oauth/token"}))}, http.StatusOK, "")
}

// TestLogInForm: what can't be asked for with an assertion is refused before it is looked at, and not used up by it.
func TestLogInForm(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann", Email: "ann@example.com"})
	p := d.partner(t, "Partner")
	_, secret := d.client(t, "batch")
	assertion := d.assertion(t, p, nil)
	for _, test := range []struct {
		name   string
		ask    ask
		status int
		code   string
	}{
		{"no assertion", ask{form: logInOf("")}, 400, "invalid_request"},
		{"two", ask{body: logInOf(assertion).Encode() + "&assertion=" + assertion}, 400, "invalid_request"},
		{"scope", ask{form: logInOf(assertion, "scope", "reports.read")}, 400, "invalid_scope"},
		{"resource", ask{form: logInOf(assertion, "resource", "https://api.example.com")}, 400, "invalid_target"},
		{"audience", ask{form: logInOf(assertion, "audience", "reports")}, 400, "invalid_target"},
		{"a wrong client", ask{form: logInOf(assertion), basic: "batch:" + secret[:50] + "~"}, 401, "invalid_client"},
		{"a bearer", ask{form: logInOf(assertion), header: map[string]string{"Authorization": "Bearer " + assertion}}, 401, "invalid_client"},
		{"a right client", ask{form: logInOf(assertion), basic: "batch:" + secret}, 200, ""},
		{"a second time", ask{form: logInOf(assertion)}, 400, "invalid_grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.ask.path = "/oauth/token"
			d.want(t, test.ask, test.status, test.code)
		})
	}
	if got := d.refused(t); !regexp.MustCompile(`oauth_token replayed assertion`).MatchString(got) {
		t.Errorf("got the refusals %q, want replayed among them", got)
	}
}

// TestLogInChangedMeanwhile changes something between the proof of an assertion and the session. There is no second try: it may be
// good for one use, and has had it.
func TestLogInChangedMeanwhile(t *testing.T) {
	d := newEdge(t)
	p := d.partner(t, "Partner")
	off := false
	for name, test := range map[string]struct {
		happens func(ann account.User)
		status  int
		code    string
		want    string // in the audit log
	}{
		"nothing": {func(account.User) {}, http.StatusOK, "", ""},
		"deleted": {func(ann account.User) { check(t, d.Accounts.Delete(t.Context(), ann.ID, actor())) }, http.StatusBadRequest, "invalid_grant", "oauth_token user_deleted assertion"},
		"renamed": {func(ann account.User) {
			_, err := d.Accounts.Update(t.Context(), ann.ID, 0, account.Patch{DisplayName: new("Ann")}, actor())
			check(t, err)
		}, http.StatusServiceUnavailable, "temporarily_unavailable", "oauth_token unavailable assertion"},
		"disabled": {func(account.User) {
			_, err := d.Platforms.Update(t.Context(), p.Code, 0, platform.Patch{Enabled: &off}, actor())
			check(t, err)
		}, http.StatusServiceUnavailable, "temporarily_unavailable", "oauth_token unavailable assertion"},
	} {
		t.Run(name, func(t *testing.T) {
			on := true
			_, err := d.Platforms.Update(t.Context(), p.Code, 0, platform.Patch{Enabled: &on}, actor())
			check(t, err)
			ann := d.user(t, account.Draft{Username: name, Email: name + "@example.com"})
			happens := func() { test.happens(ann) }
			d.sessions.before.Store(&happens)
			d.refused(t)
			d.want(t, ask{path: "/oauth/token", form: logInOf(d.assertion(t, p, map[string]any{"sub": name + "@example.com"}))}, test.status, test.code)
			if got := d.refused(t); got != test.want {
				t.Errorf("got the refusals %q, want %q", got, test.want)
			}
		})
	}
}

// TestLogOut: a session ends by its token alone, and by no other client than its user's or an administrator's.
func TestLogOut(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann", Email: "ann@example.com"})
	p := d.partner(t, "Partner")
	_, stranger := d.client(t, "stranger")
	_, admin := d.client(t, "operator", authority.AdminRole)
	revoke := func(token, basic string) ask {
		return ask{path: "/oauth/revoke", form: formOf("token", token), basic: basic}
	}
	alone, kept, byAdmin := d.session(t, p), d.session(t, p), d.session(t, p)
	d.refused(t)
	d.want(t, revoke(alone, ""), http.StatusOK, "")
	if _, err := d.sessionOf(t, alone); err == nil {
		t.Error("the session goes on after its token was revoked")
	}
	d.refused(t)
	for _, test := range []struct {
		token, basic string
		status       int
		code, want   string
	}{
		{alone, "", http.StatusOK, "", "revoke ended session_token"}, // it is as the caller wants it
		{kept[:50], "", http.StatusOK, "", "revoke bad_checksum session_token"},
		{kept, "stranger:" + stranger, http.StatusBadRequest, "unauthorized_client", "revoke not_allowed client_secret"},
		{kept, "stranger:" + stranger[:50] + "~", http.StatusUnauthorized, "invalid_client", "revoke not_accepted_here password"}, // which it looks like
	} {
		d.want(t, revoke(test.token, test.basic), test.status, test.code)
		if got := d.refused(t); got != test.want {
			t.Errorf("got the refusals %q, want %q", got, test.want)
		}
	}
	if _, err := d.sessionOf(t, kept); err != nil {
		t.Errorf("got %v of a session that nobody has ended", err)
	}
	d.want(t, revoke(byAdmin, "operator:"+admin), http.StatusOK, "")
	if _, err := d.sessionOf(t, byAdmin); err == nil {
		t.Error("the session goes on after an administrator's client has revoked its token")
	}
}
