package web

import (
	"net"
	"sync"
)

// limited is a listener that has so many connections open at a time, and lets more wait until one ends. Unlike that of
// golang.org/x/net, whose connections are no more than a net.Conn, it leaves them what TCP can do: net/http closes one side first,
// so that a caller whose body nobody wants still hears why, and so does who passes on what a WebSocket carries.
type limited struct {
	net.Listener
	room   chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Limit returns a listener that has most connections of l open at a time.
func Limit(l net.Listener, most int) net.Listener {
	return &limited{Listener: l, room: make(chan struct{}, most), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	leave := sync.OnceFunc(func() { <-l.room })
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &limitedTCP{tcp, leave}, nil
	}
	return &limitedConn{conn, leave}, nil
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedTCP is a connection that makes room when it is closed.
type limitedTCP struct {
	*net.TCPConn
	leave func()
}

// Close implements net.Conn.
func (c *limitedTCP) Close() error {
	defer c.leave()
	return c.TCPConn.Close()
}

// limitedConn is limitedTCP for every other connection.
type limitedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
