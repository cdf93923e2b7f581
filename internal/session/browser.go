// Package session keeps the sessions of users: of people who logged in with a browser, and of programs that got a session token.
//
// A log-in gives a browser two cookies, each with a secret of its own, for one session; a program gets one token:
//
//	                  ┌─ console secret ─▶ the console and /v1, with all the user's powers
//	browser session ──┤
//	                  └─ API secret ─────▶ the protected APIs, and nothing else
//
//	session token ──── its own secret ───▶ the protected APIs, and GET /v1/me
//
// A protected API, or a page beside it, that gets hold of its cookie or token can't come to the console with it. Both cookies
// stand for the same record, so logging out ends both at once.
//
//	browser session   ID │ user │ pepper, two digests │ created, last used, ends at the latest, ended
//	session token     ID │ user │ platform, or none │ pepper, digest │ created, last used, ends, ended
//
// A browser's session ends when it has rested for too long or has lasted for too long; a token lasts for a fixed time, used or
// not. Either ends when its owner logs out, or ends it elsewhere. It ends too when its user's password changes (tokens by a
// setting, a reset always), when its user is let in again after having been blocked, and when its user is deleted; and a token
// that was got by a platform's assertion ends when the platform may no longer speak for that user. The store sees to all that in
// the transaction of the change. As long as a user is blocked, the authority refuses all its sessions.
//
// Secrets are never changed in place. At a log-in, and when the console changes a password or turns on a second factor, the browser
// gets a new session and the former is ended, so that nobody who had planted or read the former cookie has the next. Only a log-in
// makes it one that has begun now: see Renew. A program that logs in anew
// gets one more token, and its others go on.
//
// The package refuses sessions that have ended, and never says to callers how. It doesn't tell one browser or program from
// another: a cookie or token that was stolen is as good as its owner's, for as long as the session lasts.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// Session is what is known of a browser's session. Its secrets are not.
type Session struct {
	ID         uuid.UUID
	UserID     uuid.UUID
	CreatedAt  time.Time
	LastUsedAt time.Time // kept to the minute; CreatedAt where it was never used
	LastUsedIP string    // empty where the address wasn't known
	ExpiresAt  time.Time // when it ends whatever happens
	EndedAt    time.Time // zero while it lasts
	// Sealed says by which project's tokens it was begun, and what it is limited to; the zero value where a person logged in.
	Sealed SealedOrigin
}

// SealedOrigin is what a session keeps of the sealed tokens by which it was begun.
type SealedOrigin struct {
	Project uuid.UUID      // zero for none
	From    []netip.Prefix // the project's addresses, as they are now: a change of these ends the session
}

// Found is a session that was found for a verdict, with its user.
type Found struct {
	Session
	User *authority.User // as of the same moment; nil where it doesn't live
}

// Digests are what is stored of a session's two secrets, under one pepper.
type Digests struct{ Console, API keyring.Digest }

// Store keeps sessions. A change is durable when its method returns without error. The event's At is the time of the
// change.
type Store interface {
	// CreateBrowserSession adds the session of a living user and ends the former one, if its ID isn't zero and it still
	// lasts, with one event, and the former's row of the change feed. Of the user's sessions beyond the latest hundred it
	// deletes one, with its row of the feed; those that sealed tokens began are counted apart from those that the user began, a
	// thousand for each project. It returns ErrNotFound where the user doesn't live, and ErrActorChanged where the project doesn't.
	CreateBrowserSession(ctx context.Context, s Session, d Digests, former uuid.UUID, ev audit.Event) error
	// BrowserSessionByDigest returns the session, ended or not, whose secret of a kind (ConsoleSession or APISession) is
	// stored under one of the digests, or ErrNotFound. A verdict waits for it.
	BrowserSessionByDigest(ctx context.Context, kind authority.Kind, digests []keyring.Digest) (Found, error)
	// ExpireBrowserSession notes that a session was found to be over by its times. That is nobody's act and alters no verdict:
	// there is neither event nor feed. One that has ended stays as it is.
	ExpireBrowserSession(ctx context.Context, id uuid.UUID, at time.Time) error
	// BrowserSessions returns a user's sessions that haven't ended and whose latest end is after a time, the newest first.
	BrowserSessions(ctx context.Context, userID uuid.UUID, now time.Time) ([]Session, error)
	// EndBrowserSession ends a session, with event and feed. It returns ErrNotFound where there is none that lasts.
	EndBrowserSession(ctx context.Context, id uuid.UUID, ev audit.Event) error
	// TouchBrowserSessions stores when sessions were last used, where that is later than what is stored.
	TouchBrowserSessions(ctx context.Context, used []authority.Use) error
	// PruneBrowserSessions deletes the sessions whose latest end was before the given time.
	PruneBrowserSessions(ctx context.Context, before time.Time) (int64, error)
}

// Config is what Browsers need. Every field is required.
type Config struct {
	Store   Store
	Keyring *keyring.Keyring
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	Now     func() time.Time
	Random  io.Reader
	// Idle is how long a session lasts without use, and up to idleSlack longer; Lifetime is how long it lasts at most.
	Idle, Lifetime time.Duration
}

// idleSlack is what the store may lag behind the last use: uses are noted by the minute, and stored some seconds later.
const idleSlack = 2 * time.Minute

// kept is for how long after its latest end a session's record is kept, for the audit log to know a late cookie by. A
// clock that jumps ahead by less deletes nothing.
const kept = 30 * 24 * time.Hour

// Browsers issues, proves and ends the sessions of browsers. Make one with NewBrowsers.
type Browsers struct{ cfg Config }

// NewBrowsers returns Browsers, or an error where the configuration lacks something.
func NewBrowsers(cfg Config) (*Browsers, error) {
	if cfg.Store == nil || cfg.Keyring == nil || cfg.Applied == nil || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("session: Store, Keyring, Applied, Now and Random are required")
	}
	if cfg.Idle <= 0 || cfg.Lifetime < cfg.Idle {
		return nil, errors.New("session: Idle must be positive, and Lifetime no shorter")
	}
	return &Browsers{cfg}, nil
}

// Cookies are what a browser is given at a log-in, once.
type Cookies struct {
	Console, API secret.Text
	Session      Session
}

// Begin makes a session for whoever has just proved to be owner, and ends the former session of the same browser, where
// former is not the zero ID. The secrets are new whatever the browser had before: who planted a cookie knows nothing of
// the one that counts (session fixation). It returns ErrNotFound where the user was deleted meanwhile.
func (b *Browsers) Begin(ctx context.Context, owner *authority.Principal, former uuid.UUID, actor audit.Actor) (Cookies, error) {
	return b.begin(ctx, owner, Session{CreatedAt: b.now()}, former, actor)
}

// Renew makes a session in place of that by which its owner came, with new secrets: whoever has read the former cookie has lost it. Nobody
// has logged in by that, so it began when the former did, and ends when that would have.
func (b *Browsers) Renew(ctx context.Context, owner *authority.Principal, actor audit.Actor) (Cookies, error) {
	former, err := b.own(ctx, owner)
	if err != nil {
		return Cookies{}, err
	}
	return b.begin(ctx, owner, Session{CreatedAt: former.CreatedAt, ExpiresAt: former.ExpiresAt}, former.ID, actor)
}

func (b *Browsers) now() time.Time { return b.cfg.Now().UTC().Truncate(time.Microsecond) }

// BeginSealed makes a session for whoever has just proved to be owner by sealed tokens, as Begin does for one who logged in. It opens
// the protected APIs of the project and nothing else: of the two secrets, nobody is given the console's. Sealed tokens have no power
// over Jeton, and what is got for them mustn't have more: a session that the browser had before goes on, too. An owner whose tokens
// weren't limited to a project is none of theirs.
func (b *Browsers) BeginSealed(ctx context.Context, owner *authority.Principal, actor audit.Actor) (api secret.Text, s Session, err error) {
	if owner.CredentialKind != authority.Sealed || owner.Limits == nil || owner.Limits.Project == uuid.Nil {
		return "", Session{}, errNotSealed
	}
	origin := SealedOrigin{Project: owner.Limits.Project, From: owner.Limits.From}
	made, err := b.begin(ctx, owner, Session{CreatedAt: b.now(), Sealed: origin}, uuid.Nil, actor)
	return made.API, made.Session, err
}

// errNotSealed says that a session of sealed tokens was to be begun by something else: it would have no limits.
var errNotSealed = errors.New("session: it isn't by sealed tokens that the session is begun")

// begin makes a session of which it is known when it began and by what, and at what time it ends where that isn't its whole life from now.
func (b *Browsers) begin(ctx context.Context, owner *authority.Principal, s Session, former uuid.UUID, actor audit.Actor) (Cookies, error) {
	console, err := secret.Make(secret.Console, b.cfg.Random)
	if err != nil {
		return Cookies{}, err
	}
	api, err := secret.Make(s.Sealed.tag(), b.cfg.Random)
	if err != nil {
		return Cookies{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Cookies{}, fmt.Errorf("making the ID of a session: %w", err)
	}
	now := b.now()
	s.ID, s.UserID, s.LastUsedAt, s.LastUsedIP = id, owner.ID, now, actor.Address
	if s.ExpiresAt.IsZero() {
		s.ExpiresAt = now.Add(b.cfg.Lifetime)
	}
	digests := Digests{Console: b.cfg.Keyring.Digest(console), API: b.cfg.Keyring.Digest(api)}
	ev := audit.New(audit.SessionBegin, actor, target(s.ID, owner), now, s.Sealed.detail(owner)...)
	if err := b.cfg.Store.CreateBrowserSession(ctx, s, digests, former, ev); err != nil {
		return Cookies{}, fmt.Errorf("storing a browser session: %w", err)
	}
	if former != uuid.Nil {
		if err := b.cfg.Applied(ctx); err != nil {
			return Cookies{}, err
		}
	}
	return Cookies{Console: console, API: api, Session: s}, nil
}

// detail is what the audit log tells of a session that sealed tokens began: which application says that it is it.
func (o *SealedOrigin) detail(owner *authority.Principal) []string {
	if o.Project == uuid.Nil || owner.Limits == nil || owner.Limits.Application == "" {
		return nil
	}
	return []string{"application", owner.Limits.Application}
}

// End logs a session out: both its cookies are refused from the moment End returns. The owner's principal names it, by the
// credential by which it came. It returns ErrNotFound where it has ended already.
func (b *Browsers) End(ctx context.Context, owner *authority.Principal, actor audit.Actor) error {
	ev := audit.New(audit.SessionEnd, actor, target(owner.CredentialID, owner), b.cfg.Now())
	if err := b.cfg.Store.EndBrowserSession(ctx, owner.CredentialID, ev); err != nil {
		return fmt.Errorf("ending a browser session: %w", err)
	}
	return b.cfg.Applied(ctx)
}

func target(id uuid.UUID, owner *authority.Principal) audit.Target {
	return audit.Target{Kind: "browser_session", ID: id, Name: owner.Username}
}

// List returns the sessions of a user that last, the newest first. One that has rested for too long isn't among them, whether
// or not its record says so yet.
func (b *Browsers) List(ctx context.Context, userID uuid.UUID) ([]Session, error) {
	now := b.cfg.Now()
	sessions, err := b.cfg.Store.BrowserSessions(ctx, userID, now)
	if err != nil {
		return nil, fmt.Errorf("listing browser sessions: %w", err)
	}
	return slices.DeleteFunc(sessions, func(s Session) bool { return b.over(&s, now) != "" }), nil
}

// Age returns how long ago the browser's session by which a principal came began: its user proved then, with all that is asked at a log-in,
// to be who he is. It returns ErrNotFound where that session has ended, or lies ahead of a clock that was set back.
func (b *Browsers) Age(ctx context.Context, owner *authority.Principal) (time.Duration, error) {
	s, err := b.own(ctx, owner)
	if err != nil {
		return 0, err
	}
	return b.cfg.Now().Sub(s.CreatedAt), nil
}

// own returns the session by which its owner came.
func (b *Browsers) own(ctx context.Context, owner *authority.Principal) (Session, error) {
	sessions, err := b.List(ctx, owner.ID)
	if err != nil {
		return Session{}, err
	}
	n := slices.IndexFunc(sessions, func(s Session) bool { return s.ID == owner.CredentialID })
	if n < 0 {
		return Session{}, fmt.Errorf("looking for a browser session: %w", authority.ErrNotFound)
	}
	return sessions[n], nil
}

// Recent is for how long after its beginning a browser's session is good for what asks anew who it is.
const Recent = 15 * time.Minute

// EndOf ends a session of a user, by whomever: both its cookies are refused from the moment EndOf returns. It returns
// ErrNotFound where the user has none of that ID that lasts.
func (b *Browsers) EndOf(ctx context.Context, owner *authority.User, id uuid.UUID, actor audit.Actor) error {
	sessions, err := b.List(ctx, owner.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(sessions, func(s Session) bool { return s.ID == id }) {
		return fmt.Errorf("ending a browser session: %w", authority.ErrNotFound)
	}
	// What it ends is looked at before and not with it: a session is of one user for as long as it lasts.
	return b.End(ctx, &authority.Principal{User: *owner, CredentialID: id}, actor)
}

// Prune deletes the records of sessions that at some time had ended long ago, and returns how many there were.
func (b *Browsers) Prune(ctx context.Context, now time.Time) (int64, error) {
	return b.cfg.Store.PruneBrowserSessions(ctx, now.Add(-kept))
}

// Ways returns the two ways in: by the console's cookie and by that of the protected APIs.
func (b *Browsers) Ways() []authority.Way {
	return []authority.Way{
		way{b, authority.ConsoleSession},
		way{b, authority.APISession},
	}
}
