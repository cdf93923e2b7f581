package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/internal/cli"
	"github.com/jeton-io/jeton/internal/config"
)

// TestCommands writes the page of commands: what --help says of each, in one place.
func TestCommands(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Commands\n\n`jeton COMMAND --help` says the same.\n")
	root := cli.Commands()
	fmt.Fprintf(&b, "\n```\n%s\n```\n", root.Long)
	writeFlags(&b, "Every command takes", root.PersistentFlags(), nil)
	asking, _, err := root.Find([]string{"me"})
	if err != nil {
		t.Fatal(err)
	}
	writeFlags(&b, "and those for everyone and for administrators take", asking.PersistentFlags(), nil)
	settings := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(settings)
	for _, group := range append(root.Groups(), &cobra.Group{Title: "Beside those:"}) {
		fmt.Fprintf(&b, "\n## %s\n", strings.TrimSuffix(group.Title, ":"))
		for _, cmd := range root.Commands() {
			if cmd.GroupID == group.ID {
				writeCommand(&b, cmd, settings)
			}
		}
	}
	golden(t, "commands.md", b.String())
}

// writeCommand writes a command and all below it.
func writeCommand(b *strings.Builder, cmd *cobra.Command, settings *pflag.FlagSet) {
	if cmd.HasSubCommands() {
		for _, sub := range cmd.Commands() {
			writeCommand(b, sub, settings)
		}
		return
	}
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintf(b, "\n### %s\n\n```\n%s\n\n%s\n```\n\n```sh\n%s\n```\n",
		cmd.CommandPath(), cmd.UseLine(), text, strings.ReplaceAll(strings.TrimPrefix(cmd.Example, "  "), "\n  ", "\n"))
	writeFlags(b, "Flags:", cmd.LocalNonPersistentFlags(), settings)
}

// writeFlags writes a list of flags. Those that are settings of the server have a page of their own.
func writeFlags(b *strings.Builder, title string, flags, settings *pflag.FlagSet) {
	linked := false
	var lines strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if settings != nil && settings.Lookup(f.Name) != nil {
			linked = true
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&lines, "- `%s`: %s\n", name, usage)
	})
	if lines.Len() > 0 {
		fmt.Fprintf(b, "\n%s\n\n%s", title, lines.String())
	}
	if linked {
		b.WriteString("\nEvery [setting of the server](settings.md) is a flag of it.\n")
	}
}
