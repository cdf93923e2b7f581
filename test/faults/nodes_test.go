package faults_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/test/pg"
)

// heardWithin is how soon every node must refuse what one of them revoked: what is promised at p99.
const heardWithin = time.Second

// TestThreeNodes starts three processes with one master key on one PostgreSQL, revokes on one what all of them remember, and
// has each refuse it within a second.
func TestThreeNodes(t *testing.T) {
	binary, server := buildJeton(t), pg.Start(t)
	shared := []string{"JETON_DATABASE=" + server.Database(t), "JETON_MASTER_KEY=" + masterKey}
	var nodes [3]*process
	for i := range nodes {
		nodes[i] = start(t, binary, t.TempDir(), shared...)
		t.Cleanup(nodes[i].kill)
	}
	admin := login{token: nodes[0].rotate(t, login{user: "admin", password: adminPassword})}
	for round := range 10 {
		if status := nodes[0].call(admin, "POST", "/v1/users", `{"username":"alice","password":"alice has this one"}`, nil); status != http.StatusCreated {
			t.Fatalf("round %d: making a user: got %d", round, status)
		}
		alice := login{token: nodes[1].rotate(t, login{user: "alice", password: "alice has this one"})}
		for i, n := range nodes {
			if status := n.call(alice, "GET", "/v1/me", "", nil); status != http.StatusOK {
				t.Fatalf("round %d: node %d refuses a good token: got %d", round, i, status)
			}
		}
		if status := nodes[round%3].call(admin, "DELETE", "/v1/users/alice", "", nil); status != http.StatusNoContent {
			t.Fatalf("round %d: deleting a user: got %d", round, status)
		}
		revoked := time.Now()
		for i, n := range nodes {
			n.refusesWithin(t, alice, revoked, i)
		}
	}
}

// TestThreeFirstStarts starts three processes at once on a database that is new, each with a password of its own making: one
// makes the administrator, and has its password; the others come up, and leave none behind that opens nothing.
func TestThreeFirstStarts(t *testing.T) {
	binary, server := buildJeton(t), pg.Start(t)
	for dsn, data := range map[string][3]string{
		server.Database(t): {t.TempDir(), t.TempDir(), t.TempDir()},
		"sqlite:" + filepath.Join(t.TempDir(), "jeton.db"): {t.TempDir(), t.TempDir(), t.TempDir()},
	} {
		var nodes [3]*process
		var starting sync.WaitGroup
		for i := range nodes {
			starting.Go(func() {
				nodes[i] = start(t, binary, data[i], "JETON_ADMIN_PASSWORD=", "JETON_DATABASE="+dsn, "JETON_MASTER_KEY="+masterKey)
			})
		}
		starting.Wait()
		var passwords []string
		for _, folder := range data {
			text, err := os.ReadFile(filepath.Join(folder, "initial-password"))
			if err == nil {
				passwords = append(passwords, strings.TrimSpace(string(text)))
			}
		}
		if len(passwords) != 1 {
			t.Fatalf("got %d initial passwords, want one", len(passwords))
		}
		for i, n := range nodes {
			if n == nil {
				t.Fatal("a node didn't start")
			}
			if status := n.call(login{user: "admin", password: passwords[0]}, "GET", "/v1/me", "", nil); status != http.StatusOK {
				t.Errorf("node %d: got %d, want the first administrator known", i, status)
			}
			n.kill()
		}
	}
}

// masterKey is that of every node.
const masterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// refusesWithin asks until a credential that was revoked is refused.
func (p *process) refusesWithin(t *testing.T, who login, revoked time.Time, node int) {
	t.Helper()
	for {
		asked := time.Now()
		switch status := p.call(who, "GET", "/v1/me", "", nil); {
		case status == http.StatusUnauthorized:
			return
		case asked.Sub(revoked) > heardWithin:
			t.Fatalf("node %d: got %d for a token %s after it was revoked", node, status, asked.Sub(revoked))
		}
	}
}
