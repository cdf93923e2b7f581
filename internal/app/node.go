package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/config"
	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/identity"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/jwks"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/mail"
	"github.com/jeton-io/jeton/internal/oauth"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/internal/web"
)

// node is one running Jeton: its parts, wired.
type node struct {
	cfg    config.Config // as at the start: what a reload changes stands below, or with its part
	url    string        // by which clients know Jeton
	now    func() time.Time
	logger *slog.Logger
	makers []maker // of the products' profiles

	listening Addresses // which no service's calls are passed on to

	store        store.Store
	journal      *feed.Journal
	hints        chan struct{} // to read the feed; has room for one
	feed         *feed.Feed
	keys         *keyring.Keyring
	accounts     *account.Accounts
	personal     *personal.Tokens
	apiTokens    *apitoken.Tokens
	accessTokens *accesstoken.Tokens
	identity     *identity.Tokens
	clients      *clientauth.Clients
	browsers     *session.Browsers
	sessions     *session.Tokens
	links        *link.Links
	post         *mail.Post    // nil where Jeton sends no mail
	unsent       atomic.Uint64 // notices beyond the quota of their users
	letters      mail.Desk     // what it writes
	factors      *factor.Factors
	platforms    *platform.Platforms
	projects     *project.Projects
	catalog      *catalog.Catalog
	authority    *authority.Authority
	events       *eventLog
	peers        *web.Peers
	cookies      console.Cookies
	proxy        *proxy.Proxy // nil where there is none

	certificate *web.Certificate // nil where every listener speaks plain http

	retention atomic.Int64  // of events, in nanoseconds
	draining  atomic.Bool   // on the way down, of which /readyz tells
	stopping  chan struct{} // closed when the public listener's streams are to end
	stopOnce  sync.Once
}

// maxRefusals bounds the rows of refusals a minute: under attack some 700 MB a day, and far above what an honest minute
// has.
const maxRefusals = 1000

// newNode opens the database and wires the parts. Clients know it by the URL. What it opened is on stops.
func newNode(ctx context.Context, o *Options, url string, logger *slog.Logger, stops *stopStack) (*node, error) {
	n := &node{
		cfg: o.Config, url: url, now: o.Now, logger: logger, hints: make(chan struct{}, 1), stopping: make(chan struct{}), peers: new(web.Peers),
		cookies: console.NewCookies(url, o.Config.APICookieDomain), makers: append(makers(), o.further...),
	}
	n.peers.Set(o.Config.TrustedPeers)
	n.peers.Require(o.Config.PeerSecret)
	n.retention.Store(int64(o.Config.AuditRetention))
	if err := n.openStore(ctx, stops); err != nil {
		return nil, err
	}
	master, err := n.masterKey(ctx, o)
	if err != nil {
		return nil, err
	}
	n.keys, err = keyring.Open(ctx, keyring.Config{
		Store: n.store, Master: master, Applied: n.applied, Now: o.Now, Random: o.Random,
		Algorithms: map[keyring.Purpose]jose.Algorithm{
			keyring.ForAPITokens: o.Config.APITokenAlgorithm, keyring.ForAccessTokens: o.Config.AccessTokenAlgorithm,
		},
	})
	if errors.Is(err, keyring.ErrWrongMasterKey) {
		err = fmt.Errorf("%w; give that one by --master-key-file, or as master.key in %s", err, n.cfg.Data)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the keyring of %s: %w", n.databaseName(), err)
	}
	return n, n.wire(o)
}

// begin makes the first administrator where there is none, hears the feed for the first time, and has the signing keys
// be as they are configured.
func (n *node) begin(ctx context.Context, o *Options) error {
	if err := n.firstStart(ctx, o); err != nil {
		return err
	}
	if err := n.feed.CatchUp(ctx); err != nil {
		return n.explainHalt(err)
	}
	if _, err := newPruner(n).advance(ctx, 0); err != nil { // the first horizon is the clock at the first start
		n.logger.WarnContext(ctx, "it wasn't kept up to when something may be deleted for its age", "error", err)
	}
	n.conformKeys(ctx)
	n.noteIssuer(ctx)
	return nil
}

// noteIssuer tells the operator that the public URL is another than before, by which signed tokens die: nobody who changes it
// for TLS, or starts a copy on another port, has that in mind. Where it can't be kept, as on a full disk, that is no reason
// not to start.
func (n *node) noteIssuer(ctx context.Context) {
	former, err := n.store.NoteIssuer(ctx, n.url)
	if err != nil {
		n.logger.WarnContext(ctx, "the public URL was not kept, to tell of a change of it", "error", err)
	}
	if former == "" || former == n.url {
		return
	}
	if tokens, err := n.apiTokens.List(ctx, apitoken.Query{Limit: 1}); err != nil || len(tokens) > 0 {
		n.logger.WarnContext(ctx, "the public URL is another than before: API tokens that were made under the former one are refused (wrong_issuer) as long as --public-url isn't that", "former", former, "public_url", n.url)
	}
}

// wire makes the parts of the inside and joins them: the feed first, by which every other applies its changes, and the
// authority last, which is made of the ways in. What a part is given to call may name one that comes later: nothing is called
// before all are there.
func (n *node) wire(o *Options) (err error) {
	if n.feed, err = feed.New(feed.Config{Store: n.store, Apply: n.apply, Now: o.Now, Journal: n.journal}); err != nil {
		return err
	}
	n.doubtReconnected()
	n.accounts, err = account.New(account.Config{
		Store: n.store, Applied: n.applied, Now: o.Now, Random: o.Random,
		PasswordSlots: o.Config.PasswordSlots, KeepSessionTokens: o.Config.KeepSessionTokens, PasswordChanged: n.passwordChanged,
		Exhausted: func(id uuid.UUID) { n.authority.Forget(id) },
	})
	if err != nil {
		return err
	}
	n.personal, err = personal.New(personal.Config{
		Store: n.store, Keyring: n.keys, Applied: n.applied, Now: o.Now, Random: o.Random,
	})
	if err != nil {
		return err
	}
	n.browsers, err = session.NewBrowsers(session.Config{
		Store: n.store, Keyring: n.keys, Applied: n.applied, Now: o.Now, Random: o.Random,
		Idle: o.Config.SessionIdle, Lifetime: o.Config.SessionLifetime,
	})
	if err != nil {
		return err
	}
	n.sessions, err = session.NewTokens(session.TokenConfig{
		Store: n.store, Keyring: n.keys, Applied: n.applied, Now: o.Now, Random: o.Random, Lifetime: o.Config.SessionTokenLife,
	})
	if err != nil {
		return err
	}
	if err := n.wireLinks(o); err != nil {
		return err
	}
	n.factors, err = factor.New(factor.Config{
		Store: n.store, Keyring: n.keys, Applied: n.applied, Now: o.Now, Random: o.Random, PublicURL: n.url,
	})
	if err != nil {
		return err
	}
	n.projects, err = project.New(project.Config{
		Store: n.store, Users: n.accounts, Keyring: n.keys, Applied: n.applied, Revision: n.feed.Revision, Parameters: xdoc.Parameters(), Now: o.Now,
		Pause: pause, Random: o.Random,
	})
	if err != nil {
		return err
	}
	n.catalog, err = catalog.New(catalog.Config{
		Store: n.store, Users: n.accounts, Projects: n.projects, Applied: n.applied, Now: o.Now, Profiles: n.profiles(),
		Own: func() []netip.AddrPort { return n.listening.own() },
	})
	if err != nil {
		return err
	}
	if err := n.wireSigned(o); err != nil {
		return err
	}
	refusals := audit.NewRefusals(maxRefusals)
	n.events = &eventLog{Store: n.store, refusals: refusals, now: o.Now, logger: n.logger}
	n.authority, err = authority.New(authority.Config{
		Ways:  append(n.browsers.Ways(), n.accounts, n.personal, n.accessTokens, n.apiTokens, n.clients, n.sessions, n.platforms, n.projects, n.factors, n.links),
		Users: n.accounts, Policy: n.catalog.Policy, Cookies: n.cookies.Known(), Parameters: xdoc.Parameters(),
		Refusals: refusals, Fresh: n.feed.Fresh, FreshAt: n.feed.FreshAt, CatchUp: n.feed.Hear, Now: o.Now, Pause: pause, Random: o.Random,
		MaxRemembered: o.Config.MaxRemembered,
	})
	return err
}

// wireSigned makes the ways in of signed tokens, of the clients that get and ask about them, and of platforms' assertions.
func (n *node) wireSigned(o *Options) (err error) {
	n.apiTokens, err = apitoken.New(apitoken.Config{
		Store: n.store, Users: n.accounts, Keyring: n.keys, Policy: n.catalog.Policy, Applied: n.applied, Issuer: n.url, Now: o.Now,
		MaxLife: map[account.Kind]time.Duration{
			account.Person: o.Config.APITokenMaxLifePerson, account.Service: o.Config.APITokenMaxLifeService,
		},
	})
	if err != nil {
		return err
	}
	n.accessTokens, err = accesstoken.New(accesstoken.Config{
		Store: n.store, Keyring: n.keys, Policy: n.catalog.Policy, Applied: n.applied, Issuer: n.url, Life: o.Config.AccessTokenLife, Now: o.Now,
	})
	if err != nil {
		return err
	}
	n.identity, err = identity.New(identity.Config{Keyring: n.keys, Issuer: n.url, Now: o.Now})
	if err != nil {
		return err
	}
	sets, err := jwks.New(jwks.Config{Now: o.Now})
	if err != nil {
		return err
	}
	n.clients, err = clientauth.New(clientauth.Config{
		Store: n.store, Users: n.accounts, Keyring: n.keys, Applied: n.applied, Audiences: oauth.Audiences(n.url), KeySets: sets, Now: o.Now,
		Random: o.Random,
	})
	if err != nil {
		return err
	}
	n.platforms, err = platform.New(platform.Config{
		Store: n.store, Users: n.accounts, Keyring: n.keys, KeySets: sets, Applied: n.applied, PublicURL: n.url, Audiences: oauth.Audiences(n.url),
		Doors: []string{n.url + bitcanuck.AssertionPath}, Now: o.Now, Random: o.Random,
	})
	return err
}

// apply takes note of one change heard from the feed.
func (n *node) apply(ctx context.Context, c feed.Change) error {
	all := c.ID == uuid.Nil
	if all || c.Kind == feed.Service {
		if err := n.catalog.Reload(ctx); err != nil {
			return err
		}
	}
	if all || c.Kind == feed.Pepper || c.Kind == feed.SigningKey || c.Kind == feed.RevokedKey {
		if err := n.keys.Reload(ctx); err != nil {
			return err
		}
	}
	if all || c.Kind == feed.Project { // before what its tokens have proven is forgotten
		if err := n.projects.Reload(ctx); err != nil {
			return err
		}
	}
	// What is remembered rests on a credential's record and its user, not on the key that signed it, nor on the platform that got
	// it. So a revoked key has everything forgotten, once it is known to be revoked, and so has a platform whose sessions have
	// ended, or a project; a new key nothing, or each rotation would be a flood of log-ins.
	switch c.Kind {
	case feed.User, feed.PersonalToken, feed.APIToken, feed.ClientSecret, feed.BrowserSession, feed.SessionToken:
		n.authority.Forget(c.ID)
	case feed.Service, feed.Pepper, feed.SigningKey, feed.PlatformRules, feed.PlatformKey, feed.TokenSet,
		feed.Authenticator, feed.Passkey, feed.RecoveryCode: // no credential rests on them
	default: // a revoked key, a platform, a project; or what a later Jeton beside this one has changed, of which this one doesn't know what rests on it
		n.authority.Forget(uuid.Nil)
	}
	if all {
		n.authority.Forget(uuid.Nil)
	}
	n.authority.ForgetRefused() // last: under what is in force now, what was unknown may be known
	return nil
}

// applied makes this process hear of its own change before the change is reported as done. Where it can't, the feed
// is no longer fresh and every verdict has it heard first: the change holds all the same, so its author is told that
// it was made.
func (n *node) applied(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := n.feed.CatchUp(ctx); err != nil {
		n.logger.ErrorContext(ctx, "a change of this node was stored but not yet applied; until it is, each verdict has the change feed heard first", "error", err)
	}
	return nil
}

// pause returns when a time has passed, or the context has ended.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
