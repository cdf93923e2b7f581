package identity_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/identity"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
)

// address is that of the desk's service, and audience its API.
const (
	address  = "api.example.com/v2"
	audience = "https://" + address
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// tokens returns what makes tokens at a desk.
func tokens(tb testing.TB, d *desk.Desk) *identity.Tokens {
	tb.Helper()
	made, err := identity.New(identity.Config{Keyring: d.Keyring, Issuer: desk.Issuer, Now: d.Now})
	must(tb, err)
	return made
}

// decision is about a call of alice's that may pass.
func decision() authority.Decision {
	return authority.Decision{
		Kind: authority.PersonalToken, Service: "reports", Principal: authority.Principal{
			User: authority.User{
				ID: uuid.MustParse("0190a0c0-5555-7abc-8def-00000000000a"), Username: "alice", DisplayName: "Alice Ärmel", Email: "alice@example.com",
				Roles: []string{"finance", "partner"}, Active: true,
			},
			CredentialKind: authority.PersonalToken, CredentialID: uuid.MustParse("0190a0c0-5555-7abc-8def-00000000000b"),
		},
	}
}

func token(tb testing.TB, made *identity.Tokens, d authority.Decision, address string) secret.Text {
	tb.Helper()
	text, err := made.Token(tb.Context(), &d, address)
	must(tb, err)
	return text
}

// payload returns the claims of a token that go-jose verifies by the keyring's keys for identity tokens.
func payload(tb testing.TB, d *desk.Desk, text secret.Text) map[string]any {
	tb.Helper()
	signed, err := gojose.ParseSignedCompact(text.Reveal(), []gojose.SignatureAlgorithm{gojose.ES256})
	must(tb, err)
	header := signed.Signatures[0].Header
	if typ := header.ExtraHeaders["typ"]; typ != "identity+jwt" {
		tb.Fatalf("got the type %v", typ)
	}
	key, err := d.Keyring.SigningKey(header.KeyID)
	must(tb, err)
	encoded, err := key.Key.JWK(key.ID)
	must(tb, err)
	var jwk gojose.JSONWebKey
	must(tb, json.Unmarshal(encoded, &jwk))
	data, err := signed.Verify(jwk)
	must(tb, err)
	claims := map[string]any{}
	must(tb, json.Unmarshal(data, &claims))
	return claims
}

// TestClaims looks at all that stands in a token, of a caller who is narrowed and has no name, and of one who is not.
func TestClaims(t *testing.T) {
	d := desk.New(t, desk.Options{})
	made := tokens(t, d)
	full := map[string]any{
		"iss": desk.Issuer, "aud": audience, "sub": "0190a0c0-5555-7abc-8def-00000000000a", "iat": float64(d.Now().Unix()), "exp": float64(d.Now().Unix() + 60),
		"preferred_username": "alice", "name": "Alice Ärmel", "email": "alice@example.com", "groups": []any{"finance", "partner"},
		"credential_kind": "personal_token", "credential_id": "0190a0c0-5555-7abc-8def-00000000000b",
	}
	if diff := cmp.Diff(full, payload(t, d, token(t, made, decision(), address))); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}

	bare := decision()
	bare.Principal.DisplayName, bare.Principal.Email, bare.Principal.Roles = "", "", nil
	bare.Principal.CredentialKind = authority.AccessToken
	bare.Principal.Limits = &authority.Limits{Scopes: []string{"reports.read", "reports.write"}, Application: "a client's word"}
	delete(full, "name")
	delete(full, "email")
	full["groups"], full["credential_kind"], full["scope"] = []any{}, "access_token", "reports.read reports.write"
	if diff := cmp.Diff(full, payload(t, d, token(t, made, bare, address))); diff != "" {
		t.Errorf("claims of the one who is narrowed (-want +got):\n%s", diff)
	}
	bare.Principal.Limits = &authority.Limits{Scopes: []string{}}
	if scope := payload(t, d, token(t, made, bare, address))["scope"]; scope != "" {
		t.Errorf("got the scope %v of one who is narrowed to nothing, want an empty one", scope)
	}
}

// TestDecided takes what the authority says of a real call, and what the claims of a client can't be.
func TestDecided(t *testing.T) {
	d := desk.New(t, desk.Options{})
	user := d.User(t, "ExternalApp", account.Person, "partner")
	text, record := d.Token(t, apitoken.Draft{Name: "nightly", User: "ExternalApp", Limits: authority.Limits{Scopes: []string{"reports.read"}}})
	access, err := d.Exchange(t, text, accesstoken.Ask{})
	must(t, err)
	got := d.Authority.Decide(t.Context(), desk.Bearer(access.Token.Reveal()), desk.Gateway)
	claims := payload(t, d, token(t, tokens(t, d), got, address))
	want := map[string]any{
		"sub": user.ID.String(), "preferred_username": "ExternalApp", "groups": []any{"partner"}, "scope": "reports.read",
		"credential_kind": "access_token", "credential_id": record.ID.String(),
	}
	for name, value := range want {
		if !cmp.Equal(claims[name], value) {
			t.Errorf("%s: got %v, want %v", name, claims[name], value)
		}
	}
}

// TestAudience tells the URL of a service, by its address.
func TestAudience(t *testing.T) {
	d := desk.New(t, desk.Options{})
	if aud := payload(t, d, token(t, tokens(t, d), decision(), address))["aud"]; aud != audience {
		t.Errorf("got the audience %v, want %s", aud, audience)
	}
}

// TestTold has the same token told for half its life, and then another.
func TestTold(t *testing.T) {
	d := desk.New(t, desk.Options{Start: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)})
	made := tokens(t, d)
	first := token(t, made, decision(), address)
	d.Advance(t, 30*time.Second-time.Microsecond)
	if got := token(t, made, decision(), address); got != first {
		t.Error("just before half its life: got another token, want the same")
	}
	d.Advance(t, time.Microsecond)
	second := token(t, made, decision(), address)
	if second == first {
		t.Error("after half its life: got the same token, want another")
	}
	if exp := payload(t, d, second)["exp"]; exp != float64(d.Now().Unix()+60) {
		t.Errorf("got its end at %v, want a minute from now", exp)
	}
	d.Advance(t, -time.Second)
	if got := token(t, made, decision(), address); got == second {
		t.Error("by a clock set back: got a token of the time to come")
	}
}

// TestNothingStale changes one thing of what a decision says at a time: what is told has changed with it. At the end, the
// first token is still the one for what it says.
func TestNothingStale(t *testing.T) {
	d := desk.New(t, desk.Options{})
	made := tokens(t, d)
	first := token(t, made, decision(), address)
	seen := []secret.Text{first}
	for name, change := range map[string]func(p *authority.Principal){
		"another user":        func(p *authority.Principal) { p.ID[0]++ },
		"user name":           func(p *authority.Principal) { p.Username = "alicf" },
		"display name":        func(p *authority.Principal) { p.DisplayName = "Alice" },
		"no display name":     func(p *authority.Principal) { p.DisplayName = "" },
		"names run together":  func(p *authority.Principal) { p.Username, p.DisplayName = `alice""Alice`, " Ärmel" },
		"e-mail":              func(p *authority.Principal) { p.Email = "alicf@example.com" },
		"a role less":         func(p *authority.Principal) { p.Roles = []string{"partner"} },
		"a role more":         func(p *authority.Principal) { p.Roles = []string{"admin", "finance", "partner"} },
		"roles run together":  func(p *authority.Principal) { p.Roles = []string{`finance""partner`} },
		"no role":             func(p *authority.Principal) { p.Roles = nil },
		"another kind":        func(p *authority.Principal) { p.CredentialKind = authority.AccessToken },
		"another credential":  func(p *authority.Principal) { p.CredentialID[15]++ },
		"narrowed":            func(p *authority.Principal) { p.Limits = &authority.Limits{Scopes: []string{"a"}} },
		"narrowed otherwise":  func(p *authority.Principal) { p.Limits = &authority.Limits{Scopes: []string{"b"}} },
		"narrowed to nothing": func(p *authority.Principal) { p.Limits = &authority.Limits{Scopes: []string{}} },
	} {
		changed := decision()
		changed.Principal.Roles = slices.Clone(changed.Principal.Roles)
		change(&changed.Principal)
		got := token(t, made, changed, address)
		if slices.Contains(seen, got) {
			t.Errorf("%s: got a token that was told of another", name)
		}
		seen = append(seen, got)
		claims := payload(t, d, got)
		if claims["preferred_username"] != changed.Principal.Username || claims["credential_kind"] != changed.Principal.CredentialKind.String() {
			t.Errorf("%s: got %v", name, claims)
		}
		if again := token(t, made, changed, address); again != got {
			t.Errorf("%s: got another token the second time", name)
		}
	}
	if other := token(t, made, decision(), address+"/"); slices.Contains(seen, other) || payload(t, d, other)["aud"] != audience+"/" {
		t.Error("another API: got a token for the first")
	}
	if token(t, made, decision(), address) != first {
		t.Error("got another token for the first, which nothing has changed")
	}
}

// TestRevokedKey revokes the key under tokens that are remembered.
func TestRevokedKey(t *testing.T) {
	d := desk.New(t, desk.Options{})
	made := tokens(t, d)
	first := token(t, made, decision(), address)
	retire, err := d.Keyring.RotateSigningKey(t.Context(), keyring.ForIdentity, "", audit.Actor{})
	must(t, err)
	if token(t, made, decision(), address) != first {
		t.Error("of a retired key: got another token, want the same")
	}
	former := d.Verified(t, first).KeyID
	must(t, d.Keyring.RevokeSigningKey(t.Context(), former, audit.Actor{}))
	second := token(t, made, decision(), address)
	if second == first || d.Verified(t, second).KeyID != retire.ID {
		t.Error("of a revoked key: got a token of it, want one of the other")
	}
}

// TestRefuses asks for tokens about what may not pass, and about nobody; its twin is told.
func TestRefuses(t *testing.T) {
	d := desk.New(t, desk.Options{})
	made := tokens(t, d)
	for name, change := range map[string]func(*authority.Decision) string{
		"refused":       func(d *authority.Decision) string { d.Outcome = authority.OutcomeForbidden; return address },
		"unavailable":   func(d *authority.Decision) string { d.Outcome = authority.OutcomeUnavailable; return address },
		"no address":    func(*authority.Decision) string { return "" },
		"no user name":  func(d *authority.Decision) string { d.Principal.Username = ""; return address },
		"the zero call": func(d *authority.Decision) string { *d = authority.Decision{}; return address },
	} {
		bad := decision()
		if text, err := made.Token(t.Context(), &bad, change(&bad)); err == nil || text != "" {
			t.Errorf("%s: got a token and error %v", name, err)
		}
	}
	token(t, made, decision(), address)
	for _, bad := range []identity.Config{
		{Issuer: desk.Issuer, Now: d.Now},
		{Keyring: d.Keyring, Now: d.Now},
		{Keyring: d.Keyring, Issuer: desk.Issuer},
	} {
		if _, err := identity.New(bad); err == nil {
			t.Errorf("got it made of %+v", bad)
		}
	}
}

// failing is a store that has no room for a key, until it has.
type failing struct {
	keyring.Store
	err error
}

func (f *failing) AddSigningKey(ctx context.Context, k keyring.WrappedSigningKey, former string, ev audit.Event) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.AddSigningKey(ctx, k, former, ev)
}

// TestStoreFails has the first key not be made.
func TestStoreFails(t *testing.T) {
	d := desk.New(t, desk.Options{})
	full := &failing{d.Store, authority.ErrStorageFull}
	keys, err := keyring.Open(t.Context(), keyring.Config{Store: full, Master: d.Master, Now: d.Now, Random: rand.Reader})
	must(t, err)
	made, err := identity.New(identity.Config{Keyring: keys, Issuer: desk.Issuer, Now: d.Now})
	must(t, err)
	about := decision()
	if text, err := made.Token(t.Context(), &about, address); !errors.Is(err, full.err) || text != "" {
		t.Errorf("got error %v, want the store's", err)
	}
	full.err = nil
	token(t, made, decision(), address)
}

// TestManyCallers has more callers than are remembered come one after the other, and many at once: each is told of itself.
func TestManyCallers(t *testing.T) {
	d := desk.New(t, desk.Options{})
	made := tokens(t, d)
	of := func(n int) authority.Decision {
		one := decision()
		one.Principal.Username = fmt.Sprintf("user%d", n)
		return one
	}
	const most, rounds = 20, 95
	made.Bound(most)
	for n := range rounds {
		token(t, made, of(n), address)
		if kept := made.Told(); kept > 2*most {
			t.Fatalf("got %d tokens remembered, want %d at most", kept, 2*most)
		}
	}
	last := token(t, made, of(rounds-1), address)
	if token(t, made, of(rounds-1), address) != last {
		t.Error("the last of them is signed anew")
	}
	d.Advance(t, time.Minute)
	token(t, made, of(0), address)
	d.Advance(t, time.Minute)
	token(t, made, of(0), address)
	if kept := made.Told(); kept > 2 {
		t.Errorf("got %d tokens remembered two minutes later, want those of one caller", kept)
	}

	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				n := (g + i) % 5
				one := of(n)
				text, err := made.Token(t.Context(), &one, address)
				if err != nil || d.Verified(t, text).Claims.Has("jti") {
					t.Errorf("got error %v", err)
					return
				}
				v := d.Verified(t, text)
				if name, _ := v.Claims.Text("preferred_username"); name != one.Principal.Username {
					t.Errorf("got the token of %s, want that of %s", name, one.Principal.Username)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestNoCredential presents an identity token to the gateway's door, which its access token passes, and tells no more than of
// any unknown token.
func TestNoCredential(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_ = d.User(t, "ExternalApp", account.Person, "partner")
	text, _ := d.Token(t, apitoken.Draft{Name: "nightly", User: "ExternalApp"})
	access, err := d.Exchange(t, text, accesstoken.Ask{})
	must(t, err)
	admitted := d.Authority.Decide(t.Context(), desk.Bearer(access.Token.Reveal()), desk.Gateway)
	// For the very URL that access tokens name, so that nothing but its key and its type tell it from one.
	told := token(t, tokens(t, d), admitted, desk.Issuer)
	for range 2 {
		got := d.Authority.Decide(t.Context(), desk.Bearer(told.Reveal()), desk.Gateway)
		if got.Reason != authority.ReasonWrongType || got.Outcome != authority.OutcomeUnauthenticated || got.Kind != authority.AccessToken {
			t.Errorf("got %+v, want wrong_type", got)
		}
	}
	if reasons := refusals(d); !slices.Equal(reasons, []string{"wrong_type"}) {
		t.Errorf("got the refusals %v, want wrong_type", reasons)
	}
	if reason := d.Call(t, access.Token.Reveal()); reason != "" {
		t.Errorf("the access token is refused for %s", reason)
	}
	door := &authority.Door{Name: "all", Kinds: authority.KindsOf(authority.APIToken, authority.PersonalToken, authority.SessionToken, authority.Password)}
	if _, err := d.Authority.Identify(t.Context(), desk.Bearer(told.Reveal()), door); !strings.Contains(fmt.Sprint(err), "not_accepted_here") {
		t.Errorf("at a door without access tokens: got %v", err)
	}
}

// refusals returns the reasons of what was refused, each once.
func refusals(d *desk.Desk) (reasons []string) {
	for _, e := range d.Refusals.Drain(d.Now()) {
		reasons = append(reasons, e.Reason)
	}
	return slices.Compact(reasons)
}

// BenchmarkToken tells of one caller, again and again, and of one who is another each time.
func BenchmarkToken(b *testing.B) {
	d := desk.New(b, desk.Options{})
	made := tokens(b, d)
	about := decision()
	b.Run("told", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := made.Token(b.Context(), &about, address)
			must(b, err)
		}
	})
	b.Run("signed", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			about.Principal.Username = fmt.Sprint(n)
			_, err := made.Token(b.Context(), &about, address)
			must(b, err)
		}
	})
}
