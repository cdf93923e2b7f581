package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/jeton-io/jeton/client"
)

// Why an API token can't be had from a safe.
var (
	errNotKept  = errors.New("no API token is kept")
	errDamaged  = errors.New("damaged")
	errOtherKey = errors.New("encrypted with another key")
	errNoKey    = errors.New("the key is missing")
	errKeyring  = errors.New("the keyring can't be used")
)

// place is where the key of a token is.
type place string

// The places, as JSON output has them.
const (
	inKeyring place = "keyring"
	inFile    place = "file"
)

// safe keeps API tokens between two runs, one for each Jeton: an age file each, for a key of its own, which the system's
// keyring holds or else a second file.
//
// It defends the token against who gets hold of its file alone: a backup, a repository of settings, a file sent to
// somebody for help. It does not defend it against who acts as the user, and where the key is in a file, not against who
// gets hold of both.
type safe struct {
	dir     string
	keyring Keyring // nil for none
}

// kept is where a token was put.
type kept struct {
	file, keyFile string
	place         place
	why           error // the keyring wasn't used; nil where that was the user's wish
}

// The names of the files: a prefix, the escaped URL, and what the file holds.
const (
	namePrefix = "client-"
	sealedName = ".age"
	keyName    = ".key"
)

// file returns the path of the token for a server. Its name tells the server, so that status needs no key to list it.
func (s *safe) file(server string) string {
	return filepath.Join(s.dir, namePrefix+url.QueryEscape(server)+sealedName)
}

func (s *safe) keyFile(server string) string {
	return strings.TrimSuffix(s.file(server), sealedName) + keyName
}

// servers returns the servers that there are tokens for, in order.
func (s *safe) servers() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for API tokens: %w", err)
	}
	var all []string
	for _, e := range entries {
		name, ours := strings.CutSuffix(e.Name(), sealedName)
		name, prefixed := strings.CutPrefix(name, namePrefix)
		if server, err := url.QueryUnescape(name); ours && prefixed && err == nil {
			all = append(all, server)
		}
	}
	slices.Sort(all)
	return all, nil
}

// put keeps the token for a server, in place of a former one, which stays until the new one is whole. A key that is there
// already is used again: so a run that reads at this moment finds old and new token with a key that fits.
func (s *safe) put(ctx context.Context, server string, token client.Secret, noKeyring bool) (kept, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return kept{}, fmt.Errorf("keeping the API token: %w", err)
	}
	if err := s.private(); err != nil {
		return kept{}, err
	}
	at := kept{file: s.file(server), keyFile: s.keyFile(server), place: inKeyring}
	var key *age.X25519Identity
	if !noKeyring {
		key, at.why = s.keyFromKeyring(ctx, at.file)
	}
	if ctx.Err() != nil {
		return kept{}, ctx.Err()
	}
	if key == nil {
		var err error
		at.place = inFile
		if key, err = s.keyFromFile(at.keyFile); err != nil {
			return kept{}, err
		}
	}
	text, err := seal(key.Recipient(), server+"\n"+token.Reveal()+"\n")
	if err != nil {
		return kept{}, fmt.Errorf("encrypting the API token: %w", err)
	}
	if err := writePrivate(at.file, text); err != nil {
		return kept{}, fmt.Errorf("keeping the API token: %w", err)
	}
	s.dropOtherKey(ctx, at)
	return at, nil
}

// dropOtherKey removes the key of a former token from where it is no longer looked for. What stays is of no use to anybody.
func (s *safe) dropOtherKey(ctx context.Context, at kept) {
	switch {
	case at.place == inKeyring:
		_ = os.Remove(at.keyFile)
	case s.keyring != nil && at.why == nil: // else it can't be asked
		s.deleteKey(ctx, at.file)
	}
}

// private refuses a folder that others can write to: they could put other files in the place of these.
func (s *safe) private() error {
	info, err := os.Stat(s.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errNotKept
	case err != nil:
		return err
	case info.Mode().Perm()&0o022 != 0:
		return &modeError{s.dir, info.Mode()}
	}
	return nil
}

// get returns the token for a server, and where its key is. The error is errNotKept, errDamaged, errOtherKey, errNoKey,
// errKeyring or a *modeError.
func (s *safe) get(ctx context.Context, server string) (client.Secret, place, error) {
	if err := s.private(); err != nil {
		return "", "", err
	}
	text, err := readPrivate(s.file(server))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", errNotKept
	case err != nil:
		return "", "", err
	}
	key, err := readPrivate(s.keyFile(server))
	if err == nil {
		token, err := unseal(text, client.Secret(key), server)
		if !errors.Is(err, errOtherKey) || s.keyring == nil {
			return token, inFile, err
		}
		// A login that moves the key from the one place to the other may be under way.
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	stored, keyringErr := s.ask(ctx, s.file(server))
	switch {
	case keyringErr != nil && err == nil:
		return "", "", errOtherKey
	case keyringErr != nil:
		return "", "", keyringErr
	}
	token, err := unseal(text, stored, server)
	return token, inKeyring, err
}

// remove ends what is kept for a server: first the token, which without its key would still be there to guess at, then
// the key. Neither is read, so that what is damaged can be removed, too.
func (s *safe) remove(ctx context.Context, server string) error {
	err := os.Remove(s.file(server))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errNotKept
	case err != nil:
		return fmt.Errorf("removing the API token: %w", err)
	}
	err = os.Remove(s.keyFile(server))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if s.keyring != nil {
		s.deleteKey(ctx, s.file(server))
	}
	return nil
}

// seal encrypts a text, as ASCII that survives mail and editors.
func seal(to age.Recipient, text string) (string, error) {
	var b bytes.Buffer
	ascii := armor.NewWriter(&b)
	w, err := age.Encrypt(ascii, to)
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(w, text)
	if err = errors.Join(err, w.Close(), ascii.Close()); err != nil {
		return "", err
	}
	return b.String(), nil
}

// unseal decrypts what seal made of a server and its token. The server is compared: a file that was copied over another's
// would otherwise have its token sent to the other server.
func unseal(text string, key client.Secret, server string) (client.Secret, error) {
	ids, err := age.ParseIdentities(strings.NewReader(key.Reveal()))
	if err != nil {
		return "", fmt.Errorf("reading its key: %w", errDamaged) // age's own error may show a part of it
	}
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(text)), ids...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return "", errOtherKey
	}
	if err != nil {
		return "", fmt.Errorf("decrypting the API token: %w", errDamaged)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxSecret))
	of, rest, _ := strings.Cut(string(b), "\n")
	token := strings.TrimSuffix(rest, "\n")
	if err != nil || of != server || token == "" {
		return "", fmt.Errorf("decrypting the API token: %w", errDamaged)
	}
	return client.Secret(token), nil
}
