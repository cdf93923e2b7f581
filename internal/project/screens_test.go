package project_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

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
		made, err := d.Seal(t.Context(), 1000, set.ID, text, "XUT")
		check(t, err)
		want := project.SealedText{
			Plaintext: text.Reveal(), Base64: made.Base64, URL: made.URL, Fields: []project.Field{{Name: "UserName", Value: "ann"}, {Name: "Any", Value: "a b"}},
		}
		if diff := cmp.Diff(want, made); diff != "" || made.Base64 == "" || made.URL == "" {
			t.Errorf("%s: got (+), want (-):\n%s", mode, diff)
		}
		for _, spelled := range []string{made.URL, made.Base64, strings.ReplaceAll(made.Base64, "+", " "), `"` + made.Base64 + `"`, strings.TrimRight(made.Base64, "=")} {
			opened, err := d.Unseal(t.Context(), 1000, set.ID, secret.Text(spelled), "XUT")
			if diff := cmp.Diff(made, opened); err != nil || diff != "" {
				t.Errorf("%s: got %v and (+), want (-):\n%s", mode, err, diff)
			}
		}
		_, err = d.Unseal(t.Context(), 1000, set.ID, secret.Text(made.URL), "XST")
		if mode == "GCM" {
			wantField(t, err, "token")
		} else {
			check(t, err)
		}
		bad, err := d.Seal(t.Context(), 1000, set.ID, "no fields", "")
		if err != nil || bad.Problem == "" || bad.Fields != nil || bad.URL == "" {
			t.Errorf("%s: got %+v and %v, want it sealed all the same, and its problem told", mode, bad, err)
		}
	}
	set := sets["GCM"]
	for field, err := range map[string]error{
		"parameter":  second(d.Seal(t.Context(), 1000, set.ID, "x", "XSC")),
		"plaintext":  second(d.Seal(t.Context(), 1000, set.ID, secret.Text(strings.Repeat("x", 8193)), "")),
		"token":      second(d.Unseal(t.Context(), 1000, set.ID, "no Base64", "")),
		"token ":     second(d.Unseal(t.Context(), 1000, set.ID, secret.Text(strings.Repeat("A", 16385)), "")),
		"parameter ": second(d.Unseal(t.Context(), 1000, set.ID, "AAAA", "xst")),
	} {
		wantField(t, err, strings.TrimSpace(field))
	}
	if _, err := d.Seal(t.Context(), 1000, uuid.New(), "x", ""); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for no set, want %v", err, authority.ErrNotFound)
	}
	unpadded := cbc("none")
	unpadded.Padding = new("None")
	none := d.set(t, unpadded)
	wantField(t, second(d.Seal(t.Context(), 1000, none.ID, "fifteen charact", "")), "plaintext")
	check(t, second(d.Seal(t.Context(), 1000, none.ID, "sixteen characte", "")))
	d.random.err = errDown
	if err := second(d.Seal(t.Context(), 1000, set.ID, "x", "")); !errors.Is(err, errDown) {
		t.Errorf("got %v without randomness, want %v", err, errDown)
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
