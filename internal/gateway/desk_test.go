package gateway_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/gateway"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/web"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

// desk is a gateway on a real database, with everything behind it that app would wire.
type desk struct {
	http.Handler
	path      string // of the database
	store     *sqlite.Store
	keys      *keyring.Keyring
	changes   *feed.Feed
	accounts  *account.Accounts
	tokens    *personal.Tokens
	api       *apitoken.Tokens
	access    *accesstoken.Tokens
	browsers  *session.Browsers
	sessions  *session.Tokens
	catalog   *catalog.Catalog
	projects  *project.Projects
	authority *authority.Authority
	refusals  *audit.Refusals
	users     *faultyUsers
	fresh     atomic.Bool
}

// faultyUsers are the accounts until they are told to fail.
type faultyUsers struct {
	authority.Users
	err    error
	panics bool
}

func (u *faultyUsers) AuthorityUser(ctx context.Context, id uuid.UUID) (authority.User, error) {
	if u.panics {
		panic("the users are gone")
	}
	if u.err != nil {
		return authority.User{}, u.err
	}
	return u.Users.AuthorityUser(ctx, id)
}

// opened is the time of all tests.
func opened() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// proxyAddress is the one trusted proxy, and clientAddress the client that it names.
const (
	proxyAddress  = "192.0.2.10"
	clientAddress = "198.51.100.7"
)

// apiCookie is the cookie of a browser's session that the gateway takes.
const apiCookie = "jeton_api"

// newDesk opens the database and wires a gateway that takes what that of app takes.
func newDesk(t testing.TB) *desk {
	t.Helper()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "jeton.db")
	store, err := sqlite.Open(ctx, sqlite.Config{Path: path, Now: opened})
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	master, _, err := keyring.NewMasterKey(rand.Reader)
	check(t, err)
	d := &desk{path: path, store: store, refusals: audit.NewRefusals(1000)}
	d.fresh.Store(true)
	changes, err := feed.New(feed.Config{Store: store, Apply: d.apply, Now: opened})
	check(t, err)
	keys, err := keyring.Open(ctx, keyring.Config{Store: store, Master: master, Applied: changes.CatchUp, Now: opened, Random: rand.Reader})
	check(t, err)
	d.keys, d.changes = keys, changes
	d.accounts, err = account.New(account.Config{
		Store: store, Applied: changes.CatchUp, Now: opened, Random: rand.Reader,
		Exhausted: func(id uuid.UUID) { d.authority.Forget(id) },
	})
	check(t, err)
	d.tokens, err = personal.New(personal.Config{Store: store, Keyring: keys, Applied: changes.CatchUp, Now: opened, Random: rand.Reader})
	check(t, err)
	d.browsers, err = session.NewBrowsers(session.Config{
		Store: store, Keyring: keys, Applied: changes.CatchUp, Now: opened, Random: rand.Reader, Idle: time.Hour, Lifetime: 12 * time.Hour,
	})
	check(t, err)
	d.sessions = d.sessionsAt(t, opened)
	d.projects, err = project.New(project.Config{
		Store: store, Users: d.accounts, Keyring: keys, Applied: changes.CatchUp, Revision: changes.Revision, Parameters: xdoc.Parameters(), Now: opened, Pause: func(context.Context, time.Duration) {}, Random: rand.Reader,
	})
	check(t, err)
	d.catalog, err = catalog.New(catalog.Config{Store: store, Users: d.accounts, Projects: d.projects, Applied: changes.CatchUp, Now: opened})
	check(t, err)
	d.wireSigned(t)
	d.users = &faultyUsers{Users: d.accounts}
	d.authority, err = authority.New(authority.Config{
		Ways: testdesk.Apart(append(d.browsers.Ways(), d.accounts, d.tokens, d.api, d.access, d.sessions, d.projects),
			func() bool { return d.users.err != nil || d.users.panics }),
		Users: d.users, Policy: d.catalog.Policy,
		Cookies:  []authority.Cookie{{Kind: authority.ConsoleSession, Name: "jeton"}, {Kind: authority.APISession, Name: apiCookie}},
		Refusals: d.refusals, Fresh: d.fresh.Load, Now: opened, Random: rand.Reader, Parameters: xdoc.Parameters(),
	})
	check(t, err)
	d.Handler = newGateway(t, d.authority, allKinds())
	check(t, changes.CatchUp(ctx))
	return d
}

// allKinds are the kinds of credential that the gateway of app takes.
func allKinds() authority.Kinds {
	return authority.KindsOf(
		authority.Password, authority.PersonalToken, authority.APISession, authority.APIToken, authority.AccessToken, authority.SessionToken, authority.Sealed,
	)
}

// newGateway returns the gateway of an authority, for some kinds of credential and one trusted proxy.
func newGateway(t testing.TB, a *authority.Authority, kinds authority.Kinds) http.Handler {
	t.Helper()
	return gatewayOf(t, a, kinds, slog.New(slog.DiscardHandler))
}

// gatewayOf is newGateway with a log.
func gatewayOf(t testing.TB, a *authority.Authority, kinds authority.Kinds, logger *slog.Logger) *gateway.Gateway {
	t.Helper()
	peers := new(web.Peers)
	peers.Set([]netip.Prefix{netip.MustParsePrefix(proxyAddress + "/32")})
	g, err := gateway.New(gateway.Config{Authority: a, Peers: peers, Kinds: kinds, Logger: logger, Now: opened})
	check(t, err)
	return g
}

func (d *desk) apply(ctx context.Context, c feed.Change) error {
	if c.ID == uuid.Nil || c.Kind == feed.Project {
		if err := d.projects.Reload(ctx); err != nil {
			return err
		}
	}
	if c.Kind == feed.RevokedKey || c.Kind == feed.Project {
		c.ID = uuid.Nil // everything
	}
	d.authority.Forget(c.ID)
	return d.catalog.Reload(ctx)
}

// user makes a user with a token.
func (d *desk) user(t testing.TB, draft account.Draft) (account.User, string) {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), draft, audit.Actor{})
	check(t, err)
	return u, d.rotate(t, u)
}

// rotate gives a user a new token.
func (d *desk) rotate(t testing.TB, u account.User) string {
	t.Helper()
	text, _, err := d.tokens.Rotate(t.Context(), &authority.Principal{User: authority.User{ID: u.ID}}, audit.Actor{})
	check(t, err)
	return text.Reveal()
}

// logIn gives a user a browser's session.
func (d *desk) logIn(t testing.TB, u account.User) session.Cookies {
	t.Helper()
	cookies, err := d.browsers.Begin(t.Context(), &authority.Principal{User: authority.User{ID: u.ID}}, uuid.Nil, audit.Actor{})
	check(t, err)
	return cookies
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

// suspend suspends the service of that name, as a restore does.
func (d *desk) suspend(t testing.TB, name string) {
	t.Helper()
	testdesk.Suspend(t, d.path, name)
	check(t, d.catalog.Reload(t.Context()))
}

// password is alice's, with a colon and letters beyond ASCII in it.
const password = "höchst:geheim"

// reports is a desk with the service "reports" and a partner with a token who may read them.
func reports(t testing.TB) (*desk, account.User, string) {
	t.Helper()
	d := newDesk(t)
	u, token := d.user(t, account.Draft{
		Username: "alice", DisplayName: "Alice Liddell", Email: "alice@example.com", Roles: []string{"partner", "auditor"}, Password: password,
	})
	d.service(t, catalog.Draft{Name: "reports", Host: "api.example.com"}, "GET /reports/{id} role:partner", "POST /reports/{id} role:nobody", "POST /uploads role:partner")
	return d, u, token
}

// question is a call as nginx asks about it.
func question(token, method, url string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/auth-request", nil)
	r.RemoteAddr = proxyAddress + ":4711"
	r.Header.Set("X-Original-URL", url)
	r.Header.Set("X-Original-Method", method)
	r.Header.Set("X-Real-IP", clientAddress)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// asked is question, with something about it changed.
func asked(token string, change func(*http.Request)) *http.Request {
	r := question(token, http.MethodGet, "https://api.example.com/reports/7")
	change(r)
	return r
}

// answer is what the gateway said.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask has the gateway answer, and empties the buffer of refusals into what it returns.
func (d *desk) ask(t testing.TB, r *http.Request) (answer, []audit.Event) {
	t.Helper()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}, d.refusals.Drain(opened())
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
