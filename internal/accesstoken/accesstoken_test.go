package accesstoken_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/test/desk"
	"github.com/jeton-io/jeton/test/forge"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// partner returns a desk, a partner's API token and its record.
func partner(tb testing.TB, o desk.Options, limits authority.Limits) (*desk.Desk, secret.Text, apitoken.Token) {
	tb.Helper()
	d := desk.New(tb, o)
	_ = d.User(tb, "ExternalApp", account.Person, "partner")
	text, token := d.Token(tb, apitoken.Draft{Name: "nightly", User: "ExternalApp", Limits: limits})
	return d, text, token
}

// exchange gets an access token that must be got.
func exchange(tb testing.TB, d *desk.Desk, text secret.Text, ask accesstoken.Ask) accesstoken.Issued {
	tb.Helper()
	issued, err := d.Exchange(tb, text, ask)
	must(tb, err)
	return issued
}

// payload returns the claims of a token.
func payload(tb testing.TB, text secret.Text) (claims map[string]any) {
	tb.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(text.Reveal(), ".")[1])
	must(tb, err)
	must(tb, json.Unmarshal(data, &claims))
	return claims
}

// TestIssue looks at what stands in an access token (RFC 9068 section 2.2).
func TestIssue(t *testing.T) {
	d, text, token := partner(t, desk.Options{}, authority.Limits{})
	issued := exchange(t, d, text, accesstoken.Ask{})
	claims := payload(t, issued.Token)
	jti, _ := claims["jti"].(string)
	if id, err := uuid.Parse(jti); err != nil || id.Version() != 7 {
		t.Errorf("got ID %v, want a UUID of version 7", jti)
	}
	delete(claims, "jti")
	end := d.Now().Add(5 * time.Minute).Truncate(time.Second)
	want := map[string]any{
		"iss": desk.Issuer, "aud": desk.Issuer, "sub": token.UserID.String(), "client_id": token.ID.String(),
		"iat": float64(d.Now().Unix()), "exp": float64(end.Unix()),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if !issued.ExpiresAt.Equal(end) || issued.ExpiresIn != 299*time.Second || issued.Scopes != nil {
		t.Errorf("got %+v, want its end at %s", issued, end)
	}
	if reason := d.Call(t, issued.Token.Reveal()); reason != "" {
		t.Errorf("got refused for %s, want it admitted", reason)
	}
	p, err := d.Authority.Identify(t.Context(), desk.Bearer(issued.Token.Reveal()), desk.Gateway)
	if err != nil || p.CredentialKind != authority.AccessToken || p.CredentialID != token.ID || p.ID != token.UserID {
		t.Errorf("got %+v and error %v, want the user by its API token", p, err)
	}
}

// TestForged presents everything that somebody could make of a good access token, cold and warm.
func TestForged(t *testing.T) {
	for _, o := range []desk.Options{{}, {Unfollowed: true}} {
		d, text, _ := partner(t, o, authority.Limits{})
		issued := exchange(t, d, text, accesstoken.Ask{})
		good := forge.Good{Text: issued.Token.Reveal(), Now: d.Now(), Other: text.Reveal()}
		good.Signer, _ = forge.Steal(t, d.Store, []byte(d.Master.Reveal()), keyring.ForAccessTokens)
		if reason := d.Call(t, good.Text); reason != "" {
			t.Fatalf("the good token is refused for %s", reason)
		}
		for _, bad := range good.All(t) {
			if got := d.Call(t, bad.Text); got != bad.Reason {
				t.Errorf("%s: got %q, want %q", bad.Name, got, bad.Reason)
			}
		}
		if reason := d.Call(t, good.Text); reason != "" {
			t.Errorf("the good token is refused in the end, for %s", reason)
		}
	}
}

// TestClaimsOfOthers has the key sign what its own keyring never would.
func TestClaimsOfOthers(t *testing.T) {
	d, text, token := partner(t, desk.Options{}, authority.Limits{})
	other := d.User(t, "other", account.Person, "partner")
	_, others := d.Token(t, apitoken.Draft{Name: "other", User: "other"})
	signer, kid := forge.Steal(t, d.Store, []byte(d.Master.Reveal()), keyring.ForAPITokens)
	apiKid := kid
	_ = exchange(t, d, text, accesstoken.Ask{}) // makes the key for access tokens
	apiSigner := signer
	signer, kid = forge.Steal(t, d.Store, []byte(d.Master.Reveal()), keyring.ForAccessTokens)
	sign := func(change func(header, claims map[string]any)) string {
		header := map[string]any{"alg": string(signer.Key().Algorithm()), "kid": kid, "typ": "at+jwt"}
		claims := payload(t, exchange(t, d, text, accesstoken.Ask{}).Token)
		change(header, claims)
		h, err := json.Marshal(header)
		must(t, err)
		c, err := json.Marshal(claims)
		must(t, err)
		if header["kid"] == apiKid {
			return forge.Sign(t, apiSigner, h, c)
		}
		return forge.Sign(t, signer, h, c)
	}
	for _, test := range []struct {
		name   string
		change func(header, claims map[string]any)
		want   authority.Reason
	}{
		{"nothing", func(_, _ map[string]any) {}, ""},
		{"another's parent", func(_, c map[string]any) { c["client_id"] = others.ID.String() }, "wrong_claims"},
		{"another user", func(_, c map[string]any) { c["sub"] = other.ID.String() }, "wrong_claims"},
		{"another user and its parent", func(_, c map[string]any) { c["sub"], c["client_id"] = other.ID.String(), others.ID.String() }, ""},
		{"no parent", func(_, c map[string]any) { delete(c, "client_id") }, "wrong_claims"},
		{"a parent that never was", func(_, c map[string]any) { c["client_id"] = uuid.NewString() }, "unknown"},
		{"a client's parent that never was", func(_, c map[string]any) { c["cred"] = token.ID.String() }, "unknown"},
		{"a scope that is no text", func(_, c map[string]any) { c["scope"] = []string{"reports.read"} }, "wrong_claims"},
		{"a scope", func(_, c map[string]any) { c["scope"] = "reports.read" }, ""},
		{"another scope", func(_, c map[string]any) { c["scope"] = "reports.write" }, "insufficient_scope"},
		{"no scope", func(_, c map[string]any) { c["scope"] = "" }, "insufficient_scope"},
		{"the service", func(_, c map[string]any) { c["aud"] = "https://api.example.com/v2" }, ""},
		{"another service", func(_, c map[string]any) { c["aud"] = "https://api.example.com/v3" }, "wrong_audience"},
		{"the service with a query", func(_, c map[string]any) { c["aud"] = "https://api.example.com/v2?" }, "wrong_audience"},
		{"two services", func(_, c map[string]any) {
			c["aud"] = []string{"https://api.example.com/v2", "https://api.example.com/v3"}
		}, "wrong_audience"},
		{"the issuer among others", func(_, c map[string]any) { c["aud"] = []string{"https://api.example.com/v3", desk.Issuer} }, ""},
		{"a key for API tokens", func(h, _ map[string]any) { h["kid"], h["alg"] = apiKid, string(apiSigner.Key().Algorithm()) }, "wrong_type"},
	} {
		if got := d.Call(t, sign(test.change)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestEndsWithItsParent takes each thing away on which an access token rests, and gives back what can be given back.
func TestEndsWithItsParent(t *testing.T) {
	for name, test := range map[string]struct {
		take, give func(d *desk.Desk, token apitoken.Token) error
		want       authority.Reason
	}{
		"disabled": {
			func(d *desk.Desk, token apitoken.Token) error { return enable(t, d, token.ID, false) },
			func(d *desk.Desk, token apitoken.Token) error { return enable(t, d, token.ID, true) }, "disabled",
		},
		"deleted": {
			func(d *desk.Desk, token apitoken.Token) error {
				return d.API.Delete(t.Context(), token.ID, audit.Actor{})
			}, nil, "deleted",
		},
		"its user is blocked": {
			func(d *desk.Desk, token apitoken.Token) error { return setState(t, d, token.UserID, account.Blocked) },
			func(d *desk.Desk, token apitoken.Token) error { return setState(t, d, token.UserID, account.Active) }, "blocked",
		},
		"its user is deleted": {
			func(d *desk.Desk, token apitoken.Token) error {
				return d.Accounts.Delete(t.Context(), token.UserID, audit.Actor{})
			}, nil, "deleted",
		},
		"its key is revoked": {
			func(d *desk.Desk, _ apitoken.Token) error {
				_, kid := forge.Steal(t, d.Store, []byte(d.Master.Reveal()), keyring.ForAccessTokens)
				return d.Keyring.RevokeSigningKey(t.Context(), kid, audit.Actor{})
			}, nil, "revoked_key",
		},
	} {
		for _, o := range []desk.Options{{}, {Unfollowed: true}} {
			t.Run(name, func(t *testing.T) {
				d, text, token := partner(t, o, authority.Limits{})
				access := exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()
				if reason := d.Call(t, access); reason != "" {
					t.Fatalf("refused from the start, for %s", reason)
				}
				must(t, test.take(d, token))
				if got := d.Call(t, access); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if _, err := d.Exchange(t, text, accesstoken.Ask{}); test.want != "revoked_key" && !refusedFor(err, test.want) {
					t.Errorf("the exchange: got error %v, want %s", err, test.want)
				}
				if test.give == nil {
					return
				}
				must(t, test.give(d, token))
				if got := d.Call(t, access); got != "" {
					t.Errorf("given back: got %q, want it admitted", got)
				}
			})
		}
	}
}

func enable(t *testing.T, d *desk.Desk, id uuid.UUID, enabled bool) error {
	_, err := d.API.Update(t.Context(), id, apitoken.Patch{Enabled: &enabled}, &d.Admin, audit.Actor{})
	return err
}

func setState(t *testing.T, d *desk.Desk, id uuid.UUID, state account.State) error {
	_, err := d.Accounts.Update(t.Context(), id, 0, account.Patch{State: &state}, audit.Actor{})
	return err
}

// refusedFor reports whether an error is a refusal for a reason.
func refusedFor(err error, want authority.Reason) bool {
	ref, ok := errors.AsType[*authority.Refusal](err)
	return ok && ref.Reason == want
}

// TestNarrows asks for less than the API token has, and for more.
func TestNarrows(t *testing.T) {
	wide, narrow := authority.Limits{}, authority.Limits{Scopes: []string{"reports.read"}}
	for _, test := range []struct {
		name   string
		parent authority.Limits
		ask    accesstoken.Ask
		err    error
		scope  any
		aud    string
		read   authority.Reason
		write  authority.Reason
	}{
		{"all of all", wide, accesstoken.Ask{}, nil, nil, desk.Issuer, "", ""},
		{"one scope of all", wide, accesstoken.Ask{Scopes: []string{"reports.read"}}, nil, "reports.read", desk.Issuer, "", "insufficient_scope"},
		{"two scopes of all", wide, accesstoken.Ask{Scopes: []string{"reports.write", "reports.read", "reports.read"}}, nil, "reports.read reports.write", desk.Issuer, "", ""},
		{"a scope that there isn't", wide, accesstoken.Ask{Scopes: []string{"reports.raed"}}, accesstoken.ErrScope, nil, "", "", ""},
		{"power over Jeton", wide, accesstoken.Ask{Scopes: []string{authority.AdminScope}}, accesstoken.ErrScope, nil, "", "", ""},
		{"all of some", narrow, accesstoken.Ask{}, nil, "reports.read", desk.Issuer, "", "insufficient_scope"},
		{"some of some", narrow, accesstoken.Ask{Scopes: []string{"reports.read"}}, nil, "reports.read", desk.Issuer, "", "insufficient_scope"},
		{"more than some", narrow, accesstoken.Ask{Scopes: []string{"reports.read", "reports.write"}}, accesstoken.ErrScope, nil, "", "", ""},
		{"the service", wide, accesstoken.Ask{Resources: []string{"https://API.example.com/v2/"}}, nil, nil, "https://api.example.com/v2", "", ""},
		{"the service by name", wide, accesstoken.Ask{Resources: []string{"reports"}}, nil, nil, "https://api.example.com/v2", "", ""},
		{"another service", wide, accesstoken.Ask{Resources: []string{"other"}}, nil, nil, "https://other.example.com", "wrong_audience", "wrong_audience"},
		{"the service at the issuer's address", wide, accesstoken.Ask{Resources: []string{"self"}}, accesstoken.ErrTarget, nil, "", "", ""},
		{"all of nothing", authority.Limits{Scopes: []string{}}, accesstoken.Ask{}, nil, "", desk.Issuer, "insufficient_scope", "insufficient_scope"},
		{"a path of the service", wide, accesstoken.Ask{Resources: []string{"https://api.example.com/v2/reports"}}, accesstoken.ErrTarget, nil, "", "", ""},
		{"no service", wide, accesstoken.Ask{Resources: []string{"https://api.example.com/v3"}}, accesstoken.ErrTarget, nil, "", "", ""},
		{"two services", wide, accesstoken.Ask{Resources: []string{"reports", "other"}}, accesstoken.ErrTarget, nil, "", "", ""},
		{"a fragment", wide, accesstoken.Ask{Resources: []string{"https://api.example.com/v2#"}}, accesstoken.ErrTarget, nil, "", "", ""},
		{"a user", wide, accesstoken.Ask{Resources: []string{"https://u@api.example.com/v2"}}, accesstoken.ErrTarget, nil, "", "", ""},
		{"another scheme", wide, accesstoken.Ask{Resources: []string{"urn:api.example.com/v2"}}, accesstoken.ErrTarget, nil, "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, text, _ := partner(t, desk.Options{}, test.parent)
			addOther(t, d)
			issued, err := d.Exchange(t, text, test.ask)
			if !errors.Is(err, test.err) {
				t.Fatalf("got error %v, want %v", err, test.err)
			}
			if err != nil {
				return
			}
			claims := payload(t, issued.Token)
			if claims["scope"] != test.scope || claims["aud"] != test.aud {
				t.Errorf("got scope %v and audience %v, want %v and %s", claims["scope"], claims["aud"], test.scope, test.aud)
			}
			write := desk.Bearer(issued.Token.Reveal())
			write.Method = "PUT"
			for range 2 {
				if got := d.Call(t, issued.Token.Reveal()); got != test.read {
					t.Errorf("reading: got %q, want %q", got, test.read)
				}
				if got := d.Authority.Decide(t.Context(), write, desk.Gateway); got.Reason != test.write {
					t.Errorf("writing: got %q, want %q", got.Reason, test.write)
				}
			}
		})
	}
}

// TestIssuerAsService has a service stand at the issuer's address: its URL then tells no service from all.
func TestIssuerAsService(t *testing.T) {
	d, text, _ := partner(t, desk.Options{}, authority.Limits{})
	for _, test := range []struct {
		host, prefix string
		want         error
	}{{"other.example.com", "/", nil}, {"tokens.example.com", "/api", nil}, {"tokens.example.com", "/", accesstoken.ErrTarget}} {
		_, err := d.Catalog.Create(t.Context(), catalog.Draft{Name: "beside" + strings.ReplaceAll(test.prefix, "/", "-") + test.host, Host: test.host, PathPrefix: test.prefix}, audit.Actor{})
		must(t, err)
		for _, resource := range []string{desk.Issuer, desk.Issuer + "/"} {
			if _, err := d.Exchange(t, text, accesstoken.Ask{Resources: []string{resource}}); !errors.Is(err, test.want) {
				t.Errorf("beside %s%s: got error %v for %s, want %v", test.host, test.prefix, err, resource, test.want)
			}
		}
	}
	issued := exchange(t, d, text, accesstoken.Ask{Resources: []string{"beside-apitokens.example.com"}})
	if got := payload(t, issued.Token)["aud"]; got != desk.Issuer+"/api" {
		t.Errorf("got audience %v, want that of the service below", got)
	}
}

// TestNarrowedToNothing stays so, also once its parent is no longer narrowed.
func TestNarrowedToNothing(t *testing.T) {
	d, text, token := partner(t, desk.Options{}, authority.Limits{Scopes: []string{}})
	access := exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()
	_, err := d.API.Update(t.Context(), token.ID, apitoken.Patch{Scopes: new([]string)}, &d.Admin, audit.Actor{})
	must(t, err)
	if got := d.Call(t, access); got != "insufficient_scope" {
		t.Errorf("got %q, want insufficient_scope", got)
	}
	if got := d.Call(t, exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()); got != "" {
		t.Errorf("one that is got now: got %q, want it admitted", got)
	}
}

// TestParentNarrowedLater takes scopes and addresses from an API token whose access token is out already.
func TestParentNarrowedLater(t *testing.T) {
	d, text, token := partner(t, desk.Options{}, authority.Limits{Scopes: []string{"reports.read", "reports.write"}})
	access := exchange(t, d, text, accesstoken.Ask{Scopes: []string{"reports.read"}}).Token.Reveal()
	for _, step := range []struct {
		patch apitoken.Patch
		want  authority.Reason
	}{
		{apitoken.Patch{Scopes: &[]string{"reports.write"}}, "insufficient_scope"},
		{apitoken.Patch{Scopes: new([]string)}, ""},
		{apitoken.Patch{From: &[]netip.Prefix{netip.MustParsePrefix("192.0.2.8/32")}}, "address_not_allowed"},
		{apitoken.Patch{From: new([]netip.Prefix)}, ""},
		{apitoken.Patch{Rate: &authority.Rate{Calls: 1, Per: time.Hour}}, ""},
		{apitoken.Patch{}, "rate_limited"},
	} {
		_, err := d.API.Update(t.Context(), token.ID, step.patch, &d.Admin, audit.Actor{})
		must(t, err)
		if got := d.Call(t, access); got != step.want {
			t.Errorf("after %+v: got %q, want %q", step.patch, got, step.want)
		}
	}
}

// TestTimes has a token end with its life or with its parent, to the second.
func TestTimes(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_ = d.User(t, "ExternalApp", account.Person, "partner")
	text, token := d.Token(t, apitoken.Draft{Name: "a day", User: "ExternalApp", Days: 1})
	d.Advance(t, 24*time.Hour-100*time.Second-500*time.Millisecond) // the parent ends in 100 seconds
	issued := exchange(t, d, text, accesstoken.Ask{})
	if !issued.ExpiresAt.Equal(token.ExpiresAt) || issued.ExpiresIn != 100*time.Second {
		t.Errorf("got its end at %s in %s, want %s in 100s", issued.ExpiresAt, issued.ExpiresIn, token.ExpiresAt)
	}
	d.Advance(t, 100*time.Second-time.Microsecond)
	if got := d.Call(t, issued.Token.Reveal()); got != "" {
		t.Errorf("just before its end: got %q, want it admitted", got)
	}
	if _, err := d.Exchange(t, text, accesstoken.Ask{}); err != nil {
		t.Errorf("just before the parent's end: got error %v, want another", err)
	}
	d.Advance(t, time.Microsecond)
	for _, at := range []string{"warm", "cold"} {
		if got := d.Call(t, issued.Token.Reveal()); got != "expired" {
			t.Errorf("at its end, %s: got %q, want expired", at, got)
		}
		d.Authority.Forget(uuid.Nil)
	}
	if _, err := d.Exchange(t, text, accesstoken.Ask{}); !refusedFor(err, "expired") {
		t.Errorf("at the parent's end: got error %v, want expired", err)
	}
	d.Advance(t, -50*time.Second) // a clock set back
	if got := d.Call(t, issued.Token.Reveal()); got != "expired" {
		t.Errorf("with the clock set back: got %q, want expired", got)
	}
	if _, err := d.Exchange(t, text, accesstoken.Ask{}); !refusedFor(err, "expired") {
		t.Errorf("the parent, with the clock set back: got error %v, want expired", err)
	}
}

// TestClockThatRanAhead sets the clock ahead, has a token end by it, and sets it right: what is got from then on is good.
func TestClockThatRanAhead(t *testing.T) {
	d, text, token := partner(t, desk.Options{}, authority.Limits{})
	before := exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()
	d.Advance(t, time.Hour)
	ahead := exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()
	d.Advance(t, 5*time.Minute)
	for _, access := range []string{before, ahead} {
		if got := d.Call(t, access); got != "expired" {
			t.Errorf("by the clock that runs ahead: got %q, want expired", got)
		}
	}
	d.Advance(t, -65*time.Minute)
	if got := d.Call(t, exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()); got != "" {
		t.Errorf("of a clock set right: got %q, want it admitted", got)
	}
	d.Advance(t, 61*time.Minute) // again near the end of the one that was got ahead
	if got := d.Call(t, exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()); got != "" {
		t.Errorf("an hour later: got %q, want it admitted", got)
	}
	d.Advance(t, 31*24*time.Hour)
	if _, err := d.Exchange(t, text, accesstoken.Ask{}); !refusedFor(err, "expired") {
		t.Errorf("the API token after %s: got error %v, want expired", token.ExpiresAt, err)
	}
	d.Advance(t, -30*24*time.Hour)
	if _, err := d.Exchange(t, text, accesstoken.Ask{}); err != nil {
		t.Errorf("the API token, by a clock set right: got error %v, want none", err)
	}
}

// TestEndUnseen has a token end while nobody asks about it, and the clock set back: it is known to have ended where the time
// was seen. Its twin ends a second later, and lives again. A clock that had run ahead for longer than tokens live has ended
// none.
func TestEndUnseen(t *testing.T) {
	for _, tt := range []struct {
		ahead, back time.Duration
		want        authority.Reason
	}{
		{5 * time.Minute, 50 * time.Second, "expired"},
		{5*time.Minute - time.Second, 50 * time.Second, ""},
		{24 * time.Hour, 24 * time.Hour, ""},
	} {
		d, text, _ := partner(t, desk.Options{}, authority.Limits{})
		issued := exchange(t, d, text, accesstoken.Ask{})
		if got := d.Call(t, issued.Token.Reveal()); got != "" {
			t.Fatalf("from the start: got %q, want it admitted", got)
		}
		d.Advance(t, tt.ahead)
		d.Access.See(d.Now())
		d.Advance(t, -tt.back)
		d.Access.See(d.Now())
		d.Authority.Forget(uuid.Nil) // as the feed does when a clock is set back
		if got := d.Call(t, issued.Token.Reveal()); got != tt.want {
			t.Errorf("%s ahead and %s back: got %q, want %q", tt.ahead, tt.back, got, tt.want)
		}
	}
}

// TestRevoke takes one access token back: the other of the same parent goes on.
func TestRevoke(t *testing.T) {
	d, text, token := partner(t, desk.Options{}, authority.Limits{})
	one, other := exchange(t, d, text, accesstoken.Ask{}), exchange(t, d, text, accesstoken.Ask{})
	for _, issued := range []accesstoken.Issued{one, other} {
		if got := d.Call(t, issued.Token.Reveal()); got != "" {
			t.Fatalf("got %q, want it admitted", got)
		}
	}
	for _, token := range []secret.Text{one.Token, one.Token, text} { // once is enough, and an API token is none of its own
		must(t, d.Access.Revoke(t.Context(), d.Verified(t, token), audit.Actor{}))
	}
	if got := d.Call(t, one.Token.Reveal()); got != "revoked" {
		t.Errorf("got %q, want revoked", got)
	}
	if got := d.Call(t, other.Token.Reveal()); got != "" {
		t.Errorf("the other: got %q, want it admitted", got)
	}
	events, err := d.Store.Events(t.Context(), audit.Query{Action: audit.AccessTokenRevoke})
	if err != nil || len(events) != 1 || events[0].Detail["of"] != token.ID.String() {
		t.Errorf("got events %+v and error %v, want one that names the parent", events, err)
	}
	d.Advance(t, 25*time.Hour+5*time.Minute)
	if n, err := d.Access.Prune(t.Context(), d.Now()); err != nil || n != 1 {
		t.Errorf("got %d forgotten and error %v, want 1", n, err)
	}
	if got := d.Call(t, one.Token.Reveal()); got != "expired" {
		t.Errorf("got %q, want expired", got)
	}
}

// TestOnlyParents asks for an access token by what bears none.
func TestOnlyParents(t *testing.T) {
	d, text, _ := partner(t, desk.Options{}, authority.Limits{})
	if _, err := d.Access.Issue(t.Context(), &d.Admin, accesstoken.Ask{}); !refusedFor(err, "not_accepted_here") {
		t.Errorf("by a personal token: got error %v, want not_accepted_here", err)
	}
	issued := exchange(t, d, text, accesstoken.Ask{})
	p, err := d.Authority.Identify(t.Context(), desk.Bearer(issued.Token.Reveal()), desk.Gateway)
	must(t, err)
	if _, err := d.Access.Issue(t.Context(), &p, accesstoken.Ask{}); !refusedFor(err, "not_accepted_here") {
		t.Errorf("by an access token: got error %v, want not_accepted_here", err)
	}
	p.CredentialKind, p.ID = authority.APIToken, d.Admin.ID // which no edge could say
	if _, err := d.Access.Issue(t.Context(), &p, accesstoken.Ask{}); !refusedFor(err, "unknown") {
		t.Errorf("by another's API token: got error %v, want unknown", err)
	}
}

// broken is a store that can't say what a token rests on.
type broken struct{ accesstoken.Store }

var errDown = errors.New("the database is down")

func (broken) GroundsOfAPIToken(context.Context, uuid.UUID, string, uuid.UUID) (accesstoken.Grounds, error) {
	return accesstoken.Grounds{}, errDown
}

// TestStoreFails makes sure that no token passes, and none is called bad, because nobody could look.
func TestStoreFails(t *testing.T) {
	d, text, _ := partner(t, desk.Options{Store: func(s store.Store) accesstoken.Store { return broken{s} }}, authority.Limits{})
	issued := exchange(t, d, text, accesstoken.Ask{})
	got := d.Authority.Decide(t.Context(), desk.Bearer(issued.Token.Reveal()), desk.Gateway)
	if got.Reason != authority.ReasonUnavailable || !errors.Is(got.Refusal.Cause, errDown) {
		t.Errorf("got %q for %v, want unavailable for %v", got.Reason, got.Refusal.Cause, errDown)
	}
}

// bounded is a store that wants to know until when it is waited for.
type bounded struct{ accesstoken.Store }

var errEndless = errors.New("nobody ever stops waiting")

func (b bounded) APITokenParent(ctx context.Context, id uuid.UUID) (accesstoken.Parent, error) {
	if _, ok := ctx.Deadline(); !ok {
		return accesstoken.Parent{}, errEndless
	}
	return b.Store.APITokenParent(ctx, id)
}

// TestIssueIsBounded: whatever its caller allows it, an issue doesn't wait for a database that never answers.
func TestIssueIsBounded(t *testing.T) {
	d, text, _ := partner(t, desk.Options{Store: func(s store.Store) accesstoken.Store { return bounded{s} }}, authority.Limits{})
	if _, err := d.Exchange(t, text, accesstoken.Ask{}); err != nil {
		t.Error(err)
	}
}

// TestRecognizes tells access tokens from API tokens and from what is no signed token, without a look-up.
func TestRecognizes(t *testing.T) {
	d, text, _ := partner(t, desk.Options{}, authority.Limits{})
	issued := exchange(t, d, text, accesstoken.Ask{}).Token.Reveal()
	for token, want := range map[string][2]bool{ // access token, API token
		issued: {true, false}, text.Reveal(): {false, true}, "eyJ": {}, "eyJ.": {true, false}, "": {}, "jtp": {},
		"eyJhbGciOiJub25lIn0.e30.": {true, false}, strings.Repeat(".", 8000): {},
	} {
		if got := [2]bool{d.Access.Recognizes(token), d.API.Recognizes(token)}; got != want {
			t.Errorf("%.20s: got %v, want %v", token, got, want)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { _, _ = d.Access.Recognizes(issued), d.API.Recognizes(issued) }); allocs > 0 {
		t.Errorf("got %v allocations, want none", allocs)
	}
}

// addOther adds a service beside.
func addOther(t *testing.T, d *desk.Desk) {
	t.Helper()
	_, err := d.Catalog.Create(t.Context(), catalog.Draft{Name: "other", Host: "other.example.com"}, audit.Actor{})
	must(t, err)
	_, err = d.Catalog.Create(t.Context(), catalog.Draft{Name: "self", Host: "tokens.example.com"}, audit.Actor{})
	must(t, err)
}

// TestUsesAreNoted makes sure that a use of an access token is one of its parent, and says from where.
func TestUsesAreNoted(t *testing.T) {
	d, text, token := partner(t, desk.Options{}, authority.Limits{})
	issued := exchange(t, d, text, accesstoken.Ask{})
	d.Advance(t, time.Minute)
	if got := d.Call(t, issued.Token.Reveal()); got != "" {
		t.Fatalf("got %q, want it admitted", got)
	}
	must(t, d.Authority.StoreUses(t.Context()))
	got, err := d.API.Token(t.Context(), token.ID)
	if err != nil || !got.LastUsedAt.Equal(d.Now()) || got.LastUsedIP != desk.Peer.String() {
		t.Errorf("got %+v and error %v, want it used now from %s", got, err, desk.Peer)
	}
}
