package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// token is the group of commands about the caller's own personal token. None takes another user's name: the API has no
// way to make, read or revoke another's.
func (p *program) token() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token COMMAND",
		Short: "Make, show or revoke my own personal token",
		Long: `Make, show or revoke my own personal token.

A user has at most one, and nobody else can make or read it.`,
		Example: "  jeton token rotate > alice.token",
	}
	cmd.AddCommand(p.tokenRotate(), p.tokenShow(), p.tokenRevoke())
	return cmd
}

// tokenRotate prints the one secret that this program ever shows. It stands alone on stdout, so that it can be sent to a
// file or a variable; all advice goes to stderr. Who may read that file is for the shell's umask to say, as the example
// in the help does: by the time that this program runs, the shell has made it.
func (p *program) tokenRotate() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Make a new personal token; the former one dies",
		Long: `Make a new personal token and print it, alone, to stdout. The former one is
dead at once. Nobody can show the new one again.`,
		Example: "  (umask 077; jeton token rotate > alice.token)",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			token, err := c.RotatePersonalToken(ctx)
			// Repeating is safe, and the only way to a token that is known: each rotation ends whatever was there.
			switch {
			case errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.Canceled):
				return &fault{err, "", "If the request had arrived, the former token is dead, and the new one is lost: rotate again."}
			case err != nil:
				return err
			}
			if err := p.printToken(token); err != nil {
				return &fault{outputError(err), "", "The new token is lost and the former one is dead: rotate again."}
			}
			p.hint("This token is shown once: keep it in a safe place. A former token no longer works.")
			if p.env.Terminal { // it now stands in the terminal's scrollback, too
				p.hint("To keep it in a file that only you can read: (umask 077; %s token rotate > my.token)", p.env.Command)
			}
			return nil
		}),
	}
}

// printToken prints a token alone, with nothing between it and who reads it. What was printed is known to have been
// written: a token that nobody saw would be lost.
func (p *program) printToken(token api.IssuedPersonalToken) error {
	err := p.show(token, func() { _, _ = p.out.WriteString(token.Token + "\n") }) // Flush tells of the error
	return errors.Join(err, p.out.Flush())
}

// tokenShow tells whether somebody else uses the token: when it was last used, and from where.
func (p *program) tokenShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show when my personal token was made and last used",
		Long:    "Show when my personal token was made and last used. The token itself is not\nkept, and can't be shown.",
		Example: "  jeton token show",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			token, err := c.PersonalToken(ctx)
			if err != nil {
				return noToken(err)
			}
			return p.show(token, func() {
				used := moment(token.LastUsedAt)
				if used == "" {
					used = "never"
				}
				p.fields("created", moment(token.CreatedAt), "last used", used, "from", token.LastUsedIP)
			})
		}),
	}
}

// tokenRevoke ends the token without making another: for a token that has leaked, or is no longer needed.
func (p *program) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke",
		Short:   "End my personal token, at once",
		Example: "  jeton token revoke",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			if err := c.RevokePersonalToken(ctx); err != nil {
				return noToken(err)
			}
			p.say("Revoked the personal token.")
			return nil
		}),
	}
}

// noToken says that it is the token that isn't found.
func noToken(err error) error {
	return named(err, "you have no personal token", "jeton token rotate makes one.")
}
