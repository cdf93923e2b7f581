//go:build !linux

package main

import "syscall"

// attributes has nothing to set here: the bench is at home on Linux, and elsewhere only has to build.
func attributes() *syscall.SysProcAttr { return nil }

// Nor has it these.
const (
	profileBegins = syscall.SIGTERM
	profileEnds   = syscall.SIGTERM
)
