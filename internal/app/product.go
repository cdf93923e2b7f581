package app

import (
	"net/http"

	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/profile/matrix42"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/proxy"
)

// product is the profile of one product: which paths of a listener are its own, and what answers there.
type product struct {
	name    string                 // by which a service names it
	serves  func(path string) bool // still percent-encoded
	handler http.Handler
}

// profiles are the names of all products.
func profiles() []string { return []string{"bitcanuck", "matrix42", "xdoc"} }

// products returns the profiles that are turned on. before is the proxy to whose upstreams a product's own calls go on; nil on the
// public listener, behind which there is nothing.
func (n *node) products(before *proxy.Proxy) (on []product, err error) {
	if n.cfg.Matrix42 {
		h, err := matrix42.New(matrix42.Config{
			Authority: n.authority, Access: n.accessTokens, Peers: n.peers, RefusalStatus: n.cfg.Matrix42RefusalStatus,
		})
		if err != nil {
			return nil, err
		}
		on = append(on, product{"matrix42", matrix42.Serves, h})
	}
	if n.cfg.BitCanuck {
		h, err := bitcanuck.New(bitcanuck.Config{Authority: n.authority, Sessions: n.sessions, Feed: n.feed, Peers: n.peers})
		if err != nil {
			return nil, err
		}
		on = append(on, product{"bitcanuck", bitcanuck.Serves, h})
	}
	if n.cfg.XDOC {
		h, err := xdoc.New(xdoc.Config{
			Authority: n.authority, Sessions: n.browsers, Feed: n.feed, Peers: n.peers, Cookie: n.cookies.API, Now: n.now,
		})
		if err != nil {
			return nil, err
		}
		on = append(on, product{"xdoc", xdoc.Serves, h})
	}
	return on, nil
}
