package oauth_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/catalog"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// bareWriter is an http.ResponseWriter that keeps the status and the length.
type bareWriter struct {
	header http.Header
	status int
	length int
}

func (w *bareWriter) Header() http.Header         { return w.header }
func (w *bareWriter) WriteHeader(status int)      { w.status = status }
func (w *bareWriter) Write(b []byte) (int, error) { w.length += len(b); return len(b), nil }

// post returns how to send a form again and again, without a network between.
func (d *edge) post(t testing.TB, path, body, basic string) func() *bareWriter {
	t.Helper()
	w := &bareWriter{header: http.Header{}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Real-Ip", clientAddress)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if name, password, ok := strings.Cut(basic, ":"); ok {
		r.SetBasicAuth(name, password)
	}
	text := strings.NewReader(body)
	r.Body, r.ContentLength = noCloser{text}, int64(len(body))
	return func() *bareWriter {
		text.Reset(body)
		clear(w.header)
		w.status, w.length = http.StatusOK, 0
		d.handler.ServeHTTP(w, r)
		return w
	}
}

type noCloser struct{ *strings.Reader }

func (noCloser) Close() error { return nil }

// BenchmarkIntrospection is a warm answer about each kind of token; the client proves itself by its secret.
func BenchmarkIntrospection(b *testing.B) {
	d := newEdge(b)
	d.Log.Silent = true
	ann := d.user(b, account.Draft{Username: "ann"})
	_, text := d.client(b, "gate")
	d.protect(b, catalog.Draft{Name: "reports", Host: "api.example.com", Verifiers: []string{"gate"}}, "GET / user:ann -")
	_, token := d.token(b, "ann", nil)
	for name, token := range map[string]string{"access": d.exchange(b, token).AccessToken, "personal": d.personalToken(b, ann), "inactive": "hello"} {
		b.Run(name, func(b *testing.B) {
			send := d.post(b, "/oauth/introspect", formOf("token", token).Encode(), "gate:"+text)
			if w := send(); w.status != http.StatusOK || (w.length > 16) != (name != "inactive") {
				b.Fatalf("got %d and %d bytes", w.status, w.length)
			}
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}

// BenchmarkExchange is the whole exchange, and beside it the bare signature.
func BenchmarkExchange(b *testing.B) {
	d := newEdge(b)
	d.Log.Silent = true
	d.user(b, account.Draft{Username: "ann"})
	_, token := d.token(b, "ann", nil)
	b.Run("exchange", func(b *testing.B) {
		send := d.post(b, "/oauth/token", exchangeOf(token).Encode(), "")
		if w := send(); w.status != http.StatusOK {
			b.Fatalf("got %d", w.status)
		}
		b.ReportAllocs()
		for b.Loop() {
			send()
		}
	})
	b.Run("signature", func(b *testing.B) {
		s, err := jose.GenerateSigner(jose.ES256, rand.Reader)
		check(b, err)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Sign(rand.Reader, jose.Header{KeyID: "0123456789012345678901", Type: "at+jwt"}, []byte(`{"iss":"a"}`)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestMemoryIsBounded: however many tokens are tried, good ones among them or none, no memory is taken for good.
func TestMemoryIsBounded(t *testing.T) {
	d := newEdge(t)
	d.Log.Silent = true
	d.user(t, account.Draft{Username: "ann"})
	_, text := d.client(t, "gate", "admin")
	tries, access := 50_000, 2_000
	if os.Getenv("JETON_TEST_LONG") != "" {
		tries, access = 1_000_000, 100_000
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	try := func(token string) {
		d.post(t, "/oauth/introspect", formOf("token", token).Encode(), "gate:"+text)()
	}
	_, token := d.token(t, "ann", nil)
	try(token)
	before := heap()
	for i := range tries {
		try("eyJhbGciOiJSUzI1NiIsImtpZCI6Ik" + strconv.Itoa(i) + "In0.e30.c2ln")
		if i%100 == 0 {
			unknown, err := secret.Make(secret.Personal, rand.Reader)
			check(t, err)
			try(unknown.Reveal())
		}
		if i%10_000 == 0 {
			d.Refusals.Drain(d.Now()) // as app does each second
		}
	}
	grown := heap() - before
	t.Logf("%d tokens that aren't good: the heap grew by %d kB", tries, grown/1000)
	if grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	before = heap()
	for range access {
		try(d.exchange(t, token).AccessToken)
	}
	t.Logf("%d good ones: the heap grew by %d kB", access, (heap()-before)/1000)
}
