package plant_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/invariant"
	"github.com/jeton-io/jeton/test/faults/journal"
	"github.com/jeton-io/jeton/test/faults/plant"
)

// TestControls plants every violation into the journal of a Jeton that keeps all promises: each is found, no twin is.
func TestControls(t *testing.T) {
	run := idealRun(fault.LinkDown, fault.DBStopped, fault.DBPaused, fault.ClockBack, fault.Rolling, fault.DiskFull, fault.ClockForward)
	for _, r := range invariant.Check(run).Rules {
		if !r.Kept() {
			t.Errorf("%s: got %d observations, violations %v; want the promise kept", r.Name, r.Observed, r.Violations[:min(5, len(r.Violations))])
		}
	}
	for _, p := range plant.Controls(run) {
		if !p.Room || !p.Found || !p.TwinAllowed {
			t.Errorf("%s: got room %t, found %t; its twin, %s, allowed %t; want all", p.What, p.Room, p.Found, p.Twin, p.TwinAllowed)
		}
	}
}

// TestNoRoom: a run without faults has no place for most violations, and says so rather than that they were found.
func TestNoRoom(t *testing.T) {
	run := idealRun()
	before := *run
	room := 0
	for _, p := range plant.Controls(run) {
		if p.Room {
			room++
		}
		if !p.Room && p.Found {
			t.Errorf("%s: got found without room", p.What)
		}
	}
	if room < 5 || room > 12 {
		t.Errorf("got room for %d violations, want some", room)
	}
	if !cmp.Equal(*run, before) {
		t.Error("the run itself was changed")
	}
}

// TestNothingSeen: a promise of which nothing was observed isn't kept.
func TestNothingSeen(t *testing.T) {
	result := invariant.Check(new(journal.Run))
	if result.Kept() || len(result.Rules) == 0 {
		t.Errorf("got kept %t of an empty run, want not", result.Kept())
	}
}
