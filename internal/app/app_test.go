package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/store/sqlite"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

// output takes what a running Jeton prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// instance is a Jeton that runs in this process.
type instance struct {
	addresses      app.Addresses
	stdout, stderr *output
	hangup         chan os.Signal
	stop           func() error // ends it, as SIGTERM does, and returns what Run returned
}

// configure returns the configuration of the given flags, on free ports.
func configure(t *testing.T, data string, flags ...string) config.Config {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	args := append([]string{"--data", data, "--listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, flags...)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// run starts a Jeton and waits until its listeners are open; with changes to its options, if any are given.
func run(t *testing.T, cfg config.Config, change ...func(*app.Options)) *instance {
	t.Helper()
	i := &instance{stdout: new(output), stderr: new(output), hangup: make(chan os.Signal)}
	started := make(chan app.Addresses, 1)
	o := app.Options{Config: cfg, Stdout: i.stdout, Stderr: i.stderr, Hangup: i.hangup, Started: func(a app.Addresses) { started <- a }}
	for _, c := range change {
		c(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, o) }()
	i.stop = sync.OnceValue(func() error {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		return <-ended
	})
	t.Cleanup(func() { _ = i.stop() })
	select {
	case i.addresses = <-started:
	case err := <-ended:
		t.Fatalf("Run ended at its start: %v\n%s", err, i.stderr)
	}
	return i
}

// get returns the status and the body of a GET at one of the listeners.
func get(t *testing.T, address fmt.Stringer, path string, authorize func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorize != nil {
		authorize(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func basic(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func TestFirstStart(t *testing.T) {
	t.Run("without a terminal", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "data")
		i := run(t, configure(t, data))
		password := strings.TrimSpace(read(t, filepath.Join(data, "initial-password")))
		if status, body := get(t, i.addresses.Public, "/v1/me", basic("admin", password)); status != 200 {
			t.Errorf("the password of the file: got %d %s, want 200", status, body)
		}
		if shown := i.stdout.String() + i.stderr.String(); strings.Contains(shown, password) {
			t.Error("the password was printed although there is no terminal")
		}
		if !strings.Contains(i.stdout.String(), "JETON_PASSWORD_FILE="+filepath.Join(data, "initial-password")) {
			t.Errorf("the first start doesn't say what to type: %s", i.stdout)
		}
		console := "http://" + i.addresses.Public.String() + "/console/"
		if !strings.Contains(i.stdout.String(), " "+console+"\n") {
			t.Errorf("the first start doesn't say where the console is: %s", i.stdout)
		}
		if status, body := get(t, i.addresses.Public, "/console/", nil); status != 200 || !strings.Contains(body, "<h1>Log in</h1>") {
			t.Errorf("the console: got %d %s, want the log-in", status, body)
		}
	})
	t.Run("on a terminal", func(t *testing.T) {
		data := t.TempDir()
		i := run(t, configure(t, data), func(o *app.Options) { o.Terminal = true })
		shown := regexp.MustCompile(`(?m)^    ([0-9A-Za-z]{20})$`).FindStringSubmatch(i.stdout.String())
		if shown == nil {
			t.Fatalf("no password was shown: %s", i.stdout)
		}
		if status, _ := get(t, i.addresses.Public, "/v1/me", basic("admin", shown[1])); status != 200 {
			t.Errorf("the password shown: got %d, want 200", status)
		}
		if _, err := os.Stat(filepath.Join(data, "initial-password")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the password was written to a file although a terminal showed it: %v", err)
		}
		if err := i.stop(); err != nil {
			t.Fatal(err)
		}
		again := run(t, configure(t, data), func(o *app.Options) { o.Terminal = true })
		if again.stdout.String() != "" {
			t.Errorf("the second start told what to do at the first: %s", again.stdout)
		}
	})
	t.Run("with a password given", func(t *testing.T) {
		data, file := t.TempDir(), filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(file, []byte("correct horse battery\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		i := run(t, configure(t, data, "--admin-password-file", file))
		if status, _ := get(t, i.addresses.Public, "/v1/me", basic("admin", "correct horse battery")); status != 200 {
			t.Errorf("got %d, want 200", status)
		}
		if status, _ := get(t, i.addresses.Public, "/v1/me", basic("admin", "correct horse batterz")); status != 401 {
			t.Errorf("another password: got %d, want 401", status)
		}
		if strings.Contains(i.stdout.String()+i.stderr.String(), "horse") {
			t.Error("the password that was given was printed")
		}
	})
}

// TestPasswordFileGoes changes the first password: from then on the file would only mislead.
func TestPasswordFileGoes(t *testing.T) {
	data := t.TempDir()
	i := run(t, configure(t, data))
	path := filepath.Join(data, "initial-password")
	password := strings.TrimSpace(read(t, path))
	body := fmt.Sprintf(`{"current":%q,"new":"another good password"}`, password)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+i.addresses.Public.String()+"/v1/me/password", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth("admin", password)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusNoContent {
		t.Fatalf("changing the password: got %v, %v", res, err)
	}
	_ = res.Body.Close()
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want no file of the first password", left, err)
	}
}

// TestModes runs under the most permissive umask: nothing in the data folder may be open to others.
func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	data := filepath.Join(t.TempDir(), "data")
	i := run(t, configure(t, data))
	if status, _ := get(t, i.addresses.Public, "/v1/me", basic("admin", "wrong password")); status != 401 {
		t.Errorf("got %d, want 401", status)
	}
	seen := 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", path, got, want)
		}
		seen++
		return nil
	})
	if err != nil || seen < 5 { // the folder, the database with its log, the key, the password
		t.Errorf("saw %d files, %v", seen, err)
	}
}

func TestDataFolderStandsOpen(t *testing.T) {
	data := t.TempDir()
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, configure(t, data))
	info, err := os.Stat(data)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want it closed to 0700", info.Mode(), err)
	}
}

func TestMasterKey(t *testing.T) {
	data := t.TempDir()
	first := run(t, configure(t, data))
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	key := read(t, filepath.Join(data, "master.key"))
	another := "A" + key[1:] // not at its end, where two characters may stand for the same key
	if another == key {
		another = "B" + key[1:]
	}
	elsewhere := filepath.Join(t.TempDir(), "key")
	refused := func(name, want string, cfg config.Config) {
		t.Helper()
		err := app.Run(t.Context(), app.Options{Config: cfg})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
	write(t, elsewhere, another)
	refused("another key", "not the master key", configure(t, data, "--master-key-file", elsewhere))
	write(t, elsewhere, key[:40])
	refused("a key cut short", "is not 32 bytes", configure(t, data, "--master-key-file", elsewhere))
	if err := os.Rename(filepath.Join(data, "master.key"), elsewhere); err != nil {
		t.Fatal(err)
	}
	refused("a key that has gone", "is missing", configure(t, data))
	if _, err := os.Stat(filepath.Join(data, "master.key")); err == nil {
		t.Error("a new key was made beside a database of another")
	}
	i := run(t, configure(t, data, "--master-key-file", elsewhere))
	if status, _ := get(t, i.addresses.Admin, "/readyz", nil); status != 200 {
		t.Errorf("the very key: got %d, want 200", status)
	}
}

func TestAdminListener(t *testing.T) {
	i := run(t, configure(t, t.TempDir()))
	for _, path := range []string{"/livez", "/readyz", "/healthz", "/version", "/metrics"} {
		if status, body := get(t, i.addresses.Admin, path, nil); status != 200 {
			t.Errorf("%s: got %d %s, want 200", path, status, body)
		}
	}
	get(t, i.addresses.Public, "/v1/me", basic("admin", "wrong password"))
	_, metrics := get(t, i.addresses.Admin, "/metrics", nil)
	for _, want := range []string{`jeton_decisions_total{kind="password",outcome="unauthenticated"} 1`, "jeton_feed_age_seconds ", "go_goroutines"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if status, _ := get(t, i.addresses.Public, "/metrics", nil); status != 404 {
		t.Errorf("metrics on the public listener: got %d, want 404", status)
	}
}

// TestReload changes what can change while running, and then gives a faulty configuration, which changes nothing.
func TestReload(t *testing.T) {
	data := t.TempDir()
	next := make(chan config.Config, 1)
	faulty := errors.New("faulty")
	i := run(t, configure(t, data), func(o *app.Options) {
		o.Reload = func() (config.Config, error) {
			select {
			case c := <-next:
				return c, nil
			default:
				return config.Config{}, faulty
			}
		}
	})
	next <- configure(t, data, "--log-level", "warn", "--drain", "1s")
	i.hangup <- syscall.SIGHUP
	i.hangup <- syscall.SIGHUP // received only after the first was applied; finds a faulty configuration
	get(t, i.addresses.Public, "/v1/me", nil)
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	log := i.stderr.String()
	if !strings.Contains(log, "some settings take effect only at the next start") || !strings.Contains(log, "drain") {
		t.Errorf("the log doesn't name the setting that waits for a restart:\n%s", log)
	}
	if !strings.Contains(log, "was not reloaded") {
		t.Errorf("the log doesn't tell of the faulty configuration:\n%s", log)
	}
	if strings.Contains(log, `"msg":"request"`) {
		t.Errorf("a request was logged although the level is warn:\n%s", log)
	}
}

// TestListenerTaken starts on ports that another server has: Run ends and names each, and has made nothing that would
// hide the first password at the next start.
func TestListenerTaken(t *testing.T) {
	i := run(t, configure(t, t.TempDir()))
	data := filepath.Join(t.TempDir(), "data")
	cfg := configure(t, data)
	cfg.GatewayListen, cfg.AdminListen = i.addresses.Gateway.String(), i.addresses.Admin.String()
	stdout := new(output)
	err := app.Run(t.Context(), app.Options{Config: cfg, Stdout: stdout, Terminal: true})
	for _, want := range []string{"gateway listener", "--gateway-listen", "admin listener", "another Jeton"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if _, statErr := os.Stat(data); !errors.Is(statErr, fs.ErrNotExist) || stdout.String() != "" {
		t.Errorf("got %v and %q, want no data folder and nothing shown", statErr, stdout)
	}
	cfg.GatewayListen, cfg.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	run(t, cfg)
}

// TestFirstStartCutShort finds the password file of a first start that got no further.
func TestFirstStartCutShort(t *testing.T) {
	data := t.TempDir()
	path := filepath.Join(data, "initial-password")
	write(t, path, "of another start\n")
	i := run(t, configure(t, data))
	if status, _ := get(t, i.addresses.Public, "/v1/me", basic("admin", strings.TrimSpace(read(t, path)))); status != 200 {
		t.Errorf("the password of the file: got %d, want 200", status)
	}
}

// TestRecover gives a lost administrator a password, blocked and demoted as it is, beside a running server; and makes a
// new one.
func TestRecover(t *testing.T) {
	data := t.TempDir()
	i := run(t, configure(t, data))
	options := app.Options{Config: configure(t, data)}
	for _, user := range []string{"admin", "second"} {
		if had, err := app.Recover(t.Context(), options, user, "a recovered password"); err != nil || had {
			t.Fatalf("got a second factor taken away %v, and error %v", had, err)
		}
		if status, body := get(t, i.addresses.Public, "/v1/users", basic(user, "a recovered password")); status != 200 {
			t.Errorf("%s after recovery: got %d %s, want 200", user, status, body)
		}
		if status, _ := get(t, i.addresses.Public, "/v1/users", basic(user, "a recovered passwore")); status != 401 {
			t.Errorf("%s with another password: got %d, want 401", user, status)
		}
	}
	guard(t, filepath.Join(data, "jeton.db"), "admin")
	if status, _ := get(t, i.addresses.Public, "/v1/users", basic("admin", "a recovered password")); status != 403 {
		t.Errorf("a password beside a second factor: got %d, want 403", status)
	}
	if had, err := app.Recover(t.Context(), options, "admin", "a recovered password"); err != nil || !had {
		t.Errorf("got a second factor taken away %v, and error %v", had, err)
	}
	if status, _ := get(t, i.addresses.Public, "/v1/users", basic("admin", "a recovered password")); status != 200 {
		t.Errorf("after the second factor was taken away: got %d, want 200", status)
	}
	elsewhere := app.Options{Config: configure(t, t.TempDir())}
	if _, err := app.Recover(t.Context(), elsewhere, "admin", "a recovered password"); err == nil || !strings.Contains(err.Error(), "never had a user") {
		t.Errorf("in another folder: got %v", err)
	}
	if _, err := app.Recover(t.Context(), options, "admin", "short"); err == nil || !strings.Contains(err.Error(), "shorter than 8") {
		t.Errorf("a short password: got %v", err)
	}
}

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for text, want := range map[string]bool{strings.Repeat("a", 64): true, strings.Repeat("a", 63): false} {
		write(t, file, text)
		cfg := configure(t, t.TempDir(), "--master-key-file", file)
		if err := app.Check(&cfg, time.Now()); (err == nil) != want {
			t.Errorf("a key of %d digits: got %v, want it taken: %v", len(text), err, want)
		}
	}
}

// TestDrain stops a server while a request is under way: the request ends as if nothing had happened.
func TestDrain(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	i := run(t, configure(t, data, "--drain", "20s", "--admin-password-file", file))
	underWay := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(underWay) }})
	body, writer := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+i.addresses.Public.String()+"/v1/users", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Expect", "100-continue") // answered when the handler asks for the body
	req.SetBasicAuth("admin", "correct horse battery")
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	status := make(chan int, 1)
	go func() {
		res, err := transport.RoundTrip(req)
		if err != nil {
			status <- 0
			return
		}
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	select {
	case <-underWay:
	case got := <-status:
		t.Fatalf("got %d before the body was asked for", got)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- i.stop() }()
	for ready := 200; ready == 200; { // until the server has heard that it shall stop
		ready, _ = get(t, i.addresses.Admin, "/readyz", nil)
	}
	if _, err := io.WriteString(writer, `{"username":"late"}`); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if got := <-status; got != http.StatusCreated {
		t.Errorf("the request under way: got %d, want 201", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("got %v, want a stop in good order", err)
	}
}

func TestLogIsJSONLines(t *testing.T) {
	i := run(t, configure(t, t.TempDir()))
	get(t, i.addresses.Public, "/v1/users/%0d%0a%1b[31mforged", func(r *http.Request) { r.Header.Set("User-Agent", "a\tb") })
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	requests := 0
	for line := range strings.Lines(i.stderr.String()) {
		var parsed struct{ Msg, Time, Level string }
		if err := json.Unmarshal([]byte(line), &parsed); err != nil || parsed.Time == "" || parsed.Level == "" {
			t.Errorf("not a line of JSON: %q", line)
		}
		if parsed.Msg == "request" {
			requests++
		}
	}
	if requests != 1 {
		t.Errorf("got %d lines for one request", requests)
	}
}

// TestSecondProcess has two processes' worth of Jeton on one data folder: what one takes away, the other refuses.
func TestSecondProcess(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "password")
	write(t, file, "correct horse battery")
	one := run(t, configure(t, data, "--admin-password-file", file))
	two := run(t, configure(t, data))
	token := func() string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+one.addresses.Public.String()+"/v1/me/personal-token", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", "correct horse battery")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var issued struct{ Token string }
		if err := json.NewDecoder(res.Body).Decode(&issued); err != nil || issued.Token == "" {
			t.Fatalf("rotating: got %d, %v", res.StatusCode, err)
		}
		return issued.Token
	}
	first := token()
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+first) }
	if status, _ := get(t, two.addresses.Public, "/v1/me", bearer); status != 200 {
		t.Fatalf("the token at the second process: got %d, want 200", status)
	}
	token()
	began := time.Now()
	for time.Since(began) < 5*time.Second {
		if status, _ := get(t, two.addresses.Public, "/v1/me", bearer); status == 401 {
			t.Logf("refused at the second process after %s", time.Since(began).Round(time.Millisecond))
			return
		}
	}
	t.Error("the second process accepted a replaced token for five seconds")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// guard gives a user of a database a second factor.
func guard(t *testing.T, path, name string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.UserByName(t.Context(), account.Key(name))
	ev := audit.New(audit.AuthenticatorAdd, audit.Actor{}, audit.Target{Kind: "user", ID: u.ID}, time.Now())
	_, adding := s.AddAuthenticator(t.Context(), factor.Authenticator{UserID: u.ID, Wrapped: []byte{1}, CreatedAt: time.Now()}, nil, ev)
	if err := errors.Join(err, adding, s.Close()); err != nil {
		t.Fatal(err)
	}
}
