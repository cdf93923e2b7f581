package lab

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jeton-io/jeton/test/faults/plan"
)

// AdminPassword is that of the user admin.
const AdminPassword = "a password for the fault tests"

// PublicURL is by what clients know Jeton.
const PublicURL = "https://tokens.example.com"

// again is how long a node that ended by itself stays so, as the supervisor of a service would leave it.
const again = 500 * time.Millisecond

// Node is one Jeton. When it ends without being told, it is started again, as a supervisor does.
type Node struct {
	Name, Address string

	lab    *Lab
	binary string
	clock  string // the file that sets the clock; empty where it can't be set

	mu       sync.Mutex
	process  *process
	wanted   bool // it is to run
	restarts int
}

func newNode(l *Lab, number int) *Node {
	n := &Node{Name: "n" + strconv.Itoa(number), Address: "192.0.2.1" + strconv.Itoa(number), lab: l, binary: l.binary("jeton")}
	if n.Name == plan.Clocked {
		n.binary, n.clock = l.binary("jeton-clocked"), filepath.Join(runDir, n.Name+".clock")
	}
	return n
}

// Gateway, Public and Admin are the addresses of the node's listeners.
func (n *Node) Gateway() string { return n.Address + ":8081" }

// Public is the listener of /v1.
func (n *Node) Public() string { return n.Address + ":8080" }

// Admin is the listener of /readyz.
func (n *Node) Admin() string { return n.Address + ":9090" }

// Start starts the node, and keeps it running from then on.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wanted = true
	return n.start()
}

func (n *Node) start() error {
	data := filepath.Join(runDir, n.Name)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	env := []string{
		"JETON_ADMIN_PASSWORD=" + AdminPassword, "JETON_DATABASE=" + n.lab.Postgres.DSN(),
		"JETON_MASTER_KEY=" + masterKey, clockVar + "=" + n.clock,
	}
	p, err := n.lab.start(n.Name, n.Name, env, n.binary, "serve", "--data", data, "--log-format", "json",
		"--listen", n.Public(), "--gateway-listen", n.Gateway(), "--admin-listen", n.Admin(), "--plain-http", "public,gateway",
		"--trusted-peers", Edge, "--public-url", PublicURL, "--access-token-life", "1m")
	if err != nil {
		return err
	}
	n.process = p
	go n.supervise(p)
	return nil
}

// masterKey is that of all nodes; what it protects is gone with the run.
const masterKey = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// clockVar is the variable that names the file of the clock, for package clocked.
const clockVar = "JETON_FAULTS_CLOCK"

// supervise starts the node again when it ends without being told.
func (n *Node) supervise(p *process) {
	<-p.done
	time.Sleep(again)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wanted && n.process == p {
		n.restarts++
		if err := n.start(); err != nil {
			n.lab.Say("%s could not be started again: %v", n.Name, err)
		}
	}
}

// Restarts returns how often the node ended without being told, and was started again.
func (n *Node) Restarts() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.restarts
}

// Stop ends the node in good order.
func (n *Node) Stop() {
	if p := n.unwant(); p != nil {
		p.end()
	}
}

// Kill ends the node as a crash would.
func (n *Node) Kill() {
	if p := n.unwant(); p != nil {
		p.kill()
	}
}

func (n *Node) unwant() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wanted = false
	return n.process
}

func (n *Node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process.signal(s)
}

// awaitReady waits until the node says that it is ready.
func (n *Node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !n.isReady(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s isn't ready: see logs/%s.log", n.Name, n.Name)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (n *Node) isReady(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admin()+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// set sets the node's clock off by some time from the right one.
func (n *Node) set(off time.Duration) error {
	text := strconv.FormatInt(int64(off/time.Second), 10)
	part := n.clock + ".part"
	if err := os.WriteFile(part, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(part, n.clock)
}
