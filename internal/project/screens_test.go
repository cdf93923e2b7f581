package project_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestScreens: a text is sealed and opened as it is, and what would be read of it is told.
func TestScreens(t *testing.T) {
	d := newDesk(t)
	padded := cbc("old")
	sets := map[string]project.TokenSet{"GCM": d.set(t, project.SetDraft{Name: "safe", Active: new(false)}), "CBC": d.set(t, padded)}
	text := fields{"UserName", "ann", "Any", "a b"}.json()
	for mode, set := range sets {
		made, err := d.Seal(t.Context(), project.Screen{Number: 1000, Set: set.ID, Parameter: "XUT"}, text, audit.Actor{})
		check(t, err)
		want := project.SealedText{
			Plaintext: text.Reveal(), Base64: made.Base64, URL: made.URL, Fields: []project.Field{{Name: "UserName", Value: "ann"}, {Name: "Any", Value: "a b"}},
			Refusal: map[string]authority.Reason{"GCM": authority.ReasonBadSeal}[mode], // its set isn't active
		}
		if diff := cmp.Diff(want, made); diff != "" || made.Base64 == "" || made.URL == "" {
			t.Errorf("%s: got (+), want (-):\n%s", mode, diff)
		}
		for _, spelled := range []string{made.URL, made.Base64, strings.ReplaceAll(made.Base64, "+", " "), `"` + made.Base64 + `"`, strings.TrimRight(made.Base64, "=")} {
			opened, err := d.Unseal(t.Context(), project.Screen{Number: 1000, Set: set.ID, Parameter: "XUT"}, secret.Text(spelled), audit.Actor{})
			if diff := cmp.Diff(made, opened); err != nil || diff != "" {
				t.Errorf("%s: got %v and (+), want (-):\n%s", mode, err, diff)
			}
		}
		_, err = d.Unseal(t.Context(), project.Screen{Number: 1000, Set: set.ID, Parameter: "XST"}, secret.Text(made.URL), audit.Actor{})
		if mode == "GCM" {
			wantField(t, err, "token")
		} else {
			check(t, err)
		}
		bad, err := d.Seal(t.Context(), project.Screen{Number: 1000, Set: set.ID}, "no fields", audit.Actor{})
		if err != nil || bad.Problem == "" || bad.Fields != nil || bad.URL == "" {
			t.Errorf("%s: got %+v and %v, want it sealed all the same, and its problem told", mode, bad, err)
		}
	}
	set := sets["GCM"]
	for field, err := range map[string]error{
		"parameter":  second(d.Seal(t.Context(), project.Screen{Number: 1000, Set: set.ID, Parameter: "XSC"}, "x", audit.Actor{})),
		"plaintext":  second(d.Seal(t.Context(), project.Screen{Number: 1000, Set: set.ID}, secret.Text(strings.Repeat("x", 8193)), audit.Actor{})),
		"token":      second(d.Unseal(t.Context(), project.Screen{Number: 1000, Set: set.ID}, "no Base64", audit.Actor{})),
		"token ":     second(d.Unseal(t.Context(), project.Screen{Number: 1000, Set: set.ID}, secret.Text(strings.Repeat("A", 16385)), audit.Actor{})),
		"parameter ": second(d.Unseal(t.Context(), project.Screen{Number: 1000, Set: set.ID, Parameter: "xst"}, "AAAA", audit.Actor{})),
	} {
		wantField(t, err, strings.TrimSpace(field))
	}
	if _, err := d.Seal(t.Context(), project.Screen{Number: 1000, Set: uuid.New()}, "x", audit.Actor{}); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for no set, want %v", err, authority.ErrNotFound)
	}
	unpadded := cbc("none")
	unpadded.Padding = new("None")
	none := d.set(t, unpadded)
	wantField(t, second(d.Seal(t.Context(), project.Screen{Number: 1000, Set: none.ID}, "fifteen charact", audit.Actor{})), "plaintext")
	check(t, second(d.Seal(t.Context(), project.Screen{Number: 1000, Set: none.ID}, "sixteen characte", audit.Actor{})))
	d.random.err = errDown
	if err := second(d.Seal(t.Context(), project.Screen{Number: 1000, Set: set.ID}, "x", audit.Actor{})); !errors.Is(err, errDown) {
		t.Errorf("got %v without randomness, want %v", err, errDown)
	}
}

// TestScreensAreNoted: the audit log tells who has sealed or opened a token by hand, and whom it names. What can't be noted isn't shown.
func TestScreensAreNoted(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "safe"})
	at := project.Screen{Number: 1000, Set: set.ID, Parameter: "XUT"}
	actor := audit.Actor{Username: "root", Address: "192.0.2.7"}
	last := func(want audit.Action, detail map[string]string) {
		t.Helper()
		events, err := d.store.Events(t.Context(), audit.Query{Limit: 1})
		check(t, err)
		e := events[0]
		if diff := cmp.Diff(detail, e.Detail); diff != "" || e.Action != want || e.Target.ID != set.ID || e.Target.Kind != "token_set" || e.Actor.Username != "root" {
			t.Errorf("got %s of %s %s by %s, want %s of the set by root; details (-want +got): %s", e.Action, e.Target.Kind, e.Target.ID, e.Actor.Username, want, diff)
		}
	}
	named := map[string]string{"project": "1000", "parameter": "XUT", "user": "ann"}
	made, err := d.Seal(t.Context(), at, "username=ann&GenDT=x", actor)
	check(t, err)
	last(audit.TokenSetEncrypt, named)
	opened, err := d.Unseal(t.Context(), at, secret.Text(made.URL), actor)
	check(t, err)
	last(audit.TokenSetDecrypt, named)
	if opened.Plaintext != "username=ann&GenDT=x" {
		t.Errorf("got %q", opened.Plaintext)
	}
	at.Parameter = ""
	check(t, second(d.Seal(t.Context(), at, "no fields", actor)))
	last(audit.TokenSetEncrypt, map[string]string{"project": "1000", "parameter": "XST", "user": ""})
	wantField(t, second(d.Unseal(t.Context(), at, secret.Text(made.URL), actor)), "token") // it is sealed as XUT
	last(audit.TokenSetEncrypt, map[string]string{"project": "1000", "parameter": "XST", "user": ""})
	d.store.note = errDown
	for _, shown := range []func() (project.SealedText, error){
		func() (project.SealedText, error) { return d.Seal(t.Context(), at, "a=b", actor) },
		func() (project.SealedText, error) {
			return d.Unseal(t.Context(), project.Screen{Number: 1000, Set: set.ID, Parameter: "XUT"}, secret.Text(made.URL), actor)
		},
	} {
		if got, err := shown(); !errors.Is(err, errDown) || got.Plaintext+got.Base64+got.URL != "" || got.Fields != nil {
			t.Errorf("got %+v and %v, want nothing but %v", got, err, errDown)
		}
	}
}

// TestScreensJudge: what would be refused is told where it is made.
func TestScreensJudge(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "safe"})
	resting := d.set(t, project.SetDraft{Name: "resting", Active: new(false)})
	_, err := d.Update(t.Context(), 1000, 0, project.Patch{SecurityContext: new("MyContext"), ContextRequired: new(true), AppKeys: &[]secret.Text{"MyAppKey"}}, admin)
	check(t, err)
	good := "Context=MyContext&AppKey=MyAppKey&GenDT=" + stamp(d.now())
	for _, tc := range []struct {
		set             project.TokenSet
		parameter, text string
		want            authority.Reason
	}{
		{set, "XST", good, ""},
		{resting, "XST", good, authority.ReasonBadSeal},
		{set, "XST", "Context=MyContext&AppKey=MyAppKey&GenDT=2020-01-01T00:00:00Z", authority.ReasonExpired},
		{set, "XST", "Context=MyContext&AppKey=MyAppKey", authority.ReasonWrongFields},
		{set, "XST", "AppKey=MyAppKey&GenDT=" + stamp(d.now()), authority.ReasonWrongContext},
		{set, "XST", "Context=MyContext&AppKey=Other&GenDT=" + stamp(d.now()), authority.ReasonWrongAppKey},
		{set, "XUT", good, authority.ReasonWrongFields},
		{set, "XUT", "UserName=ann", ""},
		{set, "XUT", "UserName=ann&GenDT=2020-01-01T00:00:00Z", authority.ReasonExpired},
	} {
		at := project.Screen{Number: 1000, Set: tc.set.ID, Parameter: tc.parameter}
		made, err := d.Seal(t.Context(), at, secret.Text(tc.text), admin)
		check(t, err)
		opened, err := d.Unseal(t.Context(), at, secret.Text(made.URL), admin)
		if err != nil || made.Refusal != tc.want || opened.Refusal != tc.want {
			t.Errorf("%s %s: got %q and %q, %v, want %q", tc.parameter, tc.text, made.Refusal, opened.Refusal, err, tc.want)
		}
	}
}

func second(_ project.SealedText, err error) error { return err }

// TestScreensBehind: the screens go by the database, also while this node has yet to hear of a change.
func TestScreensBehind(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "safe"})
	d.store.all = errDown
	_, err := d.UpdateSet(t.Context(), 1000, set.ID, project.SetPatch{Key: new(secret.Text("another key of the set"))}, admin)
	if !errors.Is(err, errDown) {
		t.Fatalf("got %v, want %v: the change is made, and not heard of", err, errDown)
	}
	token := d.xst(t, set, d.security())
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != authority.ReasonBadSeal {
		t.Errorf("got %q, want %q: the token is of the new key", got, authority.ReasonBadSeal)
	}
	d.store.all = nil
	check(t, d.Reload(t.Context()))
	if got := d.reason(t, authority.SealedTokens{Security: token}); got != "" {
		t.Errorf("got %q once it is heard of, want it let in", got)
	}
}
