package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// The blocks of a guide that are executed here, and the statuses that the comments behind its commands promise.
var (
	shellBlock   = regexp.MustCompile("(?s)<!-- executed by test/e2e/howto_test.go -->\n```sh\n(.*?)```")
	browserBlock = regexp.MustCompile("(?s)<!-- executed by test/e2e/howto_test.go: on a page of the API -->\n```js\n(.*?)\n```")
	promised     = regexp.MustCompile(`(?m)# (\d{3})$`)
	answered     = regexp.MustCompile(`HTTP/1\.1 (\d{3})`)
)

// groups returns the first group of each match.
func groups(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

// TestCallTheAPI does what docs/how-to/call-the-api.md says, word for word: the commands in a shell, the line of JavaScript
// in the browser that logged in.
func TestCallTheAPI(t *testing.T) {
	const password = "correct horse battery" // the README's
	s := newStack(t)
	_, version, err := s.admin.User(t.Context(), "alice")
	must(t, err)
	_, err = s.admin.UpdateUser(t.Context(), "alice", version, api.UserPatch{Password: api.Some(password)})
	must(t, err)
	dir := t.TempDir()
	token := s.rotate(t, s.client(t, client.Config{Username: "alice", Password: password}))
	must(t, os.WriteFile(filepath.Join(dir, "alice.token"), []byte(token+"\n"), 0o600))

	guide := readFile(t, "../../docs/how-to/call-the-api.md")
	blocks := shellBlock.FindAllStringSubmatch(guide, -1)
	if len(blocks) != 4 {
		t.Fatalf("got %d blocks to execute, want 4", len(blocks))
	}
	for _, block := range blocks {
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", block[1])
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v of\n%s\n%s", err, block[1], out)
		}
		if got, want := groups(answered, string(out)), groups(promised, block[1]); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("got statuses %v, want %v of\n%s\n%s", got, want, block[1], out)
		}
	}

	page := newBrowser(t)
	page.visit(t, console)
	page.logIn(t, "alice", password)
	page.visit(t, "http://"+nginxListener+"/reports/7")
	for _, block := range browserBlock.FindAllStringSubmatch(guide, -1) {
		if got := page.eval(t, "(async () => "+block[1]+")()"); got != "/reports/7 alice" {
			t.Errorf("%s: got %q, want the API's answer to alice", block[1], got)
		}
	}
}
