// Package config reads how a server is to run: from flags, from the environment, from a YAML file and from defaults, in
// that order of precedence.
//
// Every setting has one name: the flag --public-url, the variable JETON_PUBLIC_URL and the key public-url are the same.
// Secrets have no flag, because arguments can be read by every user of a machine; they come from a variable or from a
// file that a setting ending in -file names.
//
// The package reports every fault at once, and refuses to guess: a key that it doesn't know, a value that it can't
// read, a secret given twice, a listener open to the network without the URL by which clients know it, or one over
// which credentials would cross the network in the clear.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// Config is how a server is to run.
type Config struct {
	Listen        string // host:port of the public API and the console
	GatewayListen string // host:port of the checks that proxies ask for
	ProxyListen   string // host:port of the proxy before the services that have an upstream; empty for none
	EnvoyListen   string // host:port of the checks that Envoy asks for by gRPC; empty for none
	AdminListen   string // host:port of health and metrics
	// PublicURL is the origin by which clients know Jeton, in lower case and without a slash at its end.
	PublicURL string
	TLSCert   string   // PEM file of the certificate and of those between it and its root; empty for plain http
	TLSKey    string   // PEM file of its key
	PlainHTTP []string // the listeners, of public, gateway, proxy and envoy, that may speak plain http beyond loopback
	Data      string   // the folder of the database and the master key
	Database  string   // "sqlite:" for jeton.db in Data, "sqlite:PATH", or "postgres://…" without its password
	// DSN is the whole "postgres://…", with its password; empty where the database is SQLite's.
	DSN         secret.Text
	JournalFile string // the revocation journal; empty for revocations.journal in Data

	MasterKey     secret.Text // as text; empty for the file master.key in Data
	AdminPassword secret.Text // of the user made at the first start; empty for a random one

	TrustedPeers   []netip.Prefix // the proxies whose word about a client is believed
	PeerSecret     secret.Text    // what these must show besides; empty for nothing
	LogLevel       slog.Level
	LogFormat      string        // json, text, or auto: text on a terminal
	AuditRetention time.Duration // how long events are kept

	SessionIdle     time.Duration // how long a browser session lasts without use
	SessionLifetime time.Duration // how long it lasts at most
	// SessionTokenLife is how long a session token lasts; KeepSessionTokens has it outlive a new password of its user.
	SessionTokenLife  time.Duration
	KeepSessionTokens bool
	APICookieDomain   string // Domain of the cookie that calls protected APIs; empty for the public URL's host alone

	KeyAge                 time.Duration  // how old a signing key grows before another signs in its place
	AccessTokenAlgorithm   jose.Algorithm // of the keys that sign access tokens
	APITokenAlgorithm      jose.Algorithm // of those that sign API tokens
	AccessTokenLife        time.Duration  // how long an access token lasts, unless what it was got for ends before
	APITokenMaxLifePerson  time.Duration  // how long a new API token of a person may last, in whole days; 0 for any time and for ever
	APITokenMaxLifeService time.Duration  // likewise of a service account

	Matrix42              bool // Matrix42's clients are served
	Matrix42RefusalStatus int  // of the null that they get for an API token that is refused: 401 or 200
	BitCanuck             bool // BitCanuck's clients are served
	XDOC                  bool // XDOC's clients are served

	SMTP         SMTP        // the mail server; its Host is empty where Jeton sends no mail
	SMTPPassword secret.Text // by which Jeton logs in there
	MailFrom     string      // who mails are from: an address, with or without a name
	Language     string      // en, fr or de: of mails, and of pages for browsers that ask for none of these

	UpstreamCA      string        // PEM file of the certificates that upstreams' own may rest on, beside the system's
	UpstreamTimeout time.Duration // how long an upstream may take to begin its answer
	StreamIdle      time.Duration // how long nothing may pass in a call through the proxy, either way

	PasswordSlots int           // passwords hashed at a time; 0 for half the cores
	MaxRemembered int           // proofs kept in memory; 0 for the default
	Drain         time.Duration // how long requests under way may take when the server stops

	// Warnings are for the operator: what was taken although it looks like a mistake.
	Warnings []string
}

// setting is one thing that can be set.
type setting struct {
	name, value, help string
	secret            bool // the value is in the environment or in the file that NAME-file names
	sealable          bool // the value may be in the file that NAME-file names, since it may hold a secret
	live              bool // a reload applies it
}

// settings lists everything that can be set, with the defaults.
func settings() []setting {
	return []setting{
		{name: "listen", value: "127.0.0.1:8080", help: "host:port of the public API and the console"},
		{name: "gateway-listen", value: "127.0.0.1:8081", help: "host:port of the checks that proxies ask for"},
		{name: "proxy-listen", help: "host:port of the proxy before the services that have an upstream; empty for none"},
		{name: "envoy-listen", help: "host:port of the checks that Envoy asks for by gRPC (ext_authz); empty for none"},
		{name: "admin-listen", value: "127.0.0.1:9090", help: "host:port of health and metrics"},
		{name: "public-url", help: "URL by which clients reach the public API, and the issuer of signed tokens, so that those signed under another are refused; required where --listen is not loopback"},
		{name: "tls-cert", help: "PEM file of the certificate, with those between it and its root, for the public listener, and for the gateway's, the proxy's and Envoy's where these are not on loopback; read anew when it changes"},
		{name: "tls-key", help: "PEM file of the certificate's key"},
		{name: "plain-http", help: "listeners that may speak plain http beyond loopback, since a proxy before them ends TLS or the network is trusted: a list of public, gateway, proxy and envoy"},
		{name: "data", value: "./jeton-data", help: "folder of the database and the master key"},
		{name: "database", value: defaultDatabase, help: "sqlite: for jeton.db in the data folder, sqlite:PATH, or postgres://USER@HOST:PORT/NAME with several hosts or not; one with a password comes from the variable or the file", sealable: true},
		{name: "journal-file", help: "file of the revocation journal, by which a restored backup knows what was taken away since; empty for revocations.journal in the data folder"},
		{name: "master-key", help: "key under which all keys in the database are wrapped: 32 bytes, as Base64 or hexadecimal", secret: true},
		{name: "admin-password", help: "password of the user admin, who is made at the first start", secret: true},
		{name: "trusted-peers", value: "127.0.0.0/8,::1", help: "addresses and prefixes of the proxies whose word about a client is believed, in place of those of this machine", live: true},
		{name: "trusted-peer-secret", help: "secret that a trusted peer must send in X-Jeton-Peer-Secret", secret: true, live: true},
		{name: "log-level", value: "info", help: "debug, info, warn or error", live: true},
		{name: "log-format", value: "auto", help: "json, text, or auto: text on a terminal"},
		{name: "audit-retention", value: "90d", help: "how long audit events are kept, as 90d or 2160h", live: true},
		{name: "session-idle", value: "1h", help: "how long a browser session lasts without use; at least 1m"},
		{name: "session-lifetime", value: "12h", help: "how long a browser session lasts at most; at least as long as --session-idle"},
		{name: "session-token-life", value: "14d", help: "how long a session token lasts, as 14d or 36h; 1m to 365d"},
		{name: "keep-session-tokens", value: "off", help: "on or off: whether a user's session tokens outlive a new password that the user chooses; an administrator's reset ends them anyway"},
		{name: "api-cookie-domain", help: "domain, such as example.com, all of whose hosts get the cookie that calls protected APIs; the public URL's host must be it or lie below it; empty for that host alone"},
		{name: "key-age", value: "90d", help: "how old a signing key grows before another signs in its place, as 90d or 2160h; at least 1h; what it has signed lives on"},
		{name: "access-token-algorithm", value: "ES256", help: "algorithm of the keys that sign access tokens: RS256, PS256, ES256 or EdDSA; a key of another is rotated at the start"},
		{name: "api-token-algorithm", value: "RS256", help: "algorithm of the keys that sign API tokens: RS256, PS256, ES256 or EdDSA; a key of another is rotated at the start"},
		{name: "access-token-life", value: "5m", help: "how long an access token lasts, unless what it was got for ends before; 1m to 1h"},
		{name: "api-token-max-life-person", help: "how long a new API token of a person may last at most, in days, as 365d; empty or never for any time, and for ever"},
		{name: "api-token-max-life-service", help: "how long a new API token of a service account may last at most, in days, as 365d; empty or never for any time, and for ever"},
		{name: "matrix42", value: "on", help: "on or off: whether Matrix42's clients exchange their API tokens below /m42Services/"},
		{name: "matrix42-refusal-status", value: "401", help: "401 or 200: status of the null that they get for an API token that is refused; the product itself says 200"},
		{name: "bitcanuck", value: "on", help: "on or off: whether BitCanuck's clients log in and out below /api/v1/"},
		{name: "xdoc", value: "on", help: "on or off: whether XDOC's clients try their sealed tokens at /XDocApi/, and come in with them at /XDocUi/; services take the tokens in either case"},
		{name: "smtp-url", help: "mail server, by which links and notices are mailed: smtp://USER@HOST:587, which must offer STARTTLS, or smtps://USER@HOST:465; smtp:// on this machine itself is spoken to in plain; empty for no mail"},
		{name: "smtp-password", help: "password by which --smtp-url's user logs in there", secret: true},
		{name: "mail-from", help: "who mails are from, as jeton@example.com or 'Jeton <jeton@example.com>'; required with --smtp-url"},
		{name: "language", value: "en", help: "en, fr or de: the language of mails, and of the console for browsers that ask for none of these"},
		{name: "upstream-ca", help: "PEM file of the certificates on which those of https upstreams may rest, beside the system's"},
		{name: "upstream-timeout", value: "60s", help: "how long an upstream may take to begin its answer before the caller hears 504; 1s to 1h"},
		{name: "stream-idle", value: "10m", help: "how long a call through the proxy lasts in which nothing passes either way; 1s to 24h"},
		{name: "password-slots", value: "0", help: "passwords hashed at a time; 0 for half the cores"},
		{name: "max-remembered", value: "0", help: "credentials remembered in memory; 0 for 4,000,000"},
		{name: "drain", value: "10s", help: "how long requests under way may take when the server stops"},
	}
}

// fileSuffix ends the name of the setting that names the file of a secret.
const fileSuffix = "-file"

// Flags registers the flags of all settings, and --config.
func Flags(fs *pflag.FlagSet) {
	fs.String("config", "", "YAML file of settings (JETON_CONFIG)")
	for _, s := range settings() {
		if s.secret {
			fs.String(s.name+fileSuffix, "", "file that holds the "+s.help+" ("+variable(s.name+fileSuffix)+", or the value itself in "+variable(s.name)+")")
			continue
		}
		if s.sealable {
			fs.String(s.name+fileSuffix, "", "file that holds the value of --"+s.name+" ("+variable(s.name+fileSuffix)+")")
		}
		fs.String(s.name, s.value, s.help+" ("+variable(s.name)+")")
	}
}

// variable returns the name of the environment variable of a setting.
func variable(name string) string {
	return "JETON_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Load reads all settings. environ is as os.Environ returns it. The error joins every fault found.
func Load(fs *pflag.FlagSet, environ []string) (Config, error) {
	env := environment(environ)
	k, faults := layered(fs, env)
	var c Config
	r := reader{k: k, faults: faults}
	r.fill(&c, env)
	c.Warnings = append(r.warnings, unknownVariables(env)...)
	return c, errors.Join(r.faults...)
}

func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return env
}

// reader turns settings into their types and gathers what is wrong with them.
type reader struct {
	k        *koanf.Koanf
	faults   []error
	warnings []string
}

func (r *reader) fault(name, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: "+format, append([]any{name}, args...)...)) //nolint:err113 // faults are for people
}

func (r *reader) fill(c *Config, env map[string]string) {
	c.Listen, c.GatewayListen, c.AdminListen = r.address("listen"), r.address("gateway-listen"), r.address("admin-listen")
	if r.k.String("proxy-listen") != "" {
		c.ProxyListen = r.address("proxy-listen")
	}
	if r.k.String("envoy-listen") != "" {
		c.EnvoyListen = r.address("envoy-listen")
	}
	r.transport(c)
	c.Data, c.JournalFile = r.k.String("data"), r.k.String("journal-file")
	c.Database, c.DSN = r.database(env)
	if c.Data == "" {
		r.fault("data", "is empty; name a folder")
	}
	c.MasterKey, c.AdminPassword = r.secret("master-key", env), r.secret("admin-password", env)
	c.TrustedPeers, c.PeerSecret = r.peers("trusted-peers"), r.secret("trusted-peer-secret", env)
	if err := c.LogLevel.UnmarshalText([]byte(r.k.String("log-level"))); err != nil {
		r.fault("log-level", "is none of debug, info, warn, error")
	}
	if c.LogFormat = r.k.String("log-format"); c.LogFormat != "json" && c.LogFormat != "text" && c.LogFormat != "auto" {
		r.fault("log-format", "is none of json, text, auto")
	}
	c.AuditRetention, c.Drain = r.duration("audit-retention", time.Hour), r.duration("drain", 0)
	r.sessions(c)
	r.signingKeys(c)
	r.tokens(c)
	r.profiles(c)
	r.mail(c, env)
	r.proxy(c)
	c.PasswordSlots, c.MaxRemembered = r.number("password-slots", 64), r.number("max-remembered", 1<<30)
}

// address reads host:port. A host that is no address is looked up only when the listener opens.
func (r *reader) address(name string) string {
	value := r.k.String(name)
	_, port, err := net.SplitHostPort(value)
	if n, convErr := strconv.ParseUint(port, 10, 16); err != nil || convErr != nil || n > 65535 {
		r.fault(name, "is not host:port, as 127.0.0.1:8080 or :8080")
	}
	return value
}

// duration reads a Go duration, or whole days as 90d.
func (r *reader) duration(name string, least time.Duration) time.Duration {
	value := r.k.String(name)
	d, err := time.ParseDuration(value)
	if days, ok := strings.CutSuffix(value, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < least {
		r.fault(name, "is not a duration of at least %s, as 90d, 36h or 10s", least)
	}
	return d
}

// durationWithin reads a duration with bounds on both sides.
func (r *reader) durationWithin(name string, least, most time.Duration) time.Duration {
	d := r.duration(name, least)
	if d > most {
		r.fault(name, "is longer than %s", most)
	}
	return d
}

func (r *reader) number(name string, most int) int {
	n, err := strconv.Atoi(r.k.String(name))
	if err != nil || n < 0 || n > most {
		r.fault(name, "is not a number from 0 to %d", most)
	}
	return n
}
