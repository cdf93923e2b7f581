package main

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/test/pg"
)

func TestTokens(t *testing.T) {
	live, err := makeSecrets(100, liveSeed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := makeSecrets(100, liveSeed)
	if err != nil || !slices.Equal(live, again) {
		t.Fatalf("got other tokens of the same seed, %v", err)
	}
	dir := t.TempDir()
	tokens, err := writeTokens(dir, live, nil, &caller{cookie: mistype(live[0]), session: mistype(live[1])}, 30)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(tokens.live.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of tokens: got %v, %v, want one for its owner alone", info.Mode(), err)
	}
	for s, want := range map[span]string{tokens.cookie: mistype(live[0]).Reveal(), tokens.session: mistype(live[1]).Reveal(), tokens.password: basicText(callerNumber).Reveal()} {
		if one, err := s.read(); err != nil || one.count() != 1 || one.at(0) != want {
			t.Errorf("line %d: got %q, %v, want %q", s.first, one.text, err, want)
		}
	}
	passwords, err := tokens.passwords.read()
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 30; n++ {
		if count := bytes.Count(passwords.text, []byte(basicText(n).Reveal()+"\n")); count != 1 {
			t.Errorf("got the password of user %d %d times", n, count)
		}
	}
	seen := map[string]bool{}
	for name, s := range map[string]span{"live": tokens.live, "unknown": tokens.unknown, "bad": tokens.bad} {
		read, err := s.read()
		if err != nil {
			t.Fatal(err)
		}
		for n := range s.count {
			token := read.at(n)
			if seen[token] || secret.Valid(token, secret.Personal) != (name != "bad") {
				t.Fatalf("%s token %d is there twice or is not as it should be", name, n)
			}
			if slices.Contains(live, secret.Text(token)) != (name == "live") {
				t.Fatalf("%s token %d: got it among the wrong ones", name, n)
			}
			seen[token] = true
		}
	}
}

// newInstance makes what a first start of Jeton leaves on SQLite, as far as the filling needs it.
func newInstance(t *testing.T) (data string) {
	t.Helper()
	at := home{data: t.TempDir()}
	at.found(t)
	return at.data
}

// found writes the master key, and opens the database for the first time.
func (h home) found(t *testing.T) {
	t.Helper()
	master, text, err := keyring.NewMasterKey(source(orderSeed))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(masterKeyIn(h.data), text, 0o600); err != nil {
		t.Fatal(err)
	}
	h.with(t, func(s store.Store) {
		if _, err := keyring.Open(t.Context(), keyring.Config{Store: s, Master: master, Now: time.Now, Random: source(orderSeed)}); err != nil {
			t.Fatal(err)
		}
	})
}

func (h home) with(t *testing.T, do func(store.Store)) {
	t.Helper()
	s, err := h.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// fillInstance fills what newInstance made, with up to 100 API tokens.
func fillInstance(t *testing.T, data string, live []secret.Text, passwords int) *instance {
	t.Helper()
	return home{data: data}.fill(t, live, passwords)
}

func (h home) fill(t *testing.T, live []secret.Text, passwords int) *instance {
	t.Helper()
	as, err := prepareInstance(t.Context(), h, "http://127.0.0.1:1", passwords, min(100, len(live)))
	if err != nil {
		t.Fatal(err)
	}
	into, err := h.writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(t.Context(), into, as, live, progress{io.Discard}.count("filling", len(live))); err != nil {
		t.Fatal(err)
	}
	return as
}

// TestFill shows that what is written past the store, the store finds: the writers know the tables, and would
// otherwise not notice that they have changed.
func TestFill(t *testing.T) {
	for name, at := range map[string]home{
		"SQLite":     {data: t.TempDir()},
		"PostgreSQL": {data: t.TempDir(), dsn: pg.Start(t).DSN("postgres")},
	} {
		t.Run(name, func(t *testing.T) {
			at.found(t)
			before := at.indexes(t)
			live, err := makeSecrets(300, liveSeed)
			if err != nil {
				t.Fatal(err)
			}
			as := at.fill(t, live, 200)
			if diff := cmp.Diff(before, at.indexes(t)); diff != "" {
				t.Errorf("the filling left other indexes (-before +after):\n%s", diff)
			}
			if size, err := at.size(t.Context()); err != nil || size < 300*100 {
				t.Errorf("got a database of %d bytes, %v", size, err)
			}
			at.with(t, func(s store.Store) { filled(t, at, s, as, live) })
		})
	}
}

// indexes lists the indexes of the database.
func (h home) indexes(t *testing.T) (names []string) {
	t.Helper()
	driver, from, query := "sqlite", "file:"+databaseIn(h.data), `SELECT name || coalesce(sql, '') FROM sqlite_schema WHERE type = 'index' ORDER BY name`
	if h.dsn != "" {
		driver, from, query = "pgx", h.dsn, `SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexname`
	}
	db, err := sql.Open(driver, from)
	if err != nil {
		t.Fatal(err)
	}
	defer drop(db)
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) < 10 {
		t.Fatalf("got the indexes %v, %v", names, err)
	}
	return names
}

// filled looks for what an instance was filled with.
func filled(t *testing.T, at home, s store.Store, as *instance, live []secret.Text) {
	t.Helper()
	keys, err := openKeyring(t.Context(), s, at.data)
	if err != nil {
		t.Fatal(err)
	}
	for n, text := range map[int]secret.Text{1: live[0], 151: live[150], 300: live[299]} {
		token, err := s.FindPersonalToken(t.Context(), []keyring.Digest{keys.Digest(text)})
		if err != nil {
			t.Fatal(err)
		}
		user, err := s.User(t.Context(), token.UserID)
		if err != nil || user.State != account.Active || !slices.Equal(user.Roles, []string{partnerRole}) || user.Username != userName(n) || user.Email != userName(n)+"@example.com" {
			t.Errorf("got %+v, %v, want an active partner of its name", user, err)
		}
		if named, err := s.UserByName(t.Context(), account.Key(userName(n))); err != nil || named.ID != token.UserID {
			t.Errorf("got %+v, %v, want the same user by its canonical name", named, err)
		}
	}
	if len(as.parents) != 100 {
		t.Fatalf("got %d API tokens, want 100", len(as.parents))
	}
	for n, made := range map[int]parent{1: as.parents[0], 100: as.parents[99]} {
		name := "Nightly job of " + userName(n)
		token, err := s.APITokenByName(t.Context(), apitoken.Key(name))
		if err != nil || token.ID != made.id || token.UserID != made.user || token.Name != name || !token.Enabled || token.KeyID != as.caller.apiTokenKey {
			t.Errorf("got %+v, %v, want the API token of user %d", token, err, n)
		}
	}
	entries, err := s.Catalog(t.Context())
	if err != nil || len(entries) != 3 || entries[0].Host != documentsHost || entries[1].Host != proxiedHost || entries[2].Host != serviceHost {
		t.Fatalf("got %+v, %v, want the three services", entries, err)
	}
	for _, e := range entries {
		if len(e.Operations) != len(operations()) || (e.Project != uuid.Nil) != (e.Host == documentsHost) {
			t.Errorf("got %+v, want its operations, and a project of the one that takes sealed tokens", e)
		}
	}
}

// TestStoreSteps runs each step of the store's own rates more often than there are rows to go round.
func TestStoreSteps(t *testing.T) {
	data := newInstance(t)
	live, err := makeSecrets(10, liveSeed)
	if err != nil {
		t.Fatal(err)
	}
	fillInstance(t, data, live, 200)
	db, err := sql.Open("sqlite", "file:"+databaseIn(data)+pragmas)
	if err != nil {
		t.Fatal(err)
	}
	defer drop(db)
	for _, name := range []string{selectRate, insertRate} {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		step, err := storeStep(name)(t.Context(), conn)
		for range 25 {
			if err == nil {
				err = step()
			}
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	var events int
	if err := db.QueryRowContext(context.Background(), `SELECT count(*) FROM audit_event WHERE action = 'personal_token.rotate'`).Scan(&events); err != nil || events != 25 {
		t.Errorf("got %d audit events, %v, want one for each insert", events, err)
	}
}
