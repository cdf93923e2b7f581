// Package demo shows Jeton at work: a Jeton, a sample API behind its proxy, and four integrators who call that API in the four
// styles, each as a program that exists already would.
//
//	alice        personal token, password     ─┐
//	ExternalApp  API token, for access tokens  ├─▶ one base URL ─▶ Jeton's proxy ─▶ sample API
//	john         session tokens                │                   (profiles)       says whom it saw
//	mary         sealed tokens in the query   ─┘
//	you          curl, by the lines that are printed
//
// It is for whoever wants to see before reading. Everything is real: Jeton runs in this process with listeners, a database and a log
// of its own, is furnished over /v1 as an administrator would, and the integrators know nothing of it but the base URL and their
// credentials. All of it lies in a temporary folder and is gone at the end.
//
// It listens on loopback alone and on ports that were free, so that it meets neither a Jeton that runs already nor another demo. Its
// secrets are made anew each time and open nothing else; the lines for curl read them from files that only their user can read. It
// refuses to call a run good in which a call was answered otherwise than it should be, or in which the API saw a credential.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config is what a demo needs. Out and Now are required.
type Config struct {
	// Keep leaves the folder where it is at the end.
	Keep bool
	// Calls is how many calls each integrator makes before it ends; 0 for any number.
	Calls int
	// For is how long the integrators call; 0 for any time.
	For time.Duration
	// Every is how long an integrator waits between two calls.
	Every time.Duration
	// Quiet leaves out the lines of calls.
	Quiet bool
	// Colour marks statuses with the control characters of a terminal.
	Colour bool
	// Command is how the user calls the program, for the commands that are shown: "jeton".
	Command string
	// Out takes what a person reads.
	Out io.Writer
	// Now is the clock.
	Now func() time.Time
}

// errEnded is why the integrators stop where nothing went wrong.
var errEnded = errors.New("the time is over")

// Run runs a demo until ctx ends, or until the integrators have made all their calls, and takes everything away. The error says what
// could not be started, or that a call was answered otherwise than it should be.
func Run(ctx context.Context, cfg Config) (err error) {
	folder, err := os.MkdirTemp("", "jeton-demo-") // of mode 0700
	if err != nil {
		return fmt.Errorf("making a folder: %w; name one that you may write to, as in TMPDIR=$HOME", err)
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := newScreen(&cfg, stop)
	defer s.close() // last: who doesn't read what is written doesn't keep the folder
	defer func() {
		if cfg.Keep {
			s.say("\nEverything is left in %s, with secrets in it: remove it when you are done.", folder)
			return
		}
		if removed := os.RemoveAll(folder); err == nil && removed != nil {
			err = fmt.Errorf("removing %s: %w", folder, removed)
		}
	}()
	err = run(running, stop, &cfg, folder, s)
	switch cause := context.Cause(running); {
	case cause == nil || errors.Is(cause, errEnded):
		return err
	case ctx.Err() == nil: // it is what went wrong, and what follows from it says less
		return cause
	case errors.Is(err, context.Canceled):
		return nil // Ctrl-C is how a demo ends, also one that has hardly begun
	}
	return err
}

// run goes up step by step, calls, and goes down in the reverse order.
func run(ctx context.Context, stop context.CancelCauseFunc, cfg *Config, folder string, s *screen) (err error) {
	api, err := startAPI(ctx, cfg.Every, func(v visit) {
		if v.caller == visitor {
			s.line(v.line())
		}
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	d, err := startDesk(ctx, folder, cfg.Command)
	if err != nil {
		return err
	}
	defer func() {
		api.end() // what streams would keep Jeton from stopping
		err = errors.Join(err, d.stop())
	}()
	w, err := furnish(ctx, d, api, cfg.Now)
	if err != nil {
		return fmt.Errorf("making users, services and tokens: %w", err)
	}
	p, err := newPaste(folder, w)
	if err != nil {
		return err
	}
	s.introduce(cfg, d, p, folder)
	watched := d.watch(stop)
	if cfg.For > 0 {
		timer := time.AfterFunc(cfg.For, func() { stop(errEnded) })
		defer timer.Stop()
	}
	all := w.integrators()
	err = callAll(ctx, all, p, cfg, s)
	watched()
	s.summary(all)
	return errors.Join(err, faults(all, folder, cfg.Keep))
}

// callAll has all integrators call, and keeps fresh what the reader may present, until they have ended.
func callAll(ctx context.Context, all []*integrator, p *paste, cfg *Config, s *screen) error {
	var calling sync.WaitGroup
	for _, it := range all {
		calling.Go(func() { it.run(ctx, cfg, s) })
	}
	done, fresh := make(chan struct{}), make(chan error, 1)
	go func() { fresh <- p.keepFresh(done) }()
	calling.Wait()
	close(done)
	return <-fresh
}

// faults returns an error where an integrator was answered otherwise than it should have been.
func faults(all []*integrator, folder string, kept bool) error {
	calls, wrong := 0, 0
	for _, it := range all {
		calls += it.admitted + it.refused + it.wrong
		wrong += it.wrong
	}
	if wrong == 0 {
		return nil
	}
	where := "; --keep leaves Jeton's log"
	if kept {
		where = "; Jeton's log is " + filepath.Join(folder, logName)
	}
	return fmt.Errorf("%d of %d calls were answered otherwise than they should be%s", wrong, calls, where)
}
