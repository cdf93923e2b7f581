package apitoken_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/test/desk"
	"github.com/jeton-io/jeton/test/forge"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// exchangeDoor takes API tokens alone.
var exchangeDoor = &authority.Door{Name: "exchange", Kinds: authority.KindsOf(authority.APIToken)}

// present presents a text as an API token, as a door does whose protocol says that it is one, and returns the reason why it is
// refused, empty where it isn't.
func present(tb testing.TB, d *desk.Desk, text string) authority.Reason {
	tb.Helper()
	in := &authority.Presented{Given: &authority.Credential{Kind: authority.APIToken, Text: secret.Text(text)}, Peer: desk.Peer}
	_, err := d.Authority.Identify(tb.Context(), in, exchangeDoor)
	return reasonOf(tb, err)
}

func reasonOf(tb testing.TB, err error) authority.Reason {
	tb.Helper()
	if err == nil {
		return ""
	}
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok {
		tb.Fatalf("got error %v, want a refusal", err)
	}
	return ref.Reason
}

// part returns a segment of a token.
func part(tb testing.TB, text secret.Text, n int) (members map[string]any) {
	tb.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(text.Reveal(), ".")[n])
	must(tb, err)
	must(tb, json.Unmarshal(data, &members))
	return members
}

// TestText looks at what stands in an API token's text.
func TestText(t *testing.T) {
	d := desk.New(t, desk.Options{})
	u := d.User(t, "ExternalApp", account.Person)
	for name, draft := range map[string]apitoken.Draft{"of 30 days": {Days: 30}, "without an end": {Never: true}} {
		draft.Name, draft.User = name, "EXTERNALAPP"
		text, token := d.Token(t, draft)
		want := map[string]any{
			"iss": desk.Issuer, "aud": desk.Issuer, "sub": u.ID.String(), "jti": token.ID.String(), "iat": float64(d.Now().Unix()),
		}
		if !draft.Never {
			want["exp"] = float64(d.Now().Add(30 * 24 * time.Hour).Unix())
		}
		if diff := cmp.Diff(want, part(t, text, 1)); diff != "" {
			t.Errorf("%s: claims (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(map[string]any{"alg": "RS256", "kid": token.KeyID, "typ": "api+jwt"}, part(t, text, 0)); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", name, diff)
		}
		if got := present(t, d, text.Reveal()); got != "" {
			t.Errorf("%s: got %q, want it admitted", name, got)
		}
	}
}

// TestForged presents everything that somebody could make of a good API token, of a token with an end and of one without.
func TestForged(t *testing.T) {
	for name, draft := range map[string]apitoken.Draft{"of 30 days": {Days: 30}, "without an end": {Never: true}} {
		t.Run(name, func(t *testing.T) {
			d := desk.New(t, desk.Options{})
			_ = d.User(t, "ExternalApp", account.Person)
			draft.Name, draft.User = name, "ExternalApp"
			text, _ := d.Token(t, draft)
			good := forge.Good{Text: text.Reveal(), Now: d.Now(), Recorded: true, Never: draft.Never}
			good.Signer, _ = forge.Steal(t, d.Store, []byte(d.Master.Reveal()), keyring.ForAPITokens)
			for _, bad := range good.All(t) {
				want := bad.Reason
				if want == authority.ReasonUnrecognized {
					want = authority.ReasonMalformed // the door has said what it is
				}
				if got := present(t, d, bad.Text); got != want {
					t.Errorf("%s: got %q, want %q", bad.Name, got, want)
				}
			}
			if got := present(t, d, text.Reveal()); got != "" {
				t.Errorf("the good token is refused in the end, for %s", got)
			}
		})
	}
}

// TestSaysWhatItsRecordSays has the key sign tokens that its records know otherwise.
func TestSaysWhatItsRecordSays(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_, _ = d.User(t, "ExternalApp", account.Person), d.User(t, "other", account.Person)
	text, token := d.Token(t, apitoken.Draft{Name: "ends", User: "ExternalApp"})
	_, never := d.Token(t, apitoken.Draft{Name: "never ends", User: "ExternalApp", Never: true})
	_, others := d.Token(t, apitoken.Draft{Name: "other's", User: "other"})
	signer, _ := forge.Steal(t, d.Store, []byte(d.Master.Reveal()), keyring.ForAPITokens)
	header, err := json.Marshal(part(t, text, 0))
	must(t, err)
	for _, test := range []struct {
		name   string
		change func(claims map[string]any)
		want   authority.Reason
	}{
		{"nothing", func(map[string]any) {}, ""},
		{"a later end", func(c map[string]any) { c["exp"] = token.ExpiresAt.Unix() + 1 }, "wrong_claims"},
		{"an earlier end", func(c map[string]any) { c["exp"] = token.ExpiresAt.Unix() - 1 }, "wrong_claims"},
		{"no end", func(c map[string]any) { delete(c, "exp") }, "wrong_claims"},
		{"the record without an end", func(c map[string]any) { c["jti"] = never.ID.String() }, "wrong_claims"},
		{"the record without an end, and none", func(c map[string]any) { c["jti"] = never.ID.String(); delete(c, "exp") }, ""},
		{"another's record", func(c map[string]any) { c["jti"], c["exp"] = others.ID.String(), others.ExpiresAt.Unix() }, "wrong_claims"},
		{"no record", func(c map[string]any) { c["jti"] = uuid.NewString() }, "unknown"},
		{"no record, and ended", func(c map[string]any) { c["jti"], c["exp"] = uuid.NewString(), 1 }, "unknown"},
		{"a service for its audience", func(c map[string]any) { c["aud"] = "https://api.example.com/v2" }, "wrong_audience"},
	} {
		claims := part(t, text, 1)
		claims["exp"] = token.ExpiresAt.Unix()
		claims["iat"] = d.Now().Unix()
		test.change(claims)
		payload, err := json.Marshal(claims)
		must(t, err)
		if got := present(t, d, forge.Sign(t, signer, header, payload)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestTaken takes a token from its holder in each way, cold and warm.
func TestTaken(t *testing.T) {
	for name, test := range map[string]struct {
		take func(d *desk.Desk, token apitoken.Token) error
		want authority.Reason
	}{
		"disabled": {func(d *desk.Desk, token apitoken.Token) error {
			_, err := d.API.Update(t.Context(), token.ID, apitoken.Patch{Enabled: new(bool)}, &d.Admin, audit.Actor{})
			return err
		}, "disabled"},
		"deleted": {func(d *desk.Desk, token apitoken.Token) error {
			return d.API.Delete(t.Context(), token.ID, audit.Actor{})
		}, "deleted"},
		"its user is blocked": {func(d *desk.Desk, token apitoken.Token) error {
			_, err := d.Accounts.Update(t.Context(), token.UserID, 0, account.Patch{State: new(account.Blocked)}, audit.Actor{})
			return err
		}, "blocked"},
		"its key is revoked": {func(d *desk.Desk, token apitoken.Token) error {
			return d.Keyring.RevokeSigningKey(t.Context(), token.KeyID, audit.Actor{})
		}, "revoked_key"},
		"its end has come": {func(d *desk.Desk, _ apitoken.Token) error { d.Advance(t, 30*24*time.Hour); return nil }, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			d := desk.New(t, desk.Options{})
			_ = d.User(t, "ExternalApp", account.Person)
			text, token := d.Token(t, apitoken.Draft{Name: "taken", User: "ExternalApp"})
			_, _ = d.Token(t, apitoken.Draft{Name: "twin", User: "ExternalApp"})
			for range 2 {
				if got := present(t, d, text.Reveal()); got != "" {
					t.Fatalf("from the start: got %q, want it admitted", got)
				}
			}
			must(t, test.take(d, token))
			for range 2 {
				if got := present(t, d, text.Reveal()); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}
			if test.want == "expired" {
				d.Advance(t, -time.Hour)
				if got := present(t, d, text.Reveal()); got != "expired" {
					t.Errorf("with the clock set back: got %q, want expired", got)
				}
			}
		})
	}
}

// TestDisabledAndBack disables a token and enables it.
func TestDisabledAndBack(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_ = d.User(t, "ExternalApp", account.Person)
	text, token := d.Token(t, apitoken.Draft{Name: "back", User: "ExternalApp", Disabled: true})
	if got := present(t, d, text.Reveal()); got != "disabled" {
		t.Errorf("from the start: got %q, want disabled", got)
	}
	_, err := d.API.Update(t.Context(), token.ID, apitoken.Patch{Enabled: new(true)}, &d.Admin, audit.Actor{})
	must(t, err)
	if got := present(t, d, text.Reveal()); got != "" {
		t.Errorf("enabled: got %q, want it admitted", got)
	}
}

// TestRotatedKeyVerifies makes sure that what a retired key has signed lives on.
func TestRotatedKeyVerifies(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_ = d.User(t, "ExternalApp", account.Person)
	text, _ := d.Token(t, apitoken.Draft{Name: "old", User: "ExternalApp"})
	_, err := d.Keyring.RotateSigningKey(t.Context(), keyring.ForAPITokens, "EdDSA", audit.Actor{})
	must(t, err)
	d.Authority.Forget(uuid.Nil)
	newer, _ := d.Token(t, apitoken.Draft{Name: "new", User: "ExternalApp"})
	for _, token := range []secret.Text{text, newer} {
		if got := present(t, d, token.Reveal()); got != "" {
			t.Errorf("got %q, want it admitted", got)
		}
	}
}

// TestExchangeRacesDisabling exchanges a token all the time while it is being disabled: nothing that was got is good after.
func TestExchangeRacesDisabling(t *testing.T) {
	d := desk.New(t, desk.Options{})
	_ = d.User(t, "ExternalApp", account.Person, "partner")
	text, token := d.Token(t, apitoken.Draft{Name: "raced", User: "ExternalApp"})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan []accesstoken.Issued)
	for range 2 {
		go func() {
			var all []accesstoken.Issued
			for ctx.Err() == nil {
				if issued, err := d.Exchange(t, text, accesstoken.Ask{}); err == nil {
					all = append(all, issued)
				}
			}
			got <- all
		}()
	}
	for d.Authority.Remembered() == 0 { // until the first was exchanged
		runtime.Gosched()
	}
	_, err := d.API.Update(t.Context(), token.ID, apitoken.Patch{Enabled: new(bool)}, &d.Admin, audit.Actor{})
	cancel()
	all := append(<-got, <-got...)
	must(t, err)
	if len(all) == 0 {
		t.Error("nothing was exchanged before")
	}
	for _, issued := range all {
		if reason := d.Call(t, issued.Token.Reveal()); reason != "disabled" {
			t.Errorf("got %q for one of %d tokens, want disabled", reason, len(all))
		}
	}
}
