package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// guardedListener is where Apache httpd serves, as a resource server of its own: no Jeton stands before it.
const guardedListener = "127.0.0.1:8004"

// apacheConf is what an Apache of Debian's has, without its sites.
const apacheConf = `
ServerName api.example.com
Listen ` + guardedListener + `
PidFile apache.pid
DefaultRuntimeDir .
ErrorLog error.log
LogLevel warn
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule oauth2_module /usr/lib/apache2/modules/mod_oauth2.so
User www-data
Group www-data
DocumentRoot htdocs
Include introspect.conf
Include jwks.conf
`

// startGuard starts Apache with the guide's two configurations of mod_oauth2, until the test ends.
func (s *stack) startGuard(t *testing.T, verifier credential) *proxy {
	t.Helper()
	root := filepath.Join(s.dir, "apache")
	for _, place := range []string{"introspected", "signed"} {
		must(t, os.MkdirAll(filepath.Join(root, "htdocs", place), 0o755))
		must(t, os.WriteFile(filepath.Join(root, "htdocs", place, "7"), []byte("report 7"), 0o644))
	}
	run(t, "cp", "clients/apache/introspect.conf", "clients/apache/jwks.conf", root)
	must(t, os.WriteFile(filepath.Join(root, "apache.conf"), []byte(apacheConf), 0o644))
	cmd := exec.Command("apache2", "-d", root, "-f", "apache.conf", "-DFOREGROUND")
	cmd.Env = append(os.Environ(), "CLIENT_ID="+verifier.env["CLIENT_ID"], "CLIENT_SECRET="+verifier.env["CLIENT_SECRET"])
	return s.startProxy(t, "guard", guardedListener, cmd)
}

// testApache calls an API that Apache itself guards: by introspection, a disabled token is refused at once; by the keys
// alone it isn't, until it expires, but there is no next one.
func (s *stack) testApache(t *testing.T, verifier credential) {
	s.startGuard(t, verifier)
	get := func(path, accessToken string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+guardedListener+path, http.NoBody)
		must(t, err)
		if accessToken != "" {
			r.Header.Set("Authorization", "Bearer "+accessToken)
		}
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, res.Body.Close())
		return res.StatusCode
	}
	want := func(path, accessToken string, want int) {
		t.Helper()
		if got := get(path, accessToken); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
	id, apiToken := s.apiToken(t, "Apache", "ExternalApp")
	accessToken := s.exchanged(t, apiToken)
	for _, path := range []string{"/introspected/7", "/signed/7"} {
		want(path, "", 401)
		want(path, accessToken[:len(accessToken)-8]+"AAAAAAAA", 401)
		want(path, accessToken, 200)
	}
	want("/introspected/7", apiToken, 401) // signed by Jeton, and no access token
	want("/signed/7", apiToken, 401)
	s.enable(t, id, false)
	want("/introspected/7", accessToken, 401)
	want("/signed/7", accessToken, 200)
	if status, body := s.seedExchange(t, apiToken); status != "401" || body != "null" {
		t.Errorf("the exchange of a disabled token: got %s %.20q, want 401 null", status, body)
	}
}
