package policy_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/policy"
)

// TestGuardedBy: a table knows whose verifiers are whose, and whether anybody takes API tokens.
func TestGuardedBy(t *testing.T) {
	ann, bob := uuid.UUID{1}, uuid.UUID{2}
	table, err := policy.Compile([]policy.Service{
		{Name: "a", Host: "a.example", Verifiers: []uuid.UUID{ann, bob}},
		{Name: "b", Host: "b.example", Verifiers: []uuid.UUID{ann}},
		{Name: "c", Host: "c.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[uuid.UUID]string{ann: "ab", bob: "a", {3}: "", {}: ""} {
		got := ""
		for _, s := range table.GuardedBy(id) {
			got += s.Name()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	if table.AcceptsAPITokens() || (&policy.Table{}).AcceptsAPITokens() || (&policy.Table{}).GuardedBy(ann) != nil {
		t.Error("got what nobody has described")
	}
	table, err = policy.Compile([]policy.Service{{Host: "a.example"}, {Host: "b.example", AcceptAPITokens: true}})
	if err != nil || !table.AcceptsAPITokens() {
		t.Errorf("got %v, and no service that takes API tokens", err)
	}
}
