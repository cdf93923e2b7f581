package client_test

import (
	"iter"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// first returns the first item of a listing.
func first[T any](all iter.Seq2[T, error]) (item T, err error) {
	for item, err = range all {
		return item, err
	}
	return item, err
}

// TestClients makes each request about what a service account proves itself by.
func TestClients(t *testing.T) {
	const keyJSON = `{"id":"8","algorithm":"EdDSA","public_key":"PEM","created_at":"2026-11-02T03:04:05.000006Z"}`
	none := map[string]string{"Content-Type": ""}
	key := api.ClientKey{ID: "8", Algorithm: "EdDSA", PublicKey: "PEM", CreatedAt: at}
	for name, tt := range map[string]struct {
		wire exchange
		call func(*client.Client) (any, error)
		want any
	}{
		"list secrets": {
			exchange{method: "GET", uri: "/v1/users/ro%2Fbot/client-secrets", status: 200, answer: `{"items":[{"id":"7","created_at":"2026-11-02T03:04:05.000006Z","last_used_ip":"192.0.2.1"}]}`},
			func(c *client.Client) (any, error) { return first(c.ClientSecrets(t.Context(), "ro/bot")) },
			api.ClientSecret{ID: "7", CreatedAt: at, LastUsedIP: "192.0.2.1"},
		},
		"create secret": {
			exchange{method: "POST", uri: "/v1/users/robot/client-secrets", status: 201, answer: `{"id":"7","secret":"jtcNEW","created_at":"2026-11-02T03:04:05.000006Z"}`},
			func(c *client.Client) (any, error) { return c.CreateClientSecret(t.Context(), "robot") },
			api.IssuedClientSecret{ID: "7", Secret: "jtcNEW", CreatedAt: at},
		},
		"delete secret": {
			exchange{method: "DELETE", uri: "/v1/users/robot/client-secrets/7", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.DeleteClientSecret(t.Context(), "robot", "7") },
			nil,
		},
		"list keys": {
			exchange{method: "GET", uri: "/v1/users/robot/client-keys", status: 200, answer: `{"items":[` + keyJSON + `]}`},
			func(c *client.Client) (any, error) { return first(c.ClientKeys(t.Context(), "robot")) },
			key,
		},
		"create key": {
			exchange{method: "POST", uri: "/v1/users/robot/client-keys", body: `{"public_key":"PEM","algorithm":"EdDSA"}`, status: 201, answer: keyJSON},
			func(c *client.Client) (any, error) {
				return c.CreateClientKey(t.Context(), "robot", api.NewClientKey{PublicKey: "PEM", Algorithm: "EdDSA"})
			},
			key,
		},
		"delete key": {
			exchange{method: "DELETE", uri: "/v1/users/robot/client-keys/8", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.DeleteClientKey(t.Context(), "robot", "8") },
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.call(strict(t, tt.wire))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("got (+), want (-):\n%s", diff)
			}
		})
	}
	refused := exchange{
		method: "POST", uri: "/v1/users/robot/client-secrets", status: http.StatusConflict,
		header: map[string]string{"Content-Type": "application/problem+json"}, answer: `{"code":"conflict"}`,
	}
	_, err := strict(t, refused).CreateClientSecret(t.Context(), "robot")
	wantError(t, err, client.ErrConflict, "creating a client secret")
	wantError(t, strict(t).DeleteClientSecret(t.Context(), "robot", ".."), client.ErrNotFound, "deleting a client secret")
}
