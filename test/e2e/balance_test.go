package e2e_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// fakeNode is a node of Jeton that does what it is told, to hold nginx to what it makes of that: a real one would have to be
// brought into each of these states first, which test/faults does.
type fakeNode struct {
	listener net.Listener
	server   *http.Server
	does     atomic.Value // one of the states below
	asked    atomic.Int64
	release  chan struct{} // closed at the end, for those who hang
}

// The states of a node.
const (
	admits    = "admits"
	cutOff    = "cut off"   // from the database: 503
	throttles = "throttles" // 429: too many wrong passwords
	busy      = "busy"      // 429, which is 503 to the caller: too many passwords are being looked at
	hangs     = "hangs"     // takes connections and questions, and answers nothing
	drops     = "drops"     // closes the connection instead of answering
	down      = "down"      // doesn't listen
)

// ServeHTTP implements http.Handler. It is strict: a question that isn't nginx's, whole, is no question.
func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.asked.Add(1)
	if r.URL.Path != "/auth-request" || r.Header.Get("X-Original-URL") == "" || r.ContentLength != 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	refuse := func(status, told int, wait string) {
		w.Header().Set("X-Jeton-Status", strconv.Itoa(told))
		w.Header().Set("Retry-After", wait)
		w.WriteHeader(status)
	}
	switch n.does.Load() {
	case admits:
		w.Header().Set("X-Jeton-Status", "200")
		w.Header().Set("Remote-User", "alice")
	case cutOff:
		refuse(http.StatusServiceUnavailable, 503, "1")
	case throttles:
		refuse(http.StatusTooManyRequests, 429, "60")
	case busy:
		refuse(http.StatusTooManyRequests, 503, "1")
	case hangs:
		select {
		case <-n.release:
		case <-r.Context().Done():
		}
	case drops:
		panic(http.ErrAbortHandler)
	}
}

// be brings the node into a state. One that is down listens again in any other.
func (n *fakeNode) be(t *testing.T, address, state string) {
	t.Helper()
	n.does.Store(state)
	if state == down {
		must(t, n.server.Close())
		n.server = nil
		return
	}
	if n.server == nil {
		l, err := net.Listen("tcp", address)
		must(t, err)
		n.listener, n.server = l, &http.Server{Handler: n}
		go func(s *http.Server) { _ = s.Serve(l) }(n.server)
	}
}

// trio is nginx before three nodes, with the files of deploy/nginx, and an API behind it.
type trio struct {
	*stack
	nodes     [3]*fakeNode
	addresses [3]string
}

func newTrio(t *testing.T) *trio {
	t.Helper()
	b := &trio{stack: emptyStack(t), addresses: [3]string{"127.0.0.11:8081", "127.0.0.12:8081", "127.0.0.13:8081"}}
	b.api = newRecorder(t, "127.0.0.1:9000")
	for i := range b.nodes {
		b.nodes[i] = &fakeNode{release: make(chan struct{})}
		b.nodes[i].be(t, b.addresses[i], admits)
		t.Cleanup(func() {
			close(b.nodes[i].release)
			if b.nodes[i].server != nil {
				_ = b.nodes[i].server.Close()
			}
		})
	}
	prefix := filepath.Join(b.dir, "nginx")
	copyNginx(t, prefix)
	must(t, os.Rename(filepath.Join(prefix, "jeton-upstream-three.conf"), filepath.Join(prefix, "jeton-upstream.conf")))
	b.via = b.nginxIn(t, prefix, nginxConf)
	return b
}

// are brings all nodes into states, and lets nginx forget what it has learned of them.
func (b *trio) are(t *testing.T, states ...string) {
	t.Helper()
	for i, state := range states {
		b.nodes[i].be(t, b.addresses[i], state)
		b.nodes[i].asked.Store(0)
	}
}

// statuses makes so many calls, one after the other, and counts the answers by status; none may take longer than promised.
func (b *trio) statuses(t *testing.T, times int) map[int]int {
	t.Helper()
	raw, count := get("/reports/7", "Authorization: Bearer whatever"), map[int]int{}
	for range times {
		a := exchange(t, "127.0.0.1", b.via.address, raw+"\r\n")
		if a.took > refusedInTime {
			t.Errorf("got %d after %s, want it within %s", a.status, a.took, refusedInTime)
		}
		count[a.status]++
	}
	return count
}

// TestNginxBeforeThreeNodes holds deploy/nginx to what it makes of nodes that fail. One that can't decide costs no call; nodes that all
// can't refuse it in time, and serve again soon after; and no caller can have a good node left alone.
func TestNginxBeforeThreeNodes(t *testing.T) {
	b := newTrio(t)
	for _, tc := range []struct {
		name   string
		states [3]string
		want   int
	}{
		{"all well", [3]string{admits, admits, admits}, 200},
		{"one down", [3]string{admits, down, admits}, 200},
		{"one cut off", [3]string{cutOff, admits, admits}, 200},
		{"one drops", [3]string{admits, admits, drops}, 200},
		{"two down", [3]string{down, down, admits}, 200},
		{"one down, one cut off", [3]string{cutOff, admits, down}, 200},
		{"all cut off", [3]string{cutOff, cutOff, cutOff}, 503},
		{"all down", [3]string{down, down, down}, 503},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b.are(t, admits, admits, admits)
			within(t, 3*time.Second, "all nodes to be asked again", b.allAsked)
			b.are(t, tc.states[:]...)
			const calls = 60
			if got := b.statuses(t, calls); got[tc.want] != calls {
				t.Errorf("got the statuses %v, want %d each time", got, tc.want)
			}
		})
	}
	t.Run("one hangs", b.testHangs)
	t.Run("guesses", b.testGuesses)
	t.Run("database returns", b.testReturns)
}

// allAsked makes calls, and reports whether each node was asked by now.
func (b *trio) allAsked() bool {
	if a, err := tryExchange("127.0.0.1", b.via.address, get("/reports/7")+"\r\n"); err != nil || a.status != http.StatusOK {
		return false
	}
	for _, n := range b.nodes {
		if n.asked.Load() == 0 {
			return false
		}
	}
	return true
}

// testHangs has one node answer nothing: who is unlucky waits a little longer than for one that answers, and is let in all
// the same.
func (b *trio) testHangs(t *testing.T) {
	b.are(t, admits, admits, admits)
	within(t, 3*time.Second, "all nodes to be asked again", b.allAsked)
	b.are(t, hangs, admits, admits)
	if got := b.statuses(t, 30); got[200] != 30 {
		t.Errorf("got the statuses %v, want 200 each time", got)
	}
	if asked := b.nodes[0].asked.Load(); asked == 0 || asked > 10 {
		t.Errorf("the node that hangs was asked %d times of 30, want it tried, and then left alone", asked)
	}
}

// testGuesses has callers hear 429, or 503 where passwords can't be looked at for now, as often as they like: each is asked of
// one node alone, and no node is taken for broken.
func (b *trio) testGuesses(t *testing.T) {
	for state, want := range map[string]int{throttles: 429, busy: 503} {
		b.are(t, admits, admits, admits)
		within(t, 3*time.Second, "all nodes to be asked again", b.allAsked)
		b.are(t, state, state, state)
		if got := b.statuses(t, 30); got[want] != 30 {
			t.Errorf("%s: got the statuses %v, want %d each time", state, got, want)
		}
		var asked int64
		for _, n := range b.nodes {
			asked += n.asked.Load()
		}
		if asked != 30 {
			t.Errorf("%s: the nodes were asked %d times about 30 calls, want each once", state, asked)
		}
		b.are(t, admits, admits, admits)
		if got := b.statuses(t, 6); got[200] != 6 {
			t.Errorf("%s: after it got the statuses %v, want 200 at once", state, got)
		}
	}
}

// testReturns has the database away from all nodes and come back: nginx mustn't be the last to notice.
func (b *trio) testReturns(t *testing.T) {
	b.are(t, cutOff, cutOff, cutOff)
	b.statuses(t, 60)
	b.are(t, admits, admits, admits)
	began := time.Now()
	within(t, 3*time.Second, "all nodes to be asked again", b.allAsked)
	took := time.Since(began)
	t.Logf("all nodes were asked again %s after they could answer", took.Round(time.Millisecond))
	if limit := 500 * time.Millisecond; took > limit {
		t.Errorf("got all nodes back after %s, want it within %s", took, limit)
	}
	if got := b.statuses(t, 30); got[200] != 30 {
		t.Errorf("got the statuses %v, want 200 each time", got)
	}
}
