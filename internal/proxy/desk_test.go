package proxy_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/profile/xdoc"
	"github.com/jeton-io/jeton/internal/proxy"
	"github.com/jeton-io/jeton/internal/web"
	"github.com/jeton-io/jeton/test/desk"
)

// stand is a proxy on a real listener, before a real authority and database.
type stand struct {
	*desk.Desk
	proxy   *proxy.Proxy
	server  *web.Server
	address string
	token   string // of alice, who may call what a service allows to partners
	log     *desk.Buffer
}

// trustedAddress is that of the one proxy whose word about a client counts; clients without one come from 127.0.0.1.
const trustedAddress = "127.0.0.2"

// host is that of the service "reports".
const host = "api.example.com"

// drainTime is how long calls under way may take when the server stops: so long that a server with none has stopped before, however busy the
// machine.
const drainTime = 2 * time.Second

// open wires a proxy as app does, and has it serve until the test ends.
func open(t testing.TB, changes ...func(*proxy.Config)) *stand {
	t.Helper()
	d := desk.New(t, desk.Options{Bare: true})
	s := &stand{Desk: d, log: new(desk.Buffer)}
	peers := new(web.Peers)
	peers.Set([]netip.Prefix{netip.MustParsePrefix(trustedAddress + "/32")})
	cfg := proxy.Config{
		Authority: d.Authority, Route: d.Catalog.Route, Peers: peers,
		Kinds:      authority.KindsOf(authority.Password, authority.PersonalToken, authority.APISession, authority.APIToken, authority.AccessToken, authority.SessionToken, authority.Sealed),
		Cookies:    []authority.Cookie{{Kind: authority.ConsoleSession, Name: desk.ConsoleCookie}, {Kind: authority.APISession, Name: desk.APICookie}},
		Parameters: xdoc.Parameters(), AnswerTimeout: 10 * time.Second, Idle: 10 * time.Second,
		Logger: slog.New(slog.NewJSONHandler(s.log, nil)), Now: d.Now,
	}
	for _, change := range changes {
		change(&cfg)
	}
	p, err := proxy.New(cfg)
	desk.Check(t, err)
	s.proxy = p
	s.server, err = web.Listen(t.Context(), web.ServerConfig{
		Name: "proxy", Address: "127.0.0.1:0", Handler: web.Log(cfg.Logger, "proxy", d.Now, p), Logger: slog.New(slog.DiscardHandler),
		Streams: true, MaxConnections: 1000, Drain: drainTime, Beside: p.Shutdown,
	})
	desk.Check(t, err)
	s.address = s.server.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.server.Serve() }()
	t.Cleanup(func() {
		_ = s.server.Shutdown(context.Background()) // what a test leaves open is cut
		desk.Check(t, <-served)
	})
	alice := d.User(t, "alice", account.Person, "partner")
	text, _, err := d.Personal.Rotate(t.Context(), &alice, audit.Actor{})
	desk.Check(t, err)
	s.token = text.Reveal()
	return s
}

// service makes the service "reports" with an upstream; partners may call everything below /any and read reports.
func (s *stand) service(t testing.TB, upstream string, changes ...func(*catalog.Draft)) {
	t.Helper()
	draft := catalog.Draft{Name: "reports", Host: host, Route: catalog.Route{Upstream: upstream}}
	for _, change := range changes {
		change(&draft)
	}
	_, err := s.Catalog.Create(t.Context(), draft, audit.Actor{})
	desk.Check(t, err)
	_, err = s.Catalog.Replace(t.Context(), draft.Name, 1, []catalog.Operation{
		{Pattern: "/any/{rest...}", Audience: []string{"role:partner"}},
		{Pattern: "GET /reports/{id}", Audience: []string{"role:partner"}},
		{Pattern: "POST /secret/{id}", Audience: []string{"role:nobody"}},
	}, audit.Actor{})
	desk.Check(t, err)
}

// behind opens a proxy before an upstream that keeps the heads of its requests.
func behind(t testing.TB, changes ...func(*proxy.Config)) (*stand, *recorder) {
	t.Helper()
	s := open(t, changes...)
	r := newRecorder(t)
	s.service(t, "http://"+r.address)
	return s, r
}

// bearer is alice's token as a header field.
func (s *stand) bearer() string { return "Authorization: Bearer " + s.token }

// dial opens a connection to the proxy from an address of this machine.
func (s *stand) dial(t testing.TB, from string) net.Conn {
	t.Helper()
	return dialFrom(t, from, s.address)
}

func dialFrom(t testing.TB, from, to string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp", to)
	desk.Check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	desk.Check(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return conn
}

// head is the head of a request for the service's host.
func head(method, target string, fields ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(append(fields, "", ""), "\r\n")
}

// get is head for GET.
func get(target string, fields ...string) string { return head("GET", target, fields...) }

// answer is what a client got.
type answer struct {
	status  int
	header  http.Header
	body    string
	trailer http.Header
}

// send sends raw bytes on a connection of its own and reads the first answer.
func (s *stand) send(t testing.TB, raw string) answer {
	t.Helper()
	return s.sendFrom(t, "127.0.0.1", raw)
}

func (s *stand) sendFrom(t testing.TB, from, raw string) answer {
	t.Helper()
	conn := s.dial(t, from)
	defer func() { _ = conn.Close() }()
	_, err := io.WriteString(conn, raw)
	desk.Check(t, err)
	return read(t, bufio.NewReader(conn), raw)
}

// read reads one answer.
func read(t testing.TB, in *bufio.Reader, raw string) answer {
	t.Helper()
	method, _, _ := strings.Cut(raw, " ")
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.300q: %v", raw, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%.300q: reading the body of a %s: %v", raw, res.Status, err)
	}
	return answer{res.StatusCode, res.Header, string(body), res.Trailer}
}

// refused returns the refusals since it was last called.
func (s *stand) refused() []audit.Event { return s.Refusals.Drain(s.Now()) }

// lines returns the lines of the log, each a JSON object.
func (s *stand) lines(t testing.TB) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(s.log.String()) {
		var m map[string]any
		desk.Check(t, json.Unmarshal([]byte(line), &m))
		all = append(all, m)
	}
	return all
}

// requestLine waits for the line of the first request to a path.
func (s *stand) requestLine(t testing.TB, path string) map[string]any {
	t.Helper()
	var found map[string]any
	eventually(t, "a line of the log about "+path, func() bool {
		for _, line := range s.lines(t) {
			if line["msg"] == "request" && line["path"] == path {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("waited 10 s for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// recorder is an upstream that reads requests by hand and keeps their heads as they came. It answers by what answer says.
type recorder struct {
	address string
	mu      sync.Mutex
	heads   []string
	reply   func(conn net.Conn, head string) bool // whether the connection goes on
}

func newRecorder(t testing.TB) *recorder {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	desk.Check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	r := &recorder{address: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return r
}

func (r *recorder) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		var text strings.Builder
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = in.ReadString('\n'); err != nil {
				return
			}
			text.WriteString(line)
		}
		head := text.String()
		r.mu.Lock()
		r.heads = append(r.heads, head)
		reply := r.reply
		r.mu.Unlock()
		if reply != nil {
			if !reply(conn, head) {
				return
			}
			continue
		}
		if !drain(in, head) {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"); err != nil {
			return
		}
		if !strings.HasPrefix(head, "HEAD ") {
			_, _ = io.WriteString(conn, "ok")
		}
	}
}

// drain reads the body that goes with a head.
func drain(in *bufio.Reader, head string) bool {
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head), in)))
	if err != nil {
		return false
	}
	if r.ContentLength == 0 {
		return true
	}
	if r.ContentLength > 0 {
		_, err = io.CopyN(io.Discard, in, r.ContentLength)
		return err == nil
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		chunk, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return false
		}
		if _, err := io.CopyN(io.Discard, in, chunk+2); err != nil || chunk == 0 { // and the end of its line; no field is to stand behind the last
			return err == nil
		}
	}
}

// answers has the recorder answer so from now on.
func (r *recorder) answers(reply func(conn net.Conn, head string) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reply = reply
}

// seen returns the heads of the requests since it was last called.
func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	heads := r.heads
	r.heads = nil
	return heads
}

// only returns the head of the one request since then.
func (r *recorder) only(t testing.TB, raw string) string {
	t.Helper()
	heads := r.seen()
	if len(heads) != 1 {
		t.Fatalf("%.300q: the API saw %q, want one request", raw, heads)
	}
	return heads[0]
}

// field returns the values of a header field of exactly this name, in any case, joined by commas.
func field(head, name string) string {
	var values []string
	for line := range strings.Lines(head) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return strings.Join(values, ",")
}
