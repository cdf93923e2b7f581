package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// keys is the group of commands about the keys with which Jeton signs tokens. None shows a key itself: its private half
// stays wrapped in the database.
func (p *program) keys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys COMMAND",
		Short: "List, rotate and revoke the keys with which Jeton signs tokens",
		Example: "  jeton keys list\n" +
			"  jeton keys rotate access_token",
	}
	cmd.AddCommand(p.keysList(), p.keysRotate(), p.keysRevoke())
	return cmd
}

// keysList prints every key that there ever was, since when it is what it is now.
func (p *program) keysList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List signing keys, newest first",
		Long: `List signing keys, newest first. Of each purpose one is active and signs; those
retired verify what they have signed; what those revoked have signed is refused.`,
		Example: "  jeton keys list\n  jeton keys list --output json",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			keys, err := collect(c.Keys(ctx), 0)
			if err != nil {
				return err
			}
			return p.show(keys, func() {
				rows := make([][]string, len(keys))
				for i, k := range keys {
					rows[i] = []string{k.ID, k.Purpose, k.Algorithm, k.State, moment(keyStateSince(k))}
				}
				p.table([]string{"ID", "PURPOSE", "ALGORITHM", "STATE", "SINCE"}, rows)
			})
		}),
	}
}

// keyStateSince returns when a key got the state that it has.
func keyStateSince(k api.SigningKey) time.Time {
	switch {
	case !k.RevokedAt.IsZero():
		return k.RevokedAt
	case !k.RetiredAt.IsZero():
		return k.RetiredAt
	default:
		return k.CreatedAt
	}
}

// keysRotate harms nobody, and so doesn't ask back. Repeated after an answer that was lost, it costs a key and no token.
func (p *program) keysRotate() *cobra.Command {
	r := api.KeyRotation{}
	cmd := &cobra.Command{
		Use:   "rotate PURPOSE",
		Short: "Make a new signing key in place of another, whose tokens live on",
		Long: `Make a new signing key for a purpose: api_token, access_token or identity.
The former one retires: it signs no more, and what it has signed lives on.

Without --algorithm the new key has that of the former one. At its next start a
server rotates again to the algorithm of its settings, if that is another.`,
		Example:   "  jeton keys rotate access_token\n  jeton keys rotate api_token --algorithm PS256",
		ValidArgs: []string{"api_token", "access_token", "identity"},
	}
	cmd.Flags().StringVar(&r.Algorithm, "algorithm", "", "RS256, PS256, ES256 or EdDSA")
	p.complete(cmd, "algorithm", "RS256", "PS256", "ES256", "EdDSA")
	cmd.RunE = p.ask(func(ctx context.Context, c *client.Client, args []string) error {
		r.Purpose = args[0]
		key, err := c.RotateKey(ctx, r)
		if errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.Canceled) {
			return &fault{err, "", "jeton keys list shows whether there is a new key."}
		}
		if err != nil {
			return err
		}
		return p.show(key, func() {
			p.say("Made the key %s for %s, with %s. What a former one has signed lives on.", key.ID, key.Purpose, key.Algorithm)
		})
	})
	return cmd
}

// keysRevoke revokes without asking back: see serviceDelete. An ID of 22 characters isn't typed by mistake. There is a way
// that harms nobody, and the help names it.
func (p *program) keysRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a signing key and every token that it has signed, for good",
		Long: `Revoke a signing key: every token that it has signed is refused at once, for
good. It is for a key that somebody may have copied. A new one takes the place
of an active one.

To have another key sign and no token die, rotate.`,
		Example: "  jeton keys revoke 4kR2mZ0cVb7QxT9aLw3NpE",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.RevokeKey(ctx, args[0]); err != nil {
				return named(err, fmt.Sprintf("there is no signing key %q that isn't revoked", args[0]), "jeton keys list shows all.")
			}
			p.say("Revoked the key %s. Every token that it has signed is refused; API tokens among them are shown as \"key revoked\" by api-token list.", args[0])
			return nil
		}),
	}
}
