package web

import (
	"slices"
	"strings"
)

// Withheld returns the names, in small letters, of the header fields that an API never gets from a client beside the identity
// headers: credentials, and what would name another caller, address, method or path than those that Jeton has judged. The
// examples in deploy/ take out the same. X-Forwarded-For and X-Forwarded-Proto aren't among them, nor is
// X-Forwarded-Client-Cert: a proxy writes those itself.
func Withheld() []string {
	return []string{
		// Jeton has looked at the credential, and nobody else need be trusted with it.
		"authorization", "proxy-authorization", "cookie", "x-jeton-peer-secret", "x-jeton-status",
		// Other names by which proxies tell who calls, and which frameworks believe.
		"x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username", "x-forwarded-access-token",
		"x-auth-request-access-token", "x-jeton-identity", "x-remote-user", "x-remote-group", "x-webauth-user", "x-authenticated-user", "proxy",
		// Where the call came from.
		"forwarded", "x-client-ip", "true-client-ip",
		// Frameworks take these for the method, the host or the path of the call.
		"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-original-uri", "x-original-method",
		"x-original-host", "x-original-path", "x-rewrite-url", "x-forwarded-host", "x-forwarded-port", "x-forwarded-uri", "x-forwarded-path",
		"x-forwarded-prefix", "x-forwarded-method", "x-forwarded-server", "x-forwarded-scheme", "x-url-scheme", "x-envoy-original-path",
		"x-override-url", "x-http-path-override", "x-http-host-override", "x-host",
	}
}

// Withholds reports whether a header field that a client sent is one that no API gets, by Withheld or because its name is of the
// same family, as X-Remote-Role is, or might be read as one of them. CGI, WSGI and others read Remote_User, and some Remote.User, as
// Remote-User; no name that an API needs holds such a mark, and nginx drops them all, too. The identity headers themselves
// are for the caller to set or clear.
func Withholds(name string) bool {
	name = strings.ToLower(name) // which copies nothing where there is nothing to change
	switch name {
	case "x-forwarded-for", "x-forwarded-proto", "x-forwarded-client-cert":
		return false
	case "authorization", "proxy-authorization", "cookie", "proxy", "forwarded", "true-client-ip", "x-client-ip", "x-method-override",
		"x-url-scheme", "x-host":
		return true
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return true
		}
	}
	for _, family := range [...]string{
		"remote-", "x-auth-request-", "x-jeton-", "x-forwarded-", "x-remote-", "x-webauth-", "x-authenticated-", "x-http-", "x-original-",
		"x-envoy-original-", "x-rewrite-", "x-override-",
	} {
		if strings.HasPrefix(name, family) {
			return !slices.ContainsFunc(IdentityNames[:], func(identity string) bool { return strings.EqualFold(identity, name) })
		}
	}
	return false
}
