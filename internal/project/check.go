package project

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
)

const (
	maxNumber  = math.MaxInt32 // as XDOC has numbers
	maxContext = 256           // characters
)

// ParseNumber returns the number of a project that a path names. A number has one spelling: what isn't one in it is no project's, and the
// error is ErrNotFound.
func ParseNumber(text string) (int, error) {
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil || number < 1 || strconv.FormatInt(number, 10) != text {
		return 0, authority.ErrNotFound
	}
	return int(number), nil
}

// check refuses a project that isn't what its record may be, and brings its roles into order. Every project that is stored passes here,
// new or changed.
func (p *Project) check() error {
	if p.Number < 1 || p.Number > maxNumber {
		return authority.Field("number", "is not 1 to 2147483647", "1000 is what calls mean that name no project.")
	}
	if err := account.CheckLabel(p.Name, "Say whose it is."); err != nil {
		return err
	}
	if err := checkContext(p.SecurityContext); err != nil {
		return err
	}
	if err := authority.CheckFrom(p.AllowedIPs); err != nil {
		return err
	}
	if p.MaxAge < minMaxAge || p.MaxAge > maxMaxAge || p.MaxAge%time.Second != 0 {
		return authority.Field("max_age_seconds", "is not 10 to 86400", "900 do for most: a token is presented when it is made.")
	}
	roles, err := account.CheckNewUserRoles(p.NewUserRoles)
	p.NewUserRoles = roles
	return err
}

// checkContext refuses, as what a token must say, what people can't compare by eye.
func checkContext(text string) error {
	switch {
	case text != strings.TrimSpace(text):
		return authority.Field("security_context", "begins or ends with a space", "Leave it out.")
	case utf8.RuneCountInString(text) > maxContext:
		return authority.Field("security_context", "is longer than 256 characters", "Give a shorter one.")
	case !account.OneLine(text):
		return authority.Field("security_context", "holds control or invisible characters", "Give it as the applications send it.")
	}
	return nil
}
