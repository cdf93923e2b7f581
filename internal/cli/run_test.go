package cli_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/cli"
)

// canary stands in every secret of these tests.
const canary = "CANARY0123456789"

// result is what came of a run.
type result struct {
	code           int
	stdout, stderr string
}

// run runs a command in a world that begins as given; it has the administrator's password in its environment.
func run(t *testing.T, env cli.Env, args ...string) result {
	t.Helper()
	var stdout, stderr strings.Builder
	env.Args = args
	env.Environ = append([]string{"JETON_USERNAME=admin", "JETON_PASSWORD=" + canary}, env.Environ...)
	env.Command, env.Stderr = "jeton", &stderr
	if env.Stdin == nil {
		env.Stdin = strings.NewReader("")
	}
	if env.Stdout == nil {
		env.Stdout = &stdout
	}
	if env.Now == nil {
		env.Now = func() time.Time { return time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC) }
	}
	code := cli.Run(t.Context(), env)
	return result{code, stdout.String(), stderr.String()}
}

// want compares a result with an exit code and parts of stderr, and looks for secrets in it.
func (r result) want(t *testing.T, code int, stderr ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("got exit code %d, want %d; stderr:\n%s", r.code, code, r.stderr)
	}
	for _, part := range stderr {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("got stderr %q, want %q in it", r.stderr, part)
		}
	}
	if strings.Contains(r.stdout+r.stderr, canary) {
		t.Errorf("a secret was shown:\n%s%s", r.stdout, r.stderr)
	}
}

// api runs a server whose handlers answer one request each, in their order, and returns the environment that leads to
// it. Any request more or less fails the test.
func api(t *testing.T, handlers ...http.HandlerFunc) []string {
	t.Helper()
	next := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if next == len(handlers) {
			t.Errorf("got %s %s, want no more requests", r.Method, r.URL)
			return
		}
		next++
		handlers[next-1](w, r)
	}))
	t.Cleanup(func() {
		s.Close()
		if next != len(handlers) {
			t.Errorf("got %d requests, want %d", next, len(handlers))
		}
	})
	return []string{"JETON_URL=" + s.URL}
}

// answer returns the handler of one request, which has to be the given one.
func answer(t *testing.T, request string, status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if got := r.Method + " " + r.URL.Path; got != request {
			t.Errorf("got request %q, want %q", got, request)
		}
		w.Header().Set("Content-Type", "application/json")
		if status > 299 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func problem(code string, status int) string {
	return fmt.Sprintf(`{"type":"about:blank","title":"A title","status":%d,"code":%q,"fix":"Some advice.","instance":"0123abcd"}`, status, code)
}

// TestAnswers shows what is told of each sort of answer that isn't the one hoped for.
func TestAnswers(t *testing.T) {
	tests := []struct {
		status int
		body   string
		header []string
		want   []string
		not    string
	}{
		{400, problem("malformed_request", 400), nil, []string{"jeton: asking who I am: A title.\n", "  Some advice.\n"}, "0123abcd"},
		{401, problem("not_authenticated", 401), nil, []string{"jeton: the user name or the password from JETON_USERNAME and JETON_PASSWORD is wrong, or the user is blocked.\n"}, "0123abcd"},
		{403, problem("not_allowed", 403), nil, []string{"A title.\n"}, "JETON_PASSWORD"},
		{422, `{"title":"A title","code":"invalid_field","errors":[{"field":"a","problem":"is b","fix":"Do c."}]}`, nil, []string{"jeton: asking who I am: can't do that:\n  a: is b. Do c.\n"}, ""},
		{429, problem("too_many_requests", 429), []string{"Retry-After", "7"}, []string{"  Wait 7s, then try again.\n"}, "Some advice"},
		{500, problem("internal_error", 500), nil, []string{"The request's ID in the server's log is 0123abcd."}, ""},
		{502, "<html>", []string{"Content-Type", "text/html"}, []string{"unavailable: not an answer of Jeton's: status 502", "Does Jeton's public listener answer at http://127.0.0.1:"}, "<html>"},
		{200, "<html>", []string{"Content-Type", "text/html"}, []string{"not an answer of Jeton's: status 200"}, "<html>"},
		{302, "", []string{"Content-Type", "text/html", "Location", "https://elsewhere.example.com/x"}, []string{"a redirect to https://elsewhere.example.com, which was not followed"}, ""},
		{404, `{"title":"\u001b[31mred\u202e","code":"not_found"}`, nil, []string{"\uFFFD[31mred\uFFFD."}, "\x1b"},
	}
	for _, tt := range tests {
		env := cli.Env{Environ: api(t, answer(t, "GET /v1/me", tt.status, tt.body, tt.header...))}
		got := run(t, env, "me")
		got.want(t, 1, tt.want...)
		if got.stdout != "" || tt.not != "" && strings.Contains(got.stderr, tt.not) {
			t.Errorf("%d: got stdout %q, stderr %q, want no stdout, and no %q", tt.status, got.stdout, got.stderr, tt.not)
		}
	}
}

// TestJSONErrors shows that a program reads Jeton's own problem, with the source of the credential.
func TestJSONErrors(t *testing.T) {
	env := cli.Env{Environ: api(t, answer(t, "GET /v1/me", 401, problem("not_authenticated", 401)))}
	got := run(t, env, "me", "--output", "json")
	got.want(t, 1)
	want := `{"type":"about:blank","title":"A title","status":401,"detail":"the user name or the password from JETON_USERNAME and JETON_PASSWORD is wrong, or the user is blocked",` +
		`"code":"not_authenticated","instance":"0123abcd"}` + "\n"
	if got.stderr != want {
		t.Errorf("got %s, want %s", got.stderr, want)
	}
}

// TestSecretsInArguments gives secrets where people are used to giving them: nothing is done, nothing repeated.
func TestSecretsInArguments(t *testing.T) {
	for _, line := range []string{
		"user create alice --password " + canary, "user create alice --password=" + canary, "user create alice -p " + canary,
		"user create alice -p" + canary, "user create alice " + canary, "user create alice --password-stdin=" + canary,
		"user reset-password alice " + canary, "password " + canary, "password --new-password " + canary,
		"token rotate " + canary, "token show " + canary, "me --token " + canary, "me " + canary, "me -u admin:" + canary,
		"verify https://api.example.com/ --authorization " + canary, "verify https://api.example.com/ --bearer=" + canary,
		"client login " + canary, "client login --api-token " + canary, "client login --token=" + canary, "client token --api-token=" + canary,
		"verify https://api.example.com/ " + canary, "seal --key " + canary, "seal --app-key=" + canary, "unseal --token " + canary, "token-set create 1000 a --key " + canary, "project create 7 a --app-key " + canary,
		"serve --master-key " + canary, "serve --admin-password=" + canary,
	} {
		got := run(t, cli.Env{Environ: api(t)}, strings.Fields(line)...)
		got.want(t, 2, "A secret is never an argument")
	}
	// Where one was not to be expected, it isn't repeated either.
	for _, line := range []string{
		canary, "token " + canary, "user " + canary, "help " + canary, "me --limit=" + canary, "events --limit " + canary,
		"me --output " + canary, "completion " + canary, "events --since " + canary, "me --=" + canary, "client " + canary, "client token " + canary, "service allow a b " + canary,
	} {
		got := run(t, cli.Env{Environ: api(t)}, strings.Fields(line)...)
		got.want(t, 2)
	}
}

// brokenPipe takes nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestTokenThatNobodySaw shows that a token that could not be printed is not passed over in silence.
func TestTokenThatNobodySaw(t *testing.T) {
	for _, output := range []string{"text", "json"} {
		issued := answer(t, "POST /v1/me/personal-token", 201, `{"token":"jtp`+canary+`","created_at":"2026-11-02T03:04:05Z"}`)
		got := run(t, cli.Env{Environ: api(t, issued), Stdout: brokenPipe{}}, "token", "rotate", "--output", output)
		got.want(t, 1, "writing the output", "The new token is lost and the former one is dead: rotate again.")
	}
	got := run(t, cli.Env{Environ: api(t, answer(t, "GET /v1/users", 200, `{"items":[]}`)), Stdout: brokenPipe{}}, "user", "list")
	got.want(t, 1, "jeton: writing the output: io: read/write on closed pipe.\n")
}

// TestTokenOnTerminal shows the one hint more that a terminal gets.
func TestTokenOnTerminal(t *testing.T) {
	for terminal, lines := range map[bool]int{false: 1, true: 2} {
		issued := answer(t, "POST /v1/me/personal-token", 201, `{"token":"jtpABC","created_at":"2026-11-02T03:04:05Z"}`)
		got := run(t, cli.Env{Environ: api(t, issued), Terminal: terminal}, "token", "rotate")
		got.want(t, 0)
		if n := strings.Count(got.stderr, "\n"); got.stdout != "jtpABC\n" || n != lines {
			t.Errorf("terminal %v: got %q and %d lines of advice, want %d", terminal, got.stdout, n, lines)
		}
	}
}

// TestRotateWithoutAnswer shows what is said where nobody knows which token is the valid one.
func TestRotateWithoutAnswer(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	got := run(t, cli.Env{Environ: api(t, cut)}, "token", "rotate")
	got.want(t, 1, "no answer", "the former token is dead, and the new one is lost: rotate again")
}

// TestInterrupt shows that a command that waits for its user ends when it is told to.
func TestInterrupt(t *testing.T) {
	never, _ := io.Pipe()
	hidden := func(ctx context.Context) (client.Secret, error) { <-ctx.Done(); return "", ctx.Err() }
	tests := map[string]cli.Env{
		"stdin":     {Args: []string{"user", "create", "alice", "--password-stdin"}, Environ: []string{"JETON_TOKEN=t"}, Stdin: never},
		"file":      {Args: []string{"service", "set-operations", "a", "--file", "-"}, Environ: []string{"JETON_TOKEN=t"}, Stdin: never},
		"user name": {Args: []string{"me"}, Stdin: never, Hidden: hidden},
		"password":  {Args: []string{"me"}, Environ: []string{"JETON_USERNAME=a"}, Stdin: strings.NewReader(""), Hidden: hidden},
	}
	for name, env := range tests {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var stdout, stderr strings.Builder
		env.Stdout, env.Stderr, env.Now = &stdout, &stderr, time.Now
		if code := cli.Run(ctx, env); code != 1 || !strings.HasSuffix(stderr.String(), "jeton: interrupted.\n") {
			t.Errorf("%s: got exit code %d, stderr %q", name, code, stderr.String())
		}
	}
}

func TestCalledAs(t *testing.T) {
	for arg0, want := range map[string]string{
		"jeton": "jeton", "bin/jeton": "bin/jeton", "/tmp/go-build123/b001/exe/jeton": "go run ./cmd/jeton",
	} {
		if got := cli.CalledAs(arg0); got != want {
			t.Errorf("%s: got %q, want %q", arg0, got, want)
		}
	}
}

// TestTLSAdvice asks a server whose certificate nobody vouches for, one that is known by another name, and one that speaks
// TLS where plain http is expected: each time a person is told what to do.
func TestTLSAdvice(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("got a request") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	for url, want := range map[string]string{
		s.URL:                       "name its file in SSL_CERT_FILE",
		"https://localhost:" + port: "with the certificate of another name",
		"http://127.0.0.1:" + port:  "If it speaks TLS, the place begins with https://.",
	} {
		run(t, cli.Env{Environ: []string{"JETON_URL=" + url}}, "me").want(t, 1, want)
	}
}
