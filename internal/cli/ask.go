package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
)

// defaultURL is where Jeton answers unless told otherwise: where "jeton serve" without settings listens.
const defaultURL = "http://127.0.0.1:8080"

// asking gives a command that asks a running Jeton, and all below it, the flags for that. Commands that run a server
// don't get them: there, --url would look like a setting and have no effect.
func (p *program) asking(c *cobra.Command) *cobra.Command {
	c.PersistentFlags().StringVar(&p.url, "url", "", "`URL` at which Jeton answers ("+varURL+"; "+defaultURL+" if neither is given)")
	c.PersistentFlags().StringVar(&p.tokenFile, "token-file", "", "`FILE` of the personal token to use, whatever the environment holds ("+varTokenFile+")")
	return c
}

// ask makes the task of a command out of a function that needs a client. The credential is found first: a command that
// goes on to ask for a new password should not do so in vain.
func (p *program) ask(f func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return p.run(func(cmd *cobra.Command, args []string) error {
		who, err := p.credential(cmd.Context())
		if err != nil {
			return err
		}
		c, err := p.connect(who)
		if err != nil {
			return err
		}
		return f(cmd.Context(), c, args)
	})
}

// baseURL returns where to ask, as it was given: what is wrong with it, the client says. A flag goes before the
// environment, as everywhere.
func (p *program) baseURL() string {
	for _, given := range []string{p.url, p.vars[varURL]} {
		if given != "" {
			return given
		}
	}
	return defaultURL
}

// connect returns the client that presents a credential. What the client refuses of it (plain http to another machine,
// say) is a mistake in how the command was called, and is told in the words of the command line. Nothing was sent then.
func (p *program) connect(who credential) (*client.Client, error) {
	c, err := client.New(client.Config{
		BaseURL: p.baseURL(), Token: who.token, Username: who.username, Password: who.password,
		UserAgent: "jeton-cli/" + app.Version().Version,
	})
	if bad, ok := errors.AsType[*client.ConfigError](err); ok {
		what := map[string]string{
			"BaseURL": "the URL of Jeton (--url or " + varURL + ")", "Username": "the user name", "Token": "the token from " + p.source,
		}
		return nil, &usageError{text: what[bad.Field] + " " + bad.Problem}
	}
	return c, err
}
