package client

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/jeton-io/jeton/api"
)

// APITokenFilter selects API tokens. Zero fields select everything.
type APITokenFilter struct {
	User           string // of this user: an ID or a name
	Enabled        *bool  // enabled ones, or disabled ones
	ExpiringInDays int    // that end within so many days, or have ended; the first to end comes first
	Find           string // whose names begin so, in capitals or not, or the one of this ID
	Sort           string // by "name", "created" or "expires"; with a hyphen before it, the other way round
	// PageSize is how many tokens one request asks for: 200 at most, and where it is 0. It bounds no listing: leave the loop
	// for that.
	PageSize int
}

// APITokens goes through API tokens, in the order of their names where no other is asked for. The error is ErrInvalid where User is
// nobody, or Sort doesn't go with what is searched: Find goes by name, ExpiringInDays by expires.
func (c *Client) APITokens(ctx context.Context, f APITokenFilter) iter.Seq2[api.APIToken, error] {
	q := list("listing API tokens", "api-tokens", cmp.Or(f.PageSize, pageSize))
	if f.User != "" {
		q.query.Set("user", f.User)
	}
	if f.Enabled != nil {
		q.query.Set("enabled", strconv.FormatBool(*f.Enabled))
	}
	if f.ExpiringInDays != 0 {
		q.query.Set("expiring_in_days", strconv.Itoa(f.ExpiringInDays))
	}
	if f.Find != "" {
		q.query.Set("q", f.Find)
	}
	if f.Sort != "" {
		q.query.Set("sort", f.Sort)
	}
	return pages[api.APIToken](ctx, c, q)
}

// CreateAPIToken makes an API token. The answer is the only time that it is shown. The error is ErrInvalid for a field that
// can't be used, or a life that the policy doesn't allow; ErrConflict for a name that is taken. After ErrUnreachable the
// token may have been made, and is lost: delete what has its name.
func (c *Client) CreateAPIToken(ctx context.Context, t api.NewAPIToken) (api.IssuedAPIToken, error) {
	issued, _, err := send[api.IssuedAPIToken](ctx, c, request{
		doing: "creating an API token", method: http.MethodPost, path: []string{"api-tokens"}, body: t,
	})
	return issued, err
}

// APIToken returns what is known of the API token of that ID, with its version, or ErrNotFound.
func (c *Client) APIToken(ctx context.Context, id string) (api.APIToken, ETag, error) {
	token, header, err := send[api.APIToken](ctx, c, request{
		doing: "reading an API token", method: http.MethodGet, path: []string{"api-tokens", id},
	})
	return token, etagOf(header), err
}

// UpdateAPIToken changes those members of an API token that the patch has; its access tokens are held to them at once.
// Errors are those of CreateAPIToken, ErrNotFound, and ErrStale where the token is no longer of the given version.
func (c *Client) UpdateAPIToken(ctx context.Context, id string, version ETag, patch api.APITokenPatch) (api.APIToken, error) {
	token, _, err := send[api.APIToken](ctx, c, request{
		doing: "updating an API token", method: http.MethodPatch, path: []string{"api-tokens", id}, ifMatch: version, body: patch,
	})
	return token, err
}

// DeleteAPIToken ends an API token for good, and its access tokens with it. The error is ErrNotFound.
func (c *Client) DeleteAPIToken(ctx context.Context, id string) error {
	_, _, err := send[nothing](ctx, c, request{
		doing: "deleting an API token", method: http.MethodDelete, path: []string{"api-tokens", id},
	})
	return err
}
