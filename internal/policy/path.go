package policy

import (
	"errors"
	"fmt"
	"strings"
)

// ErrAmbiguousPath is the kind of each refusal by CheckPath.
var ErrAmbiguousPath = errors.New("ambiguous path")

// traits are the two things in a path that a service may allow.
type traits uint8

const (
	hasParameters    traits = 1 << iota // ";", also encoded
	hasEmptySegments                    // "//"
)

// CheckPath refuses, with an error that wraps ErrAmbiguousPath, a path that
// programs are known to read in several ways. The path is the raw one, still
// percent-encoded, without query. Refused are: no slash at the start; a dot
// segment; an empty segment other than the last; ';' and '\'; an encoded '/',
// '\', NUL or unreserved character (RFC 3986 section 2.3), the dot among them;
// '%' without two hexadecimal digits; '#' and '?'; a raw control character; and
// "%25" followed by two hexadecimal digits, which a second decoding would take
// for another character. The case of hexadecimal digits makes no difference.
//
// Two tricks are refused as what they amount to: overlong UTF-8 ("%c0%af") as
// an encoded ASCII character, and a segment that is a dot segment or empty
// before its first ';' or "%3B" ("..;"), which servlet containers cut there.
//
// allow is a service's AllowInPath. It lets ';' or "//" through, never the
// above.
func CheckPath(rawPath, allow string) error {
	allowed, ok := parseAllowance(allow)
	if !ok {
		return fmt.Errorf("allowance %q is none of \"\", \";\", \"//\" and \";//\"", allow)
	}
	if _, problem := inspect(rawPath, allowed); problem != "" {
		return fmt.Errorf("%w: %s", ErrAmbiguousPath, problem)
	}
	return nil
}

func parseAllowance(allow string) (traits, bool) {
	switch allow {
	case "":
		return 0, true
	case ";":
		return hasParameters, true
	case "//":
		return hasEmptySegments, true
	case ";//", "//;":
		return hasParameters | hasEmptySegments, true
	default:
		return 0, false
	}
}

// inspect is CheckPath without memory: the problem is a constant, so that a
// flood of bad paths costs nothing to refuse. It also tells what it found of
// the two traits, allowed or (the encoded ';') harmless by itself.
func inspect(rawPath string, allowed traits) (found traits, problem string) {
	if rawPath == "" || rawPath[0] != '/' {
		return 0, "it doesn't begin with a slash"
	}
	for rest, more := rawPath[1:], true; more; {
		raw := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			raw, rest = rest[:i], rest[i+1:]
		} else {
			more = false
		}
		parameters, problem := inspectSegment(raw, allowed)
		if problem != "" {
			return 0, problem
		}
		name := raw
		if parameters {
			name = cutParameters(raw)
			found |= hasParameters
		}
		switch {
		case name == "." || name == "..":
			return 0, "it has a dot segment"
		case name == "" && parameters:
			return 0, "it has a segment of parameters alone"
		case name == "" && more && allowed&hasEmptySegments == 0:
			return 0, "it has an empty segment"
		case name == "" && more:
			found |= hasEmptySegments
		}
	}
	return found, ""
}

// inspectSegment looks at each character between two slashes.
func inspectSegment(raw string, allowed traits) (parameters bool, problem string) {
	var before byte
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case isAlphanumeric(c):
		case c == '%':
			if c, problem = decodeEscape(raw[i:]); problem != "" {
				return false, problem
			}
			i += 2
		case c == ';' && allowed&hasParameters == 0:
			return false, "it holds a semicolon"
		case c == '\\' || c == '#' || c == '?':
			return false, "it holds a backslash, # or ?"
		case c < ' ' || c == 0x7f:
			return false, "it holds a control character"
		}
		if isOverlong(before, c) {
			return false, "it holds overlong UTF-8"
		}
		parameters = parameters || c == ';'
		before = c
	}
	return parameters, ""
}
