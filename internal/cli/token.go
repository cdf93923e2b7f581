package cli

import (
	"context"

	"github.com/spf13/cobra"

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
		Example: "  jeton token rotate --out alice.token",
	}
	cmd.AddCommand(p.tokenRotate(), p.tokenShow(), p.tokenRevoke())
	return cmd
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
		Short:   "Revoke my personal token, at once",
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
