// Package platform is how a trusted platform logs its own users in: by an assertion, a JWT that it signs, in place of their
// passwords.
//
//	platform   ID, code │ name, issuer, audience │ for whom it speaks, how long an assertion may live │ enabled, deleted
//	key        ID │ platform, algorithm │ public key, its address, or a shared secret under the master key │ deleted
//
//	assertion ─▶ which platform? ─▶ which of its keys? ─▶ signature ─▶ claims ─▶ user ─▶ may it speak for that one? ─▶ used before?
//	             (URL, or "iss")    (each: one algorithm)
//
// A platform says who a user is, and no more: what it gets for that is a session token, which has no power over Jeton. It never
// speaks for administrators unless an administrator of Jeton has said so.
//
// The package refuses weak keys when they are registered, keys that another platform has, and assertions that aren't, in every
// respect, what their platform's record says; of why, their sender learns nothing. It doesn't defend the users of a platform
// from that platform.
package platform

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
)

// MaxKeys is how many keys of a platform may live at once: each is one more to try an assertion by.
const MaxKeys = 5

// Platform is a trusted issuer of assertions.
type Platform struct {
	ID        uuid.UUID
	Code      string // 8 characters, in URLs as good as the ID
	Name      string
	Algorithm jose.Algorithm // of keys that are added
	Issuer    string         // what it calls itself beside ID and code; empty for nothing else
	Audience  string         // what it calls Jeton beside Jeton's own URLs; empty for nothing else
	SpeaksFor Scope
	// Administrators says that it may speak for these, too, where they are within SpeaksFor.
	Administrators bool
	CreateUsers    bool          // whether an unknown e-mail makes a user
	NewUserRoles   []string      // whose roles are these; sorted
	MaxLife        time.Duration // how far ahead the end of an assertion may lie, in whole seconds
	OneTime        bool          // whether each assertion counts once; one with a "jti" does anyway
	Enabled        bool
	Version        int64 // raised by each change
	CreatedAt      time.Time
	UpdatedAt      time.Time
	LastUsedAt     time.Time // zero where it was never used; kept to the minute
	LastUsedIP     string
	DeletedAt      time.Time // zero while it lives
}

// Scope says for which users a platform speaks.
type Scope struct {
	All   bool
	Roles []string    // those who have one of them; sorted
	Users []uuid.UUID // and these; a deleted one's ID is nobody else's
}

// Key is a key by which a platform's assertions are checked: the public half, where to read it, or a shared secret.
type Key struct {
	ID         uuid.UUID
	PlatformID uuid.UUID
	Algorithm  jose.Algorithm
	KeyID      string // the "kid" by which the platform names it; empty for the record's ID alone
	PublicKey  string // in PEM; empty for another sort
	JWKSURI    string // https; empty for another sort
	Wrapped    []byte // a shared secret, under the master key; nothing for another sort, and of one that was deleted
	CreatedAt  time.Time
	LastUsedAt time.Time // when it last logged a user in; zero where it never did; kept to the minute
	LastUsedIP string
	DeletedAt  time.Time // zero while it lives
}

// Change is what UpdatePlatform writes.
type Change struct {
	Platform // its Version is the one that is to be changed
	// Repin are keys that have the platform's algorithm from now on.
	Repin []uuid.UUID
	// EndSessions ends the session tokens that the platform has got: it may no longer say what it said.
	EndSessions bool
}

// Store keeps platforms and their keys. A change is durable when its method returns without error. The event's At is the time
// of the change.
type Store interface {
	UsedAssertions
	// AddPlatform adds a platform with its first key. It returns ErrConflict, wrapped in a FieldError that names the field,
	// where a living one has the name or the issuer; ErrConflict alone where the code is taken; and ErrConflict for the field
	// public_key where a living key of any platform is the same.
	AddPlatform(ctx context.Context, p Platform, nameKey string, k Key, ev audit.Event) error
	// Platforms lists living platforms in the order of their canonical names, from the one after the given name.
	Platforms(ctx context.Context, after string, limit int) ([]Platform, error)
	// Platform returns a platform, also a deleted one, or ErrNotFound.
	Platform(ctx context.Context, id uuid.UUID) (Platform, error)
	// PlatformNamed returns the platform of a code, also a deleted one, or the living one of an issuer; or ErrNotFound. A
	// verdict waits for it.
	PlatformNamed(ctx context.Context, name string) (Platform, error)
	// UpdatePlatform writes a living platform if its version is still the given one, and raises that. Where EndSessions is set,
	// it ends the platform's session tokens, with the platform's row of the feed; else it leaves that of its rules, which tells
	// whoever restores a backup from before that they were others then. Else ErrStale, ErrNotFound, or a conflict as
	// AddPlatform has it.
	UpdatePlatform(ctx context.Context, c Change, nameKey string, ev audit.Event) error
	// DeletePlatform leaves a tombstone: name and issuer are free again, ID and code never. Its keys are deleted and its
	// session tokens ended with it, with event and feed. It returns ErrNotFound.
	DeletePlatform(ctx context.Context, id uuid.UUID, ev audit.Event) error
	// AddPlatformKey adds a key of a living platform. It returns ErrNotFound where that doesn't live, ErrConflict where MaxKeys
	// of it live, and ErrConflict for the field public_key as AddPlatform does.
	AddPlatformKey(ctx context.Context, k Key, ev audit.Event) error
	// PlatformKeys returns the keys of a platform, living and deleted, the newest first. A verdict waits for it.
	PlatformKeys(ctx context.Context, platformID uuid.UUID) ([]Key, error)
	// PublicPlatformKeys returns the living keys of all living platforms that are there in PEM.
	PublicPlatformKeys(ctx context.Context) ([]Key, error)
	// DeletePlatformKey ends a living key of a platform and forgets its secret, with event and the key's row of the feed. It
	// returns ErrNotFound.
	DeletePlatformKey(ctx context.Context, platformID, id uuid.UUID, ev audit.Event) error
	// TouchPlatforms stores when platforms and keys of theirs were last used, where that is later than what is stored.
	TouchPlatforms(ctx context.Context, used []authority.Use) error
}

// UsedAssertions keeps which assertions were used.
type UsedAssertions interface {
	// UseAssertion keeps that an assertion was used, until it has ended. It returns ErrConflict where it was used before: of
	// any number at once, on any number of nodes, one succeeds.
	UseAssertion(ctx context.Context, digest [32]byte, until time.Time) error
	// AssertionUsed reports whether an assertion was used, for whoever asks why it is refused. Nothing may be built on its
	// answer: another may use it a moment later.
	AssertionUsed(ctx context.Context, digest [32]byte) (bool, error)
}

// Users are the users whom assertions are about.
type Users interface {
	// Find returns the living user of an ID or name, or ErrNotFound.
	Find(ctx context.Context, idOrName string) (account.User, error)
	// FindByEmail returns the living user whose e-mail that is, or ErrNotFound.
	FindByEmail(ctx context.Context, email string) (account.User, error)
	// Names returns the names of those of the users that live.
	Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
	// Create makes a user, or returns a *authority.FieldError, beside ErrConflict where a name or an e-mail is taken.
	Create(ctx context.Context, d account.Draft, actor audit.Actor) (account.User, error)
}

// KeySets reads the JWK Sets that platforms publish.
type KeySets interface {
	// Check returns what is wrong with the address of a set, without reading it and without repeating it.
	Check(uri string) error
	// Keys returns the keys of the set at an address. The error says that nobody knows.
	Keys(ctx context.Context, uri, kid string) ([]jose.IdentifiedKey, error)
}
