package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/web"
)

// pathOf returns the path of a request's target, by the very bytes that came. net/url would decode some paths and write them anew,
// and what is judged must be what the API gets.
//
// A target may be a whole URL (RFC 9112, section 3.2.2): net/http has taken the host from it then. What is neither that nor a path
// is returned as it is, for the policy to refuse.
func pathOf(r *http.Request) string {
	target, _, _ := strings.Cut(r.RequestURI, "?")
	if target == "" { // no server has read it
		return r.URL.EscapedPath()
	}
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, rest, absolute := strings.Cut(target, "://")
	if !absolute {
		return target
	}
	if at := strings.IndexAny(rest, "/#"); at >= 0 {
		return rest[at:]
	}
	return ""
}

// allowed are the methods of which a caller is told who asks for a tunnel or an echo.
const allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// unreadable returns the problem of a request that isn't even judged, since those who read it may not agree on what it says, or
// since it asks for something else than a call of an API; nil for every other.
func (p *Proxy) unreadable(w http.ResponseWriter, r *http.Request) *api.Problem {
	switch {
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
		w.Header().Set("Allow", allowed)
		return api.NewProblem(api.CodeMethodNotAllowed, "")
	case !web.IsMethod(r.Method):
		return malformed("The request's method isn't of capitals.", "Write the method in capitals.")
	case !isTarget(r):
		return malformed("The request's target can't be read.", "Send a path, and percent-encode what may not stand in it.")
	case p.passed(r.Header["Via"]):
		return api.NewProblem(api.CodeUpstreamUnreachable, "The call has passed here before: the service's upstream is this proxy, or leads back to it.")
	}
	return nil
}

func malformed(detail, fix string) *api.Problem {
	problem := api.NewProblem(api.CodeMalformedRequest, detail)
	problem.Fix = fix
	return problem
}

// isTarget refuses what HTTP/1.1 can't have as a target and HTTP/2 brings all the same: it would end the request's first line where a
// client chose. Over HTTP/2 a target is a path (RFC 9113, section 8.3.1): the host of another would not be the one that was judged.
// So would be a name and a password before a host, which no http URL has (RFC 9110, section 4.2.4).
func isTarget(r *http.Request) bool {
	if strings.ContainsFunc(r.RequestURI, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return false
	}
	if strings.HasPrefix(r.RequestURI, "/") || r.RequestURI == "" || r.RequestURI == "*" {
		return true
	}
	return r.ProtoMajor == 1 && r.URL.User == nil && (r.URL.Scheme == "http" || r.URL.Scheme == "https") && r.URL.Host != ""
}

// passed reports whether a request has come through this proxy before (RFC 9110, section 7.6.3).
func (p *Proxy) passed(via []string) bool {
	return slices.ContainsFunc(via, func(v string) bool { return strings.Contains(v, p.pseudonym) })
}

// wantsWebSocket reports whether a request asks for a WebSocket (RFC 6455, section 4.1), over which alone a connection may be
// switched: "h2c" would carry requests that nobody judged. The length counts, since EqualFold takes
// some letters beyond ASCII for letters within it.
func wantsWebSocket(r *http.Request) bool {
	upgrade := r.Header["Upgrade"]
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && len(upgrade[0]) == len("websocket") &&
		r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.ContentLength == 0 && hasToken(r.Header["Connection"], "upgrade")
}

// hasToken reports whether a list of a header names a token, in any case.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// setPath has a URL say a path by those very bytes, and reports whether it can. url.URL.Opaque is written as it is, but takes a
// double slash at its begin for a host; such a path must be one that net/url writes as it stands.
func setPath(u *url.URL, path string) bool {
	if !strings.HasPrefix(path, "//") {
		u.Opaque = path
		return strings.HasPrefix(path, "/")
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return false
	}
	u.Path, u.RawPath = plain, path
	return u.EscapedPath() == path
}
