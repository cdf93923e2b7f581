package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNginxDemoAsAnybody runs demo.conf as the README does, but as an ordinary user where the test is run by root, and
// without a Jeton.
func TestNginxDemoAsAnybody(t *testing.T) {
	dir := t.TempDir()
	reachable(t, dir)
	prefix := filepath.Join(dir, "nginx")
	copyNginx(t, prefix)
	nginx := func(args ...string) {
		t.Helper()
		cmd := exec.Command("nginx", append([]string{"-p", prefix, "-c", "demo.conf"}, args...)...)
		if os.Getuid() == 0 {
			run(t, "chown", "-R", "65534:65534", prefix)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("nginx %s: %v\n%s", args, err, out)
		}
	}
	nginx()
	pid := filepath.Join(prefix, "run/nginx.pid")
	defer within(t, 10*time.Second, "nginx to end", func() bool { _, err := os.Stat(pid); return os.IsNotExist(err) })
	defer nginx("-s", "stop")
	within(t, 10*time.Second, "nginx to answer", func() bool { _, err := os.Stat(pid); return err == nil })
	if a := exchange(t, "127.0.0.1", nginxListener, get("/reports/7")+"\r\n"); a.status != http.StatusServiceUnavailable {
		t.Errorf("without Jeton: got %d, want 503", a.status)
	}
	if a := exchange(t, "127.0.0.1", "127.0.0.1:9000", get("/reports/7", "Remote-User: alice")+"\r\n"); a.status != 200 || !strings.Contains(a.body, "Remote-User: alice") {
		t.Errorf("the demo's API: got %d %q, want what it was told", a.status, a.body)
	}
}

// TestNginxNeedsTheHost checks that a server block that names no host is refused by nginx, rather than served with one
// of the client's choice.
func TestNginxNeedsTheHost(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "nginx")
	copyNginx(t, prefix)
	server := filepath.Join(prefix, "demo-server.conf")
	for _, tc := range []struct {
		cut  string
		want bool
	}{{"", true}, {"set $jeton_host api.example.com;", false}} {
		text := strings.Replace(readFile(t, server), tc.cut, "", 1)
		must(t, os.WriteFile(server, []byte(text), 0o644))
		out, err := exec.Command("nginx", "-t", "-p", prefix, "-c", "demo.conf").CombinedOutput()
		if (err == nil) != tc.want || !tc.want && !strings.Contains(string(out), `unknown "jeton_host" variable`) {
			t.Errorf("without %q: got %v, %s; want it taken: %v", tc.cut, err, out, tc.want)
		}
	}
}
