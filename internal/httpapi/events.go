package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// The audit log is read by administrators alone: it tells who tried what, from where, and why it was refused, which no
// caller is told. Nobody changes it through the API, and reading it leaves no event.

// eventsInput selects events. Filters that are given must all be met.
type eventsInput struct {
	// Actions and reasons are any text: the sets grow, and one that is in no event selects none.
	Action string    `query:"action" doc:"Exactly this action, as user.create or refused."`
	Reason string    `query:"reason" doc:"Exactly this reason, as superseded."`
	Actor  string    `query:"actor" doc:"Done by this user, or refused for it: an ID, or the name of a user."`
	Target string    `query:"target" doc:"Done to this record: an ID, the name of a user, service or API token, a platform's code, or a project's number; the first of these that has it."`
	Since  time.Time `query:"since" doc:"At this time or later."`
	Until  time.Time `query:"until" doc:"Before this time."`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most."`
	Cursor string    `query:"cursor" doc:"The next of the page before; absent for the first."`
}

// listEvents pages by the order in which events were written, newest first. That order stands still, so no event comes
// twice or is left out, however many are written while someone turns the pages.
func (s *server) listEvents(ctx context.Context, _ *call, in *eventsInput) (*answer[api.List[api.Event]], error) {
	q := audit.Query{
		Limit: in.Limit + 1, Action: audit.Action(in.Action), Reason: in.Reason, Since: in.Since, Until: in.Until,
	}
	if err := checkFilters(in); err != nil {
		return nil, err
	}
	position, err := positionOf("events", in.Cursor)
	if err != nil {
		return nil, err
	}
	if position != "" {
		if q.Before, err = strconv.ParseInt(position, 10, 64); err != nil || q.Before < 1 {
			return nil, errCursor()
		}
	}
	if q.Actor, err = s.recordID(ctx, "actor", in.Actor); err != nil {
		return nil, err
	}
	if q.Target, err = s.recordID(ctx, "target", in.Target); err != nil {
		return nil, err
	}
	events, err := s.cfg.Events.Events(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := s.nameActors(ctx, events); err != nil {
		return nil, err
	}
	credentials, err := s.credentialNames(ctx, events)
	if err != nil {
		return nil, err
	}
	wire := func(e audit.Event) api.Event { return wireEvent(e, credentials) }
	return pageOf(events, in.Limit, wire, func(e audit.Event) string {
		return cursorAt("events", strconv.FormatInt(e.Seq, 10))
	}), nil
}

// checkFilters refuses an action or a reason that doesn't exist: an empty list would say that nothing happened.
func checkFilters(in *eventsInput) error {
	const fix = "See the reference of codes in the documentation."
	if in.Action != "" && !slices.Contains(audit.Actions(), audit.Action(in.Action)) {
		return &authority.FieldError{Field: "action", Problem: "is no action", Fix: fix}
	}
	if in.Reason != "" && !slices.Contains(authority.Reasons(), authority.Reason(in.Reason)) {
		return &authority.FieldError{Field: "reason", Problem: "is no reason", Fix: fix}
	}
	return nil
}

// nameActors gives the users of refusals the names that they have today: a change keeps its author's name of that time,
// but where a call is refused nobody looks up a name.
func (s *server) nameActors(ctx context.Context, events []audit.Event) error {
	var nameless []uuid.UUID
	for _, e := range events {
		if e.Actor.UserID != uuid.Nil && e.Actor.Username == "" {
			nameless = append(nameless, e.Actor.UserID)
		}
	}
	names, err := s.cfg.Accounts.Names(ctx, nameless)
	if err != nil {
		return fmt.Errorf("naming the users of refusals: %w", err)
	}
	for i := range events {
		if actor := &events[i].Actor; actor.Username == "" {
			actor.Username = names[actor.UserID]
		}
	}
	return nil
}

// credentialNames returns the names of the API tokens by which users of events acted or were refused, by their own or an
// access token's text, of the platforms whose assertions, and of the token sets whose tokens were taken or refused, or the projects of
// those that no set opens: there may be many, and their names are what people know of them. Deleted ones are named, too, but for token
// sets and projects: they go on being presented.
func (s *server) credentialNames(ctx context.Context, events []audit.Event) (map[uuid.UUID]string, error) {
	var tokens, platforms, sealers []uuid.UUID
	for _, e := range events {
		switch e.Actor.CredentialKind {
		case authority.APIToken.String(), authority.AccessToken.String(): // which has the ID of what it rests on
			tokens = append(tokens, e.Actor.CredentialID)
		case authority.Assertion.String():
			platforms = append(platforms, e.Actor.CredentialID)
		case authority.Sealed.String():
			sealers = append(sealers, e.Actor.CredentialID)
		}
	}
	names, err := s.cfg.Platforms.Names(ctx, platforms)
	if err != nil {
		return nil, fmt.Errorf("naming the platforms of events: %w", err)
	}
	sealed, err := s.cfg.Projects.Names(ctx, sealers)
	if err != nil {
		return nil, fmt.Errorf("naming the token sets of events: %w", err)
	}
	maps.Copy(names, sealed)
	if len(tokens) == 0 {
		return names, nil
	}
	named, err := s.cfg.APITokens.Names(ctx, tokens)
	if err != nil {
		return nil, fmt.Errorf("naming the API tokens of events: %w", err)
	}
	maps.Copy(names, named)
	return names, nil
}

// recordID returns the ID of the record that a filter names, which for the target may be a service, an API token, a platform or a
// project, too: the first three have names of their own each, and where one has another's, its ID tells them apart. A platform goes by
// its code, and a project by its number. An ID is taken as it is:
// who looks into the past must find what was deleted since. A name that nobody has now is refused, because an empty list
// would say that nothing happened.
func (s *server) recordID(ctx context.Context, filter, idOrName string) (uuid.UUID, error) {
	if idOrName == "" {
		return uuid.Nil, nil
	}
	if id, err := uuid.Parse(idOrName); err == nil && id != uuid.Nil {
		return id, nil
	}
	id, err := s.cfg.Accounts.UserID(ctx, idOrName)
	if filter == "target" && errors.Is(err, authority.ErrNotFound) {
		service, serviceErr := s.cfg.Catalog.Service(ctx, idOrName)
		id, err = service.ID, serviceErr
	}
	if filter == "target" && errors.Is(err, authority.ErrNotFound) {
		token, tokenErr := s.cfg.APITokens.Named(ctx, idOrName)
		id, err = token.ID, tokenErr
	}
	if filter == "target" && errors.Is(err, authority.ErrNotFound) {
		platform, platformErr := s.cfg.Platforms.Find(ctx, idOrName)
		id, err = platform.ID, platformErr
	}
	if filter == "target" && errors.Is(err, authority.ErrNotFound) {
		e, projectErr := s.findProject(ctx, idOrName)
		id, err = e.ID, projectErr
	}
	if errors.Is(err, authority.ErrNotFound) {
		return uuid.Nil, &authority.FieldError{Field: filter, Problem: "names no record of today", Fix: "Give the ID of one that was deleted."}
	}
	return id, err
}

// wireEvent returns an event as the API shows it. Who did it is left out where that was Jeton itself, and so are IDs
// where nobody knew them: a call without a credential has an address and no more. Credentials are the names of API tokens, platforms and token sets.
func wireEvent(e audit.Event, credentials map[uuid.UUID]string) api.Event {
	out := api.Event{
		ID: e.ID.String(), At: e.At, Action: string(e.Action), Reason: e.Reason, Door: e.Door,
		Count: e.Count, LastAt: e.LastAt, Detail: e.Detail,
	}
	if e.Actor != (audit.Actor{}) {
		out.Actor = &api.Actor{
			UserID: idText(e.Actor.UserID), Username: e.Actor.Username,
			CredentialKind: e.Actor.CredentialKind, CredentialID: idText(e.Actor.CredentialID),
			CredentialName: credentials[e.Actor.CredentialID], Address: e.Actor.Address,
		}
	}
	if e.Target != (audit.Target{}) {
		out.Target = &api.Target{Kind: e.Target.Kind, ID: idText(e.Target.ID), Name: e.Target.Name}
	}
	return out
}

// idText returns an ID as text, empty where there is none.
func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
