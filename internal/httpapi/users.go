package httpapi

import (
	"context"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/secret"
)

// wireUser returns a user as the API shows it.
func wireUser(u account.User) api.User {
	return api.User{
		ID: u.ID.String(), Kind: string(u.Kind), Username: u.Username, Email: u.Email, DisplayName: u.DisplayName,
		Roles: append([]string{}, u.Roles...), State: string(u.State), HasPassword: u.HasPassword,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

func (s *server) listUsers(ctx context.Context, _ *call, in *pageInput) (*answer[api.List[api.User]], error) {
	after, err := positionOf("users", in.Cursor)
	if err != nil {
		return nil, err
	}
	users, err := s.cfg.Accounts.List(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return pageOf(users, in.Limit, wireUser, func(u account.User) string { return cursorAt("users", account.Key(u.Username)) }), nil
}

type newUserInput struct{ Body api.NewUser }

func (s *server) createUser(ctx context.Context, c *call, in *newUserInput) (*created[api.User], error) {
	b := in.Body
	u, err := s.cfg.Accounts.Create(ctx, account.Draft{
		Kind: account.Kind(b.Kind), Username: b.Username, Email: b.Email, DisplayName: b.DisplayName, Roles: b.Roles,
		State: account.State(b.State), Password: secret.Text(b.Password), PasswordHash: b.PasswordHash,
	}, c.actor())
	if err != nil {
		return nil, err
	}
	return &created[api.User]{Location: "/v1/users/" + u.ID.String(), ETag: etag(u.ID, u.Version), Body: wireUser(u)}, nil
}

type userInput struct {
	User string `path:"user" doc:"The user's ID or name, percent-encoded."`
}

func (s *server) getUser(ctx context.Context, _ *call, in *userInput) (*versioned[api.User], error) {
	u, err := s.cfg.Accounts.Find(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return &versioned[api.User]{ETag: etag(u.ID, u.Version), Body: wireUser(u)}, nil
}

type userPatchInput struct {
	User    string `path:"user" doc:"The user's ID or name, percent-encoded."`
	IfMatch string `header:"If-Match" doc:"Change only this version."`
	Body    api.UserPatch
}

func (s *server) updateUser(ctx context.Context, c *call, in *userPatchInput) (*versioned[api.User], error) {
	match, err := preconditionOf(c.r.Header)
	if err != nil {
		return nil, err
	}
	var updated account.User
	err = match.try(func() error {
		u, err := s.cfg.Accounts.Find(ctx, in.User)
		if err != nil {
			return err
		}
		if err := match.check(u.ID, u.Version); err != nil {
			return err
		}
		updated, err = s.cfg.Accounts.Update(ctx, u.ID, u.Version, patchOf(in.Body), c.actor())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &versioned[api.User]{ETag: etag(updated.ID, updated.Version), Body: wireUser(updated)}, nil
}

// patchOf returns the change that a merge patch asks for. What is null becomes empty, if it may be.
func patchOf(b api.UserPatch) account.Patch {
	return account.Patch{
		Username: b.Username.Pointer(), Email: b.Email.Pointer(), DisplayName: b.DisplayName.Pointer(), Roles: b.Roles.Pointer(),
		State: (*account.State)(b.State.Pointer()), Password: (*secret.Text)(b.Password.Pointer()),
	}
}

func (s *server) deleteUser(ctx context.Context, c *call, in *userInput) (*done, error) {
	u, err := s.cfg.Accounts.Find(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Accounts.Delete(ctx, u.ID, c.actor())
}
