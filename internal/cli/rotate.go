package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
)

// tokenRotate makes a token in place of another, and shows it.
func (p *program) tokenRotate() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make a new personal token; the former one dies",
		Long: `Make a new personal token and print it, alone, to stdout, or write it to the
file that --out names, which only you can read. The former token is dead at
once. Nobody can show the new one again.`,
		Example: "  jeton token rotate --out alice.token",
	}
	cmd.Flags().StringVar(&out, "out", "", "write the token to this `FILE`, in place of what it holds")
	cmd.RunE = p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
		to, err := p.outlet(out)
		if err != nil {
			return err
		}
		defer to.close()
		token, err := c.RotatePersonalToken(ctx)
		if err != nil {
			// Repeating is safe, and the only way to a token that is known: each rotation ends whatever was there.
			return lost(err, "the former token is dead, and the new one is lost: rotate again.")
		}
		err = to.deliver(token, token.Token, "The new token is lost and the former one is dead: rotate again.")
		if err != nil {
			return err
		}
		to.tell("the new token", "This token is shown once: keep it in a safe place.", "A former one no longer works.")
		return nil
	})
	return cmd
}
