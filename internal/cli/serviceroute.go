package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/api"
)

// routeFlags are the flags of a service that say what Jeton's proxy does with its calls, and how many are let in.
type routeFlags struct {
	upstream, profile, rate string
	queryTokens, identity   bool
}

// flags defines those that create and update share.
func (r *routeFlags) flags(p *program, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.upstream, "upstream", "", "`URL` to which Jeton's proxy passes calls on, as http://127.0.0.1:9000, or h2c:// for gRPC without TLS; nowhere, if not given or empty")
	f.StringVar(&r.profile, "profile", "", "product whose clients' own paths the proxy serves on the host; none, if not given or empty")
	f.BoolVar(&r.queryTokens, "forward-query-tokens", false, "have the proxy leave sealed tokens in the queries of calls")
	f.BoolVar(&r.identity, "identity-token", false, "have the proxy tell the API who calls by a signed token, too")
	f.StringVar(&r.rate, "rate-limit", "", rateUsage+", of all callers together")
	p.complete(cmd, "profile", "bitcanuck", "matrix42", "xdoc")
}

// check refuses an empty --rate-limit, as that of a script's empty variable: to pass over it would leave the service without one.
func (r *routeFlags) check(cmd *cobra.Command) error {
	if r.rate == "" && cmd.Flags().Changed("rate-limit") {
		return &usageError{text: "--rate-limit is empty", fix: "A service without that limit has no such flag."}
	}
	return nil
}

// draft writes the flags into the draft of a service.
func (r *routeFlags) draft(cmd *cobra.Command, draft *api.NewService) (err error) {
	if err := r.check(cmd); err != nil {
		return err
	}
	draft.Upstream, draft.Profile, draft.ForwardQueryTokens, draft.IdentityToken = r.upstream, r.profile, r.queryTokens, r.identity
	draft.RateLimit, err = rateOf(r.rate)
	return err
}

// patch writes those flags into the patch of a service that were given.
func (r *routeFlags) patch(cmd *cobra.Command, patch *api.ServicePatch, liftRate bool) error {
	rate, err := rateOf(r.rate)
	if err = errors.Join(err, r.check(cmd), exclusive(cmd, "rate-limit", "no-rate-limit")); err != nil {
		return err
	}
	patch.Upstream, patch.Profile = optional(cmd, "upstream", r.upstream), optional(cmd, "profile", r.profile)
	patch.ForwardQueryTokens, patch.IdentityToken = given(cmd, "forward-query-tokens", r.queryTokens), given(cmd, "identity-token", r.identity)
	patch.RateLimit = ratePatch(rate, liftRate)
	return nil
}

// routeFields returns what there is to show of a service's route.
func routeFields(s api.Service) []string {
	query, identity := "taken out by the proxy", "none"
	if s.ForwardQueryTokens {
		query = "passed on"
	}
	if s.IdentityToken {
		identity = "sent to the API"
	}
	return []string{
		"upstream", s.Upstream, "profile", s.Profile, "query tokens", query, "identity token", identity, "rate limit", rateText(s.RateLimit),
	}
}
