package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

func (p *program) serviceAllow() *cobra.Command {
	var scope string
	cmd := &cobra.Command{
		Use:   "allow NAME PATTERN AUDIENCE...",
		Short: "Allow users or roles to call an operation",
		Long: `Allow users or roles to call an operation of a service. What others may do
stays as it is; allowing what is allowed already changes nothing.

PATTERN is a method and a path, as GET /reports/{id}; without a method it is
for all. AUDIENCE is user:NAME, role:NAME, or self:{VARIABLE}: the user whose
ID stands there in the path.`,
		Example: "  jeton service allow reports 'GET /reports/{id}' role:partner user:bob\n" +
			"  jeton service allow reports 'GET /users/{user}/reports' 'self:{user}'",
	}
	cmd.Flags().StringVar(&scope, "scope", "", "scope that the operation belongs to from now on")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		scoped := cmd.Flags().Changed("scope")
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			service, pattern := args[0], args[1]
			words, err := audience(ctx, c, args[2:])
			if err != nil {
				return err
			}
			changed := false
			ops, err := edit(ctx, c, service, func(ops []api.Operation) []api.Operation {
				ops, changed = allow(ops, pattern, words)
				if i := find(ops, pattern); scoped && ops[i].Scope != scope {
					ops[i].Scope, changed = scope, true
				}
				return unless(!changed, ops)
			})
			if err != nil {
				return noService(err, service)
			}
			return p.show(ops, func() { p.edited(changed, service, ops, pattern) })
		})(cmd, args)
	})
	return cmd
}

func (p *program) serviceDisallow() *cobra.Command {
	return &cobra.Command{
		Use:   "disallow NAME PATTERN [AUDIENCE...]",
		Short: "Take users or roles off an operation, or remove it",
		Long: `Take users or roles off an operation of a service, which then stays, if need
be for nobody. Without AUDIENCE, remove the operation: what it matched is then
for the other operations to decide, or for the service's default.`,
		Example: "  jeton service disallow reports 'GET /reports/{id}' role:partner\n" +
			"  jeton service disallow reports 'GET /reports/{id}'",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			service, pattern := args[0], args[1]
			words, err := audience(ctx, c, args[2:])
			if err != nil {
				return err
			}
			changed := false
			ops, err := edit(ctx, c, service, func(ops []api.Operation) []api.Operation {
				ops, changed = disallow(ops, pattern, words)
				return unless(!changed, ops)
			})
			if err != nil {
				return noService(err, service)
			}
			return p.show(ops, func() { p.edited(changed, service, ops, pattern) })
		}),
	}
}

// edited tells what became of an operation. That nothing was changed is said aloud: the pattern may have been misspelt.
func (p *program) edited(changed bool, service string, ops []api.Operation, pattern string) {
	begin := ""
	if !changed {
		begin = "Nothing to change: "
	}
	if i := find(ops, pattern); i >= 0 {
		p.say("%s%s of %s is for %s.", begin, pattern, service, nobodyOr(ops[i].Audience))
		return
	}
	p.say("%s%s has no operation %s.", begin, service, pattern)
}

// unless returns the operations, or nil, which edit takes for no change.
func unless(same bool, ops []api.Operation) []api.Operation {
	if same {
		return nil
	}
	return ops
}

// find returns the index of the operation with exactly this pattern, or -1.
func find(ops []api.Operation, pattern string) int {
	return slices.IndexFunc(ops, func(op api.Operation) bool { return op.Pattern == pattern })
}

// allow returns the operations with the audience added to one of them, which is made if it isn't there, and whether that
// is a change.
func allow(ops []api.Operation, pattern string, words []string) ([]api.Operation, bool) {
	i := find(ops, pattern)
	if i < 0 {
		return append(ops, api.Operation{Pattern: pattern, Audience: words}), true
	}
	changed := false
	for _, w := range words {
		if !slices.Contains(ops[i].Audience, w) {
			ops[i].Audience, changed = append(ops[i].Audience, w), true
		}
	}
	return ops, changed
}

// disallow returns the operations with the audience taken off one of them, or, where no audience is given, without that
// operation, and whether that is a change. An operation that lost all its audience stays: without it, a broader one or
// the service's default might let the calls in that were just forbidden.
func disallow(ops []api.Operation, pattern string, words []string) ([]api.Operation, bool) {
	i := find(ops, pattern)
	if i < 0 {
		return ops, false
	}
	if len(words) == 0 {
		return slices.Delete(ops, i, i+1), true
	}
	before := len(ops[i].Audience)
	ops[i].Audience = slices.DeleteFunc(ops[i].Audience, func(w string) bool { return slices.Contains(words, w) })
	return ops, len(ops[i].Audience) < before
}

// audience returns the words of an audience, each once, with users by the names that they have: an ID or another
// spelling of a name would not be found among the words that are there, and a disallow would leave it in force.
func audience(ctx context.Context, c *client.Client, given []string) ([]string, error) {
	words := []string{}
	for _, word := range given {
		kind, name, ok := strings.Cut(word, ":")
		if !ok || !slices.Contains([]string{"user", "role", "self"}, kind) {
			return nil, &usageError{text: "an AUDIENCE is none of user:NAME, role:NAME and self:{VARIABLE}"}
		}
		if kind == "user" {
			u, _, err := c.User(ctx, name)
			switch {
			case errors.Is(err, client.ErrNotFound):
				return nil, noUser(err, name)
			case err != nil:
				return nil, fmt.Errorf("looking for a user of the audience: %w", err)
			}
			word = "user:" + u.Username
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words, nil
}
