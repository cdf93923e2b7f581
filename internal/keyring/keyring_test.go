package keyring_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

const (
	master = secret.Text("0123456789abcdef0123456789abcdef")
	token  = secret.Text("a token")
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

func newStore(t *testing.T) *sqlite.Store {
	return openStore(t, filepath.Join(t.TempDir(), "jeton.db"))
}

func openStore(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// config returns a configuration whose randomness is the same in every run.
func config(store keyring.Store, seed byte) keyring.Config {
	return keyring.Config{Store: store, Master: master, Now: now, Random: rand.NewChaCha8([32]byte{seed})}
}

func mustOpen(t *testing.T, cfg keyring.Config) *keyring.Keyring {
	t.Helper()
	k, err := keyring.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// stored is everything that a keyring could have written.
type stored struct {
	Check    []byte
	Peppers  []keyring.WrappedPepper
	Position feed.Position
	Events   []audit.Event
}

func read(t *testing.T, store *sqlite.Store) (s stored) {
	t.Helper()
	var errs [4]error
	s.Check, errs[0] = store.MasterCheck(t.Context())
	s.Peppers, errs[1] = store.Peppers(t.Context())
	s.Position, errs[2] = store.Position(t.Context())
	s.Events, errs[3] = store.Events(t.Context(), audit.Query{})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConfig(t *testing.T) {
	store := newStore(t)
	for name, change := range map[string]func(*keyring.Config){
		"no store": func(c *keyring.Config) { c.Store = nil }, "no clock": func(c *keyring.Config) { c.Now = nil },
		"no randomness": func(c *keyring.Config) { c.Random = nil }, "no key": func(c *keyring.Config) { c.Master = "" },
		"a key of 31 bytes": func(c *keyring.Config) { c.Master = c.Master[1:] },
		"a key of 33 bytes": func(c *keyring.Config) { c.Master += "0" },
	} {
		cfg := config(store, 1)
		change(&cfg)
		if k, err := keyring.Open(t.Context(), cfg); err == nil || k != nil || strings.Contains(err.Error(), "0123") {
			t.Errorf("%s: got %v, want an error that shows no key", name, err)
		}
	}
	if s := read(t, store); s.Check != nil || s.Peppers != nil {
		t.Errorf("got %+v written, want nothing", s)
	}
	mustOpen(t, config(store, 1))
}

// expand is HKDF-SHA-256 (RFC 5869) of one block, without salt.
func expand(info string) []byte {
	extract := hmac.New(sha256.New, make([]byte, sha256.Size))
	extract.Write([]byte(master.Reveal()))
	mac := hmac.New(sha256.New, extract.Sum(nil))
	mac.Write([]byte(info + "\x01"))
	return mac.Sum(nil)
}

// unwrap opens a wrapped key by other means than the package's.
func unwrap(t *testing.T, wrapped []byte, label string) []byte {
	t.Helper()
	block, err := aes.NewCipher(expand("jeton wrapping key 1"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	key, err := gcm.Open(nil, wrapped[:12], wrapped[12:], []byte(label))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestFirstStart opens a new database, and what it wrote by other means: were the form to change, no database made
// before could be read.
func TestFirstStart(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, config(store, 1))
	s := read(t, store)
	if want := expand("jeton master key check 1"); !bytes.Equal(s.Check, want) {
		t.Errorf("got check %x, want %x", s.Check, want)
	}
	if len(s.Peppers) != 1 || s.Peppers[0].Version != 1 || s.Peppers[0].CreatedAt != noon {
		t.Fatalf("got peppers %+v, want version 1 of noon", s.Peppers)
	}
	if len(s.Events) != 1 || s.Events[0].Action != audit.PepperCreate || s.Events[0].Detail["version"] != "1" {
		t.Errorf("got events %+v, want that of the pepper", s.Events)
	}
	pepper := unwrap(t, s.Peppers[0].Wrapped, "pepper 1")
	drawn := make([]byte, 32)
	_, _ = io.ReadFull(config(store, 1).Random, drawn)
	if !bytes.Equal(pepper, drawn) {
		t.Errorf("got pepper %x, want the bytes drawn, %x", pepper, drawn)
	}
	want := keyring.Digest{Pepper: 1, Sum: secret.NewPepper(pepper).Digest(token)}
	if k.Digest(token) != want || !cmp.Equal(k.Digests(token), []keyring.Digest{want}) {
		t.Errorf("got digest %x, want %x", k.Digest(token), want)
	}
	// The second start takes what is there.
	if again := mustOpen(t, config(store, 2)); again.Digest(token) != want {
		t.Errorf("got digest %x after a restart, want %x", again.Digest(token), want)
	}
	if after := read(t, store); !cmp.Equal(after, s) {
		t.Errorf("got written at the second start: %s", cmp.Diff(s, after))
	}
}

// TestWrongMasterKey changes one bit of the key.
func TestWrongMasterKey(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, config(store, 1))
	before := read(t, store)
	for i := range len(master) {
		key := []byte(master.Reveal())
		key[i] ^= 1
		cfg := config(store, 2)
		cfg.Master = secret.Text(key)
		if other, err := keyring.Open(t.Context(), cfg); !errors.Is(err, keyring.ErrWrongMasterKey) || other != nil {
			t.Errorf("byte %d changed: got %v, want ErrWrongMasterKey", i, err)
		}
	}
	if after := read(t, store); !cmp.Equal(after, before) {
		t.Errorf("got written by a wrong key: %s", cmp.Diff(before, after))
	}
	if again := mustOpen(t, config(store, 2)); again.Digest(token) != k.Digest(token) {
		t.Error("got another digest under the right key, want the same")
	}
}

// altered is a store whose peppers somebody has touched.
type altered struct {
	keyring.Store
	alter func([]keyring.WrappedPepper) []keyring.WrappedPepper
}

func (a altered) Peppers(ctx context.Context) ([]keyring.WrappedPepper, error) {
	peppers, err := a.Store.Peppers(ctx)
	return a.alter(peppers), err
}

func TestTamperedPeppers(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, config(store, 1))
	if err := k.AddPepper(t.Context(), audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	size := len(read(t, store).Peppers[0].Wrapped)
	type peppers = []keyring.WrappedPepper
	alterations := map[string]func(peppers) peppers{
		"swapped":       func(p peppers) peppers { p[0].Wrapped, p[1].Wrapped = p[1].Wrapped, p[0].Wrapped; return p },
		"doubled":       func(p peppers) peppers { p[0].Wrapped = p[1].Wrapped; return p },
		"renumbered":    func(p peppers) peppers { p[0].Version = 3; return p },
		"empty":         func(p peppers) peppers { p[1].Wrapped = nil; return p },
		"cut":           func(p peppers) peppers { p[0].Wrapped = p[0].Wrapped[:size-1]; return p },
		"of the nonce":  func(p peppers) peppers { p[0].Wrapped = p[0].Wrapped[:12]; return p },
		"below a nonce": func(p peppers) peppers { p[0].Wrapped = p[0].Wrapped[:11]; return p },
		"lengthened":    func(p peppers) peppers { p[0].Wrapped = append(p[0].Wrapped, 0); return p },
	}
	for i := range size {
		alterations[fmt.Sprintf("with byte %d changed", i)] = func(p peppers) peppers { p[1].Wrapped[i] ^= 1; return p }
	}
	for name, alter := range alterations {
		if k, err := keyring.Open(t.Context(), config(altered{store, alter}, 2)); err == nil || k != nil {
			t.Errorf("a pepper %s: got it opened, want it refused", name)
		}
	}
	untouched := altered{store, func(p peppers) peppers { return p }}
	if again := mustOpen(t, config(untouched, 2)); !cmp.Equal(again.Digests(token), k.Digests(token)) {
		t.Error("got other digests of untouched peppers, want the same")
	}

	// A running node keeps what it has.
	live := altered{store, untouched.alter}
	running := mustOpen(t, config(&live, 2))
	for name, alter := range map[string]func(peppers) peppers{
		"swapped": alterations["swapped"], "gone": func(peppers) peppers { return nil },
	} {
		live.alter = alter
		if err := running.Reload(t.Context()); err == nil || !cmp.Equal(running.Digests(token), k.Digests(token)) {
			t.Errorf("reloading peppers that are %s: got %v, want an error and the former ones", name, err)
		}
	}
}

func TestAddPepper(t *testing.T) {
	store := newStore(t)
	here, there := mustOpen(t, config(store, 1)), mustOpen(t, config(store, 2))
	old := here.Digest(token)
	actor := audit.Actor{Username: "root"}
	if err := here.AddPepper(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	newest := here.Digest(token)
	if newest.Pepper != 2 || newest.Sum == old.Sum || !cmp.Equal(here.Digests(token), []keyring.Digest{newest, old}) {
		t.Errorf("got digests %x, want a new one of version 2 before the old", here.Digests(token))
	}
	// Another node, which hasn't heard of it, can't make a second version 2.
	if err := there.AddPepper(t.Context(), actor); !errors.Is(err, authority.ErrConflict) {
		t.Errorf("got %v from a node behind, want ErrConflict", err)
	}
	if there.Digest(token) != old {
		t.Error("got a pepper not yet heard of, want the old one")
	}
	if err := there.Reload(t.Context()); err != nil || !cmp.Equal(there.Digests(token), here.Digests(token)) {
		t.Errorf("got %v after a reload, want the digests of the other node", err)
	}
	before := read(t, store)
	for _, k := range []*keyring.Keyring{here, there} {
		if err := k.AddPepper(t.Context(), actor); !errors.Is(err, authority.ErrConflict) {
			t.Errorf("got %v for a third pepper, want ErrConflict", err)
		}
	}
	if after := read(t, store); !cmp.Equal(after, before) || len(after.Peppers) != 2 || after.Events[0].Actor.Username != "root" {
		t.Errorf("got %+v, want two peppers, the second by its actor", after)
	}
}

// TestTwoNodesAtOnce opens one new database by two processes, many times.
func TestTwoNodesAtOnce(t *testing.T) {
	for round := range 5 {
		path := filepath.Join(t.TempDir(), "jeton.db")
		stores := []*sqlite.Store{openStore(t, path), openStore(t, path)}
		rings := make([]*keyring.Keyring, len(stores))
		errs := make([]error, len(stores))
		meet := meeting{}
		meet.Add(len(stores))
		var opening sync.WaitGroup
		for i, store := range stores {
			opening.Go(func() {
				cfg := config(together{store, &meet}, byte(2*round+i))
				rings[i], errs[i] = keyring.Open(t.Context(), cfg)
			})
		}
		opening.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if rings[0].Digest(token) != rings[1].Digest(token) {
			t.Error("got two digests, want one pepper")
		}
		if s := read(t, stores[0]); len(s.Peppers) != 1 || len(s.Events) != 1 || len(s.Check) != 32 {
			t.Errorf("got %+v, want one pepper, one event and one check value", s)
		}
	}
}

// atOnce runs what n callers do at once and returns their errors.
func atOnce(n int, do func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-begin
			errs[i] = do(i)
		})
	}
	close(begin)
	group.Wait()
	return errs
}

// meeting is where nodes wait for each other.
type meeting struct{ sync.WaitGroup }

// together is a store whose user goes on from an empty database only when the other has seen it empty, too.
type together struct {
	keyring.Store
	meet *meeting
}

func (s together) Peppers(ctx context.Context) ([]keyring.WrappedPepper, error) {
	peppers, err := s.Store.Peppers(ctx)
	if len(peppers) == 0 && err == nil {
		s.meet.Done()
		s.meet.Wait()
	}
	return peppers, err
}

func TestWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	good := config(nil, 1).Random
	for name, random := range map[string]io.Reader{
		"no key":         iotest.ErrReader(broken),
		"half a key":     io.MultiReader(io.LimitReader(good, 16), iotest.ErrReader(broken)),
		"a key, no more": io.MultiReader(io.LimitReader(good, 32), iotest.ErrReader(broken)),
		"half a nonce":   io.MultiReader(io.LimitReader(good, 43), iotest.ErrReader(broken)),
	} {
		store := newStore(t)
		cfg := config(store, 1)
		cfg.Random = random
		if k, err := keyring.Open(t.Context(), cfg); !errors.Is(err, broken) || k != nil {
			t.Errorf("randomness for %s: got %v, want the source's error", name, err)
		}
		if s := read(t, store); s.Peppers != nil || s.Events != nil {
			t.Errorf("randomness for %s: got %+v written, want no pepper", name, s)
		}
		cfg.Random = io.LimitReader(good, 44) // the twin: just enough
		mustOpen(t, cfg)
	}
}

// failing is a store one of whose methods fails, as its field says.
type failing struct {
	keyring.Store
	check, set, peppers, add error
}

func (f failing) MasterCheck(ctx context.Context) ([]byte, error) {
	if f.check != nil {
		return nil, f.check
	}
	return f.Store.MasterCheck(ctx)
}

func (f failing) SetMasterCheck(ctx context.Context, check []byte) ([]byte, error) {
	if f.set != nil {
		return nil, f.set
	}
	return f.Store.SetMasterCheck(ctx, check)
}

func (f failing) Peppers(ctx context.Context) ([]keyring.WrappedPepper, error) {
	if f.peppers != nil {
		return nil, f.peppers
	}
	return f.Store.Peppers(ctx)
}

// AddPepper fails, but persists: as a store does that was cut off after its commit.
func (f failing) AddPepper(ctx context.Context, p keyring.WrappedPepper, ev audit.Event) error {
	return errors.Join(f.Store.AddPepper(ctx, p, ev), f.add)
}

func TestStoreFails(t *testing.T) {
	down := errors.New("down")
	for name, f := range map[string]failing{
		"reading the check": {check: down}, "storing the check": {set: down}, "reading peppers": {peppers: down},
	} {
		store := newStore(t)
		f.Store = store
		if k, err := keyring.Open(t.Context(), config(f, 1)); !errors.Is(err, down) || k != nil {
			t.Errorf("%s fails: got %v, want the store's error", name, err)
		}
		if s := read(t, store); s.Peppers != nil {
			t.Fatalf("%s fails: got %+v written, want no pepper", name, s)
		}
	}
	store := newStore(t)
	if k, err := keyring.Open(t.Context(), config(failing{Store: store, add: down}, 1)); !errors.Is(err, down) || k != nil {
		t.Errorf("adding the pepper fails: got %v, want the store's error", err)
	}
	if mustOpen(t, config(store, 2)).Digest(token).Pepper != 1 || len(read(t, store).Peppers) != 1 {
		t.Error("want the pepper that was stored after all, and no other")
	}
}

// TestPrinted prints a keyring by mistake.
func TestPrinted(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, config(store, 1))
	pepper := make([]byte, 32)
	_, _ = io.ReadFull(config(store, 1).Random, pepper)
	for _, key := range [][]byte{[]byte(master.Reveal()), pepper} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			text := fmt.Sprintf(verb, k)
			for _, shown := range []string{string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%d", key)} {
				if strings.Contains(text, shown) {
					t.Errorf("by %s: got %s, want no key", verb, text)
				}
			}
		}
	}
}

// TestTickets seals texts for the way to somebody and back.
func TestTickets(t *testing.T) {
	k := mustOpen(t, config(newStore(t), 1))
	sealed, err := k.Seal("one use", "a text")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("a text")) {
		t.Error("the text stands in what was sealed")
	}
	for what, c := range map[string]struct {
		label  string
		sealed []byte
		opens  bool
	}{
		"as it was":     {"one use", sealed, true},
		"another use":   {"one usf", sealed, false},
		"the last bit":  {"one use", append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1), false},
		"the first bit": {"one use", append([]byte{sealed[0] ^ 128}, sealed[1:]...), false},
		"cut":           {"one use", sealed[:len(sealed)-1], false},
		"cut to nonce":  {"one use", sealed[:12], false},
		"a byte":        {"one use", sealed[:1], false},
		"nothing":       {"one use", nil, false},
		"a byte more":   {"one use", append(bytes.Clone(sealed), 0), false},
	} {
		got, err := k.Unseal(c.label, c.sealed)
		if (err == nil) != c.opens || c.opens && got != "a text" {
			t.Errorf("%s: got %q and error %v", what, got.Reveal(), err)
		}
	}
	// A wrapped secret lies under another key: a ticket can't be made of it.
	id := uuid.New()
	wrapped, err := k.WrapSecret(id, "shared")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Unseal("shared secret "+id.String(), wrapped); err == nil {
		t.Error("a wrapped secret opens as a ticket")
	}
}
