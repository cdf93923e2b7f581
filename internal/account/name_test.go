package account_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

func TestKey(t *testing.T) {
	tests := []struct {
		name string
		same []string // spellings of the first
		not  string   // one that is another name
	}{
		{"case", []string{"alice", "ALICE", "aLiCe"}, "alicе"}, // the last letter is Cyrillic
		{"full width", []string{"alice", "ａｌｉｃｅ", "ＡＬＩＣＥ"}, "alice."},
		{"ligature", []string{"office", "oﬃce", "OFFICE"}, "offce"},
		{"the Kelvin sign", []string{"kelvin", "Kelvin"}, "κelvin"},
		{"the Ångström sign", []string{"ångström", "Ångström", "A\u030angstro\u0308m"}, "angstrom"},
		{"composed and not", []string{"zoë", "zoe\u0308", "ZOË"}, "zoe"},
		{"sharp s", []string{"straße", "STRASSE", "STRAẞE", "ſtraße"}, "strase"},
		{"Turkish capital i with dot", []string{"İ", "i\u0307"}, "i"},
		{"Turkish small i without dot", []string{"ı"}, "i"},
		{"final sigma", []string{"σίσυφος", "ΣΊΣΥΦΟΣ", "σίσυφοσ"}, "σισυφος"},
		{"Cherokee", []string{"ᏣᎳᎩ", "ꮳꮃꭹ", "Ꮳꮃꭹ"}, "ᏣᎳᎪ"},
		{"Cherokee, the newer letters", []string{"Ᏸ", "ᏸ"}, "Ᏹ"},
		{"Roman numeral", []string{"iv", "Ⅳ", "ⅳ"}, "lv"},
		{"superscript", []string{"a2", "a²"}, "a3"},
		{"no-break space", []string{"a b", "a\u00a0b", "a\u3000b"}, "ab"},
	}
	for _, tt := range tests {
		want := account.Key(tt.same[0])
		for _, spelling := range tt.same {
			if got := account.Key(spelling); got != want {
				t.Errorf("%s: got %+q for %q, want %+q", tt.name, got, spelling, want)
			}
		}
		if account.Key(tt.not) == want {
			t.Errorf("%s: got %+q for %q too, want another", tt.name, want, tt.not)
		}
	}
}

// TestKeyIsCanonical takes every character but those of Chinese and Korean, which have no case and are most of all: the
// form of a form is itself, and case makes no difference.
func TestKeyIsCanonical(t *testing.T) {
	for r := range rune(unicode.MaxRune) {
		if !unicode.IsGraphic(r) || unicode.In(r, unicode.Han, unicode.Hangul) {
			continue
		}
		key := account.Key(string(r))
		if again := account.Key(key); again != key {
			t.Errorf("%U: got %+q of %+q, want the same", r, again, key)
		}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if got := account.Key(string(other)); got != key {
				t.Errorf("%U: got %+q, want %+q as of %U", other, got, key, r)
			}
		}
	}
}

// TestNames makes users of every sort of name. Each that is refused has a twin that isn't.
func TestNames(t *testing.T) {
	d := newDesk(t)
	refused := "username"
	tests := []struct {
		what, name, email string
		want              string // the field complained of
	}{
		{"one letter", "a", "", ""},
		{"nothing", "", "", refused},
		{"128 characters", strings.Repeat("é", 128), "", ""},
		{"129 characters", strings.Repeat("é", 129), "", refused},
		{"a space within", "a b", "", ""},
		{"a space before", " ab", "", refused},
		{"a space after", "ab ", "", refused},
		{"a no-break space after", "ab\u00a0", "", refused},
		{"an em space before", "\u2003ab", "", refused},
		{"a dot", "a.b", "", ""},
		{"a dot alone", ".", "", refused},
		{"two dots", "..", "", refused},
		{"three dots", "...", "", ""},
		{"one dot leader", "\u2024", "", refused},
		{"a hyphen", "a-b", "", ""},
		{"a colon", "a:b", "", refused},
		{"a full-width colon", "a：b", "", refused},
		{"a slash", "a/b", "", refused},
		{"a full-width slash", "a／b", "", refused},
		{"account of", "a℀b", "", refused}, // NFKC makes a/c of it
		{"a backslash", `a\b`, "", ""},
		{"a line break", "a\nb", "", refused},
		{"NUL", "a\x00b", "", refused},
		{"delete", "a\x7fb", "", refused},
		{"escape", "a\x1bb", "", refused},
		{"a C1 control", "a\u009bb", "", refused},
		{"right-to-left override", "a\u202eb", "", refused},
		{"left-to-right mark", "ab\u200e", "", refused},
		{"an isolate", "\u2066ab\u2069", "", refused},
		{"a zero-width space", "a\u200bb", "", refused},
		{"a joiner", "a\u200db", "", refused},
		{"a soft hyphen", "a\u00adb", "", refused},
		{"a byte order mark", "\ufeffab", "", refused},
		{"a tag character", "ab\U000e0041", "", refused},
		{"a variation selector", "ab\ufe0f", "", refused},
		{"a combining grapheme joiner", "a\u034fb", "", refused},
		{"a Hangul filler", "ab\u3164", "", refused},
		{"a Braille blank", "ab\u2800", "", refused},
		{"a Khitan filler", "ab\U00016FE4", "", refused},
		{"a null notehead", "ab\U0001D159", "", refused},
		{"a combining accent", "abe\u0301", "", ""},
		{"a line separator", "a\u2028b", "", refused},
		{"a private character", "a\ue000b", "", refused},
		{"an unassigned character", "a\u0378b", "", refused},
		{"a replacement character", "a\ufffdb", "", refused},
		{"invalid UTF-8", "a\xffb", "", refused},
		{"a surrogate", "a\xed\xa0\x80b", "", refused},
		{"HTML", "<script>", "", ""},
		{"Arabic", "عمر", "", ""},
		{"an ID", "01234567-89ab-7def-8123-456789abcdef", "", refused},
		{"an ID in capitals", "01234567-89AB-7DEF-8123-456789ABCDEF", "", refused},
		{"an ID in full width", "０1234567-89ab-7def-8123-456789abcdef", "", refused},
		{"an ID without hyphens", "0123456789ab7def8123456789abcdef", "", refused},
		{"an ID in braces", "{01234567-89ab-7def-8123-456789abcdef}", "", refused},
		{"an ID but for a letter", "01234567-89ab-7def-8123-456789abcdeg", "", ""},
		{"an ID but for its length", "01234567-89ab-7def-8123-456789abcde", "", ""},
		{"one's own e-mail", "eve@example.org", "eve@example.org", ""},
		{"one's own e-mail in capitals", "Zoe@Example.org", "zoe@example.ORG", ""},
		{"an e-mail without having one", "ann@example.org", "", refused},
		{"another's e-mail", "ann@example.org", "bob@example.org", refused},
		{"a full-width @", "ann＠example.org", "", refused},
		{"a small @", "ann﹫example.org", "", refused},
	}
	for _, tt := range tests {
		_, err := d.Create(t.Context(), account.Draft{Username: tt.name, Email: tt.email}, root)
		if got := fieldOf(err); got != tt.want || (err != nil) != (tt.want != "") {
			t.Errorf("%s: got %v, want a complaint of %q", tt.what, err, tt.want)
		}
		if err != nil && tt.name != "" && len(tt.name) > 2 && strings.Contains(err.Error(), tt.name) {
			t.Errorf("%s: got %v, want an error that doesn't repeat the name", tt.what, err)
		}
	}
}

func TestEmails(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("é", 241)
	tests := []struct {
		what, email string
		want        string
	}{
		{"none", "", ""},
		{"plain", "ann@example.org", ""},
		{"with a plus", "ann+jeton@example.org", ""},
		{"254 characters", long + "@example.org1", ""},
		{"255 characters", long + "@example.org12", "email"},
		{"no @", "ann.example.org", "email"},
		{"two @", "ann@b@example.org", "email"},
		{"nothing before the @", "@example.org", "email"},
		{"nothing after the @", "bob@", "email"},
		{"a space", "bob @example.org", "email"},
		{"a no-break space", "bob\u00a0@example.org", "email"},
		{"a line break", "bob@example.org\n", "email"},
		{"a name and address", "Bob <bob@example.org>", "email"},
		{"two addresses", "bob@example.org,eve@example.org", "email"},
		{"a colon", "bob:@example.org", "email"},
		{"a slash", "bob/x@example.org", "email"},
		{"right-to-left override", "bob\u202e@example.org", "email"},
		{"a variation selector", "bob\ufe0f@example.org", "email"},
	}
	for i, tt := range tests {
		_, err := d.Create(t.Context(), account.Draft{Username: "user" + string(rune('a'+i)), Email: tt.email}, root)
		if got := fieldOf(err); got != tt.want || (err != nil) != (tt.want != "") {
			t.Errorf("%s: got %v, want a complaint of %q", tt.what, err, tt.want)
		}
	}
}

func TestOtherFields(t *testing.T) {
	d := newDesk(t)
	roles := func(n int) (roles []string) {
		for i := range n {
			roles = append(roles, "r"+string(rune('0'+i%10))+string(rune('a'+i/10)))
		}
		return roles
	}
	external := strings.Repeat("é", 1024)
	tests := []struct {
		what  string
		draft account.Draft
		want  string
	}{
		{"a service account", account.Draft{Kind: account.Service}, ""},
		{"another kind", account.Draft{Kind: "robot"}, "kind"},
		{"blocked", account.Draft{State: account.Blocked}, ""},
		{"another state", account.Draft{State: "asleep"}, "state"},
		{"a display name of 256 characters", account.Draft{DisplayName: strings.Repeat("é", 256)}, ""},
		{"a display name of 257 characters", account.Draft{DisplayName: strings.Repeat("é", 257)}, "display_name"},
		{"a display name with a heart", account.Draft{DisplayName: "Ann ❤\ufe0f"}, ""},
		{"a display name with a line break", account.Draft{DisplayName: "Ann\r\nSet-Cookie: a"}, "display_name"},
		{"a display name of invalid UTF-8", account.Draft{DisplayName: "Ann\xff"}, "display_name"},
		{"a role of 64 characters", account.Draft{Roles: []string{strings.Repeat("r", 64)}}, ""},
		{"a role of 65 characters", account.Draft{Roles: []string{strings.Repeat("r", 65)}}, "roles"},
		{"a role with every sort of character", account.Draft{Roles: []string{"Az09._-"}}, ""},
		{"an empty role", account.Draft{Roles: []string{"a", ""}}, "roles"},
		{"a role with a comma", account.Draft{Roles: []string{"a,admin"}}, "roles"},
		{"a role with a space", account.Draft{Roles: []string{"a b"}}, "roles"},
		{"a role with another script's letter", account.Draft{Roles: []string{"аdmin"}}, "roles"},
		{"64 roles", account.Draft{Roles: roles(64)}, ""},
		{"65 roles", account.Draft{Roles: roles(65)}, "roles"},
		{"what an application says of it, 1,024 characters long", account.Draft{External: account.External{Profile: external, ID: external, Ref: external, Data: external, Flags: -1 << 63}}, ""},
		{"a profile of 1,025 characters", account.Draft{External: account.External{Profile: external + "é"}}, "external.profile"},
		{"an ID of 1,025 characters", account.Draft{External: account.External{ID: external + "é"}}, "external.id"},
		{"a reference with a line break", account.Draft{External: account.External{Ref: "a\nb"}}, "external.ref"},
		{"data of invalid UTF-8", account.Draft{External: account.External{Data: "a\xff"}}, "external.data"},
	}
	for i, tt := range tests {
		tt.draft.Username = "user" + string(rune('a'+i))
		if err := tt.draft.Check(); fieldOf(err) != tt.want || (err != nil) != (tt.want != "") {
			t.Errorf("%s: Check: got %v, want a complaint of %q", tt.what, err, tt.want)
		}
		_, err := d.Create(t.Context(), tt.draft, root)
		if got := fieldOf(err); got != tt.want || (err != nil) != (tt.want != "") {
			t.Errorf("%s: got %v, want a complaint of %q", tt.what, err, tt.want)
		}
	}
	u := d.create(t, account.Draft{Username: "sorted", Roles: []string{"b", "a", "b"}})
	if got := strings.Join(u.Roles, ","); got != "a,b" || u.Kind != account.Person || u.State != account.Active || u.Version != 1 {
		t.Errorf("got %+v, want an active person with roles a,b", u)
	}
}

// TestUnique makes users whose names or e-mails are another's in some other form.
func TestUnique(t *testing.T) {
	d := newDesk(t)
	ann := d.create(t, account.Draft{Username: "Straße", Email: "Ann@Example.org"})
	tests := []struct {
		what, name, email string
		want              string
	}{
		{"the name", "Straße", "", "username"},
		{"the name in capitals", "STRASSE", "", "username"},
		{"the name in full width", "ｓtraße", "", "username"},
		{"another name", "Strase", "", ""},
		{"the e-mail", "x1", "Ann@Example.org", "email"},
		{"the e-mail in another case", "x2", "ann@EXAMPLE.ORG", "email"},
		{"the e-mail in full width", "x3", "ａnn@example.org", "email"},
		{"the e-mail as name", "ann@example.org", "ann@example.org", "email"},
		{"another e-mail", "x4", "an@example.org", ""},
	}
	for _, tt := range tests {
		_, err := d.Create(t.Context(), account.Draft{Username: tt.name, Email: tt.email}, root)
		if got := fieldOf(err); got != tt.want || errors.Is(err, authority.ErrConflict) != (tt.want != "") {
			t.Errorf("%s: got %v, want a conflict of %q", tt.what, err, tt.want)
		}
		other := d.create(t, account.Draft{Username: "changing"})
		patch := account.Patch{Username: &tt.name, Email: &tt.email}
		if _, err := d.Update(t.Context(), other.ID, 0, patch, root); fieldOf(err) != tt.want && tt.want != "" {
			t.Errorf("%s: got %v at an update, want a conflict of %q", tt.what, err, tt.want)
		}
		if err := d.Delete(t.Context(), other.ID, root); err != nil {
			t.Fatal(err)
		}
	}
	// A name is found in any spelling, and free again when its user is gone.
	for _, spelling := range []string{"strasse", ann.ID.String(), strings.ToUpper(ann.ID.String())} {
		if u, err := d.Find(t.Context(), spelling); err != nil || u.ID != ann.ID {
			t.Errorf("got %v, %v for %q, want the user", u, err, spelling)
		}
	}
	if err := d.Delete(t.Context(), ann.ID, root); err != nil {
		t.Fatal(err)
	}
	anew := d.create(t, account.Draft{Username: "straße", Email: "ann@example.org"})
	if id, err := d.UserID(t.Context(), "STRASSE"); err != nil || id != anew.ID || id == ann.ID {
		t.Errorf("got %v, %v, want the ID of the new user", id, err)
	}
	for _, gone := range []string{ann.ID.String(), "nobody"} {
		if _, err := d.Find(t.Context(), gone); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("got %v for %q, want ErrNotFound", err, gone)
		}
	}
}

// TestSameSpelling: case counts for nothing, where it is that of ASCII letters. All else that makes names one at our doors does not.
func TestSameSpelling(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"ann", "ANN", true},
		{"Ann@Example.com", "ann@example.COM", true},
		{"zoë", "ZOë", true},
		{"", "", true},
		{"@[`{", "@[`{", true},
		{"ann", "anm", false},
		{"ann", "ann ", false},
		{"ann", "ａnn", false},
		{"zoë", "ZOË", false},
		{"zoë", "zoe\u0308", false},
		{"kim", "\u212aim", false},
		{"straße", "strasse", false},
		{"@", "`", false},
		{"[", "{", false},
	} {
		if got := account.SameSpelling(tt.a, tt.b); got != tt.want {
			t.Errorf("%+q and %+q: got %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestFindByName: a name in any spelling, and neither an ID nor an e-mail that is no name.
func TestFindByName(t *testing.T) {
	d := newDesk(t)
	ann := d.create(t, account.Draft{Username: "ann", Email: "ann@example.com", External: account.External{ID: "7", Flags: 3}})
	bob := d.create(t, account.Draft{Username: "bob@example.com", Email: "bob@example.com"})
	for name, want := range map[string]account.User{"ann": ann, "ＡNN": ann, "BOB@example.com": bob} {
		got, err := d.FindByName(t.Context(), name)
		if err != nil || got.ID != want.ID || got.External != want.External {
			t.Errorf("%q: got %+v and %v, want %+v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "anm", ann.ID.String(), "ann@example.com"} {
		if got, err := d.FindByName(t.Context(), name); !errors.Is(err, authority.ErrNotFound) {
			t.Errorf("%q: got %+v and %v, want %v", name, got, err, authority.ErrNotFound)
		}
	}
}
