package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/jetontest"
	"github.com/jeton-io/jeton/test/pg"
)

// testFaults goes through the pages that say that Jeton itself is in a bad way, as it really is: with a database that has lost a table,
// with one that is gone, and with one whose disk is full.
func (w *walk) testFaults(t *testing.T) {
	former := w.world
	defer func() { w.world = former }()
	t.Run("database", func(t *testing.T) {
		server := pg.Start(t)
		dsn := server.Database(t)
		w.world = worldOf(t, jetontest.New(t, "JETON_DATABASE="+dsn))
		u, err := url.Parse(dsn)
		must(t, err)
		rename := func(from, to string) {
			t.Helper()
			_, err := server.SQL(strings.TrimPrefix(u.Path, "/"), "ALTER TABLE "+from+" RENAME TO "+to)
			must(t, err)
		}
		w.together(t, []visit{{who: "admin", path: projects, status: http.StatusInternalServerError, name: "fault-broken"}}, func(t *testing.T, all []*walker) {
			logInAll(t, all)
			rename("project", "project_lost")
		})
		rename("project_lost", "project")
		w.together(t, goneVisits(), func(t *testing.T, all []*walker) {
			logInAll(t, all)
			must(t, server.Stop("immediate"))
			within(t, 10*time.Second, "the database to be missed", func() bool {
				return all[0].tab(t, "admin").status(t, w.URL+"/console/profile") == http.StatusServiceUnavailable
			})
		})
		must(t, server.Run())
	})
	t.Run("full disk", func(t *testing.T) {
		full := newFullWorld(t)
		w.world = full.world
		w.together(t, fullVisits(), func(t *testing.T, all []*walker) {
			logInAll(t, all)
			full.fill(t)
		})
	})
}

// logInAll logs the administrator in, in everybody's browser.
func logInAll(t *testing.T, all []*walker) {
	t.Helper()
	for _, one := range all {
		one.tab(t, "admin")
		one.tab(t, "nobody")
	}
}

func goneVisits() []visit {
	login := passwordStep("fault-gone-log-in")
	login.status = http.StatusServiceUnavailable
	return []visit{
		{who: "admin", path: users, status: http.StatusServiceUnavailable, name: "fault-gone"},
		chain(nameStep("nobody", "admin", ""), login),
	}
}

func fullVisits() []visit {
	login := passwordStep("fault-full-log-in")
	login.status = http.StatusInsufficientStorage
	return []visit{
		{who: "admin", path: users + "/new", send: `main form`, fill: fields{"username": "new"}, status: http.StatusInsufficientStorage, name: "fault-full"},
		chain(nameStep("nobody", "admin", ""), login),
	}
}

// fullWorld is a Jeton whose data lie on a small disk of their own, as a process that alone sees it.
type fullWorld struct {
	*world
	data string // as the test sees it
}

func newFullWorld(t *testing.T) *fullWorld {
	t.Helper()
	address, data := freeAddress(t), t.TempDir()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", `mount -t tmpfs -o size=24m,mode=0700 tmpfs "$0" && exec "$@"`, data,
		jetonProgram(t), "serve", "--listen", address, "--gateway-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data)
	cmd.Env = append(os.Environ(), "JETON_ADMIN_PASSWORD="+jetontest.Password)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	must(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("Jeton on the full disk: %v\n%s", err, readFile(t, log.Name()))
		}
		must(t, log.Close())
	})
	waitReady(t, "http://"+address+"/console/login", 30*time.Second)
	w := &world{Server: &jetontest.Server{URL: "http://" + address}, names: map[string]string{}}
	return &fullWorld{w, filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "root", data)}
}

// fill leaves no byte free.
func (w *fullWorld) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(filepath.Join(w.data, "ballast"))
	must(t, err)
	block := make([]byte, 1<<20)
	for size := len(block); size > 0; {
		if _, err := f.Write(block[:size]); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			must(t, err)
		}
	}
	must(t, f.Close())
}
