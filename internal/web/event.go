package web

import (
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
)

// EventNames names those whom events tell of: users, and of the credentials API tokens, of which an access token has the ID, platforms
// by their assertions, and token sets by the tokens that they seal, or the projects of those that no set opens. Of these there may be
// many, and their names are what people know of them. Deleted ones are named, too, but for token sets and projects: they go on being
// presented.
func EventNames(users *account.Accounts, tokens *apitoken.Tokens, platforms *platform.Platforms, projects *project.Projects) audit.Names {
	return audit.Names{Users: users, Credentials: map[string]audit.Namer{
		authority.APIToken.String(): tokens, authority.AccessToken.String(): tokens,
		authority.Assertion.String(): platforms, authority.Sealed.String(): projects,
	}}
}

// Event returns an event as the API shows it. Who did it is left out where that was Jeton itself, and so are IDs
// where nobody knew them: a call without a credential has an address and no more. Credentials are the names of these by ID.
func Event(e *audit.Event, credentials map[uuid.UUID]string) api.Event {
	out := api.Event{
		ID: e.ID.String(), At: e.At, Action: string(e.Action), Reason: e.Reason, Door: e.Door,
		Count: e.Count, LastAt: e.LastAt, Detail: e.Detail,
	}
	if e.Actor != (audit.Actor{}) {
		out.Actor = &api.Actor{
			UserID: shownID(e.Actor.UserID), Username: e.Actor.Username,
			CredentialKind: e.Actor.CredentialKind, CredentialID: shownID(e.Actor.CredentialID),
			CredentialName: credentials[e.Actor.CredentialID], Address: e.Actor.Address,
		}
	}
	if e.Target != (audit.Target{}) {
		out.Target = &api.Target{Kind: e.Target.Kind, ID: shownID(e.Target.ID), Name: e.Target.Name}
	}
	return out
}

// shownID returns an ID as text, empty where there is none.
func shownID(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
