package httpapi_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/secret"
)

func TestMe(t *testing.T) {
	d := newDesk(t)
	u, token := d.user(t, account.Draft{
		Username: "Alice", Email: "alice@example.com", DisplayName: "Alice L.", Roles: []string{"b", "a"}, Password: "a good password",
	})
	want := api.Me{
		User: api.User{
			ID: u.ID.String(), Kind: "person", Username: "Alice", Email: "alice@example.com", DisplayName: "Alice L.",
			Roles: []string{"a", "b"}, State: "active", HasPassword: true, CreatedAt: d.clock(), UpdatedAt: d.clock(),
		},
		Credential: api.Credential{Kind: "personal_token", ID: u.ID.String()},
	}
	var got api.Me
	d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "").into(t, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by token (-want +got): %s", diff)
	}
	want.Credential.Kind, got = "password", api.Me{}
	d.want(t, ask{route: "GET /v1/me", token: "ALICE:a good password"}, http.StatusOK, "").into(t, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by password (-want +got): %s", diff)
	}
}

func TestPersonalToken(t *testing.T) {
	d := newDesk(t)
	_, err := d.accounts.Create(t.Context(), account.Draft{Username: "alice", Password: "a good password"}, adminActor())
	check(t, err)
	const basic = "alice:a good password"
	d.want(t, ask{route: "GET /v1/me/personal-token", token: basic}, http.StatusNotFound, api.CodeNotFound)
	d.want(t, ask{route: "DELETE /v1/me/personal-token", token: basic}, http.StatusNotFound, api.CodeNotFound)

	var first, second api.IssuedPersonalToken
	a := d.want(t, ask{route: "POST /v1/me/personal-token", token: basic}, http.StatusCreated, "")
	a.into(t, &first)
	if got := a.header.Get("Location"); got != "/v1/me/personal-token" {
		t.Errorf("got Location %q", got)
	}
	if !secret.Valid(first.Token, secret.Personal) || !first.CreatedAt.Equal(d.clock()) {
		t.Errorf("got %+v, want a personal token of now", first)
	}
	d.now.Add(90)
	d.want(t, ask{route: "POST /v1/me/personal-token", token: first.Token}, http.StatusCreated, "").into(t, &second)
	d.want(t, ask{route: "GET /v1/me", token: first.Token}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	if got := d.refused(t); !slices.Equal(got, []string{"v1 superseded personal_token"}) {
		t.Errorf("got refusals %v, want superseded", got)
	}
	check(t, d.authority.StoreUses(t.Context()))
	var meta api.PersonalToken
	d.want(t, ask{route: "GET /v1/me/personal-token", token: second.Token}, http.StatusOK, "").into(t, &meta)
	if !meta.CreatedAt.Equal(d.clock()) {
		t.Errorf("got %+v, want a token of now", meta)
	}
	check(t, d.authority.StoreUses(t.Context()))
	d.want(t, ask{route: "GET /v1/me/personal-token", token: basic}, http.StatusOK, "").into(t, &meta)
	if want := (api.PersonalToken{CreatedAt: d.clock(), LastUsedAt: d.clock(), LastUsedIP: clientAddress}); !cmp.Equal(want, meta) {
		t.Errorf("got %+v, want %+v", meta, want)
	}
	d.want(t, ask{route: "DELETE /v1/me/personal-token", token: second.Token}, http.StatusNoContent, "")
	d.want(t, ask{route: "GET /v1/me", token: second.Token}, http.StatusUnauthorized, api.CodeNotAuthenticated)
}

func TestChangePassword(t *testing.T) {
	d := newDesk(t)
	_, token := d.user(t, account.Draft{Username: "alice", Password: "a good password"})
	change := func(credential, current, replacement string) ask {
		return ask{route: "PUT /v1/me/password", token: credential, body: `{"current":"` + current + `","new":"` + replacement + `"}`}
	}
	for _, tt := range []struct{ current, replacement, field string }{
		{"a wrong password", "a better password", "current"},
		{"a good password", "short", "new"},
	} {
		a := d.want(t, change(token, tt.current, tt.replacement), http.StatusUnprocessableEntity, api.CodeInvalidField)
		a.wantField(t, tt.field)
	}
	a := d.want(t, change(token, "a good password", "a better password"), http.StatusNoContent, "")
	if a.body != "" {
		t.Errorf("got body %q with 204", a.body)
	}
	d.want(t, ask{route: "GET /v1/me", token: "alice:a good password"}, http.StatusUnauthorized, api.CodeNotAuthenticated)
	d.want(t, ask{route: "GET /v1/me", token: "alice:a better password"}, http.StatusOK, "")
	d.want(t, ask{route: "GET /v1/me", token: token}, http.StatusOK, "")
	if got := d.actions(t); !slices.Contains(got, "user.password alice") {
		t.Errorf("got events %v, want user.password", got)
	}
}

// TestActor: the audit log names who did it, by which credential and from where.
func TestActor(t *testing.T) {
	d := newDesk(t)
	d.now.Add(3600)
	d.want(t, ask{route: "POST /v1/users", token: d.adminToken, body: `{"username":"alice"}`}, http.StatusCreated, "")
	var events api.List[api.Event]
	d.want(t, ask{route: "GET /v1/events?action=user.create&since=" + d.clock().Format(time.RFC3339), token: d.adminToken}, http.StatusOK, "").into(t, &events)
	if len(events.Items) != 1 {
		t.Fatalf("got %d events, want one", len(events.Items))
	}
	want := &api.Actor{
		UserID: d.admin.ID, Username: "root", CredentialKind: "personal_token", CredentialID: d.admin.ID, Address: clientAddress,
	}
	if diff := cmp.Diff(want, events.Items[0].Actor); diff != "" {
		t.Errorf("actor (-want +got): %s", diff)
	}
}
