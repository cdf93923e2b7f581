package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
)

// clientSecret is the group of commands about the secrets of a service account as an OAuth client.
func (p *program) clientSecret() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "client-secret COMMAND",
		Short: "Manage the client secrets of a service account",
		Long: `Manage the client secrets of a service account, by which it proves itself at
the OAuth endpoints. Two live at most: make one, move the program to it, and
delete the other.`,
		Example: "  jeton user client-secret create robot --out robot.secret",
	}
	cmd.AddCommand(p.clientSecretCreate(), p.clientSecretList(), p.clientSecretDelete())
	return cmd
}

// clientSecretCreate makes a secret and shows it.
func (p *program) clientSecretCreate() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "create USER",
		Short: "Make a client secret, and show it this once",
		Long: `Make a client secret and print it, alone, to stdout, or write it to the file
that --out names, which only you can read. Nobody can show it again. The
program's client_id is the user's name.`,
		Example: "  jeton user client-secret create robot --out robot.secret",
	}
	cmd.Flags().StringVar(&out, "out", "", "write the secret to this `FILE`, in place of what it holds")
	cmd.RunE = p.ask(func(ctx context.Context, c *client.Client, args []string) error {
		to, err := p.outlet(out)
		if err != nil {
			return err
		}
		defer to.close()
		secret, err := c.CreateClientSecret(ctx, args[0])
		if err != nil {
			return noUser(lost(err, "the secret was made and is lost: delete it, and make another."), args[0])
		}
		err = to.deliver(secret, secret.Secret, fmt.Sprintf("The secret was made and is lost: delete %s, and make another.", secret.ID))
		if err != nil {
			return err
		}
		to.tell("the client secret "+secret.ID+" of "+args[0],
			"This secret is shown once: hand it over, and keep no copy. Its ID is "+secret.ID+".", "")
		return nil
	})
	return cmd
}

// clientSecretList tells which of two secrets is still used.
func (p *program) clientSecretList() *cobra.Command {
	return &cobra.Command{
		Use:     "list USER",
		Short:   "List the client secrets of a service account, and when they were last used",
		Example: "  jeton user client-secret list robot",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			secrets, err := collect(c.ClientSecrets(ctx, args[0]), 0)
			if err != nil {
				return noUser(err, args[0])
			}
			return p.show(secrets, func() {
				rows := make([][]string, len(secrets))
				for i, s := range secrets {
					rows[i] = []string{s.ID, moment(s.CreatedAt), orElse(moment(s.LastUsedAt), "never"), s.LastUsedIP}
				}
				p.table([]string{"ID", "CREATED", "LAST USED", "FROM"}, rows)
			})
		}),
	}
}

// clientSecretDelete deletes without asking back: see serviceDelete.
func (p *program) clientSecretDelete() *cobra.Command {
	return &cobra.Command{
		Use:     "delete USER ID",
		Short:   "Delete a client secret and the access tokens that were got with it, for good",
		Example: "  jeton user client-secret delete robot 0190a6f0-0000-7000-8000-000000000000",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DeleteClientSecret(ctx, args[0], args[1]); err != nil {
				return noClientCredential(err, "client-secret", args[0], args[1])
			}
			p.say("Deleted the client secret %s.", args[1])
			return nil
		}),
	}
}

// noClientCredential names the secret or key, by the name of its group of commands, that a user doesn't have. Jeton's answer
// is the same where there is no such user, so the text says neither; the advice finds out.
func noClientCredential(err error, group, user, id string) error {
	what := strings.ReplaceAll(group, "-", " ")
	return named(err, fmt.Sprintf("there is no %s %s of a user %q", what, id, user), "jeton user "+group+" list "+shellWord(user)+" shows all.")
}
