package extauthz

import (
	"errors"
	"strings"
	"unicode/utf8"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// What is wrong with Envoy's word about a call, and what to set there: for the operator's log. They are values and not made anew,
// since they hold nothing of the request.
var (
	errIncomplete = errors.New("the proxy doesn't say which HTTP call it asks about: method, host and path must be there, and the method in " +
		"capitals; is it the HTTP filter envoy.filters.http.ext_authz that asks?")
	errContradiction = errors.New("the proxy says two things of one call: its method, host or path isn't the one in the header, or that is there twice")
	errUnclear       = errors.New("the path holds a '!', which Envoy also puts in the place of a byte that isn't UTF-8, so that the API may get " +
		"another: set encode_raw_headers: true in ext_authz")
)

// call is what Envoy tells of a call.
type call struct {
	in        authority.Presented
	accept    []string // the values of Accept
	upgrade   []string // likewise of Upgrade
	forwarded []string // likewise of X-Forwarded-For
	odd       []string // the names of the header fields that the API must not get, as they are spelled
	// What the pseudo-header fields say (RFC 9113, section 8.3.1). Envoy sends them among the others, whatever version of HTTP its
	// client speaks.
	method, host, path []string
}

// readCall reads which call Envoy asks about.
//
// The query is the API's business, and may hold secrets: see the gateway's readForwarded. Whether host and path are good ones the
// policy says.
func readCall(http *authv3.AttributeContext_HttpRequest) (call, error) {
	var c call
	raw := http.GetHeaderMap() != nil
	if raw {
		for _, field := range http.GetHeaderMap().GetHeaders() {
			if field.GetValue() != "" && len(field.GetRawValue()) > 0 {
				return c, errContradiction
			}
			c.take(field.GetKey(), field.GetValue(), field.GetRawValue())
		}
	} else {
		for name, value := range http.GetHeaders() {
			c.take(name, value, nil)
		}
	}
	method, sure := judged(http.GetMethod(), c.method)
	host, sureHost := judged(http.GetHost(), c.host)
	path, surePath := judged(http.GetPath(), c.path)
	if !sure || !sureHost || !surePath {
		return c, errContradiction
	}
	if !web.IsMethod(method) || !web.IsHost(host) || path == "" {
		return c, errIncomplete
	}
	if (!raw || len(c.path) == 0) && strings.Contains(path, "!") {
		return c, errUnclear
	}
	c.in.Method, c.in.Host = method, host
	c.in.Upgrade = strings.Contains(strings.ToLower(strings.Join(c.upgrade, ",")), "websocket")
	c.in.Path, c.in.Query, _ = strings.Cut(path, "?")
	return c, nil
}

// judged returns what a call is to be judged by, of what Envoy tells in a place of its own and in the header: they must say the same.
// What the header says is what the API gets. Where that isn't UTF-8, the other can't be the same: a message of Envoy's can't hold it.
func judged(told string, header []string) (string, bool) {
	switch {
	case len(header) == 0:
		return told, true
	case len(header) > 1, utf8.ValidString(header[0]) && header[0] != told:
		return "", false
	default:
		return header[0], true
	}
}

// take takes a header field, whose value comes as text or, by encode_raw_headers, as its very bytes. Without that, fields of one name
// come joined by commas: two credentials so joined are none that anybody has, and refused.
func (c *call) take(name, value string, raw []byte) {
	if values := c.kept(name); values != nil {
		if len(raw) > 0 {
			value = string(raw)
		}
		*values = append(*values, value)
	}
	if !strings.HasPrefix(name, ":") && web.Withholds(name) {
		c.odd = append(c.odd, name)
	}
}

// kept returns where the values of a header field are kept; nil where nobody needs them.
func (c *call) kept(name string) *[]string {
	switch strings.ToLower(name) { // Envoy's are
	case ":method":
		return &c.method
	case ":authority":
		return &c.host
	case ":path":
		return &c.path
	case "authorization":
		return &c.in.Authorization
	case "cookie":
		return &c.in.Cookie
	case "origin":
		return &c.in.Origin
	case "sec-fetch-site":
		return &c.in.SecFetchSite
	case "x-forwarded-for":
		return &c.forwarded
	case "accept":
		return &c.accept
	case "upgrade":
		return &c.upgrade
	default:
		return nil
	}
}
