package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// session is the group of commands about sessions: one's own, and with --user those of another, for administrators.
func (p *program) session() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "session COMMAND",
		Short: "List and end sessions: of programs that logged in, and of browsers",
		Long: `List and end sessions: the session tokens of programs that logged in with a
password, or were logged in by a platform, and the browsers that are logged in
to the console. With --user those of another, for administrators.`,
		Example: "  jeton session list\n  jeton session end-all --user alice",
	}
	cmd.AddCommand(p.sessionList(), p.sessionEnd(), p.sessionEndAll())
	return cmd
}

// ofUserFlag defines the flag that says whose sessions are meant.
func ofUserFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("user", "", "`NAME` or ID of the user whose sessions they are; one's own, if not given")
}

// checkUser refuses a flag that is empty, as that of a script's empty variable: one's own sessions were not meant.
func checkUser(cmd *cobra.Command, user string) error {
	if user == "" && cmd.Flags().Changed("user") {
		return &usageError{text: "--user is empty"}
	}
	return nil
}

// askAbout is ask for a command that is about the sessions of a user.
func (p *program) askAbout(user *string, f func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return p.run(func(cmd *cobra.Command, args []string) error {
		if err := checkUser(cmd, *user); err != nil {
			return err
		}
		return p.ask(f)(cmd, args)
	})
}

// sessionList prints the sessions that last.
func (p *program) sessionList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the sessions that last, newest first",
		Example: "  jeton session list\n  jeton session list --user alice --output json",
	}
	user := ofUserFlag(cmd)
	cmd.RunE = p.askAbout(user, func(ctx context.Context, c *client.Client, _ []string) error {
		listing := c.Sessions(ctx)
		if *user != "" {
			listing = c.UserSessions(ctx, *user)
		}
		sessions, err := collect(listing, 0)
		if err != nil {
			return noUser(err, *user)
		}
		return p.show(sessions, func() {
			rows := make([][]string, len(sessions))
			for i, s := range sessions {
				rows[i] = []string{s.ID, sessionKind(s), moment(s.CreatedAt), moment(s.ExpiresAt), orElse(moment(s.LastUsedAt), "never"), s.LastUsedIP}
			}
			p.table([]string{"ID", "KIND", "CREATED", "EXPIRES", "LAST USED", "FROM"}, rows)
		})
	})
	return cmd
}

// sessionKind says in two or three words what a session is.
func sessionKind(s api.Session) string {
	switch {
	case s.Current:
		return "this one"
	case s.Project != 0:
		return fmt.Sprintf("browser, by project %d", s.Project)
	case s.Kind == "console_session", s.Kind == "api_session":
		return "browser"
	case s.PlatformID != "":
		return "token, by platform"
	default:
		return "token, by password"
	}
}

// sessionEnd ends without asking back: see serviceDelete.
func (p *program) sessionEnd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "end ID",
		Short:   "End a session: its token, or its browser's cookies, are refused at once",
		Example: "  jeton session end 0190a6f0-0000-7000-8000-000000000000\n  jeton session end 0190a6f0-0000-7000-8000-000000000000 --user alice",
	}
	user := ofUserFlag(cmd)
	cmd.RunE = p.askAbout(user, func(ctx context.Context, c *client.Client, args []string) (err error) {
		fix := "jeton session list shows your own; another's need --user."
		if *user != "" {
			err, fix = c.EndUserSession(ctx, *user, args[0]), "jeton session list --user "+shellWord(*user)+" shows all."
		} else {
			err = c.EndSession(ctx, args[0])
		}
		if err != nil {
			return named(err, fmt.Sprintf("there is no session %s that lasts", args[0]), fix)
		}
		p.say("Ended the session %s.", args[0])
		return nil
	})
	return cmd
}

// sessionEndAll ends without asking back, too: who is in a hurry here has lost a token.
func (p *program) sessionEndAll() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "end-all",
		Short: "End all sessions of a user, session tokens and browsers",
		Long: `End all sessions of a user: session tokens and browsers. Personal token and
password go on working, and with them the user logs in again.`,
		Example: "  jeton session end-all\n  jeton session end-all --user alice",
	}
	user := ofUserFlag(cmd)
	cmd.RunE = p.askAbout(user, func(ctx context.Context, c *client.Client, _ []string) (err error) {
		whose := "your"
		if *user != "" {
			err, whose = noUser(c.EndUserSessions(ctx, *user), *user), "the user's"
		} else {
			err = c.EndSessions(ctx)
		}
		if err != nil {
			return err
		}
		p.say("Ended all %s sessions.", whose)
		return nil
	})
	return cmd
}
