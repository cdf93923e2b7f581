package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/extauthz"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/web"
)

// envoyDoor is the listener at which Envoy asks by gRPC, where there is one: the zero value is none.
type envoyDoor struct {
	listener net.Listener
	server   *extauthz.Server // made before the door serves
}

// open opens the listener, if there is to be one, for some connections at a time.
func (d *envoyDoor) open(ctx context.Context, cfg *config.Config, connections int) error {
	if cfg.EnvoyListen == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.EnvoyListen)
	if err != nil {
		return fmt.Errorf("opening the envoy listener: %w (is another Jeton running? --envoy-listen gives another address)", err)
	}
	d.listener = web.Limit(l, connections)
	return nil
}

// addr returns the listener's address; nil where there is none.
func (d *envoyDoor) addr() net.Addr {
	if d.listener == nil {
		return nil
	}
	return d.listener.Addr()
}

// serve answers until the way down, and tells of any other end.
func (d *envoyDoor) serve(stops *stopStack, faults chan<- error) {
	if d.listener == nil {
		return
	}
	stops.push("envoy listener", d.server.Shutdown)
	go func() {
		if err := d.server.Serve(d.listener); err != nil {
			faults <- err
		}
	}()
}

// close closes the listener, where nothing was served yet.
func (d *envoyDoor) close() error {
	if d.listener == nil {
		return nil
	}
	if err := d.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing the envoy listener: %w", err)
	}
	return nil
}

// furnishEnvoy makes what answers Envoy, where it has a door.
func (n *node) furnishEnvoy(d *envoyDoor) (err error) {
	if d.listener == nil {
		return nil
	}
	cfg := extauthz.Config{
		Authority: n.authority, Peers: n.peers, Kinds: gatewayKinds(), Parameters: xdoc.Parameters(), KeepsTokens: n.keepsQueries,
		Ready:  func(ctx context.Context) bool { return len(n.problems(ctx)) == 0 },
		Logger: n.logger, Now: n.now, Drain: n.cfg.Drain,
	}
	if n.cfg.EnvoyTLS() {
		cfg.Certificate = n.certificate
	}
	d.server, err = extauthz.New(cfg)
	return err
}

// keepsQueries reports whether the API behind a host and path gets queries as they came: its service has no project, so that what stands
// there is its own, or is to have sealed tokens.
func (n *node) keepsQueries(host, path string) bool {
	service, ok := n.catalog.Policy().Find(host, path)
	return ok && service.Project() == uuid.Nil || n.keepsTokens(host, path)
}
