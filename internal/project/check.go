package project

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

const (
	maxNumber  = math.MaxInt32 // as XDOC has numbers
	maxName    = 128           // characters
	maxContext = 256           // characters
	maxFrom    = 100
)

// checkName refuses a name that can't be shown on one line. Markup is text like any other.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return authority.Field("name", "is empty", "Say whose it is.")
	case name != strings.TrimSpace(name):
		return authority.Field("name", "begins or ends with a space", "Leave it out.")
	case utf8.RuneCountInString(name) > maxName:
		return authority.Field("name", "is longer than 128 characters", "Give a shorter one.")
	case !plain(name):
		return authority.Field("name", "holds control or invisible characters", "Give printable text on one line.")
	}
	return nil
}

// checkContext refuses, as what a token must say, what people can't compare by eye.
func checkContext(text string) error {
	switch {
	case text != strings.TrimSpace(text):
		return authority.Field("security_context", "begins or ends with a space", "Leave it out.")
	case utf8.RuneCountInString(text) > maxContext:
		return authority.Field("security_context", "is longer than 256 characters", "Give a shorter one.")
	case !plain(text):
		return authority.Field("security_context", "holds control or invisible characters", "Give it as the applications send it.")
	}
	return nil
}

// checkFrom refuses addresses that would never be compared equal.
func checkFrom(from []netip.Prefix) error {
	if len(from) > maxFrom {
		return authority.Field("allowed_ips", "are more than "+strconv.Itoa(maxFrom), "Give networks rather than addresses.")
	}
	for i, p := range from {
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			return authority.Field("allowed_ips["+strconv.Itoa(i)+"]", "is no address or network, or has bits beyond its length", "Give 192.0.2.7 or 192.0.2.0/24.")
		}
	}
	return nil
}

// checkNewUserRoles returns the roles of users that a project makes, sorted, each once. None of them administers: an application that
// could make administrators would be one.
func checkNewUserRoles(roles []string) ([]string, error) {
	if len(roles) > account.MaxRoles {
		return nil, authority.Field("new_user_roles", "are more than "+strconv.Itoa(account.MaxRoles), "Use fewer, broader roles.")
	}
	for i, role := range roles {
		field := "new_user_roles[" + strconv.Itoa(i) + "]"
		switch {
		case !account.ValidRole(role):
			return nil, authority.Field(field, "is empty, longer than 64 characters or not of A-Z a-z 0-9 . _ -", "Rename the role.")
		case role == authority.AdminRole:
			return nil, authority.Field(field, "makes administrators", "Give the role to people one by one.")
		}
	}
	sorted := slices.Clone(roles)
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}

// plain reports whether all of a text can be seen, on one line, so that two that look alike in a list or a log are alike.
func plain(text string) bool {
	unseen := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unseen) && !account.Invisible(text)
}
