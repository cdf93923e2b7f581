// Package desk is the inside of Jeton, wired as app wires it, on a real database and with a clock of its own, for the tests
// of what stands on it.
//
// What it makes is real: a token of it is signed by a key of its keyring, and a change is heard by its feed. What it is told to
// do wrong, it does as a part that fails does: see FaultyUsers and Deaf.
package desk

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
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
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/jwks"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/oauth"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/web"
)

const (
	// Issuer is the public URL of the desk.
	Issuer = "https://tokens.example.com"
	// Password is root's, and PasswordHash a hash of it that costs next to nothing.
	Password     = "correct horse battery staple"
	PasswordHash = "$pbkdf2-sha256$i=1$c2FsdHNhbHRzYWx0$4MvndT3WxpZBgTr0GnlsI3zbnRNMwBomQR+L/0mcI4U"
	// SessionLife is how long a session token lasts.
	SessionLife = 14 * 24 * time.Hour
	// ConsoleCookie and APICookie are the names of a browser's two cookies.
	ConsoleCookie = "jeton"
	APICookie     = "jeton_api"
)

// Peer is the address from which calls come.
var Peer = netip.MustParseAddr("192.0.2.7")

// Desk is the inside, with the administrator root and a service "reports" on api.example.com/v2. Of its operations, GET
// /reports/{id} has the scope reports.read and PUT /reports/{id} the scope reports.write; both are for the role partner.
type Desk struct {
	Store     store.Store
	Master    secret.Text
	Keyring   *keyring.Keyring
	Accounts  *account.Accounts
	Personal  *personal.Tokens
	API       *apitoken.Tokens
	Access    *accesstoken.Tokens
	Clients   *clientauth.Clients
	Browsers  *session.Browsers
	Sessions  *session.Tokens
	Links     *link.Links
	Mails     *Mails // what Links were told to send
	Factors   *factor.Factors
	Platforms *platform.Platforms
	Projects  *project.Projects
	Catalog   *catalog.Catalog
	Feed      *feed.Feed
	Authority *authority.Authority
	Refusals  *audit.Refusals
	Users     *FaultyUsers // those that the authority asks
	Admin     authority.Principal
	Peers     *web.Peers // for an edge: the tests' own machine is a proxy that is trusted
	Log       *Buffer    // what Logged writes

	// Deaf has the feed tell this node of nothing, though it is heard.
	Deaf atomic.Bool

	clock atomic.Int64 // microseconds since 1970
	path  string       // of the database, where it is SQLite
}

// Options change what New makes.
type Options struct {
	DSN        string                              // of an empty PostgreSQL database; empty for SQLite in a file
	Store      func(store.Store) accesstoken.Store // what access tokens see of the store
	Life       time.Duration                       // of access tokens; 5 minutes where 0
	MaxLife    map[account.Kind]time.Duration      // of API tokens
	Start      time.Time                           // of the clock; half a second past noon where zero
	Bare       bool                                // there is no service
	Unfollowed bool                                // the feed is never heard, so every verdict asks the database
	Unmanned   bool                                // there is no administrator root
	Mails      bool                                // links are mailed
	Cookies    []authority.Cookie                  // a browser's; ConsoleCookie and APICookie where nil
}

// New returns a desk that is closed at the end of the test.
func New(tb testing.TB, o Options) *Desk {
	tb.Helper()
	d := &Desk{Refusals: audit.NewRefusals(1000), Peers: new(web.Peers), Log: new(Buffer)}
	d.Peers.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 11, 21, 12, 0, 0, 500_000_000, time.UTC)
	}
	d.clock.Store(o.Start.UnixMicro())
	if o.Life == 0 {
		o.Life = 5 * time.Minute
	}
	if o.Cookies == nil {
		o.Cookies = []authority.Cookie{{Kind: authority.ConsoleSession, Name: ConsoleCookie}, {Kind: authority.APISession, Name: APICookie}}
	}
	if o.Store == nil {
		o.Store = func(s store.Store) accesstoken.Store { return s }
	}
	Check(tb, d.openStore(tb, o.DSN))
	Check(tb, d.wire(tb.Context()))
	Check(tb, d.wireSigned(&o))
	Check(tb, d.wireLinks(&o))
	d.Users = &FaultyUsers{Users: d.Accounts}
	var err error
	d.Authority, err = authority.New(authority.Config{
		Ways: Apart(append(d.Browsers.Ways(), d.Accounts, d.Personal, d.Access, d.API, d.Clients, d.Sessions, d.Platforms, d.Projects, d.Factors, d.Links),
			func() bool { return d.Users.Err.Load() != nil || d.Users.Users != authority.Users(d.Accounts) }),
		Users: d.Users, Policy: d.Catalog.Policy, Refusals: d.Refusals, Parameters: xdoc.Parameters(),
		Cookies: o.Cookies,
		Fresh:   func() bool { return !o.Unfollowed && d.Feed.Fresh() }, Now: d.Now, Random: rand.Reader,
	})
	Check(tb, err)
	if !o.Unmanned {
		d.Admin = d.principal(tb, account.Draft{Username: "root", Roles: []string{authority.AdminRole}, PasswordHash: PasswordHash})
	}
	if !o.Bare {
		d.furnish(tb)
	}
	Check(tb, d.Feed.CatchUp(tb.Context()))
	return d
}

// Tamper changes the SQLite database behind the desk's back: what no change of Jeton's own does, and of which no feed tells.
func (d *Desk) Tamper(tb testing.TB, statement string) {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+d.path+"?_pragma=busy_timeout(5000)")
	Check(tb, err)
	defer func() { Check(tb, db.Close()) }()
	result, err := db.ExecContext(tb.Context(), statement)
	Check(tb, err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		tb.Fatalf("got error %v and %d rows changed by %s, want one or more", err, n, statement)
	}
}

// Suspend suspends the service of that name, as a restore does, which alone can. The desk has heard of it.
func (d *Desk) Suspend(tb testing.TB, name string) {
	tb.Helper()
	Suspend(tb, d.path, name)
	Check(tb, d.Catalog.Reload(tb.Context()))
}

// Suspend does so in the SQLite database at path. Who has it open hears nothing of it.
func Suspend(tb testing.TB, path, name string) {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	Check(tb, err)
	defer func() { Check(tb, db.Close()) }()
	_, err = db.ExecContext(tb.Context(), `UPDATE service SET suspended = 1, version = version + 1 WHERE name = ?`, name)
	Check(tb, err)
}

// openStore opens the database, until the end of the test.
func (d *Desk) openStore(tb testing.TB, dsn string) (err error) {
	tb.Cleanup(func() {
		if d.Store != nil {
			Check(tb, d.Store.Close())
		}
	})
	if dsn != "" {
		d.Store, err = opened(postgres.Open(tb.Context(), postgres.Config{DSN: dsn, Now: d.Now}))
		return err
	}
	d.path = filepath.Join(tb.TempDir(), "jeton.db")
	d.Store, err = opened(sqlite.Open(tb.Context(), sqlite.Config{Path: d.path, Now: d.Now}))
	return err
}

// opened returns a store, nil where there is an error.
func opened[S store.Store](s S, err error) (store.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// wire wires what stands on the database, but for signed tokens, clients and the authority.
func (d *Desk) wire(ctx context.Context) (err error) {
	if d.Master, _, err = keyring.NewMasterKey(rand.Reader); err != nil {
		return err
	}
	if d.Keyring, err = keyring.Open(ctx, keyring.Config{Store: d.Store, Master: d.Master, Applied: d.applied, Now: d.Now, Random: rand.Reader}); err != nil {
		return err
	}
	if d.Feed, err = feed.New(feed.Config{Store: d.Store, Apply: d.apply, Now: d.Now}); err != nil {
		return err
	}
	if d.Accounts, err = account.New(account.Config{Store: d.Store, Applied: d.applied, Now: d.Now, Random: rand.Reader, PasswordSlots: 2}); err != nil {
		return err
	}
	if d.Personal, err = personal.New(personal.Config{Store: d.Store, Keyring: d.Keyring, Applied: d.applied, Now: d.Now, Random: rand.Reader}); err != nil {
		return err
	}
	d.Browsers, err = session.NewBrowsers(session.Config{
		Store: d.Store, Keyring: d.Keyring, Applied: d.applied, Now: d.Now, Random: rand.Reader, Idle: time.Hour, Lifetime: 12 * time.Hour,
	})
	if err != nil {
		return err
	}
	d.Sessions, err = session.NewTokens(session.TokenConfig{
		Store: d.Store, Keyring: d.Keyring, Applied: d.applied, Now: d.Now, Random: rand.Reader, Lifetime: SessionLife,
	})
	if err != nil {
		return err
	}
	d.Factors, err = factor.New(factor.Config{
		Store: d.Store, Keyring: d.Keyring, Applied: d.applied, Now: d.Now, Random: rand.Reader, PublicURL: Issuer,
	})
	if err != nil {
		return err
	}
	d.Projects, err = project.New(project.Config{
		Store: d.Store, Users: d.Accounts, Keyring: d.Keyring, Applied: d.applied, Revision: d.Feed.Revision, Parameters: xdoc.Parameters(), Now: d.Now, Pause: func(context.Context, time.Duration) {}, Random: rand.Reader,
	})
	if err != nil {
		return err
	}
	d.Catalog, err = catalog.New(catalog.Config{
		Store: d.Store, Users: d.Accounts, Projects: d.Projects, Applied: d.applied, Now: d.Now, Profiles: []string{"bitcanuck", "matrix42", "xdoc"},
	})
	return err
}

// wireSigned makes what issues and proves signed tokens, the clients that get them, and platforms.
func (d *Desk) wireSigned(o *Options) (err error) {
	d.API, err = apitoken.New(apitoken.Config{
		Store: d.Store, Users: d.Accounts, Keyring: d.Keyring, Policy: d.Catalog.Policy, Applied: d.applied, Issuer: Issuer, MaxLife: o.MaxLife, Now: d.Now,
	})
	if err != nil {
		return err
	}
	d.Access, err = accesstoken.New(accesstoken.Config{
		Store: o.Store(d.Store), Keyring: d.Keyring, Policy: d.Catalog.Policy, Applied: d.applied, Issuer: Issuer, Life: o.Life, Now: d.Now,
	})
	if err != nil {
		return err
	}
	sets, err := jwks.New(jwks.Config{Now: d.Now})
	if err != nil {
		return err
	}
	d.Clients, err = clientauth.New(clientauth.Config{
		Store: d.Store, Users: d.Accounts, Keyring: d.Keyring, Applied: d.applied, Audiences: oauth.Audiences(Issuer), KeySets: sets, Now: d.Now,
		Random: rand.Reader,
	})
	if err != nil {
		return err
	}
	d.Platforms, err = platform.New(platform.Config{
		Store: d.Store, Users: d.Accounts, Keyring: d.Keyring, KeySets: sets, Applied: d.applied, PublicURL: Issuer, Audiences: oauth.Audiences(Issuer),
		Doors: []string{Issuer + bitcanuck.AssertionPath}, Now: d.Now, Random: rand.Reader,
	})
	return err
}

// furnish makes a service.
func (d *Desk) furnish(tb testing.TB) {
	tb.Helper()
	actor := audit.Actor{}
	_, err := d.Catalog.Create(tb.Context(), catalog.Draft{Name: "reports", Host: "api.example.com", PathPrefix: "/v2"}, actor)
	Check(tb, err)
	_, err = d.Catalog.Replace(tb.Context(), "reports", 1, []catalog.Operation{
		{Pattern: "GET /reports/{id}", Audience: []string{"role:partner"}, Scope: "reports.read"},
		{Pattern: "PUT /reports/{id}", Audience: []string{"role:partner"}, Scope: "reports.write"},
	}, actor)
	Check(tb, err)
}

// User makes a user and returns the principal that it would be by a personal token.
func (d *Desk) User(tb testing.TB, name string, kind account.Kind, roles ...string) authority.Principal {
	tb.Helper()
	return d.principal(tb, account.Draft{Username: name, Kind: kind, Roles: roles})
}

func (d *Desk) principal(tb testing.TB, draft account.Draft) authority.Principal {
	tb.Helper()
	u, err := d.Accounts.Create(tb.Context(), draft, audit.Actor{})
	Check(tb, err)
	return authority.Principal{
		User:           authority.User{ID: u.ID, Username: u.Username, Roles: u.Roles, Active: true},
		CredentialKind: authority.PersonalToken, CredentialID: u.ID,
	}
}

// Token makes an API token for a user, of 30 days where the draft says nothing of its end.
func (d *Desk) Token(tb testing.TB, draft apitoken.Draft) (secret.Text, apitoken.Token) {
	tb.Helper()
	if draft.Days == 0 && !draft.Never {
		draft.Days = 30
	}
	text, token, err := d.API.Create(tb.Context(), draft, &d.Admin, audit.Actor{})
	Check(tb, err)
	return text, token
}

// Exchange verifies an API token and gets an access token for it, as every edge does.
func (d *Desk) Exchange(tb testing.TB, text secret.Text, ask accesstoken.Ask) (accesstoken.Issued, error) {
	tb.Helper()
	p, err := d.Authority.Identify(tb.Context(), Bearer(text.Reveal()), &authority.Door{Name: "exchange", Kinds: authority.KindsOf(authority.APIToken)})
	if err != nil {
		return accesstoken.Issued{}, err
	}
	return d.Access.Issue(tb.Context(), &p, ask)
}

// Verified returns a token that a key of the desk has signed, as the keyring verifies it.
func (d *Desk) Verified(tb testing.TB, token secret.Text) keyring.Verified {
	tb.Helper()
	v, err := d.Keyring.Verify(context.Background(), token, d.Keyring.PurposeOf(token.Reveal()), Issuer)
	Check(tb, err)
	return v
}

// Gateway takes every token with which the API can be called.
var Gateway = &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.PersonalToken, authority.APIToken, authority.AccessToken)}

// Bearer presents a token for the report that a partner may read.
func Bearer(token string) *authority.Presented {
	return &authority.Presented{Authorization: []string{"Bearer " + token}, Method: "GET", Host: "api.example.com", Path: "/v2/reports/7", Peer: Peer}
}

// Call presents a token to the API and returns the reason why it is refused, empty where it isn't.
func (d *Desk) Call(tb testing.TB, token string) authority.Reason {
	tb.Helper()
	got := d.Authority.Decide(tb.Context(), Bearer(token), Gateway)
	return got.Reason
}

// Now is the desk's clock.
func (d *Desk) Now() time.Time { return time.UnixMicro(d.clock.Load()).UTC() }

// Advance moves the clock; a feed that was heard before a move of seconds is heard anew.
func (d *Desk) Advance(tb testing.TB, by time.Duration) {
	tb.Helper()
	d.clock.Add(by.Microseconds())
	Check(tb, d.Feed.CatchUp(tb.Context()))
}

func (d *Desk) applied(ctx context.Context) error { return d.Feed.CatchUp(ctx) }

// apply does as app's node does.
func (d *Desk) apply(ctx context.Context, c feed.Change) error {
	if d.Deaf.Load() {
		return nil
	}
	if c.ID == uuid.Nil || c.Kind == feed.Service {
		if err := d.Catalog.Reload(ctx); err != nil {
			return err
		}
	}
	if c.ID == uuid.Nil || c.Kind == feed.SigningKey || c.Kind == feed.RevokedKey {
		if err := d.Keyring.Reload(ctx); err != nil {
			return err
		}
	}
	if c.ID == uuid.Nil || c.Kind == feed.Project {
		if err := d.Projects.Reload(ctx); err != nil {
			return err
		}
	}
	if c.Kind == feed.RevokedKey || c.Kind == feed.Platform || c.Kind == feed.Project {
		c.ID = uuid.Nil
	}
	if d.Authority != nil {
		d.Authority.Forget(c.ID)
	}
	return nil
}

// Logged is a handler under the request log, which writes to Log.
func (d *Desk) Logged(h http.Handler) http.Handler {
	return web.Log(slog.New(slog.NewJSONHandler(d.Log, nil)), "public", d.Now, h)
}

// Check ends a test at once where a step that is not the one under test went wrong.
func Check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
