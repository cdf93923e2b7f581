package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// platformKey is the group of commands about the keys by which a platform's assertions are checked.
func (p *program) platformKey() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key COMMAND",
		Short: "Manage the keys of a platform",
		Long: `Manage the keys by which a platform's assertions are checked. Several count at
once: add the next, move the platform to it, and delete the former.`,
		Example: "  jeton platform key create K7PX2MQA --public-key next.pub.pem",
	}
	cmd.AddCommand(p.platformKeyCreate(), p.platformKeyList(), p.platformKeyDelete())
	return cmd
}

// platformKeyCreate adds a key, or has one made.
func (p *program) platformKeyCreate() *cobra.Command {
	var source platformKeySource
	var algorithm string
	cmd := &cobra.Command{
		Use:   "create CODE",
		Short: "Add a key of a platform, its own or one that is made for it",
		Long: `Add a key of a platform beside those that it has: out of a file, at an address,
or one that Jeton makes. What is made is printed, alone, to stdout, or written
to the file that --out names, which only you can read. Nobody can show it again.`,
		Example: "  jeton platform key create K7PX2MQA --public-key next.pub.pem\n  jeton platform key create K7PX2MQA --algorithm ES256 --out next.pem",
	}
	source.flags(cmd)
	cmd.Flags().StringVar(&algorithm, "algorithm", "", "RS512, RS384, RS256, HS512, HS384, HS256, ES256 or EdDSA; the platform's if not given")
	p.complete(cmd, "algorithm", algorithms...)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		key, err := source.read(cmd, p)
		if err != nil {
			return err
		}
		key.Algorithm = algorithm
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			return p.addPlatformKey(ctx, c, args[0], key, source.out)
		})(cmd, args)
	})
	return cmd
}

// addPlatformKey adds the key and delivers what was made.
func (p *program) addPlatformKey(ctx context.Context, c *client.Client, code string, draft api.NewPlatformKey, out string) error {
	to, err := p.outlet(out)
	if err != nil {
		return err
	}
	defer to.close()
	key, err := c.CreatePlatformKey(ctx, code, draft)
	if err != nil {
		return noPlatform(lost(err, "there is one key more, and if it was made here it is lost: jeton platform key list shows its ID, by which you delete it."), code)
	}
	what, text := made(key.PrivateKey, key.Secret)
	if text == "" {
		return p.show(key, func() { p.say("Added the key %s to %s.", key.ID, code) })
	}
	if err := to.deliver(key, unended(text), "The "+what+" was made and is lost: delete the key "+key.ID+", and make another."); err != nil {
		return err
	}
	to.tell("the "+what+" of "+code, "This "+what+" is shown once: hand it over, and keep no copy.", "The ID of the key is "+key.ID+".")
	if out == "" {
		return nil
	}
	return p.show(key.PlatformKey, func() {})
}

// unended is a text without the line break at its end, which its delivery adds.
func unended(text string) string { return strings.TrimSuffix(text, "\n") }

// platformKeyList prints the keys of a platform. Their text is for --output json.
func (p *program) platformKeyList() *cobra.Command {
	return &cobra.Command{
		Use:     "list CODE",
		Short:   "List the keys of a platform",
		Example: "  jeton platform key list K7PX2MQA\n  jeton platform key list K7PX2MQA --output json",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			keys, err := collect(c.PlatformKeys(ctx, args[0]), 0)
			if err != nil {
				return noPlatform(err, args[0])
			}
			return p.show(keys, func() {
				rows := make([][]string, len(keys))
				for i, k := range keys {
					rows[i] = []string{k.ID, k.Algorithm, k.KeyID, moment(k.CreatedAt), orElse(moment(k.LastUsedAt), "never"), keySource(k)}
				}
				p.table([]string{"ID", "ALGORITHM", "KID", "CREATED", "LAST USED", "KEY"}, rows)
			})
		}),
	}
}

// keyKind says in a line what a key is.
func keyKind(k api.PlatformKey) string {
	kind := k.Algorithm + ", " + keySource(k) + ", since " + moment(k.CreatedAt) + ", last used " + orElse(moment(k.LastUsedAt), "never")
	if k.KeyID != "" {
		kind += ", kid " + k.KeyID
	}
	return kind
}

// keySource says where a key is.
func keySource(k api.PlatformKey) string {
	switch {
	case k.Shared:
		return "shared secret"
	case k.JWKSURI != "":
		return k.JWKSURI
	default:
		return "public key"
	}
}

// platformKeyDelete deletes without asking back: see serviceDelete.
func (p *program) platformKeyDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete CODE ID",
		Short: "Delete a key of a platform: what it has signed is refused from then on",
		Long: `Delete a key of a platform, for good: assertions that it has signed are refused
at once. Sessions that were got with it go on; disabling the platform ends them.`,
		Example: "  jeton platform key delete K7PX2MQA 0190a6f0-0000-7000-8000-000000000000",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DeletePlatformKey(ctx, args[0], args[1]); err != nil {
				return named(err, fmt.Sprintf("there is no key %s of a platform %q", args[1], args[0]),
					"jeton platform key list "+shellWord(args[0])+" shows all.")
			}
			p.say("Deleted the key %s.", args[1])
			return nil
		}),
	}
}
