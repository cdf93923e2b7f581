package clientauth

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/jose"
	"github.com/jeton-io/jeton/internal/keyring"
)

// Users finds the service accounts that are clients.
type Users interface {
	// Find returns the living user of that name or ID, or ErrNotFound.
	Find(ctx context.Context, idOrName string) (account.User, error)
}

// KeySets reads the keys that clients publish themselves.
type KeySets interface {
	// Check returns what is wrong with the address of a set, without reading it.
	Check(uri string) error
	// Keys returns the keys that the set at an address holds, from memory where they were read not long ago; anew where
	// none of those has the kid, though not for each caller who makes one up.
	Keys(ctx context.Context, uri, kid string) ([]jose.IdentifiedKey, error)
}

// Config is what Clients need. Every field is required.
type Config struct {
	Store   Store
	Users   Users
	Keyring *keyring.Keyring
	// Applied returns once this process has heard of every change committed so far.
	Applied func(ctx context.Context) error
	// Audiences are the names by which an assertion may mean Jeton: its issuer, and the addresses that clients call.
	Audiences []string
	// KeySets reads the keys of clients that name an address in the place of a key.
	KeySets KeySets
	Now     func() time.Time
	Random  io.Reader
}

// Clients manages what clients prove themselves by, and proves them. It is safe for concurrent use. Make one with New.
type Clients struct{ cfg Config }

// New returns Clients, or an error where the configuration lacks something.
func New(cfg Config) (*Clients, error) {
	if cfg.Store == nil || cfg.Users == nil || cfg.Keyring == nil || cfg.Applied == nil || len(cfg.Audiences) == 0 || cfg.KeySets == nil || cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("clientauth: Store, Users, Keyring, Applied, Audiences, KeySets, Now and Random are required")
	}
	return &Clients{cfg}, nil
}

// keptUsed is how long after its end it is still known that an assertion was used, for clocks that go wrong.
const keptUsed = 24 * time.Hour

// Prune forgets the used assertions that at some time had ended long since, and returns how many they were.
func (c *Clients) Prune(ctx context.Context, now time.Time) (int64, error) {
	return c.cfg.Store.PruneUsedAssertions(ctx, now.Add(-keptUsed))
}

// Touch implements authority.Toucher.
func (c *Clients) Touch(ctx context.Context, used []authority.Use) error {
	return c.cfg.Store.TouchClientSecrets(ctx, used)
}
