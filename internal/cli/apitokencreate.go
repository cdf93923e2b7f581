package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// tokenLimits are the flags by which a token is narrowed.
type tokenLimits struct {
	scopes, from []string
	rate         string
}

// flags defines the flags that create and update share.
func (l *tokenLimits) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&l.scopes, "scope", nil, "scope of operations to which the token is narrowed; may be given several times; jeton.admin is power over Jeton itself")
	f.StringSliceVar(&l.from, "allow-ip", nil, "address or network from which the token counts, as 192.0.2.0/24; may be given several times")
	f.StringVar(&l.rate, "rate-limit", "", rateUsage)
}

// apiTokenCreate makes a token and shows it. An end is asked for: who doesn't think of one would make a
// token that outlives everybody who knew what it was for.
func (p *program) apiTokenCreate() *cobra.Command {
	var draft api.NewAPIToken
	var limits tokenLimits
	var expires, out string
	var disabled bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an API token, and show it this once",
		Long: `Make an API token and print it, alone, to stdout, or write it to the file that
--out names, which only you can read. Nobody can show it again.

It stands for the user that --user names. Limits narrow what the user may do,
and never allow more.`,
		Example: "  jeton api-token create nightly-export --user robot --expires-in 30d --out export.token\n" +
			"  jeton api-token create reader --user alice --expires-in 90d --scope reports.read --allow-ip 192.0.2.0/24 --rate-limit 600/1m",
	}
	f := cmd.Flags()
	f.StringVar(&draft.User, "user", "", "user whom the token stands for, by name or ID")
	f.StringVar(&expires, "expires-in", "", "`DAYS` until it ends; 30d is recommended")
	f.BoolVar(&draft.NeverExpires, "never-expires", false, "make a token that doesn't end")
	limits.flags(cmd)
	f.BoolVar(&disabled, "disabled", false, "make it disabled")
	f.StringVar(&out, "out", "", "write the token to this `FILE`, in place of what it holds")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) (err error) {
		draft.Name = args[0]
		if draft.ExpiresInDays, err = days("expires-in", expires); err != nil {
			return err
		}
		if err := exclusive(cmd, "expires-in", "never-expires"); err != nil {
			return err
		}
		switch {
		case draft.User == "":
			return lacks(cmd, "user")
		case draft.ExpiresInDays == 0 && !draft.NeverExpires:
			return &usageError{text: nameOf(cmd) + " lacks --expires-in or --never-expires", fix: "--expires-in 30d is recommended."}
		}
		if err := limits.narrow(cmd, &draft); err != nil {
			return err
		}
		if disabled {
			draft.Enabled = api.Some(false)
		}
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			return p.issueAPIToken(ctx, c, draft, out)
		})(cmd, args)
	})
	return cmd
}

// narrow writes the limits into the draft of a token.
func (l *tokenLimits) narrow(cmd *cobra.Command, draft *api.NewAPIToken) (err error) {
	if err := l.check(cmd); err != nil {
		return err
	}
	draft.Scopes, draft.AllowedIPs = l.scopes, l.from
	draft.RateLimit, err = rateOf(l.rate)
	return err
}

// check refuses a flag whose value is empty, as that of a script's empty variable: to pass over it would make a token without
// that limit.
func (l *tokenLimits) check(cmd *cobra.Command) error {
	for flag, empty := range map[string]bool{"scope": len(l.scopes) == 0, "allow-ip": len(l.from) == 0, "rate-limit": l.rate == ""} {
		if empty && cmd.Flags().Changed(flag) {
			return &usageError{text: "--" + flag + " is empty", fix: "A token without that limit has no such flag."}
		}
	}
	return nil
}

// issueAPIToken makes the token and delivers it.
func (p *program) issueAPIToken(ctx context.Context, c *client.Client, draft api.NewAPIToken, out string) error {
	to, err := p.outlet(out)
	if err != nil {
		return err
	}
	defer to.close()
	token, err := c.CreateAPIToken(ctx, draft)
	if err != nil {
		return lost(err, fmt.Sprintf("the token was made and its text is lost: delete %q, and make it again.", draft.Name))
	}
	err = to.deliver(token, token.Token, fmt.Sprintf("The token was made and its text is lost: delete %q, and make it again.", draft.Name))
	if err != nil {
		return err
	}
	to.tell("the API token "+token.Name+" of "+token.User, "This token is shown once: hand it over, and keep no copy.", "")
	return nil
}

// apiTokenUpdate sends a merge patch of exactly those members whose flags were given (RFC 7396). Limits are replaced as they
// are shown. To lift one takes a flag of its own: see check.
func (p *program) apiTokenUpdate() *cobra.Command {
	var name string
	var limits tokenLimits
	var lift limitsLifted
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change the name or the limits of an API token",
		Long: `Change the name or the limits of an API token. What no flag names stays as it
is; --scope and --allow-ip replace all that there are. User and end can't be
changed, nor power over Jeton be added: make another token for that.`,
		Example: "  jeton api-token update nightly-export --scope reports.read --allow-ip 192.0.2.7\n  jeton api-token update nightly-export --no-rate-limit",
	}
	limits.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "new name")
	f.BoolVar(&lift.scopes, "all-scopes", false, "narrow the token to no scopes: all that its user may, but no power over Jeton")
	f.BoolVar(&lift.from, "any-ip", false, "let the token count from anywhere")
	f.BoolVar(&lift.rate, "no-rate-limit", false, "let the token be used at any rate")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if !anyChanged(cmd, "name", "scope", "all-scopes", "allow-ip", "any-ip", "rate-limit", "no-rate-limit") {
			return &usageError{text: "there is nothing to change"}
		}
		patch, err := limits.patch(cmd, lift)
		if err != nil {
			return err
		}
		patch.Name = optional(cmd, "name", name)
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := changeAPIToken(ctx, c, args[0], patch)
			if err != nil {
				return err
			}
			return p.show(t, func() { p.fields(apiTokenFields(t)...) })
		})(cmd, args)
	})
	return cmd
}

// limitsLifted are the limits that are to go.
type limitsLifted struct{ scopes, from, rate bool }

// patch returns the change of limits that the flags ask for.
func (l *tokenLimits) patch(cmd *cobra.Command, lift limitsLifted) (patch api.APITokenPatch, err error) {
	rate, err := rateOf(l.rate)
	err = errors.Join(err, l.check(cmd), exclusive(cmd, "scope", "all-scopes"), exclusive(cmd, "allow-ip", "any-ip"), exclusive(cmd, "rate-limit", "no-rate-limit"))
	if err != nil {
		return patch, err
	}
	if len(l.scopes) > 0 || lift.scopes {
		patch.Scopes = api.Optional[[]string]{Set: true, Null: lift.scopes, Value: l.scopes}
	}
	if len(l.from) > 0 || lift.from {
		patch.AllowedIPs = api.Optional[[]string]{Set: true, Null: lift.from, Value: l.from}
	}
	patch.RateLimit = ratePatch(rate, lift.rate)
	return patch, nil
}
