package docs_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/jetontest"
)

// TestVerifierProgram types the guide's commands, builds its API and calls it, before and after its caller is blocked.
func TestVerifierProgram(t *testing.T) {
	text, err := os.ReadFile("../../docs/how-to/verify-in-process.md")
	check(t, err)
	j := jetontest.New(t)
	j.User("alice", "partner")
	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner")

	dir := t.TempDir()
	build(t, filepath.Join(dir, "bin", "jeton"), "../../cmd/jeton")
	commands := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", shBlock.FindStringSubmatch(string(text))[1])
	commands.Dir = dir
	commands.Env = append(os.Environ(), "JETON_URL="+j.URL, "JETON_USERNAME=admin", "JETON_PASSWORD="+jetontest.Password)
	if out, err := commands.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	program, file, source := filepath.Join(dir, "api"), filepath.Join(dir, "verifier.secret"), filepath.Join(dir, "main.go")
	check(t, os.WriteFile(source, []byte(goBlock.FindStringSubmatch(string(text))[1]), 0o600))
	build(t, program, source)
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

// shBlock is a block of commands that this test executes.
var shBlock = regexp.MustCompile("(?s)<!-- executed by test/docs/verifier_test.go -->\n```sh\n(.*?)```")

// build builds a program.
func build(t *testing.T, program, source string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
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
