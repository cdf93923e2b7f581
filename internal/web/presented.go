package web

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
)

// PresentedIn returns what a client presents of itself in a request's header: every field that the authority looks at, so
// that no edge forgets one. Which call it is about, and from which address, the edge says.
func PresentedIn(h Header) authority.Presented {
	return authority.Presented{
		Authorization: h.Values("Authorization"), Cookie: h.Values("Cookie"), Origin: h.Values("Origin"), SecFetchSite: h.Values("Sec-Fetch-Site"),
	}
}

// PresentedHere is PresentedIn for a request about Jeton itself.
func PresentedHere(r *http.Request, client netip.Addr) authority.Presented {
	in := PresentedIn(HeaderOf(r))
	in.Method, in.Host, in.Path, in.Peer = r.Method, r.Host, r.URL.EscapedPath(), client
	return in
}

// Actor returns a principal as the audit log names who made a change, as of the revision as of which it is known.
func Actor(p *authority.Principal, client netip.Addr, asOf int64) audit.Actor {
	a := audit.Actor{
		UserID: p.ID, Username: p.Username, CredentialKind: p.CredentialKind.String(), CredentialID: p.CredentialID, AsOf: asOf,
	}
	if client.IsValid() {
		a.Address = client.String()
	}
	return a
}

// Storable reports whether text can be that of a record. Databases are not asked for other text: some of them fail.
func Storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// IsHost reports whether a proxy's word for the host of a call is one host at all: a list is the word of several proxies, or of a
// client. Whether it is a good one the policy says.
func IsHost(host string) bool { return host != "" && !strings.ContainsAny(host, "/?#, ") }

// IsQuery reports whether a call may have this query. HTTP/2 brings bytes that would end the first line of a request of HTTP/1.1, where
// a client chose (RFC 9112, section 3), and Caddy for one writes a query as it came. Of a path the policy says.
func IsQuery(query string) bool {
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// IsMethod reports whether a call may have this method. It admits what nginx admits: capitals, and the two
// marks that some methods hold. Methods count case (RFC 9110, section 9.1), but there are APIs that don't: "get" must not be
// judged as a method that no operation names.
func IsMethod(method string) bool {
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return method != ""
}
