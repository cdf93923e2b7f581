package client

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jeton-io/jeton/api"
)

// VerifierConfig is what a Verifier needs: Client and Service.
type VerifierConfig struct {
	// Client asks Jeton: with the credential of a verifier of the service, or of an administrator.
	Client *Client
	// Service is the name, in Jeton, of the service that the program is. Calls and tokens for any other are refused.
	Service string
	// MaxStale is how long after the feed was last heard what is remembered still counts; 5 seconds where 0, which is the most, and no
	// less than 2, since the feed is heard every second.
	MaxStale time.Duration
	// MaxRemembered bounds the credentials that are remembered; 65,536 where 0. One takes about 800 bytes.
	MaxRemembered int
	// MaxInFlight bounds the questions to Jeton at a time; 64 where 0. Who comes on top of that waits.
	MaxInFlight int
	// Timeout bounds a question to Jeton; 3 seconds where 0.
	Timeout time.Duration
	// Now is the clock by which credentials end; the system's where nil. Where Jeton's own is ahead of it, that counts.
	Now func() time.Time
	// OnError hears why the feed, the policy or the key set couldn't be read just now; nobody where nil. It must not block.
	OnError func(error)
}

// The defaults and bounds of a VerifierConfig.
const (
	defaultMaxStale      = 5 * time.Second
	leastMaxStale        = 2 * time.Second
	defaultMaxRemembered = 1 << 16
	mostRemembered       = 1 << 26
	defaultMaxInFlight   = 64
	defaultVerifyTimeout = 3 * time.Second
)

// Verifier verifies credentials in the program's own process.
//
//	token ──▶ remembered, and the feed was heard? ──▶ yes, at once
//	               │ no
//	               ├─▶ an access token, and its key and what it rests on are known? ──▶ yes, by its signature
//	               ▼
//	          POST /v1/verify ──▶ yes, which is remembered, or no
//
// What it says yes to is what Jeton has said yes to, and nothing has been taken away since of which GET /v1/feed tells: that is heard
// within a second as a rule. Every no is Jeton's own, so that none is missing from its audit log. While the feed hasn't been heard for
// longer than VerifierConfig.MaxStale, Jeton is asked for every verdict, and without it the answer is ErrUnavailable: never a stale yes.
//
// What counts from some addresses alone, what may be used so often, passwords, cookies and sealed tokens are asked about each time.
//
// A Verifier is safe for concurrent use. Make one with NewVerifier, and close it.
type Verifier struct {
	cfg    VerifierConfig
	c      *Client
	stream *http.Client // for the feed, which has no end by time
	memory *remembered
	rules  rules
	keys   keySet
	heard  atomic.Pointer[time.Time] // everything from before then is known; nil for never
	ahead  atomic.Int64              // how many microseconds Jeton's clock is ahead of ours, 0 where it isn't
	room   chan struct{}             // holds a token for each question under way

	first sync.Once
	ready chan struct{} // closed when the feed was heard
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// NewVerifier returns a Verifier that begins to listen. The error is a *ConfigError. It doesn't wait for Jeton: until the feed is heard,
// Jeton is asked for every verdict.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	cfg.MaxStale = cmp.Or(cfg.MaxStale, defaultMaxStale)
	cfg.MaxRemembered = cmp.Or(cfg.MaxRemembered, defaultMaxRemembered)
	cfg.MaxInFlight = cmp.Or(cfg.MaxInFlight, defaultMaxInFlight)
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultVerifyTimeout)
	switch {
	case cfg.Client == nil:
		return nil, &ConfigError{"Client", "is missing"}
	case cfg.Service == "":
		return nil, &ConfigError{"Service", "is empty: give the service's name in Jeton"}
	case cfg.MaxStale < leastMaxStale || cfg.MaxStale > defaultMaxStale:
		return nil, &ConfigError{"MaxStale", "is not 2 to 5 seconds"}
	case cfg.MaxRemembered < 0 || cfg.MaxRemembered > mostRemembered:
		return nil, &ConfigError{"MaxRemembered", "is not 0 to 67,108,864"}
	case cfg.MaxInFlight < 0:
		return nil, &ConfigError{"MaxInFlight", "is negative"}
	case cfg.Timeout < 0:
		return nil, &ConfigError{"Timeout", "is negative"}
	}
	v := &Verifier{
		cfg: cfg, c: cfg.Client, memory: newRemembered(cfg.MaxRemembered), room: make(chan struct{}, cfg.MaxInFlight), ready: make(chan struct{}),
		rules: rules{wake: make(chan struct{}, 1)},
	}
	stream := *cfg.Client.http
	stream.Timeout = 0
	v.stream = &stream
	ctx, cancel := context.WithCancel(context.Background())
	v.stop = cancel
	v.ended.Go(func() { v.listen(ctx) })
	v.ended.Go(func() { v.keepRules(ctx) })
	return v, nil
}

// Close ends the listening, and returns when it has ended. From then on nothing that is remembered counts, and Jeton is asked for every
// verdict.
func (v *Verifier) Close() {
	v.stop()
	v.ended.Wait()
	v.heard.Store(nil)
}

// WaitReady returns when the feed and the policy were read for the first time, or with ctx's error when that ends. Nobody need wait: until
// then Jeton is asked for every verdict.
func (v *Verifier) WaitReady(ctx context.Context) error {
	select {
	case <-v.ready:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the feed: %w", ctx.Err())
	}
	for v.rules.current.Load() == nil { // which is asked for as soon as the feed has begun
		timer := time.NewTimer(feedFirstTry)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("waiting for the policy: %w", ctx.Err())
		}
	}
	return nil
}

// Staleness returns how long ago the feed was last heard whole, at most: whatever was taken away before is known. It is the longest
// Duration where that never was. See VerifierConfig.MaxStale.
func (v *Verifier) Staleness() time.Duration { return v.stale(time.Now()) }

// Fresh reports whether what is remembered counts. Where it doesn't, Jeton is asked for every verdict.
func (v *Verifier) Fresh() bool { return v.Staleness() < v.cfg.MaxStale }

// stale is by the monotonic clock, or by the wall clock where that says longer, as after a sleep. A wall clock that was set back tells
// nothing.
func (v *Verifier) stale(now time.Time) time.Duration {
	at := v.heard.Load()
	if at == nil {
		return math.MaxInt64
	}
	wall := now.Round(0).Sub(*at)
	if wall < 0 {
		return math.MaxInt64
	}
	return max(wall, now.Sub(*at))
}

// clock returns the time by which credentials end.
func (v *Verifier) clock(now time.Time) time.Time {
	if v.cfg.Now == nil {
		return now
	}
	return v.cfg.Now()
}

func (v *Verifier) report(err error) {
	if v.cfg.OnError != nil {
		v.cfg.OnError(err)
	}
}

// Verify says whose a bearer token is that is any good at the service, and refuses it where it isn't for all of the scopes. It asks
// nothing of a call: which operations are open to the user is for Decide. The Principal is shared and must not be changed.
//
// Errors are ErrNotAuthenticated; ErrNotAllowed, where the token is good but not here; ErrTooManyRequests; and ErrUnavailable, where
// nobody could say. Nothing that any of them says is for the token's bearer.
func (v *Verifier) Verify(ctx context.Context, token string, scopes ...string) (*api.Principal, error) {
	now := time.Now()
	if v.stale(now) < v.cfg.MaxStale {
		if set := v.rules.current.Load(); set != nil {
			if k := v.recall(ctx, token, set, v.clock(now).UnixMicro()+v.ahead.Load()); k != nil && v.goodHere(set, k) && k.hasScopes(scopes) {
				return &k.principal, nil
			}
		}
	}
	return v.verifyAsking(ctx, token, scopes)
}

// goodHere reports whether a credential is known to be any good at the Verifier's own service.
func (v *Verifier) goodHere(set *ruleSet, k *known) bool {
	s, ok := set.serviceOf(v.cfg.Service)
	return ok && !s.Suspended() && (!k.raw || s.AcceptsAPITokens()) && (k.service == "" || k.service == s.Address())
}

// hasScopes reports whether a credential is for all of the scopes.
func (k *known) hasScopes(scopes []string) bool {
	for _, scope := range scopes {
		if k.narrowed && !k.hasScope(scope) {
			return false
		}
	}
	return true
}

// recall returns what is known of a token; nil where Jeton must be asked.
func (v *Verifier) recall(ctx context.Context, token string, set *ruleSet, now int64) *known {
	if k := v.memory.recall(token, now); k != nil {
		return k
	}
	if !looksSigned(token) {
		return nil
	}
	return v.checkSigned(ctx, token, set, now)
}

// verifyAsking is Verify by Jeton's word.
func (v *Verifier) verifyAsking(ctx context.Context, token string, scopes []string) (*api.Principal, error) {
	const doing = "verifying a token"
	if _, ok := bearer("Bearer " + token); !ok || !isBearer(token) {
		return nil, fmt.Errorf("%s: %w: it is of no form that a token has", doing, ErrNotAuthenticated)
	}
	verdict, err := v.ask(ctx, doing, token, api.VerifyRequest{Authorization: "Bearer " + token, Service: v.cfg.Service})
	if err != nil {
		return nil, err
	}
	if !verdict.Allow {
		return nil, verdictError(doing, &verdict)
	}
	p := verdict.Principal
	k := known{narrowed: p.Credential.Scopes != nil, principal: *p}
	if !k.hasScopes(scopes) {
		return nil, fmt.Errorf("%s: %w: insufficient_scope", doing, ErrNotAllowed)
	}
	return p, nil
}

// verdictError is the error of a token that Jeton refuses.
func verdictError(doing string, verdict *api.Verdict) error {
	if verdict.Refused == nil { // the service isn't one that the client's user verifies
		return fmt.Errorf("%s: %w: %s", doing, ErrNotAllowed, verdict.Reason)
	}
	return &Error{Doing: doing, Problem: &verdict.Refused.Problem, RetryAfter: time.Duration(verdict.Refused.RetryAfterSeconds) * time.Second}
}

// ask asks Jeton for a verdict, and remembers what may be remembered. Whatever keeps it from answering is an ErrUnavailable.
func (v *Verifier) ask(ctx context.Context, doing, token string, call api.VerifyRequest) (api.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	select {
	case v.room <- struct{}{}:
		defer func() { <-v.room }()
	case <-ctx.Done():
		return api.Verdict{}, fmt.Errorf("%s: %w: too many questions are under way", doing, ErrUnavailable)
	}
	call.Full = true
	forgets := v.memory.asOf()
	verdict, _, err := send[api.Verdict](ctx, v.c, request{doing: doing, method: http.MethodPost, path: []string{"verify"}, body: call})
	if err != nil {
		return api.Verdict{}, unanswered(ctx, err)
	}
	if verdict.Allow && verdict.Principal == nil {
		return api.Verdict{}, fmt.Errorf("%s: %w: %w: it lets in nobody", doing, ErrUnavailable, ErrNotJeton)
	}
	if verdict.Remember != nil && token != "" {
		v.learn(token, &verdict, forgets)
	}
	return verdict, nil
}

// unanswered is the error where Jeton gave no verdict, whatever the reason. That our own credential is refused, say, is no word about
// the caller's: so what went wrong is told in words alone, and is none of the sentinels but ErrUnavailable.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, err.Error())
}
