package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/store/sqlite"
)

var update = flag.Bool("update", false, "write the golden dump of the newest schema")

// raw opens a database file without the store.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// texts returns the values of a select of one text.
func texts(t testing.TB, db *sql.DB, query string, args ...any) (list []string) {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// schema returns how tables and indexes are made, by their names.
func schema(t testing.TB, db *sql.DB) []string {
	return texts(t, db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name`)
}

// rowsOf returns the rows of a table as values of SQL.
func rowsOf(t testing.TB, db *sql.DB, table string) []string {
	columns := texts(t, db, `SELECT 'quote("' || name || '")' FROM pragma_table_info(?)`, table)
	return texts(t, db, `SELECT concat_ws(', ', `+strings.Join(columns, ", ")+`) FROM "`+table+`"`)
}

func tables(t testing.TB, db *sql.DB) []string {
	return texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
}

// dump returns statements that make the database anew.
func dump(t testing.TB, db *sql.DB) string {
	var b strings.Builder
	for _, statement := range schema(t, db) {
		fmt.Fprintf(&b, "%s;\n", statement)
	}
	for _, table := range tables(t, db) {
		for _, row := range rowsOf(t, db, table) {
			fmt.Fprintf(&b, "INSERT INTO %s VALUES (%s);\n", table, row)
		}
	}
	fmt.Fprintf(&b, "PRAGMA user_version = %s;\n", texts(t, db, `PRAGMA user_version`)[0])
	return b.String()
}

// released returns the numbers of all migrations, as their files bear them.
func released(t *testing.T) (numbers []string) {
	t.Helper()
	files, err := filepath.Glob("migrations/*.up.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("got migrations %v and error %v, want some", files, err)
	}
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "_")
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers
}

// TestMigrate opens a database of every schema there ever was, as that Jeton left it (testdata/schema-NNNN.sql): after,
// it has the schema of a new one, all its rows, and answers. A migration without such a file fails: when a release ends
// the work on one, go test -run TestMigrate -update writes it.
func TestMigrate(t *testing.T) {
	numbers := released(t)
	newest := filepath.Join(t.TempDir(), "newest.db")
	populate(t, open(t, newest))
	for _, number := range numbers {
		t.Run(number, func(t *testing.T) {
			golden := filepath.Join("testdata", "schema-"+number+".sql")
			if *update && number == numbers[len(numbers)-1] {
				if err := os.WriteFile(golden, []byte(dump(t, raw(t, newest))), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			old, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "jeton.db")
			db := raw(t, path)
			run(t, db, string(old))
			before := map[string]int{}
			for _, table := range tables(t, db) {
				before[table] = len(rowsOf(t, db, table))
			}

			s := open(t, path)
			if diff := cmp.Diff(schema(t, raw(t, newest)), schema(t, db)); diff != "" {
				t.Errorf("not the schema of a new database (-new +migrated):\n%s", diff)
			}
			for table, n := range before {
				if got := len(rowsOf(t, db, table)); got != n || n == 0 {
					t.Errorf("%s: got %d rows, want the %d that there were, and some", table, got, n)
				}
			}
			if broken := texts(t, db, `SELECT "table" FROM pragma_foreign_key_check`); len(broken) > 0 {
				t.Errorf("rows of %v refer to rows that aren't there", broken)
			}
			checkPopulated(t, s, before)
			checkRoute(t, s, number >= "0009")
		})
	}
}

func TestNewerSchema(t *testing.T) {
	for name, statement := range map[string]string{
		"by the migrations' table": `UPDATE schema_migrations SET version = 9999`,
		"by its own mark":          `PRAGMA user_version = 9999`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jeton.db")
			if err := open(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			db := raw(t, path)
			run(t, db, statement)
			before := dump(t, db)
			_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Now: now})
			if !errors.Is(err, sqlite.ErrNewerSchema) || !strings.Contains(err.Error(), "9999") {
				t.Errorf("got error %v, want %v with both numbers", err, sqlite.ErrNewerSchema)
			}
			if after := dump(t, db); after != before {
				t.Error("the refused database was changed")
			}
		})
	}
}

// TestInterruptedMigration has a process die between a migration and the note that it is done, on either side of its
// commit. The next start finds out which, and nobody has to mend anything by hand.
func TestInterruptedMigration(t *testing.T) {
	numbers := released(t)
	newest := strings.TrimLeft(numbers[len(numbers)-1], "0")
	t.Run("after its commit", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jeton.db")
		s := open(t, path)
		if err := errors.Join(create(t.Context(), s, "alice"), s.Close()); err != nil {
			t.Fatal(err)
		}
		run(t, raw(t, path), `UPDATE schema_migrations SET dirty = true`)
		if s := open(t, path); !exists(t, s, "alice") {
			t.Error("the user is gone")
		}
	})
	t.Run("before its commit", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jeton.db")
		db := raw(t, path)
		if len(numbers) > 1 {
			before, err := os.ReadFile(filepath.Join("testdata", "schema-"+numbers[len(numbers)-2]+".sql"))
			if err != nil {
				t.Fatal(err)
			}
			run(t, db, string(before)+`DELETE FROM schema_migrations;`)
		} else {
			run(t, db, `CREATE TABLE schema_migrations (version uint64,dirty bool); CREATE UNIQUE INDEX version_unique ON schema_migrations (version)`)
		}
		run(t, db, `INSERT INTO schema_migrations VALUES (`+newest+`, true)`)
		s := open(t, path)
		if err := create(context.Background(), s, "bob"); err != nil {
			t.Errorf("got error %v, want none", err)
		}
		if got := texts(t, db, `SELECT version || ' ' || dirty FROM schema_migrations`); len(got) != 1 || got[0] != newest+" 0" {
			t.Errorf("got version and dirt %q, want %q", got, newest+" 0")
		}
	})
}
