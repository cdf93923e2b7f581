package policy

import "strings"

// agrees reports whether a path with parameters or empty segments means the
// same operation of the same service without them. Servlet containers drop
// ";x" before they route, nginx merges slashes, and Jeton can't know what
// stands behind it: /admin;x/users and //admin/users must not pass by the rules
// for / where the API will serve /admin/users. It suffices to ask about the path
// without any of them: leaving one out only ever adds patterns that match, so
// that all readings between the two agree where the two do.
func (s *CompiledService) agrees(method, rawPath string, op *operation) bool {
	plain := simplify(rawPath)
	for _, other := range s.siblings.services {
		if other.covers(plain) != other.covers(rawPath) {
			return false
		}
	}
	return s.match(method, plain[len(s.prefix):]) == op
}

// simplify leaves the parameters and the empty segments out of a path that
// inspect let through.
func simplify(rawPath string) string {
	var plain strings.Builder
	for rest, more := rawPath[1:], true; more; {
		var raw string
		raw, rest, more = strings.Cut(rest, "/")
		if raw != "" || !more {
			plain.WriteByte('/')
			plain.WriteString(cutParameters(raw))
		}
	}
	return plain.String()
}

// cutParameters ends a segment before its first semicolon, encoded or not.
func cutParameters(raw string) string {
	for i := range len(raw) {
		if raw[i] == ';' || raw[i] == '%' && len(raw) >= i+3 && raw[i+1] == '3' && raw[i+2]|0x20 == 'b' {
			return raw[:i]
		}
	}
	return raw
}
