package audit

import (
	"context"
	"fmt"
	"maps"

	"github.com/google/uuid"
)

// Namer knows the names of records.
type Namer interface {
	// Names returns the names of those of the records that it knows.
	Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}

// Names knows what people call those whom events tell of by ID alone.
type Names struct {
	// Users names users as they are called today.
	Users Namer
	// Credentials names credentials by their kind: of most kinds a user has but one, and the kind says all.
	Credentials map[string]Namer
}

// Name gives the users of refusals the names that they have today, and returns the names of the credentials by which users of the
// events acted or were refused: a change keeps its author's name of that time, but where a call is refused nobody looks up a name.
func (n Names) Name(ctx context.Context, events []Event) (credentials map[uuid.UUID]string, err error) {
	var nameless []uuid.UUID
	byKind := map[string][]uuid.UUID{}
	for i := range events {
		actor := &events[i].Actor
		if actor.UserID != uuid.Nil && actor.Username == "" {
			nameless = append(nameless, actor.UserID)
		}
		if n.Credentials[actor.CredentialKind] != nil && actor.CredentialID != uuid.Nil {
			byKind[actor.CredentialKind] = append(byKind[actor.CredentialKind], actor.CredentialID)
		}
	}
	users, err := n.Users.Names(ctx, nameless)
	if err != nil {
		return nil, fmt.Errorf("naming the users of refusals: %w", err)
	}
	for i := range events {
		if actor := &events[i].Actor; actor.Username == "" {
			actor.Username = users[actor.UserID]
		}
	}
	credentials = map[uuid.UUID]string{}
	for kind, ids := range byKind {
		named, err := n.Credentials[kind].Names(ctx, ids)
		if err != nil {
			return nil, fmt.Errorf("naming the credentials of events that are of the kind %s: %w", kind, err)
		}
		maps.Copy(credentials, named)
	}
	return credentials, nil
}
