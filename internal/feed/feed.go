// Package feed is how a node hears of what was taken away.
//
// Every change that can alter a verdict already given (a token rotated or revoked, a user blocked, operations or a key
// changed) leaves a row in the change feed, numbered by the store's revision, in its own transaction. A node reads the
// rows after those it knows each second, and at once after a change of its own, and has exactly those records
// forgotten. Issuing leaves no row: nobody can have been told no about a secret that didn't exist.
//
// The feed says when it was last heard. When that is too long ago nothing that is remembered may be trusted; the
// package never guesses that silence means that nothing changed. It refuses to follow a database that has gone back,
// and a clock that has.
package feed

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// ErrPast says that the database is older than one that was read before: a copy restored, or a primary revived. What
// was taken away since that copy may be there again, and whatever is revoked from now on bears numbers that were used.
var ErrPast = errors.New("the database has gone back to an earlier revision")

// Change is one row of the feed.
type Change struct {
	Revision int64
	Kind     Kind
	ID       uuid.UUID
}

// Kind is the kind of record that changed.
type Kind string

// The kinds of record in the feed.
const (
	User           Kind = "user"
	PersonalToken  Kind = "personal_token"
	APIToken       Kind = "api_token"       // an API token, or an access token that was got for it
	ClientSecret   Kind = "client_secret"   // a client's secret or key, or an access token that was got for it
	BrowserSession Kind = "browser_session" // a browser's session, with both its cookies
	Service        Kind = "service"         // a service, its operations or their audiences
	Pepper         Kind = "pepper"
	SigningKey     Kind = "signing_key" // a new one, which is to be known before a token of it comes: no verdict changes
	RevokedKey     Kind = "revoked_key" // a signing key revoked, and with it the tokens that it has signed
)

// RecordOf returns the kind of record by which a credential of some kind stands: of the same name, but that both cookies of
// a browser are one session, and that an access token with power over Jeton was got for an API token.
func RecordOf(credentialKind string) Kind {
	switch credentialKind {
	case authority.ConsoleSession.String(), authority.APISession.String():
		return BrowserSession
	case authority.AccessToken.String():
		return APIToken
	default:
		return Kind(credentialKind)
	}
}

// Batch is what a store answers to a node that knows everything up to some revision.
type Batch struct {
	Head    int64 // the newest revision
	Changes []Change
	Pruned  bool // rows after the node's revision are gone: it must forget everything
}

// Store reads the feed.
type Store interface {
	// ChangesAfter returns the changes with a greater revision than the given one, in order, with the head of the same
	// moment. An error means that it isn't known whether there are any.
	ChangesAfter(ctx context.Context, revision int64) (Batch, error)
}

// Config is what a Feed needs. Every field is required.
type Config struct {
	Store Store
	// Apply takes note of a change: of all possible changes where its ID is zero. It returns an error where it couldn't,
	// and is then called again.
	Apply func(ctx context.Context, c Change) error
	Now   func() time.Time
}

// lease is how long after it was last heard the feed still counts as fresh.
const lease = 5 * time.Second

// Feed follows the change feed. Make one with New.
type Feed struct {
	cfg     Config
	applied atomic.Int64
	heard   atomic.Pointer[time.Time] // when the feed was last heard whole, nil for never

	mu       sync.Mutex
	revision int64 // everything up to it has been applied; applied has the same for those without the lock
	started  bool
}

// New returns a Feed, or an error where the configuration lacks something. It is not fresh until CatchUp has succeeded.
func New(cfg Config) (*Feed, error) {
	if cfg.Store == nil || cfg.Apply == nil || cfg.Now == nil {
		return nil, errors.New("feed: Store, Apply and Now are required")
	}
	return &Feed{cfg: cfg}, nil
}

// CatchUp applies every change committed before it was called. Where it can't, the feed is no longer fresh: a change
// of this very node may be among those that it doesn't know.
func (f *Feed) CatchUp(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.catchUp(ctx); err != nil {
		f.heard.Store(nil)
		return fmt.Errorf("catching up with the change feed: %w", err)
	}
	return nil
}

func (f *Feed) catchUp(ctx context.Context) error {
	asked := f.cfg.Now()
	batch, err := f.cfg.Store.ChangesAfter(ctx, f.revision)
	switch {
	case err != nil:
		return err
	case batch.Head < f.revision:
		return fmt.Errorf("%w: %d after %d", ErrPast, batch.Head, f.revision)
	case batch.Pruned || !f.started:
		batch.Changes = []Change{{Revision: batch.Head}}
	}
	for _, c := range batch.Changes {
		if err := f.cfg.Apply(ctx, c); err != nil {
			return fmt.Errorf("applying revision %d: %w", c.Revision, err)
		}
		f.revision = c.Revision
	}
	f.revision, f.started = batch.Head, true
	f.applied.Store(batch.Head)
	f.heard.Store(&asked)
	return nil
}

// Revision returns the revision up to which every change has been applied. It takes no lock.
func (f *Feed) Revision() int64 { return f.applied.Load() }

// Fresh reports whether the feed was heard within the last five seconds. It takes no lock.
func (f *Feed) Fresh() bool { return f.Age() < lease }

// Age returns how long ago the feed was last heard whole: by the monotonic clock where there is one, or by the wall
// clock where that says longer (the monotonic one stands still while a machine sleeps). A wall clock that was set back
// since tells nothing, and then as if never heard, Age is as long as can be: the feed is fresh again with the next
// CatchUp, and until then nothing is believed for longer than it may.
func (f *Feed) Age() time.Duration {
	const never = time.Duration(math.MaxInt64)
	heard := f.heard.Load()
	if heard == nil {
		return never
	}
	now := f.cfg.Now()
	wall := now.Round(0).Sub(*heard) // Round strips the monotonic reading
	if wall < 0 {
		return never
	}
	return max(wall, now.Sub(*heard))
}

// Run follows the feed each time tick delivers, until ctx ends or tick is closed. Failures go to report.
func (f *Feed) Run(ctx context.Context, tick <-chan time.Time, report func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-tick:
			if !open {
				return
			}
			if err := f.poll(ctx); err != nil && ctx.Err() == nil {
				report(err)
			}
		}
	}
}

// poll is CatchUp without its haste to distrust: what was heard before stays good for its five seconds.
func (f *Feed) poll(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return f.catchUp(ctx)
}
