package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/storetest"
)

// now is the clock of these tests.
func now() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

var count atomic.Int64

func newDB(t testing.TB, template string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), "postgres://postgres@127.0.0.1:54999/postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	name := fmt.Sprintf("t%d_%d", time.Now().UnixNano(), count.Add(1))
	if _, err := conn.Exec(t.Context(), `CREATE DATABASE `+name+` TEMPLATE `+template); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t testing.TB, name string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: "postgres://postgres@127.0.0.1:54999/" + name, Now: now, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	template := newDB(t, "template1")
	_ = open(t, template).Close()
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, newDB(t, template)) })
}
