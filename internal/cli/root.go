package cli

import (
	"bufio"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// The groups of commands in the help, by who uses them.
const (
	groupServer = "server"
	groupOwn    = "own"
	groupClient = "client"
	groupSealer = "sealer"
	groupAdmin  = "admin"
)

// Commands returns the whole tree of commands, for the documentation that is written from it.
func Commands() *cobra.Command {
	return (&program{out: bufio.NewWriter(io.Discard)}).root()
}

// root returns the whole tree of commands. Each command is made by a method of its own, named after it, in the file of the
// resource that it is about; flags are variables of that method.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "jeton COMMAND",
		Short: "Jeton is the token desk of an API",
		Long: `Jeton is the token desk of an API: it issues, verifies, lists, rotates and
revokes the credentials with which programs call it.

Commands for everyone and for administrators ask a running Jeton, at --url or
JETON_URL, with one credential:

  JETON_USERNAME and JETON_PASSWORD (or JETON_PASSWORD_FILE)
  JETON_TOKEN, JETON_TOKEN_FILE or --token-file: a personal token

Without either, a terminal is asked for user name and password.
Secrets are never arguments.`,
		Example:       "  jeton serve\n  jeton user create alice --role partner\n  jeton token rotate --out alice.token",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true // it has one for a shell that Jeton isn't tested with
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
		&cobra.Group{ID: groupClient, Title: "For programs that hold an API token:"},
		&cobra.Group{ID: groupSealer, Title: "For programs that seal tokens:"},
		&cobra.Group{ID: groupAdmin, Title: "For administrators:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupServer, p.demo(), p.serve(), p.config(), p.health(), p.recover(), p.backup(), p.restore(), p.move())
	add(groupOwn, p.asking(p.me()), p.asking(p.password()), p.asking(p.token()), p.asking(p.session()))
	add(groupClient, p.client())
	add(groupSealer, p.sealCommand(), p.unsealCommand())
	add(groupAdmin, p.asking(p.user()), p.asking(p.apiToken()), p.asking(p.platform()), p.asking(p.project()), p.asking(p.tokenSet()), p.asking(p.service()), p.asking(p.keys()), p.asking(p.verify()), p.asking(p.events()))
	root.AddCommand(p.version(), p.completion(root))
	return p.finish(root)
}

// finish gives a command and all below it what they have in common: the check of arguments, and no names of files where the
// shell completes an argument. A command that only holds others gets the task of saying so.
func (p *program) finish(c *cobra.Command) *cobra.Command {
	for _, sub := range c.Commands() {
		p.finish(sub)
	}
	c.DisableFlagsInUseLine = true // the flags are listed below it
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
