package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"filippo.io/age"

	"github.com/jeton-io/jeton/client"
)

// ask returns a key from the keyring. The error is errNoKey or errKeyring, or that of the context.
func (s *safe) ask(ctx context.Context, name string) (client.Secret, error) {
	if s.keyring == nil {
		return "", fmt.Errorf("%w: there is none", errKeyring)
	}
	key, err := bounded(ctx, func() (client.Secret, error) { return s.keyring.Get(name) })
	switch {
	case err == nil:
		return key, nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, ErrNotInKeyring):
		return "", errNoKey
	}
	return "", fmt.Errorf("%w: %w", errKeyring, err)
}

// deleteKey removes a key from the keyring. Where that fails, it does no harm: nothing is encrypted for it any more.
func (s *safe) deleteKey(ctx context.Context, name string) {
	_, _ = bounded(ctx, func() (struct{}, error) { return struct{}{}, s.keyring.Delete(name) })
}

// keyFromKeyring returns the key of that name, which is made and stored if the keyring lacks it.
func (s *safe) keyFromKeyring(ctx context.Context, name string) (*age.X25519Identity, error) {
	text, err := s.ask(ctx, name)
	if err != nil && !errors.Is(err, errNoKey) {
		return nil, err
	}
	if key, err := age.ParseX25519Identity(strings.TrimSpace(text.Reveal())); err == nil {
		return key, nil
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	_, err = bounded(ctx, func() (struct{}, error) { return struct{}{}, s.keyring.Set(name, client.Secret(key.String())) })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKeyring, err)
	}
	return key, nil
}

// keyFromFile returns the key of a file, which is made if it isn't there or holds none. A file that others can read is
// not used: it is for its user to say what that means.
func (s *safe) keyFromFile(path string) (*age.X25519Identity, error) {
	text, err := readPrivate(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(text) {
		if key, err := age.ParseX25519Identity(strings.TrimSpace(line)); err == nil {
			return key, nil
		}
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	if err := writePrivate(path, "# The key of the .age file of the same name. Keep it to yourself.\n"+key.String()+"\n"); err != nil {
		return nil, fmt.Errorf("keeping the key: %w", err)
	}
	return key, nil
}

// reason returns what the keyring said, without the words of our own before it.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), errKeyring.Error()+": ")
}
