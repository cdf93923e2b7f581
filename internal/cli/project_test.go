package cli_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/cli"
)

const madeSet = `{"id":"8","name":"current","active":true,"mode":"CBC","key_size":256,"forgeable":true,"warning":"Beware.","key":"` + canary + `"}`

// TestSealingKeyThatNobodySaw shows that a key that could not be printed, or whose answer was lost, is not passed over in silence.
func TestSealingKeyThatNobodySaw(t *testing.T) {
	for _, output := range []string{"text", "json"} {
		made := answer(t, "POST /v1/projects/1000/token-sets", 201, madeSet)
		run(t, cli.Env{Environ: api(t, made), Stdout: brokenPipe{}}, "token-set", "create", "1000", "current", "-o", output).
			want(t, 1, "writing the output", "The token set was made and its key is lost: jeton token-set delete 1000 8, and make it again.")
	}
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	run(t, cli.Env{Environ: api(t, cut)}, "token-set", "create", "1000", "current").
		want(t, 1, "no answer", "a key that was made for it is lost: delete it by its name, and make it again.")
}

// TestSealingKeyOnTerminal: the key stands alone on stdout, and the warning of its mode beside it.
func TestSealingKeyOnTerminal(t *testing.T) {
	for terminal, lines := range map[bool]int{false: 2, true: 3} {
		made := answer(t, "POST /v1/projects/1000/token-sets", 201, strings.Replace(madeSet, canary, "the key", 1))
		got := run(t, cli.Env{Environ: api(t, made), Terminal: terminal}, "token-set", "create", "1000", "current", "--mode", "CBC")
		got.want(t, 0, "Warning: Beware.\n", "This key is shown once: hand it over to the application, and keep no copy.")
		if n := strings.Count(got.stderr, "\n"); got.stdout != "the key\n" || n != lines {
			t.Errorf("terminal %v: got %q and %d lines of advice, want the key and %d", terminal, got.stdout, n, lines)
		}
	}
}

// TestSetByName: a token set is found by its name, whatever its case; by an ID, nobody is asked.
func TestSetByName(t *testing.T) {
	const id = "0190a6f0-0000-7000-8000-000000000000"
	list := func() http.HandlerFunc {
		return answer(t, "GET /v1/projects/1000/token-sets", 200, `{"items":[{"id":"1","name":"other"},{"id":"`+id+`","name":"Current"}]}`)
	}
	deleted := func() http.HandlerFunc { return answer(t, "DELETE /v1/projects/1000/token-sets/"+id, 204, "") }
	for name, handlers := range map[string][]http.HandlerFunc{"current": {list(), deleted()}, id: {deleted()}} {
		run(t, cli.Env{Environ: api(t, handlers...)}, "token-set", "delete", "1000", name).want(t, 0)
	}
	run(t, cli.Env{Environ: api(t, list())}, "token-set", "delete", "1000", "none").want(t, 1, `there is no token set "none" of a project 1000`)
	missing := answer(t, "GET /v1/projects/1000/token-sets", 404, problem("not_found", 404))
	run(t, cli.Env{Environ: api(t, missing)}, "token-set", "show", "1000", "none").want(t, 1, "there is no project 1000", "jeton project list shows all")
}

// TestExplainSealedAtTerminal asks for the query without showing it, and takes a whole URL for one.
func TestExplainSealedAtTerminal(t *testing.T) {
	hidden := func(context.Context) (client.Secret, error) {
		return "https://api.example.com/?XST=" + canary + "#end", nil
	}
	told := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if want := `{"query":"XST=` + canary + `"}`; err != nil || string(body) != want {
			t.Errorf("got %s, %v, want %s", body, err, want)
		}
		answer(t, "POST /v1/projects/1000/explain", 200,
			`{"accepted":false,"reason":"bad_seal","steps":[{"step":"seal","passed":false,"found":"\u001b[31mno set","fix":"Compare."}]}`)(w, r)
	}
	got := run(t, cli.Env{Environ: api(t, told), Hidden: hidden}, "project", "explain", "1000", "--query-file", "-")
	got.want(t, 1, "Query: ")
	const want = "refused  seal       \ufffd[31mno set\n                    Compare.\nRefused: bad_seal, a sealed token that no enabled token set of the project opens, or that was changed.\n"
	if got.stdout != want {
		t.Errorf("got\n%s\nwant\n%s", got.stdout, want)
	}
	run(t, cli.Env{}, "project", "explain", "1000", "--security-token-file", "-", "--user-token-file", "-").want(t, 2, "standard input can't be both tokens")
	run(t, cli.Env{}, "verify", "https://api.example.com/", "--query-file", "-", "--authorization-stdin").want(t, 2, "can't be both the query and the header field")
}

// TestSealedOrigins: whom an application has made, and which sessions it has begun.
func TestSealedOrigins(t *testing.T) {
	sessions := answer(t, "GET /v1/users/amy/sessions", 200, `{"items":[{"id":"1","kind":"api_session","project":1000},{"id":"2","kind":"api_session"},{"id":"3","kind":"console_session"}]}`)
	got := run(t, cli.Env{Environ: api(t, sessions)}, "session", "list", "--user", "amy")
	got.want(t, 0)
	for _, want := range []string{"1   browser, by project 1000 ", "2   browser  ", "3   browser  "} {
		if !strings.Contains(got.stdout, "\n"+want) {
			t.Errorf("got\n%s\nwant %q in it", got.stdout, want)
		}
	}
	user := answer(t, "GET /v1/users/amy", 200, `{"username":"amy","external":{"profile":"p","id":"i","ref":"r","data":"d","flags":-7}}`)
	got = run(t, cli.Env{Environ: api(t, user)}, "user", "show", "amy")
	got.want(t, 0)
	for _, want := range []string{"external profile:    p", "external ID:         i", "external reference:  r", "external data:       d", "external flags:      -7"} {
		if !strings.Contains(got.stdout, want+"\n") {
			t.Errorf("got\n%s\nwant %q in it", got.stdout, want)
		}
	}
}
