package app

import (
	"net/http"

	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/profile/matrix42"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
)

// product is the profile of one product: which paths of the public listener are its own, and what answers there.
type product struct {
	serves  func(path string) bool // still percent-encoded
	handler http.Handler
}

// products returns the profiles that are turned on.
func (n *node) products() (on []product, err error) {
	if n.cfg.Matrix42 {
		h, err := matrix42.New(matrix42.Config{
			Authority: n.authority, Access: n.accessTokens, Peers: n.peers, RefusalStatus: n.cfg.Matrix42RefusalStatus,
		})
		if err != nil {
			return nil, err
		}
		on = append(on, product{matrix42.Serves, h})
	}
	if n.cfg.BitCanuck {
		h, err := bitcanuck.New(bitcanuck.Config{Authority: n.authority, Sessions: n.sessions, Feed: n.feed, Peers: n.peers})
		if err != nil {
			return nil, err
		}
		on = append(on, product{bitcanuck.Serves, h})
	}
	if n.cfg.XDOC {
		h, err := xdoc.New(xdoc.Config{
			Authority: n.authority, Sessions: n.browsers, Feed: n.feed, Peers: n.peers, Cookie: n.cookies.API, Now: n.now,
		})
		if err != nil {
			return nil, err
		}
		on = append(on, product{xdoc.Serves, h})
	}
	return on, nil
}
