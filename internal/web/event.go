package web

import (
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
)

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
