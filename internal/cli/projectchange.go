package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// projectSettings are the flags that create and update share.
type projectSettings struct {
	draft                          api.NewProject
	contextRequired, tokenRequired bool
	appKeyFiles                    []string
	age                            time.Duration
}

// maxAge is the longest --max-age.
const maxAge = 24 * time.Hour

func (s *projectSettings) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.draft.SecurityContext, "security-context", "", "`TEXT` that a token's Context must be; any will do, if not given")
	f.BoolVar(&s.contextRequired, "context-required", false, "refuse tokens without a Context; so if not given, where there is a security context")
	f.BoolVar(&s.tokenRequired, "token-required", true, "refuse a user token alone that is no good security token, too; with --token-required=false its GenDT will do")
	f.StringArrayVar(&s.appKeyFiles, "app-key-file", nil, "`FILE` of an app key, one of which a token must then have; may be given several times")
	f.StringSliceVar(&s.draft.AllowedIPs, "allow-ip", nil, "address or network from which tokens count, as 192.0.2.0/24; may be given several times")
	f.DurationVar(&s.age, "max-age", 15*time.Minute, "how long a token counts from its GenDT: 24h at most")
	f.BoolVar(&s.draft.CreateUsers, "create-users", false, "make a user of a user name that nobody has")
	f.StringSliceVar(&s.draft.NewUserRoles, "new-user-role", nil, "role of such a user; may be given several times")
}

// read completes the draft. An empty --app-key-file leaves no app key.
func (s *projectSettings) read(cmd *cobra.Command, p *program) error {
	switch {
	case s.age < time.Second || s.age%time.Second != 0:
		return &usageError{text: "--max-age is no time of whole seconds, as 15m"}
	case s.age > maxAge:
		return &usageError{text: "--max-age is longer than a day", fix: "Let the application seal a token when it needs one, as with 15m."}
	case cmd.Flags().Changed("allow-ip") && len(s.draft.AllowedIPs) == 0: // as of a script's empty variable
		return &usageError{text: "--allow-ip is empty", fix: "To let tokens count from anywhere again, give --any-ip to jeton project update."}
	}
	if cmd.Flags().Changed("max-age") {
		s.draft.MaxAgeSeconds = int(s.age / time.Second)
	}
	s.draft.ContextRequired, s.draft.TokenRequired = given(cmd, "context-required", s.contextRequired), given(cmd, "token-required", s.tokenRequired)
	for _, file := range s.appKeyFiles {
		if file == "" {
			continue
		}
		key, err := p.secretFrom(file, "--app-key-file")
		if err != nil {
			return err
		}
		s.draft.AppKeys = append(s.draft.AppKeys, key.Reveal())
	}
	return nil
}

// projectCreate makes a project. Its token sets come after it, each with a key.
func (p *program) projectCreate() *cobra.Command {
	var s projectSettings
	cmd := &cobra.Command{
		Use:   "create NUMBER NAME",
		Short: "Make a project: an application that seals tokens",
		Long: `Make a project: an application that seals tokens. Until it has a token set, none
counts. It gets a service account of its own, project-NUMBER, which is who calls
with a security token alone.`,
		Example: "  jeton project create 1000 XDOC --security-context MySecurityContext --app-key-file app.key\n" +
			"  jeton project create 7 Reports --allow-ip 192.0.2.0/24 --max-age 1m",
	}
	s.flags(cmd)
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) (err error) {
		if s.draft.Number, err = projectNumber(args[0]); err != nil {
			return err
		}
		if err := s.read(cmd, p); err != nil {
			return err
		}
		s.draft.Name = args[1]
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			pr, err := c.CreateProject(ctx, s.draft)
			if err != nil {
				return err
			}
			return p.show(pr, func() {
				p.say("Made the project %d, %s. Its service account is %s.", pr.Number, pr.Name, pr.ServiceAccount)
				p.hint("Its tokens count once it has a token set: %s token-set create %d NAME", p.env.Command, pr.Number)
			})
		})(cmd, args)
	})
	return cmd
}

// projectUpdate sends a merge patch of exactly those members whose flags were given (RFC 7396).
func (p *program) projectUpdate() *cobra.Command {
	var s projectSettings
	var anyIP bool
	cmd := &cobra.Command{
		Use:   "update NUMBER",
		Short: "Change a project: which tokens count, and what they may do",
		Long: `Change a project. What no flag names stays as it is; --app-key-file, --allow-ip
and --new-user-role replace all that there are; an empty --security-context,
--app-key-file or --new-user-role leaves none.

The browser sessions that were begun by its tokens end.`,
		Example: "  jeton project update 1000 --max-age 5m --token-required=false\n  jeton project update 1000 --any-ip",
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&s.draft.Name, "name", "", "new name")
	cmd.Flags().BoolVar(&anyIP, "any-ip", false, "let tokens count from anywhere")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		number, err := projectNumber(args[0])
		if err != nil {
			return err
		}
		if err := exclusive(cmd, "allow-ip", "any-ip"); err != nil {
			return err
		}
		if err := s.read(cmd, p); err != nil {
			return err
		}
		if !anyChanged(cmd, "name", "security-context", "context-required", "token-required", "app-key-file", "allow-ip", "any-ip", "max-age", "create-users", "new-user-role") {
			return &usageError{text: "there is nothing to change"}
		}
		patch := s.patch(cmd, anyIP)
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			pr, err := c.UpdateProject(ctx, number, client.AnyVersion, patch)
			if err != nil {
				return noProject(err, number)
			}
			return p.show(pr, func() { p.fields(projectFields(pr)...) })
		})(cmd, args)
	})
	return cmd
}

// patch returns the change that the flags ask for.
func (s *projectSettings) patch(cmd *cobra.Command, anyIP bool) api.ProjectPatch {
	d := s.draft
	patch := api.ProjectPatch{
		Name: optional(cmd, "name", d.Name), SecurityContext: optional(cmd, "security-context", d.SecurityContext),
		ContextRequired: d.ContextRequired, TokenRequired: d.TokenRequired,
		AppKeys:    given(cmd, "app-key-file", append([]string{}, d.AppKeys...)), // not null where there are none
		AllowedIPs: given(cmd, "allow-ip", d.AllowedIPs), MaxAgeSeconds: given(cmd, "max-age", d.MaxAgeSeconds),
		CreateUsers: given(cmd, "create-users", d.CreateUsers), NewUserRoles: given(cmd, "new-user-role", append([]string{}, d.NewUserRoles...)),
	}
	if anyIP {
		patch.AllowedIPs = api.Optional[[]string]{Set: true, Null: true}
	}
	return patch
}

// projectFlag defines the flag of a service that names its project.
func projectFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("project", "", "`NUMBER` of the project whose sealed tokens count in the queries of calls; none, if not given or empty")
}

// projectOf reads that flag: 0 for none.
func projectOf(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	number, err := projectNumber(text)
	if err != nil {
		return 0, &usageError{text: "--project is no number of a project", fix: "jeton project list shows all."}
	}
	return number, nil
}

// projectText shows the project of a service.
func projectText(number int) string {
	if number == 0 {
		return "none"
	}
	return fmt.Sprintf("of project %d", number)
}
