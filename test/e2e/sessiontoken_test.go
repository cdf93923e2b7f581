package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jeton-io/jeton/api"
)

// sessionID is the form of a session token, as BitCanuck's clients know it.
var sessionID = regexp.MustCompile(`^[0-9A-Za-z]{51}$`)

// TestSessionTokens logs a user in by each recipe, has nginx honour what that gets, for the user's own path alone, and logs
// it out.
func TestSessionTokens(t *testing.T) {
	s := emptyStack(t)
	s.begin(t)
	s.via = s.startNginx(t, nginxConf)
	s.proxies = []*proxy{s.via}
	const email = "john@email.com"
	john := s.v1(t, http.MethodPost, "/users", object{"username": "john", "email": email, "password": userPassword}, http.StatusCreated)
	other, _, err := s.admin.User(t.Context(), "alice")
	must(t, err)
	s.service(t, api.NewService{Name: "people", Host: "api.example.com", PathPrefix: "/people"}, "GET /{userId}/books self:{userId}")

	dir := t.TempDir()
	key, public := filepath.Join(dir, "key.pem"), filepath.Join(dir, "public.pem")
	run(t, "openssl", "genrsa", "-out", key, "2048")
	run(t, "openssl", "rsa", "-in", key, "-pubout", "-out", public)
	platform := s.v1(t, http.MethodPost, "/platforms", object{"name": "Partner", "public_key": readFile(t, public)}, http.StatusCreated)

	base := "http://" + nginxListener
	call := func(t *testing.T, method, path, token string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, http.NoBody)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return res.StatusCode
	}
	for name, recipe := range map[string][]string{
		"curl":    {"bash", "clients/assertion/password.sh"},
		"openssl": {"bash", "clients/assertion/openssl.sh"},
		"go":      {"go", "run", "./clients/assertion/go"},
		"node":    {"node", "clients/node/assert.mjs"},
		"python":  {"/usr/bin/python3", "clients/assertion/assert.py"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), recipe[0], recipe[1:]...)
			cmd.Env = append(os.Environ(), "API_URL="+base, "EMAIL="+email, "PASSWORD="+userPassword, "KEY_FILE="+key, "PLATFORM="+platform.text("code"))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			must(t, err)
			var answer struct{ Data struct{ ID, UserID string } }
			must(t, json.Unmarshal(out, &answer))
			token := answer.Data.ID
			if !sessionID.MatchString(token) || answer.Data.UserID != john.text("id") {
				t.Fatalf("got a token of %d characters for the user %s, want one of 51 for %s", len(token), answer.Data.UserID, john.text("id"))
			}
			s.secrets = append(s.secrets, token)
			for _, step := range []struct {
				method, path string
				want         int
			}{
				{http.MethodGet, "/people/" + john.text("id") + "/books", http.StatusOK},
				{http.MethodGet, "/people/" + other.ID + "/books", http.StatusForbidden},
				{http.MethodPost, "/api/v1/logout", http.StatusNoContent},
				{http.MethodGet, "/people/" + john.text("id") + "/books", http.StatusUnauthorized},
			} {
				if got := call(t, step.method, step.path, token); got != step.want {
					t.Errorf("%s %s: got %d, want %d", step.method, step.path, got, step.want)
				}
			}
		})
	}
	s.stop(t, s.via.cmd)
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}
