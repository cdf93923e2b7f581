package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/web"
)

// TestSetQuotas tells of each bound, rounded so that nobody comes too early, and of none.
func TestSetQuotas(t *testing.T) {
	minute := authority.Quota{Limit: 100, Window: time.Minute, Remaining: 57, Reset: 600 * time.Millisecond}
	spent := authority.Quota{Limit: 3, Window: 3 * time.Second, Reset: time.Second}
	for _, test := range []struct {
		name         string
		quotas       authority.Quotas
		policy, left string
	}{
		{"none", authority.Quotas{}, "", ""},
		{"a token's", authority.Quotas{Credential: minute}, `"token";q=100;w=60`, `"token";r=57;t=1`},
		{"a service's", authority.Quotas{Service: spent}, `"service";q=3;w=3`, `"service";r=0;t=1`},
		{"both", authority.Quotas{Credential: minute, Service: spent}, `"token";q=100;w=60, "service";q=3;w=3`, `"token";r=57;t=1, "service";r=0;t=1`},
		{
			"the largest",
			authority.Quotas{Credential: authority.Quota{Limit: 1 << 62, Window: 1<<62 + 1, Remaining: 1<<62 - 1, Reset: 1<<62 + 1}},
			`"token";q=999999999999999;w=4611686019`, `"token";r=999999999999999;t=4611686019`,
		},
	} {
		h := http.Header{"Ratelimit": {"limit=10, remaining=5"}, "Ratelimit-Policy": {"10;w=60", "of the API"}}
		want := http.Header{"Ratelimit": {test.left}, "Ratelimit-Policy": {test.policy}}
		if test.left == "" {
			want = h.Clone()
		}
		web.SetQuotas(h, &test.quotas)
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
