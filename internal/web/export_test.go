package web

import "net"

// ServeOn has the server listen on l in place of its own listener: tests of its timeouts bring one whose time they keep.
func (s *Server) ServeOn(l net.Listener) {
	_ = s.listener.Close()
	s.listenOn(l)
}
