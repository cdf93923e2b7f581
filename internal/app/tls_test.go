package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

// certificate is one on the disk, for 127.0.0.1, signed by its own key.
type certificate struct{ cert, key string }

// renew puts a new certificate, which ends at a time, in the place of what is there.
func (c certificate) renew(t *testing.T, name string, ends time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, c.key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
}

func (c certificate) flags(more ...string) []string {
	return append([]string{"--tls-cert", c.cert, "--tls-key", c.key}, more...)
}

// farOff is when the certificates of these tests end.
var farOff = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)

func newCertificate(t *testing.T, ends time.Time) certificate {
	t.Helper()
	dir := t.TempDir()
	c := certificate{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	c.renew(t, "one", ends)
	return c
}

// answer is what came of a GET, and the name of the certificate that was shown.
type answer struct {
	status, protoMajor int
	header             http.Header
	shown              string
}

// ask sends a GET that trusts the certificate that is on the disk now, and no other.
func (c certificate) ask(t *testing.T, url string) (answer, error) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(read(t, c.cert))) {
		t.Fatal("the certificate was not taken")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, protoMajor: res.ProtoMajor, header: res.Header}
	if res.TLS != nil {
		a.shown = res.TLS.PeerCertificates[0].Subject.CommonName
	}
	_, err = io.Copy(io.Discard, res.Body)
	return a, err
}

const transportSecurity = "Strict-Transport-Security"

// TestTLS starts with a certificate, and once without: what browsers are told of TLS depends on the public URL.
func TestTLS(t *testing.T) {
	c := newCertificate(t, farOff)
	i := run(t, configure(t, t.TempDir(), c.flags()...))
	url := "https://" + i.addresses.Public.String()
	a, err := c.ask(t, url+"/v1/me")
	if err != nil || a.status != http.StatusUnauthorized || a.protoMajor != 2 || a.header.Get(transportSecurity) != "max-age=31536000" ||
		a.header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
		t.Fatalf("over TLS: got %+v, %v, want 401 by HTTP/2 with the fields for browsers", a, err)
	}
	if !strings.Contains(i.stdout.String(), url) {
		t.Errorf("the first start doesn't name %s: %s", url, i.stdout)
	}
	if status, body := get(t, i.addresses.Public, "/v1/me", nil); status != 400 || !strings.Contains(body, "HTTPS server") {
		t.Errorf("plain http at the port of TLS: got %d %s, want 400", status, body)
	}
	// The gateway is on loopback, and health is never under TLS.
	if status, _ := get(t, i.addresses.Gateway, "/auth-request", nil); status != 403 {
		t.Errorf("the gateway over plain http: got %d, want 403", status)
	}
	_, metrics := get(t, i.addresses.Admin, "/metrics", nil)
	if want := fmt.Sprintf("jeton_tls_certificate_not_after_seconds %v\n", float64(farOff.Unix())); !strings.Contains(metrics, want) {
		t.Errorf("the metrics lack %s", want)
	}

	plain := run(t, configure(t, t.TempDir()))
	a, err = c.ask(t, "http://"+plain.addresses.Public.String()+"/v1/me")
	if err != nil || a.status != http.StatusUnauthorized || a.header[transportSecurity] != nil || a.header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
		t.Errorf("over http: got %+v, %v, want 401 without a word of TLS", a, err)
	}
	if _, metrics := get(t, plain.addresses.Admin, "/metrics", nil); strings.Contains(metrics, "jeton_tls") {
		t.Error("the metrics tell of a certificate that isn't there")
	}

	behind := run(t, configure(t, t.TempDir(), "--listen=:0", "--plain-http=public", "--public-url=https://tokens.example.com"))
	_, port, err := net.SplitHostPort(behind.addresses.Public.String())
	if err != nil {
		t.Fatal(err)
	}
	a, err = c.ask(t, "http://127.0.0.1:"+port+"/nowhere")
	if err != nil || a.status != http.StatusNotFound || a.header.Get(transportSecurity) == "" {
		t.Errorf("behind a proxy that ends TLS: got %+v, %v, want 404 with the word of TLS", a, err)
	}
}

// TestGatewayTLS has the gateway's listener open to the network, under the certificate and, where told, in the clear.
func TestGatewayTLS(t *testing.T) {
	c := newCertificate(t, farOff)
	for scheme, flags := range map[string][]string{"https": nil, "http": {"--plain-http=gateway"}} {
		i := run(t, configure(t, t.TempDir(), c.flags(append(flags, "--gateway-listen=:0")...)...))
		_, port, err := net.SplitHostPort(i.addresses.Gateway.String())
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.ask(t, scheme+"://127.0.0.1:"+port+"/auth-request")
		if err != nil || a.status != http.StatusForbidden || a.header[transportSecurity] != nil {
			t.Errorf("%s: got %+v, %v, want 403", scheme, a, err)
		}
	}
}

// TestCertificateReload renews a certificate under a running server, once badly.
func TestCertificateReload(t *testing.T) {
	c := newCertificate(t, farOff)
	i := run(t, configure(t, t.TempDir(), c.flags()...))
	url := "https://" + i.addresses.Public.String() + "/v1/me"
	hangup := func() {
		i.hangup <- syscall.SIGHUP
		i.hangup <- syscall.SIGHUP // received only after the first was done with
	}
	c.renew(t, "two", farOff.AddDate(1, 0, 0))
	if a, err := c.ask(t, url); err == nil {
		t.Errorf("before the reload: got %q, want one that isn't trusted any more", a.shown)
	}
	hangup()
	if a, err := c.ask(t, url); err != nil || a.shown != "two" {
		t.Errorf("after the reload: got %q, %v, want the new one", a.shown, err)
	}
	write(t, c.key, "no key")
	hangup()
	if a, err := c.ask(t, url); err != nil || a.shown != "two" {
		t.Errorf("after a faulty reload: got %q, %v, want the former", a.shown, err)
	}
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	log := i.stderr.String()
	for _, want := range []string{
		`"level":"INFO","msg":"reloaded the TLS certificate","ends":"2121-01-01T00:00:00Z"`,
		`"level":"ERROR","msg":"the TLS certificate was not reloaded; the former stays in use","error":"taking the TLS certificate`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

// TestCertificateWatch renews a certificate, half of it first, and tells nobody.
func TestCertificateWatch(t *testing.T) {
	c := newCertificate(t, farOff)
	cfg := configure(t, t.TempDir(), c.flags()...)
	synctest.Test(t, func(t *testing.T) {
		var log output
		stop, err := app.Maintain(t.Context(), app.Options{Config: cfg}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		key := read(t, c.key)
		for _, step := range []struct {
			does     func()
			ok, fail int // lines of either kind so far
		}{
			{func() {}, 0, 0},
			{func() { c.renew(t, "two", farOff); write(t, c.key, key) }, 0, 1},
			{func() {}, 0, 1},
			{func() { c.renew(t, "three", farOff) }, 1, 1},
			{func() {}, 1, 1},
		} {
			step.does()
			time.Sleep(time.Minute)
			synctest.Wait()
			ok, fail := strings.Count(log.String(), "reloaded the TLS certificate"), strings.Count(log.String(), "was not reloaded")
			if ok != step.ok || fail != step.fail {
				t.Errorf("got %d reloads and %d faults, want %d and %d:\n%s", ok, fail, step.ok, step.fail, log.String())
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestCertificateOutOfTime starts with a certificate whose time isn't now: the operator hears of it.
func TestCertificateOutOfTime(t *testing.T) {
	c := newCertificate(t, farOff)
	for _, tt := range []struct {
		name string
		now  time.Time
		want string // empty for no warning
	}{
		{"before it begins", time.Date(2019, 12, 31, 23, 59, 59, 0, time.UTC), "hasn't begun"},
		{"when it begins", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{"when it ends", farOff, ""},
		{"after it ended", farOff.Add(time.Second), "has ended"},
	} {
		i := run(t, configure(t, t.TempDir(), c.flags()...), func(o *app.Options) { o.Now = func() time.Time { return tt.now } })
		if err := i.stop(); err != nil {
			t.Fatal(err)
		}
		log := i.stderr.String()
		if strings.Contains(log, "TLS") != (tt.want != "") || !strings.Contains(log, tt.want) {
			t.Errorf("%s: got %s, want a warning %q", tt.name, log, tt.want)
		}
		checkWarning(t, configure(t, t.TempDir(), c.flags()...), tt.now, tt.want)
	}
}

// checkWarning compares what config check warns of.
func checkWarning(t *testing.T, cfg config.Config, now time.Time, want string) {
	t.Helper()
	if err := app.Check(&cfg, now); err != nil {
		t.Errorf("got %v, want it taken", err)
	}
	if got := strings.Join(cfg.Warnings, "; "); (got != "") != (want != "") || !strings.Contains(got, want) {
		t.Errorf("at %s: got the warning %q, want %q", now, got, want)
	}
}

// TestCertificateOfAnotherName: clients know Jeton by the public URL, and must find its name in the certificate.
func TestCertificateOfAnotherName(t *testing.T) {
	c := newCertificate(t, farOff)
	for url, want := range map[string]string{
		"https://127.0.0.1": "", "https://127.0.0.1:8443": "", "https://127.0.0.2": "for another name than 127.0.0.2",
		"https://tokens.example.com": "for another name than tokens.example.com",
	} {
		checkWarning(t, configure(t, t.TempDir(), append(c.flags(), "--public-url="+url)...), farOff, want)
	}
}

// TestFaultyCertificate refuses to start, and config check says the same.
func TestFaultyCertificate(t *testing.T) {
	c := newCertificate(t, farOff)
	cfg := configure(t, t.TempDir(), c.flags()...)
	if err := app.Check(&cfg, time.Now()); err != nil {
		t.Errorf("got %v, want it taken", err)
	}
	other := newCertificate(t, farOff)
	cfg.TLSKey = other.key
	for name, err := range map[string]error{"serve": app.Run(t.Context(), app.Options{Config: cfg}), "config check": app.Check(&cfg, time.Now())} {
		if got := fmt.Sprint(err); !strings.Contains(got, "does not match") || !strings.Contains(got, "--tls-cert") || !strings.Contains(got, other.key) {
			t.Errorf("%s: got %s, want the fault and the file", name, got)
		}
	}
}

// TestFaultyUpstreamCA has config check find what serve would end with: a file that isn't there, and one without a certificate.
func TestFaultyUpstreamCA(t *testing.T) {
	c := newCertificate(t, farOff)
	proxied := func(file string) config.Config {
		return configure(t, t.TempDir(), "--proxy-listen=127.0.0.1:0", "--upstream-ca="+file)
	}
	cfg := proxied(c.cert)
	if err := app.Check(&cfg, time.Now()); err != nil {
		t.Errorf("got %v, want it taken", err)
	}
	for file, want := range map[string]string{c.cert + "x": "no such file", c.key: "holds no certificate"} {
		cfg := proxied(file)
		for name, err := range map[string]error{"serve": app.Run(t.Context(), app.Options{Config: cfg}), "config check": app.Check(&cfg, time.Now())} {
			if got := fmt.Sprint(err); !strings.Contains(got, "upstream-ca: ") || !strings.Contains(got, file) || !strings.Contains(got, want) {
				t.Errorf("%s: got %s, want the setting, the file and %q", name, got, want)
			}
		}
	}
}
