package platform

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

const (
	// codeLength is the number of characters of a code.
	codeLength = 8
	// codeAlphabet has 32 characters, and of those that look alike one: a code is read out on the telephone.
	codeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

	maxName = 128 // characters
	maxText = 255 // bytes of an issuer, an audience or a kid
)

// newCode makes a code. It is a name and no secret, and 40 bits are enough: two that are the same are found by the store. 256 is a
// multiple of the alphabet's length, so that no character is likelier than another.
func newCode(random io.Reader) (string, error) {
	var code [codeLength]byte
	if _, err := io.ReadFull(random, code[:]); err != nil {
		return "", fmt.Errorf("reading randomness for a platform's code: %w", err)
	}
	for i := range code {
		code[i] = codeAlphabet[int(code[i])%len(codeAlphabet)]
	}
	return string(code[:]), nil
}

// isCode reports whether text can be a code: what can't be one needs no look-up.
func isCode(text string) bool {
	return len(text) == codeLength && strings.Trim(text, codeAlphabet) == ""
}

// looksLikeCode reports whether people could take text for a code, and another platform by it.
func looksLikeCode(text string) bool {
	return len(text) == codeLength && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
}

// checkName refuses a name that can't be shown on one line. Markup is text like any other.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return authority.Field("name", "is empty", "Say whose platform it is.")
	case name != strings.TrimSpace(name):
		return authority.Field("name", "begins or ends with a space", "Leave it out.")
	case utf8.RuneCountInString(name) > maxName:
		return authority.Field("name", "is longer than 128 characters", "Give a shorter one.")
	case !plain(name):
		return authority.Field("name", "holds control or invisible characters", "Give printable text on one line.")
	}
	return nil
}

// checkIssuer refuses, as what a platform calls itself, what another one is called by Jeton. An assertion that comes alone is found by
// its issuer: one that has the form of an ID or code could be taken for another platform's, now or when that is enrolled.
func checkIssuer(issuer string) error {
	switch {
	case issuer == "":
		return nil
	case uuid.Validate(issuer) == nil:
		return authority.Field("issuer", "has the form of an ID", "Leave it out: the platform's ID counts anyway.")
	case looksLikeCode(issuer):
		return authority.Field("issuer", "has the form of a platform's code", "Leave it out: the platform's code counts anyway.")
	}
	return checkText("issuer", issuer)
}

// checkText refuses, as a claim that an assertion has to have, what people can't compare by eye.
func checkText(field, text string) error {
	switch {
	case len(text) > maxText:
		return authority.Field(field, "is longer than 255 bytes", "Give a shorter one.")
	case text != strings.TrimSpace(text):
		return authority.Field(field, "begins or ends with a space", "Leave it out.")
	case !plain(text):
		return authority.Field(field, "holds control or invisible characters", "Give it as the platform sends it.")
	}
	return nil
}

// plain reports whether all of a text can be seen, on one line, so that two that look alike in a list or a log are alike.
func plain(text string) bool {
	unseen := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unseen) && !account.Invisible(text)
}
