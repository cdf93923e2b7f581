package postgres_test

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/store/postgres"
)

var update = flag.Bool("update", false, "write the golden dump of the newest schema")

// schema returns how the database of a URL is made, as pg_dump tells it, without comments, and without what is the server's.
func schema(t testing.TB, dsn string) string {
	t.Helper()
	dumps, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(dumps) == 0 {
		t.Fatalf("got no pg_dump and error %v: test/deps.sh installs it", err)
	}
	out, err := exec.CommandContext(t.Context(), dumps[len(dumps)-1], "--schema-only", "--no-owner", "--no-privileges", "--schema=public", dsn).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, out)
	}
	// What a newer release of PostgreSQL prints anew: comments, settings, and the key that guards psql's own commands.
	noise := regexp.MustCompile(`(?m)^(--.*|SET .*|SELECT pg_catalog.set_config.*|\\(un)?restrict .*|CREATE SCHEMA public;)\n`)
	return regexp.MustCompile(`\n{2,}`).ReplaceAllString(noise.ReplaceAllString(string(out), ""), "\n")
}

// TestMigrate opens a database of every schema there ever was, as that Jeton left it (testdata/schema-NNNN.sql): after, it has
// the schema of a new one, and works. A migration without such a file fails: when a release ends the work on one,
// go test -run TestMigrate -update writes it.
func TestMigrate(t *testing.T) {
	files, err := filepath.Glob("migrations/*.up.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("got migrations %v and error %v, want some", files, err)
	}
	dsn := empty(t)
	open(t, dsn)
	newest := schema(t, dsn)
	for i, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "_")
		golden := filepath.Join("testdata", "schema-"+number+".sql")
		if *update && i == len(files)-1 {
			must(t, os.WriteFile(golden, []byte(newest), 0o644))
		}
		old, err := os.ReadFile(golden)
		must(t, err)
		dsn := empty(t)
		db := dial(t, dsn)
		if _, err := db.Exec(t.Context(), string(old)+`; INSERT INTO schema_migrations VALUES (`+number+`, false)`); err != nil {
			t.Fatal(err)
		}
		s := open(t, dsn)
		if diff := cmp.Diff(newest, schema(t, dsn)); diff != "" {
			t.Errorf("%s: not the schema of a new database (-new +migrated):\n%s", number, diff)
		}
		must(t, create(t.Context(), s, "alice"))
	}
}

// TestSameColumns compares the tables and columns with SQLite's: what copies records from one to the other finds the same.
func TestSameColumns(t *testing.T) {
	dsn := migrated(t)
	var columns []string
	rows, err := dial(t, dsn).Query(t.Context(), `
SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT IN ('schema_migrations', 'reserve') ORDER BY 1`)
	must(t, err)
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		columns = append(columns, name)
	}
	must(t, rows.Err())
	if diff := cmp.Diff(columnsOfSQLite(t), columns); diff != "" {
		t.Errorf("not SQLite's columns (-SQLite +PostgreSQL):\n%s", diff)
	}
}

// TestOpenTogether has five nodes start at once on an empty database: all come up, on one instance.
func TestOpenTogether(t *testing.T) {
	dsn := empty(t)
	stores := make([]*postgres.Store, 5)
	var group sync.WaitGroup
	for i := range stores {
		group.Go(func() {
			var err error
			if stores[i], err = postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, s := range stores {
		if s == nil {
			t.Fatal("not all came up")
		}
		must(t, create(t.Context(), s, uuid.NewString()))
		must(t, s.Close())
	}
	var instances int
	must(t, dial(t, dsn).QueryRow(t.Context(), `SELECT count(*) FROM store`).Scan(&instances))
	if instances != 1 {
		t.Errorf("got %d rows of store, want one", instances)
	}
}

func TestNewerSchema(t *testing.T) {
	dsn := migrated(t)
	_, err := dial(t, dsn).Exec(t.Context(), `UPDATE schema_migrations SET version = 9999`)
	must(t, err)
	before := schema(t, dsn)
	if _, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now}); !errors.Is(err, postgres.ErrNewerSchema) || !strings.Contains(err.Error(), "9999") {
		t.Errorf("got error %v, want %v with both numbers", err, postgres.ErrNewerSchema)
	}
	if after := schema(t, dsn); after != before {
		t.Error("the refused database was changed")
	}
}

// TestInterruptedMigration has a node die between a migration and the note that it is done, on either side of its commit. The
// next start finds out which, and nobody has to mend anything by hand.
func TestInterruptedMigration(t *testing.T) {
	const table = `CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)`
	t.Run("before its commit", func(t *testing.T) {
		dsn := empty(t)
		db := dial(t, dsn)
		_, err := db.Exec(t.Context(), table+`; INSERT INTO schema_migrations VALUES (6, true)`)
		must(t, err)
		must(t, create(t.Context(), open(t, dsn), "alice"))
		var version int
		var dirty bool
		must(t, db.QueryRow(t.Context(), `SELECT version, dirty FROM schema_migrations`).Scan(&version, &dirty))
		if version < 6 || dirty {
			t.Errorf("got version %d, dirty %t, want the newest, and clean", version, dirty)
		}
	})
	t.Run("after its commit", func(t *testing.T) {
		dsn := empty(t)
		migration, err := os.ReadFile("migrations/0006_first.up.sql")
		must(t, err)
		_, err = dial(t, dsn).Exec(t.Context(), table+`; INSERT INTO schema_migrations VALUES (6, true); `+string(migration))
		must(t, err)
		must(t, create(t.Context(), open(t, dsn), "alice"))
	})
	t.Run("in its middle", func(t *testing.T) {
		dsn := empty(t)
		migration, err := os.ReadFile("migrations/0006_first.up.sql")
		must(t, err)
		db := dial(t, dsn)
		_, err = db.Exec(t.Context(), table+`; INSERT INTO schema_migrations VALUES (6, true)`)
		must(t, err)
		if _, err := db.Exec(t.Context(), string(migration)+`; SELECT 1/0`); err == nil {
			t.Fatal("the migration went through")
		}
		must(t, create(t.Context(), open(t, dsn), "alice"))
	})
}

// TestOneMigratesAtATime has one hold the lock of migrations: a node that starts waits for it as long as it may.
func TestOneMigratesAtATime(t *testing.T) {
	dsn := empty(t)
	db := dial(t, dsn)
	_, err := db.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, postgres.Migrating)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan error, 1)
	go func() {
		_, err := postgres.Open(ctx, postgres.Config{DSN: dsn, Now: now})
		opened <- err
	}()
	waits(t, db)
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	_, err = db.Exec(t.Context(), `SELECT pg_advisory_unlock($1)`, postgres.Migrating)
	must(t, err)
	open(t, dsn)
}

// TestSearchPath keeps everything in a schema that the URL names, and makes none.
func TestSearchPath(t *testing.T) {
	dsn := empty(t)
	own := dsn + "&" + url.Values{"search_path": {"own"}}.Encode()
	if _, err := postgres.Open(t.Context(), postgres.Config{DSN: own, Now: now}); err == nil || !strings.Contains(err.Error(), "search_path") {
		t.Errorf("got error %v without that schema, want one that says what to do", err)
	}
	db := dial(t, dsn)
	_, err := db.Exec(t.Context(), `CREATE SCHEMA own`)
	must(t, err)
	s := open(t, own)
	must(t, create(t.Context(), s, "alice"))
	var mine, public int
	must(t, db.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE schemaname = 'own'), count(*) FILTER (WHERE schemaname = 'public') FROM pg_tables`).Scan(&mine, &public))
	if mine < 20 || public != 0 {
		t.Errorf("got %d tables in the schema named and %d in public, want all and none", mine, public)
	}
	if !exists(t, s, "alice") {
		t.Error("the user isn't there")
	}
}

func TestOpenRefuses(t *testing.T) {
	latin := server(t)
	_, err := latin.SQL("postgres", `CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`)
	must(t, err)
	for name, test := range map[string]struct {
		config postgres.Config
		says   string
	}{
		"no URL":           {postgres.Config{Now: now}, "required"},
		"no clock":         {postgres.Config{DSN: empty(t)}, "required"},
		"another encoding": {postgres.Config{DSN: latin.DSN("latin"), Now: now}, "UTF8"},
		"no database":      {postgres.Config{DSN: latin.DSN("none"), Now: now}, "none"},
		"read-only":        {postgres.Config{DSN: empty(t) + "&default_transaction_read_only=on", Now: now}, "read only"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := postgres.Open(t.Context(), test.config)
			if err == nil {
				_ = s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
		})
	}
}
