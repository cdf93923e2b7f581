package oauth_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
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
	"github.com/jeton-io/jeton/internal/oauth"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/test/desk"
)

const (
	issuer        = desk.Issuer
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client
)

// edge is the endpoints on a desk, and before them the log.
type edge struct {
	*httptest.Server
	*desk.Desk
	handler  http.Handler
	issuer   *faultyIssuer
	sessions *lateSessions
	root     account.User // an administrator
}

// lateSessions are session tokens before which something else happens first, once, where it is told so.
type lateSessions struct {
	oauth.Sessions
	before atomic.Pointer[func()]
}

func (l *lateSessions) happen() {
	if before := l.before.Swap(nil); before != nil {
		(*before)()
	}
}

func (l *lateSessions) Begin(ctx context.Context, owner *authority.Principal, actor audit.Actor) (session.Begun, error) {
	l.happen()
	return l.Sessions.Begin(ctx, owner, actor)
}

func (l *lateSessions) Logout(ctx context.Context, owner *authority.Principal, actor audit.Actor) error {
	l.happen()
	return l.Sessions.Logout(ctx, owner, actor)
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

func check(t testing.TB, err error) {
	t.Helper()
	desk.Check(t, err)
}

// newEdge serves the endpoints on a desk that has no service yet, from a whole second on, as answers tell times.
func newEdge(t testing.TB) *edge {
	t.Helper()
	d := &edge{Desk: desk.New(t, desk.Options{Bare: true, Start: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)})}
	d.issuer, d.sessions = &faultyIssuer{AccessTokens: d.Access}, &lateSessions{Sessions: d.Sessions}
	h, err := oauth.New(oauth.Config{
		Authority: d.Authority, Access: d.issuer, APITokens: d.API, Sessions: d.sessions, Policy: d.Catalog.Policy, Keyring: d.Keyring, Feed: d.Feed, Peers: d.Peers,
		PublicURL: issuer,
	})
	check(t, err)
	d.handler = d.Logged(h)
	d.Server = httptest.NewServer(d.handler)
	t.Cleanup(d.Close)
	d.root, err = d.Accounts.Find(t.Context(), "root")
	check(t, err)
	return d
}

// actor is who did what a test prepares.
func actor() audit.Actor { return audit.Actor{Username: "test"} }

// user makes a user.
func (d *edge) user(t testing.TB, draft account.Draft) account.User {
	t.Helper()
	u, err := d.Accounts.Create(t.Context(), draft, actor())
	check(t, err)
	return u
}

// client makes a service account with a client secret.
func (d *edge) client(t testing.TB, name string, roles ...string) (account.User, string) {
	t.Helper()
	u := d.user(t, account.Draft{Username: name, Kind: account.Service, Roles: roles})
	text, _, err := d.Clients.CreateSecret(t.Context(), name, actor())
	check(t, err)
	return u, text.Reveal()
}

// token makes an API token for a user.
func (d *edge) token(t testing.TB, user string, change func(*apitoken.Draft)) (apitoken.Token, string) {
	t.Helper()
	draft := apitoken.Draft{Name: "token " + uuid.NewString(), User: user, Days: 30}
	if change != nil {
		change(&draft)
	}
	text, token := d.Token(t, draft)
	return token, text.Reveal()
}

// personalToken makes a personal token.
func (d *edge) personalToken(t testing.TB, u account.User) string {
	t.Helper()
	text, _, err := d.Personal.Rotate(t.Context(), &authority.Principal{User: authority.User{ID: u.ID, Username: u.Username}}, actor())
	check(t, err)
	return text.Reveal()
}

// protect makes a service with its operations, each "PATTERN AUDIENCE SCOPE", the scope "-" for none.
func (d *edge) protect(t testing.TB, draft catalog.Draft, operations ...string) {
	t.Helper()
	_, err := d.Catalog.Create(t.Context(), draft, actor())
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
	_, err = d.Catalog.Replace(t.Context(), draft.Name, 1, all, actor())
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
func (d *edge) do(t testing.TB, q ask) answer {
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

func (d *edge) send(t testing.TB, r *http.Request) answer {
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
func (d *edge) want(t testing.TB, q ask, status int, code string) answer {
	t.Helper()
	a := d.do(t, q)
	if a.status != status || a.code != code {
		t.Errorf("%s: got %d %q, want %d %q; body %s", q.path, a.status, a.code, status, code, a.body)
	}
	return a
}

// refused returns the refusals since the last time, each "door reason kind", sorted.
func (d *edge) refused(t testing.TB) string {
	t.Helper()
	lines := map[string]bool{}
	for _, e := range d.Refusals.Drain(d.Now()) {
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
func (d *edge) exchange(t testing.TB, token string, pairs ...string) api.OAuthToken {
	t.Helper()
	var out api.OAuthToken
	d.want(t, ask{path: "/oauth/token", form: exchangeOf(token, pairs...)}, http.StatusOK, "").into(t, &out)
	return out
}

// get reads a document.
func (d *edge) get(t testing.TB, path string, header map[string]string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+path, nil)
	check(t, err)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return d.send(t, r)
}
