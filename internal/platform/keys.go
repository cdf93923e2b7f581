package platform

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// KeyDraft is what a key is made of: one of PublicKey, JWKSURI and Secret, or none of them, and it is made here.
type KeyDraft struct {
	Algorithm jose.Algorithm // the platform's where empty
	PublicKey string         // in PEM: one block, SPKI or PKCS#1
	JWKSURI   string         // of a JWK Set (RFC 7517 section 5), https
	Secret    secret.Text    // whose bytes are the key: as many as the hash has at least, 1,024 at most
	KeyID     string         // the "kid" by which the platform names it, if it does; 255 bytes at most
}

// Made is a key that was added, and what the platform must have of it where it was made here: shown once, and not kept.
type Made struct {
	Key        Key
	PrivateKey secret.Text // in PEM, PKCS#1 for RSA and PKCS#8 for others
	Secret     secret.Text
}

// defaultAlgorithm is that of BitCanuck's platforms, as their guide has it.
const defaultAlgorithm = jose.RS512

// secretBytes is how many random bytes a secret that is made here has, whatever its hash: as many as that of HS512, below which
// RFC 7518 section 3.2 allows none.
const secretBytes = 64

// maxSecret bounds a secret that is given, in bytes. What is longer than the hash's block is hashed to less first (RFC 2104
// section 2), so that more adds nothing.
const maxSecret = 1024

// sort is what keys of some algorithms have in common, so that one can be used by another of these. PSS isn't offered, although jose
// knows it: BitCanuck's platforms choose among six algorithms, and whoever can do better has ES256 and EdDSA.
type sort uint8

const (
	noSort sort = iota
	sortRSA
	sortEC
	sortEdwards
	sortSecret
)

// sortOf returns the sort of an algorithm's keys, noSort for what platforms aren't offered.
func sortOf(alg jose.Algorithm) sort {
	switch alg {
	case jose.RS256, jose.RS384, jose.RS512:
		return sortRSA
	case jose.ES256:
		return sortEC
	case jose.EdDSA:
		return sortEdwards
	case jose.HS256, jose.HS384, jose.HS512:
		return sortSecret
	default:
		return noSort
	}
}

// checkAlgorithm refuses what platforms aren't offered, "none" among it (RFC 8725 section 3.2). Whatever passes here is written into
// a record, and the record alone decides by what an assertion is checked.
func checkAlgorithm(alg jose.Algorithm) error {
	if sortOf(alg) == noSort {
		return authority.Field("algorithm", "is none that a platform can have", "Give RS512, RS384, RS256, ES256, EdDSA, HS512, HS384 or HS256.")
	}
	return nil
}

// newKey makes a key of a draft, for a platform whose keys have an algorithm where the draft has none. All that can be seen of a key's
// weakness is seen here, once: what is stored is checked no more than by what it signs.
func (p *Platforms) newKey(ctx context.Context, platformID uuid.UUID, alg jose.Algorithm, d KeyDraft) (Made, error) {
	if d.Algorithm != "" {
		alg = d.Algorithm
	}
	if err := checkAlgorithm(alg); err != nil {
		return Made{}, err
	}
	if err := checkText("kid", d.KeyID); err != nil {
		return Made{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Made{}, fmt.Errorf("making an ID for a platform's key: %w", err)
	}
	m := Made{Key: Key{ID: id, PlatformID: platformID, Algorithm: alg, KeyID: d.KeyID, CreatedAt: p.now()}}
	switch given := d.given(); {
	case given > 1:
		return Made{}, authority.Field("public_key", "stands beside jwks_uri or secret, or these beside each other", "Give one of them.")
	case given == 0 && alg.Symmetric():
		err = p.makeSecret(&m)
	case given == 0:
		err = p.makePair(&m)
	case d.JWKSURI != "":
		err = p.setAddress(&m.Key, d)
	case d.Secret != "":
		err = p.shareSecret(ctx, &m.Key, d.Secret)
	default:
		err = p.readPublicKey(ctx, &m.Key, d.PublicKey)
	}
	return m, err
}

// given counts the sources of a key. Two of them are refused rather than one preferred: whoever gives both means one, and would not
// be told which counts.
func (d *KeyDraft) given() (n int) {
	for _, there := range []bool{d.PublicKey != "", d.JWKSURI != "", d.Secret != ""} {
		if there {
			n++
		}
	}
	return n
}

// makePair makes a pair here, for whoever can't make one: the private half is handed out, and nothing of it stays. It is the lesser
// way, since the half that nobody but the platform should ever have had passes through Jeton, and the hands of an administrator.
func (p *Platforms) makePair(m *Made) error {
	signer, err := jose.GenerateSigner(m.Key.Algorithm, p.cfg.Random)
	if err != nil {
		return err
	}
	public, err := signer.Key().PEM()
	if err != nil {
		return err
	}
	write := signer.PKCS8PEM
	if sortOf(m.Key.Algorithm) == sortRSA {
		write = signer.PKCS1PEM
	}
	private, err := write()
	if err != nil {
		return err
	}
	m.Key.PublicKey, m.PrivateKey = string(public), secret.Text(private)
	return nil
}

// makeSecret makes a shared secret here. Its text is the key, of which there is nothing to decode: of base64url it only has the
// letters.
func (p *Platforms) makeSecret(m *Made) (err error) {
	random := make([]byte, secretBytes)
	if _, err := io.ReadFull(p.cfg.Random, random); err != nil {
		return fmt.Errorf("reading randomness for a shared secret: %w", err)
	}
	m.Secret = secret.Text(base64.RawURLEncoding.EncodeToString(random))
	m.Key.Wrapped, err = p.cfg.Keyring.WrapSecret(m.Key.ID, m.Secret)
	return err
}

// setAddress takes the address of a set. The set isn't read yet: the platform may publish it later, and who enrols a platform should
// not have to wait for another's server.
func (p *Platforms) setAddress(k *Key, d KeyDraft) error {
	if k.Algorithm.Symmetric() {
		return authority.Field("jwks_uri", "is for public keys, which "+string(k.Algorithm)+" hasn't", "Give a secret, or another algorithm.")
	}
	if d.KeyID != "" {
		return authority.Field("kid", "stands beside jwks_uri", "Leave it out: the set names its keys.")
	}
	if err := p.cfg.KeySets.Check(d.JWKSURI); err != nil {
		return authority.Field("jwks_uri", err.Error(), "Give an https URL, as https://partner.example.com/jwks.json.")
	}
	k.JWKSURI = d.JWKSURI
	return nil
}

// shareSecret takes a secret that the platform has chosen. Two platforms must not have the same: an assertion need not say whose
// it is, and each would speak for the other. HMAC fills a key up with NULs (RFC 2104 section 2), so that with one more it is the same.
func (p *Platforms) shareSecret(ctx context.Context, k *Key, text secret.Text) error {
	plain := text.Reveal()
	switch {
	case !k.Algorithm.Symmetric():
		return authority.Field("secret", "stands beside an algorithm of public keys", "Give HS512, HS384 or HS256, or a public key.")
	case len(plain) > maxSecret:
		return authority.Field("secret", "is longer than 1,024 bytes", "Give a shorter one.")
	case plain != strings.TrimSpace(plain):
		return authority.Field("secret", "begins or ends with a space or a line break", "Leave it out: each byte counts.")
	case strings.Contains(plain, "\x00"):
		return authority.Field("secret", "holds a NUL", "Give text.")
	case isPublicKey(plain):
		return authority.Field("secret", "is a public key, which everybody may have", "Give it as public_key, with RS512, ES256 or EdDSA.")
	}
	if _, err := jose.NewSecretKey(k.Algorithm, []byte(plain)); err != nil {
		return secretFault(err)
	}
	shared, err := p.isShared(ctx, text)
	if err != nil {
		return err
	}
	if shared {
		return fmt.Errorf("%w: %w", authority.ErrConflict, authority.Field("secret", "is that of another key", "Make a new one, at random."))
	}
	k.Wrapped, err = p.cfg.Keyring.WrapSecret(k.ID, text)
	return err
}

// secretFault says what is wrong with a shared secret. A key in PEM is no secret: that it is taken for one is how an HMAC comes to be
// keyed with what everybody has (RFC 8725 section 2.1).
func secretFault(err error) error {
	if errors.Is(err, jose.ErrWeakKey) {
		return authority.Field("secret", "is too short: "+jose.Problem(err), "Make one at random, or leave it out and have one made here.")
	}
	return authority.Field("secret", "is a key in PEM, which everybody may have", "Give it as public_key, with RS512, ES256 or EdDSA.")
}

// secretKey returns the key of a shared secret, for an algorithm. It is opened for each check and stays with none: a database that is
// read without the master key forges no assertion.
func (p *Platforms) secretKey(k *Key, alg jose.Algorithm) (jose.Key, error) {
	text, err := p.cfg.Keyring.UnwrapSecret(k.ID, k.Wrapped)
	if err != nil {
		return jose.Key{}, fmt.Errorf("opening a platform's secret: %w", err)
	}
	return jose.NewSecretKey(alg, []byte(text.Reveal()))
}

// readPublicKey reads a key in PEM, and brings it into its one form (SPKI), so that the same key in another spelling is the same
// text, of which the store keeps one alive. What is weak is refused by package jose: RSA below 2048 bits (RFC 7518 section 3.3) or
// above 4096, which only costs time; another exponent than 65537; a modulus with a small factor, or of the make that ROCA breaks
// (CVE-2017-15361); a point that isn't on the curve. What two keys have in common is looked for here.
func (p *Platforms) readPublicKey(ctx context.Context, k *Key, text string) error {
	if k.Algorithm.Symmetric() {
		return authority.Field("public_key", "is no secret, and "+string(k.Algorithm)+" needs one", "Give RS512, ES256 or EdDSA, as the key is.")
	}
	key, err := jose.ParsePEM(k.Algorithm, []byte(text))
	if err != nil {
		return keyFault(err)
	}
	form, err := key.PEM()
	if err != nil {
		return fmt.Errorf("encoding a platform's key: %w", err)
	}
	k.PublicKey = string(form)
	return p.checkApart(ctx, key, k.PublicKey)
}

// keyFault says what is wrong with a public key. Of what jose says, only its own words are told: others may quote the key.
func keyFault(err error) error {
	switch {
	case errors.Is(err, jose.ErrPrivateKey):
		return authority.Field("public_key", "is a private key", "It has been seen now: make a new pair, and give its public half.")
	case errors.Is(err, jose.ErrWeakKey):
		return authority.Field("public_key", "is weak: "+jose.Problem(err), "Make a new pair: RSA of 2048 to 4096 bits with the exponent 65537, P-256 or Ed25519.")
	case jose.Problem(err) != "":
		return authority.Field("public_key", "can't be used: "+jose.Problem(err), "Give one PEM block that begins with -----BEGIN PUBLIC KEY-----; RSA is for RS512, RS384 and RS256, P-256 for ES256, Ed25519 for EdDSA.")
	default:
		return authority.Field("public_key", "can't be read", "Give one PEM block that begins with -----BEGIN PUBLIC KEY-----.")
	}
}

// Keys returns the living keys of a platform, the oldest first, or ErrNotFound.
func (p *Platforms) Keys(ctx context.Context, idOrCode string) ([]Key, error) {
	found, err := p.Find(ctx, idOrCode)
	if err != nil {
		return nil, err
	}
	return p.livingKeys(ctx, found.ID)
}

// livingKeys returns the keys of a platform that count, the oldest first.
func (p *Platforms) livingKeys(ctx context.Context, id uuid.UUID) ([]Key, error) {
	keys, err := p.cfg.Store.PlatformKeys(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of a platform: %w", err)
	}
	keys = slices.DeleteFunc(keys, func(k Key) bool { return !k.DeletedAt.IsZero() })
	slices.Reverse(keys)
	return keys, nil
}

// AddKey gives a platform one more key: so it goes from one to the next, with both good for a while. MaxKeys may live. Errors are a
// *authority.FieldError for what is wrong with the draft, beside ErrConflict where another key is the same or where there are so
// many; ErrNotFound; or a store's.
func (p *Platforms) AddKey(ctx context.Context, idOrCode string, d KeyDraft, actor audit.Actor) (Made, error) {
	found, err := p.Find(ctx, idOrCode)
	if err != nil {
		return Made{}, err
	}
	m, err := p.newKey(ctx, found.ID, found.Algorithm, d)
	if err != nil {
		return Made{}, err
	}
	ev := audit.New(audit.PlatformKeyCreate, actor, keyTarget(m.Key.ID, &found), m.Key.CreatedAt, append([]string{"platform", found.ID.String()}, m.Key.detail()...)...)
	err = p.cfg.Store.AddPlatformKey(ctx, m.Key, ev)
	if _, told := errors.AsType[*authority.FieldError](err); errors.Is(err, authority.ErrConflict) && !told {
		return Made{}, fmt.Errorf("%w: %w", err, authority.Field("keys", fmt.Sprintf("are %d already", MaxKeys), "Delete one that is no longer in use."))
	}
	if err != nil {
		return Made{}, fmt.Errorf("storing a platform's key: %w", err)
	}
	return m, nil
}

// detail is what the audit log tells of a key.
func (k *Key) detail() []string {
	return []string{"algorithm", string(k.Algorithm), "kid", k.KeyID, "jwks_uri", k.JWKSURI, "sort", k.kind()}
}

// kind says in a word what a key is.
func (k *Key) kind() string {
	switch {
	case k.JWKSURI != "":
		return "published"
	case k.PublicKey != "":
		return "public"
	default:
		return "shared"
	}
}

// DeleteKey ends a key for good: what it signs is refused from then on. The session tokens that the platform has got go on. It
// returns ErrNotFound where the platform has none of that ID.
func (p *Platforms) DeleteKey(ctx context.Context, idOrCode string, id uuid.UUID, actor audit.Actor) error {
	found, err := p.Find(ctx, idOrCode)
	if err != nil {
		return err
	}
	ev := audit.New(audit.PlatformKeyDelete, actor, keyTarget(id, &found), p.cfg.Now(), "platform", found.ID.String())
	if err := p.cfg.Store.DeletePlatformKey(ctx, found.ID, id, ev); err != nil {
		return fmt.Errorf("deleting a platform's key: %w", err)
	}
	return p.cfg.Applied(ctx)
}

func keyTarget(id uuid.UUID, of *Platform) audit.Target {
	return audit.Target{Kind: "platform_key", ID: id, Name: of.Name}
}
