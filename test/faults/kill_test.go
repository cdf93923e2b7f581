package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// writers is how many clients of each sort write at once.
const writers = 16

// rounds is how often the process is killed: JETON_TEST_LONG makes it a thousand.
func rounds() int {
	if os.Getenv("JETON_TEST_LONG") != "" {
		return 1000
	}
	return 30
}

// rotator rotates the token of one user and remembers what was acknowledged.
type rotator struct {
	name      string
	former    string // the token before the last one acknowledged
	current   string // the last one acknowledged
	uncertain bool   // a rotation was under way when the process died
}

// TestKillDuringWrites kills the process in the middle of writes, again and again on the same data folder, and demands
// of the next process all that the former acknowledged: every user made, every rotation, and that a token which had
// been replaced, or an API token that had been disabled, is not accepted again.
func TestKillDuringWrites(t *testing.T) {
	binary, data := buildJeton(t), t.TempDir()
	const seed = 20260101
	random := rand.New(rand.NewPCG(seed, 1))
	p := start(t, binary, data)
	admin := login{token: p.rotate(t, login{user: "admin", password: adminPassword})}
	rotators := make([]*rotator, writers)
	for i := range rotators {
		rotators[i] = newRotator(t, p, admin, i)
	}
	switched := newSwitcher(t, p, admin)
	made := map[string]bool{}
	acknowledged := 0
	began := time.Now()
	for round := range rounds() {
		delay := time.Duration(5+random.IntN(150)) * time.Millisecond
		acks := writeUntilKilled(t, p, &work{admin, rotators, switched}, round, delay)
		for _, name := range acks {
			made[name] = true
		}
		acknowledged += len(acks)
		p = start(t, binary, data)
		for _, name := range acks {
			if status := p.call(admin, "GET", "/v1/users/"+name, "", nil); status != http.StatusOK {
				t.Errorf("round %d: user %s was acknowledged and got %d", round, name, status)
			}
		}
		for _, r := range rotators {
			r.check(t, p, round)
		}
		switched.check(t, p, round)
		if t.Failed() {
			t.Logf("the last process printed:\n%s", p.printed())
			break
		}
	}
	checkUsers(t, p, admin, made)
	p.kill()
	t.Logf("killed %d times in %s (seed %d): %d users acknowledged, none lost", rounds(), time.Since(began).Round(time.Second), seed, acknowledged)
}

func newRotator(t *testing.T, p *process, admin login, i int) *rotator {
	t.Helper()
	r := &rotator{name: fmt.Sprintf("rotator%d", i)}
	body := fmt.Sprintf(`{"username":%q,"password":"rotators have this"}`, r.name)
	if status := p.call(admin, "POST", "/v1/users", body, nil); status != http.StatusCreated {
		t.Fatalf("making %s: got %d", r.name, status)
	}
	r.current = p.rotate(t, login{user: r.name, password: "rotators have this"})
	return r
}

// work is who writes.
type work struct {
	admin    login
	rotators []*rotator
	switched *switcher
}

// writeUntilKilled has all writers write, kills the process after delay, and returns the names of the users whose
// making was acknowledged.
func writeUntilKilled(t *testing.T, p *process, w *work, round int, delay time.Duration) []string {
	t.Helper()
	var writing sync.WaitGroup
	var mu sync.Mutex
	var acks []string
	writing.Go(func() { w.switched.run(p, w.admin) })
	for i, r := range w.rotators {
		writing.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("u-%d-%d-%d", round, i, n)
				if p.call(w.admin, "POST", "/v1/users", fmt.Sprintf(`{"username":%q}`, name), nil) != http.StatusCreated {
					return
				}
				mu.Lock()
				acks = append(acks, name)
				mu.Unlock()
			}
		})
		writing.Go(func() { r.run(t, p) })
	}
	time.Sleep(delay) // the fault comes at a time that nothing in the process decides
	p.kill()
	writing.Wait()
	return acks
}

// run rotates until no answer comes.
func (r *rotator) run(t *testing.T, p *process) {
	t.Helper()
	for {
		r.uncertain = true
		token := p.rotate(t, login{token: r.current})
		if token == "" {
			return
		}
		r.former, r.current, r.uncertain = r.current, token, false
	}
}

// check holds the rotator's journal against the process: a token replaced by an acknowledged one is dead; the last one
// acknowledged lives, unless the rotation that was under way took its place.
func (r *rotator) check(t *testing.T, p *process, round int) {
	t.Helper()
	if r.former != "" {
		if status := p.call(login{token: r.former}, "GET", "/v1/me", "", nil); status != http.StatusUnauthorized {
			t.Errorf("round %d: a replaced token of %s got %d, want 401", round, r.name, status)
		}
	}
	switch status := p.call(login{token: r.current}, "GET", "/v1/me", "", nil); {
	case status == http.StatusOK:
	case status == http.StatusUnauthorized && r.uncertain:
		// The write was taken and its answer lost: the owner logs in and makes another.
		r.former, r.current = r.current, p.rotate(t, login{user: r.name, password: "rotators have this"})
	default:
		t.Errorf("round %d: the last acknowledged token of %s got %d", round, r.name, status)
	}
}

// checkUsers demands every user whose making was ever acknowledged.
func checkUsers(t *testing.T, p *process, admin login, made map[string]bool) {
	t.Helper()
	there, next := map[string]bool{}, ""
	for {
		var page struct {
			Items []struct{ Username string }
			Next  string
		}
		if status := p.call(admin, "GET", "/v1/users?limit=200&cursor="+next, "", &page); status != http.StatusOK {
			t.Fatalf("listing users: got %d", status)
		}
		for _, u := range page.Items {
			there[u.Username] = true
		}
		if next = page.Next; next == "" {
			break
		}
	}
	for name := range made {
		if !there[name] {
			t.Errorf("user %s was acknowledged and is lost", name)
		}
	}
}
