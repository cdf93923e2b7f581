package postgres_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/test/pg"
)

// scanInto reads one value.
func scanInto(to any, query string, args ...any) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, conn *pgx.Conn) error { return conn.QueryRow(ctx, query, args...).Scan(to) }
}

// silent listens, and never answers.
func silent(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// TestSessions looks at the settings of every connection of both pools. Those of look-ups can't write; a server that
// acknowledges a commit before it is on the disk doesn't do so here.
func TestSessions(t *testing.T) {
	dsn := pg.Start(t, "synchronous_commit = off").DSN("postgres")
	s := open(t, dsn)
	finds, work := s.Conns()
	each := func(n int32, lend func(context.Context, func(context.Context, *pgx.Conn) error) error, look func(*pgx.Conn)) {
		t.Helper()
		var nest func(left int32) error
		nest = func(left int32) error {
			if left == 0 {
				return nil
			}
			return lend(t.Context(), func(_ context.Context, conn *pgx.Conn) error {
				look(conn)
				return nest(left - 1)
			})
		}
		must(t, nest(n))
	}
	check := func(want map[string]string) func(*pgx.Conn) {
		return func(conn *pgx.Conn) {
			for name, want := range want {
				var got string
				if err := conn.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil || got != want {
					t.Errorf("%s: got %q and error %v, want %q", name, got, err, want)
				}
			}
		}
	}
	each(finds, s.Find, check(map[string]string{
		"synchronous_commit": "on", "default_transaction_read_only": "on", "statement_timeout": "900ms", "application_name": "jeton",
	}))
	each(finds, s.Find, func(conn *pgx.Conn) {
		if _, err := conn.Exec(t.Context(), `DELETE FROM "user"`); err == nil {
			t.Error("a look-up could write")
		}
	})
	each(min(work, 4), s.List, check(map[string]string{
		"synchronous_commit": "on", "default_transaction_read_only": "off", "statement_timeout": "8s", "lock_timeout": "4s",
		"idle_in_transaction_session_timeout": "2s",
	}))
	var got string
	must(t, open(t, dsn+"&statement_timeout=7s").Find(t.Context(), scanInto(&got, `SHOW statement_timeout`)))
	if got != "7s" {
		t.Errorf("got statement_timeout %q, want the one of the URL", got)
	}
}

// TestSynchronousCommit leaves alone what asks for more than the own disk.
func TestSynchronousCommit(t *testing.T) {
	s := open(t, pg.Start(t, "synchronous_commit = remote_apply").DSN("postgres"))
	var got string
	must(t, s.Find(t.Context(), scanInto(&got, `SHOW synchronous_commit`)))
	if got != "remote_apply" {
		t.Errorf("got %q, want what the server is set to", got)
	}
}

// TestUnstorable asks for names that the database can't hold, and logs an event with some.
func TestUnstorable(t *testing.T) {
	s := fresh(t)
	checkUnstorable(t, s, "a\x00b")
	checkUnstorable(t, s, "a\xff")
}

func checkUnstorable(t *testing.T, s *postgres.Store, name string) {
	t.Helper()
	for what, ask := range map[string]func() error{
		"UserByName":       func() error { _, err := s.UserByName(t.Context(), name); return err },
		"UserByEmail":      func() error { _, err := s.UserByEmail(t.Context(), name); return err },
		"PlatformNamed":    func() error { _, err := s.PlatformNamed(t.Context(), name); return err },
		"PasswordByName":   func() error { _, err := s.PasswordByName(t.Context(), name); return err },
		"APITokenByName":   func() error { _, err := s.APITokenByName(t.Context(), name); return err },
		"Service":          func() error { _, err := s.Service(t.Context(), name); return err },
		"ClientKeysByName": func() error { _, err := s.ClientKeysByName(t.Context(), name); return err },
	} {
		if err := ask(); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%s: got error %v, want %v", what, err, authority.ErrNotFound)
		}
	}
	if there, err := s.HasSigningKey(t.Context(), name); there || err != nil {
		t.Errorf("HasSigningKey: got %t and error %v, want neither", there, err)
	}
	for what, ask := range map[string]func() error{
		"Users": func() error {
			_, err := s.Users(t.Context(), account.Query{Find: name, After: account.Place{Name: name}, Limit: 1})
			return err
		},
		"Platforms": func() error { _, err := s.Platforms(t.Context(), name, 1); return err },
		"Services":  func() error { _, err := s.Services(t.Context(), name, 1); return err },
		"APITokens": func() error {
			_, err := s.APITokens(t.Context(), apitoken.Query{Find: name, After: apitoken.Place{Name: name}, Limit: 1})
			return err
		},
		"Events": func() error {
			_, err := s.Events(t.Context(), audit.Query{Reason: name, Action: audit.Action(name)})
			return err
		},
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: got error %v, want none", what, err)
		}
	}
	ev := audit.New(audit.Refused, audit.Actor{Username: name, Address: name}, audit.Target{Kind: "user", Name: name}, now(), "field", name)
	ev.Reason, ev.MergeKey = "unknown", "key "+name
	must(t, s.AppendRefusals(t.Context(), []audit.Event{ev}))
	events, err := s.Events(t.Context(), audit.Query{})
	if err != nil || len(events) == 0 || !strings.HasPrefix(events[0].Actor.Username, "a") {
		t.Errorf("got events %+v and error %v, want the one with that name, as far as it can be kept", events, err)
	}
}
