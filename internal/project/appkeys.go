package project

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/account"
	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/secret"
)

// An app key is a text that a token must hold where its project has any: XDOC's way to take one application's tokens from it while
// others go on, though all have the key of the seal. It stands in the token, so that whoever can open a token of an application has its
// app key, too. So it is no more than a name that its owner doesn't publish; but as others keep passwords in it, it is kept as a secret.

const (
	maxAppKeys      = 16
	maxAppKeyLength = 256 // characters
)

// digest is the SHA-256 of an app key, or of what a token says. Digests are all of one length, so that comparing them tells nothing of
// a key's.
type digest = [sha256.Size]byte

// checkAppKeys refuses app keys that no token could hold.
func checkAppKeys(keys []secret.Text) error {
	if len(keys) > maxAppKeys {
		return authority.Field("app_keys", "are more than "+strconv.Itoa(maxAppKeys), "Make a project of its own for some of the applications.")
	}
	seen := make(map[digest]bool, len(keys))
	for i, k := range keys {
		field, text := "app_keys["+strconv.Itoa(i)+"]", k.Reveal()
		sum := sha256.Sum256([]byte(text))
		switch {
		case text == "":
			return authority.Field(field, "is empty", "Leave it out.")
		case utf8.RuneCountInString(text) > maxAppKeyLength:
			return authority.Field(field, "is longer than 256 characters", "Give a shorter one.")
		case !account.OneLine(text):
			return authority.Field(field, "holds control or invisible characters", "Give printable text on one line.")
		case seen[sum]:
			return authority.Field(field, "stands there twice", "Leave one out.")
		}
		seen[sum] = true
	}
	return nil
}

// wrapAppKeys returns app keys as they are stored: nothing where there are none.
func (p *Projects) wrapAppKeys(id uuid.UUID, keys []secret.Text) ([]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	revealed := make([]string, len(keys))
	for i, k := range keys {
		revealed[i] = k.Reveal()
	}
	list, err := json.Marshal(revealed)
	if err != nil {
		return nil, fmt.Errorf("listing app keys: %w", err)
	}
	wrapped, err := p.cfg.Keyring.WrapSecret(id, secret.Text(list))
	if err != nil {
		return nil, fmt.Errorf("wrapping app keys: %w", err)
	}
	return wrapped, nil
}

// appKeysOf returns a project's app keys.
func (p *Projects) appKeysOf(of *Project) ([]secret.Text, error) {
	if len(of.AppKeys) == 0 {
		return nil, nil
	}
	list, err := p.cfg.Keyring.UnwrapSecret(of.ID, of.AppKeys)
	if err != nil {
		return nil, fmt.Errorf("unwrapping app keys: %w", err)
	}
	var revealed []string
	if err := json.Unmarshal([]byte(list.Reveal()), &revealed); err != nil {
		return nil, fmt.Errorf("reading app keys: %w", err)
	}
	keys := make([]secret.Text, len(revealed))
	for i, text := range revealed {
		keys[i] = secret.Text(text)
	}
	return keys, nil
}

// appKeyDigests returns the digests of a project's app keys.
func (p *Projects) appKeyDigests(of *Project) ([]digest, error) {
	keys, err := p.appKeysOf(of)
	digests := make([]digest, len(keys))
	for i, k := range keys {
		digests[i] = sha256.Sum256([]byte(k.Reveal()))
	}
	return digests, err
}
