package cli

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/jeton-io/jeton/client"
)

// Process returns the world as this process has it.
func Process() Env {
	env := Env{
		Args: os.Args[1:], Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Command: calledAs(os.Args[0]), Now: time.Now,
		Terminal: term.IsTerminal(int(os.Stdout.Fd())), //nolint:gosec // G115: a descriptor is a small number
		Hangup:   hangup,
	}
	if stdin := int(os.Stdin.Fd()); term.IsTerminal(stdin) { //nolint:gosec // G115: as above
		env.Hidden = func(ctx context.Context) (client.Secret, error) { return hidden(ctx, stdin) }
	}
	return env
}

// calledAs returns how the user calls the program. What "go run" builds lies in a folder that is gone afterwards.
func calledAs(arg0 string) string {
	if strings.Contains(arg0, "/go-build") {
		return "go run ./cmd/jeton"
	}
	return arg0
}

// hidden reads a line from the terminal with its echo turned off. When the context ends, as by Ctrl-C, the echo is turned
// on again, which the reading itself would only do at its own end.
func hidden(ctx context.Context, terminal int) (client.Secret, error) {
	state, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	line, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(terminal) })
	if ctx.Err() != nil {
		_ = term.Restore(terminal, state) // the user is about to have the shell's prompt, and can type reset
	}
	return client.Secret(line), err
}

// hangup delivers SIGHUP.
func hangup() (<-chan os.Signal, func()) {
	requests := make(chan os.Signal, 1)
	signal.Notify(requests, syscall.SIGHUP)
	return requests, func() { signal.Stop(requests) }
}
