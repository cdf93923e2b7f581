package docs_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// TestVerifierProgram builds the API of the guide and calls it, before and after its caller is blocked.
func TestVerifierProgram(t *testing.T) {
	text, err := os.ReadFile("../../docs/how-to/verify-in-process.md")
	check(t, err)
	j := jetontest.New(t)
	j.User("alice", "partner")
	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner")
	_, err = j.Admin.CreateUser(t.Context(), api.NewUser{Kind: "service", Username: "reports-api"}) // the name in the guide
	check(t, err)
	secret, err := j.Admin.CreateClientSecret(t.Context(), "reports-api")
	check(t, err)
	_, err = j.Admin.UpdateService(t.Context(), "reports", client.AnyVersion, api.ServicePatch{Verifiers: api.Some([]string{"reports-api"})})
	check(t, err)

	dir := t.TempDir()
	program, file := filepath.Join(dir, "api"), filepath.Join(dir, "verifier.secret")
	source := filepath.Join(dir, "main.go")
	check(t, os.WriteFile(source, []byte(goBlock.FindStringSubmatch(string(text))[1]), 0o600))
	check(t, os.WriteFile(file, []byte(secret.Secret+"\n"), 0o600))
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	address := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), "JETON_URL="+j.URL, "VERIFIER_SECRET_FILE="+file, "LISTEN="+address)
	check(t, cmd.Start())
	defer func() { stop(); _ = cmd.Wait() }()

	token := j.Token("alice")
	await(t, "http://"+address+"/reports/7", token, http.StatusOK, "report 7 for alice\n")
	j.SetState("alice", "blocked")
	await(t, "http://"+address+"/reports/7", token, http.StatusUnauthorized, "")
}

// await makes a call until it is answered as it should be, for as long as that may take.
func await(t *testing.T, url string, token client.Secret, status int, body string) {
	t.Helper()
	got := ""
	for began := time.Now(); time.Since(began) < 10*time.Second; {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		check(t, err)
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
		res, err := http.DefaultClient.Do(r)
		if err != nil { // it hasn't begun to listen
			continue
		}
		text, err := io.ReadAll(res.Body)
		check(t, err)
		check(t, res.Body.Close())
		if got = res.Status + " " + string(text); res.StatusCode == status && (body == "" || body == string(text)) {
			return
		}
	}
	t.Fatalf("got %q, want status %d", got, status)
}

// freeAddress returns an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
