package xdoc_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/console"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/project"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/test/desk"
)

const (
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client

	// good is a security token that is good for john, with all that is escaped in a URL; goodURL is its spelling there.
	good    = "go+d/token=="
	goodURL = "go%2Bd%2Ftoken%3D%3D"
)

// edge is the profile on a desk, and the log before it.
type edge struct {
	*httptest.Server
	*desk.Desk
	authority *authority.Authority
	way       *scripted
	sessions  *faultySessions
	feed      *faultyFeed
	user      account.User // john
}

// scripted is a way in whose security tokens say what comes of them: good is good for john; "once" is good for john, once; any
// other is refused for the reason that it names, if it does.
type scripted struct {
	user, set, project uuid.UUID

	mu   sync.Mutex
	seen []authority.SealedTokens // as they came
	once map[string]bool
}

func (s *scripted) Kind() authority.Kind   { return authority.Sealed }
func (s *scripted) Recognizes(string) bool { return false }

func (s *scripted) Prove(_ context.Context, c authority.Credential) (authority.Proof, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, c.Sealed)
	text, err := url.QueryUnescape(c.Sealed.Security.Reveal())
	if err != nil {
		text = "bad_seal"
	}
	proof := authority.Proof{
		ID: s.set, UserID: s.user, Remember: true, Limits: &authority.Limits{Project: s.project, WithoutAdmin: true},
	}
	switch {
	case text == good:
		return proof, nil
	case strings.HasPrefix(text, "once") && !s.once[text]:
		s.once[text], proof.Remember = true, false
		return proof, nil
	case strings.HasPrefix(text, "once"):
		text = "replayed"
	case text == "throttled":
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonThrottled, RetryAfter: 7 * time.Second}
	case text == "fault":
		return authority.Proof{}, errFault
	case !slices.Contains(authority.Reasons(), authority.Reason(text)):
		text = "bad_seal"
	}
	return authority.Proof{}, &authority.Refusal{Reason: authority.Reason(text)}
}

var errFault = fmt.Errorf("no database: %w", io.ErrUnexpectedEOF)

// last returns the tokens that came last.
func (s *scripted) last() authority.SealedTokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		return authority.SealedTokens{}
	}
	return s.seen[len(s.seen)-1]
}

// faultySessions are the browsers' until they are told to fail, or something else to happen first.
type faultySessions struct {
	*session.Browsers
	err    atomic.Pointer[error]
	before atomic.Pointer[func()] // called once, before a session begins
}

func (f *faultySessions) BeginSealed(ctx context.Context, owner *authority.Principal, actor audit.Actor) (secret.Text, session.Session, error) {
	if before := f.before.Swap(nil); before != nil {
		(*before)()
	}
	if err := f.err.Load(); err != nil {
		return "", session.Session{}, *err
	}
	return f.Browsers.BeginSealed(ctx, owner, actor)
}

// faultyFeed is the desk's feed, which counts how often it is heard, until it is told to fail.
type faultyFeed struct {
	*feed.Feed
	err    atomic.Pointer[error]
	caught atomic.Int64
}

func (f *faultyFeed) Hear(ctx context.Context) error {
	f.caught.Add(1)
	if err := f.err.Load(); err != nil {
		return *err
	}
	return f.Feed.Hear(ctx)
}

func check(t testing.TB, err error) {
	t.Helper()
	desk.Check(t, err)
}

// newEdge serves the profile on a desk with the user john.
func newEdge(t testing.TB) *edge {
	t.Helper()
	d := &edge{Desk: desk.New(t, desk.Options{Start: time.Date(2009, 12, 1, 15, 43, 0, 753_560_000, time.UTC), Bare: true})}
	var err error
	d.user, err = d.Accounts.Create(t.Context(), account.Draft{Username: "john", Roles: []string{"admin"}}, audit.Actor{})
	check(t, err)
	ours, err := d.Projects.Create(t.Context(), project.Draft{Number: project.DefaultNumber, Name: "XDOC"}, audit.Actor{})
	check(t, err)
	set, _, err := d.Projects.AddSet(t.Context(), ours.Number, project.SetDraft{Name: "GCM"}, audit.Actor{})
	check(t, err)
	d.way = &scripted{user: d.user.ID, set: set.ID, project: ours.ID, once: map[string]bool{}}
	d.authority, err = authority.New(authority.Config{
		Ways: append(d.Browsers.Ways(), d.way, d.Personal), Users: d.Users, Policy: d.Catalog.Policy, Refusals: d.Refusals, Parameters: xdoc.Parameters(),
		Cookies: []authority.Cookie{{Kind: authority.ConsoleSession, Name: desk.ConsoleCookie}, {Kind: authority.APISession, Name: desk.APICookie}},
		Fresh:   d.Feed.Fresh, Now: d.Now, Random: rand.Reader,
	})
	check(t, err)
	d.sessions, d.feed = &faultySessions{Browsers: d.Browsers}, &faultyFeed{Feed: d.Feed}
	h := d.handler(t)
	d.Server = httptest.NewServer(d.Logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !xdoc.Serves(r.URL.EscapedPath()) {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})))
	t.Cleanup(d.Close)
	return d
}

// config is the whole configuration of the profile.
func (d *edge) config() xdoc.Config {
	return xdoc.Config{
		Authority: d.authority, Sessions: d.sessions, Feed: d.feed, Peers: d.Peers, Now: d.Now,
		Cookie: console.NewCookies(desk.Issuer, "example.com").API,
	}
}

func (d *edge) handler(t testing.TB) http.Handler {
	t.Helper()
	h, err := xdoc.New(d.config())
	check(t, err)
	return h
}

// request is a request as a client sends it, header by header.
type request struct {
	line    string   // "GET PATH"
	headers []string // beside Host, X-Real-IP and Content-Length
	body    string
}

const (
	formType = "Content-Type: application/x-www-form-urlencoded"
	partType = "Content-Type: multipart/form-data; boundary=b"
)

// get is a GET of a path with a query.
func get(target string) request { return request{line: "GET " + target} }

// post is a POST of a form.
func post(target, form string) request {
	return request{line: "POST " + target, headers: []string{formType}, body: form}
}

// parts is a POST of a form in parts, whose names and values alternate.
func parts(target string, of ...string) request {
	var b strings.Builder
	for i := 0; i < len(of); i += 2 {
		fmt.Fprintf(&b, "--b\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", of[i], of[i+1])
	}
	return request{line: "POST " + target, headers: []string{partType}, body: b.String() + "--b--\r\n"}
}

// plus returns a request with further header fields.
func (q request) plus(headers ...string) request {
	q.headers = append(append([]string{}, q.headers...), headers...)
	return q
}

// send writes a request to a server byte by byte, as no HTTP client would rewrite it, and returns the answer.
func (d *edge) send(t testing.TB, q request) answer {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.Listener.Addr().String())
	check(t, err)
	defer func() { _ = conn.Close() }()
	lines := append([]string{q.line + " HTTP/1.1", "Host: api.example.com", "X-Real-IP: " + clientAddress}, q.headers...)
	if !strings.Contains(strings.Join(q.headers, "\n"), "Transfer-Encoding") {
		lines = append(lines, fmt.Sprint("Content-Length: ", len(q.body)))
	}
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+q.body)
	check(t, err)
	var raw bytes.Buffer
	method, _, _ := strings.Cut(q.line, " ")
	res, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), &http.Request{Method: method})
	check(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	return answer{raw: raw.String(), status: res.StatusCode, header: res.Header, body: string(body)}
}

// answer is what came back.
type answer struct {
	raw    string // every byte of it
	status int
	header http.Header
	body   string
}

// wantCode checks the status and the code of an envelope.
func (a answer) wantCode(t testing.TB, status int, code string) {
	t.Helper()
	if a.status != status || a.header.Get("XwsResultCode") != code || !strings.Contains(a.body, ` ResultCode="`+code+`" `) {
		t.Errorf("got %d, the code %q, %s, want %d and %s", a.status, a.header.Get("XwsResultCode"), a.body, status, code)
	}
}

// wantBegun checks that an answer leads to an address, with the cookie of a session that is good for john and opens nothing of
// Jeton's own.
func (d *edge) wantBegun(t testing.TB, a answer, to string) {
	t.Helper()
	cookies := (&http.Response{Header: a.header}).Cookies()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to || len(cookies) != 1 {
		t.Errorf("got %d to %q with %d cookies, want 303 to %q with one", a.status, a.header.Get("Location"), len(cookies), to)
		return
	}
	c := cookies[0]
	if c.Name != desk.APICookie || c.Domain != "example.com" || c.Path != "/" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 {
		t.Errorf("got the cookie %v", c)
	}
	if a.body != "" {
		t.Errorf("got the body %q, want none", a.body)
	}
	in := authority.Presented{Cookie: []string{c.Name + "=" + c.Value}, Method: "GET", Peer: netip.MustParseAddr(clientAddress)}
	p, err := d.authority.Identify(t.Context(), &in, &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.APISession)})
	if err != nil || p.ID != d.user.ID {
		t.Errorf("got %s and %v at the gateway, want john", p.Username, err)
	}
}

// refused returns the refusals since the last time.
func (d *edge) refused() []audit.Event { return d.Refusals.Drain(d.Now()) }

// wantRefused checks that the audit log has one refusal of this door since the last time, or none where there is no reason.
func (d *edge) wantRefused(t testing.TB, reason, kind, call string) {
	t.Helper()
	events := d.refused()
	if reason == "" {
		if len(events) != 0 {
			t.Errorf("got refusals %+v, want none", events)
		}
		return
	}
	if len(events) != 1 || events[0].Reason != reason || events[0].Actor.CredentialKind != kind || events[0].Door != "xdoc" ||
		events[0].Actor.Address != clientAddress || events[0].Detail["call"] != call {
		t.Errorf("got refusals %+v, want one at xdoc of %s with reason %q and kind %q", events, call, reason, kind)
	}
}
