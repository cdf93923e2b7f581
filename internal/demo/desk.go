package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/secret"
)

// logName is the file of Jeton's log, passwordName that of the administrator's password, in the folder.
const (
	logName      = "jeton.log"
	passwordName = "admin.password"
)

// accessLife is how long an access token lasts: the least that can be set, so that one sees its program get the next.
const accessLife = time.Minute

// desk is the Jeton of a demo. It runs in this process, by the same code as "jeton serve".
type desk struct {
	public string        // URL of the console and of /v1
	base   string        // URL of the proxy: all that an integrator knows
	admin  client.Secret // the administrator's password
	ended  chan struct{} // closed when it has ended
	fault  error         // why, where it ended by itself; to be read once ended is closed
	cancel context.CancelFunc
	log    *os.File
}

// startDesk starts Jeton on ports that are free, with its data in the folder. The user's own settings (JETON_LISTEN and so on) are
// none of the demo's.
func startDesk(ctx context.Context, folder, command string) (*desk, error) {
	password, err := newPassword()
	if err != nil {
		return nil, err
	}
	flags := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	config.Flags(flags)
	const free = "127.0.0.1:0"
	cfg, err := config.Load(flags, []string{
		"JETON_LISTEN=" + free, "JETON_GATEWAY_LISTEN=" + free, "JETON_ADMIN_LISTEN=" + free, "JETON_PROXY_LISTEN=" + free,
		"JETON_DATA=" + filepath.Join(folder, "data"), "JETON_ADMIN_PASSWORD=" + password.Reveal(),
		"JETON_ACCESS_TOKEN_LIFE=" + accessLife.String(), "JETON_DRAIN=1s", "JETON_LOG_FORMAT=json",
	})
	if err != nil {
		return nil, fmt.Errorf("reading the demo's settings: %w", err)
	}
	if err := writePrivate(filepath.Join(folder, passwordName), password.Reveal()); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(folder, logName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	// Not of ctx: Jeton stops when those who call it have.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d := &desk{admin: password, ended: make(chan struct{}), cancel: cancel, log: log}
	started := make(chan app.Addresses, 1)
	go func() {
		defer close(d.ended)
		d.fault = app.Run(running, app.Options{
			Config: cfg, Stderr: log, Command: command, Started: func(a app.Addresses) { started <- a },
		})
	}()
	select {
	case a := <-started:
		d.public, d.base = "http://"+a.Public.String(), "http://"+a.Proxy.String()
		return d, nil
	case <-d.ended:
		d.cancel()
		return nil, errors.Join(fmt.Errorf("starting Jeton: %w", d.fault), d.log.Close())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), d.stop())
	}
}

// watch calls stop where Jeton ends by itself, until it is unwatched.
func (d *desk) watch(stop context.CancelCauseFunc) (unwatch func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-d.ended:
			stop(fmt.Errorf("jeton has ended by itself: %w", d.fault))
		case <-done:
		}
	}()
	return func() { close(done) }
}

// stop stops Jeton and waits until it has.
func (d *desk) stop() error {
	http.DefaultClient.CloseIdleConnections() // the administrator's; of the integrators' each closes its own
	d.cancel()
	<-d.ended
	return errors.Join(d.fault, d.log.Close())
}

// newPassword makes a password of 119 bits.
func newPassword() (client.Secret, error) {
	text, err := secret.Random(20, rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making a password: %w", err)
	}
	return client.Secret(text.Reveal()), nil
}

// writePrivate writes a file that only its user can read, in place of what is there, in one step: whoever reads it meanwhile has the
// former text or the new one.
func writePrivate(path, text string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
