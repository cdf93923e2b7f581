package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/account"
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
	Every     int    // after so many seconds it is read anew, where it is followed
	Here      string // the list's own address
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
// What happened to a user's state alone, or to whoever wanted to log in, is said more closely.
func (r eventRow) What() words.Text {
	switch state, told := r.Detail["state"]; {
	case r.loggingIn():
		return words.Say("Log-in refused")
	case r.Action != audit.UserUpdate || !told || len(r.Detail) > 1:
		return inWords(actionWords(), r.Action)
	case state == string(account.Blocked):
		return words.Say("User blocked")
	default:
		return words.Say("User unblocked")
	}
}

// loggingIn reports whether somebody was refused who wanted to log in to the console.
func (r eventRow) loggingIn() bool {
	switch r.Actor.CredentialKind {
	case authority.Password.String(), authority.SecondFactor.String(), authority.Link.String():
		return r.Action == audit.Refused && r.Door == consoleDoor
	default:
		return false
	}
}

// Why says in words why a call was refused.
func (r eventRow) Why() words.Text { return inWords(reasonWords(), authority.Reason(r.Reason)) }

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
	v.Every = followSeconds
	v.Here = c.r.URL.RequestURI()
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
		p.Refresh = v.Every
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
	events, v.Pages, err = pageOf(c, events, func(e audit.Event) string { return strconv.FormatInt(e.Seq, 10) })
	if err != nil {
		return err
	}
	credentials, err := s.records().Names().Name(c.r.Context(), events)
	if err != nil {
		return err
	}
	for n := range events {
		v.Rows = append(v.Rows, eventRow{events[n], credentials[events[n].Actor.CredentialID]})
	}
	// A page is cut by the order of writing, in which refusals come up to a second late.
	slices.SortStableFunc(v.Rows, func(a, b eventRow) int { return b.At.Compare(a.At) })
	return nil
}

// records are those of which events tell.
func (s *server) records() web.Records {
	return web.Records{Accounts: s.cfg.Accounts, APITokens: s.cfg.APITokens, Platforms: s.cfg.Platforms, Projects: s.cfg.Projects, Catalog: s.cfg.Catalog}
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
