package e2e_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/test/e2e/clients/goapi"
	"github.com/jeton-io/jeton/test/e2e/clients/goclient"
)

// checkers are what the guide has an API check its callers by. Each is given tokens, one a line, and answers each with whose
// call it came with, or that it is refused.
var checkers = map[string]func(t *testing.T, tokens []string) []string{
	"node":   checker("node", "node/drive_identity.mjs"),
	"python": checker("/usr/bin/python3", "python/drive_identity.py"),
	"go": func(t *testing.T, tokens []string) (answers []string) {
		for _, token := range tokens {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			must(t, err)
			if token != "" {
				r.Header.Set("X-Jeton-Identity", token)
			}
			if who, err := goapi.Caller(r); err != nil {
				answers = append(answers, "refused")
			} else {
				answers = append(answers, who.Username+" "+strings.Join(who.Groups, ",")+" "+who.Kind)
			}
		}
		return answers
	},
}

func checker(interpreter, file string) func(*testing.T, []string) []string {
	return func(t *testing.T, tokens []string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), interpreter, filepath.Join("clients", file))
		cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(tokens, "\n")+"\n"), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v; is all installed that test/deps.sh names?", interpreter, file, err)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
}

// TestIdentityTokens has an API behind the proxy look whose its calls are, as the guide says, and everything else that somebody
// could send in the place of such a token.
func TestIdentityTokens(t *testing.T) {
	s := emptyStack(t)
	s.serve = []string{"--proxy-listen", ownListener}
	s.begin(t)
	s.route(t, "reports", true)
	s.route(t, "other", true)
	_, exchangeable := s.apiToken(t, "for access", "alice")
	access := s.accessToken(t, exchangeable)

	told := s.told(t, "api.example.com", "/reports/7", s.tokens["alice"], "X-Jeton-Identity: forged", "X_Jeton_Identity: forged")
	byAccess := s.told(t, "api.example.com", "/reports/7", access)
	elsewhere := s.told(t, "other.example.com", "/reports/7", s.tokens["alice"])
	segments := strings.Split(told, ".")
	theirs := strings.Split(byAccess, ".")
	tokens := []struct{ name, token, want string }{
		{"alice's", told, "alice auditor,partner personal_token"},
		{"alice's by an access token", byAccess, "alice auditor,partner access_token"},
		{"alice's for another API", elsewhere, "refused"},
		{"her access token itself", access, "refused"},
		{"her API token itself", exchangeable, "refused"},
		{"other claims", strings.Join([]string{segments[0], theirs[1], segments[2]}, "."), "refused"},
		{"unsigned", segments[0] + "." + segments[1] + ".", "refused"},
		{"none", "", "refused"},
		{"alice's again", told, "alice auditor,partner personal_token"},
	}
	var all []string
	for _, test := range tokens {
		all = append(all, test.token)
	}
	for name, check := range checkers {
		t.Run(name, func(t *testing.T) {
			answers := check(t, all)
			if len(answers) != len(tokens) {
				t.Fatalf("got %d answers, want %d", len(answers), len(tokens))
			}
			for i, test := range tokens {
				if answers[i] != test.want {
					t.Errorf("%s: got %q, want %q", test.name, answers[i], test.want)
				}
			}
		})
	}
	s.testNoCredential(t, told)

	s.route(t, "reports", false)
	if head := s.callProxy(t, "api.example.com", "/reports/7", s.tokens["alice"], "X-Jeton-Identity: forged"); field(head, "X-Jeton-Identity") != "" {
		t.Errorf("a service that wants none: the API got %q", field(head, "X-Jeton-Identity"))
	}
	s.secrets = append(s.secrets, told, byAccess, elsewhere, access, exchangeable)
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// route has the proxy pass the calls of a service on to the API, with an identity token or without.
func (s *stack) route(t *testing.T, service string, identityToken bool) {
	t.Helper()
	s.v1(t, http.MethodPatch, "/services/"+service, object{"upstream": "http://127.0.0.1:9000", "identity_token": identityToken}, http.StatusOK)
}

// told returns the identity token that the API gets with a call by way of the proxy.
func (s *stack) told(t *testing.T, host, path, token string, fields ...string) string {
	t.Helper()
	told := field(s.callProxy(t, host, path, token, fields...), "X-Jeton-Identity")
	if strings.Count(told, ".") != 2 {
		t.Fatalf("got the identity token %q", told)
	}
	return told
}

// accessToken exchanges an API token (RFC 8693).
func (s *stack) accessToken(t *testing.T, apiToken string) string {
	t.Helper()
	token, err := goclient.ByAPIToken(apiToken).Token(t.Context())
	must(t, err)
	return token.AccessToken
}

// testNoCredential sends an identity token to Jeton's own doors, by each way in which a credential comes there.
func (s *stack) testNoCredential(t *testing.T, told string) {
	t.Helper()
	before, _ := s.refusals(t, "wrong_type")
	a, unknown := s.send(t, get("/reports/7", "Authorization: Bearer "+told)), s.send(t, get("/reports/7", "Authorization: Bearer eyJ.e30."))
	if a.status != http.StatusUnauthorized || unknown.status != a.status || a.header.Get("Www-Authenticate") != unknown.header.Get("Www-Authenticate") {
		t.Errorf("at the proxy: got %d, and %d of an unknown token", a.status, unknown.status)
	}
	if after, _ := s.refusals(t, "wrong_type"); after != before+1 {
		t.Errorf("the audit log tells of %d new refusals for wrong_type, want 1", after-before)
	}
	for _, path := range []string{"/v1/me", "/v1/users"} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+path, http.NoBody)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+told)
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != http.StatusUnauthorized || bytes.Contains(body, []byte("wrong_type")) {
			t.Errorf("%s: got %d %s, want 401", path, res.StatusCode, body)
		}
	}
}

var identityBlock = regexp.MustCompile("(?s)<!-- run by test/e2e/identity_test.go: ([^ ]+) -->\n```[a-z]+\n(.*?)```")

// TestIdentityRecipes holds the blocks of the guide to the files that TestIdentityTokens runs.
func TestIdentityRecipes(t *testing.T) {
	shown := 0
	for _, block := range identityBlock.FindAllStringSubmatch(readFile(t, "../../docs/how-to/identity-tokens.md"), -1) {
		if shown++; !strings.HasSuffix(readFile(t, filepath.Join("clients", block[1])), block[2]) {
			t.Errorf("the guide shows, as %s, what doesn't stand there:\n%s", block[1], block[2])
		}
	}
	if shown != len(checkers) {
		t.Errorf("the guide shows %d programs, want %d", shown, len(checkers))
	}
}
