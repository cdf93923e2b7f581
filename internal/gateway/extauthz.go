package gateway

import (
	"errors"
	"net/http"
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
func (g *gateway) extAuthz(w http.ResponseWriter, r *http.Request) {
	in := web.Presented(r)
	ref := g.decide(w, r, &in, readExtAuthz(r, &in))
	if ref != nil {
		g.refuseInWords(w, r, ref)
		return
	}
	// What has nothing to tell is taken out: set to nothing alone, it would stand where a client may have written more than once.
	h := w.Header()
	remove := g.withheld
	for _, name := range web.IdentityNames {
		if h[name][0] == "" {
			remove += ", " + strings.ToLower(name)
		}
	}
	h[takeOut] = []string{remove}
}

// readExtAuthz reads into in which call Envoy asks about, as readForwarded does. The path is that of the request line, since what
// net/http makes of it may be another.
func readExtAuthz(r *http.Request, in *authority.Presented) error {
	path := strings.TrimPrefix(r.RequestURI, extAuthzPrefix)
	if !web.IsMethod(r.Method) || !web.IsHost(r.Host) {
		return errExtAuthz
	}
	in.Method, in.Host = r.Method, r.Host
	in.Path, in.Query, _ = strings.Cut(path, "?")
	return nil
}

// asksExtAuthz reports whether a request is a question of Envoy's.
func asksExtAuthz(r *http.Request) bool { return strings.HasPrefix(r.RequestURI, extAuthzPrefix+"/") }
