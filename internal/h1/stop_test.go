package h1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jeton-io/jeton/internal/h1"
)

// TestStop stops a server while a connection is in each of the states that it can be in, with ten seconds to drain.
func TestStop(t *testing.T) {
	const second = time.Second
	slow := handlerFunc(func(r *h1.Request, a *h1.Answer) bool {
		if took, err := time.ParseDuration(strings.TrimPrefix(r.Target, "/took/")); err == nil {
			time.Sleep(took)
		}
		return echoPlain(r, a)
	})
	for _, tt := range []struct {
		name          string
		before, after string        // what is sent before and behind the stop
		later         time.Duration // how long behind
		answers       int
		closes        bool // the last of them says so
		takes         time.Duration
		cut           bool
	}{
		{"idle", get(), "", 0, 1, false, h1.LastCall, false},
		{"idle, and a request on its way", get(), get(), h1.LastCall - 1, 2, true, h1.LastCall - 1, false},
		{"idle, and a request too late", get(), get(), h1.LastCall + 1, 1, false, h1.LastCall, false},
		{"idle, and half a request on its way", get(), get()[:9], h1.LastCall - 1, 1, false, h1.LastCall - 1 + 5*second, false},
		{"new", "", "", 0, 0, false, 5 * second, false},
		{"new, and a request on its way", "", get(), 4 * second, 1, true, 4 * second, false},
		{"half a head, and its rest", get() + get()[:9], get()[9:], 4 * second, 2, true, 4 * second, false},
		{"half a head, and no rest", get()[:9], "", 0, 0, false, 5 * second, false},
		{"under way", at("/took/9s"), "", 0, 1, true, 9 * second, false},
		{"under way, and others behind it", at("/took/3s") + get() + at("/took/3s"), "", 0, 3, true, 6 * second, false},
		{"under way for too long", at("/took/11s"), "", 0, 0, false, 10 * second, true},
		{"under way, and then one for net/http", at("/took/3s") + get("Content-Length: 1"), "x", 4 * second, 2, true, 4 * second, false},
		{"one for net/http on its way", get(), get("Content-Length: 1") + "x", h1.LastCall - 1, 2, true, h1.LastCall - 1, false},
		{"gone over, idle", get() + get("TE: x"), "", 0, 2, false, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			s := serve(p, slow)
			conn, answers := p.dial(), make(chan string, 1)
			go func() {
				all, _ := io.ReadAll(conn)
				answers <- string(all)
			}()
			if _, err := io.WriteString(conn, tt.before); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			began := time.Now()
			go func() {
				time.Sleep(tt.later)
				_, _ = io.WriteString(conn, tt.after)
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 10*second)
			defer cancel()
			err := s.stop(ctx)
			took := time.Since(began)
			if late := took - tt.takes; errors.Is(err, context.DeadlineExceeded) != tt.cut || late < 0 || late > second { // net/http looks now and then
				t.Errorf("%s: stopped after %v with %v, want %v, cut off: %t", tt.name, took, err, tt.takes, tt.cut)
			}
			got := <-answers
			if closes := strings.Contains(got, "Connection: close"); count(got) != tt.answers || closes != tt.closes || strings.Count(got, "Connection: close") > 1 {
				t.Errorf("%s: got %q, want %d answers, the last with Connection: close: %t", tt.name, got, tt.answers, tt.closes)
			}
			time.Sleep(time.Minute) // for the handler that nobody waits for
		})
	}
}

// TestStopUnserved stops a listener by which nobody has begun to accept, twice.
func TestStopUnserved(t *testing.T) {
	p := newPipes()
	l := h1.NewListener(p, h1.Config{Handler: handlerFunc(echoPlain)})
	for range 2 {
		if err := errors.Join(l.Drain(t.Context()), l.Close()); err != nil {
			t.Error(err)
		}
	}
	if conn, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, %v, want the listener closed", conn, err)
	}
}

// broken is a listener that fails now and then.
type broken struct {
	*pipes
	errs chan error
}

func (b broken) Accept() (net.Conn, error) {
	select {
	case err := <-b.errs:
		return nil, err
	default:
		return b.pipes.Accept()
	}
}

// TestAcceptFails has the listener below out of descriptors for a while: net/http waits, and all goes on.
func TestAcceptFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := broken{newPipes(), make(chan error, 3)}
		for range 3 {
			l.errs <- &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		}
		s := serve(l, handlerFunc(echoPlain))
		began := time.Now()
		if got := send(l.dial(), last); count(got) != 1 || time.Since(began) == 0 {
			t.Errorf("got %q after %v", got, time.Since(began))
		}
		if err := s.stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestStopUnderLoad stops a server while a hundred callers ask as fast as they can, some of them pipelined and some what isn't plain.
// Whatever was answered before net/http arrives. What went over is net/http's: it takes a connection for idle, and closes it, until it
// has read a request's whole head.
func TestStopUnderLoad(t *testing.T) {
	before := runtime.NumGoroutine()
	for round := range 5 {
		var handled sync.Map // the requests that a handler saw
		handler := handlerFunc(func(r *h1.Request, a *h1.Answer) bool {
			if r.Values("X-Odd") != nil {
				return false
			}
			handled.Store(r.Target, true)
			return echoPlain(r, a)
		})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := serve(l, handler)
		s.http.Handler = http.HandlerFunc(echo)
		var answered sync.Map // those whose answer came
		var warm atomic.Int64
		var callers sync.WaitGroup
		for c := range 100 {
			callers.Go(func() { ask(l.Addr().String(), c, &warm, &answered) })
		}
		for warm.Load() < 2000 {
			runtime.Gosched()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := s.stop(ctx); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		cancel()
		callers.Wait()
		handled.Range(func(target, _ any) bool {
			if _, ok := answered.Load(target); !ok {
				t.Errorf("round %d: %v was answered, and the answer lost", round, target)
			}
			return true
		})
	}
	// Of five servers, nothing is left.
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before+2 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if left := runtime.NumGoroutine(); left > before+2 {
		t.Errorf("got %d goroutines, and %d before", left, before)
	}
}

// ask sends requests until its connection ends, and notes which were answered.
func ask(address string, caller int, warm *atomic.Int64, answered *sync.Map) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	for n := 0; ; {
		first := n
		var raw strings.Builder
		for range 1 + caller%3 {
			var odd []string
			if caller%7 == 0 && n == 50 {
				odd = append(odd, "X-Odd: 1")
			}
			raw.WriteString(at(fmt.Sprintf("/%d/%d", caller, n), odd...))
			n++
		}
		if _, err := io.WriteString(conn, raw.String()); err != nil {
			return
		}
		for ; first < n; first++ {
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				return
			}
			_ = resp.Body.Close()
			answered.Store(fmt.Sprintf("/%d/%d", caller, first), true)
			warm.Add(1)
			if resp.Close {
				return
			}
		}
	}
}
