package keyring

import (
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
