package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"filippo.io/age"

	"github.com/jeton-io/jeton/internal/secret"
)

// ErrLocked says that what was given doesn't open an archive: it is encrypted to somebody else, or with another passphrase.
var ErrLocked = errors.New("the archive doesn't open with what was given")

// Recipients are those who can open a file: whoever has the identity of one of the recipients, or the passphrase.
type Recipients struct {
	Keys       []string    // of age, each "age1…"
	Passphrase secret.Text // stands alone, in place of keys
}

// prepare returns the recipients as age has them, with the identity by which a file that was just written is read back. To
// keys it adds one of its own, made for this one file and kept in memory alone: the holders of the others needn't be there.
// Beside a passphrase age allows no other recipient.
func (r Recipients) prepare() ([]age.Recipient, age.Identity, error) {
	switch {
	case (len(r.Keys) > 0) == (r.Passphrase != ""):
		return nil, nil, errors.New("an archive is encrypted either to recipients or with a passphrase")
	case r.Passphrase != "":
		return withPassphrase(r.Passphrase)
	}
	var all []age.Recipient
	hybrid := 0
	for _, key := range r.Keys {
		// What isn't understood isn't repeated: it may be the identity, given by mistake.
		parsed, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil || len(parsed) != 1 {
			return nil, nil, errors.New("a recipient isn't the public key of an age identity, which begins with age1")
		}
		if _, ok := parsed[0].(*age.HybridRecipient); ok {
			hybrid++
		}
		all = append(all, parsed[0])
	}
	switch hybrid {
	case 0:
		own, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, nil, fmt.Errorf("making a key: %w", err)
		}
		return append(all, own.Recipient()), own, nil
	case len(all):
		own, err := age.GenerateHybridIdentity()
		if err != nil {
			return nil, nil, fmt.Errorf("making a key: %w", err)
		}
		return append(all, own.Recipient()), own, nil
	}
	return nil, nil, errors.New("recipients of the post-quantum form, age1pq1…, can't stand beside others, whose form would be the weaker")
}

func withPassphrase(passphrase secret.Text) ([]age.Recipient, age.Identity, error) {
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, nil, fmt.Errorf("using the passphrase: %w", err)
	}
	identity, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return nil, nil, fmt.Errorf("using the passphrase: %w", err)
	}
	return []age.Recipient{recipient}, identity, nil
}

// Identities are what opens a file.
type Identities struct {
	Keys       secret.Text // the text of an age identity file: a key a line, or a comment
	Passphrase secret.Text // in place of keys
}

func (i Identities) parse() ([]age.Identity, error) {
	if (i.Keys != "") == (i.Passphrase != "") {
		return nil, errors.New("an archive is opened either by an identity or by a passphrase")
	}
	if i.Passphrase != "" {
		identity, err := age.NewScryptIdentity(i.Passphrase.Reveal())
		return []age.Identity{identity}, err
	}
	parsed, err := age.ParseIdentities(strings.NewReader(i.Keys.Reveal()))
	if err != nil { // age's error might repeat what it couldn't read
		return nil, errors.New("the identity file holds something else than age identities, each a line that begins with AGE-SECRET-KEY-1")
	}
	return parsed, nil
}

// decrypt returns what age has encrypted.
func decrypt(from io.Reader, identities []age.Identity) (io.Reader, error) {
	const intro = "age-encryption.org/"
	buffered := bufio.NewReaderSize(from, 64<<10)
	if begin, err := buffered.Peek(len(intro)); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if string(begin) != intro {
		return nil, fmt.Errorf("%w: age hasn't encrypted it", ErrForeign)
	}
	plain, err := age.Decrypt(buffered, identities...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrLocked
	}
	return plain, damage(err)
}

// damage says of an error of reading that what was read isn't as it was written, if it isn't the disk that failed.
func damage(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok || err == nil || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// damaging is a reader whose errors tell of damage.
type damaging struct{ from io.Reader }

// Read implements io.Reader.
func (d damaging) Read(p []byte) (int, error) {
	n, err := d.from.Read(p)
	if err == io.EOF { // itself, and not what tells of an end that came too early
		return n, err
	}
	return n, damage(err)
}
