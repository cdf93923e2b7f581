// Package apitoken is the second way in: the signed API token, which a program exchanges for short access tokens.
//
// An administrator makes it for a person or a service account, names it by its purpose, and hands its text over once. The
// text is a JWT (RFC 7519) and is stored nowhere; what is stored is the fact:
//
//	API token   ID ("jti") │ user, name, key │ expiry or never │ scopes, addresses, rate │ enabled, last used
//
// A token counts while its signature is good, its record lives and is enabled, and its user isn't blocked. One without a
// record is refused, whoever has signed it. Disabling can be undone, deleting cannot: the record stays as a tombstone, and
// its name is free again.
//
// The package refuses lives longer than the policy for the kind of user, names that another token has, and power over Jeton
// itself for a token that is made for another person: whoever makes it would have that person's power.
package apitoken

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/policy"
)

// Token is what is known of an API token. Its text is not.
type Token struct {
	ID         uuid.UUID
	UserID     uuid.UUID
	Name       string
	KeyID      string // of the key that has signed it
	Enabled    bool
	Limits     authority.Limits // Service is always empty
	ExpiresAt  time.Time        // zero for never
	CreatedAt  time.Time
	UpdatedAt  time.Time
	DeletedAt  time.Time // zero while it lives
	LastUsedAt time.Time // zero where it was never used, itself or an access token of it; kept to the minute
	LastUsedIP string    // empty where it was never used, or the address wasn't known
	Version    int64     // raised by each change
}

// Record is a token as it is stored, beside the canonical form of its name.
type Record struct {
	Token
	NameKey string
}

// Found is a token that was looked up for a verdict.
type Found struct {
	Token
	KeyRevoked bool // the key that a signature named is revoked, or there is none such
	// User is the token's user, as of the same moment; nil where it doesn't live.
	User *authority.User
}

// Store keeps API tokens. A change is durable when its method returns without error. The event's At is the time of the
// change.
type Store interface {
	// CreateAPIToken adds a token of a living user. It returns ErrNotFound where the user doesn't live, and ErrConflict,
	// wrapped in a FieldError, where a living token has the name.
	CreateAPIToken(ctx context.Context, r Record, ev audit.Event) error
	// APIToken returns a living token, or ErrNotFound.
	APIToken(ctx context.Context, id uuid.UUID) (Token, error)
	// APITokenByName returns the living token whose name has the canonical form key, or ErrNotFound.
	APITokenByName(ctx context.Context, key string) (Token, error)
	// APITokensNamed returns the names of those of the tokens that there are, deleted ones too.
	APITokensNamed(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
	// FindAPIToken returns a token, also a deleted one, with what became of the key of a signature. It returns ErrNotFound
	// where there never was one.
	FindAPIToken(ctx context.Context, id uuid.UUID, kid string) (Found, error)
	// APITokens lists living tokens, in the order that the query names. Its Find is the beginning of a canonical name.
	APITokens(ctx context.Context, q Query) ([]Token, error)
	// UpdateAPIToken writes name, limits and whether it is enabled, if the version is still r.Version, and raises that. It
	// returns ErrStale, ErrNotFound, or ErrConflict as CreateAPIToken does.
	UpdateAPIToken(ctx context.Context, r Record, ev audit.Event) error
	// DeleteAPIToken leaves a tombstone. It returns ErrNotFound.
	DeleteAPIToken(ctx context.Context, id uuid.UUID, ev audit.Event) error
	// TouchAPITokens stores when tokens were last used, where that is later than what is stored.
	TouchAPITokens(ctx context.Context, used []authority.Use) error
}

// Users finds the users for whom tokens are made.
type Users interface {
	// Find returns the living user of that name or ID, or ErrNotFound.
	Find(ctx context.Context, idOrName string) (account.User, error)
}

// Config is what Tokens need. Every field is required, but for MaxLife.
type Config struct {
	Store   Store
	Users   Users
	Keyring *keyring.Keyring
	// Policy returns the policy in force: which scopes there are.
	Policy func() *policy.Table
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	// Issuer is the public URL, by which Jeton is known as the issuer.
	Issuer string
	// MaxLife is the longest life of a new token by the kind of its user. Of a kind without one, or with 0, a token may last a
	// century or never end.
	MaxLife map[account.Kind]time.Duration
	Now     func() time.Time
}

// Tokens issues, proves and manages API tokens. Make one with New.
type Tokens struct {
	cfg Config
	// ended holds the IDs of the tokens that were found to have ended: a clock that is set back by less than clockError
	// revives none. It is no larger than the number of records.
	ended sync.Map
}

// clockError is by how much a clock may be set back for what it said before to count. One that is set back by more had run
// ahead, and the tokens that ended by it never did.
const clockError = 24 * time.Hour

// New returns Tokens, or an error where the configuration lacks something.
func New(cfg Config) (*Tokens, error) {
	if cfg.Store == nil || cfg.Users == nil || cfg.Keyring == nil || cfg.Policy == nil || cfg.Applied == nil || cfg.Issuer == "" || cfg.Now == nil {
		return nil, errors.New("apitoken: Store, Users, Keyring, Policy, Applied, Issuer and Now are required")
	}
	return &Tokens{cfg: cfg}, nil
}

// Kind implements authority.Way.
func (t *Tokens) Kind() authority.Kind { return authority.APIToken }

// Recognizes implements authority.Way: a key of ours that is for API tokens must be named in its header.
func (t *Tokens) Recognizes(bearer string) bool {
	return t.cfg.Keyring.PurposeOf(bearer) == keyring.ForAPITokens
}

// Prove implements authority.Way.
func (t *Tokens) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	v, err := t.cfg.Keyring.Verify(ctx, c.Text, keyring.ForAPITokens, t.cfg.Issuer)
	ref, ok := errors.AsType[*authority.Refusal](err)
	expired := ok && ref.Reason == authority.ReasonExpired
	if err != nil && !expired {
		return authority.Proof{}, err
	}
	id, ok := v.ID("jti")
	if !ok {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonWrongClaims}
	}
	found, err := t.cfg.Store.FindAPIToken(ctx, id, v.KeyID)
	if errors.Is(err, authority.ErrNotFound) {
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	}
	if err != nil {
		return authority.Proof{}, fmt.Errorf("looking up an API token: %w", err)
	}
	reason := found.judge(&v, t.cfg.Issuer)
	if reason == "" && (expired || t.hadEnded(&found)) {
		t.ended.Store(id, struct{}{})
		reason = authority.ReasonExpired
	}
	if reason != "" {
		return authority.Proof{}, &authority.Refusal{Reason: reason, ID: found.ID, UserID: found.UserID}
	}
	return authority.Proof{ID: found.ID, UserID: found.UserID, User: found.User, NotAfter: found.ExpiresAt, Limits: &found.Limits, Remember: true}, nil
}

// hadEnded reports whether a token whose end lies ahead had ended already, before the clock was set back.
func (t *Tokens) hadEnded(f *Found) bool {
	_, ended := t.ended.Load(f.ID)
	if ended && f.ExpiresAt.Sub(t.cfg.Now()) > clockError {
		t.ended.Delete(f.ID)
		return false
	}
	return ended
}

// judge returns why a token is refused whose signature is good, or nothing; whether it has ended was seen by its own word.
// What it says of itself must be what its record says, an end above all: one that has none may have none only by that.
func (f *Found) judge(v *keyring.Verified, issuer string) authority.Reason {
	sub, err := v.Claims.Text("sub")
	switch {
	case f.KeyRevoked:
		return authority.ReasonRevokedKey
	case err != nil || sub != f.UserID.String() || v.KeyID != f.KeyID || !v.Expires.Equal(f.ExpiresAt):
		return authority.ReasonWrongClaims
	case !v.IsFor(issuer):
		return authority.ReasonWrongAudience
	case !f.DeletedAt.IsZero():
		return authority.ReasonDeleted
	case !f.Enabled:
		return authority.ReasonDisabled
	default:
		return ""
	}
}

// Touch implements authority.Toucher.
func (t *Tokens) Touch(ctx context.Context, used []authority.Use) error {
	return t.cfg.Store.TouchAPITokens(ctx, used)
}
