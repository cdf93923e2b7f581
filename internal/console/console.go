// Package console serves the pages by which people look after their own account in a browser, and administrators after all of Jeton.
//
//	route ─▶ which page sent it ─▶ whose session is it ─▶ is the form one of ours ─▶ handler ─▶ page
//	         (console.go)          (call.go)              (form.go)                  (by area)  (render.go)
//
// The pages work without a script, but for passkeys. The files of ours make them handier, and the Content-Security-Policy of every
// answer, errors included, allows no other, no style but our own file, no frame, and no form that is sent elsewhere. What a user wrote,
// a name above all, is text on them (html/template). A token or a key is on one page, the answer to the request that made it. What pages
// say themselves is said by package words, in the reader's language.
//
// The administration calls the same methods of the inside as /v1, whose rules hold for it: each area is a file, or a few, with its
// routes, its pages and the notices of what was done.
//
// The package refuses whatever another site's page sends, forms that it didn't give, whoever has no session that lasts, the
// administration to whoever is no administrator, secrets and every change to a log-in of long ago (recent.go), and return addresses
// that lead out of the console. Of another user's own pages it says that there are none, to administrators too: nobody manages another's
// personal token here. It asks for no password by a challenge of HTTP, for which a browser would open a prompt of its own and go on
// sending what was typed there.
package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/clientauth"
	"github.com/jeton-io/jeton/internal/factor"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/link"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/internal/words"
)

// Config is what the console needs. Every field is required but AccessLife, BitCanuck, ExchangePath, KeyAge, Language and
// PublicURL; the zero Cookies are those of plain http.
type Config struct {
	// Authority says whose a password or a session is.
	Authority *authority.Authority
	// Accounts keeps users, and changes passwords.
	Accounts *account.Accounts
	// Tokens keeps personal tokens.
	Tokens *personal.Tokens
	// APITokens keeps API tokens.
	APITokens *apitoken.Tokens
	// Clients keeps the secrets and keys of service accounts.
	Clients *clientauth.Clients
	// Browsers keeps the sessions of browsers.
	Browsers *session.Browsers
	// Sessions keeps session tokens.
	Sessions *session.Tokens
	// Factors keeps second factors.
	Factors *factor.Factors
	// Links keeps the links that are sent to people.
	Links *link.Links
	// Platforms keeps the platforms that log their own users in.
	Platforms *platform.Platforms
	// Projects keeps the applications that seal tokens, and how each does it.
	Projects *project.Projects
	// Keys keeps the keys with which Jeton signs tokens.
	Keys *keyring.Keyring
	// Catalog keeps services and operations.
	Catalog *catalog.Catalog
	// Events is the audit log. It is only read here.
	Events audit.Store
	// Feed tells as of which revision a person is known.
	Feed *feed.Feed
	// Peers say which proxies are believed about a client's address.
	Peers *web.Peers
	// Now is the clock by which credentials end.
	Now func() time.Time
	// Cookies are those of a log-in. The authority must know them: see [Cookies.Known].
	Cookies Cookies
	// BitCanuck says that BitCanuck's clients are served: where platforms log their users in there, their pages tell.
	BitCanuck bool
	// ExchangePath is where clients of a product exchange an API token, by its bearer alone; empty where that is done by OAuth 2.0.
	ExchangePath string
	// PublicURL is where programs reach Jeton, without a slash at the end.
	PublicURL string
	// AccessLife is how long the access token lasts for which an API token is exchanged.
	AccessLife time.Duration
	// Language is the code of the language that is spoken to browsers that ask for none of those there are; English where empty.
	Language string
	// KeyAge is how old a signing key grows before another takes its place; zero where none does by itself.
	KeyAge time.Duration
}

// consoleDoor is what the audit log calls the console.
const consoleDoor = "console"

// server is the handler of the console. Nothing in it changes once New has returned.
type server struct {
	cfg     Config
	mux     *http.ServeMux
	served  []string                    // the patterns in mux
	origins *http.CrossOriginProtection // of writes; no origin is trusted, no path is let off
	inside  authority.Door              // where sessions count
	login   authority.Door              // where passwords count, and nothing else
	further authority.Door              // where second factors do, after a password
	linked  authority.Door              // where the secrets of links count, and nothing else
	assets  *assets
	pages   map[string]pages // by the language's code

	language *words.Words // that of the setting
}

// New returns the handler of the console, or an error where the configuration lacks something. The handler takes whole
// paths, "/console" included, and whatever else no other edge takes. It wants to stand under web.Log, which gives a
// request the ID that error pages name.
func New(cfg Config) (http.Handler, error) {
	if cfg.Authority == nil || cfg.Accounts == nil || cfg.Tokens == nil || cfg.APITokens == nil || cfg.Clients == nil || cfg.Browsers == nil || cfg.Sessions == nil || cfg.Factors == nil || cfg.Links == nil || cfg.Platforms == nil ||
		cfg.Projects == nil || cfg.Keys == nil || cfg.Catalog == nil || cfg.Events == nil || cfg.Feed == nil || cfg.Peers == nil || cfg.Now == nil {
		return nil, errors.New("console: every field of Config but AccessLife, BitCanuck, Cookies, ExchangePath, KeyAge, Language and PublicURL is required")
	}
	s := &server{
		cfg: cfg, mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(),
		inside:  authority.Door{Name: consoleDoor, Kinds: authority.KindsOf(authority.ConsoleSession)},
		login:   authority.Door{Name: consoleDoor, Kinds: authority.KindsOf(authority.Password)},
		further: authority.Door{Name: consoleDoor, Kinds: authority.KindsOf(authority.SecondFactor)},
		linked:  authority.Door{Name: consoleDoor, Kinds: authority.KindsOf(authority.Link)},
	}
	var err error
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	if s.pages, err = parseAll(s.assets); err != nil {
		return nil, err
	}
	var known bool
	if s.language, known = words.For(cmp.Or(cfg.Language, "en")); !known {
		return nil, errors.New("console: Language is none of those that there are")
	}
	s.routes()
	return s, nil
}

// The paths that others than their own handler name.
const (
	homePath         = "/console/"
	loginPath        = "/console/login"
	logoutPath       = "/console/logout"
	profilePath      = "/console/profile"
	profileUsersPath = profilePath + "/users"
	passwordPath     = "/console/password" // the way to the own password for who doesn't know his ID
	languagePath     = "/console/language"
)

// paths are those that templates name, which write none themselves.
type paths struct {
	Home, Login, LoginLink, Confirm, SecondFactor, Logout, Password, Language, Profile, ProfileUsers string
	Admin, Users, APITokens, Platforms, Projects, Services, NewService, Tester, Keys, Audit          string
}

func allPaths() paths {
	return paths{
		Home: homePath, Login: loginPath, LoginLink: loginLinkPath, Confirm: confirmPath, SecondFactor: secondFactorPath, Logout: logoutPath, Password: passwordPath, Language: languagePath,
		Profile: profilePath, ProfileUsers: profileUsersPath,
		Admin: adminPath, Users: usersPath, APITokens: apiTokensPath, Platforms: platformsPath, Projects: projectsPath, Services: servicesPath,
		NewService: newServicePath, Tester: testerPath, Keys: keysPath, Audit: auditPath,
	}
}

// routes is the one list of what the console serves, to whom, and which fields the form of a POST may have.
//
// A path of the profile with {id} is the user's own: the guard of owners answers for every other ID that there is no such page. What a
// form is sent to leads back to the page that has the form when it is asked for: after a log-in, or from the address bar.
func (s *server) routes() {
	const user, security = profileUsersPath + "/{id}", profileUsersPath + "/{id}/security"
	s.serve("GET /{$}", anybody, to(homePath))
	s.serve("GET /.well-known/change-password", anybody, to(passwordPath)) // W3C: A Well-Known URL for Changing Passwords
	s.serve("GET /console", anybody, to(homePath))
	s.serve("GET /console/static/{name}", anybody, s.static)

	s.serve("GET "+loginPath, anybody, s.showLogin)
	s.serve("POST "+loginPath, anybody, s.logIn, "username", "password", "next")
	s.serve("POST "+logoutPath, anybody, s.logOut)
	s.serve("POST "+secondFactorPath, anybody, s.logInFurther, "ticket", "code", "passkey", "next")
	s.serve("GET "+secondFactorPath, anybody, to(loginPath))
	s.serve("GET "+confirmPath, owners, s.showConfirm)
	s.serve("GET "+confirmedPath, owners, s.showConfirmed)
	s.serve("POST "+languagePath, anybody, s.chooseLanguage, "language", "next")
	s.serve("GET "+languagePath, anybody, to(homePath))
	s.serve("GET "+logoutPath, anybody, to(homePath))

	s.serve("GET /console/{$}", owners, s.home)
	s.serve("GET "+passwordPath, owners, s.toPassword)
	s.serve("GET "+profilePath, owners, to(profileUsersPath))
	s.serve("GET "+profileUsersPath, owners, s.showProfile)
	s.serve("GET "+user, owners, s.showGeneral)
	s.serve("GET "+security, owners, s.showSecurity)
	s.serve("POST "+security+"/token", owners, s.generateToken, "former")
	s.serve("POST "+security+"/token/revoke", owners, s.revokeToken)
	s.serve("POST "+security+"/sessions/end", owners, s.endOtherSessions)
	s.serve("POST "+security+"/sessions/{session}/end", owners, s.endOwnSession)
	s.serve("GET "+security+"/sessions/{session}/end", owners, s.toSecurity)
	s.serve("POST "+security+"/password", owners|anytime, s.changePassword, "current", "new", "again")
	s.factorRoutes()
	s.linkRoutes()
	s.adminRoutes()
	for _, action := range []string{"/token", "/token/revoke", "/sessions/end", "/password"} {
		s.serve("GET "+security+action, owners, s.toSecurity)
	}
}

// adminRoutes is the part of that list that is for administrators: each area's stands in its file.
func (s *server) adminRoutes() {
	s.overviewRoutes()
	s.userRoutes()
	s.clientRoutes()
	s.apiTokenRoutes()
	s.platformRoutes()
	s.projectRoutes()
	s.serviceRoutes()
	s.keyRoutes()
	s.auditRoutes()
}

// unknownPath stands in the log for a path that no route has.
const unknownPath = "/…"

// ServeHTTP implements http.Handler.
//
// The log gets the route's pattern for a path: what stands in the place of an ID may be a secret that was pasted there.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	hideLink(w.Header(), r.URL.Path)
	c := s.newCall(w, r)
	line := web.Note(w)
	line.Client, line.Method, line.Host, line.Path = c.presented.Peer, r.Method, r.Host, unknownPath
	would, pattern := s.mux.Handler(r)
	if _, route, ok := strings.Cut(pattern, " "); ok {
		line.Path = route
	}
	switch {
	case !straight(r.URL): // ServeMux would redirect
		line.Path = unknownPath
		c.fail(authority.ErrNotFound)
	case s.origins.Check(r) != nil:
		c.fail(c.fromElsewhere())
	case pattern == "":
		c.fail(web.NoRoute(w, r, would))
	case s.untold(r):
		c.fail(c.fromElsewhere())
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// fromElsewhere refuses what a page of another origin sent: it has no business here, whatever its request bears. Nor has a
// form from a browser that says nothing of where it comes from, for there is none of those.
func (c *call) fromElsewhere() error {
	web.Note(c.w).Reason = string(authority.ReasonCrossOrigin)
	return c.s.cfg.Authority.Refuse(authority.ReasonCrossOrigin, &c.presented, &c.s.inside)
}

// untold reports whether nothing that can be believed says which page sent a form. Where the console is at https, no page of it has an
// origin of plain http: one of the same host is what somebody on the network has put in its place, and net/http, which knows of no scheme
// but the connection's own, would take it for ours. Browsers of this decade tell them apart themselves, in Sec-Fetch-Site.
func (s *server) untold(r *http.Request) bool {
	if safe(r.Method) || r.Header.Get("Sec-Fetch-Site") != "" {
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || s.cfg.Cookies.secure && strings.HasPrefix(origin, "http://")
}

// straight reports whether a path has neither empty nor dot segments, also once it is decoded.
func straight(u *url.URL) bool {
	clean := path.Clean(u.Path)
	if clean != "/" && strings.HasSuffix(u.Path, "/") {
		clean += "/"
	}
	return clean == u.Path && web.Storable(u.Path)
}
