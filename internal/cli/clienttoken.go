package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
)

// clientToken prints an access token alone, for a shell to put into a header, or writes it into a file for a program that
// reads one. It keeps none: a token that a file held would be one more secret, and near its end when it is read.
func (p *program) clientToken() *cobra.Command {
	var ask client.TokenSourceConfig
	var out string
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Get an access token for the API token that is kept",
		Long: `Get a fresh access token for the API token that is kept, and print it, alone,
to stdout, or write it to the file that --out names, which only you can read.
It is valid for some minutes; --output json says until when.`,
		Example: "  jeton client token --out access.token\n" +
			"  jeton client token --scope reports.read --resource https://api.example.com --output json",
	}
	f := cmd.Flags()
	f.StringSliceVar(&ask.Scopes, "scope", nil, "scope to narrow the token to; may be given several times")
	f.StringVar(&ask.Resource, "resource", "", "`URL` of the one service that the token is for")
	f.StringVar(&out, "out", "", "write the token to this `FILE`, in place of what it holds")
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		s, err := p.safe()
		if err != nil {
			return err
		}
		if ask.BaseURL, err = p.server(s); err != nil {
			return err
		}
		if ask.APIToken, _, err = p.open(cmd.Context(), s, ask.BaseURL); err != nil {
			return err
		}
		return p.clientTokenTo(cmd.Context(), ask, out)
	})
	return p.at(cmd, "the one that there is an API token for")
}

// clientTokenTo gets an access token and prints it, or writes it to a file.
func (p *program) clientTokenTo(ctx context.Context, ask client.TokenSourceConfig, out string) error {
	to, err := p.outlet(out)
	if err != nil {
		return err
	}
	defer to.close()
	t, err := p.accessToken(ctx, ask)
	if err != nil {
		return err
	}
	// In whole seconds, as Jeton counts them: the fractions are those of this machine's clock, from which it is reckoned.
	all := map[string]any{"expires_at": t.Expiry.UTC().Truncate(time.Second)}
	if scope, ok := t.Extra("scope").(string); ok && scope != "" {
		all["scope"] = scope
	}
	if out == "" {
		all["access_token"] = t.AccessToken
	}
	if err := to.deliver(all, t.AccessToken, ""); err != nil || out == "" {
		return err
	}
	return p.show(all, func() {}) // a job that runs each minute has nothing to say
}
