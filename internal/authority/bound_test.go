package authority_test

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
)

// TestBoundTakes takes three at once and one each minute, of each for itself, by a clock that goes back, too.
func TestBoundTakes(t *testing.T) {
	b := &authority.Bound[string]{Most: 3, Every: time.Minute}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	take := func(who string, want time.Duration) {
		t.Helper()
		if got := b.Take(who, now); got != want {
			t.Errorf("%s: got to wait for %s, want %s", who, got, want)
		}
	}
	for range 3 {
		take("ann", 0)
		take("nobody", 0)
	}
	take("ann", time.Minute)
	take("nobody", time.Minute)
	take("bob", 0)
	now = now.Add(59 * time.Second)
	take("ann", time.Second)
	now = now.Add(time.Second)
	take("ann", 0)
	take("ann", time.Minute)
	now = now.Add(-24 * time.Hour)
	take("ann", time.Minute)
	now = now.Add(3 * time.Minute)
	for range 3 {
		take("ann", 0)
	}
	take("ann", time.Minute)
}

// TestBoundKept has very many come: those who are in debt are remembered, up to as many as are kept.
func TestBoundKept(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for kept, remembered := range map[int]bool{0: true, 100_000: true, 4_000: false} {
		b := &authority.Bound[int]{Most: 1, Every: time.Hour, Kept: kept}
		for who := range 50_000 {
			if got := b.Take(who, now); got != 0 {
				t.Fatalf("%d kept: got to wait for %s", kept, got)
			}
		}
		if got := b.Take(0, now) > 0; got != remembered {
			t.Errorf("%d kept: the first is remembered: %t", kept, got)
		}
		if b.Take(49_999, now) == 0 {
			t.Errorf("%d kept: the last is forgotten", kept)
		}
		if b.Take(49_999, now.Add(time.Hour)) != 0 {
			t.Errorf("%d kept: got to wait for longer than a period", kept)
		}
	}
}
