package account

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/jeton-io/jeton/internal/authority"
)

// The longest names, in characters (Unicode code points).
const (
	maxUsername    = 128
	maxEmail       = 254 // RFC 5321, section 4.5.3.1.3
	maxDisplayName = 256
	maxRole        = 64
	maxExternal    = 1024
)

// MaxRoles is how many roles a user may have.
const MaxRoles = 64

// Key returns the canonical form of a user name or an e-mail, by which it is found at every door: Unicode's
// compatibility composition (NFKC) with case folded, so that Alice, ALICE and the full-width Ａlice are one.
func Key(name string) string {
	return norm.NFKC.String(strings.Map(foldCherokee, cases.Fold().String(norm.NFKC.String(name))))
}

// foldCherokee folds the one script in which the capitals are what is folded to. Package cases takes each case there for
// the other's folded form, and leaves two names that differ by case alone two.
func foldCherokee(r rune) rune {
	switch {
	case r >= 0xab70 && r <= 0xabbf:
		return r - 0xab70 + 0x13a0
	case r >= 0x13f8 && r <= 0x13fd:
		return r - 0x13f8 + 0x13f0
	default:
		return r
	}
}

// record checks a user and returns it with its canonical forms. Every user that is stored passes here, new or changed, so
// there is no second way to a name that the first refuses. The error is a *authority.FieldError.
func record(u User) (Record, error) {
	r := Record{User: u, UsernameKey: Key(u.Username), EmailKey: Key(u.Email)}
	if err := checkUsername(u.Username, r.UsernameKey, r.EmailKey); err != nil {
		return Record{}, err
	}
	if err := checkEmail(u.Email, r.EmailKey); err != nil {
		return Record{}, err
	}
	if !printable(u.DisplayName) || utf8.RuneCountInString(u.DisplayName) > maxDisplayName {
		return Record{}, authority.Field("display_name", "holds control characters or more than 256 characters", "Give printable text.")
	}
	if u.Kind != Person && u.Kind != Service {
		return Record{}, authority.Field("kind", "is neither person nor service", "")
	}
	if u.State != Active && u.State != Blocked && u.State != Suspended {
		return Record{}, authority.Field("state", "is neither active nor blocked", "")
	}
	if err := checkExternal(&u.External); err != nil {
		return Record{}, err
	}
	roles, err := sortedRoles(u.Roles)
	r.Roles = roles
	return r, err
}

// checkExternal refuses what an application says of a user where it couldn't be shown on one line, or would fill the database.
func checkExternal(e *External) error {
	for _, member := range []struct{ name, value string }{
		{"external.profile", e.Profile}, {"external.id", e.ID}, {"external.ref", e.Ref}, {"external.data", e.Data},
	} {
		if !printable(member.value) || utf8.RuneCountInString(member.value) > maxExternal {
			return authority.Field(member.name, "holds control characters or more than 1024 characters", "Give printable text.")
		}
	}
	return nil
}

// checkUsername refuses a name that could be taken for something else: an ID in a URL, the pair of HTTP Basic (a colon),
// two segments of a path, another's e-mail, or the same name with something invisible in it. Letters of two scripts that
// look alike it does not tell apart.
func checkUsername(name, key, emailKey string) error {
	_, idErr := uuid.Parse(key)
	switch {
	case name == "":
		return authority.Field("username", "is empty", "Give a name.")
	case !printable(name) || invisible(name) || strings.ContainsAny(key, ":/"):
		return authority.Field("username", "holds a colon, a slash or a character that can't be seen", "Use letters, digits and other marks.")
	case utf8.RuneCountInString(name) > maxUsername:
		return authority.Field("username", "is longer than 128 characters", "Shorten it.")
	case strings.TrimSpace(key) != key:
		return authority.Field("username", "begins or ends with a space", "Remove it.")
	case idErr == nil:
		return authority.Field("username", "has the form of an ID", "Choose a name that is no UUID.")
	case key == "." || key == "..":
		return authority.Field("username", "is a path segment with a meaning of its own", "Choose another name.")
	case strings.Contains(key, "@") && key != emailKey:
		return authority.Field("username", "holds an @ but is not the user's own e-mail", "Use the e-mail as it stands in email, or a name without @.")
	}
	return nil
}

// checkEmail refuses what is no bare address: a display name, a list, or what would end a header that it is written to.
// That mail arrives there, and that the address is the user's, nobody has checked.
func checkEmail(email, key string) error {
	if email == "" {
		return nil
	}
	local, domain, ok := strings.Cut(key, "@")
	switch {
	case !ok || local == "" || domain == "" || strings.Contains(domain, "@"):
		return authority.Field("email", "is not of the form name@domain", "")
	case !printable(email) || invisible(email) || strings.ContainsFunc(key, unicode.IsSpace) || strings.ContainsAny(key, `:/<>,;"`):
		return authority.Field("email", "holds a space, a control character or one of : / < > , ; \"", "Give the bare address.")
	case utf8.RuneCountInString(email) > maxEmail:
		return authority.Field("email", "is longer than 254 characters", "")
	}
	return nil
}

// printable reports whether s is valid UTF-8 of characters that can be seen, and spaces: without controls, formatting
// characters (a change of the direction of writing, a joint), line separators, and what Unicode has yet to assign.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError })
}

// invisible reports whether a name holds a character that counts as a letter, mark or sign and yet shows nothing: a
// second admin with one would look like the first.
func invisible(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool {
		return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
			r == '\u2800' || r == '\U00016FE4' || r == '\U0001D159' // a Braille blank, a Khitan filler, a null notehead
	})
}

// sortedRoles checks role names and returns them sorted, each once.
func sortedRoles(roles []string) ([]string, error) {
	if len(roles) > MaxRoles {
		return nil, authority.Field("roles", "are more than 64", "Use fewer, broader roles.")
	}
	for _, role := range roles {
		if !ValidRole(role) {
			return nil, authority.Field("roles", "hold a name that is empty, longer than 64 characters or not of A-Z a-z 0-9 . _ -", "Rename the role.")
		}
	}
	sorted := slices.Clone(roles)
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}

// ValidRole reports whether a role may have this name: 1 to 64 of A-Z a-z 0-9 . _ -
func ValidRole(name string) bool {
	return name != "" && len(name) <= maxRole && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	})
}

// SameSpelling reports whether two names are the same but for the case of ASCII letters, in which applications and mail servers see
// no difference. Where somebody else says who a user is, the canonical form says too much: see Key.
func SameSpelling(a, b string) bool {
	return strings.Map(lowerASCII, a) == strings.Map(lowerASCII, b)
}

func lowerASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}
