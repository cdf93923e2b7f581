package docs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestGoProgram builds the Go program of the guide and runs it, against a token endpoint and an API that answer as
// Jeton's do.
func TestGoProgram(t *testing.T) {
	text, err := os.ReadFile("../../docs/how-to/background-program.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 1 {
		t.Fatalf("got %d programs, want 1", len(blocks))
	}
	desk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.Path+" "+r.PostFormValue("subject_token"), "/oauth/token a.b.c"; got != want {
			t.Errorf("got request %q, want %q", got, want)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"access","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":300}`)
	}))
	defer desk.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.Path+" "+r.Header.Get("Authorization"), "/reports/7 Bearer access"; got != want {
			t.Errorf("got request %q, want %q", got, want)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()

	dir := t.TempDir()
	file, token := filepath.Join(dir, "main.go"), filepath.Join(dir, "api.token")
	for path, text := range map[string]string{file: blocks[0][1], token: "a.b.c\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", file) // within this module, whose packages it imports
	cmd.Env = append(os.Environ(), "JETON_URL="+desk.URL, "REPORTS_URL="+api.URL, "API_TOKEN_FILE="+token)
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintln(http.StatusOK, http.StatusText(http.StatusOK)); err != nil || string(out) != want {
		t.Errorf("got %v and %q, want %q", err, out, want)
	}
}
