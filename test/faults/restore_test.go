package faults_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/test/pg"
)

// TestRestoreKilled kills a restore again and again, at any moment, on either store. What it leaves is used by no server, and
// the next one needs nobody to tidy up.
func TestRestoreKilled(t *testing.T) {
	binary, data := buildJeton(t), t.TempDir()
	p := start(t, binary, data)
	admin := login{token: p.rotate(t, login{user: "admin", password: adminPassword})}
	p.kill()
	fill(t, data, moved())
	identity, recipient := secrets(t)
	file := filepath.Join(t.TempDir(), "jeton.backup")
	jeton(t, binary, 0, nil, "backup", "--data", data, "--out", file, "--recipient", recipient)
	for name, environ := range stores(t) {
		t.Run(name, func(t *testing.T) {
			elsewhere, to := copyMasterKey(t, data), environ("killed")
			const seed = 20260103
			random := rand.New(rand.NewPCG(seed, 1))
			restore := func(patience time.Duration) (done bool) {
				cmd := exec.Command(binary, "restore", "--data", elsewhere, "--in", file, "--identity-file", identity,
					"--journal", filepath.Join(data, "revocations.journal"))
				var said strings.Builder
				cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), to...), &said, &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				killer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // the fault comes when nothing here decides it
				_ = cmd.Wait()                                                        // its state tells more
				killer.Stop()
				if cmd.ProcessState.Exited() && !cmd.ProcessState.Success() && !strings.Contains(said.String(), "isn't empty") {
					t.Fatalf("%v: %s", cmd.ProcessState, said.String())
				}
				return cmd.ProcessState.Exited() // or the last one was killed when all was done
			}
			kills := 0
			for kills < 6 && !restore(time.Duration(50+random.IntN(1200))*time.Millisecond) {
				kills++
			}
			if kills == 6 {
				restore(time.Minute)
			}
			t.Logf("restored in spite of %d kills (seed %d)", kills, seed)
			left, err := os.ReadDir(elsewhere)
			if err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.Contains(e.Name(), ".restoring") }) {
				t.Errorf("got %v, %v, want nothing left of the killed", left, err)
			}
			p := start(t, binary, elsewhere, to...)
			defer p.kill()
			if status := p.call(admin, "GET", "/v1/me", "", nil); status != http.StatusOK {
				t.Errorf("the administrator, who was left alone, got %d", status)
			}
			if out := jeton(t, binary, 1, to, "restore", "--data", elsewhere, "--in", file, "--identity-file", identity); !strings.Contains(out, "isn't empty") {
				t.Errorf("another restore got\n%s", out)
			}
		})
	}
}

// TestRestoreTerminated ends a restore into PostgreSQL by SIGTERM, at one moment after another: it has the time to tidy up, and
// leaves no row. The last one is let go on.
func TestRestoreTerminated(t *testing.T) {
	binary, data := buildJeton(t), t.TempDir()
	p := start(t, binary, data)
	p.kill()
	fill(t, data, moved())
	identity, recipient := secrets(t)
	file := filepath.Join(t.TempDir(), "jeton.backup")
	jeton(t, binary, 0, nil, "backup", "--data", data, "--out", file, "--recipient", recipient)
	server := pg.Start(t)
	to, elsewhere := "JETON_DATABASE="+newDatabase(t, server, "terminated"), copyMasterKey(t, data)
	interrupted := 0
	for patience := 100 * time.Millisecond; ; patience += 150 * time.Millisecond {
		cmd := exec.Command(binary, "restore", "--data", elsewhere, "--in", file, "--identity-file", identity)
		var said strings.Builder
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), to), &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ender := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGTERM) }) // the fault comes when nothing here decides it
		_ = cmd.Wait()                                                                        // its state tells more
		ender.Stop()
		if cmd.ProcessState.Success() {
			break
		}
		if patience > time.Minute {
			t.Fatalf("got no restore done within a minute: %s", said.String())
		}
		left, err := server.SQL("terminated", `SELECT to_regclass('store') IS NOT NULL`)
		if err == nil && left == "t" {
			interrupted++
			left, err = server.SQL("terminated", `SELECT (SELECT count(*) FROM store) + (SELECT count(*) FROM "user") + (SELECT count(*) FROM audit_event)`)
		}
		if err != nil || left != "0" && left != "f" {
			t.Fatalf("after %v: got %s rows left, and error %v, want none; it said:\n%s", patience, left, err, said.String())
		}
	}
	if interrupted == 0 {
		t.Error("no restore was ended after its tables were made")
	}
	t.Logf("restored after %d were ended with tables there", interrupted)
}
