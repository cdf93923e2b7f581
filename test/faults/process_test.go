// Package faults_test breaks Jeton on purpose: it runs the shipped binary as a process, kills it, and holds what it
// promised against what is left.
package faults_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// adminPassword is that of the user admin in these tests.
const adminPassword = "a password for the fault tests"

// buildJeton builds the binary as it is shipped.
func buildJeton(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jeton")
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/jeton")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building jeton: %v\n%s", err, out)
	}
	return path
}

// process is a running Jeton.
type process struct {
	cmd  *exec.Cmd
	url  string // of the public listener
	done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs binary on the data folder, with more variables in its environment, and waits until it answers.
func start(t *testing.T, binary, data string, environ ...string) *process {
	t.Helper()
	p := &process{done: make(chan struct{})}
	p.cmd = exec.Command(binary, "serve", "--data", data, "--log-format", "json",
		"--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
		"--public-url", "http://127.0.0.1:8080") // the issuer of signed tokens: on any port, the same
	p.cmd.Env = append(append(os.Environ(), "JETON_ADMIN_PASSWORD="+adminPassword), environ...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go p.read(stderr, address)
	select {
	case a := <-address:
		p.url = "http://" + a
	case <-p.done:
		t.Fatalf("jeton ended at its start:\n%s", p.printed())
	case <-time.After(30 * time.Second):
		t.Fatalf("jeton didn't start within 30 s:\n%s", p.printed())
	}
	return p
}

// read keeps the log and finds the address of the public listener in it.
func (p *process) read(stderr io.Reader, address chan<- string) {
	defer close(p.done)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.log, lines.Text())
		p.mu.Unlock()
		var line struct{ Msg, Public string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "started" {
			address <- line.Public
		}
	}
}

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the process as a crash would, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
	_ = p.cmd.Wait()
}

// login is how a call proves whose it is.
type login struct{ token, user, password string }

// call makes one call of /v1 and decodes its answer. A status of 0 means that no answer came.
func (p *process) call(who login, method, path, body string, answer any) int {
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if who.token != "" {
		req.Header.Set("Authorization", "Bearer "+who.token)
	} else {
		req.SetBasicAuth(who.user, who.password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || answer != nil && json.Unmarshal(text, answer) != nil {
		return 0
	}
	return res.StatusCode
}

// rotate makes a new personal token; an empty one means that no answer came.
func (p *process) rotate(t *testing.T, who login) string {
	t.Helper()
	var issued struct{ Token string }
	switch status := p.call(who, "POST", "/v1/me/personal-token", "", &issued); status {
	case http.StatusCreated:
		return issued.Token
	case 0:
		return ""
	default:
		t.Errorf("rotating a token: got %d", status)
		return ""
	}
}
