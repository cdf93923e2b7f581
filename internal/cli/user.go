package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// user is the group of commands by which administrators manage users.
func (p *program) user() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "user COMMAND",
		Short:   "Manage users: people and service accounts",
		Example: "  jeton user list",
	}
	cmd.AddCommand(p.userCreate(), p.userList(), p.userShow(), p.userUpdate(), p.userDelete(), p.userResetPassword(), p.userRemoveSecondFactor(), p.userInvite(), p.clientSecret(), p.clientKey(),
		p.userState("block", "Block a user: no credential of theirs is honoured", "blocked"),
		p.userState("unblock", "Honour a blocked or suspended user's credentials again", "active"))
	return cmd
}

// userCreate makes a user. One without a password can't do anything until an administrator sets one, which is the safe
// thing to make of a script that forgot to give it; at a terminal there is somebody to ask.
func (p *program) userCreate() *cobra.Command {
	var draft api.NewUser
	var password newPassword
	var hash bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a user",
		Long: `Make a user.

A terminal is asked for the user's password, unless the kind is service; an
empty one means none. Without a terminal and a flag, the user has none.`,
		Example: "  jeton user create alice --email alice@example.com --role partner\n" +
			"  jeton user create robot --kind service\n" +
			"  jeton user create bob --password-stdin < bob.password",
	}
	f := cmd.Flags()
	f.StringVar(&draft.Email, "email", "", "e-mail address")
	f.StringVar(&draft.DisplayName, "display-name", "", "name for people to read")
	f.StringVar(&draft.Kind, "kind", "", "person or service (person if not given)")
	f.StringSliceVar(&draft.Roles, "role", nil, "role; may be given several times; admin administers Jeton")
	password.flags(cmd)
	f.BoolVar(&hash, "password-hash-stdin", false, "read a password hash made elsewhere (Argon2id, bcrypt or PBKDF2) from standard input")
	p.complete(cmd, "kind", "person", "service")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := exclusive(cmd, "password-stdin", "password-file", "password-hash-stdin"); err != nil {
			return err
		}
		return p.ask(func(ctx context.Context, c *client.Client, args []string) (err error) {
			draft.Username = args[0]
			var text client.Secret
			// A service account has no password unless one is given: programs use tokens.
			switch {
			case hash:
				text, err = p.secretFromStdin(ctx)
				draft.PasswordHash = text.Reveal()
			case password.given() || p.env.Hidden != nil && draft.Kind != "service":
				text, err = password.read(ctx, p, draft.Username)
				draft.Password = text.Reveal()
			}
			if err != nil {
				return err
			}
			u, err := c.CreateUser(ctx, draft)
			if err != nil {
				return err
			}
			return p.show(u, func() { p.created(u) })
		})(cmd, args)
	})
	return cmd
}

// created tells of a new user, under the name that Jeton gave it, and what it still lacks.
func (p *program) created(u api.User) {
	p.say("Created the user %s, ID %s.", u.Username, u.ID)
	if !u.HasPassword {
		p.say("It has no password: %s user reset-password %s sets one.", p.env.Command, u.Username)
	}
}

// userList prints every user, or nothing: see serviceList.
func (p *program) userList() *cobra.Command {
	var filter client.UserFilter
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List users, by name",
		Long:    "List users, by name. jeton user show has the rest of one, --output json of all.",
		Example: "  jeton user list\n  jeton user list --output json\n  jeton user list --find ann",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			users, err := collect(c.FindUsers(ctx, filter), 0)
			if err != nil {
				return err
			}
			return p.show(users, func() {
				rows := make([][]string, len(users))
				for i, u := range users {
					rows[i] = []string{u.Username, u.Kind, u.State, strings.Join(u.Roles, ","), u.Email}
				}
				p.table([]string{"NAME", "KIND", "STATE", "ROLES", "E-MAIL"}, rows)
			})
		}),
	}
	cmd.Flags().StringVar(&filter.Find, "find", "", "only those whose names or e-mails begin with this `TEXT`")
	cmd.Flags().StringVar(&filter.Sort, "sort", "", "by this `COLUMN`: name or created; -name and the like the other\nway round")
	return cmd
}

// userShow prints one user. An ID finds it under whatever name it has today.
func (p *program) userShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a user, by name or ID",
		Example: "  jeton user show alice",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			u, _, err := c.User(ctx, args[0])
			if err != nil {
				return noUser(err, args[0])
			}
			return p.show(u, func() { p.fields(userFields(u)...) })
		}),
	}
}

// userDelete deletes without asking back: see serviceDelete. Unlike there, there is a way that can be taken back, and the
// help names it.
func (p *program) userDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a user and all its credentials, for good",
		Long: `Delete a user and all its credentials, for good. One made later under the same
name inherits nothing. To stop a user for a while, block it.`,
		Example: "  jeton user delete alice",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DeleteUser(ctx, args[0]); err != nil {
				return noUser(err, args[0])
			}
			p.say("Deleted the user %s and all its credentials.", args[0])
			return nil
		}),
	}
}

// userRemoveSecondFactor asks nothing back, as deletion doesn't: see serviceDelete. The user sets another up in the console.
func (p *program) userRemoveSecondFactor() *cobra.Command {
	return &cobra.Command{
		Use:   "remove-second-factor NAME",
		Short: "Take away a user's second factor: authenticator app, passkeys and recovery codes",
		Long: `Take away a user's second factor, for whoever has lost the device and the
recovery codes: authenticator app, passkeys and recovery codes. The user's
browser sessions end, and the console asks for the password alone until the
user sets up another. Make sure first that it is the user who asks for it.`,
		Example: "  jeton user remove-second-factor alice",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.RemoveSecondFactor(ctx, args[0]); err != nil {
				return named(err, fmt.Sprintf("there is no user %q, or it has no second factor", args[0]), "jeton user show "+shellWord(args[0])+" tells.")
			}
			p.say("Took away the second factor of %s. Its browser sessions have ended.", args[0])
			return nil
		}),
	}
}

// noUser names the user who isn't found.
func noUser(err error, name string) error {
	return named(err, fmt.Sprintf("there is no user %q", name), "jeton user list shows all.")
}
