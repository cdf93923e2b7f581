package cli_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jeton-io/jeton/internal/cli"
)

// TestReadSecret shows what of a file, and of stdin, is the password, and what is none. Each refusal has its twin.
func TestReadSecret(t *testing.T) {
	tests := map[string]struct{ text, want, refused string }{
		"plain":         {text: "p4ss", want: "p4ss"},
		"a line":        {text: "p4ss\n", want: "p4ss"},
		"a DOS line":    {text: "p4ss\r\n", want: "p4ss"},
		"spaces":        {text: "  p4 ss \n", want: "  p4 ss "},
		"not ASCII":     {text: "pässwörd\n", want: "pässwörd"},
		"not UTF-8":     {text: "p\xe4ss\n", refused: "is not UTF-8"},
		"long":          {text: strings.Repeat("a", 64<<10), want: strings.Repeat("a", 64<<10)},
		"too long":      {text: strings.Repeat("a", 64<<10+1), refused: "is far longer than any secret"},
		"nothing":       {text: "", refused: "is empty"},
		"an empty line": {text: "\n", refused: "is empty"},
		"two lines":     {text: "p4ss\nword\n", refused: "has more than one line"},
		"two breaks":    {text: "p4ss\n\n", refused: "has more than one line"},
	}
	for name, tt := range tests {
		file := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, flags := range [][]string{{"--password-stdin"}, {"--password-file", file}} {
			var answers []http.HandlerFunc
			if tt.refused == "" {
				answers = append(answers, func(w http.ResponseWriter, r *http.Request) {
					if body, _ := io.ReadAll(r.Body); string(body) != `{"password":"`+tt.want+`"}` {
						t.Errorf("%s %s: got %.40q, want the password %.40q", name, flags, body, tt.want)
					}
					answer(t, "PATCH /v1/users/alice", 200, `{"username":"alice"}`)(w, r)
				})
			}
			env := cli.Env{Environ: api(t, answers...), Stdin: strings.NewReader(tt.text)}
			got := run(t, env, append([]string{"user", "reset-password", "alice"}, flags...)...)
			if tt.refused == "" {
				got.want(t, 0)
			} else {
				got.want(t, 1, tt.refused)
			}
			if strings.Contains(got.stdout+got.stderr, "p4") {
				t.Errorf("%s: the password was shown: %s%s", name, got.stdout, got.stderr)
			}
		}
	}
}

// TestPasswordWithToken shows that a token doesn't do in place of the current password, which only a terminal can add.
func TestPasswordWithToken(t *testing.T) {
	token := []string{"JETON_USERNAME=", "JETON_PASSWORD=", "JETON_TOKEN=jtpABC"}
	changed := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if want := `{"current":"` + canary + `","new":"` + canary + `"}`; string(body) != want || r.Header.Get("Authorization") != "Bearer jtpABC" {
			t.Errorf("got %s by %s, want %s by the token", body, r.Header.Get("Authorization"), want)
		}
		answer(t, "PUT /v1/me/password", 204, "")(w, r)
	}
	run(t, cli.Env{Environ: append(api(t, changed), token...), Hidden: typing}, "password").want(t, 0, "Current password: ")
	run(t, cli.Env{Environ: append(api(t), token...), Stdin: strings.NewReader("new")}, "password", "--password-stdin").
		want(t, 2, "the current password is not given")
}

// TestHangup sends this process the signal by which operators ask for a reload.
func TestHangup(t *testing.T) {
	requests, stop := cli.Hangup()
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if got := <-requests; got != syscall.SIGHUP {
		t.Errorf("got %v, want %v", got, syscall.SIGHUP)
	}
}
