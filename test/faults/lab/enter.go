package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// insideVar tells the second run of this program that it is the one inside.
const insideVar = "JETON_FAULTS_INSIDE"

// Inside reports whether this process has namespaces of its own.
func Inside() bool { return os.Getenv(insideVar) != "" }

// Enter runs this program once more, with the same arguments, inside namespaces of its own: network, mounts, processes
// and System V memory, and where it isn't root, users. It returns the exit code.
//
// What the run makes, it makes in there: when its first process ends, however it does, the kernel ends all others, and
// takes down every namespace, link, file system and segment of memory that no process is left to hold. So nothing has to be
// cleaned up, and a run that was killed leaves nothing for the next one to find.
func Enter() (int, error) {
	runtime.LockOSThread() // Pdeathsig counts from the thread that started the process
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	// A terminal tells both processes of ^C. Who sends SIGTERM means this one, and it means the other.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("making namespaces: %w; as root they can be made: sudo env \"PATH=$PATH\" make faults", err)
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				_ = cmd.Process.Signal(s) // it may have ended
			}
		}
	}()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// furnish gives the namespaces what a machine has: /proc, a /run that nobody else sees, loopback.
func (l *Lab) furnish() error {
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{"proc", "/proc", "proc", 0, ""},
		{"run", runDir, "tmpfs", 0, "mode=0755"},
	} {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	if err := os.Mkdir("/run/netns", 0o755); err != nil {
		return err
	}
	return l.ip("link set lo up")
}
