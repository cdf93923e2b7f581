package web_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// TestIdentityReplacesWhatAClientWrote sets and clears the identity in a header in which a client has named somebody else.
func TestIdentityReplacesWhatAClientWrote(t *testing.T) {
	forged := func() http.Header {
		h := http.Header{}
		for _, name := range web.IdentityNames {
			h[name] = []string{"root", "admin"}
		}
		return h
	}
	d := authority.Decision{Kind: authority.SessionToken, Service: "reports", Principal: authority.Principal{
		User: authority.User{ID: uuid.UUID{1}, Username: "Zoë", Roles: []string{"auditor", "partner"}}, CredentialID: uuid.UUID{15: 2},
	}}
	h := forged()
	web.SetIdentity(h, &d)
	want := http.Header{
		"Remote-User": {"Zo%C3%AB"}, "Remote-Name": {""}, "Remote-Email": {""}, "Remote-Groups": {"auditor,partner"},
		"X-Auth-Request-User": {"Zo%C3%AB"}, "X-Auth-Request-Email": {""}, "X-Auth-Request-Groups": {"auditor,partner"},
		"X-Auth-Request-Preferred-Username": {"Zo%C3%AB"},
		"X-Jeton-User-Id":                   {"01000000-0000-0000-0000-000000000000"}, "X-Jeton-Credential-Id": {"00000000-0000-0000-0000-000000000002"},
		"X-Jeton-Credential-Kind": {"session_token"}, "X-Jeton-Service": {"reports"}, "X-Jeton-Status": {"200"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
	h = forged()
	web.Fields(nil).Anonymize("401").Set(h)
	for _, name := range web.IdentityNames {
		want := ""
		if name == web.StatusHeader {
			want = "401"
		}
		if got := h[name]; !cmp.Equal(got, []string{want}) {
			t.Errorf("cleared: got %s %q, want %q alone", name, got, want)
		}
	}
	before := h.Values("Remote-Name")
	h.Add("Remote-User", "alice") // which must not reach the field that stands beside it in memory
	if got := h.Values("Remote-Name"); !cmp.Equal(got, before) {
		t.Errorf("after another was added to: got Remote-Name %q, want %q", got, before)
	}
}
