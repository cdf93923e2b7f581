package httpapi_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// TestEvents fills the log and asks for parts of it.
func TestEvents(t *testing.T) {
	d := newDesk(t)
	alice, token := d.user(t, account.Draft{Username: "alice"})
	d.service(t, serviceDraft("reports"))
	d.now.Add(600)
	half := d.clock()
	d.want(t, ask{route: "PATCH /v1/users/alice", token: d.adminToken, body: `{"display_name":"A"}`}, http.StatusOK, "")
	for range 3 {
		d.want(t, ask{route: "GET /v1/users", token: token}, http.StatusForbidden, api.CodeNotAllowed)
	}
	d.want(t, ask{route: "GET /v1/me"}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.refused(t)
	gone, _ := d.user(t, account.Draft{Username: "gone"})
	check(t, d.accounts.Delete(t.Context(), gone.ID, adminActor()))

	since, until := "since="+half.Format(time.RFC3339), "until="+half.Format(time.RFC3339Nano)
	tests := []struct {
		query string
		want  []string // newest first
	}{
		{"action=refused", []string{"no_credential", "not_allowed"}},
		{"action=refused&reason=not_allowed", []string{"not_allowed"}},
		{"reason=expired", nil},
		{"actor=alice", []string{"not_allowed"}},
		{"actor=ALICE&" + since, []string{"not_allowed"}},
		{"actor=" + alice.ID.String() + "&" + until, nil},
		{"actor=root", []string{"user.update"}},
		{"target=alice", []string{"user.update", "personal_token.rotate", "user.create"}},
		{"target=alice&" + since, []string{"user.update"}},
		{"target=alice&" + until, []string{"personal_token.rotate", "user.create"}},
		{"target=reports", []string{"operations.replace", "service.create"}},
		{"target=" + gone.ID.String(), []string{"user.delete", "personal_token.rotate", "user.create"}},
	}
	for _, tt := range tests {
		var got []string
		for _, e := range d.eventsOf(t, tt.query) {
			name := e.Action
			if e.Reason != "" {
				name = e.Reason
			}
			got = append(got, name)
		}
		if tt.query == "action=refused" {
			slices.Sort(got) // refusals are drained in no order
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.query, got, tt.want)
		}
	}
	for _, query := range []string{"actor=nobody", "actor=reports", "target=nobody", "target=gone", "actor=00000000-0000-0000-0000-000000000000"} {
		d.want(t, ask{route: "GET /v1/events?" + query, token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	}
}

// TestEventsOfAPIToken finds what was done to an API token by its name, in any spelling, and where a service has the name,
// too, by its ID alone. A name that a token had is nobody's.
func TestEventsOfAPIToken(t *testing.T) {
	d := tokenDesk(t)
	made, _ := d.post(t, `{"name":"Nightly export","user":"robot","expires_in_days":30}`)
	same, _ := d.post(t, `{"name":"Reports","user":"robot","expires_in_days":30}`)
	d.want(t, ask{route: "PATCH /v1/api-tokens/" + made.ID, token: d.adminToken, body: `{"enabled":false}`}, http.StatusOK, "")
	for query, want := range map[string][]string{
		"target=Nightly+export":            {"api_token.update", "api_token.create"},
		"target=NIGHTLY+%EF%BC%A5xport":    {"api_token.update", "api_token.create"},
		"target=" + made.ID:                {"api_token.update", "api_token.create"},
		"target=reports":                   {"operations.replace", "service.create"},
		"target=Reports":                   {"api_token.create"}, // a service is found by its exact name
		"target=" + same.ID:                {"api_token.create"},
		"target=robot":                     {"user.create"},
		"target=Nightly+export&actor=root": {"api_token.update", "api_token.create"},
	} {
		var got []string
		for _, e := range d.eventsOf(t, query) {
			if e.Target.Kind != "personal_token" {
				got = append(got, e.Action)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	d.want(t, ask{route: "GET /v1/events?actor=Nightly+export", token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField)
	d.want(t, ask{route: "DELETE /v1/api-tokens/" + made.ID, token: d.adminToken}, http.StatusNoContent, "")
	d.want(t, ask{route: "GET /v1/events?target=Nightly+export", token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField)
}

// TestEventCredential: an event tells the name of the API token that was presented, by itself or by an access token of it, as
// that is now; of a deleted one, too. Other credentials have no names.
func TestEventCredential(t *testing.T) {
	d := tokenDesk(t)
	made, _ := d.post(t, `{"name":"Export","user":"robot","expires_in_days":30}`)
	other, _ := d.post(t, `{"name":"Other","user":"robot","expires_in_days":30}`)
	_, personal := d.user(t, account.Draft{Username: "alice"})
	for _, token := range []string{made.Token, d.exchange(t, made.Token, accesstoken.Ask{}), other.Token, personal} {
		d.want(t, ask{route: "GET /v1/users", token: token}, http.StatusForbidden, map[bool]api.Code{true: api.CodeNotAllowed, false: api.CodeCredentialTooWeak}[token == personal])
	}
	d.want(t, ask{route: "GET /v1/users"}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.want(t, ask{route: "PATCH /v1/api-tokens/" + made.ID, token: d.adminToken, body: `{"name":"Nightly"}`}, http.StatusOK, "")
	d.want(t, ask{route: "DELETE /v1/api-tokens/" + other.ID, token: d.adminToken}, http.StatusNoContent, "")
	d.refused(t)
	var got []string
	for _, e := range d.eventsOf(t, "action=refused") {
		got = append(got, e.Actor.CredentialKind+" "+e.Actor.CredentialName)
	}
	slices.Sort(got) // refusals are drained in no order
	if want := []string{" ", "access_token Nightly", "api_token Nightly", "api_token Other", "personal_token "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, e := range d.eventsOf(t, "target="+made.ID) {
		if e.Actor != nil && e.Actor.CredentialName != "" {
			t.Errorf("got %+v, want no credential's name of an administrator with a personal token", e.Actor)
		}
	}
}

// TestEventPlatform: an event tells the name of the platform whose assertion was refused, also of a deleted one; and a platform's
// code selects what was done to it.
func TestEventPlatform(t *testing.T) {
	d := platformDesk(t)
	made, _ := d.postPlatform(t, `{"name":"Partner"}`)
	d.refusals.Add(audit.Refusal{Reason: "not_yet", Door: "bitcanuck", Kind: authority.Assertion.String(), ID: uuid.MustParse(made.ID)}, d.clock())
	d.refused(t)
	if events := d.eventsOf(t, "target="+made.Code); len(events) != 1 || events[0].Action != "platform.create" {
		t.Errorf("got %+v done to the platform, want it enrolled", events)
	}
	wantRefusal := func() {
		t.Helper()
		if events := d.eventsOf(t, "reason=not_yet"); len(events) != 1 || events[0].Actor.CredentialName != "Partner" {
			t.Errorf("got %+v, want one refusal of Partner", events)
		}
	}
	wantRefusal()
	d.want(t, ask{route: "DELETE /v1/platforms/" + made.Code, token: d.adminToken}, http.StatusNoContent, "")
	wantRefusal()
	d.want(t, ask{route: "GET /v1/events?target=" + made.Code, token: d.adminToken}, http.StatusUnprocessableEntity, api.CodeInvalidField)
}

// eventsOf goes through all pages of a listing, two by two.
func (d *desk) eventsOf(t testing.TB, query string) []api.Event {
	t.Helper()
	var all []api.Event
	for next := ""; ; {
		var page api.List[api.Event]
		d.want(t, ask{route: "GET /v1/events?limit=2&" + query + "&cursor=" + next, token: d.adminToken}, http.StatusOK, "").into(t, &page)
		all = append(all, page.Items...)
		if next = page.Next; next == "" {
			return all
		}
	}
}

// TestEventShape is what one event of each sort looks like.
func TestEventShape(t *testing.T) {
	d := newDesk(t)
	alice, token := d.user(t, account.Draft{Username: "alice"})
	for range 3 {
		d.want(t, ask{route: "GET /v1/users/canary", token: token}, http.StatusForbidden, api.CodeNotAllowed)
	}
	d.refused(t)
	d.now.Add(20)
	d.want(t, ask{route: "GET /v1/users", token: token}, http.StatusForbidden, api.CodeNotAllowed)
	d.refused(t)
	events := append(d.eventsOf(t, "action=refused"), d.eventsOf(t, "action=pepper.create")...)
	for i := range events {
		if events[i].ID == "" {
			t.Errorf("event %d has no ID", i)
		}
		events[i].ID = ""
	}
	opened := d.clock().Add(-20 * time.Second)
	want := []api.Event{
		{
			At: opened, Action: "refused", Reason: "not_allowed", Door: "v1", Count: 4, LastAt: d.clock(),
			Actor:  &api.Actor{UserID: alice.ID.String(), Username: "alice", CredentialKind: "personal_token", CredentialID: alice.ID.String(), Address: clientAddress},
			Detail: map[string]string{"call": "GET /v1/users/{user}"},
		},
		{At: opened, Action: "pepper.create", Count: 1, Target: &api.Target{Kind: "pepper"}, Detail: map[string]string{"version": "1"}},
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got): %s", diff)
	}
}
