package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// ClientSecrets goes through the client secrets of a service account, by its ID or name, the oldest first. The error is
// ErrNotFound where there is no such user, and ErrInvalid where it is a person.
func (c *Client) ClientSecrets(ctx context.Context, user string) iter.Seq2[api.ClientSecret, error] {
	return pages[api.ClientSecret](ctx, c, ofUser("listing client secrets", http.MethodGet, user, "client-secrets"))
}

// CreateClientSecret makes a service account a client secret. The answer is the only time that it is shown. Errors are those
// of ClientSecrets, and ErrConflict where two live. After ErrUnreachable one may have been made, and is lost: delete it.
func (c *Client) CreateClientSecret(ctx context.Context, user string) (api.IssuedClientSecret, error) {
	secret, _, err := send[api.IssuedClientSecret](ctx, c, ofUser("creating a client secret", http.MethodPost, user, "client-secrets"))
	return secret, err
}

// DeleteClientSecret ends a client secret for good, and the access tokens that were got with it. The error is ErrNotFound.
func (c *Client) DeleteClientSecret(ctx context.Context, user, id string) error {
	_, _, err := send[nothing](ctx, c, ofUser("deleting a client secret", http.MethodDelete, user, "client-secrets", id))
	return err
}

// ClientKeys goes through the keys of a service account, the oldest first. Errors are those of ClientSecrets.
func (c *Client) ClientKeys(ctx context.Context, user string) iter.Seq2[api.ClientKey, error] {
	return pages[api.ClientKey](ctx, c, ofUser("listing client keys", http.MethodGet, user, "client-keys"))
}

// CreateClientKey adds a public key by which assertions of a service account are checked. Errors are those of ClientSecrets,
// ErrInvalid for a key that can't be used, and ErrConflict where there are too many.
func (c *Client) CreateClientKey(ctx context.Context, user string, k api.NewClientKey) (api.ClientKey, error) {
	q := ofUser("creating a client key", http.MethodPost, user, "client-keys")
	q.body = k
	key, _, err := send[api.ClientKey](ctx, c, q)
	return key, err
}

// DeleteClientKey ends a client key for good, and the access tokens that were got with it. The error is ErrNotFound.
func (c *Client) DeleteClientKey(ctx context.Context, user, id string) error {
	_, _, err := send[nothing](ctx, c, ofUser("deleting a client key", http.MethodDelete, user, "client-keys", id))
	return err
}

// ofUser is a request about something of a user's.
func ofUser(doing, method, user string, path ...string) request {
	return request{doing: doing, method: method, path: append([]string{"users", user}, path...)}
}
