package cli

import (
	"context"
	"fmt"
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
		Command: calledAs(os.Args[0]), Now: time.Now, PID: os.Getpid(),
		Keyring:  newSystemKeyring(os.Getenv("DBUS_SESSION_BUS_ADDRESS"), fmt.Sprintf("/run/user/%d/bus", os.Getuid())),
		Terminal: term.IsTerminal(int(os.Stdout.Fd())), LogTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if !atTerminal() {
		env.Hangup = hangup
	}
	if env.Terminal {
		env.Width, _, _ = term.GetSize(int(os.Stdout.Fd())) // 0 where the terminal doesn't say
	}
	if stdin := int(os.Stdin.Fd()); term.IsTerminal(stdin) {
		env.Hidden = func(ctx context.Context) (client.Secret, error) { return hidden(ctx, stdin) }
	}
	return env
}

// Endings returns the signals that end any command in good order. SIGHUP is one of them at a terminal: there it says that
// the terminal is gone, and a server that went on would be one that nobody sees. Without a terminal it asks a server to
// read its configuration anew; see hangup. Who started the command so that it outlives the terminal (nohup) is heeded.
func Endings() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if atTerminal() && !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// atTerminal reports whether somebody at a terminal runs this process.
func atTerminal() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) || term.IsTerminal(int(os.Stderr.Fd()))
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

// hangup delivers SIGHUP to a server that no terminal holds.
// One request is kept waiting, since a second reading of the same files tells nothing new.
func hangup() (<-chan os.Signal, func()) {
	requests := make(chan os.Signal, 1)
	signal.Notify(requests, syscall.SIGHUP)
	return requests, func() { signal.Stop(requests) }
}
