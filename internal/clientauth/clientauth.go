// Package clientauth is how a service account proves itself as an OAuth client (RFC 6749 section 2.3): by a secret, or by
// an assertion that it signs with its own key (private_key_jwt, RFC 7523 section 2.2).
//
//	secret   ID │ user, digest, pepper │ created, last used, deleted        "jtc…", MaxSecrets live at most
//	key      ID │ user, algorithm, public key or its address │ the same     its private half never comes here
//
// The client's name is its user's. A client gets access tokens for itself, and asks about tokens; what it proves itself by
// is no bearer token and opens no API.
package clientauth

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

// How many secrets and keys of a client may live at once. Two secrets let a program be moved from one to the other; keys
// are public, and a client of several machines may have one for each. Each key is one more to try an assertion by.
const (
	MaxSecrets = 2
	MaxKeys    = 5
)

// Secret is what is known of a client's secret. The secret itself is not.
type Secret struct {
	ID         uuid.UUID
	UserID     uuid.UUID
	CreatedAt  time.Time
	DeletedAt  time.Time // zero while it lives
	LastUsedAt time.Time // zero where it was never used; kept to the minute
	LastUsedIP string    // empty where it was never used, or the address wasn't known
	Pepper     int64     // the version under which its digest is stored
}

// Key is a client's key: the public half, or where to read it.
type Key struct {
	ID         uuid.UUID
	UserID     uuid.UUID
	Algorithm  jose.Algorithm // empty with JWKSURI, whose keys say theirs
	PublicKey  string         // in PEM; empty with JWKSURI
	JWKSURI    string         // https; empty with PublicKey
	CreatedAt  time.Time
	DeletedAt  time.Time
	LastUsedAt time.Time
	LastUsedIP string
}

// FoundSecret is a secret that was looked up for a verdict, with the canonical name of its user.
type FoundSecret struct {
	Secret
	UsernameKey string
}

// Store keeps secrets and keys of clients. A change is durable when its method returns without error. The event's At is the
// time of the change.
type Store interface {
	// AddClientSecret adds a secret of a living service account. It returns ErrNotFound where there is no such, and
	// ErrConflict where MaxSecrets of it live.
	AddClientSecret(ctx context.Context, s Secret, d keyring.Digest, ev audit.Event) error
	// ClientSecrets returns the living secrets of a user, the oldest first.
	ClientSecrets(ctx context.Context, userID uuid.UUID) ([]Secret, error)
	// ClientSecretByDigest returns the secret stored under one of the digests, also a deleted one, or ErrNotFound.
	ClientSecretByDigest(ctx context.Context, digests []keyring.Digest) (FoundSecret, error)
	// RedigestClientSecret replaces the digest of a secret that is still stored under the old one.
	RedigestClientSecret(ctx context.Context, id uuid.UUID, old, replacement keyring.Digest) error
	// DeleteClientSecret ends a living secret of a user, with event and feed. It returns ErrNotFound.
	DeleteClientSecret(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error

	// AddClientKey adds a key of a living service account. It returns ErrNotFound where there is no such, and ErrConflict
	// where MaxKeys of it live.
	AddClientKey(ctx context.Context, k Key, ev audit.Event) error
	// ClientKeys returns the living keys of a user, the oldest first.
	ClientKeys(ctx context.Context, userID uuid.UUID) ([]Key, error)
	// ClientKeysByName returns the keys, living and deleted, of the living service account of a canonical name, the newest
	// first, or ErrNotFound.
	ClientKeysByName(ctx context.Context, key string) ([]Key, error)
	// DeleteClientKey ends a living key of a user, with event and feed. It returns ErrNotFound.
	DeleteClientKey(ctx context.Context, userID, id uuid.UUID, ev audit.Event) error

	// UseAssertion keeps that an assertion was used, until it has ended. It returns ErrConflict where it was used before:
	// of any number at once, on any number of nodes, one succeeds.
	UseAssertion(ctx context.Context, digest [32]byte, until time.Time) error
	// PruneUsedAssertions forgets those that had ended before a time, and returns how many.
	PruneUsedAssertions(ctx context.Context, before time.Time) (int64, error)
	// TouchClientSecrets stores when secrets and keys were last used, where that is later than what is stored.
	TouchClientSecrets(ctx context.Context, used []authority.Use) error
}
