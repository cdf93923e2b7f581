package project

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// settings returns what a draft says of how tokens are encrypted.
func (d *SetDraft) settings() sealed.Settings {
	c := sealed.Choice{
		KeySize: d.KeySize, Mode: d.Mode, Padding: d.Padding, IV: d.IV, IVExpansion: d.IVExpansion, Derivation: d.KeyDerivation,
		Salt: d.Salt, Hash: d.Hash, Iterations: d.Iterations,
	}
	return c.Settings()
}

// over returns settings with a patch over them. What belonged to a former mode, or a former way to derive the key, goes, and the IV with
// a former way to make one that had none: an administrator who changes the one thing means the default of the others.
func (patch *SetPatch) over(s sealed.Settings) sealed.Settings {
	mode, padding, size := string(s.Mode), string(s.Padding), s.KeySize
	c := sealed.Choice{
		KeySize: &size, Mode: &mode, Padding: &padding, IV: s.IV, IVExpansion: string(s.IVExpansion), Derivation: string(s.Derivation),
		Salt: s.Salt, Hash: s.Hash, Iterations: s.Iterations,
	}
	set(&mode, patch.Mode)
	mode = cmp.Or(mode, string(sealed.CBC)) // XDOC's blank
	if mode != string(s.Mode) {
		padding, c.IV, c.IVExpansion = "", "", ""
	}
	former := c.IVExpansion
	set(&c.IVExpansion, patch.IVExpansion)
	if c.IVExpansion != former && (lengthOf(c.IVExpansion) != lengthOf(former)) {
		c.IV = ""
	}
	set(&c.Derivation, patch.KeyDerivation)
	c.Derivation = cmp.Or(c.Derivation, string(sealed.SHA256))
	if c.Derivation != string(s.Derivation) {
		c.Salt, c.Hash, c.Iterations = "", "", 0
	}
	set(&size, patch.KeySize)
	set(&padding, patch.Padding)
	set(&c.IV, patch.IV)
	set(&c.Salt, patch.Salt)
	set(&c.Hash, patch.Hash)
	set(&c.Iterations, patch.Iterations)
	return c.Settings()
}

// lengthOf is how many characters an IV has that is expanded in a way.
func lengthOf(expansion string) int {
	switch sealed.IVExpansion(expansion) {
	case sealed.RandomIV:
		return 0
	case sealed.Full:
		return 16
	default:
		return 8
	}
}

// checkSettings refuses settings by which nothing could be opened as it was meant, as a field of the API.
func checkSettings(s *sealed.Settings, key secret.Text) error {
	err := s.Check(key)
	if setting, ok := errors.AsType[*sealed.SettingError](err); ok {
		return authority.Field(setting.Setting, setting.Problem, setting.Fix)
	}
	if err != nil {
		return fmt.Errorf("checking the settings of a token set: %w", err)
	}
	return nil
}

// madeLength is how many characters a key has that is made here: 256 bits.
const madeLength = 43

// newKey makes the text of a key. Where the text is the key itself, it is as long as that, and has fewer bits: six of each eight.
func newKey(s *sealed.Settings, random io.Reader) (secret.Text, error) {
	length := madeLength
	if s.Derivation == sealed.Raw {
		length = s.KeySize / 8
	}
	return secret.Random(length, random)
}
