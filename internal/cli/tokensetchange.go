package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// tokenSetCreate makes a token set. Without --key-file the key is made at Jeton, which is what is recommended: a key that somebody
// thought up can be guessed.
func (p *program) tokenSetCreate() *cobra.Command {
	var settings sealSettings
	var draft api.NewTokenSet
	var keyFile, out string
	var disabled bool
	cmd := &cobra.Command{
		Use:   "create NUMBER NAME",
		Short: "Make a token set, with the application's own key or one that is made for it",
		Long: `Make a token set: how an application seals its tokens. Without --key-file, Jeton
makes the text of a key and prints it, alone, to stdout, or writes it to the
file that --out names, which only you can read. Nobody can show it again.

Without further flags it is AES-256 in GCM, which nobody can forge without the
key. CBC and ECB are for clients that can't do that. An empty --mode, --key-size
or --padding is what XDOC has where it is blank: CBC, 256, PKCS7.`,
		Example: "  jeton token-set create 1000 current --out key.txt\n" +
			"  jeton token-set create 1000 old --mode CBC --key-derivation sha256 --iv @1B2c3D4 --key-file old.key",
	}
	settings.flags(p, cmd)
	f := cmd.Flags()
	f.StringVar(&keyFile, "key-file", "", "`FILE` of the text of the key")
	f.StringVar(&out, "out", "", "write the text of the key that is made to this `FILE`, in place of what it holds")
	f.BoolVar(&draft.OneTime, "one-time", false, "let each token count once")
	f.BoolVar(&disabled, "disabled", false, "make it disabled")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		number, err := projectNumber(args[0])
		if err != nil {
			return err
		}
		if err := exclusive(cmd, "key-file", "out"); err != nil {
			return err
		}
		draft.Name = args[1]
		if err := settings.draft(cmd, &draft); err != nil {
			return err
		}
		if draft.Key, err = p.keyOf(cmd, keyFile); err != nil {
			return err
		}
		if disabled {
			draft.Active = api.Some(false)
		}
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			return noProject(p.makeSet(ctx, c, number, draft, out), number)
		})(cmd, args)
	})
	return cmd
}

// keyOf reads the key of --key-file, empty where the flag wasn't given. One that is given empty, as by a script's empty variable, is
// refused: another key than was meant would be made.
func (p *program) keyOf(cmd *cobra.Command, file string) (string, error) {
	switch {
	case !cmd.Flags().Changed("key-file"):
		return "", nil
	case file == "":
		return "", &usageError{text: "--key-file is empty"}
	}
	key, err := p.tokenKey(file)
	return key.Reveal(), err
}

// makeSet makes the token set and delivers the key that was made for it.
func (p *program) makeSet(ctx context.Context, c *client.Client, number int, draft api.NewTokenSet, out string) error {
	to, err := p.outlet(out)
	if err != nil {
		return err
	}
	defer to.close()
	set, err := c.CreateTokenSet(ctx, number, draft)
	if err != nil {
		return lost(err, "there is a token set more, and a key that was made for it is lost: delete it by its name, and make it again.")
	}
	p.warnOf(set.TokenSet)
	if set.Key == "" {
		return p.show(set, func() { p.say("Made the token set %s.", set.Name) })
	}
	otherwise := "The token set was made and its key is lost: " + p.env.Command + " token-set delete " + strconv.Itoa(number) + " " + set.ID + ", and make it again."
	if err := to.deliver(set, set.Key, otherwise); err != nil {
		return err
	}
	to.tell("the key of the token set "+set.Name, "This key is shown once: hand it over to the application, and keep no copy.", "")
	if out == "" {
		return nil
	}
	return p.show(set.TokenSet, func() {})
}

// tokenSetUpdate sends a merge patch of exactly those members whose flags were given (RFC 7396).
func (p *program) tokenSetUpdate() *cobra.Command {
	var settings sealSettings
	var name, keyFile string
	var oneTime bool
	cmd := &cobra.Command{
		Use:   "update NUMBER SET",
		Short: "Change a token set: its key, and how it is used",
		Long: `Change a token set. What no flag names stays as it is, but for what belongs to
another --mode or --key-derivation than before. Tokens that were sealed by what
it was are refused at once, and the browser sessions that were begun by its
project's tokens end. To have two keys count for a while, make a second one. A
set that becomes one in GCM needs another key.`,
		Example: "  jeton token-set update 1000 old --key-file new.key\n  jeton token-set update 1000 old --mode GCM --key-file new.key",
	}
	settings.flags(p, cmd)
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "new name")
	f.StringVar(&keyFile, "key-file", "", "`FILE` of the text of the new key")
	f.BoolVar(&oneTime, "one-time", false, "let each token count once")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if !anyChanged(cmd, append([]string{"name", "key-file", "one-time"}, settingFlags...)...) {
			return &usageError{text: "there is nothing to change"}
		}
		patch := api.TokenSetPatch{Name: optional(cmd, "name", name), OneTime: given(cmd, "one-time", oneTime)}
		if err := settings.patch(cmd, &patch); err != nil {
			return err
		}
		key, err := p.keyOf(cmd, keyFile)
		if err != nil {
			return err
		}
		patch.Key = given(cmd, "key-file", key)
		return p.askSet(func(ctx context.Context, c *client.Client, number int, id string) error {
			set, err := c.UpdateTokenSet(ctx, number, id, client.AnyVersion, patch)
			if err != nil {
				return err
			}
			return p.showSet(set)
		})(cmd, args)
	})
	return cmd
}
