package account

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/authority"
)

// What people know tokens, platforms and projects by is held to what user names are: two that look alike are alike. Their canonical
// form is that of users (see Key), too.

// maxLabel is the length of the longest name of a record, in characters.
const maxLabel = 128

// CheckLabel refuses, as the name of a record, what can't be shown on one line. Markup is text like any other. The error is a
// *authority.FieldError of the field name; of an empty one, it says to do what ask says.
func CheckLabel(name, ask string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return authority.Field("name", "is empty", ask)
	case name != strings.TrimSpace(name):
		return authority.Field("name", "begins or ends with a space", "Leave it out.")
	case utf8.RuneCountInString(name) > maxLabel:
		return authority.Field("name", "is longer than "+strconv.Itoa(maxLabel)+" characters", "Give a shorter one.")
	case !OneLine(name):
		return authority.Field("name", "holds control or invisible characters", "Give printable text on one line.")
	}
	return nil
}

// OneLine reports whether all of a text can be seen, on one line, so that two that look alike in a list or a log are alike.
func OneLine(text string) bool {
	unseen := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unseen) && !invisible(text)
}

// CheckNewUserRoles returns the roles of users whom a platform or an application makes, sorted, each once. None of them administers:
// who could make administrators would be one. The error is a *authority.FieldError of the field new_user_roles.
func CheckNewUserRoles(roles []string) ([]string, error) {
	if len(roles) > MaxRoles {
		return nil, authority.Field("new_user_roles", "are more than "+strconv.Itoa(MaxRoles), "Use fewer, broader roles.")
	}
	for i, role := range roles {
		field := "new_user_roles[" + strconv.Itoa(i) + "]"
		switch {
		case !ValidRole(role):
			return nil, authority.Field(field, "is empty, longer than 64 characters or not of A-Z a-z 0-9 . _ -", "Rename the role.")
		case role == authority.AdminRole:
			return nil, authority.Field(field, "makes administrators", "Give the role to people one by one.")
		}
	}
	sorted := slices.Clone(roles)
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}
