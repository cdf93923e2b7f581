package console

import (
	"net/url"
	"strings"
	"unicode"
)

// maxNext bounds a return address, in bytes: ours have a hundred.
const maxNext = 1 << 10

// next returns where to go after a log-in: the path that was asked for where it is a page of the console, else none.
//
// The address comes in a URL that anybody may have made and sent to somebody who has yet to log in. One that leads away
// (https://evil.example, //evil.example, and /\evil.example, which browsers read alike) would end the log-in at a page
// that looks like ours and says that the password was wrong. So it must be a path below /console/ however it is read:
// straight, decoded too, of ASCII as addresses are, without a backslash in its path, a control character or an empty
// segment. To log in is no page to go to, and nobody should be logged out by a link. What is refused is dropped silently:
// the log-in itself is honest.
func next(asked string) string {
	if !strings.HasPrefix(asked, homePath) || len(asked) > maxNext || strings.Contains(asked, "//") {
		return ""
	}
	u, err := url.Parse(asked)
	if err != nil || u.IsAbs() || u.Host != "" || !straight(u) || !strings.HasPrefix(u.Path, homePath) {
		return ""
	}
	if strings.ContainsFunc(asked, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return ""
	}
	if strings.ContainsFunc(u.Path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return ""
	}
	if u.Path == loginPath || u.Path == logoutPath {
		return ""
	}
	return asked
}

// loginFor returns the address of the log-in that leads back to a path, with what to say there, if anything.
func loginFor(path string, say notice) string {
	query := url.Values{}
	if path = next(path); path != "" && path != homePath {
		query.Set("next", path)
	}
	if say != "" {
		query.Set(noticeParameter, string(say))
	}
	if len(query) == 0 {
		return loginPath
	}
	return loginPath + "?" + query.Encode()
}
