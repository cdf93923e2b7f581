package authority

import "strings"

// A browser adds what it holds ready to every call that any page has it make: cookies, and a user name and password once
// they were typed at its prompt. Whoever only looks at the credential would take a call that a page from elsewhere began
// for its user's own (cross-site request forgery). What tells them apart are two fields that no page can write:
// Sec-Fetch-Site and Origin.

// origin is what a browser says of the page that began a call.
type origin uint8

const (
	originUntold    origin = iota // no browser, or one older than either field
	originSame                    // the origin that is called, or the person itself
	originElsewhere               // any other, those of the same site too
)

// originOf reads what the browser says of a call. Sec-Fetch-Site says it in a word; without it, as over plain http, the
// host of Origin is compared with the one called, as net/http's CrossOriginProtection does. A field that is there twice
// says nothing that could be believed.
//
// That host and the method are those of the call to the protected API, not of the question that a proxy asks about it.
// The schemes are not compared: behind a proxy that ends TLS they differ on an honest call. So a page that somebody has
// put in place of http://api.example.com passes for https://api.example.com, in a browser without Sec-Fetch-Site, unless
// Strict-Transport-Security keeps the browser from it.
func originOf(in *Presented) origin {
	if len(in.SecFetchSite) > 1 || len(in.Origin) > 1 {
		return originElsewhere
	}
	if len(in.SecFetchSite) == 1 && in.SecFetchSite[0] != "" {
		if site := in.SecFetchSite[0]; site == "same-origin" || site == "none" {
			return originSame
		}
		return originElsewhere
	}
	if len(in.Origin) == 0 || in.Origin[0] == "" {
		return originUntold
	}
	scheme, host, ok := strings.Cut(in.Origin[0], "://")
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	if ok && host != "" && strings.EqualFold(host, strings.TrimSuffix(in.Host, port)) { // a browser leaves the usual port out
		return originSame
	}
	return originElsewhere
}

// fromElsewhere reports whether a call must be refused for where it came from: a write by what a browser adds by itself.
// The handshake of a WebSocket is a GET, and counts as a write where the edge can tell that it is one, as the proxy can: browsers let
// any page open one, and the page may write and read over it (RFC 6455, section 10.2). At the gateway nobody can tell; an API
// behind another proxy must look at Origin itself before it upgrades, and so must one that changes something by a GET.
//
// For a cookie, silence is no leave: no browser of this decade sends a write without either field. A password may come
// from a program, which sends neither. Tokens no browser adds by itself.
func fromElsewhere(kind Kind, in *Presented) bool {
	if m := in.Method; !in.Upgrade && (m == "GET" || m == "HEAD" || m == "OPTIONS") {
		return false
	}
	switch kind {
	case ConsoleSession, APISession:
		return originOf(in) != originSame
	case Password, ClientSecret:
		return originOf(in) == originElsewhere
	default:
		return false
	}
}
