package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// me asks what any credential may ask, even one that has no power over Jeton: it is the first thing to try where another
// command is refused.
func (p *program) me() *cobra.Command {
	return &cobra.Command{
		Use:     "me",
		Short:   "Show who I am to Jeton, and by which credential",
		Example: "  jeton me\n  jeton me --token-file alice.token",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			me, err := c.Me(ctx)
			if err != nil {
				return err
			}
			return p.show(me, func() {
				p.fields(append(userFields(me.User), "credential", me.Credential.Kind, "credential ID", me.Credential.ID)...)
			})
		}),
	}
}

// userFields returns what there is to show of a user, as pairs of a name and a value. Whether a password is set is all
// that anyone can learn of it.
func userFields(u api.User) []string {
	password := "none"
	if u.HasPassword {
		password = "set"
	}
	factor := "none"
	if u.SecondFactor {
		factor = "set"
	}
	fields := []string{
		"user name", u.Username, "ID", u.ID, "kind", u.Kind, "state", u.State, "roles", strings.Join(u.Roles, ", "),
		"e-mail", u.Email, "display name", u.DisplayName, "password", password, "second factor", factor, "created", moment(u.CreatedAt), "changed", moment(u.UpdatedAt),
	}
	if e := u.External; e != nil {
		fields = append(fields, "external profile", e.Profile, "external ID", e.ID, "external reference", e.Ref, "external data", e.Data,
			"external flags", strconv.FormatInt(e.Flags, 10))
	}
	return fields
}

// password changes the caller's own password. The current one is always sent along, also where a token is presented: a
// token that was stolen must not be enough to lock its owner out. So it is the one command that needs a password and a
// token at once, and only a terminal can give it both.
func (p *program) password() *cobra.Command {
	var replacement newPassword
	cmd := &cobra.Command{
		Use:   "password",
		Short: "Change my own password",
		Long: `Change my own password. The personal token goes on working; browsers are logged
out, and session tokens end, unless Jeton keeps those (--keep-session-tokens).

The current password is the one that the command presents. With a token, a
terminal is asked for it.`,
		Example: "  jeton password\n  jeton password --password-stdin < new-password.txt",
	}
	replacement.flags(cmd)
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		who, err := p.credential(cmd.Context())
		if err != nil {
			return err
		}
		current := who.password
		switch {
		case current == "" && p.env.Hidden == nil:
			return &usageError{text: "the current password is not given", fix: "Set " + varUsername + " and " + varPassword + " instead of a token."}
		case current == "":
			if current, err = p.askHidden(cmd.Context(), "Current password: "); err != nil {
				return err
			}
		}
		text, err := replacement.read(cmd.Context(), p, "")
		if err != nil {
			return err
		}
		c, err := p.connect(who)
		if err != nil {
			return err
		}
		if err := c.ChangePassword(cmd.Context(), current, text); err != nil {
			return err
		}
		p.say("Changed the password.")
		return nil
	})
	return cmd
}
