package cli_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/cli"
)

// demoTimeout bounds how long a demo is waited for.
const demoTimeout = time.Minute

// runningDemo is a demo in a process of its own.
type runningDemo struct {
	cmd    *exec.Cmd
	out    io.ReadCloser
	lines  *bufio.Scanner
	stderr strings.Builder
	intro  string // what it printed before its first call
	base   string // its base URL
}

// startDemo starts a demo that makes its folder in tmp, and returns once it has said everything that it says before the calls.
func startDemo(t *testing.T, tmp string, args ...string) *runningDemo {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), demoTimeout) // not of t: its context ends before the cleanup
	t.Cleanup(cancel)
	d := &runningDemo{cmd: exec.CommandContext(ctx, "jeton", append([]string{"demo"}, args...)...)}
	// A setting of the user's own server is none of the demo's.
	d.cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "JETON_LISTEN=192.0.2.1:1", "JETON_DATABASE=nonsense")
	d.cmd.Stderr = &d.stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.out, d.lines = out, bufio.NewScanner(out)
	for d.lines.Scan() {
		d.intro += d.lines.Text() + "\n"
		if strings.HasPrefix(d.lines.Text(), "time ") {
			break
		}
	}
	if base := regexp.MustCompile(`base URL  (\S+)`).FindStringSubmatch(d.intro); base != nil {
		d.base = base[1]
	}
	if d.base == "" {
		t.Fatalf("got no base URL in\n%s\n%s", d.intro, d.wait(t, 1))
	}
	return d
}

// until reads lines up to one that has the text.
func (d *runningDemo) until(t *testing.T, text string) {
	t.Helper()
	for d.lines.Scan() {
		if strings.Contains(d.lines.Text(), text) {
			return
		}
		if strings.Contains(d.lines.Text(), "UNEXPECTED") {
			t.Fatal(d.lines.Text())
		}
	}
	t.Errorf("the demo ended without a line that has %q", text)
}

// wait waits for the end of the demo, compares its exit code, and returns what it printed since.
func (d *runningDemo) wait(t *testing.T, code int) string {
	t.Helper()
	var b strings.Builder
	for d.lines.Scan() {
		b.WriteString(d.lines.Text() + "\n")
	}
	err := d.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if got := d.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("got exit code %d (%v), want %d; stderr:\n%s", got, exit, code, d.stderr.String())
	}
	return b.String()
}

// wantGone says that nothing is left of a demo: no file, and no listener.
func (d *runningDemo) wantGone(t *testing.T, tmp string) {
	t.Helper()
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("got %v left in the folder (%v), want nothing", left, err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(d.base, "http://")); err == nil {
		_ = c.Close()
		t.Errorf("somebody still listens at %s", d.base)
	}
}

// A line of the sums: who, in which style, how often let in and refused.
var demoSum = regexp.MustCompile(`(?m)^(\S+) {2,}([^\d\n]+?) +(\d+) +(\d+)$`)

// TestDemo runs a demo to the end that its flags give it: each integrator is let in and refused, everything is as it should be,
// nothing is left, and what isn't a terminal gets no control character.
func TestDemo(t *testing.T) {
	tmp := t.TempDir()
	d := startDemo(t, tmp, "--calls", "11", "--every", "2ms")
	calls := d.wait(t, 0)
	for _, want := range []string{
		"the API saw alice, by personal_token", "the API saw alice, by password", "and sent 3 events", "the former one is dead", "refused, superseded;",
		"an access token, until", "the API saw ExternalApp, by access_token", "refused, exchange_first;",
		"/api/v1/authenticate ", "/api/v1/authenticate-jwt/", "the API saw john, by session_token", "logged out", "refused, ended;",
		"the API saw mary, by sealed", "the API saw project-1000, by sealed", "/XDocApi/?XM=Reports.Read&", "XwsResultCode 0, Success", "XwsResultCode 403,",
		"refused, not_in_audience; the API heard nothing",
	} {
		if !strings.Contains(calls, want) {
			t.Errorf("no line has %q", want)
		}
	}
	sums := demoSum.FindAllStringSubmatch(calls, -1)
	var who []string
	for _, sum := range sums {
		who = append(who, sum[1])
		if sum[3] == "0" || sum[4] == "0" {
			t.Errorf("got %q, want calls let in and refused", sum[0])
		}
	}
	if want := []string{"alice", "ExternalApp", "john", "mary"}; !slices.Equal(who, want) {
		t.Errorf("got sums of %q, want of %q", who, want)
	}
	if all := d.intro + calls; strings.ContainsFunc(all, func(r rune) bool { return r < ' ' && r != '\n' }) {
		t.Errorf("got control characters in\n%q", all)
	}
	if strings.Contains(calls, "UNEXPECTED") || d.stderr.String() != "" {
		t.Errorf("got\n%s\n%s", calls, d.stderr.String())
	}
	d.wantGone(t, tmp)
}

// demoLine is a line for the shell, with the status that its comment promises.
var demoLine = regexp.MustCompile(`(?m)^  ((?:curl|token=).*?)(?:   # (\d{3}))?$`)

// TestDemoLines types every line that two demos at once tell to type, each in a folder whose name the shell must not take apart,
// compares the answers with what the lines promise, and ends both as Ctrl-C does, one while an answer still streams.
func TestDemoLines(t *testing.T) {
	tmps := []string{filepath.Join(t.TempDir(), "it's one $(of) two"), t.TempDir()}
	if err := os.Mkdir(tmps[0], 0o700); err != nil {
		t.Fatal(err)
	}
	var demos []*runningDemo
	for _, tmp := range tmps {
		demos = append(demos, startDemo(t, tmp, "--every", "10ms"))
	}
	for i, d := range demos {
		lines := demoLine.FindAllStringSubmatch(d.intro, -1)
		var script strings.Builder
		var want []string
		for _, line := range lines {
			script.WriteString(line[1] + "\n")
			if line[2] != "" {
				want = append(want, line[2])
			}
		}
		if len(want) != 9 || strings.Count(d.intro, "curl") != 11 {
			t.Fatalf("got %d lines with a status in\n%s", len(want), d.intro)
		}
		out, err := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", script.String()).CombinedOutput()
		var got []string
		for _, status := range regexp.MustCompile(`HTTP/1\.1 (\d{3})`).FindAllStringSubmatch(string(out), -1) {
			got = append(got, status[1])
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got statuses %v, want %v (%v) of\n%s\n%s", got, want, err, script.String(), out)
		}
		d.until(t, "the API saw you, by sealed")

		stream, err := http.DefaultClient.Do(demoStream(t, d.base, tmps[i]))
		if err != nil || stream.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v, want a stream", stream, err)
		}
		defer stream.Body.Close()
		if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if sums := demoSum.FindAllString(d.wait(t, 0), -1); len(sums) != 4 {
			t.Errorf("got the sums %q, want four", sums)
		}
		if _, err := io.Copy(io.Discard, stream.Body); err != nil {
			t.Errorf("the stream ended with %v, want its end", err)
		}
		d.wantGone(t, tmps[i])
	}
}

// demoStream asks for events without end, by the token in the folder of a demo.
func demoStream(t *testing.T, base, tmp string) *http.Request {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(tmp, "jeton-demo-*", "personal.token"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %v, %v, want one file", files, err)
	}
	token, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+string(token))
	return r
}

// TestDemoKept shows that --keep leaves the folder, which is its user's alone, that --quiet shows no calls, and that --for ends a
// demo too.
func TestDemoKept(t *testing.T) {
	tmp := t.TempDir()
	d := startDemo(t, tmp, "--for", "100ms", "--every", "10ms", "--keep", "--quiet")
	said := d.intro + d.wait(t, 0) // without a table of calls, the beginning has no end
	if strings.Contains(said, "the API saw") || !strings.Contains(said, "Everything is left in "+tmp) {
		t.Errorf("got\n%s\nwant no calls, and where everything is", said)
	}
	seen := map[string]bool{}
	err := filepath.WalkDir(tmp, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == tmp {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s is open to others: %v", path, info.Mode())
		}
		seen[e.Name()] = true
		return err
	})
	if err != nil || !seen["jeton.log"] || !seen["admin.password"] || !seen["data"] {
		t.Errorf("got %v, %v, want the data, the log and the password", seen, err)
	}
}

// TestDemoUnread shows that a demo whose output nobody reads any longer takes everything away.
func TestDemoUnread(t *testing.T) {
	tmp := t.TempDir()
	d := startDemo(t, tmp, "--every", "1ms")
	if err := d.out.Close(); err != nil {
		t.Fatal(err)
	}
	d.wait(t, 1)
	if !strings.Contains(d.stderr.String(), "writing the output") {
		t.Errorf("got %q, want why it ended", d.stderr.String())
	}
	d.wantGone(t, tmp)
}

// TestDemoMisused shows which flags are refused, before anything is started.
func TestDemoMisused(t *testing.T) {
	for line, want := range map[string]string{
		"demo --calls -1":     "--calls is less than 0",
		"demo --for -1s":      "--for is less than 0",
		"demo --every 0s":     "--every is less than 1ms",
		"demo --every often":  "--every is no time with its unit",
		"demo --output json":  "has no output but text",
		"demo http://a.test/": "takes no arguments",
	} {
		run(t, cli.Env{}, strings.Fields(line)...).want(t, 2, want)
	}
}
