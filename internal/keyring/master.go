package keyring

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jeton-io/jeton/internal/secret"
)

// The master key is the 32 bytes under which all other keys are wrapped. Whoever has it and the database has
// everything; a database without it confirms no guess of a secret.

// NewMasterKey reads a new key from random and returns it with the text to keep it as: Base64 and a line break.
func NewMasterKey(random io.Reader) (key secret.Text, text []byte, err error) {
	b := make([]byte, keySize)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", nil, fmt.Errorf("reading randomness for the master key: %w", err)
	}
	return secret.Text(b), []byte(base64.StdEncoding.EncodeToString(b) + "\n"), nil
}

// ParseMasterKey reads a key: 32 bytes as they are, or as Base64, or as 64 hexadecimal digits; space around is ignored.
// The error says what is wrong without showing any of it.
func ParseMasterKey(text []byte) (secret.Text, error) {
	if len(text) == keySize {
		return secret.Text(text), nil
	}
	trimmed := strings.TrimSpace(string(text))
	if len(trimmed) == hex.EncodedLen(keySize) {
		if b, err := hex.DecodeString(trimmed); err == nil {
			return secret.Text(b), nil
		}
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(trimmed, "="))
	if err != nil || len(b) != keySize {
		return "", errors.New("the master key is not 32 bytes, nor their Base64 (44 characters) or hexadecimal (64 characters) form")
	}
	return secret.Text(b), nil
}

// checkUse is what the check value is derived for.
const checkUse = "jeton master key check 1"

// CheckMaster compares a master key with the check value of a database, and returns ErrWrongMasterKey where that is another
// key's.
func CheckMaster(master secret.Text, stored []byte) error {
	check, err := derive(master, checkUse)
	if err != nil {
		return err
	}
	if !hmac.Equal(stored, []byte(check.Reveal())) {
		return ErrWrongMasterKey
	}
	return nil
}

// ArchiveKey returns the key under which archives are sealed: nobody can make one for a database without its master key.
func ArchiveKey(master secret.Text) (secret.Text, error) {
	return derive(master, "jeton archive seal 1")
}

// derive returns the key that the master key gives for one use.
func derive(master secret.Text, use string) (secret.Text, error) {
	key, err := hkdf.Key(sha256.New, []byte(master.Reveal()), nil, use, keySize)
	if err != nil {
		return "", fmt.Errorf("deriving the %s: %w", use, err)
	}
	return secret.Text(key), nil
}
