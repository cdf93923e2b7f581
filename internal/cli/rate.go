package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jeton-io/jeton/api"
)

// rateUsage is the help of each flag --rate-limit.
const rateUsage = "how many calls in which time, as 600/1m"

// rateOf reads the value of a flag --rate-limit; nil where it is empty. Which numbers are good, Jeton says.
func rateOf(text string) (*api.RateLimit, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no limit is none
	}
	calls, period, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(calls)
	per, perErr := time.ParseDuration(period)
	if err != nil || perErr != nil || per%time.Second != 0 {
		return nil, &usageError{text: "--rate-limit is no number of calls in a time of whole seconds, as 600/1m"}
	}
	return &api.RateLimit{Calls: n, PerSeconds: int(per / time.Second)}, nil
}

// ratePatch replaces a limit by another, lifts it, or leaves it as it is.
func ratePatch(rate *api.RateLimit, lift bool) api.Optional[api.RateLimitPatch] {
	if rate == nil {
		return api.Optional[api.RateLimitPatch]{Set: lift, Null: lift}
	}
	return api.Some(api.RateLimitPatch{Calls: api.Some(rate.Calls), PerSeconds: api.Some(rate.PerSeconds)})
}

// rateText shows a limit.
func rateText(r *api.RateLimit) string {
	if r == nil {
		return "none"
	}
	return fmt.Sprintf("%d calls in %d s", r.Calls, r.PerSeconds)
}
