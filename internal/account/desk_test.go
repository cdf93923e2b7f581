package account_test

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
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

// password is what everybody in these tests has, and a letter more than the shortest allowed.
const password = secret.Text("pässword9")

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	root = audit.Actor{Username: "root"}
	door = authority.Door{Name: "v1", Kinds: authority.KindsOf(authority.Password, authority.PersonalToken)}
)

// random is a source that goroutines share and that is the same in every run.
type random struct {
	mu   sync.Mutex
	from io.Reader
}

func newRandom() *random { return &random{from: rand.NewChaCha8([32]byte{1})} }

func (r *random) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from.Read(b)
}

// desk is as much of Jeton as shows what becomes of a user's credentials.
type desk struct {
	*account.Accounts
	store     *sqlite.Store
	authority *authority.Authority
	tokens    *personal.Tokens
	refusals  *audit.Refusals
	random    *random
	now       time.Time
	changed   []uuid.UUID // whose password, as PasswordChanged was told
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{refusals: audit.NewRefusals(100), random: newRandom(), now: noon}
	now := func() time.Time { return d.now }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	d.store, err = sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: now})
	check(err)
	t.Cleanup(func() {
		if err := d.store.Close(); err != nil {
			t.Error(err)
		}
	})
	f, err := feed.New(feed.Config{Store: d.store, Now: now, Apply: func(_ context.Context, c feed.Change) error {
		d.authority.Forget(c.ID)
		return nil
	}})
	check(err)
	d.Accounts, err = account.New(account.Config{
		Store: d.store, Applied: f.CatchUp, Now: now, Random: d.random, PasswordSlots: 2,
		PasswordChanged: func(id uuid.UUID) { d.changed = append(d.changed, id) },
	})
	check(err)
	keys, err := keyring.Open(t.Context(), keyring.Config{Store: d.store, Master: "0123456789abcdef0123456789abcdef", Now: now, Random: d.random})
	check(err)
	d.tokens, err = personal.New(personal.Config{Store: d.store, Keyring: keys, Applied: f.CatchUp, Now: now, Random: d.random})
	check(err)
	d.authority, err = authority.New(authority.Config{
		Ways: []authority.Way{d.Accounts, d.tokens}, Users: d.Accounts, Policy: func() *policy.Table { return new(policy.Table) },
		Refusals: d.refusals, Fresh: f.Fresh, Now: now, Random: cryptorand.Reader,
	})
	check(err)
	check(f.CatchUp(t.Context()))
	return d
}

// create makes a user of a draft that must be good.
func (d *desk) create(t *testing.T, draft account.Draft) account.User {
	t.Helper()
	u, err := d.Create(t.Context(), draft, root)
	if err != nil {
		t.Fatalf("creating %q: %v", draft.Username, err)
	}
	return u
}

// update changes a user whatever its version, and must succeed.
func (d *desk) update(t *testing.T, id uuid.UUID, p account.Patch) account.User {
	t.Helper()
	u, err := d.Update(t.Context(), id, 0, p, root)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// why proves a password and returns why it is refused, or nothing. It takes the time it takes, as the authority doesn't.
func (d *desk) why(t *testing.T, name string, password secret.Text) authority.Reason {
	t.Helper()
	proof, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Password, Name: name, Text: password})
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		return ref.Reason
	}
	id, finding := d.UserID(t.Context(), name)
	want := authority.Proof{ID: id, UserID: id, NotAfter: d.now.Add(15 * time.Minute), Remember: true}
	if err != nil || finding != nil || proof != want {
		t.Fatalf("got %+v, %v, want a proof of %s", proof, err, name)
	}
	return ""
}

func basic(name string, password secret.Text) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password.Reveal()))
}

// reason presents a credential to the real authority and returns why it was refused, or nothing.
func (d *desk) reason(t *testing.T, authorization string) authority.Reason {
	t.Helper()
	_, err := d.authority.Identify(t.Context(), &authority.Presented{Authorization: []string{authorization}}, &door)
	if err == nil {
		return ""
	}
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	return ref.Reason
}

// hash returns what is stored of a user's password.
func (d *desk) hash(t *testing.T, name string) string {
	t.Helper()
	kept, err := d.store.PasswordByName(t.Context(), account.Key(name))
	if err != nil {
		t.Fatal(err)
	}
	return kept.Hash
}

// events returns the audit log, newest first.
func (d *desk) events(t *testing.T) []audit.Event {
	t.Helper()
	events, err := d.store.Events(t.Context(), audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// fieldOf returns the field that an error complains of, or nothing.
func fieldOf(err error) string {
	if field, ok := errors.AsType[*authority.FieldError](err); ok {
		return field.Field
	}
	return ""
}
