package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// typed types the shell blocks of a guide, so many, in a folder, compares the statuses with those promised, and returns what
// all printed.
func typed(t *testing.T, guide string, count int, dir string, environ ...string) string {
	t.Helper()
	blocks := groups(shellBlock, guide)
	if len(blocks) != count {
		t.Fatalf("got %d blocks to execute, want %d", len(blocks), count)
	}
	var printed strings.Builder
	for _, block := range blocks {
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", block)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), environ...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v of\n%s\n%s", err, block, out)
		}
		got, want := groups(answered, string(out)), groups(promised, block)
		if !slices.Equal(got, want) || len(got) != strings.Count(block, "curl -i") {
			t.Errorf("got statuses %v, want %v of\n%s\n%s", got, want, block, out)
		}
		printed.Write(out)
	}
	return printed.String()
}

// TestCallTheAPI does what docs/how-to/call-the-api.md says, word for word: the commands in a shell, the line of JavaScript
// in the browser that logged in.
func TestCallTheAPI(t *testing.T) {
	const password = "correct horse battery" // the README's
	s := newStack(t, usual())
	_, version, err := s.admin.User(t.Context(), "alice")
	must(t, err)
	_, err = s.admin.UpdateUser(t.Context(), "alice", version, api.UserPatch{Password: api.Some(password)})
	must(t, err)
	dir := t.TempDir()
	token := s.rotate(t, s.client(t, client.Config{Username: "alice", Password: password}))
	must(t, os.WriteFile(filepath.Join(dir, "alice.token"), []byte(token+"\n"), 0o600))

	guide := readFile(t, "../../docs/how-to/call-the-api.md")
	typed(t, guide, 4, dir)

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

// TestBackgroundProgram does what docs/how-to/background-program.md says, as a program that cron or systemd starts: no keyring
// is within its reach.
func TestBackgroundProgram(t *testing.T) {
	s := emptyStack(t)
	s.begin(t)
	s.via = s.startNginx(t, nginxConf)
	s.proxies = []*proxy{s.via}
	s.user(t, "service", "nightly-export")
	home := t.TempDir()
	must(t, os.Mkdir(filepath.Join(home, "bin"), 0o700))
	must(t, os.Symlink(s.binary, filepath.Join(home, "bin/jeton")))

	printed := typed(t, readFile(t, "../../docs/how-to/background-program.md"), 6, home,
		"HOME="+home, "XDG_CONFIG_HOME=", "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(home, "no-bus"),
		"JETON_URL="+s.url, "JETON_USERNAME=admin", "JETON_PASSWORD="+adminPassword)
	for _, want := range []string{"Allowed: nightly-export by access_token", "/reports/7 nightly-export", `"token_type":"Bearer","expires_in":`, home + "/.config/jeton"} {
		if !strings.Contains(printed, want) {
			t.Errorf("the guide lacks %q; it printed:\n%s", want, printed)
		}
	}

	for _, file := range []string{"api.token", "access.token"} {
		s.secrets = append(s.secrets, strings.TrimSpace(readFile(t, filepath.Join(home, file))))
	}
	s.stop(t, s.via.cmd)
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// TestProxyAlone does what docs/how-to/proxy.md says: no proxy but Jeton's own stands before the API.
func TestProxyAlone(t *testing.T) {
	s := emptyStack(t)
	s.serve = []string{"--proxy-listen", ownListener}
	s.begin(t)
	guide := readFile(t, "../../docs/how-to/proxy.md")
	if !strings.Contains(guide, "\nbin/jeton serve --proxy-listen "+ownListener+"\n") {
		t.Errorf("the guide doesn't start Jeton as this test does, with its proxy at %s", ownListener)
	}
	const password = "quiet river stone" // the README's
	_, err := s.admin.CreateUser(t.Context(), api.NewUser{Username: "john", Email: "john@example.com", Password: password, Roles: []string{"partner"}})
	must(t, err)
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	must(t, os.Symlink(s.binary, filepath.Join(dir, "bin/jeton")))
	must(t, os.WriteFile(filepath.Join(dir, "alice.token"), []byte(s.tokens["alice"]+"\n"), 0o600))

	printed := typed(t, guide, 3, dir, "JETON_URL="+s.url, "JETON_USERNAME=admin", "JETON_PASSWORD="+adminPassword)
	for _, want := range []string{"/reports/7 alice", "/reports/7 john"} {
		if !strings.Contains(printed, want) {
			t.Errorf("the guide lacks %q; it printed:\n%s", want, printed)
		}
	}
	s.secrets = append(s.secrets, s.tokens["alice"], strings.TrimSpace(readFile(t, filepath.Join(dir, "session.token"))), password)
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}
