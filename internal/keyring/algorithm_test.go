package keyring_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

// algorithms are a configuration of both purposes.
func algorithms(apiTokens, accessTokens jose.Algorithm) map[keyring.Purpose]jose.Algorithm {
	return map[keyring.Purpose]jose.Algorithm{keyring.ForAPITokens: apiTokens, keyring.ForAccessTokens: accessTokens}
}

// TestConfiguredAlgorithms opens a keyring with each algorithm that signing keys have, and with each that they don't.
func TestConfiguredAlgorithms(t *testing.T) {
	store := newStore(t)
	for _, tt := range []struct {
		p   keyring.Purpose
		alg jose.Algorithm
		ok  bool
	}{
		{keyring.ForAPITokens, jose.RS256, true},
		{keyring.ForAPITokens, jose.PS256, true},
		{keyring.ForAccessTokens, jose.ES256, true},
		{keyring.ForAccessTokens, jose.EdDSA, true},
		{keyring.ForAccessTokens, jose.HS256, false},
		{keyring.ForAccessTokens, jose.RS512, false},
		{keyring.ForAccessTokens, "none", false},
		{keyring.ForAccessTokens, "es256", false},
		{keyring.ForAccessTokens, "", false},
		{keyring.ForIdentity, jose.ES256, true},
		{keyring.ForIdentity, jose.EdDSA, false},
		{"id_token", jose.ES256, false},
	} {
		cfg := signing(store)
		cfg.Algorithms = map[keyring.Purpose]jose.Algorithm{tt.p: tt.alg}
		if _, err := keyring.Open(t.Context(), cfg); (err == nil) != tt.ok {
			t.Errorf("%q for %q: got %v, want it taken: %v", tt.alg, tt.p, err, tt.ok)
		}
	}
}

// TestFirstAlgorithm makes first keys by signing, by rotating, and where one purpose alone is configured.
func TestFirstAlgorithm(t *testing.T) {
	cfg := signing(newStore(t))
	cfg.Algorithms = algorithms(jose.PS256, jose.EdDSA)
	k := mustOpen(t, cfg)
	cfg.Algorithms[keyring.ForAccessTokens] = jose.HS256 // the caller's map, and no longer the keyring's
	mustSign(t, k, keyring.ForAccessTokens)
	if _, err := k.RotateSigningKey(t.Context(), keyring.ForAPITokens, "", root); err != nil {
		t.Fatal(err)
	}
	want := []string{"access_token EdDSA active", "api_token PS256 active"}
	if got := sorted(shown(k)); !slices.Equal(got, want) {
		t.Errorf("got keys %v, want %v", got, want)
	}

	// A key that is there keeps its algorithm, but for Conform: whoever rotates it by hand has seen it.
	key, err := k.RotateSigningKey(t.Context(), keyring.ForAccessTokens, jose.ES256, root)
	if err == nil {
		key, err = k.RotateSigningKey(t.Context(), keyring.ForAccessTokens, "", root)
	}
	if err != nil || key.Algorithm != jose.ES256 {
		t.Errorf("got %+v, %v, want a key of its former's algorithm", key, err)
	}

	cfg = signing(newStore(t))
	cfg.Algorithms = map[keyring.Purpose]jose.Algorithm{keyring.ForAPITokens: jose.EdDSA}
	k = mustOpen(t, cfg)
	mustSign(t, k, keyring.ForAPITokens)
	mustSign(t, k, keyring.ForAccessTokens)
	want = []string{"access_token ES256 active", "api_token EdDSA active"}
	if got := sorted(shown(k)); !slices.Equal(got, want) {
		t.Errorf("got keys %v, want %v", got, want)
	}
}

// TestIdentityAlgorithm rotates the key of identity tokens, which stays with the one algorithm that whoever checks them names.
func TestIdentityAlgorithm(t *testing.T) {
	k := mustOpen(t, signing(newStore(t)))
	for _, tt := range []struct {
		p   keyring.Purpose
		alg jose.Algorithm
		ok  bool
	}{
		{keyring.ForIdentity, "", true},
		{keyring.ForIdentity, jose.ES256, true},
		{keyring.ForIdentity, jose.EdDSA, false},
		{keyring.ForIdentity, jose.RS256, false},
		{keyring.ForAccessTokens, jose.EdDSA, true},
	} {
		_, err := k.RotateSigningKey(t.Context(), tt.p, tt.alg, root)
		field, refused := errors.AsType[*authority.FieldError](err)
		if refused == tt.ok || refused && field.Field != "algorithm" {
			t.Errorf("%s to %q: got error %v, want it done: %t", tt.p, tt.alg, err, tt.ok)
		}
	}
	want := []string{"access_token EdDSA active", "identity ES256 active", "identity ES256 retired"}
	if got := sorted(shown(k)); !slices.Equal(got, want) {
		t.Errorf("got keys %v, want %v", got, want)
	}
}

// TestConform opens a database anew with other algorithms, as a restart with other settings does.
func TestConform(t *testing.T) {
	store := newStore(t)
	open := func(algs map[keyring.Purpose]jose.Algorithm) *keyring.Keyring {
		cfg := signing(store)
		cfg.Algorithms = algs
		return mustOpen(t, cfg)
	}
	conforms := func(k *keyring.Keyring, want ...keyring.Purpose) {
		t.Helper()
		got, err := k.Conform(t.Context())
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v rotated, %v, want %v", got, err, want)
		}
	}
	k := open(algorithms(jose.EdDSA, jose.EdDSA))
	conforms(k)
	if keys := wrappedKeys(t, store); len(keys) != 0 {
		t.Errorf("got %d keys, want none before one is needed", len(keys))
	}
	former := mustSign(t, k, keyring.ForAPITokens)
	mustSign(t, k, keyring.ForAccessTokens)
	conforms(k)
	conforms(open(algorithms(jose.EdDSA, jose.EdDSA)))

	here, there := open(algorithms(jose.ES256, jose.EdDSA)), open(algorithms(jose.ES256, jose.EdDSA))
	conforms(here, keyring.ForAPITokens)
	conforms(there) // hasn't heard of it, and finds that it was done
	conforms(here)
	want := []string{"access_token EdDSA active", "api_token ES256 active", "api_token EdDSA retired"}
	if diff := cmp.Diff(want, sorted(shown(there))); diff != "" {
		t.Errorf("keys not as wanted (-want +got):\n%s", diff)
	}
	expect(t, here, former, nil)
	ev := read(t, store).Events[0]
	detail := map[string]string{"purpose": "api_token", "algorithm": "ES256", "former": former.KeyID}
	if ev.Action != audit.SigningKeyRotate || ev.Actor != (audit.Actor{}) || !cmp.Equal(ev.Detail, detail) {
		t.Errorf("got event %+v, want Jeton's own rotation with %v", ev, detail)
	}
	conforms(open(algorithms(jose.EdDSA, jose.ES256)), keyring.ForAccessTokens, keyring.ForAPITokens)

	// A retired or revoked key of another algorithm is none to rotate.
	if err := here.RevokeSigningKey(t.Context(), former.KeyID, root); err != nil {
		t.Fatal(err)
	}
	conforms(open(algorithms(jose.EdDSA, jose.ES256)))
}

// TestConformMeanwhile has another node rotate the key in between, and the store fail.
func TestConformMeanwhile(t *testing.T) {
	store := newStore(t)
	there := mustOpen(t, signing(store))
	mustSign(t, there, keyring.ForAccessTokens)
	rotate := func() {
		if _, err := there.RotateSigningKey(t.Context(), keyring.ForAccessTokens, jose.EdDSA, root); err != nil {
			t.Error(err)
		}
	}
	cfg := signing(&hooked{store, rotate, func() {}})
	cfg.Algorithms = algorithms(jose.RS256, jose.EdDSA)
	here := mustOpen(t, cfg)
	if got, err := here.Conform(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want no key rotated: another node was faster", got, err)
	}
	want := []string{"access_token EdDSA active", "access_token ES256 retired"}
	if got := sorted(shown(here)); !slices.Equal(got, sorted(want)) {
		t.Errorf("got keys %v, want %v", got, want)
	}

	down := errors.New("down")
	broken := &brokenKeys{Store: store}
	cfg = signing(broken)
	cfg.Algorithms = algorithms(jose.RS256, jose.ES256)
	here = mustOpen(t, cfg)
	broken.read = down
	if got, err := here.Conform(t.Context()); !errors.Is(err, down) || len(got) != 0 {
		t.Errorf("got %v, %v, want the store's error", got, err)
	}
}
