package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// sealedQuestion is what the flags of "project explain" ask for.
type sealedQuestion struct {
	queryFile, securityFile, userFile string
	context, from                     string
}

// projectExplain asks why sealed tokens are refused: see platformExplain.
func (p *program) projectExplain() *cobra.Command {
	var q sealedQuestion
	cmd := &cobra.Command{
		Use:   "explain NUMBER",
		Short: "Say step by step whether sealed tokens are good, and why not",
		Long: `Say step by step whether the sealed tokens of a call are good, and why not. The
exit code is 1 where they are refused. They are not used up by that, and nobody
is made.

--query-file is that of the call's query, or its whole URL. Else give its tokens
one by one, as they stand in the URL, or before they were URL encoded.`,
		Example: "  jeton project explain 1000 --query-file query.txt --remote-ip 192.0.2.7\n" +
			"  jeton seal --key-file key.txt --context MySecurityContext --app-key-file app.key --only url | jeton project explain 1000 --security-token-file -",
	}
	f := cmd.Flags()
	f.StringVar(&q.queryFile, "query-file", "", "`FILE` of the query of a call; - for standard input")
	f.StringVar(&q.securityFile, "security-token-file", "", "`FILE` of the security token (XST); - for standard input")
	f.StringVar(&q.userFile, "user-token-file", "", "`FILE` of the user token (XUT); - for standard input")
	f.StringVar(&q.context, "context", "", "security context that the call names (XSC), if it does")
	f.StringVar(&q.from, "remote-ip", "", "`ADDRESS` from which the call comes: without it, addresses aren't judged")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		number, err := projectNumber(args[0])
		if err != nil {
			return err
		}
		if err := q.check(cmd); err != nil {
			return err
		}
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			question, err := q.read(ctx, p)
			if err != nil {
				return err
			}
			explanation, err := c.ExplainSealed(ctx, number, question)
			if err != nil {
				return noProject(err, number)
			}
			return p.showSealed(explanation)
		})(cmd, args)
	})
	return cmd
}

// check refuses flags that ask for nothing, or for two things at once.
func (q *sealedQuestion) check(cmd *cobra.Command) error {
	for _, flag := range []string{"security-token-file", "user-token-file", "context"} {
		if err := exclusive(cmd, "query-file", flag); err != nil {
			return err
		}
	}
	switch {
	case q.queryFile+q.securityFile+q.userFile == "":
		return &usageError{text: nameOf(cmd) + " lacks --query-file, --security-token-file or --user-token-file"}
	case q.securityFile == "-" && q.userFile == "-":
		return &usageError{text: "standard input can't be both tokens", fix: "Give one in a file."}
	}
	return nil
}

// read reads what the flags name.
func (q *sealedQuestion) read(ctx context.Context, p *program) (api.SealedQuestion, error) {
	read := api.SealedQuestion{Context: q.context, RemoteIP: q.from}
	for _, member := range []struct {
		file, flag, what string
		to               *string
	}{
		{q.queryFile, "--query-file", "Query", &read.Query},
		{q.securityFile, "--security-token-file", "Security token", &read.SecurityToken},
		{q.userFile, "--user-token-file", "User token", &read.UserToken},
	} {
		if member.file == "" {
			continue
		}
		text, err := p.sealedFrom(ctx, member.file, member.flag, member.what)
		if err != nil {
			return read, err
		}
		*member.to = text.Reveal()
	}
	read.Query = queryOf(read.Query)
	return read, nil
}

// sealedFrom reads a token, or a query, from a file or stdin.
func (p *program) sealedFrom(ctx context.Context, file, flag, what string) (client.Secret, error) {
	switch {
	case file != "-":
		return p.tokenFrom(file, flag)
	case p.env.Hidden != nil:
		return p.askHidden(ctx, what+": ")
	}
	text, err := p.secretFromStdin(ctx)
	return client.Secret(strings.TrimSpace(text.Reveal())), err
}

// queryOf returns the query of what may be a whole URL.
func queryOf(text string) string {
	text, _, _ = strings.Cut(text, "#")
	if _, query, ok := strings.Cut(text, "?"); ok {
		return query
	}
	return text
}

// showSealed prints the steps, and returns errDenied where one fails: see showVerdict.
func (p *program) showSealed(e api.SealedExplanation) error {
	err := p.show(e, func() {
		p.steps(e.Steps)
		if e.Accepted {
			p.say("Accepted: the call would be let in.")
		} else {
			p.say("Refused: %s.", strings.TrimSuffix(e.Reason+", "+meanings[e.Reason], ", "))
		}
	})
	if err == nil && !e.Accepted {
		return errDenied
	}
	return err
}
