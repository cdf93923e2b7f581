package oauth_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/api"
	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/jwks"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/oauth"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/web"
)

const (
	issuer        = "https://tokens.example.com"
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client
	apiCookie     = "jeton_api"
	// passwordHash is a hash of "correct horse battery staple" that costs next to nothing.
	passwordHash = "$pbkdf2-sha256$i=1$c2FsdHNhbHRzYWx0$4MvndT3WxpZBgTr0GnlsI3zbnRNMwBomQR+L/0mcI4U"
)

// desk is the endpoints on a real database, with everything behind them that app would wire, and before them the log.
type desk struct {
	*httptest.Server
	handler   http.Handler
	store     *sqlite.Store
	keys      *keyring.Keyring
	accounts  *account.Accounts
	personal  *personal.Tokens
	api       *apitoken.Tokens
	access    *accesstoken.Tokens
	clients   *clientauth.Clients
	browsers  *session.Browsers
	catalog   *catalog.Catalog
	authority *authority.Authority
	refusals  *audit.Refusals
	users     *faultyUsers
	issuer    *faultyIssuer
	changes   *feed.Feed
	log       *syncBuffer
	now       atomic.Int64 // seconds after the opening

	root account.User // an administrator
}

// faultyUsers are the accounts until they are told to fail.
type faultyUsers struct {
	authority.Users
	err atomic.Pointer[error]
}

func (u *faultyUsers) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	if err := u.err.Load(); err != nil {
		return authority.User{}, *err
	}
	return u.Users.AuthorityUser(ctx, id)
}

// faultyIssuer issues until it is told to do something before.
type faultyIssuer struct {
	oauth.AccessTokens
	before atomic.Pointer[func() error]
}

func (i *faultyIssuer) Issue(ctx context.Context, p *authority.Principal, ask accesstoken.Ask) (accesstoken.Issued, error) {
	if before := i.before.Load(); before != nil {
		if err := (*before)(); err != nil {
			return accesstoken.Issued{}, err
		}
	}
	return i.AccessTokens.Issue(ctx, p, ask)
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu     sync.Mutex
	b      bytes.Buffer
	silent bool // keeps nothing
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return len(p), nil
	}
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) clock() time.Time {
	return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Duration(d.now.Load()) * time.Second)
}

// newDesk opens a database with one administrator and serves the endpoints on it.
func newDesk(t testing.TB) *desk {
	t.Helper()
	ctx := t.Context()
	d := &desk{refusals: audit.NewRefusals(10_000), log: new(syncBuffer)}
	var err error
	d.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: d.clock})
	check(t, err)
	t.Cleanup(func() { check(t, d.store.Close()) })
	master, _, err := keyring.NewMasterKey(rand.Reader)
	check(t, err)
	d.changes, err = feed.New(feed.Config{Store: d.store, Apply: d.apply, Now: d.clock})
	check(t, err)
	applied := d.changes.CatchUp
	d.keys, err = keyring.Open(ctx, keyring.Config{Store: d.store, Master: master, Applied: applied, Now: d.clock, Random: rand.Reader})
	check(t, err)
	d.accounts, err = account.New(account.Config{Store: d.store, Applied: applied, Now: d.clock, Random: rand.Reader, PasswordSlots: 4})
	check(t, err)
	d.personal, err = personal.New(personal.Config{Store: d.store, Keyring: d.keys, Applied: applied, Now: d.clock, Random: rand.Reader})
	check(t, err)
	d.browsers, err = session.NewBrowsers(session.Config{
		Store: d.store, Keyring: d.keys, Applied: applied, Now: d.clock, Random: rand.Reader, Idle: time.Hour, Lifetime: 12 * time.Hour,
	})
	check(t, err)
	d.catalog, err = catalog.New(catalog.Config{Store: d.store, Users: d.accounts, Applied: applied, Now: d.clock})
	check(t, err)
	d.wireSigned(t)
	d.users = &faultyUsers{Users: d.accounts}
	d.authority, err = authority.New(authority.Config{
		Ways:  append(d.browsers.Ways(), d.accounts, d.personal, d.api, d.access, d.clients),
		Users: d.users, Policy: d.catalog.Policy, Refusals: d.refusals, Fresh: d.changes.Fresh, Now: d.clock, Random: rand.Reader,
		Cookies: []authority.Cookie{{Kind: authority.ConsoleSession, Name: "__Host-jeton"}, {Kind: authority.APISession, Name: apiCookie}},
	})
	check(t, err)
	check(t, d.changes.CatchUp(ctx))
	d.serve(t)
	d.root = d.user(t, account.Draft{Username: "root", Roles: []string{"admin"}, PasswordHash: passwordHash})
	return d
}

func (d *desk) wireSigned(t testing.TB) {
	t.Helper()
	var err error
	applied := d.changes.CatchUp
	d.api, err = apitoken.New(apitoken.Config{
		Store: d.store, Users: d.accounts, Keyring: d.keys, Policy: d.catalog.Policy, Applied: applied, Issuer: issuer, Now: d.clock,
	})
	check(t, err)
	d.access, err = accesstoken.New(accesstoken.Config{
		Store: d.store, Keyring: d.keys, Policy: d.catalog.Policy, Applied: applied, Issuer: issuer, Life: 5 * time.Minute, Now: d.clock,
	})
	check(t, err)
	sets, err := jwks.New(jwks.Config{Now: d.clock})
	check(t, err)
	d.clients, err = clientauth.New(clientauth.Config{
		Store: d.store, Users: d.accounts, Keyring: d.keys, Applied: applied, Audiences: oauth.Audiences(issuer), KeySets: sets, Now: d.clock,
		Random: rand.Reader,
	})
	check(t, err)
}

// serve starts the server. It trusts the tests' own machine as a proxy.
func (d *desk) serve(t testing.TB) {
	t.Helper()
	peers := new(web.Peers)
	peers.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})
	d.issuer = &faultyIssuer{AccessTokens: d.access}
	h, err := oauth.New(oauth.Config{
		Authority: d.authority, Access: d.issuer, APITokens: d.api, Policy: d.catalog.Policy, Keyring: d.keys, Feed: d.changes, Peers: peers,
		PublicURL: issuer,
	})
	check(t, err)
	logger := slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d.handler = web.Log(logger, "public", d.clock, h)
	d.Server = httptest.NewServer(d.handler)
	t.Cleanup(d.Close)
}

func (d *desk) apply(ctx context.Context, c feed.Change) error {
	if c.ID == uuid.Nil || c.Kind == feed.SigningKey || c.Kind == feed.RevokedKey {
		check := d.keys.Reload(ctx)
		d.authority.Forget(uuid.Nil)
		if check != nil {
			return check
		}
	}
	d.authority.Forget(c.ID)
	return d.catalog.Reload(ctx)
}

// actor is who did what a test prepares.
func actor() audit.Actor { return audit.Actor{Username: "test"} }

// user makes a user.
func (d *desk) user(t testing.TB, draft account.Draft) account.User {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), draft, actor())
	check(t, err)
	return u
}

// client makes a service account with a client secret.
func (d *desk) client(t testing.TB, name string, roles ...string) (account.User, string) {
	t.Helper()
	u := d.user(t, account.Draft{Username: name, Kind: account.Service, Roles: roles})
	text, _, err := d.clients.CreateSecret(t.Context(), name, actor())
	check(t, err)
	return u, text.Reveal()
}

// token makes an API token for a user.
func (d *desk) token(t testing.TB, user string, change func(*apitoken.Draft)) (apitoken.Token, string) {
	t.Helper()
	draft := apitoken.Draft{Name: "token " + uuid.NewString(), User: user, Days: 30}
	if change != nil {
		change(&draft)
	}
	text, token, err := d.api.Create(t.Context(), draft, d.admin(), actor())
	check(t, err)
	return token, text.Reveal()
}

func (d *desk) admin() *authority.Principal {
	return &authority.Principal{User: authority.User{ID: d.root.ID, Username: "root", Roles: []string{"admin"}, Active: true}}
}

// personalToken makes a personal token.
func (d *desk) personalToken(t testing.TB, u account.User) string {
	t.Helper()
	text, _, err := d.personal.Rotate(t.Context(), &authority.Principal{User: authority.User{ID: u.ID, Username: u.Username}}, actor())
	check(t, err)
	return text.Reveal()
}

// protect makes a service with its operations, each "PATTERN AUDIENCE SCOPE", the scope "-" for none.
func (d *desk) protect(t testing.TB, draft catalog.Draft, operations ...string) {
	t.Helper()
	_, err := d.catalog.Create(t.Context(), draft, actor())
	check(t, err)
	var all []catalog.Operation
	for _, op := range operations {
		words := strings.Fields(op)
		n := len(words)
		scope := words[n-1]
		if scope == "-" {
			scope = ""
		}
		all = append(all, catalog.Operation{Pattern: strings.Join(words[:n-2], " "), Audience: []string{words[n-2]}, Scope: scope})
	}
	_, err = d.catalog.Replace(t.Context(), draft.Name, 1, all, actor())
	check(t, err)
}

// ask is a POST of a form.
type ask struct {
	path   string
	form   url.Values
	body   string // in place of form
	basic  string // user:password
	header map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	code   string // of a failure
}

// into decodes the answer's body.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("reading the answer %d %s: %v", a.status, a.body, err)
	}
}

// do sends a form and checks what every answer has in common.
func (d *desk) do(t testing.TB, q ask) answer {
	t.Helper()
	body := cmp.Or(q.body, q.form.Encode())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+q.path, strings.NewReader(body))
	check(t, err)
	r.Header.Set("X-Real-Ip", clientAddress)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if name, password, ok := strings.Cut(q.basic, ":"); ok {
		r.SetBasicAuth(name, password)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	return d.send(t, r)
}

func (d *desk) send(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := d.Client().Do(r)
	check(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	check(t, err)
	a := answer{status: res.StatusCode, header: res.Header, body: string(text)}
	if r.Method == http.MethodPost {
		checkAnswer(t, &a)
	}
	return a
}

// checkAnswer holds what every answer to a form has: it is kept nowhere, and a failure has the RFC's shape.
func checkAnswer(t testing.TB, a *answer) {
	t.Helper()
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got Cache-Control %q", a.header.Get("Cache-Control"))
	}
	if challenged := a.header.Get("Www-Authenticate") != ""; challenged != (a.status == http.StatusUnauthorized) {
		t.Errorf("got status %d and WWW-Authenticate %q", a.status, a.header.Get("Www-Authenticate"))
	}
	if waits := a.header.Get("Retry-After") != ""; waits != (a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable) {
		t.Errorf("got status %d and Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	if a.status < 400 || a.header.Get("Content-Type") == "application/problem+json" { // of a path that isn't there
		return
	}
	var f api.OAuthError
	a.into(t, &f)
	a.code = f.Error
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Pragma") != "no-cache" || f.Error == "" {
		t.Errorf("got header %v and body %s", a.header, a.body)
	}
	for _, c := range f.Description { // RFC 6749 section 5.2
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			t.Errorf("got the description %q, which holds %q", f.Description, c)
		}
	}
}

// want sends a form and compares status and code.
func (d *desk) want(t testing.TB, q ask, status int, code string) answer {
	t.Helper()
	a := d.do(t, q)
	if a.status != status || a.code != code {
		t.Errorf("%s: got %d %q, want %d %q; body %s", q.path, a.status, a.code, status, code, a.body)
	}
	return a
}

// refused returns the refusals since the last time, each "door reason kind", sorted.
func (d *desk) refused(t testing.TB) string {
	t.Helper()
	lines := map[string]bool{}
	for _, e := range d.refusals.Drain(d.clock()) {
		lines[e.Door+" "+e.Reason+" "+cmp.Or(e.Actor.CredentialKind, "none")] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(lines)), ", ")
}

// exchangeOf is the form of an exchange, with pairs of a name and a value over it; an empty value leaves the name out.
func exchangeOf(token string, pairs ...string) url.Values {
	return formOf(append([]string{
		"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token", token,
		"subject_token_type", "urn:ietf:params:oauth:token-type:jwt",
	}, pairs...)...)
}

func formOf(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			form.Del(pairs[i])
			continue
		}
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// exchange gets an access token for an API token.
func (d *desk) exchange(t testing.TB, token string, pairs ...string) api.OAuthToken {
	t.Helper()
	var out api.OAuthToken
	d.want(t, ask{path: "/oauth/token", form: exchangeOf(token, pairs...)}, http.StatusOK, "").into(t, &out)
	return out
}

// get reads a document.
func (d *desk) get(t testing.TB, path string, header map[string]string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+path, nil)
	check(t, err)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return d.send(t, r)
}
