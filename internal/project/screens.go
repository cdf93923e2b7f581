package project

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/jeton-io/jeton/internal/authority"
	"github.com/jeton-io/jeton/internal/sealed"
	"github.com/jeton-io/jeton/internal/secret"
)

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

// maxText bounds a text that is sealed, in bytes: what is longer is no token (see sealed.ParseFields).
const maxText = 8 * 1024

// Seal encrypts a text by a living token set, active or not, for the parameter of that name (the security token's where it is empty).
// The text is sealed as it is, good or not. Errors are a *authority.FieldError (plaintext, parameter), ErrNotFound, or a store's.
func (p *Projects) Seal(ctx context.Context, number int, id uuid.UUID, plaintext secret.Text, parameter string) (SealedText, error) {
	set, cipher, bound, err := p.screen(ctx, number, id, parameter)
	if err != nil {
		return SealedText{}, err
	}
	if len(plaintext) > maxText {
		return SealedText{}, authority.Field("plaintext", "is longer than 8 KiB", "A token has a few fields.")
	}
	text := []byte(plaintext.Reveal())
	token, err := cipher.Seal(p.cfg.Random, text, bound)
	if err != nil && (set.Padding == sealed.Zeros || set.Padding == sealed.NoPadding) {
		return SealedText{}, authority.Field("plaintext", "can't be sealed by this token set: "+err.Error(), "Choose another padding for the set, or fill the text up.")
	}
	if err != nil {
		return SealedText{}, fmt.Errorf("sealing a text: %w", err)
	}
	return shownText(text, token), nil
}

// Unseal decrypts a token by a living token set, active or not. The token is as it stands in a URL, or before it was URL encoded. It is
// for administrators alone: to whoever else could ask, the difference between its answers would be the key to every token. Errors are
// a *authority.FieldError (token, parameter), ErrNotFound, or a store's.
func (p *Projects) Unseal(ctx context.Context, number int, id uuid.UUID, token secret.Text, parameter string) (SealedText, error) {
	_, cipher, bound, err := p.screen(ctx, number, id, parameter)
	if err != nil {
		return SealedText{}, err
	}
	if len(token) > 2*maxText {
		return SealedText{}, authority.Field("token", "is longer than 16 KiB", "Give one token, without the parameter's name.")
	}
	raw, ok := sealed.DecodeQuery(token.Reveal())
	if !ok {
		return SealedText{}, authority.Field("token", "isn't Base64, URL encoded or not", "Give it as it stands in the URL, without the parameter's name.")
	}
	text, sound := cipher.Open(raw, bound)
	if sound != 1 {
		return SealedText{}, authority.Field("token", "doesn't open by this token set", "Compare key, mode, padding, IV and key derivation with those of the application; with GCM, the project and the parameter, too.")
	}
	return shownText(text, raw), nil
}

// screen returns a living token set with its cipher, and to what a token for a parameter is bound.
func (p *Projects) screen(ctx context.Context, number int, id uuid.UUID, parameter string) (TokenSet, *sealed.Cipher, string, error) {
	names := p.cfg.Parameters
	if parameter == "" {
		parameter = names.Security
	}
	if parameter != names.Security && parameter != names.User {
		return TokenSet{}, nil, "", authority.Field("parameter", "is neither "+names.Security+" nor "+names.User, "")
	}
	e, s, err := p.findSet(ctx, number, id)
	if err != nil {
		return TokenSet{}, nil, "", err
	}
	cipher, err := p.cipherNow(e.ID, &s)
	return s, cipher, sealed.Bound(number, parameter), err
}

// cipherNow returns the cipher of a token set as it is now in the database: that which the calls have, where it is the same.
func (p *Projects) cipherNow(projectID uuid.UUID, s *TokenSet) (*sealed.Cipher, error) {
	if known := p.compiled.Load().byID[projectID].set(s.ID, s.Version); known != nil {
		return known.cipher()
	}
	return p.cipherOf(s)
}

// shownText shows a token in the steps of its making, and what would be read of it.
func shownText(text, token []byte) SealedText {
	shown := SealedText{Plaintext: string(text)}
	shown.Base64, shown.URL = sealed.Encode(token)
	fields, err := sealed.ParseFields(text)
	if err != nil {
		shown.Problem = err.Error()
	}
	for _, f := range fields {
		shown.Fields = append(shown.Fields, Field(f))
	}
	return shown
}
