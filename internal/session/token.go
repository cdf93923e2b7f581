package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// MaxTokens is how many session tokens of a user are kept, ended or not: of one more, the oldest goes. A program that logs in
// anew for each of its calls keeps its last thousand.
const MaxTokens = 1000

// Token is what is known of a session token. The token itself is not.
type Token struct {
	ID         uuid.UUID
	UserID     uuid.UUID
	PlatformID uuid.UUID // the platform whose assertion it was got for; zero where it was a password
	CreatedAt  time.Time
	LastUsedAt time.Time // zero where it was never used; kept to the minute
	LastUsedIP string    // empty where it was never used, or the address wasn't known
	ExpiresAt  time.Time
	EndedAt    time.Time // zero while it lasts
	Pepper     int64     // the version under which its digest is stored
}

// FoundToken is a token that was found for a verdict, with its user.
type FoundToken struct {
	Token
	User *authority.User // as of the same moment; nil where it doesn't live
}

// StoredToken is a token as it stands in the database.
type StoredToken struct {
	FoundToken // without its user also where it was ended
	Sum        secret.Sum
}

// TokenStore keeps session tokens. A change is durable when its method returns without error. The event's At is the time of
// the change.
type TokenStore interface {
	// CreateSessionToken adds the token of a living user, with its event. It takes nothing away, and leaves no row of the feed,
	// but that of the user's oldest token where there would be more than MaxTokens: that one is deleted, with its row. It
	// returns ErrNotFound where the user doesn't live, and ErrActorChanged where user or platform has changed since the actor
	// was known.
	CreateSessionToken(ctx context.Context, t Token, d keyring.Digest, ev audit.Event) error
	// SessionTokenByDigest returns the token, ended or not, that is stored under one of the digests, or ErrNotFound. A verdict
	// waits for it.
	SessionTokenByDigest(ctx context.Context, digests []keyring.Digest) (FoundToken, error)
	// RedigestSessionToken replaces the digest of a token that is still stored under the old one.
	RedigestSessionToken(ctx context.Context, id uuid.UUID, old, replacement keyring.Digest) error
	// ExpireSessionToken notes that a token was found to be over by its time. That is nobody's act and alters no verdict: there
	// is neither event nor feed. One that has ended stays as it is.
	ExpireSessionToken(ctx context.Context, id uuid.UUID, at time.Time) error
	// SessionToken returns a token, ended or not, by its ID, or ErrNotFound. A verdict waits for it.
	SessionToken(ctx context.Context, id uuid.UUID) (Token, error)
	// SessionTokensAfter lists tokens, ended or not, whose IDs are after the given one, in the order of these. It holds the
	// database's state for no longer than the page takes.
	SessionTokensAfter(ctx context.Context, after uuid.UUID, limit int) ([]StoredToken, error)
	// SessionTokens returns a user's tokens that haven't ended and expire after a time, the newest first.
	SessionTokens(ctx context.Context, userID uuid.UUID, now time.Time) ([]Token, error)
	// EndSessionToken ends a token of a user, with event and feed. It returns ErrNotFound where there is none of that ID that
	// lasts.
	EndSessionToken(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error
	// EndSessions ends all session tokens and browser sessions of a living user but the browser session by which the actor
	// came, with one event and the user's row of the feed. It returns ErrNotFound where the user doesn't live.
	EndSessions(ctx context.Context, userID uuid.UUID, ev audit.Event) error
	// TouchSessionTokens stores when tokens were last used, where that is later than what is stored.
	TouchSessionTokens(ctx context.Context, used []authority.Use) error
	// PruneSessionTokens deletes the tokens that had expired before the given time.
	PruneSessionTokens(ctx context.Context, before time.Time) (int64, error)
}

// TokenConfig is what Tokens need. Every field is required.
type TokenConfig struct {
	Store   TokenStore
	Keyring *keyring.Keyring
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	Now     func() time.Time
	Random  io.Reader
	// Lifetime is how long a token lasts, in whole seconds.
	Lifetime time.Duration
}

// Tokens issues, proves and ends session tokens. Make one with NewTokens.
type Tokens struct{ cfg TokenConfig }

// NewTokens returns Tokens, or an error where the configuration lacks something.
func NewTokens(cfg TokenConfig) (*Tokens, error) {
	if cfg.Store == nil || cfg.Keyring == nil || cfg.Applied == nil || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("session: Store, Keyring, Applied, Now and Random are required")
	}
	if cfg.Lifetime < time.Second || cfg.Lifetime%time.Second != 0 {
		return nil, errors.New("session: Lifetime must be whole seconds, one at least")
	}
	return &Tokens{cfg}, nil
}

// Begun is a session token that was made just now.
type Begun struct {
	Text  secret.Text // shown once
	Token Token
}

// Seconds is how long the token lasts from its beginning: what BitCanuck calls ttl, and OAuth expires_in.
func (b *Begun) Seconds() int64 { return int64(b.Token.ExpiresAt.Sub(b.Token.CreatedAt) / time.Second) }

// Begin makes a session token for whoever has just proved to be owner, by a password or by a platform's assertion. The user's
// other sessions go on. It returns a *authority.Refusal where the user was deleted since that proof, and ErrActorChanged where
// user or platform was changed.
func (t *Tokens) Begin(ctx context.Context, owner *authority.Principal, actor audit.Actor) (Begun, error) {
	text, err := secret.Make(secret.Session, t.cfg.Random)
	if err != nil {
		return Begun{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Begun{}, fmt.Errorf("making the ID of a session token: %w", err)
	}
	now := t.cfg.Now().UTC().Truncate(time.Microsecond)
	digest := t.cfg.Keyring.Digest(text)
	made := Token{ID: id, UserID: owner.ID, CreatedAt: now, ExpiresAt: now.Add(t.cfg.Lifetime), Pepper: digest.Pepper}
	var detail []string
	if owner.CredentialKind == authority.Assertion {
		made.PlatformID = owner.CredentialID
		detail = []string{"platform", made.PlatformID.String()}
	}
	ev := audit.New(audit.SessionTokenCreate, actor, tokenTarget(id, owner.Username), now, detail...)
	err = t.cfg.Store.CreateSessionToken(ctx, made, digest, ev)
	if errors.Is(err, authority.ErrNotFound) { // in this moment: as if before
		return Begun{}, &authority.Refusal{Reason: authority.ReasonUserDeleted, ID: owner.CredentialID, UserID: owner.ID}
	}
	if err != nil {
		return Begun{}, fmt.Errorf("storing a session token: %w", err)
	}
	return Begun{text, made}, nil
}

// Logout ends the token by which its owner came: it is refused from the moment Logout returns. It returns ErrNotFound where it
// has ended already.
func (t *Tokens) Logout(ctx context.Context, owner *authority.Principal, actor audit.Actor) error {
	return t.End(ctx, owner.ID, owner.Username, owner.CredentialID, actor)
}

// List returns the tokens of a user that last, the newest first.
func (t *Tokens) List(ctx context.Context, userID uuid.UUID) ([]Token, error) {
	now := t.cfg.Now()
	tokens, err := t.cfg.Store.SessionTokens(ctx, userID, now)
	if err != nil {
		return nil, fmt.Errorf("listing session tokens: %w", err)
	}
	return slices.DeleteFunc(tokens, func(s Token) bool { return s.over(now) != "" }), nil
}

// Find returns a token of a user that lasts, or ErrNotFound.
func (t *Tokens) Find(ctx context.Context, userID, id uuid.UUID) (Token, error) {
	found, err := t.cfg.Store.SessionToken(ctx, id)
	if err == nil && (found.UserID != userID || found.over(t.cfg.Now()) != "") {
		err = authority.ErrNotFound
	}
	if err != nil {
		return Token{}, fmt.Errorf("finding a session token: %w", err)
	}
	return found, nil
}

// End ends a token of a user. It returns ErrNotFound where the user has none of that ID that lasts.
func (t *Tokens) End(ctx context.Context, userID uuid.UUID, username string, id uuid.UUID, actor audit.Actor) error {
	ev := audit.New(audit.SessionTokenEnd, actor, tokenTarget(id, username), t.cfg.Now())
	if err := t.cfg.Store.EndSessionToken(ctx, userID, id, ev); err != nil {
		return fmt.Errorf("ending a session token: %w", err)
	}
	return t.cfg.Applied(ctx)
}

// EndAll ends all sessions of a user: its session tokens, and its browser sessions but the one by which the actor came. It
// returns ErrNotFound where the user doesn't live.
func (t *Tokens) EndAll(ctx context.Context, userID uuid.UUID, username string, actor audit.Actor) error {
	ev := audit.New(audit.SessionsEnd, actor, audit.Target{Kind: "user", ID: userID, Name: username}, t.cfg.Now())
	if err := t.cfg.Store.EndSessions(ctx, userID, ev); err != nil {
		return fmt.Errorf("ending the sessions of a user: %w", err)
	}
	return t.cfg.Applied(ctx)
}

// Prune deletes the records of tokens that at some time had expired long ago, and returns how many there were.
func (t *Tokens) Prune(ctx context.Context, now time.Time) (int64, error) {
	return t.cfg.Store.PruneSessionTokens(ctx, now.Add(-kept))
}

func tokenTarget(id uuid.UUID, username string) audit.Target {
	return audit.Target{Kind: "session_token", ID: id, Name: username}
}

// Kind implements authority.Way.
func (t *Tokens) Kind() authority.Kind { return authority.SessionToken }

// Recognizes implements authority.Way.
func (t *Tokens) Recognizes(bearer string) bool { return secret.Looks(bearer, secret.Session) }

// Screen implements authority.ScreeningWay.
func (t *Tokens) Screen(c authority.Credential) *authority.Refusal {
	if secret.Valid(c.Text.Reveal(), secret.Session) {
		return nil
	}
	return &authority.Refusal{Reason: authority.ReasonBadChecksum}
}

// Prove implements authority.Way. A token with a wrong checksum is refused without a look-up. That its platform may still speak
// is not asked here: a platform that may not has had its tokens ended.
func (t *Tokens) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	if ref := t.Screen(c); ref != nil {
		return authority.Proof{}, ref
	}
	digests := t.cfg.Keyring.Digests(c.Text)
	found, err := t.cfg.Store.SessionTokenByDigest(ctx, digests)
	if errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	if err != nil {
		return authority.Proof{}, fmt.Errorf("looking up a session token: %w", err)
	}
	now := t.cfg.Now()
	if reason := found.over(now); reason != "" {
		if found.EndedAt.IsZero() {
			// Noted, so that a clock that is set back doesn't revive it. Where that fails, the next time will do.
			_ = t.cfg.Store.ExpireSessionToken(ctx, found.ID, now)
		}
		return authority.Proof{}, &authority.Refusal{Reason: reason, ID: found.ID, UserID: found.UserID}
	}
	t.renew(ctx, &found.Token, digests)
	return found.proof(), nil
}

// proof returns what a token proves that isn't over.
func (f *FoundToken) proof() authority.Proof {
	return authority.Proof{ID: f.ID, UserID: f.UserID, User: f.User, NotAfter: f.ExpiresAt, Remember: true}
}

// over returns why a token no longer counts, or nothing. One that was made in the future was made while a clock was wrong, and
// would last for as long as that was ahead, so it is over, too; of such a one its end may have been noted before its beginning.
func (t *Token) over(now time.Time) authority.Reason {
	switch {
	case !t.EndedAt.IsZero() && t.EndedAt.Before(t.ExpiresAt) && !t.EndedAt.Before(t.CreatedAt): // not by its time, then
		return authority.ReasonEnded
	case !t.EndedAt.IsZero(), !now.Before(t.ExpiresAt), t.CreatedAt.After(now.Add(idleSlack)):
		return authority.ReasonExpired
	}
	return ""
}

// renew moves a token that is still stored under an older pepper to the newest, which only a presented one allows. It may
// fail: the token is good under either, and the next cold look-up tries again.
func (t *Tokens) renew(ctx context.Context, found *Token, digests []keyring.Digest) {
	if found.Pepper == digests[0].Pepper {
		return
	}
	for _, d := range digests[1:] {
		if d.Pepper == found.Pepper {
			_ = t.cfg.Store.RedigestSessionToken(ctx, found.ID, d, digests[0])
		}
	}
}

// Touch implements authority.Toucher.
func (t *Tokens) Touch(ctx context.Context, used []authority.Use) error {
	return t.cfg.Store.TouchSessionTokens(ctx, used)
}
