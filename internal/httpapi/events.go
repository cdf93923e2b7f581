package httpapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

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
	if q.Actor, err = s.records().Actor(ctx, in.Actor); err != nil {
		return nil, noSuchRecord("actor", err)
	}
	if q.Target, err = s.records().Target(ctx, in.Target); err != nil {
		return nil, noSuchRecord("target", err)
	}
	events, err := s.cfg.Events.Events(ctx, q)
	if err != nil {
		return nil, err
	}
	credentials, err := s.records().Names().Name(ctx, events)
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

// records are those of which events tell.
func (s *server) records() web.Records {
	return web.Records{Accounts: s.cfg.Accounts, APITokens: s.cfg.APITokens, Platforms: s.cfg.Platforms, Projects: s.cfg.Projects, Catalog: s.cfg.Catalog}
}

// noSuchRecord says of a filter that nobody has the name now.
func noSuchRecord(filter string, err error) error {
	if errors.Is(err, authority.ErrNotFound) {
		return &authority.FieldError{Field: filter, Problem: "names no record of today", Fix: "Give the ID of one that was deleted."}
	}
	return err
}
