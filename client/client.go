// Package client speaks Jeton's native API, /v1: it manages users, API tokens, the client secrets and keys of service
// accounts, services with their operations, and signing keys, makes one's own personal token, asks for verdicts and reads
// the audit log.
//
//	c, err := client.New(client.Config{BaseURL: "https://tokens.example.com", Token: token})
//	me, err := c.Me(ctx)
//	if errors.Is(err, client.ErrNotAuthenticated) { … }
//
// Programs that hold a signed API token get the access tokens for it from a [TokenSource], which plugs into
// golang.org/x/oauth2 and into an http.Client. APIs let calls in by a [Verifier], in their own process and with the gateway's
// own verdict.
//
// Errors mean the same on both sides of the wire. What Jeton answered is an *api.Problem for errors.As, with its code and
// its advice, and one of this package's sentinels for errors.Is. See [Error].
//
// A credential goes nowhere but to the origin of BaseURL. The package refuses to speak plain http to another machine,
// follows no redirect, keeps no cookies, reads no answer without end, and prints no credential.
package client

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config is what a Client needs: BaseURL, and either Token or Username and Password.
type Config struct {
	// BaseURL is the origin of Jeton's public listener, as "https://tokens.example.com"; a path below which Jeton stands
	// may follow.
	BaseURL string
	// Token is a personal token, sent as Bearer (RFC 6750).
	Token Secret
	// Username and Password are sent as Basic (RFC 7617).
	Username string
	Password Secret
	// Insecure allows plain http to another machine than this one. Whoever can listen on the way then has the credential.
	Insecure bool
	// HTTPClient sends the requests; its redirects and cookies are not used. Without one, the default transport does,
	// and a request may take 30 seconds.
	HTTPClient *http.Client
	// UserAgent names the program in Jeton's log; "jeton-go" where empty.
	UserAgent string
}

// defaultTimeout bounds a request where no HTTPClient was given. A context may end it sooner.
const defaultTimeout = 30 * time.Second

// defaultAgent names the program in Jeton's log where it doesn't say its name.
const defaultAgent = "jeton-go"

// Client asks one Jeton, with one credential. It is safe for concurrent use. Make one with New.
type Client struct {
	base      string // without a slash at its end
	http      *http.Client
	userAgent string
	// authorize adds the credential to a request. It is kept in a function because package fmt prints the fields of a
	// struct, but not what a function knows.
	authorize func(*http.Request)
}

// New returns a Client. It refuses a BaseURL that isn't http or https or carries a credential, plain http to another
// machine, and a Config with no credential or two. The error is a *ConfigError.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL, cfg.Insecure)
	if err != nil {
		return nil, err
	}
	authorize, err := credential(cfg)
	if err != nil {
		return nil, err
	}
	h := http.Client{Timeout: defaultTimeout}
	if cfg.HTTPClient != nil {
		h = *cfg.HTTPClient
	}
	// /v1 has neither redirects nor cookies. Following one would take a credential, or a password in a body, to a place
	// that nobody named; a cookie would be a second credential.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.Jar = nil
	return &Client{base: base, http: &h, userAgent: cmp.Or(cfg.UserAgent, defaultAgent), authorize: authorize}, nil
}

// String names the Jeton that is asked, without the credential.
func (c *Client) String() string { return "client of " + c.base }

// ConfigError is the error of a Config that New refuses. It never holds the value.
type ConfigError struct {
	Field   string // as in Config: "BaseURL"
	Problem string // "is not of the form https://host"
}

// Error implements error.
func (e *ConfigError) Error() string { return "client: " + e.Field + " " + e.Problem }

// parseBase checks a base URL and returns it without a slash at its end.
func parseBase(text string, insecure bool) (string, error) {
	u, err := url.Parse(text)
	problem := ""
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		problem = "is not of the form https://host, or for this machine http://127.0.0.1:8080"
	case u.User != nil:
		problem = "holds a credential, which would end up in logs"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		problem = "has a query or a fragment"
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		problem = "is plain http to another machine: the credential would travel in the clear; use https"
	}
	if problem != "" {
		return "", &ConfigError{"BaseURL", problem}
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// loopback reports whether a host is this machine. The name localhost is taken at its word (RFC 6761, section 6.3); any
// other name might lead elsewhere, whatever it resolves to just now.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// credential returns what adds the credential of cfg to a request.
func credential(cfg Config) (func(*http.Request), error) {
	token, name, password := cfg.Token.Reveal(), cfg.Username, cfg.Password.Reveal()
	switch {
	case token != "" && (name != "" || password != ""):
		return nil, &ConfigError{"Token", "stands beside Username and Password: give one credential"}
	case token != "" && !isBearer(token):
		return nil, &ConfigError{"Token", "holds a space, a line break or another character that no token has"}
	case token != "":
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, nil
	case name == "" || password == "":
		return nil, &ConfigError{"Token", "is empty, and so is Username or Password: give a credential"}
	case strings.Contains(name, ":"):
		return nil, &ConfigError{"Username", "holds a colon, which would end it (RFC 7617)"}
	}
	return func(r *http.Request) { r.SetBasicAuth(name, password) }, nil
}

// isBearer reports whether a token has the characters that RFC 6750, section 2.1, allows (b64token).
func isBearer(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/=", r))
	})
}
