package main

import "syscall"

// attributes keep a Ctrl-C at the terminal for the bench alone, which then ends its processes in order, and have the
// kernel end them where the bench itself is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// The signals that bench/profiled hears.
const (
	profileBegins = syscall.SIGUSR1
	profileEnds   = syscall.SIGUSR2
)
