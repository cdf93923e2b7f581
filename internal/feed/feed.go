// Package feed is how a node hears of what was taken away.
//
// Every change that can alter a verdict already given (a token rotated or revoked, a user blocked, operations or a key
// changed) leaves a row in the change feed, numbered by the store's revision, in its own transaction. A node reads the
// rows after those it knows each second, sooner where the store gives it a hint, and at once after a change of its own,
// and has exactly those records forgotten. Issuing leaves no row: nobody can have been told no about a secret that didn't
// exist.
//
// The feed says when it was last heard. When that is too long ago nothing that is remembered may be trusted; the
// package never guesses that silence means that nothing changed. Hints are lost without harm, since nothing waits for one.
//
// It refuses to follow a clock that has gone back, and a database that has: see [Position]. That one it refuses for good, since
// from then on its numbers mean other changes. [Journal] is its memory across restarts.
package feed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
)

// Why a database is no longer to be believed. The first two may be nobody's doing, the others are an operator's.
var (
	// ErrPast says that the database is older than it was when it was read before, or has another history since: a copy put
	// back, or a primary revived. What was taken away since may be there again.
	ErrPast = errors.New("the database has gone back to an earlier state, in which revoked credentials may count again")
	// ErrOther says that it is another database than the one read before.
	ErrOther = errors.New("this is another database than before")
	// ErrUnaware says, beside ErrPast, that the database was restored by somebody who knew less than this node.
	ErrUnaware = errors.New("it was restored without what this node knows was taken away")
	// ErrClosed says that the database was closed for good, as one is whose records were moved.
	ErrClosed = errors.New("the database is closed")
)

// Position is how far a database has come, and by which history.
type Position struct {
	Instance uuid.UUID // of the database, which a copy of it shares
	Epoch    int64     // raised by each restore
	Revision int64     // raised by each change of the feed
	// Mark is drawn at random with the revision. Two copies that went on apart have the same numbers and not the same marks.
	// 0 means that it isn't known.
	Mark int64
}

// Change is one row of the feed.
type Change struct {
	Revision, Mark int64
	At             time.Time
	Kind           Kind
	ID             uuid.UUID
	Gone           bool // the record was deleted, or ended for good; of a restore, that it suspended everybody
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
	SessionToken   Kind = "session_token"
	Platform       Kind = "platform"       // a platform that may no longer say what it said, with all session tokens that it got
	PlatformRules  Kind = "platform_rules" // what a platform may say from now on, without a word on what it has said
	PlatformKey    Kind = "platform_key"   // a key of a platform, on which nothing rests that was got by it
	Project        Kind = "project"        // a project or one of its token sets, with all browser sessions that were begun by its tokens
	TokenSet       Kind = "token_set"      // a token set that was deleted, on which nothing rests by itself: beside it stands the row of its project
	Authenticator  Kind = "authenticator"  // the authenticator app that was taken from the user of that ID: as with what follows, nothing rests on it by itself
	Passkey        Kind = "passkey"        // a passkey that was taken away
	RecoveryCode   Kind = "recovery_code"  // a recovery code that was used: see factor.CodeID
	Service        Kind = "service"        // a service, its operations or their audiences
	Pepper         Kind = "pepper"
	SigningKey     Kind = "signing_key" // a new one, which is to be known before a token of it comes: no verdict changes
	RevokedKey     Kind = "revoked_key" // a signing key revoked, and with it the tokens that it has signed
	Restored       Kind = "restored"    // the database was put back: the first change of its epoch, about every record; see RestoredTo
)

// KeyID stands for a signing key in the feed, whose IDs are shorter than a kid. It is the same in every store, since the journal
// of one may tell another what to take away.
func KeyID(kid string) uuid.UUID {
	sum := sha256.Sum256([]byte(kid))
	return uuid.UUID(sum[:16])
}

// RecordOf returns the kind of record by which a credential of some kind stands: of the same name, but that both cookies of
// a browser are one session, that an access token with power over Jeton was got for an API token, that an assertion stands by its
// platform, and that a sealed token stands by the project of its token set. The set has an ID of its own: a store knows whose it is.
func RecordOf(credentialKind string) Kind {
	switch credentialKind {
	case authority.ConsoleSession.String(), authority.APISession.String():
		return BrowserSession
	case authority.AccessToken.String():
		return APIToken
	case authority.Assertion.String():
		return Platform
	case authority.Sealed.String():
		return Project
	default:
		return Kind(credentialKind)
	}
}

// Batch is what a store answers to a node that knows everything up to some revision.
type Batch struct {
	Head Position // the newest
	// Then is the mark of the revision that was asked for; 0 where its row is gone, or its mark isn't known.
	Then int64
	// Reach is the epoch and the revision up to which the last restore knew what was taken away; zero where there was none.
	Reach   Position
	Changes []Change // in order; none where Pruned
	Pruned  bool     // rows after the node's revision are gone: it must forget everything
}

// Store reads the feed.
type Store interface {
	// ChangesAfter returns the changes with a greater revision than the given one, in order, with the head of the same
	// moment. An error means that it isn't known whether there are any; ErrClosed, that there never will be; ErrOther, that
	// another database has come into the place of the one that was opened. It changes nothing.
	ChangesAfter(ctx context.Context, revision int64) (Batch, error)
}

// Config is what a Feed needs. Every field is required but Journal.
type Config struct {
	Store Store
	// Apply takes note of a change: of all possible changes where its ID is zero. It returns an error where it couldn't,
	// and is then called again.
	Apply func(ctx context.Context, c Change) error
	Now   func() time.Time
	// Journal keeps every change that is heard, and the position across restarts; nil for neither.
	Journal *Journal
}

// lease is how long after it was last heard the feed still counts as fresh.
const lease = 5 * time.Second

// Feed follows the change feed. Make one with New.
type Feed struct {
	cfg     Config
	applied atomic.Int64
	last    atomic.Pointer[time.Time] // when the feed was last heard whole, nil for never
	heard   atomic.Pointer[time.Time] // the same, but nil while what was heard isn't to be trusted
	halted  atomic.Pointer[error]     // why the database is no longer believed, nil where it is
	tickets atomic.Int64              // how many have asked to catch up
	doubts  atomic.Int64              // how often the database was doubted
	recent  recent                    // what listeners are told

	turn    chan struct{} // holds a token while somebody reads; what follows is that one's alone
	known   Position      // everything up to it has been applied; applied has its revision for the others
	started bool
	served  int64 // the tickets of those for whom it was read
	result  error // what came of that
}

// New returns a Feed, or an error where the configuration lacks something. It is not fresh until CatchUp has succeeded.
func New(cfg Config) (*Feed, error) {
	if cfg.Store == nil || cfg.Apply == nil || cfg.Now == nil {
		return nil, errors.New("feed: Store, Apply and Now are required")
	}
	f := &Feed{cfg: cfg, turn: make(chan struct{}, 1)}
	if cfg.Journal != nil {
		f.known = cfg.Journal.Position()
	}
	return f, nil
}

// CatchUp applies every change committed before it was called. Where it can't, the feed is no longer fresh: a change
// of this very node may be among those that it doesn't know.
func (f *Feed) CatchUp(ctx context.Context) error {
	err := f.Hear(ctx)
	if err != nil {
		f.heard.Store(nil)
	}
	return err
}

// Hear is CatchUp for whoever has changed nothing. Where it fails, the feed is as fresh as it was: else anybody who calls, and
// leaves or finds the database down, would have every credential that is remembered asked about anew.
//
// Of many callers at once, one reads for all that called before it began, and what failed for it has failed for them; but for its
// own context's end.
func (f *Feed) Hear(ctx context.Context) error {
	ticket := f.tickets.Add(1)
	err := f.take(ctx, func() error {
		if f.served >= ticket { // somebody has read since this call began
			return f.result
		}
		asking := f.tickets.Load()
		err := f.catchUp(ctx)
		if err == nil || ctx.Err() == nil {
			f.served, f.result = asking, err
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("catching up with the change feed: %w", err)
	}
	return nil
}

// take runs do when nobody else reads.
func (f *Feed) take(ctx context.Context, do func() error) error {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.turn }()
	return do()
}

// catchUp reads once and applies what is new.
func (f *Feed) catchUp(ctx context.Context) error {
	if err := f.Halted(); err != nil {
		return err
	}
	asked, doubts := f.cfg.Now(), f.doubts.Load()
	batch, err := f.ask(ctx)
	if err != nil {
		return f.halt(err)
	}
	if batch.Pruned || !f.started || batch.Head.Epoch != f.known.Epoch || f.setBack(asked) {
		err = f.apply(ctx, Change{Revision: batch.Head.Revision, Mark: batch.Head.Mark}, batch.Head)
	} else {
		err = f.applyEach(ctx, batch.Changes)
	}
	if err != nil {
		return err
	}
	f.known, f.started = batch.Head, true
	f.applied.Store(batch.Head.Revision)
	f.last.Store(&asked)
	if f.doubts.Load() == doubts { // else it may have been read from the database before the doubt
		f.heard.Store(&asked)
	}
	return nil
}

// applyEach applies the changes that aren't known yet. Of those that it has applied when one fails, none is applied again.
func (f *Feed) applyEach(ctx context.Context, changes []Change) error {
	for _, c := range changes {
		if c.Revision <= f.known.Revision {
			continue // read for the journal alone
		}
		if err := f.apply(ctx, c, f.known); err != nil {
			return err
		}
		f.known.Revision, f.known.Mark = c.Revision, c.Mark
	}
	return nil
}

// apply applies a change, and then tells those who listen: from is where they stand after a change of everything.
func (f *Feed) apply(ctx context.Context, c Change, from Position) error {
	if err := f.cfg.Apply(ctx, c); err != nil {
		return fmt.Errorf("applying revision %d: %w", c.Revision, err)
	}
	f.recent.add(c, from)
	return nil
}

// setBack reports whether the wall clock has been set back since the feed was last read whole. What is remembered has ends that
// may lie ahead once more although they had come: it is forgotten, and its way in, which knows what it has seen the end of,
// asked again.
func (f *Feed) setBack(now time.Time) bool {
	last := f.last.Load()
	return last != nil && now.Round(0).Before(last.Round(0))
}

// ask asks for what is new, makes sure that it goes on from what is known, and has the journal keep it. A journal that
// couldn't keep something is given it again; where that is gone from the feed meanwhile, it has a gap.
func (f *Feed) ask(ctx context.Context) (Batch, error) {
	from := f.known
	if j := f.cfg.Journal; j != nil && j.Position().Epoch == from.Epoch && j.Position().Revision < from.Revision {
		from = j.Position()
	}
	batch, err := f.cfg.Store.ChangesAfter(ctx, from.Revision)
	if err == nil && batch.Pruned && from != f.known {
		f.cfg.Journal.skip()
		from = f.known
		batch, err = f.cfg.Store.ChangesAfter(ctx, from.Revision)
	}
	if err == nil {
		err = from.precedes(&batch, batch.Then)
	}
	if err == nil && from != f.known { // the node knows more than its journal
		err = f.known.precedes(&batch, batch.markOf(f.known.Revision))
	}
	if err == nil && f.cfg.Journal != nil {
		f.cfg.Journal.keep(&batch)
	}
	return batch, err
}

// markOf returns the mark of a revision among the changes; 0 where it isn't among them.
func (b *Batch) markOf(revision int64) int64 {
	for _, c := range b.Changes {
		if c.Revision == revision {
			return c.Mark
		}
	}
	return 0
}

// precedes returns an error where a database that answers a batch, and in which p's revision has the mark then, doesn't go on
// from p. A mark of 0 isn't known.
//
// A higher epoch is a restore, and is followed where that knew all that p does. Of several restores since p, the last one alone
// is asked: what an earlier one didn't know, it took for granted.
func (p *Position) precedes(b *Batch, then int64) error {
	head := &b.Head
	if head.Revision == p.Revision {
		then = head.Mark
	}
	switch {
	case head.Instance == uuid.Nil: // as while somebody puts records back
		return errors.New("the database doesn't say which it is")
	case p.Instance == uuid.Nil: // nothing known
		return nil
	case head.Instance != p.Instance:
		return fmt.Errorf("%w: instance %s, which was %s", ErrOther, head.Instance, p.Instance)
	case head.Epoch > p.Epoch && p.Beyond(b.Reach):
		return fmt.Errorf("%w: %w: that is up to revision %d of epoch %d, and the restore knew up to revision %d of epoch %d",
			ErrPast, ErrUnaware, p.Revision, p.Epoch, b.Reach.Revision, b.Reach.Epoch)
	case head.Epoch > p.Epoch: // restored since
		return nil
	case head.Epoch < p.Epoch:
		return fmt.Errorf("%w: epoch %d, which was %d", ErrPast, head.Epoch, p.Epoch)
	case head.Revision < p.Revision:
		return fmt.Errorf("%w: revision %d, which was %d", ErrPast, head.Revision, p.Revision)
	case then != p.Mark && then != 0 && p.Mark != 0:
		return fmt.Errorf("%w: revision %d was another change", ErrPast, p.Revision)
	}
	return nil
}

// halt has the database no longer believed where an error says that it mustn't be, and returns the error.
func (f *Feed) halt(err error) error {
	if errors.Is(err, ErrPast) || errors.Is(err, ErrOther) || errors.Is(err, ErrClosed) {
		f.halted.Store(&err)
		f.heard.Store(nil)
	}
	return err
}

// Doubt has nothing remembered trusted until the feed is heard again: what answers now may be another database than before, of
// which the next reading will tell.
func (f *Feed) Doubt() {
	f.doubts.Add(1)
	f.heard.Store(nil)
}

// Halted returns why the database is no longer to be believed: ErrPast, ErrOther or ErrClosed; nil where it is. Nothing but a
// restart ends it. It takes no lock.
func (f *Feed) Halted() error {
	if err := f.halted.Load(); err != nil {
		return *err
	}
	return nil
}

// Revision returns the revision up to which every change has been applied. It takes no lock.
func (f *Feed) Revision() int64 { return f.applied.Load() }

// Fresh reports whether the feed was heard within the last five seconds, and nothing has come since for which it must be heard
// anew: a change of this node that it couldn't apply, or a doubt. It takes no lock.
func (f *Feed) Fresh() bool { return f.FreshAt(f.cfg.Now()) }

// FreshAt is Fresh by a reading of the clock that was just taken.
func (f *Feed) FreshAt(now time.Time) bool { return since(f.heard.Load(), now) < lease }

// Age returns how long ago the feed was last heard whole; as long as can be where it never was. It takes no lock.
func (f *Feed) Age() time.Duration { return since(f.last.Load(), f.cfg.Now()) }

// since returns how long before now a time was: by the monotonic clock where there is one, or by the wall clock where that says longer
// (the monotonic one stands still while a machine sleeps). A wall clock that was set back since tells nothing, and then, as for no
// time, it is as long as can be: the feed is fresh again with the next CatchUp, and until then nothing is believed for longer
// than it may.
func since(at *time.Time, now time.Time) time.Duration {
	const never = time.Duration(math.MaxInt64)
	if at == nil {
		return never
	}
	wall := now.Round(0).Sub(*at) // Round strips the monotonic reading
	if wall < 0 {
		return never
	}
	return max(wall, now.Sub(*at))
}

// Run follows the feed each time tick delivers, or hints do, until ctx ends or tick is closed. Failures go to
// report, and nil with the first success after one.
func (f *Feed) Run(ctx context.Context, tick <-chan time.Time, hints <-chan struct{}, report func(error)) {
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-hints:
		case _, open := <-tick:
			if !open {
				return
			}
		}
		err := f.poll(ctx)
		if ctx.Err() == nil && (err != nil || failing) {
			report(err)
		}
		failing = err != nil
	}
}

// poll is CatchUp without its haste to distrust: what was heard before stays good for its five seconds.
func (f *Feed) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return f.take(ctx, func() error { return f.catchUp(ctx) })
}
