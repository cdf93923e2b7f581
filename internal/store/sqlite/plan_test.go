package sqlite_test

import (
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// TestPlans has SQLite find every row of a verdict by a key or an index, and read pages of tokens in the order in which they
// stand: no look-up takes longer for there being more tokens, and no page.
func TestPlans(t *testing.T) {
	s := fresh(t)
	for name, text := range sqlite.Lookups() {
		t.Run(name, func(t *testing.T) {
			rows, err := s.Reads().QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+text, make([]any, strings.Count(text, "?"))...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = rows.Close() }()
			steps := 0
			for ; rows.Next(); steps++ {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					t.Fatal(err)
				}
				// A client is a secret or a key: the one row that was found of either.
				ofClient := step == "SCAN t" && strings.Contains(name, "client")
				if strings.HasPrefix(step, "SCAN") && !ofClient || strings.Contains(step, "TEMP B-TREE") {
					t.Errorf("%s", step)
				}
			}
			if err := rows.Err(); err != nil || steps == 0 {
				t.Errorf("got %d steps and error %v, want a plan", steps, err)
			}
		})
	}
}
