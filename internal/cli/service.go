package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// service is the group of commands about the protected APIs, called services in the API and here.
func (p *program) service() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "service COMMAND",
		Short: "Manage the protected APIs, and who may call which of their operations",
		Example: "  jeton service create reports --host api.example.com\n" +
			"  jeton service allow reports 'GET /reports/{id}' role:partner",
	}
	cmd.AddCommand(p.serviceCreate(), p.serviceList(), p.serviceShow(), p.serviceUpdate(), p.serviceConfirm(), p.serviceDelete(),
		p.serviceOperations(), p.serviceSetOperations(), p.serviceAllow(), p.serviceDisallow())
	return cmd
}

// serviceList prints every service. Like each listing it is gathered whole before a line is printed: one that breaks off
// half-way fails, and nobody takes its first half for all there is.
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
					rows[i] = []string{s.Name, s.Host, s.PathPrefix, s.Upstream, s.Default, stateOf(s)}
				}
				p.table([]string{"NAME", "HOST", "PATH PREFIX", "UPSTREAM", "DEFAULT", "STATE"}, rows)
			})
		}),
	}
}

// serviceShow prints one service. Its operations have a command of their own: there may be thousands.
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
			return p.show(s, func() {
				p.fields(serviceFields(s)...)
				if s.Suspended {
					p.hint("It was changed after the moment that a restore went back to, and is as it was then. Look at who may call what: %s service operations %s. Then change it, or confirm it as it is: %s service confirm %s",
						p.env.Command, s.Name, p.env.Command, s.Name)
				}
			})
		}),
	}
}

// serviceFields returns what there is to show of a service.
func serviceFields(s api.Service) []string {
	fields := []string{
		"name", s.Name, "ID", s.ID, "state", stateOf(s), "host", s.Host, "path prefix", s.PathPrefix, "default", s.Default,
		"allowed in paths", s.AllowInPath, "verifiers", strings.Join(s.Verifiers, ", "),
		"API tokens", apiTokensAt(s), "sealed tokens", projectText(s.Project),
	}
	return append(append(fields, routeFields(s)...), "created", moment(s.CreatedAt), "changed", moment(s.UpdatedAt))
}

// stateOf tells whether a service can be called at all.
func stateOf(s api.Service) string {
	if s.Suspended {
		return "suspended"
	}
	return "active"
}

// apiTokensAt tells what becomes of an API token at a service.
func apiTokensAt(s api.Service) string {
	if s.AcceptAPITokens {
		return "accepted as they are"
	}
	return "to be exchanged first"
}

// noService names the service that isn't found.
func noService(err error, name string) error {
	return named(err, fmt.Sprintf("there is no service %q", name), "jeton service list shows all.")
}
