package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/internal/secret"
)

// layer is one source of settings, as koanf loads it.
type layer map[string]any

// ReadBytes implements koanf.Provider.
func (layer) ReadBytes() ([]byte, error) { return nil, fmt.Errorf("a layer has no bytes") }

// Read implements koanf.Provider.
func (l layer) Read() (map[string]any, error) { return l, nil }

// layered loads defaults, file, environment and flags over one another, and returns the faults of the file.
func layered(fs *pflag.FlagSet, env map[string]string) (*koanf.Koanf, []error) {
	k := koanf.New("\x00") // no delimiter: names are flat
	defaults, variables, flags := layer{}, layer{}, layer{}
	for _, name := range names() {
		if value, ok := env[variable(name)]; ok && value != "" {
			variables[name] = value
		}
	}
	for _, s := range settings() {
		defaults[s.name] = s.value
	}
	fs.Visit(func(f *pflag.Flag) { flags[f.Name] = f.Value.String() })
	path := env[variable("config")]
	if given, ok := flags["config"].(string); ok {
		path = given
	}
	file, faults := fileLayer(path)
	if text, ok := flags["database"].(string); ok && holdsPassword(text) {
		faults = append(faults, fmt.Errorf("database: has a password in it, which every user of this machine can read among the arguments; give it by %s or --database-file", variable("database")))
	}
	for _, l := range []layer{defaults, file, variables, flags} {
		if err := k.Load(l, nil); err != nil {
			faults = append(faults, fmt.Errorf("loading settings: %w", err))
		}
	}
	return k, faults
}

// names lists the names of all settings, those of secrets' files among them.
func names() []string {
	var all []string
	for _, s := range settings() {
		all = append(all, s.name)
		if s.secret || s.sealable {
			all = append(all, s.name+fileSuffix)
		}
	}
	return all
}

// sealable reports whether a setting may stand in the file of settings although it may be in a file of its own, too.
func sealable(name string) bool {
	return slices.ContainsFunc(settings(), func(s setting) bool { return s.name == name && s.sealable })
}

// fileLayer reads the YAML file. A key that is no setting is a fault, and so is a secret written into the file itself:
// such files end up in version control.
func fileLayer(path string) (layer, []error) {
	if path == "" {
		return layer{}, nil
	}
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return layer{}, []error{fmt.Errorf("config: reading the file: %w", err)}
	}
	parsed, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		line := strings.Join(strings.Fields(err.Error()), " ") // the parser writes several
		return layer{}, []error{fmt.Errorf("config: %s is not YAML: %s", path, line)}
	}
	file, known := layer{}, names()
	var faults []error
	for key, value := range parsed {
		switch {
		case !slices.Contains(known, key):
			faults = append(faults, fmt.Errorf("config: %s has the unknown key %q; known are %s", path, key, strings.Join(known, ", ")))
		case holdsPassword(flat(value)) || slices.Contains(known, key+fileSuffix) && !sealable(key):
			faults = append(faults, fmt.Errorf("config: %s holds the secret %s itself; put it into a file of its own and name that as %s", path, key, key+fileSuffix))
		default:
			file[key] = flat(value)
		}
	}
	return file, faults
}

// flat writes a YAML value as a flag would be: lists with commas.
func flat(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, ",")
}

// secret reads a secret from its variable or its file; systemd's LoadCredential passes files too, in a folder of its own.
func (r *reader) secret(name string, env map[string]string) secret.Text {
	value, path := r.k.String(name), r.k.String(name+fileSuffix)
	if value != "" && path != "" {
		r.fault(name, "is given twice, as %s and as a file", variable(name))
		return ""
	}
	if dir := env["CREDENTIALS_DIRECTORY"]; value == "" && path == "" && dir != "" {
		if passed := filepath.Join(dir, name); exists(passed) {
			path = passed
		}
	}
	if path == "" {
		return secret.Text(value)
	}
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		r.fault(name+fileSuffix, "can't be read: %w", err)
		return ""
	}
	r.warnOfOpen(name+fileSuffix, path)
	trimmed := strings.TrimRight(string(text), "\r\n")
	if trimmed == "" {
		r.fault(name+fileSuffix, "names an empty file")
	}
	return secret.Text(trimmed)
}

// warnOfOpen warns of a file with a secret that others can read. It is no fault: a platform may hand files on that way.
func (r *reader) warnOfOpen(name, path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: %s can be read by others (mode %04o); give it the mode 0600", name, path, info.Mode().Perm()))
	}
}

// unknownVariables names the variables that look like settings and are none. They are no faults: others set variables of
// that form, as Kubernetes does for a service of the name jeton.
func unknownVariables(env map[string]string) []string {
	known := []string{"JETON_CONFIG", "JETON_URL", "JETON_TOKEN", "JETON_TOKEN_FILE", "JETON_USERNAME", "JETON_PASSWORD", "JETON_PASSWORD_FILE", "JETON_TO", "JETON_TO_FILE"}
	for _, name := range names() {
		known = append(known, variable(name))
	}
	var warnings []string
	for name := range env {
		if strings.HasPrefix(name, "JETON_") && !slices.Contains(known, name) {
			warnings = append(warnings, name+" is no setting and is not looked at")
		}
	}
	slices.Sort(warnings)
	return warnings
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (r *reader) peers(name string) []netip.Prefix {
	value := r.k.String(name)
	if value == "" || value == "none" {
		return nil
	}
	prefixes, err := parsePeers(strings.Split(value, ","))
	if err != nil {
		r.fault(name, "%w", err)
	}
	return prefixes
}

// parsePeers reads a list of addresses and prefixes in CIDR notation. IPv4 addresses in their IPv6 form are read as IPv4.
func parsePeers(list []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" { // zones aren't told apart, and "fe80::%eth0/64" would be one
			prefixes = append(prefixes, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err == nil && p.Addr().Is4In6() {
			p, err = p.Addr().Unmap().Prefix(p.Bits() - 96)
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a prefix such as 10.0.0.0/8", text)
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, nil
}

// Setting is one setting as it came out, for people to read.
type Setting struct {
	Name, Value string
	Live        bool // a reload applies a change of it
}

// Settings returns what was set, in the order of the documentation; a secret shows only whether it was given.
func (c *Config) Settings() []Setting {
	given := func(s secret.Text) string {
		if s == "" {
			return "not given"
		}
		return "given"
	}
	peers := make([]string, len(c.TrustedPeers))
	for i, p := range c.TrustedPeers {
		peers[i] = p.String()
	}
	values := map[string]string{
		"listen": c.Listen, "gateway-listen": c.GatewayListen, "admin-listen": c.AdminListen,
		"public-url": c.PublicURL, "tls-cert": c.TLSCert, "tls-key": c.TLSKey, "plain-http": strings.Join(c.PlainHTTP, ","),
		"session-idle": c.SessionIdle.String(), "session-lifetime": c.SessionLifetime.String(), "api-cookie-domain": c.APICookieDomain,
		"access-token-life": c.AccessTokenLife.String(), "api-token-max-life-person": lifeText(c.APITokenMaxLifePerson),
		"api-token-max-life-service": lifeText(c.APITokenMaxLifeService), "data": c.Data, "database": c.Database, "journal-file": c.JournalFile,
		"master-key": given(c.MasterKey), "admin-password": given(c.AdminPassword),
		"trusted-peer-secret": given(c.PeerSecret), "trusted-peers": strings.Join(peers, ","), "log-level": c.LogLevel.String(), "log-format": c.LogFormat,
		"key-age": c.KeyAge.String(), "access-token-algorithm": string(c.AccessTokenAlgorithm), "api-token-algorithm": string(c.APITokenAlgorithm),
		"audit-retention": c.AuditRetention.String(), "password-slots": strconv.Itoa(c.PasswordSlots),
		"session-token-life": c.SessionTokenLife.String(), "keep-session-tokens": onOff(c.KeepSessionTokens), "bitcanuck": onOff(c.BitCanuck), "xdoc": onOff(c.XDOC),
		"matrix42": onOff(c.Matrix42), "matrix42-refusal-status": strconv.Itoa(c.Matrix42RefusalStatus),
		"proxy-listen": c.ProxyListen, "envoy-listen": c.EnvoyListen,
		"smtp-url": c.SMTP.String(), "smtp-password": given(c.SMTPPassword), "mail-from": c.MailFrom, "language": c.Language,
		"upstream-ca": c.UpstreamCA, "upstream-timeout": c.UpstreamTimeout.String(), "stream-idle": c.StreamIdle.String(),
		"max-remembered": strconv.Itoa(c.MaxRemembered), "drain": c.Drain.String(),
	}
	var all []Setting
	for _, s := range settings() {
		all = append(all, Setting{s.name, values[s.name], s.live})
	}
	return all
}
