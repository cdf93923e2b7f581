package personal_test

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
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
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	door  = authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.PersonalToken)}
	actor = audit.Actor{Username: "actor"}
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
	put     error // of rotations that persist all the same
}

func (s *store) FindPersonalToken(ctx context.Context, digests []keyring.Digest) (personal.Found, error) {
	s.lookUps.Add(1)
	if s.fail != nil {
		return personal.Found{}, s.fail
	}
	return s.Store.FindPersonalToken(ctx, digests)
}

func (s *store) PutPersonalToken(ctx context.Context, id uuid.UUID, d keyring.Digest, ev audit.Event) error {
	return errors.Join(s.Store.PutPersonalToken(ctx, id, d, ev), s.put)
}

// desk is what a personal token passes on its way.
type desk struct {
	*personal.Tokens
	store     *store
	keys      *keyring.Keyring
	authority *authority.Authority
	refusals  *audit.Refusals
	random    *random
	now       time.Time
}

// users are loaded by what account would do without its passwords.
type users struct{ store *sqlite.Store }

func (u users) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	user, err := u.store.User(ctx, id)
	return authority.User{ID: user.ID, Username: user.Username, Roles: user.Roles, Active: user.State == account.Active}, err
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
	f, err := feed.New(feed.Config{Store: db, Now: now, Apply: func(_ context.Context, c feed.Change) error {
		d.authority.Forget(c.ID)
		return nil
	}})
	check(err)
	d.Tokens, err = personal.New(personal.Config{Store: d.store, Keyring: d.keys, Applied: f.CatchUp, Now: now, Random: d.random})
	check(err)
	d.authority, err = authority.New(authority.Config{
		Ways: []authority.Way{d.Tokens}, Users: users{db}, Policy: func() *policy.Table { return new(policy.Table) },
		Refusals: d.refusals, Fresh: f.Fresh, Now: now, Random: cryptorand.Reader,
	})
	check(err)
	check(f.CatchUp(t.Context()))
	return d
}

// user makes a user and returns it as the owner of its token.
func (d *desk) user(t *testing.T, name string) *authority.Principal {
	t.Helper()
	u := account.User{ID: uuid.Must(uuid.NewV7()), Kind: account.Person, Username: name, State: account.Active, Version: 1, CreatedAt: noon, UpdatedAt: noon}
	r := account.Record{User: u, UsernameKey: name}
	if err := d.store.CreateUser(t.Context(), r, "", audit.New(audit.UserCreate, actor, audit.Target{}, noon)); err != nil {
		t.Fatal(err)
	}
	return &authority.Principal{User: authority.User{ID: u.ID, Username: name, Active: true}}
}

func (d *desk) rotate(t *testing.T, owner *authority.Principal) secret.Text {
	t.Helper()
	text, _, err := d.Rotate(t.Context(), owner, actor)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// expect presents a token to the real authority, twice: the second time it may be remembered.
func (d *desk) expect(t *testing.T, what string, token secret.Text, want authority.Reason) {
	t.Helper()
	for _, time := range []string{"first", "second"} {
		_, err := d.authority.Identify(t.Context(), d.presented(token), &door)
		var got authority.Reason
		if ref, ok := errors.AsType[*authority.Refusal](err); ok {
			got = ref.Reason
		}
		if got != want || (err == nil) != (want == "") {
			t.Errorf("%s, the %s time: got %q, want %q", what, time, got, want)
		}
	}
}

func (d *desk) presented(token secret.Text) *authority.Presented {
	return &authority.Presented{Authorization: []string{"Bearer " + token.Reveal()}, Peer: netip.MustParseAddr("192.0.2.1")}
}

func TestRotate(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	if _, err := d.Metadata(t.Context(), ann); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v before the first token, want ErrNotFound", err)
	}
	others := d.rotate(t, bob)
	first, made, err := d.Rotate(t.Context(), ann, actor)
	if err != nil || !secret.Valid(first.Reveal(), secret.Personal) || made != (personal.Token{UserID: ann.ID, CreatedAt: noon, Pepper: 1}) {
		t.Fatalf("got %+v, %v, want ann's token of noon", made, err)
	}
	d.expect(t, "the first token", first, "")
	d.now = noon.Add(time.Minute)
	second := d.rotate(t, ann)
	d.expect(t, "the first token after a rotation", first, authority.ReasonSuperseded)
	d.expect(t, "the second token", second, "")
	third := d.rotate(t, ann)
	d.expect(t, "the first token after two rotations", first, authority.ReasonUnknown)
	d.expect(t, "the second token after a rotation", second, authority.ReasonSuperseded)
	d.expect(t, "the third token", third, "")
	d.expect(t, "another's token", others, "")

	kept, err := d.Metadata(t.Context(), ann)
	if err != nil || kept != (personal.Token{UserID: ann.ID, CreatedAt: d.now, Pepper: 1}) {
		t.Errorf("got %+v, %v, want the third token's", kept, err)
	}
	events, err := d.store.Events(t.Context(), audit.Query{Target: ann.ID})
	if err != nil || len(events) != 3 || events[0].Action != audit.PersonalTokenRotate || events[0].Actor != actor || events[0].Target.Name != "ann" {
		t.Errorf("got %+v, %v, want three rotations", events, err)
	}
	p, err := d.authority.Identify(t.Context(), d.presented(third), &door)
	if err != nil || p.ID != ann.ID || p.CredentialID != ann.ID || p.CredentialKind != authority.PersonalToken {
		t.Errorf("got %+v, %v, want ann by her token", p, err)
	}
}

func TestRevoke(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	if err := d.Revoke(t.Context(), ann, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v without a token, want ErrNotFound", err)
	}
	token, others := d.rotate(t, ann), d.rotate(t, bob)
	d.expect(t, "the token", token, "")
	if err := d.Revoke(t.Context(), ann, actor); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "a revoked token", token, authority.ReasonSuperseded)
	d.expect(t, "another's token", others, "")
	if _, err := d.Metadata(t.Context(), ann); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v after revoking, want ErrNotFound", err)
	}
	if err := d.Revoke(t.Context(), ann, actor); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for revoking twice, want ErrNotFound", err)
	}
	if events, err := d.store.Events(t.Context(), audit.Query{Action: audit.PersonalTokenRevoke}); err != nil || len(events) != 1 {
		t.Errorf("got %+v, %v, want one revocation", events, err)
	}
	d.expect(t, "a token made after", d.rotate(t, ann), "")
	d.expect(t, "the revoked token once more", token, authority.ReasonSuperseded)
}

// TestOwnerAlone rotates for users who can't have a token.
func TestOwnerAlone(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	token := d.rotate(t, ann)
	d.expect(t, "the token", token, "")
	if err := d.store.DeleteUser(t.Context(), ann.ID, audit.New(audit.UserDelete, actor, audit.Target{}, noon)); err != nil {
		t.Fatal(err)
	}
	for what, owner := range map[string]*authority.Principal{"nobody": {}, "a deleted user": ann, "a user unknown": {User: authority.User{ID: uuid.New()}}} {
		if text, made, err := d.Rotate(t.Context(), owner, actor); !errors.Is(err, authority.ErrNotFound) || text != "" || made != (personal.Token{}) {
			t.Errorf("%s: got %q, %+v, %v, want ErrNotFound alone", what, text.Reveal(), made, err)
		}
	}
	// This desk's authority heard of the deletion only now, as of another node's.
	d.authority.Forget(ann.ID)
	d.expect(t, "a deleted user's token", token, authority.ReasonUnknown)
}

// TestFiftyRotations rotates one token from many sides while it is presented; in the end exactly one is valid, and it
// is the last that was stored. With memory on, nothing that was remembered meanwhile may stay.
func TestFiftyRotations(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	const rotations = 50
	var mu sync.Mutex
	tokens := []secret.Text{d.rotate(t, ann)}
	var rotating, presenting sync.WaitGroup
	done := make(chan struct{})
	for i := range 4 {
		presenting.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				mu.Lock()
				token := tokens[max(0, len(tokens)-1-i)]
				mu.Unlock()
				_, _ = d.authority.Identify(t.Context(), d.presented(token), &door)
			}
		})
	}
	for range rotations {
		rotating.Go(func() {
			text, _, err := d.Rotate(t.Context(), ann, actor)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			tokens = append(tokens, text)
			mu.Unlock()
		})
	}
	rotating.Wait()
	close(done)
	presenting.Wait()
	for _, remembered := range []bool{false, true} {
		valid, distinct := []secret.Text{}, map[secret.Text]bool{}
		for _, token := range tokens {
			distinct[token] = true
			if _, err := d.authority.Identify(t.Context(), d.presented(token), &door); err == nil {
				valid = append(valid, token)
			}
		}
		if len(valid) != 1 || len(distinct) != rotations+1 {
			t.Fatalf("remembered %t: got %d valid of %d, want 1 of %d", remembered, len(valid), len(distinct), rotations+1)
		}
		before := d.store.lookUps.Load()
		d.expect(t, "the last token", valid[0], "")
		if n := d.store.lookUps.Load() - before; n != 0 {
			t.Errorf("got %d look-ups for the last token, want it remembered", n)
		}
	}
}

// TestChecksum changes each character of a good token: it is refused without a look-up. A forgery with its checksum
// right costs one.
func TestChecksum(t *testing.T) {
	d := newDesk(t)
	token := d.rotate(t, d.user(t, "ann"))
	before := d.store.lookUps.Load()
	for i := 3; i < len(token); i++ {
		changed := []byte(token.Reveal())
		changed[i] ^= 1
		d.expect(t, "a mistyped token", secret.Text(changed), authority.ReasonBadChecksum)
	}
	d.expect(t, "a cut token", token[:50], authority.ReasonBadChecksum)
	d.expect(t, "a padded token", token+"0", authority.ReasonBadChecksum)
	if n := d.store.lookUps.Load() - before; n != 0 {
		t.Errorf("got %d look-ups for mistyped tokens, want none", n)
	}
	forged, err := secret.Make(secret.Personal, d.random)
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, "a forged token", forged, authority.ReasonUnknown)
	d.expect(t, "a token of another tag", "jts"+token[3:], authority.ReasonUnrecognized)
	d.expect(t, "the token", token, "")
	if n := d.store.lookUps.Load() - before; n != 2 {
		t.Errorf("got %d look-ups, want one for the forgery and one for the token", n)
	}
	reasons := map[string]int64{}
	for _, e := range d.refusals.Drain(d.now) {
		reasons[e.Reason] += e.Count
	}
	if reasons["bad_checksum"] != 2*50 || reasons["unknown"] != 2 || reasons["unrecognized"] != 2 {
		t.Errorf("got %v in the audit log, want 100 mistyped, 2 unknown, 2 unrecognized", reasons)
	}
}

// TestPeppers presents tokens stored under the former pepper: they are good, and are stored under the newest from then on.
func TestPeppers(t *testing.T) {
	d := newDesk(t)
	ann, bob := d.user(t, "ann"), d.user(t, "bob")
	token, former := d.rotate(t, ann), d.rotate(t, bob)
	if err := d.keys.AddPepper(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	d.rotate(t, bob)
	version := func(owner *authority.Principal) int64 {
		t.Helper()
		kept, err := d.Metadata(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		return kept.Pepper
	}
	if version(ann) != 1 || version(bob) != 2 {
		t.Errorf("got peppers %d and %d, want 1 until it is presented, and 2 for what is new", version(ann), version(bob))
	}
	d.expect(t, "a token under the former pepper", token, "")
	if version(ann) != 2 {
		t.Errorf("got pepper %d after it was presented, want 2", version(ann))
	}
	d.authority.Forget(uuid.Nil)
	d.expect(t, "the token under the newest pepper", token, "")
	d.expect(t, "a superseded token under the former pepper", former, authority.ReasonSuperseded)
	d.rotate(t, ann)
	d.expect(t, "the token after a rotation", token, authority.ReasonSuperseded)
}

func TestLastUsed(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	token := d.rotate(t, ann)
	use := func(at time.Duration, from string) {
		t.Helper()
		d.now = noon.Add(at)
		in := d.presented(token)
		in.Peer = netip.MustParseAddr(from)
		if _, err := d.authority.Identify(t.Context(), in, &door); err != nil {
			t.Fatal(err)
		}
		if err := d.authority.StoreUses(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(at time.Duration, from string) {
		t.Helper()
		kept, err := d.Metadata(t.Context(), ann)
		if err != nil || kept.LastUsedIP != from || kept.LastUsedAt.Truncate(time.Minute) != noon.Add(at) {
			t.Errorf("got %v from %q, %v, want the minute of %v from %s", kept.LastUsedAt, kept.LastUsedIP, err, noon.Add(at), from)
		}
	}
	use(time.Second, "192.0.2.1")
	expect(0, "192.0.2.1")
	use(3*time.Second, "192.0.2.2") // the minute of use is known already, unless nothing is remembered
	use(time.Minute+time.Second, "2001:db8::1")
	expect(time.Minute, "2001:db8::1")
	// A use told late doesn't go before a later one, nor one of a former token count for the new.
	late := []authority.Use{{ID: ann.ID, At: noon.Add(time.Second), From: netip.MustParseAddr("192.0.2.9")}, {ID: uuid.New(), At: d.now}}
	if err := d.Touch(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	expect(time.Minute, "2001:db8::1")
	d.rotate(t, ann)
	if err := d.Touch(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if kept, err := d.Metadata(t.Context(), ann); err != nil || !kept.LastUsedAt.IsZero() || kept.LastUsedIP != "" {
		t.Errorf("got %+v, %v, want a new token never used", kept, err)
	}
}

// TestFaults: in doubt nothing passes, and nothing is said about a token that may have been stored.
func TestFaults(t *testing.T) {
	d := newDesk(t)
	ann := d.user(t, "ann")
	token := d.rotate(t, ann)
	down := errors.New("the database is down")
	d.store.fail = down
	d.expect(t, "a token while the database is down", token, authority.ReasonUnavailable)
	d.store.fail = nil
	d.expect(t, "the token when it is back", token, "")

	d.random.from = iotest.ErrReader(down)
	if text, _, err := d.Rotate(t.Context(), ann, actor); !errors.Is(err, down) || text != "" {
		t.Errorf("got %q, %v without randomness, want the error alone", text.Reveal(), err)
	}
	d.expect(t, "the token after a failed rotation", token, "")
	d.random.from = rand.NewChaCha8([32]byte{2})

	d.store.put = down
	if text, _, err := d.Rotate(t.Context(), ann, actor); !errors.Is(err, down) || text != "" {
		t.Errorf("got %q, %v from a store that failed, want the error alone", text.Reveal(), err)
	}
	d.store.put = nil
	if _, err := d.Metadata(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.Rotate(ended, ann, actor); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for a caller who has gone, want the context's error", err)
	}
}

func TestConfig(t *testing.T) {
	d := newDesk(t)
	good := personal.Config{Store: d.store, Keyring: d.keys, Applied: func(context.Context) error { return nil }, Now: time.Now, Random: d.random}
	if _, err := personal.New(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*personal.Config){
		"no store": func(c *personal.Config) { c.Store = nil }, "no keyring": func(c *personal.Config) { c.Keyring = nil },
		"no Applied": func(c *personal.Config) { c.Applied = nil }, "no clock": func(c *personal.Config) { c.Now = nil },
		"no randomness": func(c *personal.Config) { c.Random = nil },
	} {
		cfg := good
		change(&cfg)
		if tokens, err := personal.New(cfg); err == nil || tokens != nil {
			t.Errorf("%s: got %v, want an error", what, tokens)
		}
	}
}
