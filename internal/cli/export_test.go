package cli

import (
	"bufio"
	"io"

	"github.com/spf13/cobra"
)

// For tests: what stands behind Process and Run.
var (
	Hidden   = hidden
	CalledAs = calledAs
	Hangup   = hangup
)

// Root returns the whole tree of commands.
func Root() *cobra.Command {
	return (&program{out: bufio.NewWriter(io.Discard)}).root()
}
