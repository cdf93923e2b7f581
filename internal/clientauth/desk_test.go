package clientauth_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

const issuer = "https://tokens.example.com"

// desk is Clients on a real database, with the service account "Batch Job".
type desk struct {
	*clientauth.Clients
	store    *faultyStore
	keys     *keyring.Keyring
	accounts *account.Accounts
	sets     *fakeSets
	user     account.User
	now      atomic.Int64 // seconds after the opening
}

// faultyStore is the store until it is told to fail.
type faultyStore struct {
	*sqlite.Store
	err error
}

func (s *faultyStore) ClientSecretByDigest(ctx context.Context, d []keyring.Digest) (clientauth.FoundSecret, error) {
	if s.err != nil {
		return clientauth.FoundSecret{}, s.err
	}
	return s.Store.ClientSecretByDigest(ctx, d)
}

func (s *faultyStore) ClientKeysByName(ctx context.Context, key string) ([]clientauth.Key, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Store.ClientKeysByName(ctx, key)
}

// fakeSets publish the keys of one address.
type fakeSets struct {
	keys []jose.IdentifiedKey
	err  error
}

const setAddress = "https://batch.example.com/jwks.json"

var errAddress = errors.New("is no address of a set")

func (*fakeSets) Check(uri string) error {
	if uri != setAddress {
		return errAddress
	}
	return nil
}

func (s *fakeSets) Keys(_ context.Context, uri, _ string) ([]jose.IdentifiedKey, error) {
	if uri != setAddress {
		return nil, errAddress
	}
	return s.keys, s.err
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) clock() time.Time {
	return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Duration(d.now.Load()) * time.Second)
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{sets: &fakeSets{}}
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: d.clock})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	d.store = &faultyStore{Store: store}
	master, _, err := keyring.NewMasterKey(rand.Reader)
	check(t, err)
	d.keys, err = keyring.Open(t.Context(), keyring.Config{Store: store, Master: master, Now: d.clock, Random: rand.Reader})
	check(t, err)
	applied := func(context.Context) error { return nil }
	d.accounts, err = account.New(account.Config{Store: store, Applied: applied, Now: d.clock, Random: rand.Reader, PasswordSlots: 1})
	check(t, err)
	d.Clients, err = clientauth.New(clientauth.Config{
		Store: d.store, Users: d.accounts, Keyring: d.keys, Applied: applied, Audiences: []string{issuer, issuer + "/oauth/token"},
		KeySets: d.sets, Now: d.clock, Random: rand.Reader,
	})
	check(t, err)
	d.user, err = d.accounts.Create(t.Context(), account.Draft{Username: "Batch Job", Kind: account.Service}, audit.Actor{})
	check(t, err)
	return d
}

// secret makes a secret of the service account.
func (d *desk) secret(t testing.TB) (secret.Text, clientauth.Secret) {
	t.Helper()
	text, s, err := d.CreateSecret(t.Context(), "batch job", audit.Actor{})
	check(t, err)
	return text, s
}

// signer makes a pair of keys, and has the service account have the public one.
func (d *desk) signer(t testing.TB, alg jose.Algorithm) (jose.Signer, clientauth.Key) {
	t.Helper()
	s, err := jose.GenerateSigner(alg, rand.Reader)
	check(t, err)
	text, err := s.Key().PEM()
	check(t, err)
	k, err := d.CreateKey(t.Context(), d.user.ID.String(), clientauth.KeyDraft{PublicKey: string(text), Algorithm: alg}, audit.Actor{})
	check(t, err)
	return s, k
}

// assertion signs what a good client says of itself, with some members changed; nil leaves one out.
func (d *desk) assertion(t testing.TB, s jose.Signer, header jose.Header, changes map[string]any) secret.Text {
	t.Helper()
	now := d.clock().Unix()
	claims := map[string]any{
		"iss": "Batch Job", "sub": "Batch Job", "aud": issuer, "exp": now + 60, "iat": now, "jti": rand.Text(),
	}
	for name, value := range changes {
		if value == nil {
			delete(claims, name)
			continue
		}
		claims[name] = value
	}
	payload, err := json.Marshal(claims)
	check(t, err)
	text, err := s.Sign(rand.Reader, header, payload)
	check(t, err)
	return secret.Text(text)
}

// prove presents a secret or an assertion, and returns the reason of its refusal, or none.
func (d *desk) prove(t testing.TB, name string, text secret.Text) (authority.Proof, authority.Reason) {
	t.Helper()
	p, err := d.Prove(t.Context(), authority.Credential{Kind: authority.ClientSecret, Name: name, Text: text})
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		return p, ref.Reason
	}
	check(t, err)
	return p, ""
}

// want presents a secret or an assertion, and compares the reason of its refusal.
func (d *desk) want(t testing.TB, name string, text secret.Text, want authority.Reason) authority.Proof {
	t.Helper()
	p, got := d.prove(t, name, text)
	if got != want {
		t.Errorf("got the reason %q, want %q", got, want)
	}
	return p
}
