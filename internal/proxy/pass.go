package proxy

import (
	"context"
	"net/http"
	"net/http/httputil"
	"strings"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/web"
)

// call is one call that may pass, and where it goes.
type call struct {
	decision *authority.Decision
	route    *catalog.Routed
	in       *authority.Presented
}

// callKey is the key of a call in the context of the request that passes it on.
type callKey struct{}

// pass has a call answered by its upstream.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, c *call) {
	p.back.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
}

// rewrite makes the request that the upstream gets.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	c, _ := r.In.Context().Value(callKey{}).(*call)
	scheme, host, _ := strings.Cut(c.route.Upstream, "://")
	r.Out.URL.Scheme, r.Out.URL.Host = scheme, host
	r.Out.Host = c.route.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	h := r.Out.Header
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		h.Del(name)
	}
	web.SetIdentity(h, c.decision)
}

var _ http.Handler = (*Proxy)(nil)
