package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// luaProxies are the proxies that ask Jeton by a script of ours, where a fault would let everybody in.
func luaProxies() []string { return []string{"HAProxy", "Apache"} }

// change puts a line of a file of deploy/ otherwise.
type change struct{ file, line, otherwise string }

// startChanged starts HAProxy or Apache with the files of its demo put otherwise, before the API and whoever stands in for Jeton.
func startChanged(t *testing.T, name string, changes ...change) *proxy {
	t.Helper()
	s := emptyStack(t)
	of, conf, cmd := "haproxy", "demo.cfg", haproxyIn
	if name == "Apache" {
		of, conf, cmd = "apache2", "demo.conf", apacheIn
	}
	dir := filepath.Join(s.dir, of)
	copyFiles(t, of, dir)
	for _, c := range changes {
		file := filepath.Join(dir, c.file)
		text := readFile(t, file)
		if !strings.Contains(text, c.line) {
			t.Fatalf("%s has no %q", c.file, c.line)
		}
		must(t, os.WriteFile(file, []byte(strings.Replace(text, c.line, c.otherwise, 1)), 0o644))
	}
	address := map[string]string{"HAProxy": haproxyListener, "Apache": apacheListener}[name]
	return s.startProxy(t, name, address, cmd(dir, conf))
}

// demoCommand finds in a README how the demo is run.
var demoCommand = regexp.MustCompile("`((?:cd deploy/apache2 && apache2|haproxy -C deploy/haproxy) [^`]*demo[^`]*)`")

// TestDemosAsAnybody runs the demos of HAProxy and Apache as their READMEs do, but as an ordinary user where the test is run by root,
// and without a Jeton.
func TestDemosAsAnybody(t *testing.T) {
	for _, name := range luaProxies() {
		t.Run(name, func(t *testing.T) {
			s, of, address := emptyStack(t), "haproxy", haproxyListener
			if name == "Apache" {
				of, address = "apache2", apacheListener
			}
			copyFiles(t, of, filepath.Join(s.dir, "deploy", of))
			commands := groups(demoCommand, readFile(t, "../../deploy/"+of+"/README.md"))
			if len(commands) != 1 {
				t.Fatalf("got the commands %q, want one", commands)
			}
			cmd := exec.Command("bash", "-c", strings.Replace("exec "+commands[0], "exec cd deploy/apache2 && ", "cd deploy/apache2 && exec ", 1))
			cmd.Dir = s.dir
			if os.Getuid() == 0 {
				run(t, "chown", "-R", "65534:65534", filepath.Join(s.dir, "deploy"))
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			via := s.startProxy(t, name, address, cmd)
			for _, tc := range []struct{ accept, contentType, body string }{
				{"*/*", "application/problem+json", `{"type":"about:blank","title":"Jeton can't answer just now","status":503,"code":"unavailable","fix":"Wait as long as Retry-After says, then try again.","instance":""}` + "\n"},
				{"text/plain", "text/plain; charset=utf-8", "Jeton can't answer just now. Wait as long as Retry-After says, then try again.\n"},
			} {
				a := exchange(t, "127.0.0.1", via.address, get("/reports/7", "Accept: "+tc.accept)+"\r\n")
				if a.status != http.StatusServiceUnavailable || a.body != tc.body || a.header.Get("Content-Type") != tc.contentType {
					t.Errorf("without Jeton: got %d, %q, %q, want 503, %q, %q", a.status, a.header.Get("Content-Type"), a.body, tc.contentType, tc.body)
				}
				if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Retry-After") != "1" || a.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("without Jeton: got header %v, want no-store, nosniff, and Retry-After 1", a.header)
				}
			}
			for _, path := range []string{exchangePath, passwordPath, logoutPath, "/XDocUi/?XST=abc"} { // nor does Jeton's public listener answer
				a := exchange(t, "127.0.0.1", via.address, post(path, "{}"))
				if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"code":"unavailable"`) || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Retry-After") != "1" {
					t.Errorf("%s, without Jeton: got %d %v %q, want 503 in Jeton's words", path, a.status, a.header, a.body)
				}
			}
			if name == "HAProxy" {
				if a := exchange(t, "127.0.0.1", "127.0.0.1:9000", get("/reports/7", "Remote-User: alice")+"\r\n"); a.status != 200 || !strings.Contains(a.body, "Remote-User: alice") {
					t.Errorf("the demo's API: got %d %q, want what it was told", a.status, a.body)
				}
			}
		})
	}
}

// ownSite finds in a README the configuration for one's own API.
var ownSite = regexp.MustCompile("(?s)```(?:apache)?\n((?:frontend|<VirtualHost).*?)```")

// TestLuaProxiesBeforeYourOwn runs what the READMEs say is to be written for one's own API, but for the certificate and the places.
func TestLuaProxiesBeforeYourOwn(t *testing.T) {
	standIn(t, admitsAll(nil))
	newRecorder(t, "127.0.0.1:9000")
	places := strings.NewReplacer(":443 ssl crt /etc/haproxy/api.pem", haproxyListener, "*:443", apacheListener, "your-api", "127.0.0.1", "/dev/log", "stdout", "${APACHE_LOG_DIR}", "run")
	for _, name := range luaProxies() {
		of, conf := "haproxy", "demo.cfg"
		if name == "Apache" {
			of, conf = "apache2", "demo.conf"
		}
		sites := groups(ownSite, readFile(t, "../../deploy/"+of+"/README.md"))
		if len(sites) != 1 {
			t.Fatalf("%s: got %d sites, want one", name, len(sites))
		}
		text := readFile(t, "../../deploy/"+of+"/"+conf)
		at := max(strings.Index(text, "<VirtualHost"), strings.Index(text, "\nfrontend"))
		via := startChanged(t, name, change{conf, text[at:], "\n" + places.Replace(sites[0])})
		if a := exchange(t, "127.0.0.1", via.address, get("/reports/7")+"\r\n"); a.status != http.StatusOK || a.body != "/reports/7 alice" {
			t.Errorf("%s: got %d %q, want the API's answer to alice", name, a.status, a.body)
		}
	}
}

// TestHAProxySpeaksHTTP2 calls by HTTP/2 without TLS, to which a connection turns by its first bytes, and where a field of any name
// may come and the path is a field, too.
func TestHAProxySpeaksHTTP2(t *testing.T) {
	shown := make(chan http.Header, 10)
	standIn(t, admitsAll(shown))
	api := newRecorder(t, "127.0.0.1:9000")
	via := startChanged(t, "HAProxy")
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{Protocols: protocols}}
	for len(shown) > 0 {
		<-shown
	}
	api.seen()
	for _, trailer := range []bool{false, true} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+via.address+"/any/%2e%2e//x?a=b", io.MultiReader(strings.NewReader("hello")))
		must(t, err)
		r.Host = "other.example.com"
		for _, field := range []string{"Remote-User", "Remote_user", "X-Jeton-Status", "X-Forwarded-Host", "Authorization", "Cookie"} {
			r.Header[field] = []string{"forged"}
		}
		if trailer {
			r.Trailer = http.Header{"Remote-User": {"forged"}}
		}
		res, err := client.Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
		seen := api.seen()
		if trailer {
			if len(seen) > 0 || err == nil && res.StatusCode != http.StatusBadRequest {
				t.Errorf("with a trailer: got %v, %v, and the API saw %q, want 400", res, err, seen)
			}
			continue
		}
		must(t, err)
		if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 || len(seen) != 1 || !strings.HasPrefix(seen[0], "POST /any/%2e%2e//x?a=b HTTP/1.1\r\n") || strings.Contains(seen[0], "forged") ||
			field(seen[0], "Remote-User") != "alice" || field(seen[0], "Host") != "api.example.com" {
			t.Errorf("got %d by %s, and the API saw %q, want alice's call, as it was", res.StatusCode, res.Proto, seen)
		}
		if h := <-shown; h.Get("X-Forwarded-Uri") != "/any/%2e%2e//x?a=b" || h.Get("X-Forwarded-Host") != "api.example.com" || h.Get("X-Forwarded-Method") != "POST" {
			t.Errorf("Jeton was asked about %v, want the call as it was, at the API's host", h)
		}
	}
}

// TestHAProxyIsReplaced starts a second HAProxy in the place of the first, as a reload does, while calls come one after the other: none
// fails, and the first ends in order.
func TestHAProxyIsReplaced(t *testing.T) {
	standIn(t, admitsAll(nil))
	newRecorder(t, "127.0.0.1:9000")
	first := startChanged(t, "HAProxy")
	s := emptyStack(t)
	dir := filepath.Join(s.dir, "haproxy")
	copyFiles(t, "haproxy", dir)
	second := exec.Command("haproxy", "-db", "-C", dir, "-f", "jeton.cfg", "-f", "demo.cfg", "-sf", strconv.Itoa(first.cmd.Process.Pid))
	s.start(t, second, "haproxy.log")
	t.Cleanup(func() { s.stop(t, second) })
	ended := make(chan error, 1)
	go func() { ended <- first.cmd.Wait() }()
	for calls := 0; ; calls++ {
		if a := exchange(t, "127.0.0.1", haproxyListener, get("/reports/7")+"\r\n"); a.status != http.StatusOK {
			t.Fatalf("call %d: got %d %q, want 200", calls, a.status, a.body)
		}
		select {
		case err := <-ended:
			must(t, err)
			if a := exchange(t, "127.0.0.1", haproxyListener, get("/reports/7")+"\r\n"); a.status != http.StatusOK {
				t.Errorf("of the second: got %d, want 200", a.status)
			}
			return
		default:
		}
	}
}

// TestLuaProxiesHandOn has a stand-in answer in every way: a refusal of Jeton's goes to the caller, less the headers that are the
// API's, and what Jeton would never say is taken for no answer. Only one answer lets a call pass.
func TestLuaProxiesHandOn(t *testing.T) {
	standIn(t, func(w http.ResponseWriter, r *http.Request) {
		status, said, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("X-Forwarded-Uri"), "/"), "/")
		code, err := strconv.Atoi(status)
		if err != nil || r.RequestURI != "/forward-auth" {
			code = http.StatusTeapot
		}
		if said == "" {
			said = status
		}
		w.Header()["Remote-User"] = []string{""}
		w.Header()["X-Auth-Request-User"] = []string{""}
		if said != "nothing" {
			w.Header().Set("X-Jeton-Status", said)
		}
		w.Header().Set("X-Request-Id", "0123456789abcdef")
		w.WriteHeader(code)
		if code != http.StatusOK {
			_, _ = io.WriteString(w, "Jeton's own words")
		}
	})
	api := newRecorder(t, "127.0.0.1:9000")
	for _, name := range luaProxies() {
		via := startChanged(t, name)
		for said, want := range map[string]int{
			"400": 400, "401": 401, "403": 403, "429": 429, "503": 503, "200": 200,
			"302": 503, "404": 503, "405": 503, "418": 503, "500": 503, "502": 503, "204": 503, "201": 503, "206": 503,
			"200/403": 503, "200/nothing": 503, "200/2000": 503, "403/200": 503, "403/nothing": 503, "401/403": 503,
		} {
			api.seen()
			a := exchange(t, "127.0.0.1", via.address, get("/"+said)+"\r\n")
			seen := api.seen()
			if a.status != want || (len(seen) == 1) != (want == 200) {
				t.Errorf("%s, %s: got %d, and the API saw %q, want %d", name, said, a.status, seen, want)
			}
			handed, ought := a.body == "Jeton's own words", want != 200 && said == fmt.Sprint(want)
			if handed != ought || handed && a.header.Get("X-Request-Id") == "" {
				t.Errorf("%s, %s: got %q, %v; want Jeton's own answer: %v", name, said, a.body, a.header, ought)
			}
			if len(a.header.Values("Remote-User"))+len(a.header.Values("X-Auth-Request-User"))+len(a.header.Values("X-Jeton-Status")) > 0 {
				t.Errorf("%s, %s: got %v, want nothing that is the API's", name, said, a.header)
			}
		}
	}
}

// TestLuaProxiesWaitNoLonger has somebody hold the gateway's address who isn't even as far as a Jeton that stands still; or who
// answers byte by byte, so that something always comes.
func TestLuaProxiesWaitNoLonger(t *testing.T) {
	long := "Cookie: " + strings.Repeat("a", 7000) // Apache takes 8 kB in a line
	for _, name := range luaProxies() {
		for _, tc := range []struct {
			name string
			hold func(*testing.T)
		}{
			{"never reads", func(t *testing.T) { hold(t, 100, 0) }},
			{"takes no connection", func(t *testing.T) { hold(t, 0, 5) }},
			{"drips a head", func(t *testing.T) { drip(t, "", "HTTP/1.1 200 OK\r\nX-Jeton-Status: 200\r\nContent-Length: 0\r\n\r\n") }},
			{"drips fields", func(t *testing.T) {
				drip(t, "HTTP/1.1 200 OK\r\nX-Jeton-Status: 200\r\n", strings.Repeat("A: b\r\n", 100))
			}},
			{"drips a body", func(t *testing.T) {
				drip(t, "HTTP/1.1 403 Forbidden\r\nX-Jeton-Status: 403\r\nContent-Length: 100\r\n\r\n", strings.Repeat("a", 100))
			}},
			{"ends early", func(t *testing.T) {
				drip(t, "HTTP/1.1 200 OK\r\nX-Jeton-Status: 200\r\nContent-Length: 9\r\n\r\n1234", "")
			}},
			{"ends at once", func(t *testing.T) { drip(t, "", "") }},
		} {
			t.Run(name+" "+tc.name, func(t *testing.T) {
				tc.hold(t)
				api := newRecorder(t, "127.0.0.1:9000")
				via := startChanged(t, name)
				a := exchange(t, "127.0.0.1", via.address, get("/reports/7", long)+"\r\n")
				if a.status != http.StatusServiceUnavailable || a.took > refusedInTime || !strings.Contains(a.body, `"code":"unavailable"`) {
					t.Errorf("got %d %q after %s, want 503 within %s", a.status, a.body, a.took, refusedInTime)
				}
				if seen := api.seen(); len(seen) > 0 {
					t.Errorf("the API saw %q, want nothing", seen)
				}
				t.Logf("refused after %s", a.took)
			})
		}
	}
}

// drip answers every question at the gateway's address with some bytes at once and the others one by one, and then ends the
// connection.
func drip(t *testing.T, first, rest string) {
	t.Helper()
	l, err := net.Listen("tcp", gatewayListener)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	ctx := t.Context()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = conn.Read(make([]byte, 64<<10))
				_, _ = io.WriteString(conn, first)
				for i := range len(rest) {
					select {
					case <-ctx.Done():
						return
					case <-time.After(150 * time.Millisecond):
					}
					if _, err := io.WriteString(conn, rest[i:i+1]); err != nil {
						return
					}
				}
			}()
		}
	}()
}

// admitsAll is a stand-in that lets everybody in whom it is asked about in full, and says what it was told.
func admitsAll(shown chan<- http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if r.Header.Get("X-Forwarded-Host") == "" || r.Header.Get("X-Forwarded-Method") == "" {
			status = http.StatusBadRequest
		}
		select {
		case shown <- r.Header:
		default:
		}
		w.Header().Set("X-Jeton-Status", strconv.Itoa(status))
		w.Header().Set("Remote-User", "alice")
		w.WriteHeader(status)
	}
}

// TestLuaProxiesLetNobodyIn takes away from the configurations what somebody may forget, or break: then nobody gets in, though
// Jeton's stand-in would let everybody. The whole, as the twin, lets them.
func TestLuaProxiesLetNobodyIn(t *testing.T) {
	standIn(t, admitsAll(nil))
	for _, tc := range []struct {
		proxy, name string
		change      change
		status      int
	}{
		{"HAProxy", "whole", change{"demo.cfg", "", ""}, 200},
		{"HAProxy", "no host", change{"demo.cfg", "http-request set-var(txn.jeton_host) str(api.example.com)", ""}, 400},
		{"HAProxy", "no filter", change{"demo.cfg", "filter lua.jeton_trailers", ""}, 503},
		{"HAProxy", "no question", change{"jeton.cfg", "http-request lua.jeton\n", ""}, 503},
		{"HAProxy", "a script that fails", change{"jeton.lua", "note_path(txn)\n\tlocal headers", "error('broken')\n\tlocal headers"}, 503},
		{"HAProxy", "a question that fails", change{"jeton.lua", "return core.httpclient()", "return core.nothing()"}, 503},
		{"Apache", "whole", change{"demo.conf", "", ""}, 200},
		{"Apache", "no host", change{"demo.conf", "SetEnvIfExpr true jeton_host=api.example.com", ""}, 400},
		{"Apache", "no gateway", change{"jeton.conf", `SetEnvIfExpr true "jeton_gateway=${JETON_GATEWAY}"`, ""}, 503},
		{"Apache", "no question", change{"jeton.conf", "LuaQuickHandler      ${JETON_LUA} judge", ""}, 403},
		{"Apache", "no script", change{"demo.conf", "Define JETON_LUA jeton.lua", "Define JETON_LUA nothing.lua"}, 500},
		{"Apache", "a script that fails", change{"jeton.lua", "local rest, absolute = target(r)", "error('broken')"}, 500},
		{"Apache", "a question that fails", change{"jeton.lua", "local function question(r)", "local function question(r)\n\terror('broken')"}, 503},
	} {
		t.Run(tc.proxy+" "+tc.name, func(t *testing.T) {
			api := newRecorder(t, "127.0.0.1:9000")
			via := startChanged(t, tc.proxy, tc.change)
			api.seen()
			a := exchange(t, "127.0.0.1", via.address, get("/reports/7", "X-Jeton-Status: 200", "X-Forwarded-Host: api.example.com")+"\r\n")
			if seen := api.seen(); a.status != tc.status || (len(seen) == 1) != (tc.status == 200) {
				t.Errorf("got %d %.300q, and the API saw %q, want %d", a.status, a.body, seen, tc.status)
			}
		})
	}
}

// TestLuaProxiesShowTheirSecret looks which secret Jeton sees, and that the API sees none.
func TestLuaProxiesShowTheirSecret(t *testing.T) {
	api := newRecorder(t, "127.0.0.1:9000")
	shown := make(chan http.Header, 10)
	standIn(t, admitsAll(shown))
	for name, c := range map[string]change{
		"HAProxy": {"jeton.cfg", "    server jeton 127.0.0.1:8081\n", "    http-request set-header X-Jeton-Peer-Secret \"that of the proxy\"\n    server jeton 127.0.0.1:8081\n"},
		"Apache":  {"demo.conf", "    Include jeton.conf\n", "    SetEnvIfExpr true \"jeton_peer_secret=that of the proxy\"\n    Include jeton.conf\n"},
	} {
		wantTold(t, name, c)
		via := startChanged(t, name, c)
		for len(shown) > 0 { // what startProxy asked
			<-shown
		}
		api.seen()
		if a := exchange(t, "127.0.0.1", via.address, get("/reports/7", "X-Jeton-Peer-Secret: that of the client")+"\r\n"); a.status != http.StatusOK {
			t.Fatalf("%s: got %d, want 200", name, a.status)
		}
		if got := (<-shown)["X-Jeton-Peer-Secret"]; len(got) != 1 || got[0] != "that of the proxy" {
			t.Errorf("%s: Jeton saw the secret %q, want the proxy's", name, got)
		}
		if seen := api.seen(); len(seen) != 1 || strings.Contains(seen[0], "that of") {
			t.Errorf("%s: the API saw %q, want one call without a secret", name, seen)
		}
	}
}

// wantTold checks that a proxy's README tells of each line that a change adds, but for the secret's text.
func wantTold(t *testing.T, name string, c change) {
	t.Helper()
	readme := readFile(t, map[string]string{"HAProxy": "../../deploy/haproxy/README.md", "Apache": "../../deploy/apache2/README.md"}[name])
	for line := range strings.Lines(strings.Replace(c.otherwise, c.line, "", 1)) {
		if line = strings.ReplaceAll(strings.TrimSpace(line), "that of the proxy", "…"); line != "" && !strings.Contains(readme, line) {
			t.Errorf("%s: the README doesn't tell of %q", name, line)
		}
	}
}

// TestLuaProxiesBehindAnotherProxy looks what Jeton hears of the client, from the other proxy and from elsewhere.
func TestLuaProxiesBehindAnotherProxy(t *testing.T) {
	newRecorder(t, "127.0.0.1:9000")
	shown := make(chan http.Header, 10)
	standIn(t, admitsAll(shown))
	raw := get("/reports/7", "X-Forwarded-For: 203.0.113.99, 198.51.100.7", "X-Real-IP: 203.0.113.99", "X-Forwarded-Host: other.example.com")
	for name, c := range map[string]change{
		"HAProxy": {"demo.cfg", "    use_backend", "    http-request set-src hdr_ip(x-forwarded-for,-1) if { src 127.0.0.9 }\n    use_backend"},
		"Apache":  {"demo.conf", "    Include jeton.conf\n", "    RemoteIPHeader        X-Forwarded-For\n    RemoteIPInternalProxy 127.0.0.9\n    Include jeton.conf\n"},
	} {
		wantTold(t, name, c)
		changes := []change{c}
		if name == "Apache" {
			changes = append(changes, change{"demo-modules.conf", "LoadModule lua_module ", "LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so\nLoadModule lua_module "})
		}
		via := startChanged(t, name, changes...)
		for len(shown) > 0 {
			<-shown
		}
		for from, want := range map[string]string{"127.0.0.9": "198.51.100.7", "127.0.0.1": "127.0.0.1"} {
			exchange(t, from, via.address, raw+"\r\n")
			if h := <-shown; h.Get("X-Real-Ip") != want || h.Get("X-Forwarded-Host") != "api.example.com" {
				t.Errorf("%s, from %s: Jeton heard of %q calling %q, want %s", name, from, h.Get("X-Real-Ip"), h.Get("X-Forwarded-Host"), want)
			}
		}
	}
}

// TestLuaProxiesAskTheNext has two nodes, of which one is down, hung or can't decide: the other is asked, and the call passes.
func TestLuaProxiesAskTheNext(t *testing.T) {
	const second = "127.0.0.12:8081"
	for _, name := range luaProxies() {
		c := change{"jeton.cfg", "    server jeton 127.0.0.1:8081\n", "    server jeton 127.0.0.1:8081\n    server jeton2 127.0.0.12:8081\n"}
		if name == "Apache" {
			c = change{"jeton.conf", "Define JETON_GATEWAY 127.0.0.1:8081\n", "Define JETON_GATEWAY \"127.0.0.1:8081 127.0.0.12:8081\"\n"}
		}
		for what, first := range map[string]func(*testing.T){
			"down": func(*testing.T) {},
			"hung": func(t *testing.T) { hold(t, 100, 0) },
			"without a database": func(t *testing.T) {
				standIn(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Jeton-Status", "503")
					w.WriteHeader(http.StatusServiceUnavailable)
				})
			},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				first(t)
				at(t, second, admitsAll(nil))
				newRecorder(t, "127.0.0.1:9000")
				via := startChanged(t, name, c)
				for range 4 {
					if a := exchange(t, "127.0.0.1", via.address, get("/reports/7")+"\r\n"); a.status != http.StatusOK || a.took > refusedInTime {
						t.Errorf("got %d after %s, want 200", a.status, a.took)
					}
				}
			})
		}
	}
}
