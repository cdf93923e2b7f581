package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what the Go tool stamped into the program.
type build struct {
	number   string // "v1.2.3", or "(devel)"
	revision string // the commit; empty where it isn't known
	modified bool   // built from a tree with uncommitted changes
}

// buildVersion reads it. What was built without version control (go run, or from an archive) has no revision, and what
// was built from a working tree no number.
func buildVersion() build {
	b := build{number: "(devel)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.number = cmp.Or(info.Main.Version, b.number)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.revision = s.Value
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	return b
}

// String tells all of it in a line.
func (b build) String() string {
	revision := orDash(b.revision)
	if b.modified {
		revision += ", modified"
	}
	return fmt.Sprintf("jeton %s (revision %s) %s %s", b.number, revision, runtime.Version(), platform())
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// version tells of this program. Which Jeton answers at --url is for its admin listener to say.
func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show which Jeton this is",
		Example: "  jeton version",
		RunE: p.run(func(*cobra.Command, []string) error {
			b := buildVersion()
			all := map[string]any{"version": b.number, "revision": b.revision, "modified": b.modified, "go": runtime.Version(), "platform": platform()}
			return p.show(all, func() { p.say("%s", b) })
		}),
	}
}

// completion writes scripts that complete commands, flags and their fixed values in a shell. Names of users and services
// are not completed: each press of Tab would be a request with the user's credential.
func (p *program) completion(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Write the completion script of a shell: bash, zsh or fish",
		Example:   "  jeton completion bash > /etc/bash_completion.d/jeton",
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: p.run(func(_ *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.out, true)
			case "zsh":
				return root.GenZshCompletion(p.out)
			case "fish":
				return root.GenFishCompletion(p.out, true)
			}
			return &usageError{text: "SHELL is none of bash, zsh and fish"}
		}),
	}
}
