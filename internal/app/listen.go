package app

import (
	"context"
	"net/http"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/gateway"
	"github.com/jeton-io/jeton/internal/httpapi"
	"github.com/jeton-io/jeton/internal/web"
)

// listen opens the listeners and serves on them. Causes of an early end go to faults.
func (n *node) listen(ctx context.Context, stops *stopStack, faults chan<- error) (Addresses, error) {
	public, gate, err := n.edges()
	if err != nil {
		return Addresses{}, err
	}
	// The last to open is the first to close: who asks for health hears of the draining until the others are done.
	servers := make(map[string]*web.Server)
	for _, l := range []web.ServerConfig{
		{Name: "admin", Address: n.cfg.AdminListen, Handler: n.adminHandler()},
		{Name: "gateway", Address: n.cfg.GatewayListen, Handler: web.Log(n.logger, "gateway", n.now, gate)},
		{Name: "public", Address: n.cfg.Listen, Handler: web.Log(n.logger, "public", n.now, public), MaxBody: maxBody},
	} {
		l.Logger, l.Drain = n.logger, n.cfg.Drain
		s, err := web.Listen(ctx, l)
		if err != nil {
			return Addresses{}, err
		}
		servers[l.Name] = s
		stops.push(l.Name+" listener", s.Shutdown)
	}
	for _, s := range servers {
		go func() {
			if err := s.Serve(); err != nil {
				faults <- err
			}
		}()
	}
	return Addresses{Public: servers["public"].Addr(), Gateway: servers["gateway"].Addr(), Admin: servers["admin"].Addr()}, nil
}

// maxBody is the largest body that the public listener takes, in bytes.
const maxBody = 1 << 20

// gatewayKinds are the kinds of credential with which the protected APIs can be called.
func gatewayKinds() authority.Kinds { return authority.KindsOf(authority.PersonalToken) }

// edges makes the handlers of the public and the gateway listener.
func (n *node) edges() (public, gate http.Handler, err error) {
	public, err = httpapi.New(httpapi.Config{
		Authority: n.authority, Accounts: n.accounts, Tokens: n.tokens, Catalog: n.catalog, Events: n.events,
		Peers: n.peers, PublicURL: n.publicURL(), VerifyKinds: gatewayKinds(),
	})
	if err != nil {
		return nil, nil, err
	}
	gate, err = gateway.New(gateway.Config{Authority: n.authority, Peers: n.peers, Kinds: gatewayKinds()})
	return public, gate, err
}

// publicURL returns the URL by which clients know Jeton.
func (n *node) publicURL() string {
	if n.cfg.PublicURL != "" {
		return n.cfg.PublicURL
	}
	return "http://" + n.cfg.Listen
}
