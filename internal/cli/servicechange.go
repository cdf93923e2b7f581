package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// serviceFlags defines the flags that create and update share.
func (p *program) serviceFlags(cmd *cobra.Command, s *api.NewService) {
	f := cmd.Flags()
	f.StringVar(&s.Host, "host", "", "host name of the API, as its clients call it; with a port where only that one is meant")
	f.StringVar(&s.PathPrefix, "path-prefix", "", "path below which the API lies (/ if not given)")
	f.StringVar(&s.Default, "default", "", "who may make calls that no operation matches: deny (nobody, if not given) or authenticated (every user)")
	f.StringVar(&s.AllowInPath, "allow-in-path", "", "what its paths may hold although it is refused elsewhere: ';' or '//' or both")
	f.StringArrayVar(&s.Verifiers, "verifier", nil, "user who may ask jeton verify about the service; may be given several times")
	f.BoolVar(&s.AcceptAPITokens, "accept-api-tokens", false, "admit API tokens that weren't exchanged for access tokens, for clients that can't do that")
	p.complete(cmd, "default", "deny", "authenticated")
}

// serviceCreate makes a service without operations, which "allow" and "set-operations" add. --host is asked for before
// Jeton is: without it no service can be made.
func (p *program) serviceCreate() *cobra.Command {
	var draft api.NewService
	var route routeFlags
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a service: an API to protect",
		Long: `Make a service: an API to protect. Unless --default says otherwise, nobody may
call it until operations are allowed. With --upstream, Jeton's own proxy passes
its calls on; behind another proxy it needs none.`,
		Example: "  jeton service create reports --host api.example.com --path-prefix /v2\n" +
			"  jeton service create orders --host orders.example.com --upstream http://127.0.0.1:9000 --rate-limit 600/1m",
	}
	p.serviceFlags(cmd, &draft)
	route.flags(p, cmd)
	project := projectFlag(cmd)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) (err error) {
		if draft.Project, err = projectOf(*project); err != nil {
			return err
		}
		if err := route.draft(cmd, &draft); err != nil {
			return err
		}
		if draft.Name = args[0]; draft.Host == "" {
			return lacks(cmd, "host")
		}
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			s, err := c.CreateService(ctx, draft)
			if err != nil {
				return err
			}
			return p.show(s, func() { p.say("Created the service %s for %s%s.", s.Name, s.Host, s.PathPrefix) })
		})(cmd, args)
	})
	return cmd
}

// serviceUpdate sends a merge patch of exactly those members whose flags were given (RFC 7396), so that it takes back
// nothing that another administrator changes at the same time. Verifiers are few and are replaced as a list.
func (p *program) serviceUpdate() *cobra.Command {
	var s api.NewService
	var route routeFlags
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change a service",
		Long: `Change a service. What no flag names stays as it is; --verifier replaces all
verifiers, and an empty one leaves none.`,
		Example: "  jeton service update reports --default authenticated --verifier gateway\n  jeton service update reports --upstream http://127.0.0.1:9001",
	}
	p.serviceFlags(cmd, &s)
	route.flags(p, cmd)
	cmd.Flags().StringVar(&s.Name, "name", "", "new name")
	liftRate := cmd.Flags().Bool("no-rate-limit", false, "let the service be called at any rate")
	project := projectFlag(cmd)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if !anyChanged(cmd, "name", "host", "path-prefix", "default", "allow-in-path", "verifier", "accept-api-tokens", "project",
			"upstream", "profile", "forward-query-tokens", "identity-token", "rate-limit", "no-rate-limit") {
			return &usageError{text: "there is nothing to change"}
		}
		patch := api.ServicePatch{
			Name: optional(cmd, "name", s.Name), Host: optional(cmd, "host", s.Host),
			PathPrefix: optional(cmd, "path-prefix", s.PathPrefix), Default: optional(cmd, "default", s.Default),
			AllowInPath: optional(cmd, "allow-in-path", s.AllowInPath), AcceptAPITokens: given(cmd, "accept-api-tokens", s.AcceptAPITokens),
		}
		number, err := projectOf(*project)
		if err = errors.Join(err, route.patch(cmd, &patch, *liftRate)); err != nil {
			return err
		}
		if patch.Project = given(cmd, "project", number); patch.Project.Set && number == 0 {
			patch.Project.Null = true
		}
		if cmd.Flags().Changed("verifier") {
			patch.Verifiers = api.Some(slices.DeleteFunc(s.Verifiers, func(name string) bool { return name == "" }))
		}
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			s, err := c.UpdateService(ctx, args[0], client.AnyVersion, patch)
			if err != nil {
				return noService(err, args[0])
			}
			return p.show(s, func() { p.fields(serviceFields(s)...) })
		})(cmd, args)
	})
	return cmd
}

// serviceConfirm lets the callers of a suspended service in again, with nothing else changed. It is a command of its own, and no
// flag of update: there is a decision in it, after a look at the operations. What is confirmed is the version that was read, so
// that nobody confirms what another has changed meanwhile.
func (p *program) serviceConfirm() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm NAME",
		Short: "Let callers in again at a service that a restore has suspended",
		Long: `Let callers in again at a service that a restore has suspended, because it was
changed after the moment to which the restore went back. It is as it was then,
and may let in more than it should: look at "service show" and at "service
operations" first. A change of the service or its operations does the same.`,
		Example: "  jeton service operations reports\n  jeton service confirm reports",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			s, version, err := c.Service(ctx, args[0])
			if err != nil {
				return noService(err, args[0])
			}
			if !s.Suspended {
				return p.show(s, func() { p.say("Nothing to change: the service %s isn't suspended.", s.Name) })
			}
			if s, err = c.UpdateService(ctx, args[0], version, api.ServicePatch{Suspended: api.Some(false)}); err != nil {
				return noService(err, args[0])
			}
			return p.show(s, func() { p.say("The service %s is suspended no more: its operations say who may call it.", s.Name) })
		}),
	}
}

// serviceDelete removes a service without asking back: it was named in full, scripts have nobody to answer, and the audit
// log keeps who did it. Calls to it are refused from then on, as of a host that nobody protects.
func (p *program) serviceDelete() *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a service with its operations: calls to it are refused from then on",
		Example: "  jeton service delete reports",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DeleteService(ctx, args[0]); err != nil {
				return noService(err, args[0])
			}
			p.say("Deleted the service %s.", args[0])
			return nil
		}),
	}
}
