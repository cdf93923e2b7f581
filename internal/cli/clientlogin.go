package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"github.com/jeton-io/jeton/client"
)

// clientLogin keeps an API token. It is exchanged once before: what is kept is then known to work, and a token that was
// cut in copying, or is somebody else's, costs nothing.
func (p *program) clientLogin() *cobra.Command {
	var file string
	var noKeyring bool
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Keep an API token on this machine, encrypted",
		Long: `Keep an API token on this machine, in place of a former one. It is read from
standard input, or asked for at a terminal, and exchanged once to see that it
works.

It is kept in ~/.config/jeton (or below XDG_CONFIG_HOME), encrypted with a key
that is kept in the system's keyring, or where there is none, in a file beside
it that only you can read.`,
		Example: "  jeton client login --url https://tokens.example.com < api.token\n  jeton client login --token-file api.token --no-keyring",
	}
	cmd.Flags().StringVar(&file, "token-file", "", "read the API token from this `FILE`")
	cmd.Flags().BoolVar(&noKeyring, "no-keyring", false, "keep the key in a file even where there is a keyring: programs without a session, as cron's, can't reach one")
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		s, err := p.safe()
		if err != nil {
			return err
		}
		token, err := p.readAPIToken(cmd.Context(), file)
		if err != nil {
			return err
		}
		server := canonical(p.baseURL())
		if _, err := p.accessToken(cmd.Context(), client.TokenSourceConfig{BaseURL: server, APIToken: token}); err != nil {
			return err
		}
		kept, err := s.put(cmd.Context(), server, token, noKeyring)
		if err != nil {
			return p.whyNot(err, s, server)
		}
		return p.loggedIn(server, token, kept)
	})
	return p.at(cmd, defaultURL)
}

// loggedIn says what was kept where.
func (p *program) loggedIn(server string, token client.Secret, at kept) error {
	c := readClaims(token)
	all := map[string]any{"url": server, "file": at.file, "key": string(at.place)}
	if !c.expires.IsZero() {
		all["expires_at"] = c.expires
	}
	return p.show(all, func() {
		p.say("The API token works at %s. It is kept in %s, encrypted.", server, at.file)
		switch {
		case at.place == inKeyring:
			p.say("Its key is in the system's keyring.")
		case at.why != nil:
			p.say("Its key is in a file beside it, %s, as the keyring could not be used: %s.", at.keyFile, reason(at.why))
		default:
			p.say("Its key is in a file beside it, %s.", at.keyFile)
		}
		if at.place == inFile {
			p.say("Who can read both files has the token: let no backup and no repository take both.")
		}
		if life := c.life(p.env.Now()); life != "" {
			p.say("It expires: %s.", life)
		}
	})
}

// readAPIToken reads the API token that is to be kept.
func (p *program) readAPIToken(ctx context.Context, file string) (token client.Secret, err error) {
	switch {
	case file != "":
		token, err = p.secretFrom(file, "--token-file")
	case p.env.Hidden != nil:
		token, err = p.askHidden(ctx, "API token: ")
	default:
		token, err = p.secretFromStdin(ctx)
	}
	if err != nil {
		return "", err
	}
	token = client.Secret(strings.TrimSpace(token.Reveal()))
	if strings.Count(token.Reveal(), ".") != 2 {
		return "", &usageError{
			text: "what was given is no API token: that has three parts with dots between them, and begins with eyJ",
			fix:  "A personal token (jtp…) calls an API as it is, and needs no login.",
		}
	}
	if tokenType(token) == "at+jwt" {
		return "", &usageError{
			text: "what was given is an access token: it ends within minutes, and can't be exchanged",
			fix:  "Give the API token for which it was got.",
		}
	}
	return token, nil
}

// accessToken exchanges an API token.
func (p *program) accessToken(ctx context.Context, cfg client.TokenSourceConfig) (*oauth2.Token, error) {
	source, err := p.tokenSource(cfg)
	if err != nil {
		return nil, err
	}
	p.url = cfg.BaseURL // advice names the place that was asked
	t, err := source.TokenContext(ctx)
	return t, p.refusal(err, cfg.BaseURL, cfg.APIToken)
}
