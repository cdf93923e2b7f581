package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
)

// twins are two nodes at one PostgreSQL, to which sealed tokens come at the gateway and at the product's own address.
type twins struct {
	*pair
	app    application
	client string // the address from which calls come: of too many that fail, none is looked at any more
}

// newTwins makes the project at the first node.
func newTwins(t *testing.T) *twins {
	t.Helper()
	b := &twins{pair: newPair(t)}
	b.app = application{stack: b.stack, keys: map[string]string{}, sets: map[string]string{}}
	b.v1(t, http.MethodPost, "/projects", object{"number": 1000, "name": "XDOC", "security_context": "MySecurityContext", "app_keys": []string{"MyAppKey"}}, http.StatusCreated)
	for _, mode := range []string{"CBC", "GCM"} {
		b.addSet(t, mode, mode, true)
	}
	b.service(t, api.NewService{Name: "documents", Host: "api.example.com", PathPrefix: "/documents", Project: 1000}, "GET /{id} user:john")
	b.client = "198.51.100.50"
	within(t, heardWithin, "node 1 to hear of the service", func() bool { return b.call(1, b.johns(t, "GCM")) == http.StatusOK })
	return b
}

// addSet makes a token set of a mode at the first node.
func (b *twins) addSet(t *testing.T, name, mode string, once bool) {
	t.Helper()
	set := b.v1(t, http.MethodPost, "/projects/1000/token-sets", object{"name": name, "mode": mode, "one_time": once}, http.StatusCreated)
	b.app.sets[mode], b.app.keys[mode] = set.text("id"), filepath.Join(t.TempDir(), mode)
	must(t, os.WriteFile(b.app.keys[mode], []byte(set.text("key")), 0o600))
	b.secrets = append(b.secrets, set.text("key"))
}

// johns are tokens of john.
func (b *twins) johns(t *testing.T, mode string) string {
	t.Helper()
	return queryOf(b.app.token(t, mode, "XST", securityText()), b.app.token(t, mode, "XUT", userText("UserName=john")))
}

// call asks a node's gateway whether a call may pass, as a proxy does.
func (b *twins) call(i int, query string) int {
	host, _, _ := strings.Cut(b.addresses[i], ":")
	raw := get("/forward-auth?", "X-Forwarded-Method: GET", "X-Forwarded-Proto: http", "X-Forwarded-Host: api.example.com", "X-Forwarded-Uri: /documents/7?"+query, "X-Real-Ip: "+b.client) + "\r\n"
	got, err := tryExchange("127.0.0.1", host+":8081", raw)
	if err != nil {
		return 0
	}
	return got.status
}

// apiTest has a node answer App.ApiTest, and returns the result in the terms of HTTP.
func (b *twins) apiTest(i int, query string) int {
	got, err := tryExchange("127.0.0.1", b.addresses[i], get("/XDocApi/?XM=App.ApiTest&InputData=hello&"+query, "X-Real-Ip: "+b.client)+"\r\n")
	switch {
	case err != nil:
		return 0
	case got.header.Get("XwsResultCode") == "0":
		return http.StatusOK
	case got.header.Get("XwsResultCode") == "403":
		return http.StatusUnauthorized
	}
	return got.status
}

// TestSealedOnTwoNodes has two nodes hear of the same tokens and token sets.
func TestSealedOnTwoNodes(t *testing.T) {
	b := newTwins(t)
	t.Run("fifty at once", b.testFifty)
	t.Run("turned off", b.testTurnedOff)
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
		if !strings.Contains(log, "/XDocApi") {
			t.Errorf("%s tells of no call: was the right file searched?", file)
		}
	}
}

// testFifty presents the same tokens fifty times at once, at both nodes, at one door and at both. Of any number one is honoured.
func (b *twins) testFifty(t *testing.T) {
	for m, mode := range []string{"GCM", "CBC"} {
		for n, tc := range []struct {
			name    string
			present [2]func(int, string) int
		}{
			{"at the gateway", [2]func(int, string) int{b.call, b.call}},
			{"at the product's address", [2]func(int, string) int{b.apiTest, b.apiTest}},
			{"at both", [2]func(int, string) int{b.call, b.apiTest}},
		} {
			t.Run(mode+" "+tc.name, func(t *testing.T) {
				const times = 50
				b.client = fmt.Sprintf("198.51.100.%d", 10*m+n)
				query, before := b.johns(t, mode), b.replayed(t)
				statuses := make([]int, times)
				var ready, done sync.WaitGroup
				ready.Add(1)
				for i := range times {
					done.Go(func() {
						ready.Wait()
						statuses[i] = tc.present[i/2%2](i%2, query)
					})
				}
				ready.Done()
				done.Wait()
				count := map[int]int{}
				for _, status := range statuses {
					count[status]++
				}
				if count[200] != 1 || count[401] != times-1 {
					t.Errorf("got the statuses %v, want 200 once, and else 401", count)
				}
				within(t, 10*time.Second, "the audit log to tell of 49 replays", func() bool { return b.replayed(t) == before+times-1 })
			})
		}
	}
}

// testTurnedOff turns a set off at one node: at both its tokens are refused, and honoured again when it is on.
func (b *twins) testTurnedOff(t *testing.T) {
	b.client = "198.51.100.30"
	path := "/projects/1000/token-sets/" + b.app.sets["GCM"]
	b.v1(t, http.MethodPatch, path, object{"one_time": false}, http.StatusOK)
	var lags []time.Duration
	for range 5 {
		query := b.johns(t, "GCM")
		within(t, heardWithin, "both nodes to honour the tokens", func() bool {
			return b.call(0, query) == http.StatusOK && b.call(1, query) == http.StatusOK && b.apiTest(1, query) == http.StatusOK
		})
		b.v1(t, http.MethodPatch, path, object{"active": false}, http.StatusOK)
		began := time.Now()
		if got := b.call(0, query); got != http.StatusUnauthorized {
			t.Errorf("at the node itself: got %d, want 401 at once", got)
		}
		within(t, heardWithin, "node 1 to hear that the set is off", func() bool { return b.call(1, query) == http.StatusUnauthorized })
		if lags = append(lags, time.Since(began)); b.apiTest(1, query) != http.StatusUnauthorized {
			t.Error("node 1 honours at the product's address what it refuses at the gateway")
		}
		b.v1(t, http.MethodPatch, path, object{"active": true}, http.StatusOK)
	}
	if slices.Sort(lags); lags[len(lags)/2] > time.Second {
		t.Errorf("node 1 heard after %v that the set is off, want it within a second", lags)
	}
	t.Logf("node 1 heard after %v", lags)
	b.v1(t, http.MethodPatch, path, object{"one_time": true}, http.StatusOK)
}

// testKilled kills a node in the midst of calls. Tokens that it honoured are used up at the other, and at the node itself when
// it is back.
func (b *twins) testKilled(t *testing.T) {
	b.client = "198.51.100.40"
	var mu sync.Mutex
	var used []string
	var calling sync.WaitGroup
	queries := make([]string, 400)
	for i := range queries {
		queries[i] = b.johns(t, "GCM")
	}
	within(t, heardWithin, "node 1 to honour tokens", func() bool { return b.call(1, b.johns(t, "GCM")) == http.StatusOK })
	for worker := range 4 {
		calling.Go(func() {
			for n := worker; n < len(queries); n += 4 {
				if b.call(1, queries[n]) != http.StatusOK {
					return // the node is gone
				}
				mu.Lock()
				used = append(used, queries[n])
				mu.Unlock()
			}
		})
	}
	within(t, 30*time.Second, "some calls", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(used) >= 16
	})
	b.kill(t, 1)
	calling.Wait()
	t.Logf("killed after %d calls", len(used))
	refuses := func(i int) {
		t.Helper()
		for _, query := range used[:min(len(used), 60)] { // more wrong ones than that are throttled
			if got := b.call(i, query); got != http.StatusUnauthorized {
				t.Errorf("node %d: got %d of tokens that were used, want 401", i, got)
			}
		}
	}
	refuses(0)
	b.startNode(t, 1)
	refuses(1)
}

// TestSealedAfterRestore turns token sets off, deletes one and changes one after a backup was made: when that is restored, none
// counts that didn't before, with a journal, and without one no tokens at all. With a
// journal, what was turned off can be turned on again, and what was deleted is gone.
func TestSealedAfterRestore(t *testing.T) {
	s := newStack(t, usual())
	a := s.newApplication(t)
	good := func(mode string) int { return a.send(t, get("/documents/alice/7?"+a.good(t, mode))).status }
	wants := func(when string, want map[string]int) {
		t.Helper()
		for _, mode := range slices.Sorted(slices.Values([]string{"CBC", "ECB", "GCM"})) {
			if got := good(mode); got != want[mode] {
				t.Errorf("%s, %s: got %d, want %d", when, mode, got, want[mode])
			}
		}
	}
	wants("at first", map[string]int{"CBC": 200, "ECB": 200, "GCM": 200})
	passphrase, backup := filepath.Join(s.dir, "passphrase"), filepath.Join(s.dir, "jeton.backup")
	must(t, os.WriteFile(passphrase, []byte("a phrase that opens the backup\n"), 0o600))
	run(t, s.binary, "backup", "--data", filepath.Join(s.dir, "data"), "--out", backup, "--passphrase-file", passphrase)

	a.v1(t, http.MethodPatch, "/projects/1000/token-sets/"+a.sets["CBC"], object{"active": false}, http.StatusOK)
	a.v1(t, http.MethodDelete, "/projects/1000/token-sets/"+a.sets["ECB"], nil, http.StatusNoContent)
	wants("taken away", map[string]int{"CBC": 401, "ECB": 401, "GCM": 200})
	s.stop(t, s.jeton)

	for _, tc := range []struct {
		name, journal string
	}{
		{"by the journal", "--journal=" + filepath.Join(s.dir, "data", "revocations.journal")},
		{"without a journal", "--without-journal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := filepath.Join(s.dir, strings.ReplaceAll(tc.name, " ", "-"))
			must(t, os.Mkdir(data, 0o700))
			run(t, "cp", filepath.Join(s.dir, "data", "master.key"), data)
			run(t, s.binary, "restore", "--data", data, "--in", backup, "--passphrase-file", passphrase, tc.journal)
			s.serve = []string{"--data", data}
			s.startJeton(t)
			defer s.stop(t, s.jeton)
			wants("restored", map[string]int{"CBC": 401, "ECB": 401, "GCM": 401})
			if tc.journal == "--without-journal" {
				return // nobody's token is left to ask with
			}
			for mode, want := range map[string]int{"CBC": http.StatusOK, "ECB": http.StatusNotFound, "GCM": http.StatusOK} {
				a.v1(t, http.MethodGet, "/projects/1000/token-sets/"+a.sets[mode], nil, want)
				a.v1(t, http.MethodPatch, "/projects/1000/token-sets/"+a.sets[mode], object{"active": true}, want)
			}
			wants("turned on", map[string]int{"CBC": 200, "ECB": 401, "GCM": 200})
		})
	}
}
