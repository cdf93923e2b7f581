package invariant

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// kept judges what was read back, after crashes and when all was over, and that all was.
func (c *checker) kept(r *Rule) {
	seen := map[journal.Thing]bool{}
	for i := range c.Readings {
		reading := &c.Readings[i]
		seen[reading.Thing] = seen[reading.Thing] || reading.Purpose == journal.Final && reading.Life != journal.Unread
		if want := c.known(reading.Thing, reading.Sent, reading.Answered); want != "" && reading.Life != journal.Unread {
			r.Observed++
			if reading.Life != want {
				r.breaks(reading.Sent, "%s was acknowledged to be %s and was read back as %s", reading.Thing, want, reading.Life)
			}
		}
	}
	for i := range c.Checks {
		check := &c.Checks[i]
		if check.Purpose != journal.Final && check.Purpose != journal.After {
			continue
		}
		seen[check.Thing] = seen[check.Thing] || check.Purpose == journal.Final
		c.keptCheck(r, check)
	}
	unseen := 0
	for thing, l := range c.lives {
		if l.sure && !seen[thing] {
			unseen++
		}
	}
	if unseen > 0 {
		r.breaks(0, "%d things whose making was acknowledged were not read back in the end", unseen)
	}
}

// keptCheck judges a check as a reading: in the end, or after a crash, a credential must be what it was acknowledged to be.
func (c *checker) keptCheck(r *Rule, check *journal.Check) {
	_, dead := c.lives.deadSince(check.Thing, check.Sent-Stale, check.Answered)
	alive := c.lives.alive(check.Thing, check.Sent, check.Answered, Stale)
	if !dead && !alive || check.Verdict != journal.Yes && alive && c.excused(check) ||
		c.windows.explains(check.Target, check.Verdict, check.Sent, check.Answered) {
		return
	}
	r.Observed++
	if dead && check.Verdict != journal.No || alive && check.Verdict != journal.Yes {
		what := "alive"
		if dead {
			what = "dead"
		}
		r.breaks(check.Sent, "%s was acknowledged to be %s, and %s answered %s (%d)", check.Thing, what, check.Target, check.Verdict, check.Status)
	}
}

// known returns what the database must hold of a thing itself, or nothing where nobody can say.
func (c *checker) known(t journal.Thing, from, to time.Duration) journal.Life {
	l := c.lives[t]
	if l == nil {
		return ""
	}
	if ended := slices.IndexFunc(l.events, func(e event) bool { return e.op == journal.End && e.sure && e.answered <= from }); ended >= 0 {
		return journal.Gone
	}
	if p := c.lives[l.parent]; p != nil && slices.ContainsFunc(p.events, func(e event) bool { return e.op == journal.End && e.sent < to }) {
		return "" // what becomes of the records of a deleted user isn't promised: its credentials are dead
	}
	if l.alive(from, to, 0) {
		return journal.Lives
	}
	if _, dead := l.deadSince(from, to); dead && !slices.ContainsFunc(l.events, func(e event) bool { return !e.sure && e.sent < to }) {
		return journal.Stopped
	}
	return ""
}

// one counts, user by user and node by node, how many of all tokens were taken in the end.
func (c *checker) one(r *Rule) {
	type place struct {
		user journal.Thing
		node string
	}
	taken, sure, places := map[place]int{}, map[place]bool{}, map[place]time.Duration{}
	for i := range c.Checks {
		check := &c.Checks[i]
		if check.Purpose != journal.Final || check.Thing.Kind() != journal.Personal || check.Target == journal.Nginx {
			continue
		}
		p := place{c.lives.parentOf(check.Thing), check.Target}
		places[p] = check.Sent
		if check.Verdict == journal.Yes {
			taken[p]++
		}
		sure[p] = sure[p] || c.lives.alive(check.Thing, check.Sent, check.Answered, Stale)
	}
	for p, at := range places {
		r.Observed++
		if taken[p] > 1 || sure[p] && taken[p] != 1 {
			r.breaks(at, "%s took %d of the personal tokens of %s", p.node, taken[p], p.user)
		}
	}
	slices.SortFunc(r.Violations, func(a, b Violation) int { return strings.Compare(a.What, b.What) })
}

func (ls lives) parentOf(t journal.Thing) journal.Thing {
	if l := ls[t]; l != nil {
		return l.parent
	}
	return ""
}

// clock judges every yes to what was over by itself, and the numbers of rows.
func (c *checker) clock(r *Rule) {
	late, during := 0, 0
	for i := range c.Checks {
		check := &c.Checks[i]
		at, over := c.lives.over(check.Thing, check.Sent)
		if !over {
			continue
		}
		back := c.setBack(check)
		if back != nil {
			during++
		}
		switch {
		case check.Verdict != journal.Yes:
		case back != nil && at > back.Begun: // it came to its end while the clock was behind: the node may be late by as much
			late++
		default:
			r.breaks(check.Sent, "%s said yes to %s %s after its end", check.Target, check.Thing, After(check.Sent-at))
		}
	}
	r.Observed = during
	r.notes("%d checks of credentials that were over came to a node whose clock was behind; %d of those that came to their end meanwhile were taken", during, late)
	c.rows(r)
}

// setBack returns the fault by which the clock of what a check asked was behind, or nil.
func (c *checker) setBack(check *journal.Check) *Window {
	for i := range c.windows {
		w := &c.windows[i]
		if w.Kind == fault.ClockBack && (check.Target == journal.Nginx || w.Touches(check.Target)) && w.overlaps(check.Sent, check.Answered) {
			return w
		}
	}
	return nil
}

// rows judges the numbers of rows: none of these tables loses any within a run.
func (c *checker) rows(r *Rule) {
	former := map[string]journal.Count{}
	forward := map[string]bool{}
	for _, count := range c.Counts {
		before, known := former[count.Table]
		if known && count.Rows < before.Rows {
			r.breaks(count.At, "%s has %d rows, and had %d", count.Table, count.Rows, before.Rows)
		}
		for _, w := range c.windows {
			if known && w.Kind == fault.ClockForward && before.At < w.InForce && count.At >= w.InForce {
				forward[count.Table] = true
			}
		}
		former[count.Table] = count
	}
	for table := range forward {
		r.Observed++
		r.notes("%s: %d rows in the end, never fewer than before", table, former[table].Rows)
	}
	slices.Sort(r.Notes)
}

// rolling judges what came through the proxy while the nodes were restarted.
func (c *checker) rolling(r *Rule) {
	for i := range c.Checks {
		check := &c.Checks[i]
		if check.Target != journal.Nginx {
			continue
		}
		for _, w := range c.windows {
			if w.Kind != fault.Rolling || check.Sent < w.Begun || check.Sent > w.Mended || !c.windows.lone(w.Number, check.Sent, check.Answered) {
				continue
			}
			r.Observed++
			if check.Verdict == journal.Wait || check.Verdict == journal.Lost ||
				check.Verdict == journal.No && c.lives.alive(check.Thing, check.Sent, check.Answered, Stale) {
				r.breaks(check.Sent, "a check of %s got %s (%d)", check.Thing, check.Verdict, check.Status)
			}
		}
	}
}

// full judges what became of writes while nothing could be added. That checks go on is a matter of "no wrong no", which a
// full disk doesn't explain away.
func (c *checker) full(r *Rule) {
	made, refused, revoked := 0, 0, 0
	for i := range c.Writes {
		w := &c.Writes[i]
		if !c.diskFull(w) {
			continue
		}
		r.Observed++
		revokes := w.Op == journal.Off || w.Op == journal.End
		switch {
		case revokes && w.Outcome == journal.Done:
			revoked++
		case revokes:
			r.breaks(w.Sent, "%s of %s got %d", w.Op, w.Thing, w.Status)
		case w.Outcome == journal.Done:
			made++
		case w.Status == http.StatusInsufficientStorage:
			refused++
		case w.Outcome == journal.Unknown:
			r.breaks(w.Sent, "%s of %s got %d", w.Op, w.Thing, w.Status)
		}
	}
	r.notes("%d revocations done; of the other writes, %d found room and %d got 507", revoked, made, refused)
}

// diskFull reports whether a write was made while the disk was full and nothing else was broken.
func (c *checker) diskFull(w *journal.Write) bool {
	return slices.ContainsFunc(c.windows, func(full Window) bool {
		return fault.Of(full.Kind).Storage && w.Sent >= full.InForce && w.Answered <= full.Mending &&
			c.windows.lone(full.Number, w.Sent, w.Answered)
	})
}
