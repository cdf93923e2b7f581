package console

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

// eventFilters are the filters of the list. Those that are given must all be met.
func eventFilters() []string {
	return []string{"action", "reason", "actor", "target", "since", "until"}
}

// filterQuery returns the filters that are given as an address has them.
func filterQuery(f form) url.Values {
	query := url.Values{}
	for _, name := range eventFilters() {
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
	for _, name := range eventFilters() {
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
	if q.Actor, err = c.recordOf(&f, "actor", c.s.records().Actor); err != nil {
		return f, q, err
	}
	if q.Target, err = c.recordOf(&f, "target", c.s.records().Target); err != nil {
		return f, q, err
	}
	q.Since, q.Until = timeOf(&f, "since"), timeOf(&f, "until")
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		f.Problems.add("until", words.Say("Give a time after Since."))
	}
	return f, q, nil
}

// recordOf returns the ID of the record that a filter names, and notes where nobody has the name.
func (c *call) recordOf(f *form, filter string, find func(ctx context.Context, name string) (uuid.UUID, error)) (uuid.UUID, error) {
	id, err := find(c.r.Context(), f.Values[filter])
	if errors.Is(err, authority.ErrNotFound) {
		f.Problems.add(filter, words.Say("Nothing that exists now has this name. If it was deleted, give its ID."))
		return uuid.Nil, nil
	}
	return id, err
}

// timeOf returns the time that a filter gives.
func timeOf(f *form, filter string) time.Time {
	if f.Values[filter] == "" {
		return time.Time{}
	}
	at, ok := readTime(f.Values[filter])
	if !ok {
		f.Problems.add(filter, words.Say("Give a date and a time, as 2026-11-21T08:00."))
		return time.Time{}
	}
	f.Values[filter] = strings.TrimSuffix(at.UTC().Format("2006-01-02T15:04:05"), ":00") // as a browser's field has it
	return at
}

// readTime reads a time, in UTC where it names no zone: as browsers send it, or as RFC 3339 has it.
func readTime(text string) (at time.Time, ok bool) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// dropTimes takes times out of the form that are none: a browser's field shows nothing else, and complains.
func (f *form) dropTimes() {
	for _, filter := range []string{"since", "until"} {
		if _, ok := readTime(f.Values[filter]); !ok {
			delete(f.Values, filter)
		}
	}
}
