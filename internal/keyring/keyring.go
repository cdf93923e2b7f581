// Package keyring keeps the keys under which Jeton's secrets lie.
//
//	master key ──HKDF──▶ wrapping key ──AES-256-GCM──▶ peppers and signing keys, in the database
//	(file or environment,
//	 never in the database)
//
// A pepper is the HMAC key under which opaque secrets are stored. Peppers have versions, so that one can be replaced:
// at most two live at a time, and what is found under the older is digested anew under the newer.
//
// A signing key makes the tokens that Jeton signs itself. It has one algorithm and one kind of token, and is active, then
// retired, and revoked when it must go at once: see [SigningKey].
//
// A check value, stored at the first start, tells a node that was given another master key: it refuses to start,
// before it writes something that its siblings can't read. The package also refuses a master key of the wrong length,
// a pepper or signing key that doesn't open, a database that has lost its peppers, and to go on without randomness. It
// doesn't defend against somebody who has the master key and the database: that one signs what Jeton signs.
package keyring

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/secret"
)

// ErrWrongMasterKey says that the database was made with another master key.
var ErrWrongMasterKey = errors.New("this is not the master key that the database was made with")

// errNoPepper says that the database holds no pepper: it is new, or no longer what it was.
var errNoPepper = errors.New("the database holds no pepper")

// WrappedPepper is a pepper as it is stored.
type WrappedPepper struct {
	Version   int64 // from 1, never reused
	Wrapped   []byte
	CreatedAt time.Time
}

// Store keeps wrapped keys.
type Store interface {
	// MasterCheck returns the check value, or nothing where none was stored yet.
	MasterCheck(ctx context.Context) ([]byte, error)
	// SetMasterCheck stores the check value if there is none, and returns the one that is stored then.
	SetMasterCheck(ctx context.Context, check []byte) ([]byte, error)
	// Peppers returns the live peppers, the newest first.
	Peppers(ctx context.Context) ([]WrappedPepper, error)
	// AddPepper stores a pepper with its event. It returns ErrConflict where its version is taken.
	AddPepper(ctx context.Context, p WrappedPepper, ev audit.Event) error

	// SigningKeys returns every signing key that there ever was, the newest first.
	SigningKeys(ctx context.Context) ([]WrappedSigningKey, error)
	// HasSigningKey reports whether there is, or was, a signing key of that kid. A verdict waits for it.
	HasSigningKey(ctx context.Context, kid string) (bool, error)
	// AddSigningKey stores a new active key and retires the former one of its purpose in the same transaction, with event
	// and feed. The former is named by its kid, which is empty where the purpose has no active key. It returns ErrStale
	// where another is the active one, and ErrConflict where the new kid is taken.
	AddSigningKey(ctx context.Context, key WrappedSigningKey, former string, ev audit.Event) error
	// RevokeSigningKey revokes a key and deletes its private part, with event and feed. An active key needs a successor,
	// which is stored as the active one in the same transaction; a retired one has none, and the successor is then the zero
	// key. It returns ErrStale where a successor is missing or not wanted, and ErrNotFound where there is no such key, or it
	// was revoked before.
	RevokeSigningKey(ctx context.Context, kid string, successor WrappedSigningKey, ev audit.Event) error
}

// Config is what a Keyring needs. Every field is required, but for Algorithms and Applied.
type Config struct {
	Store  Store
	Master secret.Text // 32 bytes: see ParseMasterKey
	// Algorithms are those with which the first key of each purpose is made, and to which Conform rotates. A purpose that
	// isn't among them has its own: RS256 for API tokens, ES256 for access tokens and for identity tokens, which have no other.
	Algorithms map[Purpose]jose.Algorithm
	// Applied returns once this process has heard of every change committed so far, and has forgotten what rested on a
	// revoked key. Without it, no key is revoked.
	Applied func(ctx context.Context) error
	Now     func() time.Time
	Random  io.Reader // safe for concurrent use where tokens are signed concurrently
}

// Digest is the stored form of an opaque secret: its HMAC under the pepper of a version.
type Digest struct {
	Pepper int64
	Sum    secret.Sum
}

// Keyring holds unwrapped keys. It is safe for concurrent use. Open one with Open.
type Keyring struct {
	cfg     Config // but for Master, of which nothing is kept
	wrap    cipher.AEAD
	tickets cipher.AEAD
	peppers atomic.Pointer[[]pepper] // the newest first
	signing atomic.Pointer[signingKeys]

	reloading sync.Mutex // one reload at a time: else one that began before a revocation could undo the one after it
	changing  sync.Mutex // one change of signing keys at a time in this process
}

type pepper struct {
	version int64
	key     *secret.Pepper
}

// keySize is the size of every key here, in bytes.
const keySize = 32

// maxPeppers is how many peppers may live at a time; a look-up asks for the digests under all of them.
const maxPeppers = 2

// Open checks the master key against the database and unwraps what is there; on a new database it makes the first
// pepper. It returns ErrWrongMasterKey where the check value is another key's.
func Open(ctx context.Context, cfg Config) (*Keyring, error) {
	if cfg.Store == nil || cfg.Now == nil || cfg.Random == nil || len(cfg.Master) != keySize {
		return nil, errors.New("keyring: Store, Now, Random and a Master key of 32 bytes are required")
	}
	for p, alg := range cfg.Algorithms {
		if p.Type() == "" || !slices.Contains(p.Algorithms(), alg) {
			return nil, fmt.Errorf("keyring: Algorithms has %q for %q, which no key of that purpose can have", alg, p)
		}
	}
	k := &Keyring{cfg: cfg}
	k.cfg.Master, k.cfg.Algorithms = "", maps.Clone(cfg.Algorithms)
	k.peppers.Store(new([]pepper))
	k.signing.Store(new(signingKeys))
	var err error
	if k.wrap, err = cipherFor(cfg.Master, "jeton wrapping key 1"); err != nil {
		return nil, err
	}
	if k.tickets, err = cipherFor(cfg.Master, "jeton ticket key 1"); err != nil {
		return nil, err
	}
	if err := k.checkMaster(ctx, cfg.Master); err != nil {
		return nil, err
	}
	if err = k.Reload(ctx); errors.Is(err, errNoPepper) {
		err = k.addFirst(ctx)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// addFirst makes the first pepper, or takes that of another node which starts at the same time and was faster.
func (k *Keyring) addFirst(ctx context.Context) error {
	err := k.AddPepper(ctx, audit.Actor{})
	if errors.Is(err, authority.ErrConflict) {
		return k.Reload(ctx)
	}
	return err
}

func (k *Keyring) checkMaster(ctx context.Context, master secret.Text) error {
	check, err := derive(master, checkUse)
	if err != nil {
		return err
	}
	stored, err := k.cfg.Store.MasterCheck(ctx)
	if err == nil && len(stored) == 0 {
		stored, err = k.cfg.Store.SetMasterCheck(ctx, []byte(check.Reveal()))
	}
	if err != nil {
		return fmt.Errorf("reading the master key's check value: %w", err)
	}
	return CheckMaster(master, stored)
}

// Reload reads peppers and signing keys from the database: at the start, and when the change feed tells of one. On an
// error, the former ones stay.
func (k *Keyring) Reload(ctx context.Context) error {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	peppers, err := k.readPeppers(ctx)
	if err != nil {
		return err
	}
	signing, err := k.readSigningKeys(ctx)
	if err != nil {
		return err
	}
	k.peppers.Store(&peppers)
	k.signing.Store(signing)
	return nil
}

func (k *Keyring) readPeppers(ctx context.Context) ([]pepper, error) {
	wrapped, err := k.cfg.Store.Peppers(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading peppers: %w", err)
	}
	if len(wrapped) == 0 {
		return nil, errNoPepper
	}
	peppers := make([]pepper, 0, len(wrapped))
	for _, w := range wrapped {
		key, err := k.unseal(w.Wrapped, label(w.Version))
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("pepper %d doesn't open with this master key", w.Version)
		}
		peppers = append(peppers, pepper{w.Version, secret.NewPepper(key)})
	}
	return peppers, nil
}

// AddPepper makes a new pepper, under which all that is issued from now on is stored. It returns ErrConflict where two
// live already: the older must go first, and what lies under it with it.
func (k *Keyring) AddPepper(ctx context.Context, actor audit.Actor) error {
	live := *k.peppers.Load()
	if len(live) >= maxPeppers {
		return fmt.Errorf("adding a pepper while %d live: %w", len(live), authority.ErrConflict)
	}
	w := WrappedPepper{Version: 1, CreatedAt: k.cfg.Now()}
	if len(live) > 0 {
		w.Version = live[0].version + 1
	}
	key := make([]byte, keySize)
	if _, err := io.ReadFull(k.cfg.Random, key); err != nil {
		return fmt.Errorf("reading randomness for a pepper: %w", err)
	}
	var err error
	if w.Wrapped, err = k.seal(key, label(w.Version)); err != nil {
		return err
	}
	ev := audit.New(audit.PepperCreate, actor, audit.Target{Kind: "pepper"}, w.CreatedAt, "version", strconv.FormatInt(w.Version, 10))
	if err = k.cfg.Store.AddPepper(ctx, w, ev); err != nil {
		return fmt.Errorf("adding a pepper: %w", err)
	}
	return k.Reload(ctx)
}

// cipherFor returns the cipher under the key that the master key gives for one use.
func cipherFor(master secret.Text, use string) (cipher.AEAD, error) {
	key, err := derive(master, use)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher([]byte(key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("making the cipher under the %s: %w", use, err)
	}
	return cipher.NewGCM(block)
}

// seal wraps a key under the wrapping key.
func (k *Keyring) seal(key, label []byte) ([]byte, error) { return k.sealBy(k.wrap, key, label) }

// sealBy returns a nonce, then what is sealed. The label isn't stored; who opens it has to give the same.
func (k *Keyring) sealBy(by cipher.AEAD, text, label []byte) ([]byte, error) {
	nonce := make([]byte, by.NonceSize())
	if _, err := io.ReadFull(k.cfg.Random, nonce); err != nil {
		return nil, fmt.Errorf("reading randomness for sealing: %w", err)
	}
	return by.Seal(nonce, nonce, text, label), nil
}

// errSealed says that a wrapped key is not what seal returned, or was sealed for another place or by another master key.
var errSealed = errors.New("it doesn't open with this master key")

// unseal unwraps a key.
func (k *Keyring) unseal(wrapped, label []byte) ([]byte, error) {
	return unsealBy(k.wrap, wrapped, label)
}

func unsealBy(by cipher.AEAD, sealed, label []byte) ([]byte, error) {
	n := by.NonceSize()
	if len(sealed) < n {
		return nil, errSealed
	}
	text, err := by.Open(nil, sealed[:n], sealed[n:], label)
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}

// Seal seals what this server, or another of the same master key, is to get back from somebody else unread and unchanged, as between
// two steps of a log-in. The label says what it is for: it opens for nothing else. How long it counts is for its content to say.
//
// Tickets lie under a key of their own: anybody who logs in has one made, and the nonces of a key are drawn at random, which is good
// for some billions of them.
func (k *Keyring) Seal(label string, text secret.Text) ([]byte, error) {
	return k.sealBy(k.tickets, []byte(text.Reveal()), []byte(label))
}

// Unseal opens what Seal has sealed under the same label. Anything else is refused by an error that says no more.
func (k *Keyring) Unseal(label string, sealed []byte) (secret.Text, error) {
	text, err := unsealBy(k.tickets, sealed, []byte(label))
	return secret.Text(text), err
}

// WrapSecret wraps a secret that others have a share in, as the key of a platform's HMAC, for the record of the given ID: it opens
// for no other.
func (k *Keyring) WrapSecret(id uuid.UUID, text secret.Text) ([]byte, error) {
	return k.seal([]byte(text.Reveal()), sharedLabel(id))
}

// UnwrapSecret returns a secret that WrapSecret has wrapped for the record of that ID.
func (k *Keyring) UnwrapSecret(id uuid.UUID, wrapped []byte) (secret.Text, error) {
	text, err := k.unseal(wrapped, sharedLabel(id))
	return secret.Text(text), err
}

func sharedLabel(id uuid.UUID) []byte { return []byte("shared secret " + id.String()) }

// label binds a wrapped key to its place: one pepper can't be passed off as another.
func label(version int64) []byte { return []byte("pepper " + strconv.FormatInt(version, 10)) }

// Digest returns the form in which a new secret is stored.
func (k *Keyring) Digest(text secret.Text) Digest {
	newest := (*k.peppers.Load())[0]
	return Digest{newest.version, newest.key.Digest(text)}
}

// Pepper returns the version of the pepper under which new secrets are stored.
func (k *Keyring) Pepper() int64 { return (*k.peppers.Load())[0].version }

// Digests returns the forms in which a secret that was presented may be stored, the newest first.
func (k *Keyring) Digests(text secret.Text) []Digest {
	live := *k.peppers.Load()
	all := make([]Digest, len(live))
	for i, p := range live {
		all[i] = Digest{p.version, p.key.Digest(text)}
	}
	return all
}

// Sums returns the same without the peppers' versions.
func (k *Keyring) Sums(text secret.Text) [][32]byte {
	digests := k.Digests(text)
	sums := make([][32]byte, len(digests))
	for i := range digests {
		sums[i] = digests[i].Sum
	}
	return sums
}
