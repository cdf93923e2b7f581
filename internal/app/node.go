package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/gateway"
	"github.com/jeton-io/jeton/internal/httpapi"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/web"
)

// node is one running Jeton: its parts, wired.
type node struct {
	cfg    config.Config
	now    func() time.Time
	logger *slog.Logger

	store     *sqlite.Store
	feed      *feed.Feed
	keys      *keyring.Keyring
	accounts  *account.Accounts
	tokens    *personal.Tokens
	catalog   *catalog.Catalog
	authority *authority.Authority
	events    *eventLog
	peers     *web.Peers

	retention atomic.Int64 // of events, in nanoseconds
	draining  atomic.Bool
}

// maxRefusals bounds the merged refusals between two flushes.
const maxRefusals = 4096

// newNode opens the database and wires the parts. What it opened is on stops.
func newNode(ctx context.Context, o *Options, logger *slog.Logger, stops *stopStack) (*node, error) {
	n := &node{cfg: o.Config, now: o.Now, logger: logger, peers: new(web.Peers)}
	n.peers.Set(o.Config.TrustedPeers)
	n.retention.Store(int64(o.Config.AuditRetention))
	if err := makePrivate(o.Config.Data); err != nil {
		return nil, err
	}
	var err error
	if n.store, err = sqlite.Open(ctx, sqlite.Config{Path: n.databasePath(), Now: o.Now}); err != nil {
		return nil, err
	}
	stops.push("store", func(context.Context) error { return n.store.Close() })
	master, err := n.masterKey(ctx, o)
	if err != nil {
		return nil, err
	}
	n.keys, err = keyring.Open(ctx, keyring.Config{Store: n.store, Master: master, Now: o.Now, Random: o.Random})
	if err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	if err := n.wire(o); err != nil {
		return nil, err
	}
	if err := n.firstStart(ctx, o); err != nil {
		return nil, err
	}
	return n, n.feed.CatchUp(ctx)
}

// wire makes the parts of the inside and joins them.
func (n *node) wire(o *Options) (err error) {
	if n.feed, err = feed.New(feed.Config{Store: n.store, Apply: n.apply, Now: o.Now}); err != nil {
		return err
	}
	n.accounts, err = account.New(account.Config{
		Store: n.store, Applied: n.applied, Now: o.Now, Random: o.Random,
		PasswordSlots: o.Config.PasswordSlots, PasswordChanged: n.passwordChanged,
	})
	if err != nil {
		return err
	}
	n.tokens, err = personal.New(personal.Config{
		Store: n.store, Keyring: n.keys, Applied: n.applied, Now: o.Now, Random: o.Random,
	})
	if err != nil {
		return err
	}
	n.catalog, err = catalog.New(catalog.Config{Store: n.store, Users: n.accounts, Applied: n.applied, Now: o.Now})
	if err != nil {
		return err
	}
	refusals := audit.NewRefusals(maxRefusals)
	n.events = &eventLog{Store: n.store, refusals: refusals, now: o.Now, logger: n.logger}
	n.authority, err = authority.New(authority.Config{
		Ways: []authority.Way{n.accounts, n.tokens}, Users: n.accounts, Policy: n.catalog.Policy,
		Refusals: refusals, Fresh: n.feed.Fresh, Now: o.Now, MaxRemembered: o.Config.MaxRemembered,
	})
	return err
}

// apply takes note of one change heard from the feed.
func (n *node) apply(ctx context.Context, c feed.Change) error {
	all := c.ID == uuid.Nil
	if all || c.Kind == feed.Service {
		if err := n.catalog.Reload(ctx); err != nil {
			return err
		}
	}
	if all || c.Kind == feed.Pepper {
		if err := n.keys.Reload(ctx); err != nil {
			return err
		}
	}
	if all || c.Kind == feed.User || c.Kind == feed.PersonalToken {
		n.authority.Forget(c.ID)
	}
	return nil
}

// applied makes this process hear of its own change before the change is reported as done. Where it can't, the feed
// is no longer fresh and every verdict asks the database: the change holds all the same, so its author is told that
// it was made.
func (n *node) applied(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := n.feed.CatchUp(ctx); err != nil {
		n.logger.ErrorContext(ctx, "a change of this node was stored but not yet applied; verdicts ask the database", "error", err)
	}
	return nil
}

// databasePath returns where the SQLite file is.
func (n *node) databasePath() string {
	if path := strings.TrimPrefix(n.cfg.Database, "sqlite:"); path != "" {
		return path
	}
	return filepath.Join(n.cfg.Data, "jeton.db")
}

// listen opens the listeners and serves on them. Causes of an early end go to faults.
func (n *node) listen(ctx context.Context, stops *stopStack, faults chan<- error) (Addresses, error) {
	public, gate, err := n.edges()
	if err != nil {
		return Addresses{}, err
	}
	var open [3]*web.Server
	for i, l := range []web.ServerConfig{
		{Name: "public", Address: n.cfg.Listen, Handler: web.Log(n.logger, "public", n.now, public), MaxBody: maxBody},
		{Name: "gateway", Address: n.cfg.GatewayListen, Handler: web.Log(n.logger, "gateway", n.now, gate), MaxBody: 0},
		{Name: "admin", Address: n.cfg.AdminListen, Handler: n.adminHandler(), MaxBody: 0},
	} {
		l.Logger, l.Drain = n.logger, n.cfg.Drain
		if open[i], err = web.Listen(ctx, l); err != nil {
			return Addresses{}, err
		}
		// In the reverse order, the admin listener would go first; it stays until the others have drained.
		stops.push(l.Name+" listener", open[i].Shutdown)
	}
	for _, s := range open {
		go func() {
			if err := s.Serve(); err != nil {
				faults <- err
			}
		}()
	}
	return Addresses{Public: open[0].Addr(), Gateway: open[1].Addr(), Admin: open[2].Addr()}, nil
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

// passwordFile is where a random first password is kept until it is changed.
func (n *node) passwordFile() string { return filepath.Join(n.cfg.Data, "initial-password") }

// passwordChanged removes the file of the first password once that no longer opens anything.
func (n *node) passwordChanged(id uuid.UUID) {
	admin, err := os.ReadFile(n.passwordFile() + "-of")
	if err != nil || strings.TrimSpace(string(admin)) != id.String() {
		return
	}
	for _, path := range []string{n.passwordFile(), n.passwordFile() + "-of"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			n.logger.Error("the file of the first password could not be removed; remove it by hand", "path", path, "error", err)
		}
	}
}

// masterKey returns the key of the configuration, or that of the file in the data folder, which a single node makes
// at its first start.
func (n *node) masterKey(ctx context.Context, o *Options) (secret.Text, error) {
	if o.Config.MasterKey != "" {
		return keyring.ParseMasterKey([]byte(o.Config.MasterKey.Reveal()))
	}
	path := filepath.Join(o.Config.Data, "master.key")
	text, err := os.ReadFile(path)
	if err == nil {
		return keyring.ParseMasterKey(text)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("reading the master key: %w", err)
	}
	check, err := n.store.MasterCheck(ctx)
	if err != nil {
		return "", err
	}
	if len(check) > 0 {
		return "", fmt.Errorf("the database has a master key, but %s is missing: restore it from its backup, or name another with --master-key-file", path)
	}
	key, text, err := keyring.NewMasterKey(o.Random)
	if err != nil {
		return "", err
	}
	return key, writePrivate(path, text)
}
