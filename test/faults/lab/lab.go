// Package lab is the machines of a run: three Jeton nodes, PostgreSQL and nginx, each a process in a network namespace, and
// the cables between them. It breaks them, and mends them again.
//
//	edge (clients, nginx) ──┐           front 192.0.2.0/24
//	                        ├── n1 ──┐
//	                        ├── n2 ──┤  back 198.51.100.0/24
//	                        └── n3 ──┴── db (PostgreSQL)
//
// Both networks are bridges in a namespace of their own. The program that uses this package must run inside the namespaces
// that Enter makes, so that nothing of all this touches the machine it runs on.
package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
)

// runDir is where all that the processes keep lies: memory that nobody outside sees, and that is gone with the run.
const runDir = "/run"

// Where the machines are.
const (
	Edge = "192.0.2.1"
	DB   = "198.51.100.2"
)

// Config is what a Lab needs.
type Config struct {
	Source string // the root of Jeton's source
	Out    string // folder for the logs of the processes
	// Say tells a person how far things are.
	Say func(format string, args ...any)
}

// Lab is the machines. Make one with New.
type Lab struct {
	Config
	Nodes    []*Node
	Postgres *Postgres
	nginx    *process

	mu       sync.Mutex
	commands *os.File // every command that changes the machines
}

// New builds Jeton, makes the machines and starts PostgreSQL. Nodes and nginx are started by Start.
func New(ctx context.Context, cfg Config) (*Lab, error) {
	l := &Lab{Config: cfg}
	var err error
	if err = os.MkdirAll(filepath.Join(cfg.Out, "logs"), 0o755); err != nil {
		return nil, err
	}
	if l.commands, err = os.Create(filepath.Join(cfg.Out, "commands.log")); err != nil {
		return nil, err
	}
	if err = l.build(ctx); err != nil {
		return nil, err
	}
	if err = l.furnish(); err != nil {
		return nil, err
	}
	if err = l.cable(); err != nil {
		return nil, err
	}
	if l.Postgres, err = newPostgres(ctx, l); err != nil {
		return nil, err
	}
	for i := range 3 {
		l.Nodes = append(l.Nodes, newNode(l, i+1))
	}
	return l, nil
}

// build builds the binary as it is shipped, and the same with a clock that can be set.
func (l *Lab) build(ctx context.Context) error {
	for name, at := range map[string]string{"jeton": "./cmd/jeton", "jeton-clocked": "./test/faults/clocked"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", l.binary(name), at)
		cmd.Dir = l.Source
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", at, err, out)
		}
	}
	return nil
}

func (l *Lab) binary(name string) string { return filepath.Join(l.Out, "bin", name) }

// Version returns what the binary says of itself.
func (l *Lab) Version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, l.binary("jeton"), "version").Output()
	if err != nil {
		return "", fmt.Errorf("asking jeton for its version: %w", err)
	}
	return strings.Join(strings.Fields(string(out)), " "), nil
}

// Node returns the node of a name.
func (l *Lab) Node(name string) *Node {
	for _, n := range l.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Start starts the nodes, one after another, since the first makes the administrator; then nginx.
func (l *Lab) Start(ctx context.Context) error {
	for _, n := range l.Nodes {
		if err := n.Start(); err != nil {
			return err
		}
		if err := n.awaitReady(ctx); err != nil {
			return err
		}
	}
	return l.startNginx(ctx)
}

// Stop ends what runs, in good order where it can: the kernel ends the rest.
func (l *Lab) Stop() {
	if l.nginx != nil {
		l.nginx.end()
	}
	for _, n := range l.Nodes {
		n.Stop()
	}
	if l.Postgres != nil && l.Postgres.running() {
		_ = l.Postgres.stop(fast)
	}
	_ = l.commands.Close()
}

// run runs a command to its end and writes it down.
func (l *Lab) run(argv ...string) error {
	l.mu.Lock()
	_, _ = fmt.Fprintln(l.commands, strings.Join(argv, " "))
	l.mu.Unlock()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// ip runs the command ip.
func (l *Lab) ip(args string) error { return l.run(append([]string{"ip"}, strings.Fields(args)...)...) }

// cable makes the namespaces and joins them.
func (l *Lab) cable() error {
	commands := []string{
		"netns add switch",
		"-n switch link add front type bridge", "-n switch link set front up",
		"-n switch link add back type bridge", "-n switch link set back up",
		"link add front type veth peer name edge-front netns switch",
		"-n switch link set edge-front master front up",
		"addr add " + Edge + "/24 dev front", "link set front up",
	}
	for name, last := range map[string]string{"n1": "11", "n2": "12", "n3": "13", "db": "2"} {
		commands = append(commands, "netns add "+name, "-n "+name+" link set lo up")
		if name != "db" {
			commands = append(commands, plug(name, "front", "192.0.2."+last)...)
		}
		commands = append(commands, plug(name, "back", "198.51.100."+last)...)
	}
	for _, c := range commands {
		if err := l.ip(c); err != nil {
			return err
		}
	}
	return nil
}

// plug joins a machine to a network.
func plug(machine, network, address string) []string {
	port := machine + "-" + network
	return []string{
		"-n " + machine + " link add " + network + " type veth peer name " + port + " netns switch",
		"-n switch link set " + port + " master " + network + " up",
		"-n " + machine + " addr add " + address + "/24 dev " + network,
		"-n " + machine + " link set " + network + " up",
	}
}

// pull pulls a node's cable to the database, at the switch: the node itself sees a link without carrier, as of a cable.
func (l *Lab) pull(node string) error { return l.ip("-n switch link set " + node + "-back down") }

func (l *Lab) plugAgain(node string) error { return l.ip("-n switch link set " + node + "-back up") }

// nowhere is the address of a card that nobody has: frames to it cross the switch and reach nobody.
const nowhere = "02:00:00:00:de:ad"

// lose has all that one machine sends to another be lost on the way, and nothing that comes back.
func (l *Lab) lose(from, to string) error {
	return l.ip("-n " + from + " neigh replace " + to + " dev back lladdr " + nowhere + " nud permanent")
}

func (l *Lab) loseNoMore(from, to string) error {
	return l.ip("-n " + from + " neigh del " + to + " dev back")
}

// nobody returns the command line by which a program runs without root's powers, as a user of that name where this process
// is root. Inside a namespace of users there is no other user: one is made up, whom the program takes itself for.
func nobody(name string) ([]string, int, error) {
	if inner, err := os.ReadFile("/proc/self/uid_map"); err == nil && !strings.Contains(string(inner), "4294967295") {
		return []string{"unshare", "--user", "--map-user=65534", "--map-group=65534"}, 0, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, 0, fmt.Errorf("finding the user %s: %w", name, err)
	}
	var uid int
	if _, err := fmt.Sscan(u.Uid, &uid); err != nil {
		return nil, 0, errors.New("the user " + name + " has no number")
	}
	return []string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}, uid, nil
}
