package console_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store"
	"github.com/jeton-io/jeton/internal/web"
	testdesk "github.com/jeton-io/jeton/test/desk"
)

const (
	goodPassword = "correct horse battery staple"
	// goodHash is a hash of it that costs next to nothing, until the first log-in betters it.
	goodHash      = "$pbkdf2-sha256$i=1$c2FsdHNhbHRzYWx0$4MvndT3WxpZBgTr0GnlsI3zbnRNMwBomQR+L/0mcI4U"
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client
	idle          = time.Hour
	lifetime      = 12 * time.Hour
)

// desk is the console on a real database, with everything behind it that app would wire, and before it the log.
type desk struct {
	*httptest.Server
	inside    *testdesk.Desk
	store     store.Store
	accounts  *account.Accounts
	tokens    *personal.Tokens
	browsers  *session.Browsers
	authority *authority.Authority
	console   http.Handler
	feed      *feed.Feed
	refusals  *audit.Refusals
	log       *syncBuffer
	users     *testdesk.FaultyUsers
	events    *watchedEvents
	language  string // of the setting
}

// watchedEvents are the audit log, of which a test may know when it is read.
type watchedEvents struct {
	audit.Store
	reading func() // before each page; nil for nothing
}

func (w *watchedEvents) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	if w.reading != nil {
		w.reading()
	}
	return w.Store.Events(ctx, q)
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) clock() time.Time { return d.inside.Now() }

// pass lets time pass.
func (d *desk) pass(t testing.TB, by time.Duration) { d.inside.Advance(t, by) }

// newDesk serves the console over plain http.
func newDesk(t testing.TB) *desk {
	t.Helper()
	return openDesk(t, console.NewCookies("http://127.0.0.1:8080", ""))
}

func openDesk(t testing.TB, cookies console.Cookies) *desk {
	t.Helper()
	return furnishDesk(t, cookies, testdesk.Options{})
}

// furnishDesk serves the console of a desk with some options.
func furnishDesk(t testing.TB, cookies console.Cookies, o testdesk.Options) *desk {
	t.Helper()
	o.Bare, o.Unmanned, o.Cookies, o.Start = true, true, cookies.Known(), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	in := testdesk.New(t, o)
	d := &desk{
		inside: in, store: in.Store, accounts: in.Accounts, tokens: in.Personal, browsers: in.Browsers, authority: in.Authority, feed: in.Feed,
		refusals: in.Refusals, users: in.Users, log: new(syncBuffer), events: &watchedEvents{Store: in.Store},
	}
	d.serve(t, cookies)
	return d
}

// serve starts the server. It trusts the tests' own machine as a proxy.
func (d *desk) serve(t testing.TB, cookies console.Cookies) {
	t.Helper()
	peers := new(web.Peers)
	peers.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})
	h, err := console.New(console.Config{
		Authority: d.authority, Accounts: d.accounts, Tokens: d.tokens, APITokens: d.inside.API, Clients: d.inside.Clients, Browsers: d.browsers, Sessions: d.inside.Sessions, Factors: d.inside.Factors, Links: d.inside.Links,
		Platforms: d.inside.Platforms, Projects: d.inside.Projects, Keys: d.inside.Keyring, Catalog: d.inside.Catalog, Events: d.events, Feed: d.feed,
		Peers: peers, Cookies: cookies, BitCanuck: true, ExchangePath: "/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken/?", PublicURL: testdesk.Issuer, AccessLife: 10 * time.Minute, Language: d.language, Now: d.clock, KeyAge: 90 * 24 * time.Hour,
	})
	check(t, err)
	d.console = h
	logger := slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d.Server = httptest.NewServer(web.Headers(false, web.Log(logger, "public", d.clock, h)))
	t.Cleanup(d.Close)
}

// user makes a user with the good password.
func (d *desk) user(t testing.TB, draft account.Draft) account.User {
	t.Helper()
	draft.PasswordHash = goodHash
	return d.bare(t, draft)
}

// bare makes a user without a password.
func (d *desk) bare(t testing.TB, draft account.Draft) account.User {
	t.Helper()
	u, err := d.accounts.Create(t.Context(), draft, audit.Actor{})
	check(t, err)
	return u
}

// refused returns the refusals since the last time, each "reason kind", sorted. All must have knocked at the console.
func (d *desk) refused(t testing.TB) []string {
	t.Helper()
	events := d.refusals.Drain(d.clock())
	lines := map[string]bool{}
	for _, e := range events {
		if e.Door != "console" {
			t.Errorf("got a refusal at the door %q", e.Door)
		}
		lines[e.Reason+" "+cmp.Or(e.Actor.CredentialKind, "none")] = true
	}
	return slices.Sorted(maps.Keys(lines))
}

// wantRefused compares the refusals since the last time.
func (d *desk) wantRefused(t testing.TB, want ...string) {
	t.Helper()
	if got := d.refused(t); !slices.Equal(got, want) {
		t.Errorf("got refusals %q, want %q", got, want)
	}
}

// actions returns what happened, oldest first, each "action target".
func (d *desk) actions(t testing.TB) []string {
	t.Helper()
	events, err := d.store.Events(t.Context(), audit.Query{})
	check(t, err)
	var all []string
	for _, e := range slices.Backward(events) {
		if e.Action == audit.PepperCreate {
			continue // of the opening
		}
		all = append(all, string(e.Action)+" "+e.Target.Name)
	}
	return all
}

// browser is one browser: it keeps cookies as one does, and says of its forms where they come from.
type browser struct {
	d       *desk
	cookies map[string]string
	given   []*http.Cookie // all cookies as they were set, with their attributes
}

func (d *desk) browser() *browser { return &browser{d: d, cookies: map[string]string{}} }

// ask is a request. A form that isn't nil is sent as one, from our own page unless the header says otherwise; a header
// field that is given empty isn't sent.
type ask struct {
	route  string // "GET /console/"
	form   url.Values
	header map[string]string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	*node  // the page, if it is one
}

// do sends a request and takes the cookies that come back. It follows no redirect.
func (b *browser) do(t testing.TB, q ask) answer {
	t.Helper()
	method, target, body, header := b.written(q)
	return b.send(t, method, target, body, header)
}

// try sends a request from another goroutine than the test's, which is none to end the test in.
func (b *browser) try(ctx context.Context, q ask) (answer, error) {
	method, target, body, header := b.written(q)
	return b.attempt(ctx, method, target, body, header)
}

// written is a request as it is sent.
func (b *browser) written(q ask) (method, target string, body io.Reader, header map[string]string) {
	method, target, _ = strings.Cut(q.route, " ")
	header = map[string]string{"Accept": "text/html", "X-Real-Ip": clientAddress, "Sec-Fetch-Site": "same-origin"}
	if q.form != nil {
		body = strings.NewReader(q.form.Encode())
		header["Content-Type"], header["Origin"] = "application/x-www-form-urlencoded", b.d.URL
	}
	maps.Copy(header, q.header)
	return method, target, body, header
}

func (b *browser) send(t testing.TB, method, target string, body io.Reader, header map[string]string) answer {
	t.Helper()
	a, err := b.attempt(t.Context(), method, target, body, header)
	check(t, err)
	checkHeaders(t, method+" "+target, a)
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		a.node = parse(t, a.body)
	}
	return a
}

func (b *browser) attempt(ctx context.Context, method, target string, body io.Reader, header map[string]string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.d.URL+target, body)
	if err != nil {
		return answer{}, err
	}
	for name, value := range header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := b.d.Client().Transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	for _, c := range res.Cookies() {
		b.given = append(b.given, c)
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer{status: res.StatusCode, header: res.Header, body: string(text)}, nil
}

// want sends a request and compares the status.
func (b *browser) want(t testing.TB, q ask, status int) answer {
	t.Helper()
	a := b.do(t, q)
	if a.status != status {
		t.Fatalf("%s: got %d, want %d; body %s", q.route, a.status, status, a.body)
	}
	return a
}

// to sends a request and compares where the answer leads.
func (b *browser) to(t testing.TB, q ask, location string) answer {
	t.Helper()
	a := b.want(t, q, http.StatusSeeOther)
	if got := a.header.Get("Location"); got != location {
		t.Errorf("%s: got sent to %q, want %q", q.route, got, location)
	}
	return a
}

// logIn logs in by the second step alone, as a password manager may.
func (b *browser) logIn(t testing.TB, username string) answer {
	t.Helper()
	return b.to(t, ask{route: "POST /console/login", form: form("username", username, "password", goodPassword)}, "/console/")
}

// form returns a form of pairs.
func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

// checkHeaders compares what every answer must have, errors and redirects too.
func checkHeaders(t testing.TB, what string, a answer) {
	t.Helper()
	want := map[string]string{
		"Content-Security-Policy":    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Content-Type-Options":     "nosniff",
		"Referrer-Policy":            "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control":              "no-store",
		"Www-Authenticate":           "",
	}
	if strings.Contains(what, "/console/static/") && (a.status == http.StatusOK || a.status == http.StatusNotModified) {
		want["Cache-Control"] = "public, max-age=31536000, immutable"
	}
	if strings.Contains(what, "/console/welcome/") || strings.Contains(what, "/console/login/link/") { // whose addresses hold secrets
		want["Referrer-Policy"] = "strict-origin"
	}
	for name, value := range want {
		if got := strings.Join(a.header.Values(name), " | "); got != value {
			t.Errorf("%s: got %d with %s %q, want %q", what, a.status, name, got, value)
		}
	}
}
