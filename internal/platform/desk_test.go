package platform_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

const publicURL = "https://tokens.example.com"

// admin is who enrols platforms in the tests. It is nobody in the database, as Jeton itself is.
var admin = audit.Actor{Username: "root", Address: "192.0.2.1"}

// desk is Platforms on a real database, with the user ann.
type desk struct {
	*platform.Platforms
	store    *faultyStore
	keys     *keyring.Keyring
	accounts *account.Accounts
	sets     *fakeSets
	ann      account.User
	applied  atomic.Int64
	moved    atomic.Int64 // microseconds since the opening
}

// faultyStore is the store until it is told to fail.
type faultyStore struct {
	*sqlite.Store
	err error
}

func (s *faultyStore) PlatformKeys(ctx context.Context, id uuid.UUID) ([]platform.Key, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Store.PlatformKeys(ctx, id)
}

func (s *faultyStore) PlatformNamed(ctx context.Context, name string) (platform.Platform, error) {
	if s.err != nil {
		return platform.Platform{}, s.err
	}
	return s.Store.PlatformNamed(ctx, name)
}

// fakeSets publish the keys of one address.
type fakeSets struct {
	keys  []jose.IdentifiedKey
	err   error
	asked atomic.Int64
	kid   atomic.Value // which was looked for last
}

const setAddress = "https://partner.example.com/jwks.json"

var errAddress = errors.New("is no address of a set")

func (*fakeSets) Check(uri string) error {
	if uri != setAddress {
		return errAddress
	}
	return nil
}

func (s *fakeSets) Keys(_ context.Context, uri, kid string) ([]jose.IdentifiedKey, error) {
	s.asked.Add(1)
	s.kid.Store(kid)
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
	return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Duration(d.moved.Load()) * time.Microsecond)
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
	applied := func(context.Context) error { d.applied.Add(1); return nil }
	d.accounts, err = account.New(account.Config{Store: store, Applied: applied, Now: d.clock, Random: rand.Reader, PasswordSlots: 1})
	check(t, err)
	d.Platforms, err = platform.New(d.config())
	check(t, err)
	d.ann = d.user(t, account.Draft{Username: "ann", Email: "Ann@example.com", Roles: []string{"partner"}})
	return d
}

// config is what the Platforms of the desk are made of.
func (d *desk) config() platform.Config {
	return platform.Config{
		Store: d.store, Users: d.accounts, Keyring: d.keys, KeySets: d.sets, Applied: func(context.Context) error { d.applied.Add(1); return nil },
		PublicURL: publicURL, Audiences: []string{publicURL, publicURL + "/oauth/token"}, Doors: []string{publicURL + "/api/v1/authenticate-jwt/"}, Now: d.clock, Random: rand.Reader,
	}
}

func (d *desk) user(t testing.TB, draft account.Draft) account.User {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), draft, audit.Actor{})
	check(t, err)
	return u
}

// enrol enrols a platform that is enabled and speaks for all, unless change says otherwise.
func (d *desk) enrol(t testing.TB, change func(*platform.Draft)) (platform.Platform, platform.Made) {
	t.Helper()
	draft := platform.Draft{Name: "Partner " + rand.Text(), Enabled: true}
	if change != nil {
		change(&draft)
	}
	p, made, err := d.Enrol(t.Context(), draft, admin)
	check(t, err)
	return p, made
}

// partner is a platform with the means to sign for it.
type partner struct {
	platform.Platform
	key  platform.Key
	sign func(t testing.TB, header jose.Header, claims []byte) secret.Text
}

// partner enrols a platform with a key of an algorithm that the test has the other half of.
func (d *desk) partner(t testing.TB, alg jose.Algorithm, change func(*platform.Draft)) *partner {
	t.Helper()
	draft, sign := keyOf(t, alg)
	p, made := d.enrol(t, func(draft2 *platform.Draft) {
		draft2.Algorithm, draft2.Key = alg, draft
		if change != nil {
			change(draft2)
		}
	})
	return &partner{p, made.Key, sign}
}

// keyOf makes a key of an algorithm, with the means to sign by it.
func keyOf(t testing.TB, alg jose.Algorithm) (platform.KeyDraft, func(testing.TB, jose.Header, []byte) secret.Text) {
	t.Helper()
	if alg.Symmetric() {
		shared := rand.Text() + rand.Text() + rand.Text()
		return platform.KeyDraft{Secret: secret.Text(shared)}, macBy(alg, shared)
	}
	s, err := jose.GenerateSigner(alg, rand.Reader)
	check(t, err)
	return platform.KeyDraft{PublicKey: pemOf(t, s)}, signBy(s)
}

// signBy signs as a platform does that has a pair.
func signBy(s jose.Signer) func(testing.TB, jose.Header, []byte) secret.Text {
	return func(t testing.TB, header jose.Header, claims []byte) secret.Text {
		t.Helper()
		text, err := s.Sign(rand.Reader, header, claims)
		check(t, err)
		return secret.Text(text)
	}
}

// macBy signs as a platform does that has a shared secret, by no code of ours.
func macBy(alg jose.Algorithm, shared string) func(testing.TB, jose.Header, []byte) secret.Text {
	return func(t testing.TB, header jose.Header, claims []byte) secret.Text {
		t.Helper()
		members := map[string]string{"alg": string(alg)}
		if header.KeyID != "" {
			members["kid"] = header.KeyID
		}
		if header.Type != "" {
			members["typ"] = header.Type
		}
		encoded, err := json.Marshal(members)
		check(t, err)
		input := base64.RawURLEncoding.EncodeToString(encoded) + "." + base64.RawURLEncoding.EncodeToString(claims)
		hashes := map[jose.Algorithm]func() hash.Hash{jose.HS256: sha256.New, jose.HS384: sha512.New384, jose.HS512: sha512.New}
		mac := hmac.New(hashes[alg], []byte(shared))
		_, _ = mac.Write([]byte(input))
		return secret.Text(input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	}
}

// pemOf returns the public half of a signer's key.
func pemOf(t testing.TB, s jose.Signer) string {
	t.Helper()
	text, err := s.Key().PEM()
	check(t, err)
	return string(text)
}

// claims are members of an assertion; nil leaves one out.
type claims map[string]any

// over returns the claims with some changed, in JSON.
func (c claims) over(changes ...claims) []byte {
	all := claims{}
	for _, m := range append([]claims{c}, changes...) {
		for name, value := range m {
			all[name] = value
			if value == nil {
				delete(all, name)
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // no test has such claims
	}
	return text
}

// plain is what BitCanuck's platforms say, with some members changed.
func (d *desk) plain(changes claims) []byte {
	return claims{"email": "ann@example.com", "expire": d.clock().Unix() + 60}.over(changes)
}

// full is what the jwt-bearer grant asks for, with some members changed.
func (d *desk) full(p *partner, changes claims) []byte {
	return claims{"iss": p.Code, "sub": "ann@example.com", "aud": publicURL, "exp": d.clock().Unix() + 60}.over(changes)
}

// prove presents an assertion and returns the reason of its refusal, or none. It holds Explain to the same answer, before.
func (d *desk) prove(t testing.TB, url string, text secret.Text) (authority.Proof, authority.Reason) {
	t.Helper()
	proof, err := d.Prove(t.Context(), authority.Credential{Kind: authority.Assertion, Name: url, Text: text})
	if ref, ok := errors.AsType[*authority.Refusal](err); ok {
		return proof, ref.Reason
	}
	check(t, err)
	return proof, ""
}

// want presents an assertion of a platform and compares the reason of its refusal, and what Explain says of it just before.
func (d *desk) want(t testing.TB, p *partner, grant bool, text secret.Text, want authority.Reason) authority.Proof {
	t.Helper()
	url := p.Code
	if grant {
		url = ""
	}
	told, err := d.Explain(t.Context(), platform.Question{Platform: p.Code, Assertion: text, Grant: grant})
	if errors.Is(err, authority.ErrNotFound) && want == authority.ReasonDeleted {
		err, told = nil, authority.Explanation{Reason: want}
	}
	check(t, err)
	if told.Reason != want || told.Accepted != (want == "") {
		t.Errorf("Explain: got accepted %t and the reason %q, want %q: %+v", told.Accepted, told.Reason, want, told.Steps)
	}
	proof, got := d.prove(t, url, text)
	if got != want {
		t.Errorf("got the reason %q, want %q", got, want)
	}
	return proof
}

// wantField compares the field of a *authority.FieldError, and looks for words in what it says.
func wantField(t testing.TB, err error, field, says string) {
	t.Helper()
	fault, ok := errors.AsType[*authority.FieldError](err)
	if !ok || fault.Field != field {
		t.Errorf("got %v, want a fault of %s", err, field)
		return
	}
	if !contains(fault.Problem, says) {
		t.Errorf("got %q, want it to say %q", fault.Problem, says)
	}
}

// jsonNull is a claim that is there, and null.
var jsonNull = json.RawMessage("null")

func contains(text, part string) bool { return strings.Contains(text, part) }

func digits(n int64) string { return strconv.FormatInt(n, 10) }

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
