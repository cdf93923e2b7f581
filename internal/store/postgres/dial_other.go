//go:build !linux

package postgres

import "syscall"

// giveUpUnacknowledged is left to keep-alive probes where there is no such option of a socket.
func giveUpUnacknowledged(string, string, syscall.RawConn) error { return nil }
