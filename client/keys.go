package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// Keys goes through all signing keys that there ever were, the newest first: those that sign, those that only verify
// what they have signed, and those that were revoked.
func (c *Client) Keys(ctx context.Context) iter.Seq2[api.SigningKey, error] {
	return pages[api.SigningKey](ctx, c, list("listing signing keys", "keys", pageSize))
}

// RotateKey makes a new active key of a purpose. The former one retires: it signs nothing more, and what it has signed
// lives on. The error is ErrInvalid for a purpose or an algorithm that there isn't, and ErrStale where somebody else has
// rotated in the same moment: a new key is active then, too. After ErrUnreachable, Keys shows whether it was done.
func (c *Client) RotateKey(ctx context.Context, r api.KeyRotation) (api.SigningKey, error) {
	key, _, err := send[api.SigningKey](ctx, c, request{
		doing: "rotating a signing key", method: http.MethodPost, path: []string{"keys"}, body: r,
	})
	return key, err
}

// RevokeKey revokes the key of that ID: every token that it has signed is refused from then on, for good. An active key is
// replaced by a new one in the same moment. The error is ErrNotFound where there is no such key, or it was revoked before.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	_, _, err := send[nothing](ctx, c, request{
		doing: "revoking a signing key", method: http.MethodDelete, path: []string{"keys", id},
	})
	return err
}
