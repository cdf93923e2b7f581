package jwks_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/jwks"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// publisher publishes a set, over TLS, until it is told otherwise.
type publisher struct {
	*httptest.Server
	sets   *jwks.Sets
	calls  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
	now    atomic.Int64 // seconds
}

func (p *publisher) clock() time.Time {
	return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Duration(p.now.Load()) * time.Second)
}

func newPublisher(t testing.TB) *publisher {
	t.Helper()
	p := &publisher{}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		(*p.answer.Load())(w, r)
	}))
	t.Cleanup(p.Close)
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	var err error
	p.sets, err = jwks.New(jwks.Config{Now: p.clock, Roots: roots})
	check(t, err)
	p.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(set(t, "a"))) })
	return p
}

func (p *publisher) says(answer http.HandlerFunc) { p.answer.Store(&answer) }

// set is a JWK Set of new keys of these names.
func set(t testing.TB, kids ...string) string {
	t.Helper()
	var keys []string
	for _, kid := range kids {
		s, err := jose.GenerateSigner(jose.ES256, rand.Reader)
		check(t, err)
		key, err := s.Key().JWK(kid)
		check(t, err)
		keys = append(keys, string(key))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// want asks for a key, and compares the names of those that there are and how often the publisher was asked so far.
func (p *publisher) want(t testing.TB, kid, want string, calls int64) {
	t.Helper()
	keys, err := p.sets.Keys(t.Context(), p.URL, kid)
	var got []string
	for _, k := range keys {
		got = append(got, k.ID)
	}
	if text := strings.Join(got, " "); text != want || (err != nil) != (want == "") {
		t.Errorf("got %q, %v, want %q", text, err, want)
	}
	if n := p.calls.Load(); n != calls {
		t.Errorf("got %d calls, want %d", n, calls)
	}
}

// TestMemory: a set is read once in five minutes, and for a new kid twice a minute at most.
func TestMemory(t *testing.T) {
	p := newPublisher(t)
	p.want(t, "", "a", 1)
	p.want(t, "a", "a", 1)
	p.want(t, "b", "a", 1) // read just now
	p.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(set(t, "a", "b"))) })
	p.now.Add(29)
	p.want(t, "b", "a", 1)
	p.now.Add(1)
	p.want(t, "a", "a", 1)
	p.want(t, "b", "a b", 2)
	p.want(t, "c", "a b", 2)
	p.now.Add(299)
	p.want(t, "a", "a b", 2)
	p.now.Add(1)
	p.want(t, "a", "a b", 3)
}

// TestFailures: while a set can't be read, the last one counts to its end, and nobody is asked more often than that.
func TestFailures(t *testing.T) {
	p := newPublisher(t)
	p.want(t, "", "a", 1)
	p.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	p.now.Add(60)
	p.want(t, "b", "a", 2)
	p.want(t, "b", "a", 2)
	p.now.Add(240)
	p.want(t, "a", "", 3)
	p.want(t, "a", "", 3)
	p.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(set(t, "b"))) })
	p.want(t, "b", "", 3)
	p.now.Add(30)
	p.want(t, "b", "b", 4)
}

// TestRefused: what isn't a short set at the address itself is none.
func TestRefused(t *testing.T) {
	good := set(t, "a")
	var led atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		led.Add(1)
		_, _ = w.Write([]byte(good))
	}))
	defer elsewhere.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"HTML":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"private": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Replace(good, `"kty"`, `"d":"AQAB","kty"`, 1)))
		},
		"too long": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(good + strings.Repeat(" ", 64<<10)))
		},
		"long header": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) },
		"cut off":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPublisher(t)
			p.says(answer)
			p.want(t, "", "", 1)
			p.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(good)) })
			p.now.Add(30)
			p.want(t, "", "a", 2)
		})
	}
	if led.Load() != 0 {
		t.Error("a redirect was followed")
	}
	p := newPublisher(t)
	stranger, err := jwks.New(jwks.Config{Now: p.clock})
	check(t, err)
	if _, err := stranger.Keys(t.Context(), p.URL, ""); err == nil || p.calls.Load() != 0 {
		t.Errorf("got %v from a publisher whose certificate nobody vouches for", err)
	}
}

// TestOnce: however many ask at once, the publisher is asked once; and who can't wait is let go, while the reading goes on.
func TestOnce(t *testing.T) {
	p := newPublisher(t)
	asked, release, text := make(chan struct{}), make(chan struct{}), set(t, "a")
	p.says(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		_, _ = w.Write([]byte(text))
	})
	hurried, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := p.sets.Keys(hurried, p.URL, ""); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was given up", err)
		}
	})
	<-asked
	cancel()
	all.Wait()
	for range 50 {
		all.Go(func() {
			if keys, err := p.sets.Keys(t.Context(), p.URL, ""); err != nil || len(keys) != 1 {
				t.Errorf("got %v, %v", keys, err)
			}
		})
	}
	close(release)
	all.Wait()
	p.want(t, "", "a", 1)
}

// TestCheck: which addresses a client may name.
func TestCheck(t *testing.T) {
	sets, err := jwks.New(jwks.Config{Now: time.Now})
	check(t, err)
	for uri, want := range map[string]bool{
		"https://a.example/jwks.json": true, "https://a.example:8443/x?y=z": true, "http://127.0.0.1:1/": true, "http://[::1]/": true, "http://localhost/x": true,
		"http://a.example/": false, "http://127.0.0.1.example/": false, "http://localhost.example/": false, "ftp://a.example/": false, "file:///etc/passwd": false,
		"//a.example/": false, "a.example": false, "": false, "https://": false, "https:///x": false, "https://:443/": false, "https://u:p@a.example/": false,
		"https://a.example/#x": false, "https://a.example/%zz": false, "https://a.example/" + strings.Repeat("x", 2048): false,
	} {
		err := sets.Check(uri)
		if (err == nil) != want || err != nil && uri != "" && strings.Contains(err.Error(), uri) {
			t.Errorf("%.60s: got %v", uri, err)
		}
		if want {
			continue // nobody is called by this test
		}
		if _, fetched := sets.Keys(t.Context(), uri, ""); fetched == nil || fetched.Error() != err.Error() {
			t.Errorf("%.60s: got %v, want it refused before anything is sent", uri, fetched)
		}
	}
	if _, err := jwks.New(jwks.Config{}); err == nil {
		t.Error("got Sets without a clock")
	}
}
