package main

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"time"
)

// openConn is one connection of an open loop. It has one request on the way at most, as those of wrk and of nginx have.
type openConn struct {
	fd    int
	entry int           // of its request among the timings
	freed time.Duration // when its last answer had come
	got   int
	buf   [4096]byte
}

// looping is an open loop under way.
type looping struct {
	*openLoop
	request []byte
	poll    int
	conns   []openConn
	byFD    map[int32]*openConn
	free    []*openConn // who came back first goes out first
	busy    int
	began   time.Time
	timings []timing
	idle    time.Duration
}

// run sends the loop and returns what came of it.
func (l *openLoop) run() (o outcome, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := looping{
		openLoop: l, request: []byte(l.Request), conns: make([]openConn, l.Connections), byFD: map[int32]*openConn{},
		timings: make([]timing, 0, int(1.2*l.Rate*(l.WarmUp+l.Length).Seconds())+1000),
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.connect(); err != nil {
		return outcome{}, err
	}
	if err := r.send(); err != nil {
		return outcome{}, err
	}
	if o, err = summarize(r.timings, l.WarmUp); err != nil {
		return outcome{}, err
	}
	o.Idle = r.idle.Seconds() / time.Since(r.began).Seconds()
	return o, nil
}

// connect makes all connections before the first request is due.
func (r *looping) connect() (err error) {
	to, err := netip.ParseAddrPort(r.Address)
	if err != nil || !to.Addr().Is4() {
		return fmt.Errorf("an open loop goes to an address of IPv4 and not to %q: %w", r.Address, errors.Join(err, syscall.EAFNOSUPPORT))
	}
	if r.poll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("making an epoll: %w", err)
	}
	for n := range r.conns {
		c := &r.conns[n]
		if c.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
			return fmt.Errorf("making a socket: %w", err)
		}
		r.byFD[int32(c.fd)] = c
		err := errors.Join(
			syscall.Connect(c.fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}),
			syscall.SetsockoptInt(c.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
			syscall.SetNonblock(c.fd, true),
			syscall.EpollCtl(r.poll, syscall.EPOLL_CTL_ADD, c.fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)}),
		)
		if err != nil {
			return fmt.Errorf("connecting to %s: %w", r.Address, err)
		}
		r.free = append(r.free, c)
	}
	return nil
}

// sendAtOnce bounds how many requests are sent before answers are looked for.
const sendAtOnce = 8

// send sends what is due and reads what has come until all is answered. It never sleeps: a timer would be late by more than an
// answer takes.
func (r *looping) send() error {
	length := r.WarmUp + r.Length
	due := newArrivals(r.Rate, r.Seed)
	events := make([]syscall.EpollEvent, 64)
	r.began = time.Now()
	for was := time.Duration(0); ; {
		now := time.Since(r.began)
		if now > length+streamGrace {
			return fmt.Errorf("%d requests of an open loop weren't answered within %s", r.busy, streamGrace)
		}
		sent := 0
		for ; due.next <= now && due.next < length && len(r.free) > 0 && sent < sendAtOnce; sent++ {
			if err := r.ask(due.next); err != nil {
				return err
			}
			due.step()
		}
		n, err := syscall.EpollWait(r.poll, events, 0)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("waiting for answers: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if err := r.read(r.byFD[e.Fd]); err != nil {
				return err
			}
		}
		if r.busy == 0 && due.next >= length {
			return nil
		}
		if sent == 0 && n <= 0 {
			r.idle += now - was
		}
		was = now
	}
}

// ask sends the request that is due, on the connection that was free first.
func (r *looping) ask(due time.Duration) error {
	c := r.free[0]
	r.free = r.free[1:]
	c.entry, c.got = len(r.timings), 0
	r.timings = append(r.timings, timing{due: due, could: max(due, c.freed), sent: time.Since(r.began)})
	r.busy++
	if n, err := syscall.Write(c.fd, r.request); err != nil || n != len(r.request) {
		return fmt.Errorf("sending %d bytes, of which %d went: %w", len(r.request), n, errors.Join(err, syscall.EPIPE))
	}
	return nil
}

// read reads what has come on a connection.
func (r *looping) read(c *openConn) error {
	n, err := syscall.Read(c.fd, c.buf[c.got:])
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return nil
	case err != nil || n <= 0:
		return fmt.Errorf("reading an answer of an open loop: %w", errors.Join(err, syscall.ECONNRESET))
	}
	c.got += n
	done, err := complete(c.buf[:c.got])
	if !done {
		if err == nil && c.got == len(c.buf) {
			err = errors.New("an answer of an open loop is too long")
		}
		return err
	}
	c.freed = time.Since(r.began)
	r.timings[c.entry].answered = c.freed
	r.free = append(r.free, c)
	r.busy--
	return nil
}

// close closes what was opened, as far as that came.
func (r *looping) close() error {
	var errs []error
	for n := range r.conns {
		if r.conns[n].fd > 0 {
			errs = append(errs, syscall.Close(r.conns[n].fd))
		}
	}
	if r.poll > 0 {
		errs = append(errs, syscall.Close(r.poll))
	}
	return errors.Join(errs...)
}
