package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// userChange is what the flags of update ask for. The zero value asks for nothing.
type userChange struct {
	username, email, displayName string
	set, add, remove             []string // roles
}

// userUpdate sends a merge patch of exactly those members whose flags were given (RFC 7396). State and password are not
// among them: blocking and resetting are acts of their own, and have commands of their own.
func (p *program) userUpdate() *cobra.Command {
	var change userChange
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Change a user's name, e-mail or roles",
		Long:    "Change a user. What no flag names stays as it is; an empty value empties.",
		Example: "  jeton user update alice --email alice@example.com --add-role partner\n  jeton user update alice --set-roles ''",
	}
	f := cmd.Flags()
	f.StringVar(&change.username, "username", "", "new user name")
	f.StringVar(&change.email, "email", "", "e-mail address")
	f.StringVar(&change.displayName, "display-name", "", "name for people to read")
	f.StringSliceVar(&change.set, "set-roles", nil, "exactly these roles, separated by commas")
	f.StringSliceVar(&change.add, "add-role", nil, "role to add; may be given several times")
	f.StringSliceVar(&change.remove, "remove-role", nil, "role to take away; may be given several times")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		patch := api.UserPatch{
			Username:    optional(cmd, "username", change.username),
			Email:       optional(cmd, "email", change.email),
			DisplayName: optional(cmd, "display-name", change.displayName),
		}
		if cmd.Flags().Changed("set-roles") {
			patch.Roles = api.Some(append([]string{}, change.set...)) // not null where there are none: an empty list
		}
		if patch.Roles.Set && len(change.add)+len(change.remove) > 0 {
			return &usageError{text: "--set-roles excludes --add-role and --remove-role"}
		}
		if !anyChanged(cmd, "username", "email", "display-name", "set-roles", "add-role", "remove-role") {
			return &usageError{text: "there is nothing to change"}
		}
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			u, err := change.apply(ctx, c, args[0], patch)
			if err != nil {
				return noUser(err, args[0])
			}
			return p.show(u, func() { p.fields(userFields(u)...) })
		})(cmd, args)
	})
	return cmd
}

// attempts is how often a change is tried that depends on what is there, where another one comes between. People don't
// collide that often; where two scripts do, the error says so and either can be run again.
const attempts = 5

// apply sends the patch. Roles that are added to, or taken from, those that are there depend on them: such a change is
// made for the version that was read, and made anew where that is no longer the newest.
func (u *userChange) apply(ctx context.Context, c *client.Client, name string, patch api.UserPatch) (api.User, error) {
	if len(u.add)+len(u.remove) == 0 {
		return c.UpdateUser(ctx, name, client.AnyVersion, patch)
	}
	for i := 1; ; i++ {
		was, version, err := c.User(ctx, name)
		if err != nil {
			return api.User{}, err
		}
		// Whoever adds and takes away the same role is without it in the end.
		roles := slices.DeleteFunc(slices.Concat(was.Roles, u.add), func(role string) bool { return slices.Contains(u.remove, role) })
		patch.Roles = api.Some(roles)
		changed, err := c.UpdateUser(ctx, name, version, patch)
		if !errors.Is(err, client.ErrStale) || i == attempts {
			return changed, err
		}
	}
}

// userState returns the command of the given name that gives a user a state. Both are the same request: doing it twice is
// doing it once.
func (p *program) userState(name, short, state string) *cobra.Command {
	return &cobra.Command{
		Use:     name + " NAME",
		Short:   short,
		Long:    short + ". It takes effect at once.",
		Example: "  jeton user " + name + " alice",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			u, err := c.UpdateUser(ctx, args[0], client.AnyVersion, api.UserPatch{State: api.Some(state)})
			if err != nil {
				return noUser(err, args[0])
			}
			return p.show(u, func() { p.say("The user %s is %s.", u.Username, u.State) })
		}),
	}
}

// userResetPassword is the administrator's way where a password is lost. The new one is known to the administrator, and
// the user's personal token and browser sessions end with the old one: if somebody had broken in, they are out.
func (p *program) userResetPassword() *cobra.Command {
	var password newPassword
	cmd := &cobra.Command{
		Use:   "reset-password NAME",
		Short: "Set another user's password",
		Long: `Set another user's password, as an administrator. It ends the user's personal
token and browser sessions. For your own, jeton password leaves the token.`,
		Example: "  jeton user reset-password alice\n  jeton user reset-password alice --password-stdin < alice.password",
	}
	password.flags(cmd)
	cmd.RunE = p.ask(func(ctx context.Context, c *client.Client, args []string) error {
		text, err := password.read(ctx, p, args[0])
		if err != nil {
			return err
		}
		u, err := c.UpdateUser(ctx, args[0], client.AnyVersion, api.UserPatch{Password: api.Some(text.Reveal())})
		if err != nil {
			return noUser(err, args[0])
		}
		return p.show(u, func() {
			p.say("Set the password of %s. Their personal token, if any, no longer works, and their sessions have ended.", u.Username)
		})
	})
	return cmd
}

// userInvite makes a link by which its user chooses a password. The administrator never knows it.
func (p *program) userInvite() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "invite NAME",
		Short: "Make a link by which a person chooses a password",
		Long: `Make a link by which a person chooses a password, and print it, alone, to
stdout, or write it to the file that --out names, which only you can read. It is
good once, for seven days; a former one is good no more. Where the server can
send mail and the user has an e-mail, it is mailed, too. Of a user who has a
password already, the sessions and the personal token end once another is
chosen.`,
		Example: "  jeton user invite alice\n  jeton user invite alice --out alice.link",
	}
	cmd.Flags().StringVar(&out, "out", "", "write the link to this `FILE`, in place of what it holds")
	cmd.RunE = p.ask(func(ctx context.Context, c *client.Client, args []string) error {
		to, err := p.outlet(out)
		if err != nil {
			return err
		}
		defer to.close()
		made, err := c.InviteUser(ctx, args[0])
		if err != nil {
			return noUser(lost(err, "the link was made and is lost: make another."), args[0])
		}
		if err := to.deliver(made, made.URL, "The link was made and is lost: make another."); err != nil {
			return err
		}
		how := "Hand it over in a safe way: whoever has it can take the account over."
		if made.Mailed {
			how = "It is on its way by e-mail, too."
		}
		to.tell("the invitation of "+args[0], "This link is shown once, and good until "+moment(made.ExpiresAt)+". "+how, "")
		return nil
	})
	return cmd
}
