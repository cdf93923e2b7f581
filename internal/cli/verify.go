package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// verify asks about a call as a service's own code would, to find out why something is refused, or to try a policy before
// anyone meets it. --url is where Jeton is, as in every command, so the call's URL is an argument; it holds no credential,
// or else would have no business there.
func (p *program) verify() *cobra.Command {
	var call api.VerifyRequest
	var stdin bool
	var bearer, queryFile string
	cmd := &cobra.Command{
		Use:   "verify URL",
		Short: "Ask whether a call to a protected API may pass",
		Long: `Ask whether a call to a protected API may pass, and why not. URL is that of the
call: absolute, with scheme and host. The exit code is 1 where it may not pass.

The credential is that of the call, not one's own; without it, the question is
about a call that presents none. Asking is a use of it: it appears in the audit
log like any other, and counts against the rate limit of a token.

A token that counts from some addresses alone is refused without --remote-ip,
as address_not_allowed. Sealed tokens (XST, XUT) stand in the call's query, a
secret then, and no argument: give it with --query-file.`,
		Example: "  jeton verify https://api.example.com/reports/7 --bearer-file alice.token\n" +
			"  echo \"Bearer $token\" | jeton verify https://api.example.com/reports --method POST --authorization-stdin\n" +
			"  jeton verify https://api.example.com/reports/7 --query-file query.txt",
	}
	f := cmd.Flags()
	f.StringVar(&call.Method, "method", "GET", "`METHOD` of the call")
	f.StringVar(&call.RemoteIP, "remote-ip", "", "`ADDRESS` from which the call comes: decides about tokens that count from some addresses alone, and stands in the audit log")
	f.StringVar(&bearer, "bearer-file", "", "`FILE` of the token that the call presents as Bearer")
	f.BoolVar(&stdin, "authorization-stdin", false, "read the value of the call's Authorization header field from standard input")
	f.StringVar(&queryFile, "query-file", "", "`FILE` of the call's query, or its whole URL, with its sealed tokens; - for standard input")
	cmd.RunE = p.run(func(cmd *cobra.Command, args []string) error {
		if err := exclusive(cmd, "bearer-file", "authorization-stdin"); err != nil {
			return err
		}
		if stdin && queryFile == "-" {
			return &usageError{text: "standard input can't be both the query and the header field", fix: "Give one in a file."}
		}
		call.URL = args[0]
		return p.ask(func(ctx context.Context, c *client.Client, _ []string) error {
			presented, err := p.presented(ctx, stdin, bearer)
			if err != nil {
				return err
			}
			call.Authorization = presented.Reveal()
			if queryFile != "" {
				query, err := p.sealedFrom(ctx, queryFile, "--query-file", "Query")
				if err != nil {
					return err
				}
				call.Query = queryOf(query.Reveal())
			}
			verdict, err := c.Verify(ctx, call)
			if err != nil {
				return err
			}
			return p.showVerdict(verdict)
		})(cmd, args)
	})
	return cmd
}

// presented returns the Authorization header field of the call that is asked about, empty for none. It is somebody's
// secret and comes as secrets do; --token-file is the caller's own credential, and another thing.
func (p *program) presented(ctx context.Context, stdin bool, bearer string) (client.Secret, error) {
	switch {
	case stdin && p.env.Hidden != nil:
		return p.askHidden(ctx, "Authorization: ")
	case stdin:
		return p.secretFromStdin(ctx)
	case bearer != "":
		token, err := p.tokenFrom(bearer, "--bearer-file") // what isn't a token at all is sent, too: the verdict says what it is taken for
		return "Bearer " + token, err
	}
	return "", nil
}

// meanings says in a few words what the commonest reasons mean.
var meanings = map[string]string{
	"address_not_allowed": "the token doesn't count from there; --remote-ip says from where the call comes",
	"ambiguous_path":      "the path could be read in two ways",
	"bad_checksum":        "the token was cut or mistyped",
	"bad_seal":            "a sealed token that no enabled token set of the project opens, or that was changed",
	"bad_signature":       "a signed token that was altered, or made by somebody else",
	"blocked":             "its user is blocked",
	"service_suspended":   "the service is suspended since the database was restored, until an administrator confirms or changes it",
	"suspended":           "its user is suspended since the database was restored",
	"cross_origin":        "a page from elsewhere had the browser send it",
	"deleted":             "it, or what it was got for, was deleted",
	"disabled":            "it, or what it was got for, is disabled",
	"ended":               "the session was ended, or its user or platform was changed since",
	"exchange_first":      "an API token, in the place of the access token that it is exchanged for",
	"expired":             "its end has come",
	"insufficient_scope":  "it is narrowed to other operations",
	"malformed":           "it doesn't have the form of a credential",
	"no_credential":       "the call presents none",
	"no_operation":        "no operation of the service matches the call",
	"not_accepted_here":   "a credential of this kind does not open the service",
	"not_in_audience":     "the operation is not for this user",
	"not_yet":             "a signed token whose time is still to come",
	"rate_limited":        "the token is used more often than it may be",
	"revoked":             "the token was taken back before its end",
	"revoked_key":         "the key that signed the token was revoked",
	"superseded":          "the token was replaced by a newer one, or revoked",
	"throttled":           "too many wrong passwords, for this user or from this address",
	"two_credentials":     "two of them, in the header or as cookies",
	"unknown":             "no such token was ever made here, or it is long gone",
	"unknown_project":     "sealed tokens for a project that there isn't, or another than the service's",
	"unknown_key":         "a signed token that names no key of this Jeton",
	"unknown_service":     "no service has this host and path",
	"unknown_user":        "no user of that name, or one without a password",
	"unrecognized":        "the token is of no known kind",
	"user_deleted":        "its user was deleted",
	"wrong_app_key":       "a sealed token with none of the project's app keys",
	"wrong_audience":      "it is narrowed to another service",
	"wrong_context":       "a sealed token of another security context",
	"wrong_fields":        "a sealed token that lacks a field, or has one that can't be",
	"wrong_issuer":        "it was signed by another Jeton, or under another public URL",
	"wrong_password":      "its user has another password",
}

// atService says which service answers for the call, where one does.
func atService(v api.Verdict) string {
	if v.Service == "" {
		return ""
	}
	return " (service " + v.Service + ")"
}

// showVerdict prints a verdict, and returns errDenied for one that denies: a script can then branch on the exit code. That
// no verdict could be had has the same code, so that what isn't known to be allowed is not.
func (p *program) showVerdict(v api.Verdict) error {
	err := p.show(v, func() {
		switch {
		case !v.Allow:
			p.say("Refused: %s%s.", strings.TrimSuffix(v.Reason+", "+meanings[v.Reason], ", "), atService(v))
		case v.Principal == nil:
			p.say("Allowed%s.", atService(v))
		default:
			p.say("Allowed: %s by %s, roles %s%s.", v.Principal.Username, v.Principal.Credential.Kind,
				orDash(strings.Join(v.Principal.Roles, ",")), atService(v))
		}
	})
	if err == nil && !v.Allow {
		if p.output != formatJSON {
			if err := p.out.Flush(); err != nil { // or the advice would stand before what it is about
				return outputError(err)
			}
			p.hint("What to do about a refusal: docs/how-to/refusals.md. All reasons: docs/reference/codes.md.")
		}
		return errDenied
	}
	return err
}
