package e2e_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/client"
)

// stack is Jeton and the proxies, each a process of its own, before an API that records what it sees. The proxies run the
// files of deploy/ as they are, but for the demos' own API, whose place the recorder takes. Jeton's own proxy is Jeton.
type stack struct {
	dir     string // all that the processes write lies below it
	binary  string
	jeton   *exec.Cmd
	proxies []*proxy
	via     *proxy // by which send sends
	api     *recorder
	admin   *client.Client

	own   bool            // Jeton's own proxy stands before the API, too
	serve []string        // what Jeton is told beside the usual
	url   string          // where its public listener is
	trust *http.Transport // of clients of /v1; nil for the usual one

	tokens  map[string]string // by user
	secrets []string          // what must appear nowhere
	passed  int               // answers with status 200 that came from the API
}

// proxy is a program that stands before the API.
type proxy struct {
	name, address string
	cmd           *exec.Cmd // nil for Jeton's own
	tls           bool      // whether clients speak TLS with it
}

// The secrets of these tests, beside the tokens: what a search of everything written must not find.
const (
	adminPassword = "canary-administrator-3f1c"
	userPassword  = "canary-password-9b2e"
	queryCanary   = "canary-query-1d0f"
	cookieCanary  = "canary-cookie-77aa"
)

// nginxConf is demo.conf without the demo's API, in the foreground. The connection of TestProxies' longest test lasts for
// more than nginx's usual 1000 requests.
const nginxConf = `
daemon    off;
pid       run/nginx.pid;
error_log run/error.log notice;
events {}
http {
    client_body_temp_path run/body;
    proxy_temp_path       run/proxy;
    fastcgi_temp_path     run/fastcgi;
    uwsgi_temp_path       run/uwsgi;
    scgi_temp_path        run/scgi;
    keepalive_requests    1000000;
    include jeton-http.conf;
    include demo-server.conf;
}
`

// lasting is what the demo of Apache lacks for the connection of TestProxies' longest test: it lasts for more than the usual 100
// requests.
const lasting = "\nMaxKeepAliveRequests 0\n"

// caddyfile is deploy/caddy/Caddyfile without the demo's API.
const caddyfile = `
import jeton.caddy

# For all of Caddy.
{
	admin off
	auto_https off
	log {
		import jeton_log
	}
}

import demo-site.caddy
`

// usual are the proxies of those tests that are about Jeton, and not about what stands before it.
func usual() []string { return []string{"nginx", "Caddy"} }

// separate are the proxies that are programs of their own, and ask Jeton.
func separate() []string { return append(usual(), "HAProxy", "Apache") }

// every are all proxies.
func every() []string { return append(separate(), "Jeton") }

// newStack builds Jeton and starts everything, with the proxies named: users alice and bob of the role partner, eve of none; the
// service reports as the README makes it, with a part that matches any path, and the service other, open to every user, on another
// host.
func newStack(t *testing.T, proxies []string) *stack {
	t.Helper()
	s := emptyStack(t)
	if s.own = slices.Contains(proxies, "Jeton"); s.own {
		s.serve = append(s.serve, "--proxy-listen", ownListener)
	}
	s.begin(t)
	s.startProxies(t, proxies)
	return s
}

// startProxies starts the proxies named, with the configurations of their demos.
func (s *stack) startProxies(t *testing.T, names []string) {
	t.Helper()
	for _, name := range names {
		switch name {
		case "nginx":
			s.via = s.startNginx(t, nginxConf)
		case "Caddy":
			s.via = s.startCaddy(t, caddyfile)
		case "HAProxy":
			s.via = s.startHAProxy(t, readFile(t, "../../deploy/haproxy/demo.cfg"))
		case "Apache":
			s.via = s.startApache(t, readFile(t, "../../deploy/apache2/demo.conf")+lasting)
		case "Jeton":
			s.via = &proxy{name: name, address: ownListener}
		default:
			t.Fatalf("there is no proxy %s", name)
		}
		s.proxies = append(s.proxies, s.via)
	}
	s.via = s.proxies[0]
}

// emptyStack is a stack of which nothing runs yet.
func emptyStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{
		dir: t.TempDir(), url: "http://127.0.0.1:8080", tokens: map[string]string{},
		secrets: []string{adminPassword, userPassword, queryCanary, cookieCanary},
	}
	reachable(t, s.dir)
	return s
}

// begin starts Jeton and the API.
func (s *stack) begin(t *testing.T) {
	t.Helper()
	s.binary = jetonProgram(t)
	s.api = newRecorder(t, "127.0.0.1:9000")
	s.startJeton(t)
	t.Cleanup(func() { s.stop(t, s.jeton) })
	s.setUp(t)
}

// reachable lets nginx, which works as another user where root started it, into a folder.
func reachable(t *testing.T, dir string) {
	t.Helper()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
}

// startJeton starts Jeton on its usual ports. Of loopback it trusts one address, so that a test can come from another.
func (s *stack) startJeton(t *testing.T) {
	t.Helper()
	s.jeton = exec.Command(s.binary, append([]string{
		"serve", "--data", filepath.Join(s.dir, "data"), "--trusted-peers", "127.0.0.1", "--log-format", "json",
	}, s.serve...)...)
	s.jeton.Env = append(os.Environ(), "JETON_ADMIN_PASSWORD="+adminPassword)
	s.start(t, s.jeton, "jeton.log")
	waitReady(t, "http://127.0.0.1:9090/readyz", 30*time.Second)
}

func (s *stack) startNginx(t *testing.T, conf string) *proxy {
	t.Helper()
	prefix := filepath.Join(s.dir, "nginx")
	copyNginx(t, prefix)
	return s.nginxIn(t, prefix, conf)
}

// nginxIn starts nginx in a folder that has the files of deploy/nginx.
func (s *stack) nginxIn(t *testing.T, prefix, conf string) *proxy {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(prefix, "test.conf"), []byte(conf), 0o644))
	return s.startProxy(t, "nginx", nginxListener, exec.Command("nginx", "-p", prefix, "-c", "test.conf"))
}

// startHAProxy starts HAProxy with the files of deploy/haproxy, and a configuration beside them.
func (s *stack) startHAProxy(t *testing.T, conf string) *proxy {
	t.Helper()
	dir := filepath.Join(s.dir, "haproxy")
	copyFiles(t, "haproxy", dir)
	must(t, os.WriteFile(filepath.Join(dir, "test.cfg"), []byte(conf), 0o644))
	return s.startProxy(t, "HAProxy", haproxyListener, haproxyIn(dir, "test.cfg"))
}

// haproxyIn is HAProxy in the foreground, with the files of deploy/haproxy in a folder and a configuration beside them.
func haproxyIn(dir, conf string) *exec.Cmd {
	return exec.Command("haproxy", "-db", "-C", dir, "-f", "jeton.cfg", "-f", conf)
}

// startApache starts Apache with the files of deploy/apache2, and a configuration beside them.
func (s *stack) startApache(t *testing.T, conf string) *proxy {
	t.Helper()
	dir := filepath.Join(s.dir, "apache2")
	copyFiles(t, "apache2", dir)
	must(t, os.WriteFile(filepath.Join(dir, "test.conf"), []byte(conf), 0o644))
	return s.startProxy(t, "Apache", apacheListener, apacheIn(dir, "test.conf"))
}

// apacheIn is Apache in the foreground, with the files of deploy/apache2 in a folder and a configuration beside them.
func apacheIn(dir, conf string) *exec.Cmd {
	cmd := exec.Command("apache2", "-d", dir, "-f", conf, "-DFOREGROUND")
	cmd.Dir = dir
	return cmd
}

// copyFiles copies the files of a folder of deploy, and not what a demo running there has left in run.
func copyFiles(t *testing.T, of, dir string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "run"), 0o755))
	files, err := filepath.Glob("../../deploy/" + of + "/*.*")
	must(t, err)
	run(t, "cp", append(files, dir)...)
}

func (s *stack) startCaddy(t *testing.T, caddyfile string) *proxy {
	t.Helper()
	dir := filepath.Join(s.dir, "caddy")
	copyCaddy(t, dir)
	must(t, os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(caddyfile), 0o644))
	return s.startProxy(t, "Caddy", caddyListener, caddyIn(dir))
}

// startProxy starts a proxy until the test ends.
func (s *stack) startProxy(t *testing.T, name, address string, cmd *exec.Cmd) *proxy {
	t.Helper()
	s.start(t, cmd, strings.ToLower(name)+".log")
	t.Cleanup(func() { s.stop(t, cmd) })
	within(t, 10*time.Second, name+" to answer", func() bool { return answers(address) })
	return &proxy{name: name, address: address, cmd: cmd}
}

// answers reports whether a server of HTTP listens at an address.
func answers(address string) bool {
	res, err := http.Get("http://" + address + "/")
	if err == nil {
		_ = res.Body.Close()
	}
	return err == nil
}

// copyNginx copies the files of deploy/nginx, and none that a demo running there has left in run.
func copyNginx(t *testing.T, prefix string) {
	t.Helper()
	files, err := filepath.Glob("../../deploy/nginx/*.conf")
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(prefix, "run"), 0o755))
	run(t, "cp", append(files, prefix)...)
	if _, err := os.Stat("../../deploy/nginx/run/.gitignore"); err != nil {
		t.Errorf("a clone would lack the folder run: %v", err)
	}
}

// copyCaddy copies the files of deploy/caddy.
func copyCaddy(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob("../../deploy/caddy/*addy*")
	must(t, err)
	must(t, os.MkdirAll(dir, 0o755))
	run(t, "cp", append(files, dir)...)
}

// caddyIn is Caddy in a folder, into which it also writes what it wants to keep.
func caddyIn(dir string) *exec.Cmd {
	cmd := exec.Command("caddy", "run")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return cmd
}

// start starts a process whose output is added to a file.
func (s *stack) start(t *testing.T, cmd *exec.Cmd, output string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, output), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	cmd.Stdout, cmd.Stderr = f, f
	must(t, cmd.Start())
	must(t, f.Close())
}

// stop ends a process in order, if there is one. It may have ended already.
func (s *stack) stop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd == nil || cmd.ProcessState != nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	if t.Failed() && cmd == s.jeton {
		for line := range strings.Lines(readFile(t, filepath.Join(s.dir, "jeton.log"))) {
			if strings.HasPrefix(line, "{") && !strings.Contains(line, `"level":"INFO"`) {
				t.Log("Jeton: " + strings.TrimSpace(line))
			}
		}
	}
}

// setUp makes users, tokens and services by way of /v1.
func (s *stack) setUp(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	byPassword := s.client(t, client.Config{Username: "admin", Password: adminPassword})
	s.tokens["admin"] = s.rotate(t, byPassword)
	s.secrets = append(s.secrets, s.tokens["admin"])
	s.admin = s.client(t, client.Config{Token: client.Secret(s.tokens["admin"])})
	for _, u := range []api.NewUser{
		{Username: "alice", DisplayName: "Zoë 100%", Email: "alice@example.com", Roles: []string{"partner", "auditor"}},
		{Username: "bob", Roles: []string{"partner"}},
		{Username: "eve"},
	} {
		u.Password = userPassword
		_, err := s.admin.CreateUser(ctx, u)
		must(t, err)
		s.newToken(t, u.Username)
	}
	reports := api.NewService{Name: "reports", Host: "api.example.com"}
	if s.own {
		reports.Upstream = "http://127.0.0.1:9000"
	}
	s.service(t, reports,
		"GET /reports/{id} role:partner", "POST /uploads role:partner", "GET /any/{path...} role:partner", "/changes/{id} role:partner")
	s.service(t, api.NewService{Name: "other", Host: "other.example.com", Default: "authenticated"})
}

func (s *stack) client(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	if cfg.BaseURL = s.url; s.trust != nil {
		cfg.HTTPClient = &http.Client{Transport: s.trust}
	}
	c, err := client.New(cfg)
	must(t, err)
	return c
}

func (s *stack) rotate(t *testing.T, c *client.Client) string {
	t.Helper()
	issued, err := c.RotatePersonalToken(t.Context())
	must(t, err)
	return issued.Token
}

// newToken gives a user a new token; the former one stays among the secrets.
func (s *stack) newToken(t *testing.T, user string) {
	t.Helper()
	s.tokens[user] = s.rotate(t, s.client(t, client.Config{Username: user, Password: userPassword}))
	s.secrets = append(s.secrets, s.tokens[user])
}

// service makes a service with its operations, each "METHOD PATH AUDIENCE".
func (s *stack) service(t *testing.T, service api.NewService, operations ...string) {
	t.Helper()
	_, err := s.admin.CreateService(t.Context(), service)
	must(t, err)
	_, version, err := s.admin.Operations(t.Context(), service.Name)
	must(t, err)
	var all []api.Operation
	for _, op := range operations {
		at := strings.LastIndexByte(op, ' ')
		all = append(all, api.Operation{Pattern: op[:at], Audience: []string{op[at+1:]}})
	}
	_, err = s.admin.ReplaceOperations(t.Context(), service.Name, version, all)
	must(t, err)
}

// setState blocks a user, or lets it be active again.
func (s *stack) setState(t *testing.T, user, state string) {
	t.Helper()
	_, version, err := s.admin.User(t.Context(), user)
	must(t, err)
	_, err = s.admin.UpdateUser(t.Context(), user, version, api.UserPatch{State: api.Some(state)})
	must(t, err)
}

// refusals counts what the audit log holds of refused calls to APIs, by reason, and tells the address of the newest.
func (s *stack) refusals(t *testing.T, reason string) (count int64, address string) {
	t.Helper()
	for e, err := range s.admin.Events(t.Context(), client.EventFilter{Action: "refused", Reason: reason}) {
		must(t, err)
		if e.Door != "gateway" && e.Door != "proxy" {
			continue
		}
		if count += e.Count; address == "" && e.Actor != nil {
			address = e.Actor.Address
		}
	}
	return count, address
}

// run runs a command to its end.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
}

// within asks until the answer is yes.
func within(t *testing.T, limit time.Duration, what string, yes func() bool) {
	t.Helper()
	if !becomes(t, limit, yes) {
		t.Fatalf("waited %s for %s", limit, what)
	}
}

// becomes reports whether the answer is yes before long.
func becomes(t *testing.T, limit time.Duration, yes func() bool) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for !yes() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return true
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
