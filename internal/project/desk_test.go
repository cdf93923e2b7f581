package project_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

var (
	// admin is who manages projects in the tests. It is nobody in the database, as Jeton itself is.
	admin = audit.Actor{Username: "root", Address: "192.0.2.1"}
	peer  = netip.MustParseAddr("192.0.2.7")
	names = authority.Parameters{Security: "XST", User: "XUT", Context: "XSC", Project: "ProjectId"}
	noon  = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

// desk is Projects on a real database, with the project 1000 and the user ann.
type desk struct {
	*project.Projects
	store    *faultyStore
	users    *countedUsers
	accounts *account.Accounts
	keys     *keyring.Keyring
	random   *faultyRandom
	project  project.Project
	ann      account.User
	moved    atomic.Int64 // microseconds since noon
	paused   atomic.Int64 // nanoseconds in all
	from     atomic.Int64 // addresses that have called
	heard    atomic.Int64 // the revision of the feed
}

// faultyStore is the store until it is told to fail.
type faultyStore struct {
	*sqlite.Store
	use, all error // of UseAssertion, which persists all the same; of AllProjects
	note     error // of NoteTokenSet
}

func (s *faultyStore) UseAssertion(ctx context.Context, digest [32]byte, until time.Time) error {
	if err := s.Store.UseAssertion(ctx, digest, until); err != nil {
		return err
	}
	return s.use
}

func (s *faultyStore) NoteTokenSet(ctx context.Context, id uuid.UUID, ev audit.Event) error {
	if s.note != nil {
		return s.note
	}
	return s.Store.NoteTokenSet(ctx, id, ev)
}

func (s *faultyStore) AllProjects(ctx context.Context) ([]project.Entry, error) {
	if s.all != nil {
		return nil, s.all
	}
	return s.Store.AllProjects(ctx)
}

// countedUsers are the accounts until they are told to fail. They count what they are asked.
type countedUsers struct {
	*account.Accounts
	asked  atomic.Int64
	err    error
	create func() // is called before a user is made
	before func() // likewise, before one is found by name
}

func (u *countedUsers) User(ctx context.Context, id uuid.UUID) (account.User, error) {
	u.asked.Add(1)
	if u.err != nil {
		return account.User{}, u.err
	}
	return u.Accounts.User(ctx, id)
}

func (u *countedUsers) FindByName(ctx context.Context, name string) (account.User, error) {
	u.asked.Add(1)
	if u.before != nil {
		u.before()
	}
	if u.err != nil {
		return account.User{}, u.err
	}
	return u.Accounts.FindByName(ctx, name)
}

func (u *countedUsers) Create(ctx context.Context, d account.Draft, actor audit.Actor) (account.User, error) {
	if u.create != nil {
		u.create()
	}
	return u.Accounts.Create(ctx, d, actor)
}

// faultyRandom is randomness until it is told to fail.
type faultyRandom struct{ err error }

func (r *faultyRandom) Read(b []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	return rand.Read(b)
}

var errDown = errors.New("down")

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) now() time.Time { return noon.Add(time.Duration(d.moved.Load()) * time.Microsecond) }

// at sets the clock, by how long after noon it is.
func (d *desk) at(after time.Duration) { d.moved.Store(after.Microseconds()) }

func newDesk(t testing.TB, change ...func(*project.Draft)) *desk {
	t.Helper()
	d := &desk{random: new(faultyRandom)}
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: d.now})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	d.store = &faultyStore{Store: store}
	master, _, err := keyring.NewMasterKey(rand.Reader)
	check(t, err)
	applied := func(ctx context.Context) error {
		batch, err := store.ChangesAfter(ctx, 0)
		if err == nil {
			err = d.Reload(ctx)
		}
		if err == nil {
			d.heard.Store(batch.Head.Revision)
		}
		return err
	}
	d.keys, err = keyring.Open(t.Context(), keyring.Config{Store: store, Master: master, Now: d.now, Random: rand.Reader})
	check(t, err)
	d.accounts, err = account.New(account.Config{
		Store: store, Applied: func(context.Context) error { return nil }, Now: d.now, Random: rand.Reader, PasswordSlots: 1,
	})
	check(t, err)
	d.users = &countedUsers{Accounts: d.accounts}
	d.Projects, err = project.New(project.Config{
		Store: d.store, Users: d.users, Keyring: d.keys, Applied: applied, Revision: d.heard.Load, Parameters: names, Now: d.now, Pause: d.pause, Random: d.random,
	})
	check(t, err)
	d.ann = d.user(t, account.Draft{Username: "ann", Email: "ann@example.com", Roles: []string{"partner"}})
	draft := project.Draft{Number: 1000, Name: "Applications"}
	for _, c := range change {
		c(&draft)
	}
	d.project, err = d.Create(t.Context(), draft, admin)
	check(t, err)
	return d
}

// pause takes note of for how long somebody is to wait, and is over at once.
func (d *desk) pause(_ context.Context, wait time.Duration) { d.paused.Add(int64(wait)) }

func (d *desk) user(t testing.TB, draft account.Draft) account.User {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), draft, admin)
	check(t, err)
	return u
}

// set gives the project a token set.
func (d *desk) set(t testing.TB, draft project.SetDraft) project.TokenSet {
	t.Helper()
	s, _, err := d.AddSet(t.Context(), d.project.Number, draft, admin)
	check(t, err)
	return s
}

// cbc is a token set as XDOC's clients have one.
func cbc(name string) project.SetDraft {
	return project.SetDraft{Name: name, Mode: new("CBC"), Key: "the key of the clients of old"}
}

// fields are those of a token, in their order: names and values by turns.
type fields []string

// with returns the fields with others in their place, or behind. A field without a value is left out.
func (f fields) with(pairs ...string) fields {
	changed := append(fields{}, f...)
	for i := 0; i < len(pairs); i += 2 {
		at := -1
		for j := 0; j < len(changed); j += 2 {
			if changed[j] == pairs[i] {
				at = j
			}
		}
		switch {
		case at >= 0 && pairs[i+1] == none:
			changed = append(changed[:at], changed[at+2:]...)
		case at >= 0:
			changed[at+1] = pairs[i+1]
		case pairs[i+1] != none:
			changed = append(changed, pairs[i], pairs[i+1])
		}
	}
	return changed
}

// none is the value of a field that is left out.
const none = "\x00"

// form, xml and json write fields down.
func (f fields) form() secret.Text {
	var pairs []string
	for i := 0; i < len(f); i += 2 {
		pairs = append(pairs, f[i]+"="+url.QueryEscape(f[i+1]))
	}
	return secret.Text(strings.Join(pairs, "&"))
}

func (f fields) xml() secret.Text {
	text := "<SecurityToken>\r\n"
	for i := 0; i < len(f); i += 2 {
		text += "    <" + f[i] + ">" + f[i+1] + "</" + f[i] + ">\r\n"
	}
	return secret.Text(text + "</SecurityToken>")
}

func (f fields) json() secret.Text {
	var pairs []string
	for i := 0; i < len(f); i += 2 {
		pairs = append(pairs, `"`+f[i]+`":"`+f[i+1]+`"`)
	}
	return secret.Text("{" + strings.Join(pairs, ",") + "}")
}

// stamp writes a time as XDOC's clients do.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.999999Z") }

// security and user are the fields of good tokens of now.
func (d *desk) security() fields {
	return fields{"Context", "MyContext", "AppId", "MyApp", "AppKey", "MyAppKey", "GenDT", stamp(d.now())}
}

func (d *desk) named(name string) fields { return fields{"UserName", name, "GenDT", stamp(d.now())} }

// seal returns a token as it stands in a query.
func (d *desk) seal(t testing.TB, s project.TokenSet, text secret.Text, parameter string) secret.Text {
	t.Helper()
	made, err := d.Seal(t.Context(), project.Screen{Number: d.project.Number, Set: s.ID, Parameter: parameter}, text, audit.Actor{})
	check(t, err)
	return secret.Text(made.URL)
}

// xst and xut seal a token.
func (d *desk) xst(t testing.TB, s project.TokenSet, f fields) secret.Text {
	t.Helper()
	return d.seal(t, s, f.xml(), "XST")
}

func (d *desk) xut(t testing.TB, s project.TokenSet, f fields) secret.Text {
	t.Helper()
	return d.seal(t, s, f.xml(), "XUT")
}

// prove presents tokens from an address of their own, lest many of them be throttled.
func (d *desk) prove(t testing.TB, tokens authority.SealedTokens) (authority.Proof, error) {
	t.Helper()
	n := d.from.Add(1)
	return d.Prove(t.Context(), authority.Credential{
		Kind: authority.Sealed, Sealed: tokens, From: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}),
	})
}

// reason is why tokens are refused; empty where they aren't.
func (d *desk) reason(t testing.TB, tokens authority.SealedTokens) authority.Reason {
	t.Helper()
	_, err := d.prove(t, tokens)
	return reasonOf(t, err)
}

func reasonOf(t testing.TB, err error) authority.Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	return refusalOf(t, err).Reason
}

func refusalOf(t testing.TB, err error) *authority.Refusal {
	t.Helper()
	ref := refusalIn(err)
	if ref == nil {
		t.Fatal(err)
	}
	return ref
}

// refusalIn returns the refusal that an error is, or nil.
func refusalIn(err error) *authority.Refusal {
	ref, _ := errors.AsType[*authority.Refusal](err)
	return ref
}

// update changes the project.
func (d *desk) update(t testing.TB, patch project.Patch) {
	t.Helper()
	_, err := d.Update(t.Context(), d.project.Number, 0, patch, admin)
	check(t, err)
}

// wantField checks that an error is of a field.
func wantField(t testing.TB, err error, field string) {
	t.Helper()
	f, ok := errors.AsType[*authority.FieldError](err)
	if !ok || f.Field != field {
		t.Errorf("got %v, want an error of the field %q", err, field)
	}
}

// raw returns the bytes of a token that stands in a query.
func raw(t testing.TB, token secret.Text) []byte {
	t.Helper()
	b, ok := sealed.DecodeQuery(token.Reveal())
	if !ok {
		t.Fatal("the token isn't Base64")
	}
	return b
}

// encoded returns bytes as a token that stands in a query.
func encoded(token []byte) secret.Text {
	_, text := sealed.Encode(token)
	return secret.Text(text)
}
