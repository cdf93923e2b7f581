package postgres_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/storetest"
	"github.com/jeton-io/jeton/test/pg"
)

// now is the clock of these tests.
func now() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

// shared is the server of those tests that leave it running. It doesn't wait for its disk, since nothing here cuts its power.
var shared = sync.OnceValues(func() (*pg.Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	free := netip.MustParseAddrPort(l.Addr().String())
	if err := l.Close(); err != nil {
		return nil, err
	}
	return pg.Launch(free.Addr().String(), int(free.Port()), "fsync = off")
})

func TestMain(m *testing.M) {
	m.Run()
	if server, err := shared(); err == nil {
		_ = server.Destroy()
	}
}

// server returns the shared server.
func server(t testing.TB) *pg.Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	return s
}

// databases counts those that were made, for their names.
var databases atomic.Int64

// empty makes an empty database on the shared server and returns its URL.
func empty(t testing.TB) string { return copyOf(t, "template1") }

// migrated makes a database that has the newest schema, which is copied faster than made.
func migrated(t testing.TB) string {
	t.Helper()
	template, err := newest()
	if err != nil {
		t.Fatal(err)
	}
	return copyOf(t, template)
}

// newest is the name of a database that has the newest schema and nothing else.
var newest = sync.OnceValues(func() (string, error) {
	s, err := shared()
	if err != nil {
		return "", err
	}
	if _, err := s.SQL("postgres", `CREATE DATABASE newest`); err != nil {
		return "", err
	}
	store, err := postgres.Open(context.Background(), postgres.Config{DSN: s.DSN("newest"), Now: now, Reserve: 1})
	if err != nil {
		return "", err
	}
	err = store.Close()
	if err == nil { // each database is to be one of its own
		_, err = s.SQL("newest", `DELETE FROM store`)
	}
	return "newest", err
})

func copyOf(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("d%d", databases.Add(1))
	conn := dial(t, server(t).DSN("postgres"))
	if _, err := conn.Exec(t.Context(), `CREATE DATABASE `+name+` TEMPLATE `+template); err != nil {
		t.Fatal(err)
	}
	return server(t).DSN(name)
}

// dial connects to a database without the store.
func dial(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// until asks a database again and again for a number until that is as wanted, and fails the test where it never is.
func until(t testing.TB, db *pgx.Conn, wanted func(n int) bool, query string, args ...any) {
	t.Helper()
	for begun := time.Now(); ; {
		var n int
		if err := db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		switch {
		case wanted(n):
			return
		case time.Since(begun) > 20*time.Second:
			t.Fatalf("waited in vain, and got %d in the end, of %s", n, query)
		}
	}
}

// some is what until waits for where any number above zero will do.
func some(n int) bool { return n > 0 }

// open opens a database until the test ends.
func open(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Now: now, Reserve: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fresh opens an empty database.
func fresh(t testing.TB) *postgres.Store {
	t.Helper()
	return open(t, migrated(t))
}

// TestStore empties one database for each of the suite's tests, which is some ten times as fast as a database each.
func TestStore(t *testing.T) {
	dsn := migrated(t)
	s, db := open(t, dsn), dial(t, dsn)
	storetest.Run(t, func(t *testing.T) storetest.Store {
		if _, err := db.Exec(t.Context(), clear); err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// clear empties a database. In place of its former row it gets one of another instance.
const clear = `
DELETE FROM authenticator; DELETE FROM passkey; DELETE FROM recovery_code;
DELETE FROM operation; DELETE FROM service_verifier; DELETE FROM service;
DELETE FROM client_secret; DELETE FROM client_key; DELETE FROM used_assertion; DELETE FROM revoked_access_token; DELETE FROM api_token;
DELETE FROM signing_key; DELETE FROM pepper; DELETE FROM session_token; DELETE FROM platform_key; DELETE FROM platform; DELETE FROM browser_session; DELETE FROM token_set; DELETE FROM project; DELETE FROM password_address; DELETE FROM personal_token;
DELETE FROM link; DELETE FROM told; DELETE FROM user_role; DELETE FROM "user"; DELETE FROM audit_event; DELETE FROM change; DELETE FROM store;
INSERT INTO store ("only", instance, epoch, revision, created_at) VALUES (1, gen_random_uuid(), 1, 0, 0)`
