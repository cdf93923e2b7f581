// Package pg runs a PostgreSQL of a test's own: Debian's server, on a data folder and a port that nothing else uses, gone
// when the test ends. It keeps fsync on: what a test kills here must find what was acknowledged.
//
// It never speaks to a PostgreSQL that was there before, and fails the test where it can't start one.
package pg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a running PostgreSQL. Its only role is jeton, which may do anything in it.
type Server struct {
	dir     string // holds data, the socket's folder and the log
	bin     string // where the programs are
	address string // on which it listens
	port    int
	as      *syscall.Credential // whose processes they are: PostgreSQL refuses to be root; nil for our own
	cmd     *exec.Cmd
	ended   chan struct{}
}

// Password is the one of the role jeton.
const Password = "a password for the tests"

// startTimeout bounds how long a server may take until it answers.
const startTimeout = 30 * time.Second

// Start starts a server on loopback that lives as long as the test. Settings are lines for postgresql.conf.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := Launch("127.0.0.1", freePort(t), settings...)
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Destroy(); err != nil {
			t.Errorf("removing PostgreSQL: %v", err)
		}
	})
	return s
}

// Launch starts a server for those who have no test, at an address and port. Destroy ends it.
func Launch(address string, port int, settings ...string) (*Server, error) {
	s := &Server{address: address, port: port}
	var err error
	if s.bin, err = programs(); err != nil {
		return nil, err
	}
	if s.as, err = owner(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "jeton-pg-"); err != nil {
		return nil, err
	}
	err = s.initialize(settings)
	if err == nil {
		err = s.Run()
	}
	if err != nil {
		return nil, errors.Join(err, s.Destroy())
	}
	return s, nil
}

// programs finds the newest of Debian's servers.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New("there is no PostgreSQL server on this machine: test/deps.sh installs it"))
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for what is no version
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	return filepath.Dir(newest), nil
}

// owner returns whose the server's processes are to be: root's tests give it to the user of Debian's package.
func owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("looking for the user to run PostgreSQL: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// initialize makes the data folder.
func (s *Server) initialize(settings []string) error {
	if s.as != nil {
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	password := filepath.Join(s.dir, "password")
	if err := s.write(password, Password); err != nil {
		return err
	}
	init := s.command("initdb", "--pgdata", s.data(), "--username", "jeton", "--pwfile", password, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C.UTF-8")
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	lines := append([]string{
		"listen_addresses = '" + s.address + "'", "port = " + strconv.Itoa(s.port),
		"unix_socket_directories = ''", "max_connections = 200", "shared_buffers = 64MB", "logging_collector = off",
	}, settings...)
	return s.write(filepath.Join(s.data(), "postgresql.auto.conf"), strings.Join(lines, "\n")+"\n")
}

// write makes a file that is the server's.
func (s *Server) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	if s.as == nil {
		return nil
	}
	return os.Chown(path, int(s.as.Uid), int(s.as.Gid))
}

// data is the data folder.
func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command is a program of PostgreSQL's, to be run as the server's user.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	return cmd
}

// Run starts the server on its data folder and returns when it answers. It may have been killed before: where a process that it had
// just begun has outlived it by a moment, the start is tried again.
func (s *Server) Run() error {
	told := func() int { return strings.Count(s.Log(), "pre-existing shared memory block") }
	for begun := time.Now(); ; {
		before := told()
		if err := s.run(); err == nil || told() == before || time.Since(begun) > startTimeout {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) run() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the server has its own
	s.cmd = s.command("postgres", "-D", s.data())
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	s.ended = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // how it ended is in its log
		close(s.ended)
	}()
	for begun := time.Now(); time.Since(begun) < startTimeout; {
		if err := s.command("pg_isready", "-q", "-h", s.address, "-p", strconv.Itoa(s.port)).Run(); err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("postgres ended as it started:\n%s", s.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("postgres didn't answer within %s:\n%s", startTimeout, s.Log())
}

// DSN returns the URL of a database, by which a client connects as the role jeton.
func (s *Server) DSN(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("jeton", Password),
		Host: net.JoinHostPort(s.address, strconv.Itoa(s.port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Data returns the data folder, for tests that put files there.
func (s *Server) Data() string { return s.data() }

// Stop stops the server: "fast" ends its clients in good order, "immediate" is a crash. The data stays.
func (s *Server) Stop(mode string) error {
	out, err := s.command("pg_ctl", "stop", "--pgdata", s.data(), "--mode", mode, "-w").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_ctl stop: %w\n%s", err, out)
	}
	<-s.ended
	return nil
}

// Kill ends every process of the server at once, as a loss of power would end them. The data stays.
func (s *Server) Kill() error {
	if err := s.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-s.ended
	return nil
}

// Pause stops every process of the server where it stands, as a host that hangs; Resume has them go on.
func (s *Server) Pause() error { return s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

// signal goes to each process: PostgreSQL's backends have process groups of their own.
func (s *Server) signal(sig syscall.Signal) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.cmd.Process.Pid, s.cmd.Process.Pid))
	if err != nil {
		return err
	}
	if err := s.cmd.Process.Signal(sig); err != nil { // first, so that it makes no more children
		return err
	}
	for _, text := range strings.Fields(string(children)) {
		if pid, err := strconv.Atoi(text); err == nil {
			_ = syscall.Kill(pid, sig) // it may have ended
		}
	}
	return nil
}

// SQL runs statements in a database and returns what psql prints, unaligned.
func (s *Server) SQL(database, statements string) (string, error) {
	cmd := s.command("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", s.DSN(database))
	cmd.Stdin = strings.NewReader(statements)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w\n%s", err, out)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// Database makes an empty database of a new name and returns its DSN. Tests of one server don't meet in it.
func (s *Server) Database(t testing.TB) (dsn string) {
	t.Helper()
	name := fmt.Sprintf("test_%d", time.Now().UnixNano())
	if _, err := s.SQL("postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.DSN(name)
}

// Log returns what the server printed.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Destroy ends the server, where it runs, and removes its data.
func (s *Server) Destroy() error {
	if s.ended != nil {
		select {
		case <-s.ended:
		default:
			_ = s.Resume() // one that was paused doesn't hear that it is to stop
			if err := s.Stop("immediate"); err != nil {
				_ = s.Kill()
			}
		}
	}
	return os.RemoveAll(s.dir)
}

// freePort returns a port of loopback that is free just now.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return port
}
