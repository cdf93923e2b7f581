package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
)

// What the tests of this package need of its inside.

// EachFinder takes all connections of the look-ups, has do ask each for one value, and runs each of then while all are taken.
func (s *Store) EachFinder(ctx context.Context, do func(ask func(text string) (value string, err error)), then ...func()) error {
	for range cap(s.finds.places) {
		lent, err := s.finds.lend(ctx)
		if err != nil {
			return err
		}
		defer s.finds.giveBack(lent)
		do(func(text string) (value string, err error) {
			err = lent.each(text, nil, func(r scanner) (bool, error) {
				values, _ := r.(*row)
				value = fmt.Sprint((*values)[0])
				return true, nil
			})
			return value, err
		})
	}
	for _, run := range then {
		run()
	}
	return nil
}

// Find returns a row as a look-up gets it.
func (s *Store) Find(ctx context.Context, text string, args ...any) interface{ Scan(dest ...any) error } {
	return s.find(ctx, text, args...)
}

// Reads returns the connections of the lists.
func (s *Store) Reads() *sql.DB { return s.reads }

// Write has the writer run do, which gets what runs a statement in its transaction.
func (s *Store) Write(ctx context.Context, do func(exec func(query string, args ...any) (int64, error)) error) error {
	return s.write(ctx, "testing", func(t *tx) error { return do(t.exec) })
}

// Setting returns a pragma as the writer's connection has it.
func (s *Store) Setting(ctx context.Context, pragma string) (value string, err error) {
	err = s.write(ctx, "testing", func(t *tx) error {
		return t.conn.QueryRowContext(ctx, `PRAGMA `+pragma).Scan(&value)
	})
	return value, err
}

// Held takes what a store's callers submit in place of its writer, and does it when it is told to.
type Held struct {
	w    *writer
	db   *sql.DB
	from chan *job // of the callers
	to   chan *job // of those that were taken
}

// Hold has everything that is submitted from now on wait for the Held that it returns, which has a connection of its own.
func (s *Store) Hold(ctx context.Context, now func() time.Time) (*Held, error) {
	db, err := connect(s.path, writerPragmas(), 1)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	t, err := newTx(conn)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	room := &reserve{path: s.path + "-reserve", size: 1 << 16, now: now, whole: true}
	h := &Held{db: db, from: make(chan *job), to: make(chan *job, 2*groupMost)}
	h.w = &writer{t: t, room: room, jobs: h.to, now: now}
	s.jobs = h.from
	return h, nil
}

// Take accepts what the next caller submits, without doing it.
func (h *Held) Take() { h.to <- <-h.from }

// Do does what was taken: as the writer does, that comes to it while it does the first.
func (h *Held) Do() {
	for len(h.to) > 0 {
		h.w.serve(<-h.to)
	}
}

// Last returns how many jobs were in the last group.
func (h *Held) Last() int { return len(h.w.group) }

// Exec runs a statement on its connection, outside of any transaction.
func (h *Held) Exec(query string) error {
	_, err := h.w.t.exec(query)
	return err
}

// OnCommit has SQLite call a function as the first part of each commit.
func (h *Held) OnCommit(call func()) error {
	return h.w.t.conn.Raw(func(conn any) error {
		hooks, ok := conn.(sqlite.HookRegisterer)
		if !ok {
			return errors.New("no hooks")
		}
		hooks.RegisterCommitHook(func() int32 {
			call()
			return 0
		})
		return nil
	})
}

// Run does what is submitted as it comes, until closing is closed.
func (h *Held) Run(closing <-chan struct{}) {
	h.w.jobs = h.from
	h.w.run(closing)
}

// Close gives the connection back.
func (h *Held) Close() error {
	h.w.t.release()
	return h.db.Close()
}

// Lookups returns the selects that verdicts wait for, and those of pages of tokens.
func Lookups() map[string]string {
	return map[string]string{
		"personal token":               selectFoundToken,
		"personal token, two peppers":  selectFoundOfTwo,
		"session token":                selectFoundSessionToken,
		"link":                         selectLink,
		"link, of two":                 selectLinkOfTwo,
		"session token, two peppers":   selectFoundSessionOfTwo,
		"console session":              selectSessionConsole,
		"console session, two peppers": selectSessionConsoles,
		"API session":                  selectSessionAPI,
		"API session, two peppers":     selectSessionAPIs,
		"API token":                    selectFoundAPIToken,
		"API token's access token":     selectGroundsOfAPIToken,
		"client's access token":        selectGroundsOfClient,
		"parent":                       selectAPITokenParent,
		"client":                       selectClientParent,
		"user":                         selectUserByID,
		"page of personal tokens":      selectTokensAfter,
		"page of session tokens":       selectSessionTokensAfter,
	}
}

// UsersQuery and APITokensQuery return the selects of lists.
func UsersQuery(q account.Query) (text string, args []any)      { return usersQuery(q) }
func APITokensQuery(q apitoken.Query) (text string, args []any) { return apiTokensQuery(q) }

// EventsQuery returns the select of a page of the audit log.
func EventsQuery(q audit.Query) (text string, args []any) { return eventsQuery(q) }
