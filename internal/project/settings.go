package project

import (
	"errors"
	"fmt"
	"io"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

// What a setting is that is left out, or blank.
const (
	defaultKeySize  = 256
	defaultIV       = "@1B2c3D4" // XDOC's
	defaultRounds   = 600_000    // of PBKDF2 with SHA-256: OWASP's figure
	defaultRoundsDB = 100        // of PasswordDeriveBytes: .NET's
)

// complete fills in what a token set's settings leave out. What can't be beside what is given stays, to be refused by Check.
func complete(s *sealed.Settings) {
	blank(&s.KeySize, defaultKeySize)
	blank(&s.Derivation, sealed.SHA256)
	switch s.Mode {
	case sealed.GCM:
		blank(&s.IVExpansion, sealed.RandomIV)
	case sealed.CBC:
		blank(&s.Padding, sealed.PKCS7)
		blank(&s.IVExpansion, sealed.UTF16LE)
		if s.IVExpansion != sealed.RandomIV && s.IVExpansion != sealed.Full {
			blank(&s.IV, defaultIV)
		}
	case sealed.ECB:
		blank(&s.Padding, sealed.PKCS7)
	}
	switch s.Derivation {
	case sealed.PBKDF2:
		blank(&s.Hash, "SHA256")
		blank(&s.Iterations, defaultRounds)
	case sealed.PasswordDeriveBytes:
		blank(&s.Hash, "SHA1")
		blank(&s.Iterations, defaultRoundsDB)
	}
}

// blank gives a setting that is empty its default.
func blank[T comparable](to *T, value T) {
	var none T
	if *to == none {
		*to = value
	}
}

// settings returns what a draft says of how tokens are encrypted.
func (d *SetDraft) settings() sealed.Settings {
	s := sealed.Settings{
		Mode: sealed.GCM, IV: d.IV, IVExpansion: sealed.IVExpansion(d.IVExpansion), Derivation: sealed.KeyDerivation(d.KeyDerivation),
		Salt: d.Salt, Hash: d.Hash, Iterations: d.Iterations,
	}
	setMode(&s, d.Mode)
	set(&s.KeySize, d.KeySize)
	set((*string)(&s.Padding), d.Padding)
	complete(&s)
	return s
}

// setMode sets the mode, where it is given: XDOC's blank is CBC.
func setMode(s *sealed.Settings, mode *string) {
	if mode == nil {
		return
	}
	s.Mode = sealed.Mode(*mode)
	blank(&s.Mode, sealed.CBC)
}

// over writes a patch over settings. What belonged to a former mode, or a former way to derive the key, goes, and the IV with a former
// way to make one that has none: an administrator who changes the one thing means the default of the others.
func (patch *SetPatch) over(s *sealed.Settings) {
	former := *s
	setMode(s, patch.Mode)
	if s.Mode != former.Mode {
		s.Padding, s.IV, s.IVExpansion = "", "", ""
	}
	set((*string)(&s.IVExpansion), patch.IVExpansion)
	if s.IVExpansion == sealed.RandomIV || s.IVExpansion == sealed.Full && former.IVExpansion != sealed.Full {
		s.IV = ""
	}
	set((*string)(&s.Derivation), patch.KeyDerivation)
	blank(&s.Derivation, sealed.SHA256)
	if s.Derivation != former.Derivation {
		s.Salt, s.Hash, s.Iterations = "", "", 0
	}
	set(&s.KeySize, patch.KeySize)
	set((*string)(&s.Padding), patch.Padding)
	set(&s.IV, patch.IV)
	set(&s.Salt, patch.Salt)
	set(&s.Hash, patch.Hash)
	set(&s.Iterations, patch.Iterations)
	complete(s)
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

const (
	// madeLength is how many characters a key has that is made here: of 62, these are 256 bits.
	madeLength = 43
	// keyAlphabet is what survives every editor, shell and configuration file.
	keyAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// maxReads bounds how often 64 bytes are asked for, of which about 62 can be used.
	maxReads = 16
)

// newKey makes the text of a key. Where the text is the key itself, it is as long as that, and has fewer bits: six of each eight.
func newKey(s *sealed.Settings, random io.Reader) (secret.Text, error) {
	length := madeLength
	if s.Derivation == sealed.Raw {
		length = s.KeySize / 8
	}
	text := make([]byte, 0, length)
	var buf [64]byte
	for range maxReads {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", fmt.Errorf("reading randomness for a key: %w", err)
		}
		for _, b := range buf {
			if len(text) == length {
				return secret.Text(text), nil
			}
			if b < 248 { // the largest multiple of 62 in a byte: taking the remainder of less keeps every character equally likely
				text = append(text, keyAlphabet[b%62])
			}
		}
	}
	return "", errors.New("the source of randomness yields nothing that a key can be made of")
}
