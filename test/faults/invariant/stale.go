package invariant

import (
	"slices"
	"strings"
	"time"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// stale judges every yes to a credential that was acknowledged to be dead.
func (c *checker) stale(r *Rule) {
	longest := time.Duration(0)
	for i := range c.Checks {
		check := &c.Checks[i]
		since, dead := c.lives.deadSince(check.Thing, check.Sent, check.Answered)
		if !dead {
			continue
		}
		age := check.Sent - since
		switch {
		case check.Verdict == journal.Yes && age > Stale:
			r.breaks(check.Sent, "%s said yes to %s %s after its revocation was acknowledged", check.Target, check.Thing, After(age))
			fallthrough
		case check.Verdict == journal.Yes:
			longest = max(longest, age)
		}
		if age > Stale {
			r.Observed++
		}
	}
	r.notes("the latest yes was %s after the acknowledgement", After(longest))
}

// Latency is how long after its acknowledgement a revocation was on a node: when the last yes was asked for.
type Latency struct {
	Thing    journal.Thing
	Node     string
	Acked    time.Duration
	Took     time.Duration
	Seen     bool         // the node was then heard to refuse
	Quiet    bool         // no fault was near
	During   []fault.Kind // the faults that were
	Numbers  []int        // and which they were in the run
	Verdicts int          // how often the node was asked
}

// latencies reads the latencies of all revocations from the probes.
func (c *checker) latencies() []Latency {
	type key struct {
		thing journal.Thing
		node  string
		since time.Duration
	}
	byKey := map[key]*Latency{}
	for i := range c.Checks {
		check := &c.Checks[i]
		if check.Purpose != journal.Probe {
			continue
		}
		since, dead := c.lives.deadSince(check.Thing, check.Sent, check.Answered)
		if !dead || check.Sent > since+2*Stale {
			continue
		}
		k := key{check.Thing, check.Target, since}
		l := byKey[k]
		if l == nil {
			l = &Latency{Thing: check.Thing, Node: check.Target, Acked: since}
			l.Quiet = c.windows.quiet(since-Recovery, since+Usual)
			l.During, l.Numbers = c.windows.during(since)
			byKey[k] = l
		}
		l.Verdicts++
		switch check.Verdict {
		case journal.Yes:
			l.Took = max(l.Took, check.Sent-since)
		case journal.No:
			l.Seen = true
		case journal.Wait, journal.Lost:
		}
	}
	var all []Latency
	for _, l := range byKey {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b Latency) int {
		if a.Acked != b.Acked {
			return int(a.Acked - b.Acked)
		}
		return strings.Compare(string(a.Thing)+a.Node, string(b.Thing)+b.Node)
	})
	return all
}

// during returns the faults that were in force, or not yet recovered from, at a moment.
func (ws windows) during(at time.Duration) (kinds []fault.Kind, numbers []int) {
	for _, w := range ws {
		if w.overlaps(at, at) {
			kinds, numbers = append(kinds, w.Kind), append(numbers, w.Number)
		}
	}
	return kinds, numbers
}

// quick judges the latencies of the time when nothing was broken.
func (c *checker) quick(r *Rule) {
	var took []time.Duration
	for _, l := range c.latencies() {
		if l.Quiet && l.Seen {
			took = append(took, l.Took)
		}
	}
	r.Observed = len(took)
	if len(took) == 0 {
		return
	}
	p := Percentiles(took)
	r.notes("p50 %s, p90 %s, p99 %s, at most %s", After(p.P50), After(p.P90), After(p.P99), After(p.Max))
	if p.P99 > Usual {
		r.breaks(0, "p99 of %d latencies is %s", p.Count, After(p.P99))
	}
}

// Spread is how a set of times is spread.
type Spread struct {
	Count              int
	P50, P90, P99, Max time.Duration
}

// Percentiles returns the spread of a set of times, by nearest rank: a percentile is a time that was measured.
func Percentiles(times []time.Duration) Spread {
	if len(times) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(times))
	rank := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] }
	return Spread{len(sorted), rank(50), rank(90), rank(99), sorted[len(sorted)-1]}
}
