package client_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

const keyJSON = `{"id":"4kR2","purpose":"access_token","algorithm":"ES256","state":"active","created_at":"2026-11-02T03:04:05.000006Z"}`

var key = api.SigningKey{ID: "4kR2", Purpose: "access_token", Algorithm: "ES256", State: "active", CreatedAt: at}

// TestKeys goes through two pages, with a member that is newer than this client.
func TestKeys(t *testing.T) {
	c := strict(t,
		exchange{method: "GET", uri: "/v1/keys?limit=200", status: 200, answer: `{"items":[` + keyJSON + `],"next":"a"}`},
		exchange{
			method: "GET", uri: "/v1/keys?cursor=a&limit=200", status: 200,
			answer: `{"items":[{"id":"0aZ","purpose":"api_token","algorithm":"RS256","state":"revoked","created_at":"2026-11-02T03:04:05.000006Z",` +
				`"retired_at":"2026-11-02T04:04:05.000006Z","revoked_at":"2026-11-02T05:04:05.000006Z","size":2048}]}`,
		},
	)
	var got []api.SigningKey
	for k, err := range c.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, k)
	}
	want := []api.SigningKey{key, {
		ID: "0aZ", Purpose: "api_token", Algorithm: "RS256", State: "revoked", CreatedAt: at,
		RetiredAt: at.Add(time.Hour), RevokedAt: at.Add(2 * time.Hour),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got (+), want (-):\n%s", diff)
	}
}

func TestRotateKey(t *testing.T) {
	c := strict(t,
		exchange{method: "POST", uri: "/v1/keys", body: `{"purpose":"access_token"}`, status: 201, answer: keyJSON},
		exchange{method: "POST", uri: "/v1/keys", body: `{"purpose":"access_token","algorithm":"ES256"}`, status: 201, answer: keyJSON},
	)
	for _, r := range []api.KeyRotation{{Purpose: "access_token"}, {Purpose: "access_token", Algorithm: "ES256"}} {
		got, err := c.RotateKey(t.Context(), r)
		if diff := cmp.Diff(key, got); err != nil || diff != "" {
			t.Errorf("%+v: got error %v, key (+), want (-):\n%s", r, err, diff)
		}
	}
}

func TestRevokeKey(t *testing.T) {
	c := strict(t, exchange{method: "DELETE", uri: "/v1/keys/4kR2", status: 204, header: map[string]string{"Content-Type": ""}})
	if err := c.RevokeKey(t.Context(), "4kR2"); err != nil {
		t.Error(err)
	}
	wantError(t, c.RevokeKey(t.Context(), ".."), client.ErrNotFound, "revoking a signing key") // and nothing is sent
}

// TestKeyErrors has what Jeton refuses become the errors that are documented.
func TestKeyErrors(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		want   error
	}{
		{403, "not_allowed", client.ErrNotAllowed},
		{404, "not_found", client.ErrNotFound},
		{412, "stale_version", client.ErrStale},
		{422, "invalid_field", client.ErrInvalid},
	} {
		x := exchange{
			uri: "/v1/keys", status: tt.status, header: map[string]string{"Content-Type": "application/problem+json"},
			answer: `{"code":"` + tt.code + `"}`,
		}
		rotate, revoke := x, x
		rotate.method, rotate.body = "POST", `{"purpose":"id_token"}`
		revoke.method, revoke.uri = "DELETE", "/v1/keys/4kR2"
		c := strict(t, rotate, revoke)
		_, err := c.RotateKey(t.Context(), api.KeyRotation{Purpose: "id_token"})
		wantError(t, err, tt.want, "rotating a signing key")
		wantError(t, c.RevokeKey(t.Context(), "4kR2"), tt.want, "revoking a signing key")
	}
}
