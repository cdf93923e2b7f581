package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/gateway"
	"github.com/jeton-io/jeton/internal/h1"
	"github.com/jeton-io/jeton/internal/httpapi"
	"github.com/jeton-io/jeton/internal/oauth"
	"github.com/jeton-io/jeton/internal/web"
)

// maxBody is the largest body that the public listener takes, in bytes.
const maxBody = 1 << 20

// door is one listener, open before what answers behind it is there.
type door struct {
	name    string
	server  *web.Server
	handler http.Handler                // set before the door serves
	plain   h1.Handler                  // what answers plain requests before it; nil for nothing, and set likewise
	beside  func(context.Context) error // what ends beside the server; nil for nothing, and set likewise
}

// endBeside ends what the door's handler has beyond requests.
func (d *door) endBeside(ctx context.Context) error {
	if d.beside == nil {
		return nil
	}
	return d.beside(ctx)
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// AnswerPlain implements h1.Handler.
func (d *door) AnswerPlain(r *h1.Request, a *h1.Answer) bool {
	return d.plain != nil && d.plain.AnswerPlain(r, a)
}

// doors are the listeners. The last is the first to close: who asks for health hears of the draining until the others
// are done.
type doors struct {
	admin, gateway, proxy, public door
	envoy                         envoyDoor
}

// all returns the doors that there are: without that of the proxy, where none was opened or is to be.
func (d *doors) all() []*door {
	all := []*door{&d.admin, &d.gateway, &d.public}
	if d.proxy.name != "" {
		all = append(all, &d.proxy)
	}
	return all
}

// plan is how a door is to be opened.
type plan struct {
	flag  string // that gives its address
	serve web.ServerConfig
	tls   bool
	plain bool // plain requests are answered before net/http
}

// openDoors opens all listeners, or none: the error names every one that couldn't be opened.
func openDoors(ctx context.Context, cfg *config.Config, certificate *web.Certificate, logger *slog.Logger) (*doors, error) {
	d := &doors{admin: door{name: "admin"}, gateway: door{name: "gateway"}, public: door{name: "public"}}
	room := descriptors()
	plans := []plan{ // in the order of doors.all; the room is bounded so that no listener takes the descriptors of the others and of the database
		{flag: "--admin-listen", serve: web.ServerConfig{Address: cfg.AdminListen, MaxConnections: room / 16}},
		{flag: "--gateway-listen", serve: web.ServerConfig{Address: cfg.GatewayListen, MaxConnections: room / 4}, tls: cfg.GatewayTLS(), plain: true},
		{flag: "--listen", serve: web.ServerConfig{Address: cfg.Listen, MaxBody: maxBody, MaxConnections: room / 4}, tls: cfg.PublicTLS()},
	}
	if cfg.ProxyListen != "" {
		d.proxy.name = "proxy" // each of its connections may have one to an upstream
		plans = append(plans, plan{flag: "--proxy-listen", serve: web.ServerConfig{Address: cfg.ProxyListen, Streams: true, MaxConnections: room / 6}, tls: cfg.ProxyTLS()})
	}
	var errs []error
	for i, p := range plans {
		at := d.all()[i]
		serve := p.serve
		serve.Name, serve.Handler, serve.Logger, serve.Drain, serve.Beside = at.name, at, logger, cfg.Drain, at.endBeside
		if p.tls {
			serve.TLS = certificate
		}
		if p.plain {
			serve.Plain = at
		}
		server, err := web.Listen(ctx, serve)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w (is another Jeton running? %s gives another address)", err, p.flag))
			continue
		}
		at.server = server
	}
	if err := d.envoy.open(ctx, cfg, room/16); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, oneLine(append(errs, d.close(ctx)))
	}
	return d, nil
}

// oneLine joins errors by semicolons: a line break has no place in a line of the log, nor in a message of a command.
func oneLine(errs []error) error {
	var all error
	for _, err := range errs {
		switch {
		case err == nil:
		case all == nil:
			all = err
		default:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

// descriptors returns how many files and connections the process may have open.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<20 {
		return 1 << 20
	}
	return int(limit.Cur)
}

// close closes what is open, where nothing was served yet.
func (d *doors) close(ctx context.Context) error {
	errs := []error{d.envoy.close()}
	for _, at := range d.all() {
		if at.server != nil {
			errs = append(errs, at.server.Shutdown(ctx))
		}
	}
	return errors.Join(errs...)
}

// serve answers at all doors. What it returns delivers the cause of an early end.
func (d *doors) serve(stops *stopStack) <-chan error {
	faults := make(chan error, len(d.all())+1)
	for _, at := range d.all() {
		stops.push(at.name+" listener", at.server.Shutdown)
		go func() {
			if err := at.server.Serve(); err != nil {
				faults <- err
			}
		}()
	}
	d.envoy.serve(stops, faults)
	return faults
}

func (d *doors) addresses() Addresses {
	a := Addresses{Public: d.public.server.Addr(), Gateway: d.gateway.server.Addr(), Admin: d.admin.server.Addr(), Envoy: d.envoy.addr()}
	if d.proxy.server != nil {
		a.Proxy = d.proxy.server.Addr()
	}
	return a
}

// own returns the addresses at which this machine reaches the listeners that judge calls: for one that listens on every address,
// each that the machine has now. That of health and metrics judges none; to have the proxy stand before it is an operator's own will.
func (a Addresses) own() (all []netip.AddrPort) {
	for _, listener := range []net.Addr{a.Public, a.Gateway, a.Proxy, a.Envoy} {
		tcp, ok := listener.(*net.TCPAddr)
		if !ok {
			continue
		}
		at := tcp.AddrPort()
		all = append(all, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
		if !at.Addr().IsUnspecified() {
			continue
		}
		here, _ := net.InterfaceAddrs() // where the machine doesn't tell, this is the operator's to see to
		for _, network := range here {
			if p, err := netip.ParsePrefix(network.String()); err == nil {
				all = append(all, netip.AddrPortFrom(p.Addr().Unmap(), at.Port()))
			}
		}
	}
	return all
}

// gatewayKinds are the kinds of credential with which the protected APIs can be called. An API token is among them for the
// services that take it as it is; at all others its bearer is told to exchange it first. Sealed tokens are seen in the calls of
// services that have a project.
func gatewayKinds() authority.Kinds {
	return authority.KindsOf(
		authority.Password, authority.PersonalToken, authority.APISession, authority.APIToken, authority.AccessToken, authority.SessionToken,
		authority.Sealed,
	)
}

// furnish puts behind each door what answers there.
//
// Only the public listener's answers reach browsers, and have the headers that bind these. What asks the admin listener comes
// every few seconds and is no event: it isn't logged.
func (n *node) furnish(d *doors) error {
	public, err := n.publicHandler()
	if err != nil {
		return err
	}
	gate, err := gateway.New(gateway.Config{Authority: n.authority, Peers: n.peers, Kinds: gatewayKinds(), Logger: n.logger, Now: n.now})
	if err != nil {
		return err
	}
	d.public.beside = n.endStreams
	https := strings.HasPrefix(n.url, "https://")
	d.public.handler = web.Headers(https, web.Log(n.logger, d.public.name, n.now, public))
	d.gateway.handler, d.gateway.plain = web.Log(n.logger, d.gateway.name, n.now, gate), gate
	d.admin.handler = n.adminHandler()
	if err := n.furnishEnvoy(&d.envoy); err != nil {
		return err
	}
	if d.proxy.name == "" {
		return nil
	}
	d.proxy.handler, err = n.proxyHandler(d.proxy.name)
	if err != nil {
		return err
	}
	d.proxy.beside = n.proxy.Shutdown
	return nil
}

// endStreams ends the public listener's streams, which would else last until the time to drain is over.
func (n *node) endStreams(context.Context) error {
	n.stopOnce.Do(func() { close(n.stopping) })
	return nil
}

// publicHandler serves the API below /v1, OAuth's endpoints and the profiles at their own paths, and the console at every
// other path.
//
// The path is only looked at. An http.ServeMux here would redirect from a path with empty or dot segments, before either
// of them could say that there is nothing.
func (n *node) publicHandler() (http.Handler, error) {
	v1, err := httpapi.New(httpapi.Config{
		Authority: n.authority, Accounts: n.accounts, Tokens: n.personal, APITokens: n.apiTokens, Clients: n.clients,
		Browsers: n.browsers, Sessions: n.sessions, Factors: n.factors, Links: n.links, Platforms: n.platforms, Projects: n.projects, Keys: n.keys, Catalog: n.catalog, Events: n.events, Feed: n.feed, Peers: n.peers,
		PublicURL: n.url, Cookie: n.cookies.Console(), VerifyKinds: gatewayKinds(), Stopping: n.stopping, MaxListeners: min(1024, descriptors()/16), Now: n.now,
	})
	if err != nil {
		return nil, err
	}
	pages, err := console.New(console.Config{
		Authority: n.authority, Accounts: n.accounts, Tokens: n.personal, APITokens: n.apiTokens, Clients: n.clients, Browsers: n.browsers, Sessions: n.sessions, Factors: n.factors, Links: n.links,
		Platforms: n.platforms, Projects: n.projects, Keys: n.keys, Catalog: n.catalog, Events: n.events, Feed: n.feed, Peers: n.peers, Now: n.now,
		Cookies: n.cookies, BitCanuck: n.cfg.BitCanuck, ExchangePath: n.exchangePath(), PublicURL: n.url, AccessLife: n.cfg.AccessTokenLife, Language: n.cfg.Language, KeyAge: n.cfg.KeyAge,
	})
	if err != nil {
		return nil, err
	}
	grants, err := oauth.New(oauth.Config{
		Authority: n.authority, Access: n.accessTokens, APITokens: n.apiTokens, Sessions: n.sessions, Policy: n.catalog.Policy, Keyring: n.keys, Feed: n.feed, Peers: n.peers,
		PublicURL: n.url,
	})
	if err != nil {
		return nil, err
	}
	products, err := n.products(nil)
	if err != nil {
		return nil, err
	}
	// A product comes after Jeton's own paths, so that none can take one of these, and before the console, which takes the rest.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1" || strings.HasPrefix(r.URL.Path, "/v1/"):
			v1.ServeHTTP(w, r)
			return
		case oauth.Serves(r.URL.Path):
			grants.ServeHTTP(w, r)
			return
		}
		for _, p := range products {
			if p.owns(r.URL.EscapedPath()) {
				p.handler.ServeHTTP(w, r)
				return
			}
		}
		pages.ServeHTTP(w, r)
	}), nil
}
