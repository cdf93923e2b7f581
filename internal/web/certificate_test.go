package web_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/web"
)

// pems are a certificate for 127.0.0.1, signed by its own key, and that key.
type pems struct{ cert, key []byte }

// certify makes a certificate that carries a name.
func certify(t *testing.T, name string) pems {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pems{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
}

// files are the two files of a certificate.
type files struct{ cert, key string }

func (f files) write(t *testing.T, p pems) {
	t.Helper()
	for path, text := range map[string][]byte{f.cert: p.cert, f.key: p.key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// loadCertificate loads a certificate from files of its own.
func loadCertificate(t *testing.T, p pems) (*web.Certificate, files) {
	t.Helper()
	dir := t.TempDir()
	f := files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	f.write(t, p)
	c, err := web.LoadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

// listenTLS opens a server that speaks TLS.
func listenTLS(t *testing.T, c *web.Certificate) *web.Server {
	t.Helper()
	s, err := web.Listen(t.Context(), web.ServerConfig{
		Name: "public", Address: "127.0.0.1:0", Handler: http.HandlerFunc(echo), Plain: front(echo), Logger: slog.New(slog.DiscardHandler),
		MaxBody: 10, Drain: 10 * time.Second, MaxConnections: 100, TLS: c,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// trusting returns how a client speaks TLS that trusts these certificates alone.
func trusting(t *testing.T, all ...pems) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	for _, p := range all {
		if !roots.AppendCertsFromPEM(p.cert) {
			t.Fatal("a certificate was not taken")
		}
	}
	return &tls.Config{RootCAs: roots}
}

// client returns a client that speaks HTTP/2 where the server does, or HTTP/1.1 alone.
func client(t *testing.T, cfg *tls.Config, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: cfg, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestTLS(t *testing.T) {
	p := certify(t, "one")
	c, _ := loadCertificate(t, p)
	s := listenTLS(t, c)
	start(t, s)
	for _, http2 := range []bool{false, true} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cfg := trusting(t, p)
			cfg.MinVersion, cfg.MaxVersion = version, version
			res, err := client(t, cfg, http2).Post("https://"+s.Addr().String(), "", strings.NewReader("0123456789"))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK || string(body) != "10" || err != nil || (res.ProtoMajor == 2) != http2 || res.TLS.Version != version {
				t.Errorf("HTTP/2 %t, %s: got %d %q, %v by %s and %s", http2, tls.VersionName(version), res.StatusCode, body, err, res.Proto, tls.VersionName(res.TLS.Version))
			}
		}
		old := trusting(t, p)
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		res, err := client(t, old, http2).Get("https://" + s.Addr().String())
		if err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("HTTP/2 %t, TLS 1.1: got %v, %v, want the version refused", http2, res, err)
		}
		if err == nil {
			_ = res.Body.Close()
		}
	}
	// What a client offers by hand, each of a list: the server's choice.
	for offer, want := range map[string]string{"h2 http/1.1": "h2", "http/1.1": "http/1.1", "": ""} {
		cfg := trusting(t, p)
		cfg.NextProtos = strings.Fields(offer)
		conn, err := tls.Dial("tcp", s.Addr().String(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != want {
			t.Errorf("offered %q: got %q, want %q", offer, got, want)
		}
		_ = conn.Close()
	}
	if got, body := ask(t, dial(t, s), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); got != 400 || !strings.Contains(body, "HTTPS server") {
		t.Errorf("plain http: got %d %s, want 400", got, body)
	}
}

// TestHTTP2Limits sends over HTTP/2 what is too long. How a header is refused is a matter of which side sees it first: a
// client that has heard of the limit sends nothing, and one far too long ends its connection, since HPACK's tables are
// then no longer the same on both sides.
func TestHTTP2Limits(t *testing.T) {
	p := certify(t, "one")
	c, _ := loadCertificate(t, p)
	s := listenTLS(t, c)
	start(t, s)
	const refused = http.StatusRequestHeaderFieldsTooLarge
	for _, tt := range []struct{ header, body, want int }{
		{100, 10, 200}, {100, 11, 413}, {27 << 10, 10, 200}, {28 << 10, 10, refused}, {33 << 10, 10, refused},
	} {
		req, err := http.NewRequest(http.MethodPost, "https://"+s.Addr().String(), strings.NewReader(strings.Repeat("x", tt.body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X", strings.Repeat("x", tt.header))
		res, err := client(t, trusting(t, p), true).Do(req)
		if err != nil {
			if tt.want != refused {
				t.Errorf("a header of %d and a body of %d: got %v, want %d", tt.header, tt.body, err, tt.want)
			}
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.want || res.ProtoMajor != 2 {
			t.Errorf("a header of %d and a body of %d: got %d by %s, want %d", tt.header, tt.body, res.StatusCode, res.Proto, tt.want)
		}
	}
}

// TestSilentClient connects and never begins the handshake: its connection is wanted for others.
func TestSilentClient(t *testing.T) {
	p := certify(t, "one")
	c, _ := loadCertificate(t, p)
	bubbleOf(t, func(t *testing.T) *web.Server { return listenTLS(t, c) }, func(t *testing.T, _ *web.Server, p *pipes) {
		conn, began := dialPipe(t, p), time.Now()
		answer, err := io.ReadAll(conn)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("got %q, %v after %v, want the connection closed after 5s", answer, err, took)
		}
	})
}

// served returns the name of the certificate that a new connection is shown.
func served(t *testing.T, s *web.Server, trusted *tls.Config) string {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addr().String(), trusted)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestReload(t *testing.T) {
	one, two := certify(t, "one"), certify(t, "two")
	c, f := loadCertificate(t, one)
	s := listenTLS(t, c)
	start(t, s)
	trusted := trusting(t, one, two)
	before, err := tls.Dial("tcp", s.Addr().String(), trusted)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = before.Close() }()
	f.write(t, two)
	if got := served(t, s, trusted); got != "one" {
		t.Errorf("before the reload: got %q, want the former", got)
	}
	if err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := served(t, s, trusted); got != "two" {
		t.Errorf("after the reload: got %q, want the new one", got)
	}
	// Who was there before goes on.
	if _, err := io.WriteString(before, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(before), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the connection of before: got %v, %v", res, err)
	}
	_ = res.Body.Close()
}

// TestFaultyPair gives what can't be served: at the start it is an error, later the former stays in use.
func TestFaultyPair(t *testing.T) {
	one, two := certify(t, "one"), certify(t, "two")
	both := append(bytes.Clone(one.cert), two.cert...)
	for _, tt := range []struct {
		name string
		pems pems
		want string // empty where it is taken
	}{
		{"another's key", pems{two.cert, one.key}, "does not match"},
		{"another's certificate first", pems{append(bytes.Clone(two.cert), one.cert...), one.key}, "does not match"},
		{"another's certificate behind", pems{both, one.key}, ""},
		{"the two in one file", pems{append(bytes.Clone(one.cert), one.key...), append(bytes.Clone(one.key), one.cert...)}, ""},
		{"the two swapped", pems{one.key, one.cert}, "may have been switched"},
		{"no certificate", pems{nil, one.key}, "failed to find any PEM data"},
		{"no key", pems{one.cert, nil}, "failed to find any PEM data"},
		{"a certificate cut short", pems{one.cert[:len(one.cert)-5], one.key}, "failed to find any PEM data"},
		{"a key cut short", pems{one.cert, one.key[:len(one.key)-5]}, "failed to find any PEM data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, f := loadCertificate(t, two)
			s := listenTLS(t, c)
			start(t, s)
			f.write(t, tt.pems)
			_, err := web.LoadCertificate(f.cert, f.key)
			for when, err := range map[string]error{"start": err, "reload": c.Reload()} {
				if (err == nil) != (tt.want == "") || err != nil && !(strings.Contains(err.Error(), tt.want) && strings.Contains(err.Error(), f.cert)) {
					t.Errorf("%s: got %v, want %q and the file", when, err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), string(one.key[60:80])) {
					t.Errorf("%s: the error shows the key: %v", when, err)
				}
			}
			want := "two"
			if tt.want == "" {
				want = "one"
			}
			if got := served(t, s, trusting(t, one, two)); got != want {
				t.Errorf("got %q in use, want %q", got, want)
			}
		})
	}
}

func TestMissingFiles(t *testing.T) {
	one := certify(t, "one")
	c, f := loadCertificate(t, one)
	for _, gone := range []string{f.key, f.cert} { // the second time, both
		if err := os.Remove(gone); err != nil {
			t.Fatal(err)
		}
		_, err := web.LoadCertificate(f.cert, f.key)
		for when, err := range map[string]error{"start": err, "reload": c.Reload()} {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), f.key) || strings.Contains(err.Error(), "\n") ||
				strings.Contains(err.Error(), f.cert) != (gone == f.cert) {
				t.Errorf("%s without %s: got %v, want one line that names what is missing", when, gone, err)
			}
		}
	}
	if got := c.NotAfter(); got.Year() != 2120 {
		t.Errorf("got an end at %s, want that of the former", got)
	}
}

// TestRefresh looks at the files again and again, as a running server does.
func TestRefresh(t *testing.T) {
	one, two := certify(t, "one"), certify(t, "two")
	c, f := loadCertificate(t, one)
	s := listenTLS(t, c)
	start(t, s)
	trusted := trusting(t, one, two)
	for _, step := range []struct {
		name    string
		does    func()
		changed bool
		faulty  bool
		want    string
	}{
		{"nothing", func() {}, false, false, "one"},
		{"the same, written anew", func() { f.write(t, one) }, false, false, "one"},
		{"a renewal half done", func() { f.write(t, pems{two.cert, one.key}) }, true, true, "one"},
		{"the same fault", func() {}, false, false, "one"},
		{"the renewal done", func() { f.write(t, two) }, true, false, "two"},
		{"nothing after it", func() {}, false, false, "two"},
		{"a file that has gone", func() { _ = os.Remove(f.key) }, true, true, "two"},
		{"is still gone", func() {}, false, false, "two"},
		{"back where it was", func() { f.write(t, one) }, true, false, "one"},
		{"a new one, reloaded before", func() { f.write(t, two); _ = c.Reload() }, false, false, "two"},
	} {
		step.does()
		changed, err := c.Refresh()
		if changed != step.changed || (err != nil) != step.faulty {
			t.Errorf("%s: got %t, %v, want %t, faulty %t", step.name, changed, err, step.changed, step.faulty)
		}
		if got := served(t, s, trusted); got != step.want {
			t.Errorf("%s: got %q in use, want %q", step.name, got, step.want)
		}
	}
}
