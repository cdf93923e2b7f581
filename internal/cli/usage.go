package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is the error of a command line that can't be followed. Nothing was done, and repeating the command would do
// nothing, either.
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

// run makes the task of a command out of a function; what fails before it is a mistake in the command line. That is how
// errors of cobra's own are told from those of a command: they have no type of their own.
func (p *program) run(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if p.output != formatText && p.output != formatJSON {
			return &usageError{text: "--output is neither text nor json"}
		}
		p.began = true
		return f(cmd, args)
	}
}

// arguments is the check of every command's arguments, which none has to repeat: what its help says is what it takes. It
// checks the number of arguments against the command's Use: "allow NAME PATTERN AUDIENCE..." takes three or
// more, "disallow NAME PATTERN [AUDIENCE...]" two or more.
func arguments(cmd *cobra.Command, args []string) error {
	want := strings.Fields(cmd.Use)[1:] // without the command's own name
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

// argumentFix tells those who may have tried to give a secret as an argument, which every command can be taken to want
// that reads one or presents one.
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

// flagName is what a flag may be called. Whatever else begins with a dash is not repeated: it may be part of a secret.
var flagName = regexp.MustCompile(`^[a-z][a-z-]{0,30}$`)

// flagError explains a flag that can't be followed. pflag's own texts repeat the value, which may be a secret: in
// "-phunter2", as some programs take a password; in "--password-stdin=hunter2".
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		// Short flags come in clusters; the first letter is the one that isn't known, and the rest may be its value.
		if unknown.GetSpecifiedShortnames() != "" {
			return &usageError{text: "there is no flag -" + name[:1], fix: fixFor(name[:1])}
		}
		if !flagName.MatchString(name) {
			return &usageError{text: "there is no such flag"}
		}
		return &usageError{text: "there is no flag --" + name, fix: orElse(fixFor(name), meant(name, "--", flagNames(cmd)))}
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		name := bad.GetFlag().Name
		if bad.GetFlag().Value.Type() == "bool" {
			return &usageError{text: "--" + name + " takes no value", fix: fixFor(name)}
		}
		if bad.GetFlag().Value.Type() == "duration" {
			return &usageError{text: "--" + name + " is no time with its unit, as 90s, 15m or 1h30m"}
		}
		return &usageError{text: fmt.Sprintf("the value of --%s is not of type %s", name, bad.GetFlag().Value.Type())}
	}
	if lacking, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return &usageError{text: "--" + lacking.GetFlag().Name + " lacks its value"}
	}
	return &usageError{text: "a flag can't be read"}
}

// fixFor returns the advice about secrets for a flag whose name speaks of one. No such flag exists; other programs have
// some, and fingers remember them.
func fixFor(flag string) string {
	for _, word := range []string{"pass", "token", "secret", "authorization", "bearer", "credential", "key"} {
		if strings.Contains(flag, word) {
			return secretFix
		}
	}
	if flag == "p" || flag == "u" {
		return secretFix
	}
	return ""
}

// exclusive refuses two flags of which only one can be followed: taking one of them would pass over what was asked.
func exclusive(cmd *cobra.Command, names ...string) error {
	set := slices.DeleteFunc(names, func(name string) bool { return !cmd.Flags().Changed(name) })
	if len(set) > 1 {
		return &usageError{text: fmt.Sprintf("--%s and --%s exclude each other", set[0], set[1])}
	}
	return nil
}
