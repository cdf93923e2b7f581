// Package plant shows that the checker finds what it looks for. It takes the journal of a run as it is, writes a violation
// into a copy, as if Jeton had done wrong there, and has the checker read it: the violation must be found, by the promise
// that it breaks. Its twin, which is just within the bound, must not be.
//
// Nothing of a run is changed. What has no place in it, since nothing of the sort was broken, isn't planted and says so.
package plant

import (
	"slices"

	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
)

// Planted is one violation, and what the checker made of it.
type Planted struct {
	What, Twin  string
	Rule        int  // the promise that it breaks
	Room        bool // the run had a place for it
	Found       bool // and the checker found it
	TwinAllowed bool // and let its twin pass
}

// control is one violation, with how to write it, and its twin, into a copy of a run. Either returns false where the run has
// no place for it.
type control struct {
	what, twin string
	rule       string // the name of the promise
	plant      func(*field) bool
	plantTwin  func(*field) bool // nil where there is none
}

// Controls plants all violations, each in a copy of its own, and returns what was found.
func Controls(run *journal.Run) []Planted {
	before := invariant.Check(run)
	var all []Planted
	for i := range controls {
		all = append(all, controls[i].try(run, &before))
	}
	return all
}

func (c *control) try(run *journal.Run, before *invariant.Result) Planted {
	p := Planted{What: c.what, Twin: c.twin, TwinAllowed: true}
	for _, r := range before.Rules {
		if r.Name == c.rule {
			p.Rule = r.Number
		}
	}
	f := newField(run, before)
	if p.Rule == 0 || !c.plant(f) {
		return p
	}
	p.Room = true
	p.Found = broken(invariant.Check(f.Run), p.Rule) > broken(*before, p.Rule)
	if c.plantTwin == nil {
		return p
	}
	twin := newField(run, before)
	if !c.plantTwin(twin) {
		p.Room, p.Found = false, false
		return p
	}
	after := invariant.Check(twin.Run)
	for _, r := range before.Rules {
		p.TwinAllowed = p.TwinAllowed && broken(after, r.Number) <= broken(*before, r.Number)
	}
	return p
}

// broken counts the violations of a promise; one of which nothing was observed has one.
func broken(result invariant.Result, number int) int {
	for _, r := range result.Rules {
		if r.Number == number && r.Observed == 0 {
			return len(r.Violations) + 1
		}
		if r.Number == number {
			return len(r.Violations)
		}
	}
	return 0
}

// field is a copy of a run, into which something is written.
type field struct {
	*journal.Run
	windows   []invariant.Window
	latencies []invariant.Latency
}

func newField(run *journal.Run, before *invariant.Result) *field {
	r := *run
	for _, list := range []func(){
		func() { r.Writes = slices.Clone(run.Writes) }, func() { r.Checks = slices.Clone(run.Checks) },
		func() { r.Readies = slices.Clone(run.Readies) }, func() { r.Readings = slices.Clone(run.Readings) },
		func() { r.Counts = slices.Clone(run.Counts) },
	} {
		list()
	}
	return &field{&r, before.Windows, before.Latencies}
}
