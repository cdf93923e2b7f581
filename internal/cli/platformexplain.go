package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// platformExplain asks why an assertion is refused, which its sender is never told. It is for administrators: the answer says
// what there is to guess.
func (p *program) platformExplain() *cobra.Command {
	var file string
	var grant bool
	cmd := &cobra.Command{
		Use:   "explain CODE",
		Short: "Say step by step whether an assertion is good, and why not",
		Long: `Say step by step whether an assertion of a platform is good, and why not. The
exit code is 1 where it is refused. It is not used up by that, and nobody is
logged in.`,
		Example: "  jeton platform explain K7PX2MQA --assertion-file assertion.jwt\n" +
			"  jeton platform assert --key-file partner.pem --email john@example.com | jeton platform explain K7PX2MQA --assertion-file -",
	}
	cmd.Flags().StringVar(&file, "assertion-file", "", "`FILE` of the assertion; - for standard input")
	cmd.Flags().BoolVar(&grant, "grant", false, "by the rules of the jwt-bearer grant at /oauth/token, which asks for more")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if file == "" {
			return lacks(cmd, "assertion-file")
		}
		return p.ask(func(ctx context.Context, c *client.Client, args []string) error {
			assertion, err := p.assertionFrom(ctx, file)
			if err != nil {
				return err
			}
			if !grant {
				assertion = schemeless(assertion)
			}
			explanation, err := c.ExplainAssertion(ctx, args[0], assertion, grant)
			if err != nil {
				return noPlatform(err, args[0])
			}
			return p.showExplanation(explanation)
		})(cmd, args)
	})
	return cmd
}

// assertionFrom reads an assertion from a file or stdin.
func (p *program) assertionFrom(ctx context.Context, file string) (client.Secret, error) {
	if file != "-" {
		return p.tokenFrom(file, "--assertion-file")
	}
	if p.env.Hidden != nil {
		return p.askHidden(ctx, "Assertion: ")
	}
	return p.secretFromStdin(ctx)
}

// schemeless returns the assertion without the word Bearer, which the header Token may have before it. The grant knows none.
func schemeless(assertion client.Secret) client.Secret {
	if scheme, rest, _ := strings.Cut(assertion.Reveal(), " "); strings.EqualFold(scheme, "Bearer") {
		return client.Secret(strings.TrimLeft(rest, " "))
	}
	return assertion
}

// showExplanation prints the steps, and returns errDenied where one fails: see showVerdict.
func (p *program) showExplanation(e api.AssertionExplanation) error {
	err := p.show(e, func() {
		p.steps(e.Steps)
		if e.Accepted {
			p.say("Accepted: it would log the user in.")
		} else {
			p.say("Refused: %s.", e.Reason)
		}
	})
	if err == nil && !e.Accepted {
		return errDenied
	}
	return err
}

// steps prints the steps of an explanation.
func (p *program) steps(steps []api.ExplainedStep) {
	for _, s := range steps {
		verdict := "ok     "
		if !s.Passed {
			verdict = "refused"
		}
		p.say("%s  %-9s  %s", verdict, s.Step, s.Found)
		if s.Fix != "" {
			p.say("%s  %-9s  %s", "       ", "", s.Fix)
		}
	}
}
