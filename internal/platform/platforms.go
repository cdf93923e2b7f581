package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Keyring keeps shared secrets under the master key.
type Keyring interface {
	// WrapSecret wraps a secret for the record of the given ID: it opens for no other.
	WrapSecret(id uuid.UUID, text secret.Text) ([]byte, error)
	// UnwrapSecret returns a secret that WrapSecret has wrapped for the record of that ID.
	UnwrapSecret(id uuid.UUID, wrapped []byte) (secret.Text, error)
}

// Config is what Platforms need. Every field is required but Doors.
type Config struct {
	Store   Store
	Users   Users
	Keyring Keyring
	// KeySets reads the keys of platforms that name an address in the place of a key.
	KeySets KeySets
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	// PublicURL is Jeton's own, without a slash at its end.
	PublicURL string
	// Audiences are the further names by which an assertion may mean Jeton.
	Audiences []string
	// Doors are the URLs, each with a slash at its end, below which a platform logs users in at its own ID or code. An assertion
	// may name the one of its platform.
	Doors  []string
	Now    func() time.Time
	Random io.Reader
}

// Platforms enrols platforms and proves their assertions. It is safe for concurrent use. Make one with New.
type Platforms struct {
	cfg Config
	// keyUses are the last uses of keys. The authority notes that a platform was used, and not by which of its keys: that is for whoever
	// moves it from one to the next, and waits until the former is at rest.
	keyUses authority.FurtherUses
}

// New returns Platforms, or an error where the configuration lacks something.
func New(cfg Config) (*Platforms, error) {
	if cfg.Store == nil || cfg.Users == nil || cfg.Keyring == nil || cfg.KeySets == nil || cfg.Applied == nil {
		return nil, errors.New("platform: Store, Users, Keyring, KeySets and Applied are required")
	}
	if cfg.PublicURL == "" || len(cfg.Audiences) == 0 || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("platform: PublicURL, Audiences, Now and Random are required")
	}
	return &Platforms{cfg: cfg}, nil
}

// Find returns the living platform of an ID or code, or ErrNotFound.
func (p *Platforms) Find(ctx context.Context, idOrCode string) (Platform, error) {
	found, err := p.named(ctx, idOrCode)
	if err != nil {
		return Platform{}, err
	}
	if !found.DeletedAt.IsZero() {
		return Platform{}, fmt.Errorf("finding a platform that was deleted: %w", authority.ErrNotFound)
	}
	return found, nil
}

// named returns the platform of an ID or code, also a deleted one, or ErrNotFound. Both are as they were given out, letter by
// letter: what names a platform in one spelling only can't be taken for another's.
func (p *Platforms) named(ctx context.Context, idOrCode string) (Platform, error) {
	if id, ok := parseID(idOrCode); ok {
		return p.cfg.Store.Platform(ctx, id)
	}
	if !isCode(idOrCode) {
		return Platform{}, fmt.Errorf("finding a platform by what is neither ID nor code: %w", authority.ErrNotFound)
	}
	found, err := p.cfg.Store.PlatformNamed(ctx, idOrCode)
	if err == nil && found.Code != idOrCode {
		return Platform{}, fmt.Errorf("finding a platform by its code: %w", authority.ErrNotFound)
	}
	return found, err
}

// issuing returns the platform that calls itself so in an assertion: by ID, code or the issuer of its record. ErrNotFound
// where there is none.
func (p *Platforms) issuing(ctx context.Context, issuer string) (Platform, error) {
	if _, ok := parseID(issuer); ok || isCode(issuer) {
		return p.named(ctx, issuer)
	}
	if checkIssuer(issuer) != nil { // which nobody can have been given
		return Platform{}, fmt.Errorf("finding a platform by its issuer: %w", authority.ErrNotFound)
	}
	return p.cfg.Store.PlatformNamed(ctx, issuer)
}

// Names returns the names of those of the given platforms that there are, deleted ones too.
func (p *Platforms) Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names := make(map[uuid.UUID]string)
	for _, id := range ids {
		if _, known := names[id]; known {
			continue
		}
		switch found, err := p.cfg.Store.Platform(ctx, id); {
		case err == nil:
			names[id] = found.Name
		case !errors.Is(err, authority.ErrNotFound):
			return nil, fmt.Errorf("naming a platform: %w", err)
		}
	}
	return names, nil
}

// parseID reads an ID in the one spelling in which Jeton writes it.
func parseID(text string) (uuid.UUID, bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && id.String() == text
}

// List returns platforms in the order of their canonical names, from the one after the given one of those.
func (p *Platforms) List(ctx context.Context, after string, limit int) ([]Platform, error) {
	return p.cfg.Store.Platforms(ctx, after, limit)
}

// Delete ends a platform for good, with its keys and the session tokens that it has got. It returns ErrNotFound.
func (p *Platforms) Delete(ctx context.Context, idOrCode string, actor audit.Actor) error {
	found, err := p.Find(ctx, idOrCode)
	if err != nil {
		return err
	}
	ev := audit.New(audit.PlatformDelete, actor, found.target(), p.cfg.Now())
	if err := p.cfg.Store.DeletePlatform(ctx, found.ID, ev); err != nil {
		return fmt.Errorf("deleting a platform: %w", err)
	}
	return p.cfg.Applied(ctx)
}

// target names the platform in the audit log, by the name that it has then.
func (p *Platform) target() audit.Target {
	return audit.Target{Kind: "platform", ID: p.ID, Name: p.Name}
}

// now is the time as it is stored: what is returned of a record that was just made is what will be read of it.
func (p *Platforms) now() time.Time { return p.cfg.Now().UTC().Truncate(time.Microsecond) }
