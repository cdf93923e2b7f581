package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

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
			"  jeton client token --scope reports.read --resource https://api.example.com/reports --output json",
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
		t, err := p.accessToken(cmd.Context(), ask)
		if err != nil {
			return err
		}
		return p.deliver(t, out)
	})
	return p.at(cmd, "the one that there is an API token for")
}

// deliver prints an access token, or writes it to a file.
func (p *program) deliver(t *oauth2.Token, out string) error {
	all := map[string]any{"expires_at": t.Expiry.UTC()}
	if scope, ok := t.Extra("scope").(string); ok && scope != "" {
		all["scope"] = scope
	}
	if out == "" {
		all["access_token"] = t.AccessToken
		return p.reveal(all, t.AccessToken)
	}
	file, err := newTokenFile(out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer file.abandon()
	if err := file.write(t.AccessToken); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return p.show(all, func() {}) // a job that runs each minute has nothing to say
}
