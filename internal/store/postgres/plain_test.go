package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/test/pg"
)

// TestPlainErrors opens what can't be opened, in every way that an operator gets wrong: one line says what it is, each fault once,
// and no password.
func TestPlainErrors(t *testing.T) {
	whole := empty(t)
	db := dial(t, whole)
	_, err := db.Exec(t.Context(), `DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN PASSWORD '`+pg.Password+`'`)
	must(t, err)
	shut := empty(t)
	_, err = dial(t, shut).Exec(t.Context(), `DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$`)
	must(t, err)
	with := func(dsn, old, new string) string { return strings.Replace(dsn, old, new, 1) }
	prefer := with(whole, "sslmode=disable", "sslmode=prefer")
	closed := with(whole, dialled(t, whole), "127.0.0.1:1")
	for name, test := range map[string]struct {
		dsn  string
		once []string
	}{
		"password":         {with(prefer, "password%20", "canary"), []string{"doesn't take the password of the user \"jeton\""}},
		"user":             {with(whole, "jeton:", "nobody:"), []string{"password of the user \"nobody\""}},
		"database":         {with(prefer, "?", "none?"), []string{"has no database", `CREATE DATABASE "`}},
		"no right":         {with(whole, "jeton:", "stranger:"), []string{"may make no tables", `OWNER TO "stranger"`}},
		"not let in":       {with(shut, "jeton:", "stranger:"), []string{`doesn't let the user "stranger" into the database`}},
		"nobody there":     {with(closed, "sslmode=disable", "sslmode=prefer"), []string{"nothing answers at 127.0.0.1:1"}},
		"two, one nowhere": {with(closed, "127.0.0.1:1", "127.0.0.1:1,jeton.invalid:5"), []string{"nothing answers at 127.0.0.1:1", `"jeton.invalid"`}},
		"no TLS":           {with(whole, "sslmode=disable", "sslmode=require"), []string{"speaks no TLS", "sslmode=disable"}},
		"silence":          {with(whole, dialled(t, whole), silent(t)) + "&connect_timeout=1", []string{"doesn't answer in time"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), postgres.Config{DSN: test.dsn, Now: now})
			if err == nil {
				t.Fatal("it was opened")
			}
			for _, once := range test.once {
				if strings.Count(err.Error(), once) != 1 {
					t.Errorf("got %q, want %q in it, once", err, once)
				}
			}
			if strings.ContainsFunc(err.Error(), unicode.IsControl) || strings.HasSuffix(err.Error(), "?") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), pg.Password) {
				t.Errorf("got %q, want one line, and no password", err)
			}
			if _, err := postgres.OpenSnapshot(t.Context(), test.dsn, now); name != "no right" && !errors.Is(err, authority.ErrUnavailable) {
				t.Errorf("got %v from a snapshot, want it unavailable", err)
			}
		})
	}
}

// dialled returns host and port of a URL.
func dialled(t *testing.T, dsn string) string {
	t.Helper()
	_, rest, _ := strings.Cut(dsn, "@")
	host, _, ok := strings.Cut(rest, "/")
	if !ok {
		t.Fatal("the URL has no path")
	}
	return host
}
