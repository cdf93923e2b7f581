package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Supervisor is who started Jeton and wants to hear how it fares, as systemd does for a unit of Type=notify: sd_notify(3).
// The zero value is nobody.
//
// It gets datagrams at a local socket, which is all of the protocol: a library would say no more. A socket of a virtual
// machine (vsock:) isn't spoken to.
type Supervisor struct {
	// Socket is a path, or behind an @ a name in Linux's abstract namespace; empty for nobody.
	Socket string
	// Patience is how long it goes without a sign of life before it takes Jeton for hung and starts it anew; 0 for ever.
	Patience time.Duration
}

// SupervisorOf reads what a supervisor has put into the environment of the process pid. Variables that can't be read are
// none: whoever set them hears nothing, and says so.
func SupervisorOf(variable func(name string) string, pid int) Supervisor {
	s := Supervisor{Socket: variable("NOTIFY_SOCKET")}
	meant := variable("WATCHDOG_PID") // the variables go on to children, who aren't meant
	micros, err := strconv.ParseInt(variable("WATCHDOG_USEC"), 10, 64)
	if err == nil && micros > 0 && micros <= int64(24*time.Hour/time.Microsecond) && (meant == "" || meant == strconv.Itoa(pid)) {
		s.Patience = time.Duration(micros) * time.Microsecond
	}
	return s
}

// tellTimeout bounds the sending of a datagram, which waits where the supervisor's socket is full.
const tellTimeout = time.Second

// tell sends one message. It dials each time: the supervisor may have been replaced by another at the same place.
func (s Supervisor) tell(ctx context.Context, lines ...string) error {
	if s.Socket == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unixgram", s.Socket)
	if err != nil {
		return fmt.Errorf("telling the supervisor: %w", err)
	}
	deadline, _ := ctx.Deadline()
	err = conn.SetWriteDeadline(deadline)
	if err == nil {
		_, err = conn.Write([]byte(strings.Join(lines, "\n")))
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("telling the supervisor: %w", err)
	}
	return nil
}

// watched is a running Jeton in the eyes of its supervisor.
type watched struct {
	by     Supervisor
	admin  net.Addr // where it is asked whether it lives
	url    string
	logger *slog.Logger
}

// say tells the supervisor; that it can't be told is for the log, and no reason to serve nobody.
func (w *watched) say(ctx context.Context, lines ...string) {
	if err := w.by.tell(ctx, lines...); err != nil {
		w.logger.WarnContext(ctx, "the supervisor that NOTIFY_SOCKET names was not told", "error", err)
	}
}

// serving tells that Jeton serves, and goes on to give signs of life. What it returns is the first step of the way down.
func (w *watched) serving(ctx context.Context) (stop func(context.Context) error) {
	w.say(ctx, "READY=1", "STATUS=Serving "+w.url)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var pinging sync.WaitGroup
	if w.by.Socket != "" && w.by.Patience > 0 {
		pinging.Go(func() { w.ping(ctx) })
	}
	return func(last context.Context) error {
		cancel()
		pinging.Wait()
		w.say(last, "STOPPING=1", "STATUS=Ending the requests under way")
		return nil
	}
}

// ping gives a sign of life three times within the supervisor's patience, each after Jeton has shown one.
func (w *watched) ping(ctx context.Context) {
	every := w.by.Patience / 3
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch err := w.alive(ctx, every); {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.logger.WarnContext(ctx, "no sign of life for the supervisor", "error", err)
		default:
			w.say(ctx, "WATCHDOG=1")
		}
	}
}

// alive asks /livez as anybody would. That this very goroutine runs proves little; that a connection is accepted and
// answered in time proves that the process isn't starved, stopped or out of descriptors. It says nothing of the database:
// a start anew would bring none back, and lose what is remembered.
func (w *watched) alive(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.admin.String()+"/livez", nil)
	if err != nil {
		return err
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req) // a connection that is kept would prove less
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("/livez answered %d", res.StatusCode) //nolint:err113 // for the log
	}
	return nil
}

// reloading brackets a reading of the configuration. The time is that of Linux's monotonic clock, by which systemd (253 and
// later, Type=notify-reload) tells this reload from one before.
func (w *watched) reloading(ctx context.Context, reload func()) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err == nil {
		w.say(ctx, "RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/int64(time.Microsecond)))
	}
	reload()
	w.say(ctx, "READY=1")
}
