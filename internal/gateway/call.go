package gateway

import (
	"errors"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// What is wrong with a proxy's word about a call, and what to set there: for the operator's log. They are values and not
// made anew, since they hold nothing of the request.
var (
	errForwarded = errors.New("the proxy sent no X-Forwarded-Method, -Host or -Uri, or two: each must be there once, and the host " +
		"the API's own, as Traefik's ForwardAuth does, and deploy/caddy")
	errURL = errors.New("the proxy sent no X-Original-URL, two, or none of the form http://host/path: set in nginx, " +
		"with the API's own host: proxy_set_header X-Original-URL $scheme://api.example.com$request_uri")
	errMethod = errors.New("the proxy sent no X-Original-Method, two, or none that is a method in capitals: set in nginx: " +
		"proxy_set_header X-Original-Method $request_method")
)

// readForwarded reads into in which call Traefik or Caddy asks about, as readOriginal does for nginx.
//
// The query is the API's business, and may hold secrets. It is handed on for the tokens that come in it to a service that has a
// project, and for nothing else: it is cut off the path before anything could log that.
func readForwarded(h web.Header, in *authority.Presented) error {
	methods, hosts, paths := h.Values("X-Forwarded-Method"), h.Values("X-Forwarded-Host"), h.Values("X-Forwarded-Uri")
	if len(methods) != 1 || len(hosts) != 1 || len(paths) != 1 || !web.IsMethod(methods[0]) || !web.IsHost(hosts[0]) {
		return errForwarded
	}
	in.Method, in.Host = methods[0], hosts[0]
	in.Path, in.Query, _ = strings.Cut(paths[0], "?")
	return nil
}

// readOriginal reads into in which call nginx asks about.
//
// The URL is cut by hand. net/url would decode and clean the path, and the path is judged exactly as the API will get
// it. A '#' stays in the path, for the policy to refuse: nginx forwards it, and APIs differ over it. Whether host and path
// are good ones the policy says; here only their bounds are found.
func readOriginal(h web.Header, in *authority.Presented) error {
	urls, methods := h.Values("X-Original-Url"), h.Values("X-Original-Method")
	if len(urls) != 1 {
		return errURL
	}
	rest, ok := strings.CutPrefix(urls[0], "https://")
	if !ok {
		rest, ok = strings.CutPrefix(urls[0], "http://")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest) // no path at all: for the policy to refuse, since a client can bring it about
	}
	if !ok || end == 0 {
		return errURL
	}
	in.Host = rest[:end]
	in.Path, in.Query, _ = strings.Cut(rest[end:], "?")
	if len(methods) != 1 || !web.IsMethod(methods[0]) {
		return errMethod
	}
	in.Method = methods[0]
	return nil
}
