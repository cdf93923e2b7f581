package platform

import (
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// JudgeTimes holds claims to their times at a moment, as the examination does.
func JudgeTimes(now time.Time, maxLife time.Duration, grant bool, claims jose.Claims) (time.Time, authority.Reason) {
	ends, f := clock{now, maxLife, grant}.judge(claims)
	return ends, f.Reason
}
