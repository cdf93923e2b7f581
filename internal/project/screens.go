package project

import (
	"context"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/secret"
)

// ForgeableWarning is what follows where a token set is forgeable (see sealed.Settings.Forgeable): it is told wherever such a mode is
// chosen or shown.
const ForgeableWarning = "Tokens of this mode can be made from others by somebody who doesn't have the key: it encrypts, and doesn't authenticate. An administrator who is named in one is let in without that role. Choose GCM for whoever can do it."

// SealedText is a token in the three steps of its making.
type SealedText struct {
	Plaintext string
	Base64    string  // encrypted and Base64 encoded
	URL       string  // that, URL encoded: what stands in a URL
	Fields    []Field // what the plaintext says, where it can be read
	Problem   string  // what is wrong with the plaintext, so that it would be refused; empty where nothing is
}

// Field is a field of a token.
type Field struct{ Name, Value string }

// Seal encrypts a text by a living token set, active or not, for the parameter of that name (the security token's where it is empty).
// The text is sealed as it is, good or not. Errors are a *authority.FieldError (plaintext, parameter), ErrNotFound, or a store's.
func (p *Projects) Seal(ctx context.Context, number int, id uuid.UUID, plaintext secret.Text, parameter string) (SealedText, error) {
	return SealedText{}, nil
}

// Unseal decrypts a token by a living token set, active or not. The token is as it stands in a URL, or before it was URL encoded. It is
// for administrators alone: to whoever else could ask, the difference between its answers would be the key to every token. Errors are
// a *authority.FieldError (token, parameter), ErrNotFound, or a store's.
func (p *Projects) Unseal(ctx context.Context, number int, id uuid.UUID, token secret.Text, parameter string) (SealedText, error) {
	return SealedText{}, nil
}
