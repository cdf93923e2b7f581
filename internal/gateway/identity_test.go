package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/web"
)

// identityNames are the headers of design decision 15, but for the status.
func identityNames() []string {
	return []string{
		"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups",
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
		"X-Jeton-User-Id", "X-Jeton-Credential-Kind", "X-Jeton-Credential-Id", "X-Jeton-Service",
	}
}

// server is a desk behind a real connection, with its log.
type server struct {
	*httptest.Server
	log    bytes.Buffer
	logged sync.Mutex
}

func serve(t *testing.T, h http.Handler) *server {
	t.Helper()
	s := new(server)
	logger := slog.New(web.NewLogHandler(s, slog.LevelInfo, false))
	s.Server = httptest.NewServer(web.Log(logger, "gateway", opened, byName(h)))
	t.Cleanup(s.Close)
	return s
}

// byName lets a test say from which address it comes: its real one is loopback.
func byName(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = r.Header.Get("Test-From")
		h.ServeHTTP(w, r)
	})
}

func (s *server) Write(line []byte) (int, error) {
	s.logged.Lock()
	defer s.logged.Unlock()
	return s.log.Write(line)
}

// lines returns what was logged since it was last called.
func (s *server) lines() string {
	s.logged.Lock()
	defer s.logged.Unlock()
	defer s.log.Reset()
	return s.log.String()
}

func (s *server) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	u, err := url.Parse(s.URL + r.URL.Path)
	check(t, err)
	r.URL, r.RequestURI = u, ""
	r.Header.Set("Test-From", r.RemoteAddr)
	res, err := s.Client().Do(r)
	check(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	check(t, err)
	return answer{res.StatusCode, res.Header, string(body)}
}

func TestIdentity(t *testing.T) {
	d, alice, token := reports(t)
	_, bare := d.user(t, account.Draft{Username: "bob"})
	d.service(t, catalog.Draft{Name: "open", Host: "open.example.com", Default: policy.DefaultAuthenticated})
	res, _ := d.ask(t, asked(token, as))
	want := []string{
		"alice", "Alice Liddell", "alice@example.com", "auditor,partner",
		"alice", "alice@example.com", "auditor,partner", "alice",
		alice.ID.String(), "personal_token", alice.ID.String(), "reports",
	}
	for i, name := range identityNames() {
		if got := res.header.Values(name); !cmp.Equal(got, want[i:i+1]) {
			t.Errorf("got %s %q, want %q", name, got, want[i])
		}
	}
	if res.status != http.StatusOK || res.header.Get("X-Jeton-Status") != "200" || res.header.Get("Cache-Control") != "no-store" || res.body != "" {
		t.Errorf("got %d and header %v, want 200, X-Jeton-Status 200, no-store and no body", res.status, res.header)
	}

	res, _ = d.ask(t, question(bare, "GET", "https://open.example.com/"))
	for _, name := range []string{"Remote-Name", "Remote-Email", "Remote-Groups", "X-Auth-Request-Email", "X-Auth-Request-Groups"} {
		if got := res.header.Values(name); !cmp.Equal(got, []string{""}) {
			t.Errorf("a user without: got %s %q, want one empty value", name, got)
		}
	}
	if res.header.Get("Remote-User") != "bob" || res.header.Get("X-Jeton-Service") != "open" {
		t.Errorf("got %v, want bob at open", res.header)
	}
}

// anyone is a way in and a user of any name, such as no account could have.
type anyone struct{ authority.User }

func (a *anyone) Kind() authority.Kind   { return authority.AccessToken }
func (a *anyone) Recognizes(string) bool { return true }
func (a *anyone) credential() uuid.UUID  { return uuid.UUID{0xff} }
func (a *anyone) AuthorityUser(context.Context, uuid.UUID) (authority.User, error) {
	return a.User, nil
}

func (a *anyone) Prove(context.Context, authority.Credential) (authority.Proof, error) {
	return authority.Proof{ID: a.credential(), UserID: a.ID}, nil
}

// TestNamesAreEncoded sends names over a real connection and decodes what arrives.
func TestNamesAreEncoded(t *testing.T) {
	who := &anyone{authority.User{ID: uuid.UUID{1}, Active: true, Roles: []string{"a.b-c_D9", "partner"}}}
	table, err := policy.Compile([]policy.Service{{ID: uuid.UUID{2}, Name: "all", Host: "api.example.com", Default: policy.DefaultAuthenticated}})
	check(t, err)
	a, err := authority.New(authority.Config{
		Ways: []authority.Way{who}, Users: who, Policy: func() *policy.Table { return table },
		Refusals: audit.NewRefusals(10), Fresh: func() bool { return true }, Now: opened, Random: rand.Reader,
	})
	check(t, err)
	s := serve(t, newGateway(t, a, authority.KindsOf(authority.AccessToken)))
	for name, want := range map[string]string{
		"alice":                   "alice",
		"Alice Liddell":           "Alice Liddell",
		"50%":                     "50%25",
		"%41lice":                 "%2541lice",
		"a\r\nRemote-User: admin": "a%0D%0ARemote-User: admin",
		"a\nX-Jeton-User-Id: 0":   "a%0AX-Jeton-User-Id: 0",
		"\x1b[31mred\x1b[0m":      "%1B[31mred%1B[0m",
		"tab\there\x00\x7f":       "tab%09here%00%7F",
		"Zoë":                     "Zo%C3%AB",
		"日本":                      "%E6%97%A5%E6%9C%AC",
		"\u2028\u0085":            "%E2%80%A8%C2%85",
		"not UTF-8 \xff":          "not UTF-8 %FF",
		" a ":                     "%20a%20",
		" ":                       "%20",
		`"a", <b>; \`:             `"a", <b>; \`,
		strings.Repeat("ü", 1000): strings.Repeat("%C3%BC", 1000),
	} {
		who.Username, who.DisplayName, who.Email = name, name, name
		res := s.send(t, asked("any", as))
		for _, field := range []string{"Remote-User", "Remote-Name", "Remote-Email", "X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Preferred-Username"} {
			if got := res.header.Values(field); !cmp.Equal(got, []string{want}) {
				t.Errorf("%q: got %s %q, want %q", name, field, got, want)
			}
		}
		if got, err := url.PathUnescape(res.header.Get("Remote-User")); err != nil || got != name {
			t.Errorf("%q: decodes to %q, %v", name, got, err)
		}
		if got := fmt.Sprint(res.header["Remote-Groups"], res.header["X-Jeton-User-Id"], res.header["X-Jeton-Credential-Id"]); got !=
			"[a.b-c_D9,partner] ["+who.ID.String()+"] ["+who.credential().String()+"]" {
			t.Errorf("%q: got %s", name, got)
		}
	}
}
