package httpapi_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
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
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/httpapi"
	"github.com/jeton-io/jeton/internal/jwks"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/web"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

const (
	publicURL     = "https://tokens.example.com"
	adminPassword = "correct horse battery staple"
	// adminHash is a hash of it that costs next to nothing, for the many tests that never use it.
	adminHash     = "$pbkdf2-sha256$i=1$c2FsdHNhbHRzYWx0$4MvndT3WxpZBgTr0GnlsI3zbnRNMwBomQR+L/0mcI4U"
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client

	consoleCookie = "__Host-jeton"
	apiCookie     = "jeton_api"
)

// desk is /v1 on a real database, with everything behind it that app would wire, and before it the log.
type desk struct {
	*httptest.Server
	path      string // of the database
	store     *sqlite.Store
	accounts  *account.Accounts
	tokens    *personal.Tokens
	signed    *apitoken.Tokens
	access    *accesstoken.Tokens
	clients   *clientauth.Clients
	browsers  *session.Browsers
	factors   *factor.Factors
	sessions  *session.Tokens
	links     *link.Links
	platforms *platform.Platforms
	projects  *project.Projects
	keys      *keyring.Keyring
	keyStore  *slowKeys
	random    *foretold
	master    secret.Text
	catalog   *catalog.Catalog
	authority *authority.Authority
	refusals  *audit.Refusals
	users     *faultyUsers
	events    *faultyEvents
	log       *syncBuffer
	changes   *feed.Feed
	now       atomic.Int64 // seconds after the opening
	fine      atomic.Int64 // and nanoseconds after these

	admin      api.User
	adminToken string
	batch      apitoken.Token // which the routes mean by {batch}; see stocked
	secret     uuid.UUID      // and by {secret}, a client's
	key        uuid.UUID      // and by {key}
	partner    platform.Platform
	partnerKey uuid.UUID // a key of {partner}
	set        uuid.UUID // {set}, a token set of the project 1000
	mine       uuid.UUID // a session of the administrator
	theirs     uuid.UUID // a session of the user "target"
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

// faultyEvents are the audit log until they are told to fail.
type faultyEvents struct {
	audit.Store
	err atomic.Pointer[error]
}

func (e *faultyEvents) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	if err := e.err.Load(); err != nil {
		return nil, *err
	}
	return e.Store.Events(ctx, q)
}

// slowKeys is the store of keys, with room for something to happen between the look at a key and its change. Its changes
// fail where they are told to.
type slowKeys struct {
	keyring.Store
	meanwhile atomic.Pointer[func()]
	err       atomic.Pointer[error]
}

func (s *slowKeys) AddSigningKey(ctx context.Context, key keyring.WrappedSigningKey, former string, ev audit.Event) error {
	if do := s.meanwhile.Swap(nil); do != nil {
		(*do)()
	}
	if err := s.err.Load(); err != nil {
		return *err
	}
	return s.Store.AddSigningKey(ctx, key, former, ev)
}

func (s *slowKeys) RevokeSigningKey(ctx context.Context, kid string, successor keyring.WrappedSigningKey, ev audit.Event) error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return s.Store.RevokeSigningKey(ctx, kid, successor, ev)
}

// foretold is randomness but for the zeros that are asked for.
type foretold struct{ zeros atomic.Bool }

func (f *foretold) Read(b []byte) (int, error) {
	if f.zeros.CompareAndSwap(true, false) {
		clear(b)
		return len(b), nil
	}
	return rand.Read(b)
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// toyWay proves bearer tokens of the form KIND:ID, of any kind of credential.
type toyWay struct{ kind authority.Kind }

func (w toyWay) Kind() authority.Kind { return w.kind }

func (w toyWay) Recognizes(bearer string) bool { return strings.HasPrefix(bearer, w.kind.String()+":") }

func (w toyWay) Prove(_ context.Context, c authority.Credential) (authority.Proof, error) {
	id, err := uuid.Parse(strings.TrimPrefix(c.Text.Reveal(), w.kind.String()+":"))
	return authority.Proof{ID: id, UserID: id, Remember: true}, err
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) clock() time.Time {
	return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Duration(d.now.Load())*time.Second + time.Duration(d.fine.Load()))
}

// newDesk opens a database with one administrator and serves /v1 on it. The toys are further kinds of credential that
// the door takes, and stand in for those that Jeton has already.
func newDesk(t testing.TB, toys ...authority.Kind) *desk {
	t.Helper()
	ctx := t.Context()
	d := &desk{refusals: audit.NewRefusals(1000), log: new(syncBuffer)}
	var err error
	d.path = filepath.Join(t.TempDir(), "jeton.db")
	d.store, err = sqlite.Open(ctx, sqlite.Config{Path: d.path, Now: d.clock})
	check(t, err)
	t.Cleanup(func() { check(t, d.store.Close()) })
	master, _, err := keyring.NewMasterKey(rand.Reader)
	check(t, err)
	d.master = master
	d.keyStore, d.random = &slowKeys{Store: d.store}, new(foretold)
	keys, err := keyring.Open(ctx, keyring.Config{
		Store: d.keyStore, Master: master, Now: d.clock, Random: d.random,
		Applied: func(ctx context.Context) error { return d.changes.CatchUp(ctx) },
	})
	check(t, err)
	d.keys = keys
	changes, err := feed.New(feed.Config{Store: d.store, Apply: d.apply, Now: d.clock})
	check(t, err)
	d.changes = changes
	d.accounts, err = account.New(account.Config{Store: d.store, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader, PasswordSlots: 4})
	check(t, err)
	d.tokens, err = personal.New(personal.Config{Store: d.store, Keyring: keys, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader})
	check(t, err)
	d.factors, err = factor.New(factor.Config{
		Store: d.store, Keyring: keys, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader, PublicURL: "https://tokens.example.com",
	})
	check(t, err)
	d.browsers, err = session.NewBrowsers(session.Config{
		Store: d.store, Keyring: keys, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader, Idle: time.Hour, Lifetime: 12 * time.Hour,
	})
	check(t, err)
	d.projects, err = project.New(project.Config{
		Store: d.store, Users: d.accounts, Keyring: keys, Applied: changes.CatchUp, Revision: changes.Revision, Parameters: xdoc.Parameters(), Now: d.clock, Pause: func(context.Context, time.Duration) {}, Random: rand.Reader,
	})
	check(t, err)
	d.catalog, err = catalog.New(catalog.Config{
		Store: d.store, Users: d.accounts, Projects: d.projects, Applied: changes.CatchUp, Now: d.clock, Profiles: []string{"matrix42", "xdoc"},
	})
	check(t, err)
	d.newSigned(t, keys)
	d.newPlatforms(t, keys)
	d.users, d.events = &faultyUsers{Users: d.accounts}, &faultyEvents{Store: d.store}
	ways := []authority.Way{d.accounts, d.tokens}
	kinds := authority.KindsOf(authority.Password, authority.PersonalToken, authority.ConsoleSession, authority.APIToken, authority.AccessToken, authority.SessionToken, authority.ClientSecret)
	for _, w := range append(d.browsers.Ways(), d.sessions, d.signed, d.access, d.clients, d.projects) {
		if !slices.Contains(toys, w.Kind()) {
			ways = append(ways, w)
		}
	}
	for _, k := range toys {
		ways, kinds = append(ways, toyWay{k}), kinds|authority.KindsOf(k)
	}
	d.authority, err = authority.New(authority.Config{
		Ways: testdesk.Apart(ways, func() bool { return d.users.err.Load() != nil }), Users: d.users, Policy: d.catalog.Policy, Refusals: d.refusals, Fresh: func() bool { return true }, Now: d.clock, Random: rand.Reader,
		Cookies:    []authority.Cookie{{Kind: authority.ConsoleSession, Name: consoleCookie}, {Kind: authority.APISession, Name: apiCookie}},
		Parameters: xdoc.Parameters(),
	})
	check(t, err)
	check(t, changes.CatchUp(ctx))
	d.serve(t, kinds, authority.KindsOf(authority.PersonalToken))

	admin, err := d.accounts.Create(ctx, account.Draft{Username: "root", Roles: []string{"admin"}, PasswordHash: adminHash}, audit.Actor{})
	check(t, err)
	d.admin, d.adminToken = api.User{ID: admin.ID.String(), Username: "root"}, d.rotate(t, admin.ID)
	return d
}

// newSigned makes the ways in of signed tokens.
func (d *desk) newSigned(t testing.TB, keys *keyring.Keyring) {
	t.Helper()
	var err error
	d.signed, err = apitoken.New(apitoken.Config{
		Store: d.store, Users: d.accounts, Keyring: keys, Policy: d.catalog.Policy, Applied: d.changes.CatchUp, Issuer: publicURL, Now: d.clock,
	})
	check(t, err)
	d.access, err = accesstoken.New(accesstoken.Config{
		Store: d.store, Keyring: keys, Policy: d.catalog.Policy, Applied: d.changes.CatchUp, Issuer: publicURL, Life: 5 * time.Minute, Now: d.clock,
	})
	check(t, err)
	d.links, err = link.New(link.Config{
		Store: d.store, Accounts: d.accounts, Keyring: keys, Now: d.clock, Random: rand.Reader,
		URL: func(p link.Purpose, text secret.Text) secret.Text {
			return secret.Text(publicURL + "/" + string(p) + "/" + text.Reveal())
		},
	})
	check(t, err)
	sets, err := jwks.New(jwks.Config{Now: d.clock})
	check(t, err)
	d.clients, err = clientauth.New(clientauth.Config{
		Store: d.store, Users: d.accounts, Keyring: keys, Applied: d.changes.CatchUp, Audiences: []string{publicURL}, KeySets: sets, Now: d.clock,
		Random: rand.Reader,
	})
	check(t, err)
}

// newPlatforms makes session tokens, and the platforms that log users in for them.
func (d *desk) newPlatforms(t testing.TB, keys *keyring.Keyring) {
	t.Helper()
	var err error
	d.sessions, err = session.NewTokens(session.TokenConfig{
		Store: d.store, Keyring: keys, Applied: d.changes.CatchUp, Now: d.clock, Random: rand.Reader, Lifetime: 14 * 24 * time.Hour,
	})
	check(t, err)
	sets, err := jwks.New(jwks.Config{Now: d.clock})
	check(t, err)
	d.platforms, err = platform.New(platform.Config{
		Store: d.store, Users: d.accounts, Keyring: keys, KeySets: sets, Applied: d.changes.CatchUp, PublicURL: publicURL,
		Audiences: []string{publicURL}, Now: d.clock, Random: rand.Reader,
	})
	check(t, err)
}

// session begins a session of a program that has shown a password, or of one that a platform has logged in.
func (d *desk) session(t testing.TB, u account.User, platformID uuid.UUID) session.Begun {
	t.Helper()
	p := authority.Principal{User: authority.User{ID: u.ID, Username: u.Username}, CredentialKind: authority.Password, CredentialID: u.ID}
	if platformID != uuid.Nil {
		p.CredentialKind, p.CredentialID = authority.Assertion, platformID
	}
	begun, err := d.sessions.Begin(t.Context(), &p, audit.Actor{})
	check(t, err)
	return begun
}

// enrol enrols a platform.
func (d *desk) enrol(t testing.TB, draft platform.Draft) (platform.Platform, platform.Made) {
	t.Helper()
	p, made, err := d.platforms.Enrol(t.Context(), draft, audit.Actor{})
	check(t, err)
	return p, made
}

// application makes the project 1000, with an app key, and a token set of the given mode, whose key is made where it is empty. It
// returns the text of the set's key.
func (d *desk) application(t testing.TB, appKey, mode, key string) string {
	t.Helper()
	_, err := d.projects.Create(t.Context(), project.Draft{
		Number: project.DefaultNumber, Name: "XDOC", SecurityContext: "MySecurityContext", AppKeys: []secret.Text{secret.Text(appKey)},
	}, audit.Actor{})
	check(t, err)
	set, made, err := d.projects.AddSet(t.Context(), project.DefaultNumber, project.SetDraft{Name: "current", Mode: &mode, Key: secret.Text(key)}, audit.Actor{})
	check(t, err)
	d.set = set.ID
	return made.Reveal()
}

// issue makes an API token as the administrator does that owns it, or root for a service account.
func (d *desk) issue(t testing.TB, draft apitoken.Draft) (string, apitoken.Token) {
	t.Helper()
	if draft.Days == 0 {
		draft.Never = true
	}
	u, err := d.accounts.Find(t.Context(), draft.User)
	check(t, err)
	maker := authority.Principal{User: authority.User{ID: u.ID, Roles: []string{"admin"}}}
	text, token, err := d.signed.Create(t.Context(), draft, &maker, audit.Actor{})
	check(t, err)
	return text.Reveal(), token
}

// exchange gets an access token for an API token, as the client does.
func (d *desk) exchange(t testing.TB, token string, ask accesstoken.Ask) string {
	t.Helper()
	presented := authority.Presented{Authorization: []string{"Bearer " + token}, Peer: netip.MustParseAddr(clientAddress)}
	p, err := d.authority.Identify(t.Context(), &presented, &authority.Door{Name: "oauth", Kinds: authority.KindsOf(authority.APIToken)})
	check(t, err)
	issued, err := d.access.Issue(t.Context(), &p, ask)
	check(t, err)
	return issued.Token.Reveal()
}

// publicKey is the public half of a key that was made for these tests.
const publicKey = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"

// client makes a service account with a client secret and a key, and returns the secret.
func (d *desk) client(t testing.TB, name string) string {
	t.Helper()
	d.user(t, account.Draft{Username: name, Kind: account.Service})
	text, made, err := d.clients.CreateSecret(t.Context(), name, audit.Actor{})
	check(t, err)
	key, err := d.clients.CreateKey(t.Context(), name, clientauth.KeyDraft{PublicKey: publicKey}, audit.Actor{})
	check(t, err)
	d.secret, d.key = made.ID, key.ID
	return text.Reveal()
}

// serve starts the server, for callers and for calls to ask /v1/verify about by these kinds of credential. It trusts the
// tests' own machine as a proxy.
func (d *desk) serve(t testing.TB, callers, verified authority.Kinds) {
	t.Helper()
	peers := new(web.Peers)
	peers.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})
	h, err := httpapi.New(httpapi.Config{
		Authority: d.authority, Accounts: d.accounts, Tokens: d.tokens, APITokens: d.signed, Clients: d.clients, Browsers: d.browsers, Sessions: d.sessions, Factors: d.factors, Links: d.links, Platforms: d.platforms, Projects: d.projects, Keys: d.keys, Catalog: d.catalog, Events: d.events, Peers: peers, Feed: d.changes,
		PublicURL: publicURL, Cookie: "__Host-jeton", CallerKinds: callers, VerifyKinds: verified, Now: d.clock,
	})
	check(t, err)
	logger := slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d.Server = httptest.NewServer(web.Log(logger, "public", d.clock, h))
	d.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(d.Close)
}

func (d *desk) apply(ctx context.Context, c feed.Change) error {
	if c.ID == uuid.Nil || c.Kind == feed.Project {
		if err := d.projects.Reload(ctx); err != nil {
			return err
		}
	}
	if d.authority.Forget(c.ID); c.Kind == feed.Platform || c.Kind == feed.Project { // their sessions are remembered by their own IDs
		d.authority.Forget(uuid.Nil)
	}
	if c.Kind == feed.SigningKey || c.Kind == feed.RevokedKey {
		return d.keys.Reload(ctx)
	}
	if c.ID == uuid.Nil || c.Kind == feed.Service {
		return d.catalog.Reload(ctx)
	}
	return nil
}

// user makes a user without a password and with a token.
func (d *desk) user(t testing.TB, draft account.Draft) (account.User, string) {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), draft, audit.Actor{})
	check(t, err)
	return u, d.rotate(t, u.ID)
}

func (d *desk) rotate(t testing.TB, id uuid.UUID) string {
	t.Helper()
	text, _, err := d.tokens.Rotate(t.Context(), &authority.Principal{User: authority.User{ID: id}}, audit.Actor{})
	check(t, err)
	return text.Reveal()
}

// logIn begins a session of a browser.
func (d *desk) logIn(t testing.TB, u account.User) session.Cookies {
	t.Helper()
	c, err := d.browsers.Begin(t.Context(), &authority.Principal{User: authority.User{ID: u.ID, Username: u.Username}}, uuid.Nil, audit.Actor{})
	check(t, err)
	return c
}

// service makes a service with its operations, each "PATTERN AUDIENCE".
func (d *desk) service(t testing.TB, draft catalog.Draft, operations ...string) {
	t.Helper()
	_, err := d.catalog.Create(t.Context(), draft, audit.Actor{})
	check(t, err)
	var all []catalog.Operation
	for _, op := range operations {
		at := strings.LastIndexByte(op, ' ')
		all = append(all, catalog.Operation{Pattern: op[:at], Audience: []string{op[at+1:]}})
	}
	_, err = d.catalog.Replace(t.Context(), draft.Name, 1, all, audit.Actor{})
	check(t, err)
}

// ask is a request. A body that isn't empty is said to be JSON unless the header says otherwise.
type ask struct {
	route  string // "GET /v1/me"
	token  string // a bearer token, or user:password for Basic
	body   string
	header map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	code   api.Code // of a problem
}

// into decodes the answer's body.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("reading the answer %d %s: %v", a.status, a.body, err)
	}
}

// fields returns what a problem says of fields, as "field problem".
func (a answer) fields(t testing.TB) []string {
	t.Helper()
	var p api.Problem
	a.into(t, &p)
	var all []string
	for _, f := range p.Errors {
		all = append(all, f.Field+" "+f.Problem)
	}
	return all
}

// wantField compares the one field that a problem names; none where it is empty. What is said of it is the inside's.
func (a answer) wantField(t testing.TB, want string) {
	t.Helper()
	var p api.Problem
	a.into(t, &p)
	var got []string
	for _, f := range p.Errors {
		got = append(got, f.Field)
	}
	if strings.Join(got, ",") != want {
		t.Errorf("got %+v, want the field %q", p.Errors, want)
	}
}

// named puts the IDs of what was made for the samples into a route.
func (d *desk) named(route string) string {
	return strings.NewReplacer("{batch}", d.batch.ID.String(), "{secret}", d.secret.String(), "{key}", d.key.String(),
		"{partner}", cmp.Or(d.partner.Code, "22222222"), "{partner key}", d.partnerKey.String(), "{set}", d.set.String(), "{mine}", d.mine.String(), "{theirs}", d.theirs.String()).Replace(route)
}

// do sends a request and checks what every answer has in common.
func (d *desk) do(t testing.TB, q ask) answer {
	t.Helper()
	method, target, _ := strings.Cut(d.named(q.route), " ")
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, d.URL+target, body)
	check(t, err)
	r.Header.Set("X-Real-Ip", clientAddress)
	if _, rest, ok := strings.Cut(q.token, ":"); ok && uuid.Validate(rest) != nil { // a toy's has an ID there
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(q.token)))
	} else if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
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
	checkAnswer(t, &a)
	return a
}

// checkAnswer holds what every answer has: it is kept nowhere, is what it says it is, and links to nothing.
func checkAnswer(t testing.TB, a *answer) {
	t.Helper()
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Link") != "" {
		t.Errorf("got header %v, want no-store, nosniff and no Link", a.header)
	}
	if strings.Contains(a.body, "$schema") {
		t.Errorf("got a body with $schema: %s", a.body)
	}
	if challenged := a.header.Get("Www-Authenticate") != ""; challenged != (a.status == http.StatusUnauthorized) {
		t.Errorf("got status %d and WWW-Authenticate %q", a.status, a.header.Get("Www-Authenticate"))
	}
	if a.status < 400 {
		return
	}
	if a.header.Get("Content-Type") == "text/plain; charset=utf-8" {
		return
	}
	var p api.Problem
	a.into(t, &p)
	a.code = p.Code
	want := api.Lookup(p.Code)
	if want.Status != a.status || p.Status != a.status || p.Title != want.Title || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got problem %+v with status %d and type %q, want those of %+v", p, a.status, a.header.Get("Content-Type"), want)
	}
	if p.Instance == "" || p.Instance != a.header.Get("X-Request-Id") {
		t.Errorf("got instance %q, want the request's ID %q", p.Instance, a.header.Get("X-Request-Id"))
	}
}

// want sends a request and compares status and code.
func (d *desk) want(t testing.TB, q ask, status int, code api.Code) answer {
	t.Helper()
	a := d.do(t, q)
	if a.status != status || a.code != code {
		t.Errorf("%s: got %d %q, want %d %q; body %s", q.route, a.status, a.code, status, code, a.body)
	}
	return a
}

// refused returns the refusals since the last time, each "door reason kind", sorted; and stores them as app does.
func (d *desk) refused(t testing.TB) []string {
	t.Helper()
	events := d.refusals.Drain(d.clock())
	check(t, d.store.AppendRefusals(t.Context(), events))
	lines := map[string]bool{}
	for _, e := range events {
		lines[e.Door+" "+e.Reason+" "+cmp.Or(e.Actor.CredentialKind, "none")] = true
	}
	return slices.Sorted(maps.Keys(lines))
}

func decodeJSON(t testing.TB, text string, v any) {
	t.Helper()
	check(t, json.Unmarshal([]byte(text), v))
}

func encodeJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	check(t, err)
	return string(text)
}

// adminActor is who did what a test prepares.
func adminActor() audit.Actor { return audit.Actor{Username: "test"} }

// draftOf is a user of that name.
func draftOf(name string) account.Draft { return account.Draft{Username: name} }

// serviceDraft is a service of that name on a host of its own.
func serviceDraft(name string) catalog.Draft {
	return catalog.Draft{Name: name, Host: name + ".example.com"}
}

// suspend suspends the service of that name, as a restore does.
func (d *desk) suspend(t testing.TB, name string) {
	t.Helper()
	testdesk.Suspend(t, d.path, name)
	check(t, d.catalog.Reload(t.Context()))
}

// actions returns what happened, newest first, each "action target".
func (d *desk) actions(t testing.TB) []string {
	t.Helper()
	events, err := d.store.Events(t.Context(), audit.Query{})
	check(t, err)
	var all []string
	for _, e := range events {
		all = append(all, string(e.Action)+" "+e.Target.Name)
	}
	return all
}
