package keyring_test

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

var root = audit.Actor{Username: "root"}

// signing returns a configuration that can sign from many goroutines and revoke.
func signing(store keyring.Store) keyring.Config {
	cfg := config(store, 1)
	cfg.Random, cfg.Applied = cryptorand.Reader, func(context.Context) error { return nil }
	return cfg
}

// claims are those of a token by its ID.
func claims(id string) jose.ClaimSet {
	return jose.ClaimSet{
		Issuer: "https://tokens.example.com", Subject: "alice", Audience: []string{"https://tokens.example.com"}, ID: id,
		IssuedAt: noon, Expires: noon.Add(time.Hour),
	}
}

func mustSign(t *testing.T, k *keyring.Keyring, p keyring.Purpose) keyring.Signed {
	t.Helper()
	signed, err := k.Sign(t.Context(), p, claims("1"))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// verify checks a token as a way in does: its key by the kid, the key's purpose and its "typ", then the signature.
func verify(k *keyring.Keyring, p keyring.Purpose, signed keyring.Signed) error {
	token, err := jose.Parse(signed.Token.Reveal())
	if err != nil {
		return err
	}
	key, err := k.SigningKey(token.Header().KeyID)
	if err != nil {
		return err
	}
	if key.Purpose != p || token.Header().Type != p.Type() || key.ID != signed.KeyID {
		return fmt.Errorf("key %s for %s signed a token of type %q", key.ID, key.Purpose, token.Header().Type)
	}
	_, err = key.Key.Verify(token)
	return err
}

// expect makes sure what becomes of a token at a node.
func expect(t *testing.T, k *keyring.Keyring, signed keyring.Signed, want error) {
	t.Helper()
	if err := verify(k, keyring.ForAPITokens, signed); !errors.Is(err, want) {
		t.Errorf("got %v of a token of key %s, want %v", err, signed.KeyID, want)
	}
}

// shown is what is known of signing keys, as "purpose algorithm state", the newest first.
func shown(k *keyring.Keyring) (list []string) {
	for _, key := range k.SigningKeys() {
		list = append(list, fmt.Sprintf("%s %s %s", key.Purpose, key.Algorithm, key.State()))
	}
	return list
}

func wrappedKeys(t *testing.T, store keyring.Store) []keyring.WrappedSigningKey {
	t.Helper()
	keys, err := store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// count returns how many events of an action there are.
func count(t *testing.T, store *sqlite.Store, action audit.Action) int {
	t.Helper()
	events, err := store.Events(t.Context(), audit.Query{Action: action})
	if err != nil {
		t.Fatal(err)
	}
	return len(events)
}

// TestSign signs for the first time, and opens what was stored by other means: were the form to change, no database made
// before could be read.
func TestSign(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, signing(store))
	if keys := wrappedKeys(t, store); len(keys) != 0 {
		t.Errorf("got %d signing keys before anything was signed, want none", len(keys))
	}
	for i, tt := range []struct {
		purpose keyring.Purpose
		want    jose.Header
	}{
		{keyring.ForAPITokens, jose.Header{Algorithm: jose.RS256, Type: "api+jwt"}},
		{keyring.ForAccessTokens, jose.Header{Algorithm: jose.ES256, Type: "at+jwt"}},
		{keyring.ForIdentity, jose.Header{Algorithm: jose.ES256, Type: "identity+jwt"}},
	} {
		signed := mustSign(t, k, tt.purpose)
		if err := verify(k, tt.purpose, signed); err != nil {
			t.Error(err)
		}
		token, err := jose.Parse(signed.Token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		tt.want.KeyID = signed.KeyID
		if got := token.Header(); got != tt.want || !jose.ValidKeyID(got.KeyID) {
			t.Errorf("got header %+v, want %+v", got, tt.want)
		}
		if subject, err := token.UnverifiedClaims().Text("sub"); subject != "alice" || err != nil {
			t.Errorf("got sub %q, %v", subject, err)
		}
		keys := wrappedKeys(t, store)
		at := slices.IndexFunc(keys, func(w keyring.WrappedSigningKey) bool { return w.ID == signed.KeyID })
		if len(keys) != i+1 || at < 0 || keys[at].CreatedAt != noon {
			t.Fatalf("got keys %+v, want one more, that of the token", keys)
		}
		der := unwrap(t, keys[at].Wrapped, fmt.Sprintf("signing key %s %s %s", signed.KeyID, tt.purpose, tt.want.Algorithm))
		if signer, err := jose.ParseSigner(tt.want.Algorithm, der); err != nil {
			t.Error(err)
		} else if _, err := signer.Key().Verify(token); err != nil {
			t.Errorf("got %v by the stored key, want its signature", err)
		}
	}
	before := wrappedKeys(t, store)
	if again := mustSign(t, mustOpen(t, signing(store)), keyring.ForAPITokens); !slices.ContainsFunc(before, func(w keyring.WrappedSigningKey) bool { return w.ID == again.KeyID }) {
		t.Errorf("got key %s after a restart, want the one that there was", again.KeyID)
	}
	mustSign(t, k, keyring.ForAPITokens)
	if !cmp.Equal(wrappedKeys(t, store), before) || count(t, store, audit.SigningKeyCreate) != 3 {
		t.Error("got keys written by a signature, want three keys and three events in all")
	}
}

func TestSignRefuses(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, signing(store))
	for _, p := range []keyring.Purpose{"", "id_token", "API_TOKEN", "api_token "} {
		if signed, err := k.Sign(t.Context(), p, claims("1")); err == nil || signed.Token != "" {
			t.Errorf("got a token for the purpose %q, want an error", p)
		}
	}
	if _, err := k.Sign(t.Context(), keyring.ForAccessTokens, claims("")); err == nil {
		t.Error("got a token without an ID, want an error")
	}
	if keys := wrappedKeys(t, store); len(keys) != 0 {
		t.Errorf("got %d keys made for nothing, want none", len(keys))
	}
}

// TestKeyIDs asks for keys by what senders may write.
func TestKeyIDs(t *testing.T) {
	k := mustOpen(t, signing(newStore(t)))
	kid := mustSign(t, k, keyring.ForAccessTokens).KeyID
	last := byte('0')
	if kid[21] == last {
		last = '1'
	}
	for _, unknown := range []string{
		"", kid[1:], kid + "0", kid[:21] + string(last), " " + kid[1:], strings.Repeat("0", 22), strings.Repeat("z", 22),
		"../../etc/passwd", "' OR 1=1 --", strings.Repeat("a", 1<<20),
	} {
		if _, err := k.SigningKey(unknown); !errors.Is(err, keyring.ErrUnknownKey) {
			t.Errorf("kid %.30q: got %v, want ErrUnknownKey", unknown, err)
		}
	}
	k.SigningKeys()[0].RevokedAt = noon // the caller's own copy
	if key, err := k.SigningKey(kid); err != nil || key.ID != kid {
		t.Errorf("got key %+v, %v, want %s", key, err, kid)
	}
	if allocations := testing.AllocsPerRun(100, func() { _, _ = k.SigningKey(kid) }); allocations != 0 {
		t.Errorf("got %v allocations a look-up, want none", allocations)
	}
}

// touched is a store whose signing keys somebody has touched.
type touched struct {
	keyring.Store
	touch func([]keyring.WrappedSigningKey)
}

func (s touched) SigningKeys(ctx context.Context) ([]keyring.WrappedSigningKey, error) {
	keys, err := s.Store.SigningKeys(ctx)
	s.touch(keys)
	return keys, err
}

func TestTamperedSigningKeys(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, signing(store))
	mustSign(t, k, keyring.ForAPITokens)
	if _, err := k.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.EdDSA, root); err != nil {
		t.Fatal(err)
	}
	type keys = []keyring.WrappedSigningKey
	rsa := slices.IndexFunc(wrappedKeys(t, store), func(w keyring.WrappedSigningKey) bool { return w.Algorithm == jose.RS256 })
	ed := 1 - rsa
	size := len(wrappedKeys(t, store)[ed].Wrapped)
	touches := map[string]func(keys){
		"exchanged":          func(w keys) { w[0].Wrapped, w[1].Wrapped = w[1].Wrapped, w[0].Wrapped },
		"of another kid":     func(w keys) { w[0].ID, w[1].ID = w[1].ID, w[0].ID },
		"for another kind":   func(w keys) { w[ed].Purpose = keyring.ForAccessTokens },
		"of its family":      func(w keys) { w[rsa].Algorithm = jose.PS256 },
		"of another family":  func(w keys) { w[ed].Algorithm = jose.ES256 },
		"for a shared key":   func(w keys) { w[ed].Algorithm = jose.HS256 },
		"empty":              func(w keys) { w[ed].Wrapped = nil },
		"of the nonce":       func(w keys) { w[ed].Wrapped = w[ed].Wrapped[:12] },
		"below a nonce":      func(w keys) { w[ed].Wrapped = w[ed].Wrapped[:11] },
		"cut":                func(w keys) { w[ed].Wrapped = w[ed].Wrapped[:size-1] },
		"lengthened":         func(w keys) { w[ed].Wrapped = append(w[ed].Wrapped, 0) },
		"active once more":   func(w keys) { w[ed].RevokedAt, w[ed].Wrapped = time.Time{}, nil },
		"of another's bytes": func(w keys) { w[ed].Wrapped = w[rsa].Wrapped },
	}
	for i := range size {
		touches[fmt.Sprintf("with byte %d changed", i)] = func(w keys) { w[ed].Wrapped[i] ^= 1 }
	}
	live := touched{store, func(keys) {}}
	running := mustOpen(t, signing(&live)) // the twin: untouched
	for name, touch := range touches {
		if k, err := keyring.Open(t.Context(), signing(touched{store, touch})); err == nil || k != nil {
			t.Errorf("a signing key %s: got it opened, want it refused", name)
		}
		live.touch = touch
		if err := running.Reload(t.Context()); err == nil || !cmp.Equal(shown(running), shown(k)) {
			t.Errorf("a signing key %s, reloaded: got %v and %v, want an error and the former ones", name, err, shown(running))
		}
	}
}

func TestRotateSigningKey(t *testing.T) {
	store := newStore(t)
	at := noon
	cfg := signing(store)
	cfg.Now = func() time.Time { at = at.Add(time.Second); return at }
	here, there := mustOpen(t, cfg), mustOpen(t, signing(store))
	tokens := []keyring.Signed{mustSign(t, here, keyring.ForAPITokens)}
	for _, tt := range []struct{ given, want jose.Algorithm }{
		{jose.ES256, jose.ES256}, {"", jose.ES256}, {jose.EdDSA, jose.EdDSA}, {jose.PS256, jose.PS256}, {jose.RS256, jose.RS256},
	} {
		key, err := here.RotateSigningKey(t.Context(), keyring.ForAPITokens, tt.given, root)
		if err != nil || key.Algorithm != tt.want || key.State() != keyring.KeyActive || key.CreatedAt != at {
			t.Fatalf("%s: got %+v, %v, want an active key of %s", tt.given, key, err, tt.want)
		}
		signed := mustSign(t, here, keyring.ForAPITokens)
		if signed.KeyID != key.ID {
			t.Errorf("%s: got a token of key %s, want the new one, %s", tt.given, signed.KeyID, key.ID)
		}
		ev := read(t, store).Events[0]
		want := map[string]string{"purpose": "api_token", "algorithm": string(tt.want), "former": tokens[len(tokens)-1].KeyID}
		if ev.Action != audit.SigningKeyRotate || ev.Actor.Username != "root" || ev.Target.Name != key.ID || !cmp.Equal(ev.Detail, want) {
			t.Errorf("%s: got event %+v, want the rotation to %s with %v", tt.given, ev, key.ID, want)
		}
		tokens = append(tokens, signed)
	}
	want := []string{
		"api_token RS256 active", "api_token PS256 retired", "api_token EdDSA retired", "api_token ES256 retired", "api_token ES256 retired",
		"api_token RS256 retired",
	}
	if diff := cmp.Diff(want, shown(here)); diff != "" {
		t.Errorf("keys not as wanted (-want +got):\n%s", diff)
	}
	for _, signed := range tokens { // what retired keys have signed lives on, and on the other node once it has heard
		expect(t, here, signed, nil)
		expect(t, there, signed, keyring.ErrUnknownKey)
	}
	if err := there.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, signed := range tokens {
		expect(t, there, signed, nil)
	}
}

func TestRotateSigningKeyRefuses(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, signing(store))
	for field, wrong := range map[string][]struct {
		p   keyring.Purpose
		alg jose.Algorithm
	}{
		"purpose": {{"", jose.RS256}, {"id_token", jose.RS256}, {"Access_token", ""}},
		"algorithm": {
			{keyring.ForAccessTokens, "none"},
			{keyring.ForAccessTokens, jose.HS256},
			{keyring.ForAccessTokens, jose.RS512},
			{keyring.ForAccessTokens, "es256"},
			{keyring.ForAccessTokens, "RS256 "},
		},
	} {
		for _, tt := range wrong {
			_, err := k.RotateSigningKey(t.Context(), tt.p, tt.alg, root)
			if problem, ok := errors.AsType[*authority.FieldError](err); !ok || problem.Field != field {
				t.Errorf("%q, %q: got %v, want an error of %s", tt.p, tt.alg, err, field)
			}
		}
	}
	if keys := wrappedKeys(t, store); len(keys) != 0 {
		t.Errorf("got %d keys, want none", len(keys))
	}
	// A rotation where there is no key yet makes the first, without a former.
	key, err := k.RotateSigningKey(t.Context(), keyring.ForAccessTokens, "", root)
	if ev := read(t, store).Events[0]; err != nil || key.Algorithm != jose.ES256 || ev.Action != audit.SigningKeyCreate || ev.Actor.Username != "root" {
		t.Errorf("got %+v, %v and event %+v, want a first key of ES256", key, err, ev)
	}
}

// TestRotateAged rotates keys by their age, a microsecond before it is reached and then.
func TestRotateAged(t *testing.T) {
	store := newStore(t)
	at := noon
	cfg := signing(store)
	cfg.Now = func() time.Time { return at }
	here, there := mustOpen(t, cfg), mustOpen(t, cfg)
	rotates := func(k *keyring.Keyring, want int) {
		t.Helper()
		if n, err := k.RotateAged(t.Context(), time.Hour); n != want || err != nil {
			t.Errorf("at %v: got %d keys rotated, %v, want %d", at, n, err, want)
		}
	}
	rotates(here, 0) // there are none: none is made
	if _, err := here.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.EdDSA, root); err != nil {
		t.Fatal(err)
	}
	former := mustSign(t, here, keyring.ForAPITokens)
	at = noon.Add(time.Minute)
	mustSign(t, here, keyring.ForAccessTokens)
	if err := there.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	at = noon.Add(time.Hour - time.Microsecond)
	rotates(here, 0)
	at = noon.Add(-time.Hour) // a clock that was set back
	rotates(here, 0)
	at = noon.Add(time.Hour)
	rotates(here, 1)
	rotates(there, 0) // hasn't heard of it, and finds that it was done
	rotates(here, 0)
	want := []string{"api_token EdDSA active", "access_token ES256 active", "api_token EdDSA retired"}
	if diff := cmp.Diff(want, shown(there)); diff != "" {
		t.Errorf("keys not as wanted (-want +got):\n%s", diff)
	}
	expect(t, there, former, nil)
	at = noon.Add(2 * time.Hour)
	rotates(there, 2)
}

func TestRevokeSigningKey(t *testing.T) {
	store := newStore(t)
	applied := 0
	cfg := signing(store)
	var here *keyring.Keyring
	var first keyring.Signed
	cfg.Applied = func(context.Context) error {
		// Whoever forgets what was remembered mustn't meet the key alive once more.
		expect(t, here, first, keyring.ErrRevokedKey)
		applied++
		return nil
	}
	here = mustOpen(t, cfg)
	there := mustOpen(t, signing(store))
	first = mustSign(t, here, keyring.ForAPITokens)
	other := mustSign(t, here, keyring.ForAccessTokens)
	if err := here.RevokeSigningKey(t.Context(), first.KeyID, root); err != nil || applied != 1 {
		t.Fatalf("got %v, applied %d times, want it once", err, applied)
	}
	second := mustSign(t, here, keyring.ForAPITokens)
	expect(t, here, first, keyring.ErrRevokedKey)
	expect(t, here, second, nil)
	if err := verify(here, keyring.ForAccessTokens, other); err != nil {
		t.Errorf("got %v of a token of another key, want it good", err)
	}
	ev := read(t, store).Events[0]
	want := map[string]string{"purpose": "api_token", "algorithm": "RS256", "successor": second.KeyID}
	if ev.Action != audit.SigningKeyRevoke || ev.Target.Name != first.KeyID || ev.Actor.Username != "root" || !cmp.Equal(ev.Detail, want) {
		t.Errorf("got event %+v, want the revocation of %s with %v", ev, first.KeyID, want)
	}

	// A retired key, by a node that doesn't know of it yet. Signing isn't touched.
	third, err := here.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.EdDSA, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := there.RevokeSigningKey(t.Context(), second.KeyID, root); err != nil {
		t.Fatal(err)
	}
	expect(t, there, second, keyring.ErrRevokedKey)
	if signed := mustSign(t, there, keyring.ForAPITokens); signed.KeyID != third.ID {
		t.Errorf("got a token of key %s, want the active one, %s", signed.KeyID, third.ID)
	}
	expect(t, here, second, nil) // until it hears of it
	if err := here.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, here, second, keyring.ErrRevokedKey)
	for _, w := range wrappedKeys(t, store) {
		if (w.Wrapped == nil) != (w.ID == first.KeyID || w.ID == second.KeyID) {
			t.Errorf("key %s: got %d bytes of a private part, want none of the revoked alone", w.ID, len(w.Wrapped))
		}
	}
	for _, key := range here.SigningKeys() {
		if pem, err := key.Key.PEM(); (err == nil) != (key.State() != keyring.KeyRevoked) {
			t.Errorf("%s key %s: got public part %q, %v", key.State(), key.ID, pem, err)
		}
	}
}

func TestRevokeRefuses(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, signing(store))
	signed := mustSign(t, k, keyring.ForAccessTokens)
	revoked := mustSign(t, k, keyring.ForAPITokens)
	if err := k.RevokeSigningKey(t.Context(), revoked.KeyID, root); err != nil {
		t.Fatal(err)
	}
	before := read(t, store)
	for _, kid := range []string{"", revoked.KeyID, strings.Repeat("0", 22), strings.ToLower(signed.KeyID) + "x"} {
		if err := k.RevokeSigningKey(t.Context(), kid, root); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("kid %q: got %v, want ErrNotFound", kid, err)
		}
	}
	cfg := signing(store)
	cfg.Applied = nil
	if err := mustOpen(t, cfg).RevokeSigningKey(t.Context(), signed.KeyID, root); err == nil {
		t.Error("got a key revoked by a keyring that can't have it forgotten, want an error")
	}
	if after := read(t, store); !cmp.Equal(after, before) {
		t.Errorf("got written by what was refused: %s", cmp.Diff(before, after))
	}
}

// hooked is a store that calls others around its changes of signing keys.
type hooked struct {
	keyring.Store
	before, after func()
}

func (s *hooked) AddSigningKey(ctx context.Context, key keyring.WrappedSigningKey, former string, ev audit.Event) error {
	s.before()
	defer s.after()
	return s.Store.AddSigningKey(ctx, key, former, ev)
}

func (s *hooked) RevokeSigningKey(ctx context.Context, kid string, successor keyring.WrappedSigningKey, ev audit.Event) error {
	s.before()
	defer s.after()
	return s.Store.RevokeSigningKey(ctx, kid, successor, ev)
}

// TestMeanwhile has another node rotate a key between a node's look at it and its own change.
func TestMeanwhile(t *testing.T) {
	store := newStore(t)
	there := mustOpen(t, signing(store))
	calls := 0
	rotate := func() {
		if calls++; calls == 1 {
			if _, err := there.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.EdDSA, root); err != nil {
				t.Error(err)
			}
		}
	}
	here := mustOpen(t, signing(&hooked{store, rotate, func() {}}))
	if signed := mustSign(t, here, keyring.ForAPITokens); len(wrappedKeys(t, store)) != 1 || signed.KeyID != wrappedKeys(t, store)[0].ID {
		t.Errorf("got a first token of key %s, want that of the faster node", signed.KeyID)
	}
	calls = 0
	if _, err := here.RotateSigningKey(t.Context(), keyring.ForAPITokens, "", root); !errors.Is(err, authority.ErrStale) {
		t.Errorf("got %v from a rotation, want ErrStale: another has rotated", err)
	}
	calls = 0
	former := mustSign(t, there, keyring.ForAPITokens)
	if err := here.RevokeSigningKey(t.Context(), former.KeyID, root); err != nil || calls != 2 {
		t.Errorf("got %v after %d tries, want the key revoked at the second: it was active and is retired", err, calls)
	}
	expect(t, here, former, keyring.ErrRevokedKey)
	if got, want := sorted(shown(here)), []string{"api_token EdDSA active", "api_token EdDSA retired", "api_token EdDSA revoked"}; !slices.Equal(got, want) {
		t.Errorf("got keys %v, want %v", got, want)
	}
}

// TestHangUp has callers whose context ends once their change is stored: this process knows of it all the same.
func TestHangUp(t *testing.T) {
	var hangUp context.CancelFunc
	cfg := signing(&hooked{newStore(t), func() {}, func() { hangUp() }})
	applied := false
	cfg.Applied = func(ctx context.Context) error {
		applied = true
		return ctx.Err()
	}
	k := mustOpen(t, cfg)
	first, cancelFirst := context.WithCancel(t.Context())
	hangUp = cancelFirst
	key, err := k.RotateSigningKey(first, keyring.ForAPITokens, jose.EdDSA, root)
	if err != nil || key.State() != keyring.KeyActive {
		t.Fatalf("got %+v, %v, want the new key", key, err)
	}
	second, cancelSecond := context.WithCancel(t.Context())
	hangUp = cancelSecond
	if err := k.RevokeSigningKey(second, key.ID, root); err != nil || !applied {
		t.Errorf("got %v, applied: %t, want it done", err, applied)
	}
	if _, err := k.SigningKey(key.ID); !errors.Is(err, keyring.ErrRevokedKey) {
		t.Errorf("got %v, want ErrRevokedKey", err)
	}
}

// TestFirstKeyOnce signs for the first time many times at once: making a key takes long, and one is made.
func TestFirstKeyOnce(t *testing.T) {
	made := 0
	k := mustOpen(t, signing(&hooked{newStore(t), func() { made++ }, func() {}}))
	for _, err := range atOnce(20, func(int) error {
		_, err := k.Sign(t.Context(), keyring.ForAPITokens, claims("1"))
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("got %d keys made, want one", made)
	}
}

// TestKeysAtOnce has two nodes sign and rotate at once: each purpose has one active key, nothing that was signed
// is refused, and nobody is told anything but that another was faster.
func TestKeysAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jeton.db")
	stores := []*sqlite.Store{openStore(t, path), openStore(t, path)}
	nodes := []*keyring.Keyring{mustOpen(t, signing(stores[0])), mustOpen(t, signing(stores[1]))}
	const callers = 50
	signed := make(chan keyring.Signed, 2*callers)
	sign := func(k *keyring.Keyring) error {
		s, err := k.Sign(t.Context(), keyring.ForAccessTokens, claims("1"))
		signed <- s
		return err
	}
	for i, err := range atOnce(callers, func(i int) error { return sign(nodes[i%2]) }) {
		if err != nil {
			t.Errorf("first signature %d: %v", i, err)
		}
	}
	if keys := wrappedKeys(t, stores[0]); len(keys) != 1 {
		t.Fatalf("got %d keys after the first signatures, want one", len(keys))
	}
	for i, err := range atOnce(callers, func(i int) error {
		if err := sign(nodes[i%2]); err != nil {
			return err
		}
		_, err := nodes[i%2].RotateSigningKey(t.Context(), keyring.ForAccessTokens, jose.EdDSA, root)
		return err
	}) {
		if err != nil && !errors.Is(err, authority.ErrStale) {
			t.Errorf("rotation %d: got %v, want none or ErrStale", i, err)
		}
	}
	close(signed)
	for _, k := range nodes {
		if err := k.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	active := 0
	for _, line := range shown(nodes[0]) {
		if strings.HasSuffix(line, "active") {
			active++
		}
	}
	rotated := count(t, stores[0], audit.SigningKeyRotate)
	if all := len(nodes[0].SigningKeys()); active != 1 || all != rotated+1 || rotated < callers/2 {
		t.Errorf("got %d active keys of %d after %d rotations, want one, and one more than rotations", active, all, rotated)
	}
	for s := range signed {
		for _, k := range nodes {
			if err := verify(k, keyring.ForAccessTokens, s); err != nil {
				t.Errorf("got %v of a token of key %s, want it good", err, s.KeyID)
			}
		}
	}
}

// held is a store the first reader of whose signing keys waits before it says what it has read.
type held struct {
	keyring.Store
	read, release chan struct{}
}

func (s *held) SigningKeys(ctx context.Context) ([]keyring.WrappedSigningKey, error) {
	keys, err := s.Store.SigningKeys(ctx)
	if s.read != nil {
		close(s.read)
		s.read = nil
		<-s.release
	}
	return keys, err
}

// TestLateReload has a reload read the keys before a revocation and end after it: the key must stay revoked.
func TestLateReload(t *testing.T) {
	store := &held{Store: newStore(t)}
	k := mustOpen(t, signing(store))
	signed := mustSign(t, k, keyring.ForAccessTokens)
	store.read, store.release = make(chan struct{}), make(chan struct{})
	read := store.read
	late, revoked := make(chan error), make(chan error, 1)
	go func() { late <- k.Reload(context.Background()) }()
	<-read
	go func() { revoked <- k.RevokeSigningKey(context.Background(), signed.KeyID, root) }()
	for range 100_000 { // it either waits for the other, or would be done by now
		if len(revoked) > 0 {
			break
		}
		runtime.Gosched()
	}
	close(store.release)
	if err := errors.Join(<-late, <-revoked); err != nil {
		t.Fatal(err)
	}
	if _, err := k.SigningKey(signed.KeyID); !errors.Is(err, keyring.ErrRevokedKey) {
		t.Errorf("got %v, want ErrRevokedKey", err)
	}
}

func TestSigningKeyWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	for name, enough := range map[string]int64{"no kid": 0, "half a kid": 8, "no key": 16, "no nonce": 48, "half a nonce": 59} {
		store := newStore(t)
		random := &replaced{signing(store).Random}
		cfg := signing(store)
		cfg.Random = random
		k := mustOpen(t, cfg)
		random.Reader = io.MultiReader(io.LimitReader(cryptorand.Reader, enough), iotest.ErrReader(broken))
		if _, err := k.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.EdDSA, root); !errors.Is(err, broken) {
			t.Errorf("%s: got %v, want the source's error", name, err)
		}
		if keys := wrappedKeys(t, store); len(keys) != 0 {
			t.Errorf("%s: got %d keys, want none", name, len(keys))
		}
		random.Reader = io.LimitReader(cryptorand.Reader, 60) // the twin: just enough
		if _, err := k.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.EdDSA, root); err != nil {
			t.Errorf("%s: got %v with 60 bytes of randomness, want a key", name, err)
		}
	}
}

// replaced is a source of randomness that can be replaced while a keyring has it.
type replaced struct{ io.Reader }

// brokenKeys is a store whose changes of signing keys fail, but persist: as in one that was cut off after its commit.
type brokenKeys struct {
	keyring.Store
	read, write error
}

func (b *brokenKeys) SigningKeys(ctx context.Context) ([]keyring.WrappedSigningKey, error) {
	if b.read != nil {
		return nil, b.read
	}
	return b.Store.SigningKeys(ctx)
}

func (b *brokenKeys) AddSigningKey(ctx context.Context, key keyring.WrappedSigningKey, former string, ev audit.Event) error {
	return errors.Join(b.Store.AddSigningKey(ctx, key, former, ev), b.write)
}

func (b *brokenKeys) RevokeSigningKey(ctx context.Context, kid string, successor keyring.WrappedSigningKey, ev audit.Event) error {
	return errors.Join(b.Store.RevokeSigningKey(ctx, kid, successor, ev), b.write)
}

func TestSigningKeyStoreFails(t *testing.T) {
	down := errors.New("down")
	store := &brokenKeys{Store: newStore(t), read: down}
	if k, err := keyring.Open(t.Context(), signing(store)); !errors.Is(err, down) || k != nil {
		t.Errorf("got %v from a start that can't read the keys, want the store's error", err)
	}
	store.read, store.write = nil, down
	k := mustOpen(t, signing(store))
	if _, err := k.Sign(t.Context(), keyring.ForAccessTokens, claims("1")); !errors.Is(err, down) {
		t.Errorf("got %v from a first signature, want the store's error", err)
	}
	if keys := wrappedKeys(t, store); len(keys) != 1 {
		t.Fatalf("got %d keys, want the one that was stored after all", len(keys))
	}
	store.write = nil
	signed := mustSign(t, k, keyring.ForAccessTokens)
	if keys := wrappedKeys(t, store); len(keys) != 1 || signed.KeyID != keys[0].ID {
		t.Errorf("got a token of key %s and keys %+v, want that one key", signed.KeyID, keys)
	}
	store.write = down
	if _, err := k.RotateSigningKey(t.Context(), keyring.ForAccessTokens, jose.EdDSA, root); !errors.Is(err, down) {
		t.Errorf("got %v from a rotation, want the store's error", err)
	}
	if err := k.RevokeSigningKey(t.Context(), signed.KeyID, root); !errors.Is(err, down) {
		t.Errorf("got %v from a revocation, want the store's error", err)
	}
	store.write = nil
	if err := k.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := shown(k), []string{"access_token EdDSA active", "access_token ES256 revoked"}; !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("got keys %v, want %v", got, want)
	}
	store.read = down
	if err := k.RevokeSigningKey(t.Context(), mustSign(t, k, keyring.ForAccessTokens).KeyID, root); !errors.Is(err, down) {
		t.Errorf("got %v from a revocation that can't read the keys, want the store's error", err)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestSigningKeyPrinted prints, by mistake, what holds a private key or a token.
func TestSigningKeyPrinted(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, signing(store))
	signed := mustSign(t, k, keyring.ForAccessTokens)
	key, err := k.SigningKey(signed.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	signature := signed.Token.Reveal()[strings.LastIndexByte(signed.Token.Reveal(), '.')+1:]
	for _, printed := range []any{k, signed, key, k.SigningKeys()} {
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			if text := fmt.Sprintf(verb, printed); strings.Contains(text, signature) || strings.Contains(text, "PrivateKey") {
				t.Errorf("by %s: got %s, want no private key and no token", verb, text)
			}
		}
	}
}
