package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jeton-io/jeton/api"
)

// Sessions goes through the caller's sessions that last, the newest first: session tokens, and browsers that are logged in.
func (c *Client) Sessions(ctx context.Context) iter.Seq2[api.Session, error] {
	return pages[api.Session](ctx, c, listing(mySessions("listing sessions", http.MethodGet)))
}

// EndSession ends a session of the caller. The error is ErrNotFound where it has none of that ID that lasts.
func (c *Client) EndSession(ctx context.Context, id string) error {
	_, _, err := send[nothing](ctx, c, mySessions("ending a session", http.MethodDelete, id))
	return err
}

// EndSessions ends all sessions of the caller, but the one by which it came.
func (c *Client) EndSessions(ctx context.Context) error {
	_, _, err := send[nothing](ctx, c, mySessions("ending all sessions", http.MethodDelete))
	return err
}

// UserSessions goes through the sessions of a user, by its ID or name, as Sessions does. The error is ErrNotFound where there
// is no such user.
func (c *Client) UserSessions(ctx context.Context, user string) iter.Seq2[api.Session, error] {
	return pages[api.Session](ctx, c, listing(ofUser("listing sessions", http.MethodGet, user, "sessions")))
}

// EndUserSession ends a session of a user. The error is ErrNotFound where the user has none of that ID that lasts.
func (c *Client) EndUserSession(ctx context.Context, user, id string) error {
	_, _, err := send[nothing](ctx, c, ofUser("ending a session", http.MethodDelete, user, "sessions", id))
	return err
}

// EndUserSessions ends all sessions of a user, but the one by which the caller came, where it is the caller's own user. The
// error is ErrNotFound where there is no such user.
func (c *Client) EndUserSessions(ctx context.Context, user string) error {
	_, _, err := send[nothing](ctx, c, ofUser("ending all sessions", http.MethodDelete, user, "sessions"))
	return err
}

// mySessions is a request about the caller's sessions.
func mySessions(doing, method string, path ...string) request {
	return request{doing: doing, method: method, path: append([]string{"me", "sessions"}, path...)}
}

// listing is a request for a listing, in the largest pages.
func listing(q request) request {
	q.query = url.Values{"limit": {strconv.Itoa(pageSize)}}
	return q
}
