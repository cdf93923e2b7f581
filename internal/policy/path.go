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
	if isPlain(rawPath) {
		return 0, ""
	}
	if !strings.HasPrefix(rawPath, "/") {
		return 0, "it doesn't begin with a slash"
	}
	for rest, more := rawPath[1:], true; more; {
		end, nameEnd, problem := inspectSegment(rest, allowed)
		if problem != "" {
			return 0, problem
		}
		name, parameters := rest[:nameEnd], nameEnd < end
		if more = end < len(rest); more {
			rest = rest[end+1:]
		}
		if parameters {
			found |= hasParameters
		}
		switch {
		case isDotSegment(name):
			return 0, "it has a dot segment"
		case name == "" && parameters:
			return 0, "it has a segment of parameters alone"
		case name == "" && more:
			found |= hasEmptySegments
		}
	}
	if found&^allowed&hasEmptySegments != 0 {
		return 0, "it has an empty segment"
	}
	return found, ""
}

// The characters that mean nothing but themselves wherever in a path they stand, as bits: the hyphen and digits of the first 64, and
// letters, the underscore and the tilde of the second.
const (
	plainLow  = 1<<'-' | (1<<10-1)<<'0'
	plainHigh = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) | 1<<('_'-64) | 1<<('~'-64)
)

// isPlain reports of most paths at a glance that there is nothing in them to inspect: a slash at the start, segments that aren't empty
// and of plain characters alone, but for a dot that isn't the first, and perhaps a slash at the end.
func isPlain(rawPath string) bool {
	before := byte(0)
	for i := range len(rawPath) {
		c := rawPath[i]
		switch {
		case c >= 64 && c < 128 && uint64(plainHigh)>>(c-64)&1 == 1, c < 64 && uint64(plainLow)>>c&1 == 1:
			if i == 0 {
				return false
			}
		case c == '/' && before != '/', c == '.' && before != '/' && i > 0:
		default:
			return false
		}
		before = c
	}
	return rawPath != ""
}

// inspectSegment looks at each character before the next slash. It returns
// where the segment ends, and where its name does: at the first ';', encoded or
// not, or with the segment.
func inspectSegment(rest string, allowed traits) (end, nameEnd int, problem string) {
	var before byte
	nameEnd = -1
	for end = 0; end < len(rest) && rest[end] != '/'; end++ {
		start, c := end, rest[end]
		if isAlphanumeric(c) {
			before = c
			continue
		}
		if c == '%' {
			c, problem = decodeEscape(rest[end:])
			end += 2
		} else {
			problem = characterProblem(c, allowed)
		}
		if problem == "" && isOverlong(before, c) {
			problem = "it holds overlong UTF-8"
		}
		if problem != "" {
			return 0, 0, problem
		}
		if c == ';' && nameEnd < 0 {
			nameEnd = start
		}
		before = c
	}
	if nameEnd < 0 {
		nameEnd = end
	}
	return end, nameEnd, ""
}

func isDotSegment(name string) bool { return name == "." || name == ".." }

// characterProblem judges a character that stands in a path as itself.
func characterProblem(c byte, allowed traits) string {
	switch {
	case c == ';' && allowed&hasParameters == 0:
		return "it holds a semicolon"
	case c == '\\' || c == '#' || c == '?':
		return "it holds a backslash, # or ?"
	case c < ' ' || c == 0x7f:
		return "it holds a control character"
	default:
		return ""
	}
}
