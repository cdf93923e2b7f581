package app_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

// openKeyring opens store and keyring of a data folder, as another process would.
func openKeyring(t *testing.T, data string, now func() time.Time) (*sqlite.Store, *keyring.Keyring) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(data, "jeton.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	master, err := keyring.ParseMasterKey([]byte(read(t, filepath.Join(data, "master.key"))))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Open(t.Context(), keyring.Config{
		Store: store, Master: master, Applied: func(context.Context) error { return nil }, Now: now, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return store, keys
}

// await waits until a gauge has a value, for as long as a change may take at the most.
func await(t *testing.T, i *instance, gauge, value string) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + gauge + ` (.+)$`)
	var got string
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		_, metrics := get(t, i.addresses.Admin, "/metrics", nil)
		if found := line.FindStringSubmatch(metrics); found != nil {
			got = found[1]
		}
		if got == value {
			return
		}
	}
	t.Errorf("%s: got %q for five seconds, want %q", gauge, got, value)
}

// TestRevokedKey rotates and revokes signing keys from another process. A new key has nothing forgotten; a revoked one has
// everything, since what is remembered doesn't say which key signed it.
func TestRevokedKey(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	i := run(t, configure(t, data, "--admin-password-file", file))
	store, keys := openKeyring(t, data, time.Now)
	if status, _ := get(t, i.addresses.Public, "/v1/me", basic("admin", "correct horse battery")); status != 200 {
		t.Fatalf("got %d, want 200", status)
	}
	await(t, i, "jeton_remembered_proofs", "1")
	var kid string
	for range 2 { // created, and rotated
		key, err := keys.RotateSigningKey(t.Context(), keyring.ForAPITokens, jose.EdDSA, audit.Actor{})
		if err != nil {
			t.Fatal(err)
		}
		kid = key.ID
	}
	now := time.Now().UTC()
	service := catalog.Service{ID: uuid.Must(uuid.NewV7()), Name: "a", Host: "a.example.com", PathPrefix: "/", Default: policy.DefaultDeny, Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := store.CreateService(t.Context(), service, audit.New(audit.ServiceCreate, audit.Actor{}, audit.Target{Kind: "service"}, now)); err != nil {
		t.Fatal(err)
	}
	await(t, i, "jeton_services", "1") // it has heard of the keys before it heard of this
	await(t, i, "jeton_remembered_proofs", "1")
	if err := keys.RevokeSigningKey(t.Context(), kid, audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	await(t, i, "jeton_remembered_proofs", "0")
}

// TestOldKeysRotate has a key reach its age, and a microsecond before: ninety days, unless another is set.
func TestOldKeysRotate(t *testing.T) {
	for age, flags := range map[time.Duration][]string{90 * 24 * time.Hour: nil, 36 * time.Hour: {"--key-age=36h"}} {
		oldKeysRotate(t, age, flags...)
	}
}

func oldKeysRotate(t *testing.T, age time.Duration, flags ...string) {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	o := app.Options{Config: configure(t, t.TempDir(), flags...), Now: clock}
	if err := app.RotateKeys(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	store, keys := openKeyring(t, o.Config.Data, clock)
	if list := keys.SigningKeys(); len(list) != 0 {
		t.Errorf("got %d keys, want none before one is needed", len(list))
	}
	if _, err := keys.RotateSigningKey(t.Context(), keyring.ForAccessTokens, jose.EdDSA, audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(age - time.Microsecond)
	for want := 1; want <= 2; want++ {
		if err := app.RotateKeys(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		list, err := store.SigningKeys(t.Context())
		retired := slices.ContainsFunc(list, func(k keyring.WrappedSigningKey) bool { return !k.RetiredAt.IsZero() })
		if err != nil || len(list) != want || retired != (want == 2) {
			t.Errorf("at %s: got keys %+v, %v, want %d", now, list, err, want)
		}
		now = now.Add(time.Microsecond)
	}
}

// TestAlgorithmOfKeys starts again and again on one database. What is configured is the algorithm of a first key, and of
// one that is there already.
func TestAlgorithmOfKeys(t *testing.T) {
	data := t.TempDir()
	const rotated = "rotated signing keys of another algorithm than is configured"
	start := func(want string, flags ...string) {
		t.Helper()
		i := run(t, configure(t, data, flags...))
		if err := i.stop(); err != nil {
			t.Fatal(err)
		}
		if log := i.stderr.String(); strings.Contains(log, rotated) != (want != "") || !strings.Contains(log, want) {
			t.Errorf("%v: got the log\n%s\nwant %q of rotated keys", flags, log, want)
		}
	}
	start("", "--access-token-algorithm=EdDSA") // there is no key to rotate
	_, keys := openKeyring(t, data, time.Now)
	if list := keys.SigningKeys(); len(list) != 0 {
		t.Errorf("got keys %+v, want none before one is needed", list)
	}
	if _, err := keys.RotateSigningKey(t.Context(), keyring.ForAccessTokens, jose.EdDSA, audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	start("", "--access-token-algorithm=EdDSA")
	start(`"purposes":["access_token"]`) // ES256, which nobody had to say
	start("", "--api-token-algorithm=EdDSA")
	if err := keys.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range keys.SigningKeys() {
		got = append(got, fmt.Sprintf("%s %s %s", key.Purpose, key.Algorithm, key.State()))
	}
	if want := []string{"access_token ES256 active", "access_token EdDSA retired"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFirstKeyIsConfigured has a node sign: nothing but its configuration says how.
func TestFirstKeyIsConfigured(t *testing.T) {
	for _, tt := range []struct {
		purpose keyring.Purpose
		want    jose.Algorithm
	}{{keyring.ForAPITokens, jose.PS256}, {keyring.ForAccessTokens, jose.EdDSA}} {
		o := app.Options{Config: configure(t, t.TempDir(), "--api-token-algorithm=PS256", "--access-token-algorithm=EdDSA")}
		key, err := app.Sign(t.Context(), o, tt.purpose)
		if err != nil || key.Algorithm != tt.want {
			t.Errorf("got %+v, %v, want a key of %s", key, err, tt.want)
		}
	}
}
