package client

import (
	"cmp"
	"context"
	"iter"
	"net/http"

	"github.com/jeton-io/jeton/api"
)

// Users goes through all users, in the order of their names.
func (c *Client) Users(ctx context.Context) iter.Seq2[api.User, error] {
	return pages[api.User](ctx, c, list("listing users", "users", pageSize))
}

// UserFilter selects users. Zero fields select everything.
type UserFilter struct {
	Find string // whose names or e-mails begin so, in capitals or not, or the one of this ID
	Sort string // by "name" or "created"; with a hyphen before it, the other way round
	// PageSize is how many users one request asks for: 200 at most, and where it is 0. It bounds no listing.
	PageSize int
}

// FindUsers goes through users, in the order of their names where no other is asked for. The error is ErrInvalid where Sort is another
// beside Find.
func (c *Client) FindUsers(ctx context.Context, f UserFilter) iter.Seq2[api.User, error] {
	q := list("finding users", "users", cmp.Or(f.PageSize, pageSize))
	if f.Find != "" {
		q.query.Set("q", f.Find)
	}
	if f.Sort != "" {
		q.query.Set("sort", f.Sort)
	}
	return pages[api.User](ctx, c, q)
}

// CreateUser makes a user. The error is ErrInvalid for a field that can't be used, ErrConflict for a name or an e-mail
// that is taken.
func (c *Client) CreateUser(ctx context.Context, u api.NewUser) (api.User, error) {
	const doing = "creating a user"
	if err := checkText(doing, "password", u.Password); err != nil {
		return api.User{}, err
	}
	user, _, err := send[api.User](ctx, c, request{
		doing: doing, method: http.MethodPost, path: []string{"users"}, body: u,
	})
	return user, err
}

// User returns the user of that ID or name with its version, or ErrNotFound.
func (c *Client) User(ctx context.Context, idOrName string) (api.User, ETag, error) {
	user, header, err := send[api.User](ctx, c, request{
		doing: "reading a user", method: http.MethodGet, path: []string{"users", idOrName},
	})
	return user, etagOf(header), err
}

// UpdateUser changes those fields of a user that the patch has. Errors are those of CreateUser, ErrNotFound, ErrStale
// where the user is no longer of the given version, and ErrLastAdministrator.
func (c *Client) UpdateUser(ctx context.Context, idOrName string, version ETag, patch api.UserPatch) (api.User, error) {
	const doing = "updating a user"
	if err := checkText(doing, "password", patch.Password.Value); err != nil {
		return api.User{}, err
	}
	user, _, err := send[api.User](ctx, c, request{
		doing: doing, method: http.MethodPatch, path: []string{"users", idOrName}, ifMatch: version, body: patch,
	})
	return user, err
}

// RemoveSecondFactor takes away a user's second factor, whole: the user logs in to the console by the password alone, until there is
// another. The error is ErrNotFound, where the user has none, too.
func (c *Client) RemoveSecondFactor(ctx context.Context, idOrName string) error {
	_, _, err := send[nothing](ctx, c, request{
		doing: "removing a second factor", method: http.MethodDelete, path: []string{"users", idOrName, "second-factor"},
	})
	return err
}

// DeleteUser ends a user and all its credentials for good. The error is ErrNotFound or ErrLastAdministrator.
func (c *Client) DeleteUser(ctx context.Context, idOrName string) error {
	_, _, err := send[nothing](ctx, c, request{
		doing: "deleting a user", method: http.MethodDelete, path: []string{"users", idOrName},
	})
	return err
}

// InviteUser makes a link by which a person chooses a password, in the place of any former one. The answer is the only time that it is
// shown. Errors are ErrNotFound, and ErrConflict where the user is a service account or isn't active. After ErrUnreachable one may have been
// made, and is lost: make another.
func (c *Client) InviteUser(ctx context.Context, idOrName string) (api.Invitation, error) {
	made, _, err := send[api.Invitation](ctx, c, ofUser("inviting a user", http.MethodPost, idOrName, "invitation"))
	return made, err
}
