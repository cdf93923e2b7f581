// Package cli is the program jeton as people type it: it runs the server, and it asks a running one.
//
// Results go to stdout, as text or as the API's own JSON; advice, questions and errors go to stderr. The exit code is 0
// when all went well, 1 when the command failed or a call may not pass, 2 when the command was not understood.
//
// Secrets come from files, the environment, stdin, or a terminal that doesn't show them. The package refuses them as
// arguments, which every user of the machine can read, says what to do instead, and never repeats one: neither in an
// error nor in a log. The one command that prints a secret is the one that makes it, and prints it alone.
package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jeton-io/jeton/client"
)

// The exit codes. A shell script can tell "it said no, or could not" from "I called it wrongly", which no repeating mends.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Env is what a run knows of the world. Every field is required but where it says so.
type Env struct {
	Args           []string // without the program's own name
	Environ        []string // as os.Environ returns it
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Command is how the user calls the program, for advice: "jeton", "bin/jeton".
	Command string
	// Now is the clock.
	Now func() time.Time
	// Hidden reads a line typed at the terminal without showing it, or gives up when the context ends. It is nil where
	// stdin is not a terminal: then nothing is asked.
	Hidden func(ctx context.Context) (client.Secret, error)
	// PID is the process's, by which it knows whether a supervisor of services means it; 0 where that isn't known.
	PID int
	// Terminal says that stdout is a terminal, LogTerminal that stderr is one.
	Terminal, LogTerminal bool
	// Width is how many columns the terminal of stdout has; 0 where there is none, or it isn't known.
	Width int
	// Keyring is the system's; nil where there is none.
	Keyring Keyring
	// Hangup begins to deliver the requests to read the configuration anew, until stop; nil where there are none.
	Hangup func() (requests <-chan os.Signal, stop func())
}

// Run runs one command and returns its exit code. When ctx ends, so does the command: a server drains, a question at the
// terminal is given up, a request is abandoned.
func Run(ctx context.Context, env Env) int {
	p := &program{env: env, stdin: bufio.NewReader(env.Stdin), out: bufio.NewWriter(env.Stdout), vars: map[string]string{}}
	for _, pair := range env.Environ {
		name, value, _ := strings.Cut(pair, "=")
		p.vars[name] = value
	}
	root := p.root()
	// Cobra is given the whole world anew, and falls back on the process in nothing.
	root.SetArgs(append([]string{}, env.Args...)) // nil would mean those of the process
	root.SetIn(p.stdin)
	root.SetOut(p.out)
	root.SetErr(env.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	// What was printed counts only when it has been written: a command whose output is lost has failed.
	if flushErr := p.out.Flush(); err == nil && flushErr != nil {
		err = outputError(flushErr)
	}
	return p.exit(cmd, err)
}

// program is one run: what it was given, and what it has found out so far. Commands are its methods.
type program struct {
	env   Env
	vars  map[string]string // the environment, by name
	stdin *bufio.Reader
	out   *bufio.Writer // stdout; an error stays with it until the end

	output    string // --output: text or json
	url       string // --url
	tokenFile string // --token-file
	source    string // where the credential used was found
	byToken   bool   // it is a token
	began     bool   // the command line was understood
}
