package oauth_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/keyring"
)

// actions returns what happened of one kind, each "action target-kind actor".
func (d *edge) actions(t testing.TB, action audit.Action) []string {
	t.Helper()
	events, err := d.Store.Events(t.Context(), audit.Query{Action: action})
	check(t, err)
	var all []string
	for _, e := range events {
		all = append(all, string(e.Action)+" "+e.Target.Kind+" "+e.Actor.Username+" "+e.Actor.CredentialKind+" "+e.Actor.Address)
	}
	return all
}

// revocation is the form of a client that takes a token back.
func revocation(basic, token string) ask {
	return ask{path: "/oauth/revoke", form: formOf("token", token), basic: basic}
}

// TestRevoke: a client takes back its own tokens, an administrator's client everybody's, and all of it is in the log.
func TestRevoke(t *testing.T) {
	d := newEdge(t)
	d.user(t, account.Draft{Username: "ann"})
	_, adminText := d.client(t, "desk", "admin")
	_, ownText := d.client(t, "batch")
	admin, own := "desk:"+adminText, "batch:"+ownText
	no := false
	for name, test := range map[string]struct{ user, basic, actor string }{
		"own": {"batch", own, "batch"}, "administrator's": {"ann", admin, "desk"},
	} {
		t.Run(name, func(t *testing.T) {
			_, token := d.token(t, test.user, nil)
			access, other := d.exchange(t, token).AccessToken, d.exchange(t, token).AccessToken
			for range 2 {
				if a := d.want(t, revocation(test.basic, access), http.StatusOK, ""); a.body != "" {
					t.Errorf("got %s", a.body)
				}
				if _, err := d.identify(t, access); err == nil {
					t.Error("the access token lives on")
				}
			}
			if _, err := d.identify(t, other); err != nil {
				t.Errorf("another access token of the same API token: %v", err)
			}
			d.want(t, revocation(test.basic, token), http.StatusOK, "")
			d.want(t, revocation(test.basic, token), http.StatusOK, "")
			if _, err := d.identify(t, other); err == nil {
				t.Error("an access token outlives its API token")
			}
			d.want(t, ask{path: "/oauth/token", form: exchangeOf(token)}, http.StatusBadRequest, "invalid_request")
			for _, want := range []string{"access_token.revoke access_token ", "api_token.delete api_token "} {
				action, _, _ := strings.Cut(want, " ")
				want += test.actor + " client_secret " + clientAddress
				if got := d.actions(t, audit.Action(action)); len(got) == 0 || got[0] != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
	if got := len(d.actions(t, audit.AccessTokenRevoke)); got != 2 {
		t.Errorf("got %d revocations in the log, want one for each token", got)
	}
	// What isn't let in for now is taken back for good, too.
	disabled, text := d.token(t, "ann", func(n *apitoken.Draft) { n.Limits.From = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	_, err := d.API.Update(t.Context(), disabled.ID, apitoken.Patch{Enabled: &no}, &d.Admin, actor())
	check(t, err)
	d.want(t, revocation(admin, text), http.StatusOK, "")
	if _, err := d.API.Token(t.Context(), disabled.ID); err == nil {
		t.Error("a disabled token is left to be enabled again")
	}
	// What a client got for itself, it gives back.
	a := d.want(t, ask{path: "/oauth/token", form: formOf("grant_type", "client_credentials"), basic: own}, http.StatusOK, "")
	access := strings.Split(a.body, `"`)[3]
	d.want(t, revocation(own, access), http.StatusOK, "")
	if _, err := d.identify(t, access); err == nil {
		t.Error("the client's access token lives on")
	}
}

// TestRevokeRefusals: whoever may not take a token back changes nothing.
func TestRevokeRefusals(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	_, text := d.client(t, "batch")
	record, token := d.token(t, "ann", nil)
	access, personal := d.exchange(t, token).AccessToken, d.personalToken(t, ann)
	own := "batch:" + text
	d.refused(t)
	for name, test := range map[string]struct {
		q            ask
		status       int
		code, reason string
	}{
		"another's access token": {revocation(own, access), 400, "unauthorized_client", "revoke not_allowed client_secret"},
		"another's API token":    {revocation(own, token), 400, "unauthorized_client", "revoke not_allowed client_secret"},
		"personal token":         {revocation(own, personal), 400, "unsupported_token_type", ""},
		"its own secret":         {revocation(own, text), 400, "unsupported_token_type", ""},
		"no token":               {revocation(own, ""), 400, "invalid_request", ""},
		"nobody":                 {revocation("", access), 401, "invalid_client", "revoke no_credential none"},
		"client_id alone":        {ask{path: "/oauth/revoke", form: formOf("token", access, "client_id", record.ID.String())}, 401, "invalid_client", "revoke no_credential none"},
		"wrong name":             {revocation("ann:"+text, access), 401, "invalid_client", "revoke unknown_user client_secret"},
		"an administrator's personal token": {
			ask{path: "/oauth/revoke", form: formOf("token", access), header: map[string]string{"Authorization": "Bearer " + d.personalToken(t, d.root)}},
			401, "invalid_client", "revoke not_accepted_here personal_token",
		},
		"unknown":   {revocation(own, "hello"), 200, "", ""},
		"cut":       {revocation(own, access[:len(access)-2]), 200, "", ""},
		"malformed": {revocation(own, "eyJ.e30."), 200, "", ""},
		"two ways":  {ask{path: "/oauth/revoke", form: formOf("token", access, "client_id", "batch", "client_secret", text), basic: own}, 400, "invalid_request", "revoke two_credentials none"},
	} {
		t.Run(name, func(t *testing.T) {
			a := d.want(t, test.q, test.status, test.code)
			if got := d.refused(t); got != test.reason {
				t.Errorf("got the refusals %q, want %q", got, test.reason)
			}
			if a.status == 401 && strings.Contains(a.header.Get("Www-Authenticate"), "Bearer") {
				t.Errorf("got the challenge %q, want Basic alone", a.header.Get("Www-Authenticate"))
			}
		})
	}
	if _, err := d.identify(t, access); err != nil {
		t.Errorf("the access token: %v", err)
	}
	d.exchange(t, token)
	if got := append(d.actions(t, audit.AccessTokenRevoke), d.actions(t, audit.APITokenDelete)...); got != nil {
		t.Errorf("got %q in the log, want nothing", got)
	}
	for _, key := range d.Keyring.SigningKeys() {
		if key.Purpose == keyring.ForAccessTokens {
			check(t, d.Keyring.RevokeSigningKey(t.Context(), key.ID, actor()))
		}
	}
	d.want(t, revocation(own, access), http.StatusOK, "") // nobody's any more
}
