package proxy

import (
	"net/http"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// identityToken is the header field of the signed token that tells an upstream who calls.
const identityToken = "X-Jeton-Identity"

// told is how many header fields Jeton itself tells an upstream, at most: those of the caller, and of where the call came from.
const told = len(web.IdentityNames) + 7

// names are the header fields that are between Jeton and an upstream, in the spelling of http.Header's keys.
type names struct {
	// client are the fields of which nothing passes that a client wrote.
	client map[string]struct{}
	// identity are those of them that an upstream doesn't set either: who reads an answer may take them for Jeton's.
	identity map[string]struct{}
}

// newNames returns what every proxy before an API withholds, and what this one has to beside.
func newNames() *names {
	n := &names{client: map[string]struct{}{}, identity: map[string]struct{}{}}
	for _, name := range web.IdentityNames {
		n.identity[name], n.client[name] = struct{}{}, struct{}{}
	}
	for _, name := range append(web.Withheld(),
		"X-Real-IP", "X-Request-Id", // Jeton says both
		"HTTP2-Settings", // asks for HTTP/2 over this connection, which Jeton doesn't pass on (RFC 9113, section 3.1)
	) {
		n.client[http.CanonicalHeaderKey(name)] = struct{}{}
	}
	delete(n.client, "Cookie") // of which clearCookies leaves those that aren't Jeton's
	return n
}

// passing returns what of a client's fields it may say to an upstream, in a header with room for what Jeton says itself: one that grows
// field by field is made three times over.
func (n *names) passing(h http.Header) http.Header {
	passing := make(http.Header, len(h)+told)
	for name, values := range h {
		if _, ours := n.client[name]; !ours && plainName(name) && !isFamily(name) {
			passing[name] = values
		}
	}
	return passing
}

// isFamily reports whether a field is of a family by which proxies alone speak, of which more are believed than anyone could list:
// X-Forwarded-Client-Cert is an identity, too, and so are X-Remote-Uid to Kubernetes and X-WebAuth-Role to Grafana. They are those of
// web.Withholds, in the spelling of http.Header's keys, which spares making small letters of each.
func isFamily(name string) bool {
	if strings.HasPrefix(name, "Remote-") {
		return true
	}
	rest, extension := strings.CutPrefix(name, "X-")
	if !extension {
		return false
	}
	for _, family := range [...]string{
		"Forwarded-", "Jeton-", "Auth-Request-", "Remote-", "Webauth-", "Authenticated-", "Http-", "Original-", "Envoy-Original-", "Rewrite-", "Override-",
	} {
		if strings.HasPrefix(rest, family) {
			return true
		}
	}
	return false
}

// plainName reports whether a field's name is of letters, digits and hyphens. Servers that hand fields on as variables make one
// name of others ("Remote_User", "Remote.User"), and so of a client's word that of Jeton.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return name != ""
}

// clearAnswer removes what an upstream may not say in Jeton's name.
func (n *names) clearAnswer(h http.Header, cookies []authority.Cookie) {
	for name := range h {
		if _, ours := n.identity[name]; ours || strings.HasPrefix(name, "X-Jeton-") {
			delete(h, name)
		}
	}
	if set := h["Set-Cookie"]; len(set) > 0 {
		keep(h, "Set-Cookie", set, func(value string) bool { return setsOurs(value, cookies) })
	}
}

// keep has a field keep those of its values that aren't unwanted.
func keep(h http.Header, name string, values []string, unwanted func(string) bool) {
	kept := make([]string, 0, len(values))
	for _, v := range values {
		if !unwanted(v) {
			kept = append(kept, v)
		}
	}
	if h[name] = kept; len(kept) == 0 {
		delete(h, name)
	}
}

// setsOurs reports whether a Set-Cookie sets a cookie of Jeton's: an upstream could have a browser be somebody else, or nobody. A
// cookie without a name counts by its value, for browsers send that alone, and "=jeton=x" comes back as "jeton=x".
func setsOurs(value string, cookies []authority.Cookie) bool {
	pair, _, _ := strings.Cut(value, ";")
	pair = strings.TrimLeft(strings.Trim(pair, " \t"), "= \t")
	return isOurs(pair, cookies)
}

// isOurs reports whether a pair of a name and a value is a cookie of Jeton's.
func isOurs(pair string, cookies []authority.Cookie) bool {
	name, _, _ := strings.Cut(pair, "=")
	name = strings.Trim(name, " \t")
	for _, c := range cookies {
		if c.Name == name {
			return true
		}
	}
	return false
}

// clearCookies removes Jeton's cookies from a request's, and leaves all others as they are.
func clearCookies(h http.Header, cookies []authority.Cookie) {
	fields := h["Cookie"]
	if len(fields) == 0 {
		return
	}
	kept := make([]string, 0, len(fields))
	for _, field := range fields {
		if field = others(field, cookies); field != "" {
			kept = append(kept, field)
		}
	}
	if h["Cookie"] = kept; len(kept) == 0 {
		delete(h, "Cookie")
	}
}

// others returns the cookies of a field that aren't Jeton's.
func others(field string, cookies []authority.Cookie) string {
	var left strings.Builder
	for pair := range strings.SplitSeq(field, ";") {
		if isOurs(pair, cookies) {
			continue
		}
		if left.Len() > 0 {
			left.WriteByte(';')
		} else {
			pair = strings.TrimLeft(pair, " \t")
		}
		left.WriteString(pair)
	}
	return left.String()
}
