package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/cli"
)

// TestHiddenOnTerminal types a password at a real pseudo-terminal: it isn't shown, and the terminal is left as it was,
// also when the user gives up.
func TestHiddenOnTerminal(t *testing.T) {
	for _, typed := range []string{canary + "\n", ""} {
		keyboard, terminal := openTerminal(t)
		before := echoes(t, terminal)
		ctx, cancel := context.WithCancel(t.Context())
		type result struct {
			text client.Secret
			err  error
		}
		done := make(chan result, 1)
		go func() {
			text, err := cli.Hidden(ctx, int(terminal.Fd()))
			done <- result{text, err}
		}()
		for deadline := time.Now().Add(10 * time.Second); echoes(t, terminal); {
			if time.Now().After(deadline) {
				t.Fatal("the terminal still shows what is typed")
			}
		}
		if typed == "" {
			cancel()
		} else if _, err := keyboard.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		got := <-done
		if typed != "" && (got.text.Reveal() != canary || got.err != nil) {
			t.Errorf("got %q, %v, want what was typed", got.text.Reveal(), got.err)
		}
		if typed == "" && !errors.Is(got.err, context.Canceled) {
			t.Errorf("got error %v, want %v", got.err, context.Canceled)
		}
		if after := echoes(t, terminal); !before || !after {
			t.Errorf("the terminal showed what is typed before: %v, after: %v; want true", before, after)
		}
		if shown := shownBy(t, keyboard, terminal); bytes.Contains(shown, []byte(canary)) {
			t.Errorf("the terminal shows %q", shown)
		}
		cancel()
	}
}

// TestServeAtTerminal closes the terminal at which a server runs: it ends, and in good order.
func TestServeAtTerminal(t *testing.T) {
	keyboard, terminal := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), "jeton", "serve", "--data", filepath.Join(t.TempDir(), "data"), // testscript.Main has put it there
		"--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	crash := filepath.Join(t.TempDir(), "crash")
	cmd.Env = append(os.Environ(), crashOutput+"="+crash, "GOTRACEBACK=all")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	heeded := make(chan os.Signal, 1)
	signal.Notify(heeded, syscall.SIGHUP) // or the server, too, would outlive its terminal where nohup runs the tests
	defer signal.Stop(heeded)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = terminal.Close()
	var shown []byte
	for b := make([]byte, 4096); !bytes.Contains(shown, []byte("started")); {
		n, err := keyboard.Read(b)
		if err != nil {
			t.Fatalf("the server ended: %v; it said:\n%s", err, shown)
		}
		shown = append(shown, b[:n]...)
	}
	_ = keyboard.Close()
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	err := cmd.Wait()
	if !late.Stop() {
		where, _ := os.ReadFile(crash)
		t.Fatalf("the server goes on without its terminal:\n%s", where)
	}
	if err != nil {
		t.Errorf("got %v, want the end that SIGTERM brings", err)
	}
	if !bytes.Contains(shown, []byte("level=INFO")) {
		t.Errorf("got the log %q, want text at a terminal", shown)
	}
}

// openTerminal opens a pseudo-terminal.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return keyboard, terminal
}

// echoes reports whether a terminal shows what is typed.
func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// shownBy returns what a terminal has shown, up to a mark that is written to it now.
func shownBy(t *testing.T, keyboard, terminal *os.File) []byte {
	t.Helper()
	const mark = "that was all"
	if _, err := terminal.WriteString(mark); err != nil {
		t.Fatal(err)
	}
	var shown []byte
	for b := make([]byte, 256); !bytes.Contains(shown, []byte(mark)); {
		n, err := keyboard.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, b[:n]...)
	}
	return shown
}
