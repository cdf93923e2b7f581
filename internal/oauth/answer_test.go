package oauth_test

import (
	"encoding/json"
	"testing"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/oauth"
)

// FuzzToken holds the answer with a token to the bytes of encoding/json.
func FuzzToken(f *testing.F) {
	f.Add("eyJ.eyJ.c2ln", "urn:ietf:params:oauth:token-type:access_token", "Bearer", int64(300), "reports.read", true)
	f.Add("", "", "", int64(-1), "", true)
	f.Add("a", "", "Bearer", int64(0), "", false)
	f.Add("\"\\", "<", ">", int64(1)<<62, "a&b \xff\u2028", true)
	f.Fuzz(func(t *testing.T, access, issued, kind string, expires int64, scope string, narrowed bool) {
		out := api.OAuthToken{AccessToken: access, IssuedTokenType: issued, TokenType: kind, ExpiresIn: expires}
		if narrowed {
			out.Scope = &scope
		}
		want, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		if got := oauth.AppendToken(nil, &out); string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
