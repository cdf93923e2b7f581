package clientauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// KeyDraft is what a key is made of: one of PublicKey and JWKSURI.
type KeyDraft struct {
	PublicKey string // in PEM
	JWKSURI   string
	// Algorithm may be left empty: RS256, ES256 or EdDSA then, as the key is. With JWKSURI, the set says it.
	Algorithm jose.Algorithm
}

// client returns the living service account of a name or ID. A person is no client: it would have a second credential
// beside its password, which nobody asks it for.
func (c *Clients) client(ctx context.Context, user string) (account.User, error) {
	u, err := c.cfg.Users.Find(ctx, user)
	if err != nil {
		return account.User{}, fmt.Errorf("finding a client: %w", err)
	}
	if u.Kind != account.Service {
		return account.User{}, authority.Field("user", "is a person, and no client", "Make a service account for the program.")
	}
	return u, nil
}

// CreateSecret gives a service account, by its name or ID, one more secret and returns it, this once: MaxSecrets may live.
// Errors are a *authority.FieldError, one beside ErrConflict where there are so many, ErrNotFound, or a store's.
func (c *Clients) CreateSecret(ctx context.Context, user string, actor audit.Actor) (secret.Text, Secret, error) {
	u, err := c.client(ctx, user)
	if err != nil {
		return "", Secret{}, err
	}
	text, err := secret.Make(secret.ClientSecret, c.cfg.Random)
	if err != nil {
		return "", Secret{}, fmt.Errorf("making a client secret: %w", err)
	}
	id, now, err := c.newRecord()
	if err != nil {
		return "", Secret{}, err
	}
	digest := c.cfg.Keyring.Digest(text)
	s := Secret{ID: id, UserID: u.ID, CreatedAt: now, Pepper: digest.Pepper}
	err = c.cfg.Store.AddClientSecret(ctx, s, digest, audit.New(audit.ClientSecretCreate, actor, secretTarget(id, u), now))
	if errors.Is(err, authority.ErrConflict) {
		return "", Secret{}, fmt.Errorf("%w: %w", err, full(MaxSecrets, "client secrets"))
	}
	if err != nil {
		return "", Secret{}, fmt.Errorf("storing a client secret: %w", err)
	}
	return text, s, nil
}

// Secrets returns the living secrets of a service account, the oldest first. Errors are those of CreateSecret.
func (c *Clients) Secrets(ctx context.Context, user string) ([]Secret, error) {
	u, err := c.client(ctx, user)
	if err != nil {
		return nil, err
	}
	return c.cfg.Store.ClientSecrets(ctx, u.ID)
}

// DeleteSecret ends a secret for good, and the access tokens that were got with it. It returns ErrNotFound where the
// account has none of that ID.
func (c *Clients) DeleteSecret(ctx context.Context, user string, id uuid.UUID, actor audit.Actor) error {
	u, err := c.client(ctx, user)
	if err != nil {
		return err
	}
	ev := audit.New(audit.ClientSecretDelete, actor, secretTarget(id, u), c.cfg.Now())
	if err := c.cfg.Store.DeleteClientSecret(ctx, u.ID, id, ev); err != nil {
		return fmt.Errorf("deleting a client secret: %w", err)
	}
	return c.cfg.Applied(ctx)
}

// CreateKey gives a service account one more key by which its assertions are checked; MaxKeys may live. Errors are those
// of CreateSecret: a private key, a weak one, and one that isn't the algorithm's are a *authority.FieldError.
func (c *Clients) CreateKey(ctx context.Context, user string, d KeyDraft, actor audit.Actor) (Key, error) {
	u, err := c.client(ctx, user)
	if err != nil {
		return Key{}, err
	}
	k, err := c.read(d)
	if err != nil {
		return Key{}, err
	}
	if k.ID, k.CreatedAt, err = c.newRecord(); err != nil {
		return Key{}, err
	}
	k.UserID = u.ID
	ev := audit.New(audit.ClientKeyCreate, actor, keyTarget(k.ID, u), k.CreatedAt, "algorithm", string(k.Algorithm), "jwks_uri", k.JWKSURI)
	err = c.cfg.Store.AddClientKey(ctx, k, ev)
	if errors.Is(err, authority.ErrConflict) {
		return Key{}, fmt.Errorf("%w: %w", err, full(MaxKeys, "client keys"))
	}
	if err != nil {
		return Key{}, fmt.Errorf("storing a client key: %w", err)
	}
	return k, nil
}

// Keys returns the living keys of a service account, the oldest first. Errors are those of CreateSecret.
func (c *Clients) Keys(ctx context.Context, user string) ([]Key, error) {
	u, err := c.client(ctx, user)
	if err != nil {
		return nil, err
	}
	return c.cfg.Store.ClientKeys(ctx, u.ID)
}

// DeleteKey ends a key for good, and the access tokens that were got with it. It returns ErrNotFound where the account has
// none of that ID.
func (c *Clients) DeleteKey(ctx context.Context, user string, id uuid.UUID, actor audit.Actor) error {
	u, err := c.client(ctx, user)
	if err != nil {
		return err
	}
	ev := audit.New(audit.ClientKeyDelete, actor, keyTarget(id, u), c.cfg.Now())
	if err := c.cfg.Store.DeleteClientKey(ctx, u.ID, id, ev); err != nil {
		return fmt.Errorf("deleting a client key: %w", err)
	}
	return c.cfg.Applied(ctx)
}

func (c *Clients) newRecord() (uuid.UUID, time.Time, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, time.Time{}, fmt.Errorf("making an ID for a client's credential: %w", err)
	}
	return id, c.cfg.Now().UTC().Truncate(time.Microsecond), nil
}

// read reads the key of a draft.
func (c *Clients) read(d KeyDraft) (Key, error) {
	switch {
	case (d.PublicKey == "") == (d.JWKSURI == ""):
		return Key{}, authority.Field("public_key", "and jwks_uri are both there, or neither is", "Give one of them.")
	case d.JWKSURI == "":
		return readPublicKey(d)
	case d.Algorithm != "":
		return Key{}, authority.Field("algorithm", "stands beside jwks_uri", "Leave it out: the set says it of each key.")
	}
	if err := c.cfg.KeySets.Check(d.JWKSURI); err != nil {
		return Key{}, authority.Field("jwks_uri", err.Error(), "Give an https URL, as https://client.example.com/jwks.json.")
	}
	return Key{JWKSURI: d.JWKSURI}, nil
}

// readPublicKey reads a key in PEM, and brings it into its one form.
func readPublicKey(d KeyDraft) (Key, error) {
	candidates := []jose.Algorithm{d.Algorithm}
	if d.Algorithm == "" {
		candidates = []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA} // of the three sorts of key, a key is of one at most
	}
	var err error
	for _, alg := range candidates {
		var key jose.Key
		if key, err = jose.ParsePEM(alg, []byte(d.PublicKey)); err == nil {
			text, err := key.PEM()
			if err != nil {
				return Key{}, fmt.Errorf("encoding a client's key: %w", err)
			}
			return Key{Algorithm: alg, PublicKey: string(text)}, nil
		}
		if errors.Is(err, jose.ErrWeakKey) || errors.Is(err, jose.ErrPrivateKey) {
			break
		}
	}
	return Key{}, keyFault(err)
}

// keyFault says what is wrong with a key. What jose says of it may quote what was sent, and stays here.
func keyFault(err error) error {
	switch {
	case errors.Is(err, jose.ErrPrivateKey):
		return authority.Field("public_key", "is a private key", "It has been seen now: make a new pair, and give its public half.")
	case errors.Is(err, jose.ErrWeakKey):
		return authority.Field("public_key", "is weak", "Give RSA of 2048 to 4096 bits with the exponent 65537, P-256 or Ed25519.")
	case errors.Is(err, jose.ErrUnknownAlgorithm):
		return authority.Field("algorithm", "is none that a public key has", "Give RS256, RS384, RS512, PS256, PS384, PS512, ES256 or EdDSA, or leave it out.")
	default:
		return authority.Field("public_key", "is no public key of its algorithm in PEM", "Give one block that begins with -----BEGIN PUBLIC KEY-----.")
	}
}

// full says that an account has as many credentials of a sort as may live.
func full(most int, sort string) error {
	return authority.Field("user", fmt.Sprintf("has %d %s already", most, sort), "Delete one that is no longer in use.")
}

func secretTarget(id uuid.UUID, u account.User) audit.Target {
	return audit.Target{Kind: "client_secret", ID: id, Name: u.Username}
}

func keyTarget(id uuid.UUID, u account.User) audit.Target {
	return audit.Target{Kind: "client_key", ID: id, Name: u.Username}
}
