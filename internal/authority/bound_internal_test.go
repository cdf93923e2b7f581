package authority

import (
	"testing"
	"time"
)

// TestBoundSwept has very many come, who are whole again when the next come: they aren't kept.
func TestBoundSwept(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	b := &Bound[int]{Most: 5, Every: time.Minute}
	for round := range 4 {
		for who := range minBoundSweep - 1 {
			if b.Take(round*minBoundSweep+who, now) > 0 {
				t.Fatal("somebody who comes for the first time has to wait")
			}
		}
		now = now.Add(time.Hour)
	}
	if n := len(b.whole); n > minBoundSweep {
		t.Errorf("got %d kept, want at most %d", n, minBoundSweep)
	}
}
