package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// platform is the group of commands about the platforms that log their own users in.
func (p *program) platform() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "platform COMMAND",
		Short: "Manage the platforms that log their own users in",
		Long: `Manage platforms: trusted programs that log their own users in by a signed
assertion (a JWT), in place of a password.

A platform is named by its code, of 8 characters, or its ID.`,
		Example: "  jeton platform create Partner --public-key partner.pub.pem --speaks-for role:partner\n" +
			"  jeton platform explain K7PX2MQA --assertion-file assertion.jwt\n" +
			"  jeton platform disable K7PX2MQA",
	}
	cmd.AddCommand(p.platformCreate(), p.platformList(), p.platformShow(), p.platformUpdate(),
		p.platformState("disable", "Refuse a platform's assertions, and end the sessions that it has got", false),
		p.platformState("enable", "Take the assertions of a disabled platform again", true),
		p.platformDelete(), p.platformKey(), p.platformAssert(), p.platformExplain())
	return cmd
}

// platformList prints every platform.
func (p *program) platformList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List platforms, by name",
		Example: "  jeton platform list",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			platforms, err := collect(c.Platforms(ctx), 0)
			if err != nil {
				return err
			}
			return p.show(platforms, func() {
				rows := make([][]string, len(platforms))
				for i, pl := range platforms {
					rows[i] = []string{pl.Code, platformState(pl), pl.Algorithm, strings.Join(pl.SpeaksFor, " "), orElse(moment(pl.LastUsedAt), "never"), pl.Name}
				}
				p.table([]string{"CODE", "STATE", "ALGORITHM", "SPEAKS FOR", "LAST USED", "NAME"}, rows)
			})
		}),
	}
}

// platformShow prints one platform with its keys.
func (p *program) platformShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show CODE",
		Short:   "Show a platform and its keys",
		Example: "  jeton platform show K7PX2MQA",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			pl, _, err := c.Platform(ctx, args[0])
			if err != nil {
				return noPlatform(err, args[0])
			}
			return p.show(pl, func() { p.fields(platformFields(pl)...) })
		}),
	}
}

// platformState returns the command of the given name that disables or enables a platform.
func (p *program) platformState(name, short string, enabled bool) *cobra.Command {
	return &cobra.Command{
		Use:     name + " CODE",
		Short:   short,
		Long:    short + ".\nIt takes effect at once.",
		Example: "  jeton platform " + name + " K7PX2MQA",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			pl, err := c.UpdatePlatform(ctx, args[0], client.AnyVersion, api.PlatformPatch{Enabled: api.Some(enabled)})
			if err != nil {
				return noPlatform(err, args[0])
			}
			return p.show(pl, func() { p.say("The platform %s is %s.", pl.Name, platformState(pl)) })
		}),
	}
}

// platformDelete deletes without asking back: see serviceDelete.
func (p *program) platformDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete CODE",
		Short: "Delete a platform, its keys and the sessions that it has got, for good",
		Long: `End a platform, its keys and the sessions that it has got, for good. Its users
stay. To stop it for a while, disable it.`,
		Example: "  jeton platform delete K7PX2MQA",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DeletePlatform(ctx, args[0]); err != nil {
				return noPlatform(err, args[0])
			}
			p.say("Deleted the platform %s.", args[0])
			return nil
		}),
	}
}

// platformFields returns what there is to show of a platform.
func platformFields(pl api.Platform) []string {
	unknown, administrators := "refused", "never"
	if pl.CreateUsers {
		unknown = strings.TrimSpace("created, with the roles " + orElse(strings.Join(pl.NewUserRoles, " "), "none"))
	}
	if pl.Administrators {
		administrators = "if they are among these"
	}
	use := "until it ends; once, if it has a jti"
	if pl.OneTime {
		use = "once"
	}
	fields := []string{
		"name", pl.Name, "code", pl.Code, "ID", pl.ID, "state", platformState(pl), "algorithm", pl.Algorithm,
		"issuer", orElse(pl.Issuer, "its code or ID"), "audience", orElse(pl.Audience, "Jeton's URLs"),
		"speaks for", orElse(strings.Join(pl.SpeaksFor, " "), "nobody"), "administrators", administrators, "unknown users", unknown,
		"assertion ends", "within " + (time.Duration(pl.MaxAssertionSeconds) * time.Second).String(), "assertion counts", use,
		"last used", orElse(moment(pl.LastUsedAt), "never"), "from", pl.LastUsedIP, "created", moment(pl.CreatedAt), "changed", moment(pl.UpdatedAt),
	}
	for _, k := range pl.Keys {
		fields = append(fields, "key", k.ID+", "+keyKind(k))
	}
	return fields
}

func platformState(pl api.Platform) string {
	if pl.Enabled {
		return "enabled"
	}
	return "disabled"
}

// noPlatform names the platform that isn't found.
func noPlatform(err error, code string) error {
	return named(err, fmt.Sprintf("there is no platform %q", code), "jeton platform list shows all, by code.")
}
