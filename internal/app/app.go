// Package app puts Jeton together and runs it: it is the only package that sees all others.
//
// Run opens the listeners and the database, wires the inside to the edges, serves, and takes all down again in the reverse
// order. Whatever fails on the way up takes down what was up before.
package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/jeton-io/jeton/internal/config"
)

// Options is what Run needs beside its configuration. Only Config is required.
type Options struct {
	Config config.Config
	// Reload reads the configuration anew each time Hangup delivers; what can change while running is applied.
	Reload func() (config.Config, error)
	Hangup <-chan os.Signal
	// Stdout takes what the first start tells a person; Stderr takes the log.
	Stdout, Stderr io.Writer
	// Terminal says that Stdout is a terminal, where alone a first password is shown.
	Terminal bool
	// LogTerminal says that Stderr is a terminal, where the log is text unless the configuration says otherwise.
	LogTerminal bool
	// Command is how the user calls the program, for the commands that the first start shows: "jeton" where empty.
	Command string
	// Now and Random are the clock and the source of secrets: the system's where nil.
	Now    func() time.Time
	Random io.Reader
	// Supervisor is who wants to hear when Jeton serves, reloads and stops; nobody where it is zero.
	Supervisor Supervisor
	// OwnProcess says that the process is Jeton's alone, whose memory it may then govern.
	OwnProcess bool
	// Started, where given, hears of the addresses once all listeners are open.
	Started func(Addresses)

	further []maker // of products beside those that there are, for a test
}

// Addresses are those of the listeners, with their real ports.
type Addresses struct {
	Public, Gateway, Admin net.Addr
	Proxy                  net.Addr // nil where there is none
	Envoy                  net.Addr // likewise
}

// Run runs Jeton until ctx ends, then drains and stops it. The error says why it couldn't start or had to stop.
func Run(ctx context.Context, o Options) error {
	o.fillDefaults()
	logs := newLogWriter(o.Stderr)
	var stops stopStack
	stops.push("log", func(context.Context) error { return logs.Close() })
	err := run(ctx, &o, logs, &stops)
	return errors.Join(err, stops.unwind())
}

// run goes up step by step; each step pushes how it is taken down.
func run(ctx context.Context, o *Options, logs *logWriter, stops *stopStack) error {
	level := new(slog.LevelVar)
	level.Set(o.Config.LogLevel)
	logger := newLogger(logs, o, level)
	for _, warning := range o.Config.Warnings {
		logger.WarnContext(ctx, warning) //nolint:sloglint // written by package config
	}
	certificate, err := startCertificate(ctx, o, logger)
	if err != nil {
		return err
	}
	// The listeners come first: a port that is taken must not cost the sight of a first password.
	doors, err := openDoors(ctx, &o.Config, certificate, logger)
	if err != nil {
		return err
	}
	addresses := doors.addresses()
	url := publicURL(&o.Config, addresses.Public.String())
	n, err := newNode(ctx, o, url, logger, stops)
	if err == nil {
		n.certificate, n.listening = certificate, addresses
		err = n.begin(ctx, o)
	}
	if err == nil {
		err = n.furnish(doors)
	}
	if err != nil {
		return errors.Join(err, doors.close(ctx))
	}
	stops.push("maintenance", n.maintain())
	if o.OwnProcess {
		stops.push("pace of the garbage collector", paceCollector())
	}
	faults := doors.serve(stops)
	logger.With(addresses.optional()...).InfoContext(ctx, "started", "public_url", url, "public", addresses.Public.String(), "gateway", addresses.Gateway.String(),
		"admin", addresses.Admin.String(), "version", Version().Version)
	w := &watched{by: o.Supervisor, admin: addresses.Admin, url: url, logger: logger}
	stops.push("supervision", w.serving(ctx))
	if o.Started != nil {
		o.Started(addresses)
	}
	stops.push("warming", n.warm())
	defer logger.InfoContext(ctx, "stopping")
	for {
		select {
		case <-ctx.Done():
			n.draining.Store(true)
			return nil
		case err := <-faults:
			return err
		case <-o.Hangup:
			w.reloading(ctx, func() {
				n.reload(ctx, o, level)
				n.reloadCertificate(ctx)
				n.reloadRoots(ctx)
			})
		}
	}
}

// optional returns the addresses of the listeners that need not be, for the log.
func (a Addresses) optional() (attrs []any) {
	if a.Proxy != nil {
		attrs = append(attrs, "proxy", a.Proxy.String())
	}
	if a.Envoy != nil {
		attrs = append(attrs, "envoy", a.Envoy.String())
	}
	return attrs
}

// publicURL returns the URL by which clients know Jeton: that of the listener where none was configured.
func publicURL(cfg *config.Config, address string) string {
	return cmp.Or(cfg.PublicURL, schemeOf(cfg)+"://"+address)
}

func (o *Options) fillDefaults() {
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Command == "" {
		o.Command = "jeton"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
}

// stopTimeout bounds each step of the way down.
const stopTimeout = 30 * time.Second

// stopStack is the way down: named steps, the last pushed taken first.
type stopStack struct{ steps []stop }

type stop struct {
	name string
	run  func(context.Context) error
}

func (s *stopStack) push(name string, run func(context.Context) error) {
	s.steps = append(s.steps, stop{name, run})
}

// unwind takes all steps, whether or not one fails.
func (s *stopStack) unwind() error {
	var errs []error
	for i := len(s.steps) - 1; i >= 0; i-- {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		if err := s.steps[i].run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", s.steps[i].name, err))
		}
		cancel()
	}
	return errors.Join(errs...)
}
