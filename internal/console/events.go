package console

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// The audit log is only read here, which leaves no event. What it tells of callers is text of strangers.

func (s *server) auditRoutes() {
	s.serve("GET "+auditPath, admins, s.listEvents)
	s.serve("GET "+auditPath+"/export.csv", admins, s.exportEvents(newCSVExport))
	s.serve("GET "+auditPath+"/export.json", admins, s.exportEvents(newJSONExport))
}

// followSeconds is how long a list that is followed stands before it is read anew.
const followSeconds = 5

// eventsView is the list.
type eventsView struct {
	Filter    form
	Filtered  bool // something is left out
	Actions   []eventChoice
	Reasons   []eventChoice
	Rows      []eventRow
	Pages     pager
	Following bool
	Follow    string // the address of the list that is followed, or of the one that isn't
	CSV, JSON string // the addresses of what the filters select, as files
}

// eventChoice is one value of a field that has few.
type eventChoice struct {
	Value  string
	Text   words.Text
	Chosen bool
}

// eventRow is one event of the list, with the name of its credential where people know it by one.
type eventRow struct {
	audit.Event
	CredentialName string
}

// What says in words what happened. An action of a newer version that shares the database has its code alone.
func (r eventRow) What() words.Text { return inWords(actionWords(), r.Action) }

// Credential says in words of which kind the credential was.
func (r eventRow) Credential() words.Text { return inWords(credentialWords(), r.Actor.CredentialKind) }

// ByUser reports whether it is known which user did it, or was refused.
func (r eventRow) ByUser() bool { return r.Actor.UserID != uuid.Nil }

// ByCredential reports whether it is known by which credential.
func (r eventRow) ByCredential() bool { return r.Actor.CredentialID != uuid.Nil }

// Refusal reports whether the event is of calls that weren't let in.
func (r eventRow) Refusal() bool {
	return r.Action == audit.Refused || r.Action == audit.RefusalsOverflow
}

// HasTarget reports whether it is known to what it happened.
func (r eventRow) HasTarget() bool { return r.Target != audit.Target{} }

// Targeted reports whether that has an ID.
func (r eventRow) Targeted() bool { return r.Target.ID != uuid.Nil }

// listEvents shows a page of the log. Where a filter is wrong, none of it: a list that is empty, or not narrowed, would tell what
// isn't so.
func (s *server) listEvents(c *call) error {
	v, asked := eventsView{}, c.r.URL.Query()
	var q audit.Query
	var err error
	if v.Filter, q, err = c.eventFilter(asked); err != nil {
		return err
	}
	if q.Before, err = c.eventsBefore(); err != nil {
		return err
	}
	v.Actions, v.Reasons = actionChoices(q.Action), reasonChoices(q.Reason)
	v.Filtered = len(filterQuery(v.Filter)) > 0
	v.Following = asked.Get("follow") == "1" && q.Before == 0
	v.link()
	status := http.StatusOK
	if v.Filter.Problems.First() != "" {
		status, v.Following = http.StatusUnprocessableEntity, false
		v.Filter.dropTimes()
	} else if err := s.readEvents(c, q, &v); err != nil {
		return err
	}
	p := page{Title: words.Say("Audit"), Menu: "administration", Area: auditPath, Main: v}
	if v.Following {
		p.Refresh = followSeconds
	}
	return c.render(status, "events.html", p)
}

// readEvents reads a page of events.
func (s *server) readEvents(c *call, q audit.Query, v *eventsView) error {
	q.Limit = rowsPerPage + 1
	events, err := s.cfg.Events.Events(c.r.Context(), q)
	if err != nil {
		return err
	}
	events, v.Pages = pageOf(c, events, func(e audit.Event) string { return strconv.FormatInt(e.Seq, 10) })
	credentials, err := s.eventNames().Name(c.r.Context(), events)
	if err != nil {
		return err
	}
	for n := range events {
		v.Rows = append(v.Rows, eventRow{events[n], credentials[events[n].Actor.CredentialID]})
	}
	return nil
}

func (s *server) eventNames() audit.Names {
	return web.EventNames(s.cfg.Accounts, s.cfg.APITokens, s.cfg.Platforms, s.cfg.Projects)
}

// eventsBefore returns before which event a page of the list begins, 0 for the first.
func (c *call) eventsBefore() (int64, error) {
	after, err := c.after()
	if err != nil || after == "" {
		return 0, err
	}
	before, err := strconv.ParseInt(after, 10, 64)
	if err != nil || before < 1 {
		return 0, api.NewProblem(api.CodeMalformedRequest, "")
	}
	return before, nil
}

// link fills in the ways from the list to its relatives, which have the same filters.
func (v *eventsView) link() {
	query := filterQuery(v.Filter)
	at := func(path string) string {
		if len(query) == 0 {
			return path
		}
		return path + "?" + query.Encode()
	}
	v.CSV, v.JSON = at(auditPath+"/export.csv"), at(auditPath+"/export.json")
	if !v.Following {
		query.Set("follow", "1")
	}
	v.Follow = at(auditPath)
}

// eventFilters are the filters of the list. Those that are given must all be met.
var eventFilters = []string{"action", "reason", "actor", "target", "since", "until"}

// filterQuery returns the filters that are given as an address has them.
func filterQuery(f form) url.Values {
	query := url.Values{}
	for _, name := range eventFilters {
		if f.Values[name] != "" {
			query.Set(name, f.Values[name])
		}
	}
	return query
}

// eventFilter returns the filters as they were given, with what is wrong with them, and what the store is asked for them. Names are
// resolved as /v1/events does it.
func (c *call) eventFilter(asked url.Values) (f form, q audit.Query, err error) {
	f.Values = map[string]string{}
	for _, name := range eventFilters {
		f.Values[name] = asked.Get(name)
	}
	if !storable(slices.Collect(maps.Values(f.Values))) {
		return f, q, api.NewProblem(api.CodeMalformedRequest, "")
	}
	q.Action, q.Reason = audit.Action(f.Values["action"]), f.Values["reason"]
	if q.Action != "" && !slices.Contains(audit.Actions(), q.Action) {
		f.Problems.add("action", words.Say("There is no such action. Choose one of the list."))
	}
	if q.Reason != "" && !slices.Contains(authority.Reasons(), authority.Reason(q.Reason)) {
		f.Problems.add("reason", words.Say("There is no such reason. Choose one of the list."))
	}
	if q.Actor, err = c.recordOf(&f, "actor", c.s.cfg.Accounts.UserID); err != nil {
		return f, q, err
	}
	if q.Target, err = c.recordOf(&f, "target", c.s.cfg.Accounts.UserID, c.s.idOfService, c.s.idOfAPIToken, c.s.idOfPlatform, c.s.idOfProject); err != nil {
		return f, q, err
	}
	q.Since, q.Until = timeOf(&f, "since"), timeOf(&f, "until")
	return f, q, nil
}

// recordFinder returns the ID of a record by what people call it, or ErrNotFound.
type recordFinder func(ctx context.Context, name string) (uuid.UUID, error)

// recordOf returns the ID of the record that a filter names: the first that has the name. An ID is taken as it is: who looks into the
// past must find what was deleted since. A name that nobody has now is a problem, because an empty list would say that nothing happened.
func (c *call) recordOf(f *form, filter string, finders ...recordFinder) (uuid.UUID, error) {
	name := f.Values[filter]
	if name == "" {
		return uuid.Nil, nil
	}
	if id, err := uuid.Parse(name); err == nil && id != uuid.Nil {
		return id, nil
	}
	for _, find := range finders {
		id, err := find(c.r.Context(), name)
		if err == nil || !errors.Is(err, authority.ErrNotFound) {
			return id, err
		}
	}
	f.Problems.add(filter, words.Say("Nothing that exists now has this name. If it was deleted, give its ID."))
	return uuid.Nil, nil
}

func (s *server) idOfService(ctx context.Context, name string) (uuid.UUID, error) {
	e, err := s.cfg.Catalog.Service(ctx, name)
	return e.ID, err
}

func (s *server) idOfAPIToken(ctx context.Context, name string) (uuid.UUID, error) {
	token, err := s.cfg.APITokens.Named(ctx, name)
	return token.ID, err
}

func (s *server) idOfPlatform(ctx context.Context, code string) (uuid.UUID, error) {
	p, err := s.cfg.Platforms.Find(ctx, code)
	return p.ID, err
}

func (s *server) idOfProject(ctx context.Context, text string) (uuid.UUID, error) {
	number, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(number) != text {
		return uuid.Nil, authority.ErrNotFound
	}
	e, err := s.cfg.Projects.Find(ctx, number)
	return e.ID, err
}

// timeOf returns the time that a filter gives, in UTC where it names no zone: as browsers send it, or as RFC 3339 has it.
func timeOf(f *form, filter string) time.Time {
	text := f.Values[filter]
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			f.Values[filter] = strings.TrimSuffix(at.UTC().Format("2006-01-02T15:04:05"), ":00") // as a browser's field has it
			return at
		}
	}
	f.Problems.add(filter, words.Say("Give a date and a time, as 2026-11-21T08:00."))
	return time.Time{}
}

// dropTimes takes times out of the form that are none: a browser's field shows nothing else, and complains.
func (f *form) dropTimes() {
	for _, filter := range []string{"since", "until"} {
		if f.Problems.Has(filter) {
			delete(f.Values, filter)
		}
	}
}

func reasonChoices(chosen string) []eventChoice {
	var all []eventChoice
	for _, r := range authority.Reasons() {
		all = append(all, eventChoice{string(r), words.Say("%s", string(r)), string(r) == chosen})
	}
	slices.SortFunc(all, func(a, b eventChoice) int { return cmp.Compare(a.Value, b.Value) })
	return all
}

func actionChoices(chosen audit.Action) []eventChoice {
	said := actionWords()
	all := make([]eventChoice, 0, len(said))
	for _, a := range audit.Actions() {
		all = append(all, eventChoice{string(a), inWords(said, a), a == chosen})
	}
	return all
}
