package platform_test

import (
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
)

// FuzzTimes: whatever the claims say of their times, an assertion that lives ends, within the bound, and is dead from then on.
func FuzzTimes(f *testing.F) {
	for _, claims := range []string{
		`{}`, `{"expire":1795262460}`, `{"expire":"1795262460000"}`, `{"exp":1795262460,"expire":1795262461}`, `{"exp":1.5}`, `{"expire":null}`,
		`{"expire":9223372036854775807}`, `{"expire":-9223372036854775808}`, `{"exp":1795262460,"nbf":9223372036854775807}`, `{"exp":1e400}`,
		`{"expire":100000000001}`, `{"exp":"100000000000"}`, `{"iat":-1,"exp":1795262400}`,
	} {
		f.Add(claims, int64(1795262400), true)
		f.Add(claims, int64(0), false)
	}
	const maxLife = 15 * time.Minute
	header := encoded(`{"alg":"HS256"}`)
	f.Fuzz(func(t *testing.T, payload string, seconds int64, grant bool) {
		token, err := jose.Parse(header + "." + encoded(payload) + ".AA")
		if err != nil || seconds < 0 || seconds > 1<<40 { // a clock of some ten thousand years
			return
		}
		now := time.Unix(seconds, 0)
		ends, reason := platform.JudgeTimes(now, maxLife, grant, token.UnverifiedClaims())
		if reason != "" {
			if !ends.IsZero() {
				t.Fatalf("got the end %s of what is refused as %s", ends, reason)
			}
			return
		}
		if !ends.After(now) || ends.After(now.Add(maxLife+10*time.Second)) {
			t.Fatalf("got the end %s at %s", ends, now)
		}
		if _, reason := platform.JudgeTimes(ends, maxLife, grant, token.UnverifiedClaims()); reason != authority.ReasonExpired {
			t.Fatalf("got %q at its end, want expired", reason)
		}
		if _, reason := platform.JudgeTimes(ends.Add(-time.Microsecond), maxLife, grant, token.UnverifiedClaims()); reason != "" {
			t.Fatalf("got %q a microsecond before its end, want none", reason)
		}
	})
}
