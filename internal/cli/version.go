package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/internal/app"
)

// versionLine tells all that is known of this program in a line. What was built without version control (go run, or
// from an archive) has no revision.
func versionLine() string {
	v := app.Version()
	revision := orDash(v.Revision)
	if v.Modified {
		revision += ", modified"
	}
	return fmt.Sprintf("jeton %s (revision %s) %s %s", v.Version, revision, v.Go, platform())
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// version tells of this program. Which Jeton answers at --url is for its admin listener to say.
func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show which Jeton this is",
		Example: "  jeton version",
		RunE: p.run(func(*cobra.Command, []string) error {
			v := app.Version()
			all := map[string]any{"version": v.Version, "revision": v.Revision, "modified": v.Modified, "go": v.Go, "platform": platform()}
			return p.show(all, func() { p.say("%s", versionLine()) })
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
