// Package jetontest runs a Jeton in the test's own process, for the tests of programs that use Jeton.
//
//	j := jetontest.New(t)
//	j.User("alice", "partner")
//	j.Service("reports", "api.example.com", "GET /reports/{id} role:partner")
//	handler := j.Verifier("reports").Middleware(client.MiddlewareConfig{Host: "api.example.com"})(api)
//	request.Header.Set("Authorization", "Bearer "+j.Token("alice").Reveal())
//
// It is the real one and no stand-in: the code of "jeton serve" with its own listeners on loopback, on free ports, its own database in
// the test's folder, and every check that it makes elsewhere. So what passes a test passes outside, and what Jeton refuses is refused.
// It has a clock of its own, which goes on by itself and is moved by Advance: a test needn't wait for a token's end.
//
// Whatever goes wrong in making something ends the test. The package is for tests alone: it asks for a testing.TB, its passwords are
// the test's, and it speaks plain HTTP on loopback.
package jetontest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/jeton-io/jeton/client"
	"github.com/jeton-io/jeton/internal/app"
	"github.com/jeton-io/jeton/internal/config"
)

// Password is that of every user whom a Server makes, and of its administrator, admin.
const Password = "correct horse battery staple"

// Server is a Jeton of a test. Make one with New.
type Server struct {
	// URL is the base URL: of the console, of /v1 and of OAuth's endpoints.
	URL string
	// GatewayURL is that of the listener that proxies ask: /auth-request and /forward-auth.
	GatewayURL string
	// Admin asks as the administrator.
	Admin *client.Client

	tb       testing.TB
	settings []string
	cfg      config.Config
	offset   atomic.Int64 // of the clock to the machine's, in nanoseconds
	log      buffer
	made     int    // verifiers
	stop     func() // nil where it doesn't run
}

// New starts a Jeton, which ends with the test. Settings are written as "jeton serve" finds them in its environment, such as
// "JETON_SMTP_URL=smtp://127.0.0.1:2525"; a test needs none. A JETON_PUBLIC_URL becomes the URL of the Server, and needs a JETON_LISTEN
// beside it that names a port. The administrator's password stays Password.
func New(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s := &Server{tb: tb, settings: settings}
	const free = "127.0.0.1:0"
	s.configure(free, free)
	s.Start()
	tb.Cleanup(s.Stop)
	var err error
	s.Admin, err = client.New(client.Config{BaseURL: s.URL, Username: "admin", Password: Password})
	s.check(err, "asking as administrator")
	token, err := s.Admin.RotatePersonalToken(tb.Context()) // a password takes its time, each first time
	s.check(err, "making the administrator's token")
	s.Admin = s.Client(client.Secret(token.Token))
	return s
}

// configure has the listeners be at addresses. The environment of the test is none of the server's.
func (s *Server) configure(public, gateway string) {
	flags := pflag.NewFlagSet("jetontest", pflag.ContinueOnError)
	config.Flags(flags)
	folder := filepath.Join(s.tb.TempDir(), "jeton")
	if s.cfg.Data != "" {
		folder = s.cfg.Data
	}
	var err error
	s.cfg, err = config.Load(flags, slices.Concat([]string{
		"JETON_LISTEN=" + public, "JETON_GATEWAY_LISTEN=" + gateway, "JETON_ADMIN_LISTEN=127.0.0.1:0", "JETON_DATA=" + folder,
		"JETON_DRAIN=1s", "JETON_LOG_FORMAT=json",
	}, s.settings, []string{"JETON_ADMIN_PASSWORD=" + Password})) // of two, the later one counts
	s.check(err, "configuring")
}

// Start starts the server again that Stop has stopped, with the same data at the same addresses.
func (s *Server) Start() {
	s.tb.Helper()
	if s.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan app.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{
			Config: s.cfg, Stderr: &s.log, Now: s.Now, Started: func(a app.Addresses) { started <- a },
		})
	}()
	select {
	case a := <-started:
		s.URL, s.GatewayURL = cmp.Or(s.cfg.PublicURL, url(a.Public)), url(a.Gateway)
		s.configure(a.Public.String(), a.Gateway.String())
	case err := <-ended:
		cancel()
		s.check(fmt.Errorf("%w\n%s", err, s.log.String()), "starting")
	}
	s.stop = func() {
		cancel()
		// What is under way at a test's end is cut off, and no fault of the test's.
		if err := <-ended; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			s.tb.Errorf("stopping the Jeton of the test: %v", err)
		}
	}
}

// Stop stops the server before the end of the test: for what a program does without it. Calls under way have a second to end.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

func url(a net.Addr) string { return "http://" + a.String() }

// Now is the server's clock, for whatever else in the test tells time.
func (s *Server) Now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

// Advance moves the clock.
func (s *Server) Advance(by time.Duration) { s.offset.Add(int64(by)) }

// Log returns what the server has logged, for a test that fails.
func (s *Server) Log() string { return s.log.String() }

// check ends the test where something went wrong that isn't the matter of the test.
func (s *Server) check(err error, doing string) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatalf("jetontest: %s: %v", doing, err)
	}
}

// buffer is a bytes.Buffer that several goroutines may use.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns all that was written.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
