package policy

import "strings"

// CutURL returns host, path and query of an absolute http or https URL, each exactly as it stands there. A parser
// would clean or decode the path on the way, and the policy must judge the one that the service received. A '#' doesn't
// end the path, either: in a request line it is no fragment, and the policy refuses it.
//
// What parsers read in several ways has no host here: user information, and a backslash, which browsers take for a slash.
func CutURL(url string) (host, path, query string, ok bool) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host = rest[:end]
	path, query, _ = strings.Cut(rest[end:], "?")
	if path == "" {
		path = "/" // as the request line has it (RFC 9112, section 3.2.1)
	}
	return host, path, query, host != "" && !strings.ContainsAny(host, "@\\ \t\r\n")
}

// IsMethod reports whether text may be a method of HTTP (RFC 9110, section 5.6.2), of a length that any has.
func IsMethod(text string) bool { return len(text) <= 64 && isToken(text) }
