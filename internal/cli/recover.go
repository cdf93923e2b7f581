package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

// recover is the way back in for operators who lost the administrator's password. It asks no Jeton, which would want
// that password, but opens the database itself: who may read and write the server's files may do anything anyway.
func (p *program) recover() *cobra.Command {
	var user string
	var password newPassword
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Get back in where the administrator's password is lost",
		Long: `Get back in where the administrator's password is lost: set a new one, take
away the user's second factor, unblock the user and make it an administrator
again. Where there is no such user, it is made.

It works on the server's machine, beside the running server or without, as the
user who runs the server, with the settings of "jeton serve": it has the same
flags, and reads the same variables and file.`,
		Example: "  jeton recover --data /var/lib/jeton\n  jeton recover --user alice --password-stdin < alice.password",
	}
	cmd.Flags().StringVar(&user, "user", "admin", "`NAME` of the administrator")
	password.flags(cmd)
	config.Flags(cmd.Flags())
	cmd.RunE = p.run(func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(cmd.Flags(), p.env.Environ)
		if err != nil {
			return &configError{err}
		}
		p.warn(cfg.Warnings)
		if _, err := os.Stat(cfg.Data); err != nil { // else the way back would lead into a Jeton of its own
			return &fault{err, "there is no data folder " + cfg.Data, "--data names the server's."}
		}
		text, err := password.read(cmd.Context(), p, user)
		if err != nil {
			return err
		}
		options := app.Options{Config: cfg, Stdout: p.env.Stdout, Stderr: p.env.Stderr, Now: p.env.Now}
		hadFactor, err := app.Recover(cmd.Context(), options, user, text.Reveal())
		if err != nil {
			return err
		}
		p.say("Set the password of %s, who is an administrator again.", user)
		if hadFactor {
			p.say("Took away the second factor of %s. Set up another in the console.", user)
		}
		return nil
	})
	return cmd
}
