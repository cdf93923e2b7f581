package httpapi_test

import (
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
)

// about asks about a credential at a service.
func about(asker, service, token string) ask {
	return ask{route: "POST /v1/verify", token: asker, body: `{"authorization":"Bearer ` + token + `","service":"` + service + `","full":true}`}
}

// TestVerifyCredential asks without a call: as far as what it is, and no further.
func TestVerifyCredential(t *testing.T) {
	d, alice, tokens := verifying(t)
	tests := []struct{ name, asker, service, token, reason, refused string }{
		{"good", "reporter", "reports", tokens["alice"], "", ""},
		{"for an administrator", "root", "bills", tokens["alice"], "", ""},
		{"one byte off", "reporter", "reports", flip(tokens["alice"]), "bad_checksum", "verify bad_checksum personal_token"},
		{"another's service", "reporter", "bills", tokens["alice"], "not_verifier", "verify not_verifier personal_token"},
		{"no service", "reporter", "nothing", tokens["alice"], "not_verifier", "verify not_verifier personal_token"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d.refused(t)
			var got api.Verdict
			d.want(t, about(tokens[test.asker], test.service, test.token), http.StatusOK, "").into(t, &got)
			if got.Allow != (test.reason == "") || got.Reason != test.reason {
				t.Errorf("got %+v, want reason %q", got, test.reason)
			}
			if got.Allow && (got.Principal.UserID != alice.ID.String() || got.Remember == nil || got.Remember.At.IsZero()) {
				t.Errorf("got %+v of %+v", got.Remember, got.Principal)
			}
			var want []string
			if test.refused != "" {
				want = []string{test.refused}
			}
			if diff := cmp.Diff(want, d.refused(t)); diff != "" {
				t.Errorf("refusals (-want +got): %s", diff)
			}
		})
	}
	d.want(t, ask{route: "POST /v1/verify", token: tokens["root"], body: `{"authorization":"Bearer x","service":"reports","method":"GET"}`}, http.StatusUnprocessableEntity, api.CodeInvalidField).wantField(t, "service")
}

// TestRemember: what counts from some addresses, or so often, or comes by itself, is never to be remembered.
func TestRemember(t *testing.T) {
	d, _, tokens := verifying(t)
	d.serve(t, 0, authority.KindsOf(authority.PersonalToken, authority.APIToken, authority.Password))
	d.service(t, catalog.Draft{Name: "raw", Host: "raw.example.com", AcceptAPITokens: true, Default: "authenticated"})
	made := 0
	issue := func(l authority.Limits) string {
		made++
		text, _ := d.issue(t, apitoken.Draft{Name: strconv.Itoa(made), User: "alice", Days: 1, Limits: l})
		return text
	}
	end := d.clock().Add(24 * time.Hour).UTC().Truncate(time.Second)
	tests := []struct {
		name, authorization string
		want                *api.Remember
	}{
		{"personal token", "Bearer " + tokens["alice"], &api.Remember{}},
		{"API token", "Bearer " + issue(authority.Limits{}), &api.Remember{Until: end}},
		{"from some addresses", "Bearer " + issue(authority.Limits{From: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}), nil},
		{"so often", "Bearer " + issue(authority.Limits{Rate: authority.Rate{Calls: 100, Per: time.Second}}), nil},
		{"password", "Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got api.Verdict
			d.want(t, ask{
				route: "POST /v1/verify", token: tokens["root"],
				body: `{"authorization":"` + test.authorization + `","method":"GET","url":"https://raw.example.com/x","remote_ip":"203.0.113.9","full":true}`,
			}, http.StatusOK, "").into(t, &got)
			if !got.Allow {
				t.Fatalf("got %+v, want it let in", got)
			}
			if got.Remember != nil {
				got.Remember.At = time.Time{}
			}
			if diff := cmp.Diff(test.want, got.Remember); diff != "" {
				t.Errorf("-want +got: %s", diff)
			}
		})
	}
}
