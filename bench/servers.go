package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// oneProcessor has a Go program run on one core at a time. Without it, a program pinned to one core believes itself on
// all of the machine's, and its garbage collector's threads wait for each other.
const oneProcessor = "GOMAXPROCS=1"

// readyTimeout bounds how long a server may take until it answers.
const readyTimeout = time.Minute

// shipped is the name of the program that is measured.
const shipped = "jeton"

// build compiles the servers as Jeton is shipped: static, by the same flags as `make build`.
func (b *bench) build(ctx context.Context) error {
	b.progress.say("building %s and the bare server", b.program)
	folder := "cmd/"
	if b.program != shipped {
		folder = "bench/"
	}
	for _, name := range []string{folder + b.program, "bench/bare"} {
		to := filepath.Join(b.dir, filepath.Base(name))
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", to, "github.com/jeton-io/jeton/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// jeton is a running Jeton.
type jeton struct {
	*process
	public, gateway, admin, proxy string        // addresses
	took                          time.Duration // from its start until it was ready
	readIn                        time.Duration // from then until it had read its memory
}

// startJeton starts Jeton on the servers' core.
func (b *bench) startJeton(ctx context.Context) (*jeton, error) {
	return b.startJetonBy(ctx, func(argv ...string) []string { return b.pins.wrap(b.pins.server, argv...) }, oneProcessor)
}

// startJetonOnBoth starts Jeton on both cores, which it finds out by itself.
func (b *bench) startJetonOnBoth(ctx context.Context) (*jeton, error) {
	return b.startJetonBy(ctx, b.pins.wrapBoth)
}

// startJetonBy starts Jeton on its default settings but for the data folder and the ports, under the name that it has on its
// default port, and returns once it is ready.
// Its log goes to a file, as it would from a shell or a service manager.
func (b *bench) startJetonBy(ctx context.Context, wrap func(argv ...string) []string, env ...string) (*jeton, error) {
	addresses, err := freeAddresses(4)
	if err != nil {
		return nil, err
	}
	// Appending, because the file is cut between two runs: the next line must then stand at its beginning.
	logs, err := os.OpenFile(b.log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	defer drop(logs) // the child has its own
	j := &jeton{public: addresses[0], gateway: addresses[1], admin: addresses[2], proxy: addresses[3]}
	argv := wrap(append([]string{
		filepath.Join(b.dir, b.program), "serve", "--data", b.at.data,
		"--listen", j.public, "--gateway-listen", j.gateway, "--admin-listen", j.admin, "--proxy-listen", j.proxy, "--public-url", publicURL,
	}, b.flags...)...)
	if b.at.dsn != "" {
		env = append(env, "JETON_DATABASE="+b.at.dsn) // it has a password in it
	}
	began := time.Now()
	j.process, err = start(ctx, "jeton", func(c *exec.Cmd) { c.Stderr = logs }, argv, env...)
	if err != nil {
		return nil, err
	}
	if err := j.awaitReady(ctx); err != nil {
		err = errors.Join(err, j.stop())
		return nil, fmt.Errorf("%w; its log ends with\n%s", err, tail(b.log()))
	}
	j.took = time.Since(began)
	j.allocations = j.allocated
	return j, nil
}

// bare is the running server that is the unit.
type bare struct {
	*process
	address string
}

// startBare starts the bare server that is the unit of most paths.
func (b *bench) startBare(ctx context.Context) (*bare, error) {
	return b.startBareOn(ctx, b.pins.server)
}

// startBareOn starts one of the bare servers on a core. It tells its address by its first line.
func (b *bench) startBareOn(ctx context.Context, core int, args ...string) (*bare, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	defer drop(out)
	p, err := start(ctx, "the bare server", func(c *exec.Cmd) { c.Stdout, c.Stderr = in, os.Stderr },
		b.pins.wrap(core, append([]string{filepath.Join(b.dir, "bare")}, args...)...), oneProcessor)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the bare server's address: %w", err), p.stop())
	}
	return &bare{p, strings.TrimSpace(address)}, nil
}

// freeAddresses returns addresses of loopback on which nobody listened a moment ago. Port 0 would leave no gap, but then
// only the log, which is written with a delay, would tell the port, and the delay would be measured as part of the start.
func freeAddresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		defer drop(l) // not before all are found: each is another
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// tail returns the end of a log, where a server says why it didn't start.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
