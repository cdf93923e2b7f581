package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/test/faults/fault"
	"github.com/jeton-io/jeton/test/faults/plan"
)

// TestMake makes plans of many seeds: each has every kind once by itself, and in pairs only those that go together.
func TestMake(t *testing.T) {
	for seed := range uint64(50) {
		o := plan.Options{Seed: seed, Length: 8 * time.Minute, Pairs: true}
		faults, err := plan.Make(o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := plan.Make(o)
		if err != nil || !cmp.Equal(faults, again) {
			t.Fatalf("seed %d: got another plan, %v, want the same", seed, err)
		}
		single := map[fault.Kind]bool{}
		for i, f := range faults {
			if f.Number != i+1 || f.Start+f.Length > o.Length {
				t.Errorf("seed %d: got %v as fault %d, want it within %v", seed, f, i+1, o.Length)
			}
			if i < len(fault.Kinds()) {
				single[f.Kind] = true
				if i > 0 && f.Start < faults[i-1].Start+faults[i-1].Length+5*time.Second {
					t.Errorf("seed %d: %v comes while %v may still be seen", seed, f, faults[i-1])
				}
			} else if f.Kind == fault.Rolling {
				t.Errorf("seed %d: got %v in a pair", seed, f)
			}
			if reach := fault.Of(f.Kind).Reach; (reach == fault.EveryNode) != (f.Node == "") || reach == fault.ClockedNode && f.Node != plan.Clocked {
				t.Errorf("seed %d: got %v on %q", seed, f.Kind, f.Node)
			}
		}
		if len(single) != len(fault.Kinds()) || len(faults) < len(single)+10 || (len(faults)-len(single))%2 != 0 {
			t.Errorf("seed %d: got %d kinds alone and %d faults in all, want each alone and then pairs", seed, len(single), len(faults))
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	if faults, err := plan.Make(plan.Options{Seed: 1, Length: time.Minute}); err == nil {
		t.Errorf("got %v for a minute, want an error", faults)
	}
	faults, err := plan.Make(plan.Options{Seed: 1, Length: time.Minute, Kinds: []fault.Kind{fault.LinkDown, fault.Rolling}, Pairs: true})
	if err != nil || len(faults) != 2 {
		t.Errorf("got %v, %v for two kinds that don't go together, want them alone", faults, err)
	}
}
