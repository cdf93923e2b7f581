// Package personal is the first way in: the rotating personal token.
//
// A user has at most one. The user alone makes it and sees it, once; making a new one kills the former in the same
// statement, so that of any number of rotations at once exactly one token is valid after. Its record is found by its
// user, which makes two at a time impossible in the database itself.
//
//	personal token   user ID (primary key) │ digest, pepper │ former digest │ created, last used, revoked
//
// The former digest can't be used to get in. It lets the audit log say that a refused token was somebody's last one
// ("superseded") and not merely unknown. The package refuses to tell callers the difference.
package personal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/keyring"
	"github.com/jeton-io/jeton/internal/secret"
)

// Token is what is known of a user's personal token. The token itself is not.
type Token struct {
	UserID     uuid.UUID
	CreatedAt  time.Time
	LastUsedAt time.Time // zero where it was never used; kept to the minute
	LastUsedIP string    // empty where it was never used, or the address wasn't known
	Pepper     int64     // the version under which its digest is stored
}

// Found is what a look-up finds of a valid token that was presented.
type Found struct {
	UserID uuid.UUID
	Pepper int64 // the version under which its digest is stored
	// User is the user as of the same moment; nil where it doesn't live.
	User *authority.User
}

// Stored is a valid token as it stands in the database.
type Stored struct {
	Found
	Sum secret.Sum
}

// ErrFormer says that a token no longer counts, being a user's last but one, or revoked. It is an ErrNotFound, so that nobody who
// doesn't ask for the difference takes such a token for a valid one.
var ErrFormer = fmt.Errorf("a former token: %w", authority.ErrNotFound)

// Store keeps personal tokens. A change is durable when its method returns without error. The event's At is the time of
// the change: a token put was made then, and a token revoked ended then.
type Store interface {
	// PutPersonalToken gives a living user the token of that digest in place of any other, with its event and, where
	// there was another, its row of the change feed. It returns ErrNotFound where the user doesn't live.
	PutPersonalToken(ctx context.Context, userID uuid.UUID, d keyring.Digest, ev audit.Event) error
	// PersonalToken returns the valid token of a user, or ErrNotFound.
	PersonalToken(ctx context.Context, userID uuid.UUID) (Token, error)
	// FindPersonalToken returns the valid token that is stored under one of the digests. Where there is none it returns
	// ErrNotFound, or ErrFormer with the ID of the user whose former token was. A verdict waits for it.
	FindPersonalToken(ctx context.Context, digests []keyring.Digest) (Found, error)
	// PersonalTokensAfter lists the valid tokens of users whose IDs are after the given one, in the order of these. It holds
	// the database's state for no longer than the page takes.
	PersonalTokensAfter(ctx context.Context, after uuid.UUID, limit int) ([]Stored, error)
	// RevokePersonalToken ends a user's token, with event and feed. It returns ErrNotFound where there is none.
	RevokePersonalToken(ctx context.Context, userID uuid.UUID, ev audit.Event) error
	// RedigestPersonalToken replaces the digest of a token that is still stored under the old one.
	RedigestPersonalToken(ctx context.Context, userID uuid.UUID, old, replacement keyring.Digest) error
	// TouchPersonalTokens stores when the users' tokens were last used, where that is later than what is stored.
	TouchPersonalTokens(ctx context.Context, used []authority.Use) error
}

// Config is what Tokens need. Every field is required.
type Config struct {
	Store   Store
	Keyring *keyring.Keyring
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	Now     func() time.Time
	Random  io.Reader
}

// Tokens issues, proves and revokes personal tokens. Make one with New.
type Tokens struct{ cfg Config }

// New returns Tokens, or an error where the configuration lacks something.
func New(cfg Config) (*Tokens, error) {
	if cfg.Store == nil || cfg.Keyring == nil || cfg.Applied == nil || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("personal: Store, Keyring, Applied, Now and Random are required")
	}
	return &Tokens{cfg}, nil
}

// Rotate gives owner a new token and returns it, this once; the former one is refused from the moment Rotate returns.
// The only way to name the owner is by a principal: nobody makes a token for another.
func (t *Tokens) Rotate(ctx context.Context, owner *authority.Principal, actor audit.Actor) (secret.Text, Token, error) {
	text, err := secret.Make(secret.Personal, t.cfg.Random)
	if err != nil {
		return "", Token{}, err
	}
	digest := t.cfg.Keyring.Digest(text)
	ev := audit.New(audit.PersonalTokenRotate, actor, target(owner), t.cfg.Now())
	if err := t.cfg.Store.PutPersonalToken(ctx, owner.ID, digest, ev); err != nil {
		return "", Token{}, fmt.Errorf("storing a personal token: %w", err)
	}
	if err := t.cfg.Applied(ctx); err != nil {
		return "", Token{}, err
	}
	return text, Token{UserID: owner.ID, CreatedAt: ev.At, Pepper: digest.Pepper}, nil
}

// Metadata tells of the owner's token, or returns ErrNotFound.
func (t *Tokens) Metadata(ctx context.Context, owner *authority.Principal) (Token, error) {
	return t.cfg.Store.PersonalToken(ctx, owner.ID)
}

// Revoke ends the owner's token without a new one. It returns ErrNotFound where there is none.
func (t *Tokens) Revoke(ctx context.Context, owner *authority.Principal, actor audit.Actor) error {
	ev := audit.New(audit.PersonalTokenRevoke, actor, target(owner), t.cfg.Now())
	if err := t.cfg.Store.RevokePersonalToken(ctx, owner.ID, ev); err != nil {
		return fmt.Errorf("revoking a personal token: %w", err)
	}
	return t.cfg.Applied(ctx)
}

func target(owner *authority.Principal) audit.Target {
	return audit.Target{Kind: "personal_token", ID: owner.ID, Name: owner.Username}
}

// Kind implements authority.Way.
func (t *Tokens) Kind() authority.Kind { return authority.PersonalToken }

// Recognizes implements authority.Way.
func (t *Tokens) Recognizes(bearer string) bool { return secret.Looks(bearer, secret.Personal) }

// Screen implements authority.ScreeningWay.
func (t *Tokens) Screen(c authority.Credential) *authority.Refusal {
	if secret.Valid(c.Text.Reveal(), secret.Personal) {
		return nil
	}
	return &authority.Refusal{Reason: authority.ReasonBadChecksum}
}

// Prove implements authority.Way. A token with a wrong checksum is refused without a look-up.
func (t *Tokens) Prove(ctx context.Context, c authority.Credential) (authority.Proof, error) {
	if ref := t.Screen(c); ref != nil {
		return authority.Proof{}, ref
	}
	digests := t.cfg.Keyring.Digests(c.Text)
	found, err := t.cfg.Store.FindPersonalToken(ctx, digests)
	switch {
	case errors.Is(err, ErrFormer):
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonSuperseded, ID: found.UserID, UserID: found.UserID}
	case errors.Is(err, authority.ErrNotFound):
		return authority.Proof{}, &authority.Refusal{Reason: authority.ReasonUnknown}
	case err != nil:
		return authority.Proof{}, fmt.Errorf("looking up a personal token: %w", err)
	}
	t.renew(ctx, &found, digests)
	return found.proof(), nil
}

// proof returns what a valid token proves.
func (f *Found) proof() authority.Proof {
	return authority.Proof{ID: f.UserID, UserID: f.UserID, User: f.User, Remember: true}
}

// renew moves a token that is still stored under an older pepper to the newest, which only a presented token allows.
// It may fail: the token is good under either, and the next cold look-up tries again.
func (t *Tokens) renew(ctx context.Context, found *Found, digests []keyring.Digest) {
	if found.Pepper == digests[0].Pepper {
		return
	}
	for _, d := range digests[1:] {
		if d.Pepper == found.Pepper {
			_ = t.cfg.Store.RedigestPersonalToken(ctx, found.UserID, d, digests[0])
		}
	}
}

// Touch implements authority.Toucher.
func (t *Tokens) Touch(ctx context.Context, used []authority.Use) error {
	return t.cfg.Store.TouchPersonalTokens(ctx, used)
}
