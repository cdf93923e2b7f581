package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/jeton-io/jeton/api"
)

// TestCrossOrigin sends what a browser sends for a page from elsewhere, with the password that it remembers.
func TestCrossOrigin(t *testing.T) {
	d := newDesk(t)
	for _, tt := range []struct {
		name   string
		header map[string]string
		admit  bool
	}{
		{"no browser", nil, true},
		{"typed or same page", map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		{"same origin, an older browser", map[string]string{"Origin": d.URL}, true},
		{"cross-site", map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{"another host of the site", map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		{"elsewhere, an older browser", map[string]string{"Origin": d.URL + "0"}, false},
		{"a sandbox", map[string]string{"Origin": "null"}, false},
	} {
		q := ask{route: "POST /v1/me/personal-token", token: "root:" + adminPassword, header: tt.header}
		if tt.admit {
			d.want(t, q, http.StatusCreated, "")
			continue
		}
		d.refused(t)
		d.want(t, q, http.StatusForbidden, api.CodeNotAllowed)
		if got := d.refused(t); len(got) != 1 || got[0] != "v1 cross_origin none" {
			t.Errorf("%s: got refusals %v, want one of cross_origin", tt.name, got)
		}
		q.route = "GET /v1/me"
		d.want(t, q, http.StatusOK, "") // a page from elsewhere can't read the answer
	}
}
