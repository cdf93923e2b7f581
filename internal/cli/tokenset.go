package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// tokenSet is the group of commands about how applications seal their tokens.
func (p *program) tokenSet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token-set COMMAND",
		Short: "Manage how applications seal their tokens",
		Long: `Manage the token sets of projects: each is a key, and how it is used. Several
count at once: add the next, move the application to it, and disable the former.

A token set is named by the number of its project, and its name or its ID.`,
		Example: "  jeton token-set create 1000 current --out key.txt\n" +
			"  jeton token-set create 1000 old --mode CBC --key-size 256 --padding PKCS7 --key-file old.key",
	}
	cmd.AddCommand(p.tokenSetCreate(), p.tokenSetList(), p.tokenSetShow(), p.tokenSetUpdate(),
		p.tokenSetState("disable", "Refuse the tokens of a token set, and end the sessions that its project's began", false),
		p.tokenSetState("enable", "Take the tokens of a disabled token set again", true),
		p.tokenSetDelete(), p.tokenSetEncrypt(), p.tokenSetDecrypt())
	return cmd
}

// askSet is ask for a command that is about a token set, which its first two arguments name.
func (p *program) askSet(f func(ctx context.Context, c *client.Client, number int, id string) error) func(*cobra.Command, []string) error {
	return p.askProject(func(ctx context.Context, c *client.Client, number int, args []string) error {
		id, err := setID(ctx, c, number, args[0])
		if err != nil {
			return noSet(err, number, args[0])
		}
		return noSet(f(ctx, c, number, id), number, args[0])
	})
}

// setID returns the ID of the token set that has that name, whatever its case, or that ID.
func setID(ctx context.Context, c *client.Client, number int, idOrName string) (string, error) {
	if uuid.Validate(idOrName) == nil {
		return idOrName, nil
	}
	for set, err := range c.TokenSets(ctx, number) {
		if err != nil {
			return "", noProject(err, number)
		}
		if strings.EqualFold(set.Name, idOrName) {
			return set.ID, nil
		}
	}
	return "", client.ErrNotFound
}

// tokenSetList prints the token sets of a project.
func (p *program) tokenSetList() *cobra.Command {
	return &cobra.Command{
		Use:     "list NUMBER",
		Short:   "List the token sets of a project",
		Example: "  jeton token-set list 1000",
		RunE: p.askProject(func(ctx context.Context, c *client.Client, number int, _ []string) error {
			sets, err := collect(c.TokenSets(ctx, number), 0)
			if err != nil {
				return err
			}
			return p.show(sets, func() {
				rows := make([][]string, len(sets))
				for i, set := range sets {
					rows[i] = []string{set.ID, setState(set), setKind(set), moment(set.CreatedAt), orElse(moment(set.LastUsedAt), "never"), set.Name}
				}
				p.table([]string{"ID", "STATE", "MODE", "CREATED", "LAST USED", "NAME"}, rows)
			})
		}),
	}
}

// tokenSetShow prints one token set.
func (p *program) tokenSetShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NUMBER SET",
		Short:   "Show a token set",
		Example: "  jeton token-set show 1000 current",
		RunE: p.askSet(func(ctx context.Context, c *client.Client, number int, id string) error {
			set, _, err := c.TokenSet(ctx, number, id)
			if err != nil {
				return err
			}
			return p.showSet(set)
		}),
	}
}

// showSet prints a token set, and what is to be known of its mode.
func (p *program) showSet(set api.TokenSet) error {
	p.warnOf(set)
	return p.show(set, func() { p.fields(setFields(set)...) })
}

// warnOf says on stderr what follows where tokens of a set can be forged, so that whoever chooses such a mode has read it.
func (p *program) warnOf(set api.TokenSet) {
	if set.Warning != "" {
		p.hint("Warning: %s", set.Warning)
	}
}

// tokenSetState returns the command of the given name that disables or enables a token set.
func (p *program) tokenSetState(name, short string, active bool) *cobra.Command {
	return &cobra.Command{
		Use:     name + " NUMBER SET",
		Short:   short,
		Long:    short + ".\nIt takes effect at once.",
		Example: "  jeton token-set " + name + " 1000 old",
		RunE: p.askSet(func(ctx context.Context, c *client.Client, number int, id string) error {
			set, err := c.UpdateTokenSet(ctx, number, id, client.AnyVersion, api.TokenSetPatch{Active: api.Some(active)})
			if err != nil {
				return err
			}
			return p.show(set, func() { p.say("The token set %s is %s.", set.Name, setState(set)) })
		}),
	}
}

// tokenSetDelete deletes without asking back: see serviceDelete.
func (p *program) tokenSetDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NUMBER SET",
		Short: "Delete a token set: what was sealed by it is refused from then on",
		Long: `End a token set for good, and with it the browser sessions that its project's
tokens began. To stop it for a while, disable it.`,
		Example: "  jeton token-set delete 1000 old",
		RunE: p.askProject(func(ctx context.Context, c *client.Client, number int, args []string) error {
			id, err := setID(ctx, c, number, args[0])
			if err == nil {
				err = c.DeleteTokenSet(ctx, number, id)
			}
			if err != nil {
				return noSet(err, number, args[0])
			}
			p.say("Deleted the token set %s.", args[0])
			return nil
		}),
	}
}

// setFields returns what there is to show of a token set.
func setFields(set api.TokenSet) []string {
	derivation := set.KeyDerivation
	if set.Iterations > 0 {
		derivation += fmt.Sprintf(", %d rounds of %s, salt %q", set.Iterations, set.Hash, set.Salt)
	}
	iv := "none"
	switch set.IVExpansion {
	case "":
	case "random":
		iv = "each token's own, in front"
	default:
		iv = fmt.Sprintf("%q as %s", set.IV, set.IVExpansion)
	}
	use := "as often as it comes"
	if set.OneTime {
		use = "once"
	}
	return []string{
		"name", set.Name, "ID", set.ID, "state", setState(set), "mode", set.Mode, "key size", strconv.Itoa(set.KeySize), "padding", orElse(set.Padding, "none"),
		"IV", iv, "key derivation", derivation, "token counts", use, "forgeable", yesNo(set.Forgeable),
		"last used", orElse(moment(set.LastUsedAt), "never"), "from", set.LastUsedIP, "created", moment(set.CreatedAt), "changed", moment(set.UpdatedAt),
	}
}

// setKind says in a word or two how a token set seals.
func setKind(set api.TokenSet) string {
	kind := fmt.Sprintf("AES-%d-%s", set.KeySize, set.Mode)
	if set.Forgeable {
		kind += " (forgeable)"
	}
	return kind
}

func setState(set api.TokenSet) string {
	if set.Active {
		return "enabled"
	}
	return "disabled"
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// noSet names the token set that isn't found, where nothing else was missed already.
func noSet(err error, number int, set string) error {
	return noThing(err, fmt.Sprintf("there is no token set %q of a project %d", set, number), "jeton token-set list "+strconv.Itoa(number)+" shows all.")
}

// noThing is named, unless it was told already what wasn't found.
func noThing(err error, text, fix string) error {
	if _, told := errors.AsType[*fault](err); told {
		return err
	}
	return named(err, text, fix)
}
