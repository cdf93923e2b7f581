package postgres

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// giveUpUnacknowledged has the kernel end a connection on which something that was sent isn't acknowledged within three
// seconds. A server that is only slow acknowledges what it gets; a network that swallows everything doesn't.
func giveUpUnacknowledged(network, _ string, conn syscall.RawConn) (err error) {
	if network == "unix" {
		return nil
	}
	if failed := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 3000)
	}); failed != nil {
		return failed
	}
	return err
}
