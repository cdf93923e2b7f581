package cli

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/internal/demo"
)

// leastEvery is the shortest time between two calls of an integrator: the demo shows Jeton, and measures nothing.
const leastEvery = time.Millisecond

// demo runs everything at once, for whoever has a minute. It asks for nothing and leaves nothing.
func (p *program) demo() *cobra.Command {
	cfg := demo.Config{Command: p.env.Command, Now: p.env.Now}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: Jeton, a sample API behind its proxy, and four programs that call it",
		Long: `Start a Jeton, a sample API behind its proxy, and four programs that call that
API, each in another style: by a personal token and by a password, by an API
token that is exchanged for access tokens, by session tokens, and by sealed
tokens in the query. Each call is shown as it is answered, with what the API saw
of it, or why it was refused; and so are lines for curl to paste, and where the
console is.

It listens on ports of this machine that are free, beside whatever runs already,
and takes no setting of "jeton serve". Its data, its log and its secrets, which
are made for this run alone, are in a temporary folder that is removed at the
end. Ctrl-C ends it, and so do --calls and --for. The exit code is 1 where a
call was answered otherwise than it should be.`,
		Example: "  jeton demo\n  jeton demo --for 30s --every 200ms\n  jeton demo --calls 10 --every 10ms --quiet",
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Calls, "calls", 0, "end when each of the four has made so many calls; 0 for any number")
	f.DurationVar(&cfg.For, "for", 0, "end after this time; 0 for any time")
	f.DurationVar(&cfg.Every, "every", time.Second, "how long each of the four waits between two calls")
	f.BoolVarP(&cfg.Quiet, "quiet", "q", false, "show no calls, but what to paste and the sums")
	f.BoolVar(&cfg.Keep, "keep", false, "leave the folder at the end, with Jeton's data and log")
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		switch {
		case p.output != formatText:
			return &usageError{text: nameOf(cmd) + " has no output but text"}
		case cfg.Calls < 0:
			return &usageError{text: "--calls is less than 0"}
		case cfg.For < 0:
			return &usageError{text: "--for is less than 0"}
		case cfg.Every < leastEvery:
			return &usageError{text: "--every is less than " + leastEvery.String()}
		}
		cfg.Out = p.env.Stdout // each line as it comes
		cfg.Colour = p.env.Terminal && p.vars["NO_COLOR"] == "" && p.vars["TERM"] != "dumb"
		// Go has a program die of a stdout that nobody reads any longer, as behind "head". Being told of it, it ends in order.
		broken := make(chan os.Signal, 1)
		signal.Notify(broken, syscall.SIGPIPE)
		defer signal.Stop(broken)
		return demo.Run(cmd.Context(), cfg)
	})
	return cmd
}
