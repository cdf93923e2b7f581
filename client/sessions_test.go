package client_test

import (
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// all returns all items of a listing.
func all[T any](listing iter.Seq2[T, error]) (items []T, err error) {
	for item, err := range listing {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// TestSessions makes each request about sessions once.
func TestSessions(t *testing.T) {
	const answer = `{"items":[{"id":"7","kind":"session_token","platform_id":"6","created_at":"2026-11-02T03:04:05.000006Z",` +
		`"expires_at":"2026-11-02T03:04:05.000006Z"},{"id":"8","kind":"console_session","created_at":"2026-11-02T03:04:05.000006Z",` +
		`"last_used_ip":"192.0.2.1","expires_at":"2026-11-02T03:04:05.000006Z","current":true}]}`
	none := map[string]string{"Content-Type": ""}
	sessions := []api.Session{
		{ID: "7", Kind: "session_token", PlatformID: "6", CreatedAt: at, ExpiresAt: at},
		{ID: "8", Kind: "console_session", CreatedAt: at, LastUsedIP: "192.0.2.1", ExpiresAt: at, Current: true},
	}
	for name, tt := range map[string]struct {
		wire exchange
		call func(*client.Client) (any, error)
		want any
	}{
		"list my own": {
			exchange{method: "GET", uri: "/v1/me/sessions?limit=200", status: 200, answer: answer},
			func(c *client.Client) (any, error) { return all(c.Sessions(t.Context())) },
			sessions,
		},
		"end one": {
			exchange{method: "DELETE", uri: "/v1/me/sessions/7", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.EndSession(t.Context(), "7") },
			nil,
		},
		"end all": {
			exchange{method: "DELETE", uri: "/v1/me/sessions", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.EndSessions(t.Context()) },
			nil,
		},
		"list a user's": {
			exchange{method: "GET", uri: "/v1/users/al%2Fice/sessions?limit=200", status: 200, answer: answer},
			func(c *client.Client) (any, error) { return all(c.UserSessions(t.Context(), "al/ice")) },
			sessions,
		},
		"end one of a user": {
			exchange{method: "DELETE", uri: "/v1/users/alice/sessions/7", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.EndUserSession(t.Context(), "alice", "7") },
			nil,
		},
		"end all of a user": {
			exchange{method: "DELETE", uri: "/v1/users/alice/sessions", status: 204, header: none},
			func(c *client.Client) (any, error) { return nil, c.EndUserSessions(t.Context(), "alice") },
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
	// An empty ID is that of no session, and must not end all of them.
	wantError(t, strict(t).EndSession(t.Context(), ""), client.ErrNotFound, "ending a session")
	wantError(t, strict(t).EndUserSession(t.Context(), "alice", ""), client.ErrNotFound, "ending a session")
	wantError(t, strict(t).EndUserSessions(t.Context(), ""), client.ErrNotFound, "ending all sessions")
}
