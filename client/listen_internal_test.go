package client

import (
	"testing"
	"time"
)

// TestClockMoved: a stream is begun anew where the wall clock was set, either way, and not where it is only slewed.
func TestClockMoved(t *testing.T) {
	for _, test := range []struct {
		wall, monotonic time.Duration
		want            bool
	}{
		{10 * time.Minute, 10 * time.Minute, false},
		{10*time.Minute + maxMoved, 10 * time.Minute, false},
		{10*time.Minute + maxMoved + 1, 10 * time.Minute, true},
		{10*time.Minute - maxMoved, 10 * time.Minute, false},
		{10*time.Minute - maxMoved - 1, 10 * time.Minute, true},
		{-time.Hour, time.Minute, true},
	} {
		if got := clockMoved(test.wall, test.monotonic); got != test.want {
			t.Errorf("%s by the wall clock, %s by the monotonic one: got %v", test.wall, test.monotonic, got)
		}
	}
}
