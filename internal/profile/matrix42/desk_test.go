package matrix42_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
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
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/personal"
	"github.com/jeton-io/jeton/internal/profile/matrix42"
	"github.com/jeton-io/jeton/internal/session"
	"github.com/jeton-io/jeton/internal/store/sqlite"
	"github.com/jeton-io/jeton/internal/web"
)

const (
	publicURL     = "https://tokens.example.com"
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client
	password      = "correct horse battery staple"
)

// desk is the profile on a real database, with everything behind it that app would wire, and the log before it.
type desk struct {
	*httptest.Server
	store     *sqlite.Store
	keys      *keyring.Keyring
	accounts  *account.Accounts
	personal  *personal.Tokens
	browsers  *session.Browsers
	tokens    *apitoken.Tokens
	access    *faultyAccess
	authority *authority.Authority
	peers     *web.Peers
	refusals  *audit.Refusals
	users     *faultyUsers
	log       *syncBuffer
	deaf      atomic.Bool  // the feed tells this node of nothing
	now       atomic.Int64 // seconds after the opening
	user      account.User // for whom tokens are made
	made      int
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

// faultyAccess issues tokens until it is told to fail: what it was asked for was done all the same.
type faultyAccess struct {
	*accesstoken.Tokens
	err atomic.Pointer[error]
}

func (a *faultyAccess) Issue(ctx context.Context, p *authority.Principal, ask accesstoken.Ask) (accesstoken.Issued, error) {
	issued, err := a.Tokens.Issue(ctx, p, ask)
	if fault := a.err.Load(); fault != nil {
		return accesstoken.Issued{}, *fault
	}
	return issued, err
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

// take returns what was written, and empties the buffer.
func (s *syncBuffer) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.b.Reset()
	return s.b.String()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) clock() time.Time {
	return time.Date(2026, 11, 21, 19, 15, 0, 0, time.UTC).Add(time.Duration(d.now.Load()) * time.Second)
}

// newDesk opens a database with the person ExternalApp and serves the profile on it.
func newDesk(t testing.TB) *desk {
	t.Helper()
	ctx := t.Context()
	d := &desk{refusals: audit.NewRefusals(1000), log: new(syncBuffer), peers: new(web.Peers)}
	var err error
	d.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(t.TempDir(), "jeton.db"), Now: d.clock})
	check(t, err)
	t.Cleanup(func() { check(t, d.store.Close()) })
	master, _, err := keyring.NewMasterKey(rand.Reader)
	check(t, err)
	changes, err := feed.New(feed.Config{Store: d.store, Apply: d.apply, Now: d.clock})
	check(t, err)
	d.keys, err = keyring.Open(ctx, keyring.Config{Store: d.store, Master: master, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader})
	check(t, err)
	d.wire(t, changes)
	check(t, changes.CatchUp(ctx))
	d.peers.Set([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})
	d.Server = d.serve(t, http.StatusUnauthorized)
	d.user, err = d.accounts.Create(ctx, account.Draft{Username: "ExternalApp", Password: password}, audit.Actor{})
	check(t, err)
	return d
}

// wire makes the inside.
func (d *desk) wire(t testing.TB, changes *feed.Feed) {
	t.Helper()
	var err error
	d.accounts, err = account.New(account.Config{Store: d.store, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader})
	check(t, err)
	d.personal, err = personal.New(personal.Config{Store: d.store, Keyring: d.keys, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader})
	check(t, err)
	d.browsers, err = session.NewBrowsers(session.Config{
		Store: d.store, Keyring: d.keys, Applied: changes.CatchUp, Now: d.clock, Random: rand.Reader, Idle: time.Hour, Lifetime: 12 * time.Hour,
	})
	check(t, err)
	services, err := catalog.New(catalog.Config{Store: d.store, Users: d.accounts, Applied: changes.CatchUp, Now: d.clock})
	check(t, err)
	d.tokens, err = apitoken.New(apitoken.Config{
		Store: d.store, Users: d.accounts, Keyring: d.keys, Policy: services.Policy, Applied: changes.CatchUp, Issuer: publicURL, Now: d.clock,
	})
	check(t, err)
	access, err := accesstoken.New(accesstoken.Config{
		Store: d.store, Keyring: d.keys, Policy: services.Policy, Applied: changes.CatchUp, Issuer: publicURL, Life: 5 * time.Minute, Now: d.clock,
	})
	check(t, err)
	d.access, d.users = &faultyAccess{Tokens: access}, &faultyUsers{Users: d.accounts}
	d.authority, err = authority.New(authority.Config{
		Ways: append(d.browsers.Ways(), d.accounts, d.personal, d.tokens, access), Users: d.users, Policy: services.Policy,
		Cookies:  []authority.Cookie{{Kind: authority.ConsoleSession, Name: "jeton"}, {Kind: authority.APISession, Name: "jeton_api"}},
		Refusals: d.refusals, Fresh: func() bool { return true }, Now: d.clock, Random: rand.Reader,
	})
	check(t, err)
}

// serve starts a server of the profile alone, whose null has that status.
func (d *desk) serve(t testing.TB, status int) *httptest.Server {
	t.Helper()
	h, err := matrix42.New(matrix42.Config{Authority: d.authority, Access: d.access, Peers: d.peers, RefusalStatus: status})
	check(t, err)
	logger := slog.New(slog.NewJSONHandler(d.log, nil))
	s := httptest.NewServer(web.Log(logger, "public", d.clock, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !matrix42.Serves(r.URL.EscapedPath()) {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})))
	t.Cleanup(s.Close)
	return s
}

func (d *desk) apply(ctx context.Context, c feed.Change) error {
	if d.deaf.Load() {
		return nil
	}
	if c.Kind == feed.RevokedKey {
		d.authority.Forget(uuid.Nil)
		return d.keys.Reload(ctx)
	}
	d.authority.Forget(c.ID)
	return nil
}

// token makes an API token of ExternalApp that lasts 30 days, with changes to what it is made of.
func (d *desk) token(t testing.TB, changes ...func(*apitoken.Draft)) (string, apitoken.Token) {
	t.Helper()
	d.made++
	draft := apitoken.Draft{Name: fmt.Sprint("token ", d.made), User: "ExternalApp", Days: 30}
	for _, change := range changes {
		change(&draft)
	}
	text, made, err := d.tokens.Create(t.Context(), draft, &authority.Principal{}, audit.Actor{})
	check(t, err)
	return text.Reveal(), made
}

// path is the address of the exchange, as the product's documents have it.
const path = "/m42Services/api/ApiToken/GenerateAccessTokenFromApiToken"

// request is an exchange as a client sends it, header by header.
type request struct {
	line    string   // "POST PATH"; the exchange where it is empty
	headers []string // beside Host and X-Real-IP
	body    string
}

// exchange presents an API token as most clients do.
func exchange(token string) request {
	return request{headers: []string{"Authorization: Bearer " + token, "Content-Length: 0"}}
}

// send writes a request to a server byte by byte, as no HTTP client would rewrite it, and returns the answer.
func send(t testing.TB, s *httptest.Server, q request) answer {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	check(t, err)
	defer func() { _ = conn.Close() }()
	lines := append([]string{cmp.Or(q.line, "POST "+path+"/?") + " HTTP/1.1", "Host: tokens.example.com", "X-Real-IP: " + clientAddress, "Connection: close"}, q.headers...)
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"+q.body)
	check(t, err)
	raw, err := io.ReadAll(conn)
	check(t, err)
	method, _, _ := strings.Cut(lines[0], " ")
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), &http.Request{Method: method})
	check(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	return answer{raw: string(raw), status: res.StatusCode, header: res.Header, body: string(body)}
}

// answer is what came back.
type answer struct {
	raw    string // every byte of it
	status int
	header http.Header
	body   string
}

// refused returns the refusals since the last time.
func (d *desk) refused() []audit.Event { return d.refusals.Drain(d.clock()) }
