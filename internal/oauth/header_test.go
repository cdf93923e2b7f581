package oauth_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
)

// TestHeaders holds the whole header of each kind of answer, but for its time and the request's ID.
func TestHeaders(t *testing.T) {
	d := newEdge(t)
	ann := d.user(t, account.Draft{Username: "ann"})
	_, text := d.client(t, "gate", "admin")
	_, token := d.token(t, "ann", nil)
	json := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"}}
	asked := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
	failed := plus(json, "X-Content-Type-Options", "nosniff")
	for name, test := range map[string]struct {
		q      ask
		status int
		want   http.Header
	}{
		"a token":         {ask{path: "/oauth/token", form: exchangeOf(token)}, 200, json},
		"a bad token":     {ask{path: "/oauth/token", form: exchangeOf(token + "A")}, 400, failed},
		"a bad client":    {ask{path: "/oauth/token", form: exchangeOf(token), basic: "gate:" + text[:50]}, 401, plus(failed, "Www-Authenticate", `Basic realm="jeton", charset="UTF-8"`)},
		"active":          {ask{path: "/oauth/introspect", form: formOf("token", d.personalToken(t, ann)), basic: "gate:" + text}, 200, asked},
		"inactive":        {ask{path: "/oauth/introspect", form: formOf("token", "hello"), basic: "gate:" + text}, 200, asked},
		"a bad asker":     {ask{path: "/oauth/introspect", form: formOf("token", "hello")}, 401, plus(failed, "Www-Authenticate", `Bearer realm="jeton", Basic realm="jeton", charset="UTF-8"`)},
		"revoked":         {ask{path: "/oauth/revoke", form: formOf("token", "a.b.c"), basic: "gate:" + text}, 200, http.Header{"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}}},
		"no form at all":  {ask{path: "/oauth/token?grant_type=x", form: exchangeOf(token)}, 400, failed},
		"a path with %74": {ask{path: "/oauth/%74oken", form: exchangeOf(token)}, 200, json},
	} {
		a := d.do(t, test.q)
		got := a.header.Clone()
		for _, name := range []string{"Date", "X-Request-Id"} {
			if len(got[name]) != 1 {
				t.Errorf("%s: got %s %q, want one", name, name, got[name])
			}
			got.Del(name)
		}
		if diff := cmp.Diff(plus(test.want, "Content-Length", strconv.Itoa(len(a.body))), got); a.status != test.status || diff != "" {
			t.Errorf("%s: got %d, want %d; header (-want +got): %s", name, a.status, test.status, diff)
		}
	}
}

// plus returns a header with one more field.
func plus(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}
