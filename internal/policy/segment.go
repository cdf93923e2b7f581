package policy

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// segmentKind tells what a segment of a pattern matches.
type segmentKind uint8

const (
	literal   segmentKind = iota // the segment with this decoded text
	wildcard                     // {x}: any one segment that isn't empty
	final                        // {$}: the end of a path that ends in a slash
	remainder                    // {x...} or a slash at the end: a slash and whatever follows
)

type segment struct {
	kind segmentKind
	// text is a literal's decoded text, or the variable's name.
	text string
	// raw is the segment as the pattern spells it.
	raw string
}

// parseSegment reads what stands between two slashes.
func parseSegment(text string, last bool) (s segment, problem string) {
	switch {
	case text == "" && last:
		return segment{kind: remainder}, ""
	case text == "":
		return segment{}, "it has an empty segment: write one slash, or match with {x...}"
	case !strings.Contains(text, "{"):
		return parseLiteral(text)
	case text[0] != '{' || text[len(text)-1] != '}':
		return segment{}, fmt.Sprintf("%s is neither text nor variable: a variable takes a whole segment, and the text { is written %%7B", text)
	default:
		return parseVariable(text, last)
	}
}

// parseVariable reads a segment that stands in braces.
func parseVariable(text string, last bool) (s segment, problem string) {
	name, rest := strings.CutSuffix(text[1:len(text)-1], "...")
	switch {
	case (name == "$" || rest) && !last:
		return segment{}, text + " must end the pattern"
	case name == "$" && !rest:
		return segment{kind: final, raw: text}, ""
	case !isVariableName(name):
		return segment{}, text + " has no good name: letters, digits and _ make one, no digit first"
	case rest:
		return segment{kind: remainder, text: name, raw: text}, ""
	default:
		return segment{kind: wildcard, text: name, raw: text}, ""
	}
}

// parseLiteral holds a literal to the rules for paths, without allowances: any
// other could never match. Parameters are among what it refuses because a path
// must mean the same operation with and without them (see agrees).
func parseLiteral(text string) (segment, string) {
	found, problem := inspect("/"+text, 0)
	if problem == "" && found&hasParameters != 0 {
		problem = "it holds an encoded ;"
	}
	if problem != "" {
		return segment{}, fmt.Sprintf("no path can match %s (%s): write the text plainly, or a variable", text, problem)
	}
	return segment{kind: literal, text: decode(text), raw: text}, ""
}

// decode takes the percent-encoding off a segment that inspect let through.
func decode(raw string) string {
	if strings.IndexByte(raw, '%') < 0 {
		return raw
	}
	text, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return text
}

// isVariableName takes what ServeMux takes: Go's identifiers and its keywords.
func isVariableName(name string) bool {
	for i, c := range name {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return name != ""
}
