package postgres_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/storetest"
)

// TestPlans has the server find every row of a verdict by a key or an index, whatever the values: where it may read a whole
// table only if there is no other way, it never does. So no look-up takes longer for there being more tokens.
func TestPlans(t *testing.T) {
	s := fresh(t)
	for name, text := range postgres.Lookups() {
		t.Run(name, func(t *testing.T) {
			if all := plan(t, s, text); strings.Contains(all, "Seq Scan") || strings.Contains(name, "page") && strings.Contains(all, "Sort") {
				t.Errorf("got the plan\n%s", all)
			}
		})
	}
}

// plan returns how the server runs a select, whatever the values, where it reads a whole table only if there is no other way.
func plan(t *testing.T, s *postgres.Store, text string, settings ...string) string {
	t.Helper()
	var plan []string
	err := s.Find(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		nulls := make([]string, 0, 4)
		for n := 1; strings.Contains(text, "$"+strconv.Itoa(n)); n++ {
			nulls = append(nulls, "NULL")
		}
		for _, step := range append(settings, `SET enable_seqscan = off`, `SET plan_cache_mode = force_generic_plan`, `DEALLOCATE ALL`, `PREPARE lookup AS `+text) {
			if _, err := conn.Exec(ctx, step, pgx.QueryExecModeExec); err != nil {
				return err
			}
		}
		rows, err := conn.Query(ctx, `EXPLAIN EXECUTE lookup (`+strings.Join(nulls, ", ")+`)`, pgx.QueryExecModeExec)
		if err != nil {
			return err
		}
		plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil || len(plan) == 0 {
		t.Fatalf("got error %v and %d lines, want a plan", err, len(plan))
	}
	return strings.Join(plan, "\n")
}

// TestListPlans has the server able to read lists by an index, in the order in which they are shown: it sorts only where few are found.
// Of an empty table it would sort what it finds, which costs it nothing.
func TestListPlans(t *testing.T) {
	s := fresh(t)
	for name, list := range storetest.ListPlans() {
		t.Run(name, func(t *testing.T) {
			var text string
			if list.Users != nil {
				text, _ = postgres.UsersQuery(*list.Users)
			} else {
				text, _ = postgres.APITokensQuery(*list.APITokens)
			}
			if all := plan(t, s, text, `SET enable_sort = `+strconv.FormatBool(list.Sorted)); strings.Contains(all, "Seq Scan") || strings.Contains(all, "Sort") && !list.Sorted {
				t.Errorf("got the plan\n%s", all)
			}
		})
	}
}
