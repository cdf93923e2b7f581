package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// tokenSetEncrypt is XDOC's String Encryptor, at Jeton.
func (p *program) tokenSetEncrypt() *cobra.Command {
	var t plaintext
	var parameter, only string
	cmd := &cobra.Command{
		Use:   "encrypt NUMBER SET",
		Short: "Have Jeton seal a plaintext by a token set, as its application would",
		Long: `Have Jeton seal a plaintext by a token set, and print the three steps of it. The
token counts as if it came from the application. For the plaintext, see "jeton
seal", which does the same with a key of one's own, and asks nobody.`,
		Example: "  jeton token-set encrypt 1000 current --context MySecurityContext --app-key-file app.key\n" +
			"  jeton token-set encrypt 1000 current --parameter XUT --user john --only url",
	}
	t.flags(p, cmd)
	p.parameterFlag(cmd, &parameter)
	p.onlyFlag(cmd, &only)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(t.check(cmd), checkParameter(parameter), checkOnly(only)); err != nil {
			return err
		}
		return p.askSet(func(ctx context.Context, c *client.Client, number int, id string) error {
			text, err := t.read(ctx, cmd, p, parameter)
			if err != nil {
				return err
			}
			sealed, err := c.Seal(ctx, number, id, api.SealRequest{Plaintext: text, Parameter: parameter})
			if err != nil {
				return err
			}
			return p.showToken(sealed, only)
		})(cmd, args)
	})
	return cmd
}

// tokenSetDecrypt is XDOC's String Decryptor, at Jeton.
func (p *program) tokenSetDecrypt() *cobra.Command {
	var in, parameter, only string
	cmd := &cobra.Command{
		Use:   "decrypt NUMBER SET",
		Short: "Have Jeton open a token by a token set, and say what is wrong with it",
		Long: `Have Jeton open a token by a token set, and print what it says, and what is
wrong with that. It is not used up. The token is read from --in or standard
input, as it stands in a URL, or before it was URL encoded.`,
		Example: "  jeton token-set decrypt 1000 current --in token.txt\n  jeton token-set decrypt 1000 current --parameter XUT < token.txt",
	}
	cmd.Flags().StringVar(&in, "in", "-", "`FILE` of the token; - for standard input")
	p.parameterFlag(cmd, &parameter)
	p.onlyFlag(cmd, &only)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(checkParameter(parameter), checkOnly(only)); err != nil {
			return err
		}
		return p.askSet(func(ctx context.Context, c *client.Client, number int, id string) error {
			token, err := p.sealedFrom(ctx, in, "--in", "Token")
			if err != nil {
				return err
			}
			text, err := c.Unseal(ctx, number, id, api.UnsealRequest{Token: token.Reveal(), Parameter: parameter})
			if err != nil {
				return err
			}
			return p.showToken(text, only)
		})(cmd, args)
	})
	return cmd
}
