package app

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

// TestGCPercent tells how far heaps of all sizes may grow.
func TestGCPercent(t *testing.T) {
	for _, test := range []struct {
		live uint64
		want int
	}{
		{0, 1600},
		{4 << 20, 1600},
		{8 << 20, 800},
		{64 << 20, 100},
		{128 << 20, 50},
		{256 << 20, 25},
		{1 << 40, 25},
		{math.MaxUint64, 25},
	} {
		if got := gcPercent(test.live); got != test.want {
			t.Errorf("%d bytes: got %d percent, want %d", test.live, got, test.want)
		}
	}
}

// TestPaceCollector has the pace follow what lives, and end as it was. Whoever has set it is left alone.
func TestPaceCollector(t *testing.T) {
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	before := percent()
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", "")
			t.Setenv("GOMEMLIMIT", "")
			t.Setenv(name, "1GiB")
			stop := paceCollector()
			if got := percent(); got != before {
				t.Errorf("got %d percent, want it left at %d", got, before)
			}
			if err := stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	stop := paceCollector()
	func() {
		large := make([]byte, 512<<20)
		for percent() != leastPercent {
			runtime.GC() // returns when all is swept; who was to hear of it may hear later
			runtime.Gosched()
		}
		runtime.KeepAlive(large)
	}()
	for percent() <= leastPercent {
		runtime.GC()
		runtime.Gosched()
	}
	if err := stop(context.Background()); err != nil {
		t.Error(err)
	}
	runtime.GC()
	if got := percent(); got != before {
		t.Errorf("got %d percent after it was ended, want %d", got, before)
	}
}
