package config_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/internal/config"
)

// load reads settings from arguments and an environment.
func load(t *testing.T, args, environ []string) (config.Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(fs, environ)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, err := load(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Listen, c.GatewayListen, c.AdminListen, c.Data, c.Database, c.TrustedPeers, c.LogLevel, c.AuditRetention, c.SessionIdle, c.SessionLifetime)
	want := "127.0.0.1:8080127.0.0.1:8081127.0.0.1:9090./jeton-datasqlite:[127.0.0.0/8 ::1/128] INFO 2160h0m0s 1h0m0s 12h0m0s"
	if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestPrecedence sets one setting in more and more places: flag > environment > file > default.
func TestPrecedence(t *testing.T) {
	file := write(t, "jeton.yaml", "log-level: error\ndrain: 3s\ntrusted-peers: [10.0.0.0/8, 192.0.2.1]\n")
	for _, tc := range []struct {
		name          string
		args, environ []string
		want          slog.Level
	}{
		{"default", nil, nil, slog.LevelInfo},
		{"file", []string{"--config", file}, nil, slog.LevelError},
		{"file named by the environment", nil, []string{"JETON_CONFIG=" + file}, slog.LevelError},
		{"environment over file", []string{"--config", file}, []string{"JETON_LOG_LEVEL=warn"}, slog.LevelWarn},
		{"empty variable is none", []string{"--config", file}, []string{"JETON_LOG_LEVEL="}, slog.LevelError},
		{"flag over all", []string{"--config", file, "--log-level", "debug"}, []string{"JETON_LOG_LEVEL=warn"}, slog.LevelDebug},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := load(t, tc.args, tc.environ)
			if err != nil || c.LogLevel != tc.want {
				t.Errorf("got %v, %v, want %v", c.LogLevel, err, tc.want)
			}
		})
	}
	c, err := load(t, []string{"--config", file}, nil)
	if err != nil || c.Drain != 3*time.Second || fmt.Sprint(c.TrustedPeers) != "[10.0.0.0/8 192.0.2.1/32]" {
		t.Errorf("got drain %v, peers %v, error %v", c.Drain, c.TrustedPeers, err)
	}
}

// TestFaults gives each fault beside a twin, one character different, that is taken.
func TestFaults(t *testing.T) {
	secretFile := write(t, "password", "correct horse\n")
	for _, tc := range []struct{ name, bad, good, want string }{
		{"port", "--listen=127.0.0.1:80800", "--listen=127.0.0.1:8080", "listen: is not host:port"},
		{"no port", "--admin-listen=127.0.0.1", "--admin-listen=127.0.0.1:1", "admin-listen: is not host:port"},
		{"open listener", "--listen=0.0.0.0:1", "--listen=127.0.0.1:1", "public-url: is required"},
		{"open gateway", "--gateway-listen=126.0.0.1:1", "--gateway-listen=127.0.0.1:1", "give --tls-cert and --tls-key, or, behind a proxy that ends TLS, --plain-http gateway"},
		{"plain http", "--plain-http=publi", "--plain-http=public", "plain-http: is no list of public, gateway, proxy and envoy"},
		{"plain http of health", "--plain-http=public,admin", "--plain-http=public, gateway,proxy", "plain-http: is no list of public, gateway, proxy and envoy"},
		{"proxy's port", "--proxy-listen=127.0.0.1:80800", "--proxy-listen=127.0.0.1:8080", "proxy-listen: is not host:port"},
		{"upstream's time", "--upstream-timeout=999ms", "--upstream-timeout=1s", "upstream-timeout: is not a duration of at least 1s"},
		{"upstream's long time", "--upstream-timeout=3601s", "--upstream-timeout=3600s", "upstream-timeout: is longer than 1h0m0s"},
		{"idle streams", "--stream-idle=0s", "--stream-idle=1s", "stream-idle: is not a duration of at least 1s"},
		{"long idle streams", "--stream-idle=25h", "--stream-idle=24h", "stream-idle: is longer than 24h0m0s"},
		{"idle", "--session-idle=59s", "--session-idle=60s", "session-idle: is not a duration of at least 1m0s"},
		{"lifetime", "--session-lifetime=59m", "--session-lifetime=60m", "session-lifetime: is shorter than session-idle (1h0m0s)"},
		{"lifetime of nothing", "--session-lifetime=x", "--session-lifetime=1d", "session-lifetime: is not a duration"},
		{"public url", "--public-url=ttps://a.example", "--public-url=https://a.example", "public-url: is not of the form"},
		{"public url with a fragment", "--public-url=https://a.example#", "--public-url=https://a.example", "public-url: is not of the form"},
		{"public url with a user", "--public-url=https://u@a.example", "--public-url=https://ua.example", "public-url: is not of the form"},
		{"public url without a host", "--public-url=https://:443", "--public-url=https://a:443", "public-url: is not of the form"},
		{"public url in the clear", "--public-url=http://128.0.0.1", "--public-url=http://127.0.0.1", "public-url: begins with http:// and names"},
		{"public url with a path", "--public-url=https://a.example/x", "--public-url=https://a.example/", "public-url: is not of the form"},
		{"database of another sort", "--database=sqlite:postgres://jeton:x@a/b", "--database=sqlite:b", "database: is none of sqlite:"},
		{"database", "--database=sqlit:", "--database=sqlite:", "database: is none of sqlite:"},
		{"a password among the arguments", "--database=postgres://jeton:x@a/b", "--database=postgres://jeton@a,b:5433/b", "database: has a password in it"},
		{"a password in the query", "--database=postgres://jeton@a/b?password=x", "--database=postgres://jeton@a/b?sslmode=require", "database: has a password in it"},
		{"peers", "--trusted-peers=10.0.0.0/33", "--trusted-peers=10.0.0.0/32", "trusted-peers: "},
		{"level", "--log-level=inf", "--log-level=info", "log-level: is none of"},
		{"format", "--log-format=jso", "--log-format=json", "log-format: is none of"},
		{"retention", "--audit-retention=d", "--audit-retention=9d", "audit-retention: is not a duration"},
		{"retention too short", "--audit-retention=59m", "--audit-retention=60m", "at least 1h0m0s"},
		{"key age", "--key-age=59m", "--key-age=60m", "key-age: is not a duration of at least 1h0m0s"},
		{"access tokens", "--access-token-algorithm=RS512", "--access-token-algorithm=RS256", "access-token-algorithm: is none of RS256, PS256, ES256, EdDSA"},
		{"API tokens", "--api-token-algorithm=HS256", "--api-token-algorithm=ES256", "api-token-algorithm: is none of"},
		{"slots", "--password-slots=-1", "--password-slots=1", "password-slots: is not a number from 0 to 64"},
		{"data", "--data=", "--data=x", "data: is empty"},
		{"secret file", "--admin-password-file=" + secretFile + "x", "--admin-password-file=" + secretFile, "can't be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := load(t, []string{tc.good}, nil); err != nil {
				t.Errorf("%s: got %v, want it taken", tc.good, err)
			}
			if _, err := load(t, []string{tc.bad}, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: got %v, want an error with %q", tc.bad, err, tc.want)
			}
		})
	}
}

// TestDatabase reads a DSN from wherever it may stand. Its password is never shown, and never taken from where others read it.
func TestDatabase(t *testing.T) {
	const dsn, open, shown = "postgres://jeton:canary@a:5432,b:5433/jeton?options=-c%20x=canary", "postgres://jeton@a:5432,b:5433/jeton?sslmode=verify-full", "postgres://jeton@a:5432,b:5433/jeton"
	file := write(t, "dsn", dsn+"\n")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "database"), []byte(dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := write(t, "open.yaml", "database: "+open+"\n")
	for _, tt := range []struct {
		name       string
		args       []string
		environ    []string
		dsn, fault string
	}{
		{"variable", nil, []string{"JETON_DATABASE=" + dsn}, dsn, ""},
		{"file", []string{"--database-file=" + file}, nil, dsn, ""},
		{"credential", nil, []string{"CREDENTIALS_DIRECTORY=" + dir}, dsn, ""},
		{"flag without a password", []string{"--database=" + open}, nil, open, ""},
		{"settings without a password", []string{"--config=" + settings}, nil, open, ""},
		{"settings with a password", []string{"--config=" + write(t, "shut.yaml", "database: "+dsn+"\n")}, nil, "", "holds the secret database itself"},
		{"twice", []string{"--database-file=" + file}, []string{"JETON_DATABASE=" + dsn}, "", "given twice"},
		{"variable with an @ and a # too many", nil, []string{"JETON_DATABASE=postgres://jeton:pa@ss#canary@a/b"}, "", "write @ as %40, # as %23"},
		{"flag with a password", []string{"--database=" + dsn}, nil, "", "every user of this machine can read"},
	} {
		c, err := load(t, tt.args, tt.environ)
		if tt.fault != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %v, want it to say %q and no password", tt.name, err, tt.fault)
			}
			continue
		}
		if err != nil || c.DSN.Reveal() != tt.dsn || c.Database != shown || strings.Contains(fmt.Sprintf("%v %+v", c, c.Settings()), "canary") {
			t.Errorf("%s: got %q, %v, want %q and %q", tt.name, c.Database, err, tt.dsn, shown)
		}
	}
	for _, args := range [][]string{nil, {"--database=sqlite:x"}} {
		if c, err := load(t, args, nil); err != nil || c.DSN != "" || !strings.HasPrefix(c.Database, "sqlite:") {
			t.Errorf("%v: got %q and %q, %v, want SQLite", args, c.Database, c.DSN, err)
		}
	}
}

func TestParseDatabase(t *testing.T) {
	for value, want := range map[string]struct{ inFile, asArgument bool }{
		"postgres://jeton@db/jeton":                 {true, true},
		"postgres://jeton:canary@db/jeton":          {true, false},
		"postgresql://db/jeton?password=canary":     {true, false},
		"postgres://jeton@db/jeton?sslmode=disable": {true, true},
		"sqlite:x.db":                   {true, true},
		"sqlite:":                       {false, false},
		"x.db":                          {false, false},
		"mysql://jeton:canary@db/jeton": {false, false},
		"":                              {false, false},
	} {
		for argument, ok := range map[bool]bool{false: want.inFile, true: want.asArgument} {
			d, err := config.ParseDatabase(value, argument)
			if (err == nil) != ok || strings.Contains(fmt.Sprintf("%v %v", d, err), "canary") {
				t.Errorf("%s as an argument %t: got %v, %v, want it taken: %t, and no password shown", value, argument, d, err, ok)
			}
			if isPostgres := strings.HasPrefix(value, "postgres"); ok && (d.DSN.Reveal() == value) != isPostgres {
				t.Errorf("%s: got the DSN of another sort of database", value)
			}
		}
	}
}

// TestDatabaseMisspelt has a password with characters that a URL would have written otherwise: whatever is made of it, nothing
// shows it, and it is no argument. Where a part of it may be taken for the host, the address is refused.
func TestDatabaseMisspelt(t *testing.T) {
	for _, password := range []string{"canary", "?canary", "can?canary", "a/canary", "a#canary", "a@canary", "a:canary", "a%canary", "?a&canary", "?a=canary;b", "?a?canary"} {
		dsn := "postgres://jeton:" + password + "@db/jeton?sslmode=disable"
		d, err := config.ParseDatabase(dsn, false)
		refused := strings.ContainsAny(password, "/#@")
		if (err != nil) != refused || strings.Contains(fmt.Sprint(d.Shown, err), "canary") || !refused && d.DSN.Reveal() != dsn {
			t.Errorf("%s: got %q shown, %v, want it refused: %t", password, d.Shown, err, refused)
		}
		if _, err := config.ParseDatabase(dsn, true); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s as an argument: got %v, want it refused", password, err)
		}
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	file := write(t, "jeton.yaml", "lisen: x\ndrain: soon\nmaster-key: abc\n")
	_, err := load(t, []string{"--config", file, "--log-level=loud", "--listen=:1"}, nil)
	for _, want := range []string{`unknown key "lisen"`, "drain: is not", "log-level: is none", "public-url: is required", "holds the secret master-key itself"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q too", err, want)
		}
	}
	if strings.Contains(fmt.Sprint(err), "abc") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

// TestPeers has addresses and prefixes in every form, each fault beside its twin.
func TestPeers(t *testing.T) {
	for _, tc := range []struct{ text, want string }{ // want is empty where it is refused
		{"127.0.0.1", "127.0.0.1/32"},
		{" ::1 ", "::1/128"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"10.0.0.1, 2001:db8::1/32", "10.0.0.1/32 2001:db8::/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::ffff:10.0.0.1", "10.0.0.1/32"},
		{"::ffff:10.0.0.1/104", "10.0.0.0/8"},
		{"::ffff:10.0.0.1/96", "0.0.0.0/0"},
		{"::ffff:10.0.0.1/95", ""},
		{"fe80::1", "fe80::1/128"},
		{"fe80::1%eth0", ""},
		{"fe80::%eth0/64", ""},
		{"10.0.0.0/33", ""},
		{"10.0.0.0/-1", ""},
		{"10.0.0/8", ""},
		{"010.0.0.1", ""},
		{"localhost", ""},
		{"10.0.0.1:80", ""},
		{"10.0.0.1,,10.0.0.2", ""},
	} {
		c, err := load(t, []string{"--trusted-peers", tc.text}, nil)
		got := strings.Trim(fmt.Sprint(c.TrustedPeers), "[]")
		if (err == nil) != (tc.want != "") || got != tc.want {
			t.Errorf("%q: got %q, %v, want %q", tc.text, got, err, tc.want)
		}
	}
	if c, err := load(t, []string{"--trusted-peers", "none"}, nil); err != nil || len(c.TrustedPeers) != 0 {
		t.Errorf("none: got %v, %v, want nobody trusted", c.TrustedPeers, err)
	}
}

func TestFile(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"not YAML", "a: b: c", "is not YAML"},
		{"a key twice", "drain: 1s\ndrain: 2s\n", "is not YAML: yaml: unmarshal errors: line 2: "},
		{"a list at the root", "- drain", "is not YAML"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := load(t, []string{"--config", write(t, "f", tc.text)}, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
	if _, err := load(t, []string{"--config", "/does/not/exist"}, nil); err == nil {
		t.Error("a missing file was taken")
	}
}

func TestSecrets(t *testing.T) {
	const canary = "canary-7391"
	file := write(t, "master-key", canary+"\n")
	for _, tc := range []struct {
		name          string
		args, environ []string
	}{
		{"variable", nil, []string{"JETON_MASTER_KEY=" + canary}},
		{"file by variable", nil, []string{"JETON_MASTER_KEY_FILE=" + file}},
		{"file by flag", []string{"--master-key-file", file}, nil},
		{"file by configuration", []string{"--config", write(t, "c.yaml", "master-key-file: "+file+"\n")}, nil},
		{"systemd's LoadCredential", nil, []string{"CREDENTIALS_DIRECTORY=" + filepath.Dir(file)}},
		{"a file goes before LoadCredential", []string{"--master-key-file", file}, []string{"CREDENTIALS_DIRECTORY=/nowhere"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := load(t, tc.args, tc.environ)
			if err != nil || c.MasterKey.Reveal() != canary {
				t.Fatalf("got %q, %v", c.MasterKey.Reveal(), err)
			}
			if shown := fmt.Sprintf("%v %+v %#v", c, c, c.Settings()); strings.Contains(shown, canary) {
				t.Errorf("printing the configuration shows the secret: %s", shown)
			}
		})
	}
	if _, err := load(t, []string{"--master-key-file", file}, []string{"JETON_MASTER_KEY=" + canary}); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a secret given twice: got %v, want an error without it", err)
	}
	if _, err := load(t, []string{"--master-key-file", write(t, "empty", "\n")}, nil); err == nil {
		t.Error("an empty secret file was taken")
	}
}

// TestWarnings has what is taken although it looks like a mistake, each beside a twin that is none.
func TestWarnings(t *testing.T) {
	open, closed := write(t, "open", "x"), write(t, "closed", "x")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args, environ []string
		want          string // empty for none
	}{
		{[]string{"--master-key-file", open}, nil, "can be read by others (mode 0644)"},
		{[]string{"--master-key-file", closed}, nil, ""},
		{nil, []string{"JETON_LISTN=:1"}, "JETON_LISTN is no setting"},
		{nil, []string{"JETON_LISTEN=127.0.0.1:1", "JETON_URL=x", "OTHER=y"}, ""},
	} {
		c, err := load(t, tc.args, tc.environ)
		got := strings.Join(c.Warnings, "; ")
		if err != nil || (got != "") != (tc.want != "") || !strings.Contains(got, tc.want) {
			t.Errorf("%v %v: got warnings %q, %v, want %q", tc.args, tc.environ, got, err, tc.want)
		}
	}
}

func TestSettingsNameEveryFlag(t *testing.T) {
	c, err := load(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"config": true}
	for _, s := range c.Settings() {
		named[s.Name] = true
	}
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if !named[f.Name] && !named[strings.TrimSuffix(f.Name, "-file")] {
			t.Errorf("Settings lacks %s", f.Name)
		}
	})
}

// TestSettingsTellAll gives every setting that isn't a secret and has a default a value, and every one that has none another: one
// of which Settings tells nothing would be missing in what "config check" shows, and a change of it would go unseen at a reload.
func TestSettingsTellAll(t *testing.T) {
	c, err := load(t, []string{
		"--proxy-listen=127.0.0.1:8082", "--envoy-listen=127.0.0.1:8083", "--public-url=https://tokens.example.com", "--tls-cert=cert.pem",
		"--tls-key=key.pem", "--plain-http=gateway", "--journal-file=journal", "--api-cookie-domain=example.com", "--upstream-ca=roots.pem",
		"--smtp-url=smtps://mail.example.com", "--mail-from=jeton@example.com",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Settings() {
		if s.Value == "" {
			t.Errorf("got nothing of %s, want its value", s.Name)
		}
	}
}
