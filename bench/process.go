package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopTimeout is how long a server may take to end by itself.
const stopTimeout = 20 * time.Second

// process is a server that the bench has started. Whoever starts one stops it.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended
	err  error         // of its end; to be read once done is closed

	// allocations returns how many objects the server has put on its heap so far; nil for a server that doesn't tell.
	allocations func(context.Context) (float64, error)
}

// start runs a command as a server. Of the environment it gets what every program needs and what is given: no setting
// of Jeton that the caller's shell may hold.
func start(ctx context.Context, name string, setup func(*exec.Cmd), argv []string, env ...string) (*process, error) {
	p := &process{name: name, cmd: exec.CommandContext(ctx, argv[0], argv[1:]...), done: make(chan struct{})}
	p.cmd.Env = append(bareEnvironment(), env...)
	p.cmd.SysProcAttr = attributes()
	// Ctrl-C ends a server as stop does: what its end costs and leaves behind is the same.
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTimeout
	setup(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	// Waiting begins at once, so that a server that ends by itself is noticed by whoever waits for it to be ready.
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// bareEnvironment leaves out all that could set a server otherwise than it is shipped: JETON_…, GOGC, GOMEMLIMIT.
func bareEnvironment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		env = append(env, name+"="+os.Getenv(name))
	}
	return env
}

// stop asks the process to end, by the signal that a service manager sends, and waits until it has; one that doesn't is
// killed. A second call does nothing.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
	}
	err := p.cmd.Process.Kill()
	<-p.done
	return errors.Join(fmt.Errorf("%s did not end within %s of SIGTERM", p.name, stopTimeout), err)
}

// rss returns how much memory the process has in RAM, in bytes; mapped how much of that are pages of files.
func (p *process) rss() (uint64, error)    { return p.status("VmRSS") }
func (p *process) mapped() (uint64, error) { return p.status("RssFile") }

// status returns an amount of memory that the kernel tells of the process, in bytes.
func (p *process) status(name string) (uint64, error) {
	value, _, _ := strings.Cut(line(p.proc("status"), name), " ")
	kib, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the memory of %s: %w", p.name, err)
	}
	return kib << 10, nil
}

// clockTicks is how many the kernel counts in a second for /proc, on every platform that Go knows.
const clockTicks = 100

// busy returns the processor time that the process has used so far.
func (p *process) busy() (time.Duration, error) {
	text, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, fmt.Errorf("reading the processor time of %s: %w", p.name, err)
	}
	return parseBusy(string(text))
}

// spent is what a server has used so far.
type spent struct {
	busy        time.Duration
	allocations float64 // 0 where it doesn't tell
}

// spent returns what the server has used so far.
func (p *process) spent(ctx context.Context) (s spent, err error) {
	if p.allocations != nil {
		if s.allocations, err = p.allocations(ctx); err != nil {
			return s, err
		}
	}
	s.busy, err = p.busy()
	return s, err
}

// parseBusy adds up utime and stime of a stat file of /proc, whose second field may hold anything between parentheses.
func parseBusy(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const utime, stime = 11, 12 // counted from the state, which follows the parentheses
	if len(fields) <= stime {
		return 0, fmt.Errorf("reading a processor time: %d fields", len(fields))
	}
	var ticks time.Duration
	for _, f := range fields[utime : stime+1] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading a processor time: %w", err)
		}
		ticks += time.Duration(n)
	}
	return ticks * time.Second / clockTicks, nil
}

func (p *process) proc(file string) string {
	return "/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/" + file
}
