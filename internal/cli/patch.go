package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
)

// optional returns the member of a merge patch (RFC 7396) that a flag stands for: absent where the flag wasn't given, so
// that the member stays as it is; null where it is empty, which empties what may be empty and is refused for the rest.
func optional(cmd *cobra.Command, flag, value string) api.Optional[string] {
	if !cmd.Flags().Changed(flag) {
		return api.Optional[string]{}
	}
	return api.Optional[string]{Set: true, Null: value == "", Value: value}
}

// anyChanged reports whether one of the flags was given.
func anyChanged(cmd *cobra.Command, flags ...string) bool {
	return slices.ContainsFunc(flags, cmd.Flags().Changed)
}

// complete offers the values of a flag to the shell. They are only offered: which are good is for Jeton to say.
func (p *program) complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag isn't there: a mistake in this package, which any test finds
	}
}
