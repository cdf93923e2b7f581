package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// serviceAllow adds to the audience of one operation. The API knows no such change: it replaces all operations at once, so
// that their patterns are checked against each other. So allow reads, adds and writes back, under the version that it
// read; see edit.
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
		scoped := cmd.Flags().Changed("scope") // an empty one takes the operation out of its scope
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			service, pattern := args[0], args[1]
			// The users are looked up once, before anything is read that may change meanwhile.
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

// serviceDisallow is the way back from allow. What isn't there to take away is no error, so that it can be repeated, but
// it is said: a misspelt pattern would leave in force what the user believes gone.
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

// edited tells what became of an operation, or that there was nothing to change.
func (p *program) edited(changed bool, service string, ops []api.Operation, pattern string) {
	begin := ""
	if !changed {
		begin = "Nothing to change: "
	}
	if i := find(ops, pattern); i >= 0 {
		scope := ""
		if ops[i].Scope != "" {
			scope = ", in the scope " + ops[i].Scope
		}
		p.say("%s%s of %s is for %s%s.", begin, pattern, service, nobodyOr(ops[i].Audience), scope)
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
