// Package accesstoken issues and proves access tokens (RFC 9068): short-lived, signed, got for a credential that lasts.
//
//	API token, or a client's secret or key ──Issue──▶ access token ──▶ the protected API
//	              │                                        │
//	            record ◀───────── asked at each cold proof ┘
//
// An access token has no record of its own: it rests on that of the credential for which it was got, its parent. It names
// the parent, and is refused as soon as that is disabled, deleted or expired, or its user blocked, however long the token
// itself would last. It never allows what the parent doesn't: no other user, no further scope, no later end.
//
// The package refuses to narrow to what the parent hasn't, what other keys have signed or for another kind of token, and
// what its bearer or an administrator took back by RFC 7009. It doesn't defend resource servers that check the signature
// alone, without asking Jeton: to those a token lives to its end.
package accesstoken

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/policy"
	"github.com/jeton-io/jeton/internal/secret"
)

// State is what the record of a parent says of its tokens.
type State string

// The states of a parent.
const (
	Live     State = "live"
	Disabled State = "disabled"
	Deleted  State = "deleted"
)

// Parent is what an access token rests on: an API token, or the secret or key of a client.
type Parent struct {
	ID       uuid.UUID // of its record
	UserID   uuid.UUID
	State    State
	NotAfter time.Time // zero for never
	Limits   *authority.Limits
}

// Grounds are all that an access token rests on, as of one moment.
type Grounds struct {
	Parent     Parent
	KeyRevoked bool // the key that signed it is revoked, or there is none such
	Revoked    bool // the token itself is
	// User is the parent's user, as of the same moment; nil where it doesn't live.
	User *authority.User
}

// Store reads what access tokens rest on, and keeps which were taken back.
type Store interface {
	// APITokenParent returns the API token of an ID, also a deleted one, or ErrNotFound.
	APITokenParent(ctx context.Context, id uuid.UUID) (Parent, error)
	// ClientParent returns the secret or key of a client, also a deleted one, or ErrNotFound.
	ClientParent(ctx context.Context, id uuid.UUID) (Parent, error)
	// GroundsOfAPIToken returns what a token rests on that was got for an API token: by the parent's ID, the kid of its
	// signature and its own ID. It returns ErrNotFound where there is no such parent.
	GroundsOfAPIToken(ctx context.Context, parent uuid.UUID, kid string, id uuid.UUID) (Grounds, error)
	// GroundsOfClient returns the same for a token that was got for the secret or key of a client.
	GroundsOfClient(ctx context.Context, parent uuid.UUID, kid string, id uuid.UUID) (Grounds, error)
	// RevokeAccessToken keeps that a token was taken back until it would have ended, with event and, for the parent's ID,
	// feed. Doing it twice is as doing it once, and then changes nothing.
	RevokeAccessToken(ctx context.Context, r Revocation, ev audit.Event) error
	// TouchParents stores when parents were last used, by a token that was got for them, where that is later than what is
	// stored.
	TouchParents(ctx context.Context, used []authority.Use) error
	// PruneRevokedAccessTokens forgets those that would have ended before a time, and returns how many.
	PruneRevokedAccessTokens(ctx context.Context, before time.Time) (int64, error)
}

// Revocation is an access token that was taken back.
type Revocation struct {
	ID     uuid.UUID
	Parent uuid.UUID
	Until  time.Time // when it would have ended
	Client bool      // the parent is a client's secret or key, and no API token
}

// Config is what Tokens need. Every field is required.
type Config struct {
	Store   Store
	Keyring *keyring.Keyring
	// Policy returns the policy in force: which scopes and services there are.
	Policy func() *policy.Table
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	// Issuer is the public URL, by which Jeton is known as the issuer.
	Issuer string
	// Life is how long a token lasts, unless its parent ends before.
	Life time.Duration
	Now  func() time.Time
}

// Tokens issues and proves access tokens. Make one with New.
type Tokens struct {
	cfg Config
	// seen is the latest time that it was told, in seconds since 1970. What had ended by then stays ended under a clock that
	// is set back by less than a token's life, whether or not anybody asked about it in time; what is issued after that ends
	// later. A clock that is set back by more had run ahead, and its time is forgotten: nothing had ended by it.
	seen atomic.Int64
}

// New returns Tokens, or an error where the configuration lacks something.
func New(cfg Config) (*Tokens, error) {
	if cfg.Store == nil || cfg.Keyring == nil || cfg.Policy == nil || cfg.Applied == nil || cfg.Issuer == "" || cfg.Life < time.Second || cfg.Now == nil {
		return nil, errors.New("accesstoken: Store, Keyring, Policy, Applied, Issuer, a Life of a second or more, and Now are required")
	}
	return &Tokens{cfg: cfg}, nil
}

// Kind implements authority.Way.
func (t *Tokens) Kind() authority.Kind { return authority.AccessToken }

// Recognizes implements authority.Way: every signed token is an access token until its key says that it is another kind.
// What no key of ours has signed is refused here as well as anywhere, and with a reason.
func (t *Tokens) Recognizes(bearer string) bool {
	return looksSigned(bearer) && t.cfg.Keyring.PurposeOf(bearer) != keyring.ForAPITokens
}

// looksSigned reports whether a text begins as the header of a JWS does, with {" in Base64, and has a dot.
func looksSigned(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Contains(text, ".")
}

// Prove implements authority.Way.
func (t *Tokens) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	v, err := t.verify(ctx, c.Text)
	if err != nil {
		return authority.Proof{}, t.attribute(err, &v)
	}
	claims, reason := t.read(&v)
	if reason != "" {
		return authority.Proof{}, &authority.Refusal{Reason: reason}
	}
	grounds, err := t.grounds(ctx, &claims, v.KeyID)
	if errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	if err != nil {
		return authority.Proof{}, fmt.Errorf("looking up what an access token rests on: %w", err)
	}
	if reason := claims.judge(&grounds, t.cfg.Now()); reason != "" {
		return authority.Proof{}, &authority.Refusal{Reason: reason, ID: grounds.Parent.ID, UserID: grounds.Parent.UserID}
	}
	return authority.Proof{
		ID: grounds.Parent.ID, UserID: grounds.Parent.UserID, User: grounds.User, NotAfter: earlier(v.Expires, grounds.Parent.NotAfter),
		Limits: claims.narrow(grounds.Parent.Limits), Remember: true,
	}, nil
}

// verify checks a token by itself.
func (t *Tokens) verify(ctx context.Context, token secret.Text) (keyring.Verified, error) {
	t.See(t.cfg.Now())
	v, err := t.cfg.Keyring.Verify(ctx, token, keyring.ForAccessTokens, t.cfg.Issuer)
	if err == nil && !v.Expires.IsZero() && v.Expires.Unix() <= t.seen.Load() {
		err = &authority.Refusal{Reason: authority.ReasonExpired}
	}
	return v, err
}

// See takes note of the time. It is to be called every second or so, and is with each look at a token that isn't remembered:
// what ended in between, and what a clock that is set back makes good again before it is called, isn't known to have ended.
func (t *Tokens) See(now time.Time) {
	second, latest := now.Unix(), now.Add(t.cfg.Life).Unix()
	for {
		seen := t.seen.Load()
		if seen >= second && seen <= latest || t.seen.CompareAndSwap(seen, second) {
			return
		}
	}
}

// attribute adds to the refusal of a token that has ended whose it was, for the audit log: its key has signed that. It adds
// nothing to any other error, for of other tokens that are refused nobody has signed what they say.
func (t *Tokens) attribute(err error, v *keyring.Verified) error {
	ref, ok := errors.AsType[*authority.Refusal](err)
	if !ok || ref.Reason != authority.ReasonExpired {
		return err
	}
	if claims, reason := t.read(v); reason == "" {
		ref.ID, ref.UserID = claims.parent, claims.userID
	}
	return err
}

// grounds looks up what a token of these claims, signed by the key of kid, rests on.
func (t *Tokens) grounds(ctx context.Context, c *claims, kid string) (Grounds, error) {
	if c.client {
		return t.cfg.Store.GroundsOfClient(ctx, c.parent, kid, c.id)
	}
	return t.cfg.Store.GroundsOfAPIToken(ctx, c.parent, kid, c.id)
}

// Revoke takes an access token back (RFC 7009), as the keyring has verified it: whoever presents it from now on is refused.
// A token of another kind, and one that says what no access token does, is refused as it is, and nothing is kept of it.
func (t *Tokens) Revoke(ctx context.Context, token keyring.Verified, actor audit.Actor) error {
	claims, reason := t.read(&token)
	if token.Purpose != keyring.ForAccessTokens || reason != "" {
		return nil
	}
	ev := audit.New(audit.AccessTokenRevoke, actor, audit.Target{Kind: "access_token", ID: claims.id}, t.cfg.Now(), "of", claims.parent.String())
	err := t.cfg.Store.RevokeAccessToken(ctx, Revocation{ID: claims.id, Parent: claims.parent, Until: token.Expires, Client: claims.client}, ev)
	if err != nil {
		return fmt.Errorf("revoking an access token: %w", err)
	}
	return t.cfg.Applied(ctx)
}

// Touch implements authority.Toucher: to use an access token is to use its parent.
func (t *Tokens) Touch(ctx context.Context, used []authority.Use) error {
	return t.cfg.Store.TouchParents(ctx, used)
}

// keptRevoked is how long after its end a token that was taken back is still known as such, for clocks that go wrong.
const keptRevoked = 24 * time.Hour

// Prune forgets the tokens that were taken back and at some time had ended long since.
func (t *Tokens) Prune(ctx context.Context, now time.Time) (int64, error) {
	return t.cfg.Store.PruneRevokedAccessTokens(ctx, now.Add(-keptRevoked))
}

// earlier returns the earlier of two ends, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
