package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHAProxyMakesNoTunnel has a client ask for a tunnel. What it sent through one would come to the API as it is, with any identity
// that it likes, and nobody would be asked. The twin asks by another method, and what stands behind it is a call like any other.
func TestHAProxyMakesNoTunnel(t *testing.T) {
	standIn(t, admitsAll(nil))
	api := newRecorder(t, "127.0.0.1:9000")
	via := startChanged(t, "HAProxy")
	const second = "GET /invoices/7 HTTP/1.1\r\nHost: api.example.com\r\nRemote-User: forged\r\n\r\n"
	for _, tc := range []struct {
		method, target string
		status         int
	}{
		{"CONNECT", "http://api.example.com:80/changes/7?x", http.StatusMethodNotAllowed},
		{"CONNECT", "api.example.com:80", http.StatusMethodNotAllowed},
		{"CONNECT", "http://api.example.com:80" + exchangePath, http.StatusMethodNotAllowed},
		{"TRACE", "/changes/7", http.StatusMethodNotAllowed},
		{"CONNECTS", "http://api.example.com:80/changes/7?x", http.StatusOK},
	} {
		api.seen()
		all := conversation(t, via.address, strings.Replace(head(tc.method, tc.target), "Connection: close\r\n", "", 1)+"\r\n"+second)
		if !strings.HasPrefix(all, fmt.Sprintf("HTTP/1.1 %d ", tc.status)) {
			t.Errorf("%s %s: got %.100q, want %d", tc.method, tc.target, all, tc.status)
		}
		for _, seen := range api.seen() {
			if strings.Contains(seen, "forged") || field(seen, "Remote-User") != "alice" || strings.HasPrefix(seen, tc.method) != (tc.status == http.StatusOK) && !strings.HasPrefix(seen, "GET /invoices/7 ") {
				t.Errorf("%s %s: the API saw %q, want alice's calls alone", tc.method, tc.target, seen)
			}
		}
	}
}

// TestHAProxyTellsAllOrNothing fills the head of a call until what Jeton says of its caller has no more room there: then it doesn't
// pass. Less of it would tell the API of another caller.
func TestHAProxyTellsAllOrNothing(t *testing.T) {
	long := strings.Repeat("%E8%AA%9E", 250)
	standIn(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Remote-Name", long)
		admitsAll(nil)(w, r)
	})
	api := newRecorder(t, "127.0.0.1:9000")
	via := startChanged(t, "HAProxy")
	api.seen()
	for filling, status := range map[int]int{14_500: http.StatusRequestHeaderFieldsTooLarge, 11_500: http.StatusOK} {
		raw := get("/reports/7", "Proxy-Authorization: "+strings.Repeat("a", filling)) // which is taken out behind the question
		a := exchange(t, "127.0.0.1", via.address, raw+"\r\n")
		seen := api.seen()
		if a.status != status || (len(seen) == 1) != (status == http.StatusOK) {
			t.Errorf("with %d bytes more: got %d, and the API saw %d calls, want %d", filling, a.status, len(seen), status)
		}
		for _, head := range seen {
			if field(head, "Remote-User") != "alice" || field(head, "Remote-Name") != long {
				t.Errorf("with %d bytes more: the API saw %.2000q, want all of alice", filling, head)
			}
		}
	}
}

// TestLuaProxiesRefuseManyInTime has more callers than Apache has threads come at once while neither of two nodes answers: a
// thread that waits can't refuse the next. Both are the same here, by two names of its address.
func TestLuaProxiesRefuseManyInTime(t *testing.T) {
	const callers = 200
	for _, name := range luaProxies() {
		t.Run(name, func(t *testing.T) {
			hold(t, callers*2, 0)
			c := change{"jeton.cfg", "    server jeton 127.0.0.1:8081\n", "    server jeton 127.0.0.1:8081\n    server jeton2 127.0.0.1:8081\n"}
			if name == "Apache" {
				c = change{"jeton.conf", "Define JETON_GATEWAY 127.0.0.1:8081\n", "Define JETON_GATEWAY \"127.0.0.1:8081 127.1:8081\"\n"}
			}
			api := newRecorder(t, "127.0.0.1:9000")
			via := startChanged(t, name, c)
			s := &stack{via: via, api: api}
			t.Logf("%d calls at once: all refused, the slowest after %s", callers, s.slowestOf(t, get("/reports/7"), callers))
		})
	}
}

// TestApacheGoesOnAtOnce has Jeton hang and answer again: the call that comes then passes, though Apache has learned not to wait long.
func TestApacheGoesOnAtOnce(t *testing.T) {
	hung := make(chan struct{})
	standIn(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-hung:
		case <-r.Context().Done():
			return
		}
		admitsAll(nil)(w, r)
	})
	newRecorder(t, "127.0.0.1:9000")
	via := startChanged(t, "Apache")
	raw := get("/reports/7") + "\r\n"
	var quick bool
	for range 8 { // each of Apache's processes has to find out
		a := exchange(t, "127.0.0.1", via.address, raw)
		if a.status != http.StatusServiceUnavailable {
			t.Fatalf("got %d of a Jeton that hangs, want 503", a.status)
		}
		quick = quick || a.took < time.Second
	}
	if !quick {
		t.Error("none of 8 calls, one behind another, was refused within a second, want those that come when Jeton is known to hang")
	}
	close(hung)
	if a := exchange(t, "127.0.0.1", via.address, raw); a.status != http.StatusOK {
		t.Errorf("got %d once Jeton answers again, want 200", a.status)
	}
}

// TestLuaProxiesTakeTheirOwnAnswer has whoever stands at the gateway's address send more than was asked for. What is left in a
// connection is no answer to the next question, which may be another's.
func TestLuaProxiesTakeTheirOwnAnswer(t *testing.T) {
	const more = "HTTP/1.1 200 OK\r\nX-Jeton-Status: 200\r\nRemote-User: alice\r\nContent-Length: 0\r\n\r\n"
	l, err := net.Listen("tcp", gatewayListener)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go refuseTwice(conn, more)
		}
	}()
	api := newRecorder(t, "127.0.0.1:9000")
	for _, name := range luaProxies() {
		via := startChanged(t, name)
		raw := strings.Replace(get("/reports/7"), "Connection: close\r\n", "", 1) + "\r\n" // one thread of Apache's, for both
		all := conversation(t, via.address, strings.Repeat(raw, 2))
		if refused := strings.Count(all, "HTTP/1.1 403 "); refused != 2 {
			t.Errorf("%s: got %q, want 403 twice", name, all)
		}
		if seen := api.seen(); len(seen) > 0 {
			t.Errorf("%s: the API saw %q, want nothing", name, seen)
		}
	}
	api.seen()
	if a := exchange(t, "127.0.0.1", gatewayListener, get("/forward-auth", "X-Forwarded-Uri: /passes")+"\r\n"); a.status != http.StatusOK {
		t.Errorf("got %d, want the 200 that would have let a call in", a.status)
	}
}

// refuseTwice refuses each question of a connection and sends more behind that, but answers one path with what it sends behind others.
func refuseTwice(conn net.Conn, more string) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		answer := "HTTP/1.1 403 Forbidden\r\nX-Jeton-Status: 403\r\nContent-Length: 0\r\n\r\n" + more
		if r.Header.Get("X-Forwarded-Uri") == "/passes" {
			answer = more
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// TestLuaProxiesAskByOneConnection has calls follow one another, so that questions do: all are answered, by a connection that lasts.
func TestLuaProxiesAskByOneConnection(t *testing.T) {
	const calls = 50
	standIn(t, admitsAll(nil))
	newRecorder(t, "127.0.0.1:9000")
	for _, name := range luaProxies() {
		via := startChanged(t, name)
		raw := strings.Replace(get("/reports/7"), "Connection: close\r\n", "", 1) + "\r\n"
		if passed := strings.Count(conversation(t, via.address, strings.Repeat(raw, calls)), "HTTP/1.1 200 "); passed != calls {
			t.Errorf("%s: %d of %d calls passed, want all", name, passed, calls)
		}
	}
}
