package httpapi

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Users are named in URLs by ID or by name, in any spelling that has the name's canonical form. Both can't be meant at
// once: a name that has the form of an ID is refused when the user is made.
//
// Only administrators come here, and they see all of a user but its secrets: of a password no more than that there is
// one. What they change, the accounts check; the rules for names, roles and passwords stand there and nowhere else.

// wireUser returns a user as the API shows it. Roles are a list, also where there are none.
func wireUser(u account.User) api.User {
	shown := api.User{
		ID: u.ID.String(), Kind: string(u.Kind), Username: u.Username, Email: u.Email, DisplayName: u.DisplayName,
		Roles: append([]string{}, u.Roles...), State: string(u.State), HasPassword: u.HasPassword, SecondFactor: u.HasFactor,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if e := u.External; e != (account.External{}) {
		shown.External = &api.External{Profile: e.Profile, ID: e.ID, Ref: e.Ref, Data: e.Data, Flags: e.Flags}
	}
	return shown
}

// usersInput selects users.
type usersInput struct {
	Q      string `query:"q" maxLength:"256" doc:"Whose names or e-mails begin so, in capitals or not, or the one of this ID. Of those with whom only the e-mail does, the first 500 are found."`
	Sort   string `query:"sort" enum:"name,-name,created,-created" doc:"By what they are listed, name where it is absent; with a hyphen, the other way round. Names that are searched go by name alone."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most."`
	Cursor string `query:"cursor" doc:"The next of the page before; absent for the first."`
}

// listUsers pages by canonical name, which is unique among the living and doesn't change while someone turns the pages,
// unless the user is renamed; or by the time at which each was made.
func (s *server) listUsers(ctx context.Context, _ *call, in *usersInput) (*answer[api.List[api.User]], error) {
	sort, descending := strings.CutPrefix(in.Sort, "-")
	q := account.Query{Find: in.Q, Order: account.Order(sort), Descending: descending, Limit: in.Limit + 1}
	listing := sorted("users", in.Sort)
	if err := resume(listing, in.Cursor, q.Resume); err != nil {
		return nil, err
	}
	users, err := s.cfg.Accounts.List(ctx, q)
	if err != nil {
		return nil, err
	}
	return pageOf(users, in.Limit, wireUser, func(u account.User) string { return cursorAt(listing, q.Position(u)) }), nil
}

// newUserInput is a request for a new user.
type newUserInput struct{ Body api.NewUser }

// createUser makes a user. The Location names it by ID, which stays good when the user is renamed.
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

// userInput names a user.
type userInput struct {
	User string `path:"user" doc:"The user's ID or name, percent-encoded."`
}

// getUser shows a user, with the version that a change of it can be made for.
func (s *server) getUser(ctx context.Context, _ *call, in *userInput) (*versioned[api.User], error) {
	u, err := s.cfg.Accounts.Find(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return &versioned[api.User]{ETag: etag(u.ID, u.Version), Body: wireUser(u)}, nil
}

// userPatchInput is a merge patch of a user.
type userPatchInput struct {
	User    string `path:"user" doc:"The user's ID or name, percent-encoded."`
	IfMatch string `header:"If-Match" doc:"Change only this version."`
	Body    api.UserPatch
}

// updateUser changes a user. A password among the changes is an administrator's reset: it ends the user's personal token
// and browser sessions, for whoever forgot a password may have lost a token, too.
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

// patchOf returns the change that a merge patch asks for. What is null becomes empty, and where that can't be (a name, a
// state, a password) it is refused as an empty one is.
func patchOf(b api.UserPatch) account.Patch {
	return account.Patch{
		Username: b.Username.Pointer(), Email: b.Email.Pointer(), DisplayName: b.DisplayName.Pointer(), Roles: b.Roles.Pointer(),
		State: (*account.State)(b.State.Pointer()), Password: (*secret.Text)(b.Password.Pointer()),
	}
}

// removeSecondFactor helps whoever has lost the authenticator app and the recovery codes. It is an administrator's to know whom it helps.
func (s *server) removeSecondFactor(ctx context.Context, c *call, in *userInput) (*done, error) {
	u, err := s.cfg.Accounts.Find(ctx, in.User)
	if err != nil {
		return nil, err
	}
	holder := u.Holder()
	return nil, s.cfg.Factors.RemoveAll(ctx, &holder, c.actor())
}

// deleteUser ends a user for good. A second time there is nobody to delete, so the answer is 404 and not again 204.
func (s *server) deleteUser(ctx context.Context, c *call, in *userInput) (*done, error) {
	u, err := s.cfg.Accounts.Find(ctx, in.User)
	if err != nil {
		return nil, err
	}
	if number, ok := s.cfg.Projects.AccountOf(u.ID); ok { // which nobody could give another, and whose tokens would all be refused
		fix := "Delete the project " + strconv.Itoa(number) + ", with which it goes; or block the account, which can be undone."
		return nil, fmt.Errorf("%w: %w", authority.ErrConflict, authority.Field("user", "is the service account of a project", fix))
	}
	return nil, s.cfg.Accounts.Delete(ctx, u.ID, c.actor())
}

// invitation is the answer that shows an invitation.
type invitation struct{ Body api.Invitation }

// inviteUser makes an invitation, which is no resource: nobody reads it again, and another takes its place.
//
// Administrators may invite themselves, as they may reset their own password by updateUser. Who comes here as an administrator could as
// well make another one, and have that one invite the first: to refuse it would defend nothing, and take a way back from who has a
// personal token and no longer the password. The console invites nobody to his own account: whoever finds it open would take the account
// over.
func (s *server) inviteUser(ctx context.Context, c *call, in *userInput) (*invitation, error) {
	u, err := s.cfg.Accounts.Find(ctx, in.User)
	if err != nil {
		return nil, err
	}
	made, err := s.cfg.Links.Invite(ctx, u.ID, c.actor())
	if err != nil {
		return nil, err
	}
	return &invitation{api.Invitation{URL: made.URL.Reveal(), ExpiresAt: made.ExpiresAt, Mailed: made.Mailed}}, nil
}
