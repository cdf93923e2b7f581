package cli_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// desk is a token endpoint that answers as its mode says, and to any API token but its own with a refusal.
type desk struct {
	mode  atomic.Pointer[string] // a key of answers
	asked atomic.Int64
}

// answers are what a desk can say: a status, a content type and a body. %d is the number of the request.
var answers = map[string]struct {
	status     int
	kind, body string
}{
	"grant":       {200, "application/json", `{"access_token":"access%d","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":300}`},
	"refuse":      {400, "application/json", `{"error":"invalid_grant","error_description":"the subject token is not valid"}`},
	"wrong-scope": {400, "application/json", `{"error":"invalid_scope"}`},
	"no-service":  {400, "application/json", `{"error":"invalid_target"}`},
	"busy":        {503, "application/problem+json", `{"title":"Busy","code":"unavailable"}`},
	"often":       {429, "application/json", `{"error":"temporarily_unavailable","error_description":"The credential is used more often than it may be."}`},
	"page":        {502, "text/html", `<h1>bad gateway</h1>`},
}

// signed returns an API token with those claims, as far as anybody without its key can tell.
func signed(claims string) string { return signedAs("api+jwt", claims) }

// signedAs returns a token of that type.
func signedAs(typ, claims string) string {
	text := base64.RawURLEncoding.EncodeToString
	return text([]byte(`{"alg":"RS256","typ":"`+typ+`"}`)) + "." + text([]byte(claims)) + "." + text([]byte("a signature that only Jeton can check"))
}

// The API tokens of the scripts, by the names of their files.
var apiTokens = map[string]string{
	"api.token":     signed(`{"jti":"0192f8a0-0000-7000-8000-000000000001","exp":4102444800}`), // the year 2100
	"never.token":   signed(`{"jti":"0192f8a0-0000-7000-8000-000000000002"}`),
	"expired.token": signed(`{"jti":"0192f8a0-0000-7000-8000-000000000003","exp":1577836800}`), // the year 2020
	"cased.token":   signed(`{"jti":"0192f8a0-0000-7000-8000-000000000004","EXP":1577836800}`), // which is no "exp"
	"access.jwt":    signedAs("at+jwt", `{"jti":"0192f8a0-0000-7000-8000-000000000005","exp":4102444800}`),
	"odd.token":     "not.a.token",
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := answers[*d.mode.Load()]
	n := d.asked.Add(1)
	if token := r.PostFormValue("subject_token"); token == apiTokens["expired.token"] || r.URL.Path != "/oauth/token" {
		a = answers["refuse"]
	}
	if asked := r.PostFormValue("scope") + r.PostFormValue("resource"); asked != "" && a.kind == "application/json" {
		a.body = fmt.Sprintf(`{"scope":%q,`, asked) + a.body[1:] // so that a script sees what was asked for
	}
	w.Header().Set("Content-Type", a.kind)
	if a.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "7")
	}
	w.WriteHeader(a.status)
	if a.status == http.StatusOK {
		a.body = fmt.Sprintf(a.body, n)
	}
	_, _ = io.WriteString(w, a.body)
}

// TestClientScripts runs each script of testdata/client against two desks of its own. There is no Jeton behind them, and
// no keyring but one that a script starts.
func TestClientScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/client",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"DESK", "DESK2"} {
				d := &desk{}
				d.mode.Store(new("grant"))
				s := httptest.NewServer(d)
				env.Defer(s.Close)
				env.Setenv(name, s.URL)
				env.Values[name] = d
			}
			for name, token := range apiTokens {
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(token+"\n"), 0o600); err != nil {
					return err
				}
			}
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			// A bus that isn't there: else that of who runs the test might be found, with a keyring of their own.
			env.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(env.WorkDir, "no-bus"))
			return nil
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "keep": keep, "desk": setDesk},
		RequireExplicitExec: true,
	})
}

// setDesk has the first desk answer otherwise: desk refuse.
func setDesk(ts *testscript.TestScript, neg bool, args []string) {
	if _, known := answers[args[0]]; neg || len(args) != 1 || !known {
		ts.Fatalf("usage: desk MODE")
	}
	d, ok := ts.Value("DESK").(*desk)
	if !ok {
		ts.Fatalf("there is no desk")
	}
	d.mode.Store(&args[0])
}
