package cli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/cli"
)

// TestHelp asks every command for its help, and does what its examples say.
func TestHelp(t *testing.T) {
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(problem("unavailable", 503)))
	}))
	defer busy.Close()
	count := 0
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		count++
		path := strings.Fields(cmd.CommandPath())[1:]
		got := run(t, cli.Env{}, append(path, "--help")...)
		got.want(t, 0)
		if cmd.Short == "" || cmd.Example == "" || got.stderr != "" || !strings.Contains(got.stdout, "Usage:\n  "+cmd.UseLine()+"\n") {
			t.Errorf("%s: got short text %q, example %q, and the help:\n%s", cmd.CommandPath(), cmd.Short, cmd.Example, got.stdout)
		}
		for _, line := range strings.Split(cmd.Long, "\n") {
			if len(line) > 80 {
				t.Errorf("%s: a line of its help is longer than 80 characters: %s", cmd.CommandPath(), line)
			}
		}
		for _, example := range strings.Split(cmd.Example, "\n") {
			args := exampleArgs(t, example)
			if args[0] == "serve" || args[0] == "recover" || args[0] == "demo" {
				args = append(args, "--help") // it would serve without end, or change what is there
			}
			got := run(t, cli.Env{Stdin: strings.NewReader(canary), Hidden: typing, Environ: []string{"JETON_URL=" + busy.URL}}, args...)
			got.want(t, got.code)
			if got.code == 2 {
				t.Errorf("%s: the example %q is not understood: %s", cmd.CommandPath(), example, got.stderr)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(cli.Commands())
	if count < 40 {
		t.Errorf("got %d commands, want all", count)
	}
}

// typing is a user at a terminal who always types the same.
func typing(context.Context) (client.Secret, error) { return canary, nil }

// shellWord is a word of a shell's line, quoted or not.
var shellWord = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`)

// exampleArgs returns the arguments of jeton in a line of a shell.
func exampleArgs(t *testing.T, line string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(line, "jeton ")
	if !ok || !strings.HasPrefix(line, "  ") {
		t.Fatalf("the example %q doesn't call jeton, or isn't indented", line)
	}
	var args []string
	for _, word := range shellWord.FindAllString(rest, -1) {
		if word == "<" || word == ">" || word == "|" {
			break
		}
		args = append(args, strings.Trim(word, `'"`))
	}
	return args
}
