package e2e_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/test/pg"
)

var nodesBlock = regexp.MustCompile("(?s)<!-- executed by test/e2e/nodes_test.go: ([a-z]+) -->\n```sh\n(.*?)```")

// status is what curl was told to print.
var statusLine = regexp.MustCompile(`(?m)^(\d{3})$`)

// TestSeveralNodes does what docs/how-to/several-nodes.md says, word for word: a PostgreSQL, three nodes, nginx before them, a
// revocation that each hears; nodes replaced one by one while calls come, of which none fails; and one that is lost.
func TestSeveralNodes(t *testing.T) {
	clone := copyTree(t)
	must(t, os.MkdirAll(filepath.Join(clone, "bin"), 0o755))
	run(t, "cp", jetonProgram(t), filepath.Join(clone, "bin", "jeton"))
	environ := newPostgres(t)
	stage := t.TempDir() // where the script says how far it is
	load := &load{token: filepath.Join(clone, "nodes.token")}
	var calling sync.WaitGroup
	for range 4 {
		calling.Go(func() { load.run(t, filepath.Join(stage, "replace"), filepath.Join(stage, "lose")) })
	}

	out := runStages(t, clone, stage, nodesBlock.FindAllStringSubmatch(readFile(t, filepath.Join(clone, "docs/how-to/several-nodes.md")), -1), environ)
	calling.Wait()
	for name, want := range map[string][]string{
		"call":   slices.Repeat([]string{"200"}, 6),
		"revoke": slices.Repeat([]string{"401", "200"}, 3),
		"lose":   slices.Repeat([]string{"200"}, 6),
	} {
		if got := groups(statusLine, out[name]); !slices.Equal(got, want) {
			t.Errorf("block %q: got the statuses %v, want %v; output:\n%s", name, got, want, out[name])
		}
	}
	t.Logf("while three nodes were replaced: %d calls, %d of them failed", load.calls, load.failed)
	if load.calls < 100 || load.failed > 0 {
		t.Errorf("got %d of %d calls failed while nodes were replaced, want none of some hundreds; the first: %s", load.failed, load.calls, load.first)
	}
	for _, file := range []string{"node-1.log", "node-2.log", "node-3.log"} {
		if log := readFile(t, filepath.Join(clone, file)); strings.Count(log, `"msg":"started"`) != 2 {
			t.Errorf("%s tells of another number of starts than two:\n%s", file, log)
		}
	}
}

// newPostgres starts a PostgreSQL on the port that the guide names, whose administrator is postgres, as in Debian's package. It
// returns an environment in which psql is that one's, and sudo asks for nothing.
func newPostgres(t *testing.T) []string {
	t.Helper()
	server, err := pg.Launch("127.0.0.1", 5432)
	must(t, err)
	t.Cleanup(func() { must(t, server.Destroy()) })
	_, err = server.SQL("postgres", "CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'the administrator'")
	must(t, err)
	environ := append(os.Environ(), "PGHOST=127.0.0.1", "PGPORT=5432", "PGUSER=postgres", "PGPASSWORD=the administrator", "PGDATABASE=postgres", "PGSSLMODE=disable")
	rename := exec.Command("psql", "--quiet", "--command", "ALTER ROLE jeton RENAME TO of_the_test")
	rename.Env = environ
	out, err := rename.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bin := t.TempDir()
	must(t, os.WriteFile(filepath.Join(bin, "sudo"), []byte("#!/bin/sh\n[ \"$1 $2\" = '-u postgres' ] && shift 2 && exec \"$@\"\n"), 0o755))
	return append(environ, "PATH="+bin+":"+os.Getenv("PATH"))
}

// runStages types the blocks into one shell, which leaves a file for each that it comes to, and returns what each printed.
func runStages(t *testing.T, dir, stage string, blocks [][]string, environ []string) map[string]string {
	t.Helper()
	if len(blocks) != 8 {
		t.Fatalf("got %d blocks in the guide, want 8", len(blocks))
	}
	var script strings.Builder
	script.WriteString("set -eo pipefail\n")
	for _, b := range blocks {
		fmt.Fprintf(&script, "echo '@@ %s'; touch '%s'\n%s\n", b[1], filepath.Join(stage, b[1]), b[2])
	}
	cmd := exec.Command("bash", "-c", script.String())
	cmd.Dir, cmd.Env = dir, environ
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	must(t, cmd.Start())
	err := cmd.Wait()
	must(t, os.WriteFile(filepath.Join(stage, "lose"), nil, 0o600)) // also where the script got no further
	if err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // nginx ends with the test's namespace, or is told to
		_ = exec.Command("nginx", "-p", filepath.Join(dir, "three"), "-c", "demo-three.conf", "-s", "stop").Run()
		t.Fatalf("the guide's blocks failed: %v\n%s", err, printed.String())
	}
	out := map[string]string{}
	for _, part := range strings.Split(printed.String(), "@@ ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		out[name] = body
	}
	return out
}

// load is callers of the API, each of which makes one call after the other.
type load struct {
	token         string // the file of their token
	mu            sync.Mutex
	calls, failed int
	first         string // the first failure
}

// run is one caller, from when one file is there until another is.
func (l *load) run(t *testing.T, from, until string) {
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	for !exists(from) && !exists(until) && t.Context().Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	text, err := os.ReadFile(l.token)
	if err != nil {
		return // the script got no further, and says why
	}
	for !exists(until) && t.Context().Err() == nil {
		err := l.call(strings.TrimSpace(string(text)))
		l.mu.Lock()
		if l.calls++; err != nil {
			l.failed++
			l.first = cmp.Or(l.first, err.Error())
		}
		l.mu.Unlock()
	}
}

func (l *load) call(token string) error {
	req, err := http.NewRequest(http.MethodGet, "http://"+nginxListener+"/reports/7", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("got %s: %s", res.Status, body)
	}
	return err
}
