package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
)

// defaultURL is where Jeton answers unless told otherwise.
const defaultURL = "http://127.0.0.1:8080"

// The variables that say where to ask and who is asking.
const (
	varURL          = "JETON_URL"
	varToken        = "JETON_TOKEN"
	varTokenFile    = "JETON_TOKEN_FILE"
	varUsername     = "JETON_USERNAME"
	varPassword     = "JETON_PASSWORD"
	varPasswordFile = "JETON_PASSWORD_FILE"
)

// asking gives a command that asks a running Jeton, and all below it, the flags for that.
func (p *program) asking(c *cobra.Command) *cobra.Command {
	c.PersistentFlags().StringVar(&p.url, "url", "", "`URL` at which Jeton answers ("+varURL+"; "+defaultURL+" if neither is given)")
	c.PersistentFlags().StringVar(&p.tokenFile, "token-file", "", "`FILE` of the personal token to use, whatever the environment holds ("+varTokenFile+")")
	return c
}

// ask makes the task of a command out of a function that needs a client.
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

// baseURL returns where to ask.
func (p *program) baseURL() string {
	for _, given := range []string{p.url, p.vars[varURL]} {
		if given != "" {
			return given
		}
	}
	return defaultURL
}

// connect returns the client that presents a credential.
func (p *program) connect(who credential) (*client.Client, error) {
	c, err := client.New(client.Config{
		BaseURL: p.baseURL(), Token: who.token, Username: who.username, Password: who.password, UserAgent: "jeton-cli/" + buildVersion().number,
	})
	if bad, ok := errors.AsType[*client.ConfigError](err); ok {
		what := map[string]string{"BaseURL": "the URL of Jeton (--url or " + varURL + ")", "Username": "the user name", "Token": "the token from " + p.source}
		return nil, &usageError{text: what[bad.Field] + " " + bad.Problem}
	}
	return c, err
}

// credential is the one that a command presents: a token, or a name and a password.
type credential struct {
	token    client.Secret
	username string
	password client.Secret
}

// credential finds the credential to present, and keeps in mind where. A flag goes before the environment; in the
// environment, two credentials are refused: nobody could tell which of the two was meant.
func (p *program) credential(ctx context.Context) (who credential, err error) {
	if p.tokenFile != "" {
		p.source = "--token-file"
		who.token, err = p.tokenFrom(p.tokenFile)
		return who, err
	}
	tokens, passwords := p.set(varToken, varTokenFile), p.set(varPassword, varPasswordFile)
	if all := append(tokens, passwords...); len(all) > 1 {
		return who, &usageError{text: all[0] + " and " + all[1] + " are both set", fix: "Unset one: a request has one credential."}
	}
	switch {
	case len(tokens) > 0:
		p.source = tokens[0]
		who.token = client.Secret(strings.TrimSpace(p.vars[varToken]))
		if tokens[0] == varTokenFile {
			who.token, err = p.tokenFrom(p.vars[varTokenFile])
		}
		return who, err
	case p.env.Hidden == nil && (len(passwords) == 0 || p.vars[varUsername] == ""):
		return who, p.noCredential(passwords)
	}
	return p.basic(ctx, passwords)
}

// basic finds a user name and a password; what the environment lacks is asked of the terminal.
func (p *program) basic(ctx context.Context, passwords []string) (who credential, err error) {
	name, from := varUsername, "the terminal"
	if who.username = p.vars[varUsername]; who.username == "" {
		name = "the terminal"
		if who.username, err = p.askLine(ctx, "User name: "); err != nil {
			return who, err
		}
	}
	switch {
	case len(passwords) == 0:
		who.password, err = p.askHidden(ctx, "Password of "+who.username+": ")
	case passwords[0] == varPassword:
		from, who.password = varPassword, client.Secret(p.vars[varPassword])
	default:
		from = varPasswordFile
		who.password, err = p.secretFrom(p.vars[varPasswordFile])
	}
	if p.source = name + " and " + from; name == from {
		p.source = from
	}
	if err == nil && (who.username == "" || who.password == "") {
		err = &usageError{text: "the user name or the password is empty"}
	}
	return who, err
}

func (p *program) noCredential(passwords []string) error {
	text := "no credential is given"
	switch {
	case len(passwords) > 0:
		text = passwords[0] + " is set, but " + varUsername + " is not"
	case p.vars[varUsername] != "":
		text = varUsername + " is set, but neither " + varPassword + " nor " + varPasswordFile
	}
	return &usageError{text: text, fix: "Set " + varUsername + " and " + varPassword + ", or " + varToken + " or " + varTokenFile + "."}
}

// set returns those of the variables that are set and not empty.
func (p *program) set(names ...string) (found []string) {
	for _, name := range names {
		if p.vars[name] != "" {
			found = append(found, name)
		}
	}
	return found
}

// tokenFrom reads a token from a file. Space around it is no part of a token.
func (p *program) tokenFrom(path string) (client.Secret, error) {
	text, err := p.secretFrom(path)
	return client.Secret(strings.TrimSpace(text.Reveal())), err
}

// secretFrom reads a secret from a file.
func (p *program) secretFrom(path string) (client.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	defer func() { _ = f.Close() }()
	return readSecret(f, path)
}
