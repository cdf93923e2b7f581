package cli

import (
	"context"

	"github.com/jeton-io/jeton/client"
)

// For tests: what stands behind Process and Run.
var (
	Hidden           = hidden
	CalledAs         = calledAs
	Hangup           = hangup
	Meant            = meant
	Meanings         = meanings
	NewSystemKeyring = newSystemKeyring
	ShellWord        = shellWord

	ErrNotKept  = errNotKept
	ErrDamaged  = errDamaged
	ErrOtherKey = errOtherKey
	ErrNoKey    = errNoKey
	ErrKeyring  = errKeyring
)

// Safe is a safe.
type Safe struct{ safe }

func NewSafe(dir string, keyring Keyring) *Safe { return &Safe{safe{dir: dir, keyring: keyring}} }

// Put returns where the key was put, and why not in the keyring.
func (s *Safe) Put(ctx context.Context, server string, token client.Secret, noKeyring bool) (string, error, error) {
	at, err := s.put(ctx, server, token, noKeyring)
	return string(at.place), at.why, err
}

func (s *Safe) Get(ctx context.Context, server string) (client.Secret, string, error) {
	token, at, err := s.get(ctx, server)
	return token, string(at), err
}

func (s *Safe) Remove(ctx context.Context, server string) error { return s.remove(ctx, server) }

func (s *Safe) Servers() ([]string, error) { return s.servers() }
