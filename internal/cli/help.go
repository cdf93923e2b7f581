package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// group is the task of a command that only holds others. Without more, it shows what it holds, as a mistake and on stderr:
// a script that calls it has left something out. What was given instead of a command is
// repeated only where it looks like one.
func (p *program) group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		cmd.SetOut(p.env.Stderr)
		_ = cmd.Help() // nobody can be told that stderr can't be written to
		return errShown
	}
	return &usageError{
		text: strings.TrimSpace(nameOf(cmd) + " has no such command " + quoted(args[0])),
		fix:  orElse(meant(args[0], "", commandNames(cmd)), "It has "+strings.Join(commandNames(cmd), ", ")+"."),
	}
}

// help is the command that shows the help of another. Cobra's own takes an unknown command for a success.
func (p *program) help() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND...]",
		Short:   "Show the help of a command",
		Example: "  jeton help user create",
		RunE: p.run(func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return &usageError{text: "there is no such command"}
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		}),
	}
}
