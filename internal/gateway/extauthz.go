package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// extAuthzPrefix is what stands before the path of the call that Envoy asks about (path_prefix).
const extAuthzPrefix = "/ext-authz"

// takeOut is the field by which Envoy is told what to take out of the header of a call that may pass.
const takeOut = "X-Envoy-Auth-Headers-To-Remove"

// errExtAuthz is what is wrong with Envoy's question: see errForwarded.
var errExtAuthz = errors.New("the proxy sent no method in capitals, or no host: its question has the method and the host of the call, as ext_authz " +
	"asks by http_service, with path_prefix: /ext-authz")

// extAuthz answers Envoy's ext_authz where it asks by HTTP. Its question is the call itself but for the body and what isn't in
// allowed_headers, under a prefix. By the field X-Envoy-Original-Path and its like clients could name another path: none is read.
//
// A refusal goes on to the client as from forwardAuth, but for a 503, of which Envoy makes its own error (status_on_error).
func (g *Gateway) extAuthz(ctx context.Context, c *check) {
	c.in = web.PresentedIn(c.header)
	if ref := g.decide(ctx, c, readExtAuthz(c, &c.in)); ref != nil {
		g.refuseInWords(c, ref)
		return
	}
	// What has nothing to tell is taken out: set to nothing alone, it would stand where a client may have written more than once.
	remove := g.withheld
	for _, f := range c.fields {
		if f.Value == "" { // which none but an identity header is
			remove += ", " + strings.ToLower(f.Name)
		}
	}
	c.fields = append(c.fields, web.Field{Name: takeOut, Value: remove})
}

// readExtAuthz reads into in which call Envoy asks about, as readForwarded does. The path is that of the request line, since what
// an HTTP engine makes of it may be another.
func readExtAuthz(c *check, in *authority.Presented) error {
	path := strings.TrimPrefix(c.target, extAuthzPrefix)
	if !web.IsMethod(c.method) || !web.IsHost(c.host) {
		return errExtAuthz
	}
	in.Method, in.Host = c.method, c.host
	in.Path, in.Query, _ = strings.Cut(path, "?")
	return nil
}

// asksExtAuthz reports whether a request with such a request line is a question of Envoy's.
func asksExtAuthz(target string) bool { return strings.HasPrefix(target, extAuthzPrefix+"/") }
