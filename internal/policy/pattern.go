package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPattern bounds a pattern's length in bytes, and with it the depth of the
// tree that match walks.
const maxPattern = 1024

type pattern struct {
	source   string
	method   string // empty for any
	segments []segment
}

// parsePattern reads the grammar of http.ServeMux without hosts. The problem is
// empty for a good pattern. Unlike ServeMux it also refuses what no request
// could match here, above all literals that CheckPath would refuse in a path.
func parsePattern(source string) (p pattern, problem string) {
	if source == "" {
		return pattern{}, "it is empty: write a path such as /reports/{id}"
	}
	if len(source) > maxPattern || !utf8.ValidString(source) {
		return pattern{}, fmt.Sprintf("it is longer than %d bytes or not UTF-8", maxPattern)
	}
	method, path, problem := cutMethod(source)
	if problem != "" {
		return pattern{}, problem
	}
	p = pattern{source: source, method: method}
	texts := strings.Split(path[1:], "/")
	for i, text := range texts {
		parsed, problem := parseSegment(text, i == len(texts)-1)
		if problem != "" {
			return pattern{}, problem
		}
		if _, ok := p.variable(parsed.text); ok && parsed.kind != literal {
			return pattern{}, fmt.Sprintf("it has two variables {%s}: give each a name of its own", parsed.text)
		}
		p.segments = append(p.segments, parsed)
	}
	return p, ""
}

// cutMethod splits a pattern in its method, if any, and its path.
func cutMethod(source string) (method, path, problem string) {
	path = source
	if i := strings.IndexAny(source, " \t"); i >= 0 {
		method, path = source[:i], strings.TrimLeft(source[i:], " \t")
		switch {
		case strings.Contains(method, "/"):
			return "", "", "a space ends the method: write a space of the path as %20"
		case !isToken(method):
			return "", "", "what stands before the space isn't a method: write GET, POST or the like"
		case method != strings.ToUpper(method):
			return "", "", "methods are compared with their case: write " + strings.ToUpper(method)
		}
	}
	if strings.HasPrefix(path, "/") {
		return method, path, ""
	}
	if i := strings.IndexByte(path, '/'); i > 0 {
		return "", "", "the path doesn't begin with /, and a host belongs to the service: write " + path[i:]
	}
	return "", "", "the path doesn't begin with /: write /" + path
}

// isToken holds a method to RFC 9110 section 5.6.2.
func isToken(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isAlphanumeric(c) && !strings.Contains("!#$%&'*+-.^_`|~", string(c)) {
			return false
		}
	}
	return text != ""
}

// variable finds a named variable of p.
func (p pattern) variable(name string) (position, bool) {
	for i, s := range p.segments {
		if s.text == name && name != "" && (s.kind == wildcard || s.kind == remainder) {
			return position{slashes: i + 1, rest: s.kind == remainder}, true
		}
	}
	return position{}, false
}
