package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// TokenSourceConfig is what a TokenSource needs: BaseURL and APIToken.
type TokenSourceConfig struct {
	// BaseURL is the origin of Jeton's public listener, as in Config.
	BaseURL string
	// APIToken is the signed API token that is exchanged. It goes nowhere but into the body of requests to Jeton.
	APIToken Secret
	// Scopes narrow the access tokens, within what the API token may do. None leaves them as wide as that is.
	Scopes []string
	// Resource is the URL of the one service that the access tokens are for (RFC 8707); empty for every service.
	Resource string
	// Audience is the same by the service's name (RFC 8693, section 2.1).
	Audience string
	// Insecure allows plain http to another machine than this one, for the API token on its way to Jeton and for access
	// tokens on their way to an API. Whoever can listen on the way then has them.
	Insecure bool
	// HTTPClient sends the exchanges; its redirects and cookies are not used. Without one, the default transport does. An
	// exchange may take 30 seconds where it says nothing else.
	HTTPClient *http.Client
	// UserAgent names the program in Jeton's log; "jeton-go" where empty.
	UserAgent string
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// What a TokenSource does when. The first is a share of a token's life, at most so long: five minutes give one.
const (
	leadShare    = 5
	leadMost     = time.Minute
	pauseRefused = time.Minute      // after a refusal: an administrator may have enabled the token again
	pauseFirst   = time.Second      // after the first failure to get an answer; then twice as long each time
	pauseMost    = time.Minute      // of our own choosing
	askedMost    = 10 * time.Minute // of Jeton's: a mistaken Retry-After shall not stop a program for a day
	youngest     = 10 * time.Second // a token that is refused at this age would be refused anew
)

// TokenSource exchanges an API token for access tokens (RFC 8693) and keeps the newest. It is safe for concurrent use, and
// an oauth2.TokenSource. Make one with NewTokenSource, and one only: each has a token of its own.
//
// It exchanges anew before the token expires: while enough of its life is left, in the background, so that no caller
// waits. However many ask at a time, one exchange is under way, and a caller that gives up ends only its own waiting. If
// it fails for now, the old token is served for as long as it is valid, and Jeton is asked again after a pause, which
// Retry-After sets, else the number of failures. A refusal is final: the old token isn't served any longer, as Jeton has
// ended it too, and for a minute nobody asks again.
type TokenSource struct {
	desk     *endpoint
	now      func() time.Time
	insecure bool

	mu     sync.Mutex
	held   *grant  // the newest token; nil for none
	flight *flight // the exchange under way; nil for none
	// After a failure: what it was, the time, and until when Jeton isn't asked again.
	failed          error
	failures        int
	failedAt, until time.Time
}

// grant is an access token.
type grant struct {
	token       Secret
	scope       string
	life        time.Duration
	from, until time.Time
}

// flight is an exchange under way; answer may be read once done is closed.
type flight struct {
	done   chan struct{}
	answer answer
}

// NewTokenSource returns a TokenSource. It asks nothing yet. The error is a *ConfigError.
func NewTokenSource(cfg TokenSourceConfig) (*TokenSource, error) {
	base, err := parseBase(cfg.BaseURL, cfg.Insecure)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.APIToken == "":
		return nil, &ConfigError{"APIToken", "is empty"}
	case !isBearer(cfg.APIToken.Reveal()):
		return nil, &ConfigError{"APIToken", "holds a space, a line break or another character that no token has"}
	}
	for _, scope := range cfg.Scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return nil, &ConfigError{"Scopes", "hold one that is empty or has a character that no scope has (RFC 6749, section 3.3)"}
		}
	}
	s := &TokenSource{now: cfg.Now, insecure: cfg.Insecure}
	if s.now == nil {
		s.now = time.Now
	}
	s.desk = newEndpoint(base, cfg, s.wallClock)
	return s, nil
}

// String says what it is, without the tokens.
func (s *TokenSource) String() string { return "source of access tokens" }

// Format implements fmt.Formatter: package fmt would otherwise look into the source, and find the tokens there.
func (s *TokenSource) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// wallClock is the time without Go's monotonic reading, which stands still while the machine sleeps: a token would seem
// to live longer than it does.
func (s *TokenSource) wallClock() time.Time { return s.now().Round(0) }

// Token implements oauth2.TokenSource. See TokenContext.
func (s *TokenSource) Token() (*oauth2.Token, error) { return s.TokenContext(context.Background()) }

// TokenContext returns an access token that is valid now. Its Extra("scope") is a string, empty where the token isn't
// narrowed.
//
// The error is ErrTokenRefused where Jeton refuses the API token, or what was asked for with it; an *OAuthError in it says
// which. It is ErrUnavailable where no usable answer came, and beside it what the matter is, as ErrUnreachable. It is the
// context's own where that ended first.
func (s *TokenSource) TokenContext(ctx context.Context) (*oauth2.Token, error) {
	g, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	t := &oauth2.Token{AccessToken: g.token.Reveal(), TokenType: "Bearer", Expiry: g.until}
	return t.WithExtra(map[string]any{"scope": g.scope}), nil
}

// Forget drops the token that is held: the next caller's is exchanged anew. It is for an API that answers 401 to a token
// that should be valid; Transport does that by itself. A pause that follows a failure is not cut short.
func (s *TokenSource) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = nil
}

// current returns the token to use now.
func (s *TokenSource) current(ctx context.Context) (*grant, error) {
	held, f, err := s.next(s.wallClock())
	if f == nil {
		return held, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", exchanging, ctx.Err())
	}
	switch {
	case f.answer.err == nil:
		return f.answer.grant, nil
	case held != nil && !errors.Is(f.answer.err, ErrTokenRefused) && s.wallClock().Before(held.until):
		return held, nil
	}
	return nil, f.answer.err
}

// next returns the token to use now, or the error to return, or else the exchange to wait for, with the token to fall back
// on. It begins the exchange where it is time to.
func (s *TokenSource) next(now time.Time) (*grant, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.held
	if held != nil && !now.Before(held.until) {
		held = nil
	}
	if held != nil && !held.due(now) {
		return held, nil, nil
	}
	if s.flight == nil {
		if s.pausing(now) {
			if held != nil {
				return held, nil, nil
			}
			return nil, nil, s.failed
		}
		s.flight = &flight{done: make(chan struct{})}
		go s.fly(s.flight)
	}
	if held != nil && !held.ending(now) {
		return held, nil, nil
	}
	return held, s.flight, nil
}

// fly exchanges, and keeps what came of it. No caller's context reaches it; what bounds it is the timeout of the HTTP
// client.
func (s *TokenSource) fly(f *flight) {
	f.answer = s.desk.exchange()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.land(f.answer, s.wallClock())
	s.flight = nil
	close(f.done)
}

func (s *TokenSource) land(a answer, now time.Time) {
	s.failed, s.failedAt = a.err, now
	switch {
	case a.err == nil:
		s.held, s.failures = a.grant, 0
	case errors.Is(a.err, ErrTokenRefused):
		s.held, s.failures = nil, 0
		s.until = now.Add(pauseRefused)
	default:
		wait := min(pauseFirst<<min(s.failures, 10), pauseMost)
		s.failures++
		s.until = now.Add(cmp.Or(min(a.wait, askedMost), wait))
	}
}

// pausing reports whether Jeton isn't to be asked just now. A clock that was set back ends the pause: else it might be one
// of years.
func (s *TokenSource) pausing(now time.Time) bool {
	return s.failed != nil && !now.Before(s.failedAt) && now.Before(s.until)
}

// lead is how long before its end a token is exchanged anew.
func (g *grant) lead() time.Duration { return min(g.life/leadShare, leadMost) }

// due reports whether it is time to exchange anew. After the clock was set back nothing is known of the token's age.
func (g *grant) due(now time.Time) bool {
	return now.Before(g.from) || !now.Before(g.until.Add(-g.lead()))
}

// ending reports whether so little is left that a call might arrive after the token's end: then a new one is waited for.
func (g *grant) ending(now time.Time) bool { return !now.Before(g.until.Add(-g.lead() / 4)) }
