package sqlite_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/store/storetest"
)

// TestPlans has SQLite find every row of a verdict by a key or an index, and read pages of tokens in the order in which they
// stand: no look-up takes longer for there being more tokens, and no page.
func TestPlans(t *testing.T) {
	s := fresh(t)
	for name, text := range sqlite.Lookups() {
		t.Run(name, func(t *testing.T) {
			for _, step := range plan(t, s, text, make([]any, strings.Count(text, "?"))) {
				// A client is a secret or a key: the one row that was found of either.
				ofClient := step == "SCAN t" && strings.Contains(name, "client")
				if strings.HasPrefix(step, "SCAN") && !ofClient || strings.Contains(step, "TEMP B-TREE") {
					t.Errorf("%s", step)
				}
			}
		})
	}
}

// plan returns the steps by which SQLite runs a select.
func plan(t *testing.T, s *sqlite.Store, text string, args []any) (steps []string) {
	t.Helper()
	rows, err := s.Reads().QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil || len(steps) == 0 {
		t.Errorf("got %d steps and error %v, want a plan", len(steps), err)
	}
	return steps
}

// TestListPlans has SQLite read lists by an index, in the order in which they are shown: it sorts only where few are found.
func TestListPlans(t *testing.T) {
	s := fresh(t)
	for name, list := range storetest.ListPlans() {
		t.Run(name, func(t *testing.T) {
			var text string
			var args []any
			if list.Users != nil {
				text, args = sqlite.UsersQuery(*list.Users)
			} else {
				text, args = sqlite.APITokensQuery(*list.APITokens)
			}
			for _, step := range plan(t, s, text, args) {
				t.Log(step)
				ofFound := strings.HasPrefix(step, "SCAN (subquery")
				if strings.HasPrefix(step, "SCAN") && !ofFound && !readsOn(list, step) || strings.Contains(step, "TEMP B-TREE") && !list.Sorted {
					t.Errorf("got the step %s", step)
				}
			}
		})
	}
}

// readsOn reports whether a step begins at the first row of what is listed, and goes on to the page's end.
func readsOn(list storetest.ListPlan, step string) bool {
	return list.APITokens != nil && list.APITokens.After.IsZero() && step == "SCAN t"
}

// TestEventPlans has SQLite find what a filter of the audit log selects by the filter's index, which has it in the log's order.
func TestEventPlans(t *testing.T) {
	s := fresh(t)
	for index, q := range map[string]audit.Query{
		"audit_event_by_action": {Action: audit.UserCreate}, "audit_event_by_reason": {Reason: "expired"},
		"audit_event_by_actor": {Actor: uuid.Max}, "audit_event_by_target": {Target: uuid.Max}, "INTEGER PRIMARY KEY": {},
	} {
		q.Before, q.Limit = 1000, 51
		text, args := sqlite.EventsQuery(q)
		steps := strings.Join(plan(t, s, text, args), "\n")
		if !strings.Contains(steps, index) || strings.Contains(steps, "SCAN") || strings.Contains(steps, "TEMP B-TREE") {
			t.Errorf("%s: got the plan\n%s", index, steps)
		}
	}
}
