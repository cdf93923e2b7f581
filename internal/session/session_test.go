package session_test

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

const (
	idle     = time.Hour
	lifetime = 12 * time.Hour
	// slack is what Idle may be exceeded by: the store lags behind the last use.
	slack = 2 * time.Minute

	consoleCookie = "__Host-jeton"
	apiCookie     = "jeton_api"

	password = secret.Text("correct horse battery staple")
	// passwordHash is a hash of it that costs next to nothing.
	passwordHash = "$pbkdf2-sha256$i=1$c2FsdHNhbHRzYWx0$4MvndT3WxpZBgTr0GnlsI3zbnRNMwBomQR+L/0mcI4U"
)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	console = authority.Door{Name: "v1", Kinds: authority.KindsOf(authority.ConsoleSession)}
	gateway = authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.APISession)}
	actor   = audit.Actor{Username: "actor", Address: "192.0.2.7"}
)

// random is a source that goroutines share and that is the same in every run.
type random struct {
	mu   sync.Mutex
	from io.Reader
}

func (r *random) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from.Read(b)
}

// store is the real one, with its faults and with what was asked of it.
type store struct {
	*sqlite.Store
	lookUps atomic.Int64
	fail    error // of look-ups
	create  error // of log-ins that persist all the same
	ended   error // of log-outs that persist all the same
	list    error // of listings

	tokenLookUps                     atomic.Int64
	tokenFail, tokenList, redigested error // of look-ups, of listings, and of what replaces a digest
	tokenCreate, tokenEnded          error // of log-ins and log-outs that persist all the same
}

func (s *store) BrowserSessions(ctx context.Context, userID uuid.UUID, now time.Time) ([]session.Session, error) {
	if s.list != nil {
		return nil, s.list
	}
	return s.Store.BrowserSessions(ctx, userID, now)
}

func (s *store) BrowserSessionByDigest(ctx context.Context, kind authority.Kind, digests []keyring.Digest) (session.Found, error) {
	s.lookUps.Add(1)
	if s.fail != nil {
		return session.Found{}, s.fail
	}
	return s.Store.BrowserSessionByDigest(ctx, kind, digests)
}

func (s *store) CreateBrowserSession(ctx context.Context, b session.Session, d session.Digests, former uuid.UUID, ev audit.Event) error {
	return errors.Join(s.Store.CreateBrowserSession(ctx, b, d, former, ev), s.create)
}

func (s *store) EndBrowserSession(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	return errors.Join(s.Store.EndBrowserSession(ctx, id, ev), s.ended)
}

// touched stores a use of a session.
func (s *store) touched(t *testing.T, id uuid.UUID, at time.Time) {
	t.Helper()
	if err := s.TouchBrowserSessions(t.Context(), []authority.Use{{ID: id, At: at}}); err != nil {
		t.Fatal(err)
	}
}

// desk is what a browser's cookie passes on its way.
type desk struct {
	*session.Browsers
	tokens    *session.Tokens
	store     *store
	accounts  *account.Accounts
	keys      *keyring.Keyring
	feed      *feed.Feed
	authority *authority.Authority
	refusals  *audit.Refusals
	random    *random
	now       time.Time
	deaf      error // what hearing of a change fails with
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{refusals: audit.NewRefusals(1000), random: &random{from: rand.NewChaCha8([32]byte{1})}, now: noon}
	now := func() time.Time { return d.now }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: now})
	check(err)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	d.store = &store{Store: db}
	d.keys, err = keyring.Open(t.Context(), keyring.Config{Store: db, Master: "0123456789abcdef0123456789abcdef", Now: now, Random: d.random})
	check(err)
	// The feed's clock stands still: what is remembered is trusted, however far a test sets its own.
	d.feed, err = feed.New(feed.Config{Store: db, Now: func() time.Time { return noon }, Apply: func(_ context.Context, c feed.Change) error {
		if c.Kind == feed.Platform {
			c.ID = uuid.Nil // as app does
		}
		d.authority.Forget(c.ID)
		return nil
	}})
	check(err)
	applied := func(ctx context.Context) error { return errors.Join(d.feed.CatchUp(ctx), d.deaf) }
	d.accounts, err = account.New(account.Config{Store: db, Applied: applied, Now: now, Random: d.random, PasswordSlots: 2})
	check(err)
	d.Browsers, err = session.NewBrowsers(session.Config{
		Store: d.store, Keyring: d.keys, Applied: applied, Now: now, Random: d.random, Idle: idle, Lifetime: lifetime,
	})
	check(err)
	d.tokens, err = session.NewTokens(session.TokenConfig{
		Store: d.store, Keyring: d.keys, Applied: applied, Now: now, Random: d.random, Lifetime: tokenLife,
	})
	check(err)
	d.authority, err = authority.New(authority.Config{
		Ways: append(d.Ways(), d.tokens), Users: d.accounts, Policy: func() *policy.Table { return new(policy.Table) },
		Cookies:  []authority.Cookie{{Kind: authority.ConsoleSession, Name: consoleCookie}, {Kind: authority.APISession, Name: apiCookie}},
		Refusals: d.refusals, Fresh: d.feed.Fresh, Now: now, Random: cryptorand.Reader,
	})
	check(err)
	check(d.feed.CatchUp(t.Context()))
	return d
}

// user makes a user and returns it as whoever has just proved to be that.
func (d *desk) user(t *testing.T, name string) *authority.Principal {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), account.Draft{Username: name, PasswordHash: passwordHash}, actor)
	if err != nil {
		t.Fatal(err)
	}
	return &authority.Principal{User: authority.User{ID: u.ID, Username: name, Active: true}, CredentialKind: authority.Password, CredentialID: u.ID}
}

// set changes the state of a user.
func (d *desk) set(t *testing.T, owner *authority.Principal, state account.State) {
	t.Helper()
	if _, err := d.accounts.Update(t.Context(), owner.ID, 0, account.Patch{State: &state}, actor); err != nil {
		t.Fatal(err)
	}
}

// begin logs a browser in that had no session before.
func (d *desk) begin(t *testing.T, owner *authority.Principal) session.Cookies {
	t.Helper()
	c, err := d.Begin(t.Context(), owner, uuid.Nil, actor)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at sets the clock to so long after noon.
func (d *desk) at(after time.Duration) { d.now = noon.Add(after) }

// presented is a call with one cookie.
func presented(name string, text secret.Text) *authority.Presented {
	return &authority.Presented{Cookie: []string{name + "=" + text.Reveal()}, Method: "GET", Peer: netip.MustParseAddr("192.0.2.1")}
}

// known presents a cookie at a door and returns whose it is, or why it is refused.
func (d *desk) known(t *testing.T, door *authority.Door, name string, text secret.Text) (authority.Principal, authority.Reason) {
	t.Helper()
	p, err := d.authority.Identify(t.Context(), presented(name, text), door)
	if err == nil {
		return p, ""
	}
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	return p, ref.Reason
}

// expect presents both cookies of a session, each at its door, twice: the second time they may be remembered.
func (d *desk) expect(t *testing.T, what string, c session.Cookies, want authority.Reason) {
	t.Helper()
	for _, time := range []string{"first", "second"} {
		if _, got := d.known(t, &console, consoleCookie, c.Console); got != want {
			t.Errorf("%s, at the console the %s time: got %q, want %q", what, time, got, want)
		}
		if _, got := d.known(t, &gateway, apiCookie, c.API); got != want {
			t.Errorf("%s, at the gateway the %s time: got %q, want %q", what, time, got, want)
		}
	}
}

// events returns the events of an action, newest first.
func (d *desk) events(t *testing.T, action audit.Action) []audit.Event {
	t.Helper()
	events, err := d.store.Events(t.Context(), audit.Query{Action: action})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestBegin(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	c, second, others := d.begin(t, ann), d.begin(t, ann), d.begin(t, bob)
	if !secret.Valid(c.Console.Reveal(), secret.Console) || !secret.Valid(c.API.Reveal(), secret.API) {
		t.Error("got cookies of another form, want one of the console and one of the APIs")
	}
	want := session.Session{
		ID: c.Session.ID, UserID: ann.ID, CreatedAt: noon, LastUsedAt: noon, LastUsedIP: "192.0.2.7", ExpiresAt: noon.Add(lifetime),
	}
	if !reflect.DeepEqual(c.Session, want) || c.Session.ID == uuid.Nil || c.Session.ID == second.Session.ID {
		t.Errorf("got %+v, want %+v with an ID of its own", c.Session, want)
	}
	for what, c := range map[string]session.Cookies{"the first": c, "another browser's": second, "another user's": others} {
		d.expect(t, what, c, "")
	}
	for _, at := range []struct {
		door *authority.Door
		name string
		text secret.Text
		kind authority.Kind
	}{
		{&console, consoleCookie, c.Console, authority.ConsoleSession}, {&gateway, apiCookie, c.API, authority.APISession},
	} {
		p, reason := d.known(t, at.door, at.name, at.text)
		if reason != "" || p.ID != ann.ID || p.CredentialID != c.Session.ID || p.CredentialKind != at.kind {
			t.Errorf("got %+v and %q at the door %s, want ann by her session", p, reason, at.door.Name)
		}
	}
	begun := d.events(t, audit.SessionBegin)
	if len(begun) != 3 {
		t.Fatalf("got %d events, want 3", len(begun))
	}
	if got, want := begun[2].Target, (audit.Target{Kind: "browser_session", ID: c.Session.ID, Name: "ann"}); got != want || begun[2].Actor != actor {
		t.Errorf("got an event of %+v by %+v, want %+v by %+v", got, begun[2].Actor, want, actor)
	}
}

// TestEachCookieAtItsDoor presents each secret where the other belongs: no API that receives the one can come to the
// console with it.
func TestEachCookieAtItsDoor(t *testing.T) {
	d := newDesk(t)
	c := d.begin(t, d.user(t, "ann"))
	d.expect(t, "each at its own door", c, "")
	before := d.store.lookUps.Load()
	both := authority.Door{Name: "both", Kinds: console.Kinds | gateway.Kinds}
	for _, tt := range []struct {
		what string
		door *authority.Door
		name string
		text secret.Text
		want authority.Reason
	}{
		{"the API's at the console", &console, apiCookie, c.API, authority.ReasonNoCredential},
		{"the API's at the console, under the console's name", &console, consoleCookie, c.API, authority.ReasonBadChecksum},
		{"the console's at the gateway", &gateway, consoleCookie, c.Console, authority.ReasonNoCredential},
		{"the console's at the gateway, under the API's name", &gateway, apiCookie, c.Console, authority.ReasonBadChecksum},
		{"the API's under the console's name, where both count", &both, consoleCookie, c.API, authority.ReasonBadChecksum},
		{"the console's under the API's name, where both count", &both, apiCookie, c.Console, authority.ReasonBadChecksum},
		{"the API's under the console's tag", &console, consoleCookie, "jtb" + c.API[3:], authority.ReasonBadChecksum},
		{"under a name of another case", &console, strings.ToLower(consoleCookie), c.Console, authority.ReasonNoCredential},
	} {
		if _, got := d.known(t, tt.door, tt.name, tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, got, tt.want)
		}
	}
	// No cookie's secret is a bearer token, nor the other way round.
	for _, text := range []secret.Text{c.Console, c.API} {
		in := &authority.Presented{Authorization: []string{"Bearer " + text.Reveal()}, Method: "GET"}
		_, err := d.authority.Identify(t.Context(), in, &both)
		if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonUnrecognized {
			t.Errorf("got %v for a cookie's secret as a bearer token, want it unrecognized", err)
		}
	}
	token, err := secret.Make(secret.Personal, d.random)
	if err != nil {
		t.Fatal(err)
	}
	if _, got := d.known(t, &console, consoleCookie, token); got != authority.ReasonBadChecksum {
		t.Errorf("got %q for a personal token in a cookie, want it refused for its form", got)
	}
	if n := d.store.lookUps.Load() - before; n != 0 {
		t.Errorf("got %d look-ups, want none", n)
	}
}

// mistyped returns cookies of which one character is another.
func mistyped(c session.Cookies, i int) session.Cookies {
	change := func(text secret.Text) secret.Text {
		changed := []byte(text.Reveal())
		changed[i] ^= 1
		return secret.Text(changed)
	}
	return session.Cookies{Console: change(c.Console), API: change(c.API)}
}

// TestChecksum changes each character of good cookies: they are refused without a look-up. A forgery with its checksum
// right costs one.
func TestChecksum(t *testing.T) {
	d := newDesk(t)
	c := d.begin(t, d.user(t, "ann"))
	before := d.store.lookUps.Load()
	for i := range c.Console.Reveal() {
		d.expect(t, "a mistyped cookie", mistyped(c, i), authority.ReasonBadChecksum)
	}
	d.expect(t, "a cut cookie", session.Cookies{Console: c.Console[:50], API: c.API[:50]}, authority.ReasonBadChecksum)
	d.expect(t, "a padded cookie", session.Cookies{Console: c.Console + "0", API: c.API + "0"}, authority.ReasonBadChecksum)
	d.expect(t, "a quoted cookie", session.Cookies{Console: `"` + c.Console + `"`, API: `"` + c.API + `"`}, authority.ReasonBadChecksum)
	if n := d.store.lookUps.Load() - before; n != 0 {
		t.Errorf("got %d look-ups for mistyped cookies, want none", n)
	}
	var forged session.Cookies
	var errs [2]error
	forged.Console, errs[0] = secret.Make(secret.Console, d.random)
	forged.API, errs[1] = secret.Make(secret.API, d.random)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "a forged cookie", forged, authority.ReasonUnknown)
	d.expect(t, "the cookie", c, "")
	if n := d.store.lookUps.Load() - before; n != 6 {
		t.Errorf("got %d look-ups, want four for the forgeries and two for the cookies", n)
	}
}

func TestEnd(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c, second := d.begin(t, ann), d.begin(t, ann)
	d.expect(t, "the session", c, "")
	d.expect(t, "another browser's", second, "")
	owner, _ := d.known(t, &console, consoleCookie, c.Console)
	d.at(time.Minute)
	if err := d.End(t.Context(), &owner, actor); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "the session that was logged out", c, authority.ReasonEnded)
	d.expect(t, "another browser's", second, "")
	if err := d.End(t.Context(), &owner, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for logging out twice, want ErrNotFound", err)
	}
	if err := d.End(t.Context(), ann, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for logging out whoever came by a password, want ErrNotFound", err)
	}
	ends := d.events(t, audit.SessionEnd)
	want := audit.Target{Kind: "browser_session", ID: c.Session.ID, Name: "ann"}
	if len(ends) != 1 || ends[0].Target != want || !ends[0].At.Equal(d.now) || ends[0].Actor != actor {
		t.Errorf("got %+v, want one event of %+v", ends, want)
	}
	for _, e := range d.refusals.Drain(d.now) {
		if e.Reason == "ended" && (e.Actor.UserID != ann.ID || e.Actor.CredentialID != c.Session.ID) {
			t.Errorf("got a refusal of %+v, want it to tell whose session it was", e.Actor)
		}
	}
}

// TestReplace logs in with a browser that has a session: who knew its cookies knows nothing of the next.
func TestReplace(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	planted, beside := d.begin(t, bob), d.begin(t, bob)
	d.expect(t, "the first", planted, "")
	d.expect(t, "another browser's", beside, "")
	next, err := d.Begin(t.Context(), ann, planted.Session.ID, actor)
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, "the replaced", planted, authority.ReasonEnded)
	d.expect(t, "the next", next, "")
	d.expect(t, "another browser's", beside, "")
	seen := map[secret.Text]bool{}
	for _, c := range []session.Cookies{planted, beside, next} {
		seen[c.Console], seen[c.API] = true, true
		seen[c.Console[3:45]], seen[c.API[3:45]] = true, true // nor the same secret under two tags
	}
	if len(seen) != 12 {
		t.Errorf("got %d different secrets, want all different", len(seen)/2)
	}
	// A former that is no more, or never was, keeps nobody from logging in.
	for _, former := range []uuid.UUID{planted.Session.ID, uuid.New()} {
		c, err := d.Begin(t.Context(), ann, former, actor)
		if err != nil {
			t.Fatal(err)
		}
		d.expect(t, "a session in place of none", c, "")
	}
	d.expect(t, "the next", next, "")
}

// TestIdle leaves a session alone: it ends when it has rested for Idle, give or take what the store may lag behind.
func TestIdle(t *testing.T) {
	for _, remembered := range []bool{false, true} {
		for rest, want := range map[time.Duration]authority.Reason{idle + slack - time.Microsecond: "", idle + slack: authority.ReasonExpired} {
			d := newDesk(t)
			c := d.begin(t, d.user(t, "ann"))
			if remembered {
				d.expect(t, "at once", c, "")
			}
			d.at(rest)
			d.expect(t, fmt.Sprintf("after %s, remembered %t", rest, remembered), c, want)
		}
	}
	// What was proven then is remembered no longer than it was proven for.
	d := newDesk(t)
	c := d.begin(t, d.user(t, "ann"))
	d.at(idle + slack - time.Microsecond)
	d.expect(t, "just in time", c, "")
	d.at(2*idle + slack - time.Microsecond)
	d.expect(t, "when its use was never stored", c, authority.ReasonExpired)
}

// TestUse keeps a session alive by using it, by either cookie, until its lifetime ends.
func TestUse(t *testing.T) {
	const step = 50 * time.Minute
	for _, by := range []struct {
		door *authority.Door
		name string
		text func(session.Cookies) secret.Text
	}{
		{&console, consoleCookie, func(c session.Cookies) secret.Text { return c.Console }},
		{&gateway, apiCookie, func(c session.Cookies) secret.Text { return c.API }},
	} {
		d := newDesk(t)
		ann := d.user(t, "ann")
		c, left := d.begin(t, ann), d.begin(t, ann)
		use := func(after time.Duration) authority.Reason {
			t.Helper()
			d.at(after)
			_, reason := d.known(t, by.door, by.name, by.text(c))
			if err := d.authority.StoreUses(t.Context()); err != nil {
				t.Fatal(err)
			}
			return reason
		}
		for after := step; after < lifetime; after += step {
			if got := use(after); got != "" {
				t.Fatalf("by %s, after %v: got %q, want it let in", by.name, after, got)
			}
			if after > idle+slack {
				d.expect(t, "the twin that nobody used", left, authority.ReasonExpired)
			}
		}
		if got := use(lifetime - time.Microsecond); got != "" {
			t.Errorf("by %s, a microsecond before its end: got %q, want it let in", by.name, got)
		}
		if got := use(lifetime); got != authority.ReasonExpired {
			t.Errorf("by %s, at its end: got %q, want it expired", by.name, got)
		}
		texts := map[authority.Kind]secret.Text{authority.ConsoleSession: c.Console, authority.APISession: c.API}
		for _, w := range d.Ways() { // which say so by themselves
			_, err := w.Prove(t.Context(), authority.Credential{Kind: w.Kind(), Text: texts[w.Kind()]})
			if ref, ok := errors.AsType[*authority.Refusal](err); !ok || ref.Reason != authority.ReasonExpired || ref.ID != c.Session.ID {
				t.Errorf("by %s, at its end: got %v, want the session expired", w.Kind(), err)
			}
		}
		kept, err := d.store.Store.BrowserSessionByDigest(t.Context(), authority.ConsoleSession, d.keys.Digests(c.Console))
		if err != nil || kept.LastUsedAt.Before(noon.Add(lifetime-time.Minute)) || kept.LastUsedIP != "192.0.2.1" {
			t.Errorf("got %+v, %v, want its last use kept to the minute, with where it came from", kept, err)
		}
	}
}

// TestUseStopped: a session that was in use ends when it has rested since the use that was stored.
func TestUseStopped(t *testing.T) {
	d := newDesk(t)
	c := d.begin(t, d.user(t, "ann"))
	const last = 59 * time.Minute
	d.expect(t, "at noon", c, "")
	d.at(last)
	d.expect(t, "in use", c, "")
	if err := d.authority.StoreUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.at(last + idle + slack - time.Microsecond)
	d.expect(t, "after a rest", c, "")
	d.authority.Forget(uuid.Nil)
	d.at(last + idle + slack)
	d.expect(t, "a microsecond later", c, authority.ReasonExpired)
}

// TestClock sets the clock back and ahead: what was found over stays over, and what was made or used while the clock was
// ahead lasts no longer for it.
func TestClock(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c, twin := d.begin(t, ann), d.begin(t, ann)
	d.at(lifetime)
	d.expect(t, "at its end", c, authority.ReasonExpired)
	d.at(idle / 2)
	d.expect(t, "set back", c, authority.ReasonExpired)
	d.expect(t, "the twin that nobody asked about", twin, "")

	d.at(1000 * time.Hour)
	ahead := d.begin(t, ann)
	d.expect(t, "while the clock is ahead", ahead, "")
	d.authority.Forget(uuid.Nil)
	d.at(idle / 2)
	d.expect(t, "made while the clock was ahead", ahead, authority.ReasonExpired)

	used := d.begin(t, ann)
	d.at(idle/2 + slack)
	d.expect(t, "used a little ahead", used, "")
	d.store.touched(t, used.Session.ID, noon.Add(100*time.Hour))
	d.authority.Forget(uuid.Nil)
	d.expect(t, "used while the clock was ahead", used, authority.ReasonExpired)
}

// TestUserChanges changes the user of a session.
func TestUserChanges(t *testing.T) {
	replacement := secret.Text("another password")
	for _, tt := range []struct {
		what   string
		change func(d *desk, ann *authority.Principal, own audit.Actor) error
		own    authority.Reason // why the session by which the change is made is refused after
		other  authority.Reason // and another browser's
	}{
		{"nothing", func(*desk, *authority.Principal, audit.Actor) error { return nil }, "", ""},
		{"renamed", func(d *desk, ann *authority.Principal, own audit.Actor) error {
			_, err := d.accounts.Update(t.Context(), ann.ID, 0, account.Patch{DisplayName: new("Ann")}, own)
			return err
		}, "", ""},
		{"another password, by its session", func(d *desk, ann *authority.Principal, own audit.Actor) error {
			return d.accounts.ChangePassword(t.Context(), ann.ID, password, replacement, own)
		}, "", authority.ReasonEnded},
		{"another password, by a token", func(d *desk, ann *authority.Principal, own audit.Actor) error {
			own.CredentialKind, own.CredentialID = authority.PersonalToken.String(), ann.ID
			return d.accounts.ChangePassword(t.Context(), ann.ID, password, replacement, own)
		}, authority.ReasonEnded, authority.ReasonEnded},
		{"reset", func(d *desk, ann *authority.Principal, _ audit.Actor) error {
			_, err := d.accounts.Update(t.Context(), ann.ID, 0, account.Patch{Password: &replacement}, actor)
			return err
		}, authority.ReasonEnded, authority.ReasonEnded},
		{"deleted", func(d *desk, ann *authority.Principal, _ audit.Actor) error {
			return d.accounts.Delete(t.Context(), ann.ID, actor)
		}, authority.ReasonUnknown, authority.ReasonUnknown},
	} {
		d := newDesk(t)
		ann := d.user(t, "ann")
		own, other, others := d.begin(t, ann), d.begin(t, ann), d.begin(t, d.user(t, "bob"))
		d.expect(t, tt.what+", before", own, "")
		d.expect(t, tt.what+", before", other, "")
		by := audit.Actor{
			UserID: ann.ID, CredentialKind: authority.ConsoleSession.String(), CredentialID: own.Session.ID, AsOf: d.feed.Revision(),
		}
		if err := tt.change(d, ann, by); err != nil {
			t.Fatalf("%s: %v", tt.what, err)
		}
		d.expect(t, tt.what+", by the session itself", own, tt.own)
		d.expect(t, tt.what+", by another browser's", other, tt.other)
		d.expect(t, tt.what+", by another user's", others, "")
	}
}

// TestBlocked: a session never comes back once its user was blocked.
func TestBlocked(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c, unseen := d.begin(t, ann), d.begin(t, ann)
	d.expect(t, "the session", c, "")
	d.set(t, ann, account.Blocked)
	d.expect(t, "a blocked user's", c, authority.ReasonBlocked)
	d.expect(t, "a blocked user's, not seen before", unseen, authority.ReasonBlocked)
	d.set(t, ann, account.Active)
	d.expect(t, "from before the user was let in again", c, authority.ReasonEnded)
	d.expect(t, "from before the user was let in again, not seen before", unseen, authority.ReasonEnded)
	d.expect(t, "a new one", d.begin(t, ann), "")
}

// TestNobody begins sessions for users who can't have one.
func TestNobody(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	former := d.begin(t, d.user(t, "bob"))
	if err := d.accounts.Delete(t.Context(), ann.ID, actor); err != nil {
		t.Fatal(err)
	}
	for what, owner := range map[string]*authority.Principal{"nobody": {}, "a deleted user": ann, "a user unknown": {User: authority.User{ID: uuid.New()}}} {
		if c, err := d.Begin(t.Context(), owner, former.Session.ID, actor); !errors.Is(err, authority.ErrNotFound) || !reflect.DeepEqual(c, session.Cookies{}) {
			t.Errorf("%s: got session %v and error %v, want ErrNotFound alone", what, c.Session.ID, err)
		}
	}
	d.expect(t, "the session that was to be replaced", former, "")
}

// TestPeppers presents cookies stored under the former pepper.
func TestPeppers(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c := d.begin(t, ann)
	if err := d.keys.AddPepper(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "under the former pepper", c, "")
	d.expect(t, "under the newest pepper", d.begin(t, ann), "")
}

// TestPrune deletes the records of sessions thirty days after their latest end: until then a late cookie is known.
func TestPrune(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c := d.begin(t, ann)
	d.at(time.Microsecond)
	next := d.begin(t, ann)
	const gone = lifetime + 30*24*time.Hour
	prune := func(after time.Duration, want int64) {
		t.Helper()
		d.at(after)
		if n, err := d.Prune(t.Context(), d.now); n != want || err != nil {
			t.Errorf("after %v: got %d pruned and error %v, want %d", after, n, err, want)
		}
	}
	prune(gone, 0)
	d.expect(t, "thirty days late", c, authority.ReasonExpired)
	prune(gone+time.Microsecond, 1)
	d.expect(t, "later", c, authority.ReasonUnknown)
	d.expect(t, "one that began after it", next, authority.ReasonExpired)
	prune(gone+time.Microsecond, 0)
	prune(gone+time.Hour, 1)
}

// TestFaults: in doubt nothing passes, and no cookie is given out of which nobody knows whether it counts.
func TestFaults(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c := d.begin(t, ann)
	down := errors.New("the database is down")
	d.store.fail = down
	d.expect(t, "while the database is down", c, authority.ReasonUnavailable)
	d.store.fail = nil
	d.expect(t, "when it is back", c, "")

	refuse := func(ctx context.Context, what string, want error) {
		t.Helper()
		if c, err := d.Begin(ctx, ann, c.Session.ID, actor); !errors.Is(err, want) || !reflect.DeepEqual(c, session.Cookies{}) {
			t.Errorf("%s: got session %v and error %v, want %v alone", what, c.Session.ID, err, want)
		}
	}
	for what, from := range map[string]io.Reader{
		"without randomness":                         iotest.ErrReader(down),
		"with randomness for the first secret alone": io.MultiReader(io.LimitReader(rand.NewChaCha8([32]byte{2}), 64), iotest.ErrReader(down)),
	} {
		d.random.from = from
		refuse(t.Context(), what, down)
	}
	d.random.from = rand.NewChaCha8([32]byte{3})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	refuse(ended, "for a caller who has gone", context.Canceled)
	if got := d.events(t, audit.SessionBegin); len(got) != 1 {
		t.Errorf("got %d sessions begun, want none beside the first", len(got))
	}
	d.expect(t, "after all those log-ins that failed", c, "")

	d.deaf = down
	refuse(t.Context(), "of which this process didn't hear", down)
	d.deaf = nil
	d.store.create = down
	refuse(t.Context(), "by a store that failed after it persisted", down)
	d.store.create = nil
	d.expect(t, "the session that went for one nobody has", c, authority.ReasonEnded)

	next := d.begin(t, ann)
	owner, _ := d.known(t, &console, consoleCookie, next.Console)
	d.store.ended = down
	if err := d.End(t.Context(), &owner, actor); !errors.Is(err, down) {
		t.Errorf("got %v from a store that failed, want its error", err)
	}
}

// TestSecrets searches what is kept and said for the secrets of cookies.
func TestSecrets(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	c := d.begin(t, ann)
	d.expect(t, "the cookie", c, "")
	wrong := mistyped(c, 44)
	d.expect(t, "a mistyped cookie", wrong, authority.ReasonBadChecksum)
	next, err := d.Begin(t.Context(), ann, c.Session.ID, actor)
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, "the replaced", c, authority.ReasonEnded)
	owner, _ := d.known(t, &console, consoleCookie, next.Console)
	if err := d.End(t.Context(), &owner, actor); err != nil {
		t.Fatal(err)
	}
	said := []string{fmt.Sprintf("%v %+v %#v", c, c, &c)}
	tell := func(err error) {
		if err == nil {
			t.Error("got no error, want one to search")
			return
		}
		said = append(said, fmt.Sprintf("%v %+v", err, err))
	}
	tell(d.End(t.Context(), &owner, actor))
	_, err = d.Begin(t.Context(), &authority.Principal{}, uuid.Nil, actor)
	tell(err)
	for _, fail := range []error{nil, errors.New("down")} {
		d.store.fail = fail
		for _, w := range d.Ways() {
			for _, text := range []secret.Text{c.Console, c.API, wrong.Console, wrong.API} {
				_, err := w.Prove(t.Context(), authority.Credential{Kind: w.Kind(), Text: text})
				tell(err)
			}
		}
	}
	d.store.fail = nil
	if err := d.store.AppendRefusals(t.Context(), d.refusals.Drain(d.now)); err != nil {
		t.Fatal(err)
	}
	for _, e := range d.events(t, "") {
		said = append(said, fmt.Sprintf("%+v", e))
	}
	if len(said) < 15 || !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "ended") }) {
		t.Fatalf("got %d texts to search, want more: %q", len(said), said)
	}
	for _, text := range said {
		for _, secrets := range []session.Cookies{c, next, wrong} {
			for _, s := range []secret.Text{secrets.Console, secrets.API} {
				if strings.Contains(text, s.Reveal()[3:44]) {
					t.Errorf("got a secret in %q", text)
				}
			}
		}
	}
}

func TestConfig(t *testing.T) {
	d := newDesk(t)
	good := session.Config{
		Store: d.store, Keyring: d.keys, Applied: func(context.Context) error { return nil }, Now: time.Now, Random: d.random,
		Idle: time.Hour, Lifetime: time.Hour,
	}
	if _, err := session.NewBrowsers(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*session.Config){
		"no store": func(c *session.Config) { c.Store = nil }, "no keyring": func(c *session.Config) { c.Keyring = nil },
		"no Applied": func(c *session.Config) { c.Applied = nil }, "no clock": func(c *session.Config) { c.Now = nil },
		"no randomness": func(c *session.Config) { c.Random = nil }, "no Idle": func(c *session.Config) { c.Idle = 0 },
		"a negative Idle":                 func(c *session.Config) { c.Idle = -time.Hour },
		"no Lifetime":                     func(c *session.Config) { c.Lifetime = 0 },
		"a Lifetime shorter than to rest": func(c *session.Config) { c.Lifetime = time.Hour - 1 },
	} {
		cfg := good
		change(&cfg)
		if b, err := session.NewBrowsers(cfg); err == nil || b != nil {
			t.Errorf("%s: got %v, want an error", what, b)
		}
	}
}
