package project_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
)

// TestTouch: each set by which tokens were opened was used; those beside the proof's wait for the next time where they can't be stored.
func TestTouch(t *testing.T) {
	d := newDesk(t)
	first, second := d.set(t, project.SetDraft{Name: "first"}), d.set(t, cbc("second"))
	proof, err := d.Prove(t.Context(), authority.Credential{
		Kind: authority.Sealed, From: peer,
		Sealed: authority.SealedTokens{Security: d.xst(t, first, d.security()), User: d.xut(t, second, d.named("ann"))},
	})
	check(t, err)
	if proof.ID != first.ID {
		t.Fatalf("got the proof of %s, want the first set's", proof.ID)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Touch(cancelled, nil); err == nil || len(d.usedAt(t)) > 0 {
		t.Errorf("got %v and uses %v without a store, want an error and none", err, d.usedAt(t))
	}
	check(t, d.Touch(t.Context(), []authority.Use{{ID: proof.ID, At: noon, From: peer}}))
	want := map[uuid.UUID]string{first.ID: "192.0.2.7", second.ID: "192.0.2.7"}
	if got := d.usedAt(t); len(got) != 2 || got[first.ID] != want[first.ID] || got[second.ID] != want[second.ID] {
		t.Errorf("got %v used, want %v", got, want)
	}
}

// usedAt returns from where the project's sets were used.
func (d *desk) usedAt(t *testing.T) map[uuid.UUID]string {
	t.Helper()
	e, err := d.Find(t.Context(), 1000)
	check(t, err)
	used := map[uuid.UUID]string{}
	for _, s := range e.Sets {
		if !s.LastUsedAt.IsZero() {
			used[s.ID] = s.LastUsedIP
		}
	}
	return used
}
