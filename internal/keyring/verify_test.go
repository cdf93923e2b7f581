package keyring_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestVerify verifies tokens of this keyring, each for its purpose and for the other. What somebody could make of them,
// the ways in present: see accesstoken and apitoken.
func TestVerify(t *testing.T) {
	store := newStore(t)
	k := mustOpen(t, signing(store))
	api, access, told := mustSign(t, k, keyring.ForAPITokens), mustSign(t, k, keyring.ForAccessTokens), mustSign(t, k, keyring.ForIdentity)
	issuer := claims("x").Issuer
	for _, test := range []struct {
		name    string
		token   secret.Text
		purpose keyring.Purpose
		issuer  string
		want    authority.Reason
	}{
		{"an API token", api.Token, keyring.ForAPITokens, issuer, ""},
		{"an access token", access.Token, keyring.ForAccessTokens, issuer, ""},
		{"an API token for an access token", api.Token, keyring.ForAccessTokens, issuer, "wrong_type"},
		{"an access token for an API token", access.Token, keyring.ForAPITokens, issuer, "wrong_type"},
		{"an identity token", told.Token, keyring.ForIdentity, issuer, ""},
		{"an identity token for an access token", told.Token, keyring.ForAccessTokens, issuer, "wrong_type"},
		{"an identity token for an API token", told.Token, keyring.ForAPITokens, issuer, "wrong_type"},
		{"an access token for an identity token", access.Token, keyring.ForIdentity, issuer, "wrong_type"},
		{"another issuer", access.Token, keyring.ForAccessTokens, issuer + "/", "wrong_issuer"},
		{"no token", "", keyring.ForAccessTokens, issuer, "malformed"},
		{"a megabyte of dots", secret.Text(strings.Repeat(".", 1<<20)), keyring.ForAccessTokens, issuer, "malformed"},
	} {
		v, err := k.Verify(t.Context(), test.token, test.purpose, test.issuer)
		if got := reasonOf(t, err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if err == nil && (v.KeyID == "" || !v.Claims.Has("jti") || !v.IsFor(claims("x").Audience[0]) || v.IsFor("elsewhere")) {
			t.Errorf("%s: got %+v, want what it says", test.name, v)
		}
	}
	if got := k.PurposeOf(api.Token.Reveal()); got != keyring.ForAPITokens {
		t.Errorf("got purpose %q, want that of API tokens", got)
	}
	if got := k.PurposeOf(told.Token.Reveal()); got != keyring.ForIdentity {
		t.Errorf("got purpose %q, want that of identity tokens", got)
	}
	// A key's tokens begin with one header. Another that names the key is read, and one without a dot is no token.
	header, rest, _ := strings.Cut(api.Token.Reveal(), ".")
	signing, err := k.SigningKey(api.KeyID)
	must(t, err)
	if want := (jose.Header{Algorithm: signing.Algorithm, KeyID: api.KeyID, Type: "api+jwt"}).Encode(); header != want {
		t.Errorf("got header %s, want %s", header, want)
	}
	other := jose.Header{Algorithm: signing.Algorithm, KeyID: api.KeyID, Type: "at+jwt"}.Encode()
	for token, want := range map[string]keyring.Purpose{other + "." + rest: keyring.ForAPITokens, header: "", other: "", header + "A." + rest: ""} {
		if got := k.PurposeOf(token); got != want {
			t.Errorf("%s: got purpose %q, want %q", token, got, want)
		}
	}
	must(t, k.RevokeSigningKey(t.Context(), api.KeyID, audit.Actor{}))
	if _, err := k.Verify(t.Context(), api.Token, keyring.ForAPITokens, issuer); reasonOf(t, err) != authority.ReasonRevokedKey {
		t.Errorf("of a revoked key: got error %v, want revoked_key", err)
	}
	if got := k.PurposeOf(api.Token.Reveal()); got != keyring.ForAPITokens {
		t.Errorf("of a revoked key: got purpose %q, want that of API tokens", got)
	}
	if _, err := k.Verify(t.Context(), access.Token, keyring.ForAccessTokens, issuer); err != nil {
		t.Errorf("of another key: got error %v, want none", err)
	}
}

// TestVerifyTells of a token that has ended what it was.
func TestVerifyTells(t *testing.T) {
	cfg := signing(newStore(t))
	at := noon
	cfg.Now = func() time.Time { return at }
	k := mustOpen(t, cfg)
	set := claims("x")
	set.IssuedAt, set.Expires, set.Never = noon, noon.Add(time.Minute), false
	signed, err := k.Sign(t.Context(), keyring.ForAccessTokens, set)
	must(t, err)
	at = noon.Add(time.Minute)
	v, err := k.Verify(t.Context(), signed.Token, keyring.ForAccessTokens, set.Issuer)
	if reasonOf(t, err) != authority.ReasonExpired || !v.Expires.Equal(at) || v.KeyID != signed.KeyID {
		t.Errorf("got %+v and error %v, want it expired, and its end", v, err)
	}
	for ahead, want := range map[time.Duration]authority.Reason{-10 * time.Second: "", -11 * time.Second: "not_yet"} {
		at = noon.Add(ahead)
		if _, err := k.Verify(t.Context(), signed.Token, keyring.ForAccessTokens, set.Issuer); reasonOf(t, err) != want {
			t.Errorf("by a clock %s behind: got error %v, want %q", -ahead, err, want)
		}
	}
}

// TestVerifiedID: an ID counts in one spelling alone, or one record would have several.
func TestVerifiedID(t *testing.T) {
	k := mustOpen(t, signing(newStore(t)))
	const id = "01a21563-69c9-7c2c-8183-7f9ff70db932"
	for text, want := range map[string]bool{
		id: true, strings.ToUpper(id): false, "{" + id + "}": false, "urn:uuid:" + id: false, strings.ReplaceAll(id, "-", ""): false,
		id[:35]: false, id + "0": false, uuid.Nil.String(): false, "alice": false, strings.Replace(id, "9ff7", "9Ff7", 1): false, strings.Replace(id, "9ff7", "9gf7", 1): false,
		strings.Replace(id, "-7c2c-", "07c2c-", 1): false, strings.Replace(id, "-7c2c-", "-7c2c0", 1): false, strings.Replace(id, "9ff7", "9ef7", 1): true,
	} {
		signed, err := k.Sign(t.Context(), keyring.ForAccessTokens, claims(text))
		must(t, err)
		v, err := k.Verify(t.Context(), signed.Token, keyring.ForAccessTokens, claims(text).Issuer)
		must(t, err)
		if got, ok := v.ID("jti"); ok != want || want && got.String() != text {
			t.Errorf("%s: got %s, %t, want %t", text, got, ok, want)
		}
		if _, ok := v.ID("client_id"); ok {
			t.Error("got an ID of a claim that isn't there")
		}
	}
}

func reasonOf(t *testing.T, err error) authority.Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		t.Fatalf("got error %v, want a refusal", err)
	}
	return ref.Reason
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestVerifyByAKeyOfAnotherNode has one node take a token whose key another made a moment ago, before it has heard of that.
// Its twin is of a key that nobody made.
func TestVerifyByAKeyOfAnotherNode(t *testing.T) {
	store := newStore(t)
	counted := &looked{Store: store}
	here, there := mustOpen(t, signing(counted)), mustOpen(t, signing(store))
	signed := mustSign(t, there, keyring.ForAccessTokens)
	if _, err := here.Verify(t.Context(), signed.Token, keyring.ForAccessTokens, claims("1").Issuer); err != nil || counted.times != 1 {
		t.Errorf("got error %v after %d look-ups, want the token taken after one", err, counted.times)
	}
	if _, err := here.Verify(t.Context(), signed.Token, keyring.ForAccessTokens, claims("1").Issuer); err != nil || counted.times != 1 {
		t.Errorf("got error %v after %d look-ups, want no second one", err, counted.times)
	}
	stranger := mustOpen(t, signing(newStore(t)))
	unknown := mustSign(t, stranger, keyring.ForAccessTokens)
	if _, err := here.Verify(t.Context(), unknown.Token, keyring.ForAccessTokens, claims("1").Issuer); reasonOf(t, err) != authority.ReasonUnknownKey {
		t.Errorf("got error %v for a key that nobody made, want unknown_key", err)
	}
	counted.fail = errors.New("the database is down")
	if _, err := here.Verify(t.Context(), unknown.Token, keyring.ForAccessTokens, claims("1").Issuer); !errors.Is(err, counted.fail) {
		t.Errorf("got error %v while the database is down, want that: nobody knows whether the key is good", err)
	}
}

// looked counts how often a key is looked for, and fails if it is told to.
type looked struct {
	keyring.Store
	times int
	fail  error
}

func (l *looked) HasSigningKey(ctx context.Context, kid string) (bool, error) {
	l.times++
	if l.fail != nil {
		return false, l.fail
	}
	return l.Store.HasSigningKey(ctx, kid)
}
