package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/jeton-io/jeton/client"
)

// keyringWait bounds what the keyring is asked. A locked one asks its user for the password, and one that was made for a
// screen waits for that even where there is none.
const keyringWait = 30 * time.Second

// Keyring is a store of secrets that the system keeps for its user. Its methods may take as long as the user needs.
type Keyring interface {
	// Get returns a secret, or ErrNotInKeyring.
	Get(name string) (client.Secret, error)
	// Set stores a secret in place of a former one.
	Set(name string, secret client.Secret) error
	// Delete removes a secret, if it is there.
	Delete(name string) error
}

// ErrNotInKeyring is the error of a secret that a keyring doesn't have.
var ErrNotInKeyring = errors.New("not in the keyring")

// bounded waits for the keyring, but not without end: what is abandoned ends with the process.
func bounded[T any](ctx context.Context, f func() (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(ctx, keyringWait)
	defer cancel()
	value, err := await(limited, f)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", keyringWait)
	}
	return value, err
}

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

// modeError is the error of a file that others than its user can open.
type modeError struct {
	path string
	mode fs.FileMode
}

// Error implements error.
func (e *modeError) Error() string {
	return fmt.Sprintf("%s is open to others: its mode is %#o", e.path, e.mode.Perm())
}

// want is the mode that it should have.
func (e *modeError) want() string {
	if e.mode.IsDir() {
		return "700"
	}
	return "600"
}

// readPrivate reads a file that must be its user's alone. A *modeError says that it isn't.
func readPrivate(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no file", path)
	case info.Mode().Perm()&0o077 != 0:
		return "", &modeError{path, info.Mode()}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	return string(b), err
}

// writePrivate writes a file that is its user's alone, in place of what is there.
func writePrivate(path, text string) error {
	file, err := newTokenFile(path)
	if err != nil {
		return err
	}
	defer file.abandon()
	return file.write(strings.TrimSuffix(text, "\n"))
}

// plainWord is a word that a shell takes as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:%+@=-]+$`)

// shellWord returns a word as a shell takes it, for a command that is to be copied.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
