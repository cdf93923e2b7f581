package project

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// SetDraft is what a token set is made of, in the words of the API. A field that is nil, or empty where it is no pointer, takes the
// default of today. A pointer to nothing is XDOC's blank: a mode of CBC, a padding of PKCS7, a key of 256 bits.
type SetDraft struct {
	Name          string      // 1 to 128 characters on one line, unique in the project in its canonical form
	Active        *bool       // true where nil
	Key           secret.Text // 1 to 1,024 bytes; one is made where it is empty
	KeySize       *int        // in bits; 0 is the blank
	Mode          *string     // GCM where nil
	Padding       *string
	IV            string
	IVExpansion   string
	KeyDerivation string
	Salt          string
	Hash          string
	Iterations    int
	OneTime       bool
}

// SetPatch is a change of a token set; nil fields stay as they are. A pointer to nothing takes the default, or XDOC's blank, as in a
// SetDraft; but a key can't be empty. Where the mode or the derivation of the key changes, what belonged to the former goes, but for
// what is given beside.
type SetPatch struct {
	Version       int64 // that is to be changed; 0 for any
	Name          *string
	Active        *bool
	Key           *secret.Text
	KeySize       *int
	Mode          *string
	Padding       *string
	IV            *string
	IVExpansion   *string
	KeyDerivation *string
	Salt          *string
	Hash          *string
	Iterations    *int
	OneTime       *bool
}

// AddSet gives a project a token set, and returns the text of its key, if it was made here. Errors are a *authority.FieldError for
// what is wrong with the draft, beside ErrConflict where another has the name or there are MaxSets; ErrNotFound where there is no
// such project; or a store's.
func (p *Projects) AddSet(ctx context.Context, number int, d SetDraft, actor audit.Actor) (TokenSet, secret.Text, error) {
	e, err := p.Find(ctx, number)
	if err != nil {
		return TokenSet{}, "", err
	}
	ids, err := newIDs(1)
	if err != nil {
		return TokenSet{}, "", err
	}
	now := p.now()
	s := TokenSet{
		ID: ids[0], ProjectID: e.ID, Name: d.Name, Active: true, Settings: d.settings(), OneTime: d.OneTime, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	set(&s.Active, d.Active)
	key, made := d.Key, secret.Text("")
	if key == "" && sized(&s.Settings) {
		if key, err = newKey(&s.Settings, p.cfg.Random); err != nil {
			return TokenSet{}, "", fmt.Errorf("making a key: %w", err)
		}
		made = key
	}
	if err := p.checkSet(&e, &s, key); err != nil {
		return TokenSet{}, "", err
	}
	if s.Key, err = p.cfg.Keyring.WrapSecret(s.ID, key); err != nil {
		return TokenSet{}, "", fmt.Errorf("wrapping the key of a token set: %w", err)
	}
	ev := audit.New(audit.TokenSetCreate, actor, s.target(), now, append([]string{"project", strconv.Itoa(number)}, s.detail()...)...)
	if err := p.cfg.Store.AddTokenSet(ctx, s, account.Key(s.Name), ev); err != nil {
		return TokenSet{}, "", fmt.Errorf("storing a token set: %w", err)
	}
	return s, made, p.cfg.Applied(ctx)
}

// sized reports whether a key can be made for settings: of another size there is none, which Check will say.
func sized(s *sealed.Settings) bool { return s.KeySize == 128 || s.KeySize == 192 || s.KeySize == 256 }

// checkSet refuses a token set that isn't what its record may be. Every set that is stored passes here, new or changed.
func (p *Projects) checkSet(of *Entry, s *TokenSet, key secret.Text) error {
	if err := account.CheckLabel(s.Name, "Say whose it is."); err != nil {
		return err
	}
	if err := checkSettings(&s.Settings, key); err != nil {
		return err
	}
	return p.checkShared(of, s, key)
}

// anotherKey is what to do where a key serves two modes.
const anotherKey = "Give each mode a key of its own: under one key, the weaker mode gives away what the stronger protects."

// checkShared refuses, for a mode that is authenticated, a key that a set of the project has whose mode isn't, and the other way round.
// GCM encrypts as CTR does: whoever can have texts of his own opened or sealed under the same key by a mode of old learns the key stream
// of GCM, and its authentication key, which is a block of zeros encrypted. Two administrators who add sets in the same moment are not
// held to it.
func (p *Projects) checkShared(of *Entry, s *TokenSet, key secret.Text) error {
	for i := range of.Sets {
		other := &of.Sets[i]
		if other.ID == s.ID || other.Forgeable() == s.Forgeable() {
			continue
		}
		theirs, err := p.keyOf(other)
		if err != nil {
			return err
		}
		if theirs == key {
			return authority.Field("key", "is that of a token set of another mode", anotherKey)
		}
	}
	return nil
}

// keyOf returns the text of a set's key.
func (p *Projects) keyOf(s *TokenSet) (secret.Text, error) {
	key, err := p.cfg.Keyring.UnwrapSecret(s.ID, s.Key)
	if err != nil {
		return "", fmt.Errorf("unwrapping the key of a token set: %w", err)
	}
	return key, nil
}

// FindSet returns a living token set of a project, or ErrNotFound.
func (p *Projects) FindSet(ctx context.Context, number int, id uuid.UUID) (TokenSet, error) {
	_, s, err := p.findSet(ctx, number, id)
	return s, err
}

// findSet returns a living project and a living token set of it, or ErrNotFound.
func (p *Projects) findSet(ctx context.Context, number int, id uuid.UUID) (Entry, TokenSet, error) {
	e, err := p.Find(ctx, number)
	if err != nil {
		return Entry{}, TokenSet{}, err
	}
	for _, s := range e.Sets {
		if s.ID == id {
			return e, s, nil
		}
	}
	return Entry{}, TokenSet{}, fmt.Errorf("finding a token set: %w", authority.ErrNotFound)
}

// UpdateSet changes a token set, if its version is the patch's. It ends the browser sessions that the project's tokens
// began, before it returns. A patch that changes nothing leaves neither event nor version. What encrypted in a mode of old isn't
// to authenticate now: with GCM in its place comes another key. Errors are as those of AddSet, and ErrStale; after one of Applied the
// change is made all the same.
func (p *Projects) UpdateSet(ctx context.Context, number int, id uuid.UUID, patch SetPatch, actor audit.Actor) (TokenSet, error) {
	e, former, err := p.findSet(ctx, number, id)
	if err != nil {
		return TokenSet{}, err
	}
	if patch.Version != 0 && former.Version != patch.Version {
		return TokenSet{}, authority.ErrStale
	}
	changed := former
	set(&changed.Name, patch.Name)
	set(&changed.Active, patch.Active)
	set(&changed.OneTime, patch.OneTime)
	changed.Settings = patch.over(former.Settings)
	before, err := p.keyOf(&former)
	if err != nil {
		return TokenSet{}, err
	}
	key, detail := before, audit.Differences(former.detail(), changed.detail())
	if patch.Key != nil && *patch.Key != key {
		key, detail = *patch.Key, append(detail, "key", "replaced")
	}
	if former.Name != changed.Name {
		detail = append(detail, "name", changed.Name)
	}
	if err := p.checkSet(&e, &changed, key); err != nil {
		return TokenSet{}, err
	}
	if former.Forgeable() && !changed.Forgeable() && key == before {
		return TokenSet{}, authority.Field("key", "is the one that the set had in a mode that doesn't authenticate", anotherKey)
	}
	if len(detail) == 0 {
		return former, nil
	}
	if changed.Key, err = p.cfg.Keyring.WrapSecret(id, key); err != nil {
		return TokenSet{}, fmt.Errorf("wrapping the key of a token set: %w", err)
	}
	changed.UpdatedAt = p.now()
	ev := audit.New(audit.TokenSetUpdate, actor, changed.target(), changed.UpdatedAt, append([]string{"project", strconv.Itoa(number)}, detail...)...)
	if err := p.cfg.Store.UpdateTokenSet(ctx, changed, account.Key(changed.Name), ev); err != nil {
		return TokenSet{}, fmt.Errorf("updating a token set: %w", err)
	}
	changed.Version++
	return changed, p.cfg.Applied(ctx)
}

// DeleteSet ends a token set for good, and forgets its key. It ends the browser sessions that the project's tokens began. It returns
// ErrNotFound.
func (p *Projects) DeleteSet(ctx context.Context, number int, id uuid.UUID, actor audit.Actor) error {
	e, s, err := p.findSet(ctx, number, id)
	if err != nil {
		return err
	}
	ev := audit.New(audit.TokenSetDelete, actor, s.target(), p.cfg.Now(), "project", strconv.Itoa(number))
	if err := p.cfg.Store.DeleteTokenSet(ctx, e.ID, s.ID, ev); err != nil {
		return fmt.Errorf("deleting a token set: %w", err)
	}
	return p.cfg.Applied(ctx)
}

// target names the set in the audit log, by the name that it has then.
func (s *TokenSet) target() audit.Target {
	return audit.Target{Kind: "token_set", ID: s.ID, Name: s.Name}
}

// detail is what the audit log tells of a token set, as pairs of a field and its value. It holds no key. The salt is no
// secret: the API shows it, too.
func (s *TokenSet) detail() []string {
	return []string{
		"active", strconv.FormatBool(s.Active), "mode", string(s.Mode), "key_size", strconv.Itoa(s.KeySize), "padding", string(s.Padding),
		"iv", s.IV, "iv_expansion", string(s.IVExpansion), "key_derivation", string(s.Derivation), "salt", s.Salt, "hash", s.Hash,
		"iterations", strconv.Itoa(s.Iterations), "one_time", strconv.FormatBool(s.OneTime), "forgeable", strconv.FormatBool(s.Forgeable()),
	}
}
