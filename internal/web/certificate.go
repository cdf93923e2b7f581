package web

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Certificate is a certificate and its key, of files that are read anew while the server runs: a certificate of today
// lasts for weeks, and no renewal may cost a restart. Make one with LoadCertificate.
//
// What can't be used never takes the place of what is in use: a renewal writes two files, one after the other, and who
// reads between the two finds a certificate and another one's key.
type Certificate struct {
	certFile, keyFile string
	inUse             atomic.Pointer[tls.Certificate]
	mu                sync.Mutex        // of what follows: one reading at a time
	last              [sha256.Size]byte // what was read last, whether it could be used or not
}

// LoadCertificate reads a certificate, with those between it and its root behind it, and its key, each from a PEM file.
// The error names what can't be read, isn't a certificate or a key, or doesn't fit the other. Whether the certificate
// has ended is not looked at: that is for the operator to hear, and for clients to refuse.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: filepath.Clean(certFile), keyFile: filepath.Clean(keyFile)}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload reads the files anew. New connections get the new certificate, those that are open keep theirs. On an error
// the former stays in use.
func (c *Certificate) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.use(c.read())
}

// Refresh does what Reload does if the files aren't what they were when they were last read, and reports whether it did
// so. A fault that stays as it is is told of once. It looks at the content: a file's time says little where a link is
// turned to another, or a copy keeps the time of its original.
func (c *Certificate) Refresh() (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.read()
	if found.sum == c.last {
		return false, nil
	}
	return true, c.use(found)
}

// pair is what one reading of the files has found.
type pair struct {
	cert, key []byte
	err       error
	sum       [sha256.Size]byte // of all that
}

func (c *Certificate) read() pair {
	var p pair
	var keyErr error
	p.cert, p.err = os.ReadFile(c.certFile)
	p.key, keyErr = os.ReadFile(c.keyFile)
	if p.err != nil && keyErr != nil {
		p.err = fmt.Errorf("%w; %w", p.err, keyErr)
	} else if keyErr != nil {
		p.err = keyErr
	}
	certSum, keySum := sha256.Sum256(p.cert), sha256.Sum256(p.key)
	p.sum = sha256.Sum256(fmt.Appendf(nil, "%x %x %v", certSum, keySum, p.err))
	return p
}

func (c *Certificate) use(p pair) error {
	c.last = p.sum
	if p.err != nil {
		return fmt.Errorf("reading the TLS certificate: %w", p.err)
	}
	fresh, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("taking the TLS certificate of %s and the key of %s: %w", c.certFile, c.keyFile, err)
	}
	c.inUse.Store(&fresh)
	return nil
}

// NotBefore returns when the certificate in use begins.
func (c *Certificate) NotBefore() time.Time { return c.inUse.Load().Leaf.NotBefore }

// NotAfter returns when the certificate in use ends.
func (c *Certificate) NotAfter() time.Time { return c.inUse.Load().Leaf.NotAfter }

// VerifyHostname returns nil where the certificate in use is for a host, and else an error.
func (c *Certificate) VerifyHostname(host string) error {
	return c.inUse.Load().Leaf.VerifyHostname(host)
}

// ServerConfig returns how a server speaks TLS with it. RFC 9325, section 3.1.1, forbids what is older than TLS 1.2; ciphers
// and groups are crypto/tls's own, which keeps them up to date. One certificate serves whatever name a client asks for:
// a listener is known by one public URL.
func (c *Certificate) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.inUse.Load(), nil },
	}
}
