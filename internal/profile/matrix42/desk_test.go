package matrix42_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/apitoken"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/profile/matrix42"
	"github.com/jeton-io/jeton/test/desk"
)

const (
	publicURL     = desk.Issuer
	clientAddress = "198.51.100.7" // what the trusted proxy, the tests' own machine, says of the client
)

// edge is the profile on a desk, and the log before it.
type edge struct {
	*httptest.Server
	*desk.Desk
	access *faultyAccess
	user   account.User // for whom tokens are made
	made   int
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

func check(t testing.TB, err error) {
	t.Helper()
	desk.Check(t, err)
}

// newEdge serves the profile on a desk with the person ExternalApp, from a whole second on, as answers tell times.
func newEdge(t testing.TB) *edge {
	t.Helper()
	d := &edge{Desk: desk.New(t, desk.Options{Start: time.Date(2026, 11, 21, 19, 15, 0, 0, time.UTC)})}
	d.access = &faultyAccess{Tokens: d.Access}
	d.Server = d.serve(t, http.StatusUnauthorized)
	var err error
	d.user, err = d.Accounts.Create(t.Context(), account.Draft{Username: "ExternalApp", PasswordHash: desk.PasswordHash}, audit.Actor{})
	check(t, err)
	return d
}

// serve starts a server of the profile alone, whose null has that status.
func (d *edge) serve(t testing.TB, status int) *httptest.Server {
	t.Helper()
	h, err := matrix42.New(matrix42.Config{Authority: d.Authority, Access: d.access, Peers: d.Peers, RefusalStatus: status})
	check(t, err)
	s := httptest.NewServer(d.Logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !matrix42.Serves(r.URL.EscapedPath()) {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})))
	t.Cleanup(s.Close)
	return s
}

// token makes an API token of ExternalApp that lasts 30 days, with changes to what it is made of.
func (d *edge) token(t testing.TB, changes ...func(*apitoken.Draft)) (string, apitoken.Token) {
	t.Helper()
	d.made++
	draft := apitoken.Draft{Name: fmt.Sprint("token ", d.made), User: "ExternalApp", Days: 30}
	for _, change := range changes {
		change(&draft)
	}
	text, made := d.Token(t, draft)
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
func (d *edge) refused() []audit.Event { return d.Refusals.Drain(d.Now()) }
