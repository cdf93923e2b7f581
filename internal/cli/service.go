package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

func (p *program) service() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "service COMMAND",
		Short: "Manage the protected APIs, and who may call which of their operations",
		Example: "  jeton service create reports --host api.example.com\n" +
			"  jeton service allow reports 'GET /reports/{id}' role:partner",
	}
	cmd.AddCommand(p.serviceCreate(), p.serviceList(), p.serviceShow(), p.serviceUpdate(), p.serviceDelete(),
		p.serviceOperations(), p.serviceSetOperations(), p.serviceAllow(), p.serviceDisallow())
	return cmd
}

// serviceFlags defines the flags that create and update share.
func (p *program) serviceFlags(cmd *cobra.Command, s *api.NewService) {
	f := cmd.Flags()
	f.StringVar(&s.Host, "host", "", "host name of the API, as its clients call it; with a port where only that one is meant")
	f.StringVar(&s.PathPrefix, "path-prefix", "", "path below which the API lies (/ if not given)")
	f.StringVar(&s.Default, "default", "", "who may make calls that no operation matches: deny (nobody, if not given) or authenticated (every user)")
	f.StringVar(&s.AllowInPath, "allow-in-path", "", "what its paths may hold although it is refused elsewhere: ';' or '//' or both")
	f.StringArrayVar(&s.Verifiers, "verifier", nil, "user who may ask jeton verify about the service; may be given several times")
	p.complete(cmd, "default", "deny", "authenticated")
}

func (p *program) serviceCreate() *cobra.Command {
	var draft api.NewService
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a service: an API to protect",
		Long:    "Make a service: an API to protect. Nobody may call it until operations are\nallowed.",
		Example: "  jeton service create reports --host api.example.com --path-prefix /v2",
	}
	p.serviceFlags(cmd, &draft)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
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

func (p *program) serviceList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List services, by name",
		Example: "  jeton service list",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			services, err := collect(c.Services(ctx), 0)
			if err != nil {
				return err
			}
			return p.show(services, func() {
				rows := make([][]string, len(services))
				for i, s := range services {
					rows[i] = []string{s.Name, s.Host, s.PathPrefix, s.Default}
				}
				p.table([]string{"NAME", "HOST", "PATH PREFIX", "DEFAULT"}, rows)
			})
		}),
	}
}

func (p *program) serviceShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a service",
		Example: "  jeton service show reports",
		RunE: p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			s, _, err := c.Service(ctx, args[0])
			if err != nil {
				return noService(err, args[0])
			}
			return p.show(s, func() { p.fields(serviceFields(s)...) })
		}),
	}
}

// serviceFields returns what there is to show of a service.
func serviceFields(s api.Service) []string {
	return []string{
		"name", s.Name, "ID", s.ID, "host", s.Host, "path prefix", s.PathPrefix, "default", s.Default,
		"allowed in paths", s.AllowInPath, "verifiers", strings.Join(s.Verifiers, ", "),
		"created", moment(s.CreatedAt), "changed", moment(s.UpdatedAt),
	}
}

func (p *program) serviceUpdate() *cobra.Command {
	var s api.NewService
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Change a service",
		Long:    "Change a service. What no flag names stays as it is; --verifier replaces all\nverifiers, and an empty one leaves none.",
		Example: "  jeton service update reports --default authenticated --verifier gateway",
	}
	p.serviceFlags(cmd, &s)
	cmd.Flags().StringVar(&s.Name, "name", "", "new name")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if !anyChanged(cmd, "name", "host", "path-prefix", "default", "allow-in-path", "verifier") {
			return &usageError{text: "there is nothing to change"}
		}
		patch := api.ServicePatch{
			Name: optional(cmd, "name", s.Name), Host: optional(cmd, "host", s.Host),
			PathPrefix: optional(cmd, "path-prefix", s.PathPrefix), Default: optional(cmd, "default", s.Default),
			AllowInPath: optional(cmd, "allow-in-path", s.AllowInPath),
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

// noService names the service that isn't found.
func noService(err error, name string) error {
	return named(err, fmt.Sprintf("there is no service %q", name), "jeton service list shows all.")
}
