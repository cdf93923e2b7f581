package proxy

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Hijack implements http.Hijacker, for a connection that is switched to another protocol: it counts what passes there, too, and has
// Shutdown know of it.
func (c *call) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(c.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	c.mu.Lock()
	c.switched = conn
	c.mu.Unlock()
	c.proxy.switched.add(c)
	return &switchedConn{Conn: conn, early: buffered.Reader, call: c}, buffered, nil
}

// switchedConn is the client's side of a connection that was switched.
type switchedConn struct {
	net.Conn
	early *bufio.Reader // what the server has read already: a client need not wait for the answer before it goes on
	call  *call
}

// Read implements io.Reader.
func (s *switchedConn) Read(b []byte) (n int, err error) {
	if s.early.Buffered() > 0 {
		n, err = s.early.Read(b)
	} else {
		n, err = s.Conn.Read(b)
	}
	if n > 0 {
		s.call.moved.Add(1)
	}
	return n, err
}

// Write implements io.Writer.
func (s *switchedConn) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if n > 0 {
		s.call.moved.Add(1)
	}
	return n, err
}

// CloseWrite says that the upstream has no more to say; the client may have.
func (s *switchedConn) CloseWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return s.Close()
}

// register holds the calls whose connections were switched. The zero register is ready.
type register struct {
	mu    sync.Mutex
	live  map[*call]struct{}
	empty chan struct{} // made when the proxy stops, closed when nothing is left
	late  bool          // the time to end by itself is over
}

func (r *register) add(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live == nil {
		r.live = map[*call]struct{}{}
	}
	r.live[c] = struct{}{}
	if r.late {
		go c.cut(errStopping) // it takes the call's lock
	}
}

func (r *register) remove(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.live, c)
	if len(r.live) == 0 && r.empty != nil {
		close(r.empty)
		r.empty = nil
	}
}

// shut returns when no call is left. Those that are left when ctx ends it cuts.
func (r *register) shut(ctx context.Context) {
	empty := r.await()
	if empty == nil {
		return
	}
	select {
	case <-empty:
		return
	case <-ctx.Done():
	}
	r.mu.Lock()
	r.late = true
	left := make([]*call, 0, len(r.live))
	for c := range r.live {
		left = append(left, c)
	}
	r.mu.Unlock()
	for _, c := range left {
		c.cut(errStopping)
	}
	<-empty
}

// await returns what is closed when no call is left; nil where there is none.
func (r *register) await() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.live) == 0 {
		return nil
	}
	if r.empty == nil {
		r.empty = make(chan struct{})
	}
	return r.empty
}
