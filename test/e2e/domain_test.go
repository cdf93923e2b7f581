package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Where everything is in TestDomain. The ports are the usual ones, so that no right is needed for 443.
const (
	tokensOrigin = "https://tokens.example.com:8080"
	evilHost     = "evil.example.com"
)

// The servers of the API as the READMEs of deploy/ show them, with a certificate.
const (
	nginxOverTLS = `
daemon    off;
pid       run/nginx.pid;
error_log run/error.log notice;
events {}
http {
    client_body_temp_path run/body;
    proxy_temp_path       run/proxy;
    fastcgi_temp_path     run/fastcgi;
    uwsgi_temp_path       run/uwsgi;
    scgi_temp_path        run/scgi;
    include jeton-http.conf;
    server {
        listen              127.0.0.1:8000 ssl;
        server_name         api.example.com;
        ssl_certificate     ../tls.pem;
        ssl_certificate_key ../tls-key.pem;
        access_log          run/access.log jeton;
        error_log           run/error.log emerg;
        set $jeton_host api.example.com;
        include jeton.conf;
        location / {
            proxy_pass http://127.0.0.1:9000;
        }
    }
}
`
	caddyOverTLS = `
import jeton.caddy

# For all of Caddy.
{
	admin off
	auto_https disable_redirects
	log {
		import jeton_log
	}
}

https://api.example.com:8001 {
	bind 127.0.0.1
	tls ../tls.pem ../tls-key.pem
	log {
		import jeton_log
	}
	import jeton api.example.com
	reverse_proxy 127.0.0.1:9000
}
`
)

// newStackOverTLS is Jeton at tokens.example.com and the API at api.example.com, as a company has them: TLS everywhere, and
// a cookie for all below the domain. What the certificate lacks is an authority that browsers know.
func newStackOverTLS(t *testing.T) (*stack, tls.Certificate) {
	t.Helper()
	s := emptyStack(t)
	pair := certify(t, s.dir)
	s.serve = []string{
		"--public-url", tokensOrigin, "--api-cookie-domain", "example.com",
		"--tls-cert", filepath.Join(s.dir, "tls.pem"), "--tls-key", filepath.Join(s.dir, "tls-key.pem"),
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	s.url = tokensOrigin
	s.trust = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:8080")
		},
	}
	s.begin(t)
	s.proxies = []*proxy{s.startNginx(t, nginxOverTLS), s.startCaddy(t, caddyOverTLS)}
	return s, pair
}

// certify makes a certificate for every host below example.com, and writes it into a folder.
func certify(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "example.com"}, DNSNames: []string{"*.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	must(t, os.WriteFile(filepath.Join(dir, "tls.pem"), cert, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "tls-key.pem"), private, 0o600))
	pair, err := tls.X509KeyPair(cert, private)
	must(t, err)
	return pair
}

// neighbour is another host below the same domain, which somebody else has in hand. It keeps the cookies that browsers
// send it.
type neighbour struct {
	origin string
	mu     sync.Mutex
	sent   []string
}

func newNeighbour(t *testing.T, pair tls.Certificate) *neighbour {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	must(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	n := &neighbour{origin: "https://" + evilHost + ":" + port}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.sent = append(n.sent, r.Header["Cookie"]...)
		n.mu.Unlock()
		for _, name := range r.URL.Query()["plant"] {
			w.Header().Add("Set-Cookie", name+"=planted; Domain=example.com; Path=/; Secure")
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>cats</title><p>cats"))
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return n
}

// cookies returns what browsers have sent.
func (n *neighbour) cookies() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.sent, "; ")
}

// TestDomain has a person log in at one host and call the API at another, in the same browser, over TLS; and the owner of a
// third host below the same domain try what he can do with that.
func TestDomain(t *testing.T) {
	s, pair := newStackOverTLS(t)
	p := newBrowser(t, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("host-resolver-rules", "MAP *.example.com 127.0.0.1"))
	p.visit(t, tokensOrigin+"/")
	p.logIn(t, "alice", userPassword)
	cookies := p.cookiesAt(t, tokensOrigin)
	for _, c := range cookies {
		s.secrets = append(s.secrets, c.Value)
	}
	t.Run("cookies", func(t *testing.T) {
		for name, domain := range map[string]string{"__Host-jeton": "tokens.example.com", "jeton_api": ".example.com"} {
			c := cookies[name]
			if c == nil || len(cookies) != 2 {
				t.Fatalf("got cookies %v, want two, %s among them", cookies, name)
			}
			if !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != domain || !c.Session {
				t.Errorf("got the cookie %+v, want one for %s, over TLS, for this visit, Lax, which no script can read", c, domain)
			}
		}
	})
	t.Run("call", func(t *testing.T) {
		for _, proxy := range s.proxies {
			origin := "https://api.example.com" + proxy.address[strings.IndexByte(proxy.address, ':'):]
			p.visit(t, origin+"/reports/7")
			if got := p.text(t); got != "/reports/7 alice" {
				t.Errorf("%s: the browser shows %q, want the API's answer to alice", proxy.name, got)
			}
			if got := p.eval(t, `fetch("/changes/7", {method: "POST", body: "{}"}).then(r => "answered " + r.status)`); got != "answered 200" {
				t.Errorf("%s: the API's own page %s to its change, want 200", proxy.name, got)
			}
			seen := s.api.seen()
			if len(seen) != 2 {
				t.Errorf("%s: the API saw %q, want two calls", proxy.name, seen)
			}
			for _, head := range seen {
				if field(head, "Remote-User") != "alice" || field(head, "Cookie") != "" || field(head, "X-Forwarded-Proto") != "https" {
					t.Errorf("%s: the API saw %q, want alice's call over TLS without her cookie", proxy.name, head)
				}
			}
		}
	})
	t.Run("neighbour", func(t *testing.T) { s.testNeighbour(t, p, newNeighbour(t, pair), cookies) })
	for _, proxy := range s.proxies {
		s.stop(t, proxy.cmd)
	}
	s.stop(t, s.jeton)
	s.searchSecrets(t)
}

// testNeighbour: the neighbour gets the cookie of the APIs, which is why the setting asks for a domain whose hosts are all
// one's own; it is good for reading the API, as the browser that sent it is, and for nothing at Jeton. It can put another in
// its place, and the browser is nobody's then. The console's cookie it neither gets nor replaces.
func (s *stack) testNeighbour(t *testing.T, p *page, n *neighbour, cookies map[string]*network.Cookie) {
	p.visit(t, n.origin)
	if got := n.cookies(); !strings.Contains(got, "jeton_api="+cookies["jeton_api"].Value) || strings.Contains(got, cookies["__Host-jeton"].Value) {
		t.Errorf("the neighbour got the cookies %.40q…, want that of the APIs alone", got)
	}
	for _, name := range []string{"jeton_api", "jeton", "__Host-jeton"} {
		r, err := http.NewRequest(http.MethodGet, tokensOrigin+"/v1/me", nil)
		must(t, err)
		r.AddCookie(&http.Cookie{Name: name, Value: cookies["jeton_api"].Value})
		res, err := s.trust.RoundTrip(r)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("as %s, the cookie of the APIs got %s at /v1, want 401", name, res.Status)
		}
	}
	for _, target := range []struct{ door, address string }{
		{"console", tokensOrigin + "/console/logout"},
		{"gateway", "https://api.example.com:8000/changes/7"},
		{"gateway", "https://api.example.com:8001/changes/7"},
	} {
		for _, a := range attacks()[:5] {
			p.visit(t, n.origin)
			before := s.crossOrigin(t, target.door)
			p.eval(t, strings.ReplaceAll(a.script, "TARGET", target.address))
			within(t, patience, "the audit log to tell of "+a.name+" to "+target.address, func() bool { return s.crossOrigin(t, target.door) > before })
			if seen := s.api.seen(); len(seen) > 0 {
				t.Errorf("%s to %s: the API saw %q, want nothing", a.name, target.address, seen)
			}
		}
	}
	p.visit(t, n.origin+"/?plant=__Host-jeton&plant=jeton&plant=jeton_api")
	p.visit(t, tokensOrigin+"/console/")
	p.find(t, "button", "Log out")
	if got := p.cookiesAt(t, tokensOrigin)["__Host-jeton"]; got == nil || got.Value != cookies["__Host-jeton"].Value {
		t.Error("the neighbour has replaced the console's cookie")
	}
	if got := p.status(t, "https://api.example.com:8001/reports/7"); got != http.StatusUnauthorized {
		t.Errorf("with the planted cookie the API answers %d, want 401", got)
	}
}
