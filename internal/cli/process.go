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

// Process returns the world as this process has it. It is the one place that looks at the process; everything else gets
// an Env, so that tests can give it another.
func Process() Env {
	env := Env{
		Args: os.Args[1:], Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Command: calledAs(os.Args[0]), Now: time.Now,
		Terminal: term.IsTerminal(int(os.Stdout.Fd())),
		Hangup:   hangup,
	}
	if stdin := int(os.Stdin.Fd()); term.IsTerminal(stdin) {
		env.Hidden = func(ctx context.Context) (client.Secret, error) { return hidden(ctx, stdin) }
	}
	return env
}

// calledAs returns how the user calls the program, for commands that can be copied from what it prints. What "go run"
// builds lies in a folder of the Go tool's, which nobody would type.
func calledAs(arg0 string) string {
	if strings.Contains(arg0, "/go-build") {
		return "go run ./cmd/jeton"
	}
	return arg0
}

// hidden reads a line from the terminal with its echo turned off. When the context ends, as by Ctrl-C, the echo is turned
// on again, which the reading itself would only do at its own end.
func hidden(ctx context.Context, terminal int) (client.Secret, error) {
	// Taken before the echo is off, or else that would be what is restored.
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

// hangup delivers SIGHUP. Only a server asks for it: any other command ends, as it should, when its terminal goes away.
// One request is kept waiting, since a second reading of the same files tells nothing new.
func hangup() (<-chan os.Signal, func()) {
	requests := make(chan os.Signal, 1)
	signal.Notify(requests, syscall.SIGHUP)
	return requests, func() { signal.Stop(requests) }
}
