package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is the error of a command line that can't be followed. Nothing was done.
type usageError struct {
	text string // one sentence without its stop; it repeats no argument
	fix  string // what to do instead, where it isn't plain
}

// Error implements error.
func (e *usageError) Error() string { return e.text }

// nameOf returns how a command is called in an error, which begins with the program's name already.
func nameOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// lacks is the error of a command without a flag that it needs.
func lacks(cmd *cobra.Command, flag string) error {
	return &usageError{text: nameOf(cmd) + " lacks --" + flag}
}

// secretFix is what to do with a secret that was about to be an argument.
const secretFix = "A secret is never an argument, which other users of this machine and the shell's history could read: " +
	"give it on standard input, in a file or in the environment."

// run makes the task of a command out of a function; what fails before it is a mistake in the command line.
func (p *program) run(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if p.output != formatText && p.output != formatJSON {
			return &usageError{text: "--output is neither text nor json"}
		}
		p.began = true
		return f(cmd, args)
	}
}

// arguments checks the number of arguments against the command's Use: "allow NAME PATTERN AUDIENCE..." takes three or
// more, "disallow NAME PATTERN [AUDIENCE...]" two or more.
func arguments(cmd *cobra.Command, args []string) error {
	want := strings.Fields(cmd.Use)[1:]
	least, open := len(want), false
	for _, w := range want {
		open = open || strings.HasSuffix(strings.TrimSuffix(w, "]"), "...")
		if strings.HasPrefix(w, "[") {
			least--
		}
	}
	switch {
	case len(args) < least:
		return &usageError{text: fmt.Sprintf("%s lacks %s", nameOf(cmd), strings.Join(want[len(args):], " "))}
	case len(args) > len(want) && !open && len(want) == 0:
		return &usageError{text: nameOf(cmd) + " takes no arguments", fix: argumentFix(cmd)}
	case len(args) > len(want) && !open:
		return &usageError{text: fmt.Sprintf("%s takes nothing after %s", nameOf(cmd), want[len(want)-1]), fix: argumentFix(cmd)}
	}
	return nil
}

// argumentFix tells those who may have tried to give a secret as an argument.
func argumentFix(cmd *cobra.Command) string {
	secrets := false
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		secrets = secrets || strings.HasSuffix(f.Name, "-stdin") || f.Name == "token-file"
	})
	if secrets {
		return secretFix
	}
	return ""
}

// flagError explains a flag that can't be followed. pflag's own texts repeat the value, which may be a secret.
func flagError(_ *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return &usageError{text: "there is no flag -" + name[:1], fix: fixFor(name[:1])}
		}
		return &usageError{text: "there is no flag --" + name, fix: fixFor(name)}
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		name := bad.GetFlag().Name
		if bad.GetFlag().Value.Type() == "bool" {
			return &usageError{text: "--" + name + " takes no value", fix: fixFor(name)}
		}
		return &usageError{text: fmt.Sprintf("the value of --%s is not of type %s", name, bad.GetFlag().Value.Type())}
	}
	if lacking, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return &usageError{text: "--" + lacking.GetFlag().Name + " lacks its value"}
	}
	return &usageError{text: "a flag can't be read"}
}

// fixFor returns the advice about secrets for a flag whose name speaks of one.
func fixFor(flag string) string {
	for _, word := range []string{"pass", "token", "secret", "authorization", "bearer", "credential"} {
		if strings.Contains(flag, word) {
			return secretFix
		}
	}
	if flag == "p" || flag == "u" { // as other programs have them
		return secretFix
	}
	return ""
}

// exclusive refuses two flags of which only one can be followed.
func exclusive(cmd *cobra.Command, names ...string) error {
	set := slices.DeleteFunc(names, func(name string) bool { return !cmd.Flags().Changed(name) })
	if len(set) > 1 {
		return &usageError{text: fmt.Sprintf("--%s and --%s exclude each other", set[0], set[1])}
	}
	return nil
}

// group is the task of a command that only holds others.
func (p *program) group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		cmd.SetOut(p.env.Stderr)
		_ = cmd.Help() // nobody can be told that stderr can't be written to
		return errShown
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return &usageError{text: nameOf(cmd) + " has no such command", fix: "It has " + strings.Join(names, ", ") + "."}
}

// help is the command that shows the help of another.
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
