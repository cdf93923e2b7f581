package faults_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to fill a database faster than a server would

	"github.com/jeton-io/jeton/test/pg"
)

// moved is how many events are moved.
func moved() int {
	if os.Getenv("JETON_TEST_LONG") != "" {
		return 1_000_000
	}
	return 60_000
}

// fill adds events to a database that no server uses.
func fill(t *testing.T, data string, events int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "jeton.db")+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(`
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO audit_event (id, at, action, actor_name, actor_credential_kind, actor_address, target_kind, target_name, reason, door, count, merge_key, detail)
SELECT randomblob(16), ?, 'refused', 'alice', 'personal_token', '192.0.2.1', 'service', 'reports', 'unknown', 'gateway', i, 'key' || i, '{"call":"GET /é"}' FROM n`,
		events, time.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
}

// TestMoveKilled kills a move from SQLite to PostgreSQL again and again, at any moment. Whenever it was killed, no more than
// one of the two databases can be used; and in the end, the other has all that there was.
func TestMoveKilled(t *testing.T) {
	binary, data, server := buildJeton(t), t.TempDir(), pg.Start(t)
	p := start(t, binary, data)
	admin := login{token: p.rotate(t, login{user: "admin", password: adminPassword})}
	kept := newTokenOf(t, p, admin, "kept")
	p.kill()
	fill(t, data, moved())
	to := []string{"JETON_DATABASE=" + newDatabase(t, server, "target")}
	move := func() *exec.Cmd {
		cmd := exec.Command(binary, "move", "--data", data)
		cmd.Env = append(os.Environ(), "JETON_TO="+strings.TrimPrefix(to[0], "JETON_DATABASE="))
		return cmd
	}

	const seed = 20260102
	random, kills := rand.New(rand.NewPCG(seed, 1)), 0
	for {
		// The comparison begins anew each time, so it must be let longer and longer.
		patience := time.Duration(20+random.IntN(150)+30*kills) * time.Millisecond
		cmd := move()
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // its state tells more
			close(ended)
		}()
		select {
		case <-ended:
			if !cmd.ProcessState.Success() {
				t.Fatalf("after %d kills: %v\n%s", kills, cmd.ProcessState, said.String())
			}
		case <-time.After(patience): // the fault comes when nothing here decides it
			_ = cmd.Process.Kill()
			<-ended
			if kills++; kills%4 == 1 {
				refusedTarget(t, binary, data, to, kills)
			}
			continue
		}
		break
	}
	if kills < 5 {
		t.Errorf("the move was killed %d times, which says little", kills)
	}
	t.Logf("moved %d events in spite of %d kills (seed %d)", moved(), kills, seed)

	if out := refusedStart(t, binary, data); !strings.Contains(out, "its records were moved to another database") {
		t.Errorf("the former database was refused with\n%s", out)
	}
	p = start(t, binary, data, to...)
	kept.check(t, p, "a token that was moved", http.StatusOK)
	if status := p.call(admin, "POST", "/v1/users", `{"username":"later"}`, nil); status != http.StatusCreated {
		t.Errorf("making a user after the move: got %d", status)
	}
	if out, err := server.SQL("target", `SELECT count(*) FROM audit_event WHERE action = 'refused' AND merge_key LIKE 'key%'`); err != nil || out != fmt.Sprint(moved()) {
		t.Errorf("got %q, %v, want %d events", out, err, moved())
	}
	moveBack(t, p, binary, data, to, kept)
}

// moveBack moves from PostgreSQL to SQLite under a server that runs, which refuses from then on.
func moveBack(t *testing.T, p *process, binary, data string, from []string, kept holder) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "back.db")
	jeton(t, binary, 0, from, "move", "--data", data, "--to", "sqlite:"+path)
	for deadline := time.Now().Add(20 * time.Second); p.call(login{token: kept.token}, "GET", "/v1/me", "", nil) != http.StatusServiceUnavailable; {
		if time.Now().After(deadline) {
			t.Fatalf("the server still answers by a database that was closed; it printed:\n%s", p.printed())
		}
	}
	p.kill()
	p = start(t, binary, data, "JETON_DATABASE=sqlite:"+path)
	defer p.kill()
	kept.check(t, p, "a token that was moved back", http.StatusOK)
}

// refusedTarget makes sure that the target of a move that isn't done can't be used. It may have been done already, and killed before
// it said so: then the former database can't.
func refusedTarget(t *testing.T, binary, data string, to []string, kills int) {
	t.Helper()
	cmd := exec.Command(binary, "backup", "--data", data, "--out", filepath.Join(t.TempDir(), "b"), "--passphrase-file", passphraseFile(t))
	cmd.Env = append(os.Environ(), to...)
	text, err := cmd.CombinedOutput()
	out := string(text)
	if err == nil {
		out = refusedStart(t, binary, data)
		if !strings.Contains(out, "its records were moved to another database") {
			t.Errorf("after %d kills, the target can be used, and of the former database it is said: %s", kills, out)
		}
		return
	}
	if !strings.Contains(out, "records are being loaded into it") && !strings.Contains(out, "there is no database of Jeton") {
		t.Errorf("after %d kills, the target isn't refused: %s", kills, out)
	}
}

func passphraseFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(path, []byte("a passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMoveAbandoned gives a move up that was killed: the former database goes on as if nothing had been, and can be moved again.
func TestMoveAbandoned(t *testing.T) {
	binary, data, server := buildJeton(t), t.TempDir(), pg.Start(t)
	p := start(t, binary, data)
	admin := login{token: p.rotate(t, login{user: "admin", password: adminPassword})}
	p.kill()
	fill(t, data, moved())
	to := "JETON_TO=" + newDatabase(t, server, "target")
	cmd := exec.Command(binary, "move", "--data", data)
	cmd.Env = append(os.Environ(), to)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for loaded := ""; loaded != "t"; { // until there are some events
		loaded, _ = server.SQL("target", `SELECT EXISTS (SELECT 1 FROM audit_event)`)
		if time.Since(begun) > time.Minute {
			t.Fatal("the move has loaded nothing in a minute")
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if out := refusedStart(t, binary, data); !strings.Contains(out, "its records are being moved") {
		t.Errorf("the source was refused with\n%s", out)
	}
	jeton(t, binary, 0, []string{to}, "move", "--data", data, "--abandon")
	p = start(t, binary, data)
	if status := p.call(admin, "POST", "/v1/users", `{"username":"later"}`, nil); status != http.StatusCreated {
		t.Errorf("making a user after the move was given up: got %d", status)
	}
	p.kill()
	jeton(t, binary, 0, []string{to}, "move", "--data", data)
	p = start(t, binary, data, strings.Replace(to, "JETON_TO=", "JETON_DATABASE=", 1))
	defer p.kill()
	if status := p.call(admin, "GET", "/v1/users/later", "", nil); status != http.StatusOK {
		t.Errorf("a user who was made between: got %d", status)
	}
}
