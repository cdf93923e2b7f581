package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// login is a request that came to the public listener of a stand-in for Jeton.
type login struct {
	line   string // method and target
	header http.Header
	body   string
}

// desk is a stand-in for the public listener: it takes log-ins, and answers each with what it saw.
type desk struct {
	mu    sync.Mutex
	taken []login
	drops bool // closes the connection instead of answering
}

// ServeHTTP implements http.Handler.
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet { // Caddy asks so whether it is to send the call itself
		if r.Header.Get("Token") != "" || r.Header.Get("Authorization") != "" || r.ContentLength != 0 {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	d.mu.Lock()
	d.taken = append(d.taken, login{r.Method + " " + r.RequestURI, r.Header, string(body)})
	drops := d.drops
	d.mu.Unlock()
	if drops {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, "taken")
}

// took returns what came since it was last called.
func (d *desk) took() []login {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.taken
	d.taken = nil
	return taken
}

// respelled is a path that is another to those who understand it.
var respelled = regexp.MustCompile(`//|\.\.|%`)

// refuses is a stand-in for the gateway that lets nobody in.
func refuses(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Jeton-Status", "403")
	w.WriteHeader(http.StatusForbidden)
}

// at has a handler listen at an address until the test ends.
func at(t *testing.T, address string, h http.Handler) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	server := httptest.NewUnstartedServer(h)
	must(t, server.Listener.Close())
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// TestLoginsReachJeton looks what Jeton gets of a log-in by way of each proxy: one path, what was sent with it, and nothing else.
// nginx and Caddy understand a path before they compare it; to the others another spelling is another path, about which Jeton is
// asked. What is no log-in is asked about like any call, and refused here.
func TestLoginsReachJeton(t *testing.T) {
	s, jeton := emptyStack(t), new(desk)
	at(t, "127.0.0.1:8080", jeton)
	standIn(t, refuses)
	s.api = newRecorder(t, "127.0.0.1:9000")
	const body = `{"email":"john@email.com","password":"x"}`
	const code, id = "K7PX2MQA", "0190a6f0-0000-7000-8000-000000000000"
	s.startProxies(t, separate())
	for _, s.via = range s.proxies {
		for _, tc := range []struct{ method, path, want string }{ // nothing, where it is no log-in
			{"POST", passwordPath, passwordPath},
			{"POST", passwordPath + "/", passwordPath},
			{"POST", passwordPath + "/?x=1", passwordPath},
			{"POST", "/api/v1/%61uthenticate", passwordPath},
			{"POST", "/x/.." + passwordPath, passwordPath},
			{"POST", "/v1/users/x%2f..%2f..%2f.." + passwordPath, passwordPath},
			{"POST", assertionPath + "%2e%2e/authenticate", passwordPath},
			{"POST", assertionPath + code, assertionPath + code},
			{"POST", assertionPath + id + "/", assertionPath + id},
			{"POST", assertionPath + "%4b7PX2MQA?Token=x", assertionPath + code},
			{"POST", "/api/v1//authenticate-jwt/" + code, assertionPath + code},
			{"PUT", assertionPath + code, assertionPath + code},
			{"POST", logoutPath, logoutPath},
			{"DELETE", logoutPath + "/", logoutPath},

			{"POST", passwordPath + "s", ""},
			{"POST", passwordPath + "/" + code, ""},
			{"POST", "/API" + passwordPath[4:], ""},
			{"POST", "/x" + passwordPath, ""},
			{"POST", passwordPath + "-jwt", ""},
			{"POST", assertionPath, ""},
			{"POST", assertionPath + "/", ""},
			{"POST", assertionPath + code + "/x", ""},
			{"POST", assertionPath + code + "%2fx", ""},
			{"POST", assertionPath + "a%20b", ""},
			{"POST", assertionPath + "a.b", ""},
			{"POST", assertionPath + "%c3%a9", ""},
			{"POST", assertionPath + "a%3fb", ""},
			{"POST", logoutPath + "/.%2e/users", ""},
		} {
			name := s.via.name + ": " + tc.method + " " + tc.path
			if understands := slices.Contains(usual(), s.via.name); !understands && respelled.MatchString(tc.path) {
				tc.want = ""
			}
			raw := head(tc.method, tc.path, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)), "Token: a.b.c", "Authorization: Bearer y",
				"Cookie: jeton_api=z", "X-Real-IP: 203.0.113.9", "X-Forwarded-For: 203.0.113.9", "Origin: https://elsewhere.example.com") + "\r\n" + body
			a := exchange(t, "127.0.0.9", s.via.address, raw)
			taken := jeton.took()
			if tc.want == "" {
				if len(taken) > 0 || a.status != http.StatusForbidden {
					t.Errorf("%s: got %d, and Jeton took %q; want it asked about, and refused", name, a.status, taken)
				}
				continue
			}
			if len(taken) != 1 || a.status != http.StatusOK || taken[0].line != tc.method+" "+tc.want {
				t.Errorf("%s: got %d, and Jeton took %q; want %s %s", name, a.status, taken, tc.method, tc.want)
				continue
			}
			h := taken[0].header
			for field, want := range map[string]string{
				"Token": "a.b.c", "Authorization": "Bearer y", "Cookie": "", "X-Real-Ip": "127.0.0.9", "Content-Type": "application/json", "Origin": "https://elsewhere.example.com",
			} {
				if got := strings.Join(h[field], "|"); got != want {
					t.Errorf("%s: Jeton got %s %q, want %q", name, field, got, want)
				}
			}
			if strings.Contains(fmt.Sprint(h), "203.0.113.9") || taken[0].body != body {
				t.Errorf("%s: Jeton got the body %q and the header %v, want the body as it was and no address of the client's choice", name, taken[0].body, h)
			}
		}
	}
	if seen := s.api.seen(); len(seen) > 0 {
		t.Errorf("the API saw %q, want nothing", seen)
	}
}

// TestLoginsAreSentOnce has nginx stand before three nodes: a log-in that one has taken is no other's, whatever becomes of it;
// and where a node isn't there, the next is asked.
func TestLoginsAreSentOnce(t *testing.T) {
	s := emptyStack(t)
	standIn(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	nodes := []*desk{new(desk), new(desk), new(desk)}
	var servers []*httptest.Server
	for i, node := range nodes {
		servers = append(servers, at(t, fmt.Sprintf("127.0.0.1%d:8080", i+1), node))
	}
	prefix := filepath.Join(s.dir, "nginx")
	copyNginx(t, prefix)
	must(t, os.Rename(filepath.Join(prefix, "jeton-upstream-three.conf"), filepath.Join(prefix, "jeton-upstream.conf")))
	s.via = s.nginxIn(t, prefix, nginxConf)
	present := func() (status, taken int) {
		t.Helper()
		a := exchange(t, "127.0.0.1", s.via.address, post(passwordPath, "{}"))
		for _, node := range nodes {
			taken += len(node.took())
		}
		return a.status, taken
	}
	for range 6 {
		if status, taken := present(); status != http.StatusOK || taken != 1 {
			t.Errorf("got %d, taken %d times, want 200 and once", status, taken)
		}
	}
	servers[0].Close()
	for range 6 {
		if status, taken := present(); status != http.StatusOK || taken != 1 {
			t.Errorf("one down: got %d, taken %d times, want 200 and once", status, taken)
		}
	}
	for _, node := range nodes {
		node.mu.Lock()
		node.drops = true
		node.mu.Unlock()
	}
	for range 6 {
		if status, taken := present(); status != http.StatusServiceUnavailable || taken != 1 {
			t.Errorf("dropped: got %d, taken %d times, want 503 and once", status, taken)
		}
	}
}
