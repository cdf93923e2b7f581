package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// block is one fenced shell block of the README that carries a name for this test.
type block struct{ name, script string }

var namedBlock = regexp.MustCompile("(?s)<!-- executed by test/e2e/readme_test.go: ([a-z]+) -->\n```sh\n(.*?)```")

// TestReadme is a newcomer with nothing but the README: from a fresh copy of the tree to a call through nginx that
// is let in, a token made anew, the old one refused, and both read in the audit log; then an API token that is exchanged,
// calls the one operation of its user, and is disabled; a user's session, by password and by a platform; and a token that a program seals itself.
func TestReadme(t *testing.T) {
	clone := copyTree(t)
	password := serveByReadme(t, clone)
	out := runBlocks(t, clone, readmeBlocks(t, clone), password+"\n"+password+"\n")

	wantStatuses(t, "call", out["call"], "200", "403", "401")
	wantStatuses(t, "password", out["password"], "200", "401")
	wantStatuses(t, "rotate", out["rotate"], "401", "200")
	wantStatuses(t, "exchange", out["exchange"], "200", "403", "401")
	wantStatuses(t, "disable", out["disable"], "401")
	wantStatuses(t, "login", out["login"], "200", "204", "401")
	wantStatuses(t, "platform", out["platform"], "200", "401")
	wantStatuses(t, "seal", out["seal"], "200", "401")
	for _, want := range []string{"Remote-User: ExternalApp", "exchange it first"} {
		if !strings.Contains(out["exchange"], want) {
			t.Errorf("the calls after the exchange lack %q; got:\n%s", want, out["exchange"])
		}
	}
	for _, want := range []string{"personal_token.rotate", "refused", "superseded", "wrong_password", "no_operation", "no_credential"} {
		if !strings.Contains(out["audit"], want) {
			t.Errorf("audit log lacks %q; got:\n%s", want, out["audit"])
		}
	}
	for _, file := range []string{"alice.token", "stale.token", "worker.token", "access.token", "session.token", "assertion.token", "app.secret", "sealing.secret", "sealed.token"} {
		path := filepath.Join(clone, file)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %o, want 600", file, info.Mode().Perm())
		}
		for name, printed := range out {
			if secret := strings.TrimSpace(readFile(t, path)); secret == "" || strings.Contains(printed, secret) {
				t.Errorf("%s is empty, or the block %q shows what is in it", file, name)
			}
		}
	}
}

// wantStatuses compares the status lines that curl -i printed, in order.
func wantStatuses(t *testing.T, name, output string, want ...string) {
	t.Helper()
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^HTTP/1\.1 (\d+)`).FindAllStringSubmatch(output, -1) {
		got = append(got, m[1])
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("block %q: got statuses %v, want %v; output:\n%s", name, got, want, output)
	}
}

// copyTree copies what git would put into a clone, uncommitted changes included, to a new folder.
func copyTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copying := exec.Command("bash", "-c", `comm -z -23 <(git ls-files -z --cached --others --exclude-standard | sort -z -u) <(git ls-files -z --deleted | sort -z) | xargs -0 cp --parents --target-directory="$1"`, "copy", dir)
	copying.Dir = "../.."
	if out, err := copying.CombinedOutput(); err != nil {
		t.Fatalf("copying the tree: %v\n%s", err, out)
	}
	// nginx, started by root, works as another user and must reach its folder.
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serveByReadme runs the README's first command in dir until the test ends and returns the administrator's password.
func serveByReadme(t *testing.T, dir string) string {
	t.Helper()
	readme := readFile(t, filepath.Join(dir, "README.md"))
	const serve = "go run ./cmd/jeton serve"
	if !strings.Contains(readme, "```sh\n"+serve+"\n```") {
		t.Fatalf("the README doesn't give the command %q in a block of its own", serve)
	}
	cmd := exec.Command("bash", "-c", serve)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("serve printed:\n%s", log.String())
		}
	})
	waitReady(t, "http://127.0.0.1:9090/readyz", 2*time.Minute)
	return strings.TrimSpace(readFile(t, filepath.Join(dir, "jeton-data", "initial-password")))
}

// waitReady asks url until it answers 200.
func waitReady(t *testing.T, url string, limit time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(url)
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s didn't answer 200 within %s", url, limit)
}

func readmeBlocks(t *testing.T, dir string) []block {
	t.Helper()
	var blocks []block
	for _, m := range namedBlock.FindAllStringSubmatch(readFile(t, filepath.Join(dir, "README.md")), -1) {
		blocks = append(blocks, block{m[1], m[2]})
	}
	if len(blocks) != 13 {
		t.Fatalf("got %d named blocks in the README, want 13", len(blocks))
	}
	return blocks
}

// runBlocks types the blocks one after the other into one shell and returns what each printed.
func runBlocks(t *testing.T, dir string, blocks []block, stdin string) map[string]string {
	t.Helper()
	var script strings.Builder
	script.WriteString("set -eo pipefail\n")
	for _, b := range blocks {
		fmt.Fprintf(&script, "echo '@@ %s'\n%s\n", b.name, b.script)
	}
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", path)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	raw, err := cmd.CombinedOutput()
	if err != nil {
		stop := exec.Command("nginx", "-p", filepath.Join(dir, "deploy/nginx"), "-c", "demo.conf", "-s", "stop")
		_ = stop.Run()
		t.Fatalf("the README's blocks failed: %v\n%s", err, raw)
	}
	out := map[string]string{}
	for _, part := range strings.Split(string(raw), "@@ ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		out[name] = body
	}
	return out
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
