package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// project is the group of commands about the applications that seal tokens.
func (p *program) project() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "project COMMAND",
		Short: "Manage the applications that seal tokens",
		Long: `Manage projects: applications that share a key with Jeton, and seal tokens with
it that say who calls. How they seal them, "jeton token-set" manages.

A project is named by its number. Calls that name none mean 1000.`,
		Example: "  jeton project create 1000 XDOC --security-context MySecurityContext --app-key-file app.key\n" +
			"  jeton token-set create 1000 current --out key.txt\n" +
			"  jeton project explain 1000 --query-file query.txt",
	}
	cmd.AddCommand(p.projectCreate(), p.projectList(), p.projectShow(), p.projectUpdate(), p.projectDelete(), p.projectExplain())
	return cmd
}

// projectNumber reads the argument that names a project.
func projectNumber(arg string) (int, error) {
	number, err := strconv.ParseInt(arg, 10, 32)
	if err != nil || number < 1 {
		return 0, &usageError{text: "the NUMBER of the project is none from 1 to 2147483647", fix: "jeton project list shows the numbers."}
	}
	return int(number), nil
}

// askProject is ask for a command whose first argument names a project.
func (p *program) askProject(f func(ctx context.Context, c *client.Client, number int, args []string) error) func(*cobra.Command, []string) error {
	return p.run(func(cmd *cobra.Command, args []string) error {
		number, err := projectNumber(args[0])
		if err != nil {
			return err
		}
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			return noProject(f(ctx, c, number, args[1:]), number)
		})(cmd, args)
	})
}

// projectList prints every project.
func (p *program) projectList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List projects, by number",
		Example: "  jeton project list",
		RunE: p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			projects, err := collect(c.Projects(ctx), 0)
			if err != nil {
				return err
			}
			return p.show(projects, func() {
				rows := make([][]string, len(projects))
				for i, pr := range projects {
					rows[i] = []string{strconv.Itoa(pr.Number), pr.SecurityContext, strings.Join(pr.AllowedIPs, " "), pr.ServiceAccount, pr.Name}
				}
				p.table([]string{"NUMBER", "SECURITY CONTEXT", "FROM", "SERVICE ACCOUNT", "NAME"}, rows)
			})
		}),
	}
}

// projectShow prints one project with its token sets.
func (p *program) projectShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show a project and its token sets",
		Example: "  jeton project show 1000",
		RunE: p.askProject(func(ctx context.Context, c *client.Client, number int, _ []string) error {
			pr, _, err := c.Project(ctx, number)
			if err != nil {
				return err
			}
			return p.show(pr, func() { p.fields(projectFields(pr)...) })
		}),
	}
}

// projectDelete deletes without asking back: see serviceDelete.
func (p *program) projectDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NUMBER",
		Short: "Delete a project, its token sets and its service account, for good",
		Long: `End a project, its token sets, its service account and the sessions that its
tokens began, for good. Users whom its tokens made stay; services that had it
have none. To stop it for a while, disable its token sets.`,
		Example: "  jeton project delete 1000",
		RunE: p.askProject(func(ctx context.Context, c *client.Client, number int, _ []string) error {
			if err := c.DeleteProject(ctx, number); err != nil {
				return err
			}
			p.say("Deleted the project %d.", number)
			return nil
		}),
	}
}

// projectFields returns what there is to show of a project.
func projectFields(pr api.Project) []string {
	wanted := orElse(pr.SecurityContext, "any")
	if pr.ContextRequired {
		wanted += ", which a token must have"
	}
	alone := "if its GenDT is good"
	if pr.TokenRequired {
		alone = "if it is a good security token, too"
	}
	keys := "none: any will do"
	if pr.AppKeyCount > 0 {
		keys = strconv.Itoa(pr.AppKeyCount) + ", of which a token must have one"
	}
	unknown := "refused"
	if pr.CreateUsers {
		unknown = "created, with the roles " + orElse(strings.Join(pr.NewUserRoles, " "), "none")
	}
	fields := []string{
		"name", pr.Name, "number", strconv.Itoa(pr.Number), "security context", wanted, "user token alone", alone, "app keys", keys,
		"from", orElse(strings.Join(pr.AllowedIPs, " "), "anywhere"), "token counts", "for " + (time.Duration(pr.MaxAgeSeconds) * time.Second).String(),
		"unknown users", unknown, "service account", pr.ServiceAccount, "created", moment(pr.CreatedAt), "changed", moment(pr.UpdatedAt),
	}
	for _, set := range pr.TokenSets {
		fields = append(fields, "token set", set.Name+", "+setKind(set)+", "+setState(set)+", last used "+orElse(moment(set.LastUsedAt), "never"))
	}
	return fields
}

// noProject names the project that isn't found.
func noProject(err error, number int) error {
	return noThing(err, fmt.Sprintf("there is no project %d", number), "jeton project list shows all.")
}
