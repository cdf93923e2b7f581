package e2e_test

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/jeton-io/jeton/test/e2e/clients/goclient"
)

// apiURL is what every client calls, by way of nginx.
const apiURL = "http://" + nginxListener + "/reports/7"

// oauthClient takes a step, such as "token" or "call", and tells what came of it: "ok", the status and the body of a good
// answer, or the status or the OAuth error of another.
type oauthClient func(t *testing.T, step string) string

// way is how a client comes by its access tokens.
type way struct {
	client, grant string
	credential    func(s *stack, t *testing.T, name string) credential
	start         func(t *testing.T, w way, c credential) oauthClient
	steps         []string // beside token and call
	refused       []string // what a stopped credential gets from the token endpoint, as the client tells it
}

// credential is what a client is given.
type credential struct {
	env  map[string]string
	user string           // who calls with it
	stop func(*testing.T) // takes it away by /v1
}

// TestClients has each client go the whole way: an access token, a call of the API through nginx, and, when the credential
// has been taken away by /v1, no further call and no further token.
func TestClients(t *testing.T) {
	s := emptyStack(t)
	s.begin(t)
	s.via = s.startNginx(t, nginxConf)
	s.proxies = []*proxy{s.via}
	s.user(t, "person", "ExternalApp", "partner")
	verifier := s.verifier(t)
	t.Run("clients", func(t *testing.T) {
		for _, w := range ways {
			t.Run(w.client+" "+w.grant, func(t *testing.T) {
				c := w.credential(s, t, w.client+"."+w.grant)
				c.env["API_URL"], c.env["VERIFIER_ID"], c.env["VERIFIER_SECRET"] = apiURL, verifier.env["CLIENT_ID"], verifier.env["CLIENT_SECRET"]
				t.Parallel() // what stands above adds to the secrets
				w.test(t, c)
			})
		}
		t.Run("apache", func(t *testing.T) { s.testApache(t, verifier) })
	})
	s.stop(t, s.via.cmd)
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

var ways = []way{
	{"curl", "matrix42", exchanging, program("bash", "curl/drive.sh"), nil, []string{"401"}},
	{"curl", "exchange", exchanging, program("bash", "curl/drive.sh"), nil, []string{"400"}},
	{"curl", "client_secret_basic", bySecret, program("bash", "curl/drive.sh"), nil, []string{"401"}},
	{"authlib", "exchange", exchanging, program("/usr/bin/python3", "python/drive.py"), nil, []string{"invalid_request"}},
	{"authlib", "client_secret_basic", bySecret, program("/usr/bin/python3", "python/drive.py"), nil, []string{"invalid_client"}},
	{"authlib", "client_secret_post", bySecret, program("/usr/bin/python3", "python/drive.py"), nil, []string{"invalid_client"}},
	{"authlib", "private_key_jwt", byRSAKey, program("/usr/bin/python3", "python/drive.py"), nil, []string{"invalid_client"}},
	{"openid-client", "exchange", exchanging, program("node", "node/drive.mjs"), []string{"verify", "introspect"}, []string{"invalid_request"}},
	{"openid-client", "client_secret_basic", bySecret, program("node", "node/drive.mjs"), []string{"verify", "introspect", "revoke"}, []string{"invalid_client", "401"}},
	{"openid-client", "private_key_jwt", byECKey, program("node", "node/drive.mjs"), []string{"introspect"}, []string{"invalid_client", "401"}},
	{"oauth4webapi", "exchange", exchanging, program("node", "node/drive.mjs"), []string{"verify"}, []string{"invalid_request"}},
	{"oauth4webapi", "client_secret_post", bySecret, program("node", "node/drive.mjs"), []string{"verify"}, []string{"invalid_client", "401"}},
	{"go", "exchange", exchanging, inGo, []string{"verify"}, []string{"invalid_request"}},
	{"go", "client_secret_basic", bySecret, inGo, []string{"verify"}, []string{"invalid_client"}},
}

func (w way) test(t *testing.T, c credential) {
	do := w.start(t, w, c)
	want := func(step string, want ...string) {
		t.Helper()
		if got := do(t, step); !slices.Contains(want, got) {
			t.Fatalf("%s: got %q, want %q", step, got, want)
		}
	}
	called := "200 /reports/7 " + c.user
	want("token", "ok")
	want("call", called)
	for _, step := range w.steps {
		want(step, "ok", "active")
	}
	if slices.Contains(w.steps, "revoke") { // its own access token, and nothing else
		want("call", "401")
		want("introspect", "inactive")
		want("token", "ok")
		want("call", called)
	}
	c.stop(t)
	want("call", "401")
	if slices.Contains(w.steps, "introspect") {
		want("introspect", "inactive")
	}
	want("token", w.refused...)
	want("call", "401")
}

// exchanging is an API token for ExternalApp.
func exchanging(s *stack, t *testing.T, name string) credential {
	t.Helper()
	id, token := s.apiToken(t, name, "ExternalApp")
	return credential{map[string]string{"API_TOKEN": token}, "ExternalApp", func(t *testing.T) { s.enable(t, id, false) }}
}

// bySecret is a service account with a client secret.
func bySecret(s *stack, t *testing.T, name string) credential {
	t.Helper()
	s.user(t, "service", name, "partner")
	made := s.v1(t, http.MethodPost, "/users/"+name+"/client-secrets", nil, http.StatusCreated)
	if !strings.HasPrefix(made.text("secret"), "jtc") {
		t.Fatalf("%s: got a secret of %d bytes, want a client secret", name, len(made.text("secret")))
	}
	s.secrets = append(s.secrets, made.text("secret"))
	return credential{map[string]string{"CLIENT_ID": name, "CLIENT_SECRET": made.text("secret")}, name, func(t *testing.T) {
		s.v1(t, http.MethodDelete, "/users/"+name+"/client-secrets/"+made.text("id"), nil, http.StatusNoContent)
	}}
}

func byRSAKey(s *stack, t *testing.T, name string) credential {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return s.byKey(t, name, key)
}

func byECKey(s *stack, t *testing.T, name string) credential {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return s.byKey(t, name, key)
}

// byKey is a service account that signs with a key of its own.
func (s *stack) byKey(t *testing.T, name string, key crypto.Signer) credential {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	must(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	s.user(t, "service", name, "partner")
	made := s.v1(t, http.MethodPost, "/users/"+name+"/client-keys",
		object{"public_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))}, http.StatusCreated)
	return credential{map[string]string{"CLIENT_ID": name, "CLIENT_KEY_FILE": file}, name, func(t *testing.T) {
		s.v1(t, http.MethodDelete, "/users/"+name+"/client-keys/"+made.text("id"), nil, http.StatusNoContent)
	}}
}

// verifier is a service account that may ask about the tokens of the service reports.
func (s *stack) verifier(t *testing.T) credential {
	t.Helper()
	c := bySecret(s, t, "reports.verifier")
	s.v1(t, http.MethodPatch, "/services/reports", object{"verifiers": []string{c.user}}, http.StatusOK)
	return c
}

// program is a client that takes its steps as a process of its own.
func program(interpreter, file string) func(*testing.T, way, credential) oauthClient {
	return func(t *testing.T, w way, c credential) oauthClient {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), interpreter, filepath.Join("clients", file), w.client, w.grant)
		cmd.Env = os.Environ()
		for name, value := range c.env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		t.Cleanup(func() {
			_ = in.Close()
			_ = cmd.Wait()
		})
		answers := bufio.NewReader(out)
		return func(t *testing.T, step string) string {
			t.Helper()
			_, err := io.WriteString(in, step+"\n")
			must(t, err)
			answer, err := answers.ReadString('\n')
			if err != nil {
				t.Fatalf("%s %s: reading the answer to %q: %v; is all installed that test/deps.sh names?", interpreter, file, step, err)
			}
			return strings.TrimSpace(answer)
		}
	}
}

// inGo is the client in Go.
func inGo(t *testing.T, _ way, c credential) oauthClient {
	config := goclient.ByClientSecret(c.env["CLIENT_ID"], c.env["CLIENT_SECRET"])
	if token := c.env["API_TOKEN"]; token != "" {
		config = goclient.ByAPIToken(token)
	}
	current := config.Client(t.Context())
	return func(t *testing.T, step string) string {
		t.Helper()
		answer, err := goStep(t.Context(), step, config, current)
		if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
			return refused.ErrorCode
		} else if err != nil {
			return err.Error()
		}
		return answer
	}
}

func goStep(ctx context.Context, step string, config *clientcredentials.Config, current *http.Client) (string, error) {
	switch step {
	case "token":
		token, err := config.Token(ctx)
		if err == nil && (!token.Valid() || token.Type() != "Bearer") {
			return token.Type(), nil
		}
		return "ok", err
	case "verify":
		token, err := config.Token(ctx)
		if err != nil {
			return "", err
		}
		claims, err := goclient.Claims(ctx, token.AccessToken)
		if err == nil && claims["sub"] == "" {
			return "no subject", nil
		}
		return "ok", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, apiURL, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := current.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Sprint(res.StatusCode), nil
	}
	body, err := io.ReadAll(res.Body)
	return fmt.Sprintf("%d %s", res.StatusCode, body), err
}

var recipeBlock = regexp.MustCompile("(?s)<!-- run by test/e2e/(?:clients|sessiontoken|sealed)_test.go: ([^ ]+) -->\n```[a-z]+\n(.*?)```")

// TestRecipes holds the blocks of three guides to the files that TestClients, TestSessionTokens and TestSealedTokens run. A block
// is a run of lines of its file, with another indentation at most.
func TestRecipes(t *testing.T) {
	plain := func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(strings.TrimSpace(line) + "\n")
		}
		return b.String()
	}
	guide := readFile(t, "../../docs/how-to/oauth-clients.md") + readFile(t, "../../docs/how-to/platforms.md") + readFile(t, "../../docs/how-to/sealed-tokens.md")
	shown := map[string]int{}
	for _, block := range recipeBlock.FindAllStringSubmatch(guide, -1) {
		file, text := block[1], block[2]
		folder, _, _ := strings.Cut(file, "/")
		shown[file]++
		if shown[folder]++; !strings.Contains("\n"+plain(readFile(t, filepath.Join("clients", file))), "\n"+plain(text)) {
			t.Errorf("a guide shows, as %s, what doesn't stand there:\n%s", file, text)
		}
	}
	for _, part := range []string{
		"curl", "python", "node", "goclient", "apache",
		"assertion/openssl.sh", "assertion/assert.py", "node/assert.mjs", "assertion/go/main.go", "assertion/grant.py",
		"sealed/openssl.sh", "sealed/go/main.go", "sealed/seal.mjs", "sealed/seal.py",
	} {
		if shown[part] == 0 {
			t.Errorf("the guides show nothing of %s", part)
		}
	}
	var modules struct{ Dependencies map[string]string }
	must(t, json.Unmarshal([]byte(readFile(t, "clients/node/package.json")), &modules))
	for name, version := range modules.Dependencies {
		if !regexp.MustCompile(`(?m)^npm i .*\b` + regexp.QuoteMeta(name+"@"+version) + `( |$)`).MatchString(guide) {
			t.Errorf("no guide installs %s at the version that is tested, %s", name, version)
		}
	}
}
