// Package postbox is a mail server on loopback that keeps what it gets, for tests of who sends mail: a real one, by another's
// implementation of SMTP, with STARTTLS or TLS under a certificate of its own, and with a log-in where that is wanted. It can be told to
// fail.
package postbox

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Letter is a letter that has come.
type Letter struct {
	From, To string // of the envelope
	Header   netmail.Header
	Subject  string // in the clear
	Body     string // in the clear, with \n
	TLS      bool
	User     string // who had logged in
}

// Options are what a box offers.
type Options struct {
	TLS            bool   // STARTTLS
	Implicit       bool   // TLS from the start
	User, Password string // what a log-in takes; none where empty
}

// Box is the server.
type Box struct {
	Letters chan Letter // as they come; has room for a hundred
	Roots   *x509.CertPool
	Port    int
	// Fail, where set, is the answer to the next recipients.
	Fail atomic.Pointer[smtp.SMTPError]
	// Vanish has the connection end within the text of the next letters.
	Vanish atomic.Bool
	// LogIns counts who began to log in, rightly or not.
	LogIns atomic.Int64

	options Options
	server  *smtp.Server
}

// New returns a box that is closed at the end of the test.
func New(tb testing.TB, o Options) *Box {
	tb.Helper()
	b := &Box{Letters: make(chan Letter, 100), options: o}
	b.server = smtp.NewServer(b)
	b.server.Domain, b.server.AllowInsecureAuth = "127.0.0.1", true
	b.server.ErrorLog = quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		tb.Fatal("no address of TCP")
	}
	b.Port = address.Port
	if o.TLS || o.Implicit {
		config := b.certify(tb)
		if b.server.TLSConfig = config; o.Implicit {
			l = tls.NewListener(l, config)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = b.server.Serve(l) }()
	tb.Cleanup(func() { _ = b.server.Close(); <-done })
	return b
}

// Next returns the next letter.
func (b *Box) Next(tb testing.TB) Letter {
	tb.Helper()
	select {
	case l := <-b.Letters:
		return l
	case <-time.After(time.Minute):
	}
	tb.Fatal("no letter came")
	return Letter{}
}

// quiet drops what the server says of its clients.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// certify makes a certificate for loopback, and the roots that it rests on.
func (b *Box) certify(tb testing.TB) *tls.Config {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "postbox"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	b.Roots = x509.NewCertPool()
	b.Roots.AddCert(root)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// NewSession implements smtp.Backend.
func (b *Box) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{box: b, conn: c}, nil }

// session is one connection.
type session struct {
	box  *Box
	conn *smtp.Conn
	l    Letter
	user string
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if s.box.options.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	s.box.LogIns.Add(1)
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.box.options.User || password != s.box.options.Password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.box.options.User != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.l = Letter{From: from, User: s.user}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if fail := s.box.Fail.Load(); fail != nil {
		return fail
	}
	s.l.To = strings.TrimPrefix(s.l.To+" "+to, " ")
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	if s.box.Vanish.Load() {
		_ = s.conn.Conn().Close()
		return errors.New("gone")
	}
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}
	body := m.Body
	if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	s.l.Header, s.l.Body = m.Header, string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	if s.l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	_, s.l.TLS = s.conn.TLSConnectionState()
	s.box.Letters <- s.l
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.l = Letter{} }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
