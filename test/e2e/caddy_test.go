package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCaddyDemoAsAnybody runs the Caddyfile of the demo as the README does, but as an ordinary user where the test is run
// by root, and without a Jeton.
func TestCaddyDemoAsAnybody(t *testing.T) {
	dir := t.TempDir()
	reachable(t, dir)
	copyCaddy(t, dir)
	cmd := caddyIn(dir)
	if os.Getuid() == 0 {
		run(t, "chown", "-R", "65534:65534", dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	s := &stack{dir: t.TempDir()}
	caddy := s.startProxy(t, "Caddy", caddyListener, cmd)
	for _, tc := range []struct{ accept, contentType, body string }{
		{"*/*", "application/problem+json", `{"type":"about:blank","title":"Jeton can't answer just now","status":503,"code":"unavailable","fix":"Wait as long as Retry-After says, then try again.","instance":""}` + "\n"},
		{"text/plain", "text/plain; charset=utf-8", "Jeton can't answer just now. Wait as long as Retry-After says, then try again.\n"},
	} {
		a := exchange(t, "127.0.0.1", caddy.address, get("/reports/7", "Accept: "+tc.accept)+"\r\n")
		if a.status != http.StatusServiceUnavailable || a.body != tc.body || a.header.Get("Content-Type") != tc.contentType {
			t.Errorf("without Jeton: got %d, %q, %q, want 503, %q, %q", a.status, a.header.Get("Content-Type"), a.body, tc.contentType, tc.body)
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Retry-After") != "1" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("without Jeton: got header %v, want no-store, nosniff, and Retry-After 1", a.header)
		}
	}
	if a := exchange(t, "127.0.0.1", "127.0.0.1:9000", get("/reports/7", "Remote-User: alice")+"\r\n"); a.status != 200 || !strings.Contains(a.body, "Remote-User: alice") {
		t.Errorf("the demo's API: got %d %q, want what it was told", a.status, a.body)
	}
}

// standIn takes Jeton's place at the gateway's address until the test ends.
func standIn(t *testing.T, answer http.HandlerFunc) {
	t.Helper()
	l, err := net.Listen("tcp", gatewayListener)
	must(t, err)
	server := httptest.NewUnstartedServer(answer)
	must(t, server.Listener.Close())
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
}

// caddyWith runs Caddy with a site of its own making on the demo's port.
func caddyWith(t *testing.T, site string) *proxy {
	t.Helper()
	dir := t.TempDir()
	copyCaddy(t, dir)
	whole := strings.Replace(caddyfile, "import demo-site.caddy", "http://:8001 {\n"+site+"\n}", 1)
	must(t, os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(whole), 0o600))
	return (&stack{dir: t.TempDir()}).startProxy(t, "Caddy", caddyListener, caddyIn(dir))
}

// TestCaddyAsksFirst writes what may stand in a site before the import: Jeton, whose stand-in refuses everything, is asked
// all the same. It is asked about the host that the site names, or not to be understood.
func TestCaddyAsksFirst(t *testing.T) {
	standIn(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "refused for %q", r.Header.Get("X-Forwarded-Host"))
	})
	for _, tc := range []struct{ name, site, want string }{
		{"behind handle", "handle /reports/* {\nrespond passed\n}\nimport jeton api.example.com", `refused for "api.example.com"`},
		{"behind route", "route {\nrespond passed\n}\nimport jeton api.example.com", `refused for "api.example.com"`},
		{"behind respond", "respond passed\nimport jeton api.example.com", `refused for "api.example.com"`},
		{"beside other errors", "import jeton api.example.com\nhandle_errors {\nrespond passed\n}\nrespond passed", `refused for "api.example.com"`},
		{"without the host", "import jeton\nrespond passed", "400 Bad Request: malformed Host header"},
		{"without Jeton, the twin", "respond passed", "passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			caddy := caddyWith(t, tc.site)
			raw := get("/reports/7", "X-Forwarded-Host: other.example.com", "X-Jeton-Status: 200")
			if a := exchange(t, "127.0.0.1", caddy.address, raw+"\r\n"); a.body != tc.want {
				t.Errorf("got %d %q, want %q", a.status, a.body, tc.want)
			}
		})
	}
}

// TestCaddyLeavesTheExchangeToJeton writes what may stand beside jeton_matrix42 and jeton_bitcanuck: their paths are Jeton's, which
// isn't there, and no others are.
func TestCaddyLeavesTheExchangeToJeton(t *testing.T) {
	standIn(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	const site, passed = "import jeton api.example.com\nimport jeton_matrix42 api.example.com\nimport jeton_bitcanuck api.example.com\n", "respond passed"
	for _, tc := range []struct {
		site, path string
		status     int
	}{
		{passed, exchangePath, 503},
		{"handle /m42Services/* {\n" + passed + "\n}", exchangePath, 503},
		{"handle /m42Services/* {\n" + passed + "\n}", exchangePath + "/", 503},
		{"handle /m42Services/* {\n" + passed + "\n}", exchangePath + "/x", 403},
		{"@post method POST\nhandle @post {\n" + passed + "\n}", exchangePath, 503},
		{"handle {\n" + passed + "\n}", strings.ToLower(exchangePath), 503},
		{"route {\n" + passed + "\n}", exchangePath, 503},
		{"handle /api/* {\n" + passed + "\n}", passwordPath, 503},
		{"handle /api/* {\n" + passed + "\n}", assertionPath + "K7PX2MQA/", 503},
		{"handle /api/* {\n" + passed + "\n}", assertionPath + "K7PX2MQA/x", 403},
		{"route {\n" + passed + "\n}", logoutPath, 503},
		{"handle " + exchangePath + "* {\n" + passed + "\n}", exchangePath, 503},
	} {
		t.Run(tc.site+tc.path, func(t *testing.T) {
			for _, whole := range []string{tc.site + "\n" + site, site + tc.site} {
				caddy := caddyWith(t, whole)
				raw := head("POST", tc.path, "Authorization: Bearer x", "Content-Length: 0")
				if a := exchange(t, "127.0.0.1", caddy.address, raw+"\r\n"); a.status != tc.status {
					t.Errorf("got %d %q, want %d", a.status, a.body, tc.status)
				}
				(&stack{}).stop(t, caddy.cmd)
			}
		})
	}
}

// TestCaddyHandsOn has a stand-in answer with each status: a refusal of Jeton's goes to the caller, less the headers that
// are the API's, and what Jeton would never say is taken for no answer.
func TestCaddyHandsOn(t *testing.T) {
	standIn(t, func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(strings.TrimPrefix(r.Header.Get("X-Forwarded-Uri"), "/"))
		if err != nil || r.RequestURI != "/forward-auth" {
			status = http.StatusTeapot
		}
		w.Header()["Remote-User"] = []string{""}
		w.Header()["X-Auth-Request-User"] = []string{""}
		w.Header().Set("X-Jeton-Status", strconv.Itoa(status))
		w.Header().Set("X-Request-Id", "0123456789abcdef")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("Jeton's own words"))
	})
	caddy := caddyWith(t, "import jeton api.example.com\nreverse_proxy 127.0.0.1:9000") // where nobody listens
	for status, want := range map[int]int{
		400: 400, 401: 401, 403: 403, 429: 429, 431: 431, 503: 503,
		302: 503, 404: 503, 405: 503, 418: 503, 500: 503, 502: 503,
		200: 502, // Jeton has let the call pass: the fault is the API's
	} {
		a := exchange(t, "127.0.0.1", caddy.address, get(fmt.Sprintf("/%d", status))+"\r\n")
		if a.status != want {
			t.Errorf("%d: got %d, want %d", status, a.status, want)
		}
		if handed := a.body == "Jeton's own words"; handed != (status == want) || handed && a.header.Get("X-Request-Id") == "" {
			t.Errorf("%d: got %q, %v; want Jeton's own answer: %v", status, a.body, a.header, status == want)
		}
		if len(a.header.Values("Remote-User"))+len(a.header.Values("X-Auth-Request-User"))+len(a.header.Values("X-Jeton-Status")) > 0 {
			t.Errorf("%d: got %v, want nothing that is the API's", status, a.header)
		}
		if problem := strings.Contains(a.body, `"code":"unavailable"`); problem != (want == 503 && status != want) {
			t.Errorf("%d: got %q; want the problem: %v", status, a.body, !problem)
		}
	}
}

// TestCaddyWaitsNoLonger has somebody hold the gateway's address who isn't even as far as a Jeton that stands still: whose
// system takes connections that nobody reads from, though the question be long, and whose system takes none.
func TestCaddyWaitsNoLonger(t *testing.T) {
	long := "X-Long: " + strings.Repeat("a", 900_000) // Caddy takes a megabyte
	for _, tc := range []struct {
		name    string
		backlog int
		taken   int // connections made beforehand
		raw     string
	}{
		{"never reads", 100, 0, get("/reports/7", long)},
		{"takes no connection", 0, 5, get("/reports/7")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hold(t, tc.backlog, tc.taken)
			caddy := caddyWith(t, "import jeton api.example.com\nrespond passed")
			a := exchange(t, "127.0.0.1", caddy.address, tc.raw+"\r\n")
			if a.status != http.StatusServiceUnavailable || a.took > refusedInTime {
				t.Errorf("got %d %q after %s, want 503 within %s", a.status, a.body, a.took, refusedInTime)
			}
			t.Logf("refused after %s", a.took)
		})
	}
}

// hold listens at the gateway's address until the test ends, and never accepts.
func hold(t *testing.T, backlog, taken int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	must(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	must(t, syscall.Bind(fd, &syscall.SockaddrInet4{Port: 8081, Addr: [4]byte{127, 0, 0, 1}}))
	must(t, syscall.Listen(fd, backlog))
	for range taken {
		conn, err := net.DialTimeout("tcp", gatewayListener, 100*time.Millisecond)
		if err != nil {
			return // it is full
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	if taken > 0 {
		t.Fatalf("%d connections were taken, want it full", taken)
	}
}

// caddyChanged runs the demo's site with one line of jeton.caddy put otherwise, as the README says.
func caddyChanged(t *testing.T, line, otherwise string) *proxy {
	t.Helper()
	readme := readFile(t, "../../deploy/caddy/README.md")
	for told := range strings.Lines(otherwise) {
		if told = strings.TrimSpace(told); !strings.Contains(readme, "`"+told+"`") && !strings.HasPrefix(told, "trusted_proxies ") {
			t.Errorf("the README doesn't tell of %q", told)
		}
	}
	dir := t.TempDir()
	copyCaddy(t, dir)
	snippets := filepath.Join(dir, "jeton.caddy")
	text := strings.Replace(readFile(t, snippets), line+"\n", otherwise+"\n", 1)
	must(t, os.WriteFile(snippets, []byte(text), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(caddyfile), 0o600))
	cmd := caddyIn(dir)
	cmd.Env = append(cmd.Env, "JETON_PEER_SECRET=that of Caddy")
	return (&stack{dir: t.TempDir()}).startProxy(t, "Caddy", caddyListener, cmd)
}

// realIP is the line of jeton.caddy that says who calls.
const realIP = "header_up X-Real-IP {remote_host}"

// TestCaddyBehindAnotherProxy looks what Jeton hears of the client, from the other proxy and from elsewhere.
func TestCaddyBehindAnotherProxy(t *testing.T) {
	standIn(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, r.Header["X-Forwarded-For"], r.Header["X-Real-Ip"], r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Proto"])
	})
	caddy := caddyChanged(t, realIP, "header_up -X-Real-IP\ntrusted_proxies 127.0.0.9")
	raw := get("/reports/7", "X-Forwarded-For: 203.0.113.99, 198.51.100.7", "X-Real-IP: 203.0.113.99", "X-Forwarded-Host: other.example.com", "X-Forwarded-Proto: https")
	for from, want := range map[string]string{
		"127.0.0.9": "[203.0.113.99, 198.51.100.7, 127.0.0.9] [] [api.example.com] [https]",
		"127.0.0.1": "[127.0.0.1] [] [api.example.com] [http]",
	} {
		if a := exchange(t, from, caddy.address, raw+"\r\n"); a.body != want {
			t.Errorf("from %s: Jeton heard %q, want %q", from, a.body, want)
		}
	}
}

// TestCaddyShowsItsSecret looks which secret Jeton sees, and that the API sees none.
func TestCaddyShowsItsSecret(t *testing.T) {
	api := newRecorder(t, "127.0.0.1:9000")
	shown := make(chan []string, 10)
	standIn(t, func(w http.ResponseWriter, r *http.Request) {
		shown <- r.Header["X-Jeton-Peer-Secret"]
		w.Header().Set("X-Jeton-Status", "200")
	})
	caddy := caddyChanged(t, realIP, realIP+"\nheader_up X-Jeton-Peer-Secret {env.JETON_PEER_SECRET}")
	for len(shown) > 0 { // what startProxy asked
		<-shown
	}
	api.seen()
	if a := exchange(t, "127.0.0.1", caddy.address, get("/reports/7", "X-Jeton-Peer-Secret: that of the client")+"\r\n"); a.status != http.StatusOK {
		t.Fatalf("got %d, want 200", a.status)
	}
	if got := <-shown; len(got) != 1 || got[0] != "that of Caddy" {
		t.Errorf("Jeton saw the secret %q, want Caddy's", got)
	}
	if seen := api.seen(); len(seen) != 1 || strings.Contains(seen[0], "that of") {
		t.Errorf("the API saw %q, want one call without a secret", seen)
	}
}

// TestCaddyRefusesBlocks checks that the snippet isn't taken within a part of a site: the rest would not be asked about.
func TestCaddyRefusesBlocks(t *testing.T) {
	dir := t.TempDir()
	copyCaddy(t, dir)
	for site, want := range map[string]bool{
		"import jeton api.example.com\nrespond passed":            true,
		"handle /x {\nimport jeton api.example.com\n}\nrespond 1": false,
		"route /x {\nimport jeton api.example.com\n}\nrespond 1":  false,
	} {
		path := filepath.Join(dir, "Caddyfile")
		must(t, os.WriteFile(path, []byte("import jeton.caddy\nhttp://:8001 {\n"+site+"\n}\n"), 0o600))
		out, err := exec.Command("caddy", "adapt", "--config", path).CombinedOutput()
		if (err == nil) != want || !want && !strings.Contains(string(out), "handle_errors") {
			t.Errorf("%q: got %v, %s; want it taken: %v", site, err, out, want)
		}
	}
}

// TestCaddyfilesAreFormatted asks Caddy itself, which warns at every start where they aren't.
func TestCaddyfilesAreFormatted(t *testing.T) {
	files, err := filepath.Glob("../../deploy/caddy/*addy*")
	must(t, err)
	if len(files) != 4 {
		t.Fatalf("got %v, want four files", files)
	}
	for _, file := range files {
		out, err := exec.Command("caddy", "fmt", file).Output()
		must(t, err)
		if string(out) != readFile(t, file) {
			t.Errorf("%s isn't as caddy fmt writes it", file)
		}
	}
}
