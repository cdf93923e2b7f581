package project_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// TestAddSet: what is left out takes the default of today, and what is blank is XDOC's.
func TestAddSet(t *testing.T) {
	d := newDesk(t)
	today := sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256}
	blank := sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: sealed.PKCS7, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.SHA256}
	for _, tt := range []struct {
		draft project.SetDraft
		want  sealed.Settings
		made  int // characters of the key that is made
	}{
		{project.SetDraft{Name: "nothing"}, today, 43},
		{project.SetDraft{Name: "blanks", Mode: new(""), Padding: new(""), KeySize: new(0)}, blank, 43},
		{project.SetDraft{Name: "a key", Key: "sixteen characters"}, today, 0},
		{
			project.SetDraft{Name: "raw", KeyDerivation: "raw", KeySize: new(192)},
			sealed.Settings{Mode: sealed.GCM, KeySize: 192, IVExpansion: sealed.RandomIV, Derivation: sealed.Raw},
			24,
		},
	} {
		t.Run(tt.draft.Name, func(t *testing.T) {
			s, key, err := d.AddSet(t.Context(), 1000, tt.draft, admin)
			check(t, err)
			want := project.TokenSet{
				ID: s.ID, ProjectID: d.project.ID, Name: tt.draft.Name, Active: true, Settings: tt.want, Key: s.Key, Version: 1, CreatedAt: noon, UpdatedAt: noon,
			}
			if diff := cmp.Diff(want, s); diff != "" {
				t.Errorf("got (+), want (-):\n%s", diff)
			}
			if len(key) != tt.made || tt.draft.Key != "" && bytes.Contains(s.Key, []byte(tt.draft.Key.Reveal())) {
				t.Errorf("got a key of %d characters, want %d, and none in the clear", len(key), tt.made)
			}
			found, err := d.FindSet(t.Context(), 1000, s.ID)
			check(t, err)
			if diff := cmp.Diff(s, found); diff != "" {
				t.Errorf("found (+), want what was returned (-):\n%s", diff)
			}
			ev := d.last(t, s.ID)
			if ev.Action != audit.TokenSetCreate || ev.Detail["mode"] != string(tt.want.Mode) || ev.Detail["project"] != "1000" || ev.Detail["key"] != "" {
				t.Errorf("got the event %+v, want that of the making", ev)
			}
			if got := d.reason(t, authority.SealedTokens{Security: d.xst(t, s, d.security())}); got != "" {
				t.Errorf("got %q, want its tokens to count at once", got)
			}
		})
	}
}

// TestAddSetRefuses: each draft, and its twin.
func TestAddSetRefuses(t *testing.T) {
	d := newDesk(t)
	d.set(t, project.SetDraft{Name: "safe", Key: "the key of the safe set"})
	d.set(t, cbc("old"))
	n := 0
	for _, tt := range []struct {
		name, field string
		bad, good   func(*project.SetDraft)
	}{
		{"no name", "name", func(s *project.SetDraft) { s.Name = "" }, func(s *project.SetDraft) { s.Name = "x" }},
		{"a name that is another's", "name", func(s *project.SetDraft) { s.Name = "SAFE" }, func(s *project.SetDraft) { s.Name = "SAFER" }},
		{"a mode that there isn't", "mode", func(s *project.SetDraft) { s.Mode = new("CTR") }, func(s *project.SetDraft) { s.Mode = new("CBC") }},
		{"a size that there isn't", "key_size", func(s *project.SetDraft) { s.KeySize = new(200) }, func(s *project.SetDraft) { s.KeySize = new(192) }},
		{"a padding for GCM", "padding", func(s *project.SetDraft) { s.Padding = new("PKCS7") }, func(s *project.SetDraft) { s.Padding = new("") }},
		{"a short key", "key", func(s *project.SetDraft) { s.Key = "fifteen charact" }, func(s *project.SetDraft) { s.Key = "sixteen characte" }},
		{"a raw key of another size", "key", func(s *project.SetDraft) { s.KeyDerivation, s.Key = "raw", "sixteen characte" }, func(s *project.SetDraft) { s.KeyDerivation, s.Key, s.KeySize = "raw", "sixteen characte", new(128) }},
		{"the IV of another expansion", "iv", func(s *project.SetDraft) { s.Mode, s.IV = new("CBC"), "@1B2c3D" }, func(s *project.SetDraft) { s.Mode, s.IV = new("CBC"), "@1B2c3D5" }},
		{"a salt that is too short", "salt", func(s *project.SetDraft) { s.KeyDerivation, s.Salt = "pbkdf2", "seven.." }, func(s *project.SetDraft) { s.KeyDerivation, s.Salt, s.Iterations = "pbkdf2", "eight...", 10 }},
		{"the key of a weaker mode", "key", func(s *project.SetDraft) { s.Key = "the key of the clients of old" }, func(s *project.SetDraft) { s.Key = "the key of the clients of ole" }},
		{"the key of the stronger mode", "key", func(s *project.SetDraft) { s.Mode, s.Key = new("ECB"), "the key of the safe set" }, func(s *project.SetDraft) { s.Mode, s.Key = new("ECB"), "the key of the clients of old" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n++
			draft := project.SetDraft{Name: tt.name}
			bad, good := draft, draft
			tt.bad(&bad)
			tt.good(&good)
			_, key, err := d.AddSet(t.Context(), 1000, bad, admin)
			wantField(t, err, tt.field)
			if key != "" || err != nil && bad.Key != "" && strings.Contains(err.Error(), bad.Key.Reveal()) {
				t.Errorf("got %v with a key, want none told", err)
			}
			s, _, err := d.AddSet(t.Context(), 1000, good, admin)
			check(t, err)
			check(t, d.DeleteSet(t.Context(), 1000, s.ID, admin))
		})
	}
	for i := range 6 {
		d.set(t, project.SetDraft{Name: strings.Repeat("x", i+2)})
	}
	_, _, err := d.AddSet(t.Context(), 1000, project.SetDraft{Name: "one more"}, admin)
	wantField(t, err, "token_sets")
	if !errors.Is(err, authority.ErrConflict) {
		t.Errorf("got %v for one more set, want a conflict", err)
	}
	if _, _, err := d.AddSet(t.Context(), 9, project.SetDraft{Name: "x"}, admin); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("got %v for no project, want %v", err, authority.ErrNotFound)
	}
	d.random.err = errDown
	if _, _, err := d.AddSet(t.Context(), 1000, project.SetDraft{Name: "x"}, admin); !errors.Is(err, errDown) {
		t.Errorf("got %v without randomness, want %v", err, errDown)
	}
}

// TestUpdateSet: what was changed counts at once, and an event tells of it alone. What belonged to what was changed goes with it.
func TestUpdateSet(t *testing.T) {
	d := newDesk(t)
	set := d.set(t, project.SetDraft{Name: "set", Key: "0123456789abcdef"})
	for _, tt := range []struct {
		name   string
		patch  project.SetPatch
		want   sealed.Settings
		detail map[string]string // nothing where it changes nothing
	}{
		{"nothing", project.SetPatch{}, sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256}, nil},
		{
			"the same",
			project.SetPatch{Mode: new("GCM"), Key: new(secret.Text("0123456789abcdef")), Padding: new(""), KeySize: new(0)},
			sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
			nil,
		},
		{
			"a key",
			project.SetPatch{Key: new(secret.Text("fedcba9876543210"))},
			sealed.Settings{Mode: sealed.GCM, KeySize: 256, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
			map[string]string{"key": "replaced"},
		},
		{
			"another mode",
			project.SetPatch{Mode: new("CBC")},
			sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: sealed.PKCS7, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.SHA256},
			map[string]string{"mode": "CBC", "padding": "PKCS7", "iv": "@1B2c3D4", "iv_expansion": "utf16le", "forgeable": "true"},
		},
		{
			"its blank",
			project.SetPatch{Mode: new("")},
			sealed.Settings{Mode: sealed.CBC, KeySize: 256, Padding: sealed.PKCS7, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.SHA256},
			nil,
		},
		{
			"an IV",
			project.SetPatch{IV: new("12345678"), IVExpansion: new("zero"), Padding: new("Zeros"), KeySize: new(128)},
			sealed.Settings{Mode: sealed.CBC, KeySize: 128, Padding: sealed.Zeros, IV: "12345678", IVExpansion: sealed.ZeroFill, Derivation: sealed.SHA256},
			map[string]string{"iv": "12345678", "iv_expansion": "zero", "padding": "Zeros", "key_size": "128"},
		},
		{
			"another expansion of it",
			project.SetPatch{IVExpansion: new("double")},
			sealed.Settings{Mode: sealed.CBC, KeySize: 128, Padding: sealed.Zeros, IV: "12345678", IVExpansion: sealed.Double, Derivation: sealed.SHA256},
			map[string]string{"iv_expansion": "double"},
		},
		{
			"one of each token's own",
			project.SetPatch{IVExpansion: new("random")},
			sealed.Settings{Mode: sealed.CBC, KeySize: 128, Padding: sealed.Zeros, IVExpansion: sealed.RandomIV, Derivation: sealed.SHA256},
			map[string]string{"iv": "", "iv_expansion": "random"},
		},
		{
			"the default one",
			project.SetPatch{IVExpansion: new(""), IV: new(""), Padding: new("")},
			sealed.Settings{Mode: sealed.CBC, KeySize: 128, Padding: sealed.PKCS7, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.SHA256},
			map[string]string{"iv": "@1B2c3D4", "iv_expansion": "utf16le", "padding": "PKCS7"},
		},
		{
			"another derivation",
			project.SetPatch{KeyDerivation: new("passwordderivebytes"), Salt: new("s")},
			sealed.Settings{Mode: sealed.CBC, KeySize: 128, Padding: sealed.PKCS7, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.PasswordDeriveBytes, Salt: "s", Hash: "SHA1", Iterations: 100},
			map[string]string{"key_derivation": "passwordderivebytes", "salt": "s", "hash": "SHA1", "iterations": "100"},
		},
		{
			"its rounds",
			project.SetPatch{Iterations: new(2), Hash: new("MD5")},
			sealed.Settings{Mode: sealed.CBC, KeySize: 128, Padding: sealed.PKCS7, IV: "@1B2c3D4", IVExpansion: sealed.UTF16LE, Derivation: sealed.PasswordDeriveBytes, Salt: "s", Hash: "MD5", Iterations: 2},
			map[string]string{"hash": "MD5", "iterations": "2"},
		},
		{
			"the default one, and ECB",
			project.SetPatch{KeyDerivation: new(""), Mode: new("ECB")},
			sealed.Settings{Mode: sealed.ECB, KeySize: 128, Padding: sealed.PKCS7, Derivation: sealed.SHA256},
			map[string]string{"key_derivation": "sha256", "mode": "ECB", "salt": "", "hash": "", "iterations": "0", "iv": "", "iv_expansion": ""},
		},
		{
			"a name, and once",
			project.SetPatch{Name: new("Other"), OneTime: new(true)},
			sealed.Settings{Mode: sealed.ECB, KeySize: 128, Padding: sealed.PKCS7, Derivation: sealed.SHA256},
			map[string]string{"name": "Other", "one_time": "true"},
		},
	} {
		before, err := d.FindSet(t.Context(), 1000, set.ID)
		check(t, err)
		former := d.last(t, set.ID)
		tt.patch.Version = before.Version
		changed, err := d.UpdateSet(t.Context(), 1000, set.ID, tt.patch, admin)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, changed.Settings); diff != "" {
			t.Errorf("%s: got (+), want (-):\n%s", tt.name, diff)
		}
		ev := d.last(t, set.ID)
		if tt.detail == nil {
			if changed.Version != before.Version || ev.ID != former.ID {
				t.Errorf("%s: got version %d and the event %+v, want neither", tt.name, changed.Version, ev)
			}
			continue
		}
		tt.detail["project"] = "1000"
		if changed.Version != before.Version+1 || ev.Action != audit.TokenSetUpdate || !cmp.Equal(ev.Detail, tt.detail) {
			t.Errorf("%s: got version %d and the event %+v, want one more and %v", tt.name, changed.Version, ev, tt.detail)
		}
		found, err := d.FindSet(t.Context(), 1000, set.ID)
		check(t, err)
		if diff := cmp.Diff(changed, found); diff != "" {
			t.Errorf("%s: found (+), want what was returned (-):\n%s", tt.name, diff)
		}
		if got := d.reason(t, authority.SealedTokens{Security: d.xst(t, changed, d.security().with("N", tt.name))}); got != "" {
			t.Errorf("%s: got %q, want its tokens to count at once", tt.name, got)
		}
	}
}

// TestUpdateSetRefuses: a patch is held to what a draft is, to its version, and to what there is.
func TestUpdateSetRefuses(t *testing.T) {
	d := newDesk(t)
	safe := d.set(t, project.SetDraft{Name: "safe", Key: "the key of the safe set"})
	old := d.set(t, cbc("old"))
	for field, patch := range map[string]project.SetPatch{
		"name": {Name: new("OLD")}, "mode": {Mode: new("CTR")}, "key_size": {KeySize: new(64)}, "padding": {Padding: new("None")}, "iv": {IV: new("@1B2c3D4")},
		"key": {Key: new(secret.Text("the key of the clients of old"))}, "salt": {Salt: new("saltsalt")}, "hash": {Hash: new("SHA1")}, "iterations": {Iterations: new(1)},
		"key_derivation": {KeyDerivation: new("none")}, "iv_expansion": {IVExpansion: new("zero")},
	} {
		_, err := d.UpdateSet(t.Context(), 1000, safe.ID, patch, admin)
		wantField(t, err, field)
	}
	_, err := d.UpdateSet(t.Context(), 1000, safe.ID, project.SetPatch{Key: new(secret.Text(""))}, admin)
	wantField(t, err, "key")
	_, err = d.UpdateSet(t.Context(), 1000, old.ID, project.SetPatch{Key: new(secret.Text("the key of the safe set"))}, admin)
	wantField(t, err, "key")
	// What encrypted under a mode of old isn't to authenticate now: the key changes with the mode.
	_, err = d.UpdateSet(t.Context(), 1000, old.ID, project.SetPatch{Mode: new("GCM")}, admin)
	wantField(t, err, "key")
	_, err = d.UpdateSet(t.Context(), 1000, old.ID, project.SetPatch{Mode: new("GCM"), Key: new(secret.Text("the key of the clients of old"))}, admin)
	wantField(t, err, "key")
	_, err = d.UpdateSet(t.Context(), 1000, old.ID, project.SetPatch{Mode: new("GCM"), Key: new(secret.Text("the key of clients that changed"))}, admin)
	check(t, err)
	for version, want := range map[int64]error{1: nil, 2: authority.ErrStale} {
		if _, err := d.UpdateSet(t.Context(), 1000, safe.ID, project.SetPatch{Version: version}, admin); !errors.Is(err, want) {
			t.Errorf("got %v for version %d, want %v", err, version, want)
		}
	}
	if _, err := d.Create(t.Context(), project.Draft{Number: 7, Name: "Seven"}, admin); err != nil {
		t.Fatal(err)
	}
	for number, id := range map[int]uuid.UUID{7: safe.ID, 8: safe.ID, 1000: uuid.New()} {
		if _, err := d.UpdateSet(t.Context(), number, id, project.SetPatch{}, admin); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got %v for a set that isn't %d's, want %v", err, number, authority.ErrNotFound)
		}
		if err := d.DeleteSet(t.Context(), number, id, admin); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got %v for deleting it, want %v", err, authority.ErrNotFound)
		}
		if _, err := d.FindSet(t.Context(), number, id); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got %v for finding it, want %v", err, authority.ErrNotFound)
		}
	}
}

// TestEndOfSet: what a set was turned off for, or deleted, doesn't count any more; while that of another goes on.
func TestEndOfSet(t *testing.T) {
	d := newDesk(t)
	first, second := d.set(t, project.SetDraft{Name: "first"}), d.set(t, project.SetDraft{Name: "second"})
	of := func(s project.TokenSet) authority.SealedTokens {
		return authority.SealedTokens{Security: d.xst(t, s, d.security())}
	}
	tokens, others := of(first), of(second)
	want := func(want authority.Reason) {
		t.Helper()
		if got, other := d.reason(t, tokens), d.reason(t, others); got != want || other != "" {
			t.Errorf("got %q, and %q for the other set, want %q and none", got, other, want)
		}
	}
	want("")
	_, err := d.UpdateSet(t.Context(), 1000, first.ID, project.SetPatch{Active: new(false)}, admin)
	check(t, err)
	want(authority.ReasonBadSeal)
	_, err = d.UpdateSet(t.Context(), 1000, first.ID, project.SetPatch{Active: new(true)}, admin)
	check(t, err)
	want("")
	check(t, d.DeleteSet(t.Context(), 1000, first.ID, admin))
	want(authority.ReasonBadSeal)
	if ev := d.last(t, first.ID); ev.Action != audit.TokenSetDelete || ev.Detail["project"] != "1000" {
		t.Errorf("got the event %+v, want that of the deletion", ev)
	}
}
