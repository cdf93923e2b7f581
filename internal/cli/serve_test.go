package cli_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/cli"
)

// watched is a writer in which a test waits for a line.
type watched struct {
	mu      sync.Mutex
	text    strings.Builder
	pattern *regexp.Regexp
	found   chan []string // gets the first match, once
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if w.pattern != nil {
		if m := w.pattern.FindStringSubmatch(w.text.String()); m != nil {
			w.pattern = nil
			w.found <- m
		}
	}
	return len(b), nil
}

// watch returns where the match of a pattern arrives, at once where it is there already.
func (w *watched) watch(pattern string) <-chan []string {
	w.mu.Lock()
	w.pattern, w.found = regexp.MustCompile(pattern), make(chan []string, 1)
	w.mu.Unlock()
	_, _ = w.Write(nil)
	return w.found
}

// TestServe runs the server as a process would, from the command line to the end by a signal.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	data := filepath.Join(t.TempDir(), "data")
	notify := filepath.Join(t.TempDir(), "notify")
	supervisor, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = supervisor.Close() }()
	var stdout, log watched
	hangups := make(chan os.Signal)
	stopped := false
	env := cli.Env{
		Args: []string{"serve", "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data},
		// What belongs to the other commands may stand in the same environment.
		Environ: []string{"JETON_URL=http://127.0.0.1:1", "JETON_USERNAME=admin", "JETON_PASSWORD=" + canary, "JETON_LOG_FORMAT=text", "NOTIFY_SOCKET=" + notify},
		Stdin:   strings.NewReader(""), Stdout: &stdout, Stderr: &log, Command: "bin/jeton", Now: time.Now,
		Hangup: func() (<-chan os.Signal, func()) { return hangups, func() { stopped = true } },
	}
	ended := make(chan int, 1)
	started := log.watch(`public=(\S+)`)
	go func() { ended <- cli.Run(ctx, env) }()
	var url string
	select {
	case code := <-ended:
		t.Fatalf("got exit code %d, want a server; it said:\n%s", code, log.text.String())
	case m := <-started:
		url = "http://" + m[1]
	}
	_ = supervisor.SetReadDeadline(time.Now().Add(10 * time.Second))
	message := make([]byte, 64)
	if n, err := supervisor.Read(message); err != nil || !strings.HasPrefix(string(message[:n]), "READY=1\n") {
		t.Errorf("got %q, %v, want the supervisor told that it serves", message[:n], err)
	}

	// The first start has written the administrator's password into a file, and says how to use it.
	file := filepath.Join(data, "initial-password")
	got := run(t, cli.Env{Environ: []string{"JETON_URL=" + url, "JETON_PASSWORD=", "JETON_PASSWORD_FILE=" + file}}, "me")
	got.want(t, 0)
	if welcome := stdout.text.String(); !strings.Contains(welcome, "JETON_PASSWORD_FILE="+file) || !strings.Contains(welcome, "bin/jeton me") {
		t.Errorf("got the welcome %q, want the file and the next commands", welcome)
	}

	reloaded := log.watch("reloaded the configuration")
	hangups <- syscall.SIGHUP
	<-reloaded

	stop()
	if code := <-ended; code != 0 || !stopped {
		t.Errorf("got exit code %d, signals given back %v; it said:\n%s", code, stopped, log.text.String())
	}
	// Nobody answers any more.
	run(t, cli.Env{Environ: []string{"JETON_URL=" + url}}, "me").want(t, 1, "no answer")
}

// TestServeFails shows that what keeps a server from starting is told, and what it had begun is over.
func TestServeFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, cli.Env{Stdout: io.Discard}, "serve", "--data", filepath.Join(file, "below")).want(t, 1, "jeton: making the data folder: ")
}
