package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jeton-io/jeton/internal/store/postgres"
	"github.com/jeton-io/jeton/test/pg"
)

// issuer is a certificate authority.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate
}

// issue returns a certificate in DER, which is signed by itself where the issuer has none.
func (i issuer) issue(t *testing.T, template *x509.Certificate) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := i.cert, i.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	must(t, err)
	return der, key
}

// newIssuer makes a certificate authority.
func newIssuer(t *testing.T, name string) issuer {
	t.Helper()
	der, key := issuer{}.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	file := filepath.Join(t.TempDir(), name+".pem")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return issuer{cert, key, file}
}

// encrypted starts a server that encrypts its connections, with a certificate for 127.0.0.1.
func encrypted(t *testing.T, by issuer) *pg.Server {
	t.Helper()
	s := pg.Start(t)
	der, key := by.issue(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	info, err := os.Stat(s.Data())
	must(t, err)
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("the data folder has no owner")
	}
	for name, block := range map[string]*pem.Block{"server.crt": {Type: "CERTIFICATE", Bytes: der}, "server.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		path := filepath.Join(s.Data(), name)
		must(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
		must(t, os.Chown(path, int(stat.Uid), int(stat.Gid)))
	}
	_, err = s.SQL("postgres", `ALTER SYSTEM SET ssl = on;
SELECT pg_reload_conf();`)
	must(t, err)
	return s
}

// TestTLS admits the server by the authority that has issued its certificate, and by no other, and under no other name.
func TestTLS(t *testing.T) {
	right, wrong := newIssuer(t, "right"), newIssuer(t, "wrong")
	plain := encrypted(t, right).DSN("postgres")
	with := func(mode string, root issuer) string {
		return strings.Replace(plain, "sslmode=disable", "sslmode="+mode+"&sslrootcert="+root.file, 1)
	}
	for name, test := range map[string]struct {
		dsn  string
		says string // empty where it is admitted
	}{
		"full":                  {with("verify-full", right), ""},
		"full, wrong authority": {with("verify-full", wrong), "unknown authority"},
		"full, another name":    {strings.Replace(with("verify-full", right), "127.0.0.1", "localhost", 1), "localhost"},
		"authority, any name":   {strings.Replace(with("verify-ca", right), "127.0.0.1", "localhost", 1), ""},
		"wrong authority":       {with("verify-ca", wrong), "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := postgres.Open(t.Context(), postgres.Config{DSN: test.dsn, Now: now})
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got error %v, want one that says %q", err, test.says)
				}
				return
			}
			must(t, err)
			defer func() { must(t, s.Close()) }()
			var ssl bool
			must(t, s.Find(t.Context(), scanInto(&ssl, `SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`)))
			if !ssl {
				t.Error("the connection isn't encrypted")
			}
			listens(t, s).hears(t, "its beginning")
		})
	}
}
