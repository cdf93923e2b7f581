package platform

import (
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

const (
	// codeLength is the number of characters of a code.
	codeLength = 8
	// codeAlphabet has 32 characters, and of those that look alike one: a code is read out on the telephone.
	codeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

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
	case !account.OneLine(text):
		return authority.Field(field, "holds control or invisible characters", "Give it as the platform sends it.")
	}
	return nil
}
