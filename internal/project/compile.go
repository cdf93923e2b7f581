package project

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
)

// table is every living project, compiled. It never changes.
type table struct {
	byNumber map[int]*compiled
	byID     map[uuid.UUID]*compiled
}

// compiled is a project as tokens are examined by it: no token waits for the database to be read, nor for a key to be derived anew.
type compiled struct {
	Project
	appKeys func() ([]digest, error)
	sets    []*openSet // the active ones, in the order in which they were made
	limits  limits
}

// limits are those of every proof of a project: alike for tokens of the same application, as far as any of these can be forged. Each is
// made once, since the authority keeps a bounded number of different ones for all credentials. So of a project, maxNames applications
// are told apart: of an application that calls itself otherwise each time, no name is recorded.
type limits struct {
	mu    sync.Mutex
	known map[limitsKey]*authority.Limits
}

type limitsKey struct {
	forgeable   bool
	application string
}

const maxNames = 256

// limitsOf returns the limits of a proof.
func (c *compiled) limitsOf(forgeable bool, application string) *authority.Limits {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	of := limitsKey{forgeable, application}
	if known := c.limits.known[of]; known != nil {
		return known
	}
	if len(c.limits.known) >= maxNames {
		of.application = ""
		if known := c.limits.known[of]; known != nil {
			return known
		}
	}
	made := &authority.Limits{Project: c.ID, From: c.AllowedIPs, WithoutAdmin: forgeable, Application: of.application}
	c.limits.known[of] = made
	return made
}

// openSet is a token set with its cipher, once somebody has asked for that.
type openSet struct {
	TokenSet
	asked  sync.Once
	ready  chan struct{} // closed when there are the cipher or the error
	cipher *sealed.Cipher
	err    error
}

// Reload compiles the projects that the database holds now. On an error the former ones stay in force.
//
// Of a project or set that hasn't changed, what was derived is kept: PBKDF2 may take a good part of a second, and a change of one
// project must not cost that for each of the others. It is derived when the first token asks for it, and so is what can go wrong with
// one project's keys no reason not to hear of the others.
func (p *Projects) Reload(ctx context.Context) error {
	entries, err := p.cfg.Store.AllProjects(ctx)
	if err != nil {
		return fmt.Errorf("reading the projects: %w", err)
	}
	former := p.compiled.Load()
	t := &table{byNumber: make(map[int]*compiled, len(entries)), byID: make(map[uuid.UUID]*compiled, len(entries))}
	for i := range entries {
		c := p.compile(&entries[i], former.byID[entries[i].ID])
		t.byNumber[c.Number], t.byID[c.ID] = c, c
	}
	p.compiled.Store(t)
	return nil
}

// compile compiles a project. The former one is nil where there was none.
func (p *Projects) compile(e *Entry, former *compiled) *compiled {
	c := &compiled{Project: e.Project, limits: limits{known: make(map[limitsKey]*authority.Limits)}}
	if former != nil && former.Version == e.Version {
		c.appKeys = former.appKeys
	} else {
		c.appKeys = sync.OnceValues(func() ([]digest, error) { return p.appKeyDigests(&c.Project) })
	}
	for _, s := range e.Sets {
		if !s.Active {
			continue
		}
		set := former.set(s.ID, s.Version)
		if set == nil {
			set = &openSet{TokenSet: s, ready: make(chan struct{})}
		}
		c.sets = append(c.sets, set)
	}
	return c
}

// set returns the active set of an ID in a version, or nil. So does a nil project.
func (c *compiled) set(id uuid.UUID, version int64) *openSet {
	if c == nil {
		return nil
	}
	for _, s := range c.sets {
		if s.ID == id && s.Version == version {
			return s
		}
	}
	return nil
}

// prepare has the cipher of a set derived, by the first that asks for it.
//
// A million iterations take half a second, and a project may have MaxSets of that. Anybody who sends what is no token asks for them,
// for each project in turn. So a derivation that takes its time goes on by itself, whether or not the caller waits for it, and takes one
// core, however many are asked for. One that takes none isn't kept waiting by another's.
func (p *Projects) prepare(s *openSet) {
	s.asked.Do(func() {
		derive := func() {
			defer close(s.ready)
			s.cipher, s.err = p.cipherOf(&s.TokenSet)
		}
		if s.Iterations == 0 {
			derive()
			return
		}
		go func() {
			p.deriving.Lock()
			defer p.deriving.Unlock()
			derive()
		}()
	})
}

// await returns the cipher of a set that is being prepared. It waits for no longer than the context lasts: a proxy that hears nothing
// for three seconds takes the node for dead.
func (s *openSet) await(ctx context.Context) (*sealed.Cipher, error) {
	select {
	case <-s.ready:
		return s.cipher, s.err
	default:
	}
	select {
	case <-s.ready:
		return s.cipher, s.err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the key of a token set to be derived: %w", ctx.Err())
	}
}

// cipherOf derives the cipher of a token set.
func (p *Projects) cipherOf(s *TokenSet) (*sealed.Cipher, error) {
	key, err := p.cfg.Keyring.UnwrapSecret(s.ID, s.Key)
	if err != nil {
		return nil, fmt.Errorf("unwrapping the key of a token set: %w", err)
	}
	c, err := sealed.New(s.Settings, key)
	if err != nil {
		return nil, fmt.Errorf("preparing the cipher of a token set: %w", err)
	}
	return c, nil
}
