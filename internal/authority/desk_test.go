package authority_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/policy"
)

// desk is an Authority with everything around it made up: personal tokens begin with "jtp-", session tokens with
// "jts-", and passwords stand beside a name.
type desk struct {
	*authority.Authority
	personal, sessions, passwords *way
	console, api, secrets         *way
	people                        *people
	refusals                      *audit.Refusals
	catchUp                       func() error // what hearing the feed comes to, while it is stale
	clock                         atomic.Int64 // microseconds since 1970
	stale                         atomic.Bool  // the feed was not heard
}

var (
	peer  = netip.MustParseAddr("192.0.2.7")
	epoch = time.Date(2026, 11, 21, 10, 30, 30, 0, time.UTC)
	// anyDoor takes every kind, tokenDoor only tokens.
	anyDoor   = &authority.Door{Name: "v1", Kinds: authority.KindsOf(authority.Password, authority.PersonalToken, authority.SessionToken)}
	tokenDoor = &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.PersonalToken, authority.SessionToken)}
)

// newDesk returns a desk that remembers at most max proofs (0 for the default), with the service "reports" on
// api.example.com, whose reports are for the role partner.
func newDesk(tb testing.TB, maxRemembered int) *desk {
	tb.Helper()
	return newDeskOf(tb, compile(tb), maxRemembered)
}

// newDeskOf returns a desk with the services of a table.
func newDeskOf(tb testing.TB, table *policy.Table, maxRemembered int) *desk {
	tb.Helper()
	d := &desk{
		personal:  newWay(authority.PersonalToken, "jtp-"),
		sessions:  newWay(authority.SessionToken, "jts-"),
		passwords: newWay(authority.Password, ""),
		console:   newWay(authority.ConsoleSession, ""),
		api:       newWay(authority.APIToken, "ey-"),
		secrets:   newWay(authority.ClientSecret, ""),
		people:    &people{users: map[uuid.UUID]authority.User{}},
		refusals:  audit.NewRefusals(1000),
		catchUp:   func() error { return nil },
	}
	d.clock.Store(epoch.UnixMicro())
	var err error
	d.Authority, err = authority.New(authority.Config{
		Ways: []authority.Way{d.passwords, d.personal, toucher{d.sessions}, d.console, d.api, secretWay{d.secrets}}, Users: d.people,
		Cookies: []authority.Cookie{{Kind: authority.ConsoleSession, Name: "console"}},
		Policy:  func() *policy.Table { return table }, Refusals: d.refusals,
		Fresh: func() bool { return !d.stale.Load() }, CatchUp: func(context.Context) error { return d.catchUp() }, Now: d.now, Random: rand.Reader, MaxRemembered: maxRemembered,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func compile(tb testing.TB) *policy.Table { return compileOf(tb, func(*policy.Service) {}) }

// compileOf returns the table of the service after a change to it.
func compileOf(tb testing.TB, change func(*policy.Service)) *policy.Table {
	tb.Helper()
	s := policy.Service{
		Name: "reports", ID: reportsID, Host: "api.example.com", PathPrefix: "/v2",
		Operations: []policy.Operation{
			{Pattern: "GET /reports/{id}", Audience: []policy.Audience{policy.RoleAudience("partner")}},
			{Pattern: "GET /users/{id}", Audience: []policy.Audience{policy.SelfAudience("id")}},
		},
	}
	change(&s)
	table, err := policy.Compile([]policy.Service{s})
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

var reportsID = uuid.MustParse("0190a0c0-5555-7abc-8def-000000000001")

func (d *desk) now() time.Time          { return time.UnixMicro(d.clock.Load()).UTC() }
func (d *desk) advance(t time.Duration) { d.clock.Add(t.Microseconds()) }
func (d *desk) proofs() int64 {
	return d.personal.asked.Load() + d.sessions.asked.Load() + d.passwords.asked.Load()
}

// person makes an active user of that name, of the role partner.
func (d *desk) person(name string) authority.User {
	u := authority.User{
		ID: uuid.Must(uuid.NewV7()), Username: name, DisplayName: strings.ToUpper(name), Email: name + "@example.com",
		Roles: []string{"partner"}, Active: true,
	}
	d.people.put(u)
	return u
}

// token gives a user the token of that text and returns its ID. It is remembered.
func (w *way) token(text string, owner authority.User) uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	w.put(text, authority.Proof{ID: id, UserID: owner.ID, Remember: true})
	return id
}

// call presents values of Authorization for the report that a partner may see.
func call(values ...string) *authority.Presented {
	return &authority.Presented{Authorization: values, Method: "GET", Host: "api.example.com", Path: "/v2/reports/7", Peer: peer}
}

func bearer(token string) *authority.Presented { return call("Bearer " + token) }

// outcome identifies and says whose the call is, or the reason why it is nobody's.
func (d *desk) outcome(tb testing.TB, in *authority.Presented) string {
	tb.Helper()
	p, err := d.Identify(tb.Context(), in, anyDoor)
	if err != nil {
		return string(reasonOf(tb, err))
	}
	return p.Username
}

func reasonOf(tb testing.TB, err error) authority.Reason {
	tb.Helper()
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		tb.Fatalf("got the error %v, want a *Refusal", err)
	}
	return ref.Reason
}

// way is a way in whose records are a map by text, with the name before a password and a colon.
type way struct {
	kind   authority.Kind
	prefix string
	asked  atomic.Int64 // calls of Prove

	mu      sync.Mutex
	records map[string]authority.Proof
	err     error                       // what Prove returns instead
	after   func(context.Context) error // called by Prove between what it read and its answer
	look    func(authority.Credential)  // called by Prove with what it got

	touched [][]authority.Use
	failing error // what Touch returns, after it stored
}

func newWay(kind authority.Kind, prefix string) *way {
	return &way{kind: kind, prefix: prefix, records: map[string]authority.Proof{}}
}

func (w *way) put(text string, p authority.Proof) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records[text] = p
}

func (w *way) drop(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.records, text)
}

func (w *way) Kind() authority.Kind { return w.kind }

func (w *way) Recognizes(token string) bool {
	return w.prefix != "" && strings.HasPrefix(token, w.prefix)
}

func (w *way) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	w.asked.Add(1)
	if w.look != nil {
		w.look(c)
	}
	text := c.Text.Reveal()
	if w.kind == authority.Password || w.kind == authority.ClientSecret {
		text = c.Name + ":" + text
	}
	w.mu.Lock()
	proof, known := w.records[text]
	err, after := w.err, w.after
	w.mu.Unlock()
	if after != nil {
		if err := after(ctx); err != nil {
			return authority.Proof{}, err
		}
	}
	switch {
	case err != nil:
		return authority.Proof{}, err
	case !known && w.kind == authority.Password:
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonWrongPassword}
	case !known:
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	return proof, nil
}

// secretWay is a way whose credentials are passwords that begin with "jtc-".
type secretWay struct{ *way }

func (secretWay) RecognizesSecret(password string) bool { return strings.HasPrefix(password, "jtc-") }

// toucher is a way that keeps when its credentials were used.
type toucher struct{ *way }

func (t toucher) Touch(_ context.Context, used []authority.Use) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.touched = append(t.touched, used)
	return t.failing
}

// people are the users of a desk.
type people struct {
	mu     sync.Mutex
	users  map[uuid.UUID]authority.User
	err    error
	during func(context.Context) error // called between what was read and the answer
}

func (p *people) put(u authority.User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[u.ID] = u
}

func (p *people) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	p.mu.Lock()
	u, known := p.users[id]
	err, during := p.err, p.during
	p.mu.Unlock()
	if during != nil {
		if err := during(ctx); err != nil {
			return authority.User{}, err
		}
	}
	if err == nil && !known {
		err = authority.ErrNotFound
	}
	return u, err
}
