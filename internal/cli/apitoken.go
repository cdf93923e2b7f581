package cli

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// apiToken is the group of commands by which administrators make signed API tokens and watch over them.
func (p *program) apiToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "api-token COMMAND",
		Short: "Manage the API tokens of programs",
		Long: `Manage API tokens: signed, named by what they are for, and shown once. A
program exchanges its token for short access tokens, and calls the API with
those as the user whom the token stands for.

A token is named by its name or its ID.`,
		Example: "  jeton api-token create nightly-export --user robot --expires-in 30d --out export.token\n" +
			"  jeton api-token list --expiring 14d\n" +
			"  jeton api-token disable nightly-export",
	}
	cmd.AddCommand(p.apiTokenCreate(), p.apiTokenList(), p.apiTokenShow(), p.apiTokenUpdate(),
		p.apiTokenState("disable", "Refuse an API token and its access tokens, until it is enabled", false),
		p.apiTokenState("enable", "Honour a disabled API token again", true),
		p.apiTokenDelete())
	return cmd
}

// apiTokenList prints every token, or those that end soon: an administrator renews them before a program stops.
func (p *program) apiTokenList() *cobra.Command {
	var filter client.APITokenFilter
	var expiring string
	var disabled bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List API tokens, by name",
		Long:    "List API tokens, by name. With --expiring, those that end within so many days or\nhave ended, by their end.",
		Example: "  jeton api-token list\n  jeton api-token list --expiring 14d\n  jeton api-token list --find nightly",
	}
	f := cmd.Flags()
	f.StringVar(&filter.User, "user", "", "only those of this user, by name or ID")
	f.StringVar(&expiring, "expiring", "", "only those that end within so many `DAYS`, as 14d, or have ended")
	f.BoolVar(&disabled, "disabled", false, "only disabled ones")
	f.StringVar(&filter.Find, "find", "", "only those whose names begin with this `TEXT`")
	f.StringVar(&filter.Sort, "sort", "", "by this `COLUMN`: name, created or expires; -name and the like\nthe other way round")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) (err error) {
		if filter.ExpiringInDays, err = days("expiring", expiring); err != nil {
			return err
		}
		if disabled {
			filter.Enabled = new(false)
		}
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			tokens, err := collect(c.APITokens(ctx, filter), 0)
			if err != nil {
				return err
			}
			return p.show(tokens, func() {
				rows := make([][]string, len(tokens))
				for i, t := range tokens {
					rows[i] = []string{t.Name, orElse(t.User, t.UserID), tokenState(t), orElse(moment(t.ExpiresAt), "never"), orElse(moment(t.LastUsedAt), "never")}
				}
				p.table([]string{"NAME", "USER", "STATE", "EXPIRES", "LAST USED"}, rows)
			})
		})(cmd, args)
	})
	return cmd
}

// apiTokenShow prints what is known of one token, which doesn't include its text.
func (p *program) apiTokenShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show an API token, by name or ID: its limits, and when it was last used",
		Long:    "Show an API token, by name or ID: its limits, and when and from where it was\nlast used. The token itself is not kept, and can't be shown.",
		Example: "  jeton api-token show nightly-export",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := findAPIToken(ctx, c, args[0])
			if err != nil {
				return err
			}
			return p.show(t, func() { p.fields(apiTokenFields(t)...) })
		}),
	}
}

// apiTokenState returns the command of the given name that disables or enables a token.
func (p *program) apiTokenState(name, short string, enabled bool) *cobra.Command {
	return &cobra.Command{
		Use:     name + " NAME",
		Short:   short,
		Long:    short + ".\nIt takes effect at once.",
		Example: "  jeton api-token " + name + " nightly-export",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := changeAPIToken(ctx, c, args[0], api.APITokenPatch{Enabled: api.Some(enabled)})
			if err != nil {
				return err
			}
			return p.show(t, func() { p.say("The API token %s is %s.", t.Name, tokenState(t)) })
		}),
	}
}

// apiTokenDelete deletes without asking back: see serviceDelete.
func (p *program) apiTokenDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete an API token and its access tokens, for good",
		Long: `End an API token and its access tokens, for good. To stop it for a while,
disable it.`,
		Example: "  jeton api-token delete nightly-export",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := findAPIToken(ctx, c, args[0])
			if err == nil {
				err = noAPIToken(c.DeleteAPIToken(ctx, t.ID), args[0])
			}
			if err != nil {
				return err
			}
			p.say("Deleted the API token %s.", t.Name)
			return nil
		}),
	}
}

// findAPIToken returns the token of an ID or a name. The API names tokens by ID alone; a name is looked for in the listing,
// as it is written first, then in another case. None has the form of an ID.
func findAPIToken(ctx context.Context, c *client.Client, idOrName string) (api.APIToken, error) {
	if uuid.Validate(idOrName) == nil {
		t, _, err := c.APIToken(ctx, idOrName)
		return t, noAPIToken(err, idOrName)
	}
	var found *api.APIToken
	for t, err := range c.APITokens(ctx, client.APITokenFilter{}) {
		if err != nil {
			return t, err
		}
		if t.Name == idOrName {
			return t, nil
		}
		if strings.EqualFold(t.Name, idOrName) {
			found = &t
		}
	}
	if found == nil {
		return api.APIToken{}, noAPIToken(client.ErrNotFound, idOrName)
	}
	return *found, nil
}

// changeAPIToken changes the token of an ID or a name, whatever its version.
func changeAPIToken(ctx context.Context, c *client.Client, idOrName string, patch api.APITokenPatch) (api.APIToken, error) {
	t, err := findAPIToken(ctx, c, idOrName)
	if err != nil {
		return t, err
	}
	t, err = c.UpdateAPIToken(ctx, t.ID, client.AnyVersion, patch)
	return t, noAPIToken(err, idOrName)
}

// apiTokenFields returns what there is to show of an API token.
func apiTokenFields(t api.APIToken) []string {
	scopes := "all, but no power over Jeton"
	if t.Scopes != nil {
		scopes = orElse(strings.Join(t.Scopes, " "), "none: it can call nothing")
	}
	return []string{
		"name", t.Name, "ID", t.ID, "user", orElse(t.User, t.UserID), "state", tokenState(t), "expires", orElse(moment(t.ExpiresAt), "never"),
		"scopes", scopes, "allowed from", orElse(strings.Join(t.AllowedIPs, " "), "anywhere"), "rate limit", rateText(t.RateLimit),
		"last used", orElse(moment(t.LastUsedAt), "never"), "from", t.LastUsedIP, "created", moment(t.CreatedAt), "key ID", t.KeyID,
	}
}

func tokenState(t api.APIToken) string {
	switch {
	case t.KeyRevoked: // whatever else is said of it
		return "key revoked"
	case t.Enabled:
		return "enabled"
	default:
		return "disabled"
	}
}

// noAPIToken names the token that isn't found.
func noAPIToken(err error, name string) error {
	return named(err, fmt.Sprintf("there is no API token %q", name), "jeton api-token list shows all.")
}

// bareNumber is a number of days as it is often typed.
var bareNumber = regexp.MustCompile(`^[0-9]{1,5}$`)

// days reads the value of a flag that is a number of days, as 30d; 0 where there is none.
func days(flag, value string) (int, error) {
	if value == "" {
		return 0, nil
	}
	if bareNumber.MatchString(value) { // short, and no secret: what else was given instead may be one, and isn't repeated
		return 0, &usageError{text: fmt.Sprintf("--%s: %q is not understood: give days with a d, as 30d", flag, value)}
	}
	n, err := strconv.Atoi(strings.TrimSuffix(value, "d"))
	if err != nil || n < 1 || !strings.HasSuffix(value, "d") {
		return 0, &usageError{text: "--" + flag + " is no number of days, as 30d"}
	}
	return n, nil
}
