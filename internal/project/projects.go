package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/audit"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// Keyring keeps the keys of token sets, and app keys, under the master key.
type Keyring interface {
	// WrapSecret wraps a secret for the record of the given ID: it opens for no other.
	WrapSecret(id uuid.UUID, text secret.Text) ([]byte, error)
	// UnwrapSecret returns a secret that WrapSecret has wrapped for the record of that ID.
	UnwrapSecret(id uuid.UUID, wrapped []byte) (secret.Text, error)
}

// Config is what Projects need. Every field is required.
type Config struct {
	Store   Store
	Users   Users
	Keyring Keyring
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	// Revision returns the revision of the change feed up to which this process has heard, Reload included.
	Revision func() int64
	// Parameters are the names under which tokens come. A token of an authenticated mode counts under its own alone.
	Parameters authority.Parameters
	Now        func() time.Time
	// Pause returns when a time has passed, or the context has ended; at once for none, or less.
	Pause  func(ctx context.Context, d time.Duration)
	Random io.Reader
}

// Projects manages projects and proves their tokens. It is safe for concurrent use. Make one with New; it knows no project until
// Reload.
type Projects struct {
	cfg      Config
	compiled atomic.Pointer[table]
	failures failures
	// setUses are the last uses of token sets by which user tokens were opened. The authority notes that of the set that stands in the
	// proof, which may be another.
	setUses  authority.FurtherUses
	work     work
	deriving sync.Mutex // is held while a key is derived that takes its time
}

// New returns Projects, or an error where the configuration lacks something.
func New(cfg Config) (*Projects, error) {
	if cfg.Store == nil || cfg.Users == nil || cfg.Keyring == nil || cfg.Applied == nil || cfg.Revision == nil || cfg.Now == nil || cfg.Pause == nil || cfg.Random == nil {
		return nil, errors.New("project: Store, Users, Keyring, Applied, Revision, Now, Pause and Random are required")
	}
	if n := cfg.Parameters; n.Security == "" || n.User == "" || n.Context == "" || n.Project == "" {
		return nil, errors.New("project: Parameters must all have names")
	}
	p := &Projects{cfg: cfg}
	p.compiled.Store(&table{})
	return p, nil
}

// List returns living projects in the order of their numbers, from the one after the given one.
func (p *Projects) List(ctx context.Context, after, limit int) ([]Project, error) {
	return p.cfg.Store.Projects(ctx, after, limit)
}

// Find returns the living project of a number with its living token sets, or ErrNotFound.
func (p *Projects) Find(ctx context.Context, number int) (Entry, error) {
	return p.cfg.Store.Project(ctx, number)
}

// ProjectID returns the ID of the living project of a number, or ErrNotFound.
func (p *Projects) ProjectID(ctx context.Context, number int) (uuid.UUID, error) {
	e, err := p.Find(ctx, number)
	return e.ID, err
}

// AccountOf returns the number of the living project whose service account has that ID, as far as this process has heard.
func (p *Projects) AccountOf(userID uuid.UUID) (number int, ok bool) {
	for number, c := range p.compiled.Load().byNumber {
		if c.ServiceAccount == userID {
			return number, true
		}
	}
	return 0, false
}

// Delete ends a project for good, with its token sets, its service account, and the browser sessions that its tokens began. It
// returns ErrNotFound.
func (p *Projects) Delete(ctx context.Context, number int, actor audit.Actor) error {
	e, err := p.Find(ctx, number)
	if err != nil {
		return err
	}
	at := p.now()
	own := audit.Target{Kind: "user", ID: e.ServiceAccount, Name: accountName(e.Number)}
	err = p.cfg.Store.DeleteProject(ctx, e.ID, audit.New(audit.ProjectDelete, actor, e.target(), at), audit.New(audit.UserDelete, actor, own, at))
	if err != nil {
		return fmt.Errorf("deleting a project: %w", err)
	}
	return p.cfg.Applied(ctx)
}

// target names the project in the audit log, by the name that it has then.
func (p *Project) target() audit.Target {
	return audit.Target{Kind: "project", ID: p.ID, Name: p.Name}
}

// now is the time as it is stored: what is returned of a record that was just made is what will be read of it.
func (p *Projects) now() time.Time { return p.cfg.Now().UTC().Truncate(time.Microsecond) }
