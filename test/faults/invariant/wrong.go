package invariant

import (
	"net/http"
	"slices"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// wrong judges every answer but yes to a credential that was good for certain, at the gateway and as the author of a write.
func (c *checker) wrong(r *Rule) {
	excused := 0
	for i := range c.Checks {
		check := &c.Checks[i]
		if !c.lives.alive(check.Thing, check.Sent, check.Answered, Stale) {
			continue
		}
		r.Observed++
		switch {
		case check.Verdict == journal.Yes:
		case c.excused(check):
			excused++
		case check.Verdict == journal.No:
			r.breaks(check.Sent, "%s refused %s, which is good, with %d", check.Target, check.Thing, check.Status)
		default:
			r.breaks(check.Sent, "%s answered a check of %s, which is good, by %s (%d) after %s, which nothing explains",
				check.Target, check.Thing, check.Verdict, check.Status, After(check.Answered-check.Sent))
		}
	}
	r.notes("%d answers of “can't decide” or none at all, each explained by a fault", excused)
	for i := range c.Writes {
		w := &c.Writes[i]
		if w.By == "" || !c.lives.alive(w.By, w.Sent, w.Sent, Stale) {
			continue
		}
		r.Observed++
		if w.Status == http.StatusUnauthorized || w.Status == http.StatusForbidden {
			r.breaks(w.Sent, "/v1 refused %s, which is good, with %d", w.By, w.Status)
		}
	}
}

// excused reports whether a fault explains that a good credential wasn't let in. Through the proxy, a fault that leaves a node
// in peace explains nothing. A clock that is wrong explains that its node refuses what is ever over, and that all others refuse
// what was signed by it: that says of itself that it was made at a time that is yet to come.
func (c *checker) excused(check *journal.Check) bool {
	switch {
	case check.Verdict == journal.No:
		return c.lives.ends(check.Thing) && (c.windows.clocked(check.Target, check.Sent, check.Answered) || c.ahead(check.Thing))
	case check.Target == journal.Nginx:
		return !c.windows.serving(check.Sent, check.Answered)
	default:
		return c.windows.explains(check.Target, check.Verdict, check.Sent, check.Answered)
	}
}

// ahead reports whether a thing, or one on which it rests, was made while the clock of a node was set forward.
func (c *checker) ahead(t journal.Thing) bool {
	return slices.ContainsFunc(c.lives.line(t), func(l *life) bool {
		return l.until != 0 && slices.ContainsFunc(c.windows, func(w Window) bool { return w.Kind == fault.ClockForward && w.overlaps(l.made, l.made) })
	})
}

func (c *checker) has(of func(fault.Effect) bool) bool {
	return slices.ContainsFunc(c.windows, func(w Window) bool { return of(fault.Of(w.Kind)) })
}

func (c *checker) hasCut() bool {
	return c.has(func(e fault.Effect) bool { return e.Cuts })
}

func (c *checker) hasOutage() bool {
	return c.has(func(e fault.Effect) bool { return e.Cuts || e.Silences })
}

func (c *checker) hasClock() bool { return c.has(func(e fault.Effect) bool { return e.Clock }) }
func (c *checker) hasFull() bool  { return c.has(func(e fault.Effect) bool { return e.Storage }) }

func (c *checker) hasRolling() bool {
	return slices.ContainsFunc(c.windows, func(w Window) bool { return w.Kind == fault.Rolling })
}

// cut judges each node that was cut off for longer than it may answer from memory.
func (c *checker) cut(r *Rule) {
	for i := range c.windows {
		w := &c.windows[i]
		if !fault.Of(w.Kind).Cuts || w.Mending < w.InForce+Stale+Waiting+c.slack {
			continue
		}
		for _, node := range Nodes() {
			if w.Touches(node) {
				c.cutNode(r, w, node)
			}
		}
	}
}

// Cut is what was seen of one node that was cut off.
type Cut struct {
	Window  int
	Node    string
	Yes     int           // from memory
	LastYes time.Duration // when the last was asked for, since it was in force
	Wait    int
	First   time.Duration // when the first that could not be decided was asked for
	Slowest time.Duration // how long it took at most to say so
}

func (c *checker) cutNode(r *Rule, w *Window, node string) {
	asked := 0
	for i := range c.Checks {
		check := &c.Checks[i]
		since := check.Sent - w.InForce
		if check.Target != node || since < Stale || check.Answered > w.Mending {
			continue
		}
		if check.Verdict == journal.Yes {
			r.breaks(check.Sent, "%s said yes to %s %s after it was cut off (fault %d)", node, check.Thing, After(since), w.Number)
		}
		if check.Sent > w.Mending-Waiting-c.slack || c.silenced(node, check) {
			continue
		}
		asked++
		took := check.Answered - check.Sent
		if check.Verdict == journal.Lost || check.Verdict == journal.Wait && took > Waiting+c.slack {
			r.breaks(check.Sent, "%s, cut off for %s (fault %d), took %s to answer %s by %s", node, After(since), w.Number, After(took), check.Thing, check.Verdict)
		}
	}
	r.Observed += asked
	if asked == 0 && c.windows.alone(w.Number, node, w.InForce, w.Mending) {
		r.breaks(w.InForce, "nobody asked %s while it was cut off (fault %d)", node, w.Number)
	}
}

// silenced reports whether another fault explains that a node said nothing.
func (c *checker) silenced(node string, check *journal.Check) bool {
	return c.windows.explains(node, journal.Lost, check.Sent, check.Answered)
}

// Cuts returns what was seen of each node that was cut off, for the report.
func Cuts(run *journal.Run) []Cut {
	var all []Cut
	for _, w := range Windows(run.Steps) {
		for _, node := range Nodes() {
			if fault.Of(w.Kind).Cuts && w.Touches(node) {
				all = append(all, cutOf(run, &w, node))
			}
		}
	}
	return all
}

func cutOf(run *journal.Run, w *Window, node string) Cut {
	cut := Cut{Window: w.Number, Node: node}
	for i := range run.Checks {
		check := &run.Checks[i]
		since := check.Sent - w.InForce
		if check.Target != node || since < 0 || check.Answered > w.Mending {
			continue
		}
		switch check.Verdict {
		case journal.Yes:
			cut.Yes++
			cut.LastYes = max(cut.LastYes, since)
		case journal.Wait:
			if cut.Wait == 0 || since < cut.First {
				cut.First = since
			}
			cut.Wait++
			cut.Slowest = max(cut.Slowest, check.Answered-check.Sent)
		case journal.No, journal.Lost:
		}
	}
	return cut
}

// back judges how soon each node that had been cut off, or silent, was itself again.
func (c *checker) back(r *Rule) {
	slowest := time.Duration(0)
	for _, b := range Backs(c.Run) {
		r.Observed++
		if took := max(b.Ready, b.Yes); took > Recovery {
			r.breaks(b.Mended, "%s was ready after %s and said yes after %s (fault %d)", b.Node, orNever(b.Ready), orNever(b.Yes), b.Window)
		} else {
			slowest = max(slowest, took)
		}
	}
	r.notes("the slowest was back after %s", After(slowest))
}

func orNever(d time.Duration) string {
	if d == never {
		return "no time that was seen"
	}
	return After(d)
}

// Back is how soon a node was itself again.
type Back struct {
	Window int
	Node   string
	Mended time.Duration
	Ready  time.Duration // how long after that /readyz said so
	Yes    time.Duration // and how long after that a check was answered yes
}

// Backs returns the recoveries of a run: of each node that a fault had cut off or silenced and no other fault touched then.
func Backs(run *journal.Run) []Back {
	ws := windows(Windows(run.Steps))
	var all []Back
	for _, w := range ws {
		effect := fault.Of(w.Kind)
		if !effect.Cuts && !effect.Silences || w.Mended == never {
			continue
		}
		for _, node := range Nodes() {
			if w.Touches(node) && ws.alone(w.Number, node, w.Mended, w.Mended+Recovery) {
				all = append(all, backOf(run, &w, node))
			}
		}
	}
	return all
}

func backOf(run *journal.Run, w *Window, node string) Back {
	b := Back{w.Number, node, w.Mended, never, never}
	for i := range run.Readies {
		if e := &run.Readies[i]; e.Node == node && e.Sent >= w.Mended && e.Status == http.StatusOK {
			b.Ready = min(b.Ready, e.Answered-w.Mended)
		}
	}
	for i := range run.Checks {
		if e := &run.Checks[i]; e.Target == node && e.Sent >= w.Mended && e.Verdict == journal.Yes {
			b.Yes = min(b.Yes, e.Answered-w.Mended)
		}
	}
	return b
}
