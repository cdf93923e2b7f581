package bitcanuck_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/feed"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/platform"
	"github.com/jeton-io/jeton/internal/profile/bitcanuck"
	"github.com/jeton-io/jeton/internal/secret"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/test/desk"
)

const (
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client
	email         = "john@email.com"
	password      = secret.Text("correct horse: battery") // john's
)

// edge is the profile on a desk, and the log before it.
type edge struct {
	*httptest.Server
	*desk.Desk
	sessions *faultySessions
	feed     *faultyFeed
	platform platform.Platform
	signer   jose.Signer  // the platform's
	user     account.User // john
}

// faultySessions are session tokens until they are told to fail, or something else to happen first.
type faultySessions struct {
	*session.Tokens
	err    atomic.Pointer[error]
	before atomic.Pointer[func()] // called once, before a session begins or ends
}

func (f *faultySessions) happen() error {
	if before := f.before.Swap(nil); before != nil {
		(*before)()
	}
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *faultySessions) Begin(ctx context.Context, owner *authority.Principal, actor audit.Actor) (session.Begun, error) {
	if err := f.happen(); err != nil {
		return session.Begun{}, err
	}
	return f.Tokens.Begin(ctx, owner, actor)
}

func (f *faultySessions) Logout(ctx context.Context, owner *authority.Principal, actor audit.Actor) error {
	if err := f.happen(); err != nil {
		return err
	}
	return f.Tokens.Logout(ctx, owner, actor)
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

// newEdge serves the profile on a desk with the user john and one platform, at the moment of the product's own sample.
func newEdge(t testing.TB) *edge {
	t.Helper()
	d := &edge{Desk: desk.New(t, desk.Options{Start: time.Date(2020, 9, 18, 10, 48, 35, 753_560_000, time.UTC), Bare: true})}
	d.user = d.create(t, account.Draft{Username: "john", Email: email, Password: password})
	d.enrol(t)
	d.sessions, d.feed = &faultySessions{Tokens: d.Sessions}, &faultyFeed{Feed: d.Feed}
	h := d.handler(t)
	d.Server = httptest.NewServer(d.Logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !bitcanuck.Serves(r.URL.EscapedPath()) {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})))
	t.Cleanup(d.Close)
	return d
}

// handler returns the profile.
func (d *edge) handler(t testing.TB) http.Handler {
	t.Helper()
	h, err := bitcanuck.New(bitcanuck.Config{Authority: d.Authority, Sessions: d.sessions, Feed: d.feed, Peers: d.Peers})
	check(t, err)
	return h
}

// enrol makes the platform, with a key that signs in little time.
func (d *edge) enrol(t testing.TB) {
	t.Helper()
	var err error
	d.signer, err = jose.GenerateSigner(jose.ES256, rand.Reader)
	check(t, err)
	public, err := d.signer.Key().PEM()
	check(t, err)
	d.platform, _, err = d.Platforms.Enrol(t.Context(), platform.Draft{
		Name: "Partner", Algorithm: jose.ES256, Key: platform.KeyDraft{PublicKey: string(public)}, MaxLife: 24 * time.Hour, Enabled: true,
	}, audit.Actor{})
	check(t, err)
}

// assertion is what the platform says of john, as the product's documents have it, with an end in some time and with an ID, so
// that no two are the same.
func (d *edge) assertion(t testing.TB, ahead time.Duration) string {
	t.Helper()
	claims := fmt.Sprintf(`{"email":%q,"expire":%d,"jti":%q}`, email, d.Now().Add(ahead).Unix(), uuid.NewString())
	text, err := d.signer.Sign(rand.Reader, jose.Header{}, []byte(claims))
	check(t, err)
	return text
}

// fresh is a log-in by an assertion that wasn't used yet.
func (d *edge) fresh(t testing.TB) request {
	t.Helper()
	return d.asserted(d.assertion(t, 12*time.Hour))
}

func (d *edge) create(t testing.TB, draft account.Draft) account.User {
	t.Helper()
	u, err := d.Accounts.Create(t.Context(), draft, audit.Actor{})
	check(t, err)
	return u
}

// update changes a user as an administrator does.
func (d *edge) update(u account.User, p account.Patch) error {
	_, err := d.Accounts.Update(context.Background(), u.ID, 0, p, audit.Actor{})
	return err
}

// The addresses, as the product's documents have them.
const (
	passwordPath  = "/api/v1/authenticate"
	assertionBase = "/api/v1/authenticate-jwt/"
	logoutPath    = "/api/v1/logout"
)

// assertionPath is the address that names the platform by its code.
func (d *edge) assertionPath() string { return assertionBase + d.platform.Code }

// request is a request as a client sends it, header by header.
type request struct {
	line    string   // "POST PATH"; a log-in by password where it is empty
	headers []string // beside Host, X-Real-IP and Content-Length
	body    string
}

const jsonType = "Content-Type: application/json"

// logIn is a log-in by password as most clients do it.
func logIn(name string, word secret.Text) request {
	body, err := json.Marshal(map[string]string{"email": name, "password": word.Reveal()})
	if err != nil {
		panic(err)
	}
	return request{headers: []string{jsonType}, body: string(body)}
}

// withBody is a log-in by password of just this body.
func withBody(body string) request { return request{headers: []string{jsonType}, body: body} }

// asserted is a log-in by an assertion, or by what stands in its place.
func (d *edge) asserted(text string) request {
	return request{line: "POST " + d.assertionPath(), headers: []string{"Token: " + text}}
}

// logOut is a log-out.
func logOut(token string) request {
	return request{line: "POST " + logoutPath, headers: []string{"Authorization: Bearer " + token}}
}

// plus returns a request with further header fields.
func (q request) plus(headers ...string) request {
	q.headers = append(append([]string{}, q.headers...), headers...)
	return q
}

// at returns a request of another method and path.
func (q request) at(line string) request {
	q.line = line
	return q
}

// send writes a request to a server byte by byte, as no HTTP client would rewrite it, and returns the answer.
func (d *edge) send(t testing.TB, q request) answer {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.Listener.Addr().String())
	check(t, err)
	defer func() { _ = conn.Close() }()
	lines := append([]string{cmp.Or(q.line, "POST "+passwordPath) + " HTTP/1.1", "Host: api.example.com", "X-Real-IP: " + clientAddress}, q.headers...)
	if !strings.Contains(strings.Join(q.headers, "\n"), "Transfer-Encoding") {
		lines = append(lines, fmt.Sprint("Content-Length: ", len(q.body)))
	}
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+q.body)
	check(t, err)
	var raw bytes.Buffer
	method, _, _ := strings.Cut(lines[0], " ")
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

// begun is the answer to a log-in as clients read it.
type begun struct {
	Data struct {
		ID, UserID     string
		TTL            int64
		Until, Created time.Time
	}
}

// wantBegun checks that an answer holds a session token that is good for john until the time that it tells, and returns it.
func (d *edge) wantBegun(t testing.TB, a answer) string {
	t.Helper()
	var got begun
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK {
		t.Errorf("got %d %s, %v, want a session", a.status, a.body, err)
		return ""
	}
	data := got.Data
	if data.UserID != d.user.ID.String() || data.TTL != 1209600 || !data.Created.Equal(d.Now()) || !data.Until.Equal(data.Created.Add(desk.SessionLife)) {
		t.Errorf("got %+v, want john's, from now on for a fortnight", data)
	}
	if reason := d.refusedAtGateway(t, data.ID); reason != "" {
		t.Errorf("got a token that is refused: %s", reason)
	}
	return data.ID
}

// refusedAtGateway returns why a session token is refused where protected APIs are called, empty where it isn't.
func (d *edge) refusedAtGateway(t testing.TB, token string) string {
	t.Helper()
	door := &authority.Door{Name: "gateway", Kinds: authority.KindsOf(authority.SessionToken)}
	p, err := d.Authority.Identify(t.Context(), &authority.Presented{Authorization: []string{"Bearer " + token}, Peer: netip.MustParseAddr(clientAddress)}, door)
	if err == nil && (p.ID != d.user.ID || p.CredentialKind != authority.SessionToken) {
		t.Errorf("got %s by %s, want john by a session token", p.Username, p.CredentialKind)
	}
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), "refused: ")
}

// begin logs john in by password and returns the session token.
func (d *edge) begin(t testing.TB) string {
	t.Helper()
	return d.wantBegun(t, d.send(t, logIn(email, password)))
}

// refused returns the refusals since the last time.
func (d *edge) refused() []audit.Event { return d.Refusals.Drain(d.Now()) }

// wantRefused checks that the audit log has one refusal of this door since the last time, or none where there is no reason.
func (d *edge) wantRefused(t testing.TB, reason, kind string) {
	t.Helper()
	events := d.refused()
	if reason == "" {
		if len(events) != 0 {
			t.Errorf("got refusals %+v, want none", events)
		}
		return
	}
	if len(events) != 1 || events[0].Reason != reason || events[0].Actor.CredentialKind != kind || events[0].Door != "bitcanuck" || events[0].Actor.Address != clientAddress {
		t.Errorf("got refusals %+v, want one at bitcanuck with reason %q and kind %q", events, reason, kind)
	}
}

// wantFailure checks an answer's status and code, in LoopBack's shape.
func wantFailure(t testing.TB, a answer, status int, code string) {
	t.Helper()
	var got struct {
		Error struct {
			StatusCode          int
			Name, Message, Code string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != status || got.Error.StatusCode != status || got.Error.Code != code || got.Error.Name != "Error" || got.Error.Message == "" {
		t.Errorf("got %d %s, %v, want %d and the code %s", a.status, a.body, err, status, code)
	}
}
