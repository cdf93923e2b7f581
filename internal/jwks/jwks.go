// Package jwks reads the JWK Sets (RFC 7517 section 5) that others publish: the one reason for which Jeton calls somebody
// else.
//
//	Keys(uri, kid) ─▶ memory, for five minutes ─▶ one GET at a time for each address
//	                     │ a kid that isn't there: anew, twice a minute at most
//
// An address is an administrator's to give, never a token's: nothing is ever fetched for "jku" or "x5u". It refuses
// addresses that aren't https (but on the machine itself), redirects, and answers above 64 KiB or after five seconds. How
// often it calls is for the clock to say, and not for who presents tokens.
//
// It doesn't defend the network from an administrator, who may name an address within it: what is read there has to be a
// JWK Set, and nothing of it is shown to anybody. Whoever has the publisher's name (DNS) and a certificate for it speaks for
// the client or platform whose keys these are.
package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/jeton-io/jeton/internal/jose"
)

const (
	maxSet     = 64 << 10        // bytes of an answer
	maxHeader  = 16 << 10        // bytes of its header
	maxAddress = 2048            // bytes of a URL
	patience   = 5 * time.Second // for the whole of an answer
	// kept is how long a set is good without being read anew: so long, at most, a key counts that its owner has withdrawn.
	kept = 5 * time.Minute
	// pause is how long a set isn't read again, whether the last reading failed or lacked a kid that somebody made up.
	pause = 30 * time.Second
	// maxSets bounds the sets in memory, of which a client or a platform has five at most.
	maxSets = 10_000
)

// Config is what Sets need.
type Config struct {
	Now func() time.Time // required
	// Roots are the certificate authorities that are believed; nil means the system's.
	Roots *x509.CertPool
}

// Sets reads sets and keeps them in memory. It is safe for concurrent use. Make one with New.
type Sets struct {
	now    func() time.Time
	client *http.Client
	flight singleflight.Group

	mu    sync.Mutex
	known map[string]reading // by address
}

// reading is what came of reading a set.
type reading struct {
	keys   []jose.IdentifiedKey // of the last reading that didn't fail
	read   time.Time            // when that was
	tried  time.Time            // when the last was
	failed error                // what came of it
}

// New returns Sets, or an error where the configuration lacks something.
func New(cfg Config) (*Sets, error) {
	if cfg.Now == nil {
		return nil, errors.New("jwks: Now is required")
	}
	return &Sets{now: cfg.Now, known: make(map[string]reading), client: &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots},
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // a call every five minutes needs no connection between
			DisableCompression:     true, // its bound counts what is sent
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Check returns what is wrong with the address of a set, without reading it: for whoever gave it, and without repeating it.
func (s *Sets) Check(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxAddress || u.Host == "" || u.Hostname() == "":
		return errors.New("is no URL")
	case u.User != nil || strings.Contains(uri, "#"):
		return errors.New("has a user or a fragment")
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return errors.New("doesn't begin with https://")
	}
}

// isLoopback reports whether a host is the machine itself, to which no TLS is needed.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Keys returns the keys that the set at an address holds. The error is that of reading it, and the context's where that
// takes longer than its caller can wait: the reading goes on for the next.
func (s *Sets) Keys(ctx context.Context, uri, kid string) ([]jose.IdentifiedKey, error) {
	if err := s.Check(uri); err != nil {
		return nil, err
	}
	if r := s.recall(uri); !r.stale(kid, s.now()) {
		return r.answer(s.now())
	}
	// Without the caller's context: it isn't the only one to wait, and may be the first to leave.
	done := s.flight.DoChan(uri, func() (any, error) { return s.renew(context.WithoutCancel(ctx), uri, kid), nil })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a JWK Set: %w", ctx.Err())
	case result := <-done:
		r, _ := result.Val.(reading) // nothing else is returned
		return r.answer(s.now())
	}
}

// stale reports whether a set is to be read, for whoever looks for a kid.
func (r *reading) stale(kid string, now time.Time) bool {
	switch {
	case now.Sub(r.tried) < pause:
		return false
	case r.failed != nil || now.Sub(r.read) >= kept:
		return true
	default:
		return kid != "" && !slices.ContainsFunc(r.keys, func(k jose.IdentifiedKey) bool { return k.ID == kid })
	}
}

// answer returns the keys where they are known to be good still, however the last reading went.
func (r *reading) answer(now time.Time) ([]jose.IdentifiedKey, error) {
	if now.Sub(r.read) < kept {
		return r.keys, nil
	}
	return nil, r.failed
}

func (s *Sets) recall(uri string) reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[uri]
}

// renew reads a set, unless whoever came just before has.
func (s *Sets) renew(ctx context.Context, uri, kid string) reading {
	r := s.recall(uri)
	if !r.stale(kid, s.now()) {
		return r
	}
	keys, err := s.read(ctx, uri)
	r.tried, r.failed = s.now(), err
	if err == nil {
		r.keys, r.read = keys, r.tried
	}
	s.keep(uri, r)
	return r
}

// keep remembers a reading. Where there are too many, any other goes.
func (s *Sets) keep(uri string, r reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[uri]; !known && len(s.known) >= maxSets {
		for other := range s.known {
			delete(s.known, other)
			break
		}
	}
	s.known[uri] = r
}

// read reads a set from its address.
func (s *Sets) read(ctx context.Context, uri string) ([]jose.IdentifiedKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking for a JWK Set: %w", err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	req.Header.Set("User-Agent", "Jeton")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking for a JWK Set: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking for a JWK Set: the answer from %s is %d, and not 200", req.URL.Host, res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxSet+1))
	if err != nil {
		return nil, fmt.Errorf("reading a JWK Set: %w", err)
	}
	if len(text) > maxSet {
		return nil, fmt.Errorf("reading a JWK Set: that of %s is longer than %d bytes", req.URL.Host, maxSet)
	}
	keys, err := jose.ParseMixedJWKSet(text)
	if err != nil {
		return nil, fmt.Errorf("reading the JWK Set of %s: %w", req.URL.Host, err)
	}
	return keys, nil
}
