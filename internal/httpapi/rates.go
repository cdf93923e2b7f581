package httpapi

import (
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/authority"
)

// rateOf returns the rate that a body names, or the zero one where it names none.
func rateOf(r *api.RateLimit) authority.Rate {
	if r == nil {
		return authority.Rate{}
	}
	return authority.Rate{Calls: r.Calls, Per: time.Duration(r.PerSeconds) * time.Second}
}

// wireRate returns a rate as the API shows it.
func wireRate(r authority.Rate) *api.RateLimit {
	if r.Calls == 0 {
		return nil
	}
	return &api.RateLimit{Calls: r.Calls, PerSeconds: int(r.Per / time.Second)}
}

// patchedRate returns a rate after a merge patch of it. One that is null is lifted.
func patchedRate(r authority.Rate, patch api.Optional[api.RateLimitPatch]) (authority.Rate, error) {
	if patch.Null {
		return authority.Rate{}, nil
	}
	wire := api.RateLimit{Calls: r.Calls, PerSeconds: int(r.Per / time.Second)}
	over(&wire.Calls, patch.Value.Calls)
	over(&wire.PerSeconds, patch.Value.PerSeconds)
	if wire.Calls == 0 { // which would lift the limit, too
		return authority.Rate{}, &authority.FieldError{Field: "rate_limit.calls", Problem: "is missing", Fix: "Give null for rate_limit to lift it."}
	}
	return rateOf(&wire), nil
}
