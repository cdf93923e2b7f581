package httpapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
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
	credentials, err := web.EventNames(s.cfg.Accounts, s.cfg.APITokens, s.cfg.Platforms, s.cfg.Projects).Name(ctx, events)
	if err != nil {
		return nil, err
	}
	wire := func(e audit.Event) api.Event { return web.Event(&e, credentials) }
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
