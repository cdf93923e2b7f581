package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/internal/web"
)

// AddProduct puts a further product into the list of all: what a line of makers does. Its clients send credentials in the fields, too.
func (o *Options) AddProduct(name string, on bool, fields []string, serves func(path string) bool, handler func(*authority.Authority, *web.Peers) http.Handler) {
	o.further = append(o.further, maker{name, func(*config.Config) bool { return on }, fields, func(n *node, _ *proxy.Proxy) (product, error) {
		return product{serves: serves, handler: handler(n.authority, n.peers)}, nil
	}})
}

// Maintain does what a running Jeton does in the background, without its listeners: a test whose clock is its own can't
// wait for a network. It returns how to end it.
func Maintain(ctx context.Context, o Options, logger *slog.Logger) (stop func() error, err error) {
	o.fillDefaults()
	var stops stopStack
	n, err := newNode(ctx, &o, publicURL(&o.Config, o.Config.Listen), logger, &stops)
	if err == nil {
		n.certificate, err = loadCertificate(&o.Config)
	}
	if err != nil {
		return nil, errors.Join(err, stops.unwind())
	}
	stops.push("maintenance", n.maintain())
	return stops.unwind, nil
}

// Prune deletes once what is older than it is kept for.
func Prune(ctx context.Context, o Options) error {
	return once(ctx, o, func(n *node, ctx context.Context) { newPruner(n).run(ctx) })
}

// KeepHorizon says up to when something may be deleted for its age.
func KeepHorizon(ctx context.Context, o Options, at time.Time) (err error) {
	return errors.Join(once(ctx, o, func(n *node, ctx context.Context) { err = n.store.KeepHorizon(ctx, at) }), err)
}

// RotateKeys rotates once the signing keys that have grown old.
func RotateKeys(ctx context.Context, o Options) error { return once(ctx, o, (*node).rotateKeys) }

// Sign signs a token of a purpose, and returns the key that it was signed with.
func Sign(ctx context.Context, o Options, p keyring.Purpose) (key keyring.SigningKey, err error) {
	signing := func(n *node, ctx context.Context) {
		var signed keyring.Signed
		signed, err = n.keys.Sign(ctx, p, jose.ClaimSet{
			Issuer: "https://tokens.example.com", Subject: "1", Audience: []string{"https://tokens.example.com"}, ID: "1",
			IssuedAt: n.now(), Expires: n.now().Add(time.Hour),
		})
		if err == nil {
			key, err = n.keys.SigningKey(signed.KeyID)
		}
	}
	return key, errors.Join(once(ctx, o, signing), err)
}

// once does one piece of maintenance.
func once(ctx context.Context, o Options, do func(*node, context.Context)) error {
	o.fillDefaults()
	var stops stopStack
	n, err := newNode(ctx, &o, publicURL(&o.Config, o.Config.Listen), slog.New(slog.DiscardHandler), &stops)
	if err == nil {
		do(n, ctx)
	}
	return errors.Join(err, stops.unwind())
}

// GiveSigns tells a supervisor of a Jeton whose /livez doesn't answer until mute is closed. It returns how to end it.
func GiveSigns(ctx context.Context, t *testing.T, by Supervisor, mute <-chan struct{}) (stop func()) {
	t.Helper()
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-mute:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusOK)
	}))
	w := &watched{by: by, admin: admin.Listener.Addr(), logger: slog.New(slog.DiscardHandler)}
	end := w.serving(ctx)
	return func() {
		if err := end(ctx); err != nil {
			t.Error(err)
		}
		admin.Close()
	}
}

// GiveUp gives up what a restore has loaded, by what deletes it.
func GiveUp(ctx context.Context, deleting func(ctx context.Context) error) error {
	return giveUp(ctx, half{deleting: deleting}, "token")
}

// half is a database with half of the records, which can only be given up.
type half struct {
	loading
	deleting func(ctx context.Context) error
}

// GiveUp implements loading.
func (h half) GiveUp(ctx context.Context, _ string) error { return h.deleting(ctx) }

// LogWriter is what gathers the lines of the log.
type LogWriter = logWriter

// NewLogWriter returns what gathers the lines of a log that goes to a writer.
func NewLogWriter(to io.Writer) *LogWriter { return newLogWriter(to) }
