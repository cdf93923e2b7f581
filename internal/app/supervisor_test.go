package app_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

func TestSupervisorOf(t *testing.T) {
	for name, tc := range map[string]struct {
		environ map[string]string
		want    app.Supervisor
	}{
		"nobody":             {nil, app.Supervisor{}},
		"no watchdog":        {map[string]string{"NOTIFY_SOCKET": "/run/n"}, app.Supervisor{Socket: "/run/n"}},
		"a watchdog":         {map[string]string{"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "30000000"}, app.Supervisor{Socket: "@n", Patience: 30 * time.Second}},
		"ours":               {map[string]string{"WATCHDOG_PID": "7", "WATCHDOG_USEC": "1500"}, app.Supervisor{Patience: 1500 * time.Microsecond}},
		"another process's":  {map[string]string{"WATCHDOG_PID": "8", "WATCHDOG_USEC": "1500"}, app.Supervisor{}},
		"not a number":       {map[string]string{"WATCHDOG_USEC": "1500us"}, app.Supervisor{}},
		"none":               {map[string]string{"WATCHDOG_USEC": "0"}, app.Supervisor{}},
		"negative":           {map[string]string{"WATCHDOG_USEC": "-1"}, app.Supervisor{}},
		"more than time has": {map[string]string{"WATCHDOG_USEC": "9223372036854775807"}, app.Supervisor{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := app.SupervisorOf(func(name string) string { return tc.environ[name] }, 7); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// supervisor listens as systemd does.
type supervisor struct{ conn *net.UnixConn }

func supervise(t *testing.T, socket string) *supervisor {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &supervisor{conn}
}

// next returns the next message, or fails after ten seconds.
func (s *supervisor) next(t *testing.T) string {
	t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := s.conn.Read(b)
	if err != nil {
		t.Fatalf("the supervisor heard nothing: %v", err)
	}
	return string(b[:n])
}

// until passes over signs of life and returns the next other message.
func (s *supervisor) until(t *testing.T) string {
	t.Helper()
	for {
		if message := s.next(t); message != "WATCHDOG=1" {
			return message
		}
	}
}

// TestSupervisor has a supervisor hear a whole life: the start, once the listeners answer, signs of life, a reload, the end.
func TestSupervisor(t *testing.T) {
	for name, socket := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": "@jeton-test-" + filepath.Base(t.TempDir()) + time.Now().Format("150405.000000"),
	} {
		t.Run(name, func(t *testing.T) {
			s := supervise(t, socket)
			cfg := configure(t, t.TempDir())
			i := run(t, cfg, func(o *app.Options) {
				o.Supervisor = app.Supervisor{Socket: socket, Patience: 30 * time.Millisecond}
				o.Reload = func() (config.Config, error) { return cfg, nil }
			})
			if got, want := s.next(t), "READY=1\nSTATUS=Serving http://"+i.addresses.Public.String(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got, want := s.next(t), "WATCHDOG=1"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			i.hangup <- syscall.SIGHUP
			if got := s.until(t); !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9]\d*$`).MatchString(got) {
				t.Errorf("got %q, want the reload and its time", got)
			}
			if got, want := s.until(t), "READY=1"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if err := i.stop(); err != nil {
				t.Fatal(err)
			}
			if got := s.until(t); !strings.HasPrefix(got, "STOPPING=1\n") {
				t.Errorf("got %q, want the end told", got)
			}
			if err := s.conn.SetReadDeadline(time.Now()); err != nil {
				t.Fatal(err)
			}
			if n, err := s.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %d bytes and %v after the end, want nothing", n, err)
			}
		})
	}
}

// TestSupervisorPatient gives no signs of life to one who wants none.
func TestSupervisorPatient(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	s := supervise(t, socket)
	i := run(t, configure(t, t.TempDir()), func(o *app.Options) { o.Supervisor = app.Supervisor{Socket: socket} })
	s.next(t)
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	if got := s.next(t); !strings.HasPrefix(got, "STOPPING=1\n") {
		t.Errorf("got %q, want the end told", got)
	}
}

// TestSupervisorGone serves although the supervisor's socket is not there, and says in the log that nobody was told.
func TestSupervisorGone(t *testing.T) {
	i := run(t, configure(t, t.TempDir()), func(o *app.Options) {
		o.Supervisor = app.Supervisor{Socket: filepath.Join(t.TempDir(), "nobody"), Patience: time.Hour}
	})
	if status, _ := get(t, i.addresses.Admin, "/readyz", nil); status != 200 {
		t.Errorf("got %d, want 200", status)
	}
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(i.stderr.String(), "was not told") {
		t.Errorf("the log lacks that the supervisor was not told:\n%s", i.stderr)
	}
}

// TestSupervisorHung shows that a sign of life is more than a timer: where /livez doesn't answer, there is none, and once it
// does again, there is.
func TestSupervisorHung(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	s := supervise(t, socket)
	mute := make(chan struct{})
	stop := app.GiveSigns(t.Context(), t, app.Supervisor{Socket: socket, Patience: 30 * time.Millisecond}, mute)
	if got := s.next(t); !strings.HasPrefix(got, "READY=1") {
		t.Fatalf("got %q, want the start", got)
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.conn.Read(make([]byte, 64)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d bytes and %v of one that doesn't answer, want nothing", n, err)
	}
	close(mute)
	if got, want := s.next(t), "WATCHDOG=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	stop()
}
