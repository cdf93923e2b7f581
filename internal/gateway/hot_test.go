package gateway_test

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/accesstoken"
	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/h1"
	"github.com/jeton-io/jeton/internal/web"
)

// sink is an http.ResponseWriter that keeps its header map, as if net/http had given it for nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// nowhere takes lines as a file would: slog knows io.Discard, and would not write them.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error)          { return len(b), nil }
func (nowhere) Gather(_ []byte, _ time.Time, _ bool) {}

// maxAllocations is what a warm check may allocate beyond net/http: the header values, the IDs, and the groups where there
// are several.
const maxAllocations = 3

func TestWarmCheckAllocatesLittle(t *testing.T) {
	d, u, token := reports(t)
	_, made := d.apiToken(t, u, authority.Limits{})
	for kind, token := range map[string]string{"personal_token": token, "access_token": d.accessToken(t, d.access, made, accesstoken.Ask{}), "session_token": d.session(t, u).Text.Reveal()} {
		t.Run(kind, func(t *testing.T) { wantFewAllocations(t, d, asked(token, as), kind) })
	}
}

func wantFewAllocations(t *testing.T, d *desk, r *http.Request, kind string) {
	t.Helper()
	s, quiet := &sink{header: http.Header{}}, slog.New(slog.DiscardHandler)
	logged := web.Log(quiet, "gateway", opened, d)
	bare := web.Log(quiet, "gateway", opened, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	logged.ServeHTTP(s, r)
	with := testing.AllocsPerRun(1000, func() { logged.ServeHTTP(s, r) })
	without := testing.AllocsPerRun(1000, func() { bare.ServeHTTP(s, r) })
	if s.status != 0 || s.header.Get("Remote-User") != "alice" || s.header.Get("X-Jeton-Credential-Kind") != kind {
		t.Fatalf("got status %d and header %v, want alice to be let in", s.status, s.header)
	}
	t.Logf("%v allocations with the gateway, %v without", with, without)
	if with-without > maxAllocations {
		t.Errorf("got %v allocations, want %d at most", with-without, maxAllocations)
	}
}

// TestPlainAllocatesLittle bounds what the edge to the leaner engine allocates with its line in the log: the request's ID, what is made
// of the user, and of a refusal its reason. Under the race detector, pools throw some of what is given back away, and so nothing is bounded.
func TestPlainAllocatesLittle(t *testing.T) {
	most := 2.0
	if raceDetector {
		most = math.Inf(1)
	}
	d, _, token := reports(t)
	g := gatewayOf(t, d.authority, allKinds(), slog.New(web.NewLogHandler(nowhere{}, slog.LevelInfo, false)))
	for name, question := range map[string]*http.Request{
		"nginx": asByNginx(token), "nginx, refused": asByNginx(last(token)), "Caddy": asByCaddy(token), "Caddy, refused": asByCaddy(last(token)),
	} {
		within(t, question, g, func(r *h1.Request, a *h1.Answer) {
			again, blank := *r, *a
			got := testing.AllocsPerRun(1000, func() {
				*r, *a = again, blank
				g.AnswerPlain(r, a)
			})
			if *a = blank; got > most {
				t.Errorf("%s: got %v allocations, want %v at most", name, got, most)
			}
		})
	}
}

// TestNoMixUp has many goroutines ask for two users at once and looks whose answer each gets.
func TestNoMixUp(t *testing.T) {
	d, _, alice := reports(t)
	_, bob := d.user(t, account.Draft{Username: "bob", Roles: []string{"partner"}})
	tokens := map[string]string{"alice": alice, "bob": bob}
	var running sync.WaitGroup
	for g := range 8 {
		running.Go(func() {
			for i := range 2000 {
				name := [2]string{"alice", "bob"}[(g+i)%2]
				s := &sink{header: http.Header{}}
				d.ServeHTTP(s, asked(tokens[name], as))
				if got := s.header["Remote-User"]; len(got) != 1 || got[0] != name {
					t.Errorf("got %q, want %s", got, name)
					return
				}
			}
		})
	}
	running.Wait()
}

// BenchmarkAuthRequestWarm measures the gateway alone, on a real database whose answer is remembered; then under the
// request log, with lines written to nowhere; and refused. A map of headers that grows anew for each answer counts,
// since net/http gives an empty one.
func BenchmarkAuthRequestWarm(b *testing.B) {
	d, u, token := reports(b)
	raw, made := d.apiToken(b, u, authority.Limits{})
	access := d.accessToken(b, d.access, made, accesstoken.Ask{})
	toNowhere := slog.New(web.NewLogHandler(nowhere{}, slog.LevelInfo, false))
	for _, bench := range []struct {
		name    string
		handler http.Handler
		request *http.Request
		reuse   bool
	}{
		{"handler", d, asked(token, as), true},
		{"handler, new header map", d, asked(token, as), false},
		{"access token", d, asked(access, as), true},
		{"refused", d, asked(last(token), as), true},
		{"refused API token", d, asked(raw, as), true},
		{"with log off", web.Log(slog.New(slog.DiscardHandler), "gateway", opened, d), asked(token, as), true},
		{"with log", web.Log(toNowhere, "gateway", opened, d), asked(token, as), true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			s := &sink{header: http.Header{}}
			for b.Loop() {
				if !bench.reuse {
					s.header = make(http.Header)
				}
				bench.handler.ServeHTTP(s, bench.request)
			}
			if !strings.HasPrefix(bench.name, "refused") && s.header.Get("Remote-User") != "alice" {
				b.Fatal(fmt.Sprint("not let in: ", s.header))
			}
		})
	}
}

// asByNginx and asByCaddy are questions with every field that the two send of a client that is no browser.
func asByNginx(token string) *http.Request {
	return asked(token, all(set("User-Agent", "client/1.0"), set("Accept", "*/*"), set("Accept-Encoding", "gzip")))
}

func asByCaddy(token string) *http.Request {
	r := forwarded(token, http.MethodGet, "api.example.com", "/reports/7")
	all(set("User-Agent", "client/1.0"), set("Accept", "*/*"), set("Accept-Encoding", "gzip"), set("X-Real-Ip", clientAddress))(r)
	return r
}

// BenchmarkPlain measures the edge to the leaner engine alone, with the decision and the line in the log, which goes nowhere.
func BenchmarkPlain(b *testing.B) {
	d, _, token := reports(b)
	for _, bench := range []struct {
		name    string
		request *http.Request
	}{
		{"auth-request", asByNginx(token)},
		{"auth-request, refused", asByNginx(last(token))},
		{"forward-auth", asByCaddy(token)},
		{"forward-auth, refused", asByCaddy(last(token))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			g := gatewayOf(b, d.authority, allKinds(), slog.New(web.NewLogHandler(nowhere{}, slog.LevelInfo, false)))
			within(b, bench.request, g, func(r *h1.Request, a *h1.Answer) {
				again, blank := *r, *a
				b.ReportAllocs()
				for b.Loop() {
					*r, *a = again, blank
					g.AnswerPlain(r, a)
				}
				*a = blank
			})
		})
	}
}
