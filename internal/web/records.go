package web

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
)

// Records are those of which events tell by their IDs. Every field is required.
type Records struct {
	Accounts  *account.Accounts
	APITokens *apitoken.Tokens
	Platforms *platform.Platforms
	Projects  *project.Projects
	Catalog   *catalog.Catalog
}

// Names names those whom events tell of: users, and of the credentials API tokens, of which an access token has the ID, platforms by
// their assertions, and token sets by the tokens that they seal, or the projects of those that no set opens. Of these there may be
// many, and their names are what people know of them. Deleted ones are named, too, but for token sets and projects: they go on being
// presented.
func (r Records) Names() audit.Names {
	return audit.Names{Users: r.Accounts, Credentials: map[string]audit.Namer{
		authority.APIToken.String(): r.APITokens, authority.AccessToken.String(): r.APITokens,
		authority.Assertion.String(): r.Platforms, authority.Sealed.String(): r.Projects,
	}}
}

// Actor returns the ID of the user whom a filter of events names, the zero ID where it is empty, or ErrNotFound: see Target.
func (r Records) Actor(ctx context.Context, name string) (uuid.UUID, error) {
	return find(ctx, name, r.Accounts.UserID)
}

// Target returns the ID of the record that a filter of events names, the zero ID where it is empty: a user, a service, an API token, a
// platform by its code, or a project by its number. The first three have names of their own each, and where one has another's, its ID
// tells them apart. An ID is taken as it is: who looks into the past must find what was deleted since. For a name that nobody has now
// the error is ErrNotFound, which is to be told, because an empty list would say that nothing happened.
func (r Records) Target(ctx context.Context, name string) (uuid.UUID, error) {
	return find(ctx, name, r.Accounts.UserID, r.service, r.apiToken, r.platform, r.project)
}

// find returns the ID that the first finder has for a name.
func find(ctx context.Context, name string, finders ...func(ctx context.Context, name string) (uuid.UUID, error)) (uuid.UUID, error) {
	if name == "" {
		return uuid.Nil, nil
	}
	if id, err := uuid.Parse(name); err == nil && id != uuid.Nil {
		return id, nil
	}
	for _, finder := range finders {
		if id, err := finder(ctx, name); !errors.Is(err, authority.ErrNotFound) {
			return id, err
		}
	}
	return uuid.Nil, authority.ErrNotFound
}

func (r Records) service(ctx context.Context, name string) (uuid.UUID, error) {
	e, err := r.Catalog.Service(ctx, name)
	return e.ID, err
}

func (r Records) apiToken(ctx context.Context, name string) (uuid.UUID, error) {
	token, err := r.APITokens.Named(ctx, name)
	return token.ID, err
}

func (r Records) platform(ctx context.Context, code string) (uuid.UUID, error) {
	p, err := r.Platforms.Find(ctx, code)
	return p.ID, err
}

func (r Records) project(ctx context.Context, text string) (uuid.UUID, error) {
	number, err := project.ParseNumber(text)
	if err != nil {
		return uuid.Nil, err
	}
	e, err := r.Projects.Find(ctx, number)
	return e.ID, err
}
