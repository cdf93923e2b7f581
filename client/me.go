package client

import (
	"context"
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// Me says who the caller is, and by which credential.
func (c *Client) Me(ctx context.Context) (api.Me, error) {
	me, _, err := send[api.Me](ctx, c, request{
		doing: "asking who I am", method: http.MethodGet, path: []string{"me"},
	})
	return me, err
}

// ChangePassword replaces the caller's own password. Its personal token goes on working, its sessions end. The
// error is ErrInvalid where the current password is wrong or the new one can't be used, and ErrTooManyRequests after too
// many wrong ones.
func (c *Client) ChangePassword(ctx context.Context, current, replacement Secret) error {
	const doing = "changing the password"
	if err := checkText(doing, "new", replacement.Reveal()); err != nil {
		return err
	}
	_, _, err := send[nothing](ctx, c, request{
		doing: doing, method: http.MethodPut, path: []string{"me", "password"},
		body: api.PasswordChange{Current: current.Reveal(), New: replacement.Reveal()},
	})
	return err
}

// RotatePersonalToken makes the caller a new personal token; the former one, if any, is dead at once. The answer is the
// only time that the token is shown. After ErrUnreachable, either of the two may be the valid one: rotate again.
func (c *Client) RotatePersonalToken(ctx context.Context) (api.IssuedPersonalToken, error) {
	token, _, err := send[api.IssuedPersonalToken](ctx, c, request{
		doing: "rotating the personal token", method: http.MethodPost, path: []string{"me", "personal-token"},
	})
	return token, err
}

// PersonalToken tells of the caller's personal token. The error is ErrNotFound where there is none.
func (c *Client) PersonalToken(ctx context.Context) (api.PersonalToken, error) {
	token, _, err := send[api.PersonalToken](ctx, c, request{
		doing: "reading about the personal token", method: http.MethodGet, path: []string{"me", "personal-token"},
	})
	return token, err
}

// RevokePersonalToken ends the caller's personal token. The error is ErrNotFound where there is none.
func (c *Client) RevokePersonalToken(ctx context.Context) error {
	_, _, err := send[nothing](ctx, c, request{
		doing: "revoking the personal token", method: http.MethodDelete, path: []string{"me", "personal-token"},
	})
	return err
}
