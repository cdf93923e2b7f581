// Package deploy_test holds the files of deploy/ to what runs them, as far as that can be had, and to the program that they run:
// every setting that they name is one, none of them holds a secret, and the times that they give fit together. nginx, Caddy,
// HAProxy, Apache and Traefik are test/e2e's.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/internal/cli"
	"github.com/jeton-io/jeton/internal/config"
)

const units = "../../deploy/systemd"

// unit is a file of systemd's: the values of each key, whatever its section, in their order.
type unit map[string][]string

// readUnit reads a unit. A line that ends in a backslash goes on in the next one.
func readUnit(t *testing.T, name string) unit {
	t.Helper()
	u := unit{}
	text := strings.ReplaceAll(read(t, filepath.Join(units, name)), "\\\n", "")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '[' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s: got the line %q, want KEY=VALUE", name, line)
		}
		u[key] = append(u[key], value)
	}
	return u
}

// one returns the one value of a key.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("got the values %q of %s, want one", u[key], key)
	}
	return u[key][0]
}

// duration returns the one value of a key as a time.
func (u unit) duration(t *testing.T, key string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(strings.ReplaceAll(u.one(t, key), "min", "m"))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return d
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// settingFlags returns the flags of all settings.
func settingFlags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	return fs
}

// load reads settings from arguments and an environment, as serve does.
func load(t *testing.T, args, environ []string) (config.Config, error) {
	t.Helper()
	fs := settingFlags()
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(fs, environ)
}

// flag is a flag in a command line.
var flag = regexp.MustCompile(`--([a-z0-9-]+)`)

// TestUnitsBySystemd has systemd itself read the units, with a program in the place of Jeton's that is there, and rate what is
// left to whoever takes them over: 1.5 of 10, where a unit that says nothing has 9.6.
func TestUnitsBySystemd(t *testing.T) {
	for _, name := range []string{"jeton.service", "jeton-backup.service", "jeton-backup.timer"} {
		for _, dropIn := range []string{"", "port-443.conf"} {
			if dropIn != "" && name != "jeton.service" {
				continue
			}
			dir := t.TempDir()
			for _, file := range []string{"jeton.service", "jeton-backup.service", "jeton-backup.timer"} {
				write(t, filepath.Join(dir, file), strings.ReplaceAll(read(t, filepath.Join(units, file)), "/usr/local/bin/jeton", "/bin/true"))
			}
			if dropIn != "" {
				write(t, filepath.Join(dir, name+".d", dropIn), read(t, filepath.Join(units, dropIn)))
			}
			analyze := func(args ...string) string {
				cmd := exec.CommandContext(t.Context(), "systemd-analyze", append(args, filepath.Join(dir, name))...)
				cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":", "SYSTEMD_PAGER=cat")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%s %s: %v\n%s", name, dropIn, err, out)
				}
				return string(out)
			}
			if said := analyze("verify"); said != "" {
				t.Errorf("%s %s: systemd says:\n%s", name, dropIn, said)
			}
			if strings.HasSuffix(name, ".service") && dropIn == "" {
				analyze("security", "--offline=true", "--threshold=15", "--no-pager")
			}
		}
	}
}

// TestUnitsFit holds the units to the program: its flags, its credentials, its life cycle.
func TestUnitsFit(t *testing.T) {
	server, backup := readUnit(t, "jeton.service"), readUnit(t, "jeton-backup.service")
	known := settingFlags()
	for _, start := range []string{server.one(t, "ExecStart"), backup.one(t, "ExecStart")} {
		_, line, _ := strings.Cut(start, "/usr/local/bin/jeton ")
		cmd, _, err := cli.Commands().Find(strings.Fields(line)[:1])
		if err != nil {
			t.Fatalf("%s: %v", start, err)
		}
		for _, m := range flag.FindAllStringSubmatch(line, -1) {
			if cmd.Flags().Lookup(m[1]) == nil {
				t.Errorf("got --%s in %q, which %s doesn't have", m[1], start, cmd.Name())
			}
		}
	}
	for _, u := range []unit{server, backup} {
		for _, credential := range u["LoadCredential"] {
			id, file, _ := strings.Cut(credential, ":")
			if known.Lookup(id+"-file") == nil {
				t.Errorf("got the credential %s, which no setting reads", credential)
			}
			// A name without a path may be missing: then the node goes without that setting.
			if file != "jeton."+id {
				t.Errorf("got the file %q of the credential %s, want jeton.%s in systemd's store", file, id, id)
			}
		}
		if got := u.one(t, "User") + " " + u.one(t, "DynamicUser"); got != "jeton yes" {
			t.Errorf("got the user %q, want one for both units", got)
		}
	}
	if got := server.one(t, "Type"); got != "notify" || server.duration(t, "WatchdogSec") == 0 {
		t.Errorf("got Type=%s, want notify with a watchdog", got)
	}
	// A crash of Go's runtime, as by the watchdog's SIGABRT, ends with the same code as a command line that isn't understood.
	if got := server["RestartPreventExitStatus"]; len(got) != 0 || server.one(t, "Restart") != "on-failure" {
		t.Errorf("got RestartPreventExitStatus=%v, want every failure to be followed by another start", got)
	}
	c, err := load(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, least := server.duration(t, "TimeoutStopSec"), 5*c.Drain+30*time.Second; got < least {
		t.Errorf("got TimeoutStopSec=%s, want %s for five listeners to drain and the rest to be stored", got, least)
	}
}

// commented is a setting that an example leaves for the operator to choose.
var commented = regexp.MustCompile(`(?m)^#([a-z0-9-]+: )`)

// TestUnitSettings reads the example of settings, as it is and with everything in it that it proposes.
func TestUnitSettings(t *testing.T) {
	text := read(t, filepath.Join(units, "jeton.yaml"))
	for name, text := range map[string]string{"as it is": text, "all of it": commented.ReplaceAllString(text, "$1")} {
		file := filepath.Join(t.TempDir(), "jeton.yaml")
		write(t, file, text)
		if c, err := load(t, []string{"--config", file, "--data", "/var/lib/jeton"}, nil); err != nil || len(c.Warnings) > 0 {
			t.Errorf("%s: got %v, warnings %q", name, err, c.Warnings)
		}
	}
	if got := len(commented.FindAllString(text, -1)); got < 5 {
		t.Errorf("got %d settings proposed, want those of a node among several", got)
	}
}
