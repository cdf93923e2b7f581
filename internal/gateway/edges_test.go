package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/gateway"
	"github.com/jeton-io/jeton/internal/h1"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/web"
)

// edge is a gateway behind a real connection, by one of the engines, with its log.
type edge struct {
	address string
	log     *server
	plain   atomic.Int64 // answers that didn't come by net/http
}

// byPlainName is byName for the leaner engine.
type byPlainName struct {
	*gateway.Gateway
	e *edge
}

// AnswerPlain implements h1.Handler.
func (b byPlainName) AnswerPlain(r *h1.Request, a *h1.Answer) bool {
	r.Remote = netip.AddrPort{}
	if from, err := netip.ParseAddrPort(strings.Join(r.Values("Test-From"), "")); err == nil {
		r.Remote = from
	}
	if !b.Gateway.AnswerPlain(r, a) {
		return false
	}
	b.e.plain.Add(1)
	return true
}

// edges returns the two edges of one desk: by net/http alone, and by the leaner engine before it.
func edges(t *testing.T, d *desk) (byNet, byPlain *edge) {
	t.Helper()
	byNet, byPlain = new(edge), new(edge)
	for _, e := range []*edge{byNet, byPlain} {
		e.log = new(server)
		logger := slog.New(web.NewLogHandler(e.log, slog.LevelInfo, false))
		g := gatewayOf(t, d.authority, allKinds(), logger)
		cfg := web.ServerConfig{Handler: web.Log(logger, "gateway", opened, byName(g))}
		if e == byPlain {
			cfg.Plain = byPlainName{g, e}
		}
		address, stop := listen(t, cfg)
		e.address = address
		t.Cleanup(stop)
	}
	return byNet, byPlain
}

// listen serves on a listener like the gateway's of app, until it is stopped.
func listen(t testing.TB, cfg web.ServerConfig) (address string, stop func()) {
	t.Helper()
	cfg.Name, cfg.Address, cfg.Logger, cfg.Drain = "gateway", "127.0.0.1:0", slog.New(slog.DiscardHandler), time.Minute
	s, err := web.Listen(t.Context(), cfg)
	check(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	return s.Addr().String(), func() {
		check(t, s.Shutdown(context.Background()))
		check(t, <-served)
	}
}

// head is a request as bytes, as a proxy would send it.
func head(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nTest-From: %s\r\nConnection: close\r\n", r.Method, r.RequestURI, r.Host, r.RemoteAddr)
	_ = r.Header.WriteSubset(&b, map[string]bool{"Content-Length": true})
	return b.String() + "\r\n"
}

// whole is all that an edge tells of one request, but for what is new in each: the request's ID, and what a rate leaves.
type whole struct {
	Status int
	Header http.Header
	Body   string
	Line   map[string]any
	Events []string
}

var left = regexp.MustCompile(`;r=[0-9]+`)

// ask sends a request to an edge.
func (e *edge) ask(t *testing.T, d *desk, r *http.Request) whole {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.address)
	check(t, err)
	defer func() { check(t, conn.Close()) }()
	_, err = io.WriteString(conn, head(r))
	check(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), r)
	check(t, err)
	body, err := io.ReadAll(res.Body)
	check(t, err)
	check(t, res.Body.Close())
	id := res.Header.Get("X-Request-Id")
	if len(id) != 16 {
		t.Errorf("got the request ID %q, want 16 digits", id)
	}
	got := whole{res.StatusCode, res.Header, strings.ReplaceAll(string(body), id, "ID"), map[string]any{}, nil}
	logged := e.log.lines()
	if err := json.Unmarshal([]byte(logged), &got.Line); err != nil || got.Line["request_id"] != id {
		t.Errorf("got the log %q, want one line of JSON with the request's ID", logged)
	}
	if fault, ok := got.Line["error"].(string); ok {
		got.Line["error"], _, _ = strings.Cut(fault, `\n`) // behind it is where it panicked
	}
	for name, values := range got.Header {
		got.Header[name] = []string{left.ReplaceAllString(strings.Join(values, "\x00"), ";r=")}
	}
	delete(got.Line, "request_id")
	got.Header.Del("X-Request-Id")
	got.Header.Del("Date")
	for _, event := range d.refusals.Drain(opened()) {
		got.Events = append(got.Events, fmt.Sprint(event.Reason, event.Actor, event.Target, event.Detail, event.Count))
	}
	return got
}

// outcomes are questions with every outcome that there is.
func outcomes(t *testing.T, d *desk, token string) (all []*http.Request) {
	t.Helper()
	for _, tc := range slices.Concat(refusals(t, d, token), signedRefusals(t, d), sessionRefusals(t, d)) {
		all = append(all, asked(token, tc.admitted), asked(token, tc.refused))
	}
	_, zoe := d.user(t, account.Draft{Username: "zoë", DisplayName: "Zoë % \"Z\"", Roles: []string{"partner"}})
	d.service(t, catalog.Draft{Name: "slow", Host: "slow.example.com", Default: policy.DefaultAuthenticated, Rate: authority.Rate{Calls: 4, Per: time.Hour}})
	for range 4 {
		all = append(all, question(token, "GET", "https://slow.example.com/"), forwarded(token, "GET", "slow.example.com", "/"))
	}
	for _, accept := range []string{"", "text/plain", "application/json, text/plain", "text/html"} {
		for _, path := range []string{"/reports/7?secret=canary", "/reportx/7", "/reports//7", "/reports/a%20b", "/reports/\u00e9"} {
			for _, token := range []string{token, zoe, last(token), ""} {
				f, p := forwarded(token, "GET", "api.example.com", path), phoned(token, "GET", "api.example.com", path)
				f.Header.Set("Accept", accept)
				p.Header.Set("Accept", accept)
				all = append(all, f, p)
			}
		}
	}
	for _, target := range []string{"/", "/auth-request/", "/auth-requests", "/forward-auth?a=%zz", "/auth%2drequest", "/a/../auth-request", "//auth-request", "/ext-authz", "/%61?b", "/a^b", "/a|b"} {
		r := asked(token, as)
		r.RequestURI = target
		all = append(all, r)
	}
	everything := asked(token, as)
	everything.Method, everything.RequestURI = "OPTIONS", "*" // which is net/http's to answer with 200, unless it is told otherwise
	all = append(all, everything)
	for _, change := range []func(*http.Request){from("192.0.2.11:1"), from("@"), from("[::ffff:" + proxyAddress + "]:1"), without("X-Forwarded-Method"), add("X-Forwarded-Uri", "/")} {
		f, p := forwarded(token, "GET", "api.example.com", "/reports/7"), phoned(token, "GET", "api.example.com", "/reports/7?a%20b")
		change(f)
		change(p)
		all = append(all, f, p)
	}
	return all
}

// TestEdgesAlike asks at both edges: what they answer, log and enter for the audit is the same to the byte.
func TestEdgesAlike(t *testing.T) {
	d, _, token := reports(t)
	byNet, byPlain := edges(t, d)
	statuses := map[int]bool{}
	compare := func(r *http.Request) {
		t.Helper()
		want, got := byNet.ask(t, d, r), byPlain.ask(t, d, r)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-net/http +plain):\n%s", head(r), diff)
		}
		statuses[want.Status] = true
	}
	all := outcomes(t, d, token)
	for _, r := range all {
		compare(r)
	}
	if got := byPlain.plain.Load(); got < int64(len(all))*8/10 { // all but those with bytes beyond ASCII, and escapes in their own path
		t.Errorf("got %d of %d answers past net/http, want most", got, len(all))
	}
	for i := range 11 {
		d.ask(t, asked(token, basic("alice", fmt.Sprint("wrong", i))))
	}
	compare(asked(token, basic("alice", "wrong"))) // no more guesses
	d.fresh.Store(false)
	for _, err := range []error{http.ErrHandlerTimeout, authority.ErrBusy, authority.ErrNotFound} {
		d.users.err = err
		compare(asked(token, as))
		compare(forwarded(token, "GET", "api.example.com", "/reports/7"))
		compare(phoned(token, "GET", "api.example.com", "/reports/7"))
	}
	d.users.err, d.users.panics = nil, true
	compare(asked(token, as))
	compare(forwarded(token, "GET", "api.example.com", "/reports/7"))
	for _, status := range []int{200, 400, 401, 403, 404, 429, 500, 503} {
		if !statuses[status] {
			t.Errorf("got no answer with status %d", status)
		}
	}
}

// within has a function run where the engine calls a handler, with a request and an answer of the engine's own, whose buffers a handler
// has made grow.
func within(t testing.TB, question *http.Request, first h1.Handler, f func(r *h1.Request, a *h1.Answer)) {
	t.Helper()
	calls := make(chan int, 1)
	calls <- 0
	address, stop := listen(t, web.ServerConfig{Handler: http.NotFoundHandler(), Plain: plainFunc(func(r *h1.Request, a *h1.Answer) bool {
		r.Remote = netip.MustParseAddrPort(question.RemoteAddr)
		n := <-calls
		if calls <- n + 1; n == 0 {
			return first.AnswerPlain(r, a)
		}
		f(r, a)
		return true
	})})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	check(t, err)
	text := strings.Replace(head(question), "Connection: close\r\n", "", 1)
	answers := bufio.NewReader(conn)
	for range 2 {
		_, err = io.WriteString(conn, text)
		check(t, err)
		res, err := http.ReadResponse(answers, nil)
		check(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		check(t, err)
		check(t, res.Body.Close())
	}
	check(t, conn.Close())
	stop()
}

// plainFunc is an h1.Handler.
type plainFunc func(r *h1.Request, a *h1.Answer) bool

// AnswerPlain implements h1.Handler.
func (f plainFunc) AnswerPlain(r *h1.Request, a *h1.Answer) bool { return f(r, a) }
