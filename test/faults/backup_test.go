package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/test/pg"
)

// stores are the databases that the tests of backups run on: each name with what a process has in its environment.
func stores(t *testing.T) map[string]func(name string) []string {
	t.Helper()
	server := pg.Start(t)
	return map[string]func(string) []string{
		"SQLite":     func(string) []string { return nil },
		"PostgreSQL": func(name string) []string { return []string{"JETON_DATABASE=" + newDatabase(t, server, name)} },
	}
}

// newDatabase makes a database and returns its URL.
func newDatabase(t *testing.T, server *pg.Server, name string) string {
	t.Helper()
	if _, err := server.SQL("postgres", `CREATE DATABASE `+name); err != nil {
		t.Fatal(err)
	}
	return server.DSN(name)
}

// jeton runs a command that ends with an exit code, and returns what it printed.
func jeton(t *testing.T, binary string, want int, environ []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), environ...)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("jeton %s: got exit code %d, want %d:\n%s", strings.Join(args, " "), got, want, out)
	}
	return string(out)
}

// secrets makes the files with which backups are opened: an identity, and who it is.
func secrets(t *testing.T) (identity, recipient string) {
	t.Helper()
	identity = filepath.Join(t.TempDir(), "identity")
	out, err := exec.Command("age-keygen", "-o", identity).CombinedOutput()
	_, recipient, ok := strings.Cut(string(out), "Public key: ")
	if err != nil || !ok {
		t.Fatalf("age-keygen: %v\n%s", err, out)
	}
	return identity, strings.TrimSpace(recipient)
}

// copyMasterKey gives a new data folder the master key of another.
func copyMasterKey(t *testing.T, from string) string {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(from, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := os.WriteFile(filepath.Join(to, "master.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestBackupWhileWriting backs up a server that is being written to, several times, and restores each backup: all that was
// acknowledged before a backup began is in it, on either store.
func TestBackupWhileWriting(t *testing.T) {
	binary := buildJeton(t)
	identity, recipient := secrets(t)
	for name, environ := range stores(t) {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			from := environ("written")
			p := start(t, binary, data, from...)
			defer p.kill()
			admin := login{token: p.rotate(t, login{user: "admin", password: adminPassword})}
			w := newUserMaker(p, admin)
			for round := range 3 {
				before := w.acknowledged(t, 20)
				file := filepath.Join(t.TempDir(), "jeton.backup")
				jeton(t, binary, 0, from, "backup", "--data", data, "--out", file, "--recipient", recipient)
				elsewhere, to := copyMasterKey(t, data), environ(fmt.Sprintf("restored%d", round))
				jeton(t, binary, 0, to, "restore", "--data", elsewhere, "--in", file, "--identity-file", identity,
					"--journal", filepath.Join(data, "revocations.journal"))
				checkRestored(t, binary, elsewhere, to, admin, before)
			}
			w.stop()
		})
	}
}

// checkRestored starts a server on what was restored, and demands the users. It may say, as it may at any time, that it can't tell now.
func checkRestored(t *testing.T, binary, data string, environ []string, admin login, names []string) {
	t.Helper()
	p := start(t, binary, data, environ...)
	defer p.kill()
	for _, name := range names {
		status := p.call(admin, "GET", "/v1/users/"+name, "", nil)
		for tries := 0; status == http.StatusServiceUnavailable && tries < 100; tries++ {
			time.Sleep(100 * time.Millisecond)
			status = p.call(admin, "GET", "/v1/users/"+name, "", nil)
		}
		if status != http.StatusOK {
			t.Errorf("the user %s was acknowledged before the backup and got %d", name, status)
		}
	}
}

// userMaker makes users, one after the other in several goroutines, until it is stopped.
type userMaker struct {
	ended   atomic.Bool
	working sync.WaitGroup

	mu    sync.Mutex
	more  *sync.Cond
	names []string
}

func newUserMaker(p *process, admin login) *userMaker {
	w := new(userMaker)
	w.more = sync.NewCond(&w.mu)
	for i := range writers {
		w.working.Go(func() {
			for n := 0; !w.ended.Load(); n++ {
				name := fmt.Sprintf("u-%d-%d", i, n)
				if p.call(admin, "POST", "/v1/users", fmt.Sprintf(`{"username":%q}`, name), nil) != http.StatusCreated {
					return
				}
				w.mu.Lock()
				w.names = append(w.names, name)
				w.mu.Unlock()
				w.more.Broadcast()
			}
		})
	}
	return w
}

// acknowledged waits for so many users more, and returns all that were acknowledged.
func (w *userMaker) acknowledged(t *testing.T, more int) []string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for want := len(w.names) + more; len(w.names) < want; {
		w.more.Wait()
	}
	return append([]string(nil), w.names...)
}

func (w *userMaker) stop() {
	w.ended.Store(true)
	w.working.Wait()
}

// TestRestoreForgetsNothing takes a token away after a backup was made. Restored with the journal, it is dead, and what was left
// alone goes on; without the journal, nobody is let in until an administrator has looked.
func TestRestoreForgetsNothing(t *testing.T) {
	binary := buildJeton(t)
	identity, recipient := secrets(t)
	for name, environ := range stores(t) {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			from := environ("original")
			p := start(t, binary, data, from...)
			admin := login{token: p.rotate(t, login{user: "admin", password: adminPassword})}
			kept, revoked := newTokenOf(t, p, admin, "kept"), newTokenOf(t, p, admin, "revoked")
			file := filepath.Join(t.TempDir(), "jeton.backup")
			jeton(t, binary, 0, from, "backup", "--data", data, "--out", file, "--recipient", recipient)
			if status := p.call(admin, "DELETE", "/v1/api-tokens/"+revoked.id, "", nil); status != http.StatusNoContent {
				t.Fatalf("deleting a token: got %d", status)
			}
			p.kill()

			restore := func(name string, args ...string) *process {
				elsewhere, to := copyMasterKey(t, data), environ(name)
				jeton(t, binary, 0, to, append([]string{"restore", "--data", elsewhere, "--in", file, "--identity-file", identity}, args...)...)
				return start(t, binary, elsewhere, to...)
			}
			p = restore("journaled", "--journal", filepath.Join(data, "revocations.journal"))
			kept.check(t, p, "with the journal, the token that was left alone", http.StatusOK)
			revoked.check(t, p, "with the journal, the token that was deleted", http.StatusUnauthorized)
			p.kill()
			p = restore("unjournaled")
			kept.check(t, p, "without the journal, the token that was left alone", http.StatusUnauthorized)
			revoked.check(t, p, "without the journal, the token that was deleted", http.StatusUnauthorized)
			if status := p.call(admin, "GET", "/v1/me", "", nil); status != http.StatusUnauthorized {
				t.Errorf("without the journal, the administrator got %d, want 401", status)
			}
			p.kill()
		})
	}
}

// holder is an API token of a user of its own.
type holder struct{ id, token string }

func newTokenOf(t *testing.T, p *process, admin login, name string) (h holder) {
	t.Helper()
	if status := p.call(admin, "POST", "/v1/users", fmt.Sprintf(`{"username":%q}`, name), nil); status != http.StatusCreated {
		t.Fatalf("making a user: got %d", status)
	}
	var made struct{ ID, Token string }
	body := fmt.Sprintf(`{"name":%q,"user":%[1]q,"expires_in_days":30}`, name)
	if status := p.call(admin, "POST", "/v1/api-tokens", body, &made); status != http.StatusCreated {
		t.Fatalf("making a token: got %d", status)
	}
	return holder{made.ID, made.Token}
}

func (h holder) check(t *testing.T, p *process, what string, want int) {
	t.Helper()
	if got := p.call(login{token: h.token}, "GET", "/v1/me", "", nil); got != want {
		t.Errorf("%s got %d, want %d", what, got, want)
	}
}

// TestCopyPutBack puts a copy of the database's file, made before a token was revoked, in its place: under a server that runs,
// and before one starts. Both refuse, until an operator says that it is meant.
func TestCopyPutBack(t *testing.T) {
	binary, data := buildJeton(t), t.TempDir()
	p := start(t, binary, data)
	admin := login{token: p.rotate(t, login{user: "admin", password: adminPassword})}
	revoked := newTokenOf(t, p, admin, "revoked")
	revoked.check(t, p, "the token", http.StatusOK)
	path := filepath.Join(data, "jeton.db")
	copied := filepath.Join(t.TempDir(), "copy.db")
	copyFile(t, path, copied)
	copyFile(t, path+"-wal", copied+"-wal")
	if status := p.call(admin, "DELETE", "/v1/api-tokens/"+revoked.id, "", nil); status != http.StatusNoContent {
		t.Fatalf("deleting a token: got %d", status)
	}
	// Under the running server, it takes the place of a file that is open.
	aside := copied + ".replaced"
	copyFile(t, copied, aside)
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	refused := func() bool {
		return p.call(admin, "GET", "/v1/me", "", nil) == http.StatusServiceUnavailable &&
			p.call(login{token: revoked.token}, "GET", "/v1/me", "", nil) == http.StatusServiceUnavailable
	}
	for deadline := time.Now().Add(20 * time.Second); !refused(); {
		if time.Now().After(deadline) {
			t.Fatalf("the server still answers by a database that was replaced; it printed:\n%s", p.printed())
		}
	}
	p.kill()
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, copied+suffix, path+suffix)
	}
	_ = os.Remove(path + "-shm")

	out := refusedStart(t, binary, data)
	if !strings.Contains(out, "gone back to an earlier state") || !strings.Contains(out, "jeton restore --as-is") {
		t.Errorf("got the start refused with\n%s\nwant what happened, and what to do", out)
	}
	said := jeton(t, binary, 0, nil, "restore", "--data", data, "--as-is", "--journal", filepath.Join(data, "revocations.journal"))
	if !strings.Contains(said, "What it tells of was taken away again") {
		t.Errorf("got %s", said)
	}
	p = start(t, binary, data)
	defer p.kill()
	revoked.check(t, p, "the token that was deleted", http.StatusUnauthorized)
	if status := p.call(admin, "GET", "/v1/me", "", nil); status != http.StatusOK {
		t.Errorf("the administrator, who was left alone, got %d", status)
	}
}

// refusedStart starts a server that must not start, and returns what it said.
func refusedStart(t *testing.T, binary, data string, environ ...string) string {
	t.Helper()
	return jeton(t, binary, 1, environ, "serve", "--data", data, "--log-format", "json", "--public-url", "http://127.0.0.1:8080",
		"--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
