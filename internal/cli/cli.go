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

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
)

// The exit codes.
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
	// Terminal says that stdout is a terminal.
	Terminal bool
	// Hangup begins to deliver the requests to read the configuration anew, until stop; nil where there are none.
	Hangup func() (requests <-chan os.Signal, stop func())
}

// Run runs one command and returns its exit code. When ctx ends, so does the command.
func Run(ctx context.Context, env Env) int {
	p := &program{env: env, stdin: bufio.NewReader(env.Stdin), out: bufio.NewWriter(env.Stdout), vars: map[string]string{}}
	for _, pair := range env.Environ {
		name, value, _ := strings.Cut(pair, "=")
		p.vars[name] = value
	}
	root := p.root()
	root.SetArgs(append([]string{}, env.Args...)) // nil would mean those of the process
	root.SetIn(p.stdin)
	root.SetOut(p.out)
	root.SetErr(env.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if flushErr := p.out.Flush(); err == nil && flushErr != nil {
		err = outputError(flushErr)
	}
	return p.exit(cmd, err)
}

// program is one run.
type program struct {
	env   Env
	vars  map[string]string // the environment, by name
	stdin *bufio.Reader
	out   *bufio.Writer // stdout; an error stays with it until the end

	output    string // --output: text or json
	url       string // --url
	tokenFile string // --token-file
	source    string // where the credential used was found
	began     bool   // the command line was understood
}

// The groups of commands in the help.
const (
	groupServer = "server"
	groupOwn    = "own"
	groupAdmin  = "admin"
)

// root returns the whole tree of commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "jeton COMMAND",
		Short: "Jeton is the token desk of an API",
		Long: `Jeton is the token desk of an API: it issues, verifies, lists, rotates and
revokes the credentials with which programs call it.

Commands other than "serve" and "config" ask a running Jeton, at --url or
JETON_URL, with one credential:

  JETON_USERNAME and JETON_PASSWORD (or JETON_PASSWORD_FILE)
  JETON_TOKEN, JETON_TOKEN_FILE or --token-file: a personal token

Without either, a terminal is asked for user name and password.
Secrets are never arguments.`,
		Example:       "  jeton serve\n  jeton user create alice --role partner\n  jeton token rotate > alice.token",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVarP(&p.output, "output", "o", formatText, "`FORM` of the output: text or json")
	root.SetUsageTemplate(strings.NewReplacer( // what only holds other commands needs one line to say so
		"{{if .HasAvailableSubCommands}}\n  {{.CommandPath}} [command]{{end}}", "",
		"[command]", "COMMAND",
	).Replace(root.UsageTemplate()))
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(p.help())
	root.AddGroup(
		&cobra.Group{ID: groupServer, Title: "To run Jeton:"},
		&cobra.Group{ID: groupOwn, Title: "For everyone:"},
		&cobra.Group{ID: groupAdmin, Title: "For administrators:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupServer, p.serve(), p.config())
	add(groupOwn, p.asking(p.me()), p.asking(p.password()), p.asking(p.token()))
	add(groupAdmin, p.asking(p.user()), p.asking(p.service()), p.asking(p.verify()), p.asking(p.events()))
	root.AddCommand(p.version(), p.completion(root))
	return p.finish(root)
}

// finish gives a command and all below it what they have in common. A command that only holds others gets the task of
// saying so.
func (p *program) finish(c *cobra.Command) *cobra.Command {
	for _, sub := range c.Commands() {
		p.finish(sub)
	}
	c.DisableFlagsInUseLine = true
	if c.Args == nil {
		c.Args = arguments
	}
	if c.ValidArgsFunction == nil && len(c.ValidArgs) == 0 {
		c.ValidArgsFunction = cobra.NoFileCompletions
	}
	if c.HasSubCommands() {
		c.Args, c.RunE = cobra.ArbitraryArgs, p.group
	}
	return c
}
