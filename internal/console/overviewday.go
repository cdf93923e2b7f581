package console

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/words"
)

const (
	dayHours = 24
	// maxDayEvents bounds how many events of the day are counted for the plots.
	maxDayEvents = 5000
	shownReasons = 5
)

// dayTally is what the audit log tells of the last 24 hours, the one that it is included.
type dayTally struct {
	Hours   [dayHours]hourTally // the oldest first
	Plots   []plot
	Reasons []reasonTally // for which the most calls were refused, the most first
	// Back is how far the events that were read reach back, where they are not all.
	Back time.Time
}

// Most is how many events are read at most.
func (dayTally) Most() int { return maxDayEvents }

// hourTally is what was counted in an hour.
type hourTally struct {
	At              time.Time // its begin
	Issued, Refused int64
}

// reasonTally is how many calls were refused for a reason.
type reasonTally struct {
	Reason string
	Count  int64
}

// Why says the reason in words.
func (r reasonTally) Why() words.Text { return inWords(reasonWords(), authority.Reason(r.Reason)) }

// issuing reports whether an action gave somebody a credential. Of access tokens that were exchanged the log tells nothing.
func issuing(a audit.Action) bool {
	switch a {
	case audit.PersonalTokenRotate, audit.APITokenCreate, audit.SessionTokenCreate, audit.ClientSecretCreate:
		return true
	default:
		return false
	}
}

// readDay counts the events of the last 24 hours, as far as they are among the newest: then a store reads so many rows at most, whatever
// there is.
func (s *server) readDay(c *call) (d dayTally, err error) {
	since := s.cfg.Now().UTC().Truncate(time.Hour).Add(-(dayHours - 1) * time.Hour)
	for n := range d.Hours {
		d.Hours[n].At = since.Add(time.Duration(n) * time.Hour)
	}
	var counts []audit.Count
	if counts, d.Back, err = s.cfg.Events.CountEvents(c.r.Context(), since, maxDayEvents); err != nil {
		return d, err
	}
	reasons := map[string]int64{}
	for _, count := range counts {
		d.add(count, reasons)
	}
	d.Plots = []plot{
		plotOf(false, words.Say("Issued"), d.Hours, func(h hourTally) int64 { return h.Issued }),
		plotOf(true, words.Say("Refused"), d.Hours, func(h hourTally) int64 { return h.Refused }),
	}
	for _, reason := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	}) {
		if len(d.Reasons) < shownReasons {
			d.Reasons = append(d.Reasons, reasonTally{reason, reasons[reason]})
		}
	}
	return d, nil
}

// add adds a count, if it is of one of the hours.
func (d *dayTally) add(c audit.Count, reasons map[string]int64) {
	if c.Hour >= dayHours {
		return
	}
	hour := &d.Hours[c.Hour]
	switch {
	case c.Action == audit.Refused:
		reasons[c.Reason] += c.Times
		hour.Refused += c.Times
	case c.Action == audit.RefusalsOverflow:
		hour.Refused += c.Times
	case issuing(c.Action):
		hour.Issued += c.Events
	}
}
