package app

import (
	"net/http"
	"slices"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/profile/matrix42"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/internal/web"
)

// maker makes the profile of a product.
type maker struct {
	name string // by which a service names it
	on   func(*config.Config) bool
	// fields are those of a request's header in which the product's clients send a credential, beside those that everybody knows.
	fields []string
	// make makes the profile. before is the proxy to whose upstreams the product's own calls go on; nil on the public listener,
	// behind which there is nothing.
	make func(n *node, before *proxy.Proxy) (product, error)
}

// makers are those of all products: a new one takes a package of its own and a line here.
func makers() []maker {
	return []maker{
		{"bitcanuck", func(c *config.Config) bool { return c.BitCanuck }, []string{"Token"}, (*node).bitcanuck},
		{"matrix42", func(c *config.Config) bool { return c.Matrix42 }, nil, (*node).matrix42},
		{"xdoc", func(c *config.Config) bool { return c.XDOC }, nil, (*node).xdoc},
	}
}

// product is the profile of one product on one listener: which paths are its own, and what answers there. It has none where it is
// turned off.
type product struct {
	name    string
	fields  []string
	serves  func(path string) bool // still percent-encoded
	handler http.Handler
	// streams says that bodies pass through it to an upstream: it sees itself to what it keeps of them.
	streams bool
}

// owns reports whether a path is the product's.
func (p *product) owns(path string) bool { return p.serves != nil && p.serves(path) }

// profiles are the names of all products.
func (n *node) profiles() (names []string) {
	for _, m := range n.makers {
		names = append(names, m.name)
	}
	return names
}

// products returns the profiles of all products, on the public listener or before a proxy.
func (n *node) products(before *proxy.Proxy) (all []product, err error) {
	for _, m := range n.makers {
		var p product
		if m.on(&n.cfg) {
			if p, err = m.make(n, before); err != nil {
				return nil, err
			}
		}
		p.name, p.fields = m.name, m.fields
		all = append(all, p)
	}
	return all, nil
}

func (n *node) matrix42(*proxy.Proxy) (product, error) {
	h, err := matrix42.New(matrix42.Config{
		Authority: n.authority, Access: n.accessTokens, Peers: n.peers, RefusalStatus: n.cfg.Matrix42RefusalStatus,
	})
	return product{serves: matrix42.Serves, handler: h}, err
}

func (n *node) bitcanuck(*proxy.Proxy) (product, error) {
	h, err := bitcanuck.New(bitcanuck.Config{Authority: n.authority, Sessions: n.sessions, Feed: n.feed, Peers: n.peers})
	return product{serves: bitcanuck.Serves, handler: h}, err
}

func (n *node) xdoc(before *proxy.Proxy) (product, error) {
	cfg := xdoc.Config{Authority: n.authority, Sessions: n.browsers, Feed: n.feed, Peers: n.peers, Cookie: n.cookies.API, Now: n.now}
	if before != nil {
		cfg.Forward, cfg.KeepsTokens = forwarding(before), n.keepsTokens
	}
	h, err := xdoc.New(cfg)
	return product{serves: xdoc.Serves, handler: h, streams: before != nil}, err
}

// forwarding passes calls that a product has looked at on to their upstreams. What the product has found to be the credential counts, in
// the place of what stands in the query: that it has read already.
func forwarding(before *proxy.Proxy) func(http.ResponseWriter, *http.Request, *authority.Presented) error {
	return func(w http.ResponseWriter, r *http.Request, found *authority.Presented) error {
		in := before.Presented(r)
		in.Given, in.Query = found.Given, ""
		return web.Yield(w, func() error { return before.Forward(w, r, &in) })
	}
}

// keepsTokens reports whether the service of a call is to have sealed tokens as they came.
func (n *node) keepsTokens(host, path string) bool {
	service, ok := n.catalog.Policy().Find(host, path)
	if !ok {
		return false
	}
	route, ok := n.catalog.Route(service.ID())
	return ok && route.ForwardQueryTokens
}

// front answers on the proxy listener: at the paths of a product whose profile a service on the host of the request names, whatever
// that service's prefix, and elsewhere by the upstreams.
//
// The path is compared as it is spelled in the request. In any other spelling it is none of the product's, and goes the way of all
// others: to be judged by the policy, which refuses what could be read in two ways.
type front struct {
	policy    func() *policy.Table
	products  []product
	upstreams http.Handler
}

// newFront returns the front before the upstreams. The answers of the products have what those of the public listener have, but for
// Strict-Transport-Security: how the API's own host is reached isn't for Jeton to say.
func (n *node) newFront(before *proxy.Proxy, listener string) (*front, error) {
	products, err := n.products(before)
	if err != nil {
		return nil, err
	}
	for i := range products {
		p := &products[i]
		bound := int64(maxBody)
		if p.streams {
			bound = 0
		}
		p.handler = web.Headers(false, web.Log(n.logger, listener, n.now, web.Bound(bound, p.handler)))
	}
	return &front{n.catalog.Policy, products, web.Log(n.logger, listener, n.now, before)}, nil
}

// ServeHTTP implements http.Handler. A field in which a product's clients send credentials stays with the product: no other handler
// on its host gets it, nor an upstream.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	table, path := f.policy(), r.URL.EscapedPath()
	var own http.Handler
	for i := range f.products {
		p := &f.products[i]
		owns := own == nil && p.owns(path)
		if !owns && !p.sent(r.Header) || !table.HasProfile(r.Host, p.name) {
			continue
		}
		if owns {
			own = p.handler
			continue
		}
		for _, field := range p.fields {
			r.Header.Del(field)
		}
	}
	if own == nil {
		own = f.upstreams
	}
	own.ServeHTTP(w, r)
}

// sent reports whether a header has one of the product's own fields.
func (p *product) sent(h http.Header) bool {
	return slices.ContainsFunc(p.fields, func(field string) bool { return h[field] != nil })
}

// exchangePath is where Matrix42's clients exchange their tokens, nothing where they aren't served.
func (n *node) exchangePath() string {
	if !n.cfg.Matrix42 {
		return ""
	}
	return matrix42.ExchangePath
}
