package keyring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jeton-io/jeton/internal/jose"
)

// Purpose is the one kind of token that a signing key is for. A token that one key has signed is never taken for another
// kind, whatever its header says (RFC 8725 section 3.12).
type Purpose string

// The purposes. The schema has no list of them: a new one needs no migration.
const (
	ForAPITokens    Purpose = "api_token"
	ForAccessTokens Purpose = "access_token"
	// ForIdentity is for what the proxy tells an API of its caller, by a token that no client ever has.
	ForIdentity Purpose = "identity"
)

// Purposes returns all purposes.
func Purposes() []Purpose { return []Purpose{ForAPITokens, ForAccessTokens, ForIdentity} }

// Type returns the "typ" of the tokens that keys of the purpose sign, empty where there is no such purpose.
func (p Purpose) Type() string {
	switch p {
	case ForAPITokens:
		return "api+jwt"
	case ForAccessTokens:
		return "at+jwt" // RFC 9068 section 2.1
	case ForIdentity:
		return "identity+jwt"
	default:
		return ""
	}
}

// algorithm returns the algorithm of a purpose's first key, unless the configuration says otherwise. API tokens are kept
// by programs that may be old, and are checked by Jeton alone; access tokens are short and many, and whoever checks them
// reads a JWKS.
func (p Purpose) algorithm() jose.Algorithm {
	if p == ForAPITokens {
		return jose.RS256
	}
	return jose.ES256
}

// algorithm returns the algorithm that is configured for the keys of a purpose.
func (k *Keyring) algorithm(p Purpose) jose.Algorithm {
	return cmp.Or(k.cfg.Algorithms[p], p.algorithm())
}

// SigningAlgorithms returns the algorithms that a signing key may have. A shared secret is not among them: who can check
// could sign.
func SigningAlgorithms() []jose.Algorithm {
	return []jose.Algorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
}

// Algorithms returns those that the keys of a purpose may have. That of identity tokens is one, for whoever checks these to
// name it and take no other (RFC 8725 section 3.1); it is also the one that signs fast and that every library knows.
func (p Purpose) Algorithms() []jose.Algorithm {
	if p == ForIdentity {
		return []jose.Algorithm{jose.ES256}
	}
	return SigningAlgorithms()
}

// KeyState is what a signing key may still do.
type KeyState string

// The states, in the order in which a key goes through them. There is no way back.
const (
	KeyActive  KeyState = "active"  // signs and verifies; each purpose has one such key
	KeyRetired KeyState = "retired" // verifies what it has signed
	KeyRevoked KeyState = "revoked" // is refused; its private part is gone
)

// SigningKey is what is known of a signing key. Its private part is not.
type SigningKey struct {
	ID        string // "kid": see jose.NewKeyID
	Purpose   Purpose
	Algorithm jose.Algorithm
	Key       jose.Key // checks signatures; the zero Key once it is revoked
	CreatedAt time.Time
	RetiredAt time.Time // zero while it is active, and where it was revoked without having been retired
	RevokedAt time.Time // zero while it isn't revoked
}

// State returns what the key may still do.
func (s *SigningKey) State() KeyState {
	switch {
	case !s.RevokedAt.IsZero():
		return KeyRevoked
	case !s.RetiredAt.IsZero():
		return KeyRetired
	default:
		return KeyActive
	}
}

// WrappedSigningKey is a signing key as it is stored.
type WrappedSigningKey struct {
	ID        string
	Purpose   Purpose
	Algorithm jose.Algorithm
	Wrapped   []byte // the private key in PKCS#8, wrapped; none once it is revoked
	CreatedAt time.Time
	RetiredAt time.Time
	RevokedAt time.Time
}

// label binds a wrapped signing key to its place. Who can write in the database can't pass one key off as another, have it
// sign by another algorithm, nor have it speak for another kind of token. No part holds a space, so no two labels of
// different keys are the same.
func (w *WrappedSigningKey) label() []byte {
	return []byte("signing key " + w.ID + " " + string(w.Purpose) + " " + string(w.Algorithm))
}

// The kinds of refusal of a "kid". Callers of Jeton never learn which it was; the audit log does.
var (
	// ErrUnknownKey says that there never was such a signing key.
	ErrUnknownKey = errors.New("unknown signing key")
	// ErrRevokedKey says that the signing key was revoked. Whoever names it hasn't shown that it ever had a token of it.
	ErrRevokedKey = errors.New("revoked signing key")
)

// signingKeys are all signing keys as of one moment. They are never changed, but replaced as a whole.
type signingKeys struct {
	all      []SigningKey // the newest first
	byID     map[string]*SigningKey
	byHeader map[string]Purpose // by the header that a key's tokens begin with
	active   map[Purpose]activeKey
}

// activeKey is a key that signs.
type activeKey struct {
	id     string
	signer jose.Signer
}

// SigningKey returns the key of a "kid", which is its sender's to choose, active or retired. What it may sign is for the
// caller to compare: Purpose with its own, Purpose.Type with the token's "typ". It returns ErrUnknownKey or ErrRevokedKey.
// It reads memory alone, takes no lock and allocates nothing.
func (k *Keyring) SigningKey(kid string) (SigningKey, error) {
	if !jose.ValidKeyID(kid) {
		return SigningKey{}, ErrUnknownKey
	}
	found, ok := k.signing.Load().byID[kid]
	switch {
	case !ok:
		return SigningKey{}, ErrUnknownKey
	case !found.RevokedAt.IsZero():
		return SigningKey{}, ErrRevokedKey
	}
	return *found, nil
}

// SigningKeys returns every signing key that there ever was, the newest first. Those that are not revoked are what a JWKS
// publishes: also the retired, whose tokens live on.
func (k *Keyring) SigningKeys() []SigningKey { return slices.Clone(k.signing.Load().all) }

// readSigningKeys unwraps the signing keys of the database.
func (k *Keyring) readSigningKeys(ctx context.Context) (*signingKeys, error) {
	wrapped, err := k.cfg.Store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	keys := &signingKeys{
		all: make([]SigningKey, len(wrapped)), byID: make(map[string]*SigningKey, len(wrapped)),
		byHeader: make(map[string]Purpose, len(wrapped)), active: make(map[Purpose]activeKey),
	}
	for i := range wrapped {
		w := &wrapped[i]
		s := &keys.all[i]
		*s = SigningKey{
			ID: w.ID, Purpose: w.Purpose, Algorithm: w.Algorithm, CreatedAt: w.CreatedAt, RetiredAt: w.RetiredAt, RevokedAt: w.RevokedAt,
		}
		keys.byID[s.ID] = s
		keys.byHeader[jose.Header{Algorithm: s.Algorithm, KeyID: s.ID, Type: s.Purpose.Type()}.Encode()] = s.Purpose
		if s.State() == KeyRevoked {
			continue
		}
		signer, err := k.open(w)
		if err != nil {
			return nil, err
		}
		s.Key = signer.Key()
		if s.State() == KeyActive {
			keys.active[s.Purpose] = activeKey{s.ID, signer}
		}
	}
	return keys, nil
}

// open unwraps a signing key. The public half comes from what was sealed, too: were it stored beside, who can write in the
// database could put in its own.
func (k *Keyring) open(w *WrappedSigningKey) (jose.Signer, error) {
	der, err := k.unseal(w.Wrapped, w.label())
	if err != nil {
		return jose.Signer{}, fmt.Errorf("opening signing key %q: %w", w.ID, err)
	}
	signer, err := jose.ParseSigner(w.Algorithm, der)
	if err != nil {
		return jose.Signer{}, fmt.Errorf("opening signing key %q: %w", w.ID, err)
	}
	return signer, nil
}
