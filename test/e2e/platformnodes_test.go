package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/test/pg"
)

// heardWithin is how late a node may hear at most of what was taken away on another.
const heardWithin = 5 * time.Second

// pair is two nodes of Jeton at one PostgreSQL, each a process of its own.
type pair struct {
	partner
	address   string // of their database
	addresses [2]string
	nodes     [2]*exec.Cmd
}

// newPair starts both, and enrols a platform at the first whose assertions count once.
func newPair(t *testing.T) *pair {
	t.Helper()
	b := &pair{partner: partner{stack: emptyStack(t)}, address: pg.Start(t).DSN("postgres"), addresses: [2]string{"127.0.0.11:8080", "127.0.0.12:8080"}}
	b.binary = jetonProgram(t)
	must(t, os.WriteFile(filepath.Join(b.dir, "master.key"), []byte(strings.Repeat("5a", 32)+"\n"), 0o600))
	for i := range b.nodes {
		b.startNode(t, i)
	}
	b.url = "http://" + b.addresses[0]
	b.tokens["admin"] = b.rotate(t, b.client(t, client.Config{Username: "admin", Password: adminPassword}))
	b.secrets = append(b.secrets, b.tokens["admin"])
	b.admin = b.client(t, client.Config{Token: client.Secret(b.tokens["admin"])})
	b.john = b.v1(t, http.MethodPost, "/users", object{"username": "john", "email": johnsEmail, "password": userPassword}, http.StatusCreated).text("id")
	var err error
	b.key, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	enrolled := b.v1(t, http.MethodPost, "/platforms", object{"name": "Partner", "public_key": publicPEM(t, &b.key.PublicKey), "one_time": true}, http.StatusCreated)
	b.id, b.code = enrolled.text("id"), enrolled.text("code")
	return b
}

// startNode starts a node on its own addresses, until the test ends.
func (b *pair) startNode(t *testing.T, i int) {
	t.Helper()
	host, _, _ := strings.Cut(b.addresses[i], ":")
	b.nodes[i] = exec.Command(b.binary, "serve", "--data", filepath.Join(b.dir, fmt.Sprint("node-", i)), "--master-key-file", filepath.Join(b.dir, "master.key"),
		"--listen", host+":8080", "--gateway-listen", host+":8081", "--admin-listen", host+":9090", "--public-url", "http://127.0.0.1:8080", "--log-format", "json")
	b.nodes[i].Env = append(os.Environ(), "JETON_ADMIN_PASSWORD="+adminPassword, "JETON_DATABASE="+b.address)
	b.start(t, b.nodes[i], fmt.Sprintf("node-%d.log", i))
	node := b.nodes[i]
	t.Cleanup(func() { b.stop(t, node) })
	waitReady(t, "http://"+host+":9090/readyz", 30*time.Second)
}

// kill ends a node as a crash would.
func (b *pair) kill(t *testing.T, i int) {
	t.Helper()
	must(t, b.nodes[i].Process.Signal(syscall.SIGKILL))
	_ = b.nodes[i].Wait()
}

// ask makes a request of a node, and returns the status and the body; no status where no answer came.
func (b *pair) ask(i int, method, path string, header http.Header, body string) (int, []byte) {
	a, err := tryExchange("127.0.0.1", b.addresses[i], rawRequest(method, path, header, body))
	if err != nil {
		return 0, nil
	}
	return a.status, []byte(a.body)
}

func rawRequest(method, path string, header http.Header, body string) string {
	fields := []string{fmt.Sprintf("Content-Length: %d", len(body))}
	for name, values := range header {
		fields = append(fields, name+": "+values[0])
	}
	return head(method, path, fields...) + "\r\n" + body
}

// login presents an assertion at BitCanuck's address.
func (b *pair) login(i int, assertion string) (int, []byte) {
	return b.ask(i, "POST", assertionPath+b.code, http.Header{"Token": {assertion}}, "")
}

// grant presents an assertion at OAuth's endpoint.
func (b *pair) grant(i int, assertion string) (int, []byte) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	return b.ask(i, "POST", "/oauth/token", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form.Encode())
}

// me asks a node whether a session token is good.
func (b *pair) me(i int, token string) int {
	status, _ := b.ask(i, "GET", "/v1/me", http.Header{"Authorization": {"Bearer " + token}}, "")
	return status
}

// begun logs john in by an assertion, at a node.
func (b *pair) begun(t *testing.T, i int) string {
	t.Helper()
	status, body := b.login(i, b.assertion(t))
	if status != http.StatusOK {
		t.Fatalf("got %d %s, want a session", status, body)
	}
	return b.session(t, body)
}

// TestPlatformsOnTwoNodes has two nodes hear of the same assertions, platforms and sessions.
func TestPlatformsOnTwoNodes(t *testing.T) {
	b := newPair(t)
	t.Run("fifty at once", b.testFifty)
	t.Run("disabled", b.testDisabled)
	t.Run("disabled in the midst", b.testRace)
	t.Run("logged out", b.testLoggedOut)
	t.Run("killed", b.testKilled)
	for _, node := range b.nodes {
		b.stop(t, node)
	}
	for _, file := range []string{"node-0.log", "node-1.log"} {
		log := readFile(t, filepath.Join(b.dir, file))
		for _, secret := range b.secrets {
			if strings.Contains(log, secret) {
				t.Errorf("%s holds the secret %.12s…", file, secret)
			}
		}
		if !strings.Contains(log, assertionPath) && !strings.Contains(log, `"bitcanuck"`) {
			t.Errorf("%s tells of no log-in: was the right file searched?", file)
		}
	}
}

// testFifty presents one assertion fifty times at once, at both nodes: with a "jti" and without, at one door and at both.
func (b *pair) testFifty(t *testing.T) {
	end := time.Now().Add(5 * time.Minute).Unix()
	both := object{"iss": b.id, "email": johnsEmail, "sub": johnsEmail, "aud": "http://127.0.0.1:8080/oauth/token", "exp": end}
	for _, tc := range []struct {
		name      string
		assertion string
		present   [2]func(int, string) (int, []byte)
	}{
		{"without a jti", b.sign(t, object{"email": johnsEmail, "expire": end}), [2]func(int, string) (int, []byte){b.login, b.login}},
		{"with a jti", b.sign(t, object{"email": johnsEmail, "expire": end, "jti": "1"}), [2]func(int, string) (int, []byte){b.login, b.login}},
		{"at both doors", b.sign(t, both), [2]func(int, string) (int, []byte){b.login, b.grant}},
		{"by the grant", b.sign(t, object{"iss": b.code, "sub": johnsEmail, "aud": "http://127.0.0.1:8080", "exp": end, "jti": "2"}), [2]func(int, string) (int, []byte){b.grant, b.grant}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const times = 50
			before, sessions := b.replayed(t), b.sessions(t)
			statuses, bodies := make([]int, times), make([][]byte, times)
			var ready, done sync.WaitGroup
			ready.Add(1)
			for i := range times {
				done.Go(func() {
					ready.Wait()
					statuses[i], bodies[i] = tc.present[i/2%2](i%2, tc.assertion)
				})
			}
			ready.Done()
			done.Wait()
			count := map[int]int{}
			for i, status := range statuses {
				count[status]++
				if status == http.StatusOK {
					b.secrets = append(b.secrets, findToken(bodies[i]))
				}
			}
			if count[200] != 1 || count[200]+count[400]+count[401] != times {
				t.Errorf("got the statuses %v, want 200 once, and else 401, or 400 of the grant", count)
			}
			if got := b.sessions(t) - sessions; got != 1 {
				t.Errorf("got %d sessions more, want 1", got)
			}
			within(t, 10*time.Second, "the audit log to tell of 49 replays", func() bool { return b.replayed(t) == before+times-1 })
		})
	}
}

// findToken returns the session token in an answer.
func findToken(body []byte) string {
	at := strings.Index(string(body), `"jts`)
	if at < 0 || len(body) < at+52 {
		return "none"
	}
	return string(body[at+1 : at+52])
}

// replayed counts the refusals of assertions that had been used.
func (b *pair) replayed(t *testing.T) (count int64) {
	t.Helper()
	for _, e := range b.events(t, "refused") {
		if e.Reason == "replayed" {
			count += e.Count
		}
	}
	return count
}

// sessions counts john's.
func (b *pair) sessions(t *testing.T) int {
	t.Helper()
	items, _ := b.v1(t, http.MethodGet, "/users/john/sessions", nil, http.StatusOK)["items"].([]any)
	return len(items)
}

// hears checks that a node refuses a token before long, and tells after how much time.
func (b *pair) hears(t *testing.T, i int, what, token string) {
	t.Helper()
	began := time.Now()
	within(t, heardWithin, fmt.Sprintf("node %d to hear that %s", i, what), func() bool { return b.me(i, token) == http.StatusUnauthorized })
	t.Logf("node %d heard after %s that %s", i, time.Since(began).Round(time.Millisecond), what)
}

// warm has both nodes remember a token.
func (b *pair) warm(t *testing.T, tokens ...string) {
	t.Helper()
	for i := range b.nodes {
		for _, token := range tokens {
			for range 2 {
				if got := b.me(i, token); got != http.StatusOK {
					t.Fatalf("node %d: got %d of a session that lasts, want 200", i, got)
				}
			}
		}
	}
}

// testDisabled disables the platform at one node: the sessions that it has got end at both, for good.
func (b *pair) testDisabled(t *testing.T) {
	sessions := []string{b.begun(t, 0), b.begun(t, 1)}
	status, body := b.ask(1, "POST", passwordPath, http.Header{"Content-Type": {"application/json"}}, `{"email":"`+johnsEmail+`","password":"`+userPassword+`"}`)
	if status != http.StatusOK {
		t.Fatalf("got %d %s, want a session", status, body)
	}
	byPassword := b.session(t, body)
	b.warm(t, append(sessions, byPassword)...)
	b.v1(t, http.MethodPatch, "/platforms/"+b.code, object{"enabled": false}, http.StatusOK)
	for _, token := range sessions {
		if got := b.me(0, token); got != http.StatusUnauthorized {
			t.Errorf("at the node itself: got %d, want 401 at once", got)
		}
		b.hears(t, 1, "the platform is disabled", token)
	}
	unused := b.assertion(t)
	for i := range b.nodes {
		if status, _ := b.login(i, unused); status != http.StatusUnauthorized {
			t.Errorf("node %d: got %d of an assertion of a disabled platform, want 401", i, status)
		}
	}
	b.warm(t, byPassword) // which has nothing to do with the platform
	b.v1(t, http.MethodPatch, "/platforms/"+b.code, object{"enabled": true}, http.StatusOK)
	for i := range b.nodes {
		for _, token := range sessions {
			if got := b.me(i, token); got != http.StatusUnauthorized {
				t.Errorf("node %d: got %d of a session that ended, want 401 though the platform is enabled again", i, got)
			}
		}
	}
	within(t, heardWithin, "node 1 to take assertions again", func() bool {
		status, body := b.login(1, b.assertion(t))
		b.secrets = append(b.secrets, findToken(body))
		return status == http.StatusOK
	})
}

// testRace takes away what sessions rest on while sessions begin at both nodes: their platform, its leave to speak for the user,
// and the user. Whatever was begun before or meanwhile has ended soon after, at both, and stays so.
func (b *pair) testRace(t *testing.T) {
	byPassword := func(i int, _ string) (int, []byte) {
		return b.ask(i, "POST", passwordPath, http.Header{"Content-Type": {"application/json"}}, `{"email":"`+johnsEmail+`","password":"`+userPassword+`"}`)
	}
	patch := func(change object) func() {
		return func() { b.v1(t, http.MethodPatch, "/platforms/"+b.code, change, http.StatusOK) }
	}
	state := func(state string) func() { return func() { b.setState(t, "john", state) } }
	for _, tc := range []struct {
		name       string
		login      func(int, string) (int, []byte)
		stop, undo func()
	}{
		{"platform", b.login, patch(object{"enabled": false}), patch(object{"enabled": true})},
		{"scope", b.login, patch(object{"speaks_for": []string{"role:partner"}}), patch(object{"speaks_for": []string{"all"}})},
		{"user", byPassword, state("blocked"), state("active")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 3 {
				begun := b.whileLoggingIn(t, tc.login, tc.stop)
				b.wantEnded(t, begun)
				tc.undo()
				b.wantEnded(t, begun[len(begun)-8:])
				within(t, heardWithin, "both nodes to log in again", func() bool {
					one, first := tc.login(0, b.assertion(t))
					two, second := tc.login(1, b.assertion(t))
					b.secrets = append(b.secrets, findToken(first), findToken(second))
					return one == http.StatusOK && two == http.StatusOK
				})
			}
		})
	}
}

// whileLoggingIn does something in the midst of log-ins at both nodes, which it ends thereby, and returns the tokens that these
// have got.
func (b *pair) whileLoggingIn(t *testing.T, login func(int, string) (int, []byte), stop func()) (begun []string) {
	t.Helper()
	var mu sync.Mutex
	var logging sync.WaitGroup
	for worker := range 4 {
		var assertions []string
		for range 100 {
			assertions = append(assertions, b.assertion(t))
		}
		logging.Go(func() {
			for _, assertion := range assertions {
				status, body := login(worker%2, assertion)
				if status != http.StatusOK {
					return
				}
				mu.Lock()
				begun = append(begun, findToken(body))
				mu.Unlock()
			}
		})
	}
	within(t, 10*time.Second, "some sessions", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(begun) >= 8
	})
	stop()
	logging.Wait()
	b.secrets = append(b.secrets, begun...)
	return begun
}

// wantEnded checks that no node takes any of the tokens, before long.
func (b *pair) wantEnded(t *testing.T, tokens []string) {
	t.Helper()
	for i := range b.nodes {
		for _, token := range tokens {
			if !becomes(t, heardWithin, func() bool { return b.me(i, token) == http.StatusUnauthorized }) {
				t.Errorf("node %d: got %d of a session that has nothing to rest on any more, want 401", i, b.me(i, token))
			}
		}
	}
}

// testLoggedOut logs out at one node.
func (b *pair) testLoggedOut(t *testing.T) {
	leaving, staying := b.begun(t, 0), b.begun(t, 0)
	b.warm(t, leaving, staying)
	if status, body := b.ask(1, "POST", logoutPath, http.Header{"Authorization": {"Bearer " + leaving}}, ""); status != http.StatusNoContent {
		t.Fatalf("got %d %s of the log-out, want 204", status, body)
	}
	if got := b.me(1, leaving); got != http.StatusUnauthorized {
		t.Errorf("at the node itself: got %d, want 401 at once", got)
	}
	b.hears(t, 0, "its bearer logged out", leaving)
	b.warm(t, staying)
}

// testKilled kills a node in the midst of log-ins and log-outs. What was acknowledged holds at the other, and at the node itself
// when it is back.
func (b *pair) testKilled(t *testing.T) {
	var mu sync.Mutex
	var lasting, ended, used []string
	var working sync.WaitGroup
	var assertions []string
	for range 400 {
		assertions = append(assertions, b.assertion(t))
	}
	for worker := range 4 {
		working.Go(func() {
			for n := worker; n < len(assertions); n += 4 {
				status, body := b.login(1, assertions[n])
				if status != http.StatusOK {
					return // the node is gone
				}
				token := findToken(body)
				logout := 0
				if n/4%2 == 1 {
					logout, _ = b.ask(1, "DELETE", logoutPath, http.Header{"Authorization": {"Bearer " + token}}, "")
				}
				mu.Lock()
				used = append(used, assertions[n])
				switch {
				case n/4%2 == 0:
					lasting = append(lasting, token)
				case logout == http.StatusNoContent:
					ended = append(ended, token)
				}
				mu.Unlock()
			}
		})
	}
	within(t, 30*time.Second, "some sessions", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ended) >= 8 && len(lasting) >= 8
	})
	b.kill(t, 1)
	working.Wait()
	b.secrets = append(b.secrets, slices.Concat(lasting, ended)...)
	t.Logf("killed after %d log-ins and %d log-outs", len(used), len(ended))

	holds := func(i int) {
		t.Helper()
		for _, token := range lasting {
			if got := b.me(i, token); got != http.StatusOK {
				t.Errorf("node %d: got %d of a session that was acknowledged, want 200", i, got)
			}
		}
		for _, token := range ended {
			if got := b.me(i, token); got != http.StatusUnauthorized {
				t.Errorf("node %d: got %d of a session whose log-out was acknowledged, want 401", i, got)
			}
		}
		for _, assertion := range used[:8] {
			if status, _ := b.login(i, assertion); status != http.StatusUnauthorized {
				t.Errorf("node %d: got %d of an assertion that was used, want 401", i, status)
			}
		}
	}
	holds(0)
	b.startNode(t, 1)
	holds(1)
}
